//! What kinds of work there are in a session.

use super::events::NodeTime;
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
        match operator {
            "QLinearConv"
            | "QLinearConvTranspose"
            | "ConvInteger"
            | "FusedConvInteger"
            | "QLinearMatMul"
            | "QGemm"
            | "MatMulInteger"
            | "MatMulIntegerToFloat"
            | "DynamicQuantizeMatMul" => Self::IntegerLayers,
            "Conv" | "FusedConv" | "NhwcFusedConv" | "ConvTranspose" | "MatMul" | "Gemm" | "FusedMatMul"
            | "FusedGemm" | "MatMulNBits" | "Attention" | "MultiHeadAttention" => Self::FloatLayers,
            "QuantizeLinear"
            | "DequantizeLinear"
            | "DynamicQuantizeLinear"
            | "Cast"
            | "ReorderInput"
            | "ReorderOutput" => Self::Conversions,
            "Concat"
            | "Resize"
            | "Upsample"
            | "Transpose"
            | "Slice"
            | "Split"
            | "Reshape"
            | "Gather"
            | "GatherElements"
            | "GatherND"
            | "Squeeze"
            | "Unsqueeze"
            | "Flatten"
            | "Expand"
            | "Tile"
            | "Pad"
            | "MaxPool"
            | "NhwcMaxPool"
            | "AveragePool"
            | "GlobalAveragePool"
            | "GlobalMaxPool"
            | "DepthToSpace"
            | "SpaceToDepth"
            | "QLinearConcat"
            | "QLinearAveragePool"
            | "QLinearGlobalAveragePool"
            | "GridSample" => Self::Moves,
            "Sigmoid"
            | "Relu"
            | "LeakyRelu"
            | "PRelu"
            | "Clip"
            | "HardSigmoid"
            | "HardSwish"
            | "Tanh"
            | "Softplus"
            | "Mish"
            | "Elu"
            | "Gelu"
            | "QuickGelu"
            | "FastGelu"
            | "BiasGelu"
            | "Erf"
            | "Exp"
            | "Log"
            | "Sqrt"
            | "Pow"
            | "Abs"
            | "Neg"
            | "Add"
            | "Sub"
            | "Mul"
            | "Div"
            | "Max"
            | "Min"
            | "Softmax"
            | "BatchNormalization"
            | "LayerNormalization"
            | "SkipLayerNormalization"
            | "QLinearSigmoid"
            | "QLinearLeakyRelu"
            | "QLinearAdd"
            | "QLinearMul"
            | "QLinearSoftmax" => Self::Elements,
            // Ours: functions of a byte, and copies.
            name if name.starts_with("LookUp") => Self::Elements,
            name if name.starts_with("Repeat") || name.starts_with("Concat") => Self::Moves,
            _ => Self::Other,
        }
    }
}

/// Whether a node works in floats: something that is no conversion gives floats, and not out of integers.
pub(super) fn is_float(node: &NodeTime) -> bool {
    let float = |kind: &String| matches!(kind.as_str(), "float" | "float16");
    let work = Work::of(&node.operator);
    work != Work::IntegerLayers && work != Work::Conversions && node.outputs.first().is_some_and(float)
}
