//! Whether two sessions say the same, bit for bit, and which of them is faster.

use super::super::heads::OutputTensor;
use super::super::preprocess::{InputType, ModelInput, Preprocessor};
use super::super::session::{Session, SessionError};
use super::super::{InputRecognition, ModelCard};
use crate::imaging::RgbImage;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// A picture of the demo scene.
const SCENE: &[u8] = include_bytes!("check.jpg");
/// Any number: the noise is the same every time.
const SEED: u64 = 0x5EED;
/// Runs of each session that are measured, in turn.
const LAPS: usize = 7;
/// No more laps are begun after so long.
const PATIENCE: Duration = Duration::from_millis(600);

/// What the outputs of a session come to: equal for equal names, shapes and values, to the bit.
pub(super) type Fingerprint = [u8; 32];

/// The pictures, as one model wants them: noise, in which every level is as likely as any other, and one with objects.
pub(super) struct Check {
    inputs: Vec<ModelInput>,
}

impl Check {
    /// Pictures as `card` says, of the size and type of `input`.
    pub fn new(input: &InputRecognition, card: &ModelCard) -> Self {
        let mut inputs = vec![as_input(&noise(input.size.width, input.size.height), card, input.dtype)];
        if let Ok(scene) = image::load_from_memory(SCENE) {
            inputs.push(as_input(&scene.into_rgb8(), card, input.dtype));
        }
        Self { inputs }
    }

    /// Runs `session` on all pictures.
    ///
    /// # Errors
    ///
    /// When a run fails.
    pub fn fingerprint(&self, session: &mut Session) -> Result<Fingerprint, SessionError> {
        let mut digest = Sha256::new();
        for input in &self.inputs {
            session.run(input, |outputs, _| outputs.iter().for_each(|output| add(&mut digest, output)))?;
        }
        Ok(digest.finalize().into())
    }

    /// Time of a run of `plain` over that of `accelerated`: their fastest laps, since all that disturbs a lap makes it
    /// slower.
    ///
    /// # Errors
    ///
    /// When a run fails.
    pub fn gain(&self, plain: &mut Session, accelerated: &mut Session) -> Result<f32, SessionError> {
        let Some(input) = self.inputs.last() else { return Ok(1.0) };
        let begin = Instant::now();
        let (mut slow, mut fast) = (Duration::MAX, Duration::MAX);
        for lap in 0..LAPS {
            if lap > 0 && begin.elapsed() > PATIENCE {
                break;
            }
            slow = slow.min(time(plain, input)?);
            fast = fast.min(time(accelerated, input)?);
        }
        Ok((slow.as_secs_f64() / fast.as_secs_f64().max(1e-9)) as f32)
    }
}

fn time(session: &mut Session, input: &ModelInput) -> Result<Duration, SessionError> {
    let begin = Instant::now();
    session.run(input, |_, finished| finished.duration_since(begin))
}

fn as_input(picture: &RgbImage, card: &ModelCard, input_type: InputType) -> ModelInput {
    let mut preprocessor = Preprocessor::new(card, input_type);
    let mut input = preprocessor.new_input();
    preprocessor.run(picture, &mut input);
    input
}

fn noise(width: u32, height: u32) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut picture = RgbImage::new(width, height);
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
