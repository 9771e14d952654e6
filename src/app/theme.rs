//! Colours, spacing and type, in a dark and a light version.

use super::settings::ThemeChoice;
use crate::imaging::{class_color, text_on};
use crate::pipeline::LaneId;
use eframe::egui::{self, Color32, CornerRadius, FontFamily, FontId, Stroke, TextStyle, Theme, Visuals, vec2};

/// Colours that egui's own style has no name for.
#[derive(Clone, Copy, Debug)]
pub struct Colors {
    /// Behind the picture.
    pub stage: Color32,
    /// Bars at the top and at the bottom.
    pub bar: Color32,
    /// Cards in the side panel.
    pub card: Color32,
    /// The strip of the first start.
    pub tint: Color32,
    /// Thin lines.
    pub line: Color32,
    /// Text of figures.
    pub text: Color32,
    /// Text that explains.
    pub weak: Color32,
    /// Something good.
    pub good: Color32,
    /// Something odd.
    pub warning: Color32,
    /// Something broken.
    pub error: Color32,
    /// Accents of the lanes.
    lanes: [Color32; 2],
    /// Preprocessing, inference, postprocessing in bars.
    pub stages: [f32; 3],
}

const DARK: Colors = Colors {
    stage: Color32::from_rgb(13, 14, 17),
    bar: Color32::from_rgb(27, 29, 35),
    card: Color32::from_rgb(32, 35, 42),
    tint: Color32::from_rgb(27, 39, 58),
    line: Color32::from_rgb(47, 51, 60),
    text: Color32::from_rgb(226, 229, 235),
    weak: Color32::from_rgb(154, 161, 173),
    good: Color32::from_rgb(96, 208, 140),
    warning: Color32::from_rgb(240, 190, 90),
    error: Color32::from_rgb(255, 125, 118),
    lanes: [Color32::from_rgb(104, 170, 255), Color32::from_rgb(255, 170, 84)],
    stages: [0.45, 1.0, 0.7],
};

const LIGHT: Colors = Colors {
    stage: Color32::from_rgb(222, 225, 230),
    bar: Color32::from_rgb(255, 255, 255),
    card: Color32::from_rgb(255, 255, 255),
    tint: Color32::from_rgb(223, 234, 252),
    line: Color32::from_rgb(214, 218, 225),
    text: Color32::from_rgb(26, 29, 36),
    weak: Color32::from_rgb(92, 99, 112),
    good: Color32::from_rgb(18, 120, 62),
    warning: Color32::from_rgb(146, 92, 0),
    error: Color32::from_rgb(184, 28, 28),
    lanes: [Color32::from_rgb(22, 98, 214), Color32::from_rgb(178, 84, 0)],
    stages: [0.45, 1.0, 0.7],
};

impl Colors {
    /// Those of the theme in use.
    pub fn of(ui: &egui::Ui) -> Self {
        if ui.visuals().dark_mode { DARK } else { LIGHT }
    }

    /// The accent of a lane.
    pub fn lane(&self, lane: LaneId) -> Color32 {
        self.lanes[lane.index()]
    }
}

/// The colour of a class.
pub fn class_color32(class_id: u32) -> Color32 {
    let [r, g, b] = class_color(class_id);
    Color32::from_rgb(r, g, b)
}

/// Black or white, whichever is easier to read on `background`.
pub fn readable_on(background: Color32) -> Color32 {
    let [r, g, b] = text_on([background.r(), background.g(), background.b()]);
    Color32::from_rgb(r, g, b)
}

/// Sets fonts and both styles. To be called once.
pub fn install(ctx: &egui::Context) {
    let mut fonts = egui::FontDefinitions::default();
    // The text font has no arrows and triangles; the monospaced one has.
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional) {
        family.push("Hack".to_owned());
    }
    ctx.set_fonts(fonts);
    for (theme, colors) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme, &colors);
            style.spacing.item_spacing = vec2(8.0, 6.0);
            style.spacing.button_padding = vec2(9.0, 4.0);
            style.spacing.interact_size = vec2(28.0, 26.0);
            style.spacing.menu_margin = egui::Margin::same(8);
            style.spacing.window_margin = egui::Margin::same(14);
            style.spacing.tooltip_width = 420.0;
            style.spacing.slider_rail_height = 4.0;
            style.spacing.scroll = egui::style::ScrollStyle::thin();
            style.interaction.selectable_labels = false;
            style.text_styles = [
                (TextStyle::Small, FontId::proportional(12.0)),
                (TextStyle::Body, FontId::proportional(14.0)),
                (TextStyle::Button, FontId::proportional(14.0)),
                (TextStyle::Heading, FontId::proportional(18.0)),
                (TextStyle::Monospace, FontId::monospace(12.5)),
            ]
            .into();
        });
    }
}

/// Follows the choice of the user.
pub fn apply(ctx: &egui::Context, choice: ThemeChoice) {
    ctx.set_theme(match choice {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
    });
}

fn visuals(theme: Theme, colors: &Colors) -> Visuals {
    let dark = theme == Theme::Dark;
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    let gray = |dark_value: [u8; 3], light_value: [u8; 3]| {
        let [r, g, b] = if dark { dark_value } else { light_value };
        Color32::from_rgb(r, g, b)
    };
    visuals.panel_fill = gray([22, 24, 29], [246, 247, 249]);
    visuals.window_fill = colors.bar;
    visuals.window_stroke = Stroke::new(1.0, colors.line);
    visuals.extreme_bg_color = gray([14, 15, 18], [238, 240, 243]);
    visuals.faint_bg_color = gray([29, 31, 37], [238, 240, 243]);
    visuals.code_bg_color = gray([38, 41, 49], [230, 233, 238]);
    visuals.weak_text_color = Some(colors.weak);
    visuals.warn_fg_color = colors.warning;
    visuals.error_fg_color = colors.error;
    visuals.hyperlink_color = colors.lanes[0];
    visuals.selection.bg_fill = gray([38, 79, 138], [190, 216, 252]);
    visuals.selection.stroke = Stroke::new(1.0, gray([225, 236, 255], [10, 54, 120]));
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.slider_trailing_fill = true;
    visuals.indent_has_left_vline = false;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, colors.line);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, colors.text);
    let fills = [
        (&mut widgets.inactive, gray([44, 48, 57], [229, 232, 237]), colors.text),
        (&mut widgets.hovered, gray([56, 61, 72], [217, 222, 230]), colors.text),
        (&mut widgets.active, gray([36, 39, 47], [203, 210, 220]), colors.text),
        (&mut widgets.open, gray([50, 54, 64], [217, 222, 230]), colors.text),
    ];
    for (widget, fill, text) in fills {
        widget.weak_bg_fill = fill;
        widget.bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.2, text);
        widget.expansion = 0.0;
        widget.corner_radius = CornerRadius::same(5);
    }
    // Checkboxes and slider rails are filled with this; on a card it must stand out.
    widgets.inactive.bg_fill = gray([66, 72, 85], [206, 212, 222]);
    visuals
}
