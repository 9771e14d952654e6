//! Writing a model that was made, with what the user knows of its parent.

use super::{Point, QuantizeError};
use crate::inference::{CardOverrides, CardSource, ModelOverrides};
use crate::onnx;
use std::path::Path;

/// Writes a model in place of what is at `out`, all of it or nothing. It is fed as its parent is: a card that was `given`
/// with the parent, or that lies beside it, is written beside the model, unless one lies there that the model would be
/// read with anyway.
///
/// # Errors
/// When the file or its card cannot be written there, or the parent's card cannot be read.
pub fn save(point: &Point, parent: &Path, given: &ModelOverrides, out: &Path) -> Result<(), QuantizeError> {
    onnx::write(&onnx::parse(point.bytes.to_vec(), out)?, out)?;
    let card = match &given.card {
        Some(CardSource::File(file)) => Some(CardOverrides::read(file)?),
        Some(CardSource::Given(card)) => Some(CardOverrides::clone(card)),
        None => CardOverrides::beside(parent)?,
    };
    if let Some(card) = card
        && CardOverrides::beside(out)?.is_none()
    {
        card.detached().save(&out.with_extension("toml"))?;
    }
    Ok(())
}
