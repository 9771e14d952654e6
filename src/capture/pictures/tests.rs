use super::*;
use image::Rgb;

const WAIT: Duration = Duration::from_millis(2_000);

fn every_frame() -> SourceOptions {
    SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() }
}

/// `c.gif`, `a.png`, `b.jpg` in red, green and blue; a broken one, a text and a hidden file between them.
fn folder_of_three() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, color) in [("c.gif", [255, 0, 0]), ("a.png", [0, 255, 0]), ("B.JPG", [0, 0, 255])] {
        RgbImage::from_pixel(16, 16, Rgb(color)).save(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("b broken.jpeg"), b"\xff\xd8\xff\xe0 and nothing else").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
    std::fs::write(folder.path().join(".hidden.png"), "no picture").unwrap();
    folder
}

fn names_until_end(source: &mut Pictures) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        match source.next_frame(WAIT).unwrap() {
            Next::Frame(frame) => names.push(frame.name.to_string()),
            Next::End => return names,
            Next::Waiting => panic!("every frame never waits"),
        }
    }
}

fn name_of_next(source: &mut Pictures, wait: Duration) -> Option<String> {
    match source.next_frame(wait).unwrap() {
        Next::Frame(frame) => Some(frame.name.to_string()),
        Next::Waiting | Next::End => None,
    }
}

#[test]
fn a_folder_gives_each_picture_once_by_name_and_reports_the_broken_one() {
    let folder = folder_of_three();
    let mut source = Pictures::open_folder(folder.path(), &every_frame()).unwrap();
    assert_eq!(source.info().picture_count, Some(4));
    assert_eq!(names_until_end(&mut source), ["B.JPG", "a.png", "c.gif"]);
    let warning = source.take_warning().unwrap();
    assert!(warning.starts_with("Skipped ") && warning.contains("b broken.jpeg: not a picture"), "{warning}");
    assert_eq!(source.take_warning(), None);
    assert!(matches!(source.next_frame(WAIT), Ok(Next::End)), "the end stays the end");

    source.seek(Duration::from_secs(3)).unwrap();
    let Next::Frame(frame) = source.next_frame(WAIT).unwrap() else { panic!("seek goes on after the end") };
    assert_eq!((&*frame.name, frame.position), ("c.gif", Some(Duration::from_secs(3))));
    assert_eq!(frame.image.get_pixel(3, 3), &Rgb([255, 0, 0]));
}

#[test]
fn a_looping_folder_begins_again() {
    let folder = folder_of_three();
    let mut source = Pictures::open_folder(folder.path(), &every_frame()).unwrap();
    source.set_looping(true);
    let names: Vec<_> = (0..5).filter_map(|_| name_of_next(&mut source, WAIT)).collect();
    assert_eq!(names, ["B.JPG", "a.png", "c.gif", "B.JPG", "a.png"]);
}

#[test]
fn in_real_time_a_picture_stays_for_its_second_divided_by_the_speed() {
    let folder = folder_of_three();
    let mut source = Pictures::open_folder(folder.path(), &SourceOptions::default()).unwrap();
    source.set_speed(5.0);
    let started = Instant::now();
    assert_eq!(name_of_next(&mut source, WAIT).as_deref(), Some("B.JPG"));
    assert_eq!(name_of_next(&mut source, Duration::from_millis(10)), None, "its time is not over");
    assert_eq!(name_of_next(&mut source, WAIT).as_deref(), Some("a.png"));
    let elapsed = started.elapsed();
    assert!((Duration::from_millis(195)..Duration::from_millis(900)).contains(&elapsed), "{elapsed:?}");
    source.set_paused(true);
    assert_eq!(name_of_next(&mut source, WAIT).as_deref(), Some("c.gif"), "a step while paused");
}

#[test]
fn a_still_picture_is_given_once_and_again_after_a_seek() {
    let folder = folder_of_three();
    let mut source = Pictures::open_file(&folder.path().join("a.png"), &SourceOptions::default()).unwrap();
    assert_eq!(source.info().size, Some(crate::imaging::ImageSize::new(16, 16)));
    assert!(matches!(source.next_frame(WAIT), Ok(Next::Frame(_))));
    let started = Instant::now();
    assert!(matches!(source.next_frame(Duration::from_millis(50)), Ok(Next::Waiting)));
    assert!(started.elapsed() >= Duration::from_millis(50), "the wait is used, not spun away");
    source.seek(Duration::ZERO).unwrap();
    assert!(matches!(source.next_frame(WAIT), Ok(Next::Frame(_))));

    let mut once = Pictures::open_file(&folder.path().join("a.png"), &every_frame()).unwrap();
    assert_eq!(names_until_end(&mut once), ["a.png"]);
}

#[test]
fn a_folder_without_a_readable_picture_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let error = Pictures::open_folder(empty.path(), &every_frame()).err().unwrap();
    assert!(matches!(error, CaptureError::EmptyFolder { .. }), "{error}");

    for name in ["a.png", "b.jpg"] {
        std::fs::write(empty.path().join(name), "broken").unwrap();
    }
    let mut source = Pictures::open_folder(empty.path(), &every_frame()).unwrap();
    source.set_looping(true);
    let error = source.next_frame(WAIT).unwrap_err();
    assert!(error.to_string().contains("none of its 2 pictures can be read"), "{error}");
}
