//! The table of classes.

use super::parts::{key_ui, note_ui};
use super::table::{Cell, Column, Table};
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::classes::{ClassColumn, ClassRow, Measure, class_rows};
use crate::app::evaluate::state::Results;
use crate::app::evaluate::words::{share, signed};
use crate::app::format;
use crate::app::theme::Colors;
use crate::evaluate::Evaluation;
use eframe::egui::{Button, Color32, Ui};

/// A loss from which on it is coloured: a point, as people say of AP.
const NOTABLE: f64 = 0.01;

/// Draws the tab.
pub fn classes_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<EvaluateAction>) {
    let evaluation = &*results.evaluation;
    key_ui(ui, evaluation);
    ui.horizontal(|ui| {
        for measure in Measure::ALL {
            if measure == Measure::Agreement && evaluation.agreement.is_empty() {
                continue;
            }
            let button = Button::selectable(results.measure == measure, measure.name()).frame_when_inactive(true);
            if ui.add(button).on_hover_text(tip(measure)).clicked() {
                wishes.push(EvaluateAction::SetMeasure(measure));
            }
        }
        note_ui(ui, "Click a column's title to sort by it, again to reverse the order.");
    });
    let rows = class_rows(evaluation, results.measure, results.order);
    if rows.is_empty() {
        note_ui(ui, "No class has figures yet.");
        return;
    }
    let (kinds, columns) = columns(evaluation, results.measure);
    let sorted = kinds.iter().position(|kind| *kind == results.order.column).unwrap_or(0);
    let sorted = Some((sorted, results.order.falling));
    let table = Table { id: "classes", columns: &columns, rows: rows.len(), sorted, scrolls: true };
    let colors = Colors::of(ui);
    let clicked = table.show(ui, |row, column| cell(&rows[row], kinds[column], &colors));
    wishes.extend(clicked.map(|index| EvaluateAction::SortClasses(kinds[index])));
}

fn tip(measure: Measure) -> &'static str {
    match measure {
        Measure::Ap => "Average precision, mean over IoU 0.50 to 0.95",
        Measure::Ap50 => "Average precision at IoU 0.5",
        Measure::Recall => "Recall with a hundred boxes a picture, mean over IoU 0.50 to 0.95",
        Measure::Agreement => "F1 of the candidate's boxes with the reference's, whatever the truth is",
    }
}

/// Agreement is with the reference: it has none itself, and no difference.
fn columns(evaluation: &Evaluation, measure: Measure) -> (Vec<ClassColumn>, Vec<Column>) {
    let mut kinds = vec![ClassColumn::Name, ClassColumn::Objects];
    let mut columns = vec![
        Column::words("Class", 130.0),
        Column::figures("Objects", 66.0, "Objects of the class in the pictures that were evaluated"),
    ];
    let agreement = measure == Measure::Agreement;
    for (index, model) in evaluation.models.iter().enumerate().skip(usize::from(agreement)) {
        let name = format::shortened(&format::file_name(&model.path), 18);
        kinds.push(ClassColumn::Model(index));
        columns.push(Column::figures(&name, 124.0, format!("What {} reaches", model.path.display())));
        if index > 0 && !agreement {
            kinds.push(ClassColumn::Difference(index));
            columns.push(Column::figures("diff.", 62.0, "Less what the reference, the first model, reaches"));
        }
        if agreement {
            kinds.push(ClassColumn::Interval(index));
            columns.push(Column::figures("95 % interval", 106.0, INTERVAL));
        }
    }
    (kinds, columns)
}

const INTERVAL: &str = "Holds F1 in 95 of 100 resamplings of the pictures, the same ones for every class; none with \
                        boxes of the class on fewer than ten pictures. Sorted by its width";

fn cell(row: &ClassRow, kind: ClassColumn, colors: &Colors) -> Cell {
    match kind {
        ClassColumn::Name => row.name.clone().into(),
        ClassColumn::Objects => format::count(row.objects as u64).into(),
        ClassColumn::Model(index) => share(row.values.get(index).copied().flatten()).into(),
        ClassColumn::Interval(index) => {
            let ends = row.intervals.get(index).copied().flatten();
            let none = || format::NONE.to_owned();
            ends.map_or_else(none, |[low, high]| format!("{} … {}", share(Some(low)), share(Some(high)))).into()
        }
        ClassColumn::Difference(index) => match row.difference(index) {
            Some(difference) => {
                Cell { text: signed(difference), color: Some(difference_color(difference, colors)), sample: None }
            }
            None => format::NONE.to_owned().into(),
        },
    }
}

fn difference_color(difference: f64, colors: &Colors) -> Color32 {
    match difference {
        loss if loss <= -NOTABLE => colors.error,
        gain if gain >= NOTABLE => colors.good,
        _ => colors.weak,
    }
}
