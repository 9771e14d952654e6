//! A detector that goes over the pictures in the background and proposes boxes.

use super::album::Proposal;
use super::geometry::PixelBox;
use crate::capture::read_picture;
use crate::evaluate::Cancel;
use crate::inference::{Detector, LoadOptions, ModelOverrides, SessionOptions, Thresholds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What is to be proposed on.
#[derive(Clone, Debug)]
pub struct ProposeRequest {
    /// The model; it is loaded in a lane, so it was tried already.
    pub model: PathBuf,
    /// What a person gave with it.
    pub overrides: ModelOverrides,
    /// Least score of a proposal, and overlap of the suppression.
    pub thresholds: Thresholds,
    /// The pictures, the one in view first: their places in the album, and their files.
    pub pictures: Vec<(usize, PathBuf)>,
}

/// What the detector tells.
#[derive(Clone, Debug)]
pub enum ProposeStep {
    /// The model is loaded.
    Loaded,
    /// What it found on the picture at that place of the album, or why it found nothing: a sentence.
    Found(usize, Result<Vec<Proposal>, String>),
}

/// A picture's place in the album, and what was found on it, or why nothing was: a sentence.
pub type FoundOnPicture = (usize, Result<Vec<Proposal>, String>);

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposeProgress {
    /// Whether the model is loaded.
    pub loaded: bool,
    /// Pictures done.
    pub done: usize,
    /// Pictures to be done.
    pub of: usize,
}

/// What the thread and the window see of each other: at most one entry a picture waits here.
#[derive(Debug, Default)]
pub struct ProposeWatch {
    progress: Mutex<ProposeProgress>,
    found: Mutex<Vec<FoundOnPicture>>,
    cancel: Cancel,
}

impl ProposeWatch {
    /// For so many pictures.
    pub fn of(pictures: usize) -> Self {
        let progress = ProposeProgress { of: pictures, ..ProposeProgress::default() };
        Self { progress: Mutex::new(progress), ..Self::default() }
    }

    /// How far it is.
    pub fn progress(&self) -> ProposeProgress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was told.
    pub fn take(&self, step: ProposeStep) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            ProposeStep::Loaded => progress.loaded = true,
            ProposeStep::Found(index, found) => {
                progress.done += 1;
                self.found.lock().unwrap_or_else(PoisonError::into_inner).push((index, found));
            }
        }
    }

    /// What was found since the last call.
    pub fn take_found(&self) -> Vec<FoundOnPicture> {
        std::mem::take(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops it.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

/// Loads the model and goes over the pictures. A picture that cannot be read is told and passed over.
///
/// # Errors
///
/// A sentence, when the model cannot be used.
pub fn propose(request: &ProposeRequest, cancel: &Cancel, tell: &mut dyn FnMut(ProposeStep)) -> Result<(), String> {
    let run = || run(request, cancel, tell);
    let broken = |_| Err("The model broke off inside the runtime. Try another one".to_owned());
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(broken)
}

fn run(request: &ProposeRequest, cancel: &Cancel, tell: &mut dyn FnMut(ProposeStep)) -> Result<(), String> {
    let options = LoadOptions { session: SessionOptions::default(), overrides: request.overrides.clone() };
    let loaded = Detector::load(&request.model, &options, None, &mut |_| {});
    let mut detector = loaded.map_err(|error| error.to_string())?;
    tell(ProposeStep::Loaded);
    let info = detector.info();
    let mut detections = Vec::new();
    for (index, path) in &request.pictures {
        if cancel.is_cancelled() {
            break;
        }
        let found = read_picture(path).map_err(|error| error.to_string()).and_then(|picture| {
            let detected = detector.detect(&picture, request.thresholds, &mut detections);
            detected.map_err(|error| format!("{}: {error}", path.display()))?;
            let proposal = |found: &crate::inference::Detection| Proposal {
                label: info.card.label(found.class_id).into_owned(),
                rect: PixelBox {
                    x: f64::from(found.rect.x1),
                    y: f64::from(found.rect.y1),
                    width: f64::from(found.rect.width()),
                    height: f64::from(found.rect.height()),
                },
                score: found.score,
            };
            Ok(detections.iter().map(proposal).collect())
        });
        tell(ProposeStep::Found(*index, found));
    }
    Ok(())
}

/// Runs a detector over pictures, telling what it finds; why it cannot is a sentence.
pub type Propose =
    Arc<dyn Fn(&ProposeRequest, &Cancel, &mut dyn FnMut(ProposeStep)) -> Result<(), String> + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::RgbImage;

    #[test]
    fn a_detector_goes_over_the_pictures_and_passes_over_what_is_none() {
        let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/scene.onnx");
        let folder = tempfile::tempdir().unwrap();
        let (whole, broken) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbImage::new(64, 48).save(&whole).unwrap();
        std::fs::write(&broken, "no picture").unwrap();
        let request = ProposeRequest {
            model,
            overrides: ModelOverrides::default(),
            thresholds: Thresholds::default(),
            pictures: vec![(4, whole), (2, broken)],
        };
        let watch = ProposeWatch::of(2);
        propose(&request, watch.cancel(), &mut |step| watch.take(step)).unwrap();
        assert_eq!(watch.progress(), ProposeProgress { loaded: true, done: 2, of: 2 });
        let found = watch.take_found();
        assert_eq!((found[0].0, found[0].1.as_ref().map(Vec::len)), (4, Ok(0)), "a black picture has nothing");
        assert!(found[1].0 == 2 && found[1].1.as_ref().unwrap_err().contains("b.png"));
        assert!(watch.take_found().is_empty());

        watch.cancel().cancel();
        propose(&request, watch.cancel(), &mut |step| watch.take(step)).unwrap();
        assert!(watch.take_found().is_empty(), "it was told to stop");
        let gone = ProposeRequest { model: folder.path().join("gone.onnx"), ..request };
        assert!(propose(&gone, &Cancel::default(), &mut |_| {}).unwrap_err().contains("gone.onnx"));
    }
}
