//! What must not grow: a slow reader's distance from the present, and what a process holds.

use crate::number_in;
use quantscope::capture::{CapturedFrame, FrameSource};
use std::time::{Duration, Instant};

/// In the beginning caches fill and the allocator finds its size.
const WARM_UP: u64 = 100;
/// What the resident memory may differ by between two looks at it; a leaked frame a time would be 270 MB.
const MEMORY_PLAY: u64 = 6_000_000;
/// Real time that an hour of the fast clock may take.
const HOUR_LIMIT: u64 = 400;

/// How many frames the camera has taken since this one.
pub fn frames_behind(frame: &CapturedFrame) -> u32 {
    newest().saturating_sub(1).saturating_sub(number_in(frame))
}

/// The count of frames that `vcam.c` keeps.
#[expect(unsafe_code, reason = "asks the preloaded library")]
fn newest() -> u32 {
    // SAFETY: the symbol, where there is one, is `unsigned long vcam_frames(void)` of vcam.c.
    unsafe {
        let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"vcam_frames".as_ptr());
        assert!(!symbol.is_null(), "vcam.c is not preloaded");
        let frames = std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> libc::c_ulong>(symbol);
        frames() as u32
    }
}

/// The camera is unplugged and comes back so many times.
pub fn flaps(source: &mut dyn FrameSource, times: usize) {
    let started = Instant::now();
    let mut warm = None;
    let mut reopened = 0;
    while reopened < times as u64 {
        // The clock of the process is fast, so this is the real one's limit many times over.
        assert!(started.elapsed() < Duration::from_secs(HOUR_LIMIT * 100), "{reopened} times only");
        if let Ok(quantscope::capture::Next::Frame(frame)) = source.next_frame(Duration::from_secs(1)) {
            reopened = frame.losses.expect("a camera's frame").reopened;
            if reopened >= WARM_UP && warm.is_none() {
                warm = Some(Held::now());
            }
        }
    }
    let (warm, end) = (warm.expect("more than the first ones"), Held::now());
    println!("in {:?} of the fast clock: {warm:?} became {end:?}", started.elapsed());
    assert!(end.files <= warm.files && end.threads <= warm.threads, "{warm:?} became {end:?}");
    assert!(end.memory < warm.memory + MEMORY_PLAY, "{warm:?} became {end:?}");
}

/// What the process holds while a camera streams.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    memory: u64,
}

impl Held {
    fn now() -> Self {
        let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split_whitespace().nth(1).unwrap().parse().unwrap();
        Self { files: entries("/proc/self/fd"), threads: entries("/proc/self/task"), memory: pages * 4096 }
    }
}
