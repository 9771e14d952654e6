//! `quantscope try-model`: the process in which a model is tried before it is loaded.

use super::arguments::Global;
use crate::inference::Detector;
use anyhow::Context;
use std::path::PathBuf;

/// What to try, and within which limits.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The ONNX file
    model: PathBuf,
    /// Bytes of address space that this process may use
    #[arg(long)]
    memory_limit: Option<u64>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    #[cfg(unix)]
    if let Some(limit) = args.memory_limit {
        rlimit::Resource::AS.set(limit, limit).context("the memory limit cannot be set")?;
        // A crash is expected here; nobody wants a dump of it.
        rlimit::Resource::CORE.set(0, 0).context("core dumps cannot be switched off")?;
    }
    // Loading runs the model, too.
    Detector::load(&args.model, &global.load_options(), None, &mut |_| {})?;
    Ok(())
}
