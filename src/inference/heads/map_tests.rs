use super::super::centernet;
use super::super::test_support::{decoded, look, summary, tensor};
use super::super::{Candidate, Family};
use super::*;
use crate::imaging::ImageSize;

/// The maps of an input of 64x64.
const SIDE: usize = 16;
const PLACES: usize = SIDE * SIDE;
const SIZE: ImageSize = ImageSize::new(64, 64);

/// One output: name, channels and values.
type Maps = Vec<(&'static str, usize, Vec<f32>)>;

/// A map of `channels` with some values set, by channel, row and column.
fn map(channels: usize, fill: f32, set: &[(usize, usize, usize, f32)]) -> Vec<f32> {
    let mut values = vec![fill; channels * PLACES];
    for (channel, row, column, value) in set {
        values[channel * PLACES + row * SIDE + column] = *value;
    }
    values
}

fn recognized(family: &Family, maps: &Maps, with_values: bool) -> Option<Found> {
    let shapes: Vec<_> = maps.iter().map(|(_, channels, _)| [1, *channels, SIDE, SIDE]).collect();
    let outputs: Vec<_> = maps
        .iter()
        .zip(&shapes)
        .map(|((name, _, values), shape)| (*name, &shape[..], with_values.then_some(values.as_slice())))
        .collect();
    look(family, &summary(&[]), &outputs)
}

fn run(head: Head, maps: &Maps) -> Vec<Candidate> {
    let shapes: Vec<_> = maps.iter().map(|(_, channels, _)| [1, *channels, SIDE, SIDE]).collect();
    let outputs: Vec<_> =
        maps.iter().zip(&shapes).map(|((name, _, values), shape)| tensor(name, shape, values)).collect();
    decoded(head, SIZE, &outputs, 0.25).unwrap()
}

fn centerface() -> Maps {
    let ln2 = 2f32.ln();
    vec![
        ("537", 1, map(1, 0.01, &[(0, 3, 5, 0.9)])),
        // Height 4·2 pixels, width 4·4.
        ("538", 2, map(2, 1.5, &[(0, 3, 5, ln2), (1, 3, 5, 2.0 * ln2)])),
        // Down by a quarter of a place, right by half of one.
        ("539", 2, map(2, 0.0, &[(0, 3, 5, 0.25), (1, 3, 5, 0.5)])),
        ("540", 10, map(10, 0.5, &[])),
    ]
}

#[test]
fn centerface_has_the_rows_before_the_columns() {
    let mut maps = centerface();
    for _ in 0..2 {
        for with_values in [false, true] {
            let found = recognized(&FAMILY, &maps, with_values).unwrap();
            assert_eq!((found.certainty, found.only_class), (Certainty::Certain, Some("face")));
            assert_eq!(found.usual.resize, ResizeMode::Stretch);
        }
        // Centre 4·(5 + 0.5 + 0.5) and 4·(3 + 0.25 + 0.5).
        let [face] = run(Head::CenterFace, &maps)[..] else { panic!() };
        let got = [face.rect.x1, face.rect.y1, face.rect.x2, face.rect.y2];
        assert!(got.iter().zip([16.0, 11.0, 32.0, 19.0]).all(|(got, want)| (got - want).abs() < 1e-3), "{got:?}");
        assert_eq!((face.class_id, face.score), (0, 0.9));
        maps.reverse();
    }
    maps.pop();
    assert!(recognized(&FAMILY, &maps, true).is_none(), "a map less");
    let mut logits = centerface();
    logits[0].2[0] = -4.0;
    assert!(recognized(&FAMILY, &logits, true).is_none(), "no scores");
}

#[test]
fn a_placeholder_of_a_declared_shape_is_no_hindrance() {
    let shapes = [[10, 1, 8, 8], [10, 2, 8, 8], [10, 2, 8, 8], [10, 10, 8, 8]];
    let outputs = shapes.each_ref().map(|shape| ("x", &shape[..], None));
    assert!(look(&FAMILY, &summary(&[]), &outputs).is_some());
}

/// A heat map with a peak at 3, 5, whose neighbour is nearly as hot, and one of another class beside it.
fn centernet(reading: impl Fn(f32) -> f32) -> Maps {
    let heat = [(0, 3, 5, reading(0.9)), (0, 3, 6, reading(0.8)), (2, 3, 6, reading(0.7))];
    vec![
        ("hm", 3, map(3, reading(0.01), &heat)),
        ("wh", 2, map(2, 1.0, &[(0, 3, 5, 4.0), (1, 3, 5, 2.0)])),
        ("reg", 2, map(2, 0.5, &[(0, 3, 5, 0.25), (1, 3, 5, 0.75)])),
    ]
}

#[test]
fn centernet_gives_the_peaks_of_each_class() {
    for logits in [false, true] {
        let mut maps = centernet(|score| if logits { (score / (1.0 - score)).ln() } else { score });
        for _ in 0..2 {
            let found = recognized(&centernet::FAMILY, &maps, true).unwrap();
            assert_eq!((found.classes, found.certainty), (Classes::Known(3), Certainty::Certain));
            assert!(!found.nms);
            let got = run(Head::CenterNet, &maps);
            assert_eq!(got.iter().map(|c| c.class_id).collect::<Vec<_>>(), [0, 2]);
            assert!((got[0].score - 0.9).abs() < 1e-5);
            // Centre 4·5.25 and 4·3.75, size 16 and 8.
            assert_eq!(got[0].rect, BoxInModel::new(13.0, 11.0, 29.0, 19.0));
            maps.reverse();
        }
    }
}

#[test]
fn what_only_looks_like_centernet_is_refused() {
    let refused = |change: fn(&mut Maps)| {
        let mut maps = centernet(|score| score);
        change(&mut maps);
        recognized(&centernet::FAMILY, &maps, true).is_none()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|maps| maps[0].2.fill(0.9)), "hot everywhere");
    assert!(refused(|maps| maps[2].2[0] = 30.0), "an offset far beyond its place");
    assert!(refused(|maps| maps[1] = ("x", 3, map(3, 1.0, &[]))), "no pair");
    assert!(refused(|maps| maps.truncate(2)), "no offsets");
    let other_grid = [("hm", &[1, 3, 8, 8][..], None), ("wh", &[1, 2, 8, 8], None), ("reg", &[1, 2, 8, 8], None)];
    assert!(look(&centernet::FAMILY, &summary(&[]), &other_grid).is_none(), "another stride");
}
