//! Which class is taken for which: a heat map, and the most frequent mistakes in words.

use super::parts::{models_ui, note_ui, scrolled_ui};
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::confusion::{Mistake, name, row_total, worst};
use crate::app::evaluate::state::Results;
use crate::app::format;
use crate::app::theme::{Colors, readable_on};
use crate::metrics::Confusion;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    Align2, Checkbox, Color32, FontId, Rect, Response, RichText, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo, lerp,
    pos2, vec2,
};
use std::f32::consts::FRAC_PI_2;

/// From this width on the mistakes stand beside the map.
const TWO_COLUMNS_FROM: f32 = 900.0;
const LIST_WIDTH: f32 = 380.0;
/// Sides of a field: smaller ones cannot be pointed at, larger ones say no more.
const SIDES: [f32; 2] = [7.0, 60.0];
/// From this side on a field has room for its number, and a row for its name.
const NUMBER_FROM: f32 = 22.0;
const NAMES_FROM: f32 = 12.0;
/// Room for names left of the map and above it.
const NAMES: Vec2 = vec2(136.0, 104.0);
const MOST_MISTAKES: usize = 12;

/// Draws the tab.
pub fn confusion_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<EvaluateAction>) {
    let models = &results.evaluation.models;
    let choices: Vec<_> =
        models.iter().enumerate().map(|(index, model)| (index, format::file_name(&model.path))).collect();
    models_ui(ui, &choices, results.confused, |index| wishes.push(EvaluateAction::ConfusionOf(index)));
    let accuracy = models.get(results.confused).and_then(|model| model.accuracy.as_ref());
    let Some(confusion) = accuracy.map(|accuracy| &accuracy.confusion).filter(|it| !it.classes.is_empty()) else {
        note_ui(ui, "Nothing is known of this model's confusions: it has no figures.");
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let mut only = results.only_mistakes;
        if ui.add(Checkbox::new(&mut only, "Only mistakes")).changed() {
            wishes.push(EvaluateAction::SetOnlyMistakes(only));
        }
        let text = format!(
            "Rows: what is there; columns: what was said, at a confidence of {:.2}. The stronger the colour, the \
             larger the share of the row.",
            confusion.confidence
        );
        note_ui(ui, &text);
    });
    let mistakes = worst(confusion, MOST_MISTAKES);
    if ui.available_width() >= TWO_COLUMNS_FROM {
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            let width = ui.available_width() - LIST_WIDTH - 24.0;
            ui.allocate_ui(vec2(width, height), |ui| map_ui(ui, confusion, results.only_mistakes, height));
            ui.add_space(16.0);
            ui.vertical(|ui| {
                ui.set_width(LIST_WIDTH);
                scrolled_ui(ui, "mistakes", |ui| mistakes_ui(ui, &mistakes));
            });
        });
    } else {
        scrolled_ui(ui, "confusion", |ui| {
            map_ui(ui, confusion, results.only_mistakes, f32::INFINITY);
            mistakes_ui(ui, &mistakes);
        });
    }
}

fn mistakes_ui(ui: &mut Ui, mistakes: &[Mistake<'_>]) {
    ui.label(RichText::new("Most frequent mistakes").strong());
    if mistakes.is_empty() {
        note_ui(ui, "None.");
    }
    for mistake in mistakes {
        ui.label(mistake.to_string());
    }
}

fn map_ui(ui: &mut Ui, confusion: &Confusion, only_mistakes: bool, height: f32) {
    let count = confusion.classes.len() + 1;
    let fitting = |names: Vec2| {
        let room = (ui.available_width() - names.x - 12.0).min((height - names.y - 12.0).max(240.0));
        (room / count as f32).floor().clamp(SIDES[0], SIDES[1])
    };
    let named = fitting(NAMES) >= NAMES_FROM;
    let names = if named { NAMES } else { Vec2::splat(4.0) };
    let side = fitting(names);
    let map = Vec2::splat(side * count as f32);
    let area = if height.is_finite() { ScrollArea::both() } else { ScrollArea::horizontal() };
    area.id_salt("map").auto_shrink([true, true]).show(ui, |ui| {
        let (whole, _) = ui.allocate_exact_size(names + map + vec2(4.0, 4.0), Sense::hover());
        let fields = Rect::from_min_size(whole.min + names, map);
        let response = ui.interact(fields, ui.scope_id().with("fields"), Sense::hover());
        let pointed = response.hover_pos().and_then(|at| {
            let index = |offset: f32| ((offset / side) as usize).min(count - 1);
            fields.contains(at).then(|| (index(at.y - fields.top()), index(at.x - fields.left())))
        });
        fields_ui(ui, confusion, fields, side, only_mistakes);
        if named {
            names_ui(ui, confusion, fields, side, pointed);
        }
        ui.painter().rect_stroke(fields, 0, (1.0, Colors::of(ui).line), eframe::egui::StrokeKind::Outside);
        tip_ui(ui, response, confusion, fields, side, pointed);
    });
}

/// Colour of a share of the row, 0…1: from the ground to the accent, with small shares still to be seen.
fn heat(ui: &Ui, share: f32, right: bool) -> Color32 {
    let colors = Colors::of(ui);
    let ground = ui.visuals().extreme_bg_color;
    let full = if right { colors.lane(crate::pipeline::LaneId::A) } else { colors.lane(crate::pipeline::LaneId::B) };
    if share <= 0.0 {
        return ground;
    }
    let part = lerp(0.12..=1.0, share.clamp(0.0, 1.0).sqrt());
    let mix = |from: u8, to: u8| lerp(f32::from(from)..=f32::from(to), part).round() as u8;
    Color32::from_rgb(mix(ground.r(), full.r()), mix(ground.g(), full.g()), mix(ground.b(), full.b()))
}

fn fields_ui(ui: &Ui, confusion: &Confusion, fields: Rect, side: f32, only_mistakes: bool) {
    let painter = ui.painter();
    let gap = if side >= NAMES_FROM { 1.0 } else { 0.0 };
    painter.rect_filled(fields, 0, ui.visuals().extreme_bg_color);
    for (row, counts) in confusion.counts.iter().enumerate() {
        let total = row_total(confusion, row).max(1) as f32;
        for (column, count) in counts.iter().enumerate() {
            let right = row == column;
            if *count == 0 || (only_mistakes && right) {
                continue;
            }
            let place = field(fields, side, row, column).shrink(gap / 2.0);
            let fill = heat(ui, *count as f32 / total, right);
            painter.rect_filled(place, 0, fill);
            if side >= NUMBER_FROM {
                let text = if *count < 10_000 { count.to_string() } else { format!("{}k", count / 1000) };
                let font = FontId::proportional((side * 0.36).clamp(9.0, 13.0));
                painter.text(place.center(), Align2::CENTER_CENTER, text, font, readable_on(fill));
            }
        }
    }
}

fn field(fields: Rect, side: f32, row: usize, column: usize) -> Rect {
    Rect::from_min_size(fields.min + vec2(column as f32, row as f32) * side, Vec2::splat(side))
}

/// Names left of the rows, and above the columns, turned.
fn names_ui(ui: &Ui, confusion: &Confusion, fields: Rect, side: f32, pointed: Option<(usize, usize)>) {
    let colors = Colors::of(ui);
    let font = FontId::proportional((side * 0.8).clamp(9.0, 13.0));
    for index in 0..=confusion.classes.len() {
        let color = |is: bool| if is { colors.text } else { colors.weak };
        let text = |room: f32, color: Color32| {
            let mut job = LayoutJob::simple_singleline(name(confusion, index).to_owned(), font.clone(), color);
            job.wrap = TextWrapping::truncate_at_width(room - 8.0);
            ui.painter().layout_job(job)
        };
        let at = (index as f32 + 0.5) * side;
        let row = text(NAMES.x, color(pointed.is_some_and(|(row, _)| row == index)));
        let place = pos2(fields.left() - 6.0 - row.size().x, fields.top() + at - row.size().y / 2.0);
        ui.painter().galley(place, row, colors.text);
        let column = text(NAMES.y, color(pointed.is_some_and(|(_, column)| column == index)));
        let place = pos2(fields.left() + at - column.size().y / 2.0, fields.top() - 6.0);
        let shape = eframe::egui::epaint::TextShape::new(place, column, colors.text).with_angle(-FRAC_PI_2);
        ui.painter().add(shape);
    }
}

fn tip_ui(
    ui: &Ui,
    response: Response,
    confusion: &Confusion,
    fields: Rect,
    side: f32,
    pointed: Option<(usize, usize)>,
) {
    let count = confusion.classes.len();
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Confusion of {count} classes")));
    let Some((row, column)) = pointed else { return };
    let Some(times) = confusion.counts.get(row).and_then(|counts| counts.get(column)) else { return };
    let outline = field(fields, side, row, column);
    ui.painter().rect_stroke(outline, 0, (1.5, Colors::of(ui).text), eframe::egui::StrokeKind::Inside);
    let mistake = Mistake {
        truth: name(confusion, row),
        said: name(confusion, column),
        times: *times,
        row,
        column,
        nothing: count,
    };
    let share = *times as f64 / row_total(confusion, row).max(1) as f64 * 100.0;
    response.on_hover_text_at_pointer(format!("{mistake}\n{share:.1} % of the row"));
}
