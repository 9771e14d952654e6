//! Running the pictures: what the ranges rest on, and what models are judged by.

use super::observe::{Observed, Observer, Watch};
use super::prepare::Prepared;
use super::{Progress, QuantizeError, Report, Request, Sample, tell};
use crate::dataset::LabelledPicture;
use crate::imaging::Letterbox;
use crate::inference::preprocess::{ModelInput, Preprocessor};

/// Of so many pictures one is kept for judging and not used for ranges.
const JUDGED_EVERY: usize = 4;
/// More pictures than this are not judged by; they are kept in memory as the model's input.
const JUDGED_MAX: usize = 32;
/// With fewer, those that are judged are used for ranges as well.
const JUDGED_MIN: usize = 4;
/// Of the pictures that ranges are chosen by so many are kept, for what is looked at when the ranges are known.
const KEPT_MAX: usize = 24;
/// And no more than this, in values of the model's input.
const KEPT_VALUES_MAX: usize = 24 << 20;

/// A picture as the model reads it, and how it got its size.
pub(super) type Fed = (ModelInput, Letterbox);

/// What came of the pictures.
pub(super) struct Seen {
    /// Values of tensors, of each model.
    pub observed: Vec<Observed>,
    /// Pictures that models are judged by.
    pub judged: Vec<Fed>,
    /// What is in those, where that is known.
    pub truths: Vec<Option<LabelledPicture>>,
    /// Some of those that the ranges are chosen by.
    pub kept: Vec<Fed>,
    /// How many those are.
    pub used: usize,
}

/// Runs the pictures through a model, and through others that are fed as that one.
pub(super) fn calibrate(
    models: &[&Prepared],
    request: &Request,
    pictures: &mut dyn Iterator<Item = Sample>,
    report: &mut Report<'_>,
) -> Result<Seen, QuantizeError> {
    let Some(prepared) = models.first() else { return Err(QuantizeError::NoPictures { from: "nothing".to_owned() }) };
    let threads = request.load.session.threads;
    let observers = models.iter().map(|model| Observer::new(model, threads, Watch::Values));
    let mut observers: Vec<Observer<'_>> = observers.collect::<Result<_, _>>()?;
    let mut preprocessor = Preprocessor::new(&prepared.card, prepared.input.dtype);
    let size: usize = preprocessor.new_input().shape().iter().product();
    let most = KEPT_MAX.min(KEPT_VALUES_MAX / size.max(1)).max(JUDGED_MIN);
    let (mut judged, mut kept) = (Vec::<Fed>::new(), Spread::<Fed>::of(most));
    let mut truths = Vec::new();
    let (needs_ranges, learns) = (request.form().needs_ranges(), request.corrections().rounding);
    for (index, Sample { image, truth }) in pictures.take(request.samples).enumerate() {
        tell(report, Progress::Calibrating { done: index, of: request.samples })?;
        let mut input = preprocessor.new_input();
        let letterbox = preprocessor.run(&image, &mut input);
        let is_judged = !(needs_ranges || learns) || index % JUDGED_EVERY == JUDGED_EVERY - 1;
        if is_judged && judged.len() < JUDGED_MAX {
            judged.push((input, letterbox));
            truths.push(truth);
            continue;
        }
        if !needs_ranges && !learns {
            break;
        }
        // Without ranges the first picture tells the shapes.
        if needs_ranges || kept.seen == 0 {
            observers.iter_mut().try_for_each(|observer| observer.add(&input))?;
        }
        kept.add((input, letterbox));
    }
    let Spread { kept, seen: used, .. } = kept;
    if used == 0 && judged.is_empty() {
        return Err(QuantizeError::NoPictures { from: "what was named".to_owned() });
    }
    if judged.len() < JUDGED_MIN {
        judged.extend(kept.iter().take(JUDGED_MIN).cloned());
        truths.resize(judged.len(), None);
    }
    let observed = observers.into_iter().map(|observer| observer.observed).collect();
    Ok(Seen { observed, judged, truths, kept, used })
}

/// Some of a sequence of unknown length, from all parts of it.
struct Spread<T> {
    kept: Vec<T>,
    most: usize,
    /// Of so many one is kept.
    every: usize,
    seen: usize,
}

impl<T> Spread<T> {
    fn of(most: usize) -> Self {
        Self { kept: Vec::new(), most, every: 1, seen: 0 }
    }

    fn add(&mut self, one: T) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(one);
        }
        self.seen += 1;
        if self.kept.len() > self.most {
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.every *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_from_all_parts() {
        let mut spread = Spread::of(24);
        (0..96).for_each(|index| spread.add(index));
        assert_eq!(spread.kept, (0..96).step_by(4).collect::<Vec<_>>());
        let mut few = Spread::of(24);
        (0..5).for_each(|index| few.add(index));
        assert_eq!(few.kept, [0, 1, 2, 3, 4]);
    }
}
