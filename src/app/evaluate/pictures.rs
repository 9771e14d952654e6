//! The pictures of the gallery: decoded on a thread of their own, on the graphics card only while they are looked at.

use crate::capture::read_picture;
use crate::imaging::RgbImage;
use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Longest side of a small picture. Sharp on a card up to 1.5 times its width in points.
const SMALL_SIDE: u32 = 360;
/// Longest side of a large picture: what fits on a screen, and on any graphics card.
const LARGE_SIDE: u32 = 2048;
/// Pictures that are kept; small ones are half a megabyte each at most.
const MOST_SMALL: usize = 96;
/// Large ones are sixteen megabytes each at most: the one in view and its neighbours.
const MOST_LARGE: usize = 3;
/// Pictures that are asked for at a time, so that those in view come before those that were scrolled past.
const MOST_ASKED: usize = 8;

/// How large a picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureSize {
    /// For the gallery.
    Small,
    /// To look at.
    Large,
}

/// A picture at a size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PictureKey {
    /// Its file.
    pub path: PathBuf,
    /// How large.
    pub size: PictureSize,
}

/// Reads a picture and makes it small enough. For a thread that may wait.
///
/// # Errors
///
/// A sentence that names the file.
pub fn decode(key: &PictureKey) -> Result<RgbImage, String> {
    let picture = read_picture(&key.path).map_err(|error| error.to_string())?;
    let most = match key.size {
        PictureSize::Small => SMALL_SIDE,
        PictureSize::Large => LARGE_SIDE,
    };
    let side = picture.width().max(picture.height());
    if side <= most {
        return Ok(picture);
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(most) / u64::from(side)).max(1) as u32;
    Ok(image::imageops::thumbnail(&picture, scaled(picture.width()), scaled(picture.height())))
}

/// What is to be seen of a picture.
#[derive(Clone)]
pub enum Look {
    /// It is being decoded.
    Waiting,
    /// It is on the graphics card.
    Ready(TextureHandle),
    /// It cannot be shown: a sentence.
    Failed(String),
}

enum Slot {
    Asked,
    Decoded(RgbImage),
    Shown(TextureHandle),
    Failed(String),
}

/// The pictures that are kept, those that were looked at longest ago going first.
#[derive(Default)]
pub struct PictureShelf {
    slots: HashMap<PictureKey, (Slot, u64)>,
    wanted: Vec<PictureKey>,
    clock: u64,
}

impl std::fmt::Debug for PictureShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Pixels say nothing.
        f.debug_struct("PictureShelf").field("pictures", &self.slots.len()).finish_non_exhaustive()
    }
}

impl PictureShelf {
    /// What is to be seen of a picture; one that is not here is wanted from now on.
    pub fn look(&mut self, ctx: &Context, path: &Path, size: PictureSize) -> Look {
        self.clock += 1;
        let key = PictureKey { path: path.to_owned(), size };
        let Some((slot, used)) = self.slots.get_mut(&key) else {
            if !self.wanted.contains(&key) {
                self.wanted.push(key);
            }
            return Look::Waiting;
        };
        *used = self.clock;
        if let Slot::Decoded(picture) = slot {
            let pixels = ColorImage::from_rgb([picture.width() as usize, picture.height() as usize], picture.as_raw());
            *slot = Slot::Shown(ctx.load_texture("gallery", pixels, TextureOptions::LINEAR));
        }
        match slot {
            Slot::Asked | Slot::Decoded(_) => Look::Waiting,
            Slot::Shown(texture) => Look::Ready(texture.clone()),
            Slot::Failed(reason) => Look::Failed(reason.clone()),
        }
    }

    /// What is to be decoded now; what was wanted in an earlier pass and is still not here has to be looked at again.
    pub fn take_wanted(&mut self) -> Vec<PictureKey> {
        let asked = self.slots.values().filter(|(slot, _)| matches!(slot, Slot::Asked)).count();
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.truncate(MOST_ASKED.saturating_sub(asked));
        for key in &wanted {
            self.slots.insert(key.clone(), (Slot::Asked, self.clock));
        }
        wanted
    }

    /// A picture that was asked for could not be handed to the thread.
    pub fn not_asked(&mut self, key: &PictureKey) {
        self.slots.remove(key);
    }

    /// A picture that was asked for has come. Ignored when nobody waits for it any more.
    pub fn put(&mut self, key: PictureKey, decoded: Result<RgbImage, String>) {
        let size = key.size;
        if let Some((slot, _)) = self.slots.get_mut(&key) {
            *slot = match decoded {
                Ok(picture) if picture.width() > 0 && picture.height() > 0 => Slot::Decoded(picture),
                Ok(_) => Slot::Failed(format!("{}: the picture is empty", key.path.display())),
                Err(reason) => Slot::Failed(reason),
            };
            self.make_room(size);
        }
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.wanted.clear();
    }

    fn make_room(&mut self, size: PictureSize) {
        let most = match size {
            PictureSize::Small => MOST_SMALL,
            PictureSize::Large => MOST_LARGE,
        };
        let kept = |slots: &HashMap<PictureKey, (Slot, u64)>| {
            let here = slots.iter().filter(|(key, (slot, _))| key.size == size && !matches!(slot, Slot::Asked));
            here.map(|(key, (_, used))| (*used, key.clone())).collect::<Vec<_>>()
        };
        let mut here = kept(&self.slots);
        if here.len() > most {
            here.sort_by_key(|(used, _)| *used);
            for (_, key) in &here[..here.len() - most] {
                self.slots.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize, size: PictureSize) -> PictureKey {
        PictureKey { path: format!("{number}.jpg").into(), size }
    }

    /// Looks at a picture and lets it come if it is wanted.
    fn fetch(shelf: &mut PictureShelf, ctx: &Context, number: usize, size: PictureSize) -> bool {
        let wanted = key(number, size);
        let before = matches!(shelf.look(ctx, &wanted.path, size), Look::Ready(_));
        for key in shelf.take_wanted() {
            shelf.put(key, Ok(RgbImage::new(4, 3)));
        }
        before
    }

    #[test]
    fn a_picture_comes_once_and_the_least_looked_at_goes_first() {
        let (mut shelf, ctx) = (PictureShelf::default(), Context::default());
        assert!(!fetch(&mut shelf, &ctx, 0, PictureSize::Large));
        assert!(fetch(&mut shelf, &ctx, 0, PictureSize::Large), "it is here");
        for number in 1..MOST_LARGE {
            fetch(&mut shelf, &ctx, number, PictureSize::Large);
        }
        assert!(fetch(&mut shelf, &ctx, 0, PictureSize::Large), "it is looked at again");
        fetch(&mut shelf, &ctx, 9, PictureSize::Large);
        assert!(fetch(&mut shelf, &ctx, 0, PictureSize::Large), "it stays");
        assert!(!fetch(&mut shelf, &ctx, 1, PictureSize::Large), "it has gone");
        for number in 0..2 * MOST_SMALL {
            fetch(&mut shelf, &ctx, number, PictureSize::Small);
        }
        assert_eq!(shelf.slots.len(), MOST_SMALL + MOST_LARGE);
        shelf.clear();
        assert!(!fetch(&mut shelf, &ctx, 0, PictureSize::Large));
    }

    #[test]
    fn few_are_asked_for_at_a_time_and_what_comes_late_is_ignored() {
        let (mut shelf, ctx) = (PictureShelf::default(), Context::default());
        for number in 0..20 {
            let key = key(number, PictureSize::Small);
            shelf.look(&ctx, &key.path, key.size);
            shelf.look(&ctx, &key.path, key.size);
        }
        let asked = shelf.take_wanted();
        assert_eq!(asked.len(), MOST_ASKED);
        assert!(shelf.take_wanted().is_empty());
        shelf.not_asked(&asked[0]);
        assert!(matches!(shelf.look(&ctx, &asked[0].path, PictureSize::Small), Look::Waiting));
        assert_eq!(shelf.take_wanted(), asked[..1], "it is wanted again");
        shelf.put(asked[1].clone(), Err("broken".to_owned()));
        assert!(matches!(shelf.look(&ctx, &asked[1].path, PictureSize::Small), Look::Failed(_)));
        shelf.clear();
        shelf.put(asked[2].clone(), Ok(RgbImage::new(4, 3)));
        assert!(shelf.slots.is_empty());
    }

    #[test]
    fn pictures_are_made_small_enough_and_keep_their_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.png");
        RgbImage::new(1440, 20).save(&path).unwrap();
        let small = decode(&PictureKey { path: path.clone(), size: PictureSize::Small }).unwrap();
        assert_eq!(small.dimensions(), (SMALL_SIDE, 5));
        let large = decode(&PictureKey { path, size: PictureSize::Large }).unwrap();
        assert_eq!(large.dimensions(), (1440, 20));
        let gone = PictureKey { path: folder.path().join("gone.png"), size: PictureSize::Small };
        assert!(decode(&gone).unwrap_err().contains("gone.png"));
    }
}
