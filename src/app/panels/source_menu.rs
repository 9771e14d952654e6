//! The menu of sources.

use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::options::{CameraChoice, CameraFormatChoice};
use crate::app::settings::CameraWish;
use crate::app::state::{CameraList, SourceState};
use crate::app::{format, theme::Colors};
use crate::capture::SourceSpec;
use eframe::egui::containers::menu::{MenuButton, MenuConfig};
use eframe::egui::{self, Align2, Button, PopupCloseBehavior, RichText, TextEdit, Ui, vec2};

/// What the menu shows.
pub struct SourceMenuInput<'a> {
    /// What is watched.
    pub source: &'a SourceState,
    /// Cameras of this machine.
    pub cameras: &'a CameraList,
    /// What is wanted of them.
    pub wish: &'a CameraWish,
}

/// Draws the button with the name of the source, and the menu below it.
pub fn source_menu_ui(ui: &mut Ui, input: &SourceMenuInput<'_>, url: &mut String, actions: &mut Vec<Action>) {
    /// Width and letters of the name, in a window that is at least so wide and in a narrower one.
    const USUAL_FROM: f32 = 800.0;
    let usual = ui.ctx().content_rect().width() >= USUAL_FROM;
    let (width, letters) = if usual { (190.0, 24) } else { (120.0, 14) };
    let title = format!("{}  ▾", format::shortened(&title(input.source), letters));
    let button = Button::new(RichText::new(title).strong()).min_size(vec2(width, 0.0));
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
        ui.set_min_width(260.0);
        if ui.selectable_label(is_open(input.source, &SourceSpec::Demo), "Demo scene").clicked() {
            choose(ui, SourceSpec::Demo, actions);
        }
        ui.separator();
        cameras_ui(ui, input, actions);
        ui.separator();
        for (name, kind) in [("Open file…", DialogKind::SourceFile), ("Open folder…", DialogKind::SourceFolder)] {
            if ui.button(name).clicked() {
                actions.push(Action::Browse(kind));
                ui.close();
            }
        }
        url_ui(ui, url, actions);
    });
    response.on_hover_text("Choose what to watch").accessible_name("Source");
}

fn title(source: &SourceState) -> String {
    match (&source.opening, &source.open) {
        (Some(spec), _) => format!("Opening {spec}"),
        (None, Some(open)) => open.info.title.clone(),
        (None, None) => "Choose a source".to_owned(),
    }
}

fn is_open(source: &SourceState, spec: &SourceSpec) -> bool {
    source.open.as_ref().is_some_and(|open| open.spec == *spec)
}

fn choose(ui: &Ui, spec: SourceSpec, actions: &mut Vec<Action>) {
    actions.push(Action::OpenSource(spec));
    ui.close();
}

fn cameras_ui(ui: &mut Ui, input: &SourceMenuInput<'_>, actions: &mut Vec<Action>) {
    let weak = Colors::of(ui).weak;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Cameras").color(weak));
        if ui.small_button("Look again").clicked() {
            actions.push(Action::RefreshCameras);
        }
    });
    match input.cameras {
        CameraList::Searching => {
            ui.label(RichText::new("Looking for cameras…").color(weak));
        }
        CameraList::Found(cameras) if cameras.is_empty() => {
            ui.label(RichText::new("None found. Plug one in and look again.").color(weak));
        }
        CameraList::Found(cameras) => {
            for camera in cameras {
                let spec = SourceSpec::Camera(camera.number);
                let name = format!("{} (camera {})", format::shortened(&camera.name, 30), camera.number);
                if ui.selectable_label(is_open(input.source, &spec), name).clicked() {
                    choose(ui, spec, actions);
                }
            }
            let open = cameras.iter().find(|camera| is_open(input.source, &SourceSpec::Camera(camera.number)));
            if let Some(camera) = open.or(cameras.first()) {
                camera_wish_ui(ui, camera, input.wish, actions);
            }
        }
    }
    if input.source.camera().is_some() && ui.button("Camera controls…").clicked() {
        actions.push(Action::ToggleCameraControls);
        ui.close();
    }
}

/// Size, format and rate; "Automatic" leaves it to the camera.
fn camera_wish_ui(ui: &mut Ui, camera: &CameraChoice, wish: &CameraWish, actions: &mut Vec<Action>) {
    let mut new = wish.clone();
    let fits = |format: &&CameraFormatChoice| {
        wish.size.is_none_or(|size| size == format.size)
            && wish.format.as_ref().is_none_or(|fourcc| *fourcc == format.fourcc)
    };
    let sizes = distinct(camera.formats.iter().map(|format| format.size));
    let fourccs = distinct(camera.formats.iter().map(|format| format.fourcc.clone()));
    let rates = distinct(camera.formats.iter().filter(fits).flat_map(|format| format.rates.iter().copied()));
    choice_ui(ui, "Camera size", &mut new.size, &sizes);
    choice_ui(ui, "Camera format", &mut new.format, &fourccs);
    choice_ui(ui, "Camera rate", &mut new.rate, &rates);
    if new != *wish {
        actions.push(Action::SetCameraWish(new));
    }
}

fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// A submenu: a list that drops down would close the menu it is in.
fn choice_ui<T: Clone + PartialEq + std::fmt::Display>(ui: &mut Ui, name: &str, value: &mut Option<T>, offered: &[T]) {
    const AUTOMATIC: &str = "Automatic";
    let text = value.as_ref().map_or_else(|| AUTOMATIC.to_owned(), T::to_string);
    ui.menu_button(format!("{name}: {text}"), |ui| {
        let choices = std::iter::once(None).chain(offered.iter().cloned().map(Some));
        for choice in choices {
            let text = choice.as_ref().map_or_else(|| AUTOMATIC.to_owned(), T::to_string);
            if ui.selectable_label(*value == choice, text).clicked() {
                *value = choice;
                ui.close();
            }
        }
    });
}

fn url_ui(ui: &mut Ui, url: &mut String, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let field =
            TextEdit::singleline(url).hint_text("rtsp://… or http://…").align(Align2::LEFT_CENTER).desired_width(190.0);
        let field = ui.add(field).accessible_name("Stream address");
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let is_address = url.contains("://");
        let open = ui.add_enabled(is_address, Button::new("Open stream"));
        let open = open.on_disabled_hover_text("An address such as rtsp://camera.local/stream");
        if is_address && (open.clicked() || entered) {
            choose(ui, SourceSpec::from(url.as_str()), actions);
        }
    });
}
