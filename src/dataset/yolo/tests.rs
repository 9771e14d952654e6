use crate::dataset::test_files::{picture, write};
use crate::dataset::{Dataset, OpenOptions, ProblemKind};
use std::fs;

fn dataset_of(yaml: &str, pictures: &[&str], labels: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "data.yaml", yaml);
    pictures.iter().for_each(|name| picture(folder.path(), name));
    labels.iter().for_each(|name| write(folder.path(), name, "1 0.5 0.5 0.5 0.5\n"));
    folder
}

#[test]
fn splits_are_folders_lists_or_several() {
    let table: [(&str, &[&str], &[&str]); 7] = [
        (
            "val: images/val",
            &["images/val/a.png", "images/val/deep/b.png"],
            &["labels/val/a.txt", "labels/val/deep/b.txt"],
        ),
        ("path: sets\nval: [one, two]", &["sets/one/a.png", "sets/two/b.png"], &["sets/one/a.txt", "sets/two/b.txt"]),
        (
            "path: /gone\ntest: ../test/images",
            &["test/images/a.png", "test/images/b.png"],
            &["test/labels/a.txt", "test/labels/b.txt"],
        ),
        ("valid: val.txt", &["images/a.png", "images/b.png"], &["labels/a.txt", "labels/b.txt"]),
        ("train: lists/val.txt", &["images/a.png", "images/b.png"], &["labels/a.txt", "labels/b.txt"]),
        ("val: images\ntrain: gone", &["images/a.png", "images/b.png"], &["labels/a.txt", "images/b.txt"]),
        ("val: .", &["a.png", "b.png"], &["a.txt", "b.txt"]),
    ];
    for (yaml, pictures, labels) in table {
        let folder = dataset_of(&format!("names: [cat, dog]\n{yaml}\n"), pictures, labels);
        let list: String = pictures.iter().map(|name| format!("./{name}\n\n")).collect();
        write(folder.path(), "val.txt", &list);
        write(folder.path(), "lists/val.txt", &list);
        let dataset = Dataset::open(&folder.path().join("data.yaml"), None).unwrap();
        assert_eq!(dataset.problems, [], "{yaml}");
        let boxes: Vec<_> = dataset.pictures.iter().map(|picture| picture.boxes.len()).collect();
        assert_eq!(boxes, [1, 1], "{yaml}");
        let found = dataset.pictures[0].boxes[0];
        assert_eq!((found.class, found.x, found.y, found.width, found.height), (1, 10.0, 5.0, 20.0, 10.0));
        assert_eq!(Dataset::open(folder.path(), None).unwrap().pictures.len(), 2, "the folder stands for its yaml");
    }
}

#[test]
fn a_split_can_be_chosen() {
    let pictures = ["images/val/a.png", "images/train/b.png", "images/train/c.png"];
    let labels = ["labels/val/a.txt", "labels/train/b.txt", "labels/train/c.txt"];
    let folder = dataset_of("names: [cat, dog]\ntrain: images/train\nval: images/val\n", &pictures, &labels);
    for (split, count) in [(None, 1), (Some("val"), 1), (Some("train"), 2), (Some("all"), 3)] {
        let options = OpenOptions { split: split.map(str::to_owned), ..OpenOptions::default() };
        assert_eq!(Dataset::open_with(folder.path(), &options).unwrap().pictures.len(), count, "{split:?}");
    }
    let options = OpenOptions { split: Some("test".to_owned()), ..OpenOptions::default() };
    let error = Dataset::open_with(folder.path(), &options).unwrap_err().to_string();
    assert!(error.contains("\"test\"") && error.contains("train, val"), "{error}");
}

#[test]
fn what_is_missing_is_told_and_the_rest_used() {
    let folder = dataset_of("names: [cat, dog]\nval: val.txt\n", &["images/a.png", "images/b.png"], &["labels/a.txt"]);
    write(folder.path(), "val.txt", "images/a.png\n./images/a.png\nimages/gone.png\nimages/b.png\nimages/no.png\n");
    write(folder.path(), "images/no.png", "no picture");
    let dataset = Dataset::open(folder.path(), None).unwrap();
    assert_eq!(dataset.pictures.len(), 2);
    let kinds: Vec<_> = dataset.problems.iter().map(|problem| problem.kind).collect();
    use ProblemKind::{DuplicatePicture, EmptyLabels, MissingPicture};
    assert_eq!(kinds, [MissingPicture, DuplicatePicture, EmptyLabels, MissingPicture]);

    fs::remove_dir_all(folder.path().join("labels")).unwrap();
    let error = Dataset::open(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("none of its 2 pictures has a label file") && error.contains("a.txt"), "{error}");
    fs::remove_file(folder.path().join("val.txt")).unwrap();
    let error = Dataset::open(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("val.txt") && error.contains("--images DIR"), "{error}");
}
