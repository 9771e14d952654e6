//! ONNX models of a few nodes, written by the tests themselves: one detector, and several that are none.

use prost::Message;
use quantscope::onnx::proto::{
    AttributeProto, AttributeType, DataLocation, DataType, DimensionValue, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, ShapeDimension, StringStringEntryProto, TensorProto, TensorShapeProto, TensorType, TypeProto,
    TypeValue, ValueInfoProto,
};
use std::path::{Path, PathBuf};

/// Width and height of every input.
pub const SIDE: i64 = 64;
/// Classes of [`detector`].
pub const CLASSES: usize = 3;
/// Boxes of [`detector`]: the cells of strides 8, 16 and 32.
const BOXES: i64 = 64 + 16 + 4;
/// Operator set of all models but the one that is about it.
pub const OPSET: i64 = 13;

/// Writes a model into a folder.
pub fn write(folder: &Path, name: &str, model: &ModelProto) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, model.encode_to_vec()).unwrap();
    path
}

/// Sees one box of class 1, (8, 8) to (40, 40) of its input, with a score of 0.9 in every picture.
pub fn detector() -> ModelProto {
    detector_with(Vec::new(), "zero")
}

/// The detector with other nodes between its input and its outputs: `extra` makes `last` from `zero`, a scalar 0 that
/// depends on the picture.
pub fn detector_with(extra: Vec<NodeProto>, last: &str) -> ModelProto {
    let mut boxes = Vec::new();
    let mut scores = Vec::new();
    for number in 0..BOXES {
        let edges = if number == 0 { [8.0, 8.0, 40.0, 40.0] } else { [1.0, 1.0, 3.0, 3.0] };
        boxes.extend(edges);
        scores.extend(if number == 0 { [0.02, 0.9, 0.01] } else { [0.001, 0.002, 0.001] });
    }
    let mut nodes = vec![
        node("ReduceMean", &["images"], "mean", vec![integer("keepdims", 0)]),
        node("Mul", &["mean", "nought"], "zero", vec![]),
    ];
    nodes.extend(extra);
    nodes.push(node("Add", &["all_boxes", last], "boxes", vec![]));
    nodes.push(node("Add", &["all_scores", last], "scores", vec![]));
    let weights = vec![
        floats("nought", &[], &[0.0]),
        floats("all_boxes", &[1, BOXES, 4], &boxes),
        floats("all_scores", &[1, BOXES, CLASSES as i64], &scores),
    ];
    let outputs = [("boxes", vec![1, BOXES, 4]), ("scores", vec![1, BOXES, CLASSES as i64])];
    model(nodes, weights, &outputs, OPSET)
}

/// Ten classes for the whole picture.
pub fn classifier() -> ModelProto {
    let nodes = vec![
        node("ReduceMean", &["images"], "mean", vec![integers("axes", &[2, 3]), integer("keepdims", 0)]),
        node("MatMul", &["mean", "weight"], "logits", vec![]),
    ];
    model(nodes, vec![floats("weight", &[3, 10], &[0.1; 30])], &[("logits", vec![1, 10])], OPSET)
}

/// 21 classes for every pixel.
pub fn segmenter() -> ModelProto {
    let nodes = vec![node("Conv", &["images", "weight"], "mask", vec![])];
    model(nodes, vec![floats("weight", &[21, 3, 1, 1], &[0.1; 63])], &[("mask", vec![1, 21, SIDE, SIDE])], OPSET)
}

/// The detector under an operator set that is yet to be written.
pub fn of_opset(version: i64) -> ModelProto {
    let mut model = detector();
    model.opset_import[0].version = Some(version);
    model
}

/// The detector with an operator that no operator set has.
pub fn with_operator(name: &str) -> ModelProto {
    detector_with(vec![node(name, &["zero"], "strange", vec![])], "strange")
}

/// The detector, which takes `bytes` of memory when it runs: a scalar is spread to a tensor and added up again.
pub fn memory_hog(bytes: i64) -> ModelProto {
    let size = TensorProto {
        name: "size".into(),
        dims: vec![1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![bytes / 4],
        ..Default::default()
    };
    let extra = vec![
        node("Expand", &["zero", "size"], "spread", vec![]),
        node("ReduceMax", &["spread"], "most", vec![integer("keepdims", 0)]),
    ];
    let mut model = detector_with(extra, "most");
    model.graph.as_mut().unwrap().initializer.push(size);
    model
}

/// The detector, which takes long: so many sines of millions of numbers, some thirty milliseconds each.
pub fn slow(sines: usize) -> ModelProto {
    let size = TensorProto {
        name: "size".into(),
        dims: vec![1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![4 << 20],
        ..Default::default()
    };
    let mut extra = vec![node("Expand", &["zero", "size"], "sine0", vec![])];
    extra.extend((0..sines).map(|k| node("Sin", &[&format!("sine{k}")], &format!("sine{}", k + 1), vec![])));
    extra.push(node("ReduceMax", &[&format!("sine{sines}")], "most", vec![integer("keepdims", 0)]));
    let mut model = detector_with(extra, "most");
    model.graph.as_mut().unwrap().initializer.push(size);
    model
}

/// The detector with its boxes in a file beside it, named by `location`.
pub fn with_external_data(location: &str) -> ModelProto {
    let mut model = detector();
    let weights = &mut model.graph.as_mut().unwrap().initializer;
    let boxes = weights.iter_mut().find(|tensor| tensor.name == "all_boxes").unwrap();
    boxes.raw_data = None;
    boxes.data_location = Some(DataLocation::External as i32);
    boxes.external_data =
        vec![StringStringEntryProto { key: "location".into(), value: location.into(), ..Default::default() }];
    model
}

pub fn model(nodes: Vec<NodeProto>, weights: Vec<TensorProto>, outputs: &[(&str, Vec<i64>)], opset: i64) -> ModelProto {
    let graph = GraphProto {
        name: "tiny".into(),
        node: nodes,
        initializer: weights,
        input: vec![value("images", &[1, 3, SIDE, SIDE])],
        output: outputs.iter().map(|(name, shape)| value(name, shape)).collect(),
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        producer_name: "tests".into(),
        opset_import: vec![OperatorSetIdProto { version: Some(opset), ..Default::default() }],
        graph: Some(graph),
        ..Default::default()
    }
}

pub fn node(operator: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        name: format!("make_{output}"),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        attribute: attributes,
        ..Default::default()
    }
}

pub fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), r#type: AttributeType::Int as i32, ..Default::default() }
}

pub fn integers(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: values.to_vec(),
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    }
}

pub fn floats(name: &str, shape: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: shape.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        ..Default::default()
    }
}

pub fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let side = |length: &i64| ShapeDimension { value: Some(DimensionValue::DimValue(*length)), ..Default::default() };
    let tensor = TensorType {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: shape.iter().map(side).collect(), ..Default::default() }),
        ..Default::default()
    };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}
