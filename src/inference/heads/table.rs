//! Lists of finished detections that come as one table, a row a detection.

use super::OutputTensor;
use super::tensor::as_matrix;

/// Where a row has its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// The first of the four edges.
    pub edges: usize,
    pub score: usize,
    pub class: usize,
    /// Columns of a row.
    pub of: usize,
}

/// Rows of an output that is `[K, columns]` or `[1, K, columns]`.
pub(super) fn table_shape(shape: &[usize], columns: usize) -> Option<usize> {
    match *shape {
        [rows, last] | [1, rows, last] if last == columns => Some(rows),
        _ => None,
    }
}

/// The rows of the first output with so many columns.
pub(super) fn table<'a, const COLUMNS: usize>(outputs: &[OutputTensor<'a>]) -> Option<&'a [[f32; COLUMNS]]> {
    let found = outputs.iter().filter_map(as_matrix).find(|(_, columns, _)| *columns == COLUMNS);
    found.map(|(_, _, values)| values.as_chunks::<COLUMNS>().0)
}

/// Share of the rows that hold a detection under this reading: a score in 0…1, a whole class, edges in their order
/// (whichever axis comes first). Rows that are not used, all 0 or with a class below 0, are not counted; none if there are
/// no others.
pub(super) fn share_of_rows(values: &[f32], columns: Columns) -> Option<f32> {
    share_of_rows_ordered_from(values, columns, 0.0)
}

/// The same where the order of the edges counts only in rows of at least that score: set predictors and quantized models
/// give all their rows, and what they are not sure of may have its edges crossed.
pub(super) fn share_of_rows_ordered_from(values: &[f32], columns: Columns, ordered_from: f32) -> Option<f32> {
    let Columns { edges, score, class, of } = columns;
    let is_used = |row: &&[f32]| {
        let nothing = row[score] == 0.0 && row[edges..edges + 4] == [0.0; 4];
        !nothing && (row[class] >= 0.0 || row[class].is_nan())
    };
    let used = || values.chunks_exact(of.max(1)).filter(is_used);
    let fits = |row: &&[f32]| {
        (0.0..=1.0).contains(&row[score])
            && (0.0..1e6).contains(&row[class])
            && row[class].fract() == 0.0
            && (row[score] < ordered_from || row[edges + 2] >= row[edges] && row[edges + 3] >= row[edges + 1])
    };
    let count = used().count();
    (count > 0).then(|| used().filter(fits).count() as f32 / count as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_judged_under_a_reading() {
        let score_then_class = Columns { edges: 0, score: 4, class: 5, of: 6 };
        let class_then_score = Columns { edges: 0, score: 5, class: 4, of: 6 };
        let values = [1.0, 2.0, 3.0, 4.0, 0.5, 7.0, 5.0, 6.0, 7.0, 8.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(share_of_rows(&values, score_then_class), Some(1.0));
        assert_eq!(share_of_rows(&values, class_then_score), Some(0.0));
        assert_eq!(share_of_rows(&[0.0; 12], score_then_class), None);
        assert_eq!(share_of_rows(&[], score_then_class), None);
        assert_eq!(share_of_rows(&[-1.0; 6], score_then_class), None);
        assert_eq!(share_of_rows(&[f32::NAN; 6], score_then_class), Some(0.0));
    }

    #[test]
    fn the_order_of_edges_may_count_in_sure_rows_only() {
        let reading = Columns { edges: 0, score: 4, class: 5, of: 6 };
        let crossed = |score| [9.0, 2.0, 3.0, 4.0, score, 7.0];
        assert_eq!(share_of_rows(&crossed(0.01), reading), Some(0.0));
        assert_eq!(share_of_rows_ordered_from(&crossed(0.01), reading, 0.05), Some(1.0));
        assert_eq!(share_of_rows_ordered_from(&crossed(0.06), reading, 0.05), Some(0.0));
        let mut no_class = crossed(0.01);
        no_class[5] = 0.5;
        assert_eq!(share_of_rows_ordered_from(&no_class, reading, f32::INFINITY), Some(0.0));
    }

    #[test]
    fn tables_have_one_batch_or_none() {
        for (shape, want) in [
            (&[1usize, 300, 6][..], Some(300)),
            (&[300, 6], Some(300)),
            (&[0, 6], Some(0)),
            (&[2, 300, 6], None),
            (&[1, 300, 7], None),
            (&[6], None),
        ] {
            assert_eq!(table_shape(shape, 6), want, "{shape:?}");
        }
    }
}
