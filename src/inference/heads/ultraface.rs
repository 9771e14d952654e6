//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::UltraFace],
    outputs: "[1, n, 2] and [1, n, 4] in 0…1",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "[1, n, 2] and [1, n, 4] in 0…1", outputs)),
};
