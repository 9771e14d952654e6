//! Any bytes as a COCO json: read, written in every form, and read again; never a panic.
#![no_main]

#[path = "dataset/place.rs"]
mod place;

use libfuzzer_sys::fuzz_target;
use quantscope::dataset::Dataset;

fuzz_target!(|bytes: &[u8]| {
    let json = place::file("set.json", bytes);
    place::judge(Dataset::open(&json, None));
});
