//! Which detections hit which objects: COCO's matching at its ten IoU thresholds, kept picture by picture.
//!
//! The overlaps and the matching are `hotcoco`'s, the same that its COCO evaluation uses.

use super::ScoredBox;
use crate::dataset::LabelledPicture;
use hotcoco::params::{IouType, Params};
use hotcoco::primitives::greedy::{GtMasks, coco_match_floor, greedy_match_masked};
use hotcoco::primitives::sim::bbox_iou_flat;
use std::collections::BTreeMap;

/// Detections that count of one class on one picture, best first; COCO's number.
pub(super) const DETECTIONS_MAX: usize = 100;
/// COCO's IoU thresholds: 0.50, 0.55 … 0.95.
pub(super) const THRESHOLDS: usize = 10;

/// A labelled picture and what a model found on it.
#[derive(Clone, Copy, Debug)]
pub struct JudgedPicture<'a> {
    /// What is really there. Its id orders detections of equal score, as COCO's tools do.
    pub truth: &'a LabelledPicture,
    /// What the model found, of any class, in any order. Boxes that hold no number and classes that are not evaluated
    /// are left out.
    pub detections: &'a [ScoredBox],
}

/// A detection and what it hit, a bit for each of the ten IoU thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RankedDetection {
    pub score: f64,
    /// Place of its picture in the list that was judged.
    pub picture: u32,
    /// Set where it hit an object that counts.
    hit: u16,
    /// Set where it hit an ignored object, so that it is neither right nor wrong.
    ignored: u16,
}

impl RankedDetection {
    pub fn is_hit(&self, threshold: usize) -> bool {
        self.hit >> threshold & 1 == 1
    }

    pub fn is_ignored(&self, threshold: usize) -> bool {
        self.ignored >> threshold & 1 == 1
    }
}

/// One class on all pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct JudgedClass {
    /// Pictures with objects that count, and how many.
    pub objects: Vec<(u32, u32)>,
    /// By falling score; equal scores by the id of their picture, then in the order given.
    pub detections: Vec<RankedDetection>,
}

impl JudgedClass {
    /// Objects that count.
    pub fn object_count(&self) -> usize {
        self.objects.iter().map(|(_, count)| *count as usize).sum()
    }
}

/// Matches every class that is `known` on all pictures; classes that are not stay empty.
pub(super) fn judge(known: &[bool], pictures: &[JudgedPicture<'_>]) -> Vec<JudgedClass> {
    let mut classes = vec![JudgedClass::default(); known.len()];
    let floors: Vec<f64> = Params::new(IouType::Bbox).iou_thrs.iter().map(|iou| coco_match_floor(*iou)).collect();
    debug_assert_eq!(floors.len(), THRESHOLDS);
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    order.sort_by_key(|index| pictures[*index].truth.id);
    for index in order {
        for (class, mut cell) in cells(known, &pictures[index]) {
            cell.judge(index as u32, &floors, &mut classes[class]);
        }
    }
    for class in &mut classes {
        class.detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    classes
}

/// The boxes of a picture that take part, by class.
pub(super) fn usable<'a>(known: &'a [bool], picture: &JudgedPicture<'a>) -> impl Iterator<Item = &'a ScoredBox> {
    picture.detections.iter().filter(|found| {
        known.get(found.class).copied().unwrap_or(false)
            && found.score.is_finite()
            && found.bbox.iter().all(|number| number.is_finite())
    })
}

/// Objects and detections of one class on one picture.
#[derive(Default)]
struct Cell<'a> {
    /// Left, top, width, height of each object, and whether it is ignored.
    objects: Vec<([f64; 4], bool)>,
    detections: Vec<&'a ScoredBox>,
}

fn cells<'a>(known: &'a [bool], picture: &JudgedPicture<'a>) -> BTreeMap<usize, Cell<'a>> {
    let mut cells: BTreeMap<usize, Cell<'a>> = BTreeMap::new();
    for object in &picture.truth.boxes {
        if known.get(object.class).copied().unwrap_or(false) {
            let bbox = [object.x, object.y, object.width, object.height];
            cells.entry(object.class).or_default().objects.push((bbox, object.ignored));
        }
    }
    for found in usable(known, picture) {
        cells.entry(found.class).or_default().detections.push(found);
    }
    cells
}

impl Cell<'_> {
    fn judge(&mut self, picture: u32, floors: &[f64], class: &mut JudgedClass) {
        self.detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.detections.truncate(DETECTIONS_MAX);
        // The matching wants the objects that count before those that are ignored.
        self.objects.sort_by_key(|(_, ignored)| *ignored);
        let counted = self.objects.iter().filter(|(_, ignored)| !ignored).count();
        if counted > 0 {
            class.objects.push((picture, counted as u32));
        }
        let matched = match_boxes(&self.detections, &self.objects, counted, floors);
        for (rank, found) in self.detections.iter().enumerate() {
            let mut ranked = RankedDetection { score: found.score, picture, hit: 0, ignored: 0 };
            for (threshold, objects) in matched.iter().enumerate() {
                if let Some(object) = objects[rank] {
                    let bits = if object < counted { &mut ranked.hit } else { &mut ranked.ignored };
                    *bits |= 1 << threshold;
                }
            }
            class.detections.push(ranked);
        }
    }
}

/// For each IoU threshold the object that each detection hit. Detections come best first, objects that count (the
/// first `counted`) before ignored ones, which any number of detections may hit.
pub(super) fn match_boxes(
    detections: &[&ScoredBox],
    objects: &[([f64; 4], bool)],
    counted: usize,
    ious: &[f64],
) -> Vec<Vec<Option<usize>>> {
    let found: Vec<[f64; 4]> = detections.iter().map(|found| found.bbox).collect();
    let (boxes, ignored): (Vec<[f64; 4]>, Vec<bool>) = objects.iter().copied().unzip();
    let overlaps = bbox_iou_flat(&found, &boxes, &ignored);
    let masks = GtMasks { rematchable: Some(&ignored), phase2_eligible: None };
    let matches = greedy_match_masked(&overlaps, found.len(), boxes.len(), counted, masks, ious);
    matches.dt_gt.iter_rows().map(<[_]>::to_vec).collect()
}
