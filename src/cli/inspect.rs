//! `quantscope inspect`: what a model is taken for, and why.

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start;
use crate::imaging::ResizeMode;
use crate::inference::{self, ColorOrder, Examined, Head, Layout, ModelCard, Recognition};
use crate::onnx::{Executed, Precision, Quantization, Summary, ValueInfo};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The ONNX file
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let path = match &args.file {
        Some(file) => file,
        None => global.one_model()?,
    };
    let examined = inference::examine(path, &global.load_options(), start::trial().as_ref(), &mut |_| {})?;
    let Examined { summary, recognition, executed, .. } = &examined;
    let report = InspectReport::new(path, summary, recognition, *executed);
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&report)? + "\n")),
        OutputFormat::Text => print(&report.to_string()),
    }
}

/// Everything that is known of a model; as JSON by `serde`, as text by `Display`.
#[derive(Clone, Debug, Serialize)]
pub struct InspectReport {
    path: String,
    precision: Precision,
    opset: i64,
    ir_version: i64,
    producer: String,
    bytes: u64,
    inputs: Vec<ValueInfo>,
    outputs: Vec<ValueInfo>,
    card: CardReport,
    evidence: Vec<String>,
    warnings: Vec<String>,
    quantization: Quantization,
    /// What runs after ONNX Runtime's optimizer; null where that is not in question, or could not be found out.
    executed: Option<Executed>,
    operators: BTreeMap<String, usize>,
}

/// A model card under the names that a card file uses.
#[derive(Clone, Debug, Serialize)]
struct CardReport {
    head: Head,
    layout: Layout,
    color: ColorOrder,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
    resize: ResizeMode,
    pad: u8,
    /// Width and height.
    input_size: [u32; 2],
    classes: usize,
    labels_from: String,
    labels: Vec<String>,
}

impl InspectReport {
    /// Joins what the file says with what was recognised.
    pub fn new(path: &Path, summary: &Summary, recognition: &Recognition, executed: Option<Executed>) -> Self {
        Self {
            path: path.display().to_string(),
            precision: summary.precision,
            opset: summary.opset,
            ir_version: summary.ir_version,
            producer: summary.producer.clone(),
            bytes: summary.bytes,
            inputs: summary.inputs.clone(),
            outputs: summary.outputs.clone(),
            card: CardReport::new(&recognition.card),
            evidence: recognition.evidence.iter().map(ToString::to_string).collect(),
            warnings: recognition.warnings.clone(),
            quantization: summary.quantization,
            executed,
            operators: summary.operators.clone(),
        }
    }
}

impl CardReport {
    fn new(card: &ModelCard) -> Self {
        Self {
            head: card.head,
            layout: card.layout,
            color: card.color,
            scale: card.scale,
            mean: card.mean,
            std: card.std,
            resize: card.resize,
            pad: card.pad,
            input_size: [card.input_size.width, card.input_size.height],
            classes: card.labels.len(),
            labels_from: card.labels_from.to_string(),
            labels: card.labels.clone(),
        }
    }
}

/// Labels printed in the text form; the JSON has them all.
const LABELS_SHOWN: usize = 6;

/// Operators printed in the text form, the most frequent ones.
const OPERATORS_SHOWN: usize = 8;

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
        writeln!(f, "\ncard")?;
        self.card.fmt(f)?;
        for (title, sentences) in [("evidence", &self.evidence), ("warnings", &self.warnings)] {
            if !sentences.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            for sentence in sentences {
                writeln!(f, "  - {sentence}")?;
            }
        }
        let mut operators: Vec<_> = self.operators.iter().collect();
        operators.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let shown = operators.iter().take(OPERATORS_SHOWN).map(|(name, count)| format!("{name} {count}"));
        writeln!(f, "\noperators\n  {}", shortened(shown.collect(), operators.len()))
    }
}

impl fmt::Display for CardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.input_size;
        let shown = self.labels.iter().take(LABELS_SHOWN).cloned().collect();
        writeln!(f, "  head     {}", self.head)?;
        writeln!(f, "  input    {width}x{height}, {}, {}", name(&self.layout), name(&self.color))?;
        writeln!(f, "  numbers  (pixel * {} - {:?}) / {:?}", self.scale, self.mean, self.std)?;
        writeln!(f, "  resize   {}, padding {}", name(&self.resize), self.pad)?;
        writeln!(f, "  classes  {} ({}): {}", self.classes, self.labels_from, shortened(shown, self.classes))
    }
}

/// The name that an enum has in a card file.
fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn shortened(shown: Vec<String>, of: usize) -> String {
    let rest = if shown.len() < of { ", …" } else { "" };
    shown.join(", ") + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::inference::{ClassNumbers, Evidence, Item, LabelSource};
    use crate::onnx::{Dimension, ElementType, proto::DataType};

    fn report() -> InspectReport {
        let value = |name: &str, shape: &[usize]| ValueInfo {
            name: name.into(),
            shape: Some(shape.iter().copied().map(Dimension::Fixed).collect()),
            dtype: ElementType(DataType::Float),
        };
        let summary = Summary {
            opset: 11,
            ir_version: 7,
            producer: "pytorch 1.8".into(),
            inputs: vec![value("images", &[1, 3, 416, 416])],
            outputs: vec![value("output", &[1, 3549, 85])],
            metadata: BTreeMap::new(),
            operators: (0..10).map(|i| (format!("Op{i}"), i + 1)).collect(),
            weight_channels: Default::default(),
            precision: Precision::Fp32,
            precision_evidence: String::new(),
            quantization: Quantization::default(),
            bytes: 3_678_356,
        };
        let card = ModelCard {
            head: Head::Yolox,
            class_numbers: ClassNumbers::FromZero,
            nms: true,
            anchors: None,
            input_size: ImageSize::new(416, 416),
            layout: Layout::Nchw,
            color: ColorOrder::Bgr,
            scale: 1.0,
            mean: [0.0; 3],
            std: [1.0; 3],
            resize: ResizeMode::LetterboxTopLeft,
            pad: 114,
            labels: (0..80).map(|i| format!("name {i}")).collect(),
            labels_from: LabelSource::BuiltinCoco80,
        };
        let (evidence, warnings) = (vec![Evidence::sure(Item::Head, "because")], vec!["careful".into()]);
        let executed = Executed { convolutions: 47, integer_convolutions: 39, ..Default::default() };
        let recognition = Recognition { card, evidence, warnings };
        InspectReport::new(Path::new("a/m.onnx"), &summary, &recognition, Some(executed))
    }

    #[test]
    fn the_json_has_the_agreed_shape() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["path"], "a/m.onnx");
        assert_eq!(json["precision"], "fp32");
        assert_eq!(json["executed"]["integer_convolutions"], 39);
        assert!(json["quantization"]["form"].is_null() && json["quantization"]["weights"]["int8"] == 0);
        assert_eq!((json["opset"].as_i64(), json["bytes"].as_i64()), (Some(11), Some(3_678_356)));
        let input = serde_json::json!([{"name": "images", "shape": [1, 3, 416, 416], "dtype": "float32"}]);
        assert_eq!(json["inputs"], input);
        assert_eq!(json["outputs"][0]["shape"], serde_json::json!([1, 3549, 85]));
        let mut card = json["card"].clone();
        assert_eq!(card["labels"].as_array().unwrap().len(), 80);
        card.as_object_mut().unwrap().remove("labels");
        let want = serde_json::json!({
            "head": "yolox", "layout": "nchw", "color": "bgr", "scale": 1.0, "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0], "resize": "letterbox_top_left", "pad": 114, "input_size": [416, 416],
            "classes": 80, "labels_from": "builtin:coco80"
        });
        assert_eq!(card, want);
        assert_eq!(json["evidence"], serde_json::json!(["because"]));
    }

    #[test]
    fn the_text_shows_what_matters() {
        let text = report().to_string();
        for part in [
            "FP32, 3.7 MB, opset 11, by pytorch 1.8",
            "weights  none",
            "runs     39 of 47 convolutions run in integers",
            "input    images [1,3,416,416] float32",
            "416x416, nchw, bgr",
            "letterbox_top_left, padding 114",
            "80 (builtin:coco80): name 0, name 1,",
            "  - because",
            "warnings\n  - careful",
            "Op9 10, Op8 9",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(text.contains("name 5, …") && !text.contains("name 6"));
        assert!(!text.contains("Op1 2"));
    }
}
