//! Precision over recall, and F1 over the confidence with the best threshold.

use super::parts::{key_ui, note_ui, scrolled_ui};
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::style::{LINE_WIDTH, model_color, model_dash};
use crate::app::format;
use crate::app::plot::still_plot;
use crate::app::theme::Colors;
use crate::evaluate::Evaluation;
use crate::metrics::{AccuracyReport, F1AtConfidence};
use eframe::egui::{RichText, Ui};
use egui_plot::{GridMark, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoints, PlotUi, Points, VLine};

/// From this width on both charts stand beside each other.
const TWO_COLUMNS_FROM: f32 = 820.0;
/// A chart is not lower than this, and not higher than wide.
const LEAST_HEIGHT: f32 = 220.0;
/// A higher one shows no more.
const MOST_HEIGHT: f32 = 760.0;
/// What stands around the charts: the key, titles, buttons.
const AROUND: f32 = 150.0;

/// Draws the tab. `live` is the confidence of the live view.
pub fn curves_ui(ui: &mut Ui, evaluation: &Evaluation, live: f32, wishes: &mut Vec<EvaluateAction>) {
    let known: Vec<(usize, &AccuracyReport)> = evaluation
        .models
        .iter()
        .enumerate()
        .filter_map(|(index, model)| Some((index, model.accuracy.as_ref()?)))
        .collect();
    if known.is_empty() {
        note_ui(ui, "No model has figures yet.");
        return;
    }
    let two_columns = ui.available_width() >= TWO_COLUMNS_FROM;
    let height = (ui.available_height() - AROUND).clamp(LEAST_HEIGHT, MOST_HEIGHT);
    scrolled_ui(ui, "evaluate curves", |ui| {
        key_ui(ui, evaluation);
        if two_columns {
            let height = height.min(ui.available_width() / 2.0);
            ui.columns(2, |columns| {
                precision_recall_ui(&mut columns[0], &known, height);
                f1_ui(&mut columns[1], &known, live, height);
            });
        } else {
            precision_recall_ui(ui, &known, height);
            f1_ui(ui, &known, live, height);
        }
        for (index, accuracy) in &known {
            if let Some(best) = accuracy.best {
                let name = format::file_name(&evaluation.models[*index].path);
                best_ui(ui, *index, &name, best, wishes);
            }
        }
    });
}

fn precision_recall_ui(ui: &mut Ui, known: &[(usize, &AccuracyReport)], height: f32) {
    ui.label(RichText::new("Precision over recall at IoU 0.5").strong());
    let lines: Vec<_> = known
        .iter()
        .map(|(index, accuracy)| {
            let points = accuracy.precision_recall.iter().map(|point| [point.recall, point.precision]);
            line(ui, *index, "recall", "precision", points.collect())
        })
        .collect();
    chart(ui, "precision-recall", ["recall", "precision"], height).show(ui, |plot| {
        lines.into_iter().for_each(|line| plot.line(line));
    });
}

fn f1_ui(ui: &mut Ui, known: &[(usize, &AccuracyReport)], live: f32, height: f32) {
    ui.label(RichText::new("F1 over the confidence threshold at IoU 0.5").strong());
    let weak = Colors::of(ui).weak;
    let lines: Vec<_> = known
        .iter()
        .map(|(index, accuracy)| {
            let points = accuracy.f1.iter().map(|point| [point.confidence, point.f1]);
            line(ui, *index, "confidence", "F1", points.collect())
        })
        .collect();
    let best: Vec<_> = known
        .iter()
        .filter_map(|(index, accuracy)| {
            Some((model_color(ui, *index), accuracy.best.filter(|best| (best.confidence + best.f1).is_finite())?))
        })
        .collect();
    chart(ui, "f1", ["confidence", "F1"], height).show(ui, |plot| {
        let now =
            VLine::new("live view", f64::from(live)).color(weak).width(1.0).style(LineStyle::Dotted { spacing: 4.0 });
        plot.vline(now.allow_hover(false));
        lines.into_iter().for_each(|line| plot.line(line));
        for (color, best) in best {
            mark(plot, color, best);
        }
    });
}

/// The best threshold: a diamond on the curve.
fn mark(plot: &mut PlotUi<'_>, color: eframe::egui::Color32, best: F1AtConfidence) {
    let point = Points::new("best", vec![[best.confidence, best.f1]]);
    plot.points(point.shape(MarkerShape::Diamond).radius(6.0).color(color).allow_hover(false));
}

fn line(ui: &Ui, index: usize, x: &str, y: &str, mut points: Vec<[f64; 2]>) -> Line<'static> {
    // The chart does not bear anything else.
    points.retain(|point| point.iter().all(|value| value.is_finite()));
    // The name carries what the tip needs; there is no legend that would show it.
    Line::new(format!("{index}\n{x}\n{y}"), PlotPoints::from(points))
        .color(model_color(ui, index))
        .style(model_dash(index))
        .width(LINE_WIDTH)
}

/// A chart from 0 to 1 on both axes.
fn chart<'a>(ui: &Ui, id: &'static str, [x, y]: [&'static str; 2], height: f32) -> Plot<'a> {
    still_plot(id, height, [[-0.02, 1.02]; 2], Colors::of(ui).line)
        .x_grid_spacer(|_| fifths())
        .y_grid_spacer(|_| fifths())
        .cursor_color(Colors::of(ui).weak)
        .x_axis_label(x)
        .y_axis_label(y)
        .label_formatter(move |position| match position {
            HoverPosition::NearDataPoint { position, .. } => {
                Some(format!("{x} {:.2}\n{y} {:.3}", position.x, position.y))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
}

/// Lines at every fifth.
fn fifths() -> Vec<GridMark> {
    (0..=5).map(|step| GridMark { value: f64::from(step) / 5.0, step_size: 0.2 }).collect()
}

fn best_ui(ui: &mut Ui, index: usize, name: &str, best: F1AtConfidence, wishes: &mut Vec<EvaluateAction>) {
    ui.horizontal_wrapped(|ui| {
        super::parts::sample_ui(ui, index);
        let button = ui.button("Use this threshold").on_hover_text("Make it the confidence threshold of the live view");
        if button.accessible_name(format!("Use the best threshold of {name}")).clicked() {
            wishes.push(EvaluateAction::UseThreshold(best.confidence as f32));
        }
        ui.label(format!(
            "{}: best F1 {:.3} at a confidence of {:.2} (precision {:.3}, recall {:.3})",
            format::shortened(name, 36),
            best.f1,
            best.confidence,
            best.precision,
            best.recall
        ));
    });
}
