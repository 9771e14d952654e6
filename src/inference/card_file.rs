//! The model card as a file: a sidecar beside the model, or the one named by `--card`.

use super::{Anchors, ClassNumbers, ColorOrder, Head, Layout, ModelCard};
use crate::imaging::{ImageSize, ResizeMode};
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why a card cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// It cannot be read.
    #[error("the model card {path} cannot be read: {source}. Check its name")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no TOML, or holds a key or value that is not known; the reason names them.
    #[error("the model card {path} is wrong in line {line}: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A value is of the right kind but makes no sense.
    #[error("{} has {key} = {value}: {reason}", origin(path))]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        reason: &'static str,
    },
    /// It cannot be written.
    #[error("the model card {path} cannot be written: {source}. What was there before is untouched")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a card sets. Every key is optional; what is there overrides what was recognised.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardOverrides {
    /// See [`ModelCard::head`].
    pub head: Option<Head>,
    /// See [`ModelCard::class_numbers`].
    pub class_numbers: Option<ClassNumbers>,
    /// See [`ModelCard::nms`].
    pub nms: Option<bool>,
    /// A row a feature map, finest first, such as `[[10,13, 16,30, 33,23], …]`; see [`ModelCard::anchors`].
    pub anchors: Option<Anchors>,
    /// Width and height, see [`ModelCard::input_size`].
    pub input_size: Option<[u32; 2]>,
    /// See [`ModelCard::layout`].
    pub layout: Option<Layout>,
    /// See [`ModelCard::color`].
    pub color: Option<ColorOrder>,
    /// See [`ModelCard::scale`].
    pub scale: Option<f32>,
    /// See [`ModelCard::mean`].
    pub mean: Option<[f32; 3]>,
    /// See [`ModelCard::std`].
    pub std: Option<[f32; 3]>,
    /// See [`ModelCard::resize`].
    pub resize: Option<ResizeMode>,
    /// See [`ModelCard::pad`].
    pub pad: Option<u8>,
    /// Names of the classes.
    pub labels: Option<CardLabels>,
    /// Notes for people: where the model comes from, its licence, its figures. Not used.
    pub about: Option<toml::Table>,
    /// The card itself; relative paths in it start from its folder. Empty for what was put together in the window.
    #[serde(skip)]
    pub path: PathBuf,
}

/// The names of the classes in a card.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "labels are a file beside the card or a list of names")]
pub enum CardLabels {
    /// A file beside the card, in any form that [`super::labels::read`] knows.
    File(PathBuf),
    /// The names themselves.
    Names(Vec<String>),
}

/// Cards are small; what is larger is something else.
const MAX_BYTES: u64 = 4 << 20;

/// Widest and highest input that a card may ask for.
const MAX_SIDE: u32 = 8192;

impl CardOverrides {
    /// Reads a card.
    ///
    /// # Errors
    /// When it cannot be read, is no file or larger than 4 MiB, is no TOML, or holds an unknown key (the error names it
    /// and the known ones) or a value out of range.
    pub fn read(path: &Path) -> Result<Self, CardError> {
        let io = |source| CardError::Io { path: path.to_owned(), source };
        let metadata = path.metadata().map_err(io)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            let reason = "it is no file of less than 4 MiB";
            return Err(io(std::io::Error::new(ErrorKind::InvalidInput, reason)));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(io)?, path)
    }

    /// Reads a card from its text, as if it lay at `path`.
    ///
    /// # Errors
    /// As [`CardOverrides::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, CardError> {
        let mut card: Self = toml::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
            CardError::Wrong { path: path.to_owned(), line, reason: error.message().replace('\n', " ") }
        })?;
        card.path = path.to_owned();
        card.check()?;
        Ok(card)
    }

    /// Reads the sidecar of a model, if there is one: for `models/scene.int8.onnx` this is `models/scene.int8.toml`,
    /// else the card of its family, `models/scene.toml` (the name up to its first dot), so that one card serves a
    /// model and its quantized twins.
    ///
    /// # Errors
    /// As [`CardOverrides::read`]; that there is no sidecar is none.
    pub fn beside(model: &Path) -> Result<Option<Self>, CardError> {
        for path in sidecar_paths(model) {
            match Self::read(&path) {
                Err(CardError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                other => return other.map(Some),
            }
        }
        Ok(None)
    }

    /// The card's label file, resolved against the card's folder.
    pub fn label_file(&self) -> Option<PathBuf> {
        match self.labels.as_ref()? {
            CardLabels::File(file) => Some(self.path.parent().unwrap_or(Path::new("")).join(file)),
            CardLabels::Names(_) => None,
        }
    }

    /// Replaces in `card` whatever is set here, but for the labels, which have to be fitted to the classes first. A scale
    /// without a mean or a deviation sets these to 0 and 1.
    /// Returns the names of the keys that were set.
    pub fn apply(&self, card: &mut ModelCard) -> Vec<&'static str> {
        let mut keys = Vec::new();
        set("head", self.head, &mut card.head, &mut keys);
        set("class_numbers", self.class_numbers, &mut card.class_numbers, &mut keys);
        set("nms", self.nms, &mut card.nms, &mut keys);
        set("anchors", self.anchors.clone().map(Some), &mut card.anchors, &mut keys);
        set("input_size", self.size(), &mut card.input_size, &mut keys);
        set("layout", self.layout, &mut card.layout, &mut keys);
        set("color", self.color, &mut card.color, &mut keys);
        if self.scale.is_some() {
            // What was recognised belongs to another scale.
            (card.mean, card.std) = ([0.0; 3], [1.0; 3]);
        }
        set("scale", self.scale, &mut card.scale, &mut keys);
        set("mean", self.mean, &mut card.mean, &mut keys);
        set("std", self.std, &mut card.std, &mut keys);
        set("resize", self.resize, &mut card.resize, &mut keys);
        set("pad", self.pad, &mut card.pad, &mut keys);
        keys
    }

    /// The input size, if it is set.
    pub fn size(&self) -> Option<ImageSize> {
        self.input_size.map(|[width, height]| ImageSize::new(width, height))
    }

    /// The card in words: its path, or that it was set by hand.
    pub fn origin(&self) -> String {
        origin(&self.path)
    }

    /// Whether the values make sense in themselves.
    ///
    /// # Errors
    /// The first one that does not.
    pub fn check(&self) -> Result<(), CardError> {
        let wrong = |key, value: String, reason| Err(CardError::Value { path: self.path.clone(), key, value, reason });
        if let Some(size) = self.input_size.filter(|size| size.iter().any(|side| !(1..=MAX_SIDE).contains(side))) {
            return wrong("input_size", format!("{size:?}"), "width and height are 1 to 8192");
        }
        if let Some(scale) = self.scale.filter(|scale| !scale.is_finite() || *scale == 0.0) {
            return wrong("scale", scale.to_string(), "it is a number other than 0");
        }
        if let Some(std) = self.std.filter(|std| std.iter().any(|value| !value.is_finite() || *value == 0.0)) {
            return wrong("std", format!("{std:?}"), "these are three numbers other than 0");
        }
        if let Some(mean) = self.mean.filter(|mean| mean.iter().any(|value| !value.is_finite())) {
            return wrong("mean", format!("{mean:?}"), "these are three finite numbers");
        }
        Ok(())
    }
}

fn origin(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => "what was set by hand".to_owned(),
        false => format!("the model card {}", path.display()),
    }
}

fn set<T>(key: &'static str, value: Option<T>, target: &mut T, keys: &mut Vec<&'static str>) {
    if let Some(value) = value {
        *target = value;
        keys.push(key);
    }
}

/// Where the sidecar of a model may lie, first choice first.
pub fn sidecar_paths(model: &Path) -> Vec<PathBuf> {
    let own = model.with_extension("toml");
    let name = model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let family = name.split('.').next().filter(|stem| !stem.is_empty());
    let family = family.map(|stem| model.with_file_name(format!("{stem}.toml")));
    match family {
        Some(family) if family != own => vec![own, family],
        _ => vec![own],
    }
}

#[cfg(test)]
#[path = "card_file_tests.rs"]
mod tests;
