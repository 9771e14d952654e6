//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloV5, Head::YoloV6],
    outputs: "[1, n, 5+classes]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "[1, n, 5+classes]", outputs)),
};
