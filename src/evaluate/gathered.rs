//! What the lanes have found so far, and the evaluation that it makes.

use super::compare::{Found, compared, differences};
use super::lane::{LoadedModel, Looked};
use super::{
    CountedProblem, DatasetFacts, Evaluation, EvaluationPlan, EvaluationSettings, ModelEvaluation, ModelToEvaluate,
    Quantiles, Versions,
};
use crate::dataset::{
    ClassMatch, Dataset, DatasetClass, LabelledPicture, Problem, ProblemKind, count_problems, match_classes,
};
use crate::inference::{Detection, ModelInfo, Thresholds};
use crate::metrics::{JudgedPicture, ScoredBox, accuracy, percentile};
use crate::runtime::MachineInfo;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lowest score that counts for AP, as COCO's evaluations of detectors have it.
pub(super) const SCORE_FLOOR: f32 = 0.001;
/// Boxes of one class that count on a picture, COCO's number.
pub(super) const BOXES_A_CLASS: usize = 100;
/// Sentences told of each kind of problem.
const EXAMPLES: usize = 5;
/// Class names in a message.
const NAMES_SHOWN: usize = 5;

/// What was found so far.
pub(super) struct Gathered {
    /// Threads inside one operator.
    pub threads: usize,
    /// Pictures beside each other.
    pub lanes: usize,
    /// Time from the first picture on.
    pub seconds: f64,
    plan: EvaluationPlan,
    dataset: Dataset,
    unreadable: Vec<bool>,
    models: Vec<GatheredModel>,
    begun: u64,
    machine: MachineInfo,
}

/// What was found by one model.
pub(super) struct GatheredModel {
    what: ModelToEvaluate,
    /// What is known of it, once it is loaded.
    pub loaded: Option<LoadedModel>,
    /// Which of its classes is which of the dataset.
    pub classes: ClassMatch,
    /// A place a picture of the dataset.
    pub pictures: Vec<Option<FoundOnPicture>>,
    done: usize,
    times_ms: Vec<f32>,
    error: Option<String>,
}

/// What a model found on a picture.
pub(super) struct FoundOnPicture {
    /// Everything that counts for AP, in the dataset's classes.
    pub scored: Vec<ScoredBox>,
    /// What is above the confidence threshold, in the model's classes.
    pub shown: Vec<Detection>,
}

impl GatheredModel {
    fn new(what: &ModelToEvaluate, pictures: usize) -> Self {
        Self {
            what: what.clone(),
            loaded: None,
            classes: ClassMatch::default(),
            pictures: (0..pictures).map(|_| None).collect(),
            done: 0,
            times_ms: Vec::new(),
            error: None,
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.what.path
    }

    /// What is known of it, once it is loaded.
    pub fn info(&self) -> Option<&Arc<ModelInfo>> {
        self.loaded.as_ref().map(|loaded| &loaded.info)
    }

    /// Which of the dataset's classes it knows.
    pub fn known(&self, classes: usize) -> Vec<bool> {
        (0..classes).map(|class| !self.classes.unmatched_dataset.contains(&class)).collect()
    }

    fn is_left(&self) -> bool {
        self.error.is_none()
    }
}

impl Gathered {
    /// Nothing yet.
    pub fn new(plan: &EvaluationPlan, mut dataset: Dataset) -> Self {
        dataset.pictures.truncate(plan.limit.unwrap_or(usize::MAX));
        let count = dataset.pictures.len();
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            threads: 1,
            lanes: 1,
            seconds: 0.0,
            unreadable: vec![false; count],
            models: plan.models.iter().map(|what| GatheredModel::new(what, count)).collect(),
            plan: plan.clone(),
            dataset,
            begun,
            machine: MachineInfo::read(),
        }
    }

    /// Confidence for everything that counts, and the IoU asked for.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds { confidence: SCORE_FLOOR.min(self.plan.thresholds.confidence), ..self.plan.thresholds }
    }

    /// The labelled pictures.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The models in the order asked for.
    pub fn models(&self) -> &[GatheredModel] {
        &self.models
    }

    /// Sizes of the models loaded so far, in bytes.
    pub fn bytes_of_models(&self) -> impl Iterator<Item = u64> {
        self.models.iter().filter(|model| model.is_left()).filter_map(|model| Some(model.info()?.bytes))
    }

    /// Number of models that have not failed.
    pub fn models_left(&self) -> usize {
        self.models.iter().filter(|model| model.is_left()).count()
    }

    /// Number of pictures to do.
    pub fn pictures(&self) -> usize {
        self.dataset.pictures.len()
    }

    /// Pictures done by each model, unreadable ones among them.
    pub fn done(&self) -> Vec<usize> {
        let unreadable = self.unreadable.iter().filter(|unreadable| **unreadable).count();
        self.models.iter().map(|model| model.done + unreadable).collect()
    }

    /// Pictures that all models that are left have done.
    pub fn slowest(&self) -> usize {
        let left = self.models.iter().zip(self.done()).filter(|(model, _)| model.is_left());
        left.map(|(_, done)| done).min().unwrap_or(0)
    }

    /// Whether there is no result at all.
    pub fn is_empty(&self) -> bool {
        self.models.iter().all(|model| model.done == 0)
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.models_left() == 0 || self.slowest() >= self.pictures()
    }

    /// A model is loaded. An error says why it cannot be evaluated.
    pub fn take_model(&mut self, model: usize, loaded: LoadedModel) -> Result<(), String> {
        let labels = &loaded.info.card.labels;
        if self.dataset.form.is_none() && self.dataset.classes.is_empty() {
            // Pictures without labels know no classes: they are those of the reference.
            let classes = labels.iter().zip(0..).map(|(name, id)| DatasetClass { name: name.clone(), id });
            self.dataset.classes = classes.collect();
        }
        let classes = match_classes(&self.dataset.classes, labels);
        let matched = classes.matched(self.dataset.classes.len());
        let message = (matched == 0).then(|| {
            let names = self.dataset.classes.iter().map(|class| class.name.as_str());
            format!(
                "{}: none of its classes ({}) is one of the dataset's ({}). Name its classes with --labels, or take \
                 another dataset",
                loaded.info.path.display(),
                some_of(labels.iter().map(String::as_str)),
                some_of(names)
            )
        });
        let place = &mut self.models[model];
        (place.classes, place.loaded) = (classes, Some(loaded));
        message.map_or(Ok(()), Err)
    }

    /// A model failed; false if that is known already.
    pub fn take_failure(&mut self, model: usize, message: &str) -> bool {
        let place = &mut self.models[model].error;
        let is_new = place.is_none();
        place.get_or_insert_with(|| message.to_owned());
        is_new
    }

    /// A picture has no pixels.
    pub fn take_unreadable(&mut self, picture: usize, reason: String) {
        self.unreadable[picture] = true;
        self.dataset.problems.push(Problem { kind: ProblemKind::MissingPicture, text: reason });
    }

    /// A model has looked at a picture; `looked` is ordered by falling score.
    pub fn take_looked(&mut self, picture: usize, model: usize, looked: &Looked) {
        let confidence = self.plan.thresholds.confidence;
        let mut counts = vec![0usize; self.dataset.classes.len()];
        let place = &mut self.models[model];
        let scored = looked.detections.iter().filter_map(|detection| {
            let class = place.classes.dataset_from_model.get(detection.class_id as usize).copied().flatten()?;
            counts[class] += 1;
            let rect = detection.rect;
            let bbox = [rect.x1, rect.y1, rect.x2 - rect.x1, rect.y2 - rect.y1].map(f64::from);
            let is_enough = counts[class] > BOXES_A_CLASS || detection.score < SCORE_FLOOR;
            (!is_enough).then_some(ScoredBox { class, score: f64::from(detection.score), bbox })
        });
        let found = FoundOnPicture { scored: scored.collect(), shown: shown(&looked.detections, confidence) };
        place.done += usize::from(place.pictures[picture].is_none());
        place.pictures[picture] = Some(found);
        place.times_ms.push(looked.time.as_secs_f32() * 1e3);
    }

    /// What is said of the dataset so far.
    pub fn facts(&self) -> DatasetFacts {
        let looked_at = |index: usize| self.models.iter().any(|model| model.pictures[index].is_some());
        let begun = !self.is_empty();
        let pictures = self.dataset.pictures.iter().enumerate();
        let counted: Vec<&LabelledPicture> = pictures
            .filter(|(index, _)| if begun { looked_at(*index) } else { !self.unreadable[*index] })
            .map(|(_, picture)| picture)
            .collect();
        let problems = count_problems(&self.dataset.problems, EXAMPLES).into_iter();
        DatasetFacts {
            path: self.plan.pictures.name(&self.dataset.path),
            labelled: self.dataset.form.is_some(),
            images: counted.len(),
            boxes: counted.iter().map(|picture| picture.boxes.len()).sum(),
            classes: self.dataset.classes.len(),
            problems: problems.map(|p| CountedProblem { kind: p.kind, count: p.count, examples: p.examples }).collect(),
        }
    }

    /// The evaluation so far; `with_intervals` those that take time, too.
    pub fn evaluation(&self, with_intervals: bool) -> Evaluation {
        let models: Vec<ModelEvaluation> = self.models.iter().map(|model| self.model_evaluation(model)).collect();
        let found: Vec<Found<'_>> = self.models.iter().map(Found::of).collect();
        let candidates = (1..found.len()).filter(|index| found[0].looked_beside(&found[*index]));
        let agreement = candidates.map(|candidate| {
            let confidence = self.plan.thresholds.confidence;
            let aps = [0, candidate].map(|model| models[model].coco.ap);
            compared(&self.dataset, [&found[0], &found[candidate]], candidate, confidence, aps, with_intervals)
        });
        Evaluation {
            begun: self.begun,
            machine: self.machine.clone(),
            versions: Versions::of_this_run(),
            settings: EvaluationSettings {
                confidence: self.plan.thresholds.confidence,
                iou: self.plan.thresholds.iou,
                score_floor: SCORE_FLOOR,
                boxes_a_picture: BOXES_A_CLASS,
                threads: self.threads,
                lanes: self.lanes,
                limit: self.plan.limit,
                command: self.plan.command(),
            },
            dataset: self.facts(),
            agreement: agreement.collect(),
            differences: differences(&self.dataset, &found),
            models,
            complete: self.done().iter().all(|done| *done >= self.pictures()),
            seconds: self.seconds,
        }
    }

    fn model_evaluation(&self, model: &GatheredModel) -> ModelEvaluation {
        let classes = &self.dataset.classes;
        let judged: Vec<JudgedPicture<'_>> = (self.dataset.pictures.iter().zip(&model.pictures))
            .filter_map(|(truth, found)| Some(JudgedPicture { truth, detections: &found.as_ref()?.scored }))
            .collect();
        let report = (!judged.is_empty()).then(|| accuracy(classes, &model.known(classes.len()), &judged));
        let info = model.info();
        let label = |index: &usize| info.and_then(|info| info.card.labels.get(*index)).cloned();
        let mut times = model.times_ms.clone();
        times.sort_by(f32::total_cmp);
        let busy_seconds: f64 = times.iter().map(|ms| f64::from(*ms) / 1e3).sum();
        ModelEvaluation {
            path: model.what.path.clone(),
            precision: info.map_or_else(String::new, |info| info.precision.to_string().to_lowercase()),
            numbers: info.map_or_else(String::new, |info| info.numbers()),
            bytes: info.map_or(0, |info| info.bytes),
            sha256: model.loaded.as_ref().map_or_else(String::new, |loaded| loaded.sha256.clone()),
            threads: self.threads,
            acceleration: info.map_or_else(Default::default, |info| info.acceleration.clone()),
            pictures: model.done,
            coco: report.as_ref().map(|report| report.coco).unwrap_or_default(),
            accuracy: report,
            latency_ms: Quantiles {
                p50: percentile(&times, 0.50),
                p95: percentile(&times, 0.95),
                p99: percentile(&times, 0.99),
            },
            pictures_per_second: if busy_seconds > 0.0 {
                times.len() as f64 * self.lanes as f64 / busy_seconds
            } else {
                0.0
            },
            unmatched_dataset_classes: names_at(&model.classes.unmatched_dataset, |class| {
                classes.get(*class).map(|class| class.name.clone())
            }),
            unmatched_model_classes: names_at(&model.classes.unmatched_model, label),
            warnings: model.loaded.as_ref().map_or_else(Vec::new, |loaded| loaded.warnings.clone()),
            error: model.error.clone(),
        }
    }
}

/// What is above a confidence; of the classes of one box the best alone, as the live view has it.
fn shown(detections: &[Detection], confidence: f32) -> Vec<Detection> {
    let mut shown: Vec<Detection> = Vec::new();
    for detection in detections.iter().take_while(|detection| detection.score >= confidence) {
        if !shown.iter().any(|better| better.rect == detection.rect) {
            shown.push(*detection);
        }
    }
    shown
}

fn names_at(indices: &[usize], name: impl Fn(&usize) -> Option<String>) -> Vec<String> {
    indices.iter().filter_map(name).collect()
}

/// The first of some names.
fn some_of<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let first: Vec<&str> = names.by_ref().take(NAMES_SHOWN).collect();
    if names.next().is_some() { format!("{} …", first.join(", ")) } else { first.join(", ") }
}
