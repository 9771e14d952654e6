//! Convolutions of our own in the place of ONNX Runtime's.

use super::moves_tests::{beginning_with, operators, turned};
use super::tests::{has_runtime, input, node, run, run_entering};
use super::*;
use crate::onnx::proto::{AttributeProto, AttributeType, DataType, GraphProto, TensorProto};

/// A convolution of bytes, channels last, from `x` to `y`.
fn convolution(x: &str, weights: &str, y: &str, lists: &[(&str, &[i64])], group: i64) -> NodeProto {
    let list = |(name, ints): &(&str, &[i64])| AttributeProto {
        name: (*name).into(),
        ints: ints.to_vec(),
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    let int = |name: &str, i| AttributeProto {
        name: name.into(),
        i: Some(i),
        r#type: AttributeType::Int as i32,
        ..Default::default()
    };
    let scales = format!("{weights}_scales");
    let inputs = [x, "s", "u", weights, &scales, "zero_weights", "step", "u"];
    let attribute = lists.iter().map(list).chain([int("group", group), int("channels_last", 1)]).collect();
    NodeProto { domain: "com.microsoft".into(), attribute, ..node("QLinearConv", &inputs, y) }
}

fn silu(x: &str, y: &str) -> [NodeProto; 2] {
    let gate = format!("{y}_gate");
    [
        node("QLinearSigmoid", &[x, "step", "u", "g", "n"], &gate),
        node("QLinearMul", &[x, "step", "u", &gate, "g", "n", "s", "u"], y),
    ]
}

/// All channels with all, each by itself with steps, one pixel alone without anything behind it.
fn model() -> ModelProto {
    let mut nodes = vec![node("QuantizeLinear", &["images", "one", "n"], "p"), turned("p", "x")];
    nodes.push(convolution("x", "w1", "c1", &[("pads", &[1, 1, 1, 1]), ("strides", &[2, 2])], 1));
    nodes.extend(silu("c1", "y1"));
    nodes.push(convolution("y1", "w2", "c2", &[("pads", &[1; 4]), ("strides", &[1, 1])], 20));
    nodes.extend(silu("c2", "y2"));
    nodes.push(convolution("y2", "w3", "c3", &[], 1));
    nodes.push(node("DequantizeLinear", &["c3", "step", "u"], "z"));
    let mut model = beginning_with(nodes);
    let graph = model.graph.as_mut().unwrap();
    // What the tiny model goes on with.
    graph.node.truncate(graph.node.iter().position(|node| node.output == ["z"]).unwrap() + 1);
    let weights = |name: &str, dims: &[usize]| {
        let count: usize = dims.iter().product();
        let codes = (0..count).map(|place| (place * 37 % 251) as u8).collect();
        TensorProto::of_bytes(name, dims, DataType::Int8, codes)
    };
    let scales = |name: &str, count: usize, scale: f32| {
        let scales: Vec<f32> = (0..count).map(|channel| scale * (1.0 + channel as f32 / 7.0)).collect();
        TensorProto::of_floats(name, &[count], &scales)
    };
    graph.initializer.extend([
        TensorProto::of_floats("step", &[], &[0.125]),
        weights("w1", &[20, 3, 3, 3]),
        weights("w2", &[20, 1, 3, 3]),
        weights("w3", &[33, 20, 1, 1]),
        scales("w1_scales", 20, 0.000_4),
        scales("w2_scales", 20, 0.002),
        scales("w3_scales", 33, 0.001),
        TensorProto::of_bytes("zero_weights", &[], DataType::Int8, vec![0]),
    ]);
    model
}

#[test]
fn convolutions_take_the_look_ups_behind_them_along_and_give_the_same() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let plain = run(ModelSource::Memory(&model().encode_to_vec(), path)).unwrap();
    let mut levels = plain.clone();
    levels.sort_by(f32::total_cmp);
    levels.dedup();
    assert!(levels.len() > 100, "{levels:?}");
    for convolves in [false, true] {
        let folded = fold(model(), &input(), convolves).unwrap().remove(0);
        let source = ModelSource::Folded(&folded.graph, path);
        let own = if convolves { 3 } else { 0 };
        assert_eq!((folded.look_ups, folded.convolutions), (2, own));
        assert_eq!(run_entering(source, folded.entrance.as_ref()).unwrap(), plain, "{convolves}");
        let operators = operators(&folded.graph);
        assert_eq!(operators.iter().filter(|name| *name == CONVOLUTION).count(), own);
        assert_eq!(operators.iter().any(|name| name.starts_with("LookUp")), !convolves, "{operators:?}");
    }
}

#[test]
fn what_is_used_twice_or_is_no_such_convolution_stays() {
    let replaced = |change: &dyn Fn(&mut GraphProto)| {
        let mut model = model();
        let graph = model.graph.as_mut().unwrap();
        change(graph);
        let count = convs::replace(graph);
        (count, graph.node.iter().filter(|node| node.op_type.starts_with("QLinearSigmoid")).count())
    };
    assert_eq!(replaced(&|_| {}), (3, 2), "functions that are no look-ups are left alone");
    let attribute = |graph: &mut GraphProto, name: &str, change: &dyn Fn(&mut AttributeProto)| {
        let node = graph.node.iter_mut().find(|node| node.op_type == "QLinearConv").unwrap();
        node.attribute.iter_mut().filter(|attribute| attribute.name == name).for_each(change);
    };
    assert_eq!(replaced(&|graph| attribute(graph, "channels_last", &|a| a.i = Some(0))).0, 2);
    assert_eq!(replaced(&|graph| attribute(graph, "group", &|a| a.i = Some(3))).0, 2);
    assert_eq!(
        replaced(
            &|graph| attribute(graph, "pads", &|a| (a.name, a.s) = ("auto_pad".into(), Some(b"SAME_UPPER".to_vec())))
        )
        .0,
        2
    );
    let constant = |graph: &mut GraphProto, name: &str, change: &dyn Fn(&mut TensorProto)| {
        graph.initializer.iter_mut().filter(|tensor| tensor.name == name).for_each(change);
    };
    assert_eq!(replaced(&|graph| constant(graph, "zero_weights", &|t| t.raw_data = Some(vec![1]))).0, 0);
    assert_eq!(replaced(&|graph| constant(graph, "w2", &|t| t.data_type = DataType::Uint8 as i32)).0, 2);
    // Sums that would not fit after they are multiplied.
    assert_eq!(
        replaced(
            &|graph| constant(graph, "w2_scales", &|t| *t = TensorProto::of_floats("w2_scales", &[20], &[1e9; 20]))
        )
        .0,
        2
    );
    assert_eq!(replaced(&|graph| constant(graph, "u", &|t| t.data_type = DataType::Int8 as i32)).0, 0);
}
