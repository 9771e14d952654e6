//! Recognising a detector: from the file's summary, and the outputs of one run where there was one, to a model card
//! with a sentence of evidence an item. What is not certain says "guess".

mod head;
mod input;
mod outputs;

use super::decode::OutputTensor;
use super::preprocess::InputType;
use super::{COCO80, CardError, CardLabels, CardOverrides, ColorOrder, Head, LabelSource, ModelCard, labels};
use crate::imaging::ResizeMode;
use crate::onnx::Summary;
use std::path::Path;

pub use input::{InputRecognition, recognize_input};

/// What was recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognition {
    /// How to feed the model and how to read its answer.
    pub card: ModelCard,
    /// Why that is believed, a sentence an item.
    pub evidence: Vec<String>,
    /// What the user should know, such as labels that do not fit.
    pub warnings: Vec<String>,
}

/// Why a model is not taken as a detector.
#[derive(Debug, thiserror::Error)]
pub enum RecognizeError {
    /// It wants more, or less, than one picture.
    #[error(
        "the model has {count} inputs ({inputs}), and only models with one input, the picture, are known so far. \
         Export it without the others"
    )]
    Inputs {
        /// How many.
        count: usize,
        /// Their names, shapes and types.
        inputs: String,
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
        "the input {input} is not fed with float32, float16 or uint8, the types known so far. Export it with one of these"
    )]
    InputType {
        /// Name, shape and type.
        input: String,
    },
    /// Its outputs are those of no known head.
    #[error("the outputs {outputs} look like {looks}, and that is not known yet. Known are {}", known_heads())]
    NotKnown {
        /// Names, shapes and types.
        outputs: String,
        /// What they look like.
        looks: String,
    },
    /// The file alone does not say it.
    #[error("the outputs {outputs} cannot be told from the file alone: {reason}. Known are {}", known_heads())]
    NeedsTrial {
        /// Names, shapes and types.
        outputs: String,
        /// What is missing.
        reason: &'static str,
    },
    /// The card names a head that these outputs cannot be.
    #[error("the model card sets head = \"{head}\", which needs {}, and the outputs are {outputs}. Correct the card", head.outputs())]
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

/// `yolox or yolox_decoded [1, cells, 5+classes]; …`: heads with the same outputs are listed together.
fn known_heads() -> String {
    let mut groups: Vec<(String, &str)> = Vec::new();
    for head in Head::ALL {
        match groups.last_mut().filter(|(_, outputs)| *outputs == head.outputs()) {
            Some((names, _)) => *names += &format!(" or {head}"),
            None => groups.push((head.to_string(), head.outputs())),
        }
    }
    groups.iter().map(|(names, outputs)| format!("{names} {outputs}")).collect::<Vec<_>>().join("; ")
}

/// Recognises a model.
///
/// `trial` are the outputs of one run on any picture, best one of a single grey: with their values, raw offsets are
/// told from pixels and scores from other numbers; without them what stays open is guessed, or refused where a guess
/// would be worthless. `overrides` is the model's card; `label_file` goes before the labels of the card, these before
/// the file's metadata, then COCO's 80 names where there are 80 classes.
///
/// # Errors
/// A sentence saying what inputs or outputs look like and which heads are known; or what is wrong with a label file.
pub fn recognize(
    summary: &Summary,
    trial: Option<&[OutputTensor<'_>]>,
    overrides: Option<&CardOverrides>,
    label_file: Option<&Path>,
) -> Result<Recognition, RecognizeError> {
    let input = recognize_input(summary, overrides)?;
    let (mut evidence, mut warnings) = (input.evidence.clone(), input.warnings.clone());
    let found = head::recognize(summary, trial, &input, overrides.and_then(|card| card.head))?;
    evidence.extend(found.evidence);
    let mut card = usual_card(found.head, &input);
    evidence.push(usual_evidence(found.head, input.dtype));
    if let Some(overrides) = overrides {
        let keys = overrides.apply(&mut card);
        if !keys.is_empty() {
            evidence.push(format!("the card {} sets {}", overrides.path.display(), keys.join(", ")));
        }
    }
    let named = find_labels(summary, overrides, label_file, found.classes)?;
    card.labels = named.labels;
    card.labels_from = named.source;
    evidence.push(named.evidence);
    warnings.extend(named.warning);
    evidence.push(summary.precision_evidence.clone());
    Ok(Recognition { card, evidence, warnings })
}

/// What models with that head are usually fed with.
fn usual_card(head: Head, input: &InputRecognition) -> ModelCard {
    let (color, unit_scale, resize) = match head {
        Head::Yolox | Head::YoloxDecoded => (ColorOrder::Bgr, false, ResizeMode::LetterboxTopLeft),
        Head::YoloV8 | Head::BoxesScores | Head::BoxesScoresUnit => {
            (ColorOrder::Rgb, true, ResizeMode::LetterboxCenter)
        }
    };
    ModelCard {
        head,
        input_size: input.size,
        layout: input.layout,
        color,
        // Bytes hold no fractions: a model that takes them scales by itself.
        scale: if unit_scale && input.dtype != InputType::U8 { 1.0 / 255.0 } else { 1.0 },
        mean: [0.0; 3],
        std: [1.0; 3],
        resize,
        pad: 114,
        labels: Vec::new(),
        labels_from: LabelSource::Numbered,
    }
}

fn usual_evidence(head: Head, dtype: InputType) -> String {
    let range = if dtype == InputType::U8 { "as bytes" } else { "0…1" };
    match head {
        Head::Yolox | Head::YoloxDecoded => {
            "BGR 0…255, letterbox at the top left, padding 114: what YOLOX is trained with".to_owned()
        }
        Head::YoloV8 => format!("RGB {range}, centred letterbox, padding 114: what YOLOv8 is trained with"),
        Head::BoxesScores | Head::BoxesScoresUnit => {
            format!("RGB {range}, centred letterbox, padding 114: a guess, models with this head differ")
        }
    }
}

struct Named {
    labels: Vec<String>,
    source: LabelSource,
    evidence: String,
    warning: Option<String>,
}

fn find_labels(
    summary: &Summary,
    overrides: Option<&CardOverrides>,
    label_file: Option<&Path>,
    classes: usize,
) -> Result<Named, RecognizeError> {
    let fitted = |names, source: LabelSource, origin: &str| {
        let (labels, warning) = labels::fit(names, classes, origin);
        Ok(Named { labels, source, evidence: format!("{classes} class names from {origin}"), warning })
    };
    let from_card = overrides.and_then(CardOverrides::label_file);
    if let Some(file) = label_file.map(Path::to_owned).or(from_card) {
        let names = labels::read(&file)?;
        let origin = file.display().to_string();
        return fitted(names, LabelSource::File(file), &origin);
    }
    if let Some(card) = overrides
        && let Some(CardLabels::Names(names)) = &card.labels
    {
        let origin = card.path.display().to_string();
        return fitted(names.clone(), LabelSource::File(card.path.clone()), &origin);
    }
    if let Some(names) = summary.metadata.get("names").and_then(|text| labels::literal_names(text)) {
        return fitted(names, LabelSource::Metadata, "the model's metadata");
    }
    let (names, source, evidence) = if classes == COCO80.len() {
        let names = COCO80.iter().map(ToString::to_string).collect();
        (names, LabelSource::BuiltinCoco80, "80 classes: the names of COCO (guess)".to_owned())
    } else {
        (Vec::new(), LabelSource::Numbered, format!("no names for the {classes} classes were found: they are numbered"))
    };
    Ok(Named { labels: labels::fit(names, classes, "").0, source, evidence, warning: None })
}

#[cfg(test)]
mod tests;
