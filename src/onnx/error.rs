//! Why a file cannot be taken as an ONNX model, in words that say what to do next.

use std::path::PathBuf;

/// Why a file cannot be taken as an ONNX model.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// Nothing lies at that path.
    #[error("{path}: no such file. Check the name")]
    Missing {
        /// The file as it was named.
        path: PathBuf,
    },
    /// A folder was given.
    #[error("{path} is a folder, not a model. Name the .onnx file inside it")]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// Neither a file nor a folder.
    #[error("{path} is a device or a pipe, not a file. Name an .onnx file")]
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
    },
    /// Zero bytes.
    #[error("{path} is empty (0 bytes). Copy or download it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// More than protobuf allows in one message.
    #[error(
        "{path} has {bytes} bytes, and an ONNX file cannot have more than 2 GiB. \
         Export the model with its weights as external data"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A model that is to be written has more than protobuf allows in one message.
    #[error(
        "{path} is not written: the model has {bytes} bytes, and an ONNX file cannot have more than 2 GiB. Choose a \
         smaller variant of the model, or store its weights in fewer bits"
    )]
    TooLargeToWrite {
        /// The file that was to be.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The operating system did not let it be written.
    #[error("{path} cannot be written: {source}. Name a folder that exists and has room with --out")]
    Write {
        /// The file that was to be.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system refused.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are no ONNX message.
    #[error("{path} is no ONNX file: {reason}. Name a model exported to ONNX")]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What it seems to be instead.
        reason: String,
    },
    /// The file begins as ONNX and ends too early.
    #[error("{path} is cut off: {expected} bytes were written and {found} are left. Copy or download it again")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Size that its own length fields ask for, at least.
        expected: u64,
        /// Size that it has.
        found: u64,
    },
    /// The outer message is whole but something inside is not.
    #[error("{path} is damaged: {reason}. Copy or download it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder stumbled over.
        reason: String,
    },
    /// Decoded, it would take memory out of proportion to its size.
    #[error(
        "{path} is refused: its parts would take more than {limit_mib} MiB of memory, far more than a model of its \
         size can need. Export the model again"
    )]
    TooManyParts {
        /// The file.
        path: PathBuf,
        /// Memory that a model of its size may take.
        limit_mib: u64,
    },
    /// A weight file is named in a way that leaves open which bytes are meant.
    #[error(
        "{path} says unclearly where the weights of \"{tensor}\" are: {reason}. Export the model with its external \
         data again"
    )]
    ExternalDataUnclear {
        /// The model.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// What is unclear.
        reason: String,
    },
    /// A weight file is named by a path that leaves the model's folder.
    #[error(
        "{path} keeps the weights of \"{tensor}\" in \"{location}\", outside its own folder; that is refused, \
         since a model could read any file that way. Put the weights beside the model and export it again"
    )]
    ExternalDataOutside {
        /// The model.
        path: PathBuf,
        /// The tensor that names it.
        tensor: String,
        /// The path as the model gives it.
        location: String,
    },
    /// A weight file is not there.
    #[error("{path} keeps its weights in \"{location}\", which is not beside it. Put that file into the same folder")]
    ExternalDataMissing {
        /// The model.
        path: PathBuf,
        /// The path as the model gives it.
        location: String,
    },
    /// A weight file is shorter than the model says.
    #[error(
        "{path} keeps its weights in \"{location}\", which has {found} bytes where at least {expected} are needed. \
         Copy or download that file again"
    )]
    ExternalDataTruncated {
        /// The model.
        path: PathBuf,
        /// The path as the model gives it.
        location: String,
        /// End of the last tensor in it.
        expected: u64,
        /// Size that it has.
        found: u64,
    },
}
