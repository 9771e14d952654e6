//! What a person chooses before an evaluation: pictures, models, thresholds.

use super::job::DatasetChoice;
use crate::app::settings::RECENT_DATASETS;
use crate::evaluate::{EVALUATION_IOU, EvaluationPlan, LabelledPictures, ModelToEvaluate};
use crate::imaging::ImageSize;
use crate::inference::{ModelOverrides, Thresholds};
use std::path::{Path, PathBuf};

/// Pictures of the scene that are rendered unless something else is asked for.
pub const SCENE_PICTURES: usize = 200;
/// Most pictures that can be asked for.
pub const MOST_PICTURES: usize = 100_000;
/// More models than this cannot be told apart on a chart.
pub const MOST_MODELS: usize = 8;
/// Pictures of the scene are as large as those that the default models were trained with.
const SCENE_SIZE: ImageSize = ImageSize { width: 320, height: 320 };
/// Of the scene's pictures; the default models were trained with others.
const SCENE_SEED: u64 = 1;

/// The choices.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The labelled pictures.
    pub dataset: DatasetChoice,
    /// Pictures of the scene to render.
    pub scene_pictures: usize,
    /// At most this many pictures of a data set; none: all.
    pub limit: Option<usize>,
    /// The models; the first one is the reference.
    pub models: Vec<ChosenModel>,
    /// Confidence of agreement and gallery, and overlap of the non-maximum suppression.
    pub thresholds: Thresholds,
    /// The models that were loaded when they were last taken over.
    taken: Vec<PathBuf>,
}

/// A model that was chosen.
#[derive(Clone, Debug)]
pub struct ChosenModel {
    /// Its file.
    pub path: PathBuf,
    /// Precision for people, where the model is loaded already.
    pub precision: Option<String>,
    /// What a person gave with it.
    pub overrides: ModelOverrides,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It runs in lane A, in lane B, or waits behind B.
    Loaded,
    /// It was added here.
    Added,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            dataset: DatasetChoice::Scene,
            scene_pictures: SCENE_PICTURES,
            limit: None,
            models: Vec::new(),
            thresholds: Thresholds { iou: EVALUATION_IOU, ..Thresholds::default() },
            taken: Vec::new(),
        }
    }
}

impl Setup {
    /// Takes the models that are loaded at the moment in place of those that were; what was added here stays. While
    /// the same models are loaded, order and removals of the person stay too.
    pub fn take_loaded(&mut self, loaded: Vec<ChosenModel>) {
        let taken: Vec<PathBuf> = loaded.iter().map(|model| model.path.clone()).collect();
        if std::mem::replace(&mut self.taken, taken) == self.taken {
            return;
        }
        let added = self.models.drain(..).filter(|model| model.origin == Origin::Added);
        let added: Vec<_> = added.collect();
        self.models = loaded;
        for model in added {
            self.add(model);
        }
    }

    /// Adds a model. False when it is there already or there are too many.
    pub fn add(&mut self, model: ChosenModel) -> bool {
        let fits = self.models.len() < MOST_MODELS && self.models.iter().all(|chosen| chosen.path != model.path);
        if fits {
            self.models.push(model);
        }
        fits
    }

    /// Takes a model out.
    pub fn remove(&mut self, index: usize) {
        if index < self.models.len() {
            self.models.remove(index);
        }
    }

    /// Makes a model the one that the others are compared with.
    pub fn make_reference(&mut self, index: usize) {
        if index < self.models.len() {
            let model = self.models.remove(index);
            self.models.insert(0, model);
        }
    }

    /// What keeps the evaluation from starting: a sentence.
    pub fn missing(&self) -> Option<&'static str> {
        self.models.is_empty().then_some("Add a model: there is none to evaluate.")
    }

    /// The choices as they are carried out; pictures of the scene go into `scene_folder`.
    pub fn plan(&self, scene_folder: &Path) -> EvaluationPlan {
        let pictures = match &self.dataset {
            DatasetChoice::Scene => {
                let folder = scene_folder.to_owned();
                LabelledPictures::Scene { folder, seed: SCENE_SEED, count: self.scene_pictures, size: SCENE_SIZE }
            }
            DatasetChoice::Path(path) => LabelledPictures::Files { path: path.clone(), images: None, split: None },
        };
        let model =
            |model: &ChosenModel| ModelToEvaluate { path: model.path.clone(), overrides: model.overrides.clone() };
        let limit = self.limit.filter(|_| self.dataset != DatasetChoice::Scene);
        let models = self.models.iter().map(model).collect();
        EvaluationPlan { thresholds: self.thresholds, limit, ..EvaluationPlan::new(pictures, models) }
    }
}

impl DatasetChoice {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Scene => "Demo scene".to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// Puts a data set to the front of those that are remembered.
pub fn remember(recent: &mut Vec<PathBuf>, path: &Path) {
    recent.retain(|other| other != path);
    recent.insert(0, path.to_owned());
    recent.truncate(RECENT_DATASETS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(path: &str, origin: Origin) -> ChosenModel {
        ChosenModel { path: path.into(), precision: None, overrides: ModelOverrides::default(), origin }
    }

    fn paths(setup: &Setup) -> Vec<&str> {
        setup.models.iter().map(|model| model.path.to_str().unwrap()).collect()
    }

    #[test]
    fn loaded_models_follow_the_lanes_and_added_ones_stay() {
        let mut setup = Setup::default();
        assert!(setup.missing().is_some());
        setup.take_loaded(vec![model("a", Origin::Loaded), model("b", Origin::Loaded)]);
        assert!(setup.add(model("c", Origin::Added)));
        assert!(!setup.add(model("a", Origin::Added)), "it is there already");
        setup.make_reference(2);
        assert_eq!(paths(&setup), ["c", "a", "b"]);
        setup.take_loaded(vec![model("a", Origin::Loaded), model("b", Origin::Loaded)]);
        assert_eq!(paths(&setup), ["c", "a", "b"], "nothing was loaded since");
        setup.take_loaded(vec![model("a", Origin::Loaded), model("c", Origin::Loaded)]);
        assert_eq!(paths(&setup), ["a", "c"], "b was closed; c is loaded now and is not there twice");
        setup.remove(7);
        setup.remove(0);
        assert_eq!(paths(&setup), ["c"]);
        assert_eq!(setup.missing(), None);
        for number in 0..20 {
            setup.add(model(&number.to_string(), Origin::Added));
        }
        assert_eq!(setup.models.len(), MOST_MODELS);
    }

    #[test]
    fn the_scene_has_a_number_of_pictures_and_a_data_set_a_limit() {
        let mut setup = Setup { limit: Some(7), scene_pictures: 50, ..Setup::default() };
        setup.add(model("a", Origin::Added));
        let folder = Path::new("/scene");
        let plan = setup.plan(folder);
        assert!(matches!(plan.pictures, LabelledPictures::Scene { count: 50, .. }), "{plan:?}");
        assert_eq!((plan.limit, plan.thresholds.iou, plan.models.len()), (None, EVALUATION_IOU, 1));
        setup.dataset = DatasetChoice::Path("/data/instances.json".into());
        let plan = setup.plan(folder);
        assert!(matches!(&plan.pictures, LabelledPictures::Files { path, .. } if path.ends_with("instances.json")));
        assert_eq!(plan.limit, Some(7));
    }

    #[test]
    fn the_last_data_sets_are_remembered_once_each() {
        let mut recent = Vec::new();
        for name in ["a", "b", "a", "c", "d", "e", "f", "g"] {
            remember(&mut recent, Path::new(name));
        }
        assert_eq!(recent, ["g", "f", "e", "d", "c", "a"].map(PathBuf::from));
    }
}
