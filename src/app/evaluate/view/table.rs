//! A table of figures: heads, rows that light up under the pointer, numbers flush right.

use crate::app::evaluate::style;
use crate::app::theme::Colors;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{Align, Color32, FontId, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

const ROW: f32 = 24.0;
const GAP: f32 = 12.0;
/// A first column that is wider tears the row apart.
const WIDEST_FIRST: f32 = 320.0;
const SAMPLE: f32 = 24.0;
const TEXT: f32 = 13.5;
const HEAD_TEXT: f32 = 12.5;

/// A column; the first one takes what the others leave.
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Least width in points.
    pub width: f32,
    /// Whether figures stand in it, flush right.
    pub figures: bool,
    /// What it tells.
    pub tip: String,
}

impl Column {
    /// A column of words.
    pub fn words(title: &str, width: f32) -> Self {
        Self { title: title.to_owned(), width, figures: false, tip: String::new() }
    }

    /// A column of figures.
    pub fn figures(title: &str, width: f32, tip: impl Into<String>) -> Self {
        Self { title: title.to_owned(), width, figures: true, tip: tip.into() }
    }
}

/// What stands in one place.
#[derive(Default)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its colour; none is that of figures.
    pub color: Option<Color32>,
    /// The model whose line stands before it.
    pub sample: Option<usize>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// A table to be drawn.
pub struct Table<'a> {
    /// Not used twice on the page.
    pub id: &'a str,
    /// The columns.
    pub columns: &'a [Column],
    /// How many rows there are.
    pub rows: usize,
    /// The column that rows are sorted by, and whether the highest comes first; none: heads cannot be clicked.
    pub sorted: Option<(usize, bool)>,
    /// Whether the rows scroll in what is left of the height, rather than all of them standing.
    pub scrolls: bool,
}

impl Table<'_> {
    /// Draws the table; `cell` gives what stands in a row and a column. Returns the column whose head was clicked.
    pub fn show(&self, ui: &mut Ui, cell: impl Fn(usize, usize) -> Cell) -> Option<usize> {
        let gaps = GAP * self.columns.len().saturating_sub(1) as f32;
        let least: f32 = self.columns.iter().map(|column| column.width).sum::<f32>() + gaps;
        let first = self.columns.first().map_or(0.0, |column| column.width);
        let width = ui.available_width().clamp(least, (least - first + WIDEST_FIRST).max(least));
        let mut clicked = None;
        let height = ui.available_height();
        ScrollArea::horizontal().id_salt(self.id).auto_shrink([false, true]).show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            let spans = self.spans(width, least);
            clicked = self.heads_ui(ui, width, &spans);
            if !self.scrolls {
                (0..self.rows).for_each(|row| self.row_ui(ui, row, width, &spans, &cell));
                return;
            }
            let rows = ScrollArea::vertical().id_salt((self.id, "rows")).auto_shrink([false, true]);
            // Room for a horizontal bar below.
            rows.max_height((height - ROW - 14.0).max(3.0 * ROW)).show_rows(ui, ROW, self.rows, |ui, shown| {
                shown.for_each(|row| self.row_ui(ui, row, width, &spans, &cell));
            });
        });
        clicked
    }

    /// Left and right end of each column, from the left edge.
    fn spans(&self, width: f32, least: f32) -> Vec<(f32, f32)> {
        let mut left = 0.0;
        let span = |(index, column): (usize, &Column)| {
            let right = left + column.width + if index == 0 { width - least } else { 0.0 };
            let span = (left, right);
            left = right + GAP;
            span
        };
        self.columns.iter().enumerate().map(span).collect()
    }

    fn heads_ui(&self, ui: &mut Ui, width: f32, spans: &[(f32, f32)]) -> Option<usize> {
        let colors = Colors::of(ui);
        let (line, _) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
        ui.painter().hline(line.x_range(), line.bottom() - 0.5, (1.0, colors.line));
        let mut clicked = None;
        for (index, (column, span)) in self.columns.iter().zip(spans).enumerate() {
            let place = part(line, *span);
            let sorted = self.sorted.filter(|(by, _)| *by == index);
            let sense = if self.sorted.is_some() { Sense::click() } else { Sense::hover() };
            let response = ui.interact(place, ui.scope_id().with((self.id, "head", index)), sense);
            let title = match sorted {
                Some((_, true)) => format!("{} ▼", column.title),
                Some((_, false)) => format!("{} ▲", column.title),
                None => column.title.clone(),
            };
            let color = if sorted.is_some() || response.hovered() { colors.text } else { colors.weak };
            write(ui, place, &title, HEAD_TEXT, color, column.figures);
            if self.sorted.is_some() {
                let spoken = format!("Sort by {}", column.title);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
                clicked = clicked.or(response.clicked().then_some(index));
            }
            if !column.tip.is_empty() {
                response.on_hover_text(&column.tip);
            }
        }
        clicked
    }

    fn row_ui(&self, ui: &mut Ui, row: usize, width: f32, spans: &[(f32, f32)], cell: &impl Fn(usize, usize) -> Cell) {
        let (line, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
        if response.hovered() {
            ui.painter().rect_filled(line, 4, ui.visuals().faint_bg_color);
        }
        let mut spoken = String::new();
        let mut cut = false;
        for (index, (column, span)) in self.columns.iter().zip(spans).enumerate() {
            let cell = cell(row, index);
            let mut place = part(line, *span);
            if let Some(model) = cell.sample {
                let sample = Rect::from_min_max(place.min, pos2(place.left() + SAMPLE, place.bottom()));
                style::sample(ui.painter(), sample, style::model_color(ui, model), style::model_dash(model));
                place.min.x += SAMPLE + 8.0;
            }
            let color = cell.color.unwrap_or(Colors::of(ui).text);
            cut |= write(ui, place, &cell.text, TEXT, color, column.figures);
            match index {
                0 => spoken.push_str(&format!("{}:", cell.text)),
                1 => spoken.push_str(&format!(" {} {}", column.title, cell.text)),
                _ => spoken.push_str(&format!(", {} {}", column.title, cell.text)),
            }
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        if cut {
            response.on_hover_text(spoken);
        }
    }
}

fn part(line: Rect, (left, right): (f32, f32)) -> Rect {
    Rect::from_min_max(pos2(line.left() + left, line.top()), pos2(line.left() + right, line.bottom()))
}

/// One line of text; true when it had to be cut where the place ends.
fn write(ui: &Ui, place: Rect, text: &str, size: f32, color: Color32, flush_right: bool) -> bool {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(size), color);
    job.wrap = TextWrapping::truncate_at_width(place.width());
    let galley = ui.painter().layout_job(job);
    let align = if flush_right { Align::Max } else { Align::Min };
    let x = if align == Align::Max { place.right() - galley.size().x } else { place.left() };
    let cut = galley.elided;
    ui.painter().galley(pos2(x, place.center().y - galley.size().y / 2.0), galley, color);
    cut
}
