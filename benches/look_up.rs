//! A look-up of every byte of a tensor in a table of 256, by each way that this processor knows: what is left of an 8-bit
//! activation function once it is folded.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use quantscope::inference::bytes::{ENTRIES, Kernel, Table};

fn main() {
    divan::main();
}

/// A tensor of 64 channels at a quarter of a 416x416 picture: it does not stay in the first-level cache.
const LARGE: usize = 64 * 104 * 104;
/// One of 96 channels at a thirty-second: it does.
const SMALL: usize = 96 * 13 * 13;

#[divan::bench(args = [0, 1, 2], consts = [LARGE, SMALL])]
fn in_place<const BYTES: usize>(bencher: Bencher<'_, '_>, way: usize) {
    let Some(kernel) = Kernel::all().get(way).copied() else { return };
    let table: Table = std::array::from_fn(|byte| (byte * 7) as u8);
    let mut bytes: Vec<u8> = (0..BYTES).map(|place| (place * 31 % ENTRIES) as u8).collect();
    println!("{}", kernel.name());
    let bencher = bencher.counter(BytesCount::new(BYTES));
    bencher.bench_local(|| kernel.apply_in_place(black_box(&table), black_box(&mut bytes)));
}
