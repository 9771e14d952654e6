//! Writing model cards: only what changes is touched; comments, `[about]` and the order of the lines stay.

use super::{Anchors, CardError, CardLabels, CardOverrides};
use crate::files;
use std::path::Path;
use toml_edit::{Array, DocumentMut, Item, RawString, Table, Value};

/// Every key of a card, in the order in which a new card is written, with its value.
type Entries = [(&'static str, Option<Value>); 13];

impl CardOverrides {
    /// The keys that are set, in the order of a card.
    pub fn keys(&self) -> Vec<&'static str> {
        self.entries(None).into_iter().filter_map(|(key, value)| value.map(|_| key)).collect()
    }

    /// The card as the text of a file that may lie anywhere. What is only for people is left out.
    pub fn to_toml(&self) -> String {
        let mut document = DocumentMut::new();
        write_into(document.as_table_mut(), &Self::default().entries(None), self.entries(None));
        document.to_string()
    }

    /// The same card away from its file: its label file is named by its whole path.
    #[must_use]
    pub fn detached(&self) -> Self {
        let file = self.label_file().map(|file| std::path::absolute(&file).unwrap_or(file));
        let labels = file.map(CardLabels::File).or_else(|| self.labels.clone());
        Self { labels, about: None, path: Default::default(), ..self.clone() }
    }

    /// Makes the file at `path` say what is set here and nothing else. What the file says already is left as it is
    /// written; comments and notes in it stay. The file is replaced as a whole, so that a full disk leaves the old one.
    ///
    /// # Errors
    /// When a value makes no sense, when the file that is there is no card, or when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CardError> {
        self.check()?;
        let io = |source| CardError::Io { path: path.to_owned(), source };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(io(error)),
        };
        let old = Self::parse(&text, path)?;
        let wrong = |error: toml_edit::TomlError| {
            let reason = error.message().replace('\n', " ");
            CardError::Wrong { path: path.to_owned(), line: 1, reason }
        };
        let mut document: DocumentMut = text.trim_start_matches('\u{feff}').parse().map_err(wrong)?;
        let left = write_into(document.as_table_mut(), &old.entries(Some(path)), self.entries(Some(path)));
        if !left.is_empty() {
            let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing(left + &trailing);
        }
        files::replace(path, document.to_string().as_bytes())
            .map_err(|source| CardError::Write { path: path.to_owned(), source })
    }

    /// All keys; label files are named from the folder of `beside`, or by their whole path.
    fn entries(&self, beside: Option<&Path>) -> Entries {
        let text = |text: &str| Value::from(text);
        let three = |values: [f32; 3]| Value::Array(values.into_iter().map(number).collect::<Array>());
        [
            ("head", self.head.map(|head| text(head.name()))),
            ("class_numbers", self.class_numbers.map(|numbers| text(numbers.name()))),
            ("nms", self.nms.map(Value::from)),
            ("input_size", self.input_size.map(|size| Value::Array(size.into_iter().map(i64::from).collect()))),
            ("anchors", self.anchors.as_ref().map(anchors)),
            ("layout", self.layout.map(|layout| text(layout.name()))),
            ("color", self.color.map(|color| text(color.name()))),
            ("scale", self.scale.map(number)),
            ("mean", self.mean.map(three)),
            ("std", self.std.map(three)),
            ("resize", self.resize.map(|resize| text(resize.name()))),
            ("pad", self.pad.map(|pad| Value::from(i64::from(pad)))),
            ("labels", self.labels_value(beside)),
        ]
    }

    fn labels_value(&self, beside: Option<&Path>) -> Option<Value> {
        let file = match self.labels.as_ref()? {
            CardLabels::Names(names) => {
                return Some(Value::Array(names.iter().map(String::as_str).collect::<Array>()));
            }
            CardLabels::File(_) => self.label_file()?,
        };
        let file = std::path::absolute(&file).unwrap_or(file);
        let folder = beside.and_then(|card| std::path::absolute(card).ok()?.parent().map(Path::to_owned));
        let short = folder.and_then(|folder| file.strip_prefix(folder).ok().map(Path::to_owned));
        Some(Value::from(short.unwrap_or(file).to_string_lossy().into_owned()))
    }
}

/// Sets and removes what differs. Comments above a line that is removed go to the next one; what is left over at the end
/// is returned.
fn write_into(table: &mut Table, old: &Entries, new: Entries) -> String {
    let same = |old: &Option<Value>, new: &Option<Value>| match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => old.to_string() == new.to_string(),
        _ => false,
    };
    let mut removed = Vec::new();
    for ((key, new), (_, old)) in new.into_iter().zip(old) {
        match new {
            _ if same(old, &new) => {}
            Some(new) => put(table, key, new),
            None => removed.push(key),
        }
    }
    take_out(table, &removed)
}

/// Sets a value; a comment behind the old one stays.
fn put(table: &mut Table, key: &str, mut new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => drop(table.insert(key, Item::Value(new))),
    }
}

fn take_out(table: &mut Table, removed: &[&str]) -> String {
    let mut comments = String::new();
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for name in keys {
        let Some(mut key) = table.key_mut(&name) else { continue };
        let decor = key.leaf_decor_mut();
        let above = decor.prefix().and_then(RawString::as_str).unwrap_or_default().to_owned();
        if removed.contains(&name.as_str()) {
            if above.contains('#') {
                comments.push_str(&above);
            }
            table.remove(&name);
        } else if !comments.is_empty() && table.get(&name).is_some_and(Item::is_value) {
            let both = std::mem::take(&mut comments) + &above;
            if let Some(mut key) = table.key_mut(&name) {
                key.leaf_decor_mut().set_prefix(both);
            }
        }
    }
    comments
}

/// A row of plain numbers a feature map, as people write them.
fn anchors(anchors: &Anchors) -> Value {
    let row = |rank| anchors.row(rank).unwrap_or_default().iter().flatten().copied().map(number).collect::<Array>();
    Value::Array((0..anchors.maps()).map(row).map(Value::Array).collect())
}

/// A number as short as it can be written and still be read as the same `f32`.
fn number(value: f32) -> Value {
    let short = value.to_string().parse::<f64>().ok().filter(|short| *short as f32 == value);
    Value::from(short.unwrap_or(f64::from(value)))
}

#[cfg(test)]
#[path = "card_write_tests.rs"]
mod tests;
