//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Torchvision, Head::TorchvisionUnit],
    outputs: "boxes [k, 4], labels [k] and scores [k]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "boxes [k, 4], labels [k] and scores [k]", outputs)),
};
