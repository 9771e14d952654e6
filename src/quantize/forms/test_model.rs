//! A model to test forms with: two convolutions, of which the first is read twice, a product, and a tail.

use crate::onnx::proto::{
    AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto, TensorType, TypeProto, TypeValue,
    ValueInfoProto,
};

/// `x` → Conv `w` → Relu → Conv `v` → Reshape → Gemm `m` (transposed, with bias) → Exp → `y`; the Relu is also read by Add.
pub fn model() -> ModelProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    let mut gemm = NodeProto::new("Gemm", "gemm", &["f", "m", "n"], &["g"]);
    gemm.set_attribute(AttributeProto::of_integer("transB", 1));
    let matrix: Vec<f32> = (0..2 * 32).map(|place| place as f32 / 8.0 - 4.0).collect();
    let graph = GraphProto {
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
        output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
        initializer: vec![
            TensorProto::of_floats("w", &[2, 1, 1, 1], &[1.0, -0.1]),
            TensorProto::of_floats("v", &[2, 2, 1, 1], &[1.0, 0.0, 0.5, 70_000.0]),
            TensorProto::of_floats("m", &[2, 32], &matrix),
            TensorProto::of_floats("n", &[2], &[0.5, -0.5]),
            TensorProto::of_integers("shape", &[2], &[1, 32]),
        ],
        node: vec![
            NodeProto::new("Conv", "one", &["x", "w"], &["a"]),
            NodeProto::new("Relu", "relu", &["a"], &["r"]),
            NodeProto::new("Conv", "two", &["r", "v"], &["c"]),
            NodeProto::new("Add", "add", &["c", "r"], &["s"]),
            NodeProto::new("Reshape", "reshape", &["s", "shape"], &["f"]),
            gemm,
            NodeProto::new("Exp", "tail", &["g"], &["y"]),
        ],
        ..Default::default()
    };
    ModelProto { graph: Some(graph), ..Default::default() }
}

/// The operators of a graph, in order.
pub fn operators(graph: &GraphProto) -> Vec<&str> {
    graph.node.iter().map(|node| node.op_type.as_str()).collect()
}
