//! Charts as SVG that is part of the page: lines, points, whiskers and bars on one kind of axes.
//!
//! Colours, dashes and fonts come from the page's style sheet, so that a chart follows light, dark and print. Series are
//! told apart by colour and by dash or shape.

use super::words;
use maud::{Markup, html};

/// Colours of the style sheet, `c0` to `c5`, and as many dashes and shapes.
const STYLES: usize = 6;
/// Width of every chart in units of its view box; text has 12 of them.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
/// Height of a row of whiskers or bars.
const ROW: f64 = 46.0;
/// Characters of a name that fit over a row.
const ROW_NAME: usize = 58;

/// The classes that give a series its colour and its dash: different for the first 36.
pub fn style(index: usize) -> String {
    format!("c{} d{}", index % STYLES, (index + index / STYLES) % STYLES)
}

/// A scale with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: &'static str,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// From 0 to 1.
    pub fn unit(label: &'static str) -> Self {
        let ticks = (0..=5).map(|tick| f64::from(tick) * 0.2).collect();
        Self { label, from: 0.0, to: 1.0, ticks, decimals: 1 }
    }

    /// Round numbers around all values and around `also`.
    pub fn around(label: &'static str, values: impl Iterator<Item = f64>, also: &[f64]) -> Self {
        let finite = values.chain(also.iter().copied()).filter(|value| value.is_finite());
        let (mut low, mut high) = finite.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // A single value would have no scale, and differences below a part in ten thousand no ticks.
        let least = high.abs().max(low.abs()).max(1e-3) * 1e-4;
        if high - low < least {
            (low, high) = (low - least, high + least);
        }
        let step = round_step((high - low) / 4.0);
        let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|tick| (first + tick as f64) * step).collect();
        let decimals = (0..6).find(|&decimals| is_whole(step * 10f64.powi(decimals))).unwrap_or(6) as usize;
        Self { label, from: first * step, to: last * step, ticks, decimals }
    }

    /// From 0 to `most` in whole steps.
    pub fn counts(label: &'static str, most: f64) -> Self {
        let axis = Self::around(label, [most.max(4.0)].into_iter(), &[0.0]);
        Self { ticks: axis.ticks.into_iter().filter(|tick| is_whole(*tick)).collect(), decimals: 0, ..axis }
    }

    fn share(&self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (1.0 - self.share(value)) * (HEIGHT - TOP - BOTTOM)
    }

    fn tick_text(&self, tick: f64) -> String {
        words::number(Some(tick + 0.0), self.decimals)
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}

/// A curve.
pub struct Line {
    /// Number of its colour and dash.
    pub style: usize,
    /// In order of x.
    pub points: Vec<(f64, f64)>,
    /// A point of it to mark.
    pub mark: Option<(f64, f64)>,
}

/// Curves over a common x; `alt` tells what they show.
pub fn lines(alt: &str, x: &Axis, y: &Axis, curves: &[Line]) -> Markup {
    framed(
        alt,
        x,
        y,
        html! {
            @for curve in curves {
                path class={ "line " (style(curve.style)) } d=(path(x, y, &curve.points)) {}
            }
            @for curve in curves {
                @if let Some((at, value)) = curve.mark.filter(|(at, value)| at.is_finite() && value.is_finite()) {
                    line class={ "drop " (style(curve.style)) } x1=(px(x.x(at))) x2=(px(x.x(at)))
                        y1=(px(y.y(value))) y2=(px(HEIGHT - BOTTOM)) {}
                    (shape(curve.style, x.x(at), y.y(value)))
                }
            }
        },
    )
}

fn path(x: &Axis, y: &Axis, points: &[(f64, f64)]) -> String {
    let finite = points.iter().filter(|(a, b)| a.is_finite() && b.is_finite());
    let steps = finite
        .enumerate()
        .map(|(index, (a, b))| format!("{}{:.1} {:.1}", if index == 0 { 'M' } else { 'L' }, x.x(*a), y.y(*b)));
    steps.collect()
}

/// A named point.
pub struct Point {
    /// Number of its colour and shape.
    pub style: usize,
    /// Short: it stands beside the point.
    pub name: String,
    /// Where.
    pub at: (f64, f64),
}

/// Points with their names.
pub fn points(alt: &str, x: &Axis, y: &Axis, points: &[Point]) -> Markup {
    points_on(alt, x, y, points, &[])
}

/// Points with their names, and a line through some places in order of x.
pub fn points_on(alt: &str, x: &Axis, y: &Axis, points: &[Point], line: &[(f64, f64)]) -> Markup {
    framed(
        alt,
        x,
        y,
        html! {
            @if line.len() > 1 { path class={ "line " (style(STYLES - 1)) } d=(path(x, y, line)) {} }
            @for point in points.iter().filter(|point| point.at.0.is_finite() && point.at.1.is_finite()) {
                (shape(point.style, x.x(point.at.0), y.y(point.at.1)))
                @let near_right = x.share(point.at.0) > 0.92;
                @let near_top = y.share(point.at.1) > 0.95;
                text class="name" x=(px(x.x(point.at.0) + if near_right { -10.0 } else { 10.0 }))
                    y=(px(y.y(point.at.1) + if near_top { 16.0 } else { -7.0 })) text-anchor=(if near_right { "end" } else { "start" }) { (point.name) }
            }
        },
    )
}

/// A value with its interval.
pub struct Whisker {
    /// Number of its colour and shape.
    pub style: usize,
    /// Written above it.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
}

/// Values with their intervals, a row each, over a common axis with a line at `reference`.
pub fn whiskers(alt: &str, axis: &Axis, reference: f64, rows: &[Whisker]) -> Markup {
    let height = rows_height(rows.len());
    rows_framed(
        alt,
        axis,
        rows.len(),
        html! {
            line class="reference" x1=(px(wide_x(axis, reference))) x2=(px(wide_x(axis, reference))) y1=(px(TOP)) y2=(px(height - BOTTOM)) {}
            @for (index, row) in rows.iter().enumerate() {
                @let y = TOP + (index as f64 + 0.68) * ROW;
                text class="name" x="6" y=(px(y - 16.0)) { (shortened(&row.name)) }
                @if let Some([from, to]) = row.interval.filter(|ends| ends.iter().all(|end| end.is_finite())) {
                    line class={ "whisker c" (row.style % STYLES) } x1=(px(wide_x(axis, from))) x2=(px(wide_x(axis, to))) y1=(px(y)) y2=(px(y)) {}
                    @for end in [from, to] {
                        line class={ "whisker c" (row.style % STYLES) } x1=(px(wide_x(axis, end))) x2=(px(wide_x(axis, end)))
                            y1=(px(y - 5.0)) y2=(px(y + 5.0)) {}
                    }
                }
                @if row.value.is_finite() { (shape(row.style, wide_x(axis, row.value), y)) }
            }
        },
    )
}

/// A bar of parts with marks behind it.
pub struct Bar {
    /// Written above it.
    pub name: String,
    /// Lengths of its parts, each in the fill `p0`, `p1` …
    pub parts: Vec<f64>,
    /// Median, 95th and 99th percentile of the whole.
    pub marks: [f64; 3],
}

/// Bars, a row each, over a common axis.
pub fn bars(alt: &str, axis: &Axis, rows: &[Bar]) -> Markup {
    rows_framed(
        alt,
        axis,
        rows.len(),
        html! {
            @for (index, row) in rows.iter().enumerate() {
                @let y = TOP + (index as f64 + 0.45) * ROW;
                text class="name" x="6" y=(px(y - 4.0)) { (shortened(&row.name)) }
                @for (part, length) in row.parts.iter().enumerate().filter(|(_, length)| length.is_finite()) {
                    @let from: f64 = row.parts[..part].iter().filter(|length| length.is_finite()).sum();
                    rect class={ "part p" (part) } x=(px(wide_x(axis, from))) y=(px(y))
                        width=(px(wide_x(axis, from + length) - wide_x(axis, from))) height="18" {}
                }
                @let [p50, p95, p99] = row.marks.map(|mark| px(wide_x(axis, mark)));
                line class="tail" x1=(p50) x2=(p99) y1=(px(y + 9.0)) y2=(px(y + 9.0)) {}
                line class="median" x1=(p50) x2=(p50) y1=(px(y - 2.0)) y2=(px(y + 20.0)) {}
                line class="tail" x1=(p95) x2=(p95) y1=(px(y + 3.0)) y2=(px(y + 15.0)) {}
                circle class="tail" cx=(p99) cy=(px(y + 9.0)) r="3" {}
            }
        },
    )
}

/// The line and shape of a series, for a legend in the page.
pub fn swatch(index: usize) -> Markup {
    html! {
        svg class="swatch" viewBox="0 0 34 14" width="34" height="14" aria-hidden="true" {
            path class={ "line " (style(index)) } d="M1 7L33 7" {}
            (shape(index, 17.0, 7.0))
        }
    }
}

/// A shape that tells a series from others where colours do not.
fn shape(index: usize, x: f64, y: f64) -> Markup {
    let class = format!("mark c{}", index % STYLES);
    let around = |corners: &[(f64, f64)]| -> String {
        corners.iter().map(|(dx, dy)| format!("{:.1},{:.1} ", x + dx, y + dy)).collect::<String>().trim_end().to_owned()
    };
    html! {
        @match index % STYLES {
            0 => circle class=(class) cx=(px(x)) cy=(px(y)) r="4.5" {},
            1 => rect class=(class) x=(px(x - 4.2)) y=(px(y - 4.2)) width="8.4" height="8.4" {},
            2 => polygon class=(class) points=(around(&[(0.0, -5.5), (5.2, 4.0), (-5.2, 4.0)])) {},
            3 => polygon class=(class) points=(around(&[(0.0, -5.8), (5.8, 0.0), (0.0, 5.8), (-5.8, 0.0)])) {},
            4 => polygon class=(class) points=(around(&[(0.0, 5.5), (5.2, -4.0), (-5.2, -4.0)])) {},
            _ => polygon class=(class) points=(around(&[(-2.6, -5.0), (2.6, -5.0), (5.2, 0.0), (2.6, 5.0), (-2.6, 5.0), (-5.2, 0.0)])) {},
        }
    }
}

fn framed(alt: &str, x: &Axis, y: &Axis, inside: Markup) -> Markup {
    html! {
        svg class="chart" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(alt) {
            @for tick in &y.ticks {
                line class="grid" x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(y.y(*tick))) y2=(px(y.y(*tick))) {}
                text class="tick" x=(px(LEFT - 6.0)) y=(px(y.y(*tick) + 4.0)) text-anchor="end" { (y.tick_text(*tick)) }
            }
            @for tick in &x.ticks {
                line class="grid" x1=(px(x.x(*tick))) x2=(px(x.x(*tick))) y1=(px(TOP)) y2=(px(HEIGHT - BOTTOM)) {}
                text class="tick" x=(px(x.x(*tick))) y=(px(HEIGHT - BOTTOM + 16.0)) text-anchor="middle" { (x.tick_text(*tick)) }
            }
            text class="axis" x=(px((LEFT + WIDTH - RIGHT) / 2.0)) y=(px(HEIGHT - 8.0)) text-anchor="middle" { (x.label) }
            text class="axis" transform={ "translate(12 " (px((TOP + HEIGHT - BOTTOM) / 2.0)) ") rotate(-90)" } text-anchor="middle" { (y.label) }
            (inside)
        }
    }
}

fn rows_height(rows: usize) -> f64 {
    TOP + ROW * rows as f64 + BOTTOM
}

/// Rows need no room for ticks at their left.
fn wide_x(axis: &Axis, value: f64) -> f64 {
    const SIDE: f64 = 24.0;
    SIDE + axis.share(value) * (WIDTH - 2.0 * SIDE)
}

fn rows_framed(alt: &str, axis: &Axis, rows: usize, inside: Markup) -> Markup {
    let height = rows_height(rows);
    html! {
        svg class="chart" viewBox={ "0 0 " (WIDTH) " " (px(height)) } role="img" aria-label=(alt) {
            @for tick in &axis.ticks {
                @let x = px(wide_x(axis, *tick));
                line class="grid" x1=(x) x2=(x) y1=(px(TOP)) y2=(px(height - BOTTOM)) {}
                text class="tick" x=(x) y=(px(height - BOTTOM + 16.0)) text-anchor="middle" { (axis.tick_text(*tick)) }
            }
            text class="axis" x=(px(WIDTH / 2.0)) y=(px(height - 8.0)) text-anchor="middle" { (axis.label) }
            (inside)
        }
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= ROW_NAME {
        return name.to_owned();
    }
    name.chars().take(ROW_NAME - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ticks_around_their_values() {
        let axis = Axis::around("x", [0.331, 0.342].into_iter(), &[]);
        assert!(axis.from <= 0.331 && axis.to >= 0.342 && axis.to - axis.from < 0.02, "{axis:?}");
        assert!((3..=7).contains(&axis.ticks.len()), "{axis:?}");
        let texts: Vec<String> = axis.ticks.iter().map(|tick| axis.tick_text(*tick)).collect();
        let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "{texts:?}");
        assert_eq!(Axis::counts("threads", 2.0).ticks, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(Axis::around("x", [9.8, 4.6].into_iter(), &[0.0]).ticks, [0.0, 2.5, 5.0, 7.5, 10.0]);
        for values in [vec![], vec![f64::NAN], vec![0.0], vec![7.0, 7.0], vec![-1e-9, 1e-9], vec![1e12, f64::INFINITY]]
        {
            let axis = Axis::around("x", values.iter().copied(), &[]);
            assert!(axis.to > axis.from && (2..12).contains(&axis.ticks.len()), "{values:?}: {axis:?}");
        }
    }

    #[test]
    fn the_first_36_series_look_different() {
        let styles: std::collections::BTreeSet<String> = (0..STYLES * STYLES).map(style).collect();
        assert_eq!(styles.len(), STYLES * STYLES);
    }

    #[test]
    fn points_that_are_no_numbers_are_left_out() {
        let (x, y) = (Axis::unit("x"), Axis::unit("y"));
        let points = vec![(0.0, f64::NAN), (0.5, 0.5), (f64::INFINITY, 0.1), (2.0, 1.0)];
        let svg = lines("a", &x, &y, &[Line { style: 0, points, mark: Some((f64::NAN, 0.0)) }]).into_string();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(svg.contains(r#"d="M247.0 134.0L440.0 12.0""#), "{svg}");
    }
}
