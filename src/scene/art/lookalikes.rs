//! Shapes that could be taken for one of the twelve signs, and plates that hang beside signs.

use super::pen::Step::{C, L, M};
use super::pen::{Ends, Ink, Pen, circle, regular, rounded, scaled_about};
use super::signs::{BLACK, BLUE, RADIUS, RED, WHITE, YELLOW};
use super::{Art, glyphs};

const SIDE: u32 = 128;
const GREY: Ink = [148, 150, 150];

fn finish(pen: Pen) -> Art {
    Art::new(SIDE, pen.into_texels(), Vec::new())
}

fn drawn(draw: &dyn Fn(&mut Pen)) -> Art {
    let mut pen = Pen::new(SIDE);
    draw(&mut pen);
    finish(pen)
}

/// Round, square and triangular plates that are no sign of the twelve; white ones are tinted when used.
pub(super) fn all() -> Vec<Art> {
    let warning = [[0.5, 0.02], [1.0, 0.9], [0.0, 0.9]];
    let square = rounded(&[[0.04, 0.04], [0.96, 0.04], [0.96, 0.96], [0.04, 0.96]], 0.06);
    let mut all = vec![
        drawn(&|p| p.disc(0.5, 0.5, RADIUS, [255, 255, 255])),
        drawn(&|p| p.polygon(&regular(3, 0.5, 0.55, 0.5, -90.0), [255, 255, 255])),
        drawn(&|p| p.polygon(&regular(4, 0.5, 0.5, 0.48, 0.0), [255, 255, 255])),
        drawn(&|p| p.polygon(&regular(8, 0.5, 0.5, 0.49, 22.5), [255, 255, 255])),
        drawn(&|p| p.disc(0.5, 0.5, RADIUS, RED)),
        drawn(&|p| p.disc(0.5, 0.5, RADIUS, BLUE)),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, RED);
            p.disc(0.5, 0.5, RADIUS * 0.76, WHITE);
        }),
        drawn(&|p| {
            p.polygon(&rounded(&warning, 0.07), RED);
            p.polygon(&rounded(&scaled_about(&warning, 0.5, 0.6, 0.7), 0.03), WHITE);
            p.polygon(&[[0.46, 0.36], [0.54, 0.36], [0.52, 0.62], [0.48, 0.62]], BLACK);
            p.disc(0.5, 0.69, 0.035, BLACK);
        }),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, RED);
            p.disc(0.5, 0.5, RADIUS * 0.8, BLUE);
            p.line(&[[0.26, 0.26], [0.74, 0.74]], 0.1, Ends::Flat, RED);
        }),
        drawn(&|p| {
            p.polygon(&square, WHITE);
            p.polygon(&scaled_about(&square, 0.5, 0.5, 0.94), BLUE);
            glyphs::write(p, "P", [0.5, 0.5], 0.6, 0.17, WHITE);
        }),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, WHITE);
            for k in -2..=2 {
                let d = 0.06 * k as f32;
                p.line(&[[0.25 + d, 0.75 + d], [0.75 + d, 0.25 + d]], 0.025, Ends::Flat, BLACK);
            }
        }),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, BLUE);
            p.stroke(&[M(0.5, 0.86), L(0.5, 0.36)], 0.12, Ends::Flat, WHITE);
            p.polygon(&[[0.5, 0.1], [0.7, 0.38], [0.3, 0.38]], WHITE);
        }),
        drawn(&|p| {
            p.polygon(&circle(0.5, 0.5, RADIUS), [70, 72, 74]);
            p.disc(0.5, 0.5, RADIUS * 0.8, [225, 222, 205]);
        }),
        drawn(&|p| {
            p.rectangle(0.04, 0.2, 0.96, 0.8, WHITE);
            p.rectangle(0.07, 0.23, 0.93, 0.77, BLUE);
            glyphs::write(p, "HOTE", [0.5, 0.5], 0.24, 0.15, WHITE);
        }),
    ];
    all.extend(red_and_white());
    all.extend(backs_and_things());
    all.extend(blue_yellow_and_dark());
    all
}

/// Red rings, discs and octagons with other contents.
fn red_and_white() -> Vec<Art> {
    let octagon = rounded(&regular(8, 0.5, 0.5, 0.515, 22.5), 0.02);
    let ring = |p: &mut Pen| {
        p.disc(0.5, 0.5, RADIUS, RED);
        p.disc(0.5, 0.5, RADIUS * 0.79, WHITE);
    };
    vec![
        drawn(&|p| {
            p.polygon(&octagon, WHITE);
            p.polygon(&scaled_about(&octagon, 0.5, 0.5, 0.93), RED);
        }),
        drawn(&|p| {
            // Two cars side by side.
            ring(p);
            p.polygon(&rounded(&[[0.24, 0.44], [0.47, 0.44], [0.47, 0.6], [0.24, 0.6]], 0.03), RED);
            p.polygon(&rounded(&[[0.53, 0.44], [0.76, 0.44], [0.76, 0.6], [0.53, 0.6]], 0.03), BLACK);
        }),
        drawn(&|p| {
            ring(p);
            p.line(&[[0.28, 0.72], [0.72, 0.28]], 0.08, Ends::Flat, RED);
            p.stroke(&[M(0.42, 0.72), L(0.42, 0.42), L(0.64, 0.42)], 0.09, Ends::Flat, BLACK);
        }),
        drawn(&|p| {
            // A limit of width or height.
            ring(p);
            p.polygon(&[[0.18, 0.4], [0.18, 0.6], [0.32, 0.5]], BLACK);
            p.polygon(&[[0.82, 0.4], [0.82, 0.6], [0.68, 0.5]], BLACK);
            glyphs::write(p, "2", [0.5, 0.5], 0.3, 0.17, BLACK);
        }),
        drawn(&|p| {
            ring(p);
            p.stroke(&[M(0.4, 0.78), L(0.4, 0.3)], 0.07, Ends::Flat, RED);
            p.stroke(&[M(0.6, 0.22), L(0.6, 0.7)], 0.07, Ends::Flat, BLACK);
        }),
        drawn(&|p| {
            // A target.
            for (k, ink) in [RED, WHITE, RED, WHITE, RED].into_iter().enumerate() {
                p.disc(0.5, 0.5, RADIUS * (1.0 - 0.2 * k as f32), ink);
            }
        }),
        drawn(&|p| p.polygon(&rounded(&[[-0.03, 0.06], [1.03, 0.06], [0.5, 0.978]], 0.09), RED)),
        drawn(&|p| {
            for k in 0..5 {
                p.rectangle(0.2 * k as f32, 0.35, 0.2 * k as f32 + 0.2, 0.65, if k % 2 == 0 { RED } else { WHITE });
            }
        }),
        drawn(&|p| {
            p.rectangle(0.05, 0.25, 0.95, 0.75, RED);
            glyphs::write(p, "SALE", [0.5, 0.5], 0.3, 0.16, WHITE);
        }),
    ]
}

/// Backs of signs, a clock, a ball, a lamp.
fn backs_and_things() -> Vec<Art> {
    let octagon = rounded(&regular(8, 0.5, 0.5, 0.515, 22.5), 0.02);
    let triangle = rounded(&[[0.5, 0.02], [1.0, 0.9], [0.0, 0.9]], 0.07);
    let back = |p: &mut Pen, outline: &[[f32; 2]]| {
        p.polygon(outline, GREY);
        p.rectangle(0.45, 0.1, 0.55, 0.9, [112, 114, 116]);
        p.rectangle(0.25, 0.36, 0.75, 0.42, [120, 122, 124]);
    };
    vec![
        drawn(&|p| back(p, &octagon)),
        drawn(&|p| back(p, &circle(0.5, 0.5, RADIUS))),
        drawn(&|p| back(p, &triangle)),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, BLACK);
            p.disc(0.5, 0.5, RADIUS * 0.88, WHITE);
            for k in 0..12 {
                let [x, y] = circle(0.5, 0.5, RADIUS * 0.76)[k * 8];
                p.disc(x, y, 0.02, BLACK);
            }
            p.line(&[[0.5, 0.5], [0.5, 0.22]], 0.03, Ends::Round, BLACK);
            p.line(&[[0.5, 0.5], [0.68, 0.58]], 0.04, Ends::Round, BLACK);
        }),
        drawn(&|p| {
            // A red ball, an apple, a tail lamp.
            p.disc(0.5, 0.5, RADIUS, [150, 16, 22]);
            p.disc(0.46, 0.45, RADIUS * 0.8, [190, 26, 28]);
            p.disc(0.38, 0.34, RADIUS * 0.25, [236, 130, 120]);
        }),
        drawn(&|p| {
            p.disc(0.5, 0.5, RADIUS, [236, 120, 24]);
            p.disc(0.42, 0.4, RADIUS * 0.5, [250, 160, 60]);
        }),
        drawn(&|p| {
            // A wheel.
            p.disc(0.5, 0.5, RADIUS, [26, 26, 28]);
            p.disc(0.5, 0.5, RADIUS * 0.62, GREY);
            for k in 0..5 {
                let [x, y] = circle(0.5, 0.5, RADIUS * 0.4)[k * 19];
                p.disc(x, y, 0.07, [60, 60, 64]);
            }
        }),
    ]
}

/// Blue and yellow plates with other contents, and dark boxes.
fn blue_yellow_and_dark() -> Vec<Art> {
    let diamond = rounded(&[[0.5, -0.005], [1.005, 0.5], [0.5, 1.005], [-0.005, 0.5]], 0.06);
    let square = rounded(&[[0.04, 0.04], [0.96, 0.04], [0.96, 0.96], [0.04, 0.96]], 0.06);
    let disc = |p: &mut Pen| {
        p.disc(0.5, 0.5, RADIUS, WHITE);
        p.disc(0.5, 0.5, RADIUS * 0.965, BLUE);
    };
    let arrow = |p: &mut Pen, tip: [f32; 2], from: [f32; 2]| {
        let (dx, dy) = (tip[0] - from[0], tip[1] - from[1]);
        let base = [from[0] + dx * 0.55, from[1] + dy * 0.55];
        p.line(&[from, [from[0] + dx * 0.7, from[1] + dy * 0.7]], 0.1, Ends::Flat, WHITE);
        p.polygon(
            &[tip, [base[0] - dy * 0.35, base[1] + dx * 0.35], [base[0] + dy * 0.35, base[1] - dx * 0.35]],
            WHITE,
        );
    };
    let warning = |p: &mut Pen, ink: Ink| {
        p.polygon(&diamond, BLACK);
        p.polygon(&scaled_about(&diamond, 0.5, 0.5, 0.96), ink);
        p.stroke(&[M(0.5, 0.76), L(0.5, 0.56), C(0.5, 0.46, 0.62, 0.5, 0.62, 0.36)], 0.08, Ends::Flat, BLACK);
        p.polygon(&[[0.62, 0.22], [0.74, 0.4], [0.5, 0.4]], BLACK);
    };
    let dark = |p: &mut Pen, x: f32| {
        p.polygon(&rounded(&[[x, 0.03], [1.0 - x, 0.03], [1.0 - x, 0.97], [x, 0.97]], 0.05), [30, 32, 34])
    };
    vec![
        drawn(&|p| {
            disc(p);
            arrow(p, [0.78, 0.78], [0.26, 0.26]);
        }),
        drawn(&|p| {
            disc(p);
            p.disc(0.34, 0.58, 0.12, WHITE);
            p.disc(0.66, 0.58, 0.12, WHITE);
            p.line(&[[0.34, 0.58], [0.5, 0.36], [0.66, 0.58]], 0.05, Ends::Round, WHITE);
        }),
        drawn(&|p| {
            disc(p);
            glyphs::write(p, "30", [0.5, 0.5], 0.42, 0.18, WHITE);
        }),
        drawn(&|p| {
            p.polygon(&square, WHITE);
            p.polygon(&scaled_about(&square, 0.5, 0.5, 0.95), BLUE);
            arrow(p, [0.5, 0.1], [0.5, 0.9]);
        }),
        drawn(&|p| {
            p.polygon(&square, WHITE);
            p.polygon(&scaled_about(&square, 0.5, 0.5, 0.95), BLUE);
            p.rectangle(0.2, 0.2, 0.8, 0.62, WHITE);
            p.disc(0.33, 0.72, 0.08, WHITE);
            p.disc(0.67, 0.72, 0.08, WHITE);
        }),
        drawn(&|p| warning(p, YELLOW)),
        drawn(&|p| warning(p, [240, 130, 30])),
        drawn(&|p| p.polygon(&diamond, YELLOW)),
        drawn(&|p| p.disc(0.5, 0.5, RADIUS, YELLOW)),
        drawn(&|p| {
            // A dark pane.
            p.rectangle(0.22, 0.04, 0.78, 0.96, WHITE);
            p.rectangle(0.28, 0.08, 0.72, 0.92, [44, 50, 58]);
        }),
        drawn(&|p| dark(p, 0.33)),
        drawn(&|p| {
            // A box with writing.
            dark(p, 0.3);
            for k in 0..5 {
                p.rectangle(0.36, 0.14 + 0.16 * k as f32, 0.64, 0.2 + 0.16 * k as f32, [196, 190, 160]);
            }
        }),
        drawn(&|p| {
            // A loudspeaker.
            dark(p, 0.26);
            p.disc(0.5, 0.68, 0.18, [70, 72, 74]);
            p.disc(0.5, 0.28, 0.1, [60, 62, 64]);
        }),
        drawn(&|p| {
            p.rectangle(0.04, 0.3, 0.96, 0.7, WHITE);
            glyphs::write(p, "50 30", [0.5, 0.5], 0.26, 0.16, BLACK);
        }),
    ]
}

/// Names of streets and notes below signs, 4 wide and 1 high, drawn into a square.
pub(super) fn plates() -> Vec<Art> {
    let plate = |ground: Ink, ink: Ink, bars: &[[f32; 2]]| {
        drawn(&|p| {
            p.rectangle(0.01, 0.02, 0.99, 0.98, ink);
            p.rectangle(0.025, 0.08, 0.975, 0.92, ground);
            for [from, to] in bars {
                p.rectangle(*from, 0.3, *to, 0.7, ink);
            }
        })
    };
    vec![
        plate(
            [12, 96, 66],
            WHITE,
            &[[0.1, 0.16], [0.2, 0.25], [0.28, 0.36], [0.4, 0.44], [0.5, 0.56], [0.6, 0.75], [0.8, 0.9]],
        ),
        plate(BLUE, WHITE, &[[0.1, 0.2], [0.24, 0.3], [0.34, 0.5], [0.54, 0.6], [0.65, 0.85]]),
        plate(WHITE, BLACK, &[[0.15, 0.22], [0.26, 0.36], [0.4, 0.46], [0.56, 0.7], [0.74, 0.86]]),
        plate(WHITE, RED, &[[0.1, 0.9]]),
        plate(YELLOW, BLACK, &[[0.2, 0.3], [0.36, 0.46], [0.52, 0.8]]),
        plate(WHITE, BLACK, &[[0.3, 0.36], [0.42, 0.7]]),
    ]
}
