//! `quantscope measure-memory`: the process in which a model is alone, so that its memory can be told.

use super::arguments::Global;
use super::output::print;
use super::try_model::die_with_the_parent;
use crate::benchmark;
use crate::imaging::ImageSize;
use anyhow::Context;
use std::path::PathBuf;

/// What to load, and how large its frames are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The ONNX file
    file: PathBuf,
    /// Width of a frame
    #[arg(long, default_value_t = 1280)]
    width: u32,
    /// Height of a frame
    #[arg(long, default_value_t = 720)]
    height: u32,
    /// The process that waits for this one; when it ends, so does this one
    #[arg(long)]
    parent: Option<u32>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    die_with_the_parent(args.parent)?;
    let size = ImageSize::new(args.width, args.height);
    let peak = benchmark::run_alone(&args.file, &global.load_options(), size)?;
    print(&format!("{}\n", peak.context("this system does not tell the peak memory of a process")?))
}
