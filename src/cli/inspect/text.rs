//! The report as text: each item with its evidence below it.

use super::{CardReport, InspectReport};
use crate::inference::Item;
use std::fmt;

/// Labels printed in the text form; the JSON has them all.
const LABELS_SHOWN: usize = 6;
/// Operators printed in the text form, the most frequent ones.
const OPERATORS_SHOWN: usize = 8;
/// Where values begin.
const COLUMN: usize = 16;

impl fmt::Display for InspectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.path)?;
        let megabytes = self.bytes as f64 / 1e6;
        let numbers = self.quantization.name_with(self.precision);
        write!(f, "  {numbers}, {megabytes:.1} MB, opset {}", self.opset)?;
        match self.producer.as_str() {
            "" => writeln!(f)?,
            producer => writeln!(f, ", by {producer}")?,
        }
        for (what, values) in [("input", &self.inputs), ("output", &self.outputs)] {
            for value in values {
                writeln!(f, "  {what:<8} {value}")?;
            }
        }
        writeln!(f, "  weights  {}", self.quantization.weights)?;
        if let Some(executed) = &self.executed {
            writeln!(f, "  runs     {}", executed.in_words())?;
        }
        if let Some(acceleration) = self.acceleration.in_words() {
            writeln!(f, "  faster   {acceleration}")?;
        }
        writeln!(f)?;
        self.items(f)?;
        if !self.warnings.is_empty() {
            writeln!(f, "\nwarnings")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  - {warning}")?;
        }
        let mut operators: Vec<_> = self.operators.iter().collect();
        operators.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let shown = operators.iter().take(OPERATORS_SHOWN).map(|(name, count)| format!("{name} {count}"));
        writeln!(f, "\noperators\n  {}", shortened(shown.collect(), operators.len()))?;
        self.probe.as_ref().map_or(Ok(()), |probe| write!(f, "\n{probe}"))
    }
}

impl InspectReport {
    fn items(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let card = &self.card;
        let [width, height] = card.input_size;
        let duplicates = if card.nms { "removed by this program (NMS)" } else { "removed by the model" };
        let shown = card.labels.iter().take(LABELS_SHOWN).cloned().collect();
        let classes = format!("{} ({}): {}", card.classes, card.labels_from, shortened(shown, card.classes));
        self.item(f, "head", card.head.name(), Some(Item::Head))?;
        if let Some(anchors) = &card.anchors {
            self.item(f, "anchors", &anchors.to_string(), None)?;
        }
        self.item(f, "duplicates", duplicates, None)?;
        self.item(f, "input size", &format!("{width}x{height}"), Some(Item::Size))?;
        self.item(f, "layout", card.layout.name(), Some(Item::Input))?;
        self.item(f, "preprocessing", &preprocessing(card), Some(Item::Preprocessing))?;
        self.item(f, "class numbers", card.class_numbers.name(), Some(Item::ClassNumbers))?;
        self.item(f, "classes", &classes, Some(Item::Labels))?;
        self.item(f, "precision", &self.precision.to_string(), Some(Item::Precision))?;
        match &self.set_by_card {
            Some(set) => self.item(f, "set by a card", &format!("{}: {}", set.keys.join(", "), set.path), None),
            None => Ok(()),
        }
    }

    /// A line with the value, and one for each piece of evidence.
    fn item(&self, f: &mut fmt::Formatter<'_>, name: &str, value: &str, item: Option<Item>) -> fmt::Result {
        let guessed = item.is_some_and(|item| item.keys().iter().any(|key| self.guesses.contains(key)));
        let mark = if guessed { " (a guess)" } else { "" };
        writeln!(f, "{name:<COLUMN$}{value}{mark}")?;
        for evidence in self.evidence_items.iter().filter(|evidence| Some(evidence.item) == item) {
            writeln!(f, "{:COLUMN$}  {}", "", evidence.text)?;
        }
        Ok(())
    }
}

fn preprocessing(card: &CardReport) -> String {
    format!(
        "{}, (pixel * {} - {:?}) / {:?}, {}, padding {}",
        card.color.name(),
        card.scale,
        card.mean,
        card.std,
        card.resize.name(),
        card.pad
    )
}

fn shortened(shown: Vec<String>, of: usize) -> String {
    let rest = if shown.len() < of { ", …" } else { "" };
    shown.join(", ") + rest
}
