//! The whole window, driven by the names of its controls, with this test in the place of the pipeline.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod controls;
mod events;
mod layout;
mod start;
mod support;
