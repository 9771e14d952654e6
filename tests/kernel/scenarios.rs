//! The scenarios as data: how the kernel's test driver is loaded, what happens, and what has to come of it.

use quantscope::capture::{CameraBackend, CameraLosses, SourceOptions};
use quantscope::imaging::ImageSize;

/// A camera of the driver and what is done with it.
pub struct Scenario {
    /// Parameters of the driver.
    pub camera: &'static str,
    /// What is asked of it.
    pub wish: Wish,
    /// What has to happen, in order. At the end the source is closed, which has to take less than a second, and the driver
    /// is unloaded, which works only when nothing holds the camera.
    pub steps: &'static [Step],
}

/// One thing that has to happen.
pub enum Step {
    /// These cameras are found ("0 vivid").
    Lists(&'static [&'static str]),
    /// Camera 0 is said to offer this format, with these rates, fastest first.
    Offers(&'static str, &'static [f64]),
    /// Camera 0 opens, set to this. Closed before where it was open.
    Opens(&'static str),
    /// Camera 0 does not open, also while it is open, and the sentence contains this.
    OpenFails(&'static str),
    /// So many frames come, and no error.
    Frames(usize),
    /// Frames come, from the camera with this number.
    Number(u32),
    /// An error is told that contains this.
    Told(&'static str),
    /// No error is told for so many milliseconds.
    Quiet(u64),
    /// A frame comes by which so many were lost.
    Loses(CameraLosses),
    /// It is paused for so many milliseconds.
    Pause(u64),
    /// These controls are told, each in the words of [`crate::controls::words`].
    Controls(&'static [&'static str]),
    /// A control is set.
    Sets(u32, i64),
    /// All controls are set to their defaults.
    Resets,
    /// Controls (by their numbers) come to have these values, as the driver tells.
    Has(&'static [(u32, i64)]),
    /// A warning is told that contains this.
    Warned(&'static str),
    /// Frames come to have this colour all over.
    Shows([u8; 3]),
    /// Frames come so often a second.
    Rate(f64),
    /// So many frames are taken by a reader ten times too slow.
    Slowly(usize),
    /// The age of frames is told by the driver's times: this control moves them.
    AgeIsTheDrivers(u32),
    /// Another program sets a control, or presses it: this is how the driver is told to fail.
    OtherProgramSets(u32, i64),
    /// The camera is unplugged.
    Unplug,
    /// The same while another program has it open: its number stays taken.
    UnplugHeld,
    /// So many times it is unplugged and comes back, after which the process holds no more than before.
    Flaps(usize),
    /// It is plugged in again.
    PlugIn,
}

/// What is asked of a camera: format, size, rate.
pub struct Wish(Option<&'static str>, Option<(u32, u32)>, Option<f64>);

impl Wish {
    /// As the program asks.
    pub fn options(&self) -> SourceOptions {
        SourceOptions {
            camera_format: self.0.map(str::to_owned),
            camera_size: self.1.map(|(width, height)| ImageSize::new(width, height)),
            camera_rate: self.2,
            ..SourceOptions::default()
        }
    }
}

const ANY: Wish = Wish(None, None, None);
/// Small and quick, also on an emulated processor.
const SMALL: Wish = Wish(Some("YUYV"), Some((640, 360)), Some(30.0));

const fn small_as(format: &'static str) -> Wish {
    Wish(Some(format), Some((320, 180)), Some(30.0))
}

/// What [`SMALL`] gives.
const OPENED: &str = "YUYV 640x360 at 30 fps";

/// A test a scenario: by both libraries, or by v4l alone where nokhwa cannot know or hangs.
macro_rules! scenarios {
    (both { $($both:ident: $camera:expr, $wish:expr, [$($step:expr),+];)+ }
     v4l { $($alone:ident: $only_camera:expr, $only_wish:expr, [$($only_step:expr),+];)+ }) => {
        mod v4l {
            use super::*;
            $(scenarios!(one $both, V4l, $camera, $wish, [$($step),+]);)+
            $(scenarios!(one $alone, V4l, $only_camera, $only_wish, [$($only_step),+]);)+
        }
        mod nokhwa {
            use super::*;
            $(scenarios!(one $both, Nokhwa, $camera, $wish, [$($step),+]);)+
        }
    };
    (one $name:ident, $backend:ident, $camera:expr, $wish:expr, [$($step:expr),+]) => {
        #[test]
        #[ignore = "in a virtual machine: make test-kernel"]
        fn $name() {
            const SCENARIO: Scenario = Scenario { camera: $camera, wish: $wish, steps: &[$($step),+] };
            crate::run(&SCENARIO, CameraBackend::$backend);
        }
    };
}

use Step::{
    AgeIsTheDrivers, Controls, Flaps, Frames, Has, Lists, Loses, Number, Offers, OpenFails, Opens, OtherProgramSets,
    Pause, PlugIn, Quiet, Rate, Resets, Sets, Shows, Slowly, Told, Unplug, UnplugHeld, Warned,
};

/// Frames lost: dropped, damaged, opened again.
const fn lost(dropped: u64, damaged: u64, reopened: u64) -> Step {
    Loses(CameraLosses { dropped, damaged, reopened })
}

/// One webcam, of six sizes from 320x180 to 3840x2160; two rates fewer for each size.
const WEBCAM: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0";
/// The same beside nodes for video output, metadata in both directions.
const WITH_OTHER_NODES: &str = "n_devs=1 node_types=0x60101 num_inputs=1 input_types=0x0";
/// A card that reads HDMI: any size within bounds, and the rate that comes in (60 fps).
const HDMI: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x3";
/// The same without a scaler: it does not tell its sizes.
const HDMI_OF_ONE_SIZE: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x3 ccs_cap_mode=0";
/// A card that reads analogue television (PAL, 720x576, 25 fps, interlaced), without a scaler.
const TELEVISION: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x1 ccs_cap_mode=0";
/// Two webcams.
const TWO: &str = "n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x0,0x0";
/// A camera of a processor's picture pipeline, which keeps the planes of a frame in buffers of their own: not read.
const SEVERAL_PLANES: &str = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0 multiplanar=2";

// The driver's controls, by their numbers.
const BRIGHTNESS: u32 = 0x0098_0900;
const SWITCH: u32 = 0x0098_f901;
const WIDE: u32 = 0x0098_f903;
const MENU: u32 = 0x0098_f904;
const PATTERN: u32 = 0x00f0_f000;
const TEXT: u32 = 0x00f0_f001;
const STAMPED_AT: u32 = 0x00f0_f018;
const NUMBERS_WRAP: u32 = 0x00f0_f026;
const TIMES_WRAP: u32 = 0x00f0_f027;
const CROPPING: u32 = 0x00f0_f01f;
const REDUCED_RATE: u32 = 0x00f0_f02a;
const DROPPED: u32 = 0x00f0_f040;
const DISCONNECT: u32 = 0x00f0_f041;
const FLAG: u32 = 0x00f0_f042;
const NO_BUFFERS: u32 = 0x00f0_f043;
const NOT_TAKEN_BACK: u32 = 0x00f0_f044;
const NO_START: u32 = 0x00f0_f045;
const FATAL: u32 = 0x00f0_f046;
// Test pictures of one colour, and no text over them.
const BLACK: i64 = 5;
const WHITE: i64 = 6;
const RED: i64 = 7;
const GREEN: i64 = 8;
const BLUE: i64 = 9;
const NO_TEXT: i64 = 2;

scenarios! {
    both {
        yuyv: WEBCAM, SMALL, [Lists(&["0 vivid"]), Opens(OPENED), Frames(30)];
        without_a_wish: WEBCAM, ANY, [Opens(OPENED), Frames(3)];
        large: WEBCAM, Wish(None, Some((1280, 720)), Some(10.0)), [Opens("YUYV 1280x720 at 10 fps"), Frames(5)];
        size_that_is_not_on_offer: WEBCAM, Wish(None, Some((800, 600)), None),
            [Opens("YUYV 640x480 at 25 fps (800x600 is not on offer)"), Frames(3)];
        format_that_is_not_on_offer: WEBCAM, Wish(Some("MJPG"), Some((640, 360)), None),
            [Opens("YUYV 640x360 at 30 fps (MJPG is not on offer)"), Frames(3)];
        slow: WEBCAM, Wish(Some("YUYV"), Some((640, 360)), Some(2.0)), [Opens("YUYV 640x360 at 2 fps"), Frames(3)];
        colours_of_yuyv: WEBCAM, small_as("YUYV"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, RED), Opens("YUYV 320x180 at 30 fps"), Shows([255, 0, 0]),
            Sets(PATTERN, GREEN), Shows([0, 255, 0]), Sets(PATTERN, BLUE), Shows([0, 0, 255]), Sets(PATTERN, WHITE), Shows([255; 3])];
        colours_of_nv12: WEBCAM, small_as("NV12"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, RED), Opens("NV12 320x180 at 30 fps"), Shows([255, 0, 0]),
            Sets(PATTERN, BLUE), Shows([0, 0, 255]), Sets(PATTERN, BLACK), Shows([0; 3])];
        colours_of_rgb24: WEBCAM, small_as("RGB3"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, RED), Opens("RGB3 320x180 at 30 fps"), Shows([255, 0, 0]),
            Sets(PATTERN, BLUE), Shows([0, 0, 255])];
        colours_of_bgr24: WEBCAM, small_as("BGR3"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, RED), Opens("BGR3 320x180 at 30 fps"), Shows([255, 0, 0]),
            Sets(PATTERN, BLUE), Shows([0, 0, 255])];
        other_nodes_are_no_cameras: WITH_OTHER_NODES, SMALL, [Lists(&["0 vivid"]), Opens(OPENED), Frames(3)];
        two_of_one_name: TWO, SMALL, [Lists(&["0 vivid", "1 vivid"]), Opens(OPENED), Frames(3), Number(0)];
        busy: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OpenFails("in use by another program"), Lists(&["0 vivid"]), Frames(3)];
        opened_again_at_once: WEBCAM, SMALL, [Opens(OPENED), Opens(OPENED), Opens(OPENED), Frames(3)];
        paused: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Pause(600), Frames(3)];
        no_camera: WEBCAM, ANY, [
            Unplug, Lists(&[]), OpenFails("no camera is connected"), PlugIn, Opens(OPENED), Frames(3)];
        unplugged: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Unplug, Told("it is gone")];
        plugged_in_again: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), Unplug, Told("it is gone"), PlugIn, Frames(5), lost(0, 0, 1), Number(0)];
        back_under_another_number: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), UnplugHeld, Told("it is gone"), PlugIn, Frames(5), Number(1)];
        plugged_and_unplugged: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Flaps(8)];
        disconnected_by_the_driver: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(DISCONNECT, 1), Told("it is gone"), Frames(5), lost(0, 0, 1)];
        fatal_streaming_error: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(FATAL, 1), Quiet(1500), lost(0, 0, 1)];
        fatal_streaming_errors_over_and_over: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(FATAL, 1), Quiet(1000), lost(0, 0, 1), OtherProgramSets(FATAL, 1),
            Told("driver reports an error"), Frames(5), lost(0, 0, 2)];
        frame_is_not_taken_back: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(NOT_TAKEN_BACK, 1), Quiet(1500), lost(0, 0, 1)];
        no_buffers: WEBCAM, SMALL, [
            OtherProgramSets(NO_BUFFERS, 1), OpenFails("driver reports an error"), Opens(OPENED), Frames(3)];
        no_start_after_an_error: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(NO_START, 1), OtherProgramSets(FATAL, 1), Told("driver reports an error"),
            Frames(5)];
        frozen_and_back: WEBCAM, SMALL, [
            Opens(OPENED), Frames(3), OtherProgramSets(DROPPED, 100), Told("gives no pictures since 3 s"),
            OtherProgramSets(DROPPED, 0), Frames(5)];
        controls: WEBCAM, SMALL, [Opens(OPENED), Controls(&[
            "Gain, Automatic: 1, default 1",
            "Brightness: 128 of 0..255 by 1, default 128",
            "Menu: 3 of 1 Menu Item 1, 3 Menu Item 3, 4 Menu Item 4, default 3",
            "Integer Menu: 4 of 2 2, 3 3, 4 5, 5 8, 6 13, 7 21, 8 42, default 4",
            "Integer 64 Bits: 0 of -9223372036854775808..9223372036854775807 by 1, default 0",
            "Hue: 0 of -128..128 by 1, default 0",
        ])];
        controls_are_set: WEBCAM, small_as("YUYV"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, BLACK), Opens("YUYV 320x180 at 30 fps"), Shows([0; 3]),
            Sets(BRIGHTNESS, 255), Shows([148; 3]), Resets, Has(&[(BRIGHTNESS, 128), (PATTERN, 0)])];
        controls_of_every_kind: WEBCAM, SMALL, [
            Opens(OPENED), Sets(BRIGHTNESS, 9999), Has(&[(BRIGHTNESS, 255)]), Sets(WIDE, i64::MIN + 1), Has(&[(WIDE, i64::MIN + 1)]),
            Sets(WIDE, i64::MAX), Has(&[(WIDE, i64::MAX)]), Sets(MENU, 4), Sets(SWITCH, 0), Has(&[(MENU, 4), (SWITCH, 0)]),
            Resets, Has(&[(BRIGHTNESS, 128), (WIDE, 0), (MENU, 3), (SWITCH, 1)]), Frames(3)];
        control_that_is_held: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Sets(CROPPING, 0), Warned("Enable Capture Cropping"), Frames(3)];
        set_again_when_plugged_in_again: WEBCAM, SMALL, [
            Opens(OPENED), Frames(1), Sets(BRIGHTNESS, 200), Has(&[(BRIGHTNESS, 200)]), Unplug, Told("it is gone"), PlugIn,
            Has(&[(BRIGHTNESS, 200)]), Frames(3)];
    }
    v4l {
        formats: WEBCAM, ANY, [
            Offers("YUYV 1280x720", &[12.5, 10.0, 5.0, 4.0, 2.0, 1.0]), Offers("NV12 640x360", &[40.0, 30.0, 25.0, 15.0, 12.5, 10.0, 5.0, 4.0, 2.0, 1.0]),
            Offers("GREY 3840x2160", &[2.0, 1.0])];
        rate_that_is_not_one_over_a_whole_number: WEBCAM, Wish(Some("YUYV"), Some((640, 360)), Some(12.5)),
            [Opens("YUYV 640x360 at 12.5 fps"), Rate(12.5)];
        full_rate: WEBCAM, Wish(Some("YUYV"), Some((320, 180)), Some(60.0)), [Opens("YUYV 320x180 at 60 fps"), Rate(60.0)];
        colours_of_uyvy: WEBCAM, small_as("UYVY"), [
            OtherProgramSets(TEXT, NO_TEXT), OtherProgramSets(PATTERN, RED), Opens("UYVY 320x180 at 30 fps"), Shows([255, 0, 0]),
            Sets(PATTERN, BLUE), Shows([0, 0, 255])];
        grey: WEBCAM, small_as("GREY"), [Opens("GREY 320x180 at 30 fps"), Frames(10)];
        frame_flagged_as_faulty: WEBCAM, SMALL, [Opens(OPENED), Frames(3), OtherProgramSets(FLAG, 1), lost(0, 1, 0), Frames(3)];
        frames_dropped: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Sets(DROPPED, 60), lost(10, 0, 0)];
        closed_while_it_gives_nothing: WEBCAM, SMALL, [Opens(OPENED), Frames(3), Sets(DROPPED, 100), Quiet(700)];
        numbers_that_wrap: WEBCAM, SMALL, [OtherProgramSets(NUMBERS_WRAP, 1), Opens(OPENED), Frames(150), lost(0, 0, 0)];
        times_that_wrap: WEBCAM, SMALL, [OtherProgramSets(TIMES_WRAP, 1), Opens(OPENED), Quiet(17_500), Rate(30.0)];
        times_that_wrap_at_32_bits: WEBCAM, SMALL, [OtherProgramSets(TIMES_WRAP, 2), Opens(OPENED), Frames(30), Rate(30.0)];
        age_of_frames: WEBCAM, Wish(Some("YUYV"), Some((1280, 720)), Some(10.0)), [Opens("YUYV 1280x720 at 10 fps"), AgeIsTheDrivers(STAMPED_AT)];
        slow_reader: WEBCAM, Wish(Some("YUYV"), Some((320, 180)), Some(15.0)),
            [OtherProgramSets(STAMPED_AT, 1), Opens("YUYV 320x180 at 15 fps"), Slowly(8)];
        no_start: WEBCAM, SMALL, [
            OtherProgramSets(NO_START, 1), OpenFails("driver reports an error"), Opens(OPENED), Frames(3)];
        controls_held_while_it_streams: WEBCAM, SMALL, [
            Opens(OPENED), Controls(&["Enable Capture Cropping: 1, default 1, Grabbed"])];
        card_of_any_size: HDMI, Wish(Some("YUYV"), Some((320, 240)), None), [Opens("YUYV 320x240 at 60 fps"), Frames(5)];
        card_at_the_rate_of_television: HDMI, Wish(Some("YUYV"), Some((320, 240)), None), [
            OtherProgramSets(REDUCED_RATE, 1), Offers("YUYV 320x240", &[59.94]), Opens("YUYV 320x240 at 59.94 fps"), Frames(5)];
        card_that_does_not_tell_its_sizes: HDMI_OF_ONE_SIZE, ANY, [
            Offers("YUYV 1280x720", &[60.0]), Opens("YUYV 1280x720 at 60 fps"), Frames(3)];
        television_that_does_not_tell_its_sizes: TELEVISION, ANY, [
            Offers("YUYV 720x576", &[25.0]), Opens("YUYV 720x576 at 25 fps"), Frames(5)];
        several_planes: SEVERAL_PLANES, ANY, [Lists(&[]), OpenFails("no camera is connected")];
    }
}
