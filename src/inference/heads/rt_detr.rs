//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::RtDetr],
    outputs: "labels [1, k], boxes [1, k, 4] and scores [1, k]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| {
        Err(shape_error(head, "labels [1, k], boxes [1, k, 4] and scores [1, k]", outputs))
    },
};
