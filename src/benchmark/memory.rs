//! Memory of one model alone: in a process of its own, since in the measuring one all models lie together.

use crate::imaging::{ImageSize, RgbImage};
use crate::inference::trial::card_file;
use crate::inference::{CardSource, Detector, LoadError, LoadOptions, Thresholds};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// Frames after which memory grows no more.
const FRAMES: usize = 10;
/// Longest wait for one process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures memory by this program, with the hidden subcommand `measure-memory`.
#[derive(Clone, Debug)]
pub struct MemoryProbe {
    program: PathBuf,
}

impl MemoryProbe {
    /// Measures with this program file.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Highest resident memory, in bytes, of a process that loads the model and runs it on frames of `size`.
    ///
    /// # Errors
    ///
    /// A sentence that says why it is not known.
    pub fn measure(&self, model: &Path, provider: &str, options: &LoadOptions, size: ImageSize) -> Result<u64, String> {
        let unknown = |reason: String| format!("{}: its memory was not measured: {reason}", model.display());
        let given = card_file(options).map_err(|error| unknown(error.to_string()))?;
        let mut command = Command::new(&self.program);
        command.arg("measure-memory").arg("--parent").arg(std::process::id().to_string());
        command.arg("--width").arg(size.width.to_string()).arg("--height").arg(size.height.to_string());
        command.arg("--threads").arg(options.session.threads.to_string()).arg("--provider").arg(provider);
        if !options.session.accelerate {
            command.arg("--no-accelerate");
        }
        let card = match &options.overrides.card {
            Some(CardSource::File(file)) => Some(file.as_path()),
            _ => given.as_deref(),
        };
        for (flag, file) in [("--card", card), ("--labels", options.overrides.labels.as_deref())] {
            if let Some(file) = file {
                command.arg(flag).arg(file);
            }
        }
        command.arg("--").arg(model).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        self.answer(&mut command).map_err(unknown)
    }

    fn answer(&self, command: &mut Command) -> Result<u64, String> {
        let mut child = command.spawn().map_err(|error| format!("its process does not start: {error}"))?;
        let ended = child.wait_timeout(PATIENCE).map_err(|error| error.to_string())?;
        if ended.is_none() {
            let _ = child.kill().and_then(|()| child.wait());
            return Err(format!("it took longer than {} s", PATIENCE.as_secs()));
        }
        let mut said = String::new();
        // One short line, which the pipe has held.
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_string(&mut said).map_err(|error| error.to_string())?;
        }
        said.trim().parse().map_err(|_| "its process did not say".to_owned())
    }
}

/// Loads a model, runs it on a few grey frames of `size`, and says the highest resident memory of this process; None
/// where the system does not tell.
///
/// # Errors
///
/// When the model does not load or run.
pub fn run_alone(model: &Path, options: &LoadOptions, size: ImageSize) -> Result<Option<u64>, LoadError> {
    let mut detector = Detector::load(model, options, None, &mut |_| {})?;
    let grey = RgbImage::from_pixel(size.width.max(1), size.height.max(1), image::Rgb([114; 3]));
    let mut detections = Vec::new();
    for _ in 0..FRAMES {
        let run = detector.detect(&grey, Thresholds::default(), &mut detections);
        run.map_err(|source| LoadError::Run { path: model.to_owned(), source })?;
    }
    Ok(peak_rss_bytes())
}

/// The kernel's high-water mark of this process; None where it keeps none.
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_answer_is_said() {
        let size = ImageSize::new(8, 8);
        let measure = |program: &str| {
            MemoryProbe::new(program.into()).measure(Path::new("a.onnx"), "cpu", &LoadOptions::default(), size)
        };
        let error = measure("/no/such/program").unwrap_err();
        assert!(error.starts_with("a.onnx: its memory was not measured: its process does not start"), "{error}");
        if cfg!(unix) {
            let error = measure("true").unwrap_err();
            assert!(error.ends_with("its process did not say"), "{error}");
        }
    }

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_rss_bytes().is_some_and(|bytes| bytes > 1 << 20) || !cfg!(target_os = "linux"));
    }
}
