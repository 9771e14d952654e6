//! A thread with a name that is joined, and that cannot keep the program alive for ever.

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long dropping waits for the thread. A driver or a library that hangs must not keep the window open.
const GRACE: Duration = Duration::from_secs(1);

/// A named thread. Whoever holds it tells the thread to end (by dropping its channel) before dropping this.
#[derive(Debug)]
pub struct NamedThread {
    name: String,
    patience: Duration,
    ended: Receiver<()>,
    handle: Option<JoinHandle<()>>,
}

impl NamedThread {
    /// Starts `body` on a thread called `name`.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn spawn(name: impl Into<String>, body: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let name = name.into();
        let (alive, ended) = bounded::<()>(0);
        let handle = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let _alive = alive;
            body();
        })?;
        Ok(Self { name, patience: GRACE, ended, handle: Some(handle) })
    }

    /// Dropping waits no longer than this from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Whether joining would not wait.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for NamedThread {
    fn drop(&mut self) {
        if self.ended.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout) {
            // The user can do nothing about it; the process ends without it.
            tracing::info!("the thread {:?} is still busy and is left behind", self.name);
        } else if self.handle.take().is_some_and(|handle| handle.join().is_err()) {
            tracing::error!("the thread {:?} broke off", self.name);
        }
    }
}
