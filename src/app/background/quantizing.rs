//! Quantizing in the background: the search and what comes after it, and writing what was made.

use super::{Background, Outcome, Wake};
use crate::app::quantize::{
    PicturesFrom, Proposed, QuantizeFailure, QuantizeJob, QuantizeRun, QuantizeTalk, QuantizeWatch, free_output,
};
use crate::evaluate::Versions;
use crate::files;
use crate::onnx::OnnxError;
use crate::quantize::{self, Mode, Outcome as Quantized, Point, Progress, QuantizeError, Recipe, Request};
use crate::report;
use crate::runtime::MachineInfo;
use crossbeam_channel::Sender;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a report of a quantization is made of.
pub struct ReportOf {
    /// What was asked for.
    pub run: QuantizeRun,
    /// What came of it, with the model that is shown as the best.
    pub outcome: Quantized,
    /// Whether a person chose that model, and not the search.
    pub by_hand: bool,
    /// Whether it was written.
    pub written: bool,
    /// How long it took to find it.
    pub took: Duration,
}

impl Background {
    /// Quantizes a model, and then makes further ones for as long as the watch is not closed. False when too much waits;
    /// the last one is given up.
    pub fn quantize(&mut self, request: Request, pictures: PicturesFrom, watch: Arc<QuantizeWatch>) -> bool {
        self.quantize_watch.close();
        let trial = self.services.trial.clone().map(|trial| trial.stopped_by(watch.stop()));
        let job = QuantizeJob { request, pictures, trial };
        let quantize = Arc::clone(&self.services.quantize);
        let (sender, wake) = (self.sender.clone(), Arc::clone(&self.wake));
        let mut talk = Talk { watch: Arc::clone(&watch), sender, wake };
        let begun = self.run(&self.quantizations, move || {
            let ended = quantize(&job, &mut talk);
            Some(Outcome::QuantizingEnded(talk.watch, ended))
        });
        if begun {
            self.quantize_watch = watch;
        }
        begun
    }

    /// Writes a model that was made.
    pub fn save_quantized(&self, run: QuantizeRun, index: usize, point: Point) -> bool {
        self.run(&self.files, move || {
            let result = save(&run, &point);
            Some(Outcome::QuantizedSaved(Box::new(run), index, result))
        })
    }

    /// Saves a report of what was found.
    pub fn save_quantization_report(&self, path: PathBuf, about: ReportOf) -> bool {
        self.run(&self.files, move || {
            let run = &about.run;
            let content = report::Quantized {
                outcome: &about.outcome,
                model: &run.request.model,
                written: about.written.then_some(run.output.as_path()),
                asked: run.asked(),
                begun: run.begun,
                seconds: about.took.as_secs_f64(),
                machine: MachineInfo::read(),
                versions: Versions::of_this_run(),
                command: run.command(about.by_hand),
            };
            Some(match report::write_quantized(&path, &content) {
                Ok(()) => Outcome::ReportSaved(path),
                Err(error) => Outcome::SaveFailed(error.to_string()),
            })
        })
    }

    /// Saves a recipe.
    pub fn save_recipe(&self, path: PathBuf, recipe: Recipe) -> bool {
        self.run(&self.files, move || {
            Some(match files::replace(&path, recipe.to_toml().as_bytes()) {
                Ok(()) => Outcome::RecipeSaved(path),
                Err(error) => Outcome::SaveFailed(format!("{} cannot be written: {error}", path.display())),
            })
        })
    }

    /// Reads a recipe.
    pub fn read_recipe(&self, path: PathBuf) -> bool {
        self.run(&self.files, move || {
            let read = std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
            let recipe = read.and_then(|text| {
                let wrong = |reason| {
                    let hint = "Save one with \u{201c}Recipe\u{201d} under a result, or with quantscope quantize --save-recipe";
                    format!("{} is no recipe: {reason}. {hint}", path.display())
                };
                Recipe::from_toml(&text).map_err(wrong)
            });
            Some(Outcome::RecipeRead(path, recipe))
        })
    }

    /// Looks for a file that the twin of a model can go to.
    pub fn find_output(&self, model: PathBuf, mode: Mode) -> bool {
        let open = Arc::clone(&self.services.open_catalog);
        self.run(&self.files, move || {
            let folder = open().ok().map(|(_, store)| store.folder().to_owned());
            let output = free_output(&model, mode, folder.as_deref());
            Some(Outcome::OutputFound(Proposed { model, mode, output }))
        })
    }
}

fn save(run: &QuantizeRun, point: &Point) -> Result<(), String> {
    if let Some(folder) = run.output.parent() {
        // What is wrong with it shows when the file is written.
        let _made = std::fs::create_dir_all(folder);
    }
    let request = &run.request;
    quantize::save(point, &request.model, &request.load.overrides, &run.output).map_err(|error| match error {
        QuantizeError::Onnx(OnnxError::Write { path, source }) => {
            format!("{} cannot be written: {source}. Make room there, or choose another place.", path.display())
        }
        error => error.to_string(),
    })
}

/// The thread's end of the talk.
struct Talk {
    watch: Arc<QuantizeWatch>,
    sender: Sender<Outcome>,
    wake: Wake,
}

impl QuantizeTalk for Talk {
    fn tell(&mut self, progress: Progress) -> ControlFlow<()> {
        let (go_on, wake) = self.watch.note(&progress, Instant::now());
        if wake {
            (self.wake)();
        }
        go_on
    }

    fn stops(&self) -> bool {
        self.watch.is_cancelled()
    }

    fn made(&mut self, made: Result<Quantized, QuantizeFailure>) -> Option<BTreeSet<String>> {
        let outcome = Outcome::Quantized(Arc::clone(&self.watch), Box::new(made));
        if self.sender.try_send(outcome).is_err() {
            return None;
        }
        (self.wake)();
        self.watch.wait_for_wish()
    }
}
