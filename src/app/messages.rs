//! What the user was told: a bounded list, of which the last ones float over the picture until they are dismissed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages that are kept.
const CAPACITY: usize = 200;
/// How long a message that needs no answer floats.
const FLOATING_TIME: Duration = Duration::from_secs(8);

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something is odd; all goes on.
    Warning,
    /// Something did not work. Floats until it is dismissed.
    Error,
}

impl Severity {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Never used twice.
    pub id: u64,
    /// How grave.
    pub severity: Severity,
    /// One sentence or two.
    pub text: String,
    /// When it was last told.
    pub at: Instant,
    /// How often it was told in a row.
    pub times: u32,
    dismissed: bool,
}

impl Message {
    /// Whether it floats over the picture at `now`.
    pub fn floats(&self, now: Instant) -> bool {
        let fresh = now.saturating_duration_since(self.at) < FLOATING_TIME;
        !self.dismissed && (self.severity == Severity::Error || fresh)
    }
}

/// The messages of this run, oldest first.
#[derive(Debug, Default)]
pub struct MessageLog {
    messages: VecDeque<Message>,
    next_id: u64,
}

impl MessageLog {
    /// Adds a message. The same text again only counts the last one up.
    pub fn tell(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        let at = Instant::now();
        if let Some(last) = self.messages.back_mut()
            && last.text == text
        {
            last.times += 1;
            last.at = at;
            // Told again after it was dismissed: it is news again.
            last.dismissed = false;
            return;
        }
        if self.messages.len() == CAPACITY {
            self.messages.pop_front();
        }
        self.messages.push_back(Message { id: self.next_id, severity, text, at, times: 1, dismissed: false });
        self.next_id += 1;
    }

    /// Adds a message that does not float, because it is shown elsewhere already.
    pub fn note(&mut self, severity: Severity, text: impl Into<String>) {
        self.tell(severity, text);
        if let Some(last) = self.messages.back_mut() {
            last.dismissed = true;
        }
    }

    /// Stops a message from floating; it stays in the list.
    pub fn dismiss(&mut self, id: u64) {
        if let Some(message) = self.messages.iter_mut().find(|message| message.id == id) {
            message.dismissed = true;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator {
        self.messages.iter()
    }

    /// Time until the next floating message goes away by itself.
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        self.messages
            .iter()
            .filter(|message| message.severity != Severity::Error && message.floats(now))
            .map(|message| FLOATING_TIME.saturating_sub(now.saturating_duration_since(message.at)))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_repeated_messages_are_counted() {
        let mut log = MessageLog::default();
        for number in 0..CAPACITY + 50 {
            log.tell(Severity::Warning, format!("message {number}"));
            log.tell(Severity::Warning, format!("message {number}"));
        }
        assert_eq!(log.iter().len(), CAPACITY);
        assert!(log.iter().all(|message| message.times == 2));
        assert_eq!(log.iter().next_back().unwrap().text, format!("message {}", CAPACITY + 49));
    }

    #[test]
    fn errors_float_until_dismissed_and_others_for_a_while() {
        let mut log = MessageLog::default();
        log.tell(Severity::Error, "broken");
        log.tell(Severity::Info, "saved");
        let now = Instant::now();
        let later = now + FLOATING_TIME + Duration::from_secs(1);
        let floating = |log: &MessageLog, at| log.iter().filter(|m| m.floats(at)).count();
        assert_eq!(floating(&log, now), 2);
        assert!(log.next_change(now).is_some_and(|wait| wait <= FLOATING_TIME));
        assert_eq!(floating(&log, later), 1);
        assert_eq!(log.next_change(later), None);
        let error = log.iter().next().unwrap().id;
        log.dismiss(error);
        assert_eq!(floating(&log, later), 0);
        assert_eq!(log.iter().len(), 2);
    }
}
