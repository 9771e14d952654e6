use super::*;
use crate::onnx::proto::{
    AttributeProto, OperatorSetIdProto, ShapeDimension, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto,
};

fn value(name: &str, sides: &[DimensionValue]) -> ValueInfoProto {
    let dim = sides.iter().map(|v| ShapeDimension { value: Some(v.clone()), ..Default::default() }).collect();
    let shape = Some(TensorShapeProto { dim, ..Default::default() });
    let tensor = TensorType { elem_type: DataType::Float as i32, shape, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn node(domain: &str, op_type: &str) -> NodeProto {
    NodeProto { domain: domain.into(), op_type: op_type.into(), ..Default::default() }
}

#[test]
fn a_summary_lists_true_inputs_and_every_operator() {
    use DimensionValue::{DimParam, DimValue};
    let inner = GraphProto { node: vec![node("", "Add")], ..Default::default() };
    let mut branch = node("", "If");
    branch.attribute = vec![AttributeProto { g: Some(inner), ..Default::default() }];
    let graph = GraphProto {
        node: vec![node("", "Add"), branch, node("com.microsoft", "QGemm")],
        initializer: vec![TensorProto { name: "weight".into(), ..Default::default() }],
        input: vec![
            value("images", &[DimParam("batch".into()), DimValue(3), DimValue(-1), DimParam(String::new())]),
            value("weight", &[DimValue(8)]),
        ],
        output: vec![ValueInfoProto { name: "boxes".into(), ..Default::default() }],
        ..Default::default()
    };
    let model = ModelProto {
        graph: Some(graph),
        producer_name: "pytorch".into(),
        producer_version: "2.4".into(),
        opset_import: vec![
            OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: Some(3), ..Default::default() },
            OperatorSetIdProto { version: Some(17), ..Default::default() },
        ],
        metadata_props: vec![StringStringEntryProto {
            key: "task".into(),
            value: "detect".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [0; 10]).unwrap();
    let summary = summary(&model, file.path()).unwrap();
    assert_eq!((summary.opset, summary.bytes, summary.producer.as_str()), (17, 10, "pytorch 2.4"));
    assert_eq!(summary.inputs.len(), 1);
    assert_eq!(summary.inputs[0].to_string(), "images [batch,3,?,?] float32");
    assert_eq!(summary.outputs[0].to_string(), "boxes [unknown shape] unknown");
    assert_eq!(serde_json::to_string(&summary.inputs[0].shape).unwrap(), r#"["batch",3,null,null]"#);
    let operators: Vec<_> = summary.operators.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(operators, [("Add", 2), ("If", 1), ("com.microsoft.QGemm", 1)]);
    assert_eq!(summary.metadata["task"], "detect");
}

#[test]
fn element_types_have_their_usual_names() {
    for (kind, want) in [
        (DataType::Float, "float32"),
        (DataType::Float16, "float16"),
        (DataType::Uint8, "uint8"),
        (DataType::Int64, "int64"),
        (DataType::Bool, "bool"),
        (DataType::Float8e4m3fn, "float8e4m3fn"),
    ] {
        assert_eq!(ElementType(kind).to_string(), want);
    }
}
