//! Models that mean no good: they loop, nest, swell or lie.

use super::tiny_onnx::{classifier, detector, detector_with, floats, integer, node, value};
use quantscope::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, FunctionProto, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TypeValue, ValueInfoProto,
};

/// A `Loop` of more rounds than anybody can wait for.
pub fn endless_loop() -> ModelProto {
    let body = GraphProto {
        name: "body".into(),
        node: vec![
            node("Identity", &["go_on"], "go_on_again", vec![]),
            node("Add", &["round", "round"], "next", vec![]),
        ],
        input: vec![typed("number", DataType::Int64), typed("go_on", DataType::Bool), typed("round", DataType::Float)],
        output: vec![typed("go_on_again", DataType::Bool), typed("next", DataType::Float)],
        ..Default::default()
    };
    let spin = node("Loop", &["rounds", "yes", "zero"], "spun", vec![graph("body", body)]);
    with_weights(detector_with(vec![spin], "spun"), vec![integers("rounds", &[], &[i64::MAX]), yes()])
}

/// Functions that call the next one twice, forty deep: a thousand billion operators once they are written out.
pub fn billion_laughs() -> ModelProto {
    const DEPTH: usize = 40;
    let call = |number: usize, input: &str, output: &str| match number {
        DEPTH => node("Neg", &[input], output, vec![]),
        number => of_domain("laugh", node(&format!("f{number}"), &[input], output, vec![])),
    };
    let function = |number: usize| FunctionProto {
        name: format!("f{number}"),
        domain: "laugh".into(),
        input: vec!["x".into()],
        output: vec!["y".into()],
        node: vec![call(number + 1, "x", "half"), call(number + 1, "half", "y")],
        opset_import: opsets(&["", "laugh"]),
        ..Default::default()
    };
    let mut model = detector_with(vec![call(0, "zero", "laughed")], "laughed");
    model.functions = (0..DEPTH).map(function).collect();
    model.opset_import = opsets(&["", "laugh"]);
    model
}

/// A function that calls itself.
pub fn function_calling_itself() -> ModelProto {
    let call = |input: &str, output: &str| of_domain("laugh", node("f", &[input], output, vec![]));
    let mut model = detector_with(vec![call("zero", "called")], "called");
    model.functions = vec![FunctionProto {
        name: "f".into(),
        domain: "laugh".into(),
        input: vec!["x".into()],
        output: vec!["y".into()],
        node: vec![call("x", "y")],
        opset_import: opsets(&["", "laugh"]),
        ..Default::default()
    }];
    model.opset_import = opsets(&["", "laugh"]);
    model
}

/// `If` in `If` in `If`.
pub fn nested(depth: usize) -> ModelProto {
    let branch = |nodes: Vec<NodeProto>, output: &str| GraphProto {
        name: output.into(),
        node: nodes,
        output: vec![typed(output, DataType::Float)],
        ..Default::default()
    };
    let mut innermost = node("Identity", &["zero"], "o0", vec![]);
    for level in 1..=depth {
        let inside = format!("o{}", level - 1);
        let other = format!("e{level}");
        let branches = vec![
            graph("then_branch", branch(vec![innermost], &inside)),
            graph("else_branch", branch(vec![node("Identity", &["zero"], &other, vec![])], &other)),
        ];
        innermost = node("If", &["positive"], &format!("o{level}"), branches);
    }
    let test = node("Less", &["zero", "one"], "positive", vec![]);
    let model = detector_with(vec![test, innermost], &format!("o{depth}"));
    with_weights(model, vec![floats("one", &[], &[1.0])])
}

/// Two operators that wait for each other.
pub fn cycle() -> ModelProto {
    detector_with(vec![node("Add", &["zero", "b"], "a", vec![]), node("Add", &["a", "zero"], "b", vec![])], "b")
}

/// Words where a shape has to be.
pub fn words_as_shape() -> ModelProto {
    let words = TensorProto {
        name: "words".into(),
        dims: vec![2],
        data_type: DataType::String as i32,
        string_data: vec![b"four".to_vec(), b"\xff\n".to_vec()],
        ..Default::default()
    };
    with_weights(detector_with(vec![node("Reshape", &["zero", "words"], "r", vec![])], "r"), vec![words])
}

/// A picture of as many pixels as there are atoms in a grain of salt.
pub fn enormous_input() -> ModelProto {
    let mut model = detector();
    model.graph.as_mut().unwrap().input = vec![value("images", &[1, 3, 1 << 31, 1 << 31])];
    model
}

/// Weights of 16 EiB in eight bytes.
pub fn enormous_weights() -> ModelProto {
    let mut lie = floats("lie", &[1 << 31, 1 << 31], &[1.0, 2.0]);
    lie.doc_string = "there are more".into();
    let nodes = vec![
        node("Mul", &["zero", "lie"], "m", vec![]),
        node("ReduceMax", &["m"], "most", vec![integer("keepdims", 0)]),
    ];
    with_weights(detector_with(nodes, "most"), vec![lie])
}

/// More numbers than fit anywhere.
pub fn endless_range() -> ModelProto {
    let nodes = vec![
        node("Range", &["from", "to", "step"], "numbers", vec![]),
        node("ReduceMax", &["numbers"], "most", vec![integer("keepdims", 0)]),
        node("Cast", &["most"], "cast", vec![integer("to", 1)]),
        node("Mul", &["cast", "zero"], "product", vec![]),
    ];
    let scalar = |name, value| integers(name, &[], &[value]);
    with_weights(detector_with(nodes, "product"), vec![scalar("from", 0), scalar("to", 1 << 50), scalar("step", 1)])
}

/// Takes `count` times `bytes` one after the other and gives nothing back.
pub fn swelling(count: usize, bytes: i64) -> ModelProto {
    let names: Vec<String> = (0..count).map(|number| format!("part{number}")).collect();
    let mut nodes = vec![node("Expand", &["zero", "size"], "spread", vec![])];
    let mut weights = vec![integers("size", &[1], &[bytes / 4])];
    for (number, name) in names.iter().enumerate() {
        // Each is another, or the optimizer would make them one.
        let constant = format!("constant{number}");
        nodes.push(node("Mul", &["spread", &constant], name, vec![]));
        weights.push(floats(&constant, &[], &[number as f32]));
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    nodes.push(node("Sum", &all, "sum", vec![]));
    nodes.push(node("ReduceMax", &["sum"], "most", vec![integer("keepdims", 0)]));
    with_weights(detector_with(nodes, "most"), weights)
}

/// An output that no operator makes.
pub fn output_from_nowhere() -> ModelProto {
    let mut model = detector();
    model.graph.as_mut().unwrap().node.retain(|node| node.output[0] != "boxes");
    model
}

/// No detector, whose names would write over the terminal.
pub fn names_with_control_characters() -> ModelProto {
    let mut model = classifier();
    let name = "log\u{1b}[2Jits\nerror: all is well\u{202e}".to_owned() + &"x".repeat(100_000);
    let graph = model.graph.as_mut().unwrap();
    graph.node.last_mut().unwrap().output[0] = name.clone();
    graph.output[0].name = name.clone();
    if let Some(TypeValue::TensorType(tensor)) = graph.output[0].r#type.as_mut().unwrap().value.as_mut() {
        tensor.shape.as_mut().unwrap().dim[0].value = Some(DimensionValue::DimParam(name));
    }
    model
}

/// The same whose metadata names a task in two lines.
pub fn task_in_two_lines() -> ModelProto {
    let mut model = classifier();
    let pair =
        |key: &str, value: &str| StringStringEntryProto { key: key.into(), value: value.into(), ..Default::default() };
    model.metadata_props = vec![pair("task", "dete\nerror: ct")];
    model
}

/// The detector, with `path` wherever a careless reader might take it for something to open.
pub fn naming_a_library(path: &str) -> ModelProto {
    let mut model = detector();
    let pair = |key: &str, value: String| StringStringEntryProto { key: key.into(), value, ..Default::default() };
    let config = format!(
        "{{\"session_options\": {{\"enable_profiling\": 1, \"custom_ops_library\": {path:?}, \
         \"register_custom_ops_library\": {path:?}}}}}"
    );
    model.metadata_props = vec![
        pair("ort_config", config),
        pair("custom_ops_library", path.into()),
        pair("labels_file", path.into()),
        pair("onnx.custom_ops", path.into()),
    ];
    model.doc_string = path.into();
    model.domain = path.into();
    let graph = model.graph.as_mut().unwrap();
    graph.metadata_props = vec![pair("library", path.into())];
    graph.node[0].metadata_props = vec![pair("library", path.into())];
    graph.node[0].doc_string = path.into();
    model
}

/// The same with an operator that asks for the library.
pub fn needing_a_library(path: &str) -> ModelProto {
    let text = |name: &str| AttributeProto {
        name: name.into(),
        s: Some(path.as_bytes().to_vec()),
        r#type: AttributeType::String as i32,
        ..Default::default()
    };
    let attributes = vec![text("library"), text("path"), text("ep_cache_context")];
    let custom = of_domain("ai.onnx.contrib", node("Custom", &["zero"], "made", attributes));
    let mut model = detector_with(vec![custom], "made");
    model.opset_import = opsets(&["", "ai.onnx.contrib"]);
    model.metadata_props = naming_a_library(path).metadata_props;
    model
}

fn with_weights(mut model: ModelProto, weights: Vec<TensorProto>) -> ModelProto {
    model.graph.as_mut().unwrap().initializer.extend(weights);
    model
}

fn of_domain(domain: &str, node: NodeProto) -> NodeProto {
    NodeProto { domain: domain.into(), ..node }
}

fn opsets(domains: &[&str]) -> Vec<OperatorSetIdProto> {
    let version = |domain: &str| if domain.is_empty() { super::tiny_onnx::OPSET } else { 1 };
    let set = |domain: &&str| OperatorSetIdProto {
        domain: (*domain).into(),
        version: Some(version(domain)),
        ..Default::default()
    };
    domains.iter().map(set).collect()
}

fn graph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { name: name.into(), g: Some(graph), r#type: AttributeType::Graph as i32, ..Default::default() }
}

/// A scalar of a type.
fn typed(name: &str, kind: DataType) -> ValueInfoProto {
    let mut info = value(name, &[]);
    if let Some(TypeValue::TensorType(tensor)) = info.r#type.as_mut().unwrap().value.as_mut() {
        tensor.elem_type = kind as i32;
    }
    info
}

fn integers(name: &str, shape: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: shape.to_vec(),
        data_type: DataType::Int64 as i32,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

fn yes() -> TensorProto {
    TensorProto { name: "yes".into(), data_type: DataType::Bool as i32, int32_data: vec![1], ..Default::default() }
}
