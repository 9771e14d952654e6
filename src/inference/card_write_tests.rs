use super::*;
use crate::imaging::ResizeMode;
use crate::inference::{ClassNumbers, ColorOrder, Head, Layout};
use proptest::prelude::*;

const WRITTEN: &str = r#"# The detector of the gate camera.
# Two lines of it.
color = "bgr"   # as it was trained

# trained by hand
scale = 0.00392156862745098
pad = 0
labels = "gate.names"

[about]
licence = "MIT" # ours
"#;

fn saved(card: &CardOverrides, before: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, before).unwrap();
    card.save(&path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    std::fs::read_to_string(&path).unwrap()
}

fn written() -> CardOverrides {
    CardOverrides::parse(WRITTEN, Path::new("")).unwrap()
}

/// As [`saved`], but of what was read from the file itself.
fn changed(change: impl FnOnce(&mut CardOverrides)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, WRITTEN).unwrap();
    let mut card = CardOverrides::read(&path).unwrap().detached();
    change(&mut card);
    card.save(&path).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

#[test]
fn what_does_not_change_stays_as_it_is_written() {
    assert_eq!(changed(|_| {}), WRITTEN);
}

#[test]
fn only_what_changes_is_touched_and_comments_stay() {
    let text = changed(|card| {
        card.color = Some(ColorOrder::Rgb);
        card.resize = Some(ResizeMode::Stretch);
    });
    let want = WRITTEN
        .replace("\"bgr\"", "\"rgb\"")
        .replace("labels = \"gate.names\"\n", "labels = \"gate.names\"\nresize = \"stretch\"\n");
    assert_eq!(text, want);
}

#[test]
fn comments_above_a_line_that_goes_are_kept() {
    let text = changed(|card| {
        card.color = None;
        card.scale = None;
    });
    for kept in ["# The detector of the gate camera.", "# Two lines of it.", "# trained by hand", "[about]", "# ours"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(!text.contains("color") && !text.contains("scale"));
    let all_gone = changed(|card| *card = CardOverrides::default());
    assert!(all_gone.contains("# The detector") && all_gone.contains("licence = \"MIT\""), "{all_gone}");
    assert!(CardOverrides::parse(&all_gone, Path::new("")).unwrap().keys().is_empty());
}

#[test]
fn a_new_card_holds_what_is_set_and_no_more() {
    let card = CardOverrides {
        head: Some(Head::Yolox),
        input_size: Some([640, 416]),
        scale: Some(1.0 / 255.0),
        mean: Some([0.485, 0.0, 1.0]),
        nms: Some(false),
        ..CardOverrides::default()
    };
    let want =
        "head = \"yolox\"\nnms = false\ninput_size = [640, 416]\nscale = 0.003921569\nmean = [0.485, 0.0, 1.0]\n";
    assert_eq!(card.to_toml(), want);
    assert_eq!(saved(&card, ""), want);
    assert_eq!(card.keys(), ["head", "nms", "input_size", "scale", "mean"]);
}

#[test]
fn a_file_that_is_no_card_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    for text in ["colour = 1", "[[[", "head = \"yolo99\""] {
        std::fs::write(&path, text).unwrap();
        let error = written().save(&path).unwrap_err().to_string();
        assert!(error.contains("m.toml"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    let error = written().save(&folder.path().join("none/m.toml")).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
    let zero = CardOverrides { std: Some([0.0; 3]), ..CardOverrides::default() };
    assert!(
        zero.save(&folder.path().join("n.toml")).unwrap_err().to_string().starts_with("what was set by hand has std")
    );
}

#[test]
fn anchors_are_written_as_they_are_read() {
    let card = CardOverrides::parse("anchors = [[10,13, 16.5,30], [30,61, 62,45]]", Path::new("")).unwrap();
    assert_eq!(card.to_toml(), "anchors = [[10.0, 13.0, 16.5, 30.0], [30.0, 61.0, 62.0, 45.0]]\n");
    assert_eq!(CardOverrides::parse(&card.to_toml(), Path::new("")).unwrap().anchors, card.anchors);
    assert_eq!(card.keys(), ["anchors"]);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_card_and_the_card_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
    std::fs::write(&real, "pad = 1").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    CardOverrides { pad: Some(2), ..CardOverrides::default() }.save(&link).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(CardOverrides::read(&real).unwrap().pad, Some(2));
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&real), mode(&plain));
}

fn finite() -> impl Strategy<Value = f32> {
    prop_oneof![prop::num::f32::NORMAL, Just(0.0f32), Just(1.0 / 255.0), -300.0f32..300.0]
}

fn three() -> impl Strategy<Value = Option<[f32; 3]>> {
    prop::option::of([finite(), finite(), finite()])
}

fn labels() -> impl Strategy<Value = Option<CardLabels>> {
    let names = prop::collection::vec("[^\u{0}]{0,12}", 0..5).prop_map(CardLabels::Names);
    let file = "[a-z0-9 äß'\"]{1,12}\\.names".prop_map(|name| CardLabels::File(name.into()));
    prop::option::of(prop_oneof![names, file])
}

fn cards() -> impl Strategy<Value = CardOverrides> {
    let words = (
        prop::option::of(prop::sample::select(Head::ALL)),
        prop::option::of(prop::sample::select(&ClassNumbers::ALL[..])),
        prop::option::of(any::<bool>()),
        prop::option::of([1u32..=8192, 1u32..=8192]),
        prop::option::of(prop::sample::select(&Layout::ALL[..])),
        prop::option::of(prop::sample::select(&ColorOrder::ALL[..])),
    );
    let scale = prop::option::of(finite().prop_filter("not 0", |scale| *scale != 0.0));
    let std = three().prop_filter("not 0", |std| std.is_none_or(|std| std.iter().all(|value| *value != 0.0)));
    let numbers = (scale, three(), std, prop::option::of(any::<u8>()), labels());
    let resize = prop::option::of(prop::sample::select(&ResizeMode::ALL[..]));
    (words, numbers, resize).prop_map(|(words, numbers, resize)| {
        let (head, class_numbers, nms, input_size, layout, color) = words;
        let (scale, mean, std, pad, labels) = numbers;
        CardOverrides {
            head,
            class_numbers,
            nms,
            input_size,
            layout,
            color,
            scale,
            mean,
            std,
            resize,
            pad,
            labels,
            ..CardOverrides::default()
        }
    })
}

proptest! {
    #[test]
    fn what_is_saved_is_read_again(first in cards(), second in cards()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.toml");
        std::fs::write(&path, "# a note\n[about]\nlicence = \"MIT\"\n").unwrap();
        for card in [first, second] {
            // Where names are of files, they are of files beside the card.
            let card = CardOverrides { path: path.clone(), ..card };
            card.save(&path).unwrap();
            let read = CardOverrides::read(&path).unwrap();
            prop_assert_eq!(read.about.as_ref().map(|about| about.len()), Some(1));
            prop_assert_eq!(CardOverrides { about: None, ..read }, card.clone());
            let text = std::fs::read_to_string(&path).unwrap();
            prop_assert!(text.contains("# a note"));
            let elsewhere = CardOverrides::parse(&card.to_toml(), Path::new("")).unwrap();
            prop_assert_eq!(elsewhere.label_file(), card.label_file());
            prop_assert_eq!(elsewhere.keys(), card.keys());
        }
    }
}
