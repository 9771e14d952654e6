//! Colours of classes, the same in the window and on saved pictures.

/// Step between the hues of neighbouring classes: the golden ratio spreads any number of them evenly.
const HUE_STEP: f32 = 0.618_034;
/// First hue: class 0 is an orange red, not pure red.
const FIRST_HUE: f32 = 0.03;

/// The colour of a class as red, green, blue 0…255: bright, saturated, far from its neighbours'.
pub fn class_color(class_id: u32) -> [u8; 3] {
    let hue = (FIRST_HUE + (class_id % 4096) as f32 * HUE_STEP).fract();
    // Classes that come near each other in hue after a full turn differ in strength.
    let (saturation, value) = match class_id % 3 {
        0 => (0.78, 1.0),
        1 => (0.62, 1.0),
        _ => (0.85, 0.92),
    };
    rgb_from_hsv(hue, saturation, value)
}

/// Black or white, whichever is easier to read on `background`.
///
/// Relative luminance and the contrast ratio follow WCAG 2.2; the ratio of both texts is equal at luminance 0.179.
pub fn text_on(background: [u8; 3]) -> [u8; 3] {
    if relative_luminance(background) > 0.179 { [0, 0, 0] } else { [255, 255, 255] }
}

/// WCAG 2.2 relative luminance of an sRGB colour, 0…1.
fn relative_luminance(color: [u8; 3]) -> f32 {
    let linear = |channel: u8| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2])
}

fn rgb_from_hsv(hue: f32, saturation: f32, value: f32) -> [u8; 3] {
    let channel = |shift: f32| {
        let k = (shift + hue * 6.0) % 6.0;
        let level = value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0);
        (level * 255.0).round() as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hues_and_texts() {
        assert_eq!(rgb_from_hsv(0.0, 1.0, 1.0), [255, 0, 0]);
        assert_eq!(rgb_from_hsv(1.0 / 3.0, 1.0, 1.0), [0, 255, 0]);
        assert_eq!(rgb_from_hsv(2.0 / 3.0, 1.0, 0.0), [0, 0, 0]);
        assert_eq!(text_on([255, 255, 0]), [0, 0, 0]);
        assert_eq!(text_on([40, 40, 160]), [255, 255, 255]);
    }

    #[test]
    fn twelve_classes_are_told_apart() {
        const LEAST_DISTANCE: i32 = 40;
        for a in 0..12u32 {
            for b in 0..a {
                let (x, y) = (class_color(a), class_color(b));
                let distance: i32 = (0..3).map(|i| (i32::from(x[i]) - i32::from(y[i])).abs()).sum();
                assert!(distance >= LEAST_DISTANCE, "classes {a} {x:?} and {b} {y:?}");
            }
        }
    }

    #[test]
    fn the_chosen_text_reaches_the_contrast_that_wcag_asks_for() {
        const LEAST_RATIO: f32 = 4.5;
        for class_id in 0..200 {
            let fill = class_color(class_id);
            let (a, b) = (relative_luminance(fill) + 0.05, relative_luminance(text_on(fill)) + 0.05);
            assert!(a.max(b) / a.min(b) >= LEAST_RATIO, "class {class_id}");
        }
    }
}
