//! The pictures on which models differ: truth, reference and candidate side by side.
//!
//! A picture lies in the page once, as JPEG; boxes are drawn over it as SVG, so that they stay sharp on paper and can be
//! selected and read aloud.

use super::chart;
use super::confusion::badge;
use super::words::{self, counted};
use crate::capture::read_picture;
use crate::evaluate::{Evaluation, NamedBox, PictureDifference};
use crate::imaging::ImageSize;
use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::path::Path;

/// Differences that are shown; each costs about 60 kB.
const MOST_SHOWN: usize = 24;
/// Longer side of an embedded picture.
const LONGEST_SIDE: u32 = 640;
const JPEG_QUALITY: u8 = 80;
/// Boxes of a picture that are all named; with more of them only those that differ are.
const ALL_NAMED: usize = 10;

/// The gallery; none where models never differ.
pub fn gallery(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    if evaluation.differences.is_empty() {
        return None;
    }
    let shown = &evaluation.differences[..evaluation.differences.len().min(MOST_SHOWN)];
    let mut embedded = Embedded::default();
    let entries: Vec<Markup> =
        shown.iter().map(|difference| entry(difference, names, evaluation.dataset.labelled, &mut embedded)).collect();
    Some(html! {
        p class="muted" {
            "The pictures on which a candidate and the reference differ most, worst first. Thick boxes are those that only \
             one side has; thin ones both have. A candidate's boxes are dashed, true ones white."
            @if shown.len() < evaluation.differences.len() {
                " " (shown.len()) " of " (evaluation.differences.len()) " are shown."
            }
        }
        @for entry in entries { (entry) }
    })
}

fn entry(difference: &PictureDifference, names: &[String], labelled: bool, embedded: &mut Embedded) -> Markup {
    let number = embedded.number(&difference.path);
    let size = match (difference.size, &embedded.pictures[number]) {
        (size, _) if size.width > 0 && size.height > 0 => size,
        (_, Picture::Ready { size, .. } | Picture::InPage { size }) => *size,
        (size, Picture::Gone) => size,
    };
    let name = words::file_name(&difference.path);
    let candidate = names.get(difference.candidate).map_or("candidate", String::as_str);
    let reference = names.first().map_or("reference", String::as_str);
    html! {
        figure class="difference" {
            figcaption {
                b { (name) } " " span class="muted" {
                    (counted(difference.different_boxes, "box differs", "boxes differ")) ", "
                    (counted(difference.same_boxes, "box is the same", "boxes are the same"))
                }
            }
            div class="three" {
                @if labelled { (panel(&Panel { title: html! { "Truth" }, spoken: format!("Truth of {name}"), class: "truth".to_owned(), boxes: &difference.truth }, number, size, embedded)) }
                (panel(&Panel {
                    title: html! { (badge(0)) " " (reference) },
                    spoken: format!("Boxes of {reference} on {name}"),
                    class: "c0".to_owned(),
                    boxes: &difference.reference_boxes,
                }, number, size, embedded))
                (panel(&Panel {
                    title: html! { (badge(difference.candidate)) " " (candidate) },
                    spoken: format!("Boxes of {candidate} on {name}"),
                    class: format!("{} candidate", chart::style(difference.candidate)),
                    boxes: &difference.candidate_boxes,
                }, number, size, embedded))
            }
        }
    }
}

struct Panel<'a> {
    title: Markup,
    /// For who cannot see it.
    spoken: String,
    class: String,
    boxes: &'a [NamedBox],
}

fn panel(panel: &Panel<'_>, number: usize, size: ImageSize, embedded: &mut Embedded) -> Markup {
    let (width, height) = (size.width.max(1), size.height.max(1));
    let drawn: Vec<&NamedBox> = panel.boxes.iter().filter(|b| b.rect.iter().all(|edge| edge.is_finite())).collect();
    let list: Vec<String> = drawn.iter().take(ALL_NAMED).map(|b| caption(b)).collect();
    let mut named: Vec<&NamedBox> = drawn.iter().copied().filter(|b| !b.matched || drawn.len() <= ALL_NAMED).collect();
    // What differs gets its place first.
    named.sort_by_key(|b| b.matched);
    let alone = drawn.iter().filter(|b| !b.matched).count();
    let spoken = format!("{}: {} {}", panel.spoken, counted(drawn.len(), "box", "boxes"), list.join(", "));
    html! {
        div class="panel" {
            svg class={ "photo " (panel.class) } viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(spoken.trim_end()) {
                (embedded.picture(number, width, height))
                @for b in drawn.iter().filter(|b| b.matched) { (outline(b)) }
                @for b in drawn.iter().filter(|b| !b.matched) { (outline(b)) }
                (labels(&named, f64::from(width), f64::from(height)))
            }
            p class="under" {
                (panel.title) " " span class="muted" {
                    (counted(drawn.len(), "box", "boxes"))
                    @if alone > 0 { ", " (alone) @if panel.class == "truth" { " missed by one or both" } @else { " only here" } }
                }
            }
        }
    }
}

fn caption(b: &NamedBox) -> String {
    match b.score.filter(|score| score.is_finite()) {
        Some(score) => format!("{} {score:.2}", b.label),
        None => b.label.clone(),
    }
}

fn outline(b: &NamedBox) -> Markup {
    let [x1, y1, x2, y2] = b.rect.map(f64::from);
    let (x, y, width, height) = (one(x1), one(y1), one((x2 - x1).max(0.0)), one((y2 - y1).max(0.0)));
    let class = if b.matched { "box" } else { "box alone" };
    html! {
        rect class={ (class) " halo" } x=(x) y=(y) width=(width) height=(height) {}
        rect class=(class) x=(x) y=(y) width=(width) height=(height) { title { (caption(b)) } }
    }
}

/// The labels, each above, in or below its box: where it lies in the picture and covers no other label. Where there is no
/// such place there is none; a box tells its name to a pointer, too.
fn labels(boxes: &[&NamedBox], width: f64, height: f64) -> Markup {
    // A panel has about 340 CSS pixels on a wide page.
    let size = width.max(height * 0.8) / 30.0;
    let mut placed: Vec<[f64; 4]> = Vec::new();
    let mut texts = Vec::new();
    for b in boxes {
        let text = caption(b);
        let long = text.chars().count() as f64 * size * 0.6;
        let [x1, y1, _, y2] = b.rect.map(f64::from);
        let x = (x1 + size * 0.1).min(width - long).max(0.0);
        // Baselines.
        let places = [y1 - size * 0.35, y1 + size * 1.1, y2 + size * 1.1, y2 - size * 0.4];
        let area = |baseline: f64| [x, baseline - size, x + long, baseline + size * 0.25];
        let is_free = |baseline: &&f64| {
            let [left, top, right, bottom] = area(**baseline);
            let crosses = |o: &[f64; 4]| left < o[2] && right > o[0] && top < o[3] && bottom > o[1];
            top >= 0.0 && bottom <= height && !placed.iter().any(crosses)
        };
        let Some(baseline) = places.iter().find(is_free).copied() else { continue };
        placed.push(area(baseline));
        texts.push((text, x, baseline));
    }
    html! { @for (text, x, y) in texts { text class="what" x=(one(x)) y=(one(y)) font-size=(one(size)) { (text) } } }
}

fn one(value: f64) -> String {
    format!("{value:.1}")
}

/// Pictures of the page, each in it once.
#[derive(Default)]
struct Embedded {
    numbers: BTreeMap<std::path::PathBuf, usize>,
    pictures: Vec<Picture>,
}

enum Picture {
    /// Read, and not in the page yet.
    Ready { jpeg: Vec<u8>, size: ImageSize },
    /// In the page: it can be used again.
    InPage { size: ImageSize },
    /// It cannot be read any more.
    Gone,
}

impl Embedded {
    /// The picture's number; reads it where it is new.
    fn number(&mut self, path: &Path) -> usize {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        self.pictures.push(read(path).unwrap_or(Picture::Gone));
        self.numbers.insert(path.to_owned(), self.pictures.len() - 1);
        self.pictures.len() - 1
    }

    /// The picture over the whole view box, by its bytes or by a reference to where it already is.
    fn picture(&mut self, number: usize, width: u32, height: u32) -> Markup {
        let id = format!("picture-{number}");
        let picture = &mut self.pictures[number];
        let (markup, size) = match picture {
            Picture::Gone => {
                return html! {
                    rect class="gone" width=(width) height=(height) {}
                    text class="what" x="50%" y="50%" text-anchor="middle" font-size=(width / 24) { "This picture can no longer be read" }
                };
            }
            Picture::InPage { size } => (html! { use href={ "#" (id) } {} }, *size),
            Picture::Ready { jpeg, size } => {
                let data = format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg));
                (html! { image id=(id) href=(data) width=(width) height=(height) preserveAspectRatio="none" {} }, *size)
            }
        };
        *picture = Picture::InPage { size };
        markup
    }
}

/// Reads a picture and makes it small.
fn read(path: &Path) -> Option<Picture> {
    let picture = read_picture(path)
        .map_err(|error| tracing::warn!("The report shows a grey field for a picture: {error}"))
        .ok()?;
    let (width, height) = picture.dimensions();
    let scale = f64::from(LONGEST_SIDE) / f64::from(width.max(height).max(1));
    let small = if scale < 1.0 {
        let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        resize(&picture, side(width), side(height), FilterType::Triangle)
    } else {
        picture
    };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).encode_image(&small).ok()?;
    Some(Picture::Ready { jpeg, size: ImageSize::new(width, height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_cover_each_other_where_there_is_room() {
        let named = |rect: [f32; 4]| NamedBox {
            label: "traffic light".to_owned(),
            class_id: 0,
            score: Some(0.9),
            rect,
            matched: true,
        };
        let boxes =
            [named([10.0, 100.0, 60.0, 200.0]), named([15.0, 101.0, 300.0, 210.0]), named([0.0, 0.0, 9.0, 3e9])];
        let svg = labels(&boxes.iter().collect::<Vec<_>>(), 640.0, 480.0).into_string();
        let heights: Vec<f64> =
            svg.split(" y=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
        assert_eq!(heights.len(), 3);
        assert!((heights[0] - heights[1]).abs() > 20.0, "{heights:?}");
        assert!(heights[2] > 10.0 && heights[2] <= 480.0, "{heights:?}");
    }

    #[test]
    fn a_large_picture_is_made_small_and_a_missing_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        image::RgbImage::new(1600, 400).save(&path).unwrap();
        let Some(Picture::Ready { jpeg, size }) = read(&path) else { panic!("not read") };
        assert_eq!(size, ImageSize::new(1600, 400));
        let small = image::load_from_memory(&jpeg).unwrap();
        assert_eq!((small.width(), small.height()), (640, 160));
        assert!(read(&folder.path().join("b.png")).is_none());
    }
}
