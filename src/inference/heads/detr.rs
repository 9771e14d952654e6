//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Detr, Head::DetrSoftmax],
    outputs: "logits [1, q, classes] and boxes [1, q, 4]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "logits [1, q, classes] and boxes [1, q, 4]", outputs)),
};
