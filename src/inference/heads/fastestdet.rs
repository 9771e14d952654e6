//! Not written yet.

use super::family::Family;
use super::tensor::shape_error;
use crate::inference::Head;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::FastestDet],
    outputs: "a map [1, 5+classes, h, w]",
    recognize: |_| None,
    decode: |head, outputs, _, _, _| Err(shape_error(head, "a map [1, 5+classes, h, w]", outputs)),
};
