//! Writes what the fuzzer starts from: the bones of real models (their first and last operators, no weights), model cards
//! and label files.
//!
//! `cargo run --example fuzz_seeds -- fuzz/corpus models ../shared/zoo`

use prost::Message;
use quantscope::onnx::{self, proto::ModelProto};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Operators that are left at each end of a graph.
const NODES_KEPT: usize = 12;
/// Values and weights that are left, without their data.
const VALUES_KEPT: usize = 12;
/// Texts are cut at this length.
const TEXT_BYTES: usize = 2000;

/// Labels of the pictures that the targets have, in each form; a form feed parts two files.
const DATASETS: [(&str, &[&str]); 3] = [
    (
        "dataset_coco",
        &[
            r#"{"images": [{"id": 1, "file_name": "a.bmp", "width": 8, "height": 8}, {"id": 2, "file_name": "b.bmp"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2.5, 3, 4e0], "area": 9, "iscrowd": 1}],
            "categories": [{"id": 3, "name": "cat"}]}"#,
            r#"{"images": [{"id": "x", "file_name": "b.bmp"}], "annotations": [{"image_id": "x", "category_id": 0,
            "bbox": [NaN, "1", null, -Infinity], "segmentation": {"counts": [1]}}], "categories": [{"id": 0, "name": ""}]}"#,
        ],
    ),
    (
        "dataset_yolo",
        &[
            "names: [cat, 'a dog']\nval: images\n\u{c}0 0.5 0.5 0.25 0.5\n1 0.1 0.2 0.3 0.4 0.9 0.8\n",
            "nc: 2\nnames:\n  0: \"cat\"\n  1: ~\ntrain: [images]\nval: &a images\n\u{c}1 nan 0 0 0\n",
        ],
    ),
    (
        "dataset_voc",
        &[
            "<annotation><filename>a.bmp</filename><size><width>8</width><height>8</height></size><object><name>cat\
            </name><difficult>1</difficult><area>7.5</area><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4\
            </ymax></bndbox></object></annotation>\u{c}dog\ncat\n",
            "<?xml version='1.0'?><annotation><path>x</path><object><name><![CDATA[a]]> &amp; &#233;</name><bndbox>\
            <xmin>0.5</xmin><ymin>1.0</ymin><xmax>7.25</xmax><ymax>8.0</ymax></bndbox></object></annotation>",
        ],
    ),
];

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let Some(corpus) = arguments.next() else {
        eprintln!("name a folder for the seeds, and folders with models");
        std::process::exit(2);
    };
    for target in ["onnx", "card", "labels", "dataset_coco", "dataset_yolo", "dataset_voc"] {
        fs::create_dir_all(corpus.join(target))?;
    }
    let mut count = 0;
    for folder in arguments {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            count += usize::from(seed(&path, &corpus)?);
        }
    }
    let labels =
        ["person\nbicycle\ncar\n", "names:\n  0: cat\n  1: 'it''s' # dog\n", "names: ['a', \"b\"]\n", "{0: 'a'}"];
    for (number, text) in labels.iter().enumerate() {
        fs::write(corpus.join("labels").join(format!("seed-{number}")), text)?;
    }
    for (target, texts) in DATASETS {
        for (number, text) in texts.iter().enumerate() {
            fs::write(corpus.join(target).join(format!("seed-{number}")), text)?;
        }
    }
    println!("{count} seeds from models and cards, {} label files, in {}", labels.len(), corpus.display());
    Ok(())
}

/// Writes the seed of one file; false where it is of no use.
fn seed(path: &Path, corpus: &Path) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("onnx") => {
            let Ok(mut model) = onnx::read(path) else { return Ok(false) };
            shrink(&mut model);
            fs::write(corpus.join("onnx").join(name), model.encode_to_vec())?;
        }
        Some("toml") => {
            let mut text = fs::read(path)?;
            text.truncate(TEXT_BYTES);
            fs::write(corpus.join("card").join(name), text)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn shrink(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    let last = graph.node.len().saturating_sub(NODES_KEPT);
    if last > NODES_KEPT {
        graph.node.drain(NODES_KEPT..last);
    }
    graph.initializer.truncate(VALUES_KEPT);
    graph.value_info.truncate(VALUES_KEPT);
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    for tensor in graph.initializer.iter_mut().chain(attributes.filter_map(|attribute| attribute.t.as_mut())) {
        tensor.raw_data = tensor.raw_data.take().map(|data| data.into_iter().take(8).collect());
        tensor.float_data.truncate(2);
        tensor.int32_data.truncate(2);
        tensor.int64_data.truncate(2);
    }
    for pair in &mut model.metadata_props {
        let end = pair.value.char_indices().nth(TEXT_BYTES).map_or(pair.value.len(), |(index, _)| index);
        pair.value.truncate(end);
    }
}
