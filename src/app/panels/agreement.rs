//! How far B agrees with A: the figures, what they rest on, and over how many frames.

use super::rows::{Values, note_ui, row_ui, section_ui};
use crate::app::actions::Action;
use crate::app::format::{self, NONE};
use crate::app::theme::Colors;
use crate::pipeline::AgreementStatistics;
use eframe::egui::{Button, RichText, Ui};

/// Lengths of the window that can be chosen, in frames.
const WINDOWS: [usize; 4] = [30, 100, 300, 1000];

/// What the section shows.
pub struct AgreementInput<'a> {
    /// The figures; none before there are any.
    pub agreement: Option<&'a AgreementStatistics>,
    /// Whether there are two models.
    pub both_loaded: bool,
    /// Whether both run.
    pub compare: bool,
    /// Frames that the agreement is to look back over.
    pub frames: usize,
    /// Whether the worst frames are kept.
    pub worst_strip: bool,
    /// The commands that measure the same without a window.
    pub command: &'a str,
}

/// Draws the section.
pub fn agreement_ui(ui: &mut Ui, input: &AgreementInput<'_>, actions: &mut Vec<Action>) {
    section_ui(ui, "AGREEMENT OF B WITH A");
    window_ui(ui, input, actions);
    match input.agreement {
        Some(agreement) => figures_ui(ui, input, agreement),
        None => note_ui(
            ui,
            match (input.both_loaded, input.compare) {
                (false, _) => "Measured as soon as two models are open.",
                (true, true) => "Waiting for the first frames that both models ran on.",
                (true, false) => "Measured while both models run on the same frames: turn on Compare.",
            },
        ),
    }
    ui.add_space(2.0);
    let hold = Button::selectable(input.worst_strip, "Hold the worst frames").frame_when_inactive(true);
    let tip =
        "Keep the ten frames on which the two models disagree most, from now on, in a strip under the picture (W)";
    if ui.add(hold).on_hover_text(tip).clicked() {
        actions.push(Action::ToggleWorst);
    }
}

/// Over how many frames.
fn window_ui(ui: &mut Ui, input: &AgreementInput<'_>, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding = eframe::egui::vec2(6.0, 1.0);
        let weak = Colors::of(ui).weak;
        ui.label(RichText::new("Last").color(weak));
        let other = Some(input.frames).filter(|frames| !WINDOWS.contains(frames));
        for frames in WINDOWS.into_iter().chain(other) {
            let button = Button::selectable(input.frames == frames, frames.to_string()).frame_when_inactive(true);
            let response = ui.add(button).on_hover_text(WINDOW_TIP);
            if response.accessible_name(format!("Agreement over {frames} frames")).clicked() {
                actions.push(Action::SetAgreementWindow(frames));
            }
        }
        ui.label(RichText::new("frames").color(weak));
    });
}

const WINDOW_TIP: &str = "Compared frames that the agreement looks back over. Few follow what is before the camera, many \
                          say it more surely: the interval takes a hundred frames and narrows with more.";

fn figures_ui(ui: &mut Ui, input: &AgreementInput<'_>, agreement: &AgreementStatistics) {
    let rests_on = format!(
        "Over {} compared frames with {} boxes of A and {} of B.\nCommand line: {}",
        agreement.frames, agreement.reference_boxes, agreement.candidate_boxes, input.command
    );
    let one = |ui: &mut Ui, name: &str, value: &str, tip: &str| row_ui(ui, name, &Values::One(value), tip);
    let tip = format!(
        "Boxes of both models are matched at IoU 0.5, same label. Precision {:.3}: share of B's boxes that A has too; \
         recall {:.3}: share of A's boxes that B has too; F1 is their harmonic mean. {rests_on}",
        agreement.precision, agreement.recall
    );
    one(ui, "F1 at IoU 0.5", &format::share(agreement.f1), &tip);
    let interval = match agreement.f1_interval {
        Some([low, high]) => format!("{low:.3} … {high:.3}"),
        None => NONE.to_owned(),
    };
    let tip = format!(
        "Holds F1 in 95 of 100 resamplings of the window, by whole stretches of frames, because frames that follow each \
         other show the same things. None with fewer than a hundred frames. {rests_on}"
    );
    one(ui, "95 % interval", &interval, &tip);
    let tip = format!("Mean overlap of matched boxes. {rests_on}");
    one(ui, "Mean IoU", &format::share(agreement.mean_iou), &tip);
    let tip = format!("Mean absolute change of the score of matched boxes. {rests_on}");
    one(ui, "Score change", &format!("±{:.3}", agreement.mean_score_delta), &tip);
    let frames = format!("{} of {}", format::count(agreement.frames as u64), format::count(agreement.window as u64));
    one(ui, "Compared frames", &frames, &rests_on);
    let [a, b] = [agreement.reference_boxes, agreement.candidate_boxes].map(|boxes| format::count(boxes as u64));
    row_ui(ui, "Boxes compared", &Values::Both([&a, &b]), &rests_on);
}
