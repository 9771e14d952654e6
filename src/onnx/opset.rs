//! Raising a model to operator set 13, the first in which a scale a channel can be written down.
//!
//! By the change log of the operators (`onnx/docs/Changelog.md`): most changed only in the types that they take; the
//! others are rewritten here so that they compute the same. One that is in neither list blocks, and is named.

use super::graph::Names;
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};

/// The operator set that models are raised to.
pub const PER_CHANNEL_OPSET: i64 = 13;
/// The format's version that came with it.
const IR_VERSION: i64 = 7;
/// Older files spell operators in ways that no exporter has used for years.
const OLDEST: i64 = 7;

/// Operators whose form of any operator set since 7 is also one of operator set 13.
const UNCHANGED: [&str; 96] = [
    "Abs",
    "Acos",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Asin",
    "Atan",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Compress",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Cos",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LpNormalization",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonMaxSuppression",
    "NonZero",
    "Not",
    "OneHot",
    "Or",
    "PRelu",
    "Pow",
    "QuantizeLinear",
    "Range",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "Relu",
    "Reshape",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Size",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Sqrt",
    "Sub",
    "Sum",
    "Tan",
    "Tanh",
    "Tile",
    "Transpose",
    "Where",
];

/// Why a model is not raised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpsetError {
    /// It is too old.
    #[error(
        "it uses operator set {found}; quantizing needs {PER_CHANNEL_OPSET}, and only models of {OLDEST} and later are \
         raised. Export it again with a later operator set"
    )]
    TooOld {
        /// Its operator set.
        found: i64,
    },
    /// An operator has another form in operator set 13 than the model gives it.
    #[error(
        "its operator {op_type} (node \"{node}\") cannot be raised from operator set {found} to {PER_CHANNEL_OPSET}: \
         {reason}. Export the model again with operator set {PER_CHANNEL_OPSET} or later"
    )]
    Blocked {
        /// The operator.
        op_type: String,
        /// The node.
        node: String,
        /// The model's operator set.
        found: i64,
        /// What stands in the way.
        reason: String,
    },
}

/// The operator set of ONNX itself that a model uses; 1 where it does not say.
pub fn opset_of(model: &ModelProto) -> i64 {
    let own = model.opset_import.iter().filter(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    own.filter_map(|set| set.version).max().unwrap_or(1)
}

/// Raises a model of an older operator set to 13. True where there was something to do.
///
/// # Errors
/// When an operator has no form that computes the same.
pub fn raise_opset(model: &mut ModelProto) -> Result<bool, OpsetError> {
    let found = opset_of(model);
    if found >= PER_CHANNEL_OPSET {
        return Ok(false);
    }
    if found < OLDEST {
        return Err(OpsetError::TooOld { found });
    }
    if let Some(graph) = &mut model.graph {
        let mut room = Room { names: Names::of(graph), new_constants: Vec::new(), found };
        room.raise_graph(graph)?;
        graph.initializer.append(&mut room.new_constants);
    }
    model.opset_import.retain(|set| !matches!(set.domain.as_str(), "" | "ai.onnx"));
    let version = Some(PER_CHANNEL_OPSET);
    model.opset_import.insert(0, OperatorSetIdProto { version, ..Default::default() });
    model.ir_version = model.ir_version.max(IR_VERSION);
    Ok(true)
}

/// What nodes are raised with.
struct Room {
    names: Names,
    new_constants: Vec<TensorProto>,
    found: i64,
}

impl Room {
    /// Raises a graph and those inside its nodes, which see the constants of the outermost one.
    fn raise_graph(&mut self, graph: &mut GraphProto) -> Result<(), OpsetError> {
        let mut raised = Vec::with_capacity(graph.node.len());
        for mut node in std::mem::take(&mut graph.node) {
            for attribute in &mut node.attribute {
                attribute.g.iter_mut().chain(&mut attribute.graphs).try_for_each(|inner| self.raise_graph(inner))?;
            }
            self.raise(node, graph, &mut raised)?;
        }
        graph.node = raised;
        Ok(())
    }

    fn raise(&mut self, mut node: NodeProto, graph: &GraphProto, out: &mut Vec<NodeProto>) -> Result<(), OpsetError> {
        let own = matches!(node.domain.as_str(), "" | "ai.onnx");
        if !own || UNCHANGED.contains(&node.op_type.as_str()) {
            out.push(node);
            return Ok(());
        }
        match node.op_type.clone().as_str() {
            "Squeeze" | "Unsqueeze" | "ReduceSum" => self.integers_to_input(&mut node, "axes", 1),
            "Split" => self.integers_to_input(&mut node, "split", 1),
            "TopK" if self.found < 10 => self.integers_to_input(&mut node, "k", 1),
            "Slice" if self.found < 10 => {
                for (attribute, input) in [("starts", 1), ("ends", 2), ("axes", 3)] {
                    self.integers_to_input(&mut node, attribute, input);
                }
            }
            "Pad" if self.found < 11 => {
                self.integers_to_input(&mut node, "pads", 1);
                self.float_to_input(&mut node, "value", 2);
            }
            "Clip" if self.found < 11 => {
                self.float_to_input(&mut node, "min", 1);
                self.float_to_input(&mut node, "max", 2);
            }
            "TopK" | "Slice" | "Pad" | "Clip" | "If" | "Loop" => {}
            "Scan" if self.found >= 9 => {}
            "Upsample" | "Resize" if self.found < 11 => self.resize(&mut node),
            "Resize" => {}
            "Scatter" => node.op_type = "ScatterElements".to_owned(),
            "Dropout" if node.output.iter().skip(1).all(String::is_empty) => {
                node = NodeProto::new("Identity", node.name, &[&node.input[0]], &[&node.output[0]]);
            }
            "Softmax" | "LogSoftmax" => return self.softmax(node, graph, out),
            _ => return Err(self.blocked(&node, "its form of then is not known to compute the same")),
        }
        out.push(node);
        Ok(())
    }

    fn blocked(&self, node: &NodeProto, reason: &str) -> OpsetError {
        OpsetError::Blocked {
            op_type: super::shown(&node.op_type).into_owned(),
            node: super::shown(&node.name).into_owned(),
            found: self.found,
            reason: reason.to_owned(),
        }
    }

    fn integers_to_input(&mut self, node: &mut NodeProto, attribute: &str, input: usize) {
        let Some(AttributeProto { ints, i, .. }) = node.take_attribute(attribute) else { return };
        let values = if ints.is_empty() { i.into_iter().collect() } else { ints };
        let name = self.names.fresh(&format!("{}_{attribute}", node.output[0]));
        self.new_constants.push(TensorProto::of_integers(&name, &[values.len()], &values));
        set_input(node, input, name);
    }

    fn float_to_input(&mut self, node: &mut NodeProto, attribute: &str, input: usize) {
        let Some(value) = node.take_attribute(attribute).and_then(|attribute| attribute.f) else { return };
        let name = self.names.fresh(&format!("{}_{attribute}", node.output[0]));
        self.new_constants.push(TensorProto::of_floats(&name, &[], &[value]));
        set_input(node, input, name);
    }

    /// `Upsample`, and `Resize` of operator set 10, sample at `output / scale`, cut off.
    fn resize(&mut self, node: &mut NodeProto) {
        if let Some(scales) = node.take_attribute("scales") {
            let name = self.names.fresh(&format!("{}_scales", node.output[0]));
            self.new_constants.push(TensorProto::of_floats(&name, &[scales.floats.len()], &scales.floats));
            set_input(node, 1, name);
        }
        node.op_type = "Resize".to_owned();
        node.input.insert(1, String::new());
        node.set_attribute(AttributeProto::of_text("coordinate_transformation_mode", "asymmetric"));
        node.set_attribute(AttributeProto::of_text("nearest_mode", "floor"));
    }

    /// Before operator set 13 all axes from `axis` (1 where none is given) on were one.
    fn softmax(&mut self, mut node: NodeProto, graph: &GraphProto, out: &mut Vec<NodeProto>) -> Result<(), OpsetError> {
        let axis = node.integer("axis").unwrap_or(1);
        node.set_attribute(AttributeProto::of_integer("axis", -1));
        let rank = rank_of(graph, &node.input[0]);
        if axis == -1 || rank.is_some_and(|rank| axis == rank - 1) {
            out.push(node);
            return Ok(());
        }
        let [shape, flat, soft] =
            ["shape", "flat", "soft"].map(|what| self.names.fresh(&format!("{}_{what}", node.output[0])));
        let data = node.input[0].clone();
        let result = std::mem::replace(&mut node.output[0], soft.clone());
        node.input[0] = flat.clone();
        let mut flatten = NodeProto::new("Flatten", self.names.fresh("Flatten"), &[&data], &[&flat]);
        flatten.set_attribute(AttributeProto::of_integer("axis", axis));
        out.push(NodeProto::new("Shape", self.names.fresh("Shape"), &[&data], &[&shape]));
        out.push(flatten);
        out.push(node);
        out.push(NodeProto::new("Reshape", self.names.fresh("Reshape"), &[&soft, &shape], &[&result]));
        Ok(())
    }
}

fn set_input(node: &mut NodeProto, index: usize, name: String) {
    if node.input.len() <= index {
        node.input.resize(index + 1, String::new());
    }
    node.input[index] = name;
}

fn rank_of(graph: &GraphProto, value: &str) -> Option<i64> {
    let declared = graph.value_info.iter().chain(&graph.input).chain(&graph.output).find(|info| info.name == value)?;
    match declared.r#type.as_ref()?.value.as_ref()? {
        super::proto::TypeValue::TensorType(tensor) => Some(tensor.shape.as_ref()?.dim.len() as i64),
        _ => None,
    }
}

#[cfg(test)]
#[path = "opset_tests.rs"]
mod tests;
