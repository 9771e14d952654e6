use super::*;
use crate::onnx::proto::{AttributeProto, DataType, TensorType, TypeProto, TypeValue, ValueInfoProto};
use crate::quantize::observe::Reach;

/// `x · sigmoid(x)` between two convolutions; the second reads each channel alone, or all of them.
fn model(groups: usize) -> GraphProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
    let mut last = NodeProto::new("Conv", "last", &["y", "v"], &["out"]);
    last.set_attribute(AttributeProto::of_integer("group", groups as i64));
    let each = 2 / groups;
    GraphProto {
        input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
        output: vec![ValueInfoProto { name: "out".into(), ..Default::default() }],
        initializer: vec![
            TensorProto::of_floats("w", &[2, 1, 1, 1], &[100.0, 1.0]),
            TensorProto::of_floats("b", &[2], &[10.0, 0.5]),
            TensorProto::of_floats("v", &[2, each, 1, 1], &[2.0, 3.0, 4.0, 5.0][..2 * each]),
        ],
        node: vec![
            NodeProto::new("Conv", "first", &["x", "w", "b"], &["a"]),
            NodeProto::new("Sigmoid", "gate", &["a"], &["s"]),
            NodeProto::new("Mul", "silu", &["a", "s"], &["y"]),
            last,
        ],
        ..Default::default()
    }
}

fn spread(groups: usize) -> (GraphProto, Vec<Function>) {
    let graph = model(groups);
    let layout = Layout::of(&graph);
    let found = functions(&graph, &layout);
    let spans = [("a".to_owned(), vec![(-90.0, 110.0), (-0.5, 1.5)])].into();
    let reach = |most: f32| Reach { most, square: most * most / 9.0 };
    let reaches = [("y".to_owned(), vec![reach(110.0), reach(1.1)])].into();
    rewritten(&graph, &layout, &found, &spans, &HashMap::new(), &reaches)
}

fn floats(graph: &GraphProto, node: usize, place: usize) -> Vec<f32> {
    Links::of(graph).constant(&graph.node[node].input[place]).and_then(TensorProto::floats).unwrap()
}

#[test]
fn channels_fill_their_codes_and_the_function_takes_that_back() {
    let (graph, moved) = spread(2);
    let kinds: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(kinds, ["Conv", "Mul", "Add", "Sigmoid", "Mul", "Mul", "Conv"]);
    assert_eq!((floats(&graph, 0, 1), floats(&graph, 0, 2)), (vec![0.5, 0.5], vec![0.5, 0.5]));
    assert_eq!((floats(&graph, 1, 1), floats(&graph, 2, 1)), (vec![200.0, 2.0], vec![-90.0, -0.5]));
    // Weights with a scale for each channel lose nothing: the small channel reaches as far as 64 times allow.
    assert_eq!((floats(&graph, 5, 1), floats(&graph, 6, 1)), (vec![1.0, 64.0], vec![2.0, 3.0 / 64.0]));
    assert_eq!((moved[0].layer, &moved[0].nodes[..]), (0, &[1, 2, 3, 4, 5][..]));
    let layout = Layout::with(&graph, &moved);
    assert_eq!(layout.observed(&graph), ["x", "a", "y", "out"]);
}

#[test]
fn weights_that_share_a_scale_bound_the_factors() {
    let (graph, _) = spread(1);
    let gain = floats(&graph, 5, 1)[1];
    assert!(gain > 1.0 && gain < 64.0, "{gain}");
    let weights = floats(&graph, 6, 1);
    assert!((weights[1] - 3.0 / gain).abs() < 1e-6 && weights[0] == 2.0, "{weights:?}");
}

#[test]
fn the_function_lies_between_codes_whose_neighbours_are_integers() {
    use crate::quantize::{Choice, Numbers, forms::Writing, insert, plan, range::Affine, rounding::Learned};
    let (graph, moved) = spread(2);
    let layout = Layout::with(&graph, &moved);
    let written = |choice: &Choice| {
        let integer = plan::integers(&graph, &layout, &[1; 7], choice);
        let codes = &["x", "a", "y", "out"].map(|value| (value.to_owned(), Affine::over(0.0, 1.0))).into();
        let model = ModelProto { graph: Some(graph.clone()), ..Default::default() };
        let (numbers, learned) = (Numbers::default(), &Learned::new());
        let (layout, integer) = (&layout, &*integer);
        let writing = Writing { model: &model, layout, integer, codes, weight_limit: 127, numbers, learned };
        insert::insert(&writing, false).graph.unwrap()
    };
    let around = |graph: &GraphProto| {
        let kind = |value: &str| Links::of(graph).producer(value).map(|at| graph.node[at].op_type.clone());
        let wide = graph.node.iter().find(|node| node.name.ends_with("_wide_Mul")).unwrap();
        let last = graph.node.iter().find(|node| node.name == "last").unwrap();
        [kind(&wide.input[0]), kind(&last.input[0])].map(Option::unwrap_or_default)
    };
    assert_eq!(around(&written(&Choice::default())), ["DequantizeLinear", "DequantizeLinear"]);
    let quantized = written(&Choice::default());
    let links = Links::of(&quantized);
    let inner = quantized.node.iter().find(|node| node.op_type == "Sigmoid").unwrap();
    assert!(quantized.node[links.producer(&inner.input[0]).unwrap()].is("Add"), "floats within the function");
    let first = Choice { float_nodes: ["first".to_owned()].into(), ..Choice::default() };
    assert_eq!(around(&written(&first)), ["Conv", "DequantizeLinear"]);
    let last = Choice { float_nodes: ["last".to_owned()].into(), ..Choice::default() };
    assert_eq!(around(&written(&last)), ["DequantizeLinear", "Mul"]);
}

#[test]
fn before_a_function_that_would_pass_factors_on_there_are_ranges_alone() {
    let mut graph = model(2);
    graph.node[1] = NodeProto::new("LeakyRelu", "leaky", &["a"], &["y"]);
    graph.node.remove(2);
    let layout = Layout::of(&graph);
    let found = functions(&graph, &layout);
    assert_eq!(found.len(), 1);
    let spans = [("a".to_owned(), vec![(-90.0, 110.0), (-0.5, 1.5)])].into();
    let reach = |most: f32| Reach { most, square: most * most / 9.0 };
    let reaches = ["a", "y"].map(|value| (value.to_owned(), vec![reach(110.0), reach(1.1)])).into();
    let (graph, _) = rewritten(&graph, &layout, &found, &spans, &HashMap::new(), &reaches);
    assert_eq!((floats(&graph, 0, 1), floats(&graph, 0, 2)), (vec![0.5, 0.5], vec![0.5, 0.5]));
    let (gains, taken_back) = (floats(&graph, 4, 1), floats(&graph, 5, 1));
    assert_eq!((gains, taken_back), (vec![1.0, 64.0], vec![2.0, 3.0 / 64.0]));
}
