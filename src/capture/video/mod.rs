//! Video files and network streams, decoded by the `ffmpeg` program as a child process: every codec, and a crash of
//! a decoder stays outside.
//!
//! In real time a file is played at its average rate; where the rate varies, ffmpeg repeats or leaves out pictures
//! so that each shows at its time. [`Pace::EveryFrame`] gives each picture of the file once; there the positions of
//! a video of varying rate are nominal (index over average rate).
//!
//! A stream is live when it has no length. Of a live stream the newest picture is given; it is not kept open while
//! paused, and connecting again is the caller's business: after an error, asking again tries again.

mod decoder;
mod probe;
pub(super) mod program;
mod target;

use super::CaptureError;
use super::clock::{Clock, pause_for};
use super::source::{CapturedFrame, FrameSource, Next, Pace, SourceInfo, SourceKind, SourceOptions};
use decoder::{Decoded, Decoder, Delivery, Plan, Received, Selection};
use probe::{Probe, Rate, probe};
use program::{ProgramError, Programs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use target::Target;

/// Nominal rate of the pictures of a live stream; it only has to be high enough for ffmpeg to number them.
const LIVE_RATE: Rate = Rate { numerator: 25, denominator: 1 };
/// A live stream that gives nothing for so long is given up.
const LIVE_SILENCE: Duration = Duration::from_secs(8);
/// When decoding is so far behind, the clock waits for it instead of running away.
const MAX_LAG: Duration = Duration::from_secs(1);
/// A loop takes at least this long, so that a video of one frame does not start ffmpeg all the time.
const SHORTEST_LOOP: Duration = Duration::from_secs(1);

/// A video file or a stream.
pub struct VideoSource {
    info: SourceInfo,
    name: Arc<str>,
    programs: Programs,
    target: Target,
    plan: Plan,
    live: bool,
    pace: Pace,
    looping: bool,
    clock: Clock,
    stage: Stage,
    /// A picture whose time has not come.
    ahead: Option<Decoded>,
    /// Pictures that this run of ffmpeg has given.
    taken: u64,
    /// When this run began or gave its last picture.
    heard_at: Instant,
}

/// How far a run of ffmpeg is.
enum Stage {
    /// Not begun; it will begin at [`Plan::start`].
    Stopped,
    /// It runs.
    Playing(Decoder),
    /// It has given all; the last picture is still on view.
    Drained,
    /// The end was told.
    Ended,
}

impl VideoSource {
    /// A video file.
    ///
    /// # Errors
    ///
    /// When ffmpeg is missing or when the file is no video.
    pub fn open_file(path: &Path, options: &SourceOptions) -> Result<Self, CaptureError> {
        Self::open(Programs::default(), Target::file(path), options)
    }

    /// A stream: `rtsp://`, `http://` and others.
    ///
    /// # Errors
    ///
    /// When ffmpeg is missing, the address is of no kind that is played, or a web server does not answer. An RTSP
    /// address is tried only at the first [`FrameSource::next_frame`].
    pub fn open_url(url: &str, options: &SourceOptions) -> Result<Self, CaptureError> {
        Self::open(Programs::default(), Target::url(url)?, options)
    }

    fn open(programs: Programs, target: Target, options: &SourceOptions) -> Result<Self, CaptureError> {
        // Asking first costs a second connection, which is dear with RTSP and tells little.
        let known = if target.may_be_finite() { Some(probe(&programs, &target)?) } else { None };
        let live = matches!(target, Target::Url { .. }) && known.as_ref().is_none_or(|known| known.duration.is_none());
        let in_order = !live || options.pace == Pace::EveryFrame;
        let steady = !live && options.pace == Pace::RealTime;
        let plan = Plan {
            stream: known.as_ref().map(|known| known.stream),
            start: Duration::ZERO,
            rate: known.as_ref().filter(|_| !live).map_or(LIVE_RATE, |known| known.rate),
            selection: if steady { Selection::Steady } else { Selection::All },
            delivery: if in_order { Delivery::InOrder } else { Delivery::Newest },
        };
        let info = describe(&target, known.as_ref(), live);
        Ok(Self {
            name: info.title.as_str().into(),
            info,
            programs,
            target,
            plan,
            live,
            pace: options.pace,
            looping: options.looping,
            clock: Clock::start(),
            stage: Stage::Stopped,
            ahead: None,
            taken: 0,
            heard_at: Instant::now(),
        })
    }

    /// The decoder, started if it was not.
    fn decoder(&mut self) -> Result<Option<&Decoder>, CaptureError> {
        if matches!(self.stage, Stage::Stopped) {
            self.taken = 0;
            self.heard_at = Instant::now();
            self.stage = Stage::Playing(Decoder::start(&self.programs, &self.target, &self.plan)?);
        }
        Ok(if let Stage::Playing(decoder) = &self.stage { Some(decoder) } else { None })
    }

    /// The next picture of this run. When it comes to its end the stage becomes [`Stage::Drained`].
    fn receive(&mut self, wait: Duration) -> Result<Option<Decoded>, CaptureError> {
        let received = self.decoder()?.map(|decoder| decoder.receive(wait));
        match received {
            Some(Received::Picture(picture)) => {
                self.heard_at = Instant::now();
                if self.taken == 0 {
                    // The time that ffmpeg took to start is not skipped in the video.
                    self.clock.seek(self.position(&picture));
                }
                self.taken = picture.index + 1;
                Ok(Some(picture))
            }
            Some(Received::Nothing) | None => Ok(None),
            Some(Received::Ended) => {
                self.drained()?;
                Ok(None)
            }
        }
    }

    /// ffmpeg gave its last picture: the regular end, or an error.
    fn drained(&mut self) -> Result<(), CaptureError> {
        let Stage::Playing(mut decoder) = std::mem::replace(&mut self.stage, Stage::Drained) else { return Ok(()) };
        let mut result = decoder.finish();
        if result.is_ok() && self.taken == 0 && self.plan.start.is_zero() {
            let words = decoder.last_words();
            result = Err(if words.is_empty() { "it has no pictures".to_owned() } else { words });
        }
        let Err(words) = result else { return Ok(()) };
        let reason = self.target.cleaned(&words);
        let name = self.target.display_name();
        if matches!(self.target, Target::Url { .. }) {
            // Asked again, it connects again.
            self.stage = Stage::Stopped;
            return Err(CaptureError::StreamFailed { url: name, reason });
        }
        self.stage = Stage::Ended;
        Err(CaptureError::VideoBroke { source_name: name, reason })
    }

    /// The newest picture of a live stream (in [`Pace::EveryFrame`]: the next one).
    fn next_live(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if self.clock.is_paused() {
            pause_for(wait);
            return Ok(Next::Waiting);
        }
        if let Some(picture) = self.receive(wait)? {
            return Ok(Next::Frame(self.frame(picture)));
        }
        if matches!(self.stage, Stage::Drained | Stage::Ended) {
            self.stage = Stage::Ended;
            return Ok(Next::End);
        }
        if self.heard_at.elapsed() > LIVE_SILENCE {
            self.stage = Stage::Stopped;
            return Err(CaptureError::StreamSilent { url: self.target.display_name(), waited: LIVE_SILENCE });
        }
        Ok(Next::Waiting)
    }

    /// The next picture without regard to its time: for [`Pace::EveryFrame`], and for a step while paused.
    fn next_at_once(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        let picture = match self.ahead.take() {
            Some(picture) => Some(picture),
            None => self.receive(wait)?,
        };
        if let Some(picture) = picture {
            self.clock.seek(self.position(&picture));
            return Ok(Next::Frame(self.frame(picture)));
        }
        Ok(if matches!(self.stage, Stage::Drained) { self.begin_again_or_end() } else { Next::Waiting })
    }

    /// The picture whose time has come, those that are past left out.
    fn next_in_time(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        let deadline = Instant::now() + wait;
        let remaining = || deadline.saturating_duration_since(Instant::now());
        if self.ahead.is_none() {
            self.ahead = self.receive(wait)?;
        }
        let Some(mut picture) = self.ahead.take() else {
            if !matches!(self.stage, Stage::Drained) {
                return Ok(Next::Waiting);
            }
            let shortest = if self.looping { SHORTEST_LOOP } else { Duration::ZERO };
            let end = self.plan.start + self.plan.rate.time_of(self.taken).max(shortest);
            return Ok(if self.wait_until(end, remaining()) { self.begin_again_or_end() } else { Next::Waiting });
        };
        if !self.wait_until(self.position(&picture), remaining()) {
            self.ahead = Some(picture);
            return Ok(Next::Waiting);
        }
        while let Some(newer) = self.receive(Duration::ZERO)? {
            if self.position(&newer) > self.clock.position() {
                self.ahead = Some(newer);
                break;
            }
            picture = newer;
        }
        self.clock.not_ahead_of(self.position(&picture) + MAX_LAG);
        Ok(Next::Frame(self.frame(picture)))
    }

    /// Waits for a position. False when that is beyond `wait`.
    fn wait_until(&self, position: Duration, wait: Duration) -> bool {
        let due = self.clock.until(position);
        pause_for(due.min(wait));
        due <= wait
    }

    fn begin_again_or_end(&mut self) -> Next {
        if !self.looping {
            self.stage = Stage::Ended;
            return Next::End;
        }
        self.go_to(Duration::ZERO);
        Next::Waiting
    }

    fn go_to(&mut self, position: Duration) {
        self.stage = Stage::Stopped;
        self.ahead = None;
        self.plan.start = position;
        self.clock.seek(position);
    }

    fn position(&self, picture: &Decoded) -> Duration {
        self.plan.start + self.plan.rate.time_of(picture.index)
    }

    fn frame(&self, picture: Decoded) -> CapturedFrame {
        // A picture of a file is "taken" when it is shown: the time that it waited for that is no delay.
        let captured_at = if self.live { picture.read_at } else { Instant::now() };
        CapturedFrame {
            captured_at,
            decode_time: picture.read_time,
            position: (!self.live).then(|| self.position(&picture)),
            name: Arc::clone(&self.name),
            truth: None,
            losses: None,
            image: picture.image,
        }
    }
}

impl FrameSource for VideoSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if self.live {
            return self.next_live(wait);
        }
        if matches!(self.stage, Stage::Ended) {
            return Ok(self.begin_again_or_end());
        }
        if self.pace == Pace::EveryFrame || self.clock.is_paused() {
            self.next_at_once(wait)
        } else {
            self.next_in_time(wait)
        }
    }

    fn set_paused(&mut self, paused: bool) {
        self.clock.set_paused(paused);
        if self.live && paused && matches!(self.stage, Stage::Playing(_)) {
            self.stage = Stage::Stopped;
        }
    }

    fn seek(&mut self, to: Duration) -> Result<(), CaptureError> {
        if !self.live {
            let last = self.info.duration.map(|duration| duration.saturating_sub(self.plan.rate.time_of(1)));
            self.go_to(last.map_or(to, |last| to.min(last)));
        }
        Ok(())
    }

    fn set_speed(&mut self, factor: f64) {
        if !self.live {
            self.clock.set_speed(factor);
        }
    }

    fn set_looping(&mut self, looping: bool) {
        self.looping = looping && !self.live;
    }
}

/// The sentence for whoever wanted to watch `target`.
fn not_running(error: ProgramError, target: &Target) -> CaptureError {
    let source_name = target.display_name();
    match error {
        ProgramError::Missing { program } => CaptureError::FfmpegMissing { program, source_name },
        ProgramError::NotStarted { program, reason } => CaptureError::FfmpegNotStarted { program, source_name, reason },
        ProgramError::NoThread { reason, .. } => CaptureError::NoThread { source_name, reason },
    }
}

fn describe(target: &Target, known: Option<&Probe>, live: bool) -> SourceInfo {
    let rate = known.map(|known| known.rate.per_second());
    let detail = known.map_or_else(
        || "live stream".to_owned(),
        |known| {
            let size = known.size.map_or(String::new(), |size| format!(" {size}"));
            let rate = if live { ", live".to_owned() } else { format!(" at {} fps", short(known.rate.per_second())) };
            format!("{}{size}{rate}", known.codec)
        },
    );
    SourceInfo {
        title: target.title(),
        kind: if live { SourceKind::Stream } else { SourceKind::Video },
        size: known.and_then(|known| known.size),
        frame_rate: rate,
        duration: known.and_then(|known| known.duration),
        picture_count: None,
        detail,
        camera: None,
    }
}

/// `30`, `29.97`: two decimals, without zeros at the end.
fn short(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
