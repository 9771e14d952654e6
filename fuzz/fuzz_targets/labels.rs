//! Any text as a label file and as the names in a model's metadata.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quantscope::inference::labels;

fuzz_target!(|text: &str| {
    let names = labels::parse(text);
    let (fitted, _) = labels::fit(names, 80, "a file");
    assert_eq!(fitted.len(), 80);
    assert!(fitted.iter().all(|name| !name.is_empty()));
    if let Some(names) = labels::literal_names(text) {
        assert!(!names.is_empty());
    }
});
