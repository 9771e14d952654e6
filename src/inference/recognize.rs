//! Recognising a detector: from the file's summary, and the outputs of one run where there was one, to a model card
//! with a sentence of evidence an item. What is not certain is called a guess.

mod evidence;
mod input;
mod metadata;
mod names;
mod other_inputs;
mod outputs;

use super::heads::{self, Certainty, Found, Look, Output, OutputTensor, Usual};
use super::preprocess::InputType;
use super::{CardError, CardOverrides, Head, LabelSource, ModelCard, labels};
use crate::onnx::{Summary, shown};
use std::path::Path;

pub use evidence::{Evidence, Item, guessed_keys};
pub use input::{InputRecognition, recognize_input};
pub use other_inputs::{OtherInput, OtherType};

/// What was recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognition {
    /// How to feed the model and how to read its answer.
    pub card: ModelCard,
    /// The same without what the user's card sets.
    pub recognised: ModelCard,
    /// What is fed beside the picture, a sentence an input.
    pub other_inputs: Vec<String>,
    /// Why that is believed, a sentence an item.
    pub evidence: Vec<Evidence>,
    /// What the user should know, such as labels that do not fit.
    pub warnings: Vec<String>,
}

/// Why a model is not taken as a detector.
#[derive(Debug, thiserror::Error)]
pub enum RecognizeError {
    /// It takes nothing.
    #[error("the model has no inputs, so that no picture can be given to it. Export it with its picture as an input")]
    NoInputs,
    /// None of its inputs is a picture.
    #[error("none of the model's inputs is a colour picture ({inputs}). Export it with an input [1, 3, height, width]")]
    NoPicture {
        /// Their names, shapes and types.
        inputs: String,
    },
    /// It wants something beside the picture that nothing is known of.
    #[error(
        "the model wants {input} beside the picture, and what that is to hold is not known (known are the sizes of the \
         picture as orig_target_sizes, image_shape, im_shape or im_info, scale_factor, masks and thresholds). \
         Export it without that input"
    )]
    OtherInput {
        /// Name, shape and type.
        input: String,
    },
    /// Its input is no picture.
    #[error("the input {input} is no colour picture: {reason}. Export the model with an input [1, 3, height, width]")]
    InputShape {
        /// Name, shape and type.
        input: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its input has another element type.
    #[error(
        "the input {input} is not fed with float32, float16, uint8 or int8, the types known so far. \
         Export it with one of these"
    )]
    InputType {
        /// Name, shape and type.
        input: String,
    },
    /// Its batch is built in, and not of one picture.
    #[error(
        "the model was exported for {count} pictures at once, as its input {input} says, and does not work with a single \
         one: {how}. Export it with batch 1"
    )]
    Batch {
        /// Pictures that it takes.
        count: usize,
        /// Name, shape and type.
        input: String,
        /// What came of a single one.
        how: String,
    },
    /// Its outputs are those of no known head.
    #[error("the outputs {outputs} look like {looks}, and that is not known. {}", known_heads())]
    NotKnown {
        /// Names, shapes and types.
        outputs: String,
        /// What they look like.
        looks: String,
    },
    /// The card names a head that these outputs cannot be.
    #[error(
        "the model card sets head = \"{head}\", which needs {}, and the outputs are {outputs}. Correct the card",
        heads::family(*head).outputs
    )]
    HeadDoesNotFit {
        /// The head of the card.
        head: Head,
        /// Names and shapes.
        outputs: String,
    },
    /// A card cannot be used.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A label file cannot be used.
    #[error(transparent)]
    Labels(#[from] labels::LabelError),
}

/// The names of all heads, and where to say which one it is.
fn known_heads() -> String {
    let names: Vec<_> = Head::ALL.iter().map(|head| head.name()).collect();
    format!("If it is of a known kind, name that as \"head\" in a model card. Known are {}", names.join(", "))
}

/// Recognises a model that is fed as `input` says.
///
/// `trial` are the outputs of one run on a picture of a single grey, of `input`'s size: with their values, raw offsets are
/// told from pixels and scores from other numbers; without them what stays open is guessed, or refused where a guess
/// would be worthless. `overrides` is the model's card; `label_file` goes before the labels of the card, these before
/// the file's metadata, then the names that models with that head have.
///
/// # Errors
/// A sentence saying what inputs or outputs look like and which heads are known; or what is wrong with a label file.
pub fn recognize(
    summary: &Summary,
    input: &InputRecognition,
    trial: Option<&[OutputTensor<'_>]>,
    overrides: Option<&CardOverrides>,
    label_file: Option<&Path>,
) -> Result<Recognition, RecognizeError> {
    let mut warnings = input.warnings.clone();
    let found = recognize_head(summary, input, trial, overrides)?;
    let mut card = usual_card(&found, input);
    let mut recognised = card.clone();
    let own = names::find(summary, None, None, &found, recognised.class_numbers)?;
    (recognised.labels, recognised.labels_from) = (own.labels, own.source);
    let mut evidence = input.evidence.clone();
    evidence.extend(metadata::evidence(summary));
    evidence.extend(head_evidence(&found));
    evidence.push(preprocessing_evidence(&found.usual, input.dtype));
    if let Some(overrides) = overrides {
        let keys = overrides.apply(&mut card);
        if !keys.is_empty() {
            let text = format!("{} sets {}", overrides.origin(), keys.join(", "));
            evidence.push(Evidence::sure(Item::Card, text));
        }
    }
    let named = names::find(summary, overrides, label_file, &found, card.class_numbers)?;
    card.labels = named.labels;
    card.labels_from = named.source;
    evidence.push(named.evidence);
    warnings.extend(named.warning);
    evidence.push(Evidence::sure(Item::Precision, summary.precision_evidence.clone()));
    let other_inputs = input.others.iter().map(OtherInput::describe).collect();
    Ok(Recognition { card, recognised, other_inputs, evidence, warnings })
}

/// The size that models with the recognised head usually have, as far as the file alone tells the head.
pub(super) fn usual_size(summary: &Summary, input: &InputRecognition) -> Option<crate::imaging::ImageSize> {
    recognize_head(summary, input, None, None).ok()?.usual.size
}

/// Asks every family, or the one that the card names; the surest find wins.
fn recognize_head(
    summary: &Summary,
    input: &InputRecognition,
    trial: Option<&[OutputTensor<'_>]>,
    overrides: Option<&CardOverrides>,
) -> Result<Found, RecognizeError> {
    let outputs = outputs::known(summary, trial);
    let listed = || outputs::describe(summary, trial);
    let batch = || {
        let of_batch = |output: &Output<'_>| output.shape.first().copied() == input.batch;
        outputs.iter().any(of_batch).then(|| input.batch_error(format!("it gives the outputs {}", listed())))?
    };
    let asked = overrides.and_then(|card| card.head);
    let anchors = overrides.and_then(|card| card.anchors.as_ref());
    let look = Look { summary, input, outputs: &outputs, asked, anchors };
    if let Some(head) = asked {
        return (heads::family(head).recognize)(&look)
            .map(|found| Found { certainty: Certainty::Certain, ..found })
            .ok_or_else(|| batch().unwrap_or_else(|| RecognizeError::HeadDoesNotFit { head, outputs: listed() }));
    }
    if let Some(task) = summary.metadata.get("task").filter(|task| is_other_task(task)) {
        let looks = format!("a model for another task, since its metadata says task = {}", shown(task));
        return Err(RecognizeError::NotKnown { outputs: listed(), looks });
    }
    let mut best: Option<Found> = None;
    for found in heads::families().filter_map(|family| (family.recognize)(&look)) {
        if best.as_ref().is_none_or(|best| found.certainty > best.certainty) {
            best = Some(found);
        }
    }
    let not_known = || RecognizeError::NotKnown { outputs: listed(), looks: looks_like(&outputs) };
    best.ok_or_else(|| batch().unwrap_or_else(not_known))
}

/// Whether it is one of Ultralytics' tasks whose outputs hold more than boxes, or none. Other exporters have other words for
/// detection.
fn is_other_task(task: &str) -> bool {
    ["segment", "pose", "obb", "classify"].iter().any(|other| task.trim().eq_ignore_ascii_case(other))
}

/// What models with that head are usually fed with.
fn usual_card(found: &Found, input: &InputRecognition) -> ModelCard {
    let usual = found.usual;
    // Bytes hold no fractions: a model that takes them normalizes by itself.
    let bytes = matches!(input.dtype, InputType::U8 | InputType::I8);
    let (scale, mean, std) = if bytes { (1.0, [0.0; 3], [1.0; 3]) } else { (usual.scale, usual.mean, usual.std) };
    ModelCard {
        head: found.head,
        class_numbers: found.numbers,
        nms: found.nms,
        anchors: None,
        input_size: input.size,
        layout: input.layout,
        color: usual.color,
        scale,
        mean,
        std,
        resize: usual.resize,
        pad: usual.pad,
        labels: Vec::new(),
        labels_from: LabelSource::Numbered,
    }
}

/// What a family says of its find; where that as a whole is a guess, so is the head.
fn head_evidence(found: &Found) -> impl Iterator<Item = Evidence> {
    let guess = found.certainty == Certainty::Guess;
    let item = move |evidence: &Evidence| Evidence {
        guess: evidence.guess || guess && evidence.item == Item::Head,
        ..evidence.clone()
    };
    found.evidence.iter().map(item)
}

fn preprocessing_evidence(usual: &Usual, dtype: InputType) -> Evidence {
    let range = match dtype {
        InputType::U8 => "as bytes".to_owned(),
        InputType::I8 => "as signed bytes, less 128".to_owned(),
        InputType::F32 | InputType::F16 => range_text(usual),
    };
    let (color, resize) = (usual.color.name().to_uppercase(), usual.resize.describe(usual.pad));
    let text = format!("{color} {range}, {resize}: {}", usual.from);
    Evidence { item: Item::Preprocessing, text, guess: usual.guess }
}

/// `0…1`, `0…255`, `-1…1`, or with ImageNet's mean.
fn range_text(usual: &Usual) -> String {
    let end = |pixel: f32| (pixel * usual.scale - usual.mean[0]) / usual.std[0];
    if usual.mean.iter().any(|mean| *mean != usual.mean[0]) {
        let top = if usual.scale == 1.0 { "255" } else { "1" };
        return format!("0…{top} less a mean, divided by a deviation a channel");
    }
    format!("{}…{}", end(0.0).round(), end(255.0).round())
}

/// What outputs look like that are no head's.
fn looks_like(outputs: &[Output<'_>]) -> String {
    /// Masks that YOLO's segmenters mix for every box.
    const MASKS: usize = 32;
    let is_masks = |output: &&Output<'_>| matches!(*output.shape, [1, MASKS, height, width] if height > 1 && width > 1);
    if let Some(masks) = outputs.iter().find(is_masks).filter(|_| outputs.len() > 1) {
        return format!("a segmenter, with masks {} beside its boxes", heads::shape_text(&masks.shape));
    }
    match outputs {
        [] => "none at all".to_owned(),
        [output] => match *output.shape.as_slice() {
            [1, classes] | [1, classes, 1, 1] if classes > 1 => format!("a classifier with {classes} classes"),
            [1, _, height, width] if height > 1 && width > 1 => {
                format!("a segmenter or a feature map ({width}x{height} places)")
            }
            // A box, a score, and 17 points of the body with three numbers each.
            [1, 56, places] if places > 56 => "a pose estimator with 17 key points".to_owned(),
            _ => "another kind of head".to_owned(),
        },
        many => format!("a head with {} outputs of another kind", many.len()),
    }
}

#[cfg(test)]
mod tests;
