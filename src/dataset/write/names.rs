//! Names of files and classes that every reader and file system takes, each one once.

use crate::dataset::{DatasetClass, DatasetError, DatasetForm};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Bytes of a name without its ending: file systems have 255 for all of it.
const STEM_BYTES: usize = 200;
const ENDING_BYTES: usize = 16;
/// Bytes of a class's name; the reader of xml takes 4096.
const CLASS_BYTES: usize = 1000;

/// Names for the pictures of one folder.
pub(super) struct PictureNames {
    taken: HashSet<String>,
    /// Labels are named after the picture without its ending.
    by_stem: bool,
}

/// A picture's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub file: String,
    pub stem: String,
    /// Whether it had another name before.
    pub changed: bool,
}

impl PictureNames {
    pub fn new(form: DatasetForm) -> Self {
        Self { taken: HashSet::new(), by_stem: form != DatasetForm::Coco }
    }

    /// The name of this picture; with a number where another has it, also in another case, for some file systems do
    /// not tell them apart.
    pub fn name(&mut self, path: &Path) -> Named {
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let wanted = shortened(&plain(&part(path.file_stem())), STEM_BYTES);
        let wanted = match wanted.strip_prefix('.') {
            Some(rest) => format!("_{rest}"),
            None if wanted.is_empty() => "picture".to_owned(),
            None => wanted,
        };
        let ending = shortened(&plain(&part(path.extension())), ENDING_BYTES);
        // Without an ending, readers would take what follows a dot for one, and look for labels of another name.
        let wanted = if ending.is_empty() { wanted.replace('.', "_") } else { wanted };
        let file_of = |stem: &str| if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") };
        let stem = self.free(&wanted, &file_of);
        let file = file_of(&stem);
        Named { changed: path.file_name().and_then(|name| name.to_str()) != Some(&file), file, stem }
    }

    fn free(&mut self, wanted: &str, file_of: &dyn Fn(&str) -> String) -> String {
        let numbered = (2_u64..).map(|number| format!("{wanted}_{number}"));
        let mut stems = std::iter::once(wanted.to_owned()).chain(numbered);
        let key = |stem: &str| if self.by_stem { stem.to_lowercase() } else { file_of(stem).to_lowercase() };
        let stem = stems.find(|stem| !self.taken.contains(&key(stem))).unwrap_or_default();
        let key = key(&stem);
        self.taken.insert(key);
        stem
    }
}

/// Names of the classes for an xml and a list with one a line: trimmed, without line breaks, none empty, each once.
pub(super) fn class_names(classes: &[DatasetClass]) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |class: &DatasetClass| {
        let name: String = class.name.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
        let name = shortened(name.trim(), CLASS_BYTES);
        let name = if name.is_empty() { class.id.to_string() } else { name };
        let numbered = (2_u64..).map(|number| format!("{name} {number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(name.clone());
        name
    };
    classes.iter().map(name).collect()
}

/// The whole path of a picture that stays where it is, as labels can name it.
pub(super) fn whole_path(path: &Path) -> Result<String, DatasetError> {
    let whole: PathBuf =
        std::path::absolute(path).map_err(|source| DatasetError::PictureNotCopied { path: path.to_owned(), source })?;
    let fits =
        |text: &&str| text.chars().all(is_plain) && text.trim() == *text && (cfg!(windows) || !text.contains('\\'));
    let text = whole.to_str().filter(fits).map(str::to_owned);
    text.ok_or_else(|| DatasetError::NameNotWritable { path: path.to_owned() })
}

/// The name with an underscore for what is no part of a name.
fn plain(name: &str) -> String {
    let name: String = name.trim().chars().map(|c| if is_plain(c) && !"/\\".contains(c) { c } else { '_' }).collect();
    name.trim().to_owned()
}

/// Neither a control character nor one that xml cannot hold.
fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}' | '\u{feff}')
}

fn shortened(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_has_its_own_name() {
        let mut names = PictureNames::new(DatasetForm::Yolo);
        let long = format!("x/{}.jpeg", "é".repeat(200));
        let table = [
            ("a/1.jpg", "1.jpg", false),
            ("b/1.jpg", "1_2.jpg", true),
            ("b/1.png", "1_3.png", true),
            ("1_2.bmp", "1_2_2.bmp", true),
            ("A b ü.JPG", "A b ü.JPG", false),
            ("a B Ü.jpg", "a B Ü_2.jpg", true),
            ("x/.hidden.png", "_hidden.png", true),
            (" c\n.d .jpg", "c_.d.jpg", true),
            ("e\\f.jpg", "e_f.jpg", true),
            ("noending", "noending", false),
            ("a.b.c.jpg", "a.b.c.jpg", false),
            ("g..", "g_", true),
            ("h.i. ", "h_i", true),
            (&long, &format!("{}.jpeg", "é".repeat(100)), true),
        ];
        for (path, file, changed) in table {
            let named = names.name(Path::new(path));
            assert_eq!((named.file.as_str(), named.changed), (file, changed), "{path:?}");
        }
        let mut names = PictureNames::new(DatasetForm::Coco);
        assert!(!names.name(Path::new("1.jpg")).changed && !names.name(Path::new("1.png")).changed);
    }

    #[test]
    fn each_class_has_its_own_name() {
        let names = ["cat", " cat ", "", "a\nb", "cat", "4"];
        let classes: Vec<_> = (2..).zip(names).map(|(id, name)| DatasetClass { name: name.to_owned(), id }).collect();
        assert_eq!(class_names(&classes), ["cat", "cat 2", "4", "a b", "cat 3", "4 2"]);
    }

    #[test]
    fn whole_paths_are_text_that_labels_can_hold() {
        assert!(Path::new(&whole_path(Path::new("a ü.jpg")).unwrap()).is_absolute());
        for bad in ["a\n.jpg", "a.jpg "] {
            assert!(whole_path(Path::new(bad)).unwrap_err().to_string().contains("Rename it"), "{bad:?}");
        }
    }
}
