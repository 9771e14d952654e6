//! The yaml of a YOLO dataset.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::DuplicateKeyPolicy;
use std::collections::BTreeMap;
use std::fmt;

/// No detector has more classes; a larger number is a damaged file.
const CLASSES_MAX: usize = 100_000;
/// Levels of nesting; these files have two.
const DEPTH_MAX: usize = 32;

/// What a data.yaml says.
#[derive(Debug, Default, PartialEq)]
pub struct Config {
    /// What places are relative to.
    pub root: Option<String>,
    /// Folders, lists or pictures of each split.
    pub splits: BTreeMap<String, Vec<String>>,
    /// Names of the classes by their numbers.
    pub names: Vec<String>,
}

impl Config {
    /// Understands the text, or says in a sentence why not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, flow_nesting_limit: DEPTH_MAX },
            duplicate_keys: DuplicateKeyPolicy::LastWins,
            with_snippet: false,
        };
        let text = text.trim_start_matches('\u{feff}');
        let raw: Raw = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| format!("{}. It should be a YOLO data.yaml", one_line(&error.to_string())))?;
        let names = match (raw.names, raw.count) {
            (Some(names), _) if !names.is_empty() => names,
            (_, Some(count)) if (1..=CLASSES_MAX).contains(&count) => (0..count).map(|id| id.to_string()).collect(),
            _ => return Err("it has no \"names\" of classes. A YOLO data.yaml has names, train and val".to_owned()),
        };
        Ok(Self { root: raw.root.filter(|root| !root.is_empty()), splits: raw.splits, names })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Raw {
    root: Option<String>,
    splits: BTreeMap<String, Vec<String>>,
    names: Option<Vec<String>>,
    count: Option<usize>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys such as names, train and val")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut raw = Raw::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "path" => raw.root = map.next_value()?,
                        "names" => raw.names = map.next_value::<Names>()?.0,
                        "nc" => raw.count = map.next_value()?,
                        "train" | "val" | "test" | "minival" | "trainval" => {
                            raw.add_split(key, map.next_value()?);
                        }
                        "valid" | "validation" => raw.add_split("val".to_owned(), map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

impl Raw {
    fn add_split(&mut self, name: String, places: Places) {
        if !places.0.is_empty() {
            self.splits.insert(name, places.0);
        }
    }
}

/// A place or a list of them; an empty value is none.
struct Places(Vec<String>);

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Places;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a folder, a list of pictures, or several of them")
            }

            fn visit_str<E: Error>(self, place: &str) -> Result<Places, E> {
                Ok(Places(if place.is_empty() { Vec::new() } else { vec![place.to_owned()] }))
            }

            /// A folder such as `2017`.
            fn visit_u64<E: Error>(self, place: u64) -> Result<Places, E> {
                Ok(Places(vec![place.to_string()]))
            }

            fn visit_unit<E: Error>(self) -> Result<Places, E> {
                Ok(Places(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Places, A::Error> {
                let mut places = Vec::new();
                while let Some(place) = seq.next_element::<String>()? {
                    places.push(place);
                }
                Ok(Places(places))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

/// Names as a list, or by number; a number that is missing is its own name.
struct Names(Option<Vec<String>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrMap;
        impl<'de> Visitor<'de> for ListOrMap {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names of classes as a list or by number")
            }

            fn visit_unit<E: Error>(self) -> Result<Names, E> {
                Ok(Names(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element::<Option<String>>()? {
                    names.push(name.unwrap_or_else(|| names.len().to_string()));
                }
                if names.len() > CLASSES_MAX {
                    return Err(Error::custom(format!("more than {CLASSES_MAX} names of classes")));
                }
                Ok(Names(Some(names)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((key, name)) = map.next_entry::<String, Option<String>>()? {
                    let number = key.trim().parse().ok().filter(|number| *number < CLASSES_MAX);
                    let number = number.ok_or_else(|| Error::custom(format!("{key:?} is no number of a class")))?;
                    for missing in names.len()..=number {
                        names.push(missing.to_string());
                    }
                    names[number] = name.unwrap_or_else(|| number.to_string());
                }
                Ok(Names(Some(names)))
            }
        }
        deserializer.deserialize_any(ListOrMap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_in_every_form() {
        let table: [(&str, &[&str], &str); 8] = [
            ("names: [cat, 'hot dog']\nval: images/val", &["cat", "hot dog"], r#"{"val": ["images/val"]}"#),
            ("names:\n  0: no\n  2: \"dog #2\" # two\nval: [a, b]", &["no", "1", "dog #2"], r#"{"val": ["a", "b"]}"#),
            ("nc: 2\nnames:\n- 1e3\n- it's\ntrain: t.txt\nval:\ntest: ''", &["1e3", "it's"], r#"{"train": ["t.txt"]}"#),
            ("names: {0: cat, '1': null}\nvalid: a", &["cat", "1"], r#"{"val": ["a"]}"#),
            ("nc: 3\nval: a", &["0", "1", "2"], r#"{"val": ["a"]}"#),
            (
                "\u{feff}names: [a]\nnames: [b]\nval: a\nkpt_shape: [17, 3]\ndownload: |\n  x\n  y",
                &["b"],
                r#"{"val": ["a"]}"#,
            ),
            ("names: [ä]\r\nval: >-\r\n  a b\r\n", &["ä"], r#"{"val": ["a b"]}"#),
            ("names: [true, 12, ~]\nval: 2017", &["true", "12", "2"], r#"{"val": ["2017"]}"#),
        ];
        for (text, names, splits) in table {
            let config = Config::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(config.names, names, "{text}");
            assert_eq!(format!("{:?}", config.splits), splits, "{text}");
        }
        assert_eq!(Config::parse("path: ../x\nnames: [a]").unwrap().root.as_deref(), Some("../x"));
    }

    #[test]
    fn what_is_no_data_yaml_is_refused_in_a_line() {
        let deep = format!("names: {}a{}", "[".repeat(5000), "]".repeat(5000));
        let many = format!("names: {{{}: a}}", CLASSES_MAX);
        for text in ["", "a", "- a", "names: 5", "names: []", "val: x", "names: {x: y}", "a: [", "nc: 0", &deep, &many]
        {
            let error = Config::parse(text).unwrap_err();
            assert!(error.lines().count() == 1 && error.len() < 500, "{text:.40}: {error}");
        }
    }
}
