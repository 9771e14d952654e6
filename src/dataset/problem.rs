//! What is wrong in a dataset, counted and listed.

use serde::Serialize;

/// Something wrong in a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind, so that they can be counted.
    pub kind: ProblemKind,
    /// Where and what, and what was done: a sentence with the file, line or id in it.
    pub text: String,
}

/// Kinds of wrong entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A listed picture is not there or is no picture.
    MissingPicture,
    /// A picture of another size than the labels say, so that its boxes are elsewhere.
    WrongSize,
    /// Labels that cannot be read at all.
    UnreadableLabels,
    /// A label file without a line: a picture without objects, which is allowed.
    EmptyLabels,
    /// A box that lies partly or wholly outside its picture.
    OutsidePicture,
    /// A box without an area, or with an edge that is no number.
    NotABox,
    /// A class that the dataset does not declare.
    UnknownClass,
    /// An id that was used before.
    DuplicateId,
    /// A picture that is listed more than once.
    DuplicatePicture,
    /// An object of a picture that is not listed.
    UnknownPicture,
}

impl ProblemKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::MissingPicture,
        Self::WrongSize,
        Self::UnreadableLabels,
        Self::EmptyLabels,
        Self::OutsidePicture,
        Self::NotABox,
        Self::UnknownClass,
        Self::DuplicateId,
        Self::DuplicatePicture,
        Self::UnknownPicture,
    ];

    /// Whether it may be meant so: a picture without objects.
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::EmptyLabels)
    }

    /// For people, in the plural.
    pub const fn words(self) -> &'static str {
        match self {
            Self::MissingPicture => "pictures that are missing or are none",
            Self::WrongSize => "pictures of another size than their labels say",
            Self::UnreadableLabels => "labels that cannot be read",
            Self::EmptyLabels => "pictures without labels",
            Self::OutsidePicture => "boxes outside their picture",
            Self::NotABox => "boxes without an area",
            Self::UnknownClass => "objects of a class that is not declared",
            Self::DuplicateId => "ids that are used twice",
            Self::DuplicatePicture => "pictures that are listed twice",
            Self::UnknownPicture => "objects of a picture that is not listed",
        }
    }
}

/// Problems of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedKind {
    /// The kind.
    pub kind: ProblemKind,
    /// How many.
    pub count: usize,
    /// The first few, as sentences.
    pub examples: Vec<String>,
}

/// Counts problems by kind, with the first `examples` sentences of each.
pub fn count_problems(problems: &[Problem], examples: usize) -> Vec<CountedKind> {
    let counted = ProblemKind::ALL.into_iter().map(|kind| {
        let of_kind = || problems.iter().filter(|problem| problem.kind == kind);
        let examples = of_kind().take(examples).map(|problem| problem.text.clone()).collect();
        CountedKind { kind, count: of_kind().count(), examples }
    });
    counted.filter(|counted| counted.count > 0).collect()
}

/// Sentences kept: a hostile file must not fill the memory with complaints about it.
const LISTED_MAX: usize = 100_000;

/// Problems while a dataset is read.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    unlisted: usize,
}

impl Problems {
    /// Notes one.
    pub fn add(&mut self, kind: ProblemKind, text: impl FnOnce() -> String) {
        if self.list.len() < LISTED_MAX {
            self.list.push(Problem { kind, text: text() });
        } else {
            self.unlisted += 1;
        }
    }

    /// The first sentence of a kind.
    pub fn first_of(&self, kind: ProblemKind) -> Option<String> {
        self.list.iter().find(|problem| problem.kind == kind).map(|problem| problem.text.clone())
    }

    /// All of them; a last one says how many more there were.
    pub fn into_list(mut self) -> Vec<Problem> {
        if self.unlisted > 0 {
            let text = format!("{} more problems are not listed", self.unlisted);
            self.list.push(Problem { kind: ProblemKind::UnreadableLabels, text });
        }
        self.list
    }
}

/// A text of others in quotes, cut where it is long, with everything unprintable spelled out.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 100;
    let short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_counted_by_kind_and_bounded() {
        let mut problems = Problems::default();
        for number in 0..LISTED_MAX + 5 {
            let kind = if number < 3 { ProblemKind::NotABox } else { ProblemKind::DuplicateId };
            problems.add(kind, || number.to_string());
        }
        let list = problems.into_list();
        assert_eq!(list.len(), LISTED_MAX + 1);
        assert_eq!(list[LISTED_MAX].text, "5 more problems are not listed");
        let counted = count_problems(&list[..5], 2);
        let told: Vec<_> = counted.iter().map(|c| (c.kind, c.count, c.examples.len())).collect();
        assert_eq!(told, [(ProblemKind::NotABox, 3, 2), (ProblemKind::DuplicateId, 2, 2)]);
    }

    #[test]
    fn quoted_texts_are_short_and_in_one_line() {
        assert_eq!(quoted("a\nb"), "\"a\\nb\"");
        assert!(quoted(&"é".repeat(5000)).chars().count() < 110);
    }
}
