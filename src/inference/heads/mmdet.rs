//! MMDetection deployed: `dets` `[1, K, 5]`, a row a detection: left, top, right, bottom in pixels of the input, score; and
//! `labels` `[1, K]`, numbered from 0. Masks may come beside them. Without a batch the same with a side less.
//!
//! Source: OpenMMLab's mmdeploy (`mmdeploy/codebase/mmdet`), whose NMS ends in these outputs, and the ONNX export of
//! MMDetection 2 before it. Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors" (arXiv
//! 2212.07784) for how RTMDet is fed.

use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::listed::Name;
use super::table::table;
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::MmDet], outputs: "dets [1, k, 5] and labels [1, k]", recognize, decode };

const COLUMNS: usize = 5;
/// RTMDet-nano has a million weights, RTMDet-tiny five.
const NANO_WEIGHTS: u64 = 2_000_000;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let declared = look.outputs.iter().all(|output| output.values.is_none());
    let (dets, labels) = roles(look.outputs.len(), declared, |index| {
        let output = &look.outputs[index];
        (output.name, output.shape.as_slice())
    })?;
    let (dets, labels) = (&look.outputs[dets], &look.outputs[labels]);
    let whole = |values: &[f32]| values.iter().all(|value| value.fract() == 0.0);
    let scored = |values: &[f32]| values.chunks_exact(COLUMNS).all(|row| (0.0..=1.0).contains(&row[4]));
    let fits = labels.values.is_none_or(whole) && dets.values.is_none_or(scored);
    if look.asked.is_none() && !fits {
        return None;
    }
    let named = Name(dets.name).has(&["dets"]) && Name(labels.name).has(&["labels"]);
    let nano = look.weights() < NANO_WEIGHTS;
    Some(Found {
        head: Head::MmDet,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty: if named { Certainty::Certain } else { Certainty::Likely },
        evidence: vec![sure(format!(
            "outputs {} {} = boxes with scores, {} {} = their labels: MMDetection deployed",
            dets.name,
            shape_text(&dets.shape),
            labels.name,
            shape_text(&labels.shape)
        ))],
        usual: Usual {
            // Nano models of RTMDet are made for 320, the larger ones for 640, the usual size of all others too.
            size: nano.then_some(ImageSize::new(320, 320)),
            from: "what RTMDet is trained with; other models of MMDetection differ",
            ..Usual::OPENMMLAB.guessed()
        },
    })
}

/// Where rows of five columns are, and what has one number a row: labels by name, else the first such.
fn roles<'a>(count: usize, declared: bool, part: impl Fn(usize) -> (&'a str, &'a [usize])) -> Option<(usize, usize)> {
    let same = |a: usize, b: usize| a == b || declared && (a == 0 || b == 0);
    let is_dets = |&index: &usize| {
        let (name, shape) = part(index);
        let open = declared && shape.last() == Some(&0) && Name(name).has(&["dets"]);
        let batch = shape.len() == 2 || shape.len() == 3 && same(shape[0], 1);
        batch && (shape.last() == Some(&COLUMNS) || open)
    };
    let dets = (0..count).find(is_dets)?;
    let (lead, of_row) = (part(dets).1.split_last()?.1, |index: usize| part(index).1);
    let fits = |index: usize| {
        let shape = of_row(index);
        index != dets && shape.len() == lead.len() && shape.iter().zip(lead).all(|(a, b)| same(*a, *b))
    };
    let named = (0..count).find(|&index| fits(index) && Name(part(index).0).has(&["label", "class"]));
    named.or_else(|| (0..count).find(|&index| fits(index))).map(|labels| (dets, labels))
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let found = roles(outputs.len(), false, |index| (outputs[index].name, outputs[index].shape));
    let (dets, labels) = found.ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    let rows = table::<COLUMNS>(&outputs[dets..=dets]).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    for (&[left, top, right, bottom, score], &label) in rows.iter().zip(outputs[labels].values) {
        if score >= context.score_floor
            && let Some(class) = class_number(label)
        {
            push_finite(candidates, class, score, BoxInModel::new(left, top, right, bottom));
        }
    }
    Ok(())
}
