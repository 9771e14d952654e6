//! The whole window, driven by the names of its controls, with this test in the place of the pipeline.

mod agreement;
mod camera;
mod catalog;
#[path = "../common/mod.rs"]
mod common;
mod controls;
mod evaluate;
mod evaluation;
mod events;
mod label;
mod layout;
mod model;
mod quantization;
mod quantize;
mod quantize_results;
mod record;
#[expect(dead_code, reason = "these tests need a part of what the server can do")]
#[path = "../catalog/server.rs"]
mod server;
mod start;
mod support;
mod threads;
mod variants;
mod worst;
