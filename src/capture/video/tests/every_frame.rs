use super::*;

/// H.264 in 4:2:0 does not give back exact colours.
const CODEC_TOLERANCE: i16 = 12;

#[test]
fn each_frame_comes_once_at_its_position_then_the_end_and_a_seek_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -pix_fmt yuv420p";
    let Some(path) = made(&folder, "a.mp4", arguments) else { return };
    let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
    let info = source.info().clone();
    assert_eq!((info.title.as_str(), info.kind), ("a.mp4", SourceKind::Video));
    assert_eq!(info.size, Some(crate::imaging::ImageSize::new(160, 120)));
    assert_eq!((info.frame_rate, info.duration), (Some(25.0), Some(Duration::from_secs(2))));
    assert_eq!(info.detail, "h264 160x120 at 25 fps");

    let frames = frames_until_end(&mut source);
    assert_eq!(frames.len(), 50);
    for (index, frame) in frames.iter().enumerate() {
        assert_eq!(frame.position, Some(Duration::from_millis(40 * index as u64)));
        assert_eq!(frame.image.dimensions(), (160, 120));
    }
    assert!(frames.windows(2).all(|pair| pair[0].image != pair[1].image), "the test picture moves");
    assert!(matches!(source.next_frame(WAIT), Ok(Next::End)));

    source.seek(Duration::from_millis(1_000)).unwrap();
    let rest = frames_until_end(&mut source);
    assert_eq!(rest.len(), 25);
    assert_eq!(rest[0].position, Some(Duration::from_secs(1)));
    assert_eq!(rest[0].image, frames[25].image, "it is the picture of that time");
    source.seek(Duration::from_secs(99)).unwrap();
    assert_eq!(frames_until_end(&mut source).len(), 1, "beyond the end: the last picture");
}

#[test]
fn colors_come_in_the_order_red_green_blue() {
    let folder = tempfile::tempdir().unwrap();
    for (color, expected) in [("red", [255, 0, 0]), ("lime", [0, 255, 0]), ("blue", [0, 0, 255])] {
        let arguments = format!("-f lavfi -i color=c={color}:size=64x48:rate=5:duration=1 -pix_fmt yuv420p");
        let Some(path) = made(&folder, &format!("{color}.mp4"), &arguments) else { return };
        let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
        for pixel in next(&mut source).image.pixels() {
            let near =
                pixel.0.iter().zip(expected).all(|(&got, want)| (i16::from(got) - want).abs() <= CODEC_TOLERANCE);
            assert!(near, "{color}: {pixel:?}");
        }
    }
}

#[test]
fn an_odd_size_of_a_lossless_video_is_exact_to_the_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=101x57:rate=10:duration=0.5 -pix_fmt bgr0 -c:v ffv1";
    let Some(path) = made(&folder, "odd.mkv", arguments) else { return };
    let png = made(&folder, "first.png", &format!("-i {} -frames:v 1 -pix_fmt rgb24", path.display())).unwrap();
    let expected = image::open(png).unwrap().to_rgb8();
    let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
    let frames = frames_until_end(&mut source);
    assert_eq!(frames.len(), 5);
    assert_eq!(*frames[0].image, expected);
}

#[test]
fn a_video_of_one_frame_or_of_varying_rate_gives_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = "-f lavfi -i testsrc=size=64x64:rate=25 -frames:v 1 -pix_fmt yuv420p";
    let Some(path) = made(&folder, "one.mp4", one) else { return };
    assert_eq!(frames_until_end(&mut VideoSource::open_file(&path, &every_frame()).unwrap()).len(), 1);

    // The first 10 pictures at 30 fps, then every third one: 10 + 16.
    let varying = "-f lavfi -i testsrc=size=64x64:rate=30:duration=2 -vf select='lt(n,10)+not(mod(n,3))*gte(n,10)' \
                   -vsync vfr -c:v ffv1";
    let path = made(&folder, "varying.mkv", varying).unwrap();
    let frames = frames_until_end(&mut VideoSource::open_file(&path, &every_frame()).unwrap());
    assert_eq!(frames.len(), 26);
    assert!(frames.windows(2).all(|pair| pair[0].image != pair[1].image), "none twice");
}

#[test]
fn a_video_that_lies_on_its_side_is_turned() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=96x64:rate=5:duration=1 -pix_fmt yuv420p";
    let Some(upright) = made(&folder, "upright.mp4", arguments) else { return };
    let turn = format!("-i {} -c copy -metadata:s:v:0 rotate=90", upright.display());
    let path = made(&folder, "turned.mp4", &turn).unwrap();
    let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
    let announced = source.info().size.unwrap();
    if announced == crate::imaging::ImageSize::new(96, 64) {
        println!("skipped: this ffmpeg writes rotation in another way");
        return;
    }
    let frame = next(&mut source);
    assert_eq!(frame.image.dimensions(), (64, 96));
    assert_eq!((announced.width, announced.height), (64, 96));
}

#[test]
fn any_file_name_works() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=64x64:rate=5:duration=1 -f mp4 -pix_fmt yuv420p";
    for name in ["-i.mp4", "a b c.mp4", "http:x.mp4", "100%d 'q' \"é\".mp4", "concat:a|b"] {
        let Some(path) = made(&folder, name, arguments) else { return };
        let mut source = VideoSource::open_file(&path, &every_frame()).unwrap();
        assert_eq!(frames_until_end(&mut source).len(), 5, "{name}");
    }
    let relative = Target::file(Path::new("-i.mp4"));
    let options = every_frame();
    let error = VideoSource::open(Programs::default(), relative, &options).err().unwrap();
    assert!(error.to_string().contains("No such file"), "taken for a file, not for an option: {error}");
}
