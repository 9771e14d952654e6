//! What was decided, so that it can be done again: stored in the model that was made, and written as a TOML file.

use super::corrections::Corrections;
use super::forms::Numbers;
use super::plan::Choice;
use super::range::Method;
use super::times::JudgeBy;
use crate::inference::twin::{PARENT_BYTES, PARENT_SHA256, PARENT_WEIGHTS};
use crate::onnx::proto::{ModelProto, StringStringEntryProto};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Key of the model's metadata under which the recipe stands, as TOML.
pub const RECIPE_KEY: &str = "quantscope.recipe";

/// How a model was quantized. With the same pictures it gives the same model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// SHA-256 of the FP32 model, in hexadecimal.
    pub parent_sha256: String,
    /// How ranges were chosen.
    pub method: Method,
    /// Largest code of a weight: 127, or 63 for processors whose products of 8 bits overflow.
    pub weight_limit: i8,
    /// Pictures that the ranges were chosen by.
    pub pictures: usize,
    /// The way of running models whose time it was chosen by; none where that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_by: Option<JudgeBy>,
    /// Types of what fixed scales are written with.
    #[serde(default)]
    pub numbers: Numbers,
    /// What was done to weights and biases before.
    #[serde(default)]
    pub corrections: Corrections,
    /// Which layers stay in floats.
    pub choice: Choice,
}

impl Recipe {
    /// As a TOML file.
    pub fn to_toml(&self) -> String {
        // Every value of it can be written as TOML.
        toml::to_string(self).unwrap_or_default()
    }

    /// From a TOML file.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().lines().collect::<Vec<_>>().join(" "))
    }

    /// Writes it into a model's metadata.
    pub(super) fn store(&self, [parent_bytes, parent_weights]: [u64; 2], model: &mut ModelProto) {
        let pairs = [
            (PARENT_SHA256, self.parent_sha256.clone()),
            (PARENT_BYTES, parent_bytes.to_string()),
            (PARENT_WEIGHTS, parent_weights.to_string()),
            (RECIPE_KEY, self.to_toml()),
        ];
        model.metadata_props.retain(|pair| !pairs.iter().any(|(key, _)| pair.key == *key));
        model.metadata_props.extend(pairs.map(|(key, value)| StringStringEntryProto {
            key: key.to_owned(),
            value,
            ..Default::default()
        }));
    }

    /// The recipe that a model's metadata holds.
    pub fn of_metadata(metadata: &BTreeMap<String, String>) -> Option<Self> {
        Self::from_toml(metadata.get(RECIPE_KEY)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::Weights;

    #[test]
    fn a_recipe_comes_back_from_a_file_and_from_a_model() {
        let float_nodes = ["Conv_1".to_owned(), "päth/Conv".to_owned()].into();
        let choice = Choice { float_until_stride: 8, float_predictions: true, float_nodes, ..Choice::default() };
        let numbers = Numbers { weights: Weights::U8, ..Numbers::default() };
        let recipe = Recipe {
            parent_sha256: "ab".repeat(32),
            method: Method::Mse,
            weight_limit: 127,
            pictures: 96,
            judged_by: Some(JudgeBy::Accelerated),
            numbers,
            corrections: Corrections::USUAL,
            choice,
        };
        assert_eq!(Recipe::from_toml(&recipe.to_toml()), Ok(recipe.clone()));
        let mut model = ModelProto::default();
        recipe.store([7, 2], &mut model);
        recipe.store([7, 2], &mut model);
        assert_eq!(model.metadata_props.len(), 4);
        let metadata = model.metadata_props.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
        assert_eq!(Recipe::of_metadata(&metadata), Some(recipe));
        let error = Recipe::from_toml("method = \"guess\"").unwrap_err();
        assert!(error.contains("guess") && !error.contains('\n'), "{error}");
    }
}
