//! The 80 classes of COCO's detection task, in the order in which detectors number them.

/// Names by class number, as in COCO's `instances_*.json` with the gaps between its ids closed.
pub const COCO80: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// Ids between 1 and 90 that COCO's detection task does not use.
const UNUSED_CATEGORIES: [u32; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The place in [`COCO80`] of a COCO category id, 1…90.
pub fn class_of_category(id: u32) -> Option<u32> {
    let used = (1..=90).contains(&id) && !UNUSED_CATEGORIES.contains(&id);
    used.then(|| id - 1 - UNUSED_CATEGORIES.iter().filter(|&&unused| unused < id).count() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_used_categories_are_the_eighty_classes_in_order() {
        let classes: Vec<_> = (0..100).filter_map(class_of_category).collect();
        assert_eq!(classes, (0..80).collect::<Vec<_>>());
        let named = |id| class_of_category(id).map(|class| COCO80[class as usize]);
        assert_eq!((named(1), named(13), named(90)), (Some("person"), Some("stop sign"), Some("toothbrush")));
    }
}
