//! `quantscope try-model`: the process in which a model is tried before it is loaded.

use super::arguments::Global;
use super::output::print;
use crate::inference::{self, LoadError, SessionError, trial};
use crate::onnx::Executed;
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
    /// Seconds of processor time, of all threads together, after which this process is ended
    #[arg(long)]
    time_limit: Option<u64>,
    /// The process that waits for this one; when it ends, so does this one
    #[arg(long)]
    parent: Option<u32>,
    /// Where to write what ONNX Runtime's optimizer makes of the model
    #[arg(long)]
    optimized: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    set_limits(args)?;
    // Examining a model runs it, too.
    let examine = |optimized_to: Option<PathBuf>| {
        let mut options = global.load_options();
        options.session.optimized_to = optimized_to;
        // That comes after the trial, and has checks of its own.
        options.session.accelerate = false;
        inference::examine(&args.model, &options, None, &mut |_| {})
    };
    match examine(args.optimized.clone()) {
        // Perhaps it is only that the optimized graph could not be written, for which no model is refused.
        Err(LoadError::Session(SessionError::Load { .. })) if args.optimized.is_some() => examine(None)?,
        outcome => outcome?,
    };
    print(&format!("{}\n", trial::PASSED))?;
    let executed = args.optimized.as_deref().and_then(|path| Executed::read(path).ok());
    match executed {
        Some(executed) => print(&format!("{}\n", serde_json::to_string(&executed)?)),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn set_limits(args: &Args) -> anyhow::Result<()> {
    die_with_the_parent(args.parent)?;
    // Where memory runs out in spite of the limit, it is this process that the system is to end.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    if let Some(limit) = args.memory_limit {
        let (_, highest) = rlimit::Resource::AS.get().context("the memory limit cannot be read")?;
        let limit = limit.min(highest);
        rlimit::Resource::AS.set(limit, limit).context("the memory limit cannot be set")?;
    }
    if let Some(seconds) = args.time_limit {
        rlimit::Resource::CPU.set(seconds, seconds).context("the time limit cannot be set")?;
    }
    // A crash is expected here; nobody wants a dump of it.
    rlimit::Resource::CORE.set(0, 0).context("core dumps cannot be switched off")
}

#[cfg(not(unix))]
fn set_limits(_: &Args) -> anyhow::Result<()> {
    Ok(())
}

/// A model that hangs is not to outlive the window that wanted it. Elsewhere the limit on processor time ends it.
#[cfg(target_os = "linux")]
pub(super) fn die_with_the_parent(parent: Option<u32>) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
    let Some(parent) = parent else { return Ok(()) };
    set_parent_process_death_signal(Some(Signal::KILL)).context("this process cannot be tied to its parent")?;
    // It may have ended before it could be watched.
    let is_there = getppid().map(Pid::as_raw_nonzero).is_some_and(|id| id.get().unsigned_abs() == parent);
    anyhow::ensure!(is_there, "process {parent}, which wanted this trial, has ended");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn die_with_the_parent(_: Option<u32>) -> anyhow::Result<()> {
    Ok(())
}
