//! Looking for the layers that are to stay in floats: first whole stretches at the beginning, which are cheap to leave,
//! then the layers that lose most alone, then whatever brings most for its time; in the end what was left too generously is
//! taken back. Each attempt is measured for agreement and for speed.

use super::choose::{Aim, best};
use super::judge::Judge;
use super::maker::{Made, Maker};
use super::plan::Choice;
use super::prepare::heavy;
use super::{Gate, JudgeBy, Point, Progress, QuantizeError, Report, layers, segments, tell};

/// Resolutions until which the network may stay in floats. Detectors predict from 8 on.
const STRIDES: [usize; 4] = [0, 4, 8, 16];
/// Stretches that are tried with their predictions in floats, too: so many, of those whose closeness comes as near to the
/// best as this.
const WITH_PREDICTIONS: usize = 3;
const PROMISING: f64 = 0.1;
/// Of so many layers one is left in floats, the noisiest ones.
const NOISY_SHARES: [usize; 5] = [16, 8, 4, 3, 2];
/// The same where channels have ranges of their own, and stretches.
const SCALED_SHARES: [usize; 3] = [16, 8, 4];
const SCALED_STRIDES: [usize; 2] = [4, 8];
/// Segments that are left in floats at most.
const STEPS: usize = 8;
/// How often a stretch is shortened.
const SHORTENED: usize = 3;
/// A model that is slower than this share of the one in floats is not worth having.
pub(super) const WORTH_IT: f64 = 0.95;

/// A kind of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Floats until the resolution has gone down by a factor.
    Stretches,
    /// A range for each channel: all in integers, then without stretches, then without the layers that still lose most.
    ChannelScales,
    /// Some of the stretches with the predictions in floats.
    Predictions,
    /// The layers in floats that lose most alone, in shares that double.
    Noisy,
    /// From the best so far, segment after segment, those first that bring most for their time.
    Segments,
    /// The stretch that is good enough, shortened.
    Shortened,
}

/// The order in which kinds are tried: the cheap and likely ones first. All but the first are only tried while nothing has
/// been found that is as good and as fast as is looked for. A further kind is a word above, a line here and a function that
/// calls [`Search::attempt`].
const KINDS: [Kind; 6] =
    [Kind::Stretches, Kind::ChannelScales, Kind::Predictions, Kind::Noisy, Kind::Segments, Kind::Shortened];

/// All that was tried, and the best of it.
pub(super) struct Search<'a, 'b> {
    pub judge: &'a mut Judge,
    pub maker: &'a Maker,
    pub report: &'a mut Report<'b>,
    pub points: Vec<Point>,
    pub gate: Gate,
    pub aim: Aim,
}

impl<'a, 'b> Search<'a, 'b> {
    /// A search that has tried nothing yet.
    pub fn new(
        (judge, maker): (&'a mut Judge, &'a Maker),
        gate: Gate,
        judged_by: JudgeBy,
        report: &'a mut Report<'b>,
    ) -> Self {
        Self { judge, maker, report, points: Vec::new(), gate, aim: Aim::of(&gate, judged_by) }
    }

    /// Tries one kind after the other. `noisy` are the layers by what they lose.
    pub fn run(&mut self, noisy: &[String]) -> Result<(), QuantizeError> {
        for kind in KINDS {
            match kind {
                Kind::Stretches => self.stretches()?,
                Kind::ChannelScales => self.channel_scales()?,
                Kind::Predictions => self.predictions()?,
                Kind::Noisy => self.noisy(noisy)?,
                Kind::Segments => self.segments()?,
                Kind::Shortened => self.shortened()?,
            }
        }
        Ok(())
    }

    /// Tries one choice; one that comes to the same model as an earlier one is not tried again.
    pub fn attempt(&mut self, choice: Choice, left: usize) -> Result<usize, QuantizeError> {
        let choice = self.maker.settled(choice);
        let done = self.points.len();
        let step = Progress::Trying { done, of: done + 1 + left, choice: choice.clone() };
        tell(self.report, step.clone())?;
        let Made { bytes, integers, float } = self.maker.make(&choice)?;
        if let Some(known) = self.points.iter().position(|point| *point.bytes == *bytes) {
            return Ok(known);
        }
        let measured = self.judge.measure(&bytes, &mut || tell(self.report, step.clone()))?;
        tracing::debug!(
            "{}: F1 {:.3}, closeness {:.3}, {}",
            choice.in_words(),
            measured.agreement.f1,
            measured.agreement.closeness,
            measured.times.in_words()
        );
        self.points.push(Point { choice, integers, float, measured, bytes: bytes.into() });
        Ok(self.points.len() - 1)
    }

    fn stretches(&mut self) -> Result<(), QuantizeError> {
        for (index, float_until_stride) in STRIDES.into_iter().enumerate() {
            let choice = Choice { float_until_stride, ..Choice::default() };
            self.attempt(choice, STRIDES.len() - index - 1 + WITH_PREDICTIONS)?;
        }
        Ok(())
    }

    fn channel_scales(&mut self) -> Result<(), QuantizeError> {
        let Some(scaled) = self.maker.scaled.as_deref().filter(|_| !self.maker.always_scaled) else { return Ok(()) };
        let base = Choice { channel_scales: true, ..Choice::default() };
        self.attempt(base.clone(), SCALED_STRIDES.len() + SCALED_SHARES.len() + SHORTENED)?;
        for float_until_stride in SCALED_STRIDES {
            self.attempt(Choice { float_until_stride, ..base.clone() }, SCALED_SHARES.len() + SHORTENED)?;
        }
        let noisy = layers::noisy(scaled);
        for (index, share) in SCALED_SHARES.into_iter().enumerate().filter(|(_, share)| noisy.len() >= *share) {
            if self.has_reached() {
                return Ok(());
            }
            let float_nodes = noisy[..noisy.len() / share].iter().cloned().collect();
            let left = SCALED_SHARES.len() - index - 1 + SHORTENED;
            let point = self.attempt(Choice { float_nodes, ..base.clone() }, left)?;
            if self.points[point].measured.ratio() > WORTH_IT {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Of the stretches that agree about as well as the best, the fastest first.
    fn predictions(&mut self) -> Result<(), QuantizeError> {
        let closeness = |point: &Point| point.measured.agreement.closeness;
        let highest = self.points.iter().map(closeness).fold(0.0, f64::max);
        let mut promising: Vec<usize> = (0..self.points.len()).collect();
        promising.retain(|index| closeness(&self.points[*index]) >= highest - PROMISING);
        let ratio = |index: &usize| self.points[*index].measured.ratio();
        promising.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
        for (index, point) in promising.into_iter().take(WITH_PREDICTIONS).enumerate() {
            if self.has_reached() {
                return Ok(());
            }
            let choice = Choice { float_predictions: true, ..self.points[point].choice.clone() };
            self.attempt(choice, WITH_PREDICTIONS - index - 1 + SHORTENED)?;
        }
        Ok(())
    }

    /// Until one is good enough, or slower than the model in floats: with more layers none becomes faster.
    fn noisy(&mut self, noisy: &[String]) -> Result<(), QuantizeError> {
        for share in NOISY_SHARES.into_iter().filter(|share| noisy.len() >= *share) {
            if self.is_accurate() {
                return Ok(());
            }
            let float_nodes = noisy[..noisy.len() / share].iter().cloned().collect();
            let point = self.attempt(Choice { float_nodes, ..Choice::default() }, SHORTENED)?;
            if self.points[point].measured.ratio() > WORTH_IT {
                return Ok(());
            }
        }
        Ok(())
    }

    fn segments(&mut self) -> Result<(), QuantizeError> {
        let Some(from) = best(&self.points, &self.gate, &self.aim).filter(|_| !self.is_accurate()) else {
            return Ok(());
        };
        let base = self.points[from].choice.clone();
        let segments = segments::ranked(self.maker, &base, self.judge, self.report)?;
        let mut float_nodes = base.float_nodes.clone();
        for (index, segment) in segments.iter().enumerate().take(STEPS) {
            float_nodes.extend(segment.iter().cloned());
            let left = segments.len().min(STEPS) - index - 1;
            let point = self.attempt(Choice { float_nodes: float_nodes.clone(), ..base.clone() }, left + SHORTENED)?;
            if self.is_accurate() || self.points[point].measured.ratio() > WORTH_IT {
                break;
            }
        }
        Ok(())
    }

    /// Halves what the chosen stretch has more than the next shorter one that was tried, again and again: the shorter half
    /// where that is as good, else the longer one.
    fn shortened(&mut self) -> Result<(), QuantizeError> {
        let Some(chosen) = best(&self.points, &self.gate, &self.aim) else { return Ok(()) };
        let choice = self.points[chosen].choice.clone();
        if self.has_reached() || choice.float_until_stride == 0 {
            return Ok(());
        }
        let shorter = STRIDES.iter().rev().find(|stride| **stride < choice.float_until_stride).copied().unwrap_or(0);
        let least = Choice { float_until_stride: shorter, ..choice.clone() };
        let more = self.layers_between(&least, &choice);
        let (mut enough, mut too_few) = (more.len(), 0);
        for left in (0..SHORTENED).rev() {
            let middle = usize::midpoint(enough, too_few);
            if middle == too_few {
                break;
            }
            let mut shortened = least.clone();
            shortened.float_nodes.extend(more[..middle].iter().cloned());
            let point = self.attempt(shortened, left)?;
            let (tried, known) = (&self.points[point].measured, &self.points[chosen].measured);
            if self.aim.is_as_good(tried, known) { enough = middle } else { too_few = middle }
        }
        Ok(())
    }

    /// Layers in the graph's order that work in integers by the first choice and not by the second.
    fn layers_between(&self, one: &Choice, other: &Choice) -> Vec<String> {
        let prepared = &self.maker.of(one).prepared;
        let [one, other] = [one, other].map(|choice| self.maker.integers(choice));
        let layers = heavy(&prepared.model, &prepared.layout);
        layers.filter(|(index, _)| one[*index] && !other[*index]).map(|(_, node)| node.name.clone()).collect()
    }

    /// Whether some model that is worth having is good enough.
    fn is_accurate(&self) -> bool {
        let measured = self.points.iter().map(|point| &point.measured);
        measured.into_iter().any(|it| self.aim.is_accurate(it) && it.ratio() <= WORTH_IT)
    }

    /// Whether one is as fast besides as is looked for. A speed that is asked for is not reached by leaving more in floats.
    fn has_reached(&self) -> bool {
        self.points.iter().any(|point| self.aim.is_accurate(&point.measured) && self.aim.is_fast(&point.measured))
    }
}
