//! A window on a pipeline that the test plays.

use crossbeam_channel::{Receiver, bounded};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use quantscope::app::{
    Advise, App, CameraChoice, CameraFormatChoice, DialogKind, Evaluate, OpenCatalog, Picked, ProbeRow, Propose,
    Quantize, Services, Settings, SettingsStore, StartOptions, TwinChoice, Variant,
};
use quantscope::capture::{CapturedFrame, SourceInfo, SourceKind, SourceSpec};
use quantscope::imaging::{BoxInImage, ImageSize, ResizeMode, RgbImage};
use quantscope::inference::accelerate::PictureForm;
use quantscope::inference::probe::Progress;
use quantscope::inference::{
    Acceleration, Detection, Head, LabelSource, ModelCard, ModelInfo, ModelOverrides, Precision, StageTimings,
};
use quantscope::onnx::Quantization;
use quantscope::pipeline::{
    AgreementStatistics, Command, Event, FrameAgreement, FrameId, FrameResult, LaneAccuracy, LaneId, LaneResult,
    LaneStatistics, LatencySummary, Link, LinkPeer, Mode, Statistics,
};
use quantscope::runtime::catalog::CatalogError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait for background work.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the window is to start.
pub struct Setup {
    pub size: [f32; 2],
    pub settings: Option<Settings>,
    pub options: StartOptions,
    pub picked: Picked,
    pub twin: Option<TwinChoice>,
    /// The files of every model's family; empty: families are not searched.
    pub family: Vec<Variant>,
    pub cameras: Vec<CameraChoice>,
    /// The catalog; none: one that cannot be opened.
    pub catalog: Option<OpenCatalog>,
    /// What a search for a preprocessing finds.
    pub probed: Result<Option<Vec<ProbeRow>>, String>,
    /// Looks for the best number of threads; none: as the program does.
    pub advise: Option<Advise>,
    /// Evaluates; none: as the program does.
    pub evaluate: Option<Evaluate>,
    /// Quantizes; none: as the program does.
    pub quantize: Option<Quantize>,
    /// Proposes boxes; none: as the program does.
    pub propose: Option<Propose>,
    /// Called with the folder of the settings before the window starts.
    pub prepare: fn(&Path),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            size: [1400.0, 900.0],
            settings: Some(Settings { welcome_dismissed: true, ..Settings::default() }),
            options: StartOptions {
                default_models: [Some("/models/a.onnx".into()), Some("/models/a.int8.onnx".into())],
                ..StartOptions::default()
            },
            picked: Picked::Cancelled,
            twin: None,
            family: Vec::new(),
            cameras: vec![camera()],
            catalog: None,
            probed: Ok(None),
            advise: None,
            evaluate: None,
            quantize: None,
            propose: None,
            prepare: |_| {},
        }
    }
}

/// The window and its other end.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub peer: LinkPeer,
    pub folder: tempfile::TempDir,
    pub asked: Arc<Mutex<Vec<DialogKind>>>,
    woken: Receiver<()>,
}

impl Window {
    /// A window that has just started.
    pub fn open(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        if let Some(settings) = &setup.settings {
            SettingsStore::locate(Some(config.clone())).save(settings).unwrap();
        }
        std::fs::create_dir_all(&config).unwrap();
        (setup.prepare)(&config);
        let mut options = setup.options;
        options.config_dir = Some(config);
        options.snapshot_dir = Some(folder.path().join("pictures"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (cameras, twin, picked) = (setup.cameras, setup.twin, setup.picked);
        let mut services = Services::new(move || cameras.clone(), move |_| twin.clone());
        let probed = setup.probed;
        services.probe = Arc::new(move |_, tell| {
            let progress = Progress { done: 1, of: 30 };
            if tell(progress).is_break() { Ok(None) } else { probed.clone() }
        });
        if let Some(advise) = setup.advise {
            services.advise = advise;
        }
        if let Some(evaluate) = setup.evaluate {
            services.evaluate = evaluate;
        }
        if let Some(quantize) = setup.quantize {
            services.quantize = quantize;
        }
        if let Some(propose) = setup.propose {
            services.propose = propose;
        }
        let family = setup.family;
        if !family.is_empty() {
            services = services.with_families(move |_| family.clone());
        }
        services.open_catalog = setup.catalog.unwrap_or_else(|| Arc::new(|| Err(CatalogError::NoFolder)));
        let asked_by_window = Arc::clone(&asked);
        services.pick_path = Arc::new(move |kind| {
            asked_by_window.lock().unwrap().push(kind.clone());
            picked.clone()
        });
        let (link, peer) = Link::pair();
        let (wake, woken) = bounded(64);
        let harness = Harness::builder().with_size(setup.size).with_max_steps(8).build_eframe(move |context| {
            let wake = Arc::new(move || wake.try_send(()).unwrap_or_default());
            App::new(&context.egui_ctx, options, services, link, wake).unwrap()
        });
        Self { harness, peer, folder, asked, woken }
    }

    /// A window with two models, a demo source and a frame, and no command left to read.
    pub fn running(setup: Setup) -> Self {
        let mut window = Self::open(setup);
        window.load_models();
        window.tell(source_opened(SourceKind::Demo));
        window.publish(frame(1, Mode::Compare));
        window.settle();
        window.commands();
        window
    }

    pub fn load_models(&mut self) {
        let (a, b) = (model("/models/a.onnx", Precision::Fp32), model("/models/a.int8.onnx", Precision::Int8));
        self.tell(Event::ModelLoaded { lane: LaneId::A, info: a });
        self.tell(Event::ModelLoaded { lane: LaneId::B, info: b });
    }

    pub fn tell(&mut self, event: Event) {
        self.peer.events.send(event).unwrap();
        self.harness.run();
    }

    pub fn publish(&mut self, result: FrameResult) {
        self.peer.results.publish(Arc::new(result));
        self.harness.run();
    }

    /// Waits for the cameras, the first background work of every window.
    pub fn settle(&mut self) {
        self.background();
    }

    /// Waits for one piece of background work and lets the window take what came of it.
    pub fn background(&mut self) {
        self.woken.recv_timeout(PATIENCE).expect("background work ends");
        self.harness.run();
    }

    /// Waits for background work until something is to be seen.
    pub fn until(&mut self, seen: impl Fn(&Self) -> bool) {
        self.until_within(PATIENCE, seen);
    }

    /// The same for work that takes its time.
    pub fn until_within(&mut self, patience: Duration, seen: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !seen(self) {
            assert!(start.elapsed() < patience, "it is not to be seen");
            let _ = self.woken.recv_timeout(Duration::from_millis(20));
            self.harness.run();
        }
    }

    /// Commands since the last call, as text.
    pub fn commands(&self) -> Vec<String> {
        self.peer.commands.try_iter().map(|command| format!("{command:?}")).collect()
    }

    /// Clicks a control that is in view.
    pub fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run();
    }

    pub fn sees(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    pub fn press(&mut self, key: eframe::egui::Key) {
        self.harness.key_press(key);
        self.harness.run();
    }

    /// Drops a file onto the window.
    pub fn drop_file(&mut self, path: &str) {
        self.harness.input_mut().dropped_files = vec![Arc::new(Dropped(path.into()))];
        self.harness.run();
    }

    /// The settings as the next start would read them.
    pub fn saved(mut self) -> Settings {
        let store = SettingsStore::locate(Some(self.folder.path().join("config")));
        let mut storage = NoStorage;
        eframe::App::save(self.harness.state_mut(), &mut storage);
        store.load().0
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window reads no files".to_owned())
    }
}

struct NoStorage;

impl eframe::Storage for NoStorage {
    fn get_string(&self, _key: &str) -> Option<String> {
        None
    }
    fn set_string(&mut self, _key: &str, _value: String) {}
    fn remove_string(&mut self, _key: &str) {}
    fn flush(&mut self) {}
}

pub fn camera() -> CameraChoice {
    let format = |fourcc: &str, width, height| CameraFormatChoice {
        fourcc: fourcc.to_owned(),
        size: ImageSize::new(width, height),
        rates: vec![15.0, 30.0],
    };
    let formats = vec![format("YUYV", 640, 480), format("MJPG", 1280, 720)];
    CameraChoice { number: 0, name: "Front camera".to_owned(), formats }
}

pub fn source_opened(kind: SourceKind) -> Event {
    let spec = match kind {
        SourceKind::Demo => SourceSpec::Demo,
        SourceKind::Camera => SourceSpec::Camera(0),
        _ => SourceSpec::Path("/videos/street.mp4".into()),
    };
    let info = SourceInfo {
        title: "A title".to_owned(),
        kind,
        size: None,
        frame_rate: Some(30.0),
        duration: (kind == SourceKind::Video).then(|| Duration::from_secs(100)),
        picture_count: None,
        detail: "A detail of the source".to_owned(),
        camera: None,
    };
    Event::SourceOpened { spec, info: Arc::new(info) }
}

pub fn model(path: &str, precision: Precision) -> Arc<ModelInfo> {
    let card = ModelCard {
        scale: 1.0,
        resize: ResizeMode::LetterboxTopLeft,
        labels: ["stop", "yield", "roundabout"].map(str::to_owned).to_vec(),
        labels_from: LabelSource::Metadata,
        ..ModelCard::usual(Head::BoxesScores, ImageSize::new(320, 320))
    };
    let bytes = if precision == Precision::Int8 { 1_000_000 } else { 3_400_000 };
    let provider = "CPU".to_owned();
    Arc::new(ModelInfo {
        path: path.into(),
        bytes,
        precision,
        quantization: Quantization::default(),
        executed: None,
        acceleration: match precision {
            Precision::Int8 => Acceleration::Done {
                look_ups: 57,
                convolutions: 0,
                nodes: 114,
                conversions: 9,
                kernel: "avx2",
                picture: PictureForm::Bytes,
                gain: 1.5,
                predicted: Some(1.45),
            },
            _ => Acceleration::NothingToDo,
        },
        recognised: card.clone(),
        card,
        set: None,
        given: ModelOverrides::default(),
        evidence: Vec::new(),
        threads: 1,
        spinning: false,
        tuned_by: Default::default(),
        provider,
    })
}

/// A frame on which A found a stop and a yield sign, B the stop sign only.
pub fn frame(id: u64, mode: Mode) -> FrameResult {
    let found = |class_id, score, x| Detection { class_id, score, rect: BoxInImage::new(x, 60.0, x + 50.0, 120.0) };
    let lane = |path, precision, detections| LaneResult {
        model: model(path, precision),
        detections,
        timings: StageTimings::default(),
    };
    let a = lane("/models/a.onnx", Precision::Fp32, vec![found(0, 0.9, 40.0), found(1, 0.6, 150.0)]);
    let b = lane("/models/a.int8.onnx", Precision::Int8, vec![found(0, 0.8, 42.0)]);
    let agreement = FrameAgreement { matched: vec![(0, 0)], only_a: vec![1], only_b: vec![] };
    FrameResult {
        id: FrameId(id),
        frame: CapturedFrame {
            image: Arc::new(RgbImage::from_pixel(320, 240, image::Rgb([90, 90, 90]))),
            captured_at: Instant::now(),
            decode_time: Duration::ZERO,
            position: Some(Duration::from_secs(20)),
            name: "street".into(),
            truth: None,
            losses: None,
        },
        mode,
        lanes: [mode.runs(LaneId::A).then_some(a), mode.runs(LaneId::B).then_some(b)],
        agreement: (mode == Mode::Compare).then_some(agreement),
        frame_to_box: Duration::from_millis(12),
        statistics: Arc::new(statistics()),
    }
}

pub fn statistics() -> Statistics {
    let lane = |factor: f32| {
        let summary = |ms: f32| LatencySummary { p50_ms: ms * factor, p95_ms: ms * factor * 1.2, count: 300 };
        LaneStatistics {
            fps: Some(29.5),
            frames: 300,
            preprocess: summary(0.5),
            inference: summary(9.0),
            postprocess: summary(0.5),
            total: summary(10.0),
            frame_to_box: summary(20.0),
            recent_total_ms: vec![10.0 * factor; 120],
            oddities: Vec::new(),
            accuracy: Some(LaneAccuracy {
                ap50: 0.875,
                recall: 0.75,
                frames: 300,
                boxes: 900,
                known_classes: 12,
                classes: 12,
            }),
        }
    };
    let agreement = AgreementStatistics {
        precision: 0.98,
        recall: 0.96,
        f1: 0.97,
        f1_interval: Some([0.95, 0.98]),
        mean_iou: 0.94,
        mean_score_delta: 0.02,
        frames: 250,
        window: 300,
        reference_boxes: 1000,
        candidate_boxes: 980,
    };
    Statistics {
        capture_fps: Some(30.0),
        dropped_frames: 7,
        captured_frames: 1234,
        lanes: [lane(1.8), lane(1.0)],
        agreement: Some(agreement),
        cpu_percent: 150.0,
        resident_bytes: 400_000_000,
        ..Statistics::default()
    }
}

/// A command as text, for comparison.
pub fn text(command: Command) -> String {
    format!("{command:?}")
}
