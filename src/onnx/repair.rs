//! Oddities of exporters that mean what they mean but stand in the way of edits: put right.

use super::graph::sort;
use super::proto::{GraphProto, ModelProto, NodeProto};
use std::collections::{HashMap, HashSet};

/// Since this version of the format weights need not be listed among a graph's inputs.
const IR_WITH_FREE_INITIALIZERS: i64 = 4;

/// Since this operator set the inputs of `Resize` but the first may be left out; before, empty tensors stand for them.
const OPTIONAL_REGION: i64 = 13;

/// Puts a model right without changing what it computes, and says in sentences what was done:
/// weights that are listed among the inputs are taken off that list (they could be overridden by a caller; ONNX Runtime
/// folds no constants that could), an operator set that is declared twice is declared once, `Resize` gets either scales or
/// sizes, and nodes are put in an order in which they can be computed.
pub fn repair(model: &mut ModelProto) -> Vec<String> {
    let mut done = Vec::new();
    let declared = model.opset_import.len();
    let mut highest: HashMap<String, i64> = HashMap::new();
    for set in &model.opset_import {
        let version = highest.entry(plain(&set.domain).to_owned()).or_insert(0);
        *version = (*version).max(set.version.unwrap_or(0));
    }
    let mut seen = HashSet::new();
    model.opset_import.retain_mut(|set| {
        set.domain = plain(&set.domain).to_owned();
        set.version = highest.get(&set.domain).copied();
        seen.insert(set.domain.clone())
    });
    if model.opset_import.len() < declared {
        done.push("an operator set that was declared twice is declared once".to_owned());
    }
    let opset = highest.get("").copied().unwrap_or(0);
    let Some(graph) = &mut model.graph else { return done };
    let listed = take_weights_off_inputs(graph);
    if listed > 0 {
        model.ir_version = model.ir_version.max(IR_WITH_FREE_INITIALIZERS);
        done.push(format!("{listed} weights that were listed among the inputs are constants now"));
    }
    let resized = graph.node.len().min(if opset >= OPTIONAL_REGION { choose_sizes_or_scales(graph) } else { 0 });
    if resized > 0 {
        done.push(format!("{resized} Resize operators with empty or double inputs have one of scales and sizes"));
    }
    let before: Vec<String> = graph.node.iter().flat_map(|node| node.output.first().cloned()).collect();
    if sort(graph) && !graph.node.iter().flat_map(|node| node.output.first()).eq(&before) {
        done.push("operators were put in the order in which they can be computed".to_owned());
    }
    done
}

/// `ai.onnx` is another name of the default domain.
fn plain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

fn take_weights_off_inputs(graph: &mut GraphProto) -> usize {
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let before = graph.input.len();
    graph.input.retain(|input| !weights.contains(input.name.as_str()));
    before - graph.input.len()
}

/// The inputs are data, region, scales, sizes; older exporters give an empty tensor for one that is not meant.
fn choose_sizes_or_scales(graph: &mut GraphProto) -> usize {
    let empty: HashSet<String> =
        graph.initializer.iter().filter(|tensor| tensor.count() == Some(0)).map(|tensor| tensor.name.clone()).collect();
    let crops = |node: &NodeProto| {
        let mode = node.attribute("coordinate_transformation_mode").and_then(|attribute| attribute.s.as_deref());
        mode == Some(b"tf_crop_and_resize")
    };
    let mut changed = 0;
    for node in graph.node.iter_mut().filter(|node| node.is("Resize") && !crops(node)) {
        let before = node.input.clone();
        node.input.iter_mut().skip(1).filter(|name| empty.contains(*name)).for_each(String::clear);
        // The region is only for cropping.
        node.input.get_mut(1).into_iter().for_each(String::clear);
        let has_sizes = node.input.get(3).is_some_and(|name| !name.is_empty());
        node.input.get_mut(2).into_iter().filter(|_| has_sizes).for_each(String::clear);
        while node.input.last().is_some_and(String::is_empty) {
            node.input.pop();
        }
        changed += usize::from(node.input != before);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{OperatorSetIdProto, TensorProto, ValueInfoProto};

    #[test]
    fn inputs_operator_sets_resize_and_order_are_put_right() {
        let value = |name: &str| ValueInfoProto { name: name.into(), ..Default::default() };
        let set = |domain: &str, version| OperatorSetIdProto {
            domain: domain.into(),
            version: Some(version),
            ..Default::default()
        };
        let graph = GraphProto {
            node: vec![
                NodeProto::new("Relu", "relu", &["r"], &["y"]),
                NodeProto::new("Resize", "both", &["x", "none", "scales", "sizes"], &["r"]),
                NodeProto::new("Resize", "one", &["x", "none", "scales"], &["s"]),
            ],
            initializer: vec![
                TensorProto::of_floats("none", &[0], &[]),
                TensorProto::of_floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]),
                TensorProto::of_integers("sizes", &[4], &[1, 3, 8, 8]),
            ],
            input: vec![value("x"), value("scales"), value("none")],
            output: vec![value("y")],
            ..Default::default()
        };
        let opset_import = vec![set("", 9), set("ai.onnx", 13), set("com.microsoft", 1)];
        let mut model = ModelProto { ir_version: 3, opset_import, graph: Some(graph), ..Default::default() };
        let done = repair(&mut model);
        assert_eq!(done.len(), 4, "{done:?}");
        let graph = model.graph.as_ref().unwrap();
        assert_eq!((graph.input.len(), model.ir_version, model.opset_import.len()), (1, 4, 2));
        assert_eq!(model.opset_import[0].version, Some(13));
        let inputs: Vec<_> = graph.node.iter().map(|node| node.input.join(",")).collect();
        assert_eq!(inputs, ["x,,,sizes", "r", "x,,scales"]);
        assert_eq!(repair(&mut model), Vec::<String>::new(), "nothing is left to do");
    }
}
