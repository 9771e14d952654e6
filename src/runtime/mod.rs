//! What the program needs of the machine it runs on: ONNX Runtime's shared library, and figures of the machine.
//!
//! [`locate`] finds the library and looks before it opens: a wrong file, a library for another processor, a
//! half-downloaded one, one that is not ONNX Runtime or too old a version is a [`RuntimeError`] of one sentence,
//! never a crash or a hang. [`MachineInfo`] goes into reports, so that figures keep the machine they came from.
//!
//! [`catalog`] lists and downloads well-known models.
//!
//! Nothing here names `ort`; `inference/session.rs` hands it the path that was found here.

mod allocator;
pub mod catalog;
mod dylib;
mod error;
mod library_file;
mod locate;
mod machine;

pub use allocator::keep_few_heaps;
pub use error::RuntimeError;
pub use locate::{RuntimeLibrary, initialize, locate};
pub use machine::{
    MachineInfo, cores, cpu_features, default_threads, memory_bytes, own_processor_time, own_thread_time,
    processor_time_of,
};

/// Oldest ONNX Runtime that will do, as major and minor version: the one whose C interface the program is built
/// against (`ort`'s feature `api-22` in `Cargo.toml`; a test keeps the two the same).
pub const MINIMUM_VERSION: (u32, u32) = (1, 22);
