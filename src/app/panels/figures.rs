//! The figures: a column for each model, and what they come to in words.

use super::agreement::{self, AgreementInput};
use super::rows::{Values, heads_ui, note_ui, row_ui, section_ui};
use super::sparkline::{sparkline_ui, stage_bars_ui};
use crate::app::actions::Action;
use crate::app::format::{self, NONE};
use crate::app::theme::Colors;
use crate::app::verdict::Verdict;
use crate::capture::SourceSpec;
use crate::inference::ModelInfo;
use crate::inference::tuning::TunedBy;
use crate::pipeline::{LaneId, LaneStatistics, LatencySummary, Statistics};
use eframe::egui::{Frame, Label, Margin, RichText, Role, Sense, Ui, WidgetInfo};
use std::time::Duration;

/// What the panel shows.
pub struct FiguresInput<'a> {
    /// The loaded models.
    pub models: [Option<&'a ModelInfo>; 2],
    /// Their figures.
    pub statistics: &'a Statistics,
    /// What they come to.
    pub verdict: &'a Verdict,
    /// Distinct frames drawn a second.
    pub display_fps: Option<f32>,
    /// Age of the frames when they were drawn.
    pub frame_age: Option<Duration>,
    /// The source as it is written on the command line.
    pub source: &'a str,
    /// Whether no new frames come (paused, at the end, broken off): rates of before are not shown as if they held now.
    pub at_rest: bool,
    /// Whether both models run.
    pub compare: bool,
    /// Frames that the agreement is to look back over.
    pub agreement_frames: usize,
    /// Whether the worst frames are kept.
    pub worst_strip: bool,
}

/// Draws the panel.
pub fn figures_ui(ui: &mut Ui, input: &FiguresInput<'_>, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 3.0;
    verdict_ui(ui, input, actions);
    oddities_ui(ui, input, actions);
    model_ui(ui, input);
    speed_ui(ui, input);
    accuracy_ui(ui, input);
    let agreement = AgreementInput {
        agreement: input.statistics.agreement.as_ref(),
        both_loaded: input.models.iter().all(Option::is_some),
        compare: input.compare,
        frames: input.agreement_frames,
        worst_strip: input.worst_strip,
        command: &agreement_command(input),
    };
    agreement::agreement_ui(ui, &agreement, actions);
    camera_ui(ui, input);
    process_ui(ui, input);
}

fn verdict_ui(ui: &mut Ui, input: &FiguresInput<'_>, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.card).stroke((1.0, colors.line)).corner_radius(8);
    let missing = match input.verdict {
        Verdict::Said { missing, .. } => *missing,
        _ => None,
    };
    let response = frame.inner_margin(Margin::symmetric(12, 9)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let said = matches!(input.verdict, Verdict::Said { .. });
        let text = RichText::new(input.verdict.text()).size(15.5);
        let text = if said { text.strong() } else { text.color(colors.weak) };
        let label = ui.add(Label::new(text).wrap());
        label.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Verdict: {}", input.verdict.text())));
        if let Some(missing) = missing {
            note_ui(ui, missing);
        }
        if !input.compare && input.models.iter().all(Option::is_some) {
            ui.add_space(4.0);
            if ui.button("Compare both").clicked() {
                actions.push(Action::ToggleCompare);
            }
        }
    });
    let tip = format!(
        "Speed: ratio of the medians of the total latency (preprocessing + inference + postprocessing). Size: ratio of \
         the file sizes. Agreement: F1 of boxes of the same label at IoU 0.5.\nCommand line: {}",
        command("bench", input)
    );
    response.response.interact(Sense::hover()).on_hover_text(tip);
}

/// What is odd about a model's boxes, with the remedy.
fn oddities_ui(ui: &mut Ui, input: &FiguresInput<'_>, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    for lane in LaneId::BOTH.into_iter().filter(|lane| input.models[lane.index()].is_some()) {
        // The gravest: what follows is often caused by it.
        let Some(oddity) = input.statistics.lanes[lane.index()].oddities.first() else { continue };
        let frame = Frame::new().fill(colors.card).stroke((1.0, colors.warning)).corner_radius(8);
        frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let text = RichText::new(format!("Model {lane:?}: {oddity}")).small().color(colors.text);
            ui.add(Label::new(text).wrap());
            if ui.small_button("Model…").accessible_name(format!("Correct model {lane:?}")).clicked() {
                actions.push(Action::ToggleModelPanel(lane));
            }
        });
    }
}

/// The command that measures the same without a window.
fn command(subcommand: &str, input: &FiguresInput<'_>) -> String {
    let source = &input.source;
    match subcommand {
        // Knows the truth as the demo scene does.
        "eval" => format!("quantscope eval demo{}{}", named(input, 0, "--model"), named(input, 1, "--model")),
        "inspect" => "quantscope inspect MODEL".to_owned(),
        other => {
            format!("quantscope {other}{}{} --source {source}", named(input, 0, "--model"), named(input, 1, "--model"))
        }
    }
}

/// The live figure on the same source; and, without the chance of what was before the camera, on labelled pictures.
fn agreement_command(input: &FiguresInput<'_>) -> String {
    format!(
        "quantscope --headless{}{} --source {} --agreement-window {}\nOn labelled pictures: quantscope eval {}{}{}",
        named(input, 0, "--model"),
        named(input, 1, "--model-b"),
        input.source,
        input.agreement_frames,
        if input.source == SourceSpec::Demo.to_string() { "demo" } else { "DATASET" },
        named(input, 0, "--model"),
        named(input, 1, "--model")
    )
}

/// " --model FILE"; empty where the lane has none.
fn named(input: &FiguresInput<'_>, lane: usize, flag: &str) -> String {
    input.models[lane].map_or_else(String::new, |model| format!(" {flag} {}", model.path.display()))
}

fn model_ui(ui: &mut Ui, input: &FiguresInput<'_>) {
    section_ui(ui, "MODEL");
    let precision = both(input.models, |model| model.precision.to_string());
    let inspect = command("inspect", input);
    heads_ui(ui, [&format!("A {}", precision[0]), &format!("B {}", precision[1])]);
    let tip = format!("In what numbers the model computes, told from its graph.\nCommand line: {inspect}");
    pair_ui(ui, "Precision", &both(input.models, ModelInfo::numbers), &tip);
    let integers = both(input.models, |model| {
        model.in_integers().map_or_else(|| "not known".to_owned(), |(some, all)| format!("{some} of {all}"))
    });
    let tip = format!(
        "Convolutions (or matrix products) that really compute in integers, counted after ONNX Runtime's optimizer.\n\
         Command line: {inspect}"
    );
    pair_ui(ui, "In integers", &integers, &tip);
    let accelerated = both(input.models, |model| model.acceleration.in_short());
    let told = input.models.iter().flatten().filter_map(|model| model.acceleration.in_words());
    let mut tip =
        "Activation functions that became look-ups, and how much faster the model is by these and by taking its \
                   picture as it wants it. Its outputs are the same to the bit. Switch it off in the settings.\nCommand \
                   line: --no-accelerate"
            .to_owned();
    told.for_each(|words| tip += &format!("\n{words}"));
    pair_ui(ui, "Accelerated", &accelerated, &tip);
    let tip =
        format!("Size of the ONNX file and of its external data (1 MB = 1 000 000 bytes).\nCommand line: {inspect}");
    pair_ui(ui, "File size", &both(input.models, |model| format::bytes(model.bytes)), &tip);
    let mut tip =
        "Threads ONNX Runtime uses inside one operator, and how they were chosen. Change them in the settings.\n\
                   Command line: --threads N, or auto"
            .to_owned();
    for (model, words) in input.models.iter().flatten().filter_map(|model| Some((model, measured_words(model)?))) {
        tip += &format!("\n{}: {words}", format::file_name(&model.path));
    }
    pair_ui(ui, "Threads", &both(input.models, threads_words), &tip);
    let tip = "Execution provider that runs the model.\nCommand line: --provider NAME";
    pair_ui(ui, "Provider", &both(input.models, |model| model.provider.clone()), tip);
}

/// `2`, `2, measured`, `4 spinning`: there is no room for more, and only what was measured spins.
fn threads_words(model: &ModelInfo) -> String {
    match (model.spinning, measured_words(model)) {
        (true, _) => format!("{} spinning", model.threads),
        (false, Some(_)) => format!("{}, measured", model.threads),
        (false, None) => model.threads.to_string(),
    }
}

fn measured_words(model: &ModelInfo) -> Option<String> {
    match &model.tuned_by {
        TunedBy::Measuring(measured) => measured.in_words(),
        TunedBy::Order | TunedBy::Custom => None,
    }
}

fn speed_ui(ui: &mut Ui, input: &FiguresInput<'_>) {
    section_ui(ui, "SPEED, ms as median / 95th percentile");
    let bench = command("bench", input);
    let lanes = &input.statistics.lanes;
    let rate = [0, 1].map(|index| now(input, format::rate(lanes[index].fps)));
    let tip = format!("Frames a second that the model finished, over the last two seconds.\nCommand line: {bench}");
    pair_ui(ui, "Inference FPS", &rate, &tip);
    type Part = fn(&LaneStatistics) -> LatencySummary;
    let parts: [(&str, &str, Part); 5] = [
        ("Latency", "Preprocessing, inference and postprocessing of one frame together", |lane| lane.total),
        ("  preprocess", "Resize, padding, colour order and normalization into the input tensor", |lane| {
            lane.preprocess
        }),
        ("  inference", "The call into ONNX Runtime alone", |lane| lane.inference),
        ("  postprocess", "Decoding of the outputs, thresholds and non-maximum suppression", |lane| lane.postprocess),
        ("Frame to box", "From the capture of a frame to the publication of its boxes, waiting included", |lane| {
            lane.frame_to_box
        }),
    ];
    for (name, meaning, part) in parts {
        let [a, b] = [0, 1].map(|index| part(&lanes[index]).count);
        let tip = format!(
            "{meaning}. Median and 95th percentile of the last {a} frames of A and {b} of B.\nCommand line: {bench}"
        );
        pair_ui(ui, name, &[0, 1].map(|index| latency(&lanes[index], part)), &tip);
    }
    ui.add_space(2.0);
    stage_bars_ui(ui, lanes);
    ui.add_space(2.0);
    sparkline_ui(ui, lanes);
}

fn latency(lane: &LaneStatistics, part: fn(&LaneStatistics) -> LatencySummary) -> String {
    let summary = part(lane);
    if summary.count == 0 {
        return NONE.to_owned();
    }
    let number = |ms: f32| if ms < 10.0 { format!("{ms:.2}") } else { format!("{ms:.1}") };
    format!("{} / {}", number(summary.p50_ms), number(summary.p95_ms))
}

fn accuracy_ui(ui: &mut Ui, input: &FiguresInput<'_>) {
    section_ui(ui, "ACCURACY AGAINST THE TRUTH");
    let accuracy = [0, 1].map(|index| input.statistics.lanes[index].accuracy);
    let Some(any) = accuracy.iter().flatten().max_by_key(|accuracy| accuracy.frames) else {
        let knows_truth = input.source == SourceSpec::Demo.to_string();
        return note_ui(
            ui,
            match knows_truth {
                true => "Waiting for the first frames of a model.",
                false => "This source does not know what is in its pictures. The demo scene does.",
            },
        );
    };
    let value = |get: fn(&crate::pipeline::LaneAccuracy) -> f32| {
        accuracy.map(|accuracy| accuracy.as_ref().map_or_else(|| NONE.to_owned(), |a| format::share(get(a))))
    };
    let rests_on = format!("Over the last {} frames with {} true boxes.", any.frames, any.boxes);
    let eval = command("eval", input);
    let tip = format!(
        "Average precision at IoU 0.5, mean over the classes seen; all scores from 0.001 up count, whatever the \
         confidence slider says. {rests_on}\nCommand line: {eval}"
    );
    pair_ui(ui, "AP50", &value(|accuracy| accuracy.ap50), &tip);
    let tip = format!(
        "Share of the true boxes that were found (same label, IoU 0.5) at the confidence of the slider. \
         {rests_on}\nCommand line: {eval}"
    );
    pair_ui(ui, "Recall", &value(|accuracy| accuracy.recall), &tip);
    let classes =
        accuracy.map(|a| a.map_or_else(|| NONE.to_owned(), |a| format!("{} of {}", a.known_classes, a.classes)));
    pair_ui(
        ui,
        "Classes known",
        &classes,
        "Classes of the truth that the model has by name. Only these are counted above.",
    );
    let frames = accuracy.map(|a| a.map_or_else(|| NONE.to_owned(), |a| a.frames.to_string()));
    pair_ui(ui, "Frames", &frames, "Frames in the rolling window these figures rest on.");
}

/// What a camera lost, and how old its frames are when they are seen.
fn camera_ui(ui: &mut Ui, input: &FiguresInput<'_>) {
    let Some(losses) = input.statistics.camera_losses else { return };
    section_ui(ui, "CAMERA");
    let number = input.source.strip_prefix("camera:").unwrap_or("0");
    let probe = format!("Command line: quantscope cameras --probe {number}");
    let age = input.frame_age.map_or_else(|| NONE.to_owned(), |age| format::milliseconds(age.as_secs_f32() * 1e3));
    let tip = format!(
        "From the moment at which the driver says that a picture was taken to the moment at which it is first drawn here \
         with its boxes: median of the last two seconds.\n{probe}"
    );
    one_ui(ui, "Frame age", &now(input, age), &tip);
    let tip = format!(
        "Frames that the driver had no room for, told by the gaps in its numbers, since the source was opened. nokhwa \
         does not tell them.\n{probe}"
    );
    one_ui(ui, "Driver drops", &format::count(losses.dropped), &tip);
    let tip = format!("Frames that came marked as faulty, empty, cut off, or that could not be decoded.\n{probe}");
    one_ui(ui, "Damaged frames", &format::count(losses.damaged), &tip);
    let tip = format!("How often the camera was closed and opened again after a fault.\n{probe}");
    one_ui(ui, "Restarts", &format::count(losses.reopened), &tip);
}

fn process_ui(ui: &mut Ui, input: &FiguresInput<'_>) {
    section_ui(ui, "FLOW AND PROCESS");
    let statistics = input.statistics;
    let decode = statistics.capture_decode;
    let tip = format!(
        "Frames a second that the source gave, over the last two seconds. Decoding (or rendering) one takes {} \
         (median), {} (95th percentile).",
        format::milliseconds(decode.p50_ms),
        format::milliseconds(decode.p95_ms)
    );
    one_ui(ui, "Capture FPS", &now(input, format::rate(statistics.capture_fps)), &tip);
    one_ui(
        ui,
        "Display FPS",
        &now(input, format::rate(input.display_fps)),
        "Distinct frames drawn in this window a second, over the last two seconds.",
    );
    let share = statistics.dropped_frames as f64 / statistics.captured_frames.max(1) as f64 * 100.0;
    let dropped =
        format!("{} of {}", format::count(statistics.dropped_frames), format::count(statistics.captured_frames));
    let tip = format!(
        "Frames that a newer one replaced before a model took them ({share:.1} %), since the source was opened. A slow \
         model drops frames instead of falling behind."
    );
    one_ui(ui, "Dropped frames", &dropped, &tip);
    // Measured with the first frame.
    let measured = statistics.resident_bytes > 0;
    let known = |text: String| if measured { text } else { NONE.to_owned() };
    let cpu = now(input, known(format!("{:.0} %", statistics.cpu_percent)));
    one_ui(ui, "CPU", &cpu, "CPU use of this process over the last second, in percent of one core.");
    let tip = "Resident memory of this process (1 MB = 1 000 000 bytes).";
    one_ui(ui, "Memory", &known(format::bytes(statistics.resident_bytes)), tip);
}

/// A figure of the present; none while nothing happens.
fn now(input: &FiguresInput<'_>, figure: String) -> String {
    if input.at_rest { NONE.to_owned() } else { figure }
}

fn both(models: [Option<&ModelInfo>; 2], text: impl Fn(&ModelInfo) -> String) -> [String; 2] {
    models.map(|model| model.map_or_else(|| NONE.to_owned(), &text))
}

fn pair_ui(ui: &mut Ui, name: &str, [a, b]: &[String; 2], tip: &str) {
    row_ui(ui, name, &Values::Both([a, b]), tip);
}

fn one_ui(ui: &mut Ui, name: &str, value: &str, tip: &str) {
    row_ui(ui, name, &Values::One(value), tip);
}
