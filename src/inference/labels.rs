//! Names of classes: read from a file or from metadata, and fitted to the number of classes that a model has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a label file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It cannot be read.
    #[error("the label file {path} cannot be read: {source}. Check its name")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no text.
    #[error("{path} is no label file: it holds binary data. Name a text file with one class name a line")]
    Binary {
        /// The file.
        path: PathBuf,
    },
    /// It holds no name.
    #[error("the label file {path} holds no names. Write one class name a line")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Label files are small; what is larger is something else.
const MAX_BYTES: u64 = 4 << 20;

/// Reads class names from a text file: one a line, or the `names:` of a YOLO data set (`.yaml`) as a list or by
/// number. Empty lines at the end, a byte-order mark and Windows line ends are ignored; bytes that are no UTF-8 are
/// replaced by �. An empty line between names is an empty name, so that the numbers after it stay right.
///
/// # Errors
/// When the file cannot be read, is binary, no file or larger than 4 MiB, or holds no name.
pub fn read(path: &Path) -> Result<Vec<String>, LabelError> {
    let io = |source| LabelError::Io { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(io)?;
    // A device or a pipe might never end.
    if metadata.len() > MAX_BYTES || !(metadata.is_file() || metadata.is_dir()) {
        return Err(LabelError::Binary { path: path.to_owned() });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    if bytes.contains(&0) {
        return Err(LabelError::Binary { path: path.to_owned() });
    }
    let text = String::from_utf8_lossy(&bytes);
    let names = parse(&text);
    if names.is_empty() { Err(LabelError::Empty { path: path.to_owned() }) } else { Ok(names) }
}

/// The names in the text of a label file, see [`read`]; none where there are none.
pub fn parse(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(names) = yaml_names(text) {
        return names;
    }
    let mut names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// The `names:` of a YOLO data set: a list or a mapping, in one line or in several.
fn yaml_names(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("names:"));
    let first = without_comment(lines.next()?.strip_prefix("names:")?).trim();
    if !first.is_empty() {
        // In one line, or in brackets over several.
        let rest = lines.map(|line| without_comment(line).trim());
        let joined = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ");
        return literal_names(&joined);
    }
    let inside = lines
        .map(without_comment)
        .take_while(|line| line.trim().is_empty() || line.starts_with([' ', '\t', '-']))
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut numbered = BTreeMap::new();
    for (index, line) in inside.enumerate() {
        if let Some(item) = line.strip_prefix('-') {
            numbered.insert(index, unquoted(item));
        } else {
            let (key, value) = line.split_once(':')?;
            numbered.insert(unquoted(key).parse().ok()?, unquoted(value));
        }
    }
    by_number(numbered)
}

/// The part of a line before a comment; a `#` inside quotes or a word is none.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (index, character) in line.char_indices() {
        match quote {
            None if character == '#' && before.is_whitespace() => return &line[..index],
            // An apostrophe inside a word opens nothing.
            None if matches!(character, '\'' | '"') && !before.is_alphanumeric() => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ => {}
        }
        before = character;
    }
    line
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return if quote == '\'' { inner.replace("''", "'") } else { inner.replace("\\\"", "\"") };
        }
    }
    text.to_owned()
}

/// Reads a Python (or JSON) literal of names: `{0: 'person', 1: "it's"}` or `['person', 'car']`, as Ultralytics
/// writes it into a model's metadata. Missing numbers get an empty name. None when it is no such literal.
pub fn literal_names(text: &str) -> Option<Vec<String>> {
    let text = text.trim_start();
    let (close, is_mapping) = match text.chars().next()? {
        '{' => ('}', true),
        '[' | '(' => (if text.starts_with('[') { ']' } else { ')' }, false),
        _ => return None,
    };
    let mut rest = &text[1..];
    let mut numbered = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        if rest.starts_with(close) {
            return by_number(numbered);
        }
        let number = if is_mapping {
            let (key, after) = scalar(rest, &[':'])?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            key.trim().parse().ok()?
        } else {
            numbered.len()
        };
        let (name, after) = scalar(rest, &[',', close])?;
        numbered.insert(number, name);
        rest = after;
    }
}

/// One quoted string or bare word, and what comes after it.
fn scalar<'a>(text: &'a str, ends: &[char]) -> Option<(String, &'a str)> {
    let open = text.chars().next()?;
    if !matches!(open, '\'' | '"') {
        let end = text.find(|c| ends.contains(&c))?;
        return Some((text[..end].trim().to_owned(), &text[end..]));
    }
    let mut value = String::new();
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if character == open => return Some((value, &text[index + 1..])),
            _ => value.push(character),
        }
    }
    None
}

/// No detector has more classes; a larger number is a damaged file, not a reason to fill the memory.
const MAX_CLASSES: usize = 100_000;

fn by_number(numbered: BTreeMap<usize, String>) -> Option<Vec<String>> {
    let last = *numbered.last_key_value()?.0;
    let mut names = vec![String::new(); last.checked_add(1).filter(|count| *count <= MAX_CLASSES)?];
    for (number, name) in numbered {
        names[number] = name;
    }
    Some(names)
}

/// Makes `names` as many as there are classes: what is too much is cut, what is missing or empty is numbered
/// (`class 17`). A count that does not fit gives a warning for the user.
pub fn fit(mut names: Vec<String>, classes: usize, origin: &str) -> (Vec<String>, Option<String>) {
    let given = names.len();
    names.resize(classes, String::new());
    for (number, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
        *name = format!("class {number}");
    }
    let warning = match given.cmp(&classes) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => {
            Some(format!("{origin} names {given} classes and the model has {classes}: the rest is numbered"))
        }
        std::cmp::Ordering::Greater => {
            Some(format!("{origin} names {given} classes and the model has only {classes}: the last ones are not used"))
        }
    };
    (names, warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_bytes(bytes: &[u8]) -> Result<Vec<String>, LabelError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    #[test]
    fn label_files_of_every_kind() {
        let cases: [(&[u8], &[&str]); 11] = [
            (b"cat\ndog\n", &["cat", "dog"]),
            (b"cat\r\ndog\r\n\r\n  \n", &["cat", "dog"]),
            (b"\xef\xbb\xbfcat\nhot dog", &["cat", "hot dog"]),
            (b"cat\n\ndog", &["cat", "", "dog"]),
            (b"caf\xe9\n", &["caf\u{fffd}"]),
            (b"path: x\nnames: [cat, 'hot dog']\nnc: 2\n", &["cat", "hot dog"]),
            (b"names:\n  0: cat # a comment\n  2: \"dog #2\"\n\nnc: 3\n", &["cat", "", "dog #2"]),
            (b"nc: 2\nnames:\n- cat\n- it's\ntrain: a\n", &["cat", "it's"]),
            (b"names: {0: cat, 1: dog}\n", &["cat", "dog"]),
            (b"names: ['cat', # first\n  'dog']\n", &["cat", "dog"]),
            (b"names: [\n  cat,\n  dog,\n]\n", &["cat", "dog"]),
        ];
        for (bytes, want) in cases {
            assert_eq!(read_bytes(bytes).unwrap(), want, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_is_no_label_file_is_refused_with_its_name() {
        assert!(matches!(read_bytes(b""), Err(LabelError::Empty { .. })));
        assert!(matches!(read_bytes(b"\n \n"), Err(LabelError::Empty { .. })));
        assert!(matches!(read_bytes(b"ab\0c"), Err(LabelError::Binary { .. })));
        let error = read(Path::new("/no/such.names")).unwrap_err().to_string();
        assert!(error.contains("/no/such.names"), "{error}");
    }

    #[test]
    fn metadata_literals() {
        let owned = |names: &[&str]| Some(names.iter().map(|n| n.to_string()).collect::<Vec<_>>());
        for (text, want) in [
            (r#"{0: 'person', 1: "it's"}"#, owned(&["person", "it's"])),
            (r"{0: 'it\'s', 2: 'a, b: c'}", owned(&["it's", "", "a, b: c"])),
            (r#"{"0": "cat", "1": "dog"}"#, owned(&["cat", "dog"])),
            ("['cat', 'dog',]", owned(&["cat", "dog"])),
            ("('cat',)", owned(&["cat"])),
            ("{}", None),
            ("{0: 'cat'", None),
            ("cat", None),
            ("{99999999999: 'cat'}", None),
            ("{18446744073709551615: 'cat'}", None),
        ] {
            assert_eq!(literal_names(text), want, "{text}");
        }
    }

    #[test]
    fn names_are_fitted_to_the_classes() {
        let names = || vec!["cat".to_owned(), String::new(), "dog".to_owned()];
        assert_eq!(fit(names(), 3, "x"), (vec!["cat".into(), "class 1".into(), "dog".into()], None));
        let (fitted, warning) = fit(names(), 4, "coco.names");
        assert_eq!(fitted[3], "class 3");
        assert!(warning.unwrap().contains("coco.names names 3 classes and the model has 4"));
        let (fitted, warning) = fit(names(), 1, "coco.names");
        assert_eq!(fitted, ["cat"]);
        assert!(warning.is_some());
    }

    #[test]
    fn the_builtin_names_are_the_eighty_of_coco() {
        let names = crate::inference::COCO80;
        assert_eq!(
            (names[0], names[2], names[11], names[62], names[79]),
            ("person", "car", "stop sign", "tv", "toothbrush")
        );
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), 80);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}(),:'\"#\\\\\\-a0-9 \n\u{feff}é]{0,60}") {
            let _ = literal_names(&text);
            let _ = parse(&text);
            let _ = parse(&format!("names:{text}"));
        }
    }
}
