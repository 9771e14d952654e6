//! A place for one value: the newest replaces the one that waits, and the loss is counted.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The end that publishes.
#[derive(Clone, Debug)]
pub struct SlotWriter<T> {
    sender: Sender<T>,
    waiting: Receiver<T>,
    replaced: Arc<AtomicU64>,
}

/// The end that takes.
#[derive(Clone, Debug)]
pub struct SlotReader<T> {
    receiver: Receiver<T>,
    replaced: Arc<AtomicU64>,
}

/// A new, empty slot. Use one writer and one reader; both may be cloned and sent between threads.
pub fn latest_slot<T>() -> (SlotWriter<T>, SlotReader<T>) {
    let (sender, receiver) = bounded(1);
    let replaced = Arc::new(AtomicU64::new(0));
    let writer = SlotWriter { sender, waiting: receiver.clone(), replaced: Arc::clone(&replaced) };
    (writer, SlotReader { receiver, replaced })
}

impl<T> SlotWriter<T> {
    /// Puts `value` in the slot. Never blocks; a value that was still waiting is dropped and counted.
    pub fn publish(&self, mut value: T) {
        loop {
            match self.sender.try_send(value) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(returned)) => {
                    value = returned;
                    if self.waiting.try_recv().is_ok() {
                        self.replaced.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

impl<T> SlotReader<T> {
    /// The newest value, if there is one that was not taken yet. Never blocks.
    pub fn take(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }

    /// For `crossbeam_channel::select!`: becomes ready when a value waits.
    pub fn receiver(&self) -> &Receiver<T> {
        &self.receiver
    }

    /// How many values were replaced before anybody took them.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_replaces_the_waiting_one_and_the_loss_is_counted() {
        let (writer, reader) = latest_slot();
        assert_eq!(reader.take(), None);
        for value in 0..5 {
            writer.publish(value);
        }
        assert_eq!(reader.take(), Some(4));
        assert_eq!(reader.take(), None);
        assert_eq!(reader.replaced(), 4);
    }

    #[test]
    fn values_arrive_in_order_across_threads() {
        let (writer, reader) = latest_slot();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..10_000).for_each(|value| writer.publish(value)));
            let mut last = -1;
            while last < 9_999 {
                if let Some(value) = reader.take() {
                    assert!(value > last);
                    last = value;
                }
            }
        });
    }
}
