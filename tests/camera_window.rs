//! The real window on the played camera of `tests/vcam`: whatever the camera does, it closes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test stops it at the first surprise")]

mod common;
mod desktop;

use desktop::{Program, Screen, Setup};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a camera may add to the time that closing takes anyway.
const LONGEST: Duration = Duration::from_secs(1);

#[test]
fn the_window_closes_within_a_second_whatever_the_camera_does() {
    let Some(screen) = Screen::start(1280, 800, &["cc"]) else { return };
    let library = screen.home().join("libvcam.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vcam/vcam.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).args(["-ldl", "-lpthread"]);
    assert!(compiler.status().unwrap().success(), "vcam.c does not compile");

    let closes_after = |camera: Option<&str>, said: &[&str]| {
        let preload = library.to_str().unwrap();
        let environment: Vec<(&str, &str)> =
            camera.map_or_else(Vec::new, |camera| vec![("LD_PRELOAD", preload), ("VCAM", camera)]);
        let arguments = if camera.is_some() { &["--source", "camera:0"][..] } else { &["--source", "demo"] };
        let mut program = Program::start(&screen, &Setup { arguments, environment: &environment, ..Setup::default() });
        program.waits(said);
        let (status, took) = program.close();
        assert!(status.success(), "{camera:?}: {status}\n{}", program.log());
        println!("{}: closed after {took:?}", camera.unwrap_or("no camera"));
        took
    };
    let usual = closes_after(None, &["first boxes"]);
    for (camera, said) in [
        ("", &["on view: "][..]),
        // Reading hangs, stopping hangs.
        ("hang=dqbuf:60000", &["source open: camera:0"]),
        ("hang=streamoff:60000", &["on view: "]),
        // Opening hangs. It is under way once the models are there.
        ("hang=streamon:60000", &["model loaded: B"]),
        // Already asking what it is hangs, for the list of cameras too.
        ("hang=querycap:60000", &["model loaded: B"]),
    ] {
        let took = closes_after(Some(camera), said);
        assert!(took < usual + LONGEST, "{camera}: {took:?}, without a camera {usual:?}");
    }
}
