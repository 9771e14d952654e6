//! Pictures that are used again once nobody looks at them any more.

use crate::imaging::{ImageSize, RgbImage};
use std::sync::Arc;

/// Pictures in flight at once: the reader's queue, the slots of the pipeline, the lanes, the view.
const CAPACITY: usize = 10;

/// Lends picture buffers to a source, so that a running source allocates nothing a frame.
#[derive(Debug, Default)]
pub struct FramePool {
    /// In the order in which they were lent.
    lent: Vec<Arc<RgbImage>>,
}

impl FramePool {
    /// A picture of `size` that nobody else holds. Its pixels are those of an older frame or black.
    pub fn take(&mut self, size: ImageSize) -> RgbImage {
        self.lent.retain(|image| image.dimensions() == (size.width, size.height));
        let free = self.lent.iter().position(|image| Arc::strong_count(image) == 1);
        free.and_then(|index| Arc::into_inner(self.lent.remove(index)))
            .unwrap_or_else(|| RgbImage::new(size.width, size.height))
    }

    /// Shares a finished picture, and remembers it so that it can be lent again. Where there are too many, the one lent
    /// longest is forgotten: somebody keeps it, and would else keep its place, too.
    pub fn share(&mut self, image: RgbImage) -> Arc<RgbImage> {
        let shared = Arc::new(image);
        if self.lent.len() >= CAPACITY {
            self.lent.remove(0);
        }
        self.lent.push(Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(4, 3);

    #[test]
    fn a_picture_is_lent_again_only_when_nobody_holds_it() {
        let mut pool = FramePool::default();
        let first = pool.take(SIZE);
        let address = first.as_ptr();
        let held = pool.share(first);
        assert_ne!(pool.take(SIZE).as_ptr(), address, "still held");
        drop(held);
        assert_eq!(pool.take(SIZE).as_ptr(), address, "free again");
    }

    #[test]
    fn pictures_that_somebody_keeps_do_not_stop_others_from_being_lent_again() {
        let mut pool = FramePool::default();
        let mut kept = Vec::new();
        for _ in 0..3 * CAPACITY {
            let image = pool.take(SIZE);
            kept.push(pool.share(image));
        }
        let image = pool.take(SIZE);
        let address = image.as_ptr();
        drop(pool.share(image));
        assert_eq!(pool.take(SIZE).as_ptr(), address);
        assert!(pool.lent.len() <= CAPACITY);
    }

    #[test]
    fn another_size_empties_the_pool() {
        let mut pool = FramePool::default();
        let image = pool.take(SIZE);
        drop(pool.share(image));
        assert_eq!(pool.take(ImageSize::new(8, 8)).dimensions(), (8, 8));
        assert!(pool.lent.is_empty());
    }
}
