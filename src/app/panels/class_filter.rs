//! The list of classes: which boxes are drawn.

use crate::app::actions::Action;
use crate::app::theme::{Colors, class_color32};
use crate::inference::ModelInfo;
use eframe::egui::{Align2, CollapsingHeader, RichText, ScrollArea, Sense, TextEdit, Ui, vec2};
use std::collections::BTreeSet;

/// Room for a dozen classes; more are scrolled.
const LIST_HEIGHT: f32 = 320.0;

/// What the list shows.
pub struct ClassFilterInput<'a> {
    /// The loaded models.
    pub models: [Option<&'a ModelInfo>; 2],
    /// Names that are not drawn.
    pub hidden: &'a BTreeSet<String>,
}

/// Draws the list, closed at first.
pub fn class_filter_ui(ui: &mut Ui, input: &ClassFilterInput<'_>, search: &mut String, actions: &mut Vec<Action>) {
    let classes = classes(input.models);
    let shown = classes.iter().filter(|(_, name)| !input.hidden.contains(*name)).count();
    let title = if shown == classes.len() {
        format!("Classes: all {}", classes.len())
    } else {
        format!("Classes: {shown} of {}", classes.len())
    };
    CollapsingHeader::new(title).id_salt("classes").show_unindented(ui, |ui| {
        let field = TextEdit::singleline(search)
            .hint_text("Search classes")
            .align(Align2::LEFT_CENTER)
            .desired_width(f32::INFINITY);
        ui.add(field).accessible_name("Search classes");
        let needle = search.to_lowercase();
        let found: Vec<_> = classes.iter().filter(|(_, name)| name.to_lowercase().contains(&needle)).collect();
        ui.horizontal(|ui| {
            if ui.button("Show all").clicked() {
                actions.push(Action::ShowAllClasses);
            }
            let tip = "Hides the classes in the list below";
            if ui.button("Hide listed").on_hover_text(tip).clicked() {
                actions.push(Action::HideClasses(found.iter().map(|(_, name)| (*name).to_owned()).collect()));
            }
        });
        if found.is_empty() {
            ui.label(RichText::new("No class is called that.").color(Colors::of(ui).weak));
        }
        ScrollArea::vertical().id_salt("class list").max_height(LIST_HEIGHT).auto_shrink([false, true]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (class_id, name) in found {
                    class_ui(ui, *class_id, name, input.hidden, actions);
                }
            },
        );
    });
}

/// All classes of both models, by name, with the number that gives the colour. A's come first.
fn classes(models: [Option<&ModelInfo>; 2]) -> Vec<(u32, &str)> {
    let mut seen = BTreeSet::new();
    let all = models.into_iter().flatten().flat_map(|model| (0u32..).zip(&model.card.labels));
    all.filter(|(_, name)| seen.insert(name.as_str())).map(|(id, name)| (id, name.as_str())).collect()
}

fn class_ui(ui: &mut Ui, class_id: u32, name: &str, hidden: &BTreeSet<String>, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, 2, class_color32(class_id));
        let mut shown = !hidden.contains(name);
        if ui.checkbox(&mut shown, name).changed() {
            actions.push(Action::SetClassShown(name.to_owned(), shown));
        }
    });
}
