//! The scenarios as data: what the camera does, and what has to come of it.

use quantscope::capture::SourceOptions;
use quantscope::imaging::ImageSize;

/// What a camera does (in the words of `vcam.c`) and what is done with it.
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What the camera does.
    pub camera: &'static str,
    /// What is asked of it.
    pub wish: Wish,
    /// What has to happen, in order. At the end the source is closed, which has to take less than a second.
    pub steps: &'static [Step],
}

/// One thing that has to happen.
pub enum Step {
    /// Camera 0 opens, and what it is set to contains this.
    Opens(&'static str),
    /// Camera 0 does not open, and the sentence contains this.
    OpenFails(&'static str),
    /// So many cameras are found.
    Lists(usize),
    /// So many frames come, and no error.
    Frames(usize),
    /// Frames come, from the camera with this number.
    Number(u32),
    /// An error is told that contains this.
    Told(&'static str),
    /// No error is told for so many milliseconds.
    Quiet(u64),
    /// A frame comes by which so many were lost, or so often it was opened again.
    Loses(u64),
    /// So many frames are taken by a reader ten times too slow.
    Slowly(usize),
    /// It is paused for so many milliseconds.
    Pause(u64),
    /// These settings of controls (number, value) are remembered when the camera is opened.
    Remembers(&'static [(u32, i64)]),
    /// These controls are told, in this order, each in the words of [`crate::controls::words`].
    Controls(&'static [&'static str]),
    /// A control is set.
    Sets(u32, i64),
    /// All controls are set to their defaults.
    Resets,
    /// Controls (by their numbers) come to have these values, as the driver tells.
    Has(&'static [(u32, i64)]),
    /// Frames come to have this luma: the camera's brightness.
    Luma(u8),
    /// A warning is told that contains this.
    Warned(&'static str),
    /// The view behind the whole pipeline takes so many frames, one in ten periods.
    SlowView(usize),
    /// A model that takes more than ten periods is given so many frames.
    SlowModel(usize),
    /// The pipeline is asked for it so many times, faster than it opens.
    AskedAgain(usize),
    /// So many times: it is closed and opened again at once.
    Reopens(usize),
    /// So many times it is unplugged and comes back, and after the first hundred nothing grows any more.
    Flaps(usize),
}

/// What is asked of a camera.
#[derive(Default)]
pub struct Wish(Option<&'static str>, Option<(u32, u32)>, Option<f64>);

const ANY: Wish = Wish(None, None, None);

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

/// The scenario of that name.
pub fn named(name: &str) -> &'static Scenario {
    ALL.iter().find(|scenario| scenario.name == name).expect("a known scenario")
}

/// A test a scenario: by both libraries, or by v4l alone where nokhwa cannot know or hangs.
macro_rules! scenarios {
    (both { $($both:ident: $camera:expr, $wish:expr, [$($step:expr),+];)+ }
     v4l { $($alone:ident: $only_camera:expr, $only_wish:expr, [$($only_step:expr),+];)+ }) => {
        /// All of them.
        pub const ALL: &[Scenario] = &[
            $(Scenario { name: stringify!($both), camera: $camera, wish: $wish, steps: &[$($step),+] },)+
            $(Scenario { name: stringify!($alone), camera: $only_camera, wish: $only_wish, steps: &[$($only_step),+] },)+
        ];
        mod v4l {
            $(#[test] fn $both() { crate::run(stringify!($both), "v4l"); })+
            $(#[test] fn $alone() { crate::run(stringify!($alone), "v4l"); })+
        }
        mod nokhwa {
            $(#[test] fn $both() { crate::run(stringify!($both), "nokhwa"); })+
        }
    };
}

use Step::{
    AskedAgain, Controls, Flaps, Frames, Has, Lists, Loses, Luma, Number, OpenFails, Opens, Pause, Quiet, Remembers,
    Reopens, Resets, Sets, SlowModel, SlowView, Slowly, Told, Warned,
};

/// V4L2's numbers.
const BRIGHTNESS: u32 = 0x0098_0900;
const EXPOSURE_MODE: u32 = 0x009a_0901;
const EXPOSURE: u32 = 0x009a_0902;
/// Controls as webcams have them: two of the names end or begin as no name should.
const USUAL: &str = "ctl=0x980900:1:0:255:1:128:0:Brightness;ctl=0x980918:3:0:2:1:1:0:Power Line Frequency;\
                     item=0x980918:0:Disabled;item=0x980918:1:50 Hz;item=0x980918:2:60 Hz;\
                     ctl=0x9a0901:3:0:3:1:3:0:Auto Exposure;item=0x9a0901:1:Manual Mode;item=0x9a0901:3:Aperture Priority Mode;\
                     ctl=0x9a0902:1:3:2047:1:250:0:Exposure Time, Absolute;auto=0x9a0901:1:0x9a0902";
/// One of each kind that is odd.
const ODD: &str = "ctl=0x980901:1:0:10:0:5:0:Step of 0;ctl=0x980902:1:9:3:1:5:0:Bounds the wrong way round;\
                   ctl=0x980903:1:0:10:1:99:0:Default out of bounds;ctl=0x980904:2:0:1:1:1:4:Read only;\
                   ctl=0x980905:1:0:10:1:5:1:Disabled;ctl=0x980906:1:0:10:1:5:64:Write only;ctl=0x980907:1:0:10:1:5:2:Grabbed;\
                   ctl=0x980908:4:0:0:0:0:0:Button;ctl=0x980909:7:0:10:1:0:0:Text;ctl=0x98090a:3:0:4:1:0:0:Menu without entries;\
                   ctl=0x98090b:9:0:2:1:0:0:Numbers;item=0x98090b:0:15;item=0x98090b:2:1000;\
                   ctl=0x98090d:5:-9000000000:9000000000:1:-5:0:Sixty-four bits;ctl=0x980010:1:0:10:1:5:0:  \u{7}Loud \u{fe};\
                   ctl=0x980011:3:-5:2000000000:1:1:0:Huge menu;item=0x980011:1:One";

scenarios! {
    both {
        yuyv: "", ANY, [Opens("YUYV 640x480 at 30 fps"), Frames(20)];
        nv12: "fmt=NV12:640x480@30", ANY, [Opens("NV12 640x480"), Frames(10)];
        rgb24: "fmt=RGB3:640x480@30", ANY, [Opens("RGB3 640x480"), Frames(10)];
        bgr24: "fmt=BGR3:640x480@30", ANY, [Opens("BGR3 640x480"), Frames(10)];
        mjpg: "fmt=MJPG:640x480@30", ANY, [Opens("MJPG 640x480"), Frames(10)];
        size_that_is_not_on_offer: "fmt=YUYV:640x480@30;fmt=YUYV:320x240@30", Wish(None, Some((640, 360)), None),
            [Opens("YUYV 640x480 at 30 fps (640x360 is not on offer)"), Frames(3)];
        format_that_is_not_on_offer: "fmt=YUYV:640x480@30", Wish(Some("NV12"), None, None),
            [Opens("NV12 is not on offer"), Frames(3)];
        slowest_rate_wished: "fmt=YUYV:640x480@30,10", Wish(None, None, Some(10.0)), [Opens("at 10 fps"), Frames(3)];
        slow_camera: "rate=2", ANY, [Opens("YUYV"), Frames(4)];
        no_camera: "cam=", ANY, [Lists(0), OpenFails("no camera is connected")];
        another_number: "cam=3", ANY, [Lists(1), OpenFails("found: 3 Played Webcam")];
        hundreds_of_cameras: "many=300", ANY, [Lists(300), Opens("YUYV"), Frames(3)];
        unknown_format: "fmt=H264:640x480@30", ANY, [OpenFails("offers no format that can be used (H264")];
        busy_at_format: "fail=sfmt:EBUSY", ANY, [OpenFails("in use by another program")];
        busy_at_buffers: "fail=reqbufs:EBUSY", ANY, [OpenFails("in use by another program")];
        forbidden: "fail=open:EACCES", ANY, [OpenFails("no permission")];
        gone_before_it_is_opened: "fail=open:ENODEV", ANY, [OpenFails("it is gone")];
        silent_about_itself: "fail=querycap:EIO", ANY, [OpenFails("driver reports an error")];
        silent_about_formats: "fail=enumfmt:EIO", ANY, [OpenFails("offers no format that can be used (nothing)")];
        no_memory: "fail=reqbufs:ENOMEM", ANY, [OpenFails("driver reports an error")];
        unplugged: "at=10:unplug", ANY, [Opens("YUYV"), Frames(5), Told("it is gone")];
        plugged_in_again: "at=10:unplug:700", ANY, [Opens("YUYV"), Told("it is gone"), Loses(1)];
        plugged_in_under_another_number: "at=10:unplug:700:5", ANY, [Opens("YUYV"), Told("it is gone")];
        unplugged_in_the_middle_of_jpegs: "fmt=MJPG:640x480@30;at=10:unplug:300", ANY, [Opens("MJPG"), Told("it is gone"), Frames(5)];
        frozen_for_a_moment: "at=10:freeze:1500", ANY, [Opens("YUYV"), Quiet(2500), Frames(5)];
        frozen_and_back: "at=10:freeze:5000", ANY, [Opens("YUYV"), Told("gives no pictures since 3 s"), Frames(5)];
        frozen_for_ever: "at=10:freeze", ANY, [Opens("YUYV"), Told("gives no pictures since 3 s")];
        paused: "", ANY, [Opens("YUYV"), Frames(3), Pause(600), Frames(3)];
        one_error_in_passing: "at=10:eio", ANY, [Opens("YUYV"), Quiet(1500), Loses(1)];
        damaged_now_and_then: "fmt=MJPG:640x480@30;every=3:garbage", ANY, [Opens("MJPG"), Frames(10)];
        damaged_all: "fmt=MJPG:640x480@30;from=5:garbage", ANY, [Opens("MJPG"), Told("arrive damaged")];
        closed_before_the_first_frame: "rate=0.1", ANY, [Opens("YUYV")];
        opened_again_at_once: "", ANY, [Opens("YUYV"), Reopens(6), Frames(3)];
        format_cannot_be_read_back: "fail=gfmt:EIO", ANY, [OpenFails("driver reports an error")];
        buffers_cannot_be_asked_for: "fail=querybuf:EIO", ANY, [OpenFails("driver reports an error")];
        permission_lost_while_it_was_away: "at=10:unplug:300;fail=open:EACCES:12:10", ANY,
            [Opens("YUYV"), Told("it is gone"), Told("no permission"), Frames(5)];
        controls: USUAL, ANY, [Opens("YUYV"), Frames(1), Controls(&[
            "Auto Exposure: 3 of 1 Manual Mode, 3 Aperture Priority Mode, default 3",
            "Exposure Time, Absolute: 250 of 3..2047 by 1, default 250, Automatic",
            "Power Line Frequency: 1 of 0 Disabled, 1 50 Hz, 2 60 Hz, default 1",
            "Brightness: 128 of 0..255 by 1, default 128",
        ])];
        odd_controls: ODD, ANY, [Opens("YUYV"), Frames(1), Controls(&[
            "Step of 0: 5 of 0..10 by 1, default 5",
            "Default out of bounds: 99 of 0..10 by 1, default 10",
            "Loud \u{fe}: 5 of 0..10 by 1, default 5",
            "Huge menu: 1 of 1 One, default 1",
            "Read only: 1, default 1, ReadOnly",
            "Grabbed: 5 of 0..10 by 1, default 5, Grabbed",
            "Numbers: 0 of 0 15, 2 1000, default 0",
            "Sixty-four bits: -5 of -9000000000..9000000000 by 1, default -5",
        ]), Sets(0x0098_090d, -8_999_999_999), Has(&[(0x0098_090d, -8_999_999_999)]), Sets(0x0098_090b, 2), Has(&[(0x0098_090b, 2)])];
        no_controls: "", ANY, [Opens("YUYV"), Frames(1), Controls(&[])];
        no_call_for_controls: "fail=queryext:ENOTTY;fail=queryctrl:ENOTTY", ANY, [Opens("YUYV"), Frames(1), Controls(&[])];
        controls_that_never_end: "loop=ctl;ctl=0x980900:1:0:255:1:128:0:Brightness", ANY,
            [Opens("YUYV"), Frames(1), Controls(&["Brightness: 128 of 0..255 by 1, default 128"])];
        controls_of_an_old_driver: "fail=queryext:ENOTTY;fail=gext:ENOTTY;fail=sext:ENOTTY;ctl=0x980900:1:0:255:1:128:0:Brightness", ANY,
            [Opens("YUYV"), Frames(1), Controls(&["Brightness: 128 of 0..255 by 1, default 128"]), Sets(BRIGHTNESS, 200), Luma(200)];
        set_while_it_runs: USUAL, ANY,
            [Opens("YUYV"), Frames(1), Sets(BRIGHTNESS, 200), Luma(200), Has(&[(BRIGHTNESS, 200)]), Resets, Luma(128), Has(&[(BRIGHTNESS, 128)])];
        set_beyond_the_bounds: USUAL, ANY, [Opens("YUYV"), Sets(BRIGHTNESS, 9999), Has(&[(BRIGHTNESS, 255)]), Sets(BRIGHTNESS, -1), Has(&[(BRIGHTNESS, 0)])];
        set_is_remembered: USUAL, ANY, [Remembers(&[(BRIGHTNESS, 60)]), Opens("YUYV"), Luma(60)];
        a_mode_is_set_before_what_it_manages: USUAL, ANY,
            [Remembers(&[(EXPOSURE, 500), (EXPOSURE_MODE, 1)]), Opens("YUYV"), Has(&[(EXPOSURE, 500)]), Resets, Has(&[(EXPOSURE_MODE, 3), (EXPOSURE, 250)])];
        set_is_refused: "ctl=0x980900:1:0:255:1:128:0:Brightness;fail=sext:EIO", ANY,
            [Opens("YUYV"), Frames(1), Sets(BRIGHTNESS, 200), Warned("Brightness: the camera does not take 200"), Has(&[(BRIGHTNESS, 128)]), Frames(3)];
    }
    v4l {
        set_again_when_plugged_in_again: "ctl=0x980900:1:0:255:1:128:0:Brightness;at=40:unplug:300", ANY,
            [Opens("YUYV"), Frames(1), Sets(BRIGHTNESS, 200), Luma(200), Told("it is gone"), Luma(200)];
        set_while_it_is_away: "ctl=0x980900:1:0:255:1:128:0:Brightness;at=10:unplug:700", ANY,
            [Opens("YUYV"), Frames(1), Told("it is gone"), Sets(BRIGHTNESS, 200), Luma(200)];
        setting_that_hangs: "ctl=0x980900:1:0:255:1:128:0:Brightness;hang=sext:4500", ANY,
            [Opens("YUYV"), Frames(1), Sets(BRIGHTNESS, 200), Told("gives no pictures since 3 s"), Luma(200)];
        setting_that_hangs_at_the_end: "ctl=0x980900:1:0:255:1:128:0:Brightness;hang=sext:3000", ANY,
            [Opens("YUYV"), Frames(1), Sets(BRIGHTNESS, 200)];
        slow_model: "", ANY, [Opens("YUYV"), SlowModel(8)];
        slow_view: "", ANY, [Opens("YUYV"), SlowView(8)];
        asked_for_again_while_it_opens: "hang=streamon:300", ANY, [Lists(1), AskedAgain(6)];
        asked_for_again_and_again: "", ANY, [Opens("YUYV"), AskedAgain(12)];
        sizes_are_not_told: "fail=enumsize:EINVAL", ANY, [Opens("YUYV 640x480 at 30 fps"), Frames(3)];
        rate_cannot_be_set: "fail=sparm:ENOTTY", ANY, [Opens("YUYV 640x480"), Frames(3)];
        rate_is_refused: "fail=sparm:EIO", ANY, [OpenFails("driver reports an error")];
        rate_cannot_be_read: "fail=gparm:ENOTTY", ANY, [Opens("YUYV 640x480 at 30 fps"), Frames(3)];
        an_hour_of_plugging_and_unplugging: "speed=100;rate=10;fmt=YUYV:320x240@10;every=10:unplug:500", ANY, [Opens("YUYV"), Flaps(1200)];
        no_room_on_the_bus: "fail=streamon:ENOSPC", ANY, [OpenFails("no room")];
        broken_at_the_start: "fail=streamon:EIO", ANY, [OpenFails("driver reports an error")];
        uyvy: "fmt=UYVY:640x480@30", ANY, [Opens("UYVY 640x480"), Frames(10)];
        grey: "fmt=GREY:640x480@30", ANY, [Opens("GREY 640x480"), Frames(10)];
        rate_that_is_not_whole: "fmt=YUYV:640x480@30000/1001", ANY, [Opens("at 29.97 fps"), Frames(10)];
        half_rates: "fmt=YUYV:640x480@15/2", ANY, [Opens("at 7.5 fps"), Frames(3)];
        slow_reader: "", ANY, [Opens("YUYV"), Slowly(8)];
        slow_reader_of_a_fast_camera: "fmt=YUYV:320x240@100", ANY, [Opens("at 100 fps"), Slowly(8)];
        no_times_on_the_frames: "clock=none", ANY, [Opens("YUYV"), Frames(10), Pause(400)];
        back_under_another_number: "at=10:unplug:700:5", ANY, [Opens("YUYV"), Told("it is gone"), Number(5)];
        flagged_now_and_then: "every=3:flag", ANY, [Opens("YUYV"), Frames(10), Loses(3)];
        flagged_all: "from=5:flag", ANY, [Opens("YUYV"), Told("the driver marks them as faulty")];
        empty_now_and_then: "every=3:empty", ANY, [Opens("YUYV"), Frames(10), Loses(3)];
        empty_all: "from=5:empty", ANY, [Opens("YUYV"), Told("they are empty")];
        short_now_and_then: "every=3:short", ANY, [Opens("YUYV"), Frames(10), Loses(3)];
        short_all: "from=5:short", ANY, [Opens("YUYV"), Told("204800 bytes came, a frame has 614400")];
        jpegs_cut_off: "fmt=MJPG:640x480@30;every=3:short", ANY, [Opens("MJPG"), Frames(10), Loses(3)];
        frames_announced_that_are_not_there: "from=10:spurious", ANY, [Opens("YUYV"), Told("gives no pictures")];
        stop_refused: "at=10:eio;fail=streamoff:EIO", ANY, [Opens("YUYV"), Quiet(1500), Loses(1)];
        stop_refused_at_the_end: "fail=streamoff:EIO", ANY, [Opens("YUYV"), Frames(3)];
        errors_over_and_over: "fail=dqbuf:EPROTO:3", ANY, [Opens("YUYV"), Told("driver reports an error"), Frames(5)];
        hands_back_refused: "fail=qbuf:EINVAL:1", ANY, [OpenFails("driver reports an error"), Opens("YUYV"), Frames(3)];
        interrupted: "fail=dqbuf:EINTR:5", ANY, [Opens("YUYV"), Quiet(500), Frames(5)];
        opening_that_hangs: "hang=streamon:8000", ANY, [OpenFails("did not answer within 5 s")];
        stop_that_hangs: "hang=streamoff:3000", ANY, [Opens("YUYV"), Frames(3)];
        reading_that_hangs: "hang=dqbuf:4500", ANY, [Opens("YUYV"), Quiet(4600), Frames(3)];
    }
}
