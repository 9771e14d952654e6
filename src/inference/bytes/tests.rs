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
        return (vec![0, 1, 63], vec![0, 1, 31, 32, 33, 63, 64, 65, 130]);
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

#[test]
fn channels_have_tables_of_their_own() {
    let tables: Vec<Table> = (1..=5_u8).map(|step| shuffled().map(|entry| entry.wrapping_mul(2 * step + 1))).collect();
    for inner in [1, 2, 70] {
        let source = bytes(3 * tables.len() * inner);
        let wanted: Vec<u8> = (source.iter().enumerate())
            .map(|(place, byte)| tables[place / inner % tables.len()][usize::from(*byte)])
            .collect();
        for kernel in Kernel::all() {
            let mut to = vec![0; source.len()];
            kernel.apply_by_channel(&tables, inner, &source, &mut to);
            assert_eq!(to, wanted, "{} {inner}", kernel.name());
            to.copy_from_slice(&source);
            kernel.apply_by_channel_in_place(&tables, inner, &mut to);
            assert_eq!(to, wanted, "{} {inner} in place", kernel.name());
        }
    }
}

#[test]
fn channels_of_a_pixel_are_looked_up_in_all_numbers_of_both() {
    const BEHIND: u8 = 0xA5;
    let (channels, pixels): (&[usize], &[usize]) = match cfg!(miri) {
        true => (&[17], &[65]),
        false => (&[1, 2, 15, 16, 17, 24, 32, 58, 100], &[0, 1, 2, 15, 16, 17, 63, 64, 65, 130, 255, 256, 257, 700]),
    };
    for &channels in channels {
        let table = |step: usize| shuffled().map(|entry| entry.wrapping_mul(2 * step as u8 + 1));
        let tables: Vec<Table> = (0..channels).map(table).collect();
        for &pixels in pixels {
            // A part of a pixel at the end.
            let count = pixels * channels + channels / 2;
            let source = bytes(count + 3);
            let source = &source[3..];
            let look_up = |(place, byte): (usize, &u8)| tables[place % channels][usize::from(*byte)];
            let wanted: Vec<u8> = source.iter().enumerate().map(look_up).collect();
            for kernel in Kernel::all() {
                let mut to = vec![BEHIND; count + 70];
                kernel.apply_by_channel(&tables, 1, source, &mut to[5..5 + count]);
                assert_eq!(to[5..5 + count], wanted, "{} {channels} {pixels}", kernel.name());
                assert!(to[..5].iter().chain(&to[5 + count..]).all(|byte| *byte == BEHIND), "{channels} {pixels}");
                let mut both = source.to_vec();
                kernel.apply_by_channel_in_place(&tables, 1, &mut both);
                assert_eq!(both, wanted, "{} {channels} {pixels} in place", kernel.name());
            }
        }
    }
}

#[test]
fn the_names_are_those_of_the_environment_variable() {
    let names: Vec<_> = Kernel::all().iter().map(|kernel| kernel.name()).collect();
    assert_eq!(names.last(), Some(&"scalar"));
    assert!(names.iter().all(|name| ["avx512", "avx2", "neon", "scalar"].contains(name)), "{names:?}");
    assert!(names.contains(&Kernel::best().name()));
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
