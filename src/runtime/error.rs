//! What can be wrong with ONNX Runtime, in words that say what to do next.

use super::MINIMUM_VERSION;
use std::path::PathBuf;

/// Why ONNX Runtime cannot be used. Each is one sentence, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// It lies in none of the places.
    #[error("ONNX Runtime is not installed: {}", remedy())]
    NotFound,
    /// The file named by `ORT_DYLIB_PATH` is not there.
    #[error("{path}: ORT_DYLIB_PATH names this file, but it is not there: {}", remedy())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The file is no shared library that this machine can load.
    #[error("{path}: this is not a usable ONNX Runtime library, {reason}: {}", remedy())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The library is a good one, but it is not ONNX Runtime.
    #[error("{path}: this library is not ONNX Runtime (it has no usable OrtGetApiBase): {}", remedy())]
    MissingApi {
        /// The file.
        path: PathBuf,
    },
    /// It is ONNX Runtime, but older than [`MINIMUM_VERSION`].
    #[error("{path}: this is ONNX Runtime {found}, which is too old: {}", remedy())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// The version that it reports.
        found: String,
    },
}

/// What helps in every case.
fn remedy() -> String {
    let (major, minor) = MINIMUM_VERSION;
    format!(
        "run `make setup` in the checkout, or set ORT_DYLIB_PATH to the shared library of ONNX Runtime {major}.{minor} or newer"
    )
}
