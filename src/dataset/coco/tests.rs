use super::*;
use crate::dataset::{Dataset, Problem};
use image::RgbImage;

/// What a json holds.
type Read = (Vec<DatasetClass>, Vec<LabelledPicture>, Vec<Problem>);

fn parse(text: &str) -> Result<Read, DatasetError> {
    let mut problems = Problems::default();
    let mut find = |name: &str| {
        if name.starts_with("gone") { Err("nowhere".to_owned()) } else { Ok(PathBuf::from(name)) }
    };
    let (classes, pictures) = read(text, Path::new("a.json"), &mut find, &mut problems)?;
    Ok((classes, pictures, problems.into_list()))
}

const HEAD: &str = r#"{"info": {"x": [1, {}]}, "images": [
    {"id": 7, "file_name": "a.jpg", "width": 100, "height": 50},
    {"id": 9, "file_name": "b.jpg", "width": "100", "height": 50.0},
    {"id": 8, "file_name": "gone.jpg", "width": 100, "height": 50}],
    "categories": [{"id": 1, "name": "person"}, {"id": 90, "name": "toothbrush"}], "annotations": ["#;

fn object(rest: &str) -> String {
    format!(r#"{{"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 30, 4.5], {rest}}}"#)
}

#[test]
fn objects_find_their_picture_and_class() {
    let text = format!("\u{feff}{HEAD}{}]}}", object(r#""iscrowd": 1, "area": 77.5, "segmentation": [[1, 2]]"#));
    let (classes, pictures, problems) = parse(&text).unwrap();
    assert_eq!(classes[1], DatasetClass { name: "toothbrush".to_owned(), id: 90 });
    assert_eq!(pictures.iter().map(|picture| picture.id).collect::<Vec<_>>(), [7, 9]);
    assert_eq!(pictures[1].size, ImageSize::new(100, 50));
    let want = LabelledBox { class: 1, x: 1.0, y: 2.0, width: 30.0, height: 4.5, area: 77.5, ignored: true };
    assert_eq!(pictures[0].boxes, [want]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].kind, ProblemKind::MissingPicture);
}

#[test]
fn broken_elements_are_counted_and_the_others_kept() {
    use ProblemKind::{DuplicateId, MissingPicture, NotABox, UnknownClass, UnknownPicture, UnreadableLabels};
    let one = |kind| vec![MissingPicture, kind];
    let with = |id: u32, picture: u32, class: u32, rect: &str| {
        format!(r#"{{"id": {id}, "image_id": {picture}, "category_id": {class}, "bbox": {rect}}}"#)
    };
    let good = with(1, 7, 1, "[1, 2, 30, 4]");
    let table = [
        (with(2, 7, 1, "[NaN, 2, 30, 4]"), one(NotABox), 1),
        (with(2, 7, 1, "[1, 2, Infinity, -Infinity]"), one(NotABox), 1),
        (with(2, 7, 1, "[1, 2, 3]"), one(NotABox), 1),
        (with(2, 7, 1, "[1, 2, -3, 4]"), one(NotABox), 1),
        (with(2, 7, 1, "null"), one(NotABox), 1),
        (with(2, 7, 1, "\"1 2 3 4\""), one(UnreadableLabels), 1),
        ("5".to_owned(), one(UnreadableLabels), 1),
        (r#"{"id": 2}"#.to_owned(), one(UnreadableLabels), 1),
        (with(2, 77, 1, "[1, 2, 3, 4]"), one(UnknownPicture), 1),
        (with(2, 7, 2, "[1, 2, 3, 4]"), one(UnknownClass), 1),
        (with(2, 8, 1, "[1, 2, 3, 4]"), vec![MissingPicture], 1),
        (with(1, 7, 1, "[1, 2, 3, 4]"), one(DuplicateId), 2),
        (good.clone(), one(DuplicateId), 1),
    ];
    for (element, kinds, boxes) in table {
        let (_, pictures, problems) = parse(&format!("{HEAD}{good}, {element}]}}")).unwrap();
        let mut found: Vec<_> = problems.iter().map(|problem| problem.kind).collect();
        found.sort();
        assert_eq!(found, kinds, "{element}: {problems:?}");
        assert_eq!(pictures[0].boxes.len(), boxes, "{element}");
    }
}

#[test]
fn a_json_that_breaks_off_gives_what_came_before() {
    let whole = format!("{HEAD}{}, {}]}}", object("\"area\": 1"), object("\"area\": 2"));
    let (_, pictures, problems) = parse(&whole[..whole.len() - 20]).unwrap();
    assert_eq!(pictures[0].boxes.len(), 1);
    assert!(problems.iter().any(|problem| problem.text.contains("breaks off")), "{problems:?}");
    for end in 0..whole.len() {
        let _ = parse(&whole[..end]);
    }
    for text in ["", "[]", "{", "5", "{\"images\": 5}", "{\"images\": []}", "[{\"image_id\": 1}]"] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("a.json"), "{text}: {error}");
    }
}

#[test]
fn ids_may_be_names_and_pictures_may_come_twice() {
    let text = r#"{"images": [{"id": "x", "file_name": "a.jpg", "width": 9, "height": 9},
        {"id": "12", "file_name": "b.jpg", "width": 9, "height": 9},
        {"id": "12", "file_name": "c.jpg", "width": 9, "height": 9},
        {"id": 3, "file_name": "a.jpg", "width": 9, "height": 9}],
        "categories": [{"id": 0, "name": ""}, {"id": 0, "name": "b"}],
        "annotations": [{"image_id": "x", "category_id": 0, "bbox": [0, 0, 1, 1]},
        {"image_id": 12, "category_id": "0", "bbox": [0, 0, 2, 1]},
        {"image_id": 3.0, "category_id": 0, "bbox": [0, 0, 3, 1]}]}"#;
    let (classes, pictures, problems) = parse(text).unwrap();
    assert_eq!(classes, [DatasetClass { name: "0".to_owned(), id: 0 }]);
    let told: Vec<_> = pictures.iter().map(|picture| (picture.id, picture.boxes.len())).collect();
    assert_eq!(told, [(0, 2), (1, 1)]);
    let kinds: Vec<_> = problems.iter().map(|problem| problem.kind).collect();
    use ProblemKind::{DuplicateId, DuplicatePicture};
    assert_eq!(kinds, [DuplicateId, DuplicateId, DuplicatePicture]);
}

#[test]
fn pictures_are_found_where_json_files_keep_them() {
    for (json, picture) in [
        ("instances.json", "a.jpg"),
        ("instances_val.json", "images/a.jpg"),
        ("instances_val.json", "images/val/a.jpg"),
        ("annotations/instances_val2017.json", "val2017/a.jpg"),
        ("annotations/instances_val2017.json", "images/val2017/a.jpg"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (json, picture) = (folder.path().join(json), folder.path().join(picture));
        for file in [&json, &picture] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        }
        RgbImage::new(40, 30).save(&picture).unwrap();
        std::fs::write(&json, r#"{"images": [{"id": 1, "file_name": "a.jpg"}]}"#).unwrap();
        let dataset = Dataset::open(&json, None).unwrap();
        assert_eq!(dataset.pictures[0].size, ImageSize::new(40, 30), "{}", picture.display());
        let elsewhere = tempfile::tempdir().unwrap();
        let error = Dataset::open(&json, Some(elsewhere.path())).unwrap_err().to_string();
        assert!(error.contains("--images DIR"), "{error}");
    }
}
