//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloV3Zoo],
    outputs: "[1, n, 4], [1, classes, n] and the chosen [k, 3]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| {
        Err(shape_error(head, "[1, n, 4], [1, classes, n] and the chosen [k, 3]", outputs))
    },
};
