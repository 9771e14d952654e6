//! Frames that show something new, told from those that look like the last one.

use crate::imaging::RgbImage;

/// A picture is looked at in so many fields, across and down.
const FIELDS: [u32; 2] = [32, 24];
/// Of each field so many pixels, across and down, are looked at.
const LOOKS: u32 = 4;
/// A field has changed when its brightness, 0…255, did by more than this: more than the noise of a camera.
const CHANGED_BY: u32 = 10;
/// A frame is new when this share of its fields has changed.
const NEW_FROM: f32 = 0.03;
/// After so many frames that look alike the next one is taken all the same: what does not move is to be calibrated, too.
const ALIKE_MAX: usize = 30;

/// Takes frames that differ from the last one that was taken.
#[derive(Clone, Debug, Default)]
pub struct Different {
    last: Vec<u32>,
    alike: usize,
}

impl Different {
    /// Whether this one is taken. The first one is.
    pub fn takes(&mut self, picture: &RgbImage) -> bool {
        let fields = brightness(picture);
        let changed = fields.iter().zip(&self.last).filter(|(one, other)| one.abs_diff(**other) > CHANGED_BY).count();
        let new = self.last.len() != fields.len() || changed as f32 >= NEW_FROM * fields.len() as f32;
        if new || self.alike >= ALIKE_MAX {
            (self.last, self.alike) = (fields, 0);
            return true;
        }
        self.alike += 1;
        false
    }
}

/// Mean green of each field, 0…255, which is nearest to brightness of the three.
fn brightness(picture: &RgbImage) -> Vec<u32> {
    let (width, height) = picture.dimensions();
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let across = FIELDS[0] * LOOKS;
    let at = |index: u32, of: u32, length: u32| (u64::from(index) * u64::from(length) / u64::from(of)) as u32;
    let mut fields = vec![0u32; (FIELDS[0] * FIELDS[1]) as usize];
    for row in 0..FIELDS[1] * LOOKS {
        let y = at(row, FIELDS[1] * LOOKS, height);
        for column in 0..across {
            let field = row / LOOKS * FIELDS[0] + column / LOOKS;
            fields[field as usize] += u32::from(picture.get_pixel(at(column, across, width), y)[1]);
        }
    }
    fields.iter_mut().for_each(|sum| *sum /= LOOKS * LOOKS);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// A grey picture with a bright square.
    fn square(x: u32, grey: u8) -> RgbImage {
        RgbImage::from_fn(320, 240, |column, row| {
            let inside = (x..x + 60).contains(&column) && (90..150).contains(&row);
            Rgb([if inside { 240 } else { grey }; 3])
        })
    }

    #[test]
    fn what_looks_alike_is_left_out_until_it_was_seen_often() {
        let mut different = Different::default();
        assert!(different.takes(&square(20, 90)), "the first one");
        assert!(!different.takes(&square(20, 90)));
        assert!(!different.takes(&square(22, 93)), "noise, and a step of two pixels");
        assert!(different.takes(&square(120, 90)), "it moved");
        assert!(different.takes(&square(120, 40)), "it became dark");
        let taken = (0..2 * ALIKE_MAX + 2).filter(|_| different.takes(&square(120, 40))).count();
        assert_eq!(taken, 2);
        assert!(different.takes(&RgbImage::new(8, 8)), "another size");
        assert!(!different.takes(&RgbImage::new(8, 8)));
    }

    #[test]
    fn pictures_of_any_size_are_borne() {
        for (width, height) in [(1, 1), (3, 500), (0, 0)] {
            let mut different = Different::default();
            different.takes(&RgbImage::new(width, height));
            different.takes(&RgbImage::new(width, height));
        }
    }
}
