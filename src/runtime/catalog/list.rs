//! The list of models: read, checked, searched.

use super::CatalogError;
use super::http::is_secure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The list that is built into the program.
const BUILT_IN: &str = include_str!("../../../models/catalog.toml");
/// Names this far from what was typed are suggested: 1 is the same, 0 has nothing in common.
const ALIKE: f64 = 0.6;
/// At most so many names are suggested.
const SUGGESTIONS: usize = 3;

/// Detectors that can be downloaded, in the order of the list: the precisions of a family stand together.
#[derive(Clone, Debug)]
pub struct Catalog {
    models: Vec<CatalogModel>,
}

/// One file of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatalogModel {
    /// The short name that it is asked for by, such as `yolox-s-int8`.
    pub name: String,
    /// The network, which its other precisions share, such as `YOLOX-S 640`.
    pub family: String,
    /// What it finds, for people.
    pub finds: String,
    /// For people: `FP32`, `INT8 (QDQ)`.
    pub precision: String,
    /// SPDX name of its licence.
    pub licence: String,
    /// Size of the model file.
    pub bytes: u64,
    /// SHA-256 of the model file, 64 digits in lower case.
    pub sha256: String,
    /// Name of the file on disk. It differs from its family's others in the ending only, so that twins are found.
    pub file: String,
    /// Who publishes it, for people.
    pub publisher: String,
    /// The publisher's page.
    pub page: String,
    /// Where it is downloaded, first choice first.
    pub addresses: Vec<String>,
    /// The archive that it comes in, if it does.
    pub wheel: Option<Wheel>,
    /// What a model card beside it has to say, see `inference/card_file.rs` for the keys.
    #[serde(skip)]
    pub card: Option<toml::Table>,
}

/// A zip archive that holds a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Size of the archive.
    pub bytes: u64,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// The model's path in it.
    pub member: String,
}

impl CatalogModel {
    /// What travels: size and SHA-256 of the file at the addresses.
    pub fn transfer(&self) -> (u64, &str) {
        self.wheel.as_ref().map_or((self.bytes, &self.sha256), |wheel| (wheel.bytes, &wheel.sha256))
    }

    /// Name of the model card beside it, which its family shares: the file's name up to its first dot.
    pub fn card_file(&self) -> String {
        format!("{}.toml", self.file.split('.').next().unwrap_or(&self.file))
    }

    /// Whether this is the full-precision one of its family, as its file name says.
    pub fn is_full_precision(&self) -> bool {
        self.file.matches('.').count() == 1
    }
}

impl Catalog {
    /// The list that comes with the program.
    ///
    /// # Errors
    /// When the list breaks its rules, which a test excludes.
    pub fn built_in() -> Result<Self, CatalogError> {
        Self::read(BUILT_IN)
    }

    /// Reads a list as `models/catalog.toml` describes it.
    ///
    /// # Errors
    /// When it is no such TOML, or a name or a file is there twice, an address is no https, a checksum is not one, or a
    /// licence is missing.
    pub fn read(text: &str) -> Result<Self, CatalogError> {
        let file: ListFile = toml::from_str(text).map_err(|error| CatalogError::Listing(error.to_string()))?;
        if file.version != 1 {
            return Err(CatalogError::Listing(format!("version {} is not known", file.version)));
        }
        let mut models = Vec::new();
        for family in file.family {
            let Some(source) = file.source.get(&family.source) else {
                return Err(CatalogError::Listing(format!("{}: no source {}", family.title, family.source)));
            };
            models.extend(family.model.iter().map(|entry| family.model_of(entry, source)));
        }
        check(&models).map_err(CatalogError::Listing)?;
        Ok(Self { models })
    }

    /// All of them.
    pub fn models(&self) -> &[CatalogModel] {
        &self.models
    }

    /// The model of this name, upper and lower case being the same.
    ///
    /// # Errors
    /// When there is none; the error suggests the nearest names.
    pub fn find(&self, name: &str) -> Result<&CatalogModel, CatalogError> {
        let wanted = name.to_lowercase();
        self.models
            .iter()
            .find(|model| model.name == wanted)
            .ok_or_else(|| CatalogError::Unknown { name: name.to_owned(), nearest: self.nearest(&wanted) })
    }

    fn nearest(&self, wanted: &str) -> Vec<String> {
        let likeness = |model: &CatalogModel| match wanted.len() >= 3 && model.name.contains(wanted) {
            true => 1.0,
            false => strsim::normalized_damerau_levenshtein(wanted, &model.name),
        };
        let mut alike: Vec<(f64, &str)> = self.models.iter().map(|model| (likeness(model), &*model.name)).collect();
        alike.retain(|(likeness, _)| *likeness >= ALIKE);
        // Stable: of equals the one that stands first in the list.
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        alike.into_iter().take(SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    version: u32,
    source: BTreeMap<String, Source>,
    family: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    title: String,
    page: String,
    addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    title: String,
    finds: String,
    licence: String,
    source: String,
    #[serde(default)]
    folder: String,
    card: Option<toml::Table>,
    model: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    precision: String,
    path: String,
    file: String,
    bytes: u64,
    sha256: String,
    wheel: Option<Wheel>,
}

impl Family {
    fn model_of(&self, entry: &Entry, source: &Source) -> CatalogModel {
        CatalogModel {
            name: entry.name.clone(),
            family: self.title.clone(),
            finds: self.finds.clone(),
            precision: entry.precision.clone(),
            licence: self.licence.clone(),
            bytes: entry.bytes,
            sha256: entry.sha256.clone(),
            file: entry.file.clone(),
            publisher: source.title.clone(),
            page: source.page.clone(),
            addresses: source.addresses.iter().map(|base| format!("{base}{}{}", self.folder, entry.path)).collect(),
            wheel: entry.wheel.clone(),
            card: self.card.clone(),
        }
    }
}

/// A sentence for the first rule that is broken.
fn check(models: &[CatalogModel]) -> Result<(), String> {
    for (index, model) in models.iter().enumerate() {
        let earlier = &models[..index];
        let name = &model.name;
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c))
        };
        if !plain(name) || !plain(&model.file) || !model.file.ends_with(".onnx") || model.file.starts_with('.') {
            return Err(format!("{name}: names and files are of a-z, 0-9, dot and hyphen; files end in .onnx"));
        }
        if earlier.iter().any(|other| other.name == *name || other.file == model.file) {
            return Err(format!("{name}: its name or its file {} is there twice", model.file));
        }
        let shares_card = |other: &&CatalogModel| other.card_file() == model.card_file();
        if let Some(other) = earlier.iter().find(shares_card).filter(|other| other.family != model.family) {
            return Err(format!("{name}: its files look like those of {}", other.family));
        }
        let sums = [Some(&model.sha256), model.wheel.as_ref().map(|wheel| &wheel.sha256)];
        if let Some(sum) = sums.into_iter().flatten().find(|sum| !is_sha256(sum)) {
            return Err(format!("{name}: {sum} is no SHA-256 (64 digits in lower case)"));
        }
        if model.bytes == 0 || model.transfer().0 == 0 {
            return Err(format!("{name}: its size is missing"));
        }
        if model.licence.is_empty() || model.family.is_empty() || model.precision.is_empty() {
            return Err(format!("{name}: licence, title or precision is empty"));
        }
        if model.addresses.is_empty() {
            return Err(format!("{name}: no address"));
        }
        if let Some(bad) =
            model.addresses.iter().find(|address| !address.starts_with("https://") || !is_secure(address))
        {
            return Err(format!("{name}: {bad} is no https address"));
        }
    }
    Ok(())
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
