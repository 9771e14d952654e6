//! Everything that is drawn, as square faces made once from vectors.

mod glyphs;
mod lookalikes;
mod pen;
mod scenery;
mod signs;

use std::sync::LazyLock;

/// Texels along one side of a sign's face.
const FACE_SIDE: u32 = 256;

/// One size of a face.
pub(super) struct Level {
    /// Texels a side, a power of two.
    pub side: usize,
    /// Rows from the top; premultiplied, red in the lowest byte and alpha in the highest.
    pub texels: Vec<u32>,
}

/// A drawn face in all its sizes.
pub(super) struct Art {
    /// From the full size down to two texels.
    pub levels: Vec<Level>,
    /// The outer edge as a polygon in face coordinates (0…1, y down); empty for what is no sign.
    pub outline: Vec<[f32; 2]>,
}

impl Art {
    fn new(side: u32, texels: Vec<u32>, outline: Vec<[f32; 2]>) -> Self {
        let mut levels = vec![Level { side: side as usize, texels }];
        while let Some(last) = levels.last().filter(|level| level.side > 2) {
            let side = last.side / 2;
            let texels = (0..side * side).map(|i| {
                let corner = (i / side) * 2 * last.side + (i % side) * 2;
                let four = [corner, corner + 1, corner + last.side, corner + last.side + 1].map(|k| last.texels[k]);
                let channel = |shift: u32| ((four.iter().map(|t| t >> shift & 255).sum::<u32>() + 2) / 4) << shift;
                channel(0) | channel(8) | channel(16) | channel(24)
            });
            let next = Level { side, texels: texels.collect() };
            levels.push(next);
        }
        Self { levels, outline }
    }
}

/// One way a sign can look.
pub(super) struct SignArt {
    /// What daylight falls on.
    pub face: Art,
    /// What shines by itself: the lit lamps of a traffic light.
    pub lit: Option<Art>,
}

/// All faces.
pub(super) struct Atlas {
    /// The looks of each class, in the order of the class ids.
    pub signs: [Vec<SignArt>; 12],
    /// Plates that are no sign of the twelve.
    pub lookalikes: Vec<Art>,
    /// Other speed limits, which must not be taken for those that are classes.
    pub other_limits: Vec<Art>,
    /// Plates that hang above or below a sign.
    pub plates: Vec<Art>,
    /// Posts.
    pub poles: Vec<Art>,
    /// A white panel.
    pub panel: Art,
    /// Trees, standing on their lower edge.
    pub trees: Vec<Art>,
    /// Bushes.
    pub bushes: Vec<Art>,
    /// Twigs seen near.
    pub branches: Vec<Art>,
    /// Fronts of houses.
    pub facades: Vec<Art>,
    /// Hoardings.
    pub adverts: Vec<Art>,
    /// Cars from behind.
    pub cars: Vec<Art>,
    /// Additive light.
    pub glow: Art,
}

/// The faces, drawn at first use.
pub(super) static ATLAS: LazyLock<Atlas> = LazyLock::new(|| Atlas {
    signs: all_signs(),
    lookalikes: lookalikes::all(),
    other_limits: ["5", "10", "20", "40", "60", "70", "90", "100", "110", "120", "130"]
        .into_iter()
        .flat_map(|digits| LIMIT_LOOKS.map(|(ring, bold)| signs::speed_limit(digits, ring, bold)))
        .collect(),
    plates: lookalikes::plates(),
    poles: [[120, 124, 128], [92, 94, 92], [150, 150, 146], [88, 70, 54]].map(scenery::pole).into(),
    panel: scenery::panel(),
    trees: (0..4).map(|k| scenery::plant(k, true, 0.36 + 0.03 * k as f32)).collect(),
    bushes: (10..13).map(|k| scenery::plant(k, false, 0.44)).collect(),
    branches: (0..4).map(scenery::branch).collect(),
    facades: (0..8).map(scenery::facade).collect(),
    adverts: (0..12).map(scenery::advert).collect(),
    cars: [[150, 30, 34], [190, 192, 195], [34, 36, 40], [40, 70, 120], [205, 170, 50]].map(scenery::car).into(),
    glow: scenery::glow(),
});

/// Width of the ring and weight of the digits of speed limits. The live scene shows the first two.
const LIMIT_LOOKS: [(f32, f32); 4] = [(0.2, 0.17), (0.25, 0.19), (0.17, 0.14), (0.22, 0.2)];

fn all_signs() -> [Vec<SignArt>; 12] {
    let plain = |faces: Vec<Art>| faces.into_iter().map(|face| SignArt { face, lit: None }).collect::<Vec<_>>();
    let limit =
        |digits| plain(LIMIT_LOOKS.map(|(ring, bold)| signs::speed_limit(digits, ring, bold)).into_iter().collect());
    let turn = |right| plain(vec![signs::turn(right, true), signs::turn(right, false)]);
    [
        plain(vec![
            signs::stop(0.075, 0.34, 0.16, signs::RED),
            signs::stop(0.05, 0.31, 0.18, signs::RED),
            signs::stop(0.09, 0.37, 0.14, signs::RED),
            signs::stop(0.0, 0.36, 0.16, signs::RED),
            signs::stop(0.06, 0.33, 0.13, [170, 28, 40]),
            signs::stop(0.045, 0.35, 0.2, [206, 38, 34]),
            signs::stop(0.07, 0.3, 0.15, [148, 22, 30]),
            signs::stop(0.04, 0.36, 0.15, [188, 62, 60]),
        ]),
        plain(vec![
            signs::give_way(0.34, signs::WHITE),
            signs::give_way(0.44, signs::WHITE),
            signs::give_way(0.32, signs::YELLOW),
        ]),
        plain(vec![signs::no_entry(0.36, 0.085), signs::no_entry(0.38, 0.1)]),
        limit("30"),
        limit("50"),
        limit("80"),
        plain(vec![signs::pedestrian_crossing(false), signs::pedestrian_crossing(true)]),
        plain(vec![signs::roundabout(0.265, 0.09), signs::roundabout(0.28, 0.075)]),
        plain(vec![signs::priority_road(0.72), signs::priority_road(0.66)]),
        turn(false),
        turn(true),
        traffic_lights(),
    ]
}

fn traffic_lights() -> Vec<SignArt> {
    let bodies: [([u8; 3], Option<[u8; 3]>); 3] =
        [([30, 32, 33], None), ([22, 23, 24], Some(signs::WHITE)), ([40, 44, 40], Some([14, 14, 15]))];
    let states = [[true, false, false], [true, true, false], [false, true, false], [false, false, true]];
    let lit = |state| Some(signs::traffic_light_lamps(state));
    bodies
        .into_iter()
        .flat_map(|body| states.map(|state| (body, state)))
        .map(|((body, board), state)| SignArt { face: signs::traffic_light_housing(body, board), lit: lit(state) })
        .collect()
}
