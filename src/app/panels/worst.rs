//! The strip of the frames on which the models disagreed most, and what stands over the picture while one of them is
//! looked at.

use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::theme::Colors;
use crate::app::thumbnails::Thumbnails;
use crate::app::video_view::LANE_ON_PICTURE;
use crate::app::worst::WorstStrip;
use crate::pipeline::{LaneId, WORST_FRAMES, WorstFrame};
use eframe::egui::containers::Sides;
use eframe::egui::{
    Align2, Area, Button, Color32, FontId, Frame, Id, Label, Margin, Order, Rect, Response, RichText, Role, ScrollArea,
    Sense, Stroke, StrokeKind, TextureId, Ui, WidgetInfo, pos2, vec2,
};

/// What the strip shows.
pub struct WorstInput<'a> {
    /// The frames.
    pub strip: &'a WorstStrip,
    /// Whether there are two models.
    pub both_loaded: bool,
    /// Whether both run.
    pub compare: bool,
}

const THUMBNAIL_HEIGHT: f32 = 68.0;
/// Widths of pictures of unusual shapes; they are fitted in.
const THUMBNAIL_WIDTH: std::ops::RangeInclusive<f32> = 54.0..=150.0;

const BACK: &str = "Back to live (Esc)";

const MEANING: &str = "Disagreement of a frame: the scores of all boxes that only one model found, and the changes of the \
                       score of the boxes that both found (same label, IoU 0.5), added up. Of frames within a second only \
                       the worst is kept, a video's second round is no other frame. Other models, other thresholds and \
                       another source begin anew; without Compare nothing is added.";

/// Draws the strip.
pub fn worst_ui(ui: &mut Ui, input: &WorstInput<'_>, thumbnails: &mut Thumbnails, actions: &mut Vec<Action>) {
    let mut more = Vec::new();
    Sides::new().shrink_left().show(ui, |ui| title_ui(ui, input), |ui| buttons_ui(ui, input, &mut more));
    actions.append(&mut more);
    let frames = input.strip.frames();
    thumbnails.keep_only(frames.iter().map(|frame| frame.result.id));
    if frames.is_empty() {
        return empty_ui(ui, input);
    }
    ScrollArea::horizontal().id_salt("worst").auto_shrink([false, true]).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let held = input.strip.held().map(|held| held.result.id);
            for (index, frame) in frames.iter().enumerate() {
                let texture = thumbnails.of(ui.ctx(), frame.result.id, &frame.result.frame.image);
                let is_held = held == Some(frame.result.id);
                let response = thumbnail_ui(ui, index, frame, texture, is_held);
                if response.clicked() {
                    actions.push(if is_held { Action::ReleaseWorst } else { Action::HoldWorst(frame.result.id) });
                }
            }
        });
        // Room for the scroll bar.
        ui.add_space(4.0);
    });
}

fn title_ui(ui: &mut Ui, input: &WorstInput<'_>) {
    let weak = Colors::of(ui).weak;
    if let Some(held) = input.strip.held() {
        let text = RichText::new(format!("Held: {}", words(held))).color(Colors::of(ui).warning);
        ui.add(Label::new(text).truncate().sense(Sense::hover())).on_hover_text(tip(held));
        return;
    }
    ui.add(Label::new(RichText::new("WORST FRAMES").small().strong().color(weak)).sense(Sense::hover()))
        .on_hover_text(MEANING);
    let count = input.strip.frames().len();
    let text = match (count, input.compare) {
        (0, _) => return,
        (_, false) => format!("{count} of {WORST_FRAMES}, none is added without Compare"),
        (_, true) => format!("{count} of {WORST_FRAMES}, by disagreement. Click on one to look at it"),
    };
    ui.add(Label::new(RichText::new(text).small().color(weak)).truncate().sense(Sense::hover())).on_hover_text(MEANING);
}

fn buttons_ui(ui: &mut Ui, input: &WorstInput<'_>, actions: &mut Vec<Action>) {
    // The row runs from right to left.
    let close = ui.add(Button::new("×").frame(false)).on_hover_text("Hide the strip and let go of its frames (W)");
    if close.accessible_name("Close the worst frames").clicked() {
        actions.push(Action::ToggleWorst);
    }
    let some = !input.strip.frames().is_empty();
    let save = ui.add_enabled(some, Button::new("Save…").small());
    let tip = "Save these frames into a folder: pictures with and without boxes, and the boxes as JSON lines";
    if save.on_hover_text(tip).accessible_name("Save the worst frames").clicked() {
        actions.push(Action::Browse(DialogKind::WorstFolder));
    }
    let clear = ui.add_enabled(some, Button::new("Clear").small()).on_hover_text("Forget these frames and begin anew");
    if clear.accessible_name("Clear the worst frames").clicked() {
        actions.push(Action::ForgetWorst);
    }
    if input.strip.held().is_some() && ui.add(Button::new(BACK).small()).clicked() {
        actions.push(Action::ReleaseWorst);
    }
}

fn empty_ui(ui: &mut Ui, input: &WorstInput<'_>) {
    let text = match (input.both_loaded, input.compare) {
        (false, _) => "Open two models: the frames on which they disagree most are kept here.",
        (true, false) => "Turn on Compare: the frames on which the two models disagree most are kept here.",
        (true, true) => "No disagreement yet. The ten frames on which the two models disagree most are kept here.",
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), THUMBNAIL_HEIGHT), Sense::hover());
    let weak = Colors::of(ui).weak;
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(13.0), weak, rect.width() - 16.0);
    ui.painter().galley(Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect).min, galley, weak);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
}

fn thumbnail_ui(ui: &mut Ui, index: usize, frame: &WorstFrame, texture: TextureId, held: bool) -> Response {
    let colors = Colors::of(ui);
    let (width, height) = frame.result.frame.image.dimensions();
    let size = vec2(width.max(1) as f32, height.max(1) as f32);
    let slot = (THUMBNAIL_HEIGHT * size.x / size.y).clamp(*THUMBNAIL_WIDTH.start(), *THUMBNAIL_WIDTH.end());
    let (place, response) = ui.allocate_exact_size(vec2(slot, THUMBNAIL_HEIGHT), Sense::click());
    let picture = Rect::from_center_size(place.center(), size * (place.size() / size).min_elem());
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().rect_filled(place, 3, colors.stage);
    ui.painter().image(texture, picture, whole, Color32::WHITE);
    alone_ui(ui, picture, size, frame);
    let score = format!("{:.2}", frame.disagreement);
    let galley = ui.painter().layout_no_wrap(score, FontId::proportional(12.0), Color32::WHITE);
    let ground =
        Rect::from_min_size(place.left_bottom() - vec2(0.0, galley.size().y + 2.0), galley.size() + vec2(8.0, 2.0));
    ui.painter().rect_filled(ground, 3, Color32::from_black_alpha(190));
    ui.painter().galley(ground.min + vec2(4.0, 1.0), galley, Color32::WHITE);
    let line = match (held, response.hovered() || response.has_focus()) {
        (true, _) => Stroke::new(2.5, ui.visuals().selection.stroke.color),
        (false, true) => Stroke::new(1.5, colors.text),
        (false, false) => Stroke::new(1.0, colors.line),
    };
    ui.painter().rect_stroke(place, 3, line, StrokeKind::Inside);
    let spoken = format!("Worst {}: {}", index + 1, words(frame));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, held, &spoken));
    response.on_hover_text(tip(frame))
}

/// The boxes that only one of the two found, in the colour of its lane.
fn alone_ui(ui: &Ui, picture: Rect, size: eframe::egui::Vec2, frame: &WorstFrame) {
    let Some(agreement) = &frame.result.agreement else { return };
    let painter = ui.painter_at(picture);
    let scale = picture.size() / size;
    for (lane, only) in LaneId::BOTH.into_iter().zip([&agreement.only_a, &agreement.only_b]) {
        let Some(found) = &frame.result.lanes[lane.index()] else { continue };
        for b in only.iter().filter_map(|index| found.detections.get(*index)).map(|found| found.rect) {
            let point = |x: f32, y: f32| picture.min + vec2(x, y) * scale;
            let rect = Rect::from_min_max(point(b.x1, b.y1), point(b.x2, b.y2));
            painter.rect_stroke(rect, 0, (1.5, LANE_ON_PICTURE[lane.index()]), StrokeKind::Middle);
        }
    }
}

/// "frame 123, disagreement 1.83".
fn words(frame: &WorstFrame) -> String {
    format!("frame {}, disagreement {:.2}", frame.result.id.0, frame.disagreement)
}

fn tip(frame: &WorstFrame) -> String {
    let result = &frame.result;
    let boxes = |lane: LaneId| result.lanes[lane.index()].as_ref().map_or(0, |found| found.detections.len());
    let only = result.agreement.as_ref().map_or([0, 0], |a| [a.only_a.len(), a.only_b.len()]);
    let when = match result.frame.position {
        Some(position) => format!("at {}", format::position(position)),
        None => format!("{} ago", format::position(result.frame.captured_at.elapsed())),
    };
    format!(
        "Frame {} of {}, {when}\nDisagreement {:.2}: of {} boxes of A {} are A's alone, of {} boxes of B {} are B's \
         alone\nClick to look at it, ← and → for the next, Esc for the live view.\n\n{MEANING}",
        result.id.0,
        result.frame.name,
        frame.disagreement,
        boxes(LaneId::A),
        only[0],
        boxes(LaneId::B),
        only[1],
    )
}

/// Shows on `stage` that this is not the live picture; where no strip says so, also in words.
pub fn held_ui(ui: &Ui, stage: Rect, held: &WorstFrame, has_strip: bool, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    ui.painter().rect_stroke(stage, 0, (2.0, colors.warning), StrokeKind::Inside);
    if has_strip {
        return;
    }
    let area = Area::new(Id::unique("held frame")).order(Order::Middle).pivot(Align2::CENTER_BOTTOM);
    let area = area.fixed_pos(stage.center_bottom() - vec2(0.0, 14.0)).constrain_to(stage);
    area.show(ui.ctx(), |ui| {
        let accent = Stroke::new(1.0, colors.warning);
        let frame =
            Frame::new().fill(colors.bar).stroke(accent).corner_radius(8).inner_margin(Margin::symmetric(10, 6));
        frame.show(ui, |ui| {
            ui.horizontal(|ui| {
                let text = format!("Held: {}", words(held));
                ui.add(Label::new(RichText::new(text).color(colors.text)).extend());
                if ui.button(BACK).clicked() {
                    actions.push(Action::ReleaseWorst);
                }
            });
        });
    });
}
