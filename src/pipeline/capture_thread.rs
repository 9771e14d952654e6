//! The thread that owns the open source and publishes its newest frame.

use super::Event;
use super::slot::SlotWriter;
use super::thread::NamedThread;
use crate::capture::{self, CaptureError, CapturedFrame, ControlSetting, FrameSource, Next, SourceOptions, SourceSpec};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a source is waited for before commands are looked at again.
const PATIENCE: Duration = Duration::from_millis(30);
/// Commands that may wait for the capture thread.
const COMMANDS: usize = 64;

/// The end of the program waits so long for a source that is being opened; it may hang in a driver.
const OPENING_GRACE: Duration = Duration::from_millis(300);

/// Before the first attempt to open a source again that could not be opened; doubled with each that fails.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// A source that can be opened at last is noticed this late at most.
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// What the conductor asks of the capture thread.
#[derive(Clone, Debug)]
pub(super) enum CaptureCommand {
    Open(SourceSpec, SourceOptions),
    SetPaused(bool),
    Step,
    Seek(Duration),
    SetSpeed(f64),
    SetLooping(bool),
    SetControl(ControlSetting),
    ResetControls,
}

/// Distinguishes the sources that were opened, so that a late frame of an old one is known as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourceNumber(pub u64);

/// A frame with the number of its source.
#[derive(Clone, Debug)]
pub(super) struct NumberedFrame {
    pub source: SourceNumber,
    pub frame: CapturedFrame,
}

/// The capture thread. Dropping it closes the source.
#[derive(Debug)]
pub(super) struct CaptureThread {
    commands: Sender<CaptureCommand>,
    _thread: NamedThread,
}

type Opened = (SourceNumber, SourceSpec, SourceOptions, Result<Box<dyn FrameSource>, CaptureError>);

impl CaptureThread {
    pub fn start(frames: SlotWriter<NumberedFrame>, tell: impl Fn(Event) + Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(COMMANDS);
        let thread = NamedThread::spawn("capture", move || Capture::new(receiver, frames, tell).run())?;
        Ok(Self { commands: sender, _thread: thread })
    }

    pub fn send(&self, command: CaptureCommand) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("the source does not keep up with the commands; one was lost");
        }
    }
}

struct Current {
    number: SourceNumber,
    spec: SourceSpec,
    source: Box<dyn FrameSource>,
    /// Nothing more comes until the source is moved.
    at_end: bool,
    /// It gives nothing for now and tries again by itself.
    troubled: bool,
}

/// A source that could not be opened for a reason that may pass.
struct Retry {
    spec: SourceSpec,
    options: SourceOptions,
    attempts: u32,
    at: Instant,
    told: String,
}

struct Capture<F: Fn(Event)> {
    commands: Receiver<CaptureCommand>,
    frames: SlotWriter<NumberedFrame>,
    tell: F,
    opened: (Sender<Opened>, Receiver<Opened>),
    opening: Vec<NamedThread>,
    /// What has been asked to open and has not answered.
    unanswered: Vec<SourceSpec>,
    /// To be opened once the same source has answered: a camera that is being opened cannot be opened again.
    deferred: Option<(SourceSpec, SourceOptions)>,
    last_number: SourceNumber,
    current: Option<Current>,
    retry: Option<Retry>,
    paused: bool,
    /// Frames to give although paused (after a step, a seek or a new source).
    allowance: u32,
}

impl<F: Fn(Event)> Capture<F> {
    fn new(commands: Receiver<CaptureCommand>, frames: SlotWriter<NumberedFrame>, tell: F) -> Self {
        Self {
            commands,
            frames,
            tell,
            opened: bounded(4),
            opening: Vec::new(),
            unanswered: Vec::new(),
            deferred: None,
            last_number: SourceNumber(0),
            current: None,
            retry: None,
            paused: false,
            allowance: 0,
        }
    }

    fn run(mut self) {
        let opened = self.opened.1.clone();
        let commands = self.commands.clone();
        loop {
            let idle = match &self.current {
                None => true,
                Some(current) => current.at_end || (self.paused && self.allowance == 0),
            };
            if idle {
                crossbeam_channel::select! {
                    recv(commands) -> command => match command {
                        Ok(command) => self.obey(command),
                        Err(_) => return,
                    },
                    recv(opened) -> source => if let Ok(source) = source { self.install(source); },
                    recv(self.until_retry()) -> _ => {},
                }
                self.retry_when_due();
                continue;
            }
            self.retry_when_due();
            match self.commands.try_recv() {
                Ok(command) => self.obey(command),
                Err(crossbeam_channel::TryRecvError::Disconnected) => return,
                Err(crossbeam_channel::TryRecvError::Empty) => {
                    while let Ok(source) = opened.try_recv() {
                        self.install(source);
                    }
                    self.read_frame();
                }
            }
        }
    }

    fn obey(&mut self, command: CaptureCommand) {
        match command {
            CaptureCommand::Open(spec, options) => {
                self.retry = None;
                self.open(spec, options);
            }
            CaptureCommand::SetPaused(paused) => {
                self.paused = paused;
                self.allowance = 0;
                if let Some(current) = &mut self.current {
                    current.source.set_paused(paused);
                }
            }
            CaptureCommand::Step => self.allow_one(),
            CaptureCommand::Seek(to) => {
                let Some(current) = &mut self.current else { return };
                match current.source.seek(to) {
                    Ok(()) => {
                        current.at_end = false;
                        self.allow_one();
                    }
                    Err(error) => self.fail(&error),
                }
            }
            CaptureCommand::SetSpeed(factor) => {
                if let Some(current) = &mut self.current {
                    current.source.set_speed(factor);
                }
            }
            CaptureCommand::SetLooping(looping) => {
                let Some(current) = &mut self.current else { return };
                current.source.set_looping(looping);
                current.at_end &= !looping;
            }
            CaptureCommand::SetControl(setting) => {
                if let Some(current) = &mut self.current {
                    current.source.set_control(setting);
                }
            }
            CaptureCommand::ResetControls => {
                if let Some(current) = &mut self.current {
                    current.source.reset_controls();
                }
            }
        }
    }

    /// Opens beside the running source: a camera or a network may take seconds.
    fn open(&mut self, spec: SourceSpec, options: SourceOptions) {
        self.last_number = SourceNumber(self.last_number.0 + 1);
        let number = self.last_number;
        self.opening.retain(|thread| !thread.is_finished());
        // A camera cannot be opened twice: the same device, or another mode of it, needs the old one closed first.
        if self.current.as_ref().is_some_and(|current| current.spec == spec) {
            self.current = None;
        }
        self.deferred = None;
        if self.unanswered.contains(&spec) {
            self.deferred = Some((spec, options));
            return;
        }
        let answer = self.opened.0.clone();
        let body = {
            let spec = spec.clone();
            move || {
                let source = guarded(&spec, || capture::open(&spec, &options));
                let _ = answer.send((number, spec, options, source));
            }
        };
        match NamedThread::spawn("open-source", body) {
            Ok(mut thread) => {
                thread.set_patience(OPENING_GRACE);
                self.opening.push(thread);
                self.unanswered.push(spec);
            }
            Err(error) => {
                let message = format!("no thread to open the source: {error}");
                (self.tell)(Event::SourceFailed { spec, message, retries: false });
            }
        }
    }

    fn install(&mut self, (number, spec, options, source): Opened) {
        if let Some(index) = self.unanswered.iter().position(|unanswered| *unanswered == spec) {
            self.unanswered.swap_remove(index);
        }
        if number != self.last_number {
            // Closed before it is opened again.
            drop(source);
            if let Some((spec, options)) = self.deferred.take_if(|(deferred, _)| *deferred == spec) {
                self.open(spec, options);
            }
            return;
        }
        match source {
            Ok(source) => {
                (self.tell)(Event::SourceOpened { spec: spec.clone(), info: Arc::new(source.info().clone()) });
                self.current = Some(Current { number, spec, source, at_end: false, troubled: false });
                self.retry = None;
                self.allow_one();
            }
            Err(error) => self.not_opened(spec, options, &error),
        }
    }

    /// What may pass is tried again until something else is asked for. The same reason is told once.
    fn not_opened(&mut self, spec: SourceSpec, options: SourceOptions, error: &CaptureError) {
        let message = error.to_string();
        let attempts = self.retry.as_ref().map_or(0, |retry| retry.attempts);
        let is_news = self.retry.take().is_none_or(|retry| retry.told != message);
        if is_news {
            let retries = error.may_pass();
            (self.tell)(Event::SourceFailed { spec: spec.clone(), message: message.clone(), retries });
        }
        if error.may_pass() {
            let delay = FIRST_RETRY.saturating_mul(2u32.saturating_pow(attempts.min(8))).min(LONGEST_RETRY);
            let at = Instant::now() + delay;
            self.retry = Some(Retry { spec, options, attempts: attempts.saturating_add(1), at, told: message });
        }
    }

    fn until_retry(&self) -> Receiver<Instant> {
        self.retry.as_ref().map_or_else(crossbeam_channel::never, |retry| crossbeam_channel::at(retry.at))
    }

    fn retry_when_due(&mut self) {
        let now = Instant::now();
        let Some(retry) = self.retry.as_mut().filter(|retry| retry.at <= now) else { return };
        // Until it is answered.
        retry.at = now + Duration::from_secs(3600);
        let (spec, options) = (retry.spec.clone(), retry.options.clone());
        self.open(spec, options);
    }

    /// While paused: lets the source run until it gave one frame.
    fn allow_one(&mut self) {
        self.allowance = 1;
        if let Some(current) = &mut self.current {
            current.source.set_paused(false);
        }
    }

    fn read_frame(&mut self) {
        let Some(current) = &mut self.current else { return };
        let next = guarded(&current.spec, || current.source.next_frame(PATIENCE));
        while let Some(warning) = current.source.take_warning() {
            (self.tell)(Event::Warning(warning));
        }
        if let Some(controls) = current.source.take_controls() {
            (self.tell)(Event::CameraControls(controls));
        }
        match next {
            Ok(Next::Frame(frame)) if frame.image.is_empty() => {
                (self.tell)(Event::Warning(format!("{}: an empty picture was left out", frame.name)));
            }
            Ok(Next::Frame(frame)) => {
                self.allowance = self.allowance.saturating_sub(1);
                if self.paused && self.allowance == 0 {
                    current.source.set_paused(true);
                }
                if std::mem::take(&mut current.troubled) {
                    let info = Arc::new(current.source.info().clone());
                    (self.tell)(Event::SourceRecovered { spec: current.spec.clone(), info });
                }
                self.frames.publish(NumberedFrame { source: current.number, frame });
            }
            Ok(Next::Waiting) => {}
            Ok(Next::End) => {
                current.at_end = true;
                (self.tell)(Event::SourceEnded);
            }
            Err(error) if error.may_pass() => {
                current.troubled = true;
                (self.tell)(Event::SourceTroubled { spec: current.spec.clone(), message: error.to_string() });
            }
            Err(error) => self.fail(&error),
        }
    }

    /// The source is closed; what was shown last stays on view.
    fn fail(&mut self, error: &CaptureError) {
        if let Some(current) = self.current.take() {
            (self.tell)(Event::SourceFailed { spec: current.spec, message: error.to_string(), retries: false });
        }
    }
}

/// What `read` gives; a panic in it becomes an error, so that the thread lives on and the view is told.
fn guarded<T>(spec: &SourceSpec, read: impl FnOnce() -> Result<T, CaptureError>) -> Result<T, CaptureError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let source_name = match spec {
            // An address may hold a password.
            SourceSpec::Url(_) => "the stream".to_owned(),
            other => other.to_string(),
        };
        Err(CaptureError::BrokeOff { source_name })
    })
}

#[cfg(test)]
mod tests {
    use super::super::slot::latest_slot;
    use super::*;
    use crate::capture::{SourceInfo, SourceKind};
    use std::cell::RefCell;

    struct Faulty(SourceInfo);

    impl FrameSource for Faulty {
        fn info(&self) -> &SourceInfo {
            &self.0
        }

        fn next_frame(&mut self, _: Duration) -> Result<Next, CaptureError> {
            panic!("on purpose")
        }
    }

    #[test]
    fn a_source_that_panics_is_closed_and_told() {
        let told = RefCell::new(Vec::new());
        let (frames, _reader) = latest_slot();
        let (_commands, receiver) = bounded(1);
        let mut capture = Capture::new(receiver, frames, |event| told.borrow_mut().push(event));
        let info = SourceInfo {
            title: "faulty".to_owned(),
            kind: SourceKind::Demo,
            size: None,
            frame_rate: None,
            duration: None,
            picture_count: None,
            detail: String::new(),
            camera: None,
        };
        capture.install((SourceNumber(0), SourceSpec::Demo, SourceOptions::default(), Ok(Box::new(Faulty(info)))));
        capture.read_frame();
        assert!(capture.current.is_none());
        let told = told.borrow();
        let [Event::SourceOpened { .. }, Event::SourceFailed { message, .. }] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(message.starts_with("demo: reading it broke off"), "{message}");
    }
}
