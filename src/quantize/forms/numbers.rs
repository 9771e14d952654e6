//! Which integers fixed scales are written with.

use crate::onnx::proto::DataType;
use crate::quantize::{Affine, Choice};
use serde::{Deserialize, Serialize};

/// What becomes of the numbers of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Weights and what is computed with them become integers, with fixed scales.
    #[default]
    Static,
    /// Weights only, and only as they are stored: a smaller file that computes as before.
    WeightsOnly,
    /// Layers work in integers whose scales are found anew in every run.
    Dynamic,
    /// Weights and computing before the tail in 16-bit floats.
    Half,
    /// Weights of products stored in 4 bits, those of convolutions in 8.
    FourBits,
}

impl Mode {
    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::WeightsOnly => "weights",
            Self::Dynamic => "dynamic",
            Self::Half => "fp16",
            Self::FourBits => "int4",
        }
    }

    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Static => "fixed scales",
            Self::WeightsOnly => "weights stored as integers",
            Self::Dynamic => "scales found in every run",
            Self::Half => "16-bit floats before the tail",
            Self::FourBits => "weights of products stored in 4 bits",
        }
    }

    /// Whether ranges have to be seen beforehand.
    pub const fn needs_ranges(self) -> bool {
        matches!(self, Self::Static)
    }

    /// What a file of it is called between the model's name and `.onnx`.
    pub(in crate::quantize) const fn ending(self) -> &'static str {
        match self {
            Self::Static | Self::WeightsOnly => "int8.onnx",
            Self::Dynamic => "dynamic.onnx",
            Self::Half => "fp16.onnx",
            Self::FourBits => "int4.onnx",
        }
    }

    /// The choice that makes a model of this form, where there is but one.
    pub(in crate::quantize) fn choice(self) -> Choice {
        let weights_only = matches!(self, Self::WeightsOnly | Self::FourBits);
        Choice { weights_only, form: self, ..Choice::default() }
    }
}

/// Types of what goes from layer to layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activations {
    /// Unsigned 8 bits, the fastest on x86 processors.
    #[default]
    U8,
    /// Signed 8 bits.
    S8,
    /// Unsigned 16 bits; ONNX Runtime has no convolutions of them and computes in floats in between.
    U16,
    /// Signed 16 bits; as unsigned ones.
    S16,
}

/// Types of weights; a scale a channel, symmetric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Signed 8 bits.
    #[default]
    S8,
    /// Unsigned 8 bits around 128.
    U8,
}

/// Types of what fixed scales are written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Numbers {
    /// What goes from layer to layer.
    pub activations: Activations,
    /// Weights.
    pub weights: Weights,
}

impl Numbers {
    /// In the usual short form: `u8s8`.
    pub fn name(self) -> &'static str {
        match (self.activations, self.weights) {
            (Activations::U8, Weights::S8) => "u8s8",
            (Activations::U8, Weights::U8) => "u8u8",
            (Activations::S8, Weights::S8) => "s8s8",
            (Activations::S8, Weights::U8) => "s8u8",
            (Activations::U16, Weights::S8) => "u16s8",
            (Activations::U16, Weights::U8) => "u16u8",
            (Activations::S16, Weights::S8) => "s16s8",
            (Activations::S16, Weights::U8) => "s16u8",
        }
    }
}

impl Activations {
    /// Whether they take 16 bits.
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::U16 | Self::S16)
    }

    /// The scale and the code of 0, with its type, that stand for codes of 8 unsigned bits; 16 bits divide the same range
    /// into finer steps.
    pub(in crate::quantize) fn written(self, affine: Affine) -> (f32, DataType, Vec<u8>) {
        let fine = || {
            let (low, reach) = (-f32::from(affine.zero) * affine.scale, 255.0 * affine.scale);
            let scale = reach / f32::from(u16::MAX);
            (scale, (-low / scale).round_ties_even().clamp(0.0, f32::from(u16::MAX)) as u16)
        };
        match self {
            Self::U8 => (affine.scale, DataType::Uint8, vec![affine.zero]),
            // Less 128.
            Self::S8 => (affine.scale, DataType::Int8, vec![affine.zero ^ 0x80]),
            Self::U16 => {
                let (scale, zero) = fine();
                (scale, DataType::Uint16, zero.to_le_bytes().to_vec())
            }
            Self::S16 => {
                let (scale, zero) = fine();
                (scale, DataType::Int16, (zero ^ 0x8000).to_le_bytes().to_vec())
            }
        }
    }
}

impl Weights {
    /// The type, the byte of 0, and what turns bytes of signed codes into theirs.
    pub(in crate::quantize) const fn written(self) -> (DataType, u8) {
        match self {
            Self::S8 => (DataType::Int8, 0),
            Self::U8 => (DataType::Uint8, 0x80),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_for_the_same_range() {
        let affine = Affine { scale: 0.5, zero: 96 };
        assert_eq!(Activations::U8.written(affine), (0.5, DataType::Uint8, vec![96]));
        assert_eq!(Activations::S8.written(affine), (0.5, DataType::Int8, vec![(-32i8).cast_unsigned()]));
        let (scale, kind, zero) = Activations::U16.written(affine);
        let zero = u16::from_le_bytes([zero[0], zero[1]]);
        assert_eq!(kind, DataType::Uint16);
        // 96 codes of 0.5 below 0, 159 above.
        assert!((f32::from(zero) * scale - 48.0).abs() <= scale, "{zero} {scale}");
        assert!((f32::from(u16::MAX - zero) * scale - 79.5).abs() <= scale);
        let (signed_scale, kind, signed) = Activations::S16.written(affine);
        assert_eq!((signed_scale, kind), (scale, DataType::Int16));
        assert_eq!(i32::from(i16::from_le_bytes([signed[0], signed[1]])), i32::from(zero) - 32768);
    }
}
