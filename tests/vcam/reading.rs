//! Reading from a source as the scenarios want it.

use crate::STEP_LIMIT;
use quantscope::capture::{CaptureError, CapturedFrame, FrameSource, Next};
use std::time::{Duration, Instant};

/// So many frames, in the order in which they were taken. Errors in between are none: `Told` expects those.
pub fn frames(source: &mut dyn FrameSource, count: usize) -> Vec<CapturedFrame> {
    let started = Instant::now();
    let mut frames: Vec<CapturedFrame> = Vec::new();
    while frames.len() < count {
        assert!(started.elapsed() < STEP_LIMIT, "{} frames in {STEP_LIMIT:?}", frames.len());
        match source.next_frame(Duration::from_millis(100)) {
            Ok(Next::Frame(frame)) => frames.push(frame),
            Ok(_) => {}
            Err(error) => panic!("after {} frames: {error}", frames.len()),
        }
    }
    assert!(frames.windows(2).all(|pair| pair[0].captured_at <= pair[1].captured_at), "out of order");
    let size = source.info().size.unwrap();
    assert!(frames.iter().all(|frame| frame.image.dimensions() == (size.width, size.height)));
    frames
}

/// The next error, if there is one within this time.
pub fn told_within(source: &mut dyn FrameSource, limit: Duration) -> Option<CaptureError> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Err(error) = source.next_frame(Duration::from_millis(50)) {
            return Some(error);
        }
    }
    None
}
