//! Turns: who is measured when.

/// Frames of a turn that is worth its start, and of one after which the other models have waited long enough.
const FRAMES_A_TURN: [usize; 2] = [10, 50];
/// Fewest rounds: an interval needs some.
pub(super) const ROUNDS_LEAST: usize = 5;
/// How many are enough unless their turns grow too long.
const ROUNDS_ENOUGH: usize = 20;

/// How many frames each round has: ten to fifty, all together `frames`.
pub(super) fn rounds_of(frames: usize) -> Vec<usize> {
    let enough = (frames / FRAMES_A_TURN[0]).clamp(ROUNDS_LEAST, ROUNDS_ENOUGH);
    let count = enough.max(frames / FRAMES_A_TURN[1]).min(frames);
    (0..count).map(|round| (round + 1) * frames / count - round * frames / count).collect()
}

/// The order of a round: each pair of rounds begins with the next contestant, and the second of a pair runs backwards.
pub(super) fn order(round: usize, contestants: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contestants).map(|place| (place + round / 2) % contestants).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// A turn: in which round, and how many frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub round: usize,
    pub frames: usize,
}

/// Lets all contestants take their turns and gives what was measured: a list a complete round, in the order of the
/// contestants. `go_on` is asked before each turn, with the number of turns that are done; a round that it breaks off is
/// left out.
pub(super) fn take_turns<C, R, E>(
    contestants: &mut [C],
    rounds: &[usize],
    mut measure: impl FnMut(&mut C, Turn) -> Result<R, E>,
    mut go_on: impl FnMut(usize) -> bool,
) -> Result<Vec<Vec<R>>, E> {
    let mut measured = Vec::with_capacity(rounds.len());
    for (round, frames) in rounds.iter().enumerate() {
        let mut results: Vec<(usize, R)> = Vec::with_capacity(contestants.len());
        for index in order(round, contestants.len()) {
            if !go_on(round * contestants.len() + results.len()) {
                return Ok(measured);
            }
            results.push((index, measure(&mut contestants[index], Turn { round, frames: *frames })?));
        }
        results.sort_by_key(|(index, _)| *index);
        measured.push(results.into_iter().map(|(_, result)| result).collect());
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn rounds_have_about_ten_frames_and_all_of_them_together() {
        assert_eq!(rounds_of(200), [10; 20]);
        assert_eq!(rounds_of(20), [4; 5]);
        assert_eq!(rounds_of(1000), [50; 20]);
        assert_eq!(rounds_of(10_000), [50; 200], "Ctrl-C and a machine that grows slower do not wait for long turns");
        assert_eq!(rounds_of(3), [1; 3]);
        assert_eq!(rounds_of(0), [] as [usize; 0]);
        for frames in [10, 11, 57, 199, 5003] {
            let rounds = rounds_of(frames);
            assert_eq!(rounds.iter().sum::<usize>(), frames);
            let (least, most) = (rounds.iter().min().unwrap(), rounds.iter().max().unwrap());
            assert!(most - least <= 1, "{frames}: {rounds:?}");
        }
    }

    #[test]
    fn nobody_is_always_first_and_nobody_always_follows_the_same() {
        assert_eq!([0, 1, 2, 3].map(|round| order(round, 2)), [[0, 1], [1, 0], [1, 0], [0, 1]]);
        for count in 1..6 {
            let rounds: Vec<_> = (0..2 * count).map(|round| order(round, count)).collect();
            for place in 0..count {
                let mut seen: Vec<usize> = rounds.iter().map(|order| order[place]).collect();
                seen.sort_unstable();
                let twice: Vec<usize> = (0..count).flat_map(|who| [who, who]).collect();
                assert_eq!(seen, twice, "{count} contestants, place {place}");
            }
        }
        assert!(order(3, 0).is_empty());
    }

    #[test]
    fn turns_interleave_and_results_come_back_in_the_order_of_the_contestants() {
        let mut said = Vec::new();
        let measure = |who: &mut char, turn: Turn| {
            said.push(format!("{who}{}", turn.frames));
            Ok::<_, Infallible>(format!("{who}{}", turn.round))
        };
        let mut asked = Vec::new();
        let measured = take_turns(&mut ['a', 'b', 'c'], &[5, 4], measure, |done| {
            asked.push(done);
            true
        });
        assert_eq!(
            measured,
            Ok(vec![vec!["a0".into(), "b0".into(), "c0".to_owned()], ["a1", "b1", "c1"].map(str::to_owned).to_vec()])
        );
        assert_eq!(said, ["a5", "b5", "c5", "c4", "b4", "a4"]);
        assert_eq!(asked, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_round_that_is_broken_off_counts_for_nobody() {
        let measure = |who: &mut i32, _: Turn| Ok::<_, Infallible>(*who);
        for (turns, rounds) in [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (100, 4)] {
            let measured = take_turns(&mut [7, 8, 9], &[1; 4], measure, |done| done < turns).unwrap();
            assert_eq!(measured, vec![vec![7, 8, 9]; rounds], "{turns} turns");
        }
    }

    #[test]
    fn a_failure_ends_it() {
        let measure = |who: &mut i32, _: Turn| if *who == 2 { Err("broken") } else { Ok(()) };
        assert_eq!(take_turns(&mut [1, 2, 3], &[1], measure, |_| true), Err("broken"));
    }
}
