//! One run of ffmpeg: it decodes, a reader thread takes the pictures from its pipe.
//!
//! The pictures come as PPM (netpbm's `P6`), raw RGB behind a short header that tells the size. So rotation, odd
//! sizes and whatever else ffmpeg does to a picture need not be predicted.

use super::probe::Rate;
use super::program::{Input, Programs, RunningProgram};
use super::target::Target;
use crate::capture::CaptureError;
use crate::capture::frame_pool::FramePool;
use crate::imaging::{ImageSize, RgbImage};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pictures decoded ahead of their time.
const QUEUE: usize = 2;
/// Larger pictures are refused: 8K video has 33 megapixels.
const MAX_PIXELS: u64 = 100_000_000;
/// Bytes of a PPM header that are looked at.
const MAX_HEADER_LINE: u64 = 64;

/// What is asked of one run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Index of the video stream; none: the first one.
    pub stream: Option<usize>,
    /// Where to begin.
    pub start: Duration,
    /// Rate of the pictures that come out.
    pub rate: Rate,
    /// Which pictures come out.
    pub selection: Selection,
    /// What happens to pictures that nobody takes.
    pub delivery: Delivery,
}

/// Which pictures come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every picture that is in the file, once.
    All,
    /// A steady rate: where pictures come irregularly, some are repeated and some left out, so that each shows at
    /// its time to within half a frame.
    Steady,
}

/// What happens to pictures that nobody takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// They wait, and ffmpeg waits for them.
    InOrder,
    /// The newest replaces the one that waits.
    Newest,
}

/// A picture out of the pipe.
#[derive(Debug)]
pub struct Decoded {
    /// The picture.
    pub image: Arc<RgbImage>,
    /// Counted from 0 at the start of the run, those that were replaced included.
    pub index: u64,
    /// When it was complete.
    pub read_at: Instant,
    /// From its first byte to its last. The decoding proper happens in ffmpeg's process and cannot be timed.
    pub read_time: Duration,
}

/// What came of waiting for a picture.
#[derive(Debug)]
pub enum Received {
    /// A picture.
    Picture(Decoded),
    /// Nothing in the time allowed.
    Nothing,
    /// No more will come.
    Ended,
}

/// A running ffmpeg. Dropping it kills ffmpeg and joins the threads.
#[derive(Debug)]
pub struct Decoder {
    program: RunningProgram,
    /// None once dropped, so that a reader that waits for room wakes up.
    pictures: Option<Receiver<Decoded>>,
    reader: Option<JoinHandle<Result<(), String>>>,
}

impl Decoder {
    /// Starts ffmpeg. It gives its first picture somewhat later.
    ///
    /// # Errors
    ///
    /// When ffmpeg is missing or cannot be started.
    pub fn start(programs: &Programs, target: &Target, plan: &Plan) -> Result<Self, CaptureError> {
        let program = RunningProgram::start(&programs.ffmpeg, &arguments(target, plan), Input::Nothing);
        let mut program = program.map_err(|error| super::not_running(error, target))?;
        let output = program.take_output();
        let (sender, pictures) = bounded(if plan.delivery == Delivery::Newest { 1 } else { QUEUE });
        let waiting = (plan.delivery == Delivery::Newest).then(|| pictures.clone());
        let reader = std::thread::Builder::new()
            .name("quantscope-video-reader".to_owned())
            .spawn(move || output.map_or(Ok(()), |output| read_pictures(output, &sender, waiting.as_ref())))
            .map_err(|error| CaptureError::NoThread {
                source_name: target.display_name(),
                reason: error.to_string(),
            })?;
        Ok(Self { program, pictures: Some(pictures), reader: Some(reader) })
    }

    /// The next picture, waiting for it at most `wait`.
    pub fn receive(&self, wait: Duration) -> Received {
        let Some(pictures) = &self.pictures else { return Received::Ended };
        match pictures.recv_timeout(wait) {
            Ok(picture) => Received::Picture(picture),
            Err(RecvTimeoutError::Timeout) => Received::Nothing,
            Err(RecvTimeoutError::Disconnected) => Received::Ended,
        }
    }

    /// After [`Received::Ended`]: why it ended, if that was not the regular end.
    pub fn finish(&mut self) -> Result<(), String> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap_or_else(|_| Err("the reader of its pictures failed".to_owned()))?;
        }
        self.program.wait_for_failure().map_or(Ok(()), Err)
    }

    /// What ffmpeg complained about although it ended regularly.
    pub fn last_words(&mut self) -> String {
        self.program.last_words()
    }
}

#[cfg(test)]
impl Decoder {
    /// The number of ffmpeg's process.
    pub fn process_id(&self) -> u32 {
        self.program.process_id()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.program.kill();
        self.pictures = None;
        if let Some(reader) = self.reader.take() {
            let _result = reader.join();
        }
    }
}

fn arguments(target: &Target, plan: &Plan) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-nostdin", "-hide_banner", "-loglevel", "error"].map(OsString::from).into();
    arguments.extend(target.input_options());
    if !plan.start.is_zero() {
        arguments.extend(["-ss".into(), format!("{:.6}", plan.start.as_secs_f64()).into()]);
    }
    arguments.extend(["-i".into(), target.argument(), "-map".into()]);
    arguments.push(plan.stream.map_or("0:v:0".to_owned(), |stream| format!("0:{stream}")).into());
    let Rate { numerator, denominator } = plan.rate;
    let filter = match plan.selection {
        // New times at regular distances: so that none is taken for a repetition or a gap.
        Selection::All => format!("settb=AVTB,setpts=N*{denominator}/({numerator}*TB)"),
        Selection::Steady => format!("fps={}", plan.rate),
    };
    arguments.extend(["-vf".into(), filter.into(), "-r".into(), plan.rate.to_string().into()]);
    // Without flushing, the end of a picture stays in ffmpeg until the next one comes.
    let output = ["-c:v", "ppm", "-pix_fmt", "rgb24", "-flush_packets", "1", "-f", "image2pipe", "pipe:1"];
    arguments.extend(output.map(OsString::from));
    arguments
}

/// Reads pictures until the pipe ends or nobody wants them. `waiting` is the other end of `sender` where the newest
/// picture replaces the one that waits.
fn read_pictures(
    output: impl Read,
    sender: &Sender<Decoded>,
    waiting: Option<&Receiver<Decoded>>,
) -> Result<(), String> {
    // Large reads of pixels go past this buffer.
    let mut output = BufReader::with_capacity(4096, output);
    let mut pool = FramePool::default();
    for index in 0.. {
        let Some(size) = read_header(&mut output)? else { return Ok(()) };
        let started = Instant::now();
        let mut image = pool.take(size);
        if output.read_exact(&mut image).is_err() {
            // Cut off within a picture: ffmpeg's own end tells why.
            return Ok(());
        }
        let image = pool.share(image);
        let decoded = Decoded { image, index, read_at: Instant::now(), read_time: started.elapsed() };
        let wanted = match waiting {
            None => sender.send(decoded).is_ok(),
            Some(waiting) => replace(sender, waiting, decoded),
        };
        if !wanted {
            return Ok(());
        }
    }
    Ok(())
}

fn replace(sender: &Sender<Decoded>, waiting: &Receiver<Decoded>, mut decoded: Decoded) -> bool {
    loop {
        match sender.try_send(decoded) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(returned)) => {
                decoded = returned;
                let _oldest = waiting.try_recv();
            }
        }
    }
}

/// `P6`, width and height, 255: each on a line. None at the end of the pipe.
fn read_header(input: &mut impl BufRead) -> Result<Option<ImageSize>, String> {
    let Some(magic) = read_line(input) else { return Ok(None) };
    let (Some(sides), Some(maximum)) = (read_line(input), read_line(input)) else { return Ok(None) };
    let size = sides.split_once(' ').and_then(|(width, height)| {
        let size = ImageSize::new(width.parse().ok()?, height.parse().ok()?);
        (size.width > 0 && size.height > 0).then_some(size)
    });
    match size {
        Some(size) if u64::from(size.width) * u64::from(size.height) > MAX_PIXELS => {
            Err(format!("{size} is more than the {} megapixels that are read", MAX_PIXELS / 1_000_000))
        }
        Some(size) if magic == "P6" && maximum == "255" => Ok(Some(size)),
        _ => Err(format!("ffmpeg sent something else than pictures: {magic:?} {sides:?} {maximum:?}")),
    }
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    input.take(MAX_HEADER_LINE).read_until(b'\n', &mut line).ok()?;
    let text = line.strip_suffix(b"\n")?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures_of(bytes: &[u8], newest: bool) -> (Result<(), String>, Vec<Decoded>) {
        let (sender, receiver) = bounded(if newest { 1 } else { 10 });
        let result = read_pictures(bytes, &sender, newest.then_some(&receiver));
        drop(sender);
        (result, receiver.iter().collect())
    }

    #[test]
    fn pictures_are_cut_apart_even_when_their_size_changes() {
        let bytes = b"P6\n2 1\n255\nabcdefP6\n1 1\n255\nxyzP6\n2 1\n255\ncut";
        let (result, pictures) = pictures_of(bytes, false);
        assert_eq!(result, Ok(()));
        let pixels: Vec<&[u8]> = pictures.iter().map(|picture| picture.image.as_raw().as_slice()).collect();
        assert_eq!(pixels, [&b"abcdef"[..], b"xyz"], "the one that is cut off is left out");
        let (_, newest) = pictures_of(bytes, true);
        assert_eq!(newest.iter().map(|picture| picture.index).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_is_no_picture_is_an_error_and_not_a_huge_allocation() {
        for bytes in [&b"P5\n2 1\n255\nab"[..], b"P6\n-2 1\n255\n", b"P6\n0 1\n255\n", b"P6\n99999 99999\n255\n"] {
            assert!(pictures_of(bytes, false).0.is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(pictures_of(&[b'P'; 1000], false).0, Ok(()), "no end of line: taken for the end");
    }
}
