//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::CenterFace],
    outputs: "maps [1, 1, h, w], [1, 2, h, w], [1, 2, h, w] and [1, 10, h, w]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| {
        Err(shape_error(head, "maps [1, 1, h, w], [1, 2, h, w], [1, 2, h, w] and [1, 10, h, w]", outputs))
    },
};
