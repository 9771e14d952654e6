//! The table of classes: what the models reach in each class, in the order that a person wants.

use crate::evaluate::Evaluation;
use crate::metrics::ClassFigures;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is compared class by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// AP over ten IoU thresholds.
    #[default]
    Ap,
    /// AP at IoU 0.5.
    Ap50,
    /// Recall with a hundred detections a picture.
    Recall,
    /// F1 of a candidate's boxes with the reference's; the reference has none.
    Agreement,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ap, Self::Ap50, Self::Recall, Self::Agreement];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ap => "AP",
            Self::Ap50 => "AP50",
            Self::Recall => "AR100",
            Self::Agreement => "Agreement",
        }
    }

    fn of(self, class: &ClassFigures) -> Option<f64> {
        match self {
            Self::Ap => class.ap,
            Self::Ap50 => class.ap50,
            Self::Recall => class.ar100,
            Self::Agreement => None,
        }
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassColumn {
    /// The class's name.
    Name,
    /// Objects of the class.
    Objects,
    /// What the model at this index reaches.
    Model(usize),
    /// That of the model at this index less that of the reference.
    Difference(usize),
    /// The interval of the agreement of the model at this index; sorted by its width.
    Interval(usize),
}

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassOrder {
    /// By this column.
    pub column: ClassColumn,
    /// The highest first.
    pub falling: bool,
}

impl Default for ClassOrder {
    fn default() -> Self {
        Self { column: ClassColumn::Objects, falling: true }
    }
}

impl ClassOrder {
    /// The order after a click on the head of `column`.
    #[must_use]
    pub fn clicked(self, column: ClassColumn) -> Self {
        if self.column == column {
            return Self { column, falling: !self.falling };
        }
        // What is asked first: which class comes first, which has most objects, which lost most, which is least sure.
        let falling = matches!(column, ClassColumn::Objects | ClassColumn::Model(_) | ClassColumn::Interval(_));
        Self { column, falling }
    }
}

/// One class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    /// Its name.
    pub name: String,
    /// Objects of it.
    pub objects: usize,
    /// What each model reaches, 0…1; none where there is nothing to measure.
    pub values: Vec<Option<f64>>,
    /// Of agreement: the interval of each value; none where it is not known.
    pub intervals: Vec<Option<[f64; 2]>>,
}

impl ClassRow {
    /// A model's figure less that of the reference.
    pub fn difference(&self, model: usize) -> Option<f64> {
        Some((*self.values.get(model)?)? - (*self.values.first()?)?)
    }

    fn key(&self, column: ClassColumn) -> Option<f64> {
        match column {
            ClassColumn::Name => None,
            ClassColumn::Objects => Some(self.objects as f64),
            ClassColumn::Model(index) => *self.values.get(index)?,
            ClassColumn::Difference(index) => self.difference(index),
            ClassColumn::Interval(index) => {
                let [low, high] = (*self.intervals.get(index)?)?;
                Some(high - low)
            }
        }
    }
}

/// The classes of all models in this order; what has no figure comes last, equals by name.
pub fn class_rows(evaluation: &Evaluation, measure: Measure, order: ClassOrder) -> Vec<ClassRow> {
    let mut rows: BTreeMap<&str, ClassRow> = BTreeMap::new();
    let count = evaluation.models.len();
    let empty = |name: &str| ClassRow {
        name: name.to_owned(),
        objects: 0,
        values: vec![None; count],
        intervals: vec![None; count],
    };
    for (index, model) in evaluation.models.iter().enumerate() {
        for class in model.accuracy.iter().flat_map(|accuracy| &accuracy.classes) {
            let row = rows.entry(&class.name).or_insert_with(|| empty(&class.name));
            row.objects = row.objects.max(class.objects);
            row.values[index] = measure.of(class);
        }
    }
    if measure == Measure::Agreement {
        for compared in &evaluation.agreement {
            for class in &compared.details.classes {
                let row = rows.entry(&class.name).or_insert_with(|| empty(&class.name));
                if let Some(value) = row.values.get_mut(compared.candidate) {
                    *value = Some(class.figures.f1);
                    row.intervals[compared.candidate] = class.known_interval();
                }
            }
        }
    }
    let mut rows: Vec<ClassRow> = rows.into_values().collect();
    rows.sort_by(|a, b| compared(a, b, order));
    rows
}

fn compared(a: &ClassRow, b: &ClassRow, order: ClassOrder) -> Ordering {
    let turned = |ordering: Ordering| if order.falling { ordering.reverse() } else { ordering };
    let by_name = a.name.cmp(&b.name);
    if order.column == ClassColumn::Name {
        return turned(by_name);
    }
    match (a.key(order.column), b.key(order.column)) {
        (Some(a), Some(b)) => turned(a.total_cmp(&b)).then(by_name),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => by_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::test_support::evaluation;

    fn names(order: ClassOrder) -> Vec<String> {
        class_rows(&evaluation(), Measure::Ap, order).into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn rows_hold_every_model_and_the_difference_with_the_reference() {
        let rows = class_rows(&evaluation(), Measure::Ap, ClassOrder::default());
        let stop = rows.iter().find(|row| row.name == "stop").unwrap();
        assert_eq!((stop.objects, stop.values.len()), (40, 3));
        assert!((stop.difference(1).unwrap() - -0.02).abs() < 1e-9);
        let unseen = rows.iter().find(|row| row.name == "roundabout").unwrap();
        assert_eq!((unseen.values[0], unseen.difference(1)), (None, None));
    }

    #[test]
    fn agreement_is_that_of_the_candidates() {
        let rows = class_rows(&evaluation(), Measure::Agreement, ClassOrder::default());
        let stop = rows.iter().find(|row| row.name == "stop").unwrap();
        assert_eq!(stop.values, [None, Some(0.97), Some(0.97)]);
        assert_eq!(stop.intervals, [None, Some([0.94, 0.995]), Some([0.94, 0.995])]);
        let ghost = rows.iter().find(|row| row.name == "not in the data set").unwrap();
        assert_eq!((ghost.objects, ghost.values[1]), (0, Some(0.97)), "agreement needs no truth");
    }

    #[test]
    fn a_click_sorts_a_second_one_turns_and_what_has_no_figure_stays_last() {
        let order = ClassOrder::default();
        assert_eq!(names(order), ["stop", "yield", "roundabout"]);
        let order = order.clicked(ClassColumn::Difference(1));
        assert!(!order.falling, "the greatest loss first");
        assert_eq!(names(order), ["yield", "stop", "roundabout"]);
        let order = order.clicked(ClassColumn::Difference(1));
        assert_eq!(names(order), ["stop", "yield", "roundabout"]);
        let order = order.clicked(ClassColumn::Name);
        assert_eq!(names(order), ["roundabout", "stop", "yield"]);
        assert_eq!(names(order.clicked(ClassColumn::Name)), ["yield", "stop", "roundabout"]);
        assert_eq!(names(order.clicked(ClassColumn::Model(9))), ["roundabout", "stop", "yield"]);
    }
}
