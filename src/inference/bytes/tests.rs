use super::*;
use proptest::prelude::*;

/// A table in which every entry tells where it stands.
fn shuffled() -> Table {
    std::array::from_fn(|byte| (byte * 167 + 13) as u8)
}

fn bytes(count: usize) -> Vec<u8> {
    // 251 is prime: bytes and places drift against each other.
    (0..count).map(|place| (place * 29 % 251) as u8 ^ (place >> 3) as u8).collect()
}

fn wanted(table: &Table, from: &[u8]) -> Vec<u8> {
    from.iter().map(|byte| table[usize::from(*byte)]).collect()
}

/// Every length and alignment, but for Miri, which takes a thousand times as long.
fn starts_and_lengths() -> (Vec<usize>, Vec<usize>) {
    if cfg!(miri) {
        return (vec![0, 63], vec![0, 1, 31, 33, 64, 65, 130]);
    }
    ((0..64).collect(), (0..=300).collect())
}

#[test]
fn every_way_looks_up_the_same_at_every_length_and_alignment() {
    const BEHIND: u8 = 0xA5;
    let (starts, lengths) = starts_and_lengths();
    let table = shuffled();
    for kernel in Kernel::all() {
        for &start in &starts {
            let source = bytes(start + 301);
            for &length in &lengths {
                let from = &source[start..start + length];
                let want = wanted(&table, from);
                // The target is aligned otherwise than the source.
                let to_start = (start * 5 + 3) % 64;
                let mut to = vec![BEHIND; to_start + length + 64];
                kernel.apply(&table, from, &mut to[to_start..to_start + length]);
                assert_eq!(to[to_start..to_start + length], want, "{} {start} {length}", kernel.name());
                assert!(to[..to_start].iter().all(|byte| *byte == BEHIND), "{} {start} {length}", kernel.name());
                assert!(to[to_start + length..].iter().all(|byte| *byte == BEHIND), "{} {length}", kernel.name());
                let mut both = source.clone();
                kernel.apply_in_place(&table, &mut both[start..start + length]);
                assert_eq!(both[start..start + length], want, "{} in place {start} {length}", kernel.name());
                assert_eq!(both[..start], source[..start]);
                assert_eq!(both[start + length..], source[start + length..]);
            }
        }
    }
}

#[test]
fn columns_that_are_laid_out_lie_in_lines_and_come_back() {
    #[cfg(target_arch = "aarch64")]
    use super::neon::{lay_back, lay_out};
    #[cfg(target_arch = "x86_64")]
    use super::x86::{has_avx2, lay_back, lay_out};
    #[cfg(target_arch = "x86_64")]
    if !has_avx2() {
        eprintln!("skipped: no AVX2");
        return;
    }
    #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
    for (stride, rows) in [(16, 32), (21, 70), (48, 33), (16, 5)] {
        let source = bytes((rows - 1) * stride + 16);
        let mut lines = [[0; 256]; 16];
        let done = lay_out(&source, stride, &mut lines, rows);
        assert!(rows - done < 32, "{done} of {rows}");
        for (column, line) in lines.iter().enumerate() {
            assert!((0..done).all(|row| line[row] == source[row * stride + column]), "{stride} {column}");
        }
        let mut back = vec![0; source.len()];
        lay_back(&lines, &mut back, stride, rows);
        let is_same = |at: usize| back[at] == if at % stride < 16 && at / stride < done { source[at] } else { 0 };
        assert!((0..back.len()).all(is_same), "{stride} {rows}");
    }
}

#[test]
fn of_unequal_lengths_the_shorter_counts() {
    let table = shuffled();
    for kernel in Kernel::all() {
        let mut to = [7; 100];
        kernel.apply(&table, &[1; 70], &mut to);
        assert_eq!(to[..70], [table[1]; 70]);
        assert_eq!(to[70..], [7; 30]);
        let mut short = [7; 70];
        kernel.apply(&table, &[1; 100], &mut short);
        assert_eq!(short, [table[1]; 70]);
    }
}

/// A table for each channel.
fn tables(channels: usize) -> Vec<Table> {
    (0..channels).map(|channel| shuffled().map(|entry| entry.wrapping_mul((2 * channel + 1) as u8))).collect()
}

#[test]
fn channels_have_tables_of_their_own() {
    const BEHIND: u8 = 0xA5;
    let (channels, inners, places): (&[usize], &[usize], &[usize]) = if cfg!(miri) {
        (&[1, 5, 24], &[1, 3], &[0, 1, 35])
    } else {
        (
            &[1, 2, 3, 5, 7, 8, 12, 16, 17, 24, 31, 32, 48, 85, 116, 128],
            &[1, 2, 31, 70],
            &[0, 1, 15, 31, 32, 33, 257, 700],
        )
    };
    for (&channels, &inner) in channels.iter().flat_map(|channels| inners.iter().map(move |inner| (channels, inner))) {
        let tables = tables(channels);
        for &places in places {
            // What begins anywhere, ends within a place, and has other bytes behind it.
            let (start, length) = (channels % 5, (places * channels * inner).saturating_sub(channels / 3));
            let source = bytes(start + length + 40);
            let wanted: Vec<u8> = (source[start..start + length].iter().enumerate())
                .map(|(place, byte)| tables[place / inner % channels][usize::from(*byte)])
                .collect();
            for kernel in Kernel::all() {
                let name = format!("{} {channels} {inner} {places}", kernel.name());
                let mut to = vec![BEHIND; length + 7];
                kernel.apply_by_channel(&tables, inner, &source[start..start + length], &mut to[3..3 + length]);
                assert!(to[3..3 + length] == wanted, "{name}");
                assert!([&to[..3], &to[3 + length..]].concat().iter().all(|byte| *byte == BEHIND), "{name}");
                let mut both = source.clone();
                kernel.apply_by_channel_in_place(&tables, inner, &mut both[start..start + length]);
                assert!(both[start..start + length] == wanted, "{name} in place");
                assert_eq!((&both[..start], &both[start + length..]), (&source[..start], &source[start + length..]));
            }
        }
    }
    let mut alone = [1, 2, 3];
    Kernel::best().apply_by_channel_in_place(&[], 1, &mut alone);
    assert_eq!(alone, [1, 2, 3]);
}

#[test]
fn of_unequal_lengths_the_shorter_counts_with_channels_too() {
    let tables = tables(16);
    for kernel in Kernel::all() {
        let (long, short) = (bytes(16 * 100), bytes(16 * 64 + 3));
        let mut to = vec![7; long.len()];
        kernel.apply_by_channel(&tables, 1, &short, &mut to);
        assert!(to[short.len()..].iter().all(|byte| *byte == 7), "{}", kernel.name());
        let mut less = vec![7; short.len()];
        kernel.apply_by_channel(&tables, 1, &long, &mut less);
        assert_eq!(less, to[..short.len()], "{}", kernel.name());
    }
}

#[test]
fn the_names_are_those_of_the_environment_variable() {
    let names: Vec<_> = Kernel::all().iter().map(|kernel| kernel.name()).collect();
    assert_eq!(names.last(), Some(&"scalar"));
    assert!(names.iter().all(|name| NAMES.contains(name)), "{names:?}");
    assert!(names.contains(&Kernel::best().name()));
    // Who names one wants that one tested, see scripts/test-arm.sh.
    if let Ok(wanted) = std::env::var(CPU_VARIABLE) {
        assert_eq!(Kernel::best().name(), wanted, "this processor knows {names:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn every_way_looks_up_the_same_in_every_table(
        table in prop::collection::vec(any::<u8>(), ENTRIES), from in prop::collection::vec(any::<u8>(), 0..600)
    ) {
        let table: Table = table.try_into().unwrap();
        let want = wanted(&table, &from);
        for kernel in Kernel::all() {
            let mut to = vec![0; from.len()];
            kernel.apply(&table, &from, &mut to);
            prop_assert_eq!(&to, &want, "{}", kernel.name());
            to.copy_from_slice(&from);
            kernel.apply_in_place(&table, &mut to);
            prop_assert_eq!(&to, &want, "{} in place", kernel.name());
        }
    }
}
