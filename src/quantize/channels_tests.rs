use super::*;
use crate::onnx::proto::{AttributeProto, AttributeType, TensorType, TypeProto, TypeValue, ValueInfoProto};

fn input() -> ValueInfoProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }
}

fn weights(name: &str, shape: &[usize]) -> TensorProto {
    let count = shape.iter().product();
    TensorProto::of_floats(name, shape, &(0..count).map(|i| i as f32 + 1.0).collect::<Vec<_>>())
}

fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto::new(kind, output, inputs, &[output])
}

fn with_list(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
    let r#type = AttributeType::Ints as i32;
    node.set_attribute(AttributeProto { name: name.into(), ints: ints.to_vec(), r#type, ..Default::default() });
    node
}

fn classes(channels: &Channels, value: &str) -> Vec<Class> {
    channels.of_value(value).unwrap_or_default().iter().map(|member| channels.class(*member)).collect()
}

fn graph(nodes: Vec<NodeProto>) -> GraphProto {
    GraphProto {
        input: vec![input()],
        output: vec![ValueInfoProto { name: "out".into(), ..Default::default() }],
        initializer: vec![
            weights("w", &[4, 3, 1, 1]),
            weights("v", &[4, 4, 1, 1]),
            weights("half", &[4, 2, 1, 1]),
            TensorProto::of_integers("two", &[1], &[2]),
            TensorProto::of_integers("four", &[1], &[4]),
            TensorProto::of_integers("one", &[1], &[1]),
            TensorProto::of_integers("shape", &[1], &[0]),
        ],
        node: nodes,
        ..Default::default()
    }
}

fn of(nodes: Vec<NodeProto>, shapes: &[(&str, &[usize])]) -> Channels {
    let graph = graph(nodes);
    let shapes = shapes.iter().map(|(value, shape)| ((*value).to_owned(), shape.to_vec())).collect();
    Channels::of(&graph, &Layout::of(&graph), &shapes, &[])
}

#[test]
fn channels_are_free_where_convolutions_read_all_of_them_and_fixed_where_results_do() {
    let nodes = |between: &str| {
        vec![
            node("Conv", &["x", "w"], "a"),
            node(between, &["a"], "b"),
            node("Conv", &["b", "v"], "c"),
            node("Conv", &["c", "v"], "out"),
        ]
    };
    let channels = of(nodes("LeakyRelu"), &[]);
    let free = classes(&channels, "a");
    assert!(free.len() == 4 && free.iter().all(|class| *class != FIXED), "{free:?}");
    assert_eq!(classes(&channels, "b"), free, "what is behind the activation is as large");
    assert_eq!(classes(&channels, "out"), [FIXED; 4]);
    assert_eq!(channels.layers.len(), 3);
    assert_eq!(channels.layers[0].reads, [FIXED; 3], "pictures are as they are");
    let channels = of(nodes("Sigmoid"), &[]);
    assert_eq!(classes(&channels, "a"), [FIXED; 4], "a sigmoid is not homogeneous");
}

#[test]
fn summands_share_factors_and_joined_channels_keep_theirs() {
    let mut join = node("Concat", &["a", "b"], "j");
    join.set_attribute(AttributeProto::of_integer("axis", 1));
    let channels = of(
        vec![
            node("Conv", &["x", "w"], "a"),
            node("Conv", &["a", "v"], "b"),
            node("Add", &["a", "b"], "s"),
            node("Conv", &["s", "v"], "t"),
            join,
            node("Slice", &["j", "two", "four", "one"], "part"),
            node("Conv", &["part", "half"], "out"),
        ],
        &[],
    );
    assert_eq!(classes(&channels, "a"), classes(&channels, "b"));
    assert_eq!(classes(&channels, "j"), [classes(&channels, "a"), classes(&channels, "b")].concat());
    assert_eq!(classes(&channels, "part"), classes(&channels, "a")[2..]);
    assert!(classes(&channels, "a").iter().all(|class| *class != FIXED));
}

#[test]
fn a_shuffle_moves_channels() {
    let channels = of(
        vec![
            node("Conv", &["x", "w"], "a"),
            node("Reshape", &["a", "shape"], "b"),
            with_list(node("Transpose", &["b"], "c"), "perm", &[0, 2, 1, 3, 4]),
            node("Reshape", &["c", "shape"], "d"),
            node("Conv", &["d", "v"], "out"),
        ],
        &[("b", &[1, 2, 2, 5, 5]), ("c", &[1, 2, 2, 5, 5]), ("d", &[1, 4, 5, 5])],
    );
    let before = classes(&channels, "a");
    assert_eq!(classes(&channels, "d"), [before[0], before[2], before[1], before[3]]);
    assert!(before.iter().all(|class| *class != FIXED));
}
