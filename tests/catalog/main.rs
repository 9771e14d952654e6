//! Downloads of the model catalog against a server on this machine that is slow, breaks off, lies and redirects.

mod cli;
#[path = "../common/mod.rs"]
mod common;
mod downloads;
mod real;
mod server;
mod support;
