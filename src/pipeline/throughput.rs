//! Throughput of one model by the lane's own two threads, without source and view: for the bench.

use super::lane::{Generation, INPUTS, LaneEvent, LaneJob, infer_frames, prepare_frames};
use super::{FrameId, LaneId};
use crate::imaging::RgbImage;
use crate::inference::{Detector, SessionError, Thresholds};
use crossbeam_channel::bounded;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pushes `count` frames, taken from `images` in turn, through a lane as fast as it takes them, and gives the time
/// from the first to the last. The lane's threads, buffers and hand-overs are those of the live pipeline.
///
/// # Errors
///
/// When the model fails on a frame, or there is no thread.
pub fn time_pipelined(
    detector: &mut Detector,
    images: &[Arc<RgbImage>],
    count: usize,
    thresholds: Thresholds,
) -> Result<Duration, SessionError> {
    let (job_sender, job_receiver) = bounded(INPUTS);
    let (prepared_sender, prepared_receiver) = bounded(1);
    let (input_sender, input_receiver) = bounded(INPUTS);
    let (event_sender, event_receiver) = bounded(16);
    let model = (LaneId::A, Generation(0), detector.info());
    let (preprocessor, runner) = detector.parts_mut();
    for _ in 0..INPUTS {
        let _ = input_sender.try_send(preprocessor.new_input());
    }
    let jobs = images.iter().cycle().take(count).enumerate().map(|(index, image)| LaneJob {
        frame: FrameId(index as u64),
        image: Arc::clone(image),
        thresholds,
        score_floor: thresholds.confidence,
    });
    let no_thread = |error: std::io::Error| SessionError::Run { reason: format!("no thread to run it: {error}") };
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("prepare")
            .spawn_scoped(scope, move || {
                prepare_frames(preprocessor, &job_receiver, &input_receiver, &prepared_sender);
            })
            .map_err(no_thread)?;
        named("infer")
            .spawn_scoped(scope, move || {
                infer_frames(runner, &model, &prepared_receiver, &input_sender, &event_sender);
            })
            .map_err(no_thread)?;
        named("feed")
            .spawn_scoped(scope, move || {
                for job in jobs {
                    if job_sender.send(job).is_err() {
                        return;
                    }
                }
            })
            .map_err(no_thread)?;
        // By value: on an error the lane finds the other end closed instead of waiting for room.
        for event in event_receiver {
            if let LaneEvent::Done { outcome: Err(error), .. } = event {
                return Err(error);
            }
        }
        Ok(())
    })?;
    Ok(begin.elapsed())
}
