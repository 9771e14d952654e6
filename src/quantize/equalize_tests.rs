use super::*;
use crate::onnx::proto::{DataType, NodeProto, TensorType, TypeProto, TypeValue, ValueInfoProto};

/// Two convolutions with a rectifier between: the first gives channels of 1, 10 and 0, the second reads them.
fn model(second: TensorProto, groups: i64) -> ModelProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    let mut last = NodeProto::new("Conv", "last", &["r", "v"], &["out"]);
    last.set_attribute(crate::onnx::proto::AttributeProto::of_integer("group", groups));
    let graph = GraphProto {
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
        output: vec![ValueInfoProto { name: "out".into(), ..Default::default() }],
        initializer: vec![
            TensorProto::of_floats("w", &[3, 1, 1, 1], &[1.0, 10.0, 0.0]),
            TensorProto::of_floats("b", &[3], &[0.5, 5.0, 0.0]),
            second,
        ],
        node: vec![
            NodeProto::new("Conv", "first", &["x", "w", "b"], &["a"]),
            NodeProto::new("Relu", "relu", &["a"], &["r"]),
            last,
        ],
        ..Default::default()
    };
    ModelProto { graph: Some(graph), ..Default::default() }
}

/// Weights of the first, bias of the first, weights of the second, after equalization.
fn after(model: &ModelProto) -> [Vec<f32>; 3] {
    let layout = Layout::of(model.graph.as_ref().unwrap());
    let reach = |most: f32| Reach { most, square: most * most / 100.0 };
    let reaches = [("r".to_owned(), [1.0, 10.0, 0.0].map(reach).to_vec())].into();
    let (result, _) = equalized(model, &layout, &HashMap::new(), &reaches).unwrap();
    let graph = result.graph.unwrap();
    let links = Links::of(&graph);
    let read = |node: usize, place: usize| links.constant(&graph.node[node].input[place]).unwrap().floats().unwrap();
    assert_eq!(graph.initializer.len(), 3, "weights that nothing reads are gone");
    [read(0, 1), read(0, 2), read(2, 1)]
}

#[test]
fn before_weights_with_scales_of_their_own_ranges_become_equal() {
    let [first, bias, second] = after(&model(TensorProto::of_floats("v", &[3, 1, 1, 1], &[2.0, 3.0, 4.0]), 3));
    assert_eq!((first[0], first[1], bias[0], bias[1]), (10.0, 10.0, 5.0, 5.0));
    assert!((second[0] - 0.2).abs() < 1e-6 && second[1] == 3.0, "{second:?}");
    assert!((second[2] - 4.0 / GAIN_MAX).abs() < 1e-6, "a channel of zeros is not made larger without end");
}

#[test]
fn before_weights_that_share_a_scale_the_error_of_both_is_least() {
    let [first, bias, second] = after(&model(TensorProto::of_floats("v", &[1, 3, 1, 1], &[1.0, 4.0, 1.0]), 1));
    // A step of the data is 10/255, one of the weights 4/127; the channel's values are 0.1, its weight is 1.
    let gain = (10.0 / 255.0 * 1.0 / (4.0 / 127.0 * 0.1f32)).sqrt();
    assert!((first[0] - gain).abs() < 1e-5 && (bias[0] - gain / 2.0).abs() < 1e-5, "{first:?} {bias:?} {gain}");
    assert!((second[0] - 1.0 / gain).abs() < 1e-5, "{second:?}");
    assert!(first[1] >= 10.0 && first[1] <= 10.0 + 1e-5, "no channel reaches further than the tensor: {first:?}");
}
