//! Pages in a real browser: headless Chromium, where there is one.

use crate::samples;
use quantscope::report::{Report, write};
use quantscope::scene::CLASS_NAMES;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// A page of this size takes a second or two; a browser's first start more.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a picture is taken of: name, width, height, dark.
type Shot = (&'static str, u32, u32, bool);

#[test]
fn the_page_fills_a_browser_at_every_width() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut evaluation = samples::evaluation(2, &CLASS_NAMES);
    samples::add_differences(&mut evaluation, folder.path(), 2);
    let benchmark = samples::benchmark(2, &[2]);
    let page = folder.path().join("report.html");
    write(&page, &Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) }).unwrap();
    for shot in [("narrow", 500, 900, false), ("wide", 1400, 900, true)] {
        let picture = picture_of(&browser, &page, shot, folder.path());
        assert_eq!(picture.dimensions(), (shot.1, shot.2));
        let paper = picture.get_pixel(2, 2).0;
        assert_eq!(paper[0] < 128, shot.3, "{paper:?}: dark when dark is preferred");
        let colors: std::collections::BTreeSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
        assert!(colors.len() > 60, "{}: only {} colours", shot.0, colors.len());
        // A part that is wider than the page would push the right margin out of it.
        let margin = (0..shot.2).all(|y| picture.get_pixel(shot.1 - 3, y).0 == paper);
        assert!(margin, "{}: something reaches beyond the right margin", shot.0);
    }
}

#[test]
#[ignore = "takes pictures to be looked at; run by `make screenshots`"]
fn every_kind_of_page() {
    let Some(browser) = browser() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let work = tempfile::tempdir().unwrap();
    let many = samples::many_classes();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut two = samples::evaluation(2, &CLASS_NAMES);
    samples::add_differences(&mut two, work.path(), 4);
    samples::add_problems(&mut two);
    let mut five = samples::evaluation(5, &many);
    samples::add_differences(&mut five, work.path(), 3);
    let mut partial = samples::evaluation(2, &CLASS_NAMES);
    partial.complete = false;
    partial.models[1].pictures = 31;
    partial.models[1].error = Some("models/yolox_nano_int8.onnx: the session failed at node Conv_12".to_owned());
    partial.agreement.clear();
    let alone = samples::evaluation(1, &CLASS_NAMES[..3]);
    let (pair, mut sweep) = (samples::benchmark(5, &[2]), samples::benchmark(2, &[1, 2, 4]));
    sweep.noise = Some(
        "The machine was noisy: other programs used 31 % of the processor; ratios are good to ±0.08 at best."
            .to_owned(),
    );
    let pages = [
        ("two", Some(&two), Some(&pair)),
        ("five", Some(&five), Some(&pair)),
        ("partial", Some(&partial), None),
        ("alone", Some(&alone), None),
        ("sweep", None, Some(&sweep)),
    ];
    for (name, evaluation, benchmark) in pages {
        let page = folder.join(format!("report-{name}.html"));
        write(&page, &Report { evaluation, benchmark }).unwrap();
        for shot in [("wide", 1280, 6000, false), ("dark", 1280, 6000, true), ("narrow", 500, 9000, false)] {
            let picture = picture_of(&browser, &page, shot, work.path());
            let path = folder.join(format!("report-{name}-{}.png", shot.0));
            picture.save(&path).unwrap();
            println!("{}", path.display());
        }
    }
}

/// The browser's program; None (said aloud) where there is none.
fn browser() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|p| p.is_file());
    if found.is_none() {
        println!("skipped: no Chromium here (sudo apt install chromium)");
    }
    found
}

fn picture_of(browser: &Path, page: &Path, (_, width, height, dark): Shot, folder: &Path) -> image::RgbImage {
    let path = folder.join("shot.png");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--window-size={width},{height}")).arg(format!("--screenshot={}", path.display()));
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    } else {
        command.arg("--blink-settings=preferredColorScheme=1");
    }
    command.arg(format!("file://{}", page.display())).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    if child.wait_timeout(PATIENCE).unwrap().is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the browser took longer than {PATIENCE:?}");
    }
    let picture = image::open(&path).unwrap().into_rgb8();
    std::fs::remove_file(&path).unwrap();
    picture
}
