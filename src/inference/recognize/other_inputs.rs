//! Inputs beside the picture. All that are known say how large the picture was or which boxes to keep, so that they can be
//! fed from the size of the model's input alone: told that the picture has that very size, a model gives its boxes in pixels
//! of its input, and the way back to the source picture is the same as for any other model.

use super::RecognizeError;
use crate::imaging::ImageSize;
use crate::onnx::proto::DataType;
use crate::onnx::{Dimension, ValueInfo};

/// An input beside the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherInput {
    /// Name in the graph.
    pub name: String,
    /// Type of the elements.
    pub dtype: OtherType,
    meaning: Meaning,
    /// The declared axes; open ones are filled in for each size.
    axes: Vec<Option<usize>>,
}

/// Element types of such inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherType {
    /// 32-bit floats.
    F32,
    /// 32-bit integers.
    I32,
    /// 64-bit integers.
    I64,
    /// Truth values.
    Bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    /// Width and height of the picture (RT-DETR, D-FINE, DEIM).
    WidthHeight,
    /// Height and width of the picture (YOLOv3 of the ONNX zoo, PaddleDetection).
    HeightWidth,
    /// Height, width and scale (PaddleDetection's older exports).
    HeightWidthScale,
    /// 1 everywhere: the ratio of input to picture, or a mask of what is picture.
    Ones,
    /// A threshold or a number of boxes.
    Value(f64),
}

/// Thresholds that are fed where the model filters boxes by itself: low, as the program filters again.
const LOWEST_SCORE: f64 = 0.01;
const USUAL_IOU: f64 = 0.5;
const MOST_BOXES: f64 = 300.0;

impl OtherInput {
    /// What an input beside the picture means, told from its name.
    ///
    /// # Errors
    /// When it has no meaning that is known.
    pub(super) fn recognize(input: &ValueInfo) -> Result<Self, RecognizeError> {
        let unknown = || RecognizeError::OtherInput { input: input.to_string() };
        let dtype = match input.dtype.0 {
            DataType::Float => OtherType::F32,
            DataType::Int32 => OtherType::I32,
            DataType::Int64 => OtherType::I64,
            DataType::Bool => OtherType::Bool,
            _ => return Err(unknown()),
        };
        let meaning = meaning(&input.name.to_ascii_lowercase()).ok_or_else(unknown)?;
        let axes = input.shape.as_ref().map_or_else(Vec::new, |sides| sides.iter().map(Dimension::fixed).collect());
        Ok(Self { name: input.name.clone(), dtype, meaning, axes })
    }

    /// Shape and values for a model input of `size`.
    pub fn values(&self, size: ImageSize) -> (Vec<usize>, Vec<f64>) {
        let (width, height) = (size.width as usize, size.height as usize);
        let (w, h) = (f64::from(size.width), f64::from(size.height));
        let row: &[f64] = match self.meaning {
            Meaning::WidthHeight => &[w, h],
            Meaning::HeightWidth => &[h, w],
            Meaning::HeightWidthScale => &[h, w, 1.0],
            Meaning::Ones => return self.filled(1.0, [height, width]),
            Meaning::Value(value) => return self.filled(value, [1, 1]),
        };
        let shape = if self.axes.len() == 1 { vec![row.len()] } else { vec![1, row.len()] };
        (shape, row.to_vec())
    }

    /// One value everywhere: open axes have the length 1, but for the last two of a mask.
    fn filled(&self, value: f64, mask: [usize; 2]) -> (Vec<usize>, Vec<f64>) {
        let count = self.axes.len();
        let open = |axis: usize| match (count, count - axis) {
            (3.., 1) => mask[1],
            (3.., 2) => mask[0],
            (2, 1) => 2,
            _ => 1,
        };
        let shape: Vec<usize> = (0..count).map(|axis| self.axes[axis].unwrap_or_else(|| open(axis))).collect();
        // What a file declares may be absurd; nothing that is known here is larger than the picture.
        let most = 4 * mask[0].max(64) * mask[1].max(64);
        let values = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side)).unwrap_or(usize::MAX);
        (shape, vec![value; values.min(most)])
    }

    /// What is fed, for the evidence.
    pub(super) fn describe(&self) -> String {
        let what = match self.meaning {
            Meaning::WidthHeight => "width and height",
            Meaning::HeightWidth | Meaning::HeightWidthScale => "height and width",
            Meaning::Ones => "ones",
            Meaning::Value(value) => return format!("input {} is fed {value}", self.name),
        };
        let why = match self.meaning {
            Meaning::Ones => "",
            _ => " of the model's input, so that boxes come in its pixels",
        };
        format!("input {} is fed {what}{why}", self.name)
    }
}

fn meaning(name: &str) -> Option<Meaning> {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    Some(match name {
        _ if has(&["target_size", "orig_size", "original_size"]) => Meaning::WidthHeight,
        _ if has(&["im_info"]) => Meaning::HeightWidthScale,
        _ if has(&["image_shape", "img_shape", "im_shape", "image_size"]) => Meaning::HeightWidth,
        _ if has(&["scale_factor", "mask"]) => Meaning::Ones,
        _ if has(&["iou", "nms_thr"]) => Meaning::Value(USUAL_IOU),
        _ if has(&["score", "conf"]) => Meaning::Value(LOWEST_SCORE),
        _ if has(&["max_"]) => Meaning::Value(MOST_BOXES),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::ElementType;

    fn other(name: &str, shape: &[Option<usize>], dtype: DataType) -> Result<OtherInput, RecognizeError> {
        let side = |side: &Option<usize>| side.map_or(Dimension::Unknown, Dimension::Fixed);
        let shape = Some(shape.iter().map(side).collect());
        OtherInput::recognize(&ValueInfo { name: name.into(), shape, dtype: ElementType(dtype) })
    }

    #[test]
    fn values_follow_from_names_and_the_size_of_the_input() {
        let size = ImageSize::new(320, 240);
        for (name, axes, dtype, shape, values) in [
            ("orig_target_sizes", &[None, Some(2)][..], DataType::Int64, &[1, 2][..], &[320.0, 240.0][..]),
            ("image_shape", &[Some(1), Some(2)], DataType::Float, &[1, 2], &[240.0, 320.0]),
            ("im_info", &[Some(1), Some(3)], DataType::Float, &[1, 3], &[240.0, 320.0, 1.0]),
            ("scale_factor", &[None, Some(2)], DataType::Float, &[1, 2], &[1.0, 1.0]),
            ("scale_factor", &[None, None], DataType::Float, &[1, 2], &[1.0, 1.0]),
            ("iou_threshold", &[Some(1)], DataType::Float, &[1], &[0.5]),
            ("score_threshold", &[], DataType::Float, &[], &[0.01]),
            ("max_output_boxes_per_class", &[Some(1)], DataType::Int64, &[1], &[300.0]),
        ] {
            let got = other(name, axes, dtype).unwrap().values(size);
            assert_eq!(got, (shape.to_vec(), values.to_vec()), "{name}");
        }
        let (shape, values) = other("pixel_mask", &[None, None, None], DataType::Int64).unwrap().values(size);
        assert_eq!((shape, values.len()), (vec![1, 240, 320], 240 * 320));
    }

    #[test]
    fn an_input_without_a_meaning_is_named() {
        let text = other("prompt", &[Some(1), Some(77)], DataType::Int64).unwrap_err().to_string();
        assert!(text.contains("prompt [1,77] int64") && text.contains("Export"), "{text}");
        assert!(other("image_shape", &[Some(2)], DataType::String).is_err());
    }
}
