//! One named thread that does odd jobs for the view: file dialogs, saving, asking for cameras.

use super::thread::NamedThread;
use crossbeam_channel::{Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one job after the other. Dropping it finishes the jobs that wait and joins the thread, but waits no
/// longer than for any other thread: a file dialog that a person left open must not keep the program alive for ever.
#[derive(Debug)]
pub struct Worker {
    // Dropped first: its loss ends the thread.
    jobs: Sender<Job>,
    thread: NamedThread,
}

impl Worker {
    /// A worker named `name` for which at most `capacity` jobs wait.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn spawn(name: &str, capacity: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = bounded::<Job>(capacity);
        let thread = NamedThread::spawn(name, move || {
            for job in waiting {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a job of the thread {:?} failed", std::thread::current().name());
                }
            }
        })?;
        Ok(Self { jobs, thread })
    }

    /// The same, which waits no longer than this for its job when it is dropped: for jobs that may hang in a driver.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.thread.set_patience(patience);
        self
    }

    /// Hands over a job. Never blocks; false when too many wait already (the job is dropped).
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.jobs.try_send(Box::new(job)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn jobs_run_in_order_on_the_named_thread_and_are_finished_before_the_end() {
        let worker = Worker::spawn("odd-jobs", 8).unwrap();
        let (sender, receiver) = bounded(8);
        for number in 0..5 {
            let sender = sender.clone();
            assert!(worker.submit(move || {
                let name = std::thread::current().name().map(str::to_owned);
                sender.send((number, name)).unwrap();
            }));
        }
        drop(worker);
        let seen: Vec<_> = receiver.try_iter().collect();
        assert_eq!(seen.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(seen.iter().all(|(_, name)| name.as_deref() == Some("odd-jobs")));
    }

    #[test]
    fn a_job_that_panics_does_not_take_the_worker_with_it() {
        let worker = Worker::spawn("odd-jobs", 8).unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        assert!(worker.submit(|| panic!("on purpose")));
        let seen = Arc::clone(&done);
        assert!(worker.submit(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        }));
        drop(worker);
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_full_worker_refuses_instead_of_blocking() {
        let worker = Worker::spawn("odd-jobs", 1).unwrap();
        let (release, gate) = bounded::<()>(0);
        let (started, running) = bounded::<()>(0);
        assert!(worker.submit(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
        }));
        running.recv().unwrap();
        assert!(worker.submit(|| {}));
        assert!(!worker.submit(|| {}));
        release.send(()).unwrap();
    }
}
