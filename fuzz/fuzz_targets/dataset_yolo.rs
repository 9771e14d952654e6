//! Any text as a data.yaml and, after a form feed, as the labels of a picture; never a panic.
#![no_main]

#[path = "dataset/place.rs"]
mod place;

use libfuzzer_sys::fuzz_target;
use quantscope::dataset::Dataset;

fuzz_target!(|text: &str| {
    let (yaml, labels) = text.split_once('\u{c}').unwrap_or((text, "0 0.5 0.5 0.25 0.25\n"));
    // A yaml may name any folder; reading the whole disk is no test.
    if yaml.contains(['/', '\\']) || yaml.contains("..") {
        return;
    }
    place::file("labels/a.txt", labels);
    let yaml = place::file("data.yaml", yaml);
    place::judge(Dataset::open(&yaml, None));
    place::judge(Dataset::open(&yaml, Some(&place::folder().join("images"))));
});
