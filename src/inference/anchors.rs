//! Anchor boxes: the sizes that heads with anchors start from.

use serde::{Deserialize, Serialize};

/// Sizes of anchor boxes in pixels of the model's input: a row a feature map, finest map first, each box as width and
/// height. Every row has at least one box, and all have equally many.
///
/// In a card a row is a list of pairs or, as in the files of YOLOv5 and Darknet, of plain numbers:
/// `anchors = [[10,13, 16,30, 33,23], [30,61, 62,45, 59,119], [116,90, 156,198, 373,326]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Row>")]
pub struct Anchors(Vec<Vec<[f32; 2]>>);

impl Anchors {
    /// The boxes of the feature map that is the `rank`th in fineness, from 0.
    pub fn row(&self, rank: usize) -> Option<&[[f32; 2]]> {
        self.0.get(rank).map(Vec::as_slice)
    }

    /// How many feature maps there are.
    pub fn maps(&self) -> usize {
        self.0.len()
    }

    /// How many boxes a cell of a feature map has.
    pub fn a_cell(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }
}

impl std::fmt::Display for Anchors {
    /// A row a feature map: `10x13 16x30 | 30x61 62x45`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = |row: &Vec<[f32; 2]>| row.iter().map(|[w, h]| format!("{w}x{h}")).collect::<Vec<_>>().join(" ");
        f.write_str(&self.0.iter().map(row).collect::<Vec<_>>().join(" | "))
    }
}

/// Widest and highest anchor box, in pixels.
const MAX_SIDE: f32 = 16384.0;

#[derive(Deserialize)]
#[serde(untagged, expecting = "a row of anchors is [w,h, w,h, …] or [[w,h], [w,h], …]")]
enum Row {
    Pairs(Vec<[f32; 2]>),
    Flat(Vec<f32>),
}

impl TryFrom<Vec<Row>> for Anchors {
    type Error = &'static str;

    fn try_from(rows: Vec<Row>) -> Result<Self, Self::Error> {
        let pairs = |row| match row {
            Row::Pairs(pairs) => Ok(pairs),
            Row::Flat(numbers) if numbers.len() % 2 == 0 => {
                Ok(numbers.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect())
            }
            Row::Flat(_) => Err("a row of anchors has a width without a height"),
        };
        let rows = rows.into_iter().map(pairs).collect::<Result<Vec<_>, _>>()?;
        let count = rows.first().map_or(0, Vec::len);
        if count == 0 || rows.iter().any(|row| row.len() != count) {
            return Err("anchors are a row a feature map, all with equally many boxes and at least one");
        }
        if rows.iter().flatten().flatten().any(|side| !(*side > 0.0 && *side <= MAX_SIDE)) {
            return Err("widths and heights of anchors are pixels above 0, at most 16384");
        }
        Ok(Self(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Anchors, String> {
        #[derive(Deserialize)]
        struct Card {
            anchors: Anchors,
        }
        let card: Result<Card, _> = toml::from_str(&format!("anchors = {text}"));
        card.map(|card| card.anchors).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn rows_are_pairs_or_plain_numbers() {
        let pairs = parse("[[[10, 13], [16.5, 30]], [[30, 61], [62, 45]]]").unwrap();
        assert_eq!(parse("[[10,13, 16.5,30], [30,61, 62,45]]").unwrap(), pairs);
        assert_eq!((pairs.maps(), pairs.a_cell()), (2, 2));
        assert_eq!(pairs.row(0), Some(&[[10.0, 13.0], [16.5, 30.0]][..]));
        assert_eq!(pairs.row(2), None);
    }

    #[test]
    fn what_are_no_anchors_says_why() {
        for (text, words) in [
            ("[[10, 13, 16]]", "a width without a height"),
            ("[]", "at least one"),
            ("[[]]", "at least one"),
            ("[[1,2], [1,2, 3,4]]", "equally many"),
            ("[[0, 1]]", "above 0"),
            ("[[nan, 1]]", "above 0"),
            ("[[\"a\"]]", "[w,h, w,h, …]"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
