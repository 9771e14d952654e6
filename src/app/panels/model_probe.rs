//! The preprocessings that were tried on a frame, as small pictures with their boxes, best first.

use crate::app::actions::Action;
use crate::app::model_panel::{ModelPanel, ProbeView};
use crate::app::probe_job::ProbeRow;
use crate::app::theme::Colors;
use crate::imaging::RgbImage;
use crate::inference::probe::Feeding;
use eframe::egui::{
    Align2, Color32, ColorImage, Context, Frame, Id, Image, Label, Margin, RichText, Role, ScrollArea, Sense, Stroke,
    TextureHandle, TextureOptions, Ui, WidgetInfo, Window, vec2,
};

/// Width of a small picture, in points.
const PICTURE: f32 = 200.0;

/// Draws the pictures, in a window of their own, once they are there.
pub fn probe_ui(ctx: &Context, panel: &mut ModelPanel, actions: &mut Vec<Action>) {
    let fed = panel.info.as_ref().map(|info| Feeding::of(&info.card));
    let ProbeView::Done(rows) = &mut panel.probe else { return };
    let (mut open, screen) = (true, ctx.content_rect());
    let columns = ((screen.width() - 80.0) / (PICTURE + 24.0)).clamp(1.0, 3.0) as usize;
    let window = Window::new(format!("Preprocessings of model {:?}", panel.lane)).id(Id::unique("preprocessings"));
    let window = window.open(&mut open).collapsible(false).resizable(false).constrain_to(screen);
    let window = window.pivot(Align2::RIGHT_TOP).default_pos(screen.right_top() + vec2(-14.0, 88.0));
    window.show(ctx, |ui| {
        ui.set_width(columns as f32 * (PICTURE + 24.0));
        ui.label("Best first. A click feeds the model like that.");
        let height = (screen.height() - 190.0).max(140.0);
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
        area.auto_shrink([false, true]).show(ui, |ui| {
            for (index, chunk) in rows.chunks_mut(columns).enumerate() {
                ui.horizontal_top(|ui| {
                    for (column, (row, texture)) in chunk.iter_mut().enumerate() {
                        let texture = texture.get_or_insert_with(|| upload(ui.ctx(), &row.picture));
                        let rank = index * columns + column + 1;
                        row_ui(ui, rank, row, texture, fed.as_ref(), actions);
                    }
                });
            }
        });
    });
    if !open {
        panel.probe = ProbeView::None;
    }
}

fn upload(ctx: &Context, picture: &RgbImage) -> TextureHandle {
    let size = [picture.width() as usize, picture.height() as usize];
    ctx.load_texture("preprocessing", ColorImage::from_rgb(size, picture.as_raw()), TextureOptions::LINEAR)
}

fn row_ui(
    ui: &mut Ui,
    rank: usize,
    row: &ProbeRow,
    texture: &TextureHandle,
    fed: Option<&Feeding>,
    actions: &mut Vec<Action>,
) {
    let colors = Colors::of(ui);
    let current = fed.is_some_and(|fed| fed.comes_to_the_same(&row.feeding));
    let line = if current { Stroke::new(2.0, colors.good) } else { Stroke::new(1.0, colors.line) };
    let words = row.feeding.describe(row.bytes);
    let frame = Frame::new().fill(colors.card).stroke(line).corner_radius(6).inner_margin(Margin::same(6));
    let shown = frame.show(ui, |ui| {
        ui.set_width(PICTURE);
        ui.vertical(|ui| {
            let height = PICTURE * row.picture.height() as f32 / row.picture.width().max(1) as f32;
            ui.add(Image::new((texture.id(), vec2(PICTURE, height.min(PICTURE)))));
            let now = if current { ", as now" } else { "" };
            let said = format!("{rank}. score {:.2}, {} boxes{now}", row.score, row.boxes);
            ui.add(Label::new(RichText::new(said).strong()).selectable(false));
            ui.add(Label::new(RichText::new(&words).small().color(colors.weak)).selectable(false).wrap());
        });
    });
    let response = shown.response.interact(Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(response.rect, 6, Color32::from_white_alpha(12));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Take {words}")));
    if response.clicked() {
        actions.push(Action::TakeFeeding(row.feeding, row.bytes));
    }
}
