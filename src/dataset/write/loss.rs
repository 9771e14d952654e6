//! What a form of labels cannot hold.

use serde::Serialize;
use std::collections::BTreeMap;

/// Something that the written form does not say any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What.
    pub kind: LossKind,
    /// How many.
    pub count: usize,
}

/// What can be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Boxes that are neither wanted nor wrong, which YOLO does not have: they are left out.
    IgnoredBoxes,
    /// Areas of outlines, in YOLO: width times height stands in for them.
    OutlineAreas,
    /// Boxes without an area, outside their picture, of an unknown class, or too thin to be read again: left out.
    UnusableBoxes,
    /// A second box of a class in the same place, which only COCO tells from the first: left out.
    SameBoxes,
    /// Numbers of pictures: they are counted anew.
    PictureNumbers,
    /// Numbers of classes: they are counted anew.
    ClassNumbers,
    /// Names of pictures that were changed: taken twice, or not possible in this form.
    PictureNames,
    /// Names of classes that were changed: taken twice, or not possible in this form.
    ClassNames,
}

impl LossKind {
    /// For people, in the plural.
    pub const fn words(self) -> &'static str {
        match self {
            Self::IgnoredBoxes => "ignored boxes (crowd, difficult) that were left out",
            Self::OutlineAreas => "areas of outlines in place of which stand those of boxes",
            Self::UnusableBoxes => "boxes that cannot be used and were left out",
            Self::SameBoxes => "boxes that say the same again and were left out",
            Self::PictureNumbers => "pictures with another number than before",
            Self::ClassNumbers => "classes with another number than before",
            Self::PictureNames => "pictures with another name than before",
            Self::ClassNames => "classes with another name than before",
        }
    }
}

/// Losses while a dataset is written.
#[derive(Debug, Default)]
pub(super) struct Losses(BTreeMap<LossKind, usize>);

impl Losses {
    pub fn add(&mut self, kind: LossKind, count: usize) {
        if count > 0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    pub fn into_list(self) -> Vec<Loss> {
        self.0.into_iter().map(|(kind, count)| Loss { kind, count }).collect()
    }
}
