//! Confusions in words.

use crate::metrics::Confusion;
use std::fmt;

/// What the row and the column behind the classes stand for.
pub const NOTHING: &str = "nothing";

/// How often one thing was taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake<'a> {
    /// What is there.
    pub truth: &'a str,
    /// What was said.
    pub said: &'a str,
    /// How often.
    pub times: u64,
    /// Index of what is there.
    pub row: usize,
    /// Index of what was said.
    pub column: usize,
    /// Index that stands for nothing.
    pub nothing: usize,
}

impl fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { truth, said, times, row, column, nothing } = self;
        let times = match times {
            0 => "never".to_owned(),
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        if row == column {
            write!(f, "{truth} found: {times}")
        } else if column == nothing {
            write!(f, "{truth} missed: {times}")
        } else if row == nothing {
            write!(f, "{said} where there is none: {times}")
        } else {
            write!(f, "{truth} taken for {said}: {times}")
        }
    }
}

/// Name of a row or a column.
pub fn name(confusion: &Confusion, index: usize) -> &str {
    confusion.classes.get(index).map_or(NOTHING, String::as_str)
}

/// All that a row counts.
pub fn row_total(confusion: &Confusion, row: usize) -> u64 {
    confusion.counts.get(row).map_or(0, |counts| counts.iter().sum())
}

/// The most frequent mistakes, at most `most` of them.
pub fn worst(confusion: &Confusion, most: usize) -> Vec<Mistake<'_>> {
    let nothing = confusion.classes.len();
    let mut mistakes: Vec<Mistake<'_>> = confusion
        .counts
        .iter()
        .enumerate()
        .flat_map(|(row, counts)| counts.iter().enumerate().map(move |(column, times)| (row, column, *times)))
        .filter(|(row, column, times)| row != column && *times > 0)
        .map(|(row, column, times)| Mistake {
            truth: name(confusion, row),
            said: name(confusion, column),
            times,
            row,
            column,
            nothing,
        })
        .collect();
    mistakes.sort_by(|a, b| b.times.cmp(&a.times).then((a.row, a.column).cmp(&(b.row, b.column))));
    mistakes.truncate(most);
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_mistakes_are_told_in_words() {
        let confusion = Confusion {
            confidence: 0.4,
            classes: vec!["stop".into(), "yield".into()],
            counts: vec![vec![36, 3, 1], vec![2, 25, 3], vec![5, 0, 0]],
        };
        let words: Vec<String> = worst(&confusion, 4).iter().map(Mistake::to_string).collect();
        assert_eq!(
            words,
            [
                "stop where there is none: 5 times",
                "stop taken for yield: 3 times",
                "yield missed: 3 times",
                "yield taken for stop: 2 times",
            ]
        );
        assert_eq!((row_total(&confusion, 0), row_total(&confusion, 9), name(&confusion, 2)), (40, 0, NOTHING));
        assert!(worst(&Confusion::default(), 4).is_empty());
    }
}
