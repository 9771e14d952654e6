//! The panel beside the picture: proposals, classes, boxes.

use super::canvas::check_mark;
use super::{PageInput, note_ui, wish};
use crate::app::format;
use crate::app::label::action::LabelAction;
use crate::app::label::content::{Edit, EditBox};
use crate::app::label::desk::Desk;
use crate::app::label::export::counted;
use crate::app::theme::{Colors, class_color32};
use eframe::egui::{
    Align2, Button, Key, Label, ProgressBar, Rect, RichText, ScrollArea, Sense, Slider, Stroke, StrokeKind, TextEdit,
    Ui, vec2,
};

/// Rows of the list of classes that are to be seen at once, and the share of the panel that they may take.
const CLASS_ROWS: [f32; 2] = [4.0, 9.0];
const CLASS_SHARE: f32 = 0.3;
const ROW: f32 = 24.0;
const SQUARE: f32 = 10.0;
/// Width of the buttons beside a box.
const ANSWER: f32 = 24.0;
/// Rows that have a key.
const NUMBERED: usize = 9;

/// Draws it.
pub fn panel_ui(ui: &mut Ui, desk: &Desk, input: &PageInput<'_>, wishes: &mut Vec<LabelAction>) {
    ScrollArea::vertical().id_salt("label panel").auto_shrink([false, false]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over a button.
        ui.set_width((ui.available_width() - 8.0).max(0.0));
        proposals_ui(ui, desk, input, wishes);
        ui.add_space(6.0);
        ui.separator();
        classes_ui(ui, desk, wishes);
        ui.add_space(6.0);
        ui.separator();
        boxes_ui(ui, desk, wishes);
    });
}

fn proposals_ui(ui: &mut Ui, desk: &Desk, input: &PageInput<'_>, wishes: &mut Vec<LabelAction>) {
    ui.label(RichText::new("Propose boxes on").strong());
    if let Some(watch) = &desk.proposing {
        let progress = watch.progress();
        let share = progress.done as f32 / progress.of.max(1) as f32;
        let text =
            if progress.loaded { format!("{} of {}", progress.done, progress.of) } else { "Loading…".to_owned() };
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 60.0).max(60.0);
            ui.add(ProgressBar::new(share).desired_width(width).desired_height(18.0).text(text));
            let stop = ui.button("Stop").accessible_name("Stop proposing");
            wish(wishes, stop.clicked(), LabelAction::StopProposing);
        });
    } else {
        let tip = match input.model {
            Some(name) => format!("{name}, the model in A, looks for objects (M: on all pictures that are not done)"),
            None => "No model is loaded in A. Load one in the live view (O)".to_owned(),
        };
        ui.horizontal(|ui| {
            for (name, only_this) in [("All pictures", false), ("This one", true)] {
                let button = ui.add_enabled(input.model.is_some(), Button::new(name));
                let button = button.on_hover_text(&tip).on_disabled_hover_text(&tip);
                let clicked = button.accessible_name(format!("Propose: {name}")).clicked();
                wish(wishes, clicked, LabelAction::Propose { only_this });
            }
        });
        let by = input.model.map_or_else(
            || "No model is loaded in A.".to_owned(),
            |name| format!("with {}", format::shortened(name, 34)),
        );
        note_ui(ui, &by);
    }
    let mut least = input.state.confidence.unwrap_or(input.settings.thresholds.confidence);
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 150.0).clamp(44.0, 130.0);
        let label = ui.label("score from");
        let slider = Slider::new(&mut least, 0.05..=0.95).fixed_decimals(2);
        let slider = ui.add(slider).labelled_by(label.id).accessible_name("Least score of proposals");
        let slider = slider.on_hover_text("Least score of what is proposed from now on");
        wish(wishes, slider.changed(), LabelAction::SetConfidence(least));
    });
    let waiting = desk.picture().map_or(0, |picture| picture.content().proposed().count());
    ui.horizontal(|ui| {
        let answers = [
            ("Accept all", "All proposals on this picture are right (A)", Edit::AcceptAll),
            ("Reject all", "All proposals on this picture are wrong", Edit::RejectAll),
        ];
        for (name, tip, edit) in answers {
            let button = ui.add_enabled(waiting > 0, Button::new(name)).on_hover_text(tip);
            wish(wishes, button.clicked(), LabelAction::Edit(edit));
        }
        if waiting > 0 {
            ui.label(RichText::new(format!("{waiting} here")).color(Colors::of(ui).weak));
        }
    });
}

fn classes_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let selected = desk.selection().and_then(|(id, _)| desk.picture()?.content().find(id));
    let chosen = selected.map_or(desk.class, |found| found.class);
    // The chosen row may be far down the list.
    let whose = if selected.is_some() { "Selected box" } else { "New boxes" };
    let name = if desk.album.classes().is_empty() { "no class" } else { desk.album.class_name(chosen) };
    let title = Label::new(RichText::new(format!("{whose}: {name}")).strong()).truncate();
    ui.add(title);
    search_ui(ui, desk, wishes);
    if desk.class_missing {
        let text = "Type the name of a class here first: a box needs one.";
        ui.label(RichText::new(text).color(Colors::of(ui).warning));
    }
    if let Some(name) = desk.new_class() {
        let text = format!("+ New class “{}”", format::shortened(name, 24));
        wish(wishes, ui.button(text).accessible_name(format!("New class {name}")).clicked(), LabelAction::AddTyped);
    }
    let listed = desk.listed_classes();
    let [least, most] = CLASS_ROWS;
    let fitting = (ui.ctx().content_rect().height() * CLASS_SHARE / ROW).floor().clamp(least, most);
    let rows = (listed.len() as f32).clamp(1.0, fitting);
    let area = ScrollArea::vertical().id_salt("label classes").max_height(rows * ROW).auto_shrink([false, true]);
    ui.spacing_mut().item_spacing.y = 0.0;
    area.show_rows(ui, ROW, listed.len(), |ui, rows| {
        for row in rows {
            let Some(class) = listed.get(row).copied() else { continue };
            let key = if row < NUMBERED { (row + 1).to_string() } else { String::new() };
            let name = desk.album.class_name(class);
            let spoken = format!("Class {name}");
            let row = Row { chosen: chosen == class, class, name, right: &key, hollow: false, spoken: &spoken };
            let clicked = row_ui(ui, ui.available_width(), &row);
            wish(wishes, clicked, LabelAction::PickClass(class));
        }
    });
    ui.spacing_mut().item_spacing.y = 6.0;
}

fn search_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let mut text = desk.search.clone();
    let field = TextEdit::singleline(&mut text)
        .hint_text("Search or type a class (C)")
        .align(Align2::LEFT_CENTER)
        .desired_width(f32::INFINITY);
    let field = ui.add(field).accessible_name("Search or type a class");
    wish(wishes, field.changed(), LabelAction::SetSearch(text));
    if desk.focus_search {
        field.request_focus();
        field.scroll_to_me(None);
        wishes.push(LabelAction::SearchFocused);
    }
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    wish(wishes, entered, LabelAction::TakeTyped);
}

fn boxes_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let Some(picture) = desk.picture() else { return };
    let content = picture.content();
    let (accepted, proposed) = (content.accepted().count(), content.proposed().count());
    ui.label(RichText::new("Boxes on this picture").strong());
    if accepted + proposed == 0 {
        let text = if content.done {
            "None: there is nothing in the picture."
        } else {
            "None. Drag on the picture to draw one."
        };
        note_ui(ui, text);
        return;
    }
    let text = match proposed {
        0 => format!("{accepted} accepted"),
        _ => format!("{accepted} accepted, {}", counted(proposed, "proposal")),
    };
    note_ui(ui, &text);
    ui.spacing_mut().item_spacing.y = 0.0;
    for found in content.listed() {
        let chosen = desk.selected == Some(found.id);
        let clicked = box_row_ui(ui, desk, found, chosen, wishes);
        wish(wishes, clicked, LabelAction::Select(Some(found.id)));
    }
    ui.spacing_mut().item_spacing.y = 6.0;
}

fn box_row_ui(ui: &mut Ui, desk: &Desk, found: &EditBox, chosen: bool, wishes: &mut Vec<LabelAction>) -> bool {
    let name = desk.album.class_name(found.class);
    let score = found.score.map(|score| format!("{score:.2}")).unwrap_or_default();
    let size = format!("{:.0}×{:.0}", found.rect.width, found.rect.height);
    let (right, state) = match found.is_proposed() {
        true => (score.clone(), format!("proposed {score}")),
        false => (size, "accepted".to_owned()),
    };
    let answers = if found.is_proposed() { 2.0 } else { 1.0 };
    let width = ui.available_width() - answers * ANSWER;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let spoken = format!("Box {name}, {state}");
        let row = Row { chosen, class: found.class, name, right: &right, hollow: found.is_proposed(), spoken: &spoken };
        let clicked = row_ui(ui, width, &row);
        if found.is_proposed() {
            let accept = ui.add(Button::new("").frame(false).min_size(vec2(ANSWER, ROW))).on_hover_text("Accept");
            check_mark(ui.painter(), accept.rect.center(), ui.style().interact(&accept).text_color());
            let accept = accept.accessible_name(format!("Accept {name} {score}"));
            wish(wishes, accept.clicked(), LabelAction::Edit(Edit::Accept(found.id)));
        }
        let delete = ui.add(Button::new("×").frame(false).min_size(vec2(ANSWER, ROW))).on_hover_text("Delete");
        let delete = delete.accessible_name(format!("Delete {name} {score}"));
        wish(wishes, delete.clicked(), LabelAction::Edit(Edit::Delete(found.id)));
        clicked
    })
    .inner
}

/// A row of a list.
struct Row<'a> {
    chosen: bool,
    /// Gives the colour.
    class: usize,
    name: &'a str,
    /// At its right end.
    right: &'a str,
    /// Whether the colour is a frame only: a proposal.
    hollow: bool,
    /// What it is called for those who do not see it.
    spoken: &'a str,
}

fn row_ui(ui: &mut Ui, width: f32, row: &Row<'_>) -> bool {
    let Row { chosen, name, right, spoken, .. } = *row;
    let colors = Colors::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width.max(0.0), ROW), Sense::click());
    let visuals = ui.style().interact_selectable(&response, chosen);
    if chosen || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4, visuals.weak_bg_fill);
    }
    let square = Rect::from_center_size(rect.left_center() + vec2(11.0, 0.0), vec2(SQUARE, SQUARE));
    let color = class_color32(row.class as u32);
    // Bright colours need an edge on a bright ground.
    ui.painter().rect_stroke(square, 2, Stroke::new(1.0, colors.weak), StrokeKind::Outside);
    if row.hollow {
        ui.painter().rect_stroke(square, 2, Stroke::new(1.5, color), StrokeKind::Inside);
    } else {
        ui.painter().rect_filled(square, 2, color);
    }
    let font = eframe::egui::FontId::proportional(13.5);
    let weak = if chosen { visuals.text_color() } else { colors.weak };
    let at = rect.right_center() - vec2(6.0, 0.0);
    let end = ui.painter().text(at, Align2::RIGHT_CENTER, right, font.clone(), weak);
    let text = if chosen { visuals.text_color() } else { colors.text };
    let room = (end.left() - square.right() - 14.0).max(0.0);
    let mut job = eframe::egui::text::LayoutJob::simple_singleline(name.to_owned(), font, text);
    job.wrap = eframe::egui::text::TextWrapping::truncate_at_width(room);
    let galley = ui.painter().layout_job(job);
    let at = rect.left_center() + vec2(23.0, -galley.size().y / 2.0);
    ui.painter().galley(at, galley, text);
    response.widget_info(|| eframe::egui::WidgetInfo::selected(eframe::egui::Role::Button, true, chosen, spoken));
    response.clicked()
}
