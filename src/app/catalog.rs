//! What the window knows of the catalog and of its downloads.

use crate::runtime::catalog::{Cancel, Catalog, CatalogModel, ModelStore, Presence, Progress};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The catalog and its downloads.
#[derive(Debug, Default)]
pub struct CatalogState {
    /// Whether the window Get models is open.
    pub open: bool,
    /// What there is.
    pub shelf: Shelf,
    /// Downloads that wait, run or failed, by the model's name.
    pub downloads: BTreeMap<String, Download>,
}

/// The list of models.
#[derive(Debug, Default)]
pub enum Shelf {
    /// It is being put together.
    #[default]
    Searching,
    /// This is it.
    Listed(Listing),
    /// It cannot be had: a sentence.
    Failed(String),
}

/// The models, and where they are kept.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Folder of downloaded models.
    pub folder: PathBuf,
    /// In the order of the catalog: families stand together.
    pub rows: Vec<ShelfRow>,
}

/// One model of the list.
#[derive(Clone, Debug)]
pub struct ShelfRow {
    /// What the catalog says.
    pub model: CatalogModel,
    /// Where it lies, or would.
    pub path: PathBuf,
    /// What of it is here.
    pub presence: Presence,
}

/// One download.
#[derive(Debug)]
pub enum Download {
    /// It waits for its turn or runs.
    Running {
        /// Stops it.
        cancel: Cancel,
        /// How far it is.
        watch: Arc<GetWatch>,
    },
    /// It did not end well: a sentence.
    Failed(String),
}

/// What window and thread see of each other. A cell and not a message: however often it changes, it takes no place from
/// what is told once.
#[derive(Debug, Default)]
pub struct GetWatch {
    /// [`WAITING`], [`BEGUN`] or [`GIVEN_UP`].
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    /// The bits of the bytes a second; 0 for none.
    speed: AtomicU64,
}

/// It waits for its turn, it was taken up, or it was given up before that.
const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl GetWatch {
    /// Takes the download up. False when it was given up before.
    pub fn begin(&self) -> bool {
        self.leave_waiting(BEGUN)
    }

    /// Gives the download up. False when it was taken up before.
    pub fn give_up(&self) -> bool {
        self.leave_waiting(GIVEN_UP)
    }

    fn leave_waiting(&self, stage: u8) -> bool {
        self.stage.compare_exchange(WAITING, stage, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Notes how far it is.
    pub fn note(&self, progress: Progress) {
        self.done.store(progress.done, Ordering::Relaxed);
        self.speed.store(progress.bytes_per_second.unwrap_or_default().to_bits(), Ordering::Relaxed);
        self.total.store(progress.total, Ordering::Release);
    }

    /// How far it is; None before the first bytes.
    pub fn progress(&self) -> Option<Progress> {
        let total = Some(self.total.load(Ordering::Acquire)).filter(|total| *total > 0)?;
        let speed = f64::from_bits(self.speed.load(Ordering::Relaxed));
        let bytes_per_second = (speed > 0.0).then_some(speed);
        Some(Progress { done: self.done.load(Ordering::Relaxed), total, bytes_per_second })
    }
}

/// How a download ended that did not bring the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotGot {
    /// Somebody stopped it.
    Cancelled,
    /// A sentence.
    Failed(String),
}

impl Listing {
    /// Looks what of the catalog is here.
    pub fn of(catalog: &Catalog, store: &ModelStore) -> Self {
        let row = |model: &CatalogModel| ShelfRow {
            model: model.clone(),
            path: store.path_of(model),
            presence: store.presence(model),
        };
        Self { folder: store.folder().to_owned(), rows: catalog.models().iter().map(row).collect() }
    }

    /// Families in order, each with its models.
    pub fn families(&self) -> impl Iterator<Item = &[ShelfRow]> {
        self.rows.chunk_by(|a, b| a.model.family == b.model.family)
    }
}

impl CatalogState {
    /// The row of a model.
    pub fn row_mut(&mut self, name: &str) -> Option<&mut ShelfRow> {
        match &mut self.shelf {
            Shelf::Listed(listing) => listing.rows.iter_mut().find(|row| row.model.name == name),
            Shelf::Searching | Shelf::Failed(_) => None,
        }
    }
}

/// The full-precision model of a family and its first quantized twin, when both are here.
pub fn pair(family: &[ShelfRow]) -> Option<[&ShelfRow; 2]> {
    let mut here = family.iter().filter(|row| row.presence == Presence::There);
    let full = here.clone().find(|row| row.model.is_full_precision())?;
    Some([full, here.find(|row| !row.model.is_full_precision())?])
}
