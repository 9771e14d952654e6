//! What a person chooses before a model is quantized. All of it has a value from the start, so that one button does it.

use crate::app::settings::RECENT_DATASETS;
use crate::capture::SourceSpec;
use crate::inference::{LoadOptions, ModelInfo, ModelOverrides, Precision, SessionOptions, Thresholds};
use crate::quantize::{ChannelScales, Corrections, Gate, JudgeBy, Method, Mode, Numbers, Recipe, Request, Weights};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Most pictures that can be asked for.
pub const MOST_PICTURES: usize = 100_000;
/// Highest speed-up that can be asked for.
pub const MOST_SPEEDUP: f64 = 20.0;

/// What is remembered of the choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuantizeSettings {
    /// How ranges are chosen.
    pub method: Method,
    /// What becomes of the numbers.
    pub mode: Mode,
    /// Types that fixed scales are written with.
    pub numbers: Numbers,
    /// In which way of running models their time is judged.
    pub judge_by: JudgeBy,
    /// Whether channels get ranges of their own.
    pub channel_scales: ChannelScales,
    /// How many bits of a weight are used.
    pub weight_bits: WeightBits,
    /// Whether channels are brought to like ranges.
    pub equalize: bool,
    /// Whether the mean error of rounding is taken from the biases.
    pub correct_biases: bool,
    /// Whether the rounding of weights is learnt.
    pub learn_rounding: bool,
    /// Pictures at most.
    pub pictures: usize,
    /// Lowest agreement with the FP32 model, 0…1; 0: any.
    pub min_agreement: f64,
    /// Lowest speed over that of the FP32 model; 0: any.
    pub min_speedup: f64,
    /// By how much AP may fall, 0…1, where labels tell that; 1: by any.
    pub max_ap_drop: f64,
    /// What was calibrated with, the last one first.
    pub recent: Vec<PathBuf>,
}

impl Default for QuantizeSettings {
    fn default() -> Self {
        Self {
            method: Method::default(),
            mode: Mode::default(),
            numbers: Numbers::default(),
            judge_by: JudgeBy::default(),
            channel_scales: ChannelScales::default(),
            weight_bits: WeightBits::default(),
            equalize: Corrections::USUAL.equalize,
            correct_biases: Corrections::USUAL.bias,
            learn_rounding: Corrections::USUAL.rounding,
            pictures: 128,
            min_agreement: 0.8,
            min_speedup: 0.0,
            max_ap_drop: 1.0,
            recent: Vec::new(),
        }
    }
}

impl QuantizeSettings {
    /// The same with every value brought back into its range.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        let within = |value: f64, most: f64, default| if value.is_finite() { value.clamp(0.0, most) } else { default };
        self.pictures = self.pictures.clamp(1, MOST_PICTURES);
        self.min_agreement = within(self.min_agreement, 1.0, Self::default().min_agreement);
        self.min_speedup = within(self.min_speedup, MOST_SPEEDUP, 0.0);
        self.max_ap_drop = within(self.max_ap_drop, 1.0, 1.0);
        self.recent.truncate(RECENT_DATASETS);
        self
    }

    /// Types that are written: those that were chosen count for fixed scales.
    pub fn numbers(&self) -> Numbers {
        if self.mode == Mode::Static { self.numbers } else { Numbers::default() }
    }

    /// Largest code of a weight; none: as suits the processor. Products of unsigned weights do not overflow.
    pub fn weight_limit(&self) -> Option<i8> {
        if self.numbers().weights == Weights::U8 { Some(127) } else { self.weight_bits.limit() }
    }

    /// What is done to weights and biases before they are rounded.
    pub fn corrections(&self) -> Corrections {
        Corrections { equalize: self.equalize, bias: self.correct_biases, rounding: self.learn_rounding }
    }

    /// What the engine is asked for; thresholds and threads as the program has them.
    pub fn request(&self, model: &ChosenModel, gate: Gate, recipe: Option<Recipe>) -> Request {
        Request {
            model: model.path.clone(),
            load: LoadOptions { session: SessionOptions::default(), overrides: model.overrides.clone() },
            judged_threads: 1,
            judge_by: self.judge_by,
            channel_scales: self.channel_scales,
            thresholds: Thresholds::default(),
            mode: self.mode,
            numbers: self.numbers(),
            weight_limit: self.weight_limit(),
            method: self.method,
            corrections: self.corrections(),
            samples: self.pictures,
            classes: Vec::new(),
            gate,
            recipe,
        }
    }

    /// How many of the choices that are seldom needed are not as usual.
    pub fn unusual(&self) -> usize {
        let usual = Self::default();
        let changed = [
            self.mode == Mode::Static && self.channel_scales != usual.channel_scales,
            self.weighs_bits() && self.weight_bits != usual.weight_bits,
            self.mode == Mode::Static && self.equalize != usual.equalize,
            self.mode == Mode::Static && self.correct_biases != usual.correct_biases,
            self.rounds_weights() && self.learn_rounding != usual.learn_rounding,
        ];
        changed.into_iter().filter(|changed| *changed).count()
    }

    /// Whether how weights are rounded can be learnt.
    pub fn rounds_weights(&self) -> bool {
        matches!(self.mode, Mode::Static | Mode::WeightsOnly)
    }

    /// Whether the bits of a weight can be chosen.
    pub fn weighs_bits(&self) -> bool {
        matches!(self.mode, Mode::Static | Mode::Dynamic) && self.numbers().weights == Weights::S8
    }

    /// What must hold; of average precision only where the pictures are `labelled`.
    pub fn gate(&self, labelled: bool) -> Gate {
        let asked = |value: f64| Some(value).filter(|value| *value > 0.0);
        Gate {
            min_agreement: asked(self.min_agreement),
            min_speedup: asked(self.min_speedup),
            max_ap_drop: Some(self.max_ap_drop).filter(|most| labelled && *most < 1.0),
        }
    }
}

/// How many bits of a signed weight are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightBits {
    /// All, but 7 where sums of products of 8 bits overflow in this processor.
    #[default]
    AsSuits,
    /// All 8.
    Eight,
    /// 7.
    Seven,
}

impl WeightBits {
    /// All of them, in the order in which they are on offer.
    pub const ALL: [Self; 3] = [Self::AsSuits, Self::Eight, Self::Seven];

    fn limit(self) -> Option<i8> {
        match self {
            Self::AsSuits => None,
            Self::Eight => Some(127),
            Self::Seven => Some(63),
        }
    }
}

/// What is calibrated with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Calibration {
    /// What is on view: of a camera or a stream its next different frames, of anything else what lies there.
    #[default]
    OnView,
    /// A folder of pictures, a data set or a video.
    Path(PathBuf),
}

impl Calibration {
    /// Whether it is a data set, whose labels tell average precision.
    pub fn is_labelled(&self) -> bool {
        let is_set = |ending: &std::ffi::OsStr| ["json", "yaml", "yml"].iter().any(|known| ending == *known);
        matches!(self, Self::Path(path) if path.extension().is_some_and(is_set))
    }
}

/// A model that is to be quantized.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenModel {
    /// Its file.
    pub path: PathBuf,
    /// What a person gave with it.
    pub overrides: ModelOverrides,
    /// Its precision and size, where it is loaded.
    pub known: Option<(Precision, u64)>,
}

impl ChosenModel {
    /// One that is loaded.
    pub fn loaded(info: &ModelInfo) -> Self {
        let known = Some((info.precision, info.bytes));
        Self { path: info.path.clone(), overrides: info.given.clone(), known }
    }

    /// One that is not.
    pub fn file(path: PathBuf) -> Self {
        Self { path, overrides: ModelOverrides::default(), known: None }
    }
}

/// A file that is not there yet, for the twin of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The FP32 model.
    pub model: PathBuf,
    /// The form of the twin.
    pub mode: Mode,
    /// The file.
    pub output: PathBuf,
}

impl Proposed {
    fn is_of(&self, model: &Path, mode: Mode) -> bool {
        self.model == model && self.mode == mode
    }
}

/// The choices beside those that are remembered.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The FP32 model that a person chose; none: the one in lane A.
    pub picked: Option<ChosenModel>,
    /// The one in lane A, else the one in lane B that is FP32.
    pub loaded: Option<ChosenModel>,
    /// The pictures.
    pub calibration: Calibration,
    /// Decisions that are taken over instead of searched for, and the file that they stand in.
    pub recipe: Option<(PathBuf, Recipe)>,
    /// Where a person wants the new model.
    pub output: Option<PathBuf>,
    /// Where it goes otherwise.
    pub proposed: Option<Proposed>,
}

impl Setup {
    /// The form of the new model: as the recipe says, where there is one.
    pub fn form(&self, chosen: Mode) -> Mode {
        self.recipe.as_ref().map_or(chosen, |(_, recipe)| recipe.choice.form)
    }

    /// The model that is to be quantized.
    pub fn model(&self) -> Option<&ChosenModel> {
        self.picked.as_ref().or(self.loaded.as_ref())
    }

    /// Where a model of this form goes; none while that is being found out.
    pub fn output(&self, mode: Mode) -> Option<&Path> {
        let mode = self.form(mode);
        let of = |proposed: &&Proposed| self.model().is_some_and(|model| proposed.is_of(&model.path, mode));
        let proposed = || self.proposed.as_ref().filter(of).map(|proposed| proposed.output.as_path());
        self.output.as_deref().or_else(proposed)
    }

    /// The model for which it has to be found out where its twin goes.
    pub fn without_output(&self, mode: Mode) -> Option<&Path> {
        let model = self.model()?;
        self.output(mode).is_none().then_some(model.path.as_path())
    }

    /// What keeps it from being begun: a sentence that says what to do. `on_view` is what is watched.
    pub fn missing(&self, on_view: Option<&SourceSpec>) -> Option<String> {
        let Some(model) = self.model() else {
            return Some("There is no model: open one in A, or choose a file.".to_owned());
        };
        if let Some((precision, _)) = model.known.filter(|(precision, _)| *precision != Precision::Fp32) {
            let name = crate::app::format::file_name(&model.path);
            return Some(format!("{name} is {precision} already: choose the FP32 model that it was made from."));
        }
        if self.calibration == Calibration::OnView && on_view.is_none() {
            return Some("Nothing is on view: choose a folder of pictures, a data set or a video.".to_owned());
        }
        if self.output.as_ref().is_some_and(|output| *output == model.path) {
            return Some("The new model cannot take the place of the FP32 model: choose another file.".to_owned());
        }
        None
    }
}

/// A file's name with the ending that models have.
pub fn model_file(path: PathBuf) -> PathBuf {
    with_ending(path, "onnx")
}

/// A file's name with this ending, in whatever case it was typed.
pub fn with_ending(path: PathBuf, wanted: &str) -> PathBuf {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted)) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(wanted);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(path: &str, precision: Precision) -> ChosenModel {
        ChosenModel { known: Some((precision, 1)), ..ChosenModel::file(path.into()) }
    }

    #[test]
    fn what_is_missing_is_said_and_the_defaults_miss_nothing() {
        let demo = Some(&SourceSpec::Demo);
        let mut setup = Setup::default();
        assert!(setup.missing(demo).unwrap().contains("no model"));
        setup.loaded = Some(model("/m/a.int8.onnx", Precision::Int8));
        assert!(setup.missing(demo).unwrap().contains("a.int8.onnx is INT8 already"));
        setup.loaded = Some(model("/m/a.onnx", Precision::Fp32));
        assert_eq!(setup.missing(demo), None);
        assert!(setup.missing(None).unwrap().contains("Nothing is on view"));
        setup.calibration = Calibration::Path("/data".into());
        assert_eq!(setup.missing(None), None);
        setup.output = Some("/m/a.onnx".into());
        assert!(setup.missing(None).unwrap().contains("cannot take the place"));
    }

    #[test]
    fn where_the_twin_goes_belongs_to_one_model() {
        let mut setup = Setup { loaded: Some(model("/m/a.onnx", Precision::Fp32)), ..Setup::default() };
        let both = |setup: &Setup, mode| {
            let known = |path: Option<&Path>| path.map(Path::to_owned);
            (known(setup.output(mode)), known(setup.without_output(mode)))
        };
        let [a, b, twin, own] = ["/m/a.onnx", "/m/b.onnx", "/m/a.int8.onnx", "/m/own.onnx"].map(PathBuf::from);
        assert_eq!(both(&setup, Mode::Static), (None, Some(a.clone())));
        setup.proposed = Some(Proposed { model: a.clone(), mode: Mode::Static, output: twin.clone() });
        assert_eq!(both(&setup, Mode::Static), (Some(twin), None));
        assert_eq!(both(&setup, Mode::Half), (None, Some(a)), "another form has another name");
        setup.picked = Some(ChosenModel::file(b.clone()));
        assert_eq!(both(&setup, Mode::Static), (None, Some(b)));
        setup.output = Some(own.clone());
        assert_eq!(both(&setup, Mode::Half), (Some(own), None));
        assert_eq!(model_file("/m/own".into()), Path::new("/m/own.onnx"));
        assert_eq!(model_file("/m/own.ONNX".into()), Path::new("/m/own.ONNX"));
    }

    #[test]
    fn wishes_come_back_into_their_range_and_nought_asks_for_nothing() {
        let odd = QuantizeSettings { pictures: 0, min_agreement: f64::NAN, min_speedup: -3.0, ..Default::default() };
        let sane = odd.sanitized();
        assert_eq!((sane.pictures, sane.min_agreement, sane.min_speedup), (1, 0.8, 0.0));
        assert_eq!((sane.gate(true).min_agreement, sane.gate(true).min_speedup), (Some(0.8), None));
        let strict = QuantizeSettings { max_ap_drop: 0.01, ..sane.clone() };
        assert_eq!([true, false].map(|labelled| strict.gate(labelled).max_ap_drop), [Some(0.01), None]);
        let odd = QuantizeSettings { weight_bits: WeightBits::Seven, equalize: false, ..sane.clone() };
        assert_eq!((sane.unusual(), odd.unusual(), odd.weight_limit()), (0, 2, Some(63)));
        let unsigned = Numbers { weights: Weights::U8, ..Numbers::default() };
        let unsigned = QuantizeSettings { numbers: unsigned, ..odd };
        assert_eq!((unsigned.unusual(), unsigned.weight_limit()), (1, Some(127)), "unsigned ones have no choice");
        let dynamic = QuantizeSettings { mode: Mode::Dynamic, ..unsigned };
        assert_eq!((dynamic.numbers(), dynamic.weight_limit(), dynamic.unusual()), (Numbers::default(), Some(63), 1));
        let text = toml::to_string(&sane).unwrap();
        assert_eq!(toml::from_str::<QuantizeSettings>(&text).unwrap(), sane);
    }
}
