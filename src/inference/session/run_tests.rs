//! Runs of a model that gives more than tensors of 32-bit floats.

use super::*;
use crate::inference::heads::test_support::summary;
use crate::inference::recognize_input;
use crate::onnx::proto::{
    AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorType, TypeProto,
    TypeValue, ValueInfoProto,
};
use prost::Message;

/// Gives its picture as doubles, in a sequence, and as it is.
fn three_kinds() -> Vec<u8> {
    let node = |operator: &str, output: &str, attribute| NodeProto {
        op_type: operator.into(),
        input: vec!["images".into()],
        output: vec![output.into()],
        attribute,
        ..Default::default()
    };
    let double = Some(crate::onnx::proto::DataType::Double as i64);
    let to = AttributeProto { name: "to".into(), i: double, r#type: AttributeType::Int as i32, ..Default::default() };
    let float = TensorType { elem_type: crate::onnx::proto::DataType::Float as i32, ..Default::default() };
    let picture = TypeProto { value: Some(TypeValue::TensorType(float)), ..Default::default() };
    let value = |name: &str, r#type| ValueInfoProto { name: name.into(), r#type, ..Default::default() };
    let graph = GraphProto {
        name: "three".into(),
        node: vec![
            node("Cast", "doubles", vec![to]),
            node("SequenceConstruct", "sequence", vec![]),
            node("Relu", "floats", vec![]),
        ],
        input: vec![value("images", Some(picture))],
        output: ["doubles", "sequence", "floats"].map(|name| value(name, None)).to_vec(),
        ..Default::default()
    };
    let opset_import = vec![OperatorSetIdProto { version: Some(13), ..Default::default() }];
    ModelProto { ir_version: 7, opset_import, graph: Some(graph), ..Default::default() }.encode_to_vec()
}

#[test]
fn what_is_left_out_does_not_shift_the_other_outputs() {
    if environment().is_err() {
        eprintln!("skipped: no ONNX Runtime");
        return;
    }
    let (model, input) = (three_kinds(), recognize_input(&summary(&[]), None).unwrap());
    let source = ModelSource::Memory(&model, Path::new("three.onnx"));
    let mut session = Session::load(source, 13, &input, &SessionOptions::default()).unwrap();
    let grey = ModelInput::grey(input.size, input.layout, input.dtype, 7);
    let seen = session.run(&grey, |outputs, _| {
        outputs.iter().map(|o| (o.name.to_owned(), o.shape.to_vec(), o.values.to_vec())).collect::<Vec<_>>()
    });
    let want = |name: &str| (name.to_owned(), vec![1, 3, 64, 64], vec![7.0; 3 * 64 * 64]);
    assert_eq!(seen.unwrap(), [want("doubles"), want("floats")]);
}
