//! Pictures of every state of the window, taken from the real program: `make screenshots` saves them in `screenshots/`,
//! to be looked at.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test stops it at the first surprise")]

mod common;
mod desktop;
#[expect(dead_code, reason = "a picture needs a part of what the server can do")]
#[path = "catalog/server.rs"]
mod server;

use desktop::{Program, Screen, Setup};
use server::Server;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough for the rolling figures and the verdict.
const FIGURES: Duration = Duration::from_secs(8);
/// Long enough for a window or a menu to fade in.
const FADE: Duration = Duration::from_millis(900);

#[test]
#[ignore = "takes pictures to be looked at; run by `make screenshots`"]
fn every_state() {
    let Some(screen) = Screen::start(2700, 1600, &[]) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let album = Album { screen: &screen, folder };
    album.first_start();
    album.views();
    album.worst_frames();
    album.windows_and_menus();
    album.get_models();
    album.evaluate();
    album.quantize();
    album.label();
    album.failures();
    album.sources();
    album.sizes_and_themes();
}

/// Settings of a later start with a window of this size.
fn settings(width: u32, height: u32, more: &str) -> String {
    format!("welcome_dismissed = true\n{more}\n[window]\nwidth = {width}.0\nheight = {height}.0\n")
}

struct Album<'a> {
    screen: &'a Screen,
    folder: PathBuf,
}

impl Album<'_> {
    fn save(&self, program: &Program<'_>, name: &str) {
        let path = self.folder.join(format!("{name}.png"));
        program.shot().save(&path).unwrap();
        println!("{}", path.display());
    }

    /// Starts with these settings, waits for boxes of both models and for figures.
    fn running(&self, settings: &str) -> Program<'_> {
        let mut program = Program::start(self.screen, &Setup { settings: Some(settings), ..Setup::default() });
        program.waits(&["on view: A FP32", "B INT8"]);
        std::thread::sleep(FIGURES);
        program
    }

    fn first_start(&self) {
        let mut program = Program::start(self.screen, &Setup::default());
        program.waits(&["on view: A FP32", "B INT8"]);
        std::thread::sleep(FIGURES);
        self.save(&program, "first-start");
        program.close();
    }

    fn views(&self) {
        let mut program = self.running(&settings(1360, 860, ""));
        for name in ["divider", "overlay", "side-by-side"] {
            program.key("v");
            std::thread::sleep(FADE);
            self.save(&program, name);
        }
        program.waits(&["model ready", "scene.qat.onnx"]);
        program.key_brings("t", &["on view: B INT8 scene.int8.onnx"], &["A FP32"]);
        program.key_brings("t", &["on view: B INT8 scene.qat.onnx"], &["A FP32"]);
        program.key_brings("t", &["on view: A FP32"], &["B INT8"]);
        std::thread::sleep(FADE);
        self.save(&program, "single-fp32");
        program.key("f");
        std::thread::sleep(FADE);
        self.save(&program, "picture-only");
        program.key("f");
        program.key_brings("space", &["paused"], &[]);
        program.rests();
        self.save(&program, "paused");
        program.close();
    }

    /// The strip empty, filled, and with one of its frames on view.
    fn worst_frames(&self) {
        let alone = "confidence = 0.1\niou = 0.45\n";
        for (width, height, theme) in
            [(1280, 800, "dark"), (1280, 800, "light"), (900, 600, "dark"), (900, 600, "light")]
        {
            // A low threshold, so that the models disagree soon.
            let more = format!("worst_strip = true\ntheme = \"{theme}\"\nlayout = \"divider\"\n[thresholds]\n{alone}");
            let mut program = self.running(&settings(width, height, &more));
            std::thread::sleep(FIGURES);
            let name = format!("{width}x{height}-{theme}-worst");
            self.save(&program, &name);
            // The first thumbnail stands at the lower left of the picture's room.
            program.click(FIRST_THUMBNAIL.0 + if width > 1180 { 250 } else { 0 }, height as i32 - FIRST_THUMBNAIL.1);
            std::thread::sleep(FADE);
            self.save(&program, &format!("{name}-held"));
            program.close();
        }
    }

    fn windows_and_menus(&self) {
        let mut program = self.running(&settings(1360, 860, ""));
        self.with_click(&program, "settings", -187, 20);
        self.with_click(&program, "messages", -105, 20);
        self.with_click(&program, "source-menu", 100, 20);
        program.key("F1");
        std::thread::sleep(FADE);
        self.save(&program, "help");
        program.key("F1");
        self.with_click(&program, "class-list", 70, CLASS_LIST_Y);
        program.key("m");
        std::thread::sleep(FADE);
        self.save(&program, "model-panel");
        program.key("m");
        program.close();
    }

    /// The list of models to download: a pair that is here, a download that was begun, one that runs, one that failed.
    fn get_models(&self) {
        let models = self.screen.home().join("models");
        std::fs::create_dir_all(&models).unwrap();
        for (name, bytes) in
            [("yunet.onnx", 232_589), ("yunet.int8.onnx", 100_416), ("nanodet-plus-m.onnx.part", 1_500_000)]
        {
            std::fs::write(models.join(name), vec![0; bytes]).unwrap();
        }
        // YOLOX-S comes slowly, everything else is not there.
        let server = Server::answering(|request, _, stream| {
            if !request.path().ends_with("yolox_2022nov.onnx") {
                let _ = stream.write_all(b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 35858002\r\n\r\n");
            while sent.is_ok() {
                std::thread::sleep(Duration::from_millis(20));
                sent = stream.write_all(&[0; 40_000]);
            }
        });
        let mirror = server.address();
        let environment =
            [("QUANTSCOPE_MODELS", models.to_str().unwrap()), ("QUANTSCOPE_CATALOG_MIRROR", mirror.as_str())];
        for (width, height, theme) in
            [(900, 600, "dark"), (900, 600, "light"), (1600, 1000, "dark"), (1600, 1000, "light")]
        {
            let settings = settings(width, height, &format!("theme = \"{theme}\""));
            let setup = Setup { settings: Some(&settings), environment: &environment, ..Setup::default() };
            let mut program = Program::start(self.screen, &setup);
            program.waits(&["on view: A FP32", "B INT8"]);
            program.key("g");
            std::thread::sleep(FADE);
            // The buttons of the second and the first row; the window is in the middle.
            let (right, top) = (width as i32 / 2 + 285, GET_ROWS_Y[usize::from(height > 600)]);
            program.click(right, top + 32);
            std::thread::sleep(FADE);
            program.click(right, top);
            std::thread::sleep(FADE * 3);
            self.save(&program, &format!("get-models-{width}x{height}-{theme}"));
            program.close();
        }
    }

    /// The page Evaluate: choices, progress, every tab, and a picture of the gallery large.
    fn evaluate(&self) {
        for (width, height) in [(720, 480), (1280, 800), (1920, 1080)] {
            for theme in ["dark", "light"] {
                let settings = settings(width, height, &format!("theme = \"{theme}\""));
                let mut program = Program::start(self.screen, &Setup { settings: Some(&settings), ..Setup::default() });
                program.waits(&["on view: A FP32", "B INT8"]);
                let shot = |program: &Program<'_>, name: &str| {
                    std::thread::sleep(FADE);
                    self.save(program, &format!("evaluate-{name}-{width}x{height}-{theme}"));
                };
                program.key_brings("e", &["evaluate page open"], &[]);
                shot(&program, "choices");
                program.key_brings("Return", &["evaluation begun"], &[]);
                shot(&program, "running");
                program.waits(&["evaluation done: complete"]);
                for (key, name) in
                    [("1", "summary"), ("2", "curves"), ("3", "classes"), ("4", "confusion"), ("5", "differences")]
                {
                    program.key(key);
                    shot(&program, name);
                }
                program.key("Return");
                shot(&program, "picture");
                program.key("v");
                shot(&program, "one-picture");
                program.close();
            }
        }
    }

    /// The window Quantize: choices, progress, results with their tabs, and a gate that no model passes.
    fn quantize(&self) {
        let models = self.screen.home().join("to-quantize");
        std::fs::create_dir_all(&models).unwrap();
        let file = |name: &str| models.join(name);
        for (width, height) in [(900, 600), (1280, 800), (1920, 1080)] {
            for (theme, asked) in [("dark", ""), ("light", ""), ("dark", "min_speedup = 19.0\n")] {
                let _earlier = std::fs::remove_file(file("scene.int8-2.onnx"));
                for name in ["scene.onnx", "scene.int8.onnx", "scene.toml"] {
                    std::fs::copy(common::default_model(name), file(name)).unwrap();
                }
                let more = format!("theme = \"{theme}\"\n[quantize]\npictures = 16\n{asked}");
                let settings = settings(width, height, &more);
                let [full, twin] = ["scene.onnx", "scene.int8.onnx"].map(file);
                let arguments = ["--model", full.to_str().unwrap(), "--model-b", twin.to_str().unwrap()];
                let setup = Setup { settings: Some(&settings), arguments: &arguments, ..Setup::default() };
                let mut program = Program::start(self.screen, &setup);
                program.waits(&["on view: A FP32", "B INT8"]);
                let shot = |program: &Program<'_>, name: &str| {
                    std::thread::sleep(FADE);
                    self.save(program, &format!("quantize-{name}-{width}x{height}-{theme}"));
                };
                program.key_brings("q", &["quantize window open"], &[]);
                // Where the new model goes is found out in the background.
                std::thread::sleep(FADE);
                shot(&program, "choices");
                program.key_brings("Return", &["quantizing begun"], &[]);
                std::thread::sleep(FADE);
                shot(&program, "running");
                program.waits(&["quantized:"]);
                if !asked.is_empty() {
                    shot(&program, "no-twin-passes");
                    program.close();
                    continue;
                }
                program.waits(&["model loaded: B", "scene.int8-2.onnx"]);
                std::thread::sleep(FIGURES);
                shot(&program, "result");
                for (key, name) in [("2", "layers"), ("3", "time")] {
                    program.key(key);
                    shot(&program, name);
                }
                program.close();
            }
        }
    }

    /// The page Label: choices, a picture without boxes, with proposals, a selected box, the export, and failures.
    fn label(&self) {
        let made = self.screen.home().join("to-label");
        let mut scene = common::quantscope(self.screen.home());
        assert!(scene.args(["scene", "--count", "8", "--out", made.to_str().unwrap()]).status().unwrap().success());
        let frames = made.join("images");
        std::fs::write(frames.join("a broken one.png"), "no picture").unwrap();
        for (width, height) in [(900, 600), (1280, 800)] {
            for theme in ["dark", "light"] {
                let _earlier = std::fs::remove_file(frames.join(".quantscope-labels.json"));
                let shot = |program: &Program<'_>, name: &str| {
                    std::thread::sleep(FADE);
                    self.save(program, &format!("label-{name}-{width}x{height}-{theme}"));
                };
                let start = |folder: &str| {
                    let more = format!("theme = \"{theme}\"\nrecent_labels = [\"{folder}\"]");
                    let settings = settings(width, height, &more);
                    let setup = Setup { settings: Some(&settings), ..Setup::default() };
                    let mut program = Program::start(self.screen, &setup);
                    program.waits(&["on view: A FP32", "B INT8"]);
                    program.key_brings("l", &["label page open"], &[]);
                    program
                };
                let mut program = start("/pictures/that/are/gone");
                shot(&program, "choices");
                program.key_brings("Return", &["not opened to be labelled"], &[]);
                shot(&program, "failure");
                program.close();
                let mut program = start(frames.to_str().unwrap());
                program.key_brings("Return", &["to be labelled"], &[]);
                shot(&program, "unreadable");
                program.key("Right");
                shot(&program, "no-boxes");
                program.key_brings("m", &["proposals made"], &[]);
                shot(&program, "proposals");
                program.key("Return");
                program.key("Return");
                program.key("Up");
                shot(&program, "selected");
                program.key("a");
                program.key("d");
                shot(&program, "done");
                program.key("ctrl+e");
                shot(&program, "export");
                program.key("Escape");
                program.key("F1");
                shot(&program, "help");
                program.close();
            }
        }
    }

    /// A picture while what a click opens is open; the same click closes it.
    fn with_click(&self, program: &Program<'_>, name: &str, x: i32, y: i32) {
        program.click(x, y);
        std::thread::sleep(FADE);
        self.save(program, name);
        program.click(x, y);
        std::thread::sleep(FADE);
    }

    fn failures(&self) {
        let broken = self.screen.home().join("broken.onnx");
        let bytes = std::fs::read(common::default_model("scene.onnx")).unwrap();
        std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
        let settings = settings(1360, 860, "");
        let bare = Setup { settings: Some(&settings), bare: true, ..Setup::default() };
        let mut program = Program::start(self.screen, &bare);
        program.waits(&["on view: A FP32", "B INT8"]);
        program.key("o");
        std::thread::sleep(FADE);
        self.save(&program, "path-field");
        self.screen.type_text(broken.to_str().unwrap());
        program.key_brings("Return", &["told Error", "broken.onnx"], &[]);
        std::thread::sleep(FADE);
        self.save(&program, "load-failure");
        program.close();

        let away = tempfile::tempdir().unwrap();
        let copy = away.path().join("quantscope");
        std::fs::copy(env!("CARGO_BIN_EXE_quantscope"), &copy).unwrap();
        let alone = Setup { settings: Some(&settings), program: Some(&copy), ..Setup::default() };
        let mut program = Program::start(self.screen, &alone);
        program.waits(&["source open: demo"]);
        std::thread::sleep(FIGURES);
        self.save(&program, "no-model");
        program.close();

        let arguments = ["--source", "/videos/holiday.mp4"];
        let gone = Setup { settings: Some(&settings), arguments: &arguments, ..Setup::default() };
        let mut program = Program::start(self.screen, &gone);
        program.waits(&["source failed"]);
        std::thread::sleep(FIGURES);
        self.save(&program, "source-failed");
        program.close();
    }

    fn sources(&self) {
        let pictures = self.screen.home().join("pictures");
        let mut scene = common::quantscope(self.screen.home());
        let out = pictures.to_str().unwrap();
        assert!(scene.args(["scene", "--count", "6", "--out", out]).status().unwrap().success());
        let settings = settings(1360, 860, "looping = false");
        let pictures = pictures.join("images");
        let arguments = ["--source", pictures.to_str().unwrap()];
        let setup = Setup { settings: Some(&settings), arguments: &arguments, ..Setup::default() };
        let mut program = Program::start(self.screen, &setup);
        program.waits(&["on view: A FP32", "B INT8"]);
        std::thread::sleep(FIGURES);
        self.save(&program, "pictures-at-their-end");
        program.close();
    }

    fn sizes_and_themes(&self) {
        for (width, height, theme) in
            [(900, 600, "dark"), (900, 600, "light"), (1280, 800, "dark"), (1280, 800, "light"), (2560, 1440, "dark")]
        {
            let mut program = self.running(&settings(width, height, &format!("theme = \"{theme}\"")));
            self.save(&program, &format!("{width}x{height}-{theme}"));
            program.key("m");
            std::thread::sleep(FADE);
            self.save(&program, &format!("{width}x{height}-{theme}-model"));
            // In a high window the panel ends where its contents do.
            if height <= 800 {
                let [x, y] = FIND_THREADS;
                program.click(x, y);
                program.waits(&["threads measured"]);
                std::thread::sleep(FADE);
                self.save(&program, &format!("{width}x{height}-{theme}-threads"));
            }
            program.close();
        }
        let mut program = self.running(&settings(2560, 1440, "theme = \"light\"\nlayout = \"overlay\""));
        self.save(&program, "2560x1440-light");
        program.close();
    }
}

/// Where "Find best threads" is in the panel of model A, from the left and from the bottom.
const FIND_THREADS: [i32; 2] = [92, -48];
/// Where the first of the worst frames is: from the left edge of the picture's room, and from the lower edge.
const FIRST_THUMBNAIL: (i32, i32) = (60, 50);
/// Where the head of the closed class list is in the left panel.
const CLASS_LIST_Y: i32 = 238;
/// Where the first row of the list of models is, in a window 600 and 1000 points high.
const GET_ROWS_Y: [i32; 2] = [183, 305];
