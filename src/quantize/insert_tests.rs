use super::super::{Choice, Weights, layout, plan};
use super::*;
use crate::onnx::proto::{TensorType, TypeProto, TypeValue, ValueInfoProto};

fn model() -> ModelProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    let graph = GraphProto {
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
        output: vec![ValueInfoProto { name: "d".into(), ..Default::default() }],
        initializer: vec![
            TensorProto::of_floats("w", &[2, 1, 1, 1], &[1.0, -0.1]),
            TensorProto::of_floats("b", &[2], &[0.5, 1e6]),
            TensorProto::of_floats("v", &[1, 2, 1, 1], &[1.0, 0.0]),
        ],
        node: vec![
            NodeProto::new("Conv", "one", &["x", "w", "b"], &["a"]),
            NodeProto::new("Relu", "relu", &["a"], &["r"]),
            NodeProto::new("MaxPool", "pool", &["r"], &["p"]),
            NodeProto::new("Conv", "two", &["p", "v"], &["c"]),
            NodeProto::new("Exp", "tail", &["c"], &["d"]),
        ],
        ..Default::default()
    };
    ModelProto { graph: Some(graph), ..Default::default() }
}

fn written(model: &ModelProto, layout: &Layout, integer: &[bool], codes: &Codes, weights_only: bool) -> GraphProto {
    let (numbers, learned) = (Numbers::default(), &Learned::new());
    let writing = Writing { model, layout, integer, codes, weight_limit: 127, numbers, learned };
    insert(&writing, weights_only).graph.unwrap()
}

fn quantized(choice: &Choice) -> GraphProto {
    let model = model();
    let graph = model.graph.as_ref().unwrap();
    let layout = layout::Layout::of(graph);
    let integer = plan::integers(graph, &layout, &[1; 5], choice);
    let affine = |value: &str, scale| (value.to_owned(), Affine { scale, zero: 0 });
    let codes = [affine("x", 0.5), affine("r", 0.25), affine("p", 9.0), affine("c", 0.125)].into();
    written(&model, &layout, &integer, &codes, choice.weights_only)
}

fn constant(graph: &GraphProto, name: &str) -> TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("{name}")).clone()
}

#[test]
fn conversions_stand_where_they_are_fused() {
    let graph = quantized(&Choice::default());
    let links = Links::of(&graph);
    let before = |value: &str| &graph.node[links.producer(value).unwrap()];
    let node = |name: &str| graph.node.iter().find(|node| node.name == name).unwrap();
    // The clamp reads its convolution as it is; behind it integers begin.
    assert_eq!(node("relu").input, ["a"]);
    assert!(
        before(&node("pool").input[0]).is("DequantizeLinear") && before(&node("tail").input[0]).is("DequantizeLinear")
    );
    assert!(node("one").input.iter().all(|value| before(value).is("DequantizeLinear")));
    assert_eq!(graph.output[0].name, "d");
    // What only moves keeps the codes of what comes in; scales have no axes.
    let scale = constant(&graph, &before("p").input[1]);
    assert_eq!((scale.floats(), scale.dims.len()), (Some(vec![0.25]), 0));
    assert!(!graph.initializer.iter().any(|tensor| ["w", "b", "v"].contains(&tensor.name.as_str())), "floats are gone");
    let mut sorted = graph.clone();
    assert!(crate::onnx::graph::sort(&mut sorted) && sorted == graph, "nodes stand in order");
}

#[test]
fn weights_have_a_scale_a_channel_and_biases_fit() {
    let graph = quantized(&Choice::default());
    let links = Links::of(&graph);
    let one = graph.node.iter().find(|node| node.name == "one").unwrap();
    let parts = |input: usize| {
        let node = &graph.node[links.producer(&one.input[input]).unwrap()];
        assert_eq!(node.integer("axis"), Some(0));
        (constant(&graph, &node.input[0]), constant(&graph, &node.input[1]).floats().unwrap())
    };
    let (weights, scales) = parts(1);
    assert_eq!((weights.data_type, weights.dims.as_slice()), (DataType::Int8 as i32, &[2, 1, 1, 1][..]));
    assert_eq!(weights.raw_data.as_ref().unwrap()[0], 127);
    assert!((scales[0] - 1.0 / 127.0).abs() < 1e-7);
    // The second channel's weights alone would make its bias too large for 32 bits.
    assert!(scales[1] * 0.5 * BIAS_MAX >= 0.999e6, "{scales:?}");
    let (bias, bias_scales) = parts(2);
    let codes = bias.integers().unwrap();
    assert!((codes[0] as f32 * bias_scales[0] - 0.5).abs() < 0.005);
    assert!((codes[1] as f32 * bias_scales[1] - 1e6).abs() < 1.0);
}

#[test]
fn weights_alone_are_stored_as_integers_and_nothing_is_converted() {
    let graph = quantized(&Choice { weights_only: true, ..Choice::default() });
    assert!(!graph.node.iter().any(|node| node.is("QuantizeLinear")));
    let one = graph.node.iter().find(|node| node.name == "one").unwrap();
    assert_eq!((one.input[0].as_str(), one.input[2].as_str()), ("x", "b"));
    let links = Links::of(&graph);
    assert!(graph.node[links.producer(&one.input[1]).unwrap()].is("DequantizeLinear"));
}

#[test]
fn a_layer_in_floats_keeps_its_weights() {
    let graph = quantized(&Choice { float_nodes: ["one".to_owned()].into(), ..Choice::default() });
    let one = graph.node.iter().find(|node| node.name == "one").unwrap();
    assert_eq!(one.input, ["x", "w", "b"]);
    let converted = graph.node.iter().filter(|node| node.is("QuantizeLinear")).count();
    assert_eq!(converted, 2, "before and behind the second convolution");
}

#[test]
fn a_factor_changes_the_scale_alone() {
    let mut model = model();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.push(TensorProto::of_floats("six", &[], &[6.0]));
    graph.node[2] = NodeProto::new("Div", "share", &["r", "six"], &["p"]);
    let graph = model.graph.as_ref().unwrap();
    let layout = layout::Layout::of(graph);
    let integer = plan::integers(graph, &layout, &[1; 5], &Choice::default());
    let affine = |value: &str, scale| (value.to_owned(), Affine { scale, zero: 3 });
    let codes = [affine("x", 0.5), affine("r", 0.25), affine("p", 9.0), affine("c", 0.125)].into();
    let graph = written(&model, &layout, &integer, &codes, false);
    assert!(!graph.node.iter().any(|node| node.is("Div")), "nothing is left of it");
    let links = Links::of(&graph);
    let before = |value: &str| &graph.node[links.producer(value).unwrap()];
    let (rectified, shared) = (before("r"), before("p"));
    assert_eq!(rectified.input[0], shared.input[0], "both read the same integers");
    let scale = |node: &NodeProto| constant(&graph, &node.input[1]).floats().unwrap()[0];
    assert_eq!(scale(rectified), 0.25);
    assert!((scale(shared) - 0.25 / 6.0).abs() < 1e-6);
    assert_eq!(before(&graph.node.iter().find(|node| node.name == "two").unwrap().input[0]), shared);
}

#[test]
fn codes_that_were_learnt_are_written_and_keep_their_scale() {
    let model = model();
    let graph = model.graph.as_ref().unwrap();
    let layout = layout::Layout::of(graph);
    let integer = plan::integers(graph, &layout, &[1; 5], &Choice::default());
    let affine = |value: &str, scale| (value.to_owned(), Affine { scale, zero: 0 });
    let codes = [affine("x", 0.5), affine("r", 0.25), affine("p", 9.0), affine("c", 0.125)].into();
    // The largest weight does not have the largest code; the second channel's bias needs a coarser scale.
    let one = Rounded { scales: vec![0.01, 1e-6], codes: vec![99, -7] };
    let two = Rounded { scales: vec![0.02], codes: vec![51, 3] };
    let (numbers, learned) = (Numbers { weights: Weights::U8, ..Numbers::default() }, &[(0, one), (3, two)].into());
    for (weights_only, integer) in [(false, integer), (true, vec![false; 5])] {
        let integer = &*integer;
        let writing =
            Writing { model: &model, layout: &layout, integer, codes: &codes, weight_limit: 127, numbers, learned };
        let graph = insert(&writing, weights_only).graph.unwrap();
        let links = Links::of(&graph);
        let stored = |name: &str| {
            let node = graph.node.iter().find(|node| node.name == name).unwrap();
            let from = &graph.node[links.producer(&node.input[1]).unwrap()].input;
            let codes = constant(&graph, &from[0]).raw_data.unwrap_or_default();
            let codes: Vec<i8> = codes.iter().map(|code| (code ^ 128).cast_signed()).collect();
            (constant(&graph, &from[1]).floats().unwrap(), codes)
        };
        assert_eq!(stored("two"), (vec![0.02], vec![51, 3]));
        let (scales, codes) = stored("one");
        assert_eq!((scales[0], codes[0]), (0.01, 99));
        let nearest = (-0.1 / scales[1]).round_ties_even() as i8;
        let expected = if weights_only { (1e-6, -7) } else { (scales[1], nearest) };
        assert!((scales[1], codes[1]) == expected && (weights_only || scales[1] > 1e-3), "{scales:?} {codes:?}");
    }
}
