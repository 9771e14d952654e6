//! Tests of the scene as a whole.

use super::art::ATLAS;
use super::backdrop::{Backdrop, Wall};
use super::light::Light;
use super::maths::Camera;
use super::optics::{Optics, Wobble};
use super::picture::{Composition, Renderer};
use super::rng::Rng;
use super::stage::{Pose, Stage, Wear};
use super::*;
use crate::imaging::{BoxInImage, TruthBox};
use std::hash::{DefaultHasher, Hash, Hasher};

const SIZE: ImageSize = ImageSize::new(320, 320);
/// How far a truth box may be from the pixels that differ from the background, pixels.
const TIGHTNESS: f32 = 1.5;

fn hash(picture: &RgbImage) -> u64 {
    let mut hasher = DefaultHasher::new();
    picture.as_raw().hash(&mut hasher);
    hasher.finish()
}

#[test]
fn equal_seeds_give_equal_pictures_and_others_do_not() {
    for index in [0, 7, 12_345_678_901] {
        let (a, truth_a) = still(3, index, SIZE);
        let (b, truth_b) = still(3, index, SIZE);
        assert_eq!(hash(&a), hash(&b));
        assert_eq!(truth_a, truth_b);
        assert_ne!(hash(&a), hash(&still(4, index, SIZE).0));
        assert_ne!(hash(&a), hash(&still(3, index + 1, SIZE).0));
    }
}

#[test]
fn buffers_carry_nothing_from_one_picture_to_the_next() {
    let mut stills = Stills::new(9, SIZE);
    let in_a_row: Vec<u64> = (0..6).map(|k| hash(&stills.picture(k).0)).collect();
    let alone: Vec<u64> = (0..6).map(|k| hash(&still(9, k, SIZE).0)).collect();
    assert_eq!(in_a_row, alone);
}

#[test]
fn boxes_are_inside_and_plausible_and_every_class_occurs() {
    for size in [SIZE, ImageSize::new(640, 360), ImageSize::new(64, 200)] {
        let mut stills = Stills::new(1, size);
        let mut seen = [0; CLASS_NAMES.len()];
        let longer = size.width.max(size.height) as f32;
        for index in 0..160 {
            let (picture, truth) = stills.picture(index);
            assert_eq!(picture.dimensions(), (size.width, size.height));
            for TruthBox { class_id, rect } in truth.boxes {
                seen[class_id as usize] += 1;
                assert_eq!(rect, rect.clipped_to(size));
                let scale = (longer / 320.0).max(1.0);
                assert!(rect.width().min(rect.height()) >= 6.0 * scale, "{rect:?}");
                assert!(rect.width().max(rect.height()) >= 10.0 * scale, "{rect:?}");
                assert!(rect.width().max(rect.height()) <= longer, "{rect:?}");
            }
        }
        assert!(size != SIZE || seen.iter().all(|&count| count > 3), "{seen:?}");
    }
}

/// One sign of the class alone before a plain wall of mid grey, seen by a faultless camera.
fn alone(class: usize, look: usize, pose: &Pose) -> (RgbImage, Truth) {
    alone_through(class, look, pose, Optics::CLEAN)
}

fn alone_through(class: usize, look: usize, pose: &Pose, optics: Optics) -> (RgbImage, Truth) {
    let grey = [96.0; 3];
    let wall = Wall { low: grey, high: grey, zoom: 0.1, grain: 0.0, patch: [0, 0] };
    let light = Light { ambient: [1.0; 3], haze: 0.0, headlight: 0.0, shadow: 0.0, ..Light::at(0.0) };
    let camera = Camera { focal: 400.0, center_x: 160.0, center_y: 160.0 };
    let mut stage = Stage::new(camera, &light);
    stage.sign(&ATLAS.signs[class][look], class as u32, pose, &Wear::NEW, [1.0; 3]);
    let composition = Composition { backdrop: Backdrop::Wall(wall), items: stage.into_items(), light, optics };
    Renderer::new(SIZE).render(&composition, &mut Rng::new(0, 0))
}

/// The box around all pixels that are not the background.
fn painted(picture: &RgbImage) -> BoxInImage {
    let background = picture.get_pixel(0, 0).0;
    let mut bounds = BoxInImage::new(f32::MAX, f32::MAX, f32::MIN, f32::MIN);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let difference: i32 = (0..3).map(|k| (i32::from(pixel.0[k]) - i32::from(background[k])).abs()).sum();
        if difference > 60 {
            bounds.x1 = bounds.x1.min(x as f32);
            bounds.y1 = bounds.y1.min(y as f32);
            bounds.x2 = bounds.x2.max(x as f32 + 1.0);
            bounds.y2 = bounds.y2.max(y as f32 + 1.0);
        }
    }
    bounds
}

#[test]
fn a_box_is_as_tight_as_the_pixels() {
    let turns = [(0.0, 0.0, 0.0), (0.7, 0.1, 0.1), (-0.5, -0.2, -0.15)];
    for (class, looks) in ATLAS.signs.iter().enumerate() {
        for (distance, (yaw, pitch, roll)) in [2.2f32, 5.0, 10.0].into_iter().zip(turns) {
            let pose = Pose { yaw, pitch, roll, ..Pose::facing([0.1, -0.05, distance], [0.8, 0.8]) };
            for look in 0..looks.len() {
                let (picture, truth) = alone(class, look, &pose);
                assert_eq!(truth.boxes.len(), 1, "{}", CLASS_NAMES[class]);
                let (want, got) = (painted(&picture), truth.boxes[0].rect);
                assert_eq!(truth.boxes[0].class_id as usize, class);
                for (w, g) in [(want.x1, got.x1), (want.y1, got.y1), (want.x2, got.x2), (want.y2, got.y2)] {
                    assert!((w - g).abs() <= TIGHTNESS, "{} look {look}: {want:?} {got:?}", CLASS_NAMES[class]);
                }
            }
        }
    }
}

#[test]
fn a_box_follows_what_the_shutter_bends() {
    let wobble = Wobble { skew: 30.0, amplitude: 4.0, period: 90.0, phase: 1.0 };
    for (class, y) in [(0, -1.0), (2, 0.0), (6, 0.6)] {
        let pose = Pose::facing([0.2, y, 3.0], [0.7, 0.7]);
        let (picture, truth) = alone_through(class, 0, &pose, Optics { wobble, ..Optics::CLEAN });
        let (want, got) = (painted(&picture), truth.boxes[0].rect);
        for (w, g) in [(want.x1, got.x1), (want.y1, got.y1), (want.x2, got.x2), (want.y2, got.y2)] {
            assert!((w - g).abs() <= TIGHTNESS, "{}: {want:?} {got:?}", CLASS_NAMES[class]);
        }
    }
}

#[test]
fn rain_and_compression_change_the_picture_but_not_the_truth() {
    let pose = Pose::facing([0.0, 0.0, 3.0], [0.7, 0.7]);
    let (clean, truth) = alone(0, 0, &pose);
    for optics in [Optics { rain: 40, ..Optics::CLEAN }, Optics { jpeg: 30, ..Optics::CLEAN }] {
        let (picture, same) = alone_through(0, 0, &pose, optics);
        assert_ne!(hash(&picture), hash(&clean));
        assert_eq!(same, truth);
    }
}

#[test]
fn a_sign_that_is_mostly_outside_or_tiny_does_not_count() {
    let at = |x: f32, z: f32| alone(0, 0, &Pose::facing([x, 0.0, z], [0.8, 0.8])).1.boxes.len();
    assert_eq!(at(0.0, 4.0), 1);
    // Its middle is at the left edge at x = -1.6, where half of it is seen.
    assert_eq!(at(-1.5, 4.0), 1);
    assert_eq!(at(-1.7, 4.0), 0);
    assert_eq!(at(0.0, 50.0), 0);
}

#[test]
fn a_hidden_sign_does_not_count() {
    let light = Light::at(0.0);
    let camera = Camera { focal: 400.0, center_x: 160.0, center_y: 160.0 };
    let counted = |cover_x: f32| {
        let wall = Wall { low: [90.0; 3], high: [90.0; 3], zoom: 0.1, grain: 0.0, patch: [0, 0] };
        let mut stage = Stage::new(camera, &light);
        stage.sign(&ATLAS.signs[2][0], 2, &Pose::facing([0.0, 0.0, 4.0], [0.8, 0.8]), &Wear::NEW, [1.0; 3]);
        stage.thing(&ATLAS.panel, &Pose::facing([cover_x, 0.0, 3.9], [1.0, 1.0]), 0.0, [0.5; 3], 1.0);
        let items = stage.into_items();
        let composition = Composition { backdrop: Backdrop::Wall(wall), items, light, optics: Optics::CLEAN };
        Renderer::new(SIZE).render(&composition, &mut Rng::new(0, 0)).1.boxes.len()
    };
    assert_eq!(counted(0.0), 0);
    assert_eq!(counted(0.3), 0);
    assert_eq!(counted(0.6), 1);
}

#[test]
fn the_two_turns_point_where_their_names_say() {
    // White of the arrow's head lies on the side to which it points.
    for (class, head_is_left) in [(9, true), (10, false)] {
        for look in 0..2 {
            let (picture, truth) = alone(class, look, &Pose::facing([0.0, 0.0, 2.0], [0.8, 0.8]));
            let rect = truth.boxes[0].rect;
            let white_in = |from: f32, to: f32| {
                let columns = (rect.x1 + rect.width() * from) as u32..(rect.x1 + rect.width() * to) as u32;
                let rows = (rect.y1 + rect.height() * 0.2) as u32..(rect.y1 + rect.height() * 0.6) as u32;
                columns
                    .flat_map(|x| rows.clone().map(move |y| (x, y)))
                    .filter(|&(x, y)| picture.get_pixel(x, y).0[0] > 180)
                    .count()
            };
            assert_eq!(white_in(0.1, 0.38) > white_in(0.62, 0.9), head_is_left, "class {class} look {look}");
        }
    }
}

#[test]
fn the_drive_is_smooth_and_full_of_signs() {
    let mut drive = Drive::new(1, ImageSize::new(480, 270));
    let mut previous: Vec<TruthBox> = drive.render(10.0).1.boxes;
    let (mut boxes, mut lost) = (0, 0);
    let frames = 90;
    for frame in 1..=frames {
        let truth = drive.render(10.0 + f64::from(frame) / 30.0).1;
        for sign in &truth.boxes {
            let same = previous.iter().filter(|p| p.class_id == sign.class_id);
            let overlap = same.map(|p| p.rect.iou(&sign.rect)).fold(0.0, f32::max);
            // A sign is new now and then, but one that was there has hardly moved.
            assert!(overlap == 0.0 || overlap > 0.6, "{sign:?} {previous:?}");
            lost += usize::from(overlap == 0.0);
        }
        boxes += truth.boxes.len();
        previous = truth.boxes;
    }
    let mean = boxes as f32 / frames as f32;
    assert!((2.0..7.0).contains(&mean), "{mean} signs in view");
    assert!(lost <= 12, "{lost} signs came from nowhere in three seconds");
}

#[test]
fn the_drive_depends_on_seed_and_time_alone() {
    let size = ImageSize::new(320, 180);
    let mut a = Drive::new(1, size);
    a.render(50.0);
    let first = a.render(3.25);
    assert_eq!(hash(&first.0), hash(&Drive::new(1, size).render(3.25).0));
    assert_ne!(hash(&first.0), hash(&Drive::new(2, size).render(3.25).0));
}

#[test]
fn a_bend_that_leads_out_of_the_numbers_is_painted() {
    // Where the row under the horizon is so far ahead that the road's middle lies beyond 32 km.
    let mut drive = Drive::new(1, ImageSize::new(800, 450));
    for time_s in [157.766_666, 157.799_999_999_993_62, 157.833_333] {
        assert_eq!(drive.render(time_s).0.dimensions(), (800, 450));
    }
}
