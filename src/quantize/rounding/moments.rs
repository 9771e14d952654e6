//! Second moments of what a layer reads: sums of products of the values of a patch, nothing of the patches themselves.

/// Rows that are added at once.
const AT_ONCE: usize = 8;

/// Of each block of what a layer reads.
pub(super) struct Moments {
    width: usize,
    /// `[blocks, width, width]`, the lower triangle.
    products: Vec<f32>,
    /// `[blocks, width]`.
    sums: Vec<f32>,
    count: usize,
}

impl Moments {
    pub fn of(blocks: usize, width: usize) -> Self {
        Self { width, products: vec![0.0; blocks * width * width], sums: vec![0.0; blocks * width], count: 0 }
    }

    /// Adds `count` rows a block: `[blocks, count, width]`.
    pub fn add(&mut self, rows: &[f32], count: usize) {
        let width = self.width;
        if count == 0 || width == 0 {
            return;
        }
        self.count += count;
        let each = self.products.chunks_exact_mut(width * width).zip(self.sums.chunks_exact_mut(width));
        for ((products, sums), rows) in each.zip(rows.chunks_exact(count * width)) {
            for row in rows.chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            let blocks = rows.chunks_exact(AT_ONCE * width);
            let left = blocks.remainder();
            blocks.for_each(|block| add_block(products, block, width));
            let mut last = vec![0.0; AT_ONCE * width];
            last[..left.len()].copy_from_slice(left);
            add_block(products, &last, width);
        }
    }

    /// The mean products of a block, `[width, width]`, about the means where they are `centred`; none where nothing came.
    pub fn of_block(&self, block: usize, centred: bool) -> Option<Vec<f32>> {
        let (width, count) = (self.width, self.count as f64);
        if self.count == 0 {
            return None;
        }
        let products = &self.products[block * width * width..][..width * width];
        let sums = &self.sums[block * width..][..width];
        let mut whole = vec![0.0; width * width];
        for row in 0..width {
            for column in 0..=row {
                let mut value = f64::from(products[row * width + column]) / count;
                if centred {
                    value -= f64::from(sums[row]) * f64::from(sums[column]) / (count * count);
                }
                whole[row * width + column] = value as f32;
                whole[column * width + row] = value as f32;
            }
        }
        Some(whole)
    }
}

/// Adds the products of [`AT_ONCE`] rows.
fn add_block(products: &mut [f32], block: &[f32], width: usize) {
    let rows: [&[f32]; AT_ONCE] = std::array::from_fn(|row| &block[row * width..][..width]);
    for (index, line) in products.chunks_exact_mut(width).enumerate() {
        let by: [f32; AT_ONCE] = std::array::from_fn(|row| rows[row][index]);
        if by == [0.0; AT_ONCE] {
            continue;
        }
        let rows = rows.map(|row| &row[..=index]);
        for (column, sum) in line[..=index].iter_mut().enumerate() {
            let mut more = 0.0;
            for (row, by) in rows.iter().zip(by) {
                more += row[column] * by;
            }
            *sum += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_are_mean_products_with_and_without_the_means() {
        let mut moments = Moments::of(2, 2);
        // Two blocks of three rows, then of ten, so that a block and a rest come.
        moments.add(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 3);
        let more: Vec<f32> = [[3.0f32, 4.0].repeat(10), [0.0f32, 1.0].repeat(10)].concat();
        moments.add(&more, 10);
        let close = |one: Vec<f32>, other: [f32; 4]| one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close(moments.of_block(0, false).unwrap(), [125.0, 164.0, 164.0, 216.0].map(|sum| sum / 13.0)));
        assert!(close(moments.of_block(0, true).unwrap(), [8.0 / 13.0; 4]));
        assert!(close(moments.of_block(1, true).unwrap(), [0.0; 4]));
        assert_eq!(Moments::of(1, 2).of_block(0, true), None);
    }
}
