//! One file a panel. A panel gets a small read-only input and pushes actions.

mod agreement;
pub mod boxes;
pub mod camera;
mod class_filter;
pub mod figures;
pub mod get_models;
pub mod help;
pub mod message_log;
pub mod model;
mod model_items;
mod model_probe;
mod model_threads;
pub mod path_prompt;
mod record;
mod rows;
pub mod situation;
mod source_menu;
mod sparkline;
pub mod toasts;
mod tools_menu;
pub mod top_bar;
pub mod transport;
pub mod welcome;
pub mod worst;
