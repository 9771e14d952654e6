use super::*;
use crate::onnx::proto::AttributeType;

fn model(opset: i64, nodes: Vec<NodeProto>) -> ModelProto {
    let set = OperatorSetIdProto { version: Some(opset), ..Default::default() };
    let graph = GraphProto { node: nodes, ..Default::default() };
    ModelProto { ir_version: 4, opset_import: vec![set], graph: Some(graph), ..Default::default() }
}

fn with(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
    let r#type = AttributeType::Ints as i32;
    node.attribute.push(AttributeProto { name: name.into(), ints: ints.to_vec(), r#type, ..Default::default() });
    node
}

fn raised(opset: i64, nodes: Vec<NodeProto>) -> GraphProto {
    let mut model = model(opset, nodes);
    assert_eq!(raise_opset(&mut model), Ok(true));
    assert_eq!((opset_of(&model), model.ir_version), (13, 7));
    model.graph.unwrap()
}

fn constant(graph: &GraphProto, name: &str) -> Option<Vec<i64>> {
    graph.initializer.iter().find(|tensor| tensor.name == name)?.integers()
}

#[test]
fn attributes_that_became_inputs_are_moved() {
    let slice = with(with(NodeProto::new("Slice", "s", &["x"], &["y"]), "starts", &[1]), "ends", &[9]);
    let graph = raised(9, vec![slice, with(NodeProto::new("Squeeze", "q", &["y"], &["z"]), "axes", &[0, 2])]);
    assert_eq!(graph.node[0].input, ["x", "y_starts", "y_ends"]);
    assert_eq!(constant(&graph, "y_ends"), Some(vec![9]));
    assert_eq!((constant(&graph, &graph.node[1].input[1]), graph.node[1].attribute.len()), (Some(vec![0, 2]), 0));
    let mut clip = NodeProto::new("Clip", "c", &["x"], &["y"]);
    clip.attribute = vec![AttributeProto { name: "max".into(), f: Some(6.0), ..Default::default() }];
    let graph = raised(9, vec![clip]);
    assert_eq!(graph.node[0].input, ["x", "", "y_max"]);
    assert_eq!(graph.initializer[0].floats(), Some(vec![6.0]));
}

#[test]
fn a_softmax_over_several_axes_is_flattened_and_one_over_the_last_stays() {
    let mut last = NodeProto::new("Softmax", "s", &["x"], &["y"]);
    last.set_attribute(AttributeProto::of_integer("axis", -1));
    assert_eq!(raised(11, vec![last]).node.len(), 1);
    let graph = raised(11, vec![NodeProto::new("Softmax", "s", &["x"], &["y"])]);
    let types: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(types, ["Shape", "Flatten", "Softmax", "Reshape"]);
    assert_eq!((graph.node[1].integer("axis"), graph.node[2].integer("axis")), (Some(1), Some(-1)));
    assert_eq!(graph.node[3].output, ["y"]);
}

#[test]
fn an_upsample_becomes_a_resize_that_samples_alike() {
    let graph = raised(9, vec![NodeProto::new("Upsample", "u", &["x", "scales"], &["y"])]);
    assert_eq!((graph.node[0].op_type.as_str(), &graph.node[0].input.join(",")), ("Resize", &"x,,scales".to_owned()));
    let text = |name| graph.node[0].attribute(name).and_then(|attribute| attribute.s.clone()).unwrap();
    assert_eq!((text("coordinate_transformation_mode"), text("nearest_mode")), (b"asymmetric".into(), b"floor".into()));
}

#[test]
fn what_blocks_is_named_and_newer_models_stay() {
    let mut blocked =
        model(11, vec![NodeProto::new("Conv", "ok", &["x"], &["y"]), NodeProto::new("Hardmax", "h", &["y"], &["z"])]);
    let error = raise_opset(&mut blocked).unwrap_err().to_string();
    assert!(error.contains("Hardmax") && error.contains("\"h\"") && error.contains("11 to 13"), "{error}");
    assert!(raise_opset(&mut model(6, vec![])).unwrap_err().to_string().contains("operator set 6"));
    let mut newer = model(17, vec![NodeProto::new("Hardmax", "h", &["y"], &["z"])]);
    assert_eq!((raise_opset(&mut newer), opset_of(&newer)), (Ok(false), 17));
}

#[test]
fn graphs_inside_nodes_are_raised_too_and_read_constants_of_the_outermost() {
    let squeeze = with(NodeProto::new("Squeeze", "q", &["x"], &["z"]), "axes", &[0]);
    let innermost = GraphProto { node: vec![squeeze], ..Default::default() };
    let holds = |name: &str, op: &str, inner: GraphProto| {
        let mut node = NodeProto::new(op, name, &["c"], &["y"]);
        node.attribute = vec![AttributeProto { name: "body".into(), g: Some(inner), ..Default::default() }];
        node
    };
    let inner = GraphProto { node: vec![holds("in", "Loop", innermost)], ..Default::default() };
    let graph = raised(11, vec![holds("out", "If", inner.clone())]);
    let body = |node: &NodeProto| node.attribute[0].g.clone().unwrap();
    let squeeze = &body(&body(&graph.node[0]).node[0]).node[0];
    assert_eq!((squeeze.input.join(","), squeeze.attribute.len()), ("x,z_axes".to_owned(), 0));
    assert_eq!(constant(&graph, "z_axes"), Some(vec![0]));
    let mut blocked = inner;
    blocked.node.push(NodeProto::new("Hardmax", "h", &["x"], &["w"]));
    let error = raise_opset(&mut model(11, vec![holds("out", "If", blocked)])).unwrap_err().to_string();
    assert!(error.contains("\"h\""), "{error}");
}
