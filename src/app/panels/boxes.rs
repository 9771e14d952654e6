//! Thresholds, classes, and the boxes of this frame.

use super::class_filter::{ClassFilterInput, class_filter_ui};
use super::rows::section_ui;
use crate::app::actions::Action;
use crate::app::settings::Settings;
use crate::app::state::{Editing, HoveredBox, Session};
use crate::app::theme::{Colors, class_color32};
use crate::app::video_view::ClassColors;
use crate::inference::{Detection, Thresholds};
use crate::pipeline::{FrameResult, LaneId};
use eframe::egui::{Align2, FontId, RichText, Role, Sense, Slider, Ui, WidgetInfo, pos2, vec2};
use std::collections::BTreeSet;

/// Rows that are listed; more are counted.
const MOST_ROWS: usize = 60;

/// What the panel shows.
pub struct BoxesInput<'a> {
    /// What the pipeline told.
    pub session: &'a Session,
    /// What the user chose.
    pub settings: &'a Settings,
}

/// Draws the panel.
pub fn boxes_ui(ui: &mut Ui, input: &BoxesInput<'_>, editing: &mut Editing, actions: &mut Vec<Action>) {
    section_ui(ui, "WHICH BOXES");
    thresholds_ui(ui, input.settings.thresholds, actions);
    let models = [0, 1].map(|index| input.session.lanes[index].loaded.as_deref());
    if models.iter().any(Option::is_some) {
        let filter = ClassFilterInput { models, hidden: &input.settings.hidden_classes };
        class_filter_ui(ui, &filter, &mut editing.class_search, actions);
    }
    section_ui(ui, "BOXES OF THIS FRAME");
    match input.session.on_view().map(|result| &**result) {
        Some(result) => detections_ui(ui, result, &input.settings.hidden_classes, editing),
        None => {
            ui.weak("No frame yet.");
        }
    }
}

fn thresholds_ui(ui: &mut Ui, thresholds: Thresholds, actions: &mut Vec<Action>) {
    let mut new = thresholds;
    let sliders = [
        ("Confidence", &mut new.confidence, "Lowest score of a box that is shown.\nCommand line: --confidence"),
        (
            "Overlap (IoU)",
            &mut new.iou,
            "Of two boxes of one class that overlap more than this, the weaker is dropped.\nCommand line: --iou",
        ),
    ];
    for (name, value, tip) in sliders {
        let label = ui.label(RichText::new(name).color(Colors::of(ui).weak));
        ui.spacing_mut().slider_width = (ui.available_width() - 62.0).max(60.0);
        let slider = Slider::new(value, 0.0..=1.0).fixed_decimals(2).step_by(0.01);
        ui.add(slider).on_hover_text(tip).labelled_by(label.id).accessible_name(name);
    }
    if new != thresholds {
        actions.push(Action::SetThresholds(new));
    }
}

/// A box, or two that match.
struct Row<'a> {
    boxes: [Option<(usize, &'a Detection)>; 2],
}

impl Row<'_> {
    fn score(&self) -> f32 {
        self.boxes.iter().flatten().map(|(_, detection)| detection.score).fold(0.0, f32::max)
    }
}

fn rows(result: &FrameResult) -> Vec<Row<'_>> {
    let detection = |lane: LaneId, index: usize| {
        let found = result.lanes[lane.index()].as_ref()?.detections.get(index)?;
        Some((index, found))
    };
    let (a, b) = (|index| detection(LaneId::A, index), |index| detection(LaneId::B, index));
    let mut rows: Vec<Row<'_>> = match &result.agreement {
        Some(agreement) => {
            let matched = agreement.matched.iter().map(|(first, second)| [a(*first), b(*second)]);
            let only_a = agreement.only_a.iter().map(|index| [a(*index), None]);
            let only_b = agreement.only_b.iter().map(|index| [None, b(*index)]);
            matched.chain(only_a).chain(only_b).map(|boxes| Row { boxes }).collect()
        }
        None => {
            let count = |lane: LaneId| result.lanes[lane.index()].as_ref().map_or(0, |found| found.detections.len());
            let of_a = (0..count(LaneId::A)).map(|index| [a(index), None]);
            let of_b = (0..count(LaneId::B)).map(|index| [None, b(index)]);
            of_a.chain(of_b).map(|boxes| Row { boxes }).collect()
        }
    };
    rows.sort_by(|x, y| y.score().total_cmp(&x.score()));
    rows
}

fn detections_ui(ui: &mut Ui, result: &FrameResult, hidden: &BTreeSet<String>, editing: &mut Editing) {
    let colors = ClassColors::of(result);
    let mut count = 0;
    for row in rows(result) {
        let Some((lane, (_, detection))) =
            LaneId::BOTH.into_iter().find_map(|lane| Some((lane, row.boxes[lane.index()]?)))
        else {
            continue;
        };
        let label = result.lanes[lane.index()].as_ref().map(|found| found.model.card.label(detection.class_id));
        let label = label.unwrap_or_default();
        if hidden.contains(label.as_ref()) {
            continue;
        }
        count += 1;
        if count <= MOST_ROWS {
            let class = colors.class(lane, detection.class_id, &label);
            if row_ui(ui, &row, &label, class) {
                let boxes = row.boxes.map(|found| found.map(|(index, _)| index));
                editing.hovered = Some(HoveredBox { frame: result.id, boxes });
            }
        }
    }
    if count == 0 {
        let ran = result.lanes.iter().any(Option::is_some);
        ui.weak(if ran { "None above the thresholds." } else { "No model looked at it." });
    } else if count > MOST_ROWS {
        ui.weak(format!("… and {} more", count - MOST_ROWS));
    }
}

/// Draws a row; true when the pointer is on it.
fn row_ui(ui: &mut Ui, row: &Row<'_>, label: &str, class: u32) -> bool {
    let colors = Colors::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), 4, ui.visuals().widgets.hovered.weak_bg_fill);
    }
    let swatch = eframe::egui::Rect::from_center_size(pos2(rect.left() + 5.0, rect.center().y), vec2(10.0, 10.0));
    ui.painter().rect_filled(swatch, 2, class_color32(class));
    let font = FontId::proportional(13.5);
    let scores = row.boxes.map(|found| found.map(|(_, detection)| format!("{:.2}", detection.score)));
    let columns = [rect.right() - 50.0, rect.right()];
    for lane in LaneId::BOTH {
        if let Some(score) = &scores[lane.index()] {
            let at = pos2(columns[lane.index()], rect.center().y);
            ui.painter().text(at, Align2::RIGHT_CENTER, score, font.clone(), colors.lane(lane));
        }
    }
    let mut job = eframe::egui::text::LayoutJob::simple_singleline(label.to_owned(), font, colors.text);
    job.wrap = eframe::egui::text::TextWrapping::truncate_at_width((rect.width() - 104.0).max(20.0));
    let galley = ui.painter().layout_job(job);
    let at = pos2(rect.left() + 16.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, colors.text);
    let said: Vec<String> = LaneId::BOTH
        .into_iter()
        .filter_map(|lane| Some(format!("{lane:?} {}", scores[lane.index()].as_ref()?)))
        .collect();
    let info = format!("{label}, {}", said.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &info));
    response.hovered()
}
