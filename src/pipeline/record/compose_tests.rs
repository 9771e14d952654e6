use super::*;
use crate::pipeline::Mode;
use crate::pipeline::record::test_support::frame;

const SIZE: ImageSize = ImageSize { width: 320, height: 240 };

fn view(layout: PairLayout) -> RecordingView {
    RecordingView { layout, ..RecordingView::default() }
}

fn composed(video: VideoView, result: &FrameResult, view: &RecordingView) -> RgbImage {
    let mut composer = Composer::for_first(video, result, view);
    composer.draw(result, view);
    composer.picture().clone()
}

fn share_of(picture: &RgbImage, color: [u8; 3], columns: std::ops::Range<u32>) -> usize {
    columns.map(|x| (0..picture.height()).filter(|&y| picture.get_pixel(x, y).0 == color).count()).sum()
}

/// Colours of "stop" and "yield", by A's numbers.
fn colors() -> [[u8; 3]; 2] {
    [class_color(0), class_color(1)]
}

#[test]
fn side_by_side_has_each_model_on_its_half_and_a_class_looks_alike_on_both() {
    let picture = composed(VideoView::AsShown, &frame(1, Mode::Compare, SIZE), &view(PairLayout::SideBySide));
    assert_eq!(picture.dimensions(), (640, 240));
    let [stop, yields] = colors();
    for half in [0..320, 320..640] {
        assert!(share_of(&picture, stop, half) > 200);
    }
    assert!(share_of(&picture, yields, 0..320) > 100);
    assert_eq!(share_of(&picture, yields, 320..640), 0);
    assert_eq!(picture.get_pixel(160, 60).0, [90, 90, 90], "between the boxes the frame is untouched");
    for corner in [(0, 0), (320, 0), (0, 239)] {
        assert_eq!(picture.get_pixel(corner.0, corner.1).0, CAPTION, "{corner:?}");
    }
}

#[test]
fn the_divider_shows_the_boxes_of_a_on_its_left_and_of_b_on_its_right() {
    let result = frame(1, Mode::Compare, SIZE);
    let [stop, yields] = colors();
    let at = |divider| {
        let view = RecordingView { divider, ..view(PairLayout::Divider) };
        let picture = composed(VideoView::AsShown, &result, &view);
        assert_eq!(picture.dimensions(), (320, 240));
        picture
    };
    let right = at(1.0);
    assert!(share_of(&right, yields, 160..320) > 100, "A's box is left of the line");
    let middle = at(0.5);
    assert!(share_of(&middle, stop, 0..160) > 200);
    assert_eq!(share_of(&middle, yields, 160..320), 0, "B did not find it");
    assert_eq!(middle.get_pixel(160, 120).0, [255, 255, 255]);
    for odd in [0.0, -3.0, f32::NAN] {
        at(odd);
    }
    let fixed = composed(VideoView::Divider, &result, &view(PairLayout::Overlay));
    assert_eq!(fixed, middle, "the layout of the window does not matter, the place of the divider does");
}

#[test]
fn an_overlay_marks_what_only_one_found_and_hidden_classes_are_not_drawn() {
    let result = frame(1, Mode::Compare, SIZE);
    let picture = composed(VideoView::AsShown, &result, &view(PairLayout::Overlay));
    let [stop, yields] = colors();
    assert!(share_of(&picture, stop, 0..160) > 200);
    assert!(share_of(&picture, LANE_COLORS[0], 160..320) > 100);
    assert_eq!(share_of(&picture, yields, 0..320), 0);
    let hidden = RecordingView { hidden: BTreeSet::from(["stop".to_owned()]), ..view(PairLayout::SideBySide) };
    let picture = composed(VideoView::AsShown, &result, &hidden);
    assert_eq!(share_of(&picture, stop, 0..640), 0);
}

#[test]
fn one_model_fills_the_picture_and_no_model_leaves_the_frame() {
    let single = composed(VideoView::AsShown, &frame(1, Mode::Single(LaneId::B), SIZE), &RecordingView::default());
    assert_eq!(single.dimensions(), (320, 240));
    // Alone, B's own number of "stop" gives the colour, as in the window.
    assert!(share_of(&single, class_color(1), 0..320) > 200);
    let mut nothing = frame(1, Mode::Compare, SIZE);
    nothing.lanes = [None, None];
    let picture = composed(VideoView::AsShown, &nothing, &RecordingView::default());
    assert_eq!(picture.get_pixel(0, 0).0, [90, 90, 90], "no caption of a model");
}

#[test]
fn sides_are_even_and_what_has_another_shape_gets_bars() {
    for (width, height) in [(321, 243), (1, 1), (33, 4001), (5000, 3000), (64, 64)] {
        let odd = frame(1, Mode::Compare, ImageSize::new(width, height));
        for video in VideoView::ALL {
            let picture = composed(video, &odd, &RecordingView::default());
            let (w, h) = picture.dimensions();
            assert!(w % 2 == 0 && h % 2 == 0 && w >= 64 && h >= 64, "{width}x{height}: {w}x{h}");
            assert!(w <= LARGEST.width && h <= LARGEST.height, "{width}x{height}: {w}x{h}");
        }
    }
    let mut composer = Composer::for_first(VideoView::Divider, &frame(1, Mode::Compare, SIZE), &Default::default());
    composer.draw(&frame(2, Mode::Compare, ImageSize::new(640, 240)), &Default::default());
    assert_eq!(composer.size(), SIZE, "the size of the first frame stays");
    assert_eq!(composer.picture().get_pixel(160, 20).0, [0, 0, 0]);
    assert_eq!(composer.picture().get_pixel(200, 100).0, [90, 90, 90]);
    let blue = class_color(0);
    // The box that begins at 1/8 of the width and at 0.4 of the height still does: the frame is half as large.
    let (x, y) = (40, 60 + 66);
    assert!((x - 2..x + 3).any(|x| composer.picture().get_pixel(x, y).0 == blue), "the box moved with the frame");
}
