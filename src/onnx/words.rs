//! A file's own words, made fit to be shown.

use std::borrow::Cow;

/// Characters of a name that are shown.
const SHOWN: usize = 80;

/// A name from a file as it may stand in a sentence: one line, no control characters, not longer than a name need be.
pub fn shown(name: &str) -> Cow<'_, str> {
    // Directions of writing could turn the rest of a sentence around.
    let unfit = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let cut = name.char_indices().nth(SHOWN).map(|(index, _)| index);
    let kept = &name[..cut.unwrap_or(name.len())];
    if cut.is_none() && !kept.contains(unfit) {
        return Cow::Borrowed(name);
    }
    let end = if cut.is_some() { "…" } else { "" };
    Cow::Owned(kept.replace(unfit, "\u{fffd}") + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_on_one_line_and_short() {
        assert!(matches!(shown("output_0:1 é"), Cow::Borrowed("output_0:1 é")));
        assert_eq!(shown("a\nb\u{1b}[31m\u{202e}c"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c");
        let long = "é".repeat(1000);
        assert_eq!(shown(&long).chars().count(), SHOWN + 1);
        assert_eq!(shown(&"é".repeat(SHOWN)).chars().count(), SHOWN);
    }
}
