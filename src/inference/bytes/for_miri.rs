//! Instructions that Miri does not know, in plain Rust: so that it sees what the rest of the kernels reads and writes.

/// Adds the products of four bytes with four weights to each of the sums.
pub(super) fn dot<const SUMS: usize>(
    sums: [i32; SUMS],
    bytes: [[u8; 4]; SUMS],
    weights: [[i8; 4]; SUMS],
) -> [i32; SUMS] {
    std::array::from_fn(|at| {
        let products = bytes[at].iter().zip(weights[at]).map(|(byte, weight)| i32::from(*byte) * i32::from(weight));
        products.fold(sums[at], i32::wrapping_add)
    })
}

/// The nearest whole numbers, of two the even one.
pub(super) fn rounded<const COUNT: usize>(numbers: [f32; COUNT]) -> [i32; COUNT] {
    numbers.map(|number| number.round_ties_even() as i32)
}
