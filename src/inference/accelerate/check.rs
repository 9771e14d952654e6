//! Whether two sessions say the same, bit for bit, and which of them is faster.

use crate::imaging::{ImageSize, ResizeMode, RgbImage};
use crate::inference::heads::OutputTensor;
use crate::inference::preprocess::{InputType, ModelInput, Preprocessor};
use crate::inference::session::{Session, SessionError};
use crate::inference::{ClassNumbers, ColorOrder, Entrance, Head, InputRecognition, LabelSource, Layout, ModelCard};
use crate::runtime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// A picture of the demo scene.
const SCENE: &[u8] = include_bytes!("check.jpg");
/// Any number: the noise is the same every time.
const SEED: u64 = 0x5EED;
/// Runs of each session that are measured, in turn.
const LAPS: usize = 7;
/// A session that seems slower than this is not used; a little is left for what disturbs the clock.
const SLOWEST_GAIN: f32 = 0.95;
/// A shorter run says nothing of which session is faster.
const MEASURABLE: Duration = Duration::from_millis(1);
/// No more laps are begun after so long.
const PATIENCE: Duration = Duration::from_millis(600);

/// What the outputs of a session come to: equal for equal names, shapes and values, to the bit.
pub(super) type Fingerprint = [u8; 32];

/// How a model is fed: what of its card matters for its input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub size: ImageSize,
    pub dtype: InputType,
    pub layout: Layout,
    pub color: ColorOrder,
    pub scale: f32,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub resize: ResizeMode,
    pub pad: u8,
}

impl Shown {
    /// As `card` says, of the size and type of `input`.
    pub fn new(input: &InputRecognition, card: &ModelCard) -> Self {
        Self {
            size: input.size,
            dtype: input.dtype,
            layout: card.layout,
            color: card.color,
            scale: card.scale,
            mean: card.mean,
            std: card.std,
            resize: card.resize,
            pad: card.pad,
        }
    }

    fn preprocessor(&self) -> Preprocessor {
        Preprocessor::new(&self.card(), self.dtype)
    }

    fn card(&self) -> ModelCard {
        ModelCard {
            input_size: self.size,
            layout: self.layout,
            color: self.color,
            scale: self.scale,
            mean: self.mean,
            std: self.std,
            resize: self.resize,
            pad: self.pad,
            // What follows is about outputs.
            head: Head::Yolox,
            class_numbers: ClassNumbers::FromZero,
            nms: true,
            anchors: None,
            labels: Vec::new(),
            labels_from: LabelSource::Numbered,
        }
    }
}

/// How long a run takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub plain: Duration,
    pub accelerated: Duration,
}

impl Times {
    /// Time of the plain session over that of the accelerated one.
    pub fn gain(&self) -> f32 {
        (self.plain.as_secs_f64() / self.accelerated.as_secs_f64().max(1e-9)) as f32
    }

    /// Whether the accelerated session loses time that can be measured.
    pub fn is_slower(&self) -> bool {
        self.gain() < SLOWEST_GAIN && self.plain >= MEASURABLE
    }
}

/// The pictures, as one model wants them: noise, in which every level is as likely as any other, and one with objects.
pub(super) struct Check {
    /// As the file has it.
    inputs: Vec<ModelInput>,
    /// By the entrance of an accelerated session; empty where it has none.
    entered: Vec<ModelInput>,
}

impl Check {
    /// Pictures that are fed as `shown` says, to a session with an entrance by that.
    pub fn new(shown: &Shown, entrance: Option<&Entrance>) -> Self {
        let scene = image::load_from_memory(SCENE).ok().map(|scene| scene.into_rgb8());
        let pictures: Vec<RgbImage> = [noise(shown.size)].into_iter().chain(scene).collect();
        let inputs = |mut preprocessor: Preprocessor| {
            let as_input = |picture: &RgbImage| {
                let mut input = preprocessor.new_input();
                preprocessor.run(picture, &mut input);
                input
            };
            pictures.iter().map(as_input).collect::<Vec<ModelInput>>()
        };
        let entered = entrance.map(|entrance| inputs(shown.preprocessor().entering(Some(entrance))));
        Self { inputs: inputs(shown.preprocessor()), entered: entered.unwrap_or_default() }
    }

    /// Runs that a fingerprint takes.
    pub fn runs(&self) -> u64 {
        self.inputs.len().max(1) as u64
    }

    fn inputs_of(&self, session: &Session) -> &[ModelInput] {
        if session.entrance().is_some() { &self.entered } else { &self.inputs }
    }

    /// Runs `session` on all pictures.
    ///
    /// # Errors
    ///
    /// When a run fails.
    pub fn fingerprint(&self, session: &mut Session) -> Result<Fingerprint, SessionError> {
        let mut digest = Sha256::new();
        for input in self.inputs_of(session) {
            session.run(input, |outputs, _| outputs.iter().for_each(|output| add(&mut digest, output)))?;
        }
        Ok(digest.finalize().into())
    }

    /// How long each session takes for a run with so many threads: its fastest lap, since all that disturbs a lap makes it
    /// slower. They take turns.
    ///
    /// # Errors
    ///
    /// When a run fails.
    pub fn times(&self, sessions: &mut [&mut Session], threads: usize) -> Result<Vec<Duration>, SessionError> {
        let begin = Instant::now();
        let mut times = vec![Duration::MAX; sessions.len()];
        for lap in 0..LAPS {
            if lap > 0 && begin.elapsed() > PATIENCE {
                break;
            }
            for (session, fastest) in sessions.iter_mut().zip(&mut times) {
                if let Some(input) = self.inputs_of(session).last() {
                    *fastest = time(session, input, threads)?.min(*fastest);
                }
            }
        }
        Ok(times)
    }
}

/// Time of a run. Where this thread does all of it, its processor time, which other programs disturb less.
fn time(session: &mut Session, input: &ModelInput, threads: usize) -> Result<Duration, SessionError> {
    let spent = || if threads == 1 { runtime::own_thread_time() } else { None };
    let (begin, before) = (Instant::now(), spent());
    let elapsed = session.run(input, |_, finished| finished.duration_since(begin))?;
    Ok(before.zip(spent()).map_or(elapsed, |(before, after)| after.saturating_sub(before)))
}

fn noise(size: ImageSize) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut picture = RgbImage::new(size.width, size.height);
    random.fill(&mut picture);
    picture
}

fn add(digest: &mut Sha256, output: &OutputTensor<'_>) {
    digest.update((output.name.len() as u64).to_le_bytes());
    digest.update(output.name);
    digest.update((output.shape.len() as u64).to_le_bytes());
    output.shape.iter().for_each(|side| digest.update((*side as u64).to_le_bytes()));
    // Floats have 32 bits here; of a NaN they count, too.
    digest.update(bytemuck::cast_slice::<f32, u8>(output.values));
}

#[cfg(test)]
pub(super) mod test_support {
    use super::*;

    /// Levels as they are, of any size.
    pub fn card() -> ModelCard {
        Shown { scale: 1.0, mean: [0.0; 3], std: [1.0; 3], ..shown() }.card()
    }

    pub fn shown() -> Shown {
        Shown {
            size: ImageSize::new(32, 16),
            dtype: InputType::F32,
            layout: Layout::Nchw,
            color: ColorOrder::Bgr,
            scale: 1.0 / 255.0,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            resize: ResizeMode::Stretch,
            pad: 114,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::preprocess::InputValues;

    #[test]
    fn the_pictures_are_noise_and_a_scene_and_always_the_same() {
        let check = Check::new(&test_support::shown(), None);
        assert_eq!(check.inputs.len(), 2, "the picture that comes with the program can be read");
        for (input, again) in check.inputs.iter().zip(Check::new(&test_support::shown(), None).inputs) {
            assert_eq!(input.shape(), [1, 3, 16, 32]);
            let (InputValues::F32(values), InputValues::F32(again)) = (input.values(), again.values()) else {
                panic!()
            };
            assert_eq!(values, again);
            assert!(values.iter().any(|value| *value > 1.5) && values.iter().any(|value| *value < -1.0));
        }
    }

    #[test]
    fn names_shapes_and_every_bit_count() {
        let of = |name: &str, shape: &[usize], values: &[f32]| {
            let mut digest = Sha256::new();
            add(&mut digest, &OutputTensor { name, shape, values });
            digest.finalize()
        };
        let all = [
            of("a", &[2, 1], &[1.0, 0.0]),
            of("b", &[2, 1], &[1.0, 0.0]),
            of("a", &[1, 2], &[1.0, 0.0]),
            of("a", &[2, 1], &[1.0, -0.0]),
            of("a", &[2, 1], &[1.0, f32::NAN]),
            of("a", &[2, 1], &[1.0, -f32::NAN]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other != one), "{index}");
        }
        assert_eq!(all[0], of("a", &[2, 1], &[1.0, 0.0]));
    }
}
