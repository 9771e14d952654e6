//! What kinds of work there are in a session.

use super::events::NodeTime;
use crate::inference::accelerate::CONVOLUTION;
use serde::Serialize;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Convolutions and products in integers.
    IntegerLayers,
    /// Convolutions and products in floats.
    FloatLayers,
    /// Activation functions, sums and other operations on one element at a time.
    Elements,
    /// From floats to integers, from integers to floats, and from one layout of memory to another.
    Conversions,
    /// Concatenation, resizing, turning around, pooling: values stay what they are, or nearly.
    Moves,
    /// Everything else, as suppression of duplicates.
    Other,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::IntegerLayers, Self::FloatLayers, Self::Elements, Self::Conversions, Self::Moves, Self::Other];

    /// In words, such as `conversions`.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::IntegerLayers => "convolutions and products in integers",
            Self::FloatLayers => "convolutions and products in floats",
            Self::Elements => "activation functions and sums",
            Self::Conversions => "conversions",
            Self::Moves => "moving and pooling",
            Self::Other => "everything else",
        }
    }

    /// What an operator of ONNX, of ONNX Runtime's own, or of this program's does.
    pub(super) fn of(operator: &str) -> Self {
        let known = [
            (INTEGER_LAYERS, Self::IntegerLayers),
            (FLOAT_LAYERS, Self::FloatLayers),
            (CONVERSIONS, Self::Conversions),
            (MOVES, Self::Moves),
            (ELEMENTS, Self::Elements),
        ];
        match known.into_iter().find(|(names, _)| names.contains(&operator)) {
            Some((_, work)) => work,
            // Ours: convolutions with the function of a byte behind them, functions of a byte, and copies.
            None if operator == CONVOLUTION => Self::IntegerLayers,
            None if operator.starts_with("LookUp") => Self::Elements,
            None if operator.starts_with("Repeat") || operator.starts_with("Concat") => Self::Moves,
            None => Self::Other,
        }
    }
}

/// Layers in integers.
const INTEGER_LAYERS: &[&str] = &[
    "QLinearConv",
    "QLinearConvTranspose",
    "ConvInteger",
    "FusedConvInteger",
    "QLinearMatMul",
    "QGemm",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "DynamicQuantizeMatMul",
];
/// Layers in floats.
const FLOAT_LAYERS: &[&str] = &[
    "Conv",
    "FusedConv",
    "NhwcFusedConv",
    "ConvTranspose",
    "MatMul",
    "Gemm",
    "FusedMatMul",
    "FusedGemm",
    "MatMulNBits",
    "Attention",
    "MultiHeadAttention",
];
/// From one type or arrangement of numbers to another.
const CONVERSIONS: &[&str] =
    &["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "ReorderInput", "ReorderOutput"];
/// What moves numbers, or chooses among neighbours.
const MOVES: &[&str] = &[
    "Concat",
    "Resize",
    "Upsample",
    "Transpose",
    "Slice",
    "Split",
    "Reshape",
    "Gather",
    "GatherElements",
    "GatherND",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Expand",
    "Tile",
    "Pad",
    "MaxPool",
    "NhwcMaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "DepthToSpace",
    "SpaceToDepth",
    "QLinearConcat",
    "QLinearAveragePool",
    "QLinearGlobalAveragePool",
    "GridSample",
];
/// Functions of single elements, or of a few.
const ELEMENTS: &[&str] = &[
    "Sigmoid",
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Clip",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Mish",
    "Elu",
    "Gelu",
    "QuickGelu",
    "FastGelu",
    "BiasGelu",
    "Erf",
    "Exp",
    "Log",
    "Sqrt",
    "Pow",
    "Abs",
    "Neg",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Max",
    "Min",
    "Softmax",
    "BatchNormalization",
    "LayerNormalization",
    "SkipLayerNormalization",
    "QLinearSigmoid",
    "QLinearLeakyRelu",
    "QLinearAdd",
    "QLinearMul",
    "QLinearSoftmax",
];

/// Whether a node works in floats: something that is no conversion gives floats, and not out of integers.
pub(super) fn is_float(node: &NodeTime) -> bool {
    let float = |kind: &String| matches!(kind.as_str(), "float" | "float16");
    let work = Work::of(&node.operator);
    work != Work::IntegerLayers && work != Work::Conversions && node.outputs.first().is_some_and(float)
}
