use super::*;
use crate::dataset::{DatasetClass, OpenOptions, Problem, ProblemKind};
use crate::imaging::ImageSize;
use image::{ImageFormat, RgbImage};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

const FORMS: [DatasetForm; 3] = [DatasetForm::Coco, DatasetForm::Yolo, DatasetForm::Voc];
/// The sums and quotients of the forms are rounded a few times; no box comes back further off, in pixels.
const ROUNDED: f64 = 1e-9;

/// Pictures are as wide as they are high and differ in size, so that none stands for another unseen.
fn side(index: usize) -> u32 {
    40 + index as u32
}

fn class(id: u64, name: &str) -> DatasetClass {
    DatasetClass { name: name.to_owned(), id }
}

fn labelled(class: usize, [x, y, width, height]: [f64; 4]) -> LabelledBox {
    LabelledBox { class, x, y, width, height, area: width * height, ignored: false }
}

/// A dataset with these pictures and their boxes; each picture is in a folder of its own.
fn dataset(folder: &TempDir, classes: Vec<DatasetClass>, pictures: Vec<(String, Vec<LabelledBox>)>) -> Dataset {
    let pictures = pictures.into_iter().enumerate().map(|(index, (name, boxes))| {
        let within = folder.path().join(format!("from/{index}"));
        fs::create_dir_all(&within).unwrap();
        let path = within.join(name);
        RgbImage::new(side(index), side(index)).save_with_format(&path, ImageFormat::Png).unwrap();
        LabelledPicture { id: 100 + index as u64, path, size: ImageSize::new(side(index), side(index)), boxes }
    });
    let pictures = pictures.collect();
    Dataset { path: folder.path().join("from"), form: Some(DatasetForm::Coco), classes, pictures, problems: Vec::new() }
}

fn three_pictures(folder: &TempDir) -> Dataset {
    let boxes = vec![
        labelled(1, [4.0, 3.0, 20.0, 10.0]),
        LabelledBox { area: 77.25, ..labelled(2, [0.1, 0.2, 30.33, 7.0]) },
        LabelledBox { ignored: true, ..labelled(1, [5.5, 6.5, 10.0, 20.0]) },
    ];
    let classes = vec![class(7, "tree & <bush>"), class(3, "a \"cat\""), class(90, "Ä: #1")];
    let pictures =
        vec![("b ü's.png".to_owned(), boxes), ("a.png".to_owned(), Vec::new()), ("a.png".to_owned(), Vec::new())];
    dataset(folder, classes, pictures)
}

/// Without what may stay: boxes that reach out of their picture and pictures without objects.
fn grave(problems: &[Problem]) -> Vec<&Problem> {
    let harmless = [ProblemKind::EmptyLabels, ProblemKind::OutsidePicture];
    problems.iter().filter(|problem| !harmless.contains(&problem.kind)).collect()
}

fn loss(written: &Written, kind: LossKind) -> usize {
    written.losses.iter().find(|loss| loss.kind == kind).map_or(0, |loss| loss.count)
}

fn write_and_read(dataset: &Dataset, form: DatasetForm, to: &Path, options: &WriteOptions) -> (Written, Dataset) {
    let written = write(dataset, form, to, options).unwrap_or_else(|error| panic!("{form:?}: {error}"));
    let read = Dataset::open(&written.path, None).unwrap_or_else(|error| panic!("{form:?}: {error}"));
    assert_eq!((read.form, read.pictures.len()), (Some(form), written.pictures));
    assert_eq!(read.pictures.iter().map(|picture| picture.boxes.len()).sum::<usize>(), written.boxes);
    (written, read)
}

#[test]
fn each_form_keeps_what_it_can_and_says_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = three_pictures(&folder);
    for form in FORMS {
        let (written, read) =
            write_and_read(&dataset, form, &folder.path().join(format!("{form:?}")), &WriteOptions::default());
        assert_eq!(grave(&read.problems), Vec::<&Problem>::new(), "{form:?}");
        let names = |set: &Dataset| set.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&read), names(&dataset), "{form:?}: in their order, also the one without an object");
        let files: Vec<_> = read.pictures.iter().map(|p| p.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(files, ["b ü's.png", "a.png", "a_2.png"], "{form:?}: in their order");
        for (one, other) in dataset.pictures.iter().zip(&read.pictures) {
            assert_eq!((one.size, fs::read(&one.path).unwrap()), (other.size, fs::read(&other.path).unwrap()));
        }
        let losses: Vec<_> = written.losses.iter().map(|loss| (loss.kind, loss.count)).collect();
        use LossKind::{ClassNumbers, IgnoredBoxes, OutlineAreas, PictureNames, PictureNumbers};
        let numbers = [(PictureNumbers, 3), (ClassNumbers, 3), (PictureNames, 1)];
        let boxes = &read.pictures[0].boxes;
        match form {
            DatasetForm::Coco => {
                assert_eq!(losses, [(PictureNames, 1)]);
                assert_eq!((boxes, &read.classes), (&dataset.pictures[0].boxes, &dataset.classes));
                assert_eq!(read.pictures[1].id, 101);
            }
            DatasetForm::Yolo => {
                assert_eq!(losses, [[(IgnoredBoxes, 1), (OutlineAreas, 1)].as_slice(), &numbers].concat());
                assert_eq!(boxes.len(), 2);
            }
            DatasetForm::Voc => {
                assert_eq!(losses, numbers);
                assert_eq!(boxes[0], dataset.pictures[0].boxes[0], "whole numbers are exact");
                assert!(boxes[1].area == 77.25 && boxes[2].ignored && !boxes[1].ignored);
            }
        }
    }
}

#[test]
fn pictures_are_linked_copied_or_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = three_pictures(&folder);
    for form in FORMS {
        for transfer in [PictureTransfer::Link, PictureTransfer::Copy, PictureTransfer::Reference] {
            let to = folder.path().join(format!("{form:?}{transfer:?}"));
            let options = WriteOptions { pictures: transfer, ..WriteOptions::default() };
            if (form, transfer) == (DatasetForm::Yolo, PictureTransfer::Reference) {
                let error = write(&dataset, form, &to, &options).unwrap_err().to_string();
                assert!(error.contains("link or copy") && !to.exists(), "{error}");
                continue;
            }
            let (written, read) = write_and_read(&dataset, form, &to, &options);
            let stayed = read.pictures.iter().zip(&dataset.pictures).all(|(read, was)| read.path == was.path);
            assert_eq!(stayed, transfer == PictureTransfer::Reference, "{form:?} {transfer:?}");
            assert_eq!(written.copied, if transfer == PictureTransfer::Copy { 3 } else { 0 });
            assert_eq!(grave(&read.problems), Vec::<&Problem>::new());
        }
    }
    let mut told = Vec::new();
    let to = folder.path().join("told");
    write_telling(&dataset, DatasetForm::Coco, &to, &WriteOptions::default(), &mut |done| told.push(done)).unwrap();
    assert_eq!(told, [0, 1, 2, 3]);
    dataset.pictures[1].path = folder.path().join("gone.png");
    let to = folder.path().join("never");
    let error = write(&dataset, DatasetForm::Voc, &to, &WriteOptions::default()).unwrap_err().to_string();
    assert!(error.contains("gone.png") && !to.exists(), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn a_folder_with_files_is_left_alone_unless_it_may_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = three_pictures(&folder);
    let to = folder.path().join("own");
    fs::create_dir(&to).unwrap();
    fs::write(to.join("notes.txt"), "mine").unwrap();
    for form in FORMS {
        let error = write(&dataset, form, &to, &WriteOptions::default()).unwrap_err();
        assert!(matches!(error, DatasetError::Exists { .. }), "{error}");
    }
    let options = WriteOptions { overwrite: true, ..WriteOptions::default() };
    let (written, mut read) = write_and_read(&dataset, DatasetForm::Coco, &to, &options);
    // Once more from its own pictures, and with one box less.
    read.pictures[0].boxes.pop();
    let (again, read) = write_and_read(&read, DatasetForm::Coco, &to, &options);
    assert_eq!((again.boxes, again.path), (written.boxes - 1, written.path));
    assert_eq!(fs::read_to_string(to.join("notes.txt")).unwrap(), "mine");
    fs::write(to.join("data.yaml"), "names: [a]\nval: .").unwrap();
    let (written, _) = write_and_read(&read, DatasetForm::Voc, &to, &options);
    assert_eq!(written.path, to.join("Annotations"), "the folder itself would be taken for YOLO");
    for (one, other) in dataset.pictures.iter().zip(&read.pictures) {
        assert_eq!(fs::read(&one.path).unwrap(), fs::read(&other.path).unwrap());
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let full = three_pictures(&folder);
    let to = folder.path().join("to");
    let told = |dataset: &Dataset, form| write(dataset, form, &to, &WriteOptions::default()).unwrap_err().to_string();
    let no_classes = Dataset { classes: Vec::new(), ..full.clone() };
    assert!(told(&no_classes, DatasetForm::Yolo).contains("names of its classes"));
    for form in [DatasetForm::Coco, DatasetForm::Voc] {
        let (written, _) =
            write_and_read(&no_classes, form, &folder.path().join(format!("{form:?}")), &WriteOptions::default());
        assert_eq!((written.boxes, loss(&written, LossKind::UnusableBoxes)), (0, 3));
    }
    let empty = Dataset { pictures: Vec::new(), ..full };
    assert!(FORMS.iter().all(|form| told(&empty, *form).contains("nothing to write")) && !to.exists());
}

#[test]
fn numbers_used_twice_are_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = three_pictures(&folder);
    dataset.pictures[2].id = 100;
    dataset.classes[2].id = 7;
    let (written, read) =
        write_and_read(&dataset, DatasetForm::Coco, &folder.path().join("to"), &WriteOptions::default());
    assert_eq!(read.pictures.iter().map(|picture| picture.id).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((loss(&written, LossKind::PictureNumbers), loss(&written, LossKind::ClassNumbers)), (3, 3));
    assert_eq!(read.problems, []);
}

fn any_name() -> impl Strategy<Value = String> {
    let wild = proptest::collection::vec(any::<char>(), 1..20).prop_map(|chars| chars.into_iter().collect::<String>());
    let wild =
        wild.prop_filter("a file's name", |name| !name.contains(['/', '\0']) && !name.trim_matches('.').is_empty());
    prop_oneof![
        "[aAb]\\.(png|jpg)",
        "[ -.0-~]{1,12}\\.png".prop_filter("no folder", |name| !name.starts_with("..")),
        wild
    ]
}

fn any_box() -> impl Strategy<Value = LabelledBox> {
    let edge = prop_oneof![(-10_i32..60).prop_map(f64::from), -10.0..60.0];
    let length = prop_oneof![(0_i32..50).prop_map(f64::from), 0.0..50.0, 1e-30..1e-10];
    let sides = (edge.clone(), edge, length.clone(), length);
    let area = prop_oneof![Just(f64::NAN), 0.5..2000.0];
    (0_usize..5, sides, area, any::<bool>()).prop_map(|(class, (x, y, width, height), area, ignored)| LabelledBox {
        area: if area.is_nan() { width * height } else { area },
        ignored,
        ..labelled(class, [x, y, width, height])
    })
}

fn close(one: &LabelledBox, other: &LabelledBox, form: DatasetForm) -> bool {
    let edges = |b: &LabelledBox| [b.x, b.y, b.width, b.height];
    let near = edges(one).iter().zip(edges(other)).all(|(a, b)| (a - b).abs() <= ROUNDED);
    let area = form == DatasetForm::Yolo || (one.area - other.area).abs() <= 1e-6;
    near && area && one.class == other.class && one.ignored == other.ignored
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn anything_written_is_read_again(
        class_names in proptest::collection::vec(any::<String>(), 4),
        pictures in proptest::collection::vec((any_name(), proptest::collection::vec(any_box(), 0..6)), 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let classes = class_names.iter().zip(1..).map(|(name, id)| class(id, name)).collect();
        let dataset = dataset(&folder, classes, pictures);
        for form in FORMS {
            let (written, read) = write_and_read(&dataset, form, &folder.path().join(format!("{form:?}")), &WriteOptions::default());
            prop_assert!(grave(&read.problems).is_empty(), "{:?}: {:?}", form, read.problems);
            let expected = match form {
                DatasetForm::Voc => names::class_names(&dataset.classes),
                DatasetForm::Yolo => class_names.clone(),
                DatasetForm::Coco => dataset.classes.iter().map(|c| if c.name.trim().is_empty() { c.id.to_string() } else { c.name.clone() }).collect(),
            };
            prop_assert_eq!(read.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>(), expected);
            let mut lost = 0;
            for (was, now) in dataset.pictures.iter().zip(&read.pictures) {
                prop_assert_eq!((was.size, fs::read(&was.path).unwrap()), (now.size, fs::read(&now.path).unwrap()));
                // What is read are the boxes that were written, in their order, without those that were lost.
                let mut rest = was.boxes.iter();
                for found in &now.boxes {
                    prop_assert!(rest.any(|one| close(one, found, form)), "{:?}: {:?} of {:?}", form, found, was.boxes);
                }
                lost += was.boxes.len() - now.boxes.len();
            }
            let told = [LossKind::IgnoredBoxes, LossKind::UnusableBoxes, LossKind::SameBoxes];
            prop_assert_eq!(told.iter().map(|kind| loss(&written, *kind)).sum::<usize>(), lost);
        }
    }
}

#[test]
fn a_split_that_is_named_is_the_one_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = three_pictures(&folder);
    for (form, splits) in [(DatasetForm::Yolo, vec!["train", "val", "all"]), (DatasetForm::Voc, vec!["val", "all"])] {
        let (written, _) =
            write_and_read(&dataset, form, &folder.path().join(format!("{form:?}")), &WriteOptions::default());
        for split in splits {
            let options = OpenOptions { split: Some(split.to_owned()), ..OpenOptions::default() };
            let read = Dataset::open_with(&written.path, &options).unwrap();
            assert_eq!((read.pictures.len(), grave(&read.problems).len()), (3, 0), "{form:?} {split}");
        }
    }
}
