use super::*;

fn error_of(path: &Path) -> String {
    VideoSource::open_file(path, &every_frame()).err().map_or("no error".to_owned(), |error| error.to_string())
}

#[test]
fn what_is_no_video_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -pix_fmt yuv420p";
    let Some(whole) = made(&folder, "whole.mp4", arguments) else { return };
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let bytes = std::fs::read(whole).unwrap();
    let cases = [
        write("text.mp4", b"this is no video at all"),
        write("empty.mp4", b""),
        // The index of an mp4 is at its end.
        write("cut.mp4", &bytes[..bytes.len() / 2]),
        write("noise.avi", &(0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>()),
    ];
    for path in cases {
        let error = error_of(&path);
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(error.contains(&format!("{name}: not a video that ffmpeg can read (")), "{error}");
        assert!(!error.contains('\n') && error.len() < 1_000, "{error}");
    }
    let sound = made(&folder, "sound.wav", "-f lavfi -i sine=duration=1").unwrap();
    assert!(error_of(&sound).contains("sound.wav: has no pictures in it"), "{}", error_of(&sound));
}

#[test]
fn a_missing_ffmpeg_is_named_with_the_command_that_installs_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    std::fs::write(&path, "x").unwrap();
    let programs = Programs { ffmpeg: "no-such-ffmpeg".into(), ffprobe: "no-such-ffprobe".into() };
    let error = VideoSource::open(programs, Target::file(&path), &every_frame()).err().unwrap().to_string();
    assert!(error.starts_with("no-such-ffprobe is needed to play "), "{error}");
    assert!(error.ends_with("Install it: sudo apt install ffmpeg"), "{error}");

    // RTSP is not probed: there ffmpeg itself is missed at the first frame.
    let programs = Programs { ffmpeg: "no-such-ffmpeg".into(), ffprobe: "no-such-ffprobe".into() };
    let mut source = VideoSource::open(programs, Target::url("rtsp://localhost/x").unwrap(), &every_frame()).unwrap();
    let error = source.next_frame(WAIT).unwrap_err();
    assert!(matches!(error, CaptureError::FfmpegMissing { .. }), "{error}");
}

#[test]
fn a_decoder_that_fails_gives_its_reason_once_and_then_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = made(&folder, "a.mp4", "-f lavfi -i testsrc=size=64x64:rate=5:duration=1 -pix_fmt yuv420p") else {
        return;
    };
    let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = source.next_frame(WAIT).unwrap_err().to_string();
    assert!(error.contains("a.mp4: the video broke off (") && error.contains("No such file"), "{error}");
    assert!(matches!(source.next_frame(WAIT), Ok(Next::End)));
}

#[test]
fn closing_in_the_middle_is_quick_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let endless = "-f lavfi -i testsrc=size=640x480:rate=30:duration=20 -c:v mpeg4 -q:v 10";
    let Some(path) = made(&folder, "long.avi", endless) else { return };
    let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
    next(&mut source);
    let Stage::Playing(decoder) = &source.stage else { panic!("it plays") };
    let process = PathBuf::from(format!("/proc/{}", decoder.process_id()));
    assert!(process.exists());
    let started = Instant::now();
    drop(source);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(!process.exists(), "neither running nor a zombie");
}
