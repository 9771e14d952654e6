//! One turn of one model, every part of it.

use super::energy::{Rapl, Reading};
use super::turns::Turn;
use crate::imaging::RgbImage;
use crate::inference::{Detector, SessionError, Thresholds};
use crate::pipeline::time_pipelined;
use crate::runtime::own_processor_time;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Fewest and most frames that warm a model up.
const WARM_UP: [usize; 2] = [2, 10];
/// Slow models are warm after so long.
const WARM_UP_TIME: Duration = Duration::from_secs(1);

/// What is the same for all turns.
pub(super) struct Stopwatch<'a> {
    pub images: &'a [Arc<RgbImage>],
    pub thresholds: Thresholds,
    pub rapl: Option<&'a Rapl>,
}

/// Times of one turn, in milliseconds a frame where nothing else is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Lap {
    pub session_only: Vec<f32>,
    pub preprocess: Vec<f32>,
    pub inference: Vec<f32>,
    pub postprocess: Vec<f32>,
    pub total: Vec<f32>,
    /// The pipelined frames together.
    pub pipelined: Duration,
    /// Frames of each part.
    pub frames: usize,
    /// Over all frames of the stages and of the lane: twice as many.
    pub processor: Option<Duration>,
    pub microjoules: Option<u64>,
}

impl Stopwatch<'_> {
    /// Runs a model until it is as fast as it will be.
    pub fn warm_up(&self, detector: &mut Detector) -> Result<(), SessionError> {
        let begin = Instant::now();
        let mut detections = Vec::new();
        for (count, image) in self.images.iter().cycle().take(WARM_UP[1]).enumerate() {
            if count >= WARM_UP[0] && begin.elapsed() > WARM_UP_TIME {
                break;
            }
            detector.detect(image, self.thresholds, &mut detections)?;
        }
        // The lane's buffers and threads, once.
        time_pipelined(detector, self.images, WARM_UP[0], self.thresholds).map(|_| ())
    }

    /// A turn as the module's documentation has it.
    pub fn lap(&self, detector: &mut Detector, turn: Turn) -> Result<Lap, SessionError> {
        let mut lap = Lap { frames: turn.frames, ..Lap::default() };
        let images = self.images_of(turn);
        let mut detections = Vec::new();
        if let Some(image) = images.first() {
            detector.detect(image, self.thresholds, &mut detections)?;
        }
        for _ in 0..turn.frames {
            lap.session_only.push(ms(detector.time_session()?));
        }
        let before = (self.joules(), own_processor_time());
        for image in images.iter().cycle().take(turn.frames) {
            let begin = Instant::now();
            let timings = detector.detect(image, self.thresholds, &mut detections)?;
            lap.total.push(ms(begin.elapsed()));
            lap.preprocess.push(ms(timings.preprocess));
            lap.inference.push(ms(timings.inference));
            lap.postprocess.push(ms(timings.postprocess));
        }
        lap.pipelined = time_pipelined(detector, &images, turn.frames, self.thresholds)?;
        lap.processor = own_processor_time().zip(before.1).map(|(after, before)| after.saturating_sub(before));
        lap.microjoules = self.rapl.zip(self.joules()).zip(before.0).map(|((rapl, after), b)| rapl.between(&b, &after));
        Ok(lap)
    }

    /// The total alone, for the search for the best number of threads.
    pub fn totals(&self, detector: &mut Detector, turn: Turn) -> Result<Vec<f32>, SessionError> {
        let images = self.images_of(turn);
        let mut detections = Vec::new();
        let mut totals = Vec::with_capacity(turn.frames);
        for image in images.first().into_iter().chain(images.iter().cycle()).take(turn.frames + 1) {
            let begin = Instant::now();
            detector.detect(image, self.thresholds, &mut detections)?;
            totals.push(ms(begin.elapsed()));
        }
        // The caches were another model's.
        totals.remove(0);
        Ok(totals)
    }

    fn joules(&self) -> Option<Reading> {
        // That it can be read was seen at the start.
        self.rapl.and_then(|rapl| rapl.read().ok())
    }

    /// The images, beginning with another one in each round.
    fn images_of(&self, turn: Turn) -> Vec<Arc<RgbImage>> {
        let mut images = self.images.to_vec();
        if !images.is_empty() {
            let first = turn.round * turn.frames % images.len();
            images.rotate_left(first);
        }
        images
    }
}

fn ms(duration: Duration) -> f32 {
    duration.as_secs_f32() * 1e3
}
