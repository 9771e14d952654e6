use super::*;
use crate::capture::ControlSetting;

fn store() -> (tempfile::TempDir, SettingsStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SettingsStore::locate(Some(folder.path().join("deep/config")));
    (folder, store)
}

#[test]
fn everything_survives_a_round_trip() {
    let (_folder, store) = store();
    assert_eq!(store.load(), (Settings::default(), Found::Nothing));
    let settings = Settings {
        source: Some(SourceSpec::Camera(3)),
        model_a: Some("models/ä b.onnx".into()),
        model_b: Some("models/b.int8.onnx".into()),
        active: LaneId::B,
        compare: false,
        layout: CompareLayout::Overlay,
        divider: 0.25,
        pair_twins: false,
        threads: Some(1),
        accelerate: false,
        model_threads: BTreeMap::from([("/m/ä \"b\".onnx".to_owned(), 1)]),
        looping: false,
        theme: ThemeChoice::Light,
        welcome_dismissed: true,
        hidden_classes: BTreeSet::from(["stop".to_owned()]),
        thresholds: Thresholds { confidence: 0.5, iou: 0.75 },
        agreement_frames: 1000,
        worst_strip: true,
        camera: CameraWish { format: Some("MJPG".to_owned()), size: Some(ImageSize::new(1280, 720)), rate: Some(30.0) },
        camera_controls: ControlMemory::from([(
            "Webcam \"C\" 270.é".to_owned(),
            vec![ControlSetting { id: 0x009a_0901, value: 1 }, ControlSetting { id: 0x0098_0900, value: -64 }],
        )]),
        recent_datasets: vec!["/data/instances.json".into(), "/data/voc".into()],
        recent_labels: vec!["/frames".into()],
        recording: RecordingSettings { frames: true, folder: Some("/videos".into()), ..RecordingSettings::default() },
        window: WindowPlace { width: 900.0, height: 600.0, maximized: true },
        ..Settings::default()
    };
    store.save(&settings).unwrap();
    assert_eq!(store.load(), (settings, Found::File));
    let left: Vec<_> = std::fs::read_dir(store.path().parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[test]
fn a_damaged_file_is_kept_beside_and_defaults_are_used() {
    for damage in [&b"compare = maybe"[..], b"\xff\xfe\x00", b"[[[", b"version = 1\ncompare = 7"] {
        let (_folder, store) = store();
        store.save(&Settings::default()).unwrap();
        std::fs::write(store.path(), damage).unwrap();
        let (settings, found) = store.load();
        assert_eq!(settings, Settings::default());
        let Found::Damaged(aside) = found else { panic!("{found:?}") };
        assert_eq!(std::fs::read(aside).unwrap(), damage);
        assert_eq!(store.load().1, Found::Nothing);
    }
}

#[test]
fn a_folder_in_the_place_of_the_file_does_not_stop_the_start() {
    let (_folder, store) = store();
    std::fs::create_dir_all(store.path()).unwrap();
    let (settings, found) = store.load();
    assert_eq!(settings, Settings::default());
    assert!(matches!(found, Found::Damaged(_)));
    store.save(&settings).unwrap();
    assert_eq!(store.load().1, Found::File);
}

#[test]
fn an_older_and_a_newer_file_are_read_as_far_as_they_go() {
    let (_folder, store) = store();
    std::fs::create_dir_all(store.path().parent().unwrap()).unwrap();
    std::fs::write(store.path(), "version = 0\ncompare = false\n").unwrap();
    let (settings, found) = store.load();
    assert_eq!(settings, Settings { compare: false, ..Settings::default() });
    assert_eq!(found, Found::File);
    std::fs::write(store.path(), "version = 99\nlooping = false\nfrom_the_future = [1, 2]\n").unwrap();
    assert_eq!(store.load().0, Settings { looping: false, ..Settings::default() });
}

#[test]
fn values_out_of_range_are_brought_back() {
    let settings = Settings {
        divider: f32::NAN,
        thresholds: Thresholds { confidence: -3.0, iou: f32::INFINITY },
        threads: Some(100_000),
        model_threads: (0..300).map(|number| (format!("/m/{number:03}.onnx"), 0)).collect(),
        agreement_frames: 0,
        camera: CameraWish { format: None, size: Some(ImageSize::new(0, 9)), rate: Some(-1.0) },
        window: WindowPlace { width: 1.0, height: 1e9, maximized: false },
        ..Settings::default()
    }
    .sanitized();
    assert_eq!(settings.divider, 0.5);
    assert_eq!(settings.thresholds, Thresholds { confidence: 0.0, iou: Thresholds::default().iou });
    assert_eq!(settings.threads, Some(most_threads()));
    assert_eq!(settings.model_threads.len(), MODELS_WITH_THREADS);
    assert_eq!(settings.threads_of(Path::new("/m/007.onnx")), Some(1));
    assert_eq!(settings.agreement_frames, 10);
    assert_eq!(settings.camera, CameraWish::default());
    assert_eq!((settings.window.width, settings.window.height), (640.0, 16_384.0));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let store = SettingsStore::locate(Some(file.join("config")));
    assert!(store.save(&Settings::default()).is_err());
}
