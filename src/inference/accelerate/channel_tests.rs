//! Functions that differ from channel to channel.

use super::chains::{Channels, chains};
use super::moves_tests::{beginning_with, operators, turned, with_axis};
use super::tests::{has_runtime, input, node, run, run_entering};
use super::*;
use crate::onnx::proto::{DataType, NodeProto, TensorProto};

/// The picture in bytes, a function of them in floats, and its result in floats; the channels along that axis.
fn model(axis: i64, function: &[NodeProto]) -> ModelProto {
    let quantize = node("QuantizeLinear", &["images", "one", "n"], if axis == 1 { "x" } else { "p" });
    let mut nodes = vec![quantize];
    if axis != 1 {
        nodes.push(turned("p", "x"));
    }
    nodes.extend_from_slice(function);
    nodes.push(node("DequantizeLinear", &["y", "s", "u"], "z"));
    let mut model = beginning_with(nodes);
    let graph = model.graph.as_mut().unwrap();
    // The look-up of the tiny model.
    graph.node.retain(|node| !node.op_type.starts_with("QLinear"));
    graph.node.pop();
    let shape: &[usize] = if axis == 1 { &[1, 3, 1, 1] } else { &[3] };
    graph.initializer.extend([
        TensorProto::of_floats("from", shape, &[0.125, 0.5, 0.03125]),
        TensorProto::of_floats("to", shape, &[4.0, 1.0, 16.0]),
        TensorProto::of_floats("steps", &[3], &[0.5, 0.25, 0.125]),
        TensorProto::of_bytes("zeros", &[3], DataType::Uint8, vec![128, 100, 3]),
        TensorProto::of_bytes("none", &[3], DataType::Uint8, vec![0; 3]),
        TensorProto::of_floats("others", &[3, 1], &[1.0, 2.0, 3.0]),
    ]);
    model
}

/// A SiLU of channels that have ranges of their own.
fn by_products() -> Vec<NodeProto> {
    vec![
        node("DequantizeLinear", &["x", "s", "u"], "f"),
        node("Mul", &["f", "from"], "a"),
        node("Sigmoid", &["a"], "b"),
        node("Mul", &["a", "b"], "c"),
        node("Mul", &["c", "to"], "d"),
        node("QuantizeLinear", &["d", "s", "u"], "y"),
    ]
}

/// A function by scales and zero points of each channel.
fn by_scales(axis: i64) -> Vec<NodeProto> {
    vec![
        with_axis(axis, node("DequantizeLinear", &["x", "steps", "zeros"], "f")),
        node("Elu", &["f"], "a"),
        with_axis(axis, node("QuantizeLinear", &["a", "steps", "none"], "y")),
    ]
}

#[test]
fn the_axis_of_the_channels_is_found() {
    let found = |axis: i64, function: &[NodeProto]| {
        let model = model(axis, function);
        let found = chains(model.graph.as_ref().unwrap());
        found.into_iter().map(|chain| (chain.input, chain.output, chain.channels)).collect::<Vec<_>>()
    };
    let along = |behind: usize| Some(Channels { behind, count: 3 });
    assert_eq!(found(1, &by_products()), [("x".into(), "y".into(), along(2))]);
    assert_eq!(found(3, &by_products()), [("x".into(), "y".into(), along(0))]);
    assert_eq!(found(1, &by_scales(1)), [("x".into(), "y".into(), along(2))]);
    assert_eq!(found(3, &by_scales(-1)), [("x".into(), "y".into(), along(0))]);
    // Along two axes; by the axis of the pictures.
    let mut both = by_products();
    both[4] = node("Mul", &["c", "others"], "d");
    assert_eq!(found(1, &both), []);
    assert_eq!(found(1, &by_scales(0)), []);
}

#[test]
fn channels_with_ranges_of_their_own_give_what_the_graph_gave() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    for (name, axis, function) in [
        ("products, channels first", 1, by_products()),
        ("products, channels last", 3, by_products()),
        ("scales, channels first", 1, by_scales(1)),
        ("scales, channels last", 3, by_scales(3)),
    ] {
        let model = model(axis, &function);
        let plain = run(ModelSource::Memory(&model.encode_to_vec(), path)).unwrap();
        let folded = fold(model, &input(), true).unwrap().remove(0);
        assert_eq!((folded.look_ups, folded.nodes), (1, function.len() + usize::from(axis != 1) + 1), "{name}");
        assert_eq!(operators(&folded.graph), ["LookUpU8U8", "DequantizeLinear"], "{name}");
        let source = ModelSource::Folded(&folded.graph, path);
        assert_eq!(run_entering(source, folded.entrance.as_ref()).unwrap(), plain, "{name}");
        let mut levels = plain.clone();
        levels.sort_by(f32::total_cmp);
        levels.dedup();
        assert!(levels.len() > 40, "{name}: {levels:?}");
    }
}

#[test]
fn one_tensor_may_have_both_kinds_of_functions() {
    if !has_runtime() {
        return;
    }
    let path = Path::new("tiny.onnx");
    let mut nodes = by_products();
    nodes.splice(
        0..0,
        [
            node("DequantizeLinear", &["x", "s", "u"], "gg"),
            node("Relu", &["gg"], "h"),
            node("QuantizeLinear", &["h", "s", "u"], "w"),
        ],
    );
    let mut model = model(1, &nodes);
    let graph = model.graph.as_mut().unwrap();
    graph.node.push(node("DequantizeLinear", &["w", "s", "u"], "v"));
    graph.node.push(node("Concat", &["z", "v"], "joined"));
    let concat = graph.node.pop().unwrap();
    graph.node.push(with_axis(1, concat));
    graph.output[0].name = "joined".into();
    let plain = run(ModelSource::Memory(&model.encode_to_vec(), path)).unwrap();
    let folded = fold(model, &input(), true).unwrap().remove(0);
    assert_eq!(folded.look_ups, 2);
    let source = ModelSource::Folded(&folded.graph, path);
    assert_eq!(run_entering(source, folded.entrance.as_ref()).unwrap(), plain);
}
