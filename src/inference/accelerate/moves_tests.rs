use super::tests::{has_runtime, input, node, run, run_entering, tiny, value};
use super::*;
use crate::imaging::{ImageSize, RgbImage};
use crate::inference::preprocess::{InputType, Preprocessor};
use crate::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, ShapeDimension, TensorProto, TensorShapeProto, TensorType,
    TypeProto, TypeValue,
};

/// A model whose picture has its shape, and begins with these nodes instead of the first one.
pub(super) fn beginning_with(nodes: Vec<NodeProto>) -> ModelProto {
    let mut model = tiny();
    let graph = model.graph.as_mut().unwrap();
    let sides = input()
        .shape()
        .map(|side| ShapeDimension { value: Some(DimensionValue::DimValue(side as i64)), ..Default::default() });
    let picture = TensorType {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: sides.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    graph.input[0].r#type = Some(TypeProto { value: Some(TypeValue::TensorType(picture)), ..Default::default() });
    for (name, values) in
        [("even", &[0][..]), ("odd", &[1]), ("end", &[i64::MAX]), ("rows", &[2]), ("columns", &[3]), ("by", &[2])]
    {
        graph.initializer.push(TensorProto::of_integers(name, &[1], values));
    }
    graph.node.splice(0..1, nodes);
    model
}

pub(super) fn with_axis(axis: i64, node: NodeProto) -> NodeProto {
    let axis =
        AttributeProto { name: "axis".into(), i: Some(axis), r#type: AttributeType::Int as i32, ..Default::default() };
    NodeProto { attribute: vec![axis], ..node }
}

/// `turned`: a `Focus`, whose parts are quantized before they are joined, where that is wished for.
fn focus(quantized: bool) -> Vec<NodeProto> {
    let mut nodes = Vec::new();
    let mut parts = Vec::new();
    for (index, (row, column)) in
        [("even", "even"), ("odd", "even"), ("even", "odd"), ("odd", "odd")].iter().enumerate()
    {
        let (rows, part, bytes) = (format!("rows{index}"), format!("part{index}"), format!("bytes{index}"));
        nodes.push(node("Slice", &["images", row, "end", "rows", "by"], &rows));
        nodes.push(node("Slice", &[&rows, column, "end", "columns", "by"], &part));
        if quantized {
            nodes.push(node("QuantizeLinear", &[&part, "one", "n"], &bytes));
        }
        parts.push(if quantized { bytes } else { part });
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    nodes.push(with_axis(1, node("Concat", &parts, "joined")));
    nodes
}

pub(super) fn turned(from: &str, to: &str) -> NodeProto {
    let order = AttributeProto {
        name: "perm".into(),
        ints: vec![0, 2, 3, 1],
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    NodeProto { attribute: vec![order], ..node("Transpose", &[from], to) }
}

pub(super) fn operators(graph: &[u8]) -> Vec<String> {
    let graph = onnx::parse(graph.to_vec(), Path::new("a.onnx")).unwrap().graph.unwrap();
    graph.node.into_iter().map(|node| node.op_type).collect()
}

#[test]
fn a_picture_that_is_quantized_and_moved_about_goes_in_as_it_is_wanted() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let quantize = |from: &str| node("QuantizeLinear", &[from, "one", "n"], "x");
    let last = |nodes: Vec<NodeProto>, node| nodes.into_iter().chain([node]).collect::<Vec<_>>();
    for (name, nodes) in [
        ("quantized alone", vec![quantize("images")]),
        ("turned around", vec![turned("images", "t"), quantize("t")]),
        ("quantized, then moved", last(focus(true), turned("joined", "x"))),
        ("moved, then quantized", last(last(focus(false), turned("joined", "t")), quantize("t"))),
        ("channels first", last(focus(false), quantize("joined"))),
    ] {
        let model = beginning_with(nodes);
        let plain = run(ModelSource::Memory(&model.encode_to_vec(), path)).unwrap();
        let folded = fold(model, &input(), true).unwrap().remove(0);
        assert_eq!(operators(&folded.graph), ["LookUpU8U8", "DequantizeLinear"], "{name}");
        let entrance = folded.entrance.unwrap();
        assert!(entrance.quantization.is_some() && entrance.arrangement.suits(input().size), "{name}");
        let entered = run_entering(ModelSource::Folded(&folded.graph, path), Some(&entrance)).unwrap();
        assert_eq!(entered, plain, "{name}");
    }
}

#[test]
fn a_model_in_floats_is_spared_the_moving_too() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let mut model = beginning_with(focus(false));
    let graph = model.graph.as_mut().unwrap();
    graph.node.retain(|node| !node.op_type.starts_with("QLinear") && node.op_type != "DequantizeLinear");
    graph.node.push(node("Add", &["joined", "three"], "z"));
    // As files have them: constants by nodes.
    let constant = graph.initializer.remove(graph.initializer.iter().position(|tensor| tensor.name == "odd").unwrap());
    let attribute = AttributeProto {
        name: "value".into(),
        t: Some(constant),
        r#type: AttributeType::Tensor as i32,
        ..Default::default()
    };
    graph.node.insert(0, NodeProto { attribute: vec![attribute], ..node("Constant", &[], "odd") });
    assert!(moves_floats(&model, &input()));
    let plain = run(ModelSource::Memory(&model.encode_to_vec(), path)).unwrap();
    let made = laid_out(model.clone(), &input()).unwrap();
    assert_eq!(operators(&made.graph), ["Constant", "Add"]);
    let entrance = made.entrance.unwrap();
    assert_eq!(entrance.quantization, None);
    assert_eq!(run_entering(ModelSource::Memory(&made.graph, path), Some(&entrance)).unwrap(), plain);
    // The picture itself, or a part of it, is needed, too.
    for needed in ["images", "part1"] {
        let mut model = model.clone();
        model.graph.as_mut().unwrap().node.push(node("Sqrt", &[needed], "root"));
        assert!(!moves_floats(&model, &input()), "{needed}");
    }
    model.graph.as_mut().unwrap().output.push(value("joined"));
    assert!(!moves_floats(&model, &input()), "an output");
}

#[test]
fn a_picture_that_cannot_go_in_is_left_as_the_file_has_it() {
    if !has_runtime() {
        return;
    }
    let mut model = beginning_with(focus(true));
    model.graph.as_mut().unwrap().node.push(node("Identity", &["joined"], "x"));
    let entrance = moves::enter(&mut model, &input()).unwrap();
    for (width, shape) in [(64, [1, 12, 16, 32]), (63, [1, 3, 32, 63])] {
        let card = ModelCard { input_size: ImageSize::new(width, 32), ..check::test_support::card() };
        let mut preprocessor = Preprocessor::new(&card, InputType::F32).entering(Some(&entrance));
        let mut tensor = preprocessor.new_input();
        assert_eq!(tensor.shape(), shape);
        preprocessor.run(&RgbImage::new(90, 70), &mut tensor);
        assert_eq!(tensor.shape(), shape);
        // ONNX Runtime says what is wrong with it.
        assert!(entrance.laid_out(&tensor).is_none());
    }
}
