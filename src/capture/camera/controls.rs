//! What can be set on a camera while it runs: the values that its driver offers, what was asked, what was refused.
//!
//! Wishes come from the view's side and are carried out by the camera's thread; a [`ControlDesk`] lies between the two, so
//! that neither waits for the other. Of several wishes for one control only the last counts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One control of a camera, such as its exposure time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraControl {
    /// The driver's number for it (on Linux V4L2's, the same for every camera).
    pub id: u32,
    /// As the driver calls it.
    pub name: String,
    /// What is shown together.
    pub group: ControlGroup,
    /// What values it takes.
    pub kind: ControlKind,
    /// The value that the driver calls its default.
    pub default: i64,
    /// The value that the driver has now.
    pub value: i64,
    /// Whether it can be set now.
    pub access: ControlAccess,
}

/// What a control is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControlGroup {
    /// Exposure, gain, focus, white balance, and the frequency of the lamps: what a detector notices most.
    Light,
    /// Brightness, contrast and the like: the camera's taste.
    Picture,
    /// Everything else.
    Other,
}

/// The values of a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Whole numbers.
    Number {
        /// The smallest.
        min: i64,
        /// The largest; larger than `min`.
        max: i64,
        /// From one value to the next; 1 or more.
        step: i64,
    },
    /// 0 or 1.
    Switch,
    /// One of these values, each with its name. Their numbers may have gaps.
    Menu(Vec<(i64, String)>),
}

/// Whether a control can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlAccess {
    /// It can.
    Free,
    /// Not while another control has the value that it has: the camera sets it by itself.
    Automatic,
    /// Never; it only tells.
    ReadOnly,
    /// Not now: the camera gives pictures, or another program holds it.
    Grabbed,
}

/// A control and the value that it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlSetting {
    /// [`CameraControl::id`].
    pub id: u32,
    /// The value.
    pub value: i64,
}

/// The settings of cameras by their names, to be made again each time a camera of that name is opened.
pub type ControlMemory = BTreeMap<String, Vec<ControlSetting>>;

impl CameraControl {
    /// The value that this control takes nearest to `value`: within the bounds, on a step, in the menu.
    pub fn nearest(&self, value: i64) -> i64 {
        match &self.kind {
            ControlKind::Switch => i64::from(value != 0),
            ControlKind::Number { min, max, step } => {
                let offset = i128::from(value.clamp(*min, *max)) - i128::from(*min);
                let step = i128::from((*step).max(1));
                let steps = ((offset + step / 2) / step).min((i128::from(*max) - i128::from(*min)) / step);
                // Within the bounds, so it fits.
                i64::try_from(i128::from(*min) + steps * step).unwrap_or(*min)
            }
            ControlKind::Menu(items) => {
                let known = items.iter().any(|(item, _)| *item == value);
                if known { value } else { self.default }
            }
        }
    }

    /// Whether it can be set now.
    pub fn is_free(&self) -> bool {
        self.access == ControlAccess::Free
    }

    /// Whether it decides about others: those are set first, so that what they manage is free or not by then.
    pub fn is_mode(&self) -> bool {
        !matches!(self.kind, ControlKind::Number { .. })
    }
}

/// What the camera's thread is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// All controls back to their defaults, before the rest.
    pub reset: bool,
    /// Then these.
    pub set: Vec<ControlSetting>,
}

impl Orders {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        !self.reset && self.set.is_empty()
    }
}

/// Where wishes and answers are laid down.
#[derive(Debug, Default)]
pub struct ControlDesk(Mutex<Papers>);

#[derive(Debug, Default)]
struct Papers {
    memory: ControlMemory,
    /// The camera that is open.
    camera: Option<String>,
    orders: Orders,
    /// What the driver offers, unless that was taken already.
    controls: Option<Arc<[CameraControl]>>,
    refusals: Vec<String>,
}

impl ControlDesk {
    /// A desk that remembers these settings.
    pub fn new(memory: ControlMemory) -> Self {
        Self(Mutex::new(Papers { memory, ..Papers::default() }))
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        // Nothing here is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source's side: a wish, remembered for when the camera is opened again.
    pub fn wish(&self, setting: ControlSetting) {
        let papers = &mut *self.papers();
        put(&mut papers.orders.set, setting);
        if let Some(camera) = &papers.camera {
            put(papers.memory.entry(camera.clone()).or_default(), setting);
        }
    }

    /// The source's side: everything as it was made; what was remembered is forgotten.
    pub fn wish_defaults(&self) {
        let papers = &mut *self.papers();
        papers.orders = Orders { reset: true, set: Vec::new() };
        if let Some(camera) = &papers.camera {
            papers.memory.remove(camera);
        }
    }

    /// The source's side: what the driver offers, when that changed since it was last asked.
    pub fn take_controls(&self) -> Option<Arc<[CameraControl]>> {
        self.papers().controls.take()
    }

    /// The source's side: a sentence about a wish that was not granted, oldest first.
    pub fn take_refusal(&self) -> Option<String> {
        let papers = &mut *self.papers();
        (!papers.refusals.is_empty()).then(|| papers.refusals.remove(0))
    }

    /// The thread's side: `camera` was opened. What is to be done first: what is remembered for it, which holds what was
    /// wished while it was away.
    pub fn opened(&self, camera: &str) -> Orders {
        let papers = &mut *self.papers();
        let reset = std::mem::take(&mut papers.orders).reset;
        papers.camera = Some(camera.to_owned());
        Orders { reset, set: papers.memory.get(camera).cloned().unwrap_or_default() }
    }

    /// The thread's side: what is to be done, if anything.
    pub fn take_orders(&self) -> Option<Orders> {
        let orders = std::mem::take(&mut self.papers().orders);
        (!orders.is_empty()).then_some(orders)
    }

    /// The thread's side: what the driver offers now.
    pub fn tell(&self, controls: Vec<CameraControl>) {
        self.papers().controls = Some(controls.into());
    }

    /// The thread's side: a wish was not granted. The last few are kept.
    pub fn refuse(&self, sentence: String) {
        let refusals = &mut self.papers().refusals;
        if refusals.len() < 4 && !refusals.contains(&sentence) {
            refusals.push(sentence);
        }
    }
}

/// The last wish for a control is the one that counts.
pub fn put(settings: &mut Vec<ControlSetting>, setting: ControlSetting) {
    settings.retain(|known| known.id != setting.id);
    settings.push(setting);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(kind: ControlKind, default: i64) -> CameraControl {
        CameraControl {
            id: 1,
            name: "Exposure".to_owned(),
            group: ControlGroup::Light,
            kind,
            default,
            value: default,
            access: ControlAccess::Free,
        }
    }

    #[test]
    fn a_value_is_brought_to_the_nearest_one_that_is_taken() {
        let number = control(ControlKind::Number { min: -3, max: 10, step: 4 }, 1);
        let table = [(-90, -3), (-2, -3), (-1, 1), (4, 5), (9, 9), (90, 9)];
        for (asked, taken) in table {
            assert_eq!(number.nearest(asked), taken, "{asked}");
        }
        let wide = control(ControlKind::Number { min: i64::MIN, max: i64::MAX, step: 1 }, 0);
        assert_eq!([wide.nearest(i64::MIN), wide.nearest(7), wide.nearest(i64::MAX)], [i64::MIN, 7, i64::MAX]);
        assert_eq!(control(ControlKind::Switch, 0).nearest(5), 1);
        let menu = control(ControlKind::Menu(vec![(1, "Manual".to_owned()), (3, "Auto".to_owned())]), 3);
        assert_eq!([menu.nearest(1), menu.nearest(2)], [1, 3], "2 is a gap");
    }

    #[test]
    fn of_several_wishes_for_a_control_the_last_counts_and_is_remembered() {
        let desk = ControlDesk::default();
        assert!(desk.opened("Webcam").is_empty());
        assert_eq!(desk.take_orders(), None);
        for value in 0..100 {
            desk.wish(ControlSetting { id: 7, value });
            desk.wish(ControlSetting { id: 8, value: 1 });
        }
        let wished = vec![ControlSetting { id: 7, value: 99 }, ControlSetting { id: 8, value: 1 }];
        assert_eq!(desk.take_orders(), Some(Orders { reset: false, set: wished.clone() }));
        assert_eq!(desk.opened("Webcam").set, wished);
        assert!(desk.opened("Another").is_empty());
    }

    #[test]
    fn defaults_forget_what_was_wished_before_and_not_what_is_wished_after() {
        let desk = ControlDesk::new(ControlMemory::from([("W".to_owned(), vec![ControlSetting { id: 7, value: 1 }])]));
        assert_eq!(desk.opened("W").set.len(), 1);
        desk.wish(ControlSetting { id: 7, value: 2 });
        desk.wish_defaults();
        desk.wish(ControlSetting { id: 9, value: 3 });
        let set = vec![ControlSetting { id: 9, value: 3 }];
        assert_eq!(desk.take_orders(), Some(Orders { reset: true, set: set.clone() }));
        assert_eq!(desk.opened("W"), Orders { reset: false, set: set.clone() });
        desk.wish_defaults();
        assert_eq!(desk.opened("W"), Orders { reset: true, set: Vec::new() }, "wished while it was away");
    }
}
