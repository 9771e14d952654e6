//! The items of a model card: a field each, how sure it is, and the evidence below it.

use super::rows::note_ui;
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::model_panel::{Mark, ModelPanel};
use crate::app::theme::Colors;
use crate::imaging::{ImageSize, ResizeMode};
use crate::inference::{CardLabels, ClassNumbers, ColorOrder, Head, Item, Layout, ModelCard};
use eframe::egui::{
    Align, Align2, Button, ComboBox, DragValue, FontId, Label, Layout as Place, RichText, Sense, Ui, vec2,
};

/// Width of the names of the items.
const NAMES: f32 = 96.0;
/// Widest and highest input that a card may ask for.
const MAX_SIDE: u32 = 8192;

/// Draws all items.
pub fn items_ui(ui: &mut Ui, panel: &mut ModelPanel, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 4.0;
    let own = panel.recognised();
    head_ui(ui, panel, &own);
    size_ui(ui, panel, &own);
    layout_ui(ui, panel, &own);
    feeding_ui(ui, panel, &own);
    classes_ui(ui, panel, &own, actions);
    evidence_ui(ui, panel, Item::Precision);
    if let Some(words) = panel.info.as_ref().and_then(|info| info.acceleration.in_words()) {
        note_ui(ui, &format!("acceleration: {words}"));
    }
    evidence_ui(ui, panel, Item::Card);
}

fn head_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard) {
    item_ui(ui, panel, "Head", &["head"], |ui, panel| {
        let known = panel.info.as_ref().map(|_| own.head);
        let now = panel.draft.head.or(known);
        let text = now.map_or_else(|| "choose…".to_owned(), |head| head.name().to_owned());
        let chosen = combo_ui(ui, "Head", &text, Head::ALL, |head| head.name().to_owned(), now);
        panel.draft.head = chosen.or(panel.draft.head);
    });
    item_ui(ui, panel, "Duplicates", &["nms"], |ui, panel| {
        let mut nms = panel.draft.nms.unwrap_or(own.nms);
        let tip = "Non-maximum suppression; off where the model has done it";
        if ui.checkbox(&mut nms, "remove them (NMS)").on_hover_text(tip).changed() {
            panel.draft.nms = Some(nms);
        }
    });
    if let Some(anchors) = panel.draft.anchors.as_ref().or(own.anchors.as_ref()).map(ToString::to_string) {
        item_ui(ui, panel, "Anchors", &["anchors"], |ui, _| {
            ui.add(Label::new(&anchors).truncate()).on_hover_text(format!("{anchors}\nA card file sets them"));
        });
    }
    evidence_ui(ui, panel, Item::Head);
}

fn size_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard) {
    item_ui(ui, panel, "Input size", &["input_size"], |ui, panel| {
        let ImageSize { width, height } = panel.draft.size().unwrap_or(own.input_size);
        let mut size = [width, height];
        for (side, name) in size.iter_mut().zip(["Input width", "Input height"]) {
            let field = DragValue::new(side).range(1..=MAX_SIDE).speed(8.0);
            ui.add(field).on_hover_text("Pixels").accessible_name(name);
        }
        if size != [width, height] {
            panel.draft.input_size = Some(size);
        }
    });
    evidence_ui(ui, panel, Item::Size);
}

fn layout_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard) {
    item_ui(ui, panel, "Layout", &["layout"], |ui, panel| {
        let now = panel.draft.layout.unwrap_or(own.layout);
        let text = |layout: Layout| layout.name().to_uppercase();
        panel.draft.layout = combo_ui(ui, "Layout", &text(now), &Layout::ALL, text, Some(now)).or(panel.draft.layout);
    });
    evidence_ui(ui, panel, Item::Input);
}

fn feeding_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard) {
    item_ui(ui, panel, "Colours", &["color"], |ui, panel| {
        let now = panel.draft.color.unwrap_or(own.color);
        let text = |color: ColorOrder| color.name().to_uppercase();
        let chosen = combo_ui(ui, "Colours", &text(now), &ColorOrder::ALL, text, Some(now));
        panel.draft.color = chosen.or(panel.draft.color);
    });
    item_ui(ui, panel, "Range", &["scale", "mean", "std"], |ui, panel| {
        let now = panel.feeding();
        let names: Vec<&'static str> = now.with_usual_ranges().map(|(name, _)| name).collect();
        let current = now.range_name();
        let chosen = combo_ui(ui, "Range", current.unwrap_or("other"), &names, str::to_owned, current);
        if let Some((_, feeding)) = chosen.and_then(|name| now.with_usual_ranges().find(|(other, _)| *other == name)) {
            let draft = &mut panel.draft;
            (draft.scale, draft.mean, draft.std) = (Some(feeding.scale), Some(feeding.mean), Some(feeding.std));
        }
    });
    numbers_ui(ui, panel, own);
    item_ui(ui, panel, "Resize", &["resize"], |ui, panel| {
        let now = panel.draft.resize.unwrap_or(own.resize);
        let chosen =
            combo_ui(ui, "Resize", resize_text(now), &ResizeMode::ALL, |m| resize_text(m).to_owned(), Some(now));
        panel.draft.resize = chosen.or(panel.draft.resize);
    });
    item_ui(ui, panel, "Padding", &["pad"], |ui, panel| {
        let mut pad = panel.draft.pad.unwrap_or(own.pad);
        let field = ui.add(DragValue::new(&mut pad)).on_hover_text("Grey 0…255 of what the picture leaves free");
        if field.accessible_name("Padding").changed() {
            panel.draft.pad = Some(pad);
        }
    });
    evidence_ui(ui, panel, Item::Preprocessing);
}

/// `tensor = (pixel · scale − mean) / std`, as numbers.
fn numbers_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard) {
    item_ui(ui, panel, "Scale", &["scale"], |ui, panel| {
        let mut scale = panel.draft.scale.unwrap_or(own.scale);
        let field = number(&mut scale, 0.001);
        let field = ui.add(field).on_hover_text("input = (pixel 0…255 · scale − mean) / deviation");
        if field.accessible_name("Scale").changed() {
            panel.draft.scale = Some(scale);
        }
    });
    for (name, key) in [("Mean", "mean"), ("Deviation", "std")] {
        item_ui(ui, panel, name, &[key], |ui, panel| {
            let (set, own) = match key {
                "mean" => (&mut panel.draft.mean, own.mean),
                _ => (&mut panel.draft.std, own.std),
            };
            let before = set.unwrap_or(own);
            let mut values = before;
            for (channel, value) in values.iter_mut().enumerate() {
                let field = ui.add(number(value, 0.01)).on_hover_text("By channel, in the order of the colours");
                field.accessible_name(format!("{name} of channel {}", channel + 1));
            }
            if values != before {
                *set = Some(values);
            }
        });
    }
}

fn number(value: &mut f32, speed: f32) -> DragValue<'_> {
    DragValue::new(value).speed(speed).max_decimals(6)
}

fn classes_ui(ui: &mut Ui, panel: &mut ModelPanel, own: &ModelCard, actions: &mut Vec<Action>) {
    item_ui(ui, panel, "Class numbers", &["class_numbers"], |ui, panel| {
        let now = panel.draft.class_numbers.unwrap_or(own.class_numbers);
        let chosen = combo_ui(
            ui,
            "Class numbers",
            numbers_text(now),
            &ClassNumbers::ALL,
            |numbers| numbers_text(numbers).to_owned(),
            Some(now),
        );
        panel.draft.class_numbers = chosen.or(panel.draft.class_numbers);
    });
    evidence_ui(ui, panel, Item::ClassNumbers);
    item_ui(ui, panel, "Class names", &["labels"], |ui, panel| {
        let text = match &panel.draft.labels {
            Some(CardLabels::File(file)) => crate::app::format::file_name(file),
            Some(CardLabels::Names(names)) => format!("{} names", names.len()),
            None => panel.info.as_ref().map_or_else(String::new, |info| info.card.labels_from.to_string()),
        };
        let file = ui.add(Button::new("File…")).on_hover_text("A text file with a name a line, or a YOLO data.yaml");
        if file.accessible_name("Choose class names").clicked() {
            actions.push(Action::Browse(DialogKind::Labels(panel.lane)));
        }
        ui.add(Label::new(&text).truncate()).on_hover_text(text);
    });
    evidence_ui(ui, panel, Item::Labels);
}

fn resize_text(mode: ResizeMode) -> &'static str {
    match mode {
        ResizeMode::LetterboxTopLeft => "letterbox at the top left",
        ResizeMode::LetterboxCenter => "centred letterbox",
        ResizeMode::Stretch => "stretched",
        ResizeMode::OwnSize => "own size",
    }
}

fn numbers_text(numbers: ClassNumbers) -> &'static str {
    match numbers {
        ClassNumbers::FromZero => "from 0",
        ClassNumbers::FromOne => "from 1",
        ClassNumbers::CocoIds => "COCO's ids",
        ClassNumbers::CocoIdsLessOne => "COCO's ids less 1",
    }
}

/// A list to choose from; what was chosen just now, if it is not what holds already.
fn combo_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    text: &str,
    all: &[T],
    name_of: impl Fn(T) -> String,
    now: Option<T>,
) -> Option<T> {
    let mut chosen = None;
    let combo = ComboBox::from_id_salt(name).width(170.0).height(320.0).selected_text(text);
    let shown = combo.show_ui(ui, |ui| {
        for choice in all {
            if ui.selectable_label(now == Some(*choice), name_of(*choice)).clicked() {
                chosen = Some(*choice);
            }
        }
    });
    shown.response.accessible_name(name);
    chosen.filter(|choice| now != Some(*choice))
}

/// One item: its name, its field, and how sure it is; what was set can be left to what is recognised again.
fn item_ui(
    ui: &mut Ui,
    panel: &mut ModelPanel,
    name: &str,
    keys: &[&str],
    field: impl FnOnce(&mut Ui, &mut ModelPanel),
) {
    let colors = Colors::of(ui);
    let marks: Vec<Mark> = keys.iter().map(|key| panel.mark(key)).collect();
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(NAMES, ui.spacing().interact_size.y), Sense::hover());
        // Painted, not a label: the field beside it has the name already, for who cannot see it.
        let font = FontId::proportional(13.5);
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, font, colors.weak);
        let right = 92.0;
        let width = (ui.available_width() - right).max(60.0);
        ui.allocate_ui_with_layout(
            vec2(width, ui.spacing().interact_size.y),
            Place::left_to_right(Align::Center),
            |ui| {
                ui.set_width(width);
                field(ui, panel);
            },
        );
        if marks.contains(&Mark::Set) {
            let reset = ui.small_button("set by you").on_hover_text("Click to leave it to what is recognised");
            if reset.accessible_name(format!("Forget {}", name.to_lowercase())).clicked() {
                keys.iter().for_each(|key| panel.forget(key));
            }
        } else if marks.contains(&Mark::Guess) {
            let tip = "Models that look the same differ in it. Try it on a picture";
            ui.label(RichText::new("a guess").small().color(colors.warning)).on_hover_text(tip);
        }
    });
}

fn evidence_ui(ui: &mut Ui, panel: &ModelPanel, item: Item) {
    let Some(info) = &panel.info else { return };
    for evidence in info.evidence.iter().filter(|evidence| evidence.item == item) {
        note_ui(ui, &evidence.to_string());
    }
    ui.add_space(3.0);
}
