//! The figures of accuracy, equal to those of pycocotools, and what is made of them.

#[path = "../common/mod.rs"]
mod common;
mod difference;
mod figures;
mod support;
