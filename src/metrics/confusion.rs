//! Which class is taken for which.

use super::judged::{match_boxes, usable};
use super::{Confusion, JudgedPicture, MATCH_IOU, ScoredBox};
use crate::dataset::DatasetClass;

/// Counts which class is taken for which at a confidence threshold: detections, best first, each take the free object
/// of any class that they overlap most, if by at least [`MATCH_IOU`]. A detection on an ignored object alone counts
/// nowhere. Only classes that are `known` and occur have a row and a column.
pub(super) fn confusion(
    classes: &[DatasetClass],
    known: &[bool],
    pictures: &[JudgedPicture<'_>],
    confidence: f64,
) -> Confusion {
    let mut pairs: Vec<(Option<usize>, Option<usize>)> = Vec::new();
    for picture in pictures {
        pairs_of_picture(known, picture, confidence, &mut pairs);
    }
    let mut occurs = vec![false; classes.len()];
    for class in pairs.iter().flat_map(|(object, found)| object.iter().chain(found)) {
        occurs[*class] = true;
    }
    let shown: Vec<usize> = (0..classes.len()).filter(|class| occurs[*class]).collect();
    let place = |class: Option<usize>| class.and_then(|class| shown.binary_search(&class).ok());
    let (objects, found): (Vec<_>, Vec<_>) =
        pairs.iter().map(|(object, found)| (place(*object), place(*found))).unzip();
    let counts = hotcoco::metrics::confusion::confusion_matrix(&objects, &found, shown.len());
    Confusion {
        confidence,
        classes: shown.iter().map(|class| classes[*class].name.clone()).collect(),
        counts: counts.chunks(shown.len() + 1).map(<[u64]>::to_vec).collect(),
    }
}

/// Adds the class of the object and that of the detection for every pair; none for a missed object or a false box.
fn pairs_of_picture(
    known: &[bool],
    picture: &JudgedPicture<'_>,
    confidence: f64,
    pairs: &mut Vec<(Option<usize>, Option<usize>)>,
) {
    let mut found: Vec<&ScoredBox> = usable(known, picture).filter(|found| found.score >= confidence).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut objects: Vec<_> =
        picture.truth.boxes.iter().filter(|object| known.get(object.class).copied().unwrap_or(false)).collect();
    objects.sort_by_key(|object| object.ignored);
    let counted = objects.iter().filter(|object| !object.ignored).count();
    let boxes: Vec<_> = objects.iter().map(|o| ([o.x, o.y, o.width, o.height], o.ignored)).collect();
    let matched = match_boxes(&found, &boxes, counted, &[f64::from(MATCH_IOU)]);
    let mut missed = vec![true; counted];
    for (rank, detection) in found.iter().enumerate() {
        match matched.first().and_then(|objects| objects[rank]) {
            Some(object) if object >= counted => {}
            Some(object) => {
                missed[object] = false;
                pairs.push((Some(objects[object].class), Some(detection.class)));
            }
            None => pairs.push((None, Some(detection.class))),
        }
    }
    pairs
        .extend(objects.iter().zip(missed).filter(|(_, missed)| *missed).map(|(object, _)| (Some(object.class), None)));
}
