//! The table of layers: their order, and which of them a person wants in floats.

use crate::quantize::Layer;
use std::collections::BTreeSet;

/// Order of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that suffer most from integers first; those of which it is not known last.
    #[default]
    Sensitivity,
    /// Those with most weights first.
    Weights,
    /// As in the network.
    Network,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sensitivity, Self::Weights, Self::Network];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sensitivity => "Most sensitive first",
            Self::Weights => "Most weights first",
            Self::Network => "As in the network",
        }
    }

    /// Indices of the layers in this order.
    pub fn of(self, layers: &[Layer]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..layers.len()).collect();
        let sensitivity = |index: &usize| layers[*index].sensitivity.unwrap_or(f64::NEG_INFINITY);
        match self {
            Self::Sensitivity => order.sort_by(|one, other| sensitivity(other).total_cmp(&sensitivity(one))),
            Self::Weights => order.sort_by_key(|index| std::cmp::Reverse(layers[*index].weights)),
            Self::Network => {}
        }
        order
    }
}

/// Which layers are to stay in floats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floats {
    /// In the model that is shown.
    shown: BTreeSet<String>,
    /// As ticked.
    wanted: BTreeSet<String>,
}

impl Floats {
    /// Those of a model.
    pub fn of(shown: &BTreeSet<String>) -> Self {
        Self { shown: shown.clone(), wanted: shown.clone() }
    }

    /// Puts a layer into floats, or into integers.
    pub fn set(&mut self, layer: String, float: bool) {
        if float {
            self.wanted.insert(layer);
        } else {
            self.wanted.remove(&layer);
        }
    }

    /// Whether a layer is to stay in floats.
    pub fn has(&self, layer: &str) -> bool {
        self.wanted.contains(layer)
    }

    /// Whether that is another place than in the model that is shown.
    pub fn is_changed(&self, layer: &str) -> bool {
        self.shown.contains(layer) != self.wanted.contains(layer)
    }

    /// How many layers are in another place.
    pub fn changes(&self) -> usize {
        self.shown.symmetric_difference(&self.wanted).count()
    }

    /// As in the model that is shown.
    pub fn revert(&mut self) {
        self.wanted.clone_from(&self.shown);
    }

    /// Those that are to stay in floats.
    pub fn wanted(&self) -> &BTreeSet<String> {
        &self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::quantize::test_support::outcome;

    #[test]
    fn layers_are_sorted_and_those_that_were_not_looked_at_come_last() {
        let layers = outcome().layers;
        let names = |order: Order| -> Vec<String> {
            order.of(&layers).into_iter().map(|index| layers[index].name.clone()).collect()
        };
        assert_eq!(names(Order::Network), ["stem", "neck", "head"]);
        assert_eq!(names(Order::Sensitivity), ["neck", "stem", "head"]);
        assert_eq!(names(Order::Weights), ["head", "neck", "stem"]);
    }

    #[test]
    fn ticks_are_counted_against_the_model_that_is_shown() {
        let mut floats = Floats::of(&["stem".to_owned()].into());
        assert_eq!(floats.changes(), 0);
        floats.set("neck".to_owned(), true);
        floats.set("stem".to_owned(), false);
        assert!(floats.has("neck") && !floats.has("stem") && floats.is_changed("stem"));
        assert_eq!(floats.changes(), 2);
        floats.revert();
        assert_eq!((floats.changes(), floats.has("stem")), (0, true));
    }
}
