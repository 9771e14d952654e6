//! One named thread that does odd jobs for the view: file dialogs, saving, asking for cameras.

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long dropping a worker waits for the job in hand. A file dialog that a person left open must not keep the
/// program alive for ever.
const GRACE: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one job after the other. Dropping it finishes the jobs that wait and joins the thread.
#[derive(Debug)]
pub struct Worker {
    name: String,
    jobs: Option<Sender<Job>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// A worker named `name` for which at most `capacity` jobs wait.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn spawn(name: &str, capacity: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = bounded::<Job>(capacity);
        let (alive, ended) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _alive = alive;
            for job in waiting {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a job of the thread {:?} failed", std::thread::current().name());
                }
            }
        })?;
        Ok(Self { name: name.to_owned(), jobs: Some(jobs), ended, thread: Some(thread) })
    }

    /// Hands over a job. Never blocks; false when too many wait already (the job is dropped).
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(Box::new(job)).is_ok())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if self.ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the thread {:?} was still busy and is left behind", self.name);
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread {:?} broke off", self.name);
        }
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
