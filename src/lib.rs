//! quantscope shows, live, what quantization does to an object detector: the same frames go through a
//! full-precision ONNX model and its quantized twin, and both are drawn, timed and compared.
//!
//! # The one-way flow
//!
//! ```text
//!  capture ──Frame──▶ LatestSlot ──Frame──▶ lane A: preprocess → session → decode → NMS ─┐
//!  (camera, video,                    └───▶ lane B: preprocess → session → decode → NMS ─┤
//!   pictures, demo scene)                                                                ▼
//!                                                               comparison + metrics (same frame)
//!                                                                                        │
//!            commands (open, toggle, thresholds, stop)  ◀────────────── view  ◀── LatestSlot
//! ```
//!
//! Data goes left to right, only commands come back. A slow stage never makes a queue: the newest frame
//! replaces the waiting one and the drop is counted.
//!
//! # Where to start reading
//!
//! [`imaging`] and [`inference`] are plain synchronous values and functions; [`capture`] gives frames;
//! [`pipeline`] is the only place with threads; [`app`] is the only place that names egui; [`cli`] has one file
//! a subcommand. `docs/ARCHITECTURE.md` is the map.
//!
//! # Dependency rule
//!
//! `A ← B` means that B may import A. `tests/architecture.rs` keeps it.
//!
//! ```text
//! imaging ← scene, capture, dataset, inference, metrics ← pipeline ← app, cli ← main
//! onnx, runtime, dataset ← inference
//! files ← everything that writes files
//! scene ← capture
//! onnx, inference, metrics ← quantize ← app, cli
//! capture, dataset ← pictures ← app, cli
//! dataset, pipeline ← evaluate, benchmark ← report ← app, cli
//! inference, quantize ← report
//! ```

// Tests may: clippy.toml for those beside the code, and the programs in tests/ are not part of this crate.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod app;
pub mod benchmark;
pub mod capture;
pub mod cli;
pub mod dataset;
pub mod evaluate;
pub mod files;
pub mod imaging;
pub mod inference;
pub mod metrics;
pub mod onnx;
pub mod pictures;
pub mod pipeline;
pub mod quantize;
pub mod report;
pub mod runtime;
pub mod scene;
