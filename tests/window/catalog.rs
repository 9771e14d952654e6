//! The window Get models: what is listed, downloads from a server on this machine, what can be done afterwards.

use crate::server::{Serve, Server};
use crate::support::{Setup, Window, text};
use eframe::egui::{Key, Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable;
use quantscope::app::{OpenCatalog, Settings};
use quantscope::pipeline::{Command, LaneId};
use quantscope::runtime::catalog::{Catalog, CatalogError, ModelStore, TimeLimits};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const LENGTH: usize = 200_000;

/// Any bytes will do: the window does not read models.
fn bytes() -> Vec<u8> {
    (0..LENGTH).map(|index| (index * index % 251) as u8).collect()
}

/// A family of a model and its quantized twin, the same bytes in both.
fn catalog() -> Catalog {
    let sum: String = Sha256::digest(bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let model = |name: &str, precision: &str, file: &str| {
        format!(
            "[[family.model]]\nname = \"{name}\"\nprecision = \"{precision}\"\npath = \"{file}\"\nfile = \"{file}\"\nbytes = \
             {LENGTH}\nsha256 = \"{sum}\"\n"
        )
    };
    let head = "version = 1\n[source.a]\ntitle = \"A zoo\"\npage = \"https://a.org\"\naddresses = [\"https://a.org/\"]\n\
                [[family]]\ntitle = \"Net\"\nfinds = \"things\"\nlicence = \"MIT\"\nsource = \"a\"\n";
    Catalog::read(&[head, &model("net", "FP32", "net.onnx"), &model("net-int8", "INT8", "net.int8.onnx")].concat())
        .unwrap()
}

/// The family above, from a server, in a folder.
fn open_from(server: &str, folder: &Path) -> OpenCatalog {
    let limits = TimeLimits { stall: Duration::from_secs(30), ..TimeLimits::default() };
    let store = ModelStore::new(folder).with_limits(limits).with_mirror(server).unwrap();
    Arc::new(move || Ok((catalog(), store.clone())))
}

/// A window in which the list is open.
fn listing(setup: Setup) -> Window {
    let mut window = Window::running(setup);
    window.press(Key::G);
    window.until(|window| window.sees("Kept in"));
    window
}

/// The same with a server that takes these steps, one a request.
fn with_server(folder: &Path, steps: &[Serve]) -> (Window, Server) {
    let server = Server::start(bytes(), steps);
    let catalog = Some(open_from(&server.address(), folder));
    (listing(Setup { catalog, ..Setup::default() }), server)
}

fn load(lane: LaneId, path: &Path) -> String {
    text(Command::LoadModel { lane, path: path.to_owned(), overrides: Default::default() })
}

#[test]
fn the_list_tells_what_there_is_before_anything_is_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(bytes(), &[Serve::Right]);
    let catalog = Some(open_from(&server.address(), folder.path()));
    let mut window = Window::running(Setup { catalog, ..Setup::default() });
    window.click("More models A");
    window.click("Get models…");
    window.until(|window| window.sees("Kept in"));
    for said in ["Net", "finds things · licence MIT · A zoo", "net-int8", "INT8", "200 kB", "Get net", "Get net-int8"]
    {
        assert!(window.sees(said), "{said}");
    }
    assert!(window.sees(&format!("Kept in {}", folder.path().display())));
    assert!(!window.sees("Open pair"));
    window.press(Key::Escape);
    assert!(!window.sees("Kept in"));
    assert!(server.requests().is_empty());
}

#[test]
fn a_download_shows_its_progress_can_be_cancelled_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, server) = with_server(folder.path(), &[Serve::StallAfter(80_000), Serve::Right]);
    window.click("Get net");
    window.until(|window| window.sees("Progress net: 80.0 kB"));
    assert!(!folder.path().join("net.onnx").exists());
    window.click("Cancel net");
    window.until(|window| window.harness.query_by_label("Resume net").is_some());
    assert!(window.sees("80.0 kB are here"));
    window.click("Resume net");
    window.until(|window| window.harness.query_by_label("Open net as A").is_some());
    assert_eq!(std::fs::read(folder.path().join("net.onnx")).unwrap(), bytes());
    assert_eq!(server.requests()[1].header("range"), Some("bytes=80000-"));
    assert!(window.sees("net is here: "));
    window.commands();
    window.click("Open net as B");
    window.until(|window| !window.sees("Kept in"));
    window.background();
    assert_eq!(window.commands(), [load(LaneId::B, &folder.path().join("net.onnx"))]);
}

#[test]
fn a_download_that_waits_is_gone_as_soon_as_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, server) = with_server(folder.path(), &[Serve::StallAfter(80_000), Serve::Right]);
    window.click("Get net");
    window.until(|window| window.sees("Progress net: 80.0 kB"));
    window.click("Get net-int8");
    assert!(window.sees("Progress net-int8: waiting…"));
    window.click("Cancel net-int8");
    window.harness.get_by_label("Get net-int8");
    // Asked for once more, it comes, and comes once.
    window.click("Get net-int8");
    window.click("Cancel net");
    window.until(|window| window.harness.query_by_label("Open net-int8 as A").is_some());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_goes_wrong_is_told_in_its_row_and_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _server) =
        with_server(folder.path(), &[Serve::WrongBytes, Serve::BreakAfter(1000), Serve::Status(404), Serve::Right]);
    for said in
        ["the bytes are not those of the catalog", "broke off after 1000 of 200000 bytes", "The server answered 404"]
    {
        let button = if window.sees("Retry net") { "Retry net" } else { "Get net" };
        window.click(button);
        window.until(|window| window.sees("Retry net"));
        window.until(|window| window.sees(said));
    }
    window.click("Retry net");
    window.until(|window| window.harness.query_by_label("Open net as A").is_some());
    assert!(!window.sees("Retry net"));
}

#[test]
fn without_a_network_the_row_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let catalog = Some(open_from(&format!("http://{closed}"), folder.path()));
    let mut window = listing(Setup { catalog, ..Setup::default() });
    window.click("Get net");
    window.until(|window| window.sees("127.0.0.1 cannot be reached (it takes no connection). Check the network"));
    // Told while the list is closed, it floats over the picture.
    window.press(Key::Escape);
    assert!(!window.sees("cannot be reached"));
}

#[test]
fn a_pair_that_is_here_opens_full_precision_in_a_and_quantized_in_b() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _server) = with_server(folder.path(), &[Serve::Right]);
    window.click("Get net-int8");
    window.click("Get net");
    window.until(|window| window.sees("Open pair"));
    window.commands();
    window.click("Open pair Net");
    let paths = ["net.onnx", "net.int8.onnx"].map(|name| folder.path().join(name));
    assert_eq!(window.commands(), [load(LaneId::A, &paths[0]), load(LaneId::B, &paths[1])]);
    assert!(!window.sees("Kept in"));
    window.press(Key::G);
    window.until(|window| window.sees("Open pair"));
}

#[test]
fn a_catalog_that_cannot_be_opened_is_told_with_a_way_on() {
    let mut window = Window::running(Setup::default());
    window.press(Key::G);
    window.until(|window| window.sees("There is no home folder to keep models in. Set QUANTSCOPE_MODELS"));
    window.click("Try again");
    window.until(|window| window.sees("There is no home folder"));
    window.press(Key::G);
    assert!(!window.sees("There is no home folder"));
}

#[test]
fn closing_the_program_stops_a_download_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _server) = with_server(folder.path(), &[Serve::StallAfter(80_000)]);
    window.click("Get net");
    window.until(|window| window.sees("80.0 kB"));
    let start = std::time::Instant::now();
    drop(window);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert_eq!(folder.path().join("net.onnx.part").metadata().unwrap().len(), 80_000);
}

#[test]
fn every_control_of_the_list_is_in_view_in_small_and_large_windows() {
    for size in [[720.0, 480.0], [900.0, 600.0], [1600.0, 1000.0]] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(bytes(), &[Serve::StallAfter(80_000), Serve::Status(500), Serve::Right]);
        std::fs::write(folder.path().join("net.int8.onnx"), bytes()).unwrap();
        let catalog = Some(open_from(&server.address(), folder.path()));
        let settings = Some(Settings { welcome_dismissed: true, ..Settings::default() });
        let mut window = listing(Setup { size, settings, catalog, ..Setup::default() });
        window.click("Get net");
        window.until(|window| window.sees("80.0 kB"));
        in_view(&window, size, &["Cancel net", "Open net-int8 as A", "Open net-int8 as B"]);
        window.click("Cancel net");
        window.until(|window| window.harness.query_by_label("Resume net").is_some());
        window.click("Resume net");
        window.until(|window| window.harness.query_by_label("Retry net").is_some());
        in_view(&window, size, &["Retry net", "Open net-int8 as A"]);
        window.click("Retry net");
        window.until(|window| window.sees("Open pair"));
        in_view(&window, size, &["Open pair Net", "Open net as A", "Open net as B", "Open net-int8 as B"]);
    }
}

/// All of these are inside the window and apart from each other.
fn in_view(window: &Window, size: [f32; 2], names: &[&str]) {
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(size[0], size[1]));
    let rects: Vec<Rect> = names.iter().map(|name| window.harness.get_by_label(name).rect()).collect();
    for (index, (name, rect)) in names.iter().zip(&rects).enumerate() {
        assert!(screen.contains_rect(*rect) && rect.is_positive(), "{name} at {rect:?} in {size:?}");
        let apart = rects[..index].iter().all(|other| !other.shrink(1.0).intersects(rect.shrink(1.0)));
        assert!(apart, "{name} overlaps another control in {size:?}");
    }
}

#[test]
fn the_programs_own_catalog_fits_a_small_window() {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::new(folder.path());
    let open: OpenCatalog = Arc::new(move || Ok::<_, CatalogError>((Catalog::built_in()?, store.clone())));
    let mut window = listing(Setup { size: [900.0, 600.0], catalog: Some(open), ..Setup::default() });
    in_view(&window, [900.0, 600.0], &["Get yolox-s", "Get yolox-s-int8", "Get yolox-s-int8bq"]);
    window.harness.get_by_label("Get centerface").scroll_to_me();
    window.harness.run();
    in_view(&window, [900.0, 600.0], &["Get centerface"]);
}
