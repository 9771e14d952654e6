//! Pictures decoded ahead of the lanes, as many as a bounded amount of memory holds.

use crate::capture;
use crate::dataset::LabelledPicture;
use crate::imaging::{ImageSize, RgbImage};
use crossbeam_channel::Sender;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Memory that decoded pictures may take together, those that lanes work on among them.
const BYTES_IN_FLIGHT: u64 = 512 << 20;
/// How often a decoder that waits for memory looks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(50);

/// A picture to read.
#[derive(Clone, Debug)]
pub(super) struct PictureFile {
    pub path: PathBuf,
    /// Size that its labels are for.
    pub size: ImageSize,
}

impl From<&LabelledPicture> for PictureFile {
    fn from(picture: &LabelledPicture) -> Self {
        Self { path: picture.path.clone(), size: picture.size }
    }
}

/// A picture on its way to a lane.
pub(super) struct Decoded {
    /// Its place in the dataset.
    pub index: usize,
    /// Its pixels; or why there are none, as a sentence.
    pub pixels: Result<RgbImage, String>,
    _memory: Share,
}

/// What several decoders share: each takes the next picture.
pub(super) struct Decoders {
    files: Vec<PictureFile>,
    next: AtomicUsize,
    budget: Arc<Budget>,
}

impl Decoders {
    /// Decoders of these pictures.
    pub fn new(files: Vec<PictureFile>) -> Self {
        Self { files, next: AtomicUsize::new(0), budget: Arc::new(Budget::new(BYTES_IN_FLIGHT)) }
    }

    /// The body of a decoder's thread: ends when all pictures are decoded, nobody wants them, or `stopped` says so.
    pub fn run(&self, out: &Sender<Decoded>, stopped: &dyn Fn() -> bool) {
        while !stopped() {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = self.files.get(index) else { return };
            let bytes = u64::from(file.size.width) * u64::from(file.size.height) * 3;
            let Some(memory) = self.budget.take(bytes, stopped) else { return };
            if out.send(Decoded { index, pixels: read(file), _memory: memory }).is_err() {
                return;
            }
        }
    }
}

fn read(file: &PictureFile) -> Result<RgbImage, String> {
    let picture = capture::read_picture(&file.path).map_err(|error| error.to_string())?;
    let size = ImageSize::new(picture.width(), picture.height());
    if size == file.size {
        return Ok(picture);
    }
    let path = file.path.display();
    Err(format!("{path}: the picture is {size} and its labels are for {}; it is left out", file.size))
}

/// Bytes that are free. A picture larger than all of them waits until it is alone.
struct Budget {
    whole: u64,
    free: Mutex<u64>,
    freed: Condvar,
}

impl Budget {
    fn new(whole: u64) -> Self {
        Self { whole, free: Mutex::new(whole), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a share, waiting for it; none when `stopped` while waiting.
    fn take(self: &Arc<Self>, bytes: u64, stopped: &dyn Fn() -> bool) -> Option<Share> {
        let bytes = bytes.min(self.whole);
        let mut free = self.lock();
        while *free < bytes {
            if stopped() {
                return None;
            }
            free = self.freed.wait_timeout(free, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= bytes;
        Some(Share { budget: Arc::clone(self), bytes })
    }
}

/// A share of the memory, given back when dropped.
struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.budget.lock() += self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;

    #[test]
    fn pictures_wait_for_memory_and_large_ones_for_all_of_it() {
        let budget = Arc::new(Budget::new(10));
        let never = || false;
        let first = budget.take(6, &never).unwrap();
        let second = budget.take(4, &never).unwrap();
        assert!(budget.take(1, &|| true).is_none());
        drop((first, second));
        // More than there is: all of it.
        let whole = budget.take(1000, &never).unwrap();
        assert_eq!(*budget.lock(), 0);
        drop(whole);
        assert_eq!(*budget.lock(), 10);
    }

    #[test]
    fn every_picture_comes_once_and_broken_ones_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let size = ImageSize::new(20, 10);
        let mut files = Vec::new();
        for index in 0..5 {
            let path = folder.path().join(format!("{index}.png"));
            RgbImage::from_pixel(20, 10, image::Rgb([index, 0, 0])).save(&path).unwrap();
            files.push(PictureFile { path, size });
        }
        std::fs::write(&files[1].path, b"no picture").unwrap();
        files[2].size = ImageSize::new(10, 20);
        files[3].path = folder.path().join("missing.png");
        let decoders = Decoders::new(files);
        let (sender, receiver) = bounded(8);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| decoders.run(&sender, &|| false));
            }
        });
        drop(sender);
        let mut got: Vec<(usize, Result<u8, String>)> =
            receiver.iter().map(|d| (d.index, d.pixels.map(|p| p.get_pixel(0, 0).0[0]))).collect();
        got.sort_by_key(|(index, _)| *index);
        assert_eq!(got.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!((&got[0].1, &got[4].1), (&Ok(0), &Ok(4)));
        for (index, words) in [(1, "1.png"), (2, "labels are for 10x20"), (3, "missing.png")] {
            assert!(got[index].1.as_ref().unwrap_err().contains(words), "{:?}", got[index]);
        }
    }
}
