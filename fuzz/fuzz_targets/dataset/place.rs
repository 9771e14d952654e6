//! A folder with two pictures, and what must hold of anything that was opened in it.

use quantscope::dataset::{Dataset, DatasetError, DatasetForm, PictureTransfer, ProblemKind, WriteOptions, write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Two pictures of 8x8 pixels: `images/a.bmp` and `images/b.bmp`.
static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let place = tempfile::tempdir().expect("a folder for temporary files");
    for name in ["images/a.bmp", "images/b.bmp"] {
        put(place.path(), name, picture());
    }
    place
});

/// Where the pictures are, and where labels are written to.
pub fn folder() -> &'static Path {
    PLACE.path()
}

/// Writes a file of the place.
pub fn file(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    put(folder(), name, bytes)
}

/// What was opened is sound, can be written in every form, and is then read without a complaint; what was refused was
/// refused in one line.
pub fn judge(opened: Result<Dataset, DatasetError>) {
    let dataset = match opened {
        Ok(dataset) => dataset,
        Err(error) => return one_line(&error),
    };
    assert!(!dataset.pictures.is_empty());
    for found in dataset.pictures.iter().flat_map(|picture| &picture.boxes) {
        assert!(found.class < dataset.classes.len() && found.width > 0.0 && found.height > 0.0 && found.area > 0.0);
    }
    // Only these are ours to link; the labels may name any other file.
    let ours = dataset.pictures.iter().all(|picture| picture.path.starts_with(folder()));
    for form in [DatasetForm::Coco, DatasetForm::Voc, DatasetForm::Yolo] {
        let pictures = if form == DatasetForm::Yolo { PictureTransfer::Link } else { PictureTransfer::Reference };
        if form == DatasetForm::Yolo && !ours {
            continue;
        }
        let out = tempfile::tempdir().expect("a folder for temporary files");
        match write(&dataset, form, out.path(), &WriteOptions { pictures, overwrite: false }) {
            Ok(written) => {
                let again = Dataset::open(&written.path, None).expect("what was written can be opened");
                let boxes: usize = again.pictures.iter().map(|picture| picture.boxes.len()).sum();
                assert_eq!((again.form, again.pictures.len()), (form, dataset.pictures.len()));
                // YOLO has no sizes of pictures: it reads those of the files, which may not be the ones in the labels.
                assert!(boxes == written.boxes || form == DatasetForm::Yolo, "{boxes} of {}", written.boxes);
                let harmless = [ProblemKind::EmptyLabels, ProblemKind::OutsidePicture];
                let wrong = again.problems.iter().find(|problem| !harmless.contains(&problem.kind));
                assert!(wrong.is_none() || form == DatasetForm::Yolo, "{form:?}: {wrong:?}");
            }
            Err(DatasetError::YoloNeedsClasses | DatasetError::NameNotWritable { .. }) => {}
            Err(error) => panic!("{form:?}: {error}"),
        }
    }
}

fn one_line(error: &DatasetError) {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 20_000, "{text}");
}

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("names are below the folder")).expect("room for a folder");
    std::fs::write(&path, bytes).expect("room for a file");
    path
}

/// A black bmp of 8x8 pixels, 24 bits each.
fn picture() -> Vec<u8> {
    let (head, pixels) = (54_u32, 8 * 8 * 3_u32);
    let mut bytes = b"BM".to_vec();
    for number in [head + pixels, 0, head, 40, 8, 8, 1 | (24 << 16), 0, pixels, 0, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize((head + pixels) as usize, 0);
    bytes
}
