//! What every file of this folder provides, and what it gets to look at.

use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{ImageSize, ResizeMode};
use crate::inference::recognize::InputRecognition;
use crate::inference::{Anchors, Candidate, ClassNumbers, ColorOrder, Evidence, Head, Item, labels, twin};
use crate::onnx::Summary;

/// Outputs to candidates. `candidates` is empty; class numbers are the model's own.
pub(super) type Decode =
    fn(Head, &[OutputTensor<'_>], &DecodeContext, &mut Scratch, &mut Vec<Candidate>) -> Result<(), DecodeError>;

/// One family of encodings: how it is recognised and how it is read.
pub(in crate::inference) struct Family {
    /// Its encodings.
    pub heads: &'static [Head],
    /// The outputs it reads, for messages.
    pub outputs: &'static str,
    /// What the outputs are if they are this family's. Where [`Look::asked`] names a head, the user's card has decided:
    /// then only shapes count, and the answer has that head.
    pub recognize: fn(&Look<'_>) -> Option<Found>,
    /// Reads the outputs of a run.
    pub decode: Decode,
}

/// What there is to see of a model: its file, and its outputs as declared or as they came from a first run.
pub(in crate::inference) struct Look<'a> {
    /// The file.
    pub summary: &'a Summary,
    /// Its picture input.
    pub input: &'a InputRecognition,
    /// The outputs, in the file's order.
    pub outputs: &'a [Output<'a>],
    /// The head that the user's card names.
    pub asked: Option<Head>,
    /// The anchor boxes that the user's card sets.
    pub anchors: Option<&'a Anchors>,
}

impl Look<'_> {
    /// Width and height of the input in the run that gave the outputs.
    pub fn size(&self) -> ImageSize {
        self.input.size
    }

    /// Number of class names in the file's metadata.
    pub fn names(&self) -> Option<usize> {
        self.summary.metadata.get("names").and_then(|text| labels::literal_names(text)).map(|names| names.len())
    }

    /// About how many weights the network has.
    pub fn weights(&self) -> u64 {
        twin::weights(self.summary)
    }

    /// The head to answer with: the one that was asked for, else `otherwise`.
    pub fn head_or(&self, otherwise: Head) -> Head {
        self.asked.unwrap_or(otherwise)
    }
}

/// An output with the best that is known of its shape.
#[derive(Clone, Debug)]
pub(in crate::inference) struct Output<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// As it came from the first run, else as declared with an open first axis taken as 1. 0 is an open side in a
    /// declared shape, and no rows in one that came.
    pub shape: Vec<usize>,
    /// From the first run, on a picture of a single grey: lists of finished detections are usually empty there.
    pub values: Option<&'a [f32]>,
}

/// How sure a family is of its find. The surest family wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inference) enum Certainty {
    /// The shapes allow it; other families have the same.
    Guess,
    /// Shapes and values agree.
    Likely,
    /// Names, metadata or numbers that no other family has.
    Certain,
}

/// A family's find.
#[derive(Clone, Debug)]
pub(in crate::inference) struct Found {
    /// The encoding.
    pub head: Head,
    /// How many classes there are.
    pub classes: Classes,
    /// How the model numbers them.
    pub numbers: ClassNumbers,
    /// What the one class is called where models with this head find nothing else, such as `face`.
    pub only_class: Option<&'static str>,
    /// Whether boxes of one object still have to be reduced to one.
    pub nms: bool,
    /// How sure this is.
    pub certainty: Certainty,
    /// Why it is this head, and why its classes are numbered so where that is in question.
    pub evidence: Vec<Evidence>,
    /// How models with that head are usually fed.
    pub usual: Usual,
}

/// A reason for a head that leaves no doubt.
pub(super) fn sure(text: impl Into<String>) -> Evidence {
    Evidence::sure(Item::Head, text)
}

/// What is usual with a head where neither file nor run tells it.
pub(super) fn guess(text: impl Into<String>) -> Evidence {
    Evidence::guess(Item::Head, text)
}

/// Reasons for a head none of which leaves a doubt.
pub(super) fn all_sure(texts: Vec<String>) -> Vec<Evidence> {
    texts.into_iter().map(sure).collect()
}

/// The number of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inference) enum Classes {
    /// Told by the shapes.
    Known(usize),
    /// A list of finished detections does not tell.
    Open,
}

/// How models with a head are usually fed; where the file says otherwise that goes before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::inference) struct Usual {
    pub color: ColorOrder,
    /// `tensor = (pixel · scale − mean) / std`, the channels in the order of `color`. Byte inputs ignore it.
    pub scale: f32,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub resize: ResizeMode,
    pub pad: u8,
    /// The size taken where the file leaves it open; width and height.
    pub size: Option<ImageSize>,
    /// What this is known from, as "what YOLOX is trained with".
    pub from: &'static str,
    /// Whether models with this head differ in it.
    pub guess: bool,
}

impl Usual {
    /// YOLOX and its kin: BGR 0…255, letterbox at the top left.
    pub const YOLOX: Self = Self {
        color: ColorOrder::Bgr,
        scale: 1.0,
        mean: [0.0; 3],
        std: [1.0; 3],
        resize: ResizeMode::LetterboxTopLeft,
        pad: 114,
        size: None,
        from: "what YOLOX is trained with",
        guess: false,
    };

    /// Ultralytics and most others of the YOLO kind: RGB 0…1, centred letterbox.
    pub const YOLO: Self = Self {
        color: ColorOrder::Rgb,
        scale: 1.0 / 255.0,
        resize: ResizeMode::LetterboxCenter,
        from: "what YOLOv5 to YOLO26 are trained with",
        ..Self::YOLOX
    };

    /// RGB 0…1, stretched: DETR's kin without ImageNet's normalization.
    pub const UNIT_STRETCH: Self =
        Self { resize: ResizeMode::Stretch, from: "what models of this family are trained with", ..Self::YOLO };

    /// RGB 0…1 less ImageNet's mean, divided by its deviation, stretched.
    pub const IMAGENET_STRETCH: Self =
        Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..Self::UNIT_STRETCH };

    /// BGR 0…255 less ImageNet's mean, divided by its deviation: OpenMMLab and NanoDet.
    pub const OPENMMLAB: Self = Self {
        mean: [103.53, 116.28, 123.675],
        std: [57.375, 57.12, 58.395],
        from: "what models of OpenMMLab are trained with",
        ..Self::YOLOX
    };

    /// The same preprocessing, said to be a guess.
    pub const fn guessed(self) -> Self {
        Self { guess: true, ..self }
    }
}
