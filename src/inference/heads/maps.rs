//! Feature maps with channels first, and which of two with two channels is the size and which the offset.

use super::tensor::OutputTensor;

/// A feature map `[1, channels, rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Map<'a> {
    pub channels: usize,
    pub rows: usize,
    pub columns: usize,
    /// Row-major, a channel after the other.
    pub values: &'a [f32],
}

impl<'a> Map<'a> {
    /// The map in an output, if it is one.
    pub fn of(output: &OutputTensor<'a>) -> Option<Self> {
        let &[1, channels, rows, columns] = output.shape else { return None };
        let places = rows.checked_mul(columns)?;
        let map = Self { channels, rows, columns, values: output.values };
        (places > 0 && channels > 0 && channels.checked_mul(places)? == output.values.len()).then_some(map)
    }

    /// One channel.
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        let places = self.rows * self.columns;
        &self.values[channel * places..][..places]
    }
}

/// Size before offset: by name, else by the numbers that exporters give as names, else as they come.
pub(super) fn size_and_offset<T>(first: T, second: T, name: impl Fn(&T) -> &str) -> (T, T) {
    let is_offset = |output: &T| {
        let name = name(output).to_ascii_lowercase();
        name.contains("off") || name == "reg" || name.ends_with("_reg")
    };
    let is_size = |output: &T| {
        let name = name(output).to_ascii_lowercase();
        ["wh", "size", "scale"].iter().any(|word| name.contains(word))
    };
    let number = |output: &T| name(output).parse::<u64>().ok();
    let swapped = match (is_offset(&first) || is_size(&second), is_offset(&second) || is_size(&first)) {
        (true, false) => true,
        (false, true) => false,
        _ => number(&first).zip(number(&second)).is_some_and(|(first, second)| first > second),
    };
    if swapped { (second, first) } else { (first, second) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_offset_are_told_by_name_number_and_order() {
        for (first, second, size) in [
            ("wh", "reg", "wh"),
            ("reg", "wh", "wh"),
            ("offset", "x", "x"),
            ("x", "SCALE", "SCALE"),
            ("538", "539", "538"),
            ("539", "538", "538"),
            ("b", "a", "b"),
        ] {
            let got = size_and_offset(first, second, |name| *name);
            assert_eq!(got.0, size, "{first} {second}");
            assert_ne!(got.0, got.1);
        }
    }

    #[test]
    fn a_map_has_the_values_that_its_shape_says() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let of = |shape: &[usize], values: &[f32]| {
            Map::of(&OutputTensor { name: "x", shape, values }).map(|map| map.channel(1).to_vec())
        };
        assert_eq!(of(&[1, 2, 1, 3], &values), Some(vec![3.0, 4.0, 5.0]));
        for (shape, values) in [(&[1, 2, 1, 3][..], &values[..5]), (&[2, 1, 1, 3], &values), (&[1, 2, 0, 3], &[])] {
            assert_eq!(of(shape, values), None);
        }
    }
}
