//! Pictures of a dataset: where they are, and how large, from their first bytes.

use super::DatasetError;
use crate::imaging::ImageSize;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

/// Endings of picture files, in lower case.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "webp", "gif"];

/// Enough of a file to know its size, most of the time.
const HEAD_BYTES: u64 = 64 << 10;

/// No camera makes longer sides.
const LONGEST_SIDE: u32 = 1 << 16;

/// Whether the name ends like that of a picture.
pub fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Size of a picture as it is shown, turned upright as its EXIF orientation says; only its head is read.
///
/// # Errors
/// One phrase when it cannot be read or is no picture.
pub fn picture_size(path: &Path) -> Result<ImageSize, String> {
    let is_file = path.metadata().map_err(|error| error.to_string())?.is_file();
    let file = if is_file { File::open(path) } else { Err(std::io::Error::other("it is no file")) };
    let mut file = file.map_err(|error| error.to_string())?;
    let mut head = Vec::with_capacity(HEAD_BYTES as usize);
    Read::by_ref(&mut file).take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| error.to_string())?;
    size_from(Cursor::new(&head)).or_else(|error| match (head.len() as u64) < HEAD_BYTES {
        true => Err(error),
        // Long metadata came first.
        false => file.rewind().map_err(|error| error.to_string()).and_then(|()| size_from(BufReader::new(file))),
    })
}

fn size_from(bytes: impl BufRead + Seek) -> Result<ImageSize, String> {
    let reader = ImageReader::new(bytes).with_guessed_format().map_err(|error| error.to_string())?;
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    let turned = match decoder.orientation().unwrap_or(Orientation::NoTransforms) {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            true
        }
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    };
    let size = if turned { ImageSize::new(height, width) } else { ImageSize::new(width, height) };
    usable(size).ok_or_else(|| format!("{size} is no size of a picture"))
}

/// The size, if a picture can have it.
pub(super) fn usable(size: ImageSize) -> Option<ImageSize> {
    let side = |side: u32| (1..=LONGEST_SIDE).contains(&side);
    (side(size.width) && side(size.height)).then_some(size)
}

/// A name as it is written in labels, with the separators of this system.
pub(super) fn local(name: &str) -> PathBuf {
    if cfg!(windows) { name.into() } else { name.replace('\\', "/").into() }
}

/// Folders in which pictures may be, tried in turn; the one that had the last picture is tried first.
#[derive(Debug)]
pub(super) struct PictureFolders {
    folders: Vec<PathBuf>,
    last: usize,
}

impl PictureFolders {
    pub fn new(folders: Vec<PathBuf>) -> Self {
        let mut distinct: Vec<PathBuf> = Vec::new();
        for folder in folders {
            if !distinct.contains(&folder) && folder.is_dir() {
                distinct.push(folder);
            }
        }
        Self { folders: distinct, last: 0 }
    }

    /// The file of this name, which may have folders in it; else the file of its last part.
    pub fn find(&mut self, name: &str) -> Option<PathBuf> {
        let name = local(name);
        self.find_exactly(&name).or_else(|| self.find_exactly(Path::new(name.file_name()?)))
    }

    /// The picture with this name but for its ending.
    pub fn find_stem(&mut self, stem: &str) -> Option<PathBuf> {
        let endings = ENDINGS.iter().flat_map(|ending| [(*ending).to_owned(), ending.to_ascii_uppercase()]);
        endings.map(|ending| PathBuf::from(format!("{stem}.{ending}"))).find_map(|name| self.find_exactly(&name))
    }

    fn find_exactly(&mut self, name: &Path) -> Option<PathBuf> {
        name.file_name()?;
        let order = std::iter::once(self.last).chain((0..self.folders.len()).filter(|index| *index != self.last));
        let found = order.into_iter().find_map(|index| {
            let path = self.folders.get(index)?.join(name);
            path.is_file().then_some((index, path))
        });
        let (index, path) = found?;
        self.last = index;
        Some(path)
    }

    /// For messages: where was looked.
    pub fn described(&self) -> String {
        let names: Vec<_> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        names.join(", ")
    }
}

/// All pictures in a folder and, down to a depth, in its folders, by name. Hidden files are left out.
pub(super) fn pictures_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, DatasetError> {
    files_below(folder, depth, &has_picture_ending)
}

/// All wanted files in a folder and, down to a depth, in its folders, by name. Hidden files are left out.
pub(super) fn files_below(
    folder: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, DatasetError> {
    let unreadable = |source| DatasetError::Unreadable { path: folder.to_owned(), source };
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            folders.push(path);
        } else if wanted(&path) {
            files.push(path);
        }
    }
    if depth > 0 {
        for folder in folders {
            files.extend(files_below(&folder, depth - 1, wanted)?);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a whole file of labels, as text. Bytes that are no UTF-8 become �, and the second value says that there were some.
pub(super) fn read_text(path: &Path, limit_megabytes: u64) -> Result<(String, bool), DatasetError> {
    let unreadable = |source| DatasetError::Unreadable { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        // A device might never end, and a pipe never begin.
        return Err(unreadable(std::io::Error::other("it is no file")));
    }
    let limit = limit_megabytes << 20;
    let too_large = |bytes: u64| {
        let megabytes = bytes.div_ceil(1 << 20);
        DatasetError::TooLarge { path: path.to_owned(), megabytes, limit: limit_megabytes }
    };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // It may be growing.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit + 1));
    }
    let text = String::from_utf8(bytes);
    Ok(match text {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbImage};

    #[test]
    fn sizes_come_from_the_head_and_stand_upright() {
        let folder = tempfile::tempdir().unwrap();
        for ending in ENDINGS {
            let path = folder.path().join(format!("a.{ending}"));
            RgbImage::new(30, 20).save(&path).unwrap();
            assert_eq!(picture_size(&path), Ok(ImageSize::new(30, 20)), "{ending}");
        }
        // Orientation 6 stands for a picture that was taken lying on its side; a comment of 60 kB comes before it.
        let mut jpeg = Vec::new();
        RgbImage::new(30, 20).write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        let mut turned = vec![0xff, 0xd8];
        for _ in 0..2 {
            turned.extend([0xff, 0xfe, 0xf0, 0x00]);
            turned.extend([b'x'; 0xeffe]);
        }
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        turned.extend([0xff, 0xe1]);
        turned.extend((exif.len() as u16 + 2).to_be_bytes());
        turned.extend(exif);
        turned.extend(&jpeg[2..]);
        let path = folder.path().join("turned.jpg");
        std::fs::write(&path, &turned).unwrap();
        assert_eq!(picture_size(&path), Ok(ImageSize::new(20, 30)));
        std::fs::write(&path, &turned[..100]).unwrap();
        assert!(picture_size(&path).is_err());
        assert!(picture_size(folder.path()).is_err());
    }

    #[test]
    fn pictures_are_found_where_the_last_one_was() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir_all(a.join("deep")).unwrap();
        std::fs::create_dir(&b).unwrap();
        for file in ["a/1.jpg", "a/deep/2.jpg", "b/1.jpg", "b/3.PNG"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let mut folders = PictureFolders::new(vec![a.clone(), b.clone(), folder.path().join("none")]);
        assert_eq!(folders.find("1.jpg"), Some(a.join("1.jpg")));
        assert_eq!(folders.find_stem("3"), Some(b.join("3.PNG")));
        assert_eq!(folders.find("1.jpg"), Some(b.join("1.jpg")));
        assert_eq!(folders.find("deep\\2.jpg"), Some(a.join("deep/2.jpg")));
        assert_eq!(folders.find("C:\\elsewhere\\3.PNG"), Some(b.join("3.PNG")));
        assert_eq!(folders.find(""), None);
        assert_eq!(folders.find(".."), None);
    }
}
