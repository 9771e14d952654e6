//! The objects of a picture, one a line: class, and centre and size, or an outline, in fractions of the picture.

use crate::dataset::LabelledBox;
use crate::dataset::entries::checked_box;
use crate::dataset::problem::{ProblemKind, Problems, quoted};
use crate::imaging::ImageSize;

/// Numbers in a line that are read: the longest outlines have some thousands.
const NUMBERS_MAX: usize = 100_000;

/// Reads a label file. Outlines become the box around them; a sixth number is the confidence of a tool that drew boxes.
pub fn read_labels(
    text: &str,
    size: ImageSize,
    classes: usize,
    name: &str,
    problems: &mut Problems,
) -> Vec<LabelledBox> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut boxes = Vec::new();
    let mut lines_seen = 0;
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        lines_seen += 1;
        let place = || format!("{name} line {}", number + 1);
        let (class, rect) = match read_line(line) {
            Ok(found) => found,
            Err(reason) => {
                let text = || format!("{}, {}: {reason}; left out", place(), quoted(line));
                problems.add(ProblemKind::UnreadableLabels, text);
                continue;
            }
        };
        if !(class.fract() == 0.0 && (0.0..classes as f64).contains(&class)) {
            let text = || format!("{}: class {class}, and the yaml names {classes}; left out", place());
            problems.add(ProblemKind::UnknownClass, text);
            continue;
        }
        let [center_x, center_y, width, height] = rect;
        let (across, down) = (f64::from(size.width), f64::from(size.height));
        let found = LabelledBox {
            class: class as usize,
            x: (center_x - width / 2.0) * across,
            y: (center_y - height / 2.0) * down,
            width: width * across,
            height: height * down,
            area: width * across * height * down,
            ignored: false,
        };
        if let Some(found) = checked_box(found, size, problems, place) {
            if boxes.contains(&found) {
                problems.add(ProblemKind::DuplicateId, || format!("{}: the same box again; left out", place()));
            } else {
                boxes.push(found);
            }
        }
    }
    if lines_seen == 0 {
        problems.add(ProblemKind::EmptyLabels, || format!("{name} is empty: a picture without objects"));
    }
    boxes
}

/// Class, and centre and size of the box.
fn read_line(line: &str) -> Result<(f64, [f64; 4]), &'static str> {
    let mut numbers = Vec::with_capacity(8);
    for word in line.split_ascii_whitespace().take(NUMBERS_MAX) {
        numbers.push(word.parse::<f64>().map_err(|_| "not a line of numbers")?);
    }
    match numbers[..] {
        [class, x, y, width, height] | [class, x, y, width, height, _] => Ok((class, [x, y, width, height])),
        [class, ref outline @ ..] if outline.len() >= 6 && outline.len() % 2 == 0 => Ok((class, box_around(outline))),
        _ => Err("expected a class and four numbers, or an outline"),
    }
}

/// The box around points given as x, y, x, y …
fn box_around(outline: &[f64]) -> [f64; 4] {
    let edges = |offset: usize| {
        let mut values = outline.iter().skip(offset).step_by(2).copied();
        // min and max of f64 alone would pass over what is no number.
        let any = values.clone().any(f64::is_nan);
        let first = if any { f64::NAN } else { values.next().unwrap_or(f64::NAN) };
        values.fold(
            (first, first),
            |(low, high), value| if any { (low, high) } else { (low.min(value), high.max(value)) },
        )
    };
    let ((left, right), (top, bottom)) = (edges(0), edges(1));
    [(left + right) / 2.0, (top + bottom) / 2.0, right - left, bottom - top]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(200, 100);

    fn read(text: &str) -> (Vec<[f64; 5]>, Vec<(ProblemKind, String)>) {
        let mut problems = Problems::default();
        let boxes = read_labels(text, SIZE, 3, "a.txt", &mut problems);
        let boxes = boxes.iter().map(|b| [b.class as f64, b.x, b.y, b.width, b.height]).collect();
        (boxes, problems.into_list().into_iter().map(|problem| (problem.kind, problem.text)).collect())
    }

    #[test]
    fn boxes_outlines_and_confidences() {
        let text = "\u{feff}0 0.5 0.5 0.25 0.5\r\n\n 2.0 0.5 0.5 1 1 0.93\n1 0.25 0.5 0.75 0.5 0.5 1e0\n";
        let (boxes, problems) = read(text);
        let want = [[0.0, 75.0, 25.0, 50.0, 50.0], [2.0, 0.0, 0.0, 200.0, 100.0], [1.0, 50.0, 50.0, 100.0, 50.0]];
        assert_eq!(boxes, want);
        assert_eq!(problems, []);
    }

    #[test]
    fn broken_lines_are_told_with_their_number() {
        use ProblemKind::{DuplicateId, EmptyLabels, NotABox, OutsidePicture, UnknownClass, UnreadableLabels};
        let table = [
            ("0 0.5 0.5 0.25", UnreadableLabels, "a.txt line 1, \"0 0.5 0.5 0.25\": expected"),
            ("0 0.5 0.5 0.25 x", UnreadableLabels, "not a line of numbers"),
            ("cat 0.5 0.5 0.25 0.2", UnreadableLabels, "not a line of numbers"),
            ("0 0.5 0.5 0.25 0.2 0.1 0.3 0.3", UnreadableLabels, "or an outline"),
            ("3 0.5 0.5 0.25 0.2", UnknownClass, "class 3, and the yaml names 3"),
            ("-1 0.5 0.5 0.25 0.2", UnknownClass, "class -1"),
            ("0.5 0.5 0.5 0.25 0.2", UnknownClass, "class 0.5"),
            ("nan 0.5 0.5 0.25 0.2", UnknownClass, "class NaN"),
            ("0 nan 0.5 0.25 0.2", NotABox, "no number"),
            ("0 0.5 inf 0.25 0.2", NotABox, "no number"),
            ("0 0.1 0.1 nan 0.2 0.3 0.3", NotABox, "no number"),
            ("0 0.5 0.5 0 0.2", NotABox, "0 by 20"),
            ("0 0.5 0.5 0.1 -0.2", NotABox, "20 by -20"),
            ("0 320 240 60 40", OutsidePicture, "outside its picture of 200x100"),
            ("", EmptyLabels, "a.txt is empty"),
            ("\n \n", EmptyLabels, "a.txt is empty"),
        ];
        for (line, kind, part) in table {
            let (boxes, problems) = read(line);
            assert_eq!(boxes.len(), 0, "{line}");
            assert!(
                problems.len() == 1 && problems[0].0 == kind && problems[0].1.contains(part),
                "{line}: {problems:?}"
            );
        }
        let (boxes, problems) = read("0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n1 0.9 0.5 0.4 0.2");
        assert_eq!(boxes.len(), 2);
        assert_eq!(problems.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [DuplicateId, OutsidePicture]);
    }
}
