//! The conductor's side: at most one recording of each kind, and what each is given.

use super::compose::RecordingView;
use super::request::{RecordKind, RecordingRequest, RecordingState, RecordingStatus};
use super::task::{Offered, RecordTask, Tell};
use crate::pipeline::thread::NamedThread;
use crate::pipeline::{FrameId, FrameResult};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The recordings that run.
pub(in crate::pipeline) struct Recordings {
    tasks: [Option<RecordTask>; 3],
    view: Arc<RecordingView>,
    last: Option<Arc<FrameResult>>,
    last_id: Option<FrameId>,
    paused: bool,
    tell: Tell,
}

impl Recordings {
    pub fn new(tell: Tell) -> Self {
        Self { tasks: Default::default(), view: Arc::default(), last: None, last_id: None, paused: false, tell }
    }

    /// Begins a recording; one of the same kind is completed first.
    pub fn start(&mut self, request: RecordingRequest, retired: &mut Vec<NamedThread>) {
        let (kind, folder) = (request.what.kind(), request.folder.clone());
        self.stop(kind, retired);
        let first = self.last.clone().map(|result| Offered { at: result.frame.captured_at, result, view: self.view() });
        match RecordTask::start(request, first, self.paused, Arc::clone(&self.tell)) {
            Ok(task) => self.tasks[kind.index()] = Some(task),
            Err(error) => (self.tell)(RecordingStatus {
                kind,
                path: folder,
                elapsed: Duration::ZERO,
                frames: 0,
                dropped: 0,
                bytes: 0,
                encoder: None,
                state: RecordingState::Failed(error.to_string()),
            }),
        }
    }

    /// Completes a recording; its thread ends by itself.
    pub fn stop(&mut self, kind: RecordKind, retired: &mut Vec<NamedThread>) {
        retired.extend(self.tasks[kind.index()].take().map(RecordTask::stop));
    }

    /// How the window shows two models from now on.
    pub fn set_view(&mut self, view: Arc<RecordingView>) {
        self.view = view;
    }

    /// The source was paused or goes on.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.tasks.iter().flatten().for_each(|task| task.set_paused(paused));
    }

    /// Offers what was published. Never waits.
    pub fn offer(&mut self, result: &Arc<FrameResult>) {
        // The same frame with other boxes is news of now.
        let again = self.last_id.replace(result.id) == Some(result.id);
        let at = if again { Instant::now() } else { result.frame.captured_at };
        self.last = Some(Arc::clone(result));
        if self.tasks.iter().all(Option::is_none) {
            return;
        }
        let offered = Offered { result: Arc::clone(result), view: self.view(), at };
        for task in &mut self.tasks {
            if task.as_ref().is_some_and(|task| !task.offer(&offered)) {
                *task = None;
            }
        }
    }

    fn view(&self) -> Arc<RecordingView> {
        Arc::clone(&self.view)
    }
}

impl Drop for Recordings {
    fn drop(&mut self) {
        // All are told to end before any is waited for.
        let threads: Vec<NamedThread> = self.tasks.iter_mut().filter_map(Option::take).map(RecordTask::stop).collect();
        drop(threads);
    }
}
