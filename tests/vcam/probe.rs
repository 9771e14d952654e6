//! `quantscope cameras --probe` on the played camera.

use std::process::Command;

/// What the program says, and whether it succeeded.
fn program(camera: &str, arguments: &[&str]) -> Option<(String, bool)> {
    let Some(library) = crate::library() else {
        println!("skipped: no C compiler to build the played camera");
        return None;
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_quantscope"));
    let output = command.args(arguments).env("LD_PRELOAD", library).env("VCAM", camera).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((said, output.status.success()))
}

#[test]
fn a_sound_camera_is_measured() {
    let Some((said, done)) = program("name=Desk Camera", &["cameras", "--probe", "0", "1.5", "--format", "json"])
    else {
        return;
    };
    assert!(done, "{said}");
    let probe: serde_json::Value = serde_json::from_str(&said).expect(&said);
    assert_eq!((&probe["name"], &probe["camera"]), (&"Desk Camera".into(), &0.into()));
    assert_eq!(probe["mode"], "YUYV 640x480 at 30 fps");
    let number = |name: &str| probe[name].as_f64().expect(name);
    assert!((29.0..31.0).contains(&number("rate")), "by the driver's times: {said}");
    assert!((30.0..60.0).contains(&(number("frames") + number("driver_drops"))), "{said}");
    assert!(probe["decode_ms"]["p50"].as_f64().unwrap() > 0.0, "{said}");
    // A frame is read when it is there: that takes a small part of the time to the next one.
    assert!((0.0..33.0).contains(&probe["age_ms"]["p50"].as_f64().unwrap()), "{said}");
    assert_eq!([number("damaged_frames"), number("restarts")], [0.0, 0.0]);
    assert_eq!(probe["troubles"], serde_json::json!([]));
}

#[test]
fn damage_and_restarts_are_counted_and_told() {
    let arguments = ["cameras", "--probe", "camera:0", "2.5"];
    let Some((said, done)) = program("every=5:flag;at=20:unplug:200", &arguments) else { return };
    assert!(done, "{said}");
    let row = |name: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(name)).expect(&said);
        line.trim_start().trim_start_matches(name).trim().to_owned()
    };
    assert!(row("damaged frames").parse::<u32>().unwrap() >= 3, "{said}");
    assert!(row("restarts").parse::<u32>().unwrap() >= 1, "{said}");
    assert!(row("trouble").contains("it is gone"), "{said}");
    assert!(row("capture rate").contains(" frames in 2.5 s"), "{said}");
}

#[test]
fn drops_of_the_driver_are_counted() {
    // While a frame is waited for so long, eight buffers are not enough.
    let arguments = ["cameras", "--probe", "0", "2", "--format", "json"];
    let Some((said, done)) = program("hang=dqbuf:1000", &arguments) else { return };
    assert!(done, "{said}");
    let probe: serde_json::Value = serde_json::from_str(&said).expect(&said);
    assert!(probe["driver_drops"].as_u64().unwrap() >= 10, "{said}");
}

#[test]
fn a_camera_without_pictures_is_a_failure_in_one_line() {
    for (camera, words) in [
        ("rate=0.1;at=0:freeze", "camera 0: no picture in 1 s (it is open and sends nothing)"),
        ("fail=reqbufs:EBUSY", "in use by another program"),
        ("cam=", "no camera is connected"),
    ] {
        let Some((said, done)) = program(camera, &["cameras", "--probe", "0", "1"]) else { return };
        assert!(!done && said.contains(words) && said.lines().count() == 1, "{camera}: {said}");
    }
    let Some((said, done)) = program("", &["cameras", "--probe", "webcam"]) else { return };
    assert!(!done && said.contains("--probe takes the number of a camera"), "{said}");
}

#[test]
fn both_libraries_can_be_measured() {
    let arguments = ["--camera-backend", "nokhwa", "cameras", "--probe", "0", "1"];
    let Some((said, done)) = program("", &arguments) else { return };
    assert!(done && said.contains("mode            YUYV 640x480 at 30 fps"), "{said}");
}
