//! What the log says at `-v` of what came on view: the time until the first boxes, and which models they are from.

use crate::inference::ModelInfo;
use crate::pipeline::{FrameResult, LaneId};
use std::sync::Arc;
use std::time::Instant;

/// What was said already.
pub struct Journal {
    /// Taken when the first boxes came.
    started_at: Option<Instant>,
    models: [Option<Arc<ModelInfo>>; 2],
}

impl Journal {
    /// Nothing said yet. `started_at` is when the program started, if that is known.
    pub fn new(started_at: Option<Instant>) -> Self {
        Self { started_at, models: [None, None] }
    }

    /// Notes that `result` is being drawn. Says something only when the models are others than in the frame before.
    pub fn note(&mut self, result: &FrameResult) {
        let boxes = || result.lanes.iter().flatten().map(|found| found.detections.len()).sum::<usize>();
        if self.started_at.is_some() && boxes() > 0 {
            let time = self.started_at.take().map(|at| at.elapsed().as_millis()).unwrap_or_default();
            tracing::info!("first boxes {time} ms after the start");
        }
        let models = [0, 1].map(|index| result.lanes[index].as_ref().map(|found| &found.model));
        let same = |(old, new): (&Option<Arc<ModelInfo>>, &Option<&Arc<ModelInfo>>)| match (old, new) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if self.models.iter().zip(&models).all(same) {
            return;
        }
        self.models = models.map(|model| model.cloned());
        tracing::info!("on view: {}", words(result));
    }
}

/// "A FP32 scene.onnx (4 boxes), B INT8 scene.int8.onnx (3 boxes)", or "no boxes".
fn words(result: &FrameResult) -> String {
    let lane = |lane: LaneId| {
        let found = result.lanes[lane.index()].as_ref()?;
        let name = super::format::file_name(&found.model.path);
        Some(format!("{lane:?} {} {name} ({} boxes)", found.model.precision, found.detections.len()))
    };
    let lanes: Vec<String> = LaneId::BOTH.into_iter().filter_map(lane).collect();
    if lanes.is_empty() { "the picture alone".to_owned() } else { lanes.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::frame_result;
    use crate::pipeline::Mode;

    #[test]
    fn the_models_on_view_are_named_in_order() {
        let both = words(&frame_result(1, Mode::Compare));
        assert!(both.starts_with("A FP32 ") && both.contains(" boxes), B INT8 "), "{both}");
        assert!(words(&frame_result(1, Mode::Single(LaneId::B))).starts_with("B INT8 "));
    }

    #[test]
    fn the_start_is_told_once_and_the_models_are_kept() {
        let mut journal = Journal::new(Some(Instant::now()));
        journal.note(&frame_result(1, Mode::Single(LaneId::A)));
        assert!(journal.started_at.is_none());
        assert!(journal.models[0].is_some() && journal.models[1].is_none());
        journal.note(&frame_result(2, Mode::Compare));
        assert!(journal.models.iter().all(Option::is_some));
    }
}
