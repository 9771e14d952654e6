use super::*;

fn parse(text: &str) -> Result<CardOverrides, CardError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    CardOverrides::read(&path)
}

const FULL: &str = r#"
head = "yolox"                        # a comment
input_size = [640, 416]
layout = "nhwc"
color = "bgr"
scale = 1
mean = [0, 1.5, 2]
std = [1, 1, 1]
resize = "letterbox_top_left"
pad = 114
labels = "coco.names"
"#;

fn recognised() -> ModelCard {
    ModelCard {
        scale: 0.5,
        mean: [9.0; 3],
        std: [9.0; 3],
        resize: ResizeMode::Stretch,
        pad: 0,
        labels: vec!["kept".into()],
        ..ModelCard::usual(Head::YoloV8, ImageSize::new(1, 1))
    }
}

#[test]
fn every_key_is_read_and_applied() {
    let overrides = parse(FULL).unwrap();
    let mut card = recognised();
    let keys = overrides.apply(&mut card);
    assert_eq!(keys, ["head", "input_size", "layout", "color", "scale", "mean", "std", "resize", "pad"]);
    let want = ModelCard {
        layout: Layout::Nhwc,
        color: ColorOrder::Bgr,
        scale: 1.0,
        mean: [0.0, 1.5, 2.0],
        resize: ResizeMode::LetterboxTopLeft,
        labels: vec!["kept".into()],
        ..ModelCard::usual(Head::Yolox, ImageSize::new(640, 416))
    };
    assert_eq!(card, want);
    assert!(overrides.label_file().unwrap().ends_with("coco.names"));
    assert!(overrides.label_file().unwrap().is_absolute());
}

#[test]
fn a_scale_alone_drops_the_mean_of_another_scale() {
    let fed = |text: &str| {
        let mut card = ModelCard { scale: 1.0 / 255.0, mean: [0.4; 3], std: [0.2; 3], ..recognised() };
        parse(text).unwrap().apply(&mut card);
        (card.scale, card.mean[0], card.std[0])
    };
    assert_eq!(fed("scale = 1"), (1.0, 0.0, 1.0));
    assert_eq!(fed("scale = 1\nmean = [3, 3, 3]"), (1.0, 3.0, 1.0));
    assert_eq!(fed("mean = [0.3, 0.3, 0.3]"), (1.0 / 255.0, 0.3, 0.2));
}

#[test]
fn an_empty_card_sets_nothing_and_labels_may_be_a_list() {
    assert_eq!(CardOverrides { path: PathBuf::new(), ..parse("").unwrap() }, CardOverrides::default());
    let card = parse("labels = [\"cat\", \"dog\"]").unwrap();
    assert_eq!(card.labels, Some(CardLabels::Names(vec!["cat".into(), "dog".into()])));
    assert_eq!(card.label_file(), None);
}

#[test]
fn anchors_are_applied() {
    let overrides = parse("anchors = [[10,13, 16,30, 33,23], [30,61, 62,45, 59,119]]").unwrap();
    let mut card = ModelCard {
        scale: 1.0,
        resize: ResizeMode::Stretch,
        pad: 0,
        ..ModelCard::usual(Head::YoloV5Grids, ImageSize::new(64, 64))
    };
    assert_eq!(overrides.apply(&mut card), ["anchors"]);
    assert_eq!(card.anchors.unwrap().row(1).unwrap()[2], [59.0, 119.0]);
}

#[test]
fn mistakes_are_named_in_one_line() {
    for (text, words) in [
        ("pad = 1\ncolour = \"bgr\"", &["line 2", "colour", "color", "input_size"][..]),
        ("head = \"yolo99\"", &["line 1", "yolo99", "yolov8", "boxes_scores_unit"]),
        ("pad = 300", &["300"]),
        ("mean = [0, 0]", &["line 1", "3"]),
        ("head =", &["line 1"]),
        ("labels = 3", &["a file beside the card or a list of names"]),
        ("input_size = [0, 416]", &["input_size", "[0, 416]", "8192"]),
        ("input_size = [99999, 416]", &["input_size"]),
        ("pad = 1\nanchors = [[10, 13, 16]]", &["line 2", "a width without a height"]),
        ("std = [1, 0, 1]", &["std", "other than 0"]),
        ("scale = nan", &["scale", "NaN"]),
        ("mean = [inf, 0, 0]", &["mean", "finite"]),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("m.toml") && !error.contains('\n'), "{error}");
        for word in words {
            assert!(error.contains(word), "{word:?} in {error:?}");
        }
    }
}

#[test]
fn a_model_finds_its_own_card_before_its_familys() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("scene.int8.onnx");
    assert_eq!(CardOverrides::beside(&model).unwrap(), None);
    std::fs::write(folder.path().join("scene.toml"), "pad = 1").unwrap();
    assert_eq!(CardOverrides::beside(&model).unwrap().unwrap().pad, Some(1));
    std::fs::write(folder.path().join("scene.int8.toml"), "pad = 2").unwrap();
    assert_eq!(CardOverrides::beside(&model).unwrap().unwrap().pad, Some(2));
    std::fs::write(folder.path().join("scene.int8.toml"), "pad = x").unwrap();
    assert!(CardOverrides::beside(&model).is_err(), "a damaged card is not passed over");
}

#[test]
fn where_sidecars_lie() {
    let paths = |model: &str| {
        let found = sidecar_paths(Path::new(model));
        found.iter().map(|p| p.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(paths("models/scene.int8.onnx"), ["models/scene.int8.toml", "models/scene.toml"]);
    assert_eq!(paths("scene.onnx"), ["scene.toml"]);
    assert_eq!(paths("scene"), ["scene.toml"]);
    assert_eq!(paths("models/.hidden.onnx"), ["models/.hidden.toml"]);
}
