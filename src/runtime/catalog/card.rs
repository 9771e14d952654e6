//! The model card that belongs to a model of the catalog.

use super::{CatalogError, CatalogModel};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// What became of a model's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFate {
    /// The file tells all: it needs none.
    NotNeeded,
    /// It was written.
    Written,
    /// There is one already, which is left as it is: somebody may have changed it.
    Kept,
}

/// Writes the card beside the model, for it and its twins, unless there is one.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_beside(model_path: &Path, model: &CatalogModel) -> Result<CardFate, CatalogError> {
    let Some(card) = &model.card else { return Ok(CardFate::NotNeeded) };
    let path = model_path.with_file_name(model.card_file());
    let failed = |source| CatalogError::File { path: path.clone(), source };
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(CardFate::Kept),
        Err(error) => Err(failed(error)),
        Ok(mut file) => {
            if let Err(error) = file.write_all(text(card, model).as_bytes()) {
                // Half a card would stop the model from loading.
                let _ = std::fs::remove_file(&path);
                return Err(failed(error));
            }
            Ok(CardFate::Written)
        }
    }
}

fn text(card: &toml::Table, model: &CatalogModel) -> String {
    let mut about = toml::Table::new();
    for (key, value) in
        [("model", &model.family), ("finds", &model.finds), ("licence", &model.licence), ("source", &model.page)]
    {
        about.insert(key.to_owned(), toml::Value::String(value.clone()));
    }
    let mut whole = card.clone();
    whole.insert("about".to_owned(), toml::Value::Table(about));
    format!("# What the file does not tell of itself; for all precisions of this model. Yours to change.\n{whole}")
}
