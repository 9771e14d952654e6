//! What comes of work in the background.

use crate::app::catalog::{Listing, NotGot};
use crate::app::dialogs::{DialogKind, Picked};
use crate::app::evaluate::PictureKey;
use crate::app::label::{OpenWatch, Opened, ProposeWatch, WorkWriter};
use crate::app::options::{CameraChoice, TwinChoice, Variant};
use crate::app::probe_job::ProbeRow;
use crate::app::quantize::{Proposed, QuantizeFailure, QuantizeRun, QuantizeWatch};
use crate::benchmark::ThreadAdvice;
use crate::dataset::Written;
use crate::evaluate::Evaluation;
use crate::imaging::RgbImage;
use crate::pipeline::LaneId;
use crate::quantize::{Outcome as Quantized, Recipe};
use std::path::PathBuf;
use std::sync::Arc;

/// What came of a job.
#[derive(Debug)]
pub enum Outcome {
    /// A dialog was answered.
    Picked(DialogKind, Picked),
    /// The cameras of this machine.
    Cameras(Vec<CameraChoice>),
    /// The search for the family of the model that runs in a lane is over.
    FamilySearched {
        /// The lane.
        lane: LaneId,
        /// The model.
        path: PathBuf,
        /// Its family, itself among them.
        variants: Vec<Variant>,
    },
    /// The search for the twin of a model that is to be opened is over.
    TwinSearched {
        /// Lane the person chose.
        lane: LaneId,
        /// The model the person chose.
        path: PathBuf,
        /// Its counterpart.
        twin: Option<TwinChoice>,
    },
    /// The models that can be downloaded and what is here, or why that is not known.
    CatalogListed(Result<Listing, String>),
    /// A download is over, by the model's name.
    GetEnded(String, Result<PathBuf, NotGot>),
    /// A picture was saved here.
    SnapshotSaved(PathBuf),
    /// The frames on which the models disagree most were saved in this folder.
    WorstSaved(PathBuf),
    /// Something could not be written: a sentence.
    SaveFailed(String),
    /// The search for a preprocessing is over; None when it was broken off.
    Probed {
        /// Whose model.
        lane: LaneId,
        /// Best first.
        found: Result<Option<Vec<ProbeRow>>, String>,
    },
    /// The search for the best number of threads is over; None when it was broken off.
    Advised {
        /// Whose model.
        lane: LaneId,
        /// What came of it.
        found: Result<Option<ThreadAdvice>, String>,
    },
    /// An evaluation came to its end, or why it failed.
    Evaluated(Result<Box<Evaluation>, String>),
    /// A model was quantized, or one further model was made of it; or why not.
    Quantized(Arc<QuantizeWatch>, Box<Result<Quantized, QuantizeFailure>>),
    /// The thread that quantized has ended: nothing more can be made of that model.
    QuantizingEnded(Arc<QuantizeWatch>, Result<(), QuantizeFailure>),
    /// One of the models that were made was written, by its index, or why it was not: a sentence.
    QuantizedSaved(Box<QuantizeRun>, usize, Result<(), String>),
    /// A file was found that the twin of a model can go to.
    OutputFound(Proposed),
    /// A recipe was read from this file, or why not: a sentence.
    RecipeRead(PathBuf, Result<Recipe, String>),
    /// A recipe was saved here.
    RecipeSaved(PathBuf),
    /// A picture of the gallery.
    PictureDecoded(PictureKey, Result<RgbImage, String>),
    /// Pictures to be labelled are open, or why they are not; None when that was broken off.
    LabelsOpened(Arc<OpenWatch>, Result<Option<Box<Opened>>, String>),
    /// A state of the labels was written here, or why it was not; None when a newer one was written before.
    LabelsSaved(Arc<WorkWriter>, u64, Result<Option<PathBuf>, String>),
    /// The detector that proposes boxes came to its end.
    Proposed(Arc<ProposeWatch>, Result<(), String>),
    /// A labelled set was written.
    LabelsExported(Result<Written, String>),
    /// A report was saved here.
    ReportSaved(PathBuf),
    /// A model card was saved here.
    CardSaved {
        /// Whose model.
        lane: LaneId,
        /// The card.
        path: PathBuf,
    },
    /// A model card was not saved.
    CardNotSaved {
        /// Whose model.
        lane: LaneId,
        /// A sentence.
        reason: String,
    },
}
