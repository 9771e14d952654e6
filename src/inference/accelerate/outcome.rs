//! What became of the wish for a faster session.

use crate::inference::Entrance;
use serde::{Deserialize, Serialize};

/// What became of the wish for a faster session.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Acceleration {
    /// It was not wished for.
    #[default]
    Off,
    /// Nothing in the model can be folded or left out.
    NothingToDo,
    /// The session is accelerated, and its outputs are those of the plain one.
    Done {
        /// Functions of a byte that became a look-up.
        look_ups: usize,
        /// Convolutions of bytes that are computed by this program, with what follows them.
        convolutions: usize,
        /// Nodes that these took the place of.
        nodes: usize,
        /// Conversions between bytes and floats (`QuantizeLinear`, `DequantizeLinear`) that are left.
        conversions: usize,
        /// How bytes are looked up on this processor, such as `avx512`.
        kernel: &'static str,
        /// How the picture goes in.
        picture: PictureForm,
        /// Time of the plain session over that of this one, on the checks.
        gain: f32,
        /// What that was expected to be, from the passes over bytes that are spared; None where none are.
        predicted: Option<f32>,
    },
    /// The plain session stays.
    Declined {
        /// Why, as a sentence without its full stop.
        reason: String,
    },
}

/// How the picture goes into a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureForm {
    /// As the file has it.
    AsInFile,
    /// In floats, in another order, which spares the graph to move them about.
    LaidOut,
    /// In bytes, which spares the graph to quantize it, and to move it about.
    Bytes,
}

impl PictureForm {
    pub(super) fn of(entrance: Option<&Entrance>) -> Self {
        match entrance.map(|entrance| entrance.quantization) {
            None => Self::AsInFile,
            Some(None) => Self::LaidOut,
            Some(Some(_)) => Self::Bytes,
        }
    }

    fn in_words(self) -> Option<&'static str> {
        match self {
            Self::AsInFile => None,
            Self::LaidOut => Some("the picture laid out as it is wanted"),
            Self::Bytes => Some("the picture given as bytes"),
        }
    }
}

impl Acceleration {
    /// Whether the session is an accelerated one.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// In a word or two, such as `57, 1.50×`.
    pub fn in_short(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::NothingToDo => "none".to_owned(),
            Self::Done { look_ups: 0, gain, .. } => format!("{gain:.2}×"),
            Self::Done { look_ups, gain, .. } => format!("{look_ups}, {gain:.2}×"),
            Self::Declined { .. } => "declined".to_owned(),
        }
    }

    /// In words, such as `57 look-ups folded (avx2), the picture given as bytes, 7 conversions left; outputs equal, 1.50
    /// times as fast (1.45 predicted)`; None where there is nothing to say.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Off => Some("off".to_owned()),
            Self::NothingToDo => None,
            Self::Done { look_ups, convolutions, conversions, gain, predicted, kernel, picture, .. } => {
                let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
                let folded = (*look_ups > 0).then(|| format!("{} folded ({kernel})", many(*look_ups, "look-up")));
                let own =
                    (*convolutions > 0).then(|| format!("{} by its own kernels", many(*convolutions, "convolution")));
                let picture = picture.in_words().map(str::to_owned);
                let left = (*conversions > 0).then(|| format!("{} left", many(*conversions, "conversion")));
                let done: Vec<String> = [folded, own, picture, left].into_iter().flatten().collect();
                let predicted = predicted.map_or_else(String::new, |gain| format!(" ({gain:.2} predicted)"));
                Some(format!("{}; outputs equal, {gain:.2} times as fast{predicted}", done.join(", ")))
            }
            Self::Declined { reason } => Some(format!("no: {reason}")),
        }
    }

    /// What became of the wish for several models, by name, such as `a.onnx: 57 look-ups folded …; b.onnx: no: …`; None
    /// where there is nothing to say of any.
    pub fn of_all<'a>(models: impl IntoIterator<Item = (String, &'a Self)>) -> Option<String> {
        let models: Vec<_> = models.into_iter().collect();
        // It is switched off for all of them.
        if !models.is_empty() && models.iter().all(|(_, acceleration)| **acceleration == Self::Off) {
            return Self::Off.in_words();
        }
        let mut told: Vec<String> =
            models.into_iter().filter_map(|(name, it)| Some(format!("{name}: {}", it.in_words()?))).collect();
        told.dedup();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_in_words() {
        let done = Acceleration::Done {
            look_ups: 57,
            convolutions: 0,
            nodes: 114,
            conversions: 1,
            kernel: "avx2",
            picture: PictureForm::AsInFile,
            gain: 1.5,
            predicted: Some(1.45),
        };
        assert_eq!(
            done.in_words().unwrap(),
            "57 look-ups folded (avx2), 1 conversion left; outputs equal, 1.50 times as fast (1.45 predicted)"
        );
        assert_eq!(done.in_short(), "57, 1.50×");
        let with = |look_ups, conversions, picture| {
            let done = Acceleration::Done {
                look_ups,
                convolutions: 2 * look_ups.saturating_sub(1),
                nodes: 9,
                conversions,
                kernel: "avx2",
                picture,
                gain: 1.04,
                predicted: None,
            };
            (done.in_short(), done.in_words().unwrap())
        };
        let (short, words) = with(1, 0, PictureForm::Bytes);
        assert_eq!(short, "1, 1.04×");
        assert_eq!(words, "1 look-up folded (avx2), the picture given as bytes; outputs equal, 1.04 times as fast");
        let (short, words) = with(0, 0, PictureForm::LaidOut);
        assert_eq!(
            (short.as_str(), words.as_str()),
            ("1.04×", "the picture laid out as it is wanted; outputs equal, 1.04 times as fast")
        );
        let declined = Acceleration::Declined { reason: super::super::Declined::Differs.to_string() };
        assert_eq!(declined.in_words().unwrap(), "no: its outputs would differ from those of ONNX Runtime alone");
        assert_eq!(Acceleration::NothingToDo.in_words(), None);
        assert_eq!(serde_json::to_value(&done).unwrap()["state"], "done");
        let of_all = |models: &[(&str, &Acceleration)]| {
            Acceleration::of_all(models.iter().map(|(name, it)| ((*name).to_owned(), *it)))
        };
        assert_eq!(of_all(&[("a", &Acceleration::Off), ("b", &Acceleration::Off)]).unwrap(), "off");
        assert_eq!(of_all(&[("a", &Acceleration::NothingToDo)]), None);
        let told = of_all(&[("a", &Acceleration::NothingToDo), ("b", &done), ("c", &declined)]).unwrap();
        assert!(told.starts_with("b: 57 look-ups") && told.contains("; c: no: its outputs"), "{told}");
    }
}
