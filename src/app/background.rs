//! Work that may block, done on named threads; what comes of it is drained by `logic`.

mod outcome;
mod quantizing;

pub use outcome::Outcome;
pub use quantizing::ReportOf;

use super::catalog::{GetWatch, Listing, NotGot};
use super::dialogs::{self, DialogKind};
use super::evaluate::{self, PictureKey, RunWatch};
use super::label::{self, ExportChoice, OpenRequest, OpenWatch, ProposeRequest, ProposeWatch, Snapshot, WorkWriter};
use super::options::Services;
use super::probe_job::{ProbeRequest, ProbeWatch};
use super::quantize::QuantizeWatch;
use super::settings::{Settings, SettingsStore};
use super::snapshot::{self, SnapshotRequest};
use super::thread_job::AdviceWatch;
use super::worst_files::{self, WorstRequest};
use crate::benchmark::AdviceRequest;
use crate::dataset::Dataset;
use crate::evaluate::{Evaluation, EvaluationPlan};
use crate::inference::CardOverrides;
use crate::pipeline::{LaneId, Worker};
use crate::report::{self, Report};
use crate::runtime::catalog::{Cancel, CatalogError, CatalogModel};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Closing the window waits so long for a camera that hangs while it is asked what it is.
const CAMERA_GRACE: Duration = Duration::from_millis(300);
/// The same for a model that is being measured: a run of it cannot be broken off.
const QUANTIZE_GRACE: Duration = Duration::from_millis(300);
/// Outcomes that may wait for the window.
const OUTCOME_CAPACITY: usize = 64;
/// Jobs that may wait for one thread.
const JOB_CAPACITY: usize = 16;
/// Downloads that may wait.
const DOWNLOAD_CAPACITY: usize = 64;

/// Tells the window that there is something new.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The threads that work for the window.
pub struct Background {
    services: Services,
    wake: Wake,
    sender: Sender<Outcome>,
    outcomes: Receiver<Outcome>,
    // One thread each, so that an open dialog or a slow camera driver holds up nothing else.
    dialogs: Worker,
    dialog_is_open: Arc<AtomicBool>,
    cameras: Worker,
    files: Worker,
    downloads: Worker,
    /// The latest download of each model, so that all can be stopped.
    cancels: BTreeMap<String, Cancel>,
    probes: Worker,
    /// The search that was begun last.
    probe_watch: Arc<ProbeWatch>,
    advices: Worker,
    /// The search for the best number of threads that was begun last.
    advice_watch: Arc<AdviceWatch>,
    evaluations: Worker,
    /// The evaluation that was begun last.
    run_watch: Arc<RunWatch>,
    quantizations: Worker,
    /// The model that was begun last.
    quantize_watch: Arc<QuantizeWatch>,
    pictures: Worker,
    /// Opens and saves labels.
    labels: Worker,
    proposals: Worker,
    /// The opening and the proposing that were begun last.
    open_watch: Arc<OpenWatch>,
    propose_watch: Arc<ProposeWatch>,
}

impl Background {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start(services: Services, wake: Wake) -> std::io::Result<Self> {
        let (sender, outcomes) = bounded(OUTCOME_CAPACITY);
        Ok(Self {
            services,
            wake,
            sender,
            outcomes,
            dialogs: Worker::spawn("window-dialogs", 1)?,
            dialog_is_open: Arc::default(),
            cameras: Worker::spawn("window-cameras", 1)?.with_patience(CAMERA_GRACE),
            files: Worker::spawn("window-files", JOB_CAPACITY)?,
            downloads: Worker::spawn("window-downloads", DOWNLOAD_CAPACITY)?,
            cancels: BTreeMap::new(),
            probes: Worker::spawn("window-probe", 1)?,
            probe_watch: Arc::default(),
            advices: Worker::spawn("window-threads", 1)?,
            advice_watch: Arc::default(),
            evaluations: Worker::spawn("window-evaluate", 1)?,
            run_watch: Arc::default(),
            quantizations: Worker::spawn("window-quantize", 1)?.with_patience(QUANTIZE_GRACE),
            quantize_watch: Arc::default(),
            pictures: Worker::spawn("window-pictures", JOB_CAPACITY)?,
            labels: Worker::spawn("window-labels", JOB_CAPACITY)?,
            proposals: Worker::spawn("window-propose", 1)?,
            open_watch: Arc::default(),
            propose_watch: Arc::default(),
        })
    }

    /// The oldest outcome not taken yet.
    pub fn take(&self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }

    /// Asks for a path. False when a dialog is open already.
    pub fn ask_for_path(&self, kind: DialogKind) -> bool {
        let pick = Arc::clone(&self.services.pick_path);
        let is_open = Arc::clone(&self.dialog_is_open);
        self.run(&self.dialogs, move || {
            is_open.store(true, Ordering::SeqCst);
            let picked = pick(&kind);
            is_open.store(false, Ordering::SeqCst);
            Some(Outcome::Picked(kind, picked))
        })
    }

    /// Asks for the cameras. False when they are being asked for already.
    pub fn list_cameras(&self) -> bool {
        let list = Arc::clone(&self.services.list_cameras);
        self.run(&self.cameras, move || Some(Outcome::Cameras(list())))
    }

    /// Looks for the twin of a model.
    pub fn search_twin(&self, lane: LaneId, path: PathBuf) -> bool {
        let find = Arc::clone(&self.services.find_twin);
        self.run(&self.files, move || {
            let twin = find(&path);
            Some(Outcome::TwinSearched { lane, path, twin })
        })
    }

    /// Looks for the family of the model that runs in a lane.
    pub fn search_family(&self, lane: LaneId, path: PathBuf) -> bool {
        let Some(find) = self.services.find_family.clone() else { return false };
        self.run(&self.files, move || Some(Outcome::FamilySearched { lane, variants: find(&path), path }))
    }

    /// Looks what the catalog has and what of it is here.
    pub fn list_catalog(&self) -> bool {
        let open = Arc::clone(&self.services.open_catalog);
        self.run(&self.files, move || {
            let listing = open().map(|(catalog, store)| Listing::of(&catalog, &store));
            Some(Outcome::CatalogListed(listing.map_err(|error| sentence(&error))))
        })
    }

    /// Downloads a model after those that wait already. Nothing comes of one that is given up before its turn.
    pub fn get_model(&mut self, model: CatalogModel, cancel: Cancel, watch: Arc<GetWatch>) -> bool {
        self.cancels.insert(model.name.clone(), cancel.clone());
        let open = Arc::clone(&self.services.open_catalog);
        let wake = Arc::clone(&self.wake);
        self.run(&self.downloads, move || {
            if !watch.begin() {
                return None;
            }
            let mut tell = |progress| {
                watch.note(progress);
                wake();
            };
            let got = open().and_then(|(_, store)| store.get(&model, &cancel, &mut tell));
            let result = got.map(|got| got.path).map_err(|error| match error {
                CatalogError::Cancelled => NotGot::Cancelled,
                error => NotGot::Failed(sentence(&error)),
            });
            Some(Outcome::GetEnded(model.name, result))
        })
    }

    /// Saves a picture with its boxes.
    pub fn save_snapshot(&self, request: SnapshotRequest) -> bool {
        self.run(&self.files, move || {
            Some(match snapshot::save(&request) {
                Ok(path) => Outcome::SnapshotSaved(path),
                Err(error) => Outcome::SaveFailed(format!("The snapshot was not saved. {error:#}")),
            })
        })
    }

    /// Saves the frames on which the models disagree most.
    pub fn save_worst(&self, request: WorstRequest) -> bool {
        self.run(&self.files, move || {
            Some(match worst_files::save(&request) {
                Ok(folder) => Outcome::WorstSaved(folder),
                Err(error) => Outcome::SaveFailed(format!("The worst frames were not all saved. {error:#}")),
            })
        })
    }

    /// Opens a folder in the system's file manager.
    pub fn show_folder(&self, folder: PathBuf) -> bool {
        self.run(&self.files, move || {
            let _made = std::fs::create_dir_all(&folder);
            let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
            let status = std::process::Command::new(opener).arg(&folder).status();
            let shown = status.is_ok_and(|status| status.success());
            let text = format!("{}: no file manager could be opened here. Open it by its path", folder.display());
            (!shown).then_some(Outcome::SaveFailed(text))
        })
    }

    /// Saves a model card.
    pub fn save_card(&self, lane: LaneId, path: PathBuf, card: CardOverrides) -> bool {
        self.run(&self.files, move || {
            Some(match card.save(&path) {
                Ok(()) => Outcome::CardSaved { lane, path },
                Err(error) => Outcome::CardNotSaved { lane, reason: error.to_string() },
            })
        })
    }

    /// Tries the usual preprocessings of a model. None when a search waits already.
    pub fn probe(&mut self, lane: LaneId, request: ProbeRequest) -> Option<Arc<ProbeWatch>> {
        let watch = Arc::new(ProbeWatch::default());
        let (probe, wake, noted) = (Arc::clone(&self.services.probe), Arc::clone(&self.wake), Arc::clone(&watch));
        let begun = self.run(&self.probes, move || {
            let found = probe(&request, &mut |progress| {
                let go_on = noted.note(progress);
                wake();
                go_on
            });
            Some(Outcome::Probed { lane, found })
        });
        if begun {
            self.probe_watch = Arc::clone(&watch);
        }
        begun.then_some(watch)
    }

    /// Looks for the best number of threads of a model. None when a search waits already.
    pub fn advise(&mut self, lane: LaneId, request: AdviceRequest) -> Option<Arc<AdviceWatch>> {
        let watch = Arc::new(AdviceWatch::default());
        let (advise, wake, noting) = (Arc::clone(&self.services.advise), Arc::clone(&self.wake), Arc::clone(&watch));
        let begun = self.run(&self.advices, move || {
            let found = advise(&request, &mut |progress| {
                let noted = noting.note(progress);
                if noted.wake {
                    wake();
                }
                noted.go_on
            });
            Some(Outcome::Advised { lane, found })
        });
        if begun {
            self.advice_watch = Arc::clone(&watch);
        }
        begun.then_some(watch)
    }

    /// Evaluates models. False when an evaluation waits already.
    pub fn evaluate(&mut self, mut plan: EvaluationPlan, watch: Arc<RunWatch>) -> bool {
        plan.trial = self.services.trial.clone();
        let (evaluate, wake, told) = (Arc::clone(&self.services.evaluate), Arc::clone(&self.wake), Arc::clone(&watch));
        let begun = self.run(&self.evaluations, move || {
            let found = evaluate(&plan, told.cancel(), &mut |progress| {
                told.take(progress);
                wake();
            });
            Some(Outcome::Evaluated(found.map(Box::new)))
        });
        if begun {
            self.run_watch = watch;
        }
        begun
    }

    /// Reads a picture of the gallery.
    pub fn decode_picture(&self, key: PictureKey) -> bool {
        self.run(&self.pictures, move || {
            let decoded = evaluate::decode(&key);
            Some(Outcome::PictureDecoded(key, decoded))
        })
    }

    /// Opens pictures to be labelled. False when too much waits.
    pub fn open_labels(&mut self, request: OpenRequest, watch: Arc<OpenWatch>) -> bool {
        let (told, wake) = (Arc::clone(&watch), Arc::clone(&self.wake));
        let begun = self.run(&self.labels, move || {
            let opened = label::open(&request, &told, &*wake).map(|opened| opened.map(Box::new));
            Some(Outcome::LabelsOpened(told, opened))
        });
        if begun {
            self.open_watch = watch;
        }
        begun
    }

    /// Writes a state of the labels down. False when too much waits.
    pub fn save_labels(&self, writer: Arc<WorkWriter>, revision: u64, snapshot: Snapshot) -> bool {
        self.run(&self.labels, move || {
            let result = writer.write(revision, &snapshot);
            Some(Outcome::LabelsSaved(writer, revision, result))
        })
    }

    /// Lets a detector propose boxes. False when one is still at work.
    pub fn propose(&mut self, request: ProposeRequest, watch: Arc<ProposeWatch>) -> bool {
        let (propose, wake, told) = (Arc::clone(&self.services.propose), Arc::clone(&self.wake), Arc::clone(&watch));
        let begun = self.run(&self.proposals, move || {
            let result = propose(&request, told.cancel(), &mut |step| {
                told.take(step);
                wake();
            });
            Some(Outcome::Proposed(told, result))
        });
        if begun {
            self.propose_watch = watch;
        }
        begun
    }

    /// Writes a labelled set.
    pub fn export_labels(&self, set: Dataset, choice: ExportChoice, folder: PathBuf) -> bool {
        self.run(&self.files, move || Some(Outcome::LabelsExported(label::export(&set, choice, &folder))))
    }

    /// Saves a report.
    pub fn save_report(&self, path: PathBuf, evaluation: Arc<Evaluation>) -> bool {
        self.run(&self.files, move || {
            let content = Report { evaluation: Some(&evaluation), benchmark: None };
            Some(match report::write(&path, &content) {
                Ok(()) => Outcome::ReportSaved(path),
                Err(error) => Outcome::SaveFailed(error.to_string()),
            })
        })
    }

    /// Saves the settings.
    pub fn save_settings(&self, store: SettingsStore, settings: Settings) -> bool {
        self.run(&self.files, move || {
            let error = store.save(&settings).err()?;
            let path = store.path();
            Some(Outcome::SaveFailed(format!("{}: the settings cannot be saved: {error}", path.display())))
        })
    }

    fn run(&self, worker: &Worker, job: impl FnOnce() -> Option<Outcome> + Send + 'static) -> bool {
        let (sender, wake) = (self.sender.clone(), Arc::clone(&self.wake));
        worker.submit(move || {
            if let Some(outcome) = job() {
                // Published before the window is woken. Fails only when the window is gone or has 64 to read.
                if sender.try_send(outcome).is_err() {
                    tracing::warn!("an outcome came when nobody listened");
                }
                wake();
            }
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // What has come is kept; the thread can then be joined.
        self.cancels.values().for_each(Cancel::cancel);
        self.probe_watch.cancel();
        self.advice_watch.cancel();
        self.run_watch.cancel().cancel();
        self.quantize_watch.close();
        self.open_watch.cancel().cancel();
        self.propose_watch.cancel().cancel();
        // The thread that waits for an answer can then be joined.
        if self.dialog_is_open.load(Ordering::SeqCst) {
            dialogs::close_open();
        }
    }
}

/// An error as a sentence of its own: the module's begin with a small letter, to follow a name. Addresses and paths at
/// the start stay as they are.
fn sentence(error: &CatalogError) -> String {
    let text = error.to_string();
    let starts_with_word = text.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let mut letters = text.chars();
    match letters.next().filter(|_| starts_with_word) {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}
