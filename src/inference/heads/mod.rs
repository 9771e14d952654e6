//! From output tensors to candidates: one file a family of encodings, with how it is recognised, how models of it are
//! usually fed, and how it is read.
//!
//! A [`Decoder`] is made once for a model and used for every frame; after the first frames it allocates nothing.

mod anchor_maps;
mod blazeface;
mod boxes_scores;
mod centerface;
mod centernet;
mod detection_output;
mod detr;
mod efficient_nms;
mod efficientdet;
mod facts;
mod family;
mod fastestdet;
mod grid;
mod levels;
mod listed;
mod maps;
mod mmdet;
mod nanodet;
mod numbering;
mod paddle_nms;
mod picodet;
mod ppyoloe;
mod priors;
mod retinaface;
mod rows;
mod rt_detr;
mod scrfd;
mod table;
mod tensor;
mod tf_ssd;
mod torchvision;
mod ultraface;
mod yolo_end2end;
mod yolo_fastestv2;
mod yolov10;
mod yolov2;
mod yolov3_zoo;
mod yolov5;
mod yolov5_grids;
mod yolov8;
mod yolox;
mod yunet;

use super::{Anchors, Candidate, ClassNumbers, Head, ModelCard};
use crate::imaging::ImageSize;

pub(super) use facts::shape_text;
pub(super) use family::{Certainty, Classes, Family, Found, Look, Output, Usual};
pub use tensor::OutputTensor;
use tensor::Wanted;

/// Every family. Of two that are equally sure of a model, the earlier one here gets it.
const FAMILIES: [&Family; 30] = [
    &yolov3_zoo::FAMILY,
    &paddle_nms::FAMILY,
    &tf_ssd::FAMILY,
    &efficient_nms::FAMILY,
    &rt_detr::FAMILY,
    &torchvision::FAMILY,
    &mmdet::FAMILY,
    &yunet::FAMILY,
    &scrfd::FAMILY,
    &blazeface::FAMILY,
    &retinaface::FAMILY,
    &centernet::FAMILY,
    &centerface::FAMILY,
    &ultraface::FAMILY,
    &picodet::FAMILY,
    &nanodet::FAMILY,
    &ppyoloe::FAMILY,
    &detr::FAMILY,
    &yolo_fastestv2::FAMILY,
    &fastestdet::FAMILY,
    &yolov5_grids::FAMILY,
    &yolov2::FAMILY,
    &detection_output::FAMILY,
    &efficientdet::FAMILY,
    &yolo_end2end::FAMILY,
    &yolov10::FAMILY,
    &boxes_scores::FAMILY,
    &yolox::FAMILY,
    &yolov5::FAMILY,
    &yolov8::FAMILY,
];

/// The family of a head.
pub(super) fn family(head: Head) -> &'static Family {
    // A test sees to it that every head has one.
    FAMILIES.iter().copied().find(|family| family.heads.contains(&head)).unwrap_or(FAMILIES[0])
}

/// Every family, in the order of [`family`]'s preference.
pub(super) fn families() -> impl Iterator<Item = &'static Family> {
    FAMILIES.into_iter()
}

/// What a head needs to know beside the tensors.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext {
    /// Width and height of the model's input in this run.
    pub input_size: ImageSize,
    /// Candidates with a lower score are not given out.
    pub score_floor: f32,
}

/// Why outputs cannot be read as a head's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No output has the shape that the head needs.
    #[error(
        "the head {head} needs {expected}, and the model gave {got}. Set \"head\" in the model's card to another one"
    )]
    Shape {
        /// The head that was to be read.
        head: Head,
        /// What it needs.
        expected: &'static str,
        /// Names and shapes of what there is.
        got: String,
    },
    /// The number of cells fits no set of strides.
    #[error(
        "{cells} cells are not those of strides 8, 16, 32 (or to 64) on an input of {input}. \
         Set \"input_size\" in the model's card to the model's own"
    )]
    Grid {
        /// Cells that the output has.
        cells: usize,
        /// Size of the model's input.
        input: ImageSize,
    },
    /// There are no anchor boxes for these feature maps.
    #[error(
        "the head {head} has no anchors for {maps} feature maps from stride {finest} on. \
         Set \"anchors\" in the model's card to a row [w,h, w,h, …] a map, finest map first"
    )]
    Anchors {
        /// The head that was to be read.
        head: Head,
        /// How many feature maps came.
        maps: usize,
        /// Pixels a cell of the finest one.
        finest: usize,
    },
}

/// What decoding keeps from frame to frame: buffers, and what the model's card says beside the head.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    class_major: yolov8::Scratch,
    /// Every class of a box that reaches the floor is a candidate.
    every_class: bool,
    /// The anchor boxes that the card sets.
    anchors: Option<Anchors>,
}

impl Scratch {
    /// Which classes of a box are candidates.
    fn wanted(&self, context: &DecodeContext) -> Wanted {
        Wanted { floor: context.score_floor, every_class: self.every_class }
    }
}

/// Reads the outputs of one model, with the buffers it needs for that.
#[derive(Clone, Debug)]
pub struct Decoder {
    head: Head,
    numbers: ClassNumbers,
    scratch: Scratch,
}

impl Decoder {
    /// A decoder for the model that `card` describes.
    pub fn new(card: &ModelCard) -> Self {
        let scratch = Scratch { anchors: card.anchors.clone(), ..Scratch::default() };
        Self { head: card.head, numbers: card.class_numbers, scratch }
    }

    /// A decoder for models with that head that number their classes from 0.
    pub fn for_head(head: Head) -> Self {
        Self { head, numbers: ClassNumbers::FromZero, scratch: Scratch::default() }
    }

    /// From now on every class of a box that reaches the floor is a candidate, as evaluations count; heads that give out
    /// finished detections, or one class a box by their nature, do as before.
    pub fn give_every_class(&mut self) {
        self.scratch.every_class = true;
    }

    /// Fills `candidates` (emptied first) with every box that scores at least [`DecodeContext::score_floor`]: one box
    /// a cell or row with its best class, in no special order but always the same one. What is not a finite number
    /// is left out. Classes are numbered from 0.
    ///
    /// # Errors
    /// When the outputs' shapes are not those of the head.
    pub fn decode(
        &mut self,
        outputs: &[OutputTensor<'_>],
        context: &DecodeContext,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), DecodeError> {
        candidates.clear();
        (family(self.head).decode)(self.head, outputs, context, &mut self.scratch, candidates)?;
        if self.numbers != ClassNumbers::FromZero {
            candidates.retain_mut(|candidate| match self.numbers.class_id(candidate.class_id) {
                Some(class_id) => {
                    candidate.class_id = class_id;
                    true
                }
                None => false,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod any_tensors_tests;
#[cfg(test)]
mod lists_tests;
#[cfg(test)]
mod own_shapes_tests;
#[cfg(test)]
mod tables_tests;
#[cfg(test)]
pub(super) mod test_support;
#[cfg(test)]
mod tests;
