//! Drawing: panels around the picture, windows above it. Nothing here changes what is known.

use super::App;
use super::actions::Action;
use super::evaluate::{PageInput, page_ui, resting_ui, shortcuts as page_shortcuts};
use super::label;
use super::panels::{
    boxes, camera, figures, get_models, help, message_log, model, path_prompt, situation, toasts, top_bar, transport,
    welcome, worst,
};
use super::quantize;
use super::shortcuts;
use super::theme::Colors;
use super::verdict::verdict;
use super::video_view::{self, VideoViewInput};
use crate::capture::SourceSpec;
use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, Stroke, Ui};
use std::path::PathBuf;
use std::time::Instant;

/// From this width on the boxes have a panel of their own on the left; below it they follow the figures.
const TWO_PANELS_FROM: f32 = 1180.0;
const FIGURES_WIDTH: f32 = 330.0;
const BOXES_WIDTH: f32 = 250.0;

impl App {
    /// Draws one pass and carries out what was asked for in it.
    pub(super) fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let now = Instant::now();
        let mut actions = self.pressed(&ctx);
        actions.extend(self.dropped_files(&ctx));
        if let Some(result) = self.session.on_view() {
            self.picture.show(&ctx, result.id, &result.frame.image);
        }
        if let Some(result) = self.session.result.clone().filter(|_| self.session.worst.held().is_none()) {
            self.session.display.note(result.id, result.frame.captured_at, now);
            self.journal.note(&result);
        }
        self.editing.hovered = None;
        if self.evaluate.open {
            self.evaluate_ui(ui, now, &mut actions);
        } else if self.label.open {
            self.label_ui(ui, now, &mut actions);
        } else {
            self.live_ui(ui, now, &mut actions);
        }
        self.windows_ui(ui, &mut actions);
        // What an action changes is seen in the next pass.
        if !actions.is_empty() {
            ctx.request_repaint();
        }
        for action in actions {
            self.handle(&ctx, action);
        }
        if self.session.recording.is_running() {
            self.follow_recording_view();
        }
        if let Some(wait) = self.session.messages.next_change(now) {
            ctx.request_repaint_after(wait);
        }
    }

    /// What was asked for with keys. The pages have their own.
    fn pressed(&self, ctx: &egui::Context) -> Vec<Action> {
        if !self.evaluate.open && !self.label.open {
            let held = self.session.worst.held().is_some() && self.editing.path_prompt.is_none();
            let mut pressed = if held { shortcuts::take_while_held(ctx) } else { Vec::new() };
            pressed.extend(shortcuts::take(ctx, self.settings.active));
            return pressed;
        }
        if self.editing.path_prompt.is_some() {
            return Vec::new();
        }
        let help = ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::F1));
        let keys: Vec<Action> = match self.evaluate.open {
            true => page_shortcuts(ctx, &self.evaluate).into_iter().map(Action::Evaluate).collect(),
            false => label::shortcuts(ctx, &self.label, self.settings.recent_labels.first().map(PathBuf::as_path))
                .into_iter()
                .map(Action::Label)
                .collect(),
        };
        keys.into_iter().chain(help.then_some(Action::ToggleHelp)).collect()
    }

    fn label_ui(&mut self, ui: &mut Ui, now: Instant, actions: &mut Vec<Action>) {
        let model = self.proposing_model();
        let input = label::PageInput { state: &self.label, settings: &self.settings, model: model.as_deref() };
        let stage = label::page_ui(ui, &input, &mut self.gallery, actions);
        toasts::toasts_ui(ui, stage, &self.session.messages, (now, None), actions);
        self.fetch_pictures();
    }

    fn evaluate_ui(&mut self, ui: &mut Ui, now: Instant, actions: &mut Vec<Action>) {
        let input = PageInput { state: &self.evaluate, settings: &self.settings };
        let stage = page_ui(ui, &input, &mut self.gallery, actions);
        toasts::toasts_ui(ui, stage, &self.session.messages, (now, None), actions);
        self.fetch_pictures();
    }

    fn live_ui(&mut self, ui: &mut Ui, now: Instant, actions: &mut Vec<Action>) {
        if !self.editing.full_picture {
            self.bars_ui(ui, actions);
            self.side_panels_ui(ui, actions);
            if self.settings.worst_strip {
                self.worst_strip_ui(ui, actions);
            }
        }
        self.center_ui(ui, now, actions);
    }

    fn bars_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let colors = Colors::of(ui);
        let frame = Frame::new().fill(colors.bar).inner_margin(Margin::symmetric(10, 7));
        Panel::top("top bar").frame(frame).show(ui, |ui| {
            let input = top_bar::TopBarInput { session: &self.session, settings: &self.settings };
            top_bar::top_bar_ui(ui, &input, &mut self.editing.url, actions);
        });
        let source = &self.session.source;
        let demo = source.opening.as_ref().or(source.open.as_ref().map(|open| &open.spec)) == Some(&SourceSpec::Demo);
        if demo && !self.settings.welcome_dismissed {
            let default = [&self.settings.model_a, &self.settings.model_b]
                .into_iter()
                .zip(&self.default_models)
                .all(|(open, default)| open.is_none() || open == default);
            let input = welcome::WelcomeInput { cameras: &self.session.cameras, default_models: default };
            Panel::top("welcome").frame(welcome::frame(ui)).show(ui, |ui| welcome::welcome_ui(ui, &input, actions));
        }
        if source.has_transport() {
            Panel::bottom("transport").frame(frame).show(ui, |ui| {
                let input = transport::TransportInput { session: &self.session, looping: self.settings.looping };
                transport::transport_ui(ui, &input, actions);
            });
        }
    }

    fn side_panels_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let models = [0, 1].map(|index| self.session.lanes[index].loaded.as_deref());
        let statistics = self.session.result.as_ref().map(|result| result.statistics.clone()).unwrap_or_default();
        let verdict = verdict(&statistics, models);
        let source = self.session.source.open.as_ref().map(|open| open.spec.to_string());
        let figures = figures::FiguresInput {
            models,
            statistics: &statistics,
            verdict: &verdict,
            display_fps: self.session.display.per_second().filter(|_| self.session.worst.held().is_none()),
            frame_age: self.session.display.age().filter(|_| self.session.worst.held().is_none()),
            source: source.as_deref().unwrap_or("demo"),
            at_rest: self.session.paused || self.session.source.ended || self.session.source.is_broken(),
            compare: self.settings.compare,
            agreement_frames: self.settings.agreement_frames,
            worst_strip: self.settings.worst_strip,
        };
        let boxes = boxes::BoxesInput { session: &self.session, settings: &self.settings };
        let two_panels = ui.available_width() >= TWO_PANELS_FROM;
        let frame =
            Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin { left: 12, right: 6, top: 10, bottom: 8 });
        let editing = &mut self.editing;
        if two_panels {
            let panel = Panel::left("boxes").default_size(BOXES_WIDTH).size_range(220.0..=420.0).frame(frame);
            panel.show(ui, |ui| scrolled_ui(ui, "boxes", |ui| boxes::boxes_ui(ui, &boxes, editing, actions)));
        }
        let panel = Panel::right("figures").default_size(FIGURES_WIDTH).size_range(290.0..=520.0).frame(frame);
        panel.show(ui, |ui| {
            scrolled_ui(ui, "figures", |ui| {
                figures::figures_ui(ui, &figures, actions);
                if !two_panels {
                    ui.add_space(10.0);
                    boxes::boxes_ui(ui, &boxes, editing, actions);
                }
            });
        });
    }

    fn worst_strip_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let frame = Frame::new().fill(Colors::of(ui).bar).inner_margin(Margin::symmetric(10, 5));
        let input = worst::WorstInput {
            strip: &self.session.worst,
            both_loaded: self.session.lanes.iter().all(|lane| lane.loaded.is_some()),
            compare: self.settings.compare,
        };
        let panel = Panel::bottom("worst frames").frame(frame).resizable(false);
        panel.show(ui, |ui| worst::worst_ui(ui, &input, &mut self.thumbnails, actions));
    }

    fn center_ui(&mut self, ui: &mut Ui, now: Instant, actions: &mut Vec<Action>) {
        let colors = Colors::of(ui);
        let frame = Frame::new().fill(colors.stage).stroke(Stroke::NONE);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let whole = ui.available_rect_before_wrap();
            let held = self.session.worst.held();
            if let Some(result) = self.session.on_view() {
                let input = VideoViewInput {
                    result,
                    picture: &self.picture,
                    layout: self.settings.layout,
                    divider: self.settings.divider,
                    hidden: &self.settings.hidden_classes,
                    hovered: self.editing.hovered,
                    dimmed: held.is_none() && self.session.source.is_broken(),
                };
                video_view::video_view_ui(ui, &input, actions);
            }
            let said = match held {
                Some(held) => {
                    worst::held_ui(ui, whole, held, !self.editing.full_picture, actions);
                    None
                }
                None => situation::situation_ui(ui, whole, &self.session, actions),
            };
            if let Some(run) = self.evaluate.run() {
                resting_ui(ui, whole, run, actions);
            }
            if let Some(run) = self.quantize.run().filter(|_| !self.quantize.open) {
                quantize::resting_ui(ui, whole, run, self.quantize.rests, actions);
            }
            toasts::toasts_ui(ui, whole, &self.session.messages, (now, said.as_deref()), actions);
        });
    }

    fn windows_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let ctx = ui.ctx().clone();
        let topic = if self.label.open { help::HelpTopic::Label } else { help::HelpTopic::Live };
        help::help_ui(&ctx, topic, &mut self.editing.help_open);
        message_log::message_log_ui(&ctx, &mut self.editing.messages_open, &self.session.messages, actions);
        // These belong to the live view.
        if !self.evaluate.open && !self.label.open {
            camera::camera_ui(&ctx, &mut self.editing.camera_open, &self.session.source, actions);
            get_models::get_models_ui(&ctx, &self.session.catalog, actions);
            let source = self.session.source.open.as_ref();
            let input = quantize::WindowInput {
                state: &self.quantize,
                wishes: &self.settings.quantize,
                on_view: source.map(|open| (&open.spec, open.info.title.as_str())),
                paused: self.session.paused && !self.quantize.rests,
            };
            quantize::quantize_ui(&ctx, &input, actions);
            if let Some(panel) = &mut self.editing.model_panel {
                let state = &self.session.lanes[panel.lane.index()];
                let own_threads = self.settings.threads_of(&panel.path);
                model::model_panel_ui(&ctx, panel, state, own_threads, actions);
            }
        }
        if let Some(prompt) = &mut self.editing.path_prompt {
            path_prompt::path_prompt_ui(&ctx, prompt, actions);
        }
    }

    /// Files dropped onto the window: models go into the lane that is shown, everything else is a source.
    fn dropped_files(&self, ctx: &egui::Context) -> Vec<Action> {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        if self.evaluate.open {
            let actions = dropped.iter().flat_map(|file| Self::dropped_on_evaluate(file.path()));
            return actions.map(Action::Evaluate).collect();
        }
        if self.label.open {
            let paths = dropped.iter().map(|file| file.path().to_owned());
            return paths.map(|path| Action::Label(label::LabelAction::Open(path))).collect();
        }
        let action = |path: &std::path::Path| {
            let is_model = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
            if is_model {
                Action::OpenModel(self.settings.active, path.to_owned())
            } else {
                Action::OpenSource(SourceSpec::Path(path.to_owned()))
            }
        };
        dropped.iter().map(|file| action(file.path())).collect()
    }
}

fn scrolled_ui(ui: &mut Ui, id: &str, content: impl FnOnce(&mut Ui)) {
    egui::ScrollArea::vertical().id_salt(id).auto_shrink([false, false]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over figures.
        ui.set_width((ui.available_width() - 8.0).max(0.0));
        content(ui);
    });
}
