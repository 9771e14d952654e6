//! Any text as a model card: understood, or refused in one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quantscope::inference::CardOverrides;
use std::path::Path;

fuzz_target!(|text: &str| {
    match CardOverrides::parse(text, Path::new("folder/model.toml")) {
        Ok(card) => {
            let _ = card.label_file();
            if let Some(size) = card.size() {
                assert!((1..=8192).contains(&size.width) && (1..=8192).contains(&size.height));
            }
            assert!(card.scale.is_none_or(|scale| scale.is_finite() && scale != 0.0));
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
});
