//! The elements of a COCO json, each read by itself so that a broken one spoils no other.

use crate::dataset::problem::{ProblemKind, Problems, quoted};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Elements of a list that are read; the largest public set has a third of them.
const ELEMENTS_MAX: usize = 10_000_000;

/// An id: a number as a rule, a name in some files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    Number(u64),
    Text(Box<str>),
}

impl Id {
    /// The id as a number, if it is one.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Lenient::deserialize(deserializer)? {
            // 2⁵³: whole numbers up to here are exact.
            Lenient::Number(number) if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number) => {
                return Ok(Self::Number(number as u64));
            }
            Lenient::Whole(number) => return Ok(Self::Number(number)),
            Lenient::Number(number) if number.is_finite() => number.to_string(),
            Lenient::Number(_) => return Err(Error::custom("an id is no number")),
            Lenient::Text(text) => text,
        };
        Ok(text.parse().map_or(Self::Text(text.into()), Self::Number))
    }
}

/// A number, however it is written; what is none is NaN.
enum Lenient {
    Whole(u64),
    Number(f64),
    Text(String),
}

impl Lenient {
    fn value(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Number(number) => number,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Lenient;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Lenient, E> {
                Ok(Lenient::Whole(u64::from(value)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Lenient, E> {
                Ok(Lenient::Whole(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Lenient, E> {
                Ok(Lenient::Number(value as f64))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Lenient, E> {
                Ok(Lenient::Number(value))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Lenient, E> {
                Ok(Lenient::Text(value.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Lenient, E> {
                Ok(Lenient::Number(f64::NAN))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Lenient::deserialize(deserializer).map(Lenient::value)
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Lenient::deserialize(deserializer)?.value();
    Ok(!value.is_nan() && value != 0.0)
}

fn four_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 4], D::Error> {
    let numbers = Option::<Vec<Lenient>>::deserialize(deserializer)?.unwrap_or_default();
    let numbers: Vec<f64> = numbers.into_iter().map(Lenient::value).collect();
    numbers.try_into().or(Ok([f64::NAN; 4]))
}

fn nan() -> f64 {
    f64::NAN
}

fn four_nans() -> [f64; 4] {
    [f64::NAN; 4]
}

/// A picture.
#[derive(Debug, Deserialize)]
pub struct RawImage {
    pub id: Id,
    pub file_name: String,
    #[serde(default = "nan", deserialize_with = "number")]
    pub width: f64,
    #[serde(default = "nan", deserialize_with = "number")]
    pub height: f64,
}

/// A class.
#[derive(Debug, Deserialize)]
pub struct RawCategory {
    pub id: Id,
    #[serde(default)]
    pub name: String,
}

/// An object.
#[derive(Debug, Deserialize)]
pub struct RawAnnotation {
    pub id: Option<Id>,
    #[serde(rename = "image_id")]
    pub image: Id,
    #[serde(rename = "category_id")]
    pub category: Id,
    /// Left, top, width, height; NaN where it is not that.
    #[serde(default = "four_nans", deserialize_with = "four_numbers")]
    pub bbox: [f64; 4],
    #[serde(default = "nan", deserialize_with = "number")]
    pub area: f64,
    #[serde(rename = "iscrowd", default, deserialize_with = "flag")]
    pub crowd: bool,
}

/// The three lists of the file.
#[derive(Debug, Default)]
pub struct Elements {
    pub images: Vec<RawImage>,
    pub annotations: Vec<RawAnnotation>,
    pub categories: Vec<RawCategory>,
}

impl Elements {
    /// Reads all of them. An error, a sentence, only where nothing at all was found.
    pub fn read(text: &str, problems: &mut Problems) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let text = without_python_numbers(text);
        let mut elements = Self::default();
        let mut json = serde_json::Deserializer::from_str(&text);
        let file = File { elements: &mut elements, problems: &mut *problems };
        let read = file.deserialize(&mut json).and_then(|()| json.end());
        if let Err(error) = read {
            if elements.images.is_empty() {
                return Err(format!("{error}. It should be a COCO json with images, annotations and categories"));
            }
            let text = || format!("the json breaks off: {error}. What came before is used");
            problems.add(ProblemKind::UnreadableLabels, text);
        }
        Ok(elements)
    }
}

/// Python writes `NaN` and `Infinity`, which json does not know: they become `null`, outside of strings.
fn without_python_numbers(text: &str) -> Cow<'_, str> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        let (before, from) = rest.split_at(at);
        cleaned.push_str(before);
        if let Some(word) = WORDS.iter().find(|word| from.starts_with(**word)) {
            cleaned.push_str("null");
            rest = &from[word.len()..];
        } else {
            let length = if from.starts_with('"') { string_length(from) } else { 1 };
            cleaned.push_str(&from[..length]);
            rest = &from[length..];
        }
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

/// Bytes of the string that begins here, its quotes included; all there are where it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Fills the lists as far as the file goes.
struct File<'a> {
    elements: &'a mut Elements,
    problems: &'a mut Problems,
}

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the lists images, annotations and categories")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let File { elements, problems } = self;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "images" => map.next_value_seed(List { what: "picture", list: &mut elements.images, problems })?,
                "annotations" => {
                    map.next_value_seed(List { what: "object", list: &mut elements.annotations, problems })?;
                }
                "categories" => {
                    map.next_value_seed(List { what: "category", list: &mut elements.categories, problems })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Fills one list.
struct List<'a, T> {
    what: &'static str,
    list: &'a mut Vec<T>,
    problems: &'a mut Problems,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, for each {}", self.what)
    }

    /// `null`: an empty list.
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { what, list, problems } = self;
        let mut number = 0usize;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if list.len() >= ELEMENTS_MAX {
                return Err(Error::custom(format!("more than {ELEMENTS_MAX} elements for each {what}")));
            }
            match serde_json::from_str(raw.get()) {
                Ok(element) => list.push(element),
                Err(error) => problems.add(ProblemKind::UnreadableLabels, || {
                    format!("{what} {number} of the list, {}: {}; left out", quoted(raw.get()), phrase(&error))
                }),
            }
            number += 1;
        }
        Ok(())
    }
}

/// The error without its place, which counts from the start of the element.
fn phrase(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |end| text[..end].to_owned())
}
