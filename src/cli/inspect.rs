//! `quantscope inspect`: what a model is taken for, and why.

mod probe;
mod text;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start;
use crate::imaging::ResizeMode;
use crate::inference::{
    self, Acceleration, Anchors, CardOverrides, ClassNumbers, ColorOrder, Evidence, Examined, Head, Layout, ModelCard,
    Recognition, guessed_keys,
};
use crate::onnx::{Executed, Precision, Quantization, Summary, ValueInfo};
use anyhow::bail;
use probe::ProbeReport;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The ONNX file
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
    /// Try the usual preprocessings on this picture and rank them; may be given several times
    #[arg(long, value_name = "PICTURE")]
    probe: Vec<PathBuf>,
    /// Save a small annotated picture of each preprocessing that was tried
    #[arg(long, value_name = "DIR", requires = "probe")]
    probe_out: Option<PathBuf>,
    /// Remember the best preprocessing in a model card, the model's sidecar if no FILE is named
    #[arg(long, value_name = "FILE", requires = "probe", num_args = 0..=1)]
    save_card: Option<Option<PathBuf>>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let path = match &args.file {
        Some(file) => file,
        None => global.one_model()?,
    };
    let examined = inference::examine(path, &global.load_options(), start::trial().as_ref(), &mut |_| {})?;
    let set = examined.set.clone();
    let mut report = InspectReport::new(path, &examined);
    if !args.probe.is_empty() {
        let request = probe::Request { pictures: &args.probe, out: args.probe_out.as_deref() };
        report.probe = Some(probe::run(path, global, &request)?);
    }
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&report)? + "\n"))?,
        OutputFormat::Text => print(&report.to_string())?,
    }
    if let Some(place) = &args.save_card {
        let place = save_card(&report, set.as_deref(), place.as_deref(), path)?;
        // Not stdout, which is the report's.
        eprintln!("The best preprocessing is kept in {}", place.display());
    }
    Ok(())
}

/// Keeps the best preprocessing, beside what the user's card sets already.
fn save_card(
    report: &InspectReport,
    set: Option<&CardOverrides>,
    place: Option<&Path>,
    model: &Path,
) -> anyhow::Result<PathBuf> {
    let place = place.map_or_else(|| model.with_extension("toml"), Path::to_owned);
    let Some(best) = report.probe.as_ref().and_then(ProbeReport::best) else {
        bail!(
            "no card was saved: no preprocessing found anything in the picture. Try one that shows what the model finds"
        );
    };
    let mut card = set.map(CardOverrides::detached).unwrap_or_default();
    best.feeding.set_in(&mut card, best.bytes);
    card.save(&place)?;
    Ok(place)
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
    /// Inputs beside the picture.
    other_inputs: Vec<String>,
    card: CardReport,
    evidence: Vec<String>,
    /// The same, each with what it is about.
    evidence_items: Vec<EvidenceReport>,
    /// Keys of the card whose values are guesses.
    guesses: Vec<&'static str>,
    /// Keys that the user's card sets, and where it is.
    set_by_card: Option<SetReport>,
    warnings: Vec<String>,
    quantization: Quantization,
    /// What runs after ONNX Runtime's optimizer; null where that is not in question, or could not be found out.
    executed: Option<Executed>,
    /// What became of the wish for a faster session.
    acceleration: Acceleration,
    operators: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<ProbeReport>,
}

#[derive(Clone, Debug, Serialize)]
struct EvidenceReport {
    item: inference::Item,
    text: String,
    guess: bool,
}

#[derive(Clone, Debug, Serialize)]
struct SetReport {
    path: String,
    keys: Vec<&'static str>,
}

/// A model card under the names that a card file uses.
#[derive(Clone, Debug, Serialize)]
struct CardReport {
    head: Head,
    class_numbers: ClassNumbers,
    /// None where the head has none, or its usual ones hold.
    anchors: Option<Anchors>,
    nms: bool,
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
    pub fn new(path: &Path, examined: &Examined) -> Self {
        let Examined { summary, recognition, executed, acceleration, set, .. } = examined;
        let report = Self::of(path, summary, recognition, *executed, set.as_deref());
        Self { acceleration: acceleration.clone(), ..report }
    }

    fn of(
        path: &Path,
        summary: &Summary,
        recognition: &Recognition,
        executed: Option<Executed>,
        set: Option<&CardOverrides>,
    ) -> Self {
        let item = |evidence: &Evidence| EvidenceReport {
            item: evidence.item,
            text: evidence.to_string(),
            guess: evidence.guess,
        };
        Self {
            path: path.display().to_string(),
            precision: summary.precision,
            opset: summary.opset,
            ir_version: summary.ir_version,
            producer: summary.producer.clone(),
            bytes: summary.bytes,
            inputs: summary.inputs.clone(),
            outputs: summary.outputs.clone(),
            other_inputs: recognition.other_inputs.clone(),
            card: CardReport::new(&recognition.card),
            evidence: recognition.evidence.iter().map(ToString::to_string).collect(),
            evidence_items: recognition.evidence.iter().map(item).collect(),
            guesses: guessed_keys(&recognition.evidence, set),
            set_by_card: set.map(|card| SetReport { path: card.path.display().to_string(), keys: card.keys() }),
            warnings: recognition.warnings.clone(),
            quantization: summary.quantization,
            executed,
            acceleration: Acceleration::Off,
            operators: summary.operators.clone(),
            probe: None,
        }
    }
}

impl CardReport {
    fn new(card: &ModelCard) -> Self {
        Self {
            head: card.head,
            class_numbers: card.class_numbers,
            anchors: card.anchors.clone(),
            nms: card.nms,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::inference::{Evidence, Item, LabelSource};
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
            color: ColorOrder::Bgr,
            scale: 1.0,
            resize: ResizeMode::LetterboxTopLeft,
            labels: (0..80).map(|i| format!("name {i}")).collect(),
            labels_from: LabelSource::BuiltinCoco80,
            ..ModelCard::usual(Head::Yolox, ImageSize::new(416, 416))
        };
        let evidence = vec![
            Evidence::guess(Item::Preprocessing, "as usual"),
            Evidence::sure(Item::Head, "because"),
            Evidence::guess(Item::Labels, "80 classes: the names of COCO (guess)"),
        ];
        let recognition = Recognition {
            recognised: card.clone(),
            card,
            other_inputs: vec!["input image_shape is fed height and width".into()],
            evidence,
            warnings: vec!["careful".into()],
        };
        let set = CardOverrides { pad: Some(114), path: "a/m.toml".into(), ..CardOverrides::default() };
        let executed = Executed { convolutions: 47, integer_convolutions: 39, ..Default::default() };
        InspectReport::of(Path::new("a/m.onnx"), &summary, &recognition, Some(executed), Some(&set))
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
            "classes": 80, "labels_from": "builtin:coco80", "class_numbers": "from_zero", "nms": true,
            "anchors": null
        });
        assert_eq!(card, want);
        let evidence = ["as usual (a guess)", "because", "80 classes: the names of COCO (guess)"];
        assert_eq!(json["evidence"], serde_json::json!(evidence));
        let item = serde_json::json!({"item": "preprocessing", "text": "as usual (a guess)", "guess": true});
        assert_eq!(json["evidence_items"][0], item);
        assert_eq!(json["guesses"], serde_json::json!(["color", "scale", "mean", "std", "resize", "labels"]));
        assert_eq!(json["set_by_card"], serde_json::json!({"path": "a/m.toml", "keys": ["pad"]}));
        assert_eq!(json["other_inputs"], serde_json::json!(["input image_shape is fed height and width"]));
        assert!(json.get("probe").is_none());
    }

    #[test]
    fn the_text_shows_what_matters() {
        let text = report().to_string();
        for part in [
            "FP32, 3.7 MB, opset 11, by pytorch 1.8",
            "weights  none",
            "runs     39 of 47 convolutions run in integers",
            "input    images [1,3,416,416] float32",
            "head            yolox\n                  because\n",
            "input size      416x416\n",
            "class numbers   from_zero\n",
            "duplicates      removed by this program",
            "preprocessing   bgr, (pixel * 1 - [0.0, 0.0, 0.0]) / [1.0, 1.0, 1.0], letterbox_top_left, padding 114 (a guess)",
            "                  as usual (a guess)\n",
            "80 (builtin:coco80): name 0, name 1,",
            "                  80 classes: the names of COCO (guess)\n",
            "set by a card   pad: a/m.toml",
            "warnings\n  - careful",
            "Op9 10, Op8 9",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(text.contains("name 5, …") && !text.contains("name 6"));
        assert!(!text.contains("Op1 2"));
    }
}
