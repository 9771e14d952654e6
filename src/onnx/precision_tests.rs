use super::*;
use crate::onnx::proto::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::onnx::{Executed, Form};

pub(in crate::onnx) fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        input: inputs.iter().map(|s| s.to_string()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

pub(in crate::onnx) fn with_number(mut node: NodeProto, name: &str, value: i64) -> NodeProto {
    node.attribute.push(AttributeProto { name: name.into(), i: Some(value), ..Default::default() });
    node
}

pub(in crate::onnx) fn model(node: Vec<NodeProto>, weights: &[(&str, DataType, i64)]) -> ModelProto {
    let tensor = |(name, kind, count): &(&str, DataType, i64)| TensorProto {
        name: name.to_string(),
        data_type: *kind as i32,
        dims: vec![*count],
        ..Default::default()
    };
    let graph = GraphProto { node, initializer: weights.iter().map(tensor).collect(), ..Default::default() };
    ModelProto { graph: Some(graph), ..Default::default() }
}

fn told(model: &ModelProto) -> (Precision, Option<Form>) {
    let counts = Quantization::of(model);
    (precision(&counts).0, counts.form)
}

fn dq(x: &str, out: &str) -> NodeProto {
    node("DequantizeLinear", &[x, "s", "z"], out)
}

fn qdq() -> Vec<NodeProto> {
    vec![
        dq("x", "xd"),
        dq("w", "wd"),
        node("Transpose", &["wd"], "wt"),
        node("Conv", &["xd", "wt"], "y"),
        node("Conv", &["xd", "wd"], "y2"),
    ]
}

#[test]
fn precision_and_form_are_told_from_operators_and_weights() {
    let mut partly = qdq();
    partly.push(node("Conv", &["xd", "f"], "y3"));
    let operators = vec![node("QLinearConv", &["x", "s", "z", "w"], "y"), node("QLinearConv", &["y"], "y2")];
    let integers = vec![node("ConvInteger", &["x", "w"], "y"), node("QLinearConv", &["x"], "y2")];
    let dynamic = vec![node("Conv", &["x", "f"], "y"), node("MatMulInteger", &["x", "w"], "z")];
    let weight_only = vec![dq("w", "wd"), node("Conv", &["x", "wd"], "y")];
    let quantized_floats = vec![node("QuantizeLinear", &["f", "s", "z"], "w"), dq("w", "wd"), dq("x", "xd")];
    let fake = [quantized_floats, vec![node("Conv", &["xd", "wd"], "y")]].concat();
    let float = || vec![node("Conv", &["x", "f"], "y"), node("MatMul", &["y", "y"], "z")];
    let nibbles = vec![with_number(node("MatMulNBits", &["x", "w", "s"], "y"), "bits", 4)];
    let int8 = ("w", DataType::Int8, 10);
    let (full, half) = (("f", DataType::Float, 3), ("g", DataType::Float16, 9));
    let cases = [
        ("QDQ", model(qdq(), &[int8]), Precision::Int8, Some(Form::Qdq)),
        ("two of three", model(partly, &[int8]), Precision::Mixed, Some(Form::Qdq)),
        ("QOperator", model(operators, &[int8]), Precision::Int8, Some(Form::QOperator)),
        ("QOperator and ConvInteger", model(integers, &[int8]), Precision::Int8, Some(Form::QOperator)),
        ("dynamic products only", model(dynamic, &[int8]), Precision::Mixed, Some(Form::Dynamic)),
        ("QDQ around float weights", model(fake, &[full]), Precision::Int8, Some(Form::Qdq)),
        ("weights alone", model(weight_only.clone(), &[int8]), Precision::Fp32, Some(Form::WeightOnly)),
        ("weights alone, halves", model(weight_only, &[int8, half]), Precision::Fp16, Some(Form::WeightOnly)),
        ("MatMulNBits", model(nibbles, &[int8]), Precision::Fp32, Some(Form::WeightOnly)),
        ("halves", model(float(), &[half, full]), Precision::Fp16, None),
        ("floats", model(float(), &[full]), Precision::Fp32, None),
        (
            "product of int8",
            model(vec![node("QGemm", &["x", "s", "z", "w"], "y")], &[int8]),
            Precision::Int8,
            Some(Form::QOperator),
        ),
        (
            "product of two values",
            model(vec![node("QLinearMatMul", &["x", "s", "z", "x"], "y")], &[int8]),
            Precision::Fp32,
            None,
        ),
    ];
    for (name, model, precision, form) in cases {
        assert_eq!(told(&model), (precision, form), "{name}");
    }
}

#[test]
fn the_sentence_says_form_and_kind_of_weights() {
    let sentence = |model: &ModelProto| precision(&Quantization::of(model)).1;
    let int8 = ("w", DataType::Int8, 10);
    assert_eq!(sentence(&model(qdq(), &[int8])), "2 of 2 convolutions are quantized (QDQ): INT8");
    let stored = vec![dq("w", "wd"), node("Conv", &["x", "wd"], "y")];
    let text = sentence(&model(stored.clone(), &[int8]));
    assert!(text.contains("1 of 1 operators are stored as INT8") && text.contains("arithmetic is FP32"), "{text}");
    let text = sentence(&model(stored, &[("w", DataType::Uint4, 10)]));
    assert!(text.contains("stored as INT4"), "{text}");
}

#[test]
fn a_cycle_of_moves_ends() {
    let cycle = || vec![node("Identity", &["b"], "a"), node("Identity", &["a"], "b"), node("Conv", &["a", "b"], "y")];
    assert_eq!(told(&model(cycle(), &[])), (Precision::Fp32, None));
    assert_eq!(Executed::of(&model(cycle(), &[])).convolutions, 1);
}
