use super::*;
use crate::inference::bytes::Table;
use crate::inference::heads::test_support::summary;
use crate::inference::preprocess::Preprocessor;
use crate::inference::recognize_input;
use crate::onnx::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, NodeProto, OperatorSetIdProto, ShapeDimension, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use chains::chains;

pub(super) fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    let is_ours = operator.starts_with("QLinear") && operator != "QLinearConv";
    NodeProto {
        op_type: operator.into(),
        domain: if is_ours { "com.microsoft".into() } else { String::new() },
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn number(name: &str, value: f32) -> TensorProto {
    let raw_data = Some(value.to_le_bytes().to_vec());
    TensorProto { name: name.into(), data_type: DataType::Float as i32, raw_data, ..Default::default() }
}

fn zero(name: &str, kind: DataType, value: u8) -> TensorProto {
    TensorProto { name: name.into(), data_type: kind as i32, raw_data: Some(vec![value]), ..Default::default() }
}

pub(super) fn value(name: &str) -> ValueInfoProto {
    let float = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(float)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn constants() -> Vec<TensorProto> {
    vec![
        number("s", 0.5),
        number("one", 1.0),
        number("g", 1.0 / 256.0),
        number("three", 3.0),
        zero("u", DataType::Uint8, 128),
        zero("n", DataType::Uint8, 0),
        zero("i", DataType::Int8, 0),
        TensorProto::of_floats("square", &[2, 2], &[1.0; 4]),
    ]
}

fn graph(nodes: Vec<NodeProto>, outputs: &[&str]) -> GraphProto {
    GraphProto {
        name: "g".into(),
        node: nodes,
        initializer: constants(),
        input: vec![value("images")],
        output: outputs.iter().map(|name| value(name)).collect(),
        ..Default::default()
    }
}

/// `x` to `y`, as ONNX Runtime's optimizer leaves a SiLU.
fn silu(x: &str, y: &str) -> [NodeProto; 2] {
    let gate = format!("{y}_gate");
    [
        node("QLinearSigmoid", &[x, "s", "u", "g", "n"], &gate),
        node("QLinearMul", &[x, "s", "u", &gate, "g", "n", "s", "u"], y),
    ]
}

/// Input, output and nodes of every chain.
fn found(graph: &GraphProto) -> Vec<(String, String, Vec<usize>)> {
    chains(graph).into_iter().map(|chain| (chain.input, chain.output, chain.nodes)).collect()
}

fn chain(input: &str, output: &str, nodes: &[usize]) -> (String, String, Vec<usize>) {
    (input.to_owned(), output.to_owned(), nodes.to_vec())
}

#[test]
fn a_function_of_one_byte_is_found_whatever_it_is_made_of() {
    let mut nodes = vec![node("QLinearConv", &["images", "s", "u"], "x")];
    nodes.extend(silu("x", "y"));
    nodes.push(node("QLinearConv", &["y"], "z"));
    assert_eq!(found(&graph(nodes, &["z"])), [chain("x", "y", &[1, 2])]);
    // In floats between, to bytes with sign.
    let nodes = vec![
        node("DequantizeLinear", &["images", "s", "u"], "f"),
        node("Add", &["f", "three"], "a"),
        node("Mul", &["f", "a"], "m"),
        node("QuantizeLinear", &["m", "s", "i"], "y"),
        node("QLinearConv", &["y"], "z"),
    ];
    let chains = chains(&graph(nodes, &["z"]));
    assert_eq!((chains.len(), chains[0].nodes.as_slice()), (1, &[0, 1, 2, 3][..]));
    assert_eq!((chains[0].input_type, chains[0].output_type), (Byte::Unsigned, Byte::Signed));
}

#[test]
fn what_something_else_needs_has_a_look_up_of_its_own() {
    let mut nodes = silu("images", "y").to_vec();
    nodes.push(node("QLinearConv", &["y"], "z"));
    let both = [chain("images", "y_gate", &[0]), chain("images", "y", &[0, 1])];
    assert_eq!(found(&graph(nodes.clone(), &["z", "y_gate"])), both);
    // The body of a branch needs it.
    let body = GraphProto { node: vec![node("Identity", &["y_gate"], "inside")], ..Default::default() };
    let branch = AttributeProto { g: Some(body), ..Default::default() };
    nodes.push(NodeProto { attribute: vec![branch], ..node("If", &["z"], "w") });
    assert_eq!(found(&graph(nodes, &["w"])), both);
}

#[test]
fn a_function_of_more_than_a_byte_is_left() {
    let of = |nodes: Vec<NodeProto>| found(&graph(nodes, &["y"]));
    let add = |a: &str, b: &str| node("QLinearAdd", &[a, "s", "u", b, "s", "u", "s", "u"], "y");
    assert_eq!(of(vec![add("images", "other")]), [], "two tensors");
    assert_eq!(of(vec![add("images", "images")]).len(), 1, "twice the same");
    assert_eq!(of(vec![add("images", "u")]).len(), 1, "a constant");
    // A value for each element; an element from elsewhere; an operator that nobody knows; no bytes.
    let dequantize = node("DequantizeLinear", &["images", "s", "u"], "f");
    let quantize = |input: &str| node("QuantizeLinear", &[input, "s", "u"], "y");
    assert_eq!(of(vec![dequantize.clone(), node("Mul", &["f", "square"], "m"), quantize("m")]), []);
    assert_eq!(of(vec![dequantize.clone(), node("Softmax", &["f"], "m"), quantize("m")]), []);
    let foreign = NodeProto { domain: "acme".into(), ..node("Relu", &["f"], "m") };
    assert_eq!(of(vec![dequantize, foreign, quantize("m")]), []);
    assert_eq!(of(vec![node("Relu", &["images"], "m"), quantize("m")]), []);
    // A constant that is fed may be another one at every run.
    let mut fed = graph(vec![add("images", "u")], &["y"]);
    fed.input.push(value("u"));
    assert_eq!(found(&fed), []);
}

#[test]
fn a_join_is_taken_apart_and_its_parts_become_one_with_what_made_them() {
    let mut nodes = silu("images", "y").to_vec();
    nodes.push(node("QLinearConv", &["y"], "c"));
    nodes.push(node("QLinearConcat", &["s", "u", "y", "g", "n", "c", "s", "u", "c", "three", "u"], "z"));
    nodes.push(node("QLinearConv", &["z"], "w"));
    let mut joined = graph(nodes.clone(), &["w"]);
    concats::take_apart(&mut joined);
    let [first, third] = ["z/quantscope/part0", "z/quantscope/part2"];
    let join = joined.node.iter().find(|node| node.op_type == "Concat").unwrap();
    assert_eq!((join.input.as_slice(), join.domain.as_str()), (&[first, "c", third].map(str::to_owned)[..], ""));
    let found = found(&joined);
    let all = [chain("images", "y", &[0, 1]), chain("images", first, &[0, 1, 3]), chain("c", third, &[4])];
    assert_eq!(found, all);
    // One whose scale is fed stays.
    let mut fed = graph(nodes, &["w"]);
    fed.input.push(value("g"));
    let before = fed.clone();
    concats::take_apart(&mut fed);
    assert_eq!(fed, before);
}

/// A picture in bytes through a SiLU; the optimizer leaves it as it is.
pub(super) fn tiny() -> ModelProto {
    let mut nodes = vec![node("QuantizeLinear", &["images", "one", "n"], "x")];
    nodes.extend(silu("x", "y"));
    nodes.push(node("DequantizeLinear", &["y", "s", "u"], "z"));
    let set = |domain: &str, version| OperatorSetIdProto {
        domain: domain.into(),
        version: Some(version),
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![set("", 13), set("com.microsoft", 1)],
        graph: Some(graph(nodes, &["z"])),
        ..Default::default()
    }
}

pub(super) fn input() -> InputRecognition {
    recognize_input(&summary(&[]), None).unwrap()
}

pub(super) fn run(source: ModelSource<'_>) -> Result<Vec<f32>, SessionError> {
    run_entering(source, None)
}

/// What a session gives; one with an entrance has to give the same for a picture that goes in by it.
pub(super) fn run_entering(source: ModelSource<'_>, entrance: Option<&Entrance>) -> Result<Vec<f32>, SessionError> {
    let session = Session::load(source, 13, &input(), &SessionOptions { threads: 2, ..Default::default() })?;
    let mut session = session.entering(entrance.cloned());
    // Every level, in a tensor that is large enough for two threads.
    let input = input();
    let mut picture = crate::imaging::RgbImage::new(input.size.width, input.size.height);
    picture.pixels_mut().enumerate().for_each(|(place, pixel)| pixel.0 = [place as u8, (place / 3) as u8, 255]);
    let card = check::test_support::card();
    let mut preprocessor = Preprocessor::new(&ModelCard { input_size: input.size, ..card }, input.dtype);
    let mut given = |preprocessor: &mut Preprocessor| {
        let mut tensor = preprocessor.new_input();
        preprocessor.run(&picture, &mut tensor);
        session.run(&tensor, |outputs, _| outputs[0].values.to_vec())
    };
    let values = given(&mut preprocessor)?;
    assert!(entrance.is_none() || given(&mut preprocessor.entering(entrance))? == values);
    Ok(values)
}

pub(super) fn has_runtime() -> bool {
    let has = crate::runtime::initialize().is_ok();
    if !has {
        eprintln!("skipped: no ONNX Runtime");
    }
    has
}

#[test]
fn a_folded_graph_gives_what_the_graph_gave() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let plain = run(ModelSource::Memory(&tiny().encode_to_vec(), path)).unwrap();
    let folded = fold(tiny(), &input(), true).unwrap().remove(0);
    assert_eq!((folded.look_ups, folded.nodes), (1, 2));
    assert_eq!(run(ModelSource::Folded(&folded.graph, path)).unwrap(), plain);
    let mut levels = plain.clone();
    levels.sort_by(f32::total_cmp);
    levels.dedup();
    assert!(levels.len() > 40, "{levels:?}");
    // Only a session that was folded here has the operator.
    let refused = run(ModelSource::Memory(&folded.graph, path)).unwrap_err().to_string();
    assert!(refused.contains("LookUpU8U8"), "{refused}");
}

/// The folded tiny model with another table.
fn with_table(change: impl Fn(&mut TensorProto)) -> Vec<u8> {
    let folded = fold(tiny(), &input(), true).unwrap().remove(0);
    let mut model = onnx::parse(folded.graph, Path::new("folded.onnx")).unwrap();
    let constants = &mut model.graph.as_mut().unwrap().initializer;
    change(constants.iter_mut().find(|tensor| tensor.name.ends_with("/table")).unwrap());
    model.encode_to_vec()
}

#[test]
fn an_operator_that_cannot_work_is_an_error_and_no_crash() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let short = with_table(|table| (table.dims, table.raw_data) = (vec![255], Some(vec![0; 255])));
    let said = run(ModelSource::Folded(&short, path)).unwrap_err().to_string();
    assert!(said.contains("256 entries"), "{said}");
    let signed = with_table(|table| table.data_type = DataType::Int8 as i32);
    assert!(run(ModelSource::Folded(&signed, path)).is_err());
    assert!(run(ModelSource::Folded(b"noise", path)).is_err());
}

#[test]
fn what_does_not_give_the_same_is_not_used() {
    if !has_runtime() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.onnx");
    std::fs::write(&file, tiny().encode_to_vec()).unwrap();
    let options = SessionOptions { threads: 1, ..Default::default() };
    let (cache, place) = (Cache::new(folder.path()), folder.path().join("a.folded"));
    let accelerator = || Accelerator {
        path: &file,
        opset: 13,
        options: options.clone(),
        quantized: true,
        folder: tempfile::tempdir().unwrap(),
        kept: Some((cache.clone(), place.clone())),
    };
    let shown = Shown { size: input().size, ..check::test_support::shown() };
    let plain = |accelerator: &Accelerator<'_>| {
        let options = SessionOptions { optimized_to: Some(accelerator.optimized()), ..options.clone() };
        Session::load(ModelSource::File(&file), 13, &input(), &options).unwrap()
    };
    // Made, kept and found again.
    let first = accelerator();
    let (session, made) = first.accelerated(&mut plain(&first), shown.clone(), &input()).unwrap();
    assert!(made.is_done() && session.is_some(), "{made:?}");
    let (session, acceleration) = accelerator().remembered(&input()).unwrap();
    assert_eq!((session.is_some(), acceleration), (true, made));
    let good = cache.find(&place).unwrap();
    // Another table, a graph that does not load, another answer: each is forgotten.
    let turned = with_table(|table| table.raw_data.as_mut().unwrap().iter_mut().for_each(|code| *code ^= 0x40));
    let mut other = good.facts.clone();
    other.fingerprint[0] ^= 1;
    let bad = [(good.facts.clone(), turned), (good.facts.clone(), b"noise".to_vec()), (other, good.graph.clone())];
    for (index, (facts, graph)) in bad.into_iter().enumerate() {
        cache.store(&place, &Entry { facts, graph });
        assert!(accelerator().remembered(&input()).is_none(), "{index}");
        assert!(!place.exists(), "{index}");
    }
    // Where ONNX Runtime left no graph, the plain session stays.
    let without = accelerator();
    let mut session = Session::load(ModelSource::File(&file), 13, &input(), &options).unwrap();
    let begun = Begun::Open(without);
    let card = check::test_support::card();
    let declined = begun.finish(&mut session, &input(), &card);
    assert!(
        matches!(&declined, Acceleration::Declined { reason } if reason.contains("cannot be read")),
        "{declined:?}"
    );
}

#[test]
fn tables_come_from_the_nodes_themselves() {
    if !has_runtime() {
        return;
    }
    let model = tiny();
    let chains = chains(model.graph.as_ref().unwrap());
    let (table_model, inputs) = rewrite::table_model(&model, &chains);
    let outputs: Vec<_> = chains.iter().map(|chain| TableOutput::of(chain, &inputs)).collect();
    let tables = tables::compute(&table_model.encode_to_vec(), &inputs, &outputs).unwrap().concat();
    let [table]: [Table; 1] = tables.try_into().unwrap();
    for (byte, entry) in table.iter().enumerate() {
        let x = (byte as f32 - 128.0) * 0.5;
        let gate = (256.0 / (1.0 + (-x).exp())).round_ties_even().min(255.0) / 256.0;
        let wanted = (x * gate / 0.5).round_ties_even() + 128.0;
        assert!((f32::from(*entry) - wanted).abs() <= 1.0, "{byte}: {entry}, {wanted}");
    }
    assert!(tables::compute(b"noise", &inputs, &outputs).is_err());
}

/// The tiny model again and again, each time on a picture of half the size, and what comes of all of them. Nothing tells the
/// sides of its tensors, and look-ups cannot write over what they read, which is needed later.
fn shrinking() -> ModelProto {
    let two = |name: &str| AttributeProto {
        name: name.into(),
        ints: vec![2, 2],
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    let mut nodes = vec![node("QuantizeLinear", &["images", "one", "n"], "x0")];
    for step in 0..4 {
        let [x, y, float, mean] = ["x", "y", "f", "m"].map(|name| format!("{name}{step}"));
        nodes.extend(silu(&x, &y));
        let attribute = vec![two("kernel_shape"), two("strides")];
        nodes.push(NodeProto { attribute, ..node("MaxPool", &[&y], &format!("x{}", step + 1)) });
        nodes.push(node("DequantizeLinear", &[&x, "s", "u"], &float));
        nodes.push(node("ReduceMean", &[&float], &mean));
    }
    nodes.push(node("DequantizeLinear", &["x4", "s", "u"], "small"));
    nodes.push(node("Sum", &["small", "m0", "m1", "m2", "m3"], "z"));
    let mut model = tiny();
    let graph = model.graph.as_mut().unwrap();
    graph.node = nodes;
    let shape = Some(TensorShapeProto { dim: vec![ShapeDimension::default(); 4], ..Default::default() });
    let open = TensorType { elem_type: DataType::Float as i32, shape, ..Default::default() };
    graph.input[0].r#type = Some(TypeProto { value: Some(TypeValue::TensorType(open)), ..Default::default() });
    model
}

#[test]
fn sides_that_nothing_tells_do_not_look_alike() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("shrinking.onnx");
    let plain = run(ModelSource::Memory(&shrinking().encode_to_vec(), path)).unwrap();
    let folded = fold(shrinking(), &input(), true).unwrap().remove(0);
    assert_eq!(folded.look_ups, 4);
    assert_eq!(run_entering(ModelSource::Folded(&folded.graph, path), folded.entrance.as_ref()).unwrap(), plain);
}
