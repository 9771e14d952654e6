//! Quantizing, on a thread of its own: pictures from wherever they are, the engine, and a word with the window.

use super::setup::model_file;
use crate::capture::{CameraBackend, SourceSpec};
use crate::imaging::RgbImage;
use crate::inference::trial::Trial;
use crate::pictures::{Different, Picture, Pictures, PicturesError};
use crate::quantize::{Mode, Outcome, Progress, QuantizeError, Quantizer, Request, Sample, default_output};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether it is to stop while no frame comes.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is to be done.
#[derive(Debug)]
pub struct QuantizeJob {
    /// For the engine.
    pub request: Request,
    /// Where the pictures come from.
    pub pictures: PicturesFrom,
    /// Tries the model in a process of its own first; none skips that.
    pub trial: Option<Trial>,
}

/// Where the pictures come from.
#[derive(Debug)]
pub enum PicturesFrom {
    /// A folder, a data set, a video, or the demo scene.
    Spec(SourceSpec, CameraBackend),
    /// The live view, whose different frames are taken.
    Live(Receiver<Arc<RgbImage>>),
}

/// Why nothing came of it, by what helps: a sentence each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantizeFailure {
    /// Another model.
    Model(String),
    /// Other pictures.
    Pictures(String),
    /// Something else, which the sentence says.
    Other(String),
    /// Nothing: a person stopped it.
    Cancelled,
}

impl QuantizeFailure {
    /// The sentence.
    pub fn words(&self) -> &str {
        match self {
            Self::Model(words) | Self::Pictures(words) | Self::Other(words) => words,
            Self::Cancelled => "Stopped.",
        }
    }
}

/// A word with the window.
pub trait QuantizeTalk {
    /// Says what is going on; whether to go on.
    fn tell(&mut self, progress: Progress) -> ControlFlow<()>;

    /// Whether to stop, for where nothing is going on that could be said.
    fn stops(&self) -> bool;

    /// Hands over what was made: all that was tried, or (later) the one model that was asked for. Waits for the layers that
    /// are to stay in floats in a further one; none ends it.
    fn made(&mut self, made: Result<Outcome, QuantizeFailure>) -> Option<BTreeSet<String>>;
}

/// Quantizes, and then makes further models for as long as some are asked for.
///
/// # Errors
///
/// Why there is no model at all. Of a further one it is told to `talk`.
pub fn run(job: &QuantizeJob, talk: &mut dyn QuantizeTalk) -> Result<(), QuantizeFailure> {
    let broken = |_| Err(QuantizeFailure::Other("The model broke off inside the runtime. Try another one.".to_owned()));
    catch_unwind(AssertUnwindSafe(|| quantize(job, talk))).unwrap_or_else(broken)
}

fn quantize(job: &QuantizeJob, talk: &mut dyn QuantizeTalk) -> Result<(), QuantizeFailure> {
    let named = job.pictures.name();
    let failure = |error| failure_of(error, &named);
    let mut quantizer = calibrate(job, talk, &failure)?;
    let outcome = quantizer.quantize(&mut |progress| talk.tell(progress)).map_err(failure)?;
    let mut next = talk.made(Ok(outcome));
    while let Some(float) = next {
        let made = quantizer.with_floats(&float, &mut |progress| talk.tell(progress));
        next = talk.made(made.map_err(failure));
    }
    Ok(())
}

fn calibrate(
    job: &QuantizeJob,
    talk: &mut dyn QuantizeTalk,
    failure: &dyn Fn(QuantizeError) -> QuantizeFailure,
) -> Result<Quantizer, QuantizeFailure> {
    let talk = std::cell::RefCell::new(talk);
    let stops = || talk.borrow().stops();
    let mut report = |progress| talk.borrow_mut().tell(progress);
    let (request, trial) = (&job.request, job.trial.as_ref());
    match &job.pictures {
        PicturesFrom::Live(frames) => {
            let mut different = Different::default();
            let mut pictures = std::iter::from_fn(|| next_frame(frames, &mut different, &stops).map(Sample::from));
            let calibrated = Quantizer::calibrate(request, trial, &mut pictures, &mut report);
            // Enough was said, and there are some: or it was stopped.
            calibrated.map_err(|error| if stops() { QuantizeFailure::Cancelled } else { failure(error) })
        }
        PicturesFrom::Spec(spec, cameras) => {
            let of_pictures = |error: PicturesError| QuantizeFailure::Pictures(error.to_string());
            let mut pictures = Pictures::open(spec, request.samples, *cameras).map_err(of_pictures)?;
            let calibrated = {
                let request = Request { classes: pictures.classes.clone(), ..request.clone() };
                let mut next = std::iter::from_fn(|| {
                    let Picture { image, truth } = pictures.next_unless(&stops)?;
                    Some(Sample { image, truth })
                });
                Quantizer::calibrate(&request, trial, &mut next, &mut report)
            };
            if stops() {
                return Err(QuantizeFailure::Cancelled);
            }
            pictures.finish().map_err(of_pictures)?;
            calibrated.map_err(failure)
        }
    }
}

fn next_frame(
    frames: &Receiver<Arc<RgbImage>>,
    different: &mut Different,
    stops: &dyn Fn() -> bool,
) -> Option<RgbImage> {
    while !stops() {
        match frames.recv_timeout(PATIENCE) {
            Ok(frame) if different.takes(&frame) => return Some(RgbImage::clone(&frame)),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

fn failure_of(error: QuantizeError, pictures: &str) -> QuantizeFailure {
    match error {
        QuantizeError::Cancelled => QuantizeFailure::Cancelled,
        QuantizeError::NoPictures { .. } => QuantizeFailure::Pictures(format!(
            "No picture to calibrate with came from {pictures}. Choose a folder of pictures, a data set or a video."
        )),
        error @ (QuantizeError::Temporary(_) | QuantizeError::Card(_) | QuantizeError::Recipe { .. }) => {
            QuantizeFailure::Other(error.to_string())
        }
        error => QuantizeFailure::Model(error.to_string()),
    }
}

impl PicturesFrom {
    fn name(&self) -> String {
        match self {
            Self::Spec(spec, _) => spec.to_string(),
            Self::Live(_) => "the live view".to_owned(),
        }
    }
}

/// A file that is not there yet, for the twin of a model in this form: beside it, or, where nothing can be written there,
/// in `other`.
pub fn free_output(model: &Path, mode: Mode, other: Option<&Path>) -> PathBuf {
    let beside = default_output(model, mode);
    let folder = beside.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writable = tempfile::tempfile_in(folder).is_ok();
    let first = match (writable, other, beside.file_name()) {
        (false, Some(other), Some(name)) => other.join(name),
        _ => beside,
    };
    let stem = first.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = (2..1000).map(|number| model_file(first.with_file_name(format!("{stem}-{number}.onnx"))));
    std::iter::once(first.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_proposed_takes_the_place_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("a.b.onnx");
        let file = |name: &str| folder.path().join(name);
        let free_output = |model: &Path, other| free_output(model, Mode::Static, other);
        assert_eq!(free_output(&model, None), file("a.b.int8.onnx"));
        assert_eq!(super::free_output(&model, Mode::Half, None), file("a.b.fp16.onnx"));
        std::fs::write(file("a.b.int8.onnx"), b"").unwrap();
        assert_eq!(free_output(&model, None), file("a.b.int8-2.onnx"));
        std::fs::write(file("a.b.int8-2.onnx"), b"").unwrap();
        assert_eq!(free_output(&model, None), file("a.b.int8-3.onnx"));
        let other = folder.path().join("other");
        let nowhere = Path::new("/no/such/folder/a.onnx");
        assert_eq!(free_output(nowhere, Some(&other)), other.join("a.int8.onnx"));
    }

    #[test]
    fn what_went_wrong_says_what_helps() {
        let path = PathBuf::from("/m/a.onnx");
        let of = |error| failure_of(error, "/data");
        assert!(matches!(of(QuantizeError::NothingToQuantize { path }), QuantizeFailure::Model(_)));
        let none = of(QuantizeError::NoPictures { from: "x".to_owned() });
        assert!(matches!(&none, QuantizeFailure::Pictures(words) if words.contains("/data") && !words.contains("--")));
        assert_eq!(of(QuantizeError::Cancelled), QuantizeFailure::Cancelled);
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(matches!(of(QuantizeError::Temporary(full)), QuantizeFailure::Other(_)));
    }

    #[test]
    fn frames_of_the_live_view_differ_and_end_when_there_are_enough() {
        let (sender, frames) = crossbeam_channel::bounded(4);
        let grey = |level| Arc::new(RgbImage::from_pixel(64, 64, image::Rgb([level; 3])));
        for level in [10, 12, 90] {
            sender.send(grey(level)).unwrap();
        }
        let mut different = Different::default();
        let mut next = || next_frame(&frames, &mut different, &|| false);
        assert_eq!(next().unwrap().get_pixel(0, 0)[0], 10);
        assert_eq!(next().unwrap().get_pixel(0, 0)[0], 90);
        drop(sender);
        assert!(next().is_none());
        assert!(next_frame(&frames, &mut different, &|| true).is_none());
    }
}
