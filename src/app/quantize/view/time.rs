//! Where the time goes, against the FP32 model: kinds of work, what stayed in floats and why, and what to make of it.

use super::parts::{ROW, columns, note_ui, write};
use crate::app::format;
use crate::app::quantize::state::Results;
use crate::app::quantize::words;
use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use crate::quantize::{LeftFloat, Profile};
use eframe::egui::{Label, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

const WIDTHS: [f32; 5] = [0.0, 52.0, 84.0, 84.0, 120.0];

/// Draws the tab in so much height.
pub fn time_ui(ui: &mut Ui, results: &Results, height: f32) {
    let area = ScrollArea::vertical().id_salt("where time goes").max_height(height).min_scrolled_height(height);
    area.auto_shrink([false, false]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over figures.
        ui.set_width((ui.available_width() - 10.0).max(0.0));
        let [float, own] = &results.outcome.profiles[..] else {
            note_ui(ui, "Where the time goes was not found out.");
            return;
        };
        if results.profiled != results.shown
            && let Some(point) = results.outcome.points.get(results.profiled)
        {
            note_ui(ui, &format!("Of the model that was measured last: {}", words::choice(point)));
        }
        if let Some(advice) = &own.advice {
            ui.add(Label::new(RichText::new(advice).strong()).wrap());
        }
        own.findings.iter().for_each(|finding| {
            ui.add(Label::new(finding).wrap());
        });
        ui.add_space(4.0);
        work_ui(ui, float, own);
        floats_ui(ui, own);
        note_ui(ui, "Times of ONNX Runtime's own record with one thread, which itself takes time; ratios of whole runs are above.");
    });
}

/// Kinds of work, each against that of the FP32 model.
fn work_ui(ui: &mut Ui, float: &Profile, own: &Profile) {
    let heads = ["kind of work", "nodes", &float.numbers, &own.numbers, "share"].map(str::to_owned);
    line_ui(ui, &heads, None);
    let highest = own.work.iter().map(|time| time.share).fold(0.0, f64::max);
    for time in &own.work {
        let cells = [
            time.work.in_words().to_owned(),
            time.nodes.to_string(),
            milliseconds(time.reference_ms.filter(|ms| *ms > 0.0)),
            milliseconds(Some(time.ms)),
            format!("{:.0} %", 100.0 * time.share),
        ];
        let bar = if highest > 0.0 { (time.share / highest) as f32 } else { 0.0 };
        let spoken = format!(
            "{}: {} nodes, {} {}, {} {}, {}",
            cells[0], cells[1], float.numbers, cells[2], own.numbers, cells[3], cells[4]
        );
        line_ui(ui, &cells, Some((bar, &spoken)));
    }
    // What integers have done away with.
    for gone in float.work.iter().filter(|time| own.work.iter().all(|other| other.work != time.work)) {
        let cells = [
            gone.work.in_words().to_owned(),
            String::new(),
            milliseconds(Some(gone.ms)),
            format::NONE.to_owned(),
            String::new(),
        ];
        let spoken = format!("{}: {} {}, none any more", cells[0], float.numbers, cells[2]);
        line_ui(ui, &cells, Some((0.0, &spoken)));
    }
    let cells = [
        "a run".to_owned(),
        String::new(),
        milliseconds(Some(float.run_ms)),
        milliseconds(Some(own.run_ms)),
        String::new(),
    ];
    let spoken = format!("A run: {} {}, {} {}", float.numbers, cells[2], own.numbers, cells[3]);
    line_ui(ui, &cells, Some((0.0, &spoken)));
}

/// Draws a line; without a bar it is the heads.
fn line_ui(ui: &mut Ui, cells: &[String; 5], bar: Option<(f32, &str)>) {
    let colors = Colors::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    if response.hovered() && bar.is_some() {
        ui.painter().rect_filled(line, 4, ui.visuals().faint_bg_color);
    }
    let places = columns(line.with_min_x(line.left() + 4.0).with_max_x(line.right() - 4.0), WIDTHS);
    for (index, (place, text)) in places.into_iter().zip(cells).enumerate() {
        let color = if bar.is_some() { colors.text } else { colors.weak };
        write(ui, place, text, color, index > 0);
    }
    match bar {
        None => {
            ui.painter().hline(line.x_range(), line.bottom() - 0.5, (1.0, colors.line));
        }
        Some((share, spoken)) => {
            let room = places[4].with_max_x(places[4].right() - 48.0).shrink2(vec2(0.0, 8.0));
            ui.painter().rect_filled(room.with_max_x(room.left() + room.width() * share), 3, colors.lane(LaneId::B));
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken));
        }
    }
}

/// What runs in floats, and why.
fn floats_ui(ui: &mut Ui, own: &Profile) {
    if own.floats.is_empty() {
        return;
    }
    ui.add_space(8.0);
    ui.label(RichText::new("In floats, and why").strong());
    for left in &own.floats {
        note_ui(ui, &left_words(left));
    }
    ui.add_space(6.0);
}

fn left_words(left: &LeftFloat) -> String {
    let what = if left.operator.is_empty() {
        "inputs and outputs".to_owned()
    } else {
        format!("{} × {}", left.nodes, left.operator)
    };
    let conversions = match left.conversions {
        0 => String::new(),
        count => format!(", and {count} conversions around them {}", milliseconds(Some(left.conversion_ms))),
    };
    format!("{what}: {}; {}{conversions}", left.reason.in_words(), milliseconds(Some(left.ms)))
}

fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| format::NONE.to_owned(), |ms| format::milliseconds(ms as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::Reason;

    #[test]
    fn what_is_in_floats_is_told_with_its_price() {
        let left = LeftFloat {
            reason: Reason::NoIntegerForm,
            operator: "HardSwish".to_owned(),
            nodes: 7,
            ms: 0.8,
            conversions: 14,
            conversion_ms: 0.6,
        };
        let words = left_words(&left);
        assert!(words.starts_with("7 × HardSwish: ONNX Runtime has no integer form of it; 0.80 ms"), "{words}");
        assert!(words.ends_with("and 14 conversions around them 0.60 ms"), "{words}");
        let border = LeftFloat { reason: Reason::Border, operator: String::new(), conversions: 0, ..left };
        assert!(left_words(&border).starts_with("inputs and outputs: the model's inputs"));
    }
}
