//! How modes, methods and types of numbers are called on the command line.

use crate::cli::start::UsageError;
use crate::quantize::{Activations, ChannelScales, JudgeBy, Method, Mode, Numbers, Weights};
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum ModeName {
    #[default]
    Static,
    Weights,
    Dynamic,
    Fp16,
    Int4,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Static => Self::Static,
            ModeName::Weights => Self::WeightsOnly,
            ModeName::Dynamic => Self::Dynamic,
            ModeName::Fp16 => Self::Half,
            ModeName::Int4 => Self::FourBits,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum MethodName {
    MinMax,
    Percentile,
    Entropy,
    #[default]
    Mse,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Self {
        match name {
            MethodName::MinMax => Self::MinMax,
            MethodName::Percentile => Self::Percentile,
            MethodName::Entropy => Self::Entropy,
            MethodName::Mse => Self::Mse,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ActivationsName {
    U8,
    S8,
    U16,
    S16,
}

impl From<ActivationsName> for Activations {
    fn from(name: ActivationsName) -> Self {
        match name {
            ActivationsName::U8 => Self::U8,
            ActivationsName::S8 => Self::S8,
            ActivationsName::U16 => Self::U16,
            ActivationsName::S16 => Self::S16,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum WeightsName {
    S8,
    U8,
    S7,
}

impl From<WeightsName> for Weights {
    fn from(name: WeightsName) -> Self {
        match name {
            WeightsName::S8 | WeightsName::S7 => Self::S8,
            WeightsName::U8 => Self::U8,
        }
    }
}

impl WeightsName {
    /// The largest code; products of unsigned weights do not overflow.
    pub fn limit(self) -> Option<i8> {
        Some(if matches!(self, Self::S7) { 63 } else { 127 })
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum ScalesName {
    #[default]
    Auto,
    On,
    Off,
}

impl From<ScalesName> for ChannelScales {
    fn from(name: ScalesName) -> Self {
        match name {
            ScalesName::Auto => Self::Auto,
            ScalesName::On => Self::On,
            ScalesName::Off => Self::Off,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum WayName {
    Accelerated,
    Plain,
}

/// The way of running models that is judged by; who wants no acceleration judges without it.
pub(super) fn judge_by(way: Option<WayName>, no_accelerate: bool) -> anyhow::Result<JudgeBy> {
    match (way, no_accelerate) {
        (Some(WayName::Accelerated), true) => {
            Err(UsageError::because("--judge-by accelerated and --no-accelerate exclude each other; leave one out"))
        }
        (Some(WayName::Accelerated), false) | (None, false) => Ok(JudgeBy::Accelerated),
        (Some(WayName::Plain), _) | (None, true) => Ok(JudgeBy::Plain),
    }
}

/// The types that were asked for.
pub(super) fn numbers(activations: Option<ActivationsName>, weights: Option<WeightsName>) -> Numbers {
    Numbers {
        activations: activations.map(Activations::from).unwrap_or_default(),
        weights: weights.map(Weights::from).unwrap_or_default(),
    }
}

/// Types are for modes that write them, and a recipe says its own.
pub(super) fn check(
    mode: Mode,
    activations: Option<ActivationsName>,
    weights: Option<WeightsName>,
    by_recipe: bool,
) -> anyhow::Result<()> {
    let reason = match (mode, activations, weights) {
        (_, None, None) => return Ok(()),
        _ if by_recipe => "a recipe says the types itself: leave --activations and --weights out",
        (Mode::Static, ..) => return Ok(()),
        (Mode::Dynamic, None, _) => return Ok(()),
        _ => "--activations is for --mode static, --weights for --mode static and dynamic; leave them out here",
    };
    Err(UsageError::because(reason))
}
