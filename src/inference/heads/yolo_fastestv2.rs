//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloFastestV2],
    outputs: "boxes, objectness and classes of two maps",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "boxes, objectness and classes of two maps", outputs)),
};
