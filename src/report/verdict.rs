//! What the figures come to, in words: a finding a candidate, each with the noise that it has to be seen against.

use super::Report;
use super::speed::{self, Speed};
use super::words::{self, NONE};
use crate::benchmark::Benchmark;
use crate::evaluate::{ComparedWithReference, Evaluation, ModelEvaluation};

/// Ratios nearer to one than this are called equal.
const EQUAL_WITHIN: f64 = 0.02;

/// Differences of AP below this are those of rounding.
const ROUNDING: f64 = 1e-3;

/// What was found of one candidate, or of a model alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Index of the model in the evaluation, or of the setting in a benchmark without one.
    pub model: usize,
    /// A sentence: "INT8 (QDQ) keeps 99.8 % of the AP, needs 0.47 of the latency and is 3.6× smaller."
    pub headline: String,
    /// How it is to be taken.
    pub tone: Tone,
    /// Sentences with the intervals, and with what is not known.
    pub details: Vec<String>,
    /// The figures of the headline.
    pub figures: Vec<KeyFigure>,
}

/// A figure with what it is and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFigure {
    /// "AP kept".
    pub label: &'static str,
    /// "99.8 %".
    pub value: String,
    /// "[98.1 %, 101.2 %]".
    pub note: String,
}

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The interval of the difference holds zero: this many pictures or rounds cannot tell the two apart.
    WithinNoise,
    /// Worse than noise explains.
    Worse,
    /// Better than noise explains.
    Better,
    /// There is no interval to judge by.
    Open,
}

impl Tone {
    /// A few words for it; `thing` is what was compared.
    pub fn words(self, thing: Compared) -> &'static str {
        match (self, thing) {
            (Self::WithinNoise, Compared::Accuracy) => "AP within the noise",
            (Self::Worse, Compared::Accuracy) => "Measurable loss of AP",
            (Self::Better, Compared::Accuracy) => "Measurable gain of AP",
            (Self::Open, Compared::Accuracy) => "Noise of the AP unknown",
            (Self::WithinNoise, Compared::Speed) => "No measurable difference",
            (Self::Worse, Compared::Speed) => "Slower",
            (Self::Better, Compared::Speed) => "Faster",
            (Self::Open, Compared::Speed) => "Not compared",
        }
    }
}

/// What a tone speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Of an evaluation.
    Accuracy,
    /// Of a benchmark alone.
    Speed,
}

/// The findings of a report, a candidate each in the order of the models; that of the only model where there is one.
pub fn findings(report: &Report<'_>) -> Vec<Finding> {
    match (report.evaluation, report.benchmark) {
        (Some(evaluation), _) => of_evaluation(report, evaluation),
        (None, Some(benchmark)) => of_benchmark(benchmark),
        (None, None) => Vec::new(),
    }
}

/// What models are called in sentences: their numbers where those tell them apart, else their files.
pub fn spoken_names(evaluation: &Evaluation) -> Vec<String> {
    let numbers: Vec<&str> = evaluation.models.iter().map(|model| model.numbers.as_str()).collect();
    let distinct = numbers.iter().enumerate().all(|(i, name)| !name.is_empty() && !numbers[..i].contains(name));
    if distinct {
        return numbers.into_iter().map(str::to_owned).collect();
    }
    words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()))
}

fn of_evaluation(report: &Report<'_>, evaluation: &Evaluation) -> Vec<Finding> {
    let names = spoken_names(evaluation);
    let Some(reference) = evaluation.models.first() else { return Vec::new() };
    if evaluation.models.len() == 1 {
        return vec![alone(evaluation, reference, &names[0])];
    }
    let candidates = evaluation.models.iter().enumerate().skip(1);
    candidates
        .map(|(index, candidate)| {
            let pair = Pair {
                reference,
                candidate,
                names: [&names[0], &names[index]],
                speed: speed::of_pair(report, reference, candidate),
                comparison: evaluation.agreement.iter().find(|it| it.candidate == index && it.reference == 0),
                pictures: reference.pictures.min(candidate.pictures),
            };
            pair.finding(index)
        })
        .collect()
}

fn alone(evaluation: &Evaluation, model: &ModelEvaluation, name: &str) -> Finding {
    let pictures = words::counted(model.pictures, "picture", "pictures");
    let headline = match model.coco.ap {
        Some(ap) => format!("{name} reaches AP {} on {pictures}.", words::figure(Some(ap))),
        None => format!("{name} has no AP on {pictures}: there was no object to find."),
    };
    let mut details = Vec::new();
    if let Some(best) = model.accuracy.as_ref().and_then(|accuracy| accuracy.best) {
        details.push(format!(
            "At its best threshold, confidence {:.2}, it finds {} of the objects and {} of its boxes are right.",
            best.confidence,
            words::percent(best.recall),
            words::percent(best.precision),
        ));
    }
    details.extend(broken_off(model, name));
    let key = |label, value: String, note: String| KeyFigure { label, value, note };
    let figures = vec![
        key("AP", words::figure(model.coco.ap), format!("{} objects", evaluation.dataset.boxes)),
        key("AP50", words::figure(model.coco.ap50), "at IoU 0.5".to_owned()),
        key(
            "Latency",
            format!("{} ms", words::milliseconds(model.latency_ms.p50)),
            "median, in the evaluation".to_owned(),
        ),
        key("Size", words::bytes(model.bytes), String::new()),
    ];
    Finding { model: 0, headline, tone: Tone::Open, details, figures }
}

fn broken_off(model: &ModelEvaluation, name: &str) -> Option<String> {
    let error = model.error.as_ref()?;
    let pictures = words::counted(model.pictures, "picture", "pictures");
    Some(format!("{name} stopped early, after {pictures}: {error}"))
}

/// A candidate beside its reference.
struct Pair<'a> {
    reference: &'a ModelEvaluation,
    candidate: &'a ModelEvaluation,
    /// Of the reference and of the candidate.
    names: [&'a str; 2],
    speed: Option<Speed>,
    comparison: Option<&'a ComparedWithReference>,
    /// That both have seen.
    pictures: usize,
}

impl Pair<'_> {
    fn finding(&self, model: usize) -> Finding {
        let mut details: Vec<String> = [self.accuracy_sentence(), self.agreement_sentence(), self.latency_sentence()]
            .into_iter()
            .flatten()
            .collect();
        details.extend(broken_off(self.reference, self.names[0]));
        details.extend(broken_off(self.candidate, self.names[1]));
        Finding { model, headline: self.headline(), tone: self.tone(), details, figures: self.figures() }
    }

    /// Of the reference and of the candidate; none where they have not seen the same number of pictures.
    fn aps(&self) -> Option<(f64, f64)> {
        let comparable = self.reference.pictures == self.candidate.pictures;
        Some((self.reference.coco.ap?, self.candidate.coco.ap?)).filter(|_| comparable)
    }

    /// Share of the reference's AP that the candidate has.
    fn kept(&self) -> Option<f64> {
        let ((reference, _), difference) = (self.aps()?, self.difference()?);
        (reference > 0.0).then_some(1.0 + difference / reference)
    }

    /// Of AP, over the classes that both models know.
    fn difference(&self) -> Option<f64> {
        let (reference, candidate) = self.aps()?;
        Some(self.comparison.and_then(|it| it.ap_difference).unwrap_or(candidate - reference))
    }

    fn difference_interval(&self) -> Option<[f64; 2]> {
        self.aps()?;
        self.comparison?.ap_difference_interval.filter(|ends| ends.iter().all(|end| end.is_finite()))
    }

    fn tone(&self) -> Tone {
        match self.difference_interval() {
            Some([_, to]) if to < 0.0 => Tone::Worse,
            Some([from, _]) if from > 0.0 => Tone::Better,
            Some(_) => Tone::WithinNoise,
            None => Tone::Open,
        }
    }

    fn headline(&self) -> String {
        let mut clauses = Vec::new();
        match (self.kept(), self.aps()) {
            (Some(kept), _) => clauses.push(format!("keeps {} of the AP", words::percent(kept))),
            (None, Some((_, ap))) => clauses.push(format!("reaches AP {}", words::figure(Some(ap)))),
            (None, None) => clauses
                .extend(self.comparison.map(|it| format!("agrees on {} of the boxes", words::percent(it.figures.f1)))),
        }
        clauses.extend(self.speed.as_ref().map(|speed| format!("needs {:.2} of the latency", speed.ratio)));
        clauses.extend(size_words(self.reference.bytes, self.candidate.bytes).map(|size| format!("is {size}")));
        let sentence = match clauses.as_slice() {
            [] => "has no figures yet".to_owned(),
            [only] => only.clone(),
            [before @ .., last] => format!("{} and {last}", before.join(", ")),
        };
        format!("{} {sentence}.", self.names[1])
    }

    fn accuracy_sentence(&self) -> Option<String> {
        let (a, b) = (self.reference.pictures, self.candidate.pictures);
        if a != b {
            let seen = words::counted(b, "picture", "pictures");
            return Some(format!("It has seen {seen} and {} {a}: their AP cannot be compared.", self.names[0]));
        }
        let ((reference, candidate), difference) = (self.aps()?, self.difference()?);
        let pictures = words::counted(self.pictures, "picture", "pictures");
        let (aps, mut signed) = (
            format!("AP {} against {}", words::figure(Some(candidate)), words::figure(Some(reference))),
            words::signed(difference, 3),
        );
        if (difference - (candidate - reference)).abs() > ROUNDING {
            signed += " over the classes that both know";
        }
        let Some([from, to]) = self.difference_interval() else {
            let verdict = self.comparison.and_then(|it| it.ap_verdict.as_deref()).map_or_else(
                || {
                    format!(
                        "no interval was computed, so whether {pictures} suffice to tell that from chance is not known"
                    )
                },
                str::to_owned,
            );
            return Some(format!("{aps}, a difference of {signed}: {verdict}."));
        };
        let interval = words::signed_interval([from, to]);
        Some(match self.tone() {
            Tone::WithinNoise => format!(
                "{aps}: the difference of {signed} {interval} is within the noise of {pictures}, which tell \
                 differences from about ±{:.3} up.",
                (to - from) / 2.0
            ),
            _ => format!("{aps}: the difference of {signed} {interval} is more than the noise of {pictures} explains."),
        })
    }

    fn agreement_sentence(&self) -> Option<String> {
        let comparison = self.comparison?;
        let (figures, details) = (&comparison.figures, &comparison.details);
        Some(format!(
            "Both find the same boxes with F1 {} {} at confidence {:.2}; boxes found by both overlap by IoU {:.2}, and \
             their scores change by {:.3}.",
            words::figure(Some(figures.f1)),
            words::interval(details.f1_interval, 3),
            details.confidence,
            figures.mean_iou,
            figures.mean_score_delta,
        ))
    }

    fn latency_sentence(&self) -> Option<String> {
        let speed = self.speed.as_ref()?;
        let medians = latency_words(speed);
        Some(match speed.benchmarked {
            true => format!("{medians}, measured in turn with the other models."),
            false => format!(
                "{medians}, measured during the evaluation, where models may run beside each other; a benchmark tells \
                 it fairly."
            ),
        })
    }

    fn figures(&self) -> Vec<KeyFigure> {
        let key = |label, value: String, note: String| KeyFigure { label, value, note };
        let mut figures = Vec::new();
        if let (Some(kept), Some((reference, candidate))) = (self.kept(), self.aps()) {
            let note = self.difference_interval().map_or_else(
                || format!("{} of {}", words::figure(Some(candidate)), words::figure(Some(reference))),
                |ends| {
                    let [from, to] = ends.map(|end| (1.0 + end / reference).max(0.0));
                    format!("[{}, {}]", words::percent(from), words::percent(to))
                },
            );
            figures.push(key("AP kept", words::percent(kept), note));
        }
        if let Some(speed) = &self.speed {
            let note = speed.interval.map_or_else(
                || if speed.benchmarked { "medians".to_owned() } else { "in the evaluation".to_owned() },
                |ends| words::interval(ends, 2),
            );
            figures.push(key("Latency", format!("{:.2}×", speed.ratio), note));
        }
        if let Some(comparison) = self.comparison {
            let note = words::interval(comparison.details.f1_interval, 3);
            figures.push(key("Agreement, F1", words::figure(Some(comparison.figures.f1)), note));
        }
        let (a, b) = (self.reference.bytes, self.candidate.bytes);
        let size = if a > 0 && b > 0 { format!("{:.2}×", b as f64 / a as f64) } else { NONE.to_owned() };
        figures.push(key("Size", size, format!("{} of {}", words::bytes(b), words::bytes(a))));
        figures
    }
}

fn latency_words(speed: &Speed) -> String {
    let interval = speed.interval.map_or_else(String::new, |ends| format!(" {}", words::interval(ends, 2)));
    format!(
        "Latency {} ms against {} ms, {:.2} of it{interval}",
        words::milliseconds(speed.candidate_ms),
        words::milliseconds(speed.reference_ms),
        speed.ratio,
    )
}

/// "3.6× smaller"; none where a size is not known.
fn size_words(a: u64, b: u64) -> Option<String> {
    ratio_words(a as f64 / b as f64, ["smaller", "larger", "of the same size"])
}

/// "1.8× faster" for 1.8, "1.2× slower" for 1 / 1.2, "as fast" where it is one within 2 %.
fn ratio_words(ratio: f64, [more, less, same]: [&str; 3]) -> Option<String> {
    if !(ratio > 0.0 && ratio.is_finite()) {
        return None;
    }
    let (factor, word) = if ratio >= 1.0 { (ratio, more) } else { (1.0 / ratio, less) };
    Some(match factor {
        factor if factor - 1.0 <= EQUAL_WITHIN => same.to_owned(),
        factor if factor < 1.1 => format!("{factor:.2}× {word}"),
        factor => format!("{factor:.1}× {word}"),
    })
}

fn of_benchmark(benchmark: &Benchmark) -> Vec<Finding> {
    let names = speed::entry_names(benchmark);
    let Some(first) = benchmark.models.first() else { return Vec::new() };
    let key = |label, value: String, note: String| KeyFigure { label, value, note };
    if benchmark.models.len() == 1 {
        let total = first.stages_ms.total;
        let p95 = format!("p95 {} ms", words::milliseconds(total.p95));
        let figures = vec![
            key("Latency", format!("{} ms", words::milliseconds(total.p50)), p95),
            key("Frames a second", words::number(Some(first.fps), 1), String::new()),
            key("Size", words::bytes(first.bytes), String::new()),
        ];
        let headline = format!("{} takes {} ms a frame.", names[0], words::milliseconds(total.p50));
        return vec![Finding { model: 0, headline, tone: Tone::Open, details: Vec::new(), figures }];
    }
    let others = benchmark.models.iter().enumerate().skip(1);
    others
        .map(|(index, entry)| {
            let speed = speed::of_entries(true, first, entry);
            let fast = ratio_words(1.0 / speed.ratio, ["faster than", "slower than", "as fast as"]);
            let headline = match fast {
                Some(fast) => format!("{} is {fast} {}.", names[index], names[0]),
                None => format!("{} could not be compared with {}.", names[index], names[0]),
            };
            let tone = match speed.interval.unwrap_or([f64::NAN; 2]) {
                [_, to] if to < 1.0 => Tone::Better,
                [from, _] if from > 1.0 => Tone::Worse,
                [from, to] if from <= 1.0 && to >= 1.0 => Tone::WithinNoise,
                _ => Tone::Open,
            };
            let details = vec![format!("{}, measured in turn.", latency_words(&speed))];
            let figures = vec![
                key("Latency", format!("{:.2}×", speed.ratio), words::interval(entry.latency_ratio_interval, 2)),
                key("Frames a second", words::number(Some(entry.fps), 1), format!("against {:.1}", first.fps)),
                key("Size", words::bytes(entry.bytes), format!("against {}", words::bytes(first.bytes))),
            ];
            Finding { model: index, headline, tone, details, figures }
        })
        .collect()
}
