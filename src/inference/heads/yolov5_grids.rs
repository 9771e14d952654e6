//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloV5Grids],
    outputs: "maps [1, anchors·(5+classes), h, w], one a stride",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| {
        Err(shape_error(head, "maps [1, anchors·(5+classes), h, w], one a stride", outputs))
    },
};
