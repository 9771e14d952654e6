//! How long a model takes against the model in floats, and in which way both are run.

use super::{Pulse, QuantizeError};
use crate::inference::SessionError;
use crate::inference::preprocess::ModelInput;
use crate::inference::session::Session;
use crate::runtime::own_thread_time;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Runs of each of two models that take turns, and how long that may take at most.
const ROUNDS: usize = 30;
const ROUNDS_TIME: Duration = Duration::from_secs(4);
/// So many runs are made whatever they take.
const ROUNDS_MIN: usize = 3;

/// In which way of running models their time is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JudgeBy {
    /// As this program runs them: accelerated where that can be done, the model in floats with the rewrites that it gets.
    #[default]
    Accelerated,
    /// By ONNX Runtime alone, as other programs run the file.
    Plain,
}

impl JudgeBy {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Accelerated, Self::Plain];

    /// Where a time holds: `in quantscope`, `in plain ONNX Runtime`.
    pub fn place(self) -> &'static str {
        match self {
            Self::Accelerated => "in quantscope",
            Self::Plain => "in plain ONNX Runtime",
        }
    }

    /// What that means, in a sentence without its full stop.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Accelerated => "time is taken as quantscope runs both models, accelerated where that can be done",
            Self::Plain => "time is taken as ONNX Runtime alone runs both models",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Accelerated => Self::Plain,
            Self::Plain => Self::Accelerated,
        }
    }
}

/// How long a run takes beside one of the model in floats, both run in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Median time over that of the model in floats, taking turns.
    pub ratio: f64,
    /// Milliseconds of this model and of the model in floats, medians.
    pub ms: [f64; 2],
}

/// How long a model takes, in one way of running it or in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// The way that is judged by.
    pub judged_by: JudgeBy,
    /// Its figures.
    pub judged: Speed,
    /// Those of the other way, where it was looked at.
    pub other: Option<Speed>,
    /// Why this program runs the model no other than ONNX Runtime does, where there was something to be gained.
    pub not_accelerated: Option<String>,
}

impl Times {
    /// Times in one way only.
    pub fn new(judged_by: JudgeBy, judged: Speed) -> Self {
        Self { judged_by, judged, other: None, not_accelerated: None }
    }

    /// Those of one way, where they are known.
    pub fn of(&self, way: JudgeBy) -> Option<Speed> {
        if way == self.judged_by { Some(self.judged) } else { self.other }
    }

    /// Such as `0.72 of the FP32 time in quantscope, 0.95 in plain ONNX Runtime`.
    pub fn in_words(&self) -> String {
        let mut text = format!("{:.2} of the FP32 time {}", self.judged.ratio, self.judged_by.place());
        if let Some(other) = self.other {
            let same = format!("{:.2}", other.ratio) == format!("{:.2}", self.judged.ratio);
            let place = self.judged_by.other().place();
            text.push_str(&if same { format!(" and {place}") } else { format!(", {:.2} {place}", other.ratio) });
        }
        text
    }
}

/// The times of a session and of that of the model in floats, which take turns on a picture; with one thread the ratio is
/// that of the processor time of this thread, where the system tells it: what else the machine does is left out of it.
pub(super) fn taking_turns(
    [own, float]: [&mut Session; 2],
    picture: &ModelInput,
    threads: usize,
    pulse: &mut Pulse<'_>,
) -> Result<Speed, QuantizeError> {
    let inputs = [&*own, &*float].map(|session| session.entrance().and_then(|entrance| entrance.laid_out(picture)));
    let [own_input, float_input] = inputs.each_ref().map(|input| input.as_ref().unwrap_or(picture));
    let begin = Instant::now();
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        if round >= ROUNDS_MIN && begin.elapsed() > ROUNDS_TIME {
            break;
        }
        pulse()?;
        let (own, float) = (timed(own, own_input)?, timed(float, float_input)?);
        times[0].push(own.wall_ms);
        times[1].push(float.wall_ms);
        ratios.push(own.of(float, threads));
    }
    Ok(Speed { ratio: median(ratios), ms: times.map(median) })
}

/// Milliseconds of a run.
#[derive(Clone, Copy)]
struct Time {
    wall_ms: f64,
    /// Of this thread's work; 0 where the system does not tell it.
    processor_ms: f64,
}

impl Time {
    fn of(self, other: Self, threads: usize) -> f64 {
        if threads == 1 && self.processor_ms > 0.0 && other.processor_ms > 0.0 {
            return self.processor_ms / other.processor_ms;
        }
        self.wall_ms / other.wall_ms.max(f64::MIN_POSITIVE)
    }
}

fn timed(session: &mut Session, input: &ModelInput) -> Result<Time, SessionError> {
    let (before, begin) = (own_thread_time(), Instant::now());
    let wall = session.run(input, |_, finished| finished.duration_since(begin))?;
    let processor = before.zip(own_thread_time()).map(|(before, after)| after.saturating_sub(before));
    Ok(Time { wall_ms: wall.as_secs_f64() * 1e3, processor_ms: processor.unwrap_or_default().as_secs_f64() * 1e3 })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(ratio: f64) -> Speed {
        Speed { ratio, ms: [10.0 * ratio, 10.0] }
    }

    #[test]
    fn figures_say_where_they_hold() {
        let mut times = Times::new(JudgeBy::Accelerated, speed(0.72));
        assert_eq!(times.in_words(), "0.72 of the FP32 time in quantscope");
        assert_eq!((times.of(JudgeBy::Accelerated), times.of(JudgeBy::Plain)), (Some(speed(0.72)), None));
        times.other = Some(speed(0.95));
        assert_eq!(times.in_words(), "0.72 of the FP32 time in quantscope, 0.95 in plain ONNX Runtime");
        assert_eq!(times.of(JudgeBy::Plain), Some(speed(0.95)));
        times.other = Some(speed(0.721));
        assert_eq!(times.in_words(), "0.72 of the FP32 time in quantscope and in plain ONNX Runtime");
        let plain = Times { other: Some(speed(0.5)), ..Times::new(JudgeBy::Plain, speed(0.8)) };
        assert_eq!(plain.in_words(), "0.80 of the FP32 time in plain ONNX Runtime, 0.50 in quantscope");
    }

    #[test]
    fn the_ratio_of_one_thread_is_that_of_its_processor_time() {
        let [own, float] = [(8.0, 4.0), (8.0, 8.0)].map(|(wall_ms, processor_ms)| Time { wall_ms, processor_ms });
        assert_eq!((own.of(float, 1), own.of(float, 2)), (0.5, 1.0));
        let unknown = Time { processor_ms: 0.0, ..own };
        assert_eq!(unknown.of(float, 1), 1.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
