//! The summary: what it comes to in words, the tables, and what is to be known of the data set.

use super::parts::{card_ui, note_ui, sample_ui, scrolled_ui, text_ui};
use super::table::{Cell, Column, Table};
use crate::app::evaluate::words::{self, share, signed};
use crate::app::format;
use crate::app::theme::Colors;
use crate::evaluate::{ComparedWithReference, Evaluation, ModelEvaluation};
use crate::inference::Acceleration;
use crate::report::{Finding, Report, Tone, findings};
use eframe::egui::{CollapsingHeader, Color32, Frame, Label, Margin, RichText, Role, Ui, WidgetInfo};

const AP_TIP: &str = "COCO's average precision: mean over IoU 0.50 to 0.95 and over the classes";
const LATENCY_TIP: &str = "Median time a picture from preprocessing to the last box. Pictures were worked on beside each \
                           other here: `quantscope bench` measures fairly";
/// Wider lines are hard to read.
const WIDEST: f32 = 1400.0;
/// Names of classes that are written out.
const MOST_NAMES: usize = 12;

/// With more candidates than this the table comes before the words.
const FEW_CANDIDATES: usize = 2;

/// Draws the tab.
pub fn summary_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let findings = findings(&Report { evaluation: Some(evaluation), benchmark: None });
    scrolled_ui(ui, "evaluate summary", |ui| {
        ui.set_max_width(ui.available_width().min(WIDEST));
        if findings.len() > FEW_CANDIDATES {
            tables_ui(ui, evaluation);
            findings.iter().for_each(|finding| finding_ui(ui, finding));
        } else {
            findings.iter().for_each(|finding| finding_ui(ui, finding));
            tables_ui(ui, evaluation);
        }
        card_ui(ui, "Data set", |ui| dataset_ui(ui, evaluation));
    });
}

fn tables_ui(ui: &mut Ui, evaluation: &Evaluation) {
    for text in evaluation.models.iter().filter_map(|model| words::nothing_in_common(evaluation, model)) {
        failure_ui(ui, &text);
    }
    card_ui(ui, "Accuracy", |ui| {
        models_table_ui(ui, evaluation);
        note_ui(
            ui,
            "S, M, L: objects below 32², to 96² and above 96² pixels. Latency is that of this run, in which pictures \
             were worked on beside each other; a benchmark measures it fairly.",
        );
    });
    if !evaluation.agreement.is_empty() {
        card_ui(ui, "Agreement with the reference", |ui| agreement_table_ui(ui, evaluation));
    }
}

/// Draws what there is to say when no picture was evaluated.
pub fn nothing_ui(ui: &mut Ui, evaluation: &Evaluation) {
    for model in &evaluation.models {
        if let Some(error) = &model.error {
            failure_ui(ui, &format!("{}: {error}", format::file_name(&model.path)));
        }
    }
    card_ui(ui, "Data set", |ui| dataset_ui(ui, evaluation));
}

fn finding_ui(ui: &mut Ui, finding: &Finding) {
    let colors = Colors::of(ui);
    let (accent, word) = tone(&colors, finding.tone);
    let frame = Frame::new().fill(colors.card).stroke((1.0, accent)).corner_radius(8);
    frame.inner_margin(Margin::symmetric(12, 9)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            sample_ui(ui, finding.model);
            let label = ui.add(Label::new(RichText::new(&finding.headline).size(15.5).strong()).wrap());
            label.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Verdict: {}", finding.headline)));
        });
        if !word.is_empty() {
            ui.label(RichText::new(word).color(accent).strong());
        }
        for sentence in &finding.details {
            text_ui(ui, sentence, colors.text);
        }
    });
}

fn tone(colors: &Colors, tone: Tone) -> (Color32, &'static str) {
    match tone {
        Tone::Better => (colors.good, "More accurate than chance explains"),
        Tone::WithinNoise => (colors.good, "No difference in accuracy can be told from chance"),
        Tone::Worse => (colors.warning, "Less accurate, by more than chance explains"),
        Tone::Open => (colors.line, ""),
    }
}

fn failure_ui(ui: &mut Ui, text: &str) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.card).stroke((1.0, colors.error)).corner_radius(8);
    frame.inner_margin(Margin::symmetric(12, 7)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        text_ui(ui, text, colors.text);
    });
}

/// Draws the table of models.
pub fn models_table_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let columns = [
        Column::words("Model", 168.0),
        Column::words("Precision", 84.0),
        Column::figures("Size", 60.0, "Size of the ONNX file and of its external data"),
        Column::figures("AP", 46.0, AP_TIP),
        Column::figures("AP50", 46.0, "At IoU 0.5"),
        Column::figures("AP75", 46.0, "At IoU 0.75"),
        Column::figures("AP S", 46.0, "Objects below 32² pixels"),
        Column::figures("AP M", 46.0, "Objects of 32² to 96² pixels"),
        Column::figures("AP L", 46.0, "Objects above 96² pixels"),
        Column::figures("AR100", 46.0, "Recall with a hundred boxes a picture, mean over IoU 0.50 to 0.95"),
        Column::figures("Latency", 66.0, LATENCY_TIP),
        Column::figures("Pictures", 54.0, "Pictures evaluated"),
    ];
    let table = Table { id: "models", columns: &columns, rows: evaluation.models.len(), sorted: None, scrolls: false };
    let weak = Colors::of(ui).weak;
    table.show(ui, |row, column| model_cell(&evaluation.models[row], row, column, weak));
    let named = evaluation.models.iter().map(|model| (format::file_name(&model.path), &model.acceleration));
    if let Some(told) = Acceleration::of_all(named) {
        note_ui(ui, &format!("Acceleration: {told}."));
    }
}

fn model_cell(model: &ModelEvaluation, row: usize, column: usize, weak: Color32) -> Cell {
    let coco = &model.coco;
    let text = match column {
        0 => return Cell { text: format::file_name(&model.path), sample: Some(row), color: None },
        1 => return Cell { text: model.numbers.clone(), color: Some(weak), sample: None },
        2 => format::bytes(model.bytes),
        3 => share(coco.ap),
        4 => share(coco.ap50),
        5 => share(coco.ap75),
        6 => share(coco.ap_small),
        7 => share(coco.ap_medium),
        8 => share(coco.ap_large),
        9 => share(coco.ar100),
        10 if model.pictures == 0 => format::NONE.to_owned(),
        10 => format::milliseconds(model.latency_ms.p50),
        _ => format::count(model.pictures as u64),
    };
    text.into()
}

fn agreement_table_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let columns = [
        Column::words("Candidate", 168.0),
        Column::figures("AP diff.", 60.0, "AP of the candidate less that of the reference"),
        Column::figures("95 % interval", 116.0, "Holds that difference in 95 of 100 resamplings of the pictures"),
        Column::figures("F1", 46.0, "Harmonic mean of shared among the candidate's and among the reference's boxes"),
        Column::figures("95 % interval", 96.0, "Holds F1 in 95 of 100 resamplings of the pictures"),
        Column::figures("Precision", 62.0, "Share of the candidate's boxes that the reference has, too"),
        Column::figures("Recall", 50.0, "Share of the reference's boxes that the candidate has, too"),
        Column::figures("IoU", 46.0, "Mean overlap of shared boxes"),
        Column::figures("Score ±", 54.0, "Mean change of the score of shared boxes"),
        Column::figures("Boxes", 92.0, "Boxes of the reference and of the candidate"),
    ];
    let known: Vec<(&ComparedWithReference, &ModelEvaluation)> = evaluation
        .agreement
        .iter()
        .filter_map(|compared| Some((compared, evaluation.models.get(compared.candidate)?)))
        .collect();
    let table = Table { id: "agreement", columns: &columns, rows: known.len(), sorted: None, scrolls: false };
    table.show(ui, |row, column| agreement_cell(known[row].0, known[row].1, column));
    if let Some((compared, _)) = known.first() {
        let confidence = compared.details.confidence;
        note_ui(
            ui,
            &format!("Boxes of one class that overlap by IoU 0.5 are the same, at a confidence of {confidence:.2}."),
        );
    }
}

fn agreement_cell(compared: &ComparedWithReference, model: &ModelEvaluation, column: usize) -> Cell {
    let none = || format::NONE.to_owned();
    let figures = &compared.figures;
    let [low, high] = compared.details.f1_interval;
    let text = match column {
        0 => {
            let text = format::file_name(&model.path);
            return Cell { text, sample: Some(compared.candidate), color: None };
        }
        1 => compared.ap_difference.map_or_else(none, signed),
        2 => compared
            .ap_difference_interval
            .map_or_else(none, |[low, high]| format!("{} … {}", signed(low), signed(high))),
        3 => share(Some(figures.f1)),
        4 => format!("{} … {}", share(Some(low)), share(Some(high))),
        5 => share(Some(figures.precision)),
        6 => share(Some(figures.recall)),
        7 => share(Some(figures.mean_iou)),
        8 => share(Some(figures.mean_score_delta)),
        _ => {
            let count = |boxes: usize| format::count(boxes as u64);
            format!("{} | {}", count(figures.reference_boxes), count(figures.candidate_boxes))
        }
    };
    text.into()
}

fn dataset_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let (dataset, colors) = (&evaluation.dataset, Colors::of(ui));
    let count = |number: usize| format::count(number as u64);
    let labels = match dataset.labelled {
        true => format!("{} objects, {} classes", count(dataset.boxes), count(dataset.classes)),
        false => "no labels: what is told is how far models agree".to_owned(),
    };
    let facts = format!("{}: {} pictures, {labels}", dataset.path.display(), count(dataset.images));
    text_ui(ui, &facts, colors.text);
    for problem in &dataset.problems {
        let head = format!("{} × {}", count(problem.count), problem.kind.words());
        let head = RichText::new(head).color(colors.warning);
        CollapsingHeader::new(head).id_salt(("problem", problem.kind)).show(ui, |ui| {
            for example in &problem.examples {
                note_ui(ui, example);
            }
            let more = problem.count.saturating_sub(problem.examples.len());
            if more > 0 {
                note_ui(ui, &format!("and {} more", count(more)));
            }
        });
    }
    for model in &evaluation.models {
        let name = format::file_name(&model.path);
        for warning in &model.warnings {
            text_ui(ui, &format!("{name}: {warning}"), colors.warning);
        }
        let unmatched = [
            (
                "does not know these classes of the data set, which are left out of its figures",
                &model.unmatched_dataset_classes,
            ),
            ("knows these classes that the data set does not have", &model.unmatched_model_classes),
        ];
        for (what, classes) in unmatched.into_iter().filter(|(_, classes)| !classes.is_empty()) {
            note_ui(ui, &format!("{name} {what}: {}", listed(classes)));
        }
    }
    let (seconds, lanes) = (evaluation.seconds, evaluation.settings.lanes);
    let beside = if lanes > 1 { format!(", {lanes} pictures beside each other") } else { String::new() };
    note_ui(ui, &format!("Measured in {seconds:.1} s{beside}, on {}.", evaluation.machine));
    note_ui(ui, &format!("The same in a terminal: {}", evaluation.settings.command));
}

/// The first few names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
