//! Which class is taken for which, as tables whose cells are coloured the stronger the more of a class they hold.

use super::chart;
use super::words::{self, letter};
use crate::evaluate::Evaluation;
use crate::metrics::Confusion;
use maud::{Markup, html};

/// Classes in a table: more do not fit on a sheet of paper.
const MOST_CLASSES: usize = 12;
/// Mix-ups that are told in words.
const MOST_MIX_UPS: usize = 6;

/// A table a model; none where nothing was counted.
pub fn tables(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let counted: Vec<(usize, &Confusion)> = evaluation
        .models
        .iter()
        .enumerate()
        .filter_map(|(index, model)| Some((index, &model.accuracy.as_ref()?.confusion)))
        .filter(|(_, confusion)| !confusion.classes.is_empty())
        .collect();
    if counted.is_empty() {
        return None;
    }
    Some(html! {
        h3 { "Confusion between classes" }
        p class="muted" {
            "Rows are true classes, columns what the model said, at the confidence named; the stronger a cell's colour, the larger its \
             share of the row. The last column holds missed objects, the last row boxes where there is nothing."
        }
        div class="pair" {
            @for (index, confusion) in counted {
                (table(index, &names[index], confusion))
            }
        }
    })
}

fn table(index: usize, name: &str, confusion: &Confusion) -> Markup {
    let shown = largest(confusion);
    let nothing = confusion.classes.len();
    let cells: Vec<usize> = shown.iter().copied().chain([nothing]).collect();
    let mix_ups = mix_ups(confusion);
    html! {
      div {
        div class="scroll" tabindex="0" role="group" aria-label={ "Confusion of " (name) } {
            table class="heat" {
                caption {
                    (badge(index)) " " b { (name) } ", confidence " (words::number(Some(confusion.confidence), 2))
                    @if shown.len() < nothing {
                        ". The " (shown.len()) " most frequent of " (nothing) " classes"
                    }
                }
                thead { tr {
                    td {}
                    @for &column in &cells { th scope="col" { span { (class_name(confusion, column, "missed")) } } }
                } }
                tbody {
                    @for &row in &cells {
                        @let whole: u64 = confusion.counts.get(row).map_or(0, |row| row.iter().sum());
                        tr {
                            th scope="row" { (class_name(confusion, row, "nothing there")) }
                            @for &column in &cells {
                                @let count = count(confusion, row, column);
                                @let share = if whole > 0 { count as f64 / whole as f64 } else { 0.0 };
                                td class=[(count == 0).then_some("zero")] style={ "--share:" (format!("{share:.2}")) } { (count) }
                            }
                        }
                    }
                }
            }
        }
        @if !mix_ups.is_empty() {
            p class="muted note" { (letter(index)) " mixes up most often: " (mix_ups.join(", ")) "." }
        }
      }
    }
}

/// The badge of a model: its letter in its colour.
pub fn badge(index: usize) -> Markup {
    html! { span class={ "badge " (chart::style(index)) } { (letter(index)) } }
}

fn class_name<'a>(confusion: &'a Confusion, index: usize, nothing: &'a str) -> &'a str {
    confusion.classes.get(index).map_or(nothing, String::as_str)
}

fn count(confusion: &Confusion, row: usize, column: usize) -> u64 {
    confusion.counts.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
}

/// The classes that occur most, as objects or as boxes, in the order of the list.
fn largest(confusion: &Confusion) -> Vec<usize> {
    let all = confusion.classes.len();
    let weight =
        |class: usize| -> u64 { (0..=all).map(|o| count(confusion, class, o) + count(confusion, o, class)).sum() };
    let mut classes: Vec<usize> = (0..all).filter(|&class| weight(class) > 0).collect();
    classes.sort_by_key(|&class| std::cmp::Reverse(weight(class)));
    classes.truncate(MOST_CLASSES);
    classes.sort_unstable();
    classes
}

/// "truck taken for car 3×", the most frequent first, of all classes.
fn mix_ups(confusion: &Confusion) -> Vec<String> {
    let all = 0..confusion.classes.len();
    let pairs = all.clone().flat_map(|row| all.clone().map(move |column| (row, column)));
    let mut found: Vec<(u64, usize, usize)> = pairs
        .filter(|(row, column)| row != column)
        .map(|(row, column)| (count(confusion, row, column), row, column))
        .filter(|(count, ..)| *count > 0)
        .collect();
    found.sort_by_key(|&(count, row, column)| (std::cmp::Reverse(count), row, column));
    let words = found.into_iter().take(MOST_MIX_UPS).map(|(count, row, column)| {
        format!("{} taken for {} {count}×", confusion.classes[row], confusion.classes[column])
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_classes_and_mix_ups_are_chosen() {
        let classes: Vec<String> = (0..20).map(|class| format!("c{class}")).collect();
        let mut counts = vec![vec![0; 21]; 21];
        for (class, row) in counts.iter_mut().enumerate().take(20) {
            row[class] = class as u64;
        }
        counts[3][4] = 7;
        counts[20][0] = 100;
        let confusion = Confusion { confidence: 0.3, classes, counts };
        let shown = largest(&confusion);
        assert_eq!(shown.len(), MOST_CLASSES);
        assert!(shown.contains(&0) && shown.contains(&19) && !shown.contains(&1), "{shown:?}");
        assert_eq!(mix_ups(&confusion), ["c3 taken for c4 7×"]);
    }

    #[test]
    fn counts_that_are_too_short_are_read_as_zero() {
        let confusion = Confusion { confidence: 0.3, classes: vec!["a".to_owned()], counts: vec![vec![2]] };
        assert!(table(0, "x", &confusion).into_string().contains("missed"));
    }
}
