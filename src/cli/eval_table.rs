//! What `quantscope eval` prints for people.

use crate::evaluate::{ComparedWithReference, Evaluation, ModelEvaluation};
use crate::inference::Acceleration;
use std::path::Path;

/// Class names in a line.
const NAMES_SHOWN: usize = 12;
/// Classes of which it is said how far they agree.
const CLASSES_SHOWN: usize = 4;

/// The whole evaluation as text.
pub(super) fn table(evaluation: &Evaluation) -> String {
    let mut lines = vec![evaluation.machine.to_string()];
    lines.extend(heading(evaluation));
    lines.push(String::new());
    let width = evaluation.models.iter().map(|model| name(&model.path).chars().count()).max().unwrap_or(0).max(5);
    lines.push(format!(
        "{:<width$} {:>14} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>15} {:>10}",
        "model",
        "numbers",
        "pictures",
        "AP",
        "AP50",
        "AP75",
        "small",
        "medium",
        "large",
        "AR100",
        "ms, p50 / p95",
        "pictures/s"
    ));
    lines.extend(evaluation.models.iter().map(|model| row(model, width)));
    lines.push(String::new());
    lines.extend(evaluation.models.iter().flat_map(notes));
    lines.extend(evaluation.agreement.iter().flat_map(|with| agreement(evaluation, with)));
    for problem in &evaluation.dataset.problems {
        let first = problem.examples.first().map_or_else(String::new, |first| format!(", as: {first}"));
        lines.push(format!("{} {}{first}", problem.count, problem.kind.words()));
    }
    let named = evaluation.models.iter().map(|model| (name(&model.path), &model.acceleration));
    lines.extend(Acceleration::of_all(named).map(|told| format!("acceleration: {told}")));
    lines.push("latencies are of pictures beside each other; `quantscope bench` measures them fairly".to_owned());
    lines.push(String::new());
    lines.join("\n")
}

fn heading(evaluation: &Evaluation) -> [String; 2] {
    let (dataset, settings) = (&evaluation.dataset, &evaluation.settings);
    [
        format!(
            "{}: {} pictures, {}, {} classes, in {:.1} s{}",
            dataset.path.display(),
            dataset.images,
            dataset.objects_in_words(),
            dataset.classes,
            evaluation.seconds,
            if evaluation.complete { "" } else { " (not complete)" }
        ),
        format!(
            "suppression at IoU {}, scores from {}, {} boxes a class and picture; agreement from confidence {}; {} x {} \
             threads",
            settings.iou,
            settings.score_floor,
            settings.boxes_a_picture,
            settings.confidence,
            settings.lanes,
            settings.threads
        ),
    ]
}

fn row(model: &ModelEvaluation, width: usize) -> String {
    let coco = &model.coco;
    let figures = [coco.ap, coco.ap50, coco.ap75, coco.ap_small, coco.ap_medium, coco.ap_large, coco.ar100];
    let cells: Vec<String> = figures.iter().map(|figure| format!("{:>6}", share(*figure))).collect();
    format!(
        "{:<width$} {:>14} {:>8} {} {:>15} {:>10.1}",
        name(&model.path),
        model.numbers,
        model.pictures,
        cells.join(" "),
        format!("{:.1} / {:.1}", model.latency_ms.p50, model.latency_ms.p95),
        model.pictures_per_second
    )
}

fn notes(model: &ModelEvaluation) -> Vec<String> {
    let name = name(&model.path);
    let mut notes = Vec::new();
    if let Some(best) = model.accuracy.as_ref().and_then(|accuracy| accuracy.best) {
        notes.push(format!(
            "{name}: best F1 {:.3} at confidence {:.2} (precision {:.3}, recall {:.3})",
            best.f1, best.confidence, best.precision, best.recall
        ));
    }
    for (whose, names) in [
        ("of the dataset that it does not know by name, left out of its figures", &model.unmatched_dataset_classes),
        ("of its own that the dataset does not have", &model.unmatched_model_classes),
    ] {
        if !names.is_empty() && model.error.is_none() {
            notes.push(format!("{name}: {} classes {whose}: {}", names.len(), some_of(names)));
        }
    }
    notes.extend(model.warnings.iter().map(|warning| format!("{name}: {warning}")));
    notes.extend(model.error.iter().map(|error| format!("{name} failed: {error}")));
    notes
}

fn agreement(evaluation: &Evaluation, with: &ComparedWithReference) -> Vec<String> {
    let model = |index: usize| evaluation.models.get(index).map_or_else(String::new, |model| name(&model.path));
    let [low, high] = with.details.f1_interval;
    let (figures, names) = (&with.figures, [model(with.candidate), model(with.reference)]);
    let mut lines = vec![format!(
        "{} against {}: agreement F1 {:.3} ({low:.3} … {high:.3}), precision {:.3}, recall {:.3}, mean IoU {:.3}, mean \
         score change {:.3}",
        names[0], names[1], figures.f1, figures.precision, figures.recall, figures.mean_iou, figures.mean_score_delta
    )];
    lines.extend(least_agreed(with).map(|classes| format!("{} against {}: {classes}", names[0], names[1])));
    if let Some(difference) = with.ap_difference {
        let interval = with.ap_difference_interval.map(|[low, high]| format!(" ({low:+.3} … {high:+.3})"));
        let verdict = with.ap_verdict.as_ref().map(|verdict| format!(": {verdict}"));
        let (interval, verdict) = (interval.unwrap_or_default(), verdict.unwrap_or_default());
        lines.push(format!("{} against {}: AP {difference:+.3}{interval}{verdict}", names[0], names[1]));
    }
    lines
}

/// The classes that agree least, of those that are on enough pictures to tell.
fn least_agreed(with: &ComparedWithReference) -> Option<String> {
    let known = with.details.classes.iter().filter_map(|class| Some((class, class.known_interval()?)));
    let mut classes: Vec<_> = known.filter(|(class, _)| class.figures.f1 < 1.0).collect();
    classes.sort_by(|(a, _), (b, _)| a.figures.f1.total_cmp(&b.figures.f1));
    let words = classes.iter().take(CLASSES_SHOWN).map(|(class, [low, high])| {
        format!("{} {:.3} ({low:.3} … {high:.3}, {} pictures)", class.name, class.figures.f1, class.pictures)
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| format!("classes that agree least: {}", words.join(", ")))
}

fn share(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.3}"))
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN { shown + " …" } else { shown }
}
