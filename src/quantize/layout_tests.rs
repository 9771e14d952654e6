use super::*;
use crate::onnx::proto::{TensorProto, TensorType, TypeProto, TypeValue, ValueInfoProto};

fn input(name: &str) -> ValueInfoProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn weights(name: &str) -> TensorProto {
    TensorProto::of_floats(name, &[1, 1, 1, 1], &[1.0])
}

/// Two branches as detectors have them: `a` is read as scores, `b` as boxes by way of a distribution.
pub(super) fn detector() -> GraphProto {
    GraphProto {
        input: vec![input("images")],
        output: vec![ValueInfoProto { name: "out".into(), ..Default::default() }],
        initializer: ["w0", "w1", "wa", "wb", "wd"].map(weights).into(),
        node: vec![
            NodeProto::new("Conv", "stem", &["images", "w0"], &["s"]),
            NodeProto::new("Relu", "relu", &["s"], &["r"]),
            NodeProto::new("Conv", "body", &["r", "w1"], &["t"]),
            NodeProto::new("Sigmoid", "gate", &["t"], &["g"]),
            NodeProto::new("Mul", "silu", &["t", "g"], &["u"]),
            NodeProto::new("Conv", "a", &["u", "wa"], &["scores"]),
            NodeProto::new("Conv", "b", &["u", "wb"], &["sides"]),
            NodeProto::new("Sigmoid", "sure", &["scores"], &["p"]),
            NodeProto::new("Softmax", "soft", &["sides"], &["q"]),
            NodeProto::new("Reshape", "shape", &["q", "k"], &["q2"]),
            NodeProto::new("Conv", "expected", &["q2", "wd"], &["e"]),
            NodeProto::new("Concat", "join", &["p", "e"], &["out"]),
        ],
        ..Default::default()
    }
}

#[test]
fn the_tail_begins_behind_the_last_weights_whatever_nodes_are_called() {
    let graph = detector();
    let layout = Layout::of(&graph);
    let names = |test: &dyn Fn(&Facts) -> bool| -> Vec<&str> {
        let nodes = graph.node.iter().zip(&layout.nodes);
        nodes.filter(|(_, facts)| test(facts)).map(|(node, _)| node.name.as_str()).collect()
    };
    assert_eq!(names(&|facts| facts.in_trunk), ["stem", "relu", "body", "gate", "silu", "a", "b"]);
    assert_eq!(names(&|facts| facts.predicts), ["a", "b"]);
    assert_eq!(names(&|facts| facts.is_part), ["relu"]);
    // What a clamp cuts is not observed before it.
    assert_eq!(layout.observed(&graph), ["images", "r", "t", "g", "u", "scores", "sides"]);
}

#[test]
fn only_what_onnx_runtime_has_in_integers_is_of_a_kind() {
    let mut graph = detector();
    let kind = |graph: &GraphProto| Layout::of(graph).nodes[2].kind;
    assert_eq!(kind(&graph), Kind::Convolution);
    graph.node[2].input[1] = "g".into();
    assert_eq!(kind(&graph), Kind::Float, "weights that are no constants");
    graph.node[2] = NodeProto::new("HardSwish", "h", &["r"], &["t"]);
    assert_eq!(kind(&graph), Kind::Float);
    graph.node[2] = NodeProto::new("Shape", "h", &["r"], &["t"]);
    let layout = Layout::of(&graph);
    assert!(!layout.is_float("t") && layout.is_float("r"));
}

#[test]
fn strides_follow_the_lowest_resolution_on_the_way() {
    let graph = detector();
    let shape = |side: usize| vec![1, 8, side, side];
    let shapes = [("r", shape(32)), ("t", shape(8)), ("scores", shape(16)), ("sides", shape(4))];
    let shapes = shapes.map(|(name, shape)| (name.to_owned(), shape)).into();
    let strides = strides(&graph, &shapes, 64);
    assert_eq!(strides[..7], [2, 2, 8, 8, 8, 8, 16]);
}
