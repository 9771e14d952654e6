//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::MmDet],
    outputs: "[1, k, 5] and [1, k]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "[1, k, 5] and [1, k]", outputs)),
};
