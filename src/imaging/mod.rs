//! Pure values: pictures, sizes, boxes in their pixel space, and the mapping between picture and model input.
//!
//! Convention everywhere: pixel `(0, 0)` is the top-left *corner* of the picture, x grows to the right and y
//! downwards, and a box is `(x1, y1, x2, y2)` with `x1 <= x2` and `y1 <= y2`. Pictures are 8-bit RGB (sRGB
//! values), rows from top to bottom, no padding between rows.

mod draw;
mod geometry;
mod palette;
mod truth;

pub use draw::{Corner, DrawnBox, draw_boxes, draw_caption, draw_captions};
pub use geometry::{BoxInImage, BoxInModel, ImageSize, Letterbox, ResizeMode};
pub use image::RgbImage;
pub use palette::{class_color, text_on};
pub use truth::{Truth, TruthBox};
