//! What stands around the signs: poles, plants, houses, cars, and shapes that could be taken for signs.

use super::pen::Step::{C, M};
use super::pen::{Ends, Ink, Pen, arc, regular, rounded};
use super::signs::{BLACK, BLUE, RED, WHITE, YELLOW};
use super::{Art, glyphs};
use crate::scene::rng::Rng;

const SIDE: u32 = 128;

fn finish(pen: Pen, side: u32) -> Art {
    Art::new(side, pen.into_texels(), Vec::new())
}

/// A round post, lighter on its left.
pub(super) fn pole(ink: Ink) -> Art {
    let side = 16;
    let mut pen = Pen::new(side);
    for column in 2..14 {
        let light = 1.25 - (column as f32 - 5.0).abs() * 0.075;
        let x = column as f32 / 16.0;
        pen.rectangle(x, 0.0, x + 1.0 / 16.0, 1.0, ink.map(|v| (f32::from(v) * light).min(255.0) as u8));
    }
    finish(pen, side)
}

/// A plain panel, white, to be tinted.
pub(super) fn panel() -> Art {
    let mut pen = Pen::new(32);
    pen.rectangle(0.05, 0.05, 0.95, 0.95, [255, 255, 255]);
    finish(pen, 32)
}

/// Leaves in a heap; a tree has a stem below it.
pub(super) fn plant(seed: u64, stem: bool, spread: f32) -> Art {
    let mut rng = Rng::new(seed, 77);
    let mut pen = Pen::new(SIDE);
    let green: Ink = [rng.range(50.0, 95.0) as u8, rng.range(85.0, 125.0) as u8, rng.range(30.0, 60.0) as u8];
    if stem {
        pen.polygon(&[[0.47, 0.5], [0.53, 0.5], [0.545, 1.0], [0.455, 1.0]], [84, 68, 52]);
    }
    let (middle, height) = if stem { (0.38, 0.33) } else { (0.62, 0.34) };
    for leaf in 0..420 {
        let (a, r) = (rng.range(0.0, 360.0), rng.unit().sqrt());
        let [x, y] = arc(0.5, middle, 1.0, a, a, 2)[0];
        let (x, y) = (0.5 + (x - 0.5) * r * spread, middle + (y - middle) * r * height);
        let light = (1.15 - 0.9 * (y - middle + height) / (2.0 * height) + rng.around() * 0.3).clamp(0.25, 1.4);
        let shade = if leaf < 120 { light * 0.6 } else { light };
        pen.disc(
            x.clamp(0.06, 0.94),
            y.clamp(0.06, 0.96),
            rng.range(0.018, 0.045),
            green.map(|v| (f32::from(v) * shade).min(255.0) as u8),
        );
    }
    finish(pen, SIDE)
}

/// A twig with leaves, seen near.
pub(super) fn branch(seed: u64) -> Art {
    let mut rng = Rng::new(seed, 78);
    let mut pen = Pen::new(SIDE);
    pen.stroke(&[M(0.02, 0.55), C(0.3, 0.35, 0.6, 0.65, 0.95, 0.45)], 0.022, Ends::Round, [70, 55, 40]);
    let green: Ink = [rng.range(50.0, 110.0) as u8, rng.range(80.0, 130.0) as u8, rng.range(25.0, 60.0) as u8];
    for _ in 0..46 {
        let (x, y) = (rng.range(0.05, 0.9), 0.5 + rng.around() * 0.3);
        let a = rng.range(0.0, 360.0);
        let [dx, dy] = arc(0.0, 0.0, rng.range(0.05, 0.11), a, a, 2)[0];
        let light = rng.range(0.6, 1.35);
        let ink = green.map(|v| (f32::from(v) * light).min(255.0) as u8);
        pen.polygon(
            &[
                [x, y],
                [x + dx * 0.5 - dy * 0.3, y + dy * 0.5 + dx * 0.3],
                [x + dx, y + dy],
                [x + dx * 0.5 + dy * 0.3, y + dy * 0.5 - dx * 0.3],
            ],
            ink,
        );
    }
    finish(pen, SIDE)
}

/// The front of a house with rows of windows.
pub(super) fn facade(seed: u64) -> Art {
    let mut rng = Rng::new(seed, 79);
    let mut pen = Pen::new(SIDE);
    let base = rng.range(105.0, 200.0);
    let wall: Ink = [base, base * rng.range(0.8, 1.0), base * rng.range(0.62, 0.95)].map(|v| v as u8);
    pen.rectangle(0.004, 0.01, 0.996, 1.0, wall);
    pen.rectangle(0.004, 0.01, 0.996, 0.06, wall.map(|v| v / 2));
    let (columns, rows) = (2 + rng.below(4), 2 + rng.below(4));
    let round = rng.chance(0.25);
    let glass: Ink = [rng.range(40.0, 90.0), rng.range(55.0, 100.0), rng.range(70.0, 125.0)].map(|v| v as u8);
    for column in 0..columns {
        for row in 0..rows {
            let (w, h) = (0.92 / columns as f32, 0.86 / rows as f32);
            let (x, y) = (0.04 + w * column as f32, 0.1 + h * row as f32);
            let light = rng.range(0.7, 1.4);
            let ink = glass.map(|v| (f32::from(v) * light).min(255.0) as u8);
            if round {
                pen.disc(x + w * 0.5, y + h * 0.5, w.min(h) * 0.3, ink);
            } else {
                pen.rectangle(x + w * 0.2, y + h * 0.12, x + w * 0.8, y + h * 0.8, WHITE.map(|v| v - 30));
                pen.rectangle(x + w * 0.25, y + h * 0.16, x + w * 0.75, y + h * 0.76, ink);
            }
        }
    }
    finish(pen, SIDE)
}

/// A car from behind.
pub(super) fn car(ink: Ink) -> Art {
    let mut pen = Pen::new(SIDE);
    pen.rectangle(0.14, 0.78, 0.28, 0.95, BLACK);
    pen.rectangle(0.72, 0.78, 0.86, 0.95, BLACK);
    pen.polygon(&rounded(&[[0.24, 0.16], [0.76, 0.16], [0.88, 0.5], [0.12, 0.5]], 0.05), ink);
    pen.polygon(&rounded(&[[0.28, 0.21], [0.72, 0.21], [0.8, 0.45], [0.2, 0.45]], 0.03), [48, 58, 68]);
    pen.polygon(&rounded(&[[0.07, 0.45], [0.93, 0.45], [0.93, 0.86], [0.07, 0.86]], 0.06), ink);
    pen.rectangle(0.38, 0.62, 0.62, 0.71, WHITE);
    for x in [0.16, 0.84] {
        pen.disc(x, 0.57, 0.06, [190, 20, 24]);
        pen.disc(x, 0.57, 0.025, [250, 90, 80]);
    }
    finish(pen, SIDE)
}

/// A hoarding with coloured shapes and letters.
pub(super) fn advert(seed: u64) -> Art {
    let mut rng = Rng::new(seed, 80);
    let mut pen = Pen::new(SIDE);
    let ink = |rng: &mut Rng| rng.colour(20.0, 250.0).map(|v| v as u8);
    let ground = ink(&mut rng);
    pen.rectangle(0.03, 0.03, 0.97, 0.97, [60, 60, 62]);
    pen.rectangle(0.06, 0.06, 0.94, 0.94, ground);
    for _ in 0..3 + rng.below(4) {
        let (x, y, r) = (rng.range(0.25, 0.75), rng.range(0.25, 0.75), rng.range(0.06, 0.19));
        let fill = if rng.chance(0.5) { [RED, BLUE, YELLOW, WHITE][rng.below(4)] } else { ink(&mut rng) };
        let turn = rng.range(0.0, 90.0);
        match rng.below(4) {
            0 => pen.disc(x, y, r, fill),
            1 => pen.polygon(&regular(3, x, y, r, turn), fill),
            2 => pen.polygon(&regular(4, x, y, r, turn), fill),
            _ => pen.rectangle(x - r, y - r * 0.3, x + r, y + r * 0.3, fill),
        }
    }
    let text = ["SHOP", "TEA", "PHOTO", "HOT", "SALE", "TOP 27", "HOTEL", "OPEN"][rng.below(8)];
    let fill = ink(&mut rng);
    glyphs::write(&mut pen, text, [0.5, rng.range(0.2, 0.8)], rng.range(0.12, 0.24), 0.16, fill);
    finish(pen, SIDE)
}

/// Soft light, without a body: it only adds.
pub(super) fn glow() -> Art {
    let side = 64u32;
    let texels = (0..side * side).map(|i| {
        let (x, y) = ((i % side) as f32 / 32.0 - 0.984, (i / side) as f32 / 32.0 - 0.984);
        let near = (1.0 - (x * x + y * y)).max(0.0);
        let value = (near * near * near * 235.0) as u32;
        value | value << 8 | value << 16
    });
    Art::new(side, texels.collect(), Vec::new())
}
