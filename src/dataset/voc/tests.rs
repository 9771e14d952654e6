use crate::dataset::test_files::{picture, write};
use crate::dataset::{Dataset, OpenOptions, ProblemKind};
use std::fs;

fn xml(file_name: &str, class: &str) -> String {
    format!(
        "<annotation><filename>{file_name}</filename><object><name>{class}</name>\
         <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>20</ymax></bndbox></object></annotation>"
    )
}

#[test]
fn every_layout_is_understood() {
    for (labels, pictures, opened) in [
        ("Annotations", "JPEGImages", ""),
        ("Annotations", "JPEGImages", "Annotations"),
        ("Annotations", "images", ""),
        ("labels", "labels", "labels"),
        ("labels", "images", "labels"),
        ("labels", "labels/images", "labels"),
        ("valid", "valid", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, &format!("{labels}/a.xml"), &xml("a.png", "dog"));
        write(root, &format!("{labels}/b.xml"), &xml("wrong name", "cat"));
        picture(root, &format!("{pictures}/a.png"));
        picture(root, &format!("{pictures}/b.PNG"));
        let dataset = Dataset::open(&root.join(opened), None).unwrap();
        let names: Vec<_> = dataset.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!((names, dataset.problems), (vec!["cat", "dog"], vec![]), "{labels} {pictures}");
        let found = dataset.pictures[0].boxes[0];
        assert_eq!((found.class, found.x, found.y, found.width, found.height), (1, 0.0, 0.0, 40.0, 20.0));
    }
}

#[test]
fn sets_choose_and_problems_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a", "b", "c", "d", "e"] {
        write(root, &format!("Annotations/{name}.xml"), &xml(&format!("{name}.png"), "dog"));
        picture(root, &format!("JPEGImages/{name}.png"));
    }
    fs::remove_file(root.join("JPEGImages/b.png")).unwrap();
    write(root, "Annotations/c.xml", "<annotation></annotation>");
    fs::write(root.join("Annotations/d.xml"), b"no \xff xml").unwrap();
    write(root, "Annotations/e.xml", &xml("e.png", ""));
    write(root, "ImageSets/Main/val.txt", "b\nc\nd\ne 1\n");
    write(root, "ImageSets/Main/train.txt", "a -1\n");
    write(root, "labels.txt", "person\n\ndog\n");
    let dataset = Dataset::open(root, None).unwrap();
    assert_eq!(dataset.pictures.len(), 2);
    assert_eq!(dataset.classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["person", "dog"]);
    let kinds: Vec<_> = dataset.problems.iter().map(|problem| problem.kind).collect();
    use ProblemKind::{EmptyLabels, MissingPicture, UnknownClass, UnreadableLabels};
    assert_eq!(kinds, [MissingPicture, UnreadableLabels, EmptyLabels, UnknownClass]);
    let open = |split: &str| {
        Dataset::open_with(root, &OpenOptions { split: Some(split.to_owned()), ..OpenOptions::default() })
    };
    assert_eq!(open("train").unwrap().pictures.len(), 1);
    assert_eq!(open("all").unwrap().pictures.len(), 3);
    assert!(open("test").unwrap_err().to_string().contains("train, val"));
}

#[test]
fn what_is_no_dataset_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    picture(root, "pictures/a.png");
    write(root, "yolo/a.txt", "0 0.5 0.5 1 1");
    write(root, "list.txt", "a.png");
    write(root, "m.onnx", "x");
    write(root, "two/a.json", "{}");
    write(root, "two/b.json", "{}");
    fs::create_dir(root.join("empty")).unwrap();
    for (name, part) in [
        ("pictures", "1 pictures without labels"),
        ("pictures/a.png", "a picture without labels"),
        ("yolo", "without their data.yaml"),
        ("list.txt", "data.yaml"),
        ("m.onnx", "--model"),
        ("two", "2 json files"),
        ("empty", "without labels"),
        ("gone", "no such dataset"),
    ] {
        let error = Dataset::open(&root.join(name), None).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(name), "{name}: {error}");
    }
}
