//! Work that may block, done on named threads; what comes of it is drained by `logic`.

use super::dialogs::{self, DialogKind, Picked};
use super::options::{CameraChoice, Services, TwinChoice, Variant};
use super::probe_job::{ProbeRequest, ProbeRow, ProbeWatch};
use super::settings::{Settings, SettingsStore};
use super::snapshot::{self, SnapshotRequest};
use crate::inference::CardOverrides;
use crate::pipeline::{LaneId, Worker};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Outcomes that may wait for the window.
const OUTCOME_CAPACITY: usize = 64;
/// Jobs that may wait for one thread.
const JOB_CAPACITY: usize = 16;

/// Tells the window that there is something new.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

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
    /// A picture was saved here.
    SnapshotSaved(PathBuf),
    /// Something could not be written: a sentence.
    SaveFailed(String),
    /// The search for a preprocessing is over; None when it was broken off.
    Probed {
        /// Whose model.
        lane: LaneId,
        /// Best first.
        found: Result<Option<Vec<ProbeRow>>, String>,
    },
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
    probes: Worker,
    /// The search that was begun last.
    probe_watch: Arc<ProbeWatch>,
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
            cameras: Worker::spawn("window-cameras", 1)?,
            files: Worker::spawn("window-files", JOB_CAPACITY)?,
            probes: Worker::spawn("window-probe", 1)?,
            probe_watch: Arc::default(),
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

    /// Saves a picture with its boxes.
    pub fn save_snapshot(&self, request: SnapshotRequest) -> bool {
        self.run(&self.files, move || {
            Some(match snapshot::save(&request) {
                Ok(path) => Outcome::SnapshotSaved(path),
                Err(error) => Outcome::SaveFailed(format!("The snapshot was not saved. {error:#}")),
            })
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
        self.probe_watch.cancel();
        // The thread that waits for an answer can then be joined.
        if self.dialog_is_open.load(Ordering::SeqCst) {
            dialogs::close_open();
        }
    }
}
