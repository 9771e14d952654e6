//! What is really in a picture, where that is known.

use super::BoxInImage;
use std::sync::Arc;

/// One labelled object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthBox {
    /// Index into [`Truth::class_names`].
    pub class_id: u32,
    /// Where it is.
    pub rect: BoxInImage,
}

/// Every labelled object of one picture. Classes are joined to a model's classes by name, never by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Names of all classes of the dataset, shared between its pictures.
    pub class_names: Arc<[String]>,
    /// The objects, in no special order.
    pub boxes: Vec<TruthBox>,
}
