//! What is expected of a camera's controls.

use crate::{STEP_LIMIT, told_within};
use quantscope::capture::{
    CameraControl, ControlAccess, ControlKind, ControlMemory, ControlSetting, FrameSource, Next,
};
use std::time::{Duration, Instant};

/// Settings that are remembered for the played camera.
pub fn memory(settings: &[(u32, i64)]) -> ControlMemory {
    let settings = settings.iter().map(|&(id, value)| ControlSetting { id, value }).collect();
    ControlMemory::from([("Played Webcam".to_owned(), settings)])
}

/// A control in words.
pub fn words(control: &CameraControl) -> String {
    let CameraControl { name, value, default, .. } = control;
    let values = match &control.kind {
        ControlKind::Switch => String::new(),
        ControlKind::Number { min, max, step } => format!(" of {min}..{max} by {step}"),
        ControlKind::Menu(items) => {
            let items: Vec<String> = items.iter().map(|(item, name)| format!("{item} {name}")).collect();
            format!(" of {}", items.join(", "))
        }
    };
    let access = match control.access {
        ControlAccess::Free => String::new(),
        other => format!(", {other:?}"),
    };
    format!("{name}: {value}{values}, default {default}{access}")
}

/// These controls are told.
pub fn told(source: &mut dyn FrameSource, expected: &[&str]) {
    let controls = until(source, |source| source.take_controls());
    let controls: Vec<String> = controls.iter().map(words).collect();
    assert_eq!(controls, expected);
}

/// Controls come to have these values, all at once.
pub fn comes_to_have(source: &mut dyn FrameSource, values: &[(u32, i64)]) {
    until(source, |source| {
        let controls = source.take_controls()?;
        let has = |&(id, value): &(u32, i64)| controls.iter().any(|control| control.id == id && control.value == value);
        values.iter().all(has).then_some(())
    });
}

/// A frame comes of this luma.
pub fn comes_to_be(source: &mut dyn FrameSource, luma: u8) {
    // BT.601, limited range.
    let expected = (1.164 * (f64::from(luma) - 16.0)).round().clamp(0.0, 255.0);
    let started = Instant::now();
    let mut last = None;
    while started.elapsed() < STEP_LIMIT {
        // What is told of faults in between is another step's affair.
        if let Ok(Next::Frame(frame)) = source.next_frame(Duration::from_millis(100)) {
            let green = f64::from(frame.image.get_pixel(300, 240).0[1]);
            if (green - expected).abs() <= 2.0 {
                return;
            }
            last = Some(green);
        }
    }
    panic!("the last frame had {last:?}, not {expected}");
}

/// A warning comes that contains this.
pub fn warned(source: &mut dyn FrameSource, words: &str) {
    let warning = until(source, |source| source.take_warning());
    assert!(warning.contains(words), "{warning}");
}

fn until<T>(source: &mut dyn FrameSource, mut seen: impl FnMut(&mut dyn FrameSource) -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < STEP_LIMIT {
        if let Some(seen) = seen(source) {
            return seen;
        }
        assert_eq!(told_within(source, Duration::from_millis(50)), None);
    }
    panic!("nothing of that kind in {STEP_LIMIT:?}");
}
