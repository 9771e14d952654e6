//! What a file says of the program that exported it.

use super::{Evidence, Item};
use crate::onnx::Summary;

/// Keys that Ultralytics writes beside the names of the classes, in the order in which they are told.
const ULTRALYTICS: [&str; 4] = ["task", "stride", "imgsz", "version"];

/// Longest value that is repeated; metadata may hold anything.
const LONGEST: usize = 40;

/// The exporter, where metadata, producer or operators name one.
pub(super) fn evidence(summary: &Summary) -> Option<Evidence> {
    ultralytics(summary).or_else(|| exporter(summary)).map(|text| Evidence::sure(Item::Head, text))
}

/// Ultralytics writes `names`, `task`, `stride` and `imgsz` (ultralytics/engine/exporter.py, `self.metadata`).
fn ultralytics(summary: &Summary) -> Option<String> {
    let value = |key: &str| summary.metadata.get(key).filter(|value| value.chars().count() <= LONGEST);
    let told: Vec<String> =
        ULTRALYTICS.iter().filter_map(|key| Some(format!("{key} = {}", value(key)?.replace('\n', " ")))).collect();
    let named = summary.metadata.contains_key("names");
    (named && !told.is_empty()).then(|| format!("metadata as Ultralytics writes it: {}, names", told.join(", ")))
}

/// Paddle2ONNX calls itself PaddlePaddle; MMDeploy has operators of a domain of its own.
fn exporter(summary: &Summary) -> Option<String> {
    if summary.producer.to_lowercase().contains("paddle") {
        return Some(format!("exported from PaddlePaddle ({})", summary.producer));
    }
    let of_mmdeploy = |name: &str| name.to_lowercase().starts_with("mmdeploy");
    let operator = summary.operators.keys().find(|name| of_mmdeploy(name));
    operator.map(|name| format!("exported by MMDeploy (operator {name})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::heads::test_support::{summary, with_metadata};

    #[test]
    fn exporters_are_known_by_what_they_write() {
        let plain = summary(&[("output0", &[1, 6, 84])]);
        assert_eq!(evidence(&plain), None);
        let pairs = [("names", "{0: 'cat'}"), ("task", "detect"), ("stride", "32"), ("imgsz", "[640, 640]")];
        let text = evidence(&with_metadata(plain.clone(), &pairs)).unwrap().text;
        assert!(
            text.ends_with("Ultralytics writes it: task = detect, stride = 32, imgsz = [640, 640], names"),
            "{text}"
        );
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(evidence(&with_metadata(plain.clone(), &[("names", "{}"), ("task", &long)])), None);
        let paddle = Summary { producer: "PaddlePaddle ".into(), ..plain.clone() };
        assert!(evidence(&paddle).unwrap().text.contains("PaddlePaddle"));
        let operators = [("mmdeploy.NMSRotated".to_owned(), 1)].into();
        assert!(evidence(&Summary { operators, ..plain }).unwrap().text.contains("MMDeploy"));
    }
}
