//! Any text as the xml of a picture and, after a form feed, as the list of the classes; never a panic.
#![no_main]

#[path = "dataset/place.rs"]
mod place;

use libfuzzer_sys::fuzz_target;
use quantscope::dataset::Dataset;

fuzz_target!(|text: &str| {
    let (xml, classes) = text.split_once('\u{c}').unwrap_or((text, "cat\n"));
    place::file("Annotations/a.xml", xml);
    place::file("labels.txt", classes);
    place::judge(Dataset::open(&place::folder().join("Annotations"), None));
});
