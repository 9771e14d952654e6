//! Every head against numbers of all kinds in the very shapes that it reads, at most one side wrong: random shapes hardly
//! ever let heads with several outputs get as far as their numbers.

use super::any_tensors_tests::{any_number, check};
use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;

/// Name and shape of each output.
type Form = Vec<(&'static str, Vec<usize>)>;

/// Places of the strides 8, 16 and 32, and of 64, on an input of 64x64.
const PLACES: [usize; 4] = [64, 16, 4, 1];
/// Prior boxes there, three a place of the finest and the coarsest stride and two of the others.
const PRIORS: usize = 3 * 64 + 2 * 16 + 2 * 4 + 3;
/// Rows of a list; at least as many as NaN and its like need to meet all columns.
const ROWS: usize = 9;

/// All ways in which a head's outputs may come, with three classes where they have any.
fn forms(head: Head) -> Vec<Form> {
    let one = |shape: &[usize]| vec![vec![("output", shape.to_vec())]];
    let list = |names: [&'static str; 3], lead: &[usize]| -> Form {
        let boxes = [lead, &[4]].concat();
        vec![(names[0], boxes), (names[1], lead.to_vec()), (names[2], lead.to_vec())]
    };
    let pair = |first: &'static str, a: &[usize], second: &'static str, b: &[usize]| {
        vec![vec![(first, a.to_vec()), (second, b.to_vec())]]
    };
    match head {
        Head::Yolox | Head::YoloxDecoded | Head::YoloV6 => one(&[1, 84, 8]),
        Head::YoloV5 | Head::YoloV5Unit => one(&[1, 3 * 84, 8]),
        Head::YoloV5Grids | Head::YoloV7Grids | Head::YoloV3Grids | Head::YoloV4Grids => {
            vec![levels(&[8, 4, 2], |n| vec![vec![1, 24, n, n]]), levels(&[8, 4, 2], |n| vec![vec![1, 3, n, n, 8]])]
        }
        Head::YoloV2 => one(&[1, 5 * 8, 2, 2]),
        Head::YoloV8 | Head::YoloV8Unit => one(&[1, 7, 84]),
        Head::YoloV8Transposed | Head::YoloV8TransposedUnit => one(&[1, 84, 7]),
        Head::YoloV10 => one(&[1, ROWS, 6]),
        Head::YoloEnd2End => one(&[ROWS, 7]),
        Head::EfficientNms | Head::TfSsd => {
            let mut list = list(["detection_boxes", "detection_classes", "detection_scores"], &[1, ROWS]);
            list.push(("num_detections", vec![1]));
            vec![list]
        }
        Head::YoloV3Zoo => vec![vec![("a", vec![1, ROWS, 4]), ("b", vec![1, 3, ROWS]), ("c", vec![7, 3])]],
        Head::BoxesScores | Head::BoxesScoresUnit => pair("boxes", &[1, ROWS, 4], "confs", &[1, ROWS, 3]),
        Head::FastestDet => one(&[1, 8, 4, 4]),
        Head::YoloFastestV2 => vec![
            levels(&[4, 2], |n| vec![vec![1, n, n, 18]]),
            levels(&[4, 2], |n| vec![vec![1, 12, n, n], vec![1, 3, n, n], vec![1, 5, n, n]]),
        ],
        Head::PaddleNms => pair("rows", &[ROWS, 6], "number", &[1]),
        Head::PpYoloe => [pair("a", &[1, 84, 4], "b", &[1, 3, 84]), one(&[1, 84, 7])].concat(),
        Head::PicoDet => vec![levels(&PLACES, |n| vec![vec![1, n, 3], vec![1, n, 32]])],
        Head::NanoDet => {
            [vec![levels(&PLACES[..3], |n| vec![vec![1, n, 3], vec![1, n, 32]])], one(&[1, 84, 35])].concat()
        }
        Head::NanoDetPlus => one(&[1, 85, 35]),
        Head::EfficientDet => one(&[1, ROWS, 7]),
        Head::DetectionOutput => one(&[1, 1, ROWS, 7]),
        Head::Torchvision | Head::TorchvisionUnit | Head::RtDetr => {
            let names = ["boxes", "labels", "scores"];
            if head == Head::RtDetr { vec![list(names, &[1, ROWS])] } else { vec![list(names, &[ROWS])] }
        }
        Head::MmDet => pair("dets", &[1, ROWS, 5], "labels", &[1, ROWS]),
        Head::Detr | Head::DetrSoftmax => pair("logits", &[1, ROWS, 5], "pred_boxes", &[1, ROWS, 4]),
        _ => of_maps_and_priors(head),
    }
}

fn of_maps_and_priors(head: Head) -> Vec<Form> {
    let map = |channels| vec![1, channels, 16, 16];
    let rows = |count, columns: &[usize]| -> Form { columns.iter().map(|side| ("x", vec![1, count, *side])).collect() };
    match head {
        Head::CenterNet => vec![vec![("hm", map(3)), ("wh", map(2)), ("reg", map(2))]],
        Head::CenterFace => vec![vec![("hm", map(1)), ("scale", map(2)), ("offset", map(2)), ("points", map(10))]],
        Head::UltraFace => vec![rows(ROWS, &[3, 4]), rows(PRIORS, &[2, 4])],
        Head::RetinaFace => vec![rows(2 * 84, &[4, 2, 10])],
        Head::YuNet => {
            let of_2023 = |n| vec![vec![1, n, 1], vec![1, n, 1], vec![1, n, 4], vec![1, n, 10]];
            vec![levels(&PLACES[..3], of_2023), rows(PRIORS, &[14, 2, 1])]
        }
        Head::Scrfd => vec![
            levels(&PLACES[..3], |n| vec![vec![2 * n, 1], vec![2 * n, 4]]),
            levels(&PLACES[..3], |n| vec![vec![1, 2 * n, 1], vec![1, 2 * n, 4], vec![1, 2 * n, 10]]),
        ],
        Head::BlazeFace => {
            vec![rows(896, &[1, 16]), [rows(512, &[1, 16]), rows(384, &[1, 16])].concat()]
        }
        other => panic!("say here what {other} reads"),
    }
}

/// The outputs of each feature map.
fn levels(sides: &[usize], shapes: impl Fn(usize) -> Vec<Vec<usize>>) -> Form {
    sides.iter().flat_map(|side| shapes(*side)).map(|shape| ("map", shape)).collect()
}

/// Another side for one axis of one output.
#[derive(Clone, Debug)]
struct Fault {
    output: prop::sample::Index,
    axis: prop::sample::Index,
    side: usize,
}

fn fault() -> impl Strategy<Value = Fault> {
    let side = prop::sample::select(&[0usize, 1, 2, 3, 5, 9, 17][..]);
    (any::<prop::sample::Index>(), any::<prop::sample::Index>(), side).prop_map(|(output, axis, side)| Fault {
        output,
        axis,
        side,
    })
}

/// Decodes a form filled with `numbers` over and over; whether it could be read.
fn decode_form(head: Head, form: &Form, fault: Option<&Fault>, numbers: &[f32], floor: f32, reverse: bool) -> bool {
    let mut form = form.clone();
    if let Some(Fault { output, axis, side }) = fault {
        let shape = &mut output.get_mut(&mut form).1;
        *axis.get_mut(shape) = *side;
    }
    if reverse {
        form.reverse();
    }
    let values: Vec<Vec<f32>> =
        form.iter().map(|(_, shape)| numbers.iter().copied().cycle().take(shape.iter().product()).collect()).collect();
    let outputs: Vec<_> =
        form.iter().zip(&values).map(|((name, shape), values)| OutputTensor { name, shape, values }).collect();
    // BlazeFace has its anchors for three sizes only.
    let side = if head == Head::BlazeFace { 128 } else { 64 };
    check(&mut Decoder::for_head(head), ImageSize::new(side, side), &outputs, floor)
}

#[test]
fn no_head_breaks_on_any_numbers_in_its_own_shapes() {
    let floors = prop::sample::select(&[0.0f32, 0.001, 0.25, 1.0][..]);
    let numbers = prop::collection::vec(any_number(), 1..60);
    let given = (prop::option::of(fault()), numbers, floors, any::<bool>());
    for head in Head::ALL {
        for form in forms(*head) {
            let read = Cell::new(0);
            let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(60) });
            let outcome = runner.run(&given, |(fault, numbers, floor, reverse)| {
                let done = decode_form(*head, &form, fault.as_ref(), &numbers, floor, reverse);
                read.set(read.get() + usize::from(done));
                Ok(())
            });
            outcome.unwrap_or_else(|error| panic!("{head} {form:?}: {error}"));
            assert!(read.get() > 0, "{head} never read {form:?}");
        }
    }
}
