//! The vector instructions of the program, to be run by Miri and compiled for other processors.

#[path = "../src/inference/bytes/mod.rs"]
pub mod bytes;
