//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Scrfd],
    outputs: "[n, 1], [n, 4] and [n, 10] a stride",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "[n, 1], [n, 4] and [n, 10] a stride", outputs)),
};
