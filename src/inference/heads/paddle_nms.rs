//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::PaddleNms],
    outputs: "[k, 6] and a count",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "[k, 6] and a count", outputs)),
};
