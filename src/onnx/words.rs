//! A file's own words, made fit to be shown.

use std::borrow::Cow;

/// Characters of a name that are shown.
const SHOWN: usize = 80;

/// A name from a file as it may stand in a sentence: one line, no control characters, not longer than a name need be.
pub fn shown(name: &str) -> Cow<'_, str> {
    clipped(name, SHOWN)
}

/// The same for text of any length: the first `characters` of it.
pub fn clipped(text: &str, characters: usize) -> Cow<'_, str> {
    let cut = text.char_indices().nth(characters).map(|(index, _)| index);
    let kept = &text[..cut.unwrap_or(text.len())];
    if cut.is_none() && !kept.contains(is_unfit) {
        return Cow::Borrowed(text);
    }
    let end = if cut.is_some() { "…" } else { "" };
    Cow::Owned(kept.replace(is_unfit, "\u{fffd}") + end)
}

/// Control characters, what has no width, and directions of writing, which could turn the rest of a sentence around.
fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
