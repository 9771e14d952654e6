//! The whole window, driven by the names of its controls, with this test in the place of the pipeline.

mod controls;
mod events;
mod layout;
mod model;
mod start;
mod support;
mod variants;
