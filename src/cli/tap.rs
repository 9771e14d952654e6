//! A copy of this program's own warnings and errors for the window, so that they are seen by those who look at no
//! terminal.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that may wait for the window; further ones are only in the log.
const CAPACITY: usize = 64;

type Wake = Arc<dyn Fn() + Send + Sync>;

/// The end that is read.
pub(super) struct Tapped {
    /// Level and text, oldest first.
    pub lines: Receiver<(Level, String)>,
    wake: Arc<OnceLock<Wake>>,
}

/// The end that hears what is logged.
pub(super) struct Tap {
    lines: Sender<(Level, String)>,
    wake: Arc<OnceLock<Wake>>,
}

/// Both ends.
pub(super) fn tap() -> (Tap, Tapped) {
    let (sender, receiver) = bounded(CAPACITY);
    let wake = Arc::new(OnceLock::new());
    (Tap { lines: sender, wake: Arc::clone(&wake) }, Tapped { lines: receiver, wake })
}

impl Tapped {
    /// From now on `wake` is called after each line.
    pub fn wake_with(&self, wake: Wake) {
        // Only the first window is woken; there is no second.
        let _ = self.wake.set(wake);
    }
}

impl<S: Subscriber> Layer<S> for Tap {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let own = metadata.target().split("::").next() == Some(env!("CARGO_PKG_NAME"));
        if !own || *metadata.level() > Level::WARN {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        if self.lines.try_send((*metadata.level(), text.0)).is_ok()
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
    }
}

/// The message of an event, without its other fields.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn own_warnings_and_errors_come_through_bounded_and_wake_the_window() {
        let (tap, tapped) = tap();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        tapped.wake_with(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(tap), || {
            tracing::info!("nothing odd");
            tracing::warn!(target: "elsewhere::module", "not ours");
            tracing::warn!(lane = 1, "odd: {}", "é");
            tracing::error!("broken");
            (0..2 * CAPACITY).for_each(|number| tracing::warn!("flood {number}"));
        });
        let lines: Vec<_> = tapped.lines.try_iter().collect();
        assert_eq!(lines.len(), CAPACITY);
        assert_eq!(lines[0], (Level::WARN, "odd: é".to_owned()));
        assert_eq!(lines[1], (Level::ERROR, "broken".to_owned()));
        assert_eq!(woken.load(Ordering::SeqCst), CAPACITY);
    }
}
