use super::*;

/// Two seconds at 25 fps.
fn video(folder: &tempfile::TempDir) -> Option<PathBuf> {
    made(folder, "a.mp4", "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -pix_fmt yuv420p")
}

fn position(frame: &CapturedFrame) -> f64 {
    frame.position.unwrap().as_secs_f64()
}

#[test]
fn a_video_takes_its_time_and_half_of_it_at_double_speed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = video(&folder) else { return };
    for speed in [1.0, 2.0] {
        let mut source = VideoSource::open_file(&path, &SourceOptions::default()).unwrap();
        source.set_speed(speed);
        next(&mut source);
        let started = Instant::now();
        let frames = frames_until_end(&mut source);
        let took = started.elapsed().as_secs_f64() * speed;
        assert!((1.8..3.5).contains(&took), "{took} s at speed {speed}");
        assert!((20..=49).contains(&frames.len()), "{} frames at speed {speed}", frames.len());
        assert!(frames.windows(2).all(|pair| pair[0].position < pair[1].position));
    }
}

#[test]
fn who_falls_behind_gets_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = video(&folder) else { return };
    let mut source = VideoSource::open_file(&path, &SourceOptions::default()).unwrap();
    next(&mut source);
    let started = Instant::now();
    pause_for(Duration::from_millis(700));
    let frame = loop {
        // The queue is short, so the frames between come one by one, and each is passed over.
        let frame = next(&mut source);
        if position(&frame) + 0.2 > started.elapsed().as_secs_f64() {
            break frame;
        }
        assert!(started.elapsed() < Duration::from_millis(1_200), "still at {}", position(&frame));
    };
    assert!(position(&frame) > 0.45, "{}", position(&frame));
}

#[test]
fn a_pause_stops_the_clock_and_a_paused_video_can_be_stepped_and_searched() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = video(&folder) else { return };
    let mut source = VideoSource::open_file(&path, &SourceOptions::default()).unwrap();
    let before = position(&next(&mut source));
    source.set_paused(true);
    pause_for(Duration::from_millis(600));
    source.set_paused(false);
    let after = position(&next(&mut source));
    assert!(after - before < 0.4, "the pause is not skipped: {before} {after}");

    source.set_paused(true);
    let steps: Vec<f64> = (0..3).map(|_| position(&next(&mut source))).collect();
    assert!((steps[2] - steps[0] - 0.08).abs() < 1e-6, "a step is one frame: {steps:?}");
    source.seek(Duration::from_millis(1_500)).unwrap();
    assert!((position(&next(&mut source)) - 1.5).abs() < 0.05);
    source.set_paused(false);
    assert!((1.5..2.0).contains(&position(&next(&mut source))));
}

#[test]
fn a_loop_begins_again_and_ends_when_it_is_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let one = "-f lavfi -i testsrc=size=64x64:rate=25 -frames:v 1 -pix_fmt yuv420p";
    let Some(path) = made(&folder, "one.mp4", one) else { return };
    let options = SourceOptions { looping: true, ..SourceOptions::default() };
    let mut source = VideoSource::open_file(&path, &options).unwrap();
    let started = Instant::now();
    for _ in 0..3 {
        assert_eq!(next(&mut source).position, Some(Duration::ZERO));
    }
    assert!(started.elapsed() >= 2 * SHORTEST_LOOP, "ffmpeg is not started all the time");
    source.set_looping(false);
    assert_eq!(frames_until_end(&mut source).len(), 0);
}

#[test]
fn a_wait_is_never_longer_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "-f lavfi -i testsrc=size=64x64:rate=1:duration=5 -pix_fmt yuv420p";
    let Some(path) = made(&folder, "slow.mp4", slow) else { return };
    let mut source = VideoSource::open_file(&path, &SourceOptions::default()).unwrap();
    next(&mut source);
    let started = Instant::now();
    assert!(matches!(source.next_frame(Duration::from_millis(100)), Ok(Next::Waiting)));
    let waited = started.elapsed();
    assert!((Duration::from_millis(95)..Duration::from_millis(600)).contains(&waited), "{waited:?}");
}
