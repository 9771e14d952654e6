//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::NanoDet, Head::NanoDetPlus],
    outputs: "[1, n, classes] and [1, n, 4·bins] a stride, or both in one",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| {
        Err(shape_error(head, "[1, n, classes] and [1, n, 4·bins] a stride, or both in one", outputs))
    },
};
