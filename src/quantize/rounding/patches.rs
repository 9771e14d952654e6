//! What a layer reads for one of its results: the patch below a convolution's kernel, the row of a product.

use crate::onnx::proto::{AttributeProto, NodeProto};
use crate::quantize::insert::weight_axis;
use crate::quantize::layout::Kind;

/// Of one picture so many patches are taken, and a quarter of the width where that is more.
const SAMPLED: usize = 64;
const SAMPLED_MAX: usize = 128;
/// Wider patches are looked at in parts, each by itself: the moments of a part are the square of this.
const PART_MAX: usize = 768;
/// Steps of a sequence that fills a range evenly however far it is followed (the golden ratio).
const GOLDEN: f64 = 0.618_033_988_749_895;

/// How the patches of a layer lie, and its weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patches {
    pub groups: usize,
    /// Parts that a patch is looked at in, within a group.
    pub parts: usize,
    /// Values of a part of a patch.
    pub width: usize,
    /// Results of a place: channels that the layer gives.
    pub rows: usize,
    /// Of the weights.
    pub shape: Vec<usize>,
    /// That of the results in the weights.
    pub axis: usize,
    window: Option<Window>,
}

/// The window of a convolution; heights first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    /// Before and behind, or as many as keep the size, the odd one in front or behind.
    pads: Result<[usize; 4], Odd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    Before,
    Behind,
}

impl Patches {
    /// Of a node with weights of this shape; none where it is of another kind than is known here.
    pub fn of(node: &NodeProto, kind: Kind, shape: &[usize]) -> Option<Self> {
        let axis = weight_axis(node, kind);
        match (kind, shape) {
            (Kind::Convolution, [rows, inputs, height, width]) => {
                let groups = usize::try_from(node.integer("group").unwrap_or(1)).ok().filter(|groups| *groups > 0)?;
                let window = Some(Window::of(node, [*height, *width])?);
                let parts = parts(*inputs, height * width);
                let (width, shape) = (inputs / parts * height * width, shape.to_vec());
                (rows % groups == 0).then_some(Self { groups, parts, width, rows: *rows, shape, axis, window })
            }
            (Kind::Product, [_, _]) => {
                let (rows, inputs) = (shape[axis], shape[1 - axis]);
                let parts = parts(inputs, 1);
                Some(Self { groups: 1, parts, width: inputs / parts, rows, shape: shape.to_vec(), axis, window: None })
            }
            _ => None,
        }
    }

    /// Where the weight lies that a row has for a value of a part of its patch.
    pub fn place(&self, row: usize, part: usize, column: usize) -> usize {
        let column = part * self.width + column;
        if self.axis == 0 { row * self.parts * self.width + column } else { column * self.rows + row }
    }

    /// Parts of patches of all groups.
    pub fn blocks(&self) -> usize {
        self.groups * self.parts
    }

    /// Some patches of a value, `[blocks, count, width]`, others of each picture, and `count`; nothing where its shape is
    /// none that the layer reads.
    pub fn sampled(&self, shape: &[usize], values: &[f32], picture: usize) -> (Vec<f32>, usize) {
        match (self.window, shape) {
            (Some(window), [_, channels, height, width]) if channels * window.area() == self.blocks() * self.width => {
                window.sampled((self.blocks(), self.width), [*channels, *height, *width], values, picture)
            }
            (None, [.., whole]) if *whole == self.blocks() * self.width => {
                let chosen = chosen(values.len() / (*whole).max(1), self.width, picture);
                let part = |part: usize, row: &usize| &values[row * whole + part * self.width..][..self.width];
                let rows = (0..self.parts).flat_map(|index| chosen.iter().flat_map(move |row| part(index, row)));
                (rows.copied().collect(), chosen.len())
            }
            _ => (Vec::new(), 0),
        }
    }
}

/// How many parts a patch of so many inputs has, of so many values each: as few as are narrow enough and equally wide.
fn parts(inputs: usize, area: usize) -> usize {
    let is_narrow = |parts: &usize| inputs.is_multiple_of(*parts) && inputs / parts * area <= PART_MAX;
    (1..=inputs).find(is_narrow).unwrap_or(inputs.max(1))
}

/// Some of `all` places, spread over them.
fn chosen(all: usize, width: usize, picture: usize) -> Vec<usize> {
    let count = (width / 4).clamp(SAMPLED, SAMPLED_MAX);
    if count >= all {
        return (0..all).collect();
    }
    let begin = picture * count;
    (begin..begin + count).map(|step| ((step as f64 * GOLDEN).fract() * all as f64) as usize).collect()
}

impl Window {
    fn of(node: &NodeProto, kernel: [usize; 2]) -> Option<Self> {
        let pair = |name: &str| match node.attribute(name).map(|attribute| attribute.ints.as_slice()) {
            None | Some([]) => Some([1, 1]),
            Some([one, other]) => Some([usize::try_from(*one).ok()?.max(1), usize::try_from(*other).ok()?.max(1)]),
            _ => None,
        };
        let text = node.attribute("auto_pad").and_then(|attribute: &AttributeProto| attribute.s.as_deref());
        let pads = match text.unwrap_or(b"NOTSET") {
            b"SAME_UPPER" => Err(Odd::Behind),
            b"SAME_LOWER" => Err(Odd::Before),
            b"VALID" => Ok([0; 4]),
            _ => match node.attribute("pads").map(|attribute| attribute.ints.as_slice()) {
                None | Some([]) => Ok([0; 4]),
                Some(pads) => {
                    let pads: Vec<usize> =
                        pads.iter().map(|pad| usize::try_from(*pad)).collect::<Result<_, _>>().ok()?;
                    Ok(pads.try_into().ok()?)
                }
            },
        };
        Some(Self { kernel, strides: pair("strides")?, dilations: pair("dilations")?, pads })
    }

    fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// For an axis of this length: how many results, and how much is filled in before it.
    fn along(&self, axis: usize, length: usize) -> (usize, usize) {
        let reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        let stride = self.strides[axis];
        match self.pads {
            Ok(pads) => {
                let padded = length + pads[axis] + pads[axis + 2];
                (if padded < reach { 0 } else { (padded - reach) / stride + 1 }, pads[axis])
            }
            Err(odd) => {
                let results = length.div_ceil(stride);
                let filled = ((results.max(1) - 1) * stride + reach).saturating_sub(length);
                (results, if odd == Odd::Before { filled.div_ceil(2) } else { filled / 2 })
            }
        }
    }

    fn sampled(
        &self,
        (groups, width): (usize, usize),
        [channels, height, length]: [usize; 3],
        values: &[f32],
        picture: usize,
    ) -> (Vec<f32>, usize) {
        let ((down, above), (across, before)) = (self.along(0, height), self.along(1, length));
        let chosen = chosen(down * across, width, picture);
        let mut rows = vec![0.0; groups * chosen.len() * width];
        let each = channels / groups;
        for (index, place) in chosen.iter().enumerate() {
            let (y, x) = (place / across * self.strides[0], place % across * self.strides[1]);
            for ky in 0..self.kernel[0] {
                let Some(y) = (y + ky * self.dilations[0]).checked_sub(above).filter(|y| *y < height) else { continue };
                for kx in 0..self.kernel[1] {
                    let x = (x + kx * self.dilations[1]).checked_sub(before);
                    let Some(x) = x.filter(|x| *x < length) else { continue };
                    let inside = ky * self.kernel[1] + kx;
                    for channel in 0..channels {
                        let (group, own) = (channel / each, channel % each);
                        let row = (group * chosen.len() + index) * width;
                        rows[row + own * self.area() + inside] = values[(channel * height + y) * length + x];
                    }
                }
            }
        }
        (rows, chosen.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(attributes: &[(&str, &[i64])]) -> NodeProto {
        let mut node = NodeProto::new("Conv", "c", &["x", "w"], &["y"]);
        for (name, ints) in attributes {
            node.set_attribute(AttributeProto { name: (*name).to_owned(), ints: ints.to_vec(), ..Default::default() });
        }
        node
    }

    #[test]
    fn a_patch_is_what_lies_below_the_kernel_with_zeros_around() {
        let node = conv(&[("pads", &[1, 1, 1, 1]), ("strides", &[2, 2])]);
        let patches = Patches::of(&node, Kind::Convolution, &[1, 1, 3, 3]).unwrap();
        let values: Vec<f32> = (1..=16).map(|value| value as f32).collect();
        let (rows, count) = patches.sampled(&[1, 1, 4, 4], &values, 0);
        assert_eq!(count, 4);
        assert_eq!(rows[..9], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 5.0, 6.0]);
        assert_eq!(rows[27..], [6.0, 7.0, 8.0, 10.0, 11.0, 12.0, 14.0, 15.0, 16.0]);
    }

    #[test]
    fn groups_have_patches_of_their_own_and_same_padding_fills_up() {
        let mut node = conv(&[]);
        node.set_attribute(AttributeProto::of_integer("group", 2));
        let s = Some(b"SAME_UPPER".to_vec());
        node.set_attribute(AttributeProto { name: "auto_pad".into(), s, ..Default::default() });
        let patches = Patches::of(&node, Kind::Convolution, &[2, 1, 1, 2]).unwrap();
        let (rows, count) = patches.sampled(&[1, 2, 1, 2], &[1.0, 2.0, 3.0, 4.0], 0);
        assert_eq!((rows, count), (vec![1.0, 2.0, 2.0, 0.0, 3.0, 4.0, 4.0, 0.0], 2));
        assert_eq!((patches.place(1, 0, 1), patches.rows), (3, 2));
    }

    #[test]
    fn products_read_rows_and_their_weights_lie_in_columns() {
        let node = NodeProto::new("MatMul", "m", &["x", "w"], &["y"]);
        let patches = Patches::of(&node, Kind::Product, &[2, 3]).unwrap();
        assert_eq!((patches.width, patches.rows, patches.place(1, 0, 1)), (2, 3, 4));
        assert_eq!(patches.sampled(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0], 0), (vec![1.0, 2.0, 3.0, 4.0], 2));
        assert_eq!(patches.sampled(&[1, 3], &[0.0; 3], 0).1, 0, "another width is none of its own");
    }

    #[test]
    fn wide_patches_have_parts() {
        let patches = Patches::of(&conv(&[]), Kind::Convolution, &[1, 96, 5, 5]).unwrap();
        assert_eq!((patches.parts, patches.width, patches.place(0, 1, 2)), (4, 600, 602));
        let node = NodeProto::new("MatMul", "m", &["x", "w"], &["y"]);
        let wide = Patches::of(&node, Kind::Product, &[1000, 2]).unwrap();
        assert_eq!((wide.parts, wide.width, wide.place(1, 1, 3)), (2, 500, 1007));
        let values: Vec<f32> = (0..2000).map(|value| value as f32).collect();
        let (rows, count) = wide.sampled(&[2, 1000], &values, 0);
        assert_eq!((count, rows[500], rows[1000], rows[1500]), (2, 1000.0, 500.0, 1500.0));
    }

    #[test]
    fn places_are_spread_and_differ_from_picture_to_picture() {
        let (one, other) = (chosen(10_000, 9, 0), chosen(10_000, 9, 1));
        assert!(one.len() == SAMPLED && one != other);
        let in_half = one.iter().filter(|place| **place < 5_000).count();
        assert!((28..=36).contains(&in_half), "{in_half}");
    }
}
