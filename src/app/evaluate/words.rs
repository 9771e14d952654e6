//! Figures and facts of an evaluation as people read them.

use crate::app::format;
use crate::evaluate::{Evaluation, ModelEvaluation};

/// A difference with its sign, three decimals.
pub fn signed(value: f64) -> String {
    if !value.is_finite() {
        return format::NONE.to_owned();
    }
    // A true minus sign: as wide as the plus.
    let sign = if value < -0.000_5 {
        "−"
    } else if value >= 0.000_5 {
        "+"
    } else {
        "±"
    };
    format!("{sign}{:.3}", value.abs())
}

/// A share with three decimals, where there is one.
pub fn share(value: Option<f64>) -> String {
    value.map_or_else(|| format::NONE.to_owned(), |value| format::share(value as f32))
}

/// What was not evaluated, if something was not.
pub fn partial(evaluation: &Evaluation) -> Option<String> {
    if evaluation.complete {
        return None;
    }
    let done: Vec<usize> = evaluation.models.iter().map(|model| model.pictures).collect();
    let least = done.iter().min().copied().unwrap_or_default();
    let most = done.iter().max().copied().unwrap_or_default();
    Some(if most == 0 {
        "Cancelled before the first picture: there is nothing to show.".to_owned()
    } else if least == most {
        format!("Partial: stopped after {}. All figures are of those.", counted(most))
    } else {
        format!("Partial: the models have done {least} to {most} pictures, so their figures are of different ones.")
    })
}

fn counted(pictures: usize) -> String {
    if pictures == 1 { "1 picture".to_owned() } else { format!("{pictures} pictures") }
}

/// Why nothing can be measured on a model, though it ran: a sentence.
pub fn nothing_in_common(evaluation: &Evaluation, model: &ModelEvaluation) -> Option<String> {
    let classes = evaluation.dataset.classes;
    (classes > 0 && model.unmatched_dataset_classes.len() >= classes).then(|| {
        format!(
            "{} knows none of the data set's {classes} classes by name, so nothing can be measured. Give it the right \
             class names (Model… in the live view, or --labels).",
            format::file_name(&model.path)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::test_support::evaluation;

    #[test]
    fn what_is_partial_and_what_has_nothing_in_common_is_said() {
        let mut evaluation = evaluation();
        assert_eq!(partial(&evaluation), None);
        evaluation.complete = false;
        assert!(partial(&evaluation).unwrap().contains("200 pictures"));
        evaluation.models[1].pictures = 40;
        assert!(partial(&evaluation).unwrap().contains("40 to 200"));
        evaluation.models.iter_mut().for_each(|model| model.pictures = 0);
        assert!(partial(&evaluation).unwrap().contains("before the first picture"));
        assert_eq!(nothing_in_common(&evaluation, &evaluation.models[0]), None);
        evaluation.models[0].unmatched_dataset_classes = vec!["a".into(), "b".into(), "c".into()];
        assert!(nothing_in_common(&evaluation, &evaluation.models[0]).unwrap().contains("none of the data set's 3"));
    }

    #[test]
    fn differences_carry_a_sign() {
        assert_eq!(
            [signed(0.0123), signed(-0.0123), signed(0.0), signed(-0.0001)],
            ["+0.012", "−0.012", "±0.000", "±0.000"]
        );
        assert_eq!(signed(f64::NAN), format::NONE);
    }
}
