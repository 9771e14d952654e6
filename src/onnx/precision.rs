//! In what numbers a model computes, told from its operators and weights.

use super::quantization::{Quantization, WeightBytes};

/// In what numbers a model computes, told from its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 8-bit integers in the convolutions and matrix products.
    Int8,
    /// Some convolutions in integers, others in floats.
    Mixed,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "FP32",
            Self::Fp16 => "FP16",
            Self::Int8 => "INT8",
            Self::Mixed => "mixed",
        })
    }
}

/// From this share of quantized convolutions on a model is called INT8: a float first layer or a float tail of the
/// head is usual in INT8 models, a whole float stage is not.
const INT8_SHARE: f32 = 0.8;

/// INT8 or mixed as [`Quantization`] says, else the type that most weights have. Also says why, in one sentence.
///
/// Weights that are only stored as integers do not make a model INT8: it computes in floats.
pub(super) fn precision(counts: &Quantization) -> (Precision, String) {
    let (all, quantized, what) = match counts.convolutions {
        0 => (counts.products, counts.quantized_products, "matrix products"),
        all => (all, counts.quantized_convolutions, "convolutions"),
    };
    let form = counts.form.map_or_else(String::new, |form| format!(" ({form})"));
    let sentence = format!("{quantized} of {all} {what} are quantized{form}");
    // Convolutions decide; in a model without any, the products do.
    if all > 0 && quantized as f32 / all as f32 >= INT8_SHARE {
        return (Precision::Int8, format!("{sentence}: INT8"));
    }
    if counts.quantized_convolutions + counts.quantized_products > 0 {
        let products = match (counts.convolutions, counts.products) {
            (0, _) | (_, 0) => String::new(),
            (_, products) => format!(", {} of {products} matrix products", counts.quantized_products),
        };
        return (Precision::Mixed, format!("{sentence}{products}: mixed"));
    }
    let WeightBytes { float32, float16, .. } = counts.weights;
    let precision = if counts.weights.are_mostly_halves() { Precision::Fp16 } else { Precision::Fp32 };
    let stored = counts.weight_only_convolutions + counts.weight_only_products;
    let sentence = if stored > 0 {
        let kind = counts.stored_weights().unwrap_or("integer");
        let of = counts.convolutions + counts.products;
        format!(
            "the weights of {stored} of {of} operators are stored as {kind} and become floats before they are \
                 used, the arithmetic is {precision}: weights only"
        )
    } else if precision == Precision::Fp16 {
        let share = percent(float16, float16.saturating_add(float32));
        format!("{share} % of the weights' bytes are 16-bit floats: FP16")
    } else {
        "no operator computes in integers and the weights are 32-bit floats: FP32".to_owned()
    };
    (precision, sentence)
}

fn percent(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100 / u128::from(whole.max(1))) as u64
}

#[cfg(test)]
#[path = "precision_tests.rs"]
pub(super) mod tests;
