//! How it is done: the form of the new model, and below "More" what is seldom needed.

use super::WindowInput;
use super::parts::choice_ui;
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::setup::{QuantizeSettings, WeightBits};
use crate::app::theme::Colors;
use crate::quantize::{Activations, ChannelScales, JudgeBy, Method, Mode, Numbers, Weights};
use eframe::egui::{CollapsingHeader, ComboBox, Label, RichText, Ui};

/// Draws the choices. A recipe says most of them itself.
pub fn how_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let now = input.wishes;
    let mut wished = now.clone();
    let by_recipe = input.state.setup.recipe.is_some();
    choice_ui(ui, "How", |ui| {
        ui.horizontal_wrapped(|ui| {
            if by_recipe {
                ui.label("as the recipe says");
            } else {
                form_ui(ui, now, &mut wished);
            }
            if by_recipe || now.mode == Mode::Static {
                let tip = "quantscope runs a quantized model faster than ONNX Runtime alone does. For a file that another \
                           program is to run, judge by that";
                combo_ui(ui, ("Where time is judged", 232.0, tip), &mut wished.judge_by, &JudgeBy::ALL, |way| {
                    format!("judged by its time {}", way.place())
                });
            }
        });
    });
    let unusual = now.unusual() + usize::from(by_recipe);
    let title = if unusual == 0 { "More".to_owned() } else { format!("More ({unusual} changed)") };
    let title = RichText::new(title).color(Colors::of(ui).weak);
    CollapsingHeader::new(title).id_salt("more of quantizing").show_unindented(ui, |ui| {
        if !by_recipe {
            more_ui(ui, now, &mut wished);
        }
        choice_ui(ui, "Recipe", |ui| recipe_ui(ui, input, actions, wishes));
    });
    if wished != *now {
        wishes.push(QuantizeAction::SetWishes(wished));
    }
}

fn form_ui(ui: &mut Ui, now: &QuantizeSettings, wished: &mut QuantizeSettings) {
    let tip =
        "Fixed scales make the model fastest. The other forms have no search: the whole model is stored or computed so";
    let modes = [Mode::Static, Mode::Dynamic, Mode::WeightsOnly, Mode::FourBits, Mode::Half];
    combo_ui(ui, ("Form", 232.0, tip), &mut wished.mode, &modes, |mode| mode.in_words().to_owned());
    if now.mode != Mode::Static {
        return;
    }
    let tip = "How the range of a tensor is chosen from what was seen";
    combo_ui(ui, ("How ranges are chosen", 190.0, tip), &mut wished.method, &Method::ALL, |method| {
        method_words(method).to_owned()
    });
    let tip = "Types of what goes from layer to layer, and of weights. 16 bits are finer, but ONNX Runtime computes in \
               floats between them";
    combo_ui(ui, ("Types", 76.0, tip), &mut wished.numbers, &NUMBERS, |numbers| numbers.name().to_owned());
}

/// What is seldom needed.
fn more_ui(ui: &mut Ui, now: &QuantizeSettings, wished: &mut QuantizeSettings) {
    let fixed = now.mode == Mode::Static;
    if fixed {
        choice_ui(ui, "Channels", |ui| {
            let tip = "A range of its own for each channel keeps more of the accuracy. It is exact in floats, and free in \
                       quantscope, where look-ups take it back; other programs run such a file slowly";
            let all = [ChannelScales::Auto, ChannelScales::On, ChannelScales::Off];
            combo_ui(ui, ("Ranges of channels", 330.0, tip), &mut wished.channel_scales, &all, |scales| {
                scales_words(scales, now.judge_by).to_owned()
            });
        });
    }
    if now.weighs_bits() {
        choice_ui(ui, "Weights", |ui| {
            let tip = "Products of 8 bits overflow in x86 processors without VNNI; weights of 7 bits avoid that, and lose a \
                       little. Choose 7 for a file that such a processor is to run";
            combo_ui(ui, ("Bits of weights", 330.0, tip), &mut wished.weight_bits, &WeightBits::ALL, |bits| {
                bits_words(bits).to_owned()
            });
        });
    }
    if now.rounds_weights() {
        choice_ui(ui, "Corrections", |ui| {
            ui.horizontal_wrapped(|ui| {
                let tip =
                    "Rounds weights so that layers give what they gave on the pictures, instead of each to the nearest";
                ui.checkbox(&mut wished.learn_rounding, "learn the rounding").on_hover_text(tip);
                if !fixed {
                    return;
                }
                ui.add_space(10.0);
                let tip = "Brings the channels of a tensor to like ranges where that changes nothing but rounding";
                ui.checkbox(&mut wished.equalize, "equalize channels").on_hover_text(tip);
                ui.add_space(10.0);
                let tip = "Takes the mean error that rounding leaves in a layer from its biases";
                ui.checkbox(&mut wished.correct_biases, "correct biases").on_hover_text(tip);
            });
        });
    }
}

/// Decisions that are taken over from a file.
fn recipe_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    ui.horizontal(|ui| {
        match &input.state.setup.recipe {
            Some((path, _)) => {
                let name = format::shortened(&format::file_name(path), 40);
                ui.add(Label::new(name)).on_hover_text(path.display().to_string());
                let none = ui.button("×").on_hover_text("Search again instead");
                if none.accessible_name("Without a recipe").clicked() {
                    wishes.push(QuantizeAction::NoRecipe);
                }
            }
            None => {
                ui.label(RichText::new("none: what stays in floats is searched for").color(Colors::of(ui).weak));
            }
        }
        let tip =
            "Does what a recipe says instead of searching. It belongs to one model; save one with a report of a result";
        let choose = ui.button("Choose…").on_hover_text(tip);
        if choose.accessible_name("Choose a recipe").clicked() {
            actions.push(Action::Browse(DialogKind::Recipe));
        }
    });
}

/// Types on offer, the usual one first.
const NUMBERS: [Numbers; 4] = [
    Numbers { activations: Activations::U8, weights: Weights::S8 },
    Numbers { activations: Activations::S8, weights: Weights::S8 },
    Numbers { activations: Activations::U8, weights: Weights::U8 },
    Numbers { activations: Activations::S16, weights: Weights::S8 },
];

/// A list to choose from: its name, width and tip, what is chosen, and what there is.
fn combo_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    (name, width, tip): (&str, f32, &str),
    chosen: &mut T,
    all: &[T],
    words: impl Fn(T) -> String,
) {
    let shown = ComboBox::from_id_salt(name).width(width).selected_text(words(*chosen)).show_ui(ui, |ui| {
        for choice in all {
            ui.selectable_value(chosen, *choice, words(*choice));
        }
    });
    shown.response.on_hover_text(tip).accessible_name(name);
}

fn method_words(method: Method) -> &'static str {
    match method {
        Method::MinMax => "ranges: lowest to highest",
        Method::Percentile => "ranges: percentile",
        Method::Entropy => "ranges: entropy",
        Method::Mse => "ranges: least squared error",
    }
}

fn scales_words(scales: ChannelScales, judge_by: JudgeBy) -> &'static str {
    match (scales, judge_by) {
        (ChannelScales::Auto, JudgeBy::Accelerated) => "a range for each is tried, too",
        (ChannelScales::Auto, JudgeBy::Plain) => "one range for all, as ONNX Runtime likes it",
        (ChannelScales::On, _) => "always a range for each",
        (ChannelScales::Off, _) => "always one range for all",
    }
}

fn bits_words(bits: WeightBits) -> &'static str {
    match bits {
        WeightBits::AsSuits => "8 bits, or 7 where this processor overflows",
        WeightBits::Eight => "always 8 bits",
        WeightBits::Seven => "always 7 bits",
    }
}
