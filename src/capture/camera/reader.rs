//! The camera's thread: opens the camera, reads and decodes its newest frame, and sets its controls.

use super::controls::{ControlDesk, ControlMemory};
use super::driver::Taken;
use super::pixels::FrameDecoder;
use super::prepared::{Prepared, label};
use super::stream::{Heard, Open, RawFrame, Stream};
use crate::capture::clock::pause_for;
use crate::capture::frame_pool::FramePool;
use crate::capture::{CaptureError, SourceOptions};
use crate::imaging::ImageSize;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a frame is waited for before the source's wishes are looked at again.
const PATIENCE: Duration = Duration::from_millis(100);
/// Rest when a driver says that there is a frame and then gives none, so that it burns no core.
const REST: Duration = Duration::from_millis(5);

/// Frames that nobody saw.
#[derive(Debug, Default)]
pub struct Losses {
    /// By the driver, of earlier streams and of this one.
    pub dropped: AtomicU64,
    /// Flagged, empty, short or undecodable.
    pub damaged: AtomicU64,
}

/// What a camera's owner and all its threads, one after the other, keep together.
#[derive(Debug, Default)]
pub struct Shared {
    /// Frames that nobody saw.
    pub losses: Losses,
    /// Wishes for the camera's controls.
    pub desk: ControlDesk,
}

impl Shared {
    /// Remembers these settings of cameras.
    pub fn new(memory: ControlMemory) -> Self {
        Self { losses: Losses::default(), desk: ControlDesk::new(memory) }
    }
}

/// What the owner tells the thread.
#[derive(Debug)]
pub enum Control {
    /// Read nothing.
    Pause,
    /// Go on.
    Resume,
    /// There are orders, also while paused.
    Look,
}

/// What the thread hands over.
#[derive(Debug)]
pub enum Handover {
    /// A frame.
    Frame(Taken),
    /// A frame that could not be used: a sentence's end that says why.
    Damaged(String),
    /// The camera has to be opened anew.
    Failed(CaptureError),
}

/// Opens the camera, says so by `opened`, and reads it until its owner drops `control` or it fails.
pub fn run(
    find: impl FnOnce() -> u32,
    options: &SourceOptions,
    open: Open,
    opened: &Sender<Result<Prepared, CaptureError>>,
    control: Receiver<Control>,
    outlet: Outlet,
) {
    let number = find();
    let opening = catch_unwind(|| open(number, options)).unwrap_or_else(|_| {
        let camera = label("Camera", number);
        Err(CaptureError::CameraFailed { camera, reason: "its driver cannot be understood".to_owned() })
    });
    let (stream, prepared) = match opening {
        Ok(open) => open,
        Err(error) => {
            let _gave_up = opened.send(Err(error));
            return;
        }
    };
    let camera = label(&prepared.name, number);
    let developer = Developer {
        camera: camera.clone(),
        size: prepared.layout.size,
        decoder: FrameDecoder::new(prepared.layout),
        pool: FramePool::default(),
        outlet: outlet.clone(),
    };
    let mut reader = Reader { prepared, stream, control, developer, stale: 0 };
    let read = catch_unwind(AssertUnwindSafe(|| reader.work(opened)));
    let read =
        read.unwrap_or_else(|_| Err(CaptureError::CameraFailed { camera, reason: "its driver gave up".to_owned() }));
    // Closed before the failure is told, so that who hears of it can open the camera again at once.
    let _closed = catch_unwind(AssertUnwindSafe(|| drop(reader)));
    if let Err(failure) = read {
        outlet.publish(Handover::Failed(failure));
    }
}

struct Reader {
    prepared: Prepared,
    stream: Box<dyn Stream>,
    control: Receiver<Control>,
    developer: Developer,
    /// Frames of before the last pause that may still come.
    stale: u32,
}

impl Reader {
    fn work(&mut self, opened: &Sender<Result<Prepared, CaptureError>>) -> Result<(), CaptureError> {
        let shared = Arc::clone(&self.developer.outlet.shared);
        let remembered = shared.desk.opened(&self.prepared.name);
        if !remembered.is_empty() {
            // What was granted once and is refused now is seen in the list of controls.
            for refusal in self.stream.obey(&remembered) {
                tracing::info!("{}: {refusal}", self.developer.camera);
            }
        }
        if opened.send(Ok(self.prepared.clone())).is_err() {
            return Ok(());
        }
        shared.desk.tell(self.stream.controls());
        self.read()
    }

    /// Reads frames until the source is dropped or the camera fails.
    fn read(&mut self) -> Result<(), CaptureError> {
        let (mut dropped, mut damaged) = (0, 0);
        while self.heed() {
            let asked = Instant::now();
            let heard_nothing = self.take_newest()?;
            let losses = &self.developer.outlet.shared.losses;
            losses.dropped.fetch_add(self.stream.dropped() - dropped, Ordering::Relaxed);
            losses.damaged.fetch_add(self.stream.damaged() - damaged, Ordering::Relaxed);
            (dropped, damaged) = (self.stream.dropped(), self.stream.damaged());
            if heard_nothing && asked.elapsed() < REST {
                pause_for(REST);
            }
        }
        Ok(())
    }

    /// Does what the owner asks. Whether the owner is still there.
    fn heed(&mut self) -> bool {
        self.follow_orders();
        match self.control.try_recv() {
            Ok(Control::Pause) => self.rest(),
            Ok(Control::Resume | Control::Look) | Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => false,
        }
    }

    /// Waits for the end of a pause. Whether the owner is still there.
    fn rest(&mut self) -> bool {
        loop {
            match self.control.recv() {
                Ok(Control::Look) => self.follow_orders(),
                Ok(Control::Pause) => {}
                Ok(Control::Resume) => break,
                Err(_) => return false,
            }
        }
        self.stale = self.stream.stale_after_pause();
        self.stream.resume();
        true
    }

    fn follow_orders(&mut self) {
        let desk = &self.developer.outlet.shared.desk;
        let Some(orders) = desk.take_orders() else { return };
        for refusal in self.stream.obey(&orders) {
            desk.refuse(format!("{}: {refusal}", self.developer.camera));
        }
        desk.tell(self.stream.controls());
    }

    /// Hands over the newest frame. Whether there was none.
    fn take_newest(&mut self) -> Result<bool, CaptureError> {
        match self.stream.newest(PATIENCE)? {
            Heard::Frame(_) if self.stale > 0 => self.stale -= 1,
            Heard::Frame(raw) => self.developer.develop(&raw),
            Heard::Faulty(reason) => self.developer.damaged(reason.to_owned()),
            Heard::Nothing => return Ok(true),
        }
        Ok(false)
    }
}

/// Turns frames as they came into pictures, and hands them over.
struct Developer {
    camera: String,
    size: ImageSize,
    decoder: FrameDecoder,
    pool: FramePool,
    outlet: Outlet,
}

impl Developer {
    fn develop(&mut self, raw: &RawFrame<'_>) {
        let started = Instant::now();
        let mut image = self.pool.take(self.size);
        let decoded = self.decoder.decode(raw.bytes, &mut image);
        let image = self.pool.share(image);
        match decoded {
            Ok(()) => {
                let taken = Taken { image, taken_at: raw.taken_at, decode_time: started.elapsed() };
                self.outlet.publish(Handover::Frame(taken));
            }
            Err(reason) => self.damaged(reason),
        }
    }

    fn damaged(&self, reason: String) {
        self.outlet.damaged(&self.camera, reason);
    }
}

/// The thread's end of the handover: the newest frame replaces the one that waits.
#[derive(Clone)]
pub struct Outlet {
    /// To the camera's owner.
    pub sender: Sender<Handover>,
    /// What the owner has not taken yet.
    pub waiting: Receiver<Handover>,
    /// What both sides keep.
    pub shared: Arc<Shared>,
}

impl Outlet {
    fn publish(&self, mut handover: Handover) {
        while let Err(TrySendError::Full(returned)) = self.sender.try_send(handover) {
            handover = returned;
            let _older = self.waiting.try_recv();
        }
    }

    /// A damaged frame replaces none that is sound.
    fn damaged(&self, camera: &str, reason: String) {
        tracing::debug!("{camera}: damaged picture: {reason}");
        self.shared.losses.damaged.fetch_add(1, Ordering::Relaxed);
        let _sound_one_waits = self.sender.try_send(Handover::Damaged(reason));
    }
}
