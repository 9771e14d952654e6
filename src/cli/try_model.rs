//! `quantscope try-model`: the process in which a model is tried before it is loaded.

use super::arguments::Global;
use crate::inference::Detector;
use anyhow::Context;
use std::path::PathBuf;

/// Processor time of all threads after which the process is ended; far above the time limit of whoever waits for it.
#[cfg(unix)]
const CPU_SECONDS: u64 = 600;

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
        let (_, highest) = rlimit::Resource::AS.get().context("the memory limit cannot be read")?;
        let limit = limit.min(highest);
        rlimit::Resource::AS.set(limit, limit).context("the memory limit cannot be set")?;
        // Should whoever started this end first, a model that hangs is not to run for ever.
        rlimit::Resource::CPU.set(CPU_SECONDS, CPU_SECONDS).context("the time limit cannot be set")?;
        // A crash is expected here; nobody wants a dump of it.
        rlimit::Resource::CORE.set(0, 0).context("core dumps cannot be switched off")?;
    }
    // Loading runs the model, too.
    Detector::load(&args.model, &global.load_options(), None, &mut |_| {})?;
    Ok(())
}
