use super::super::layout;
use super::*;
use crate::onnx::proto::{DataType, NodeProto, TensorProto, TensorType, TypeProto, TypeValue, ValueInfoProto};

/// A chain with an operator in the middle that has no integers.
fn graph() -> GraphProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    let weights = |name: &str| TensorProto::of_floats(name, &[1, 1, 1, 1], &[1.0]);
    GraphProto {
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
        initializer: ["w0", "w1", "w2"].map(weights).into(),
        node: vec![
            NodeProto::new("MaxPool", "before", &["x"], &["p"]),
            NodeProto::new("Conv", "0", &["p", "w0"], &["a"]),
            NodeProto::new("Sigmoid", "gate", &["a"], &["g"]),
            NodeProto::new("Mul", "silu", &["a", "g"], &["b"]),
            NodeProto::new("Conv", "1", &["b", "w1"], &["c"]),
            NodeProto::new("HardSwish", "swish", &["c"], &["d"]),
            NodeProto::new("MaxPool", "pool", &["d"], &["e"]),
            NodeProto::new("Conv", "2", &["e", "w2"], &["f"]),
        ],
        ..Default::default()
    }
}

fn named(choice: &Choice, strides: [usize; 8]) -> Vec<String> {
    let graph = graph();
    let layout = layout::Layout::of(&graph);
    let integer = integers(&graph, &layout, &strides, choice);
    graph.node.iter().zip(integer).filter(|(_, integer)| *integer).map(|(node, _)| node.name.clone()).collect()
}

#[test]
fn only_what_lies_between_integers_is_in_integers() {
    let strides = [0, 2, 2, 2, 4, 4, 8, 8];
    assert_eq!(named(&Choice::default(), strides), ["0", "gate", "silu", "1", "2"]);
    let until_4 = Choice { float_until_stride: 4, ..Choice::default() };
    assert_eq!(named(&until_4, strides), ["1", "2"]);
    let predictions = Choice { float_predictions: true, ..Choice::default() };
    assert_eq!(named(&predictions, strides), ["0", "gate", "silu", "1"]);
    // The activation before a layer in floats is computed in floats, too.
    let single = Choice { float_nodes: ["1".to_owned()].into(), ..Choice::default() };
    assert_eq!(named(&single, strides), ["0", "2"]);
}

#[test]
fn a_choice_is_told_in_words() {
    let choice = Choice {
        float_until_stride: 8,
        float_predictions: true,
        float_nodes: ["a".to_owned()].into(),
        ..Choice::default()
    };
    assert_eq!(choice.in_words(), "float before stride 8, predictions float, 1 more layers float");
    assert_eq!(Choice::default().in_words(), "all integers but the tail");
}
