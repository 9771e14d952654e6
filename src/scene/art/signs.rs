//! The faces of the twelve signs, after the Vienna Convention on Road Signs and Signals.

use super::pen::Step::{C, L, M};
use super::pen::{Ends, Ink, Pen, arc, circle, regular, rounded, scaled_about};
use super::{Art, FACE_SIDE, glyphs};

pub(super) const RED: Ink = [193, 18, 28];
pub(super) const BLUE: Ink = [15, 82, 165];
pub(super) const YELLOW: Ink = [250, 192, 16];
pub(super) const WHITE: Ink = [244, 244, 240];
pub(super) const BLACK: Ink = [24, 24, 26];

/// Radius of a round face; what is left is a transparent margin, so that edges stay smooth.
pub(super) const RADIUS: f32 = 0.48;

fn finish(pen: Pen, outline: Vec<[f32; 2]>) -> Art {
    Art::new(FACE_SIDE, pen.into_texels(), outline)
}

/// Octagon "STOP". `bold` is the stroke of the letters, `rim` the width of the white border, 0 for none.
pub(super) fn stop(rim: f32, letter_height: f32, bold: f32, field: Ink) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = rounded(&regular(8, 0.5, 0.5, 0.515, 22.5), 0.02);
    if rim > 0.0 {
        pen.polygon(&outline, WHITE);
    }
    pen.polygon(&scaled_about(&outline, 0.5, 0.5, 1.0 - rim), field);
    glyphs::write(&mut pen, "STOP", [0.5, 0.5], letter_height, bold, WHITE);
    finish(pen, outline)
}

/// Inverted triangle, white (or yellow) with a red border.
pub(super) fn give_way(border: f32, field: Ink) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let corners = [[-0.03, 0.06], [1.03, 0.06], [0.5, 0.978]];
    let outline = rounded(&corners, 0.09);
    pen.polygon(&outline, WHITE);
    pen.polygon(&scaled_about(&outline, 0.5, 0.366, 0.97), RED);
    pen.polygon(&rounded(&scaled_about(&corners, 0.5, 0.366, 1.0 - border), 0.03), field);
    finish(pen, outline)
}

/// Red disc with a white bar.
pub(super) fn no_entry(half_length: f32, half_height: f32) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = circle(0.5, 0.5, RADIUS);
    pen.polygon(&outline, WHITE);
    pen.disc(0.5, 0.5, RADIUS * 0.965, RED);
    let (x, y) = (half_length, half_height);
    pen.polygon(
        &rounded(&[[0.5 - x, 0.5 - y], [0.5 + x, 0.5 - y], [0.5 + x, 0.5 + y], [0.5 - x, 0.5 + y]], 0.012),
        WHITE,
    );
    finish(pen, outline)
}

/// White disc, red ring, digits.
pub(super) fn speed_limit(digits: &str, ring: f32, bold: f32) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = circle(0.5, 0.5, RADIUS);
    pen.polygon(&outline, WHITE);
    pen.disc(0.5, 0.5, RADIUS * 0.975, RED);
    pen.disc(0.5, 0.5, RADIUS * (1.0 - ring), WHITE);
    let height = if digits.len() > 2 { 0.34 } else { 0.45 - 0.1 * ring };
    glyphs::write(&mut pen, digits, [0.5, 0.5], height, bold, BLACK);
    finish(pen, outline)
}

fn square_panel(pen: &mut Pen, ink: Ink) -> Vec<[f32; 2]> {
    let outline = rounded(&[[0.03, 0.03], [0.97, 0.03], [0.97, 0.97], [0.03, 0.97]], 0.06);
    pen.polygon(&outline, WHITE);
    pen.polygon(&scaled_about(&outline, 0.5, 0.5, 0.955), ink);
    outline
}

/// Blue square, white triangle, a figure that walks to the left (or the right) over a crossing.
pub(super) fn pedestrian_crossing(to_the_right: bool) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = square_panel(&mut pen, BLUE);
    pen.polygon(&rounded(&[[0.5, 0.09], [0.935, 0.86], [0.065, 0.86]], 0.03), WHITE);
    let side = |p: [f32; 2]| if to_the_right { [1.0 - p[0], p[1]] } else { p };
    for stripe in 0..5 {
        let x = 0.2 + 0.135 * stripe as f32;
        pen.polygon(
            &[side([x, 0.83]), side([x + 0.075, 0.83]), side([x + 0.1, 0.745]), side([x + 0.04, 0.745])],
            BLACK,
        );
    }
    let limb = |pen: &mut Pen, points: &[[f32; 2]], width: f32| {
        let points: Vec<_> = points.iter().map(|&p| side(p)).collect();
        pen.line(&points, width, Ends::Round, BLACK);
    };
    let head = side([0.49, 0.295]);
    pen.disc(head[0], head[1], 0.047, BLACK);
    limb(&mut pen, &[[0.505, 0.385], [0.52, 0.52]], 0.085);
    limb(&mut pen, &[[0.51, 0.53], [0.44, 0.63], [0.40, 0.76]], 0.05);
    limb(&mut pen, &[[0.53, 0.53], [0.585, 0.64], [0.66, 0.75]], 0.05);
    limb(&mut pen, &[[0.49, 0.375], [0.43, 0.45], [0.37, 0.48]], 0.036);
    limb(&mut pen, &[[0.53, 0.375], [0.585, 0.455], [0.63, 0.51]], 0.036);
    finish(pen, outline)
}

fn blue_disc(pen: &mut Pen) -> Vec<[f32; 2]> {
    let outline = circle(0.5, 0.5, RADIUS);
    pen.polygon(&outline, WHITE);
    pen.disc(0.5, 0.5, RADIUS * 0.965, BLUE);
    outline
}

/// Blue disc, three white arrows that circle counter-clockwise (traffic on the right).
pub(super) fn roundabout(orbit: f32, width: f32) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = blue_disc(&mut pen);
    for third in 0..3 {
        // Counter-clockwise to the eye is towards smaller angles, as y points down.
        let start = -30.0 + 120.0 * third as f32;
        let end = start - 66.0;
        pen.line(&arc(0.5, 0.5, orbit, start, end, 16), width, Ends::Flat, WHITE);
        let tip = arc(0.5, 0.5, orbit, end - 37.0, end - 37.0, 2)[0];
        let inner = arc(0.5, 0.5, orbit - width * 1.15, end + 3.0, end + 3.0, 2)[0];
        let outer = arc(0.5, 0.5, orbit + width * 1.15, end + 3.0, end + 3.0, 2)[0];
        pen.polygon(&[tip, inner, outer], WHITE);
    }
    finish(pen, outline)
}

/// Yellow diamond with a white border.
pub(super) fn priority_road(field: f32) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = rounded(&[[0.5, -0.005], [1.005, 0.5], [0.5, 1.005], [-0.005, 0.5]], 0.06);
    pen.polygon(&outline, BLACK);
    pen.polygon(&scaled_about(&outline, 0.5, 0.5, 0.975), WHITE);
    pen.polygon(
        &rounded(&scaled_about(&[[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]], 0.5, 0.5, field), 0.03),
        YELLOW,
    );
    finish(pen, outline)
}

/// Blue disc with a white arrow: straight to the side, or first up and then to the side.
pub(super) fn turn(to_the_right: bool, bent: bool) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = blue_disc(&mut pen);
    // Drawn pointing left; the other hand is its mirror image.
    let x = |v: f32| if to_the_right { 1.0 - v } else { v };
    let (shaft, width) = if bent {
        let corner = C(x(0.63), 0.44, x(0.6), 0.41, x(0.53), 0.41);
        (vec![M(x(0.63), 0.80), L(x(0.63), 0.52), corner, L(x(0.36), 0.41)], 0.115)
    } else {
        (vec![M(x(0.84), 0.5), L(x(0.34), 0.5)], 0.125)
    };
    pen.stroke(&shaft, width, Ends::Flat, WHITE);
    let middle = if bent { 0.41 } else { 0.5 };
    let tip = if bent { 0.14 } else { 0.12 };
    pen.polygon(&[[x(tip), middle], [x(tip + 0.25), middle - 0.19], [x(tip + 0.25), middle + 0.19]], WHITE);
    finish(pen, outline)
}

/// Rows of the three lamps of a traffic light, from the top.
const LAMPS: [f32; 3] = [0.205, 0.5, 0.795];
/// Their radius.
const LAMP_RADIUS: f32 = 0.118;
/// Their colours when lit.
const LAMP_INKS: [Ink; 3] = [[255, 48, 34], [255, 178, 30], [40, 245, 130]];

/// The housing of a traffic light with its lamps dark, on a backing board where `board` gives one.
pub(super) fn traffic_light_housing(body: Ink, board: Option<Ink>) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    let outline = rounded(&[[0.325, 0.03], [0.675, 0.03], [0.675, 0.97], [0.325, 0.97]], 0.06);
    pen.polygon(&outline, board.unwrap_or(body));
    if board.is_some() {
        pen.polygon(&scaled_about(&outline, 0.5, 0.5, 0.94), body);
    }
    for (row, ink) in LAMPS.into_iter().zip(LAMP_INKS) {
        pen.disc(0.5, row - 0.012, LAMP_RADIUS + 0.022, [8, 8, 9]);
        pen.disc(0.5, row, LAMP_RADIUS, ink.map(|v| v / 6 + 12));
        pen.polygon(&arc(0.5, row - 0.03, LAMP_RADIUS + 0.02, 200.0, 340.0, 24), [5, 5, 6]);
    }
    finish(pen, outline)
}

/// The lit lamps alone with their glow, to be laid over the housing.
pub(super) fn traffic_light_lamps(lit: [bool; 3]) -> Art {
    let mut pen = Pen::new(FACE_SIDE);
    for ((row, ink), _) in LAMPS.into_iter().zip(LAMP_INKS).zip(lit).filter(|(_, on)| *on) {
        for ring in 1..=8 {
            let radius = LAMP_RADIUS * (1.0 + 0.9 * ring as f32 / 8.0);
            pen.polygon_alpha(&circle(0.5, row, radius), ink, 0.035);
        }
        pen.disc(0.5, row, LAMP_RADIUS, ink);
        let bright = ink.map(|v| v.saturating_add(70));
        for ring in 1..=6 {
            pen.polygon_alpha(&circle(0.5, row, LAMP_RADIUS * 0.14 * ring as f32), bright, 0.25);
        }
    }
    finish(pen, Vec::new())
}
