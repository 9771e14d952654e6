//! One file from the network into its unfinished file, bytes and checksum verified.

use super::CatalogError;
use super::http::{Answer, Cancel, Client, Interrupted, Resume};
use super::part::Part;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Bytes that are here, those of earlier runs included.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// How fast it is, over the last seconds; None at the start.
    pub bytes_per_second: Option<f64>,
}

/// Who follows a download.
pub(super) struct Watch<'a> {
    pub cancel: &'a Cancel,
    pub progress: &'a mut dyn FnMut(Progress),
}

/// What a file has to be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub bytes: u64,
    pub sha256: &'a str,
}

/// Bytes read from the network at once.
const BLOCK: usize = 64 * 1024;
/// Progress is told at most this often.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// The speed is that of this time.
const SPEED_OVER: Duration = Duration::from_secs(3);

/// Gets the file from the first address that has it, going on where `part` ends.
pub(super) fn transfer(
    client: &Client,
    addresses: &[String],
    wanted: Wanted<'_>,
    part: &mut Part,
    watch: &mut Watch<'_>,
) -> Result<(), CatalogError> {
    let mut first_error = None;
    for address in addresses {
        match transfer_from(client, address, wanted, part, watch) {
            _ if watch.cancel.is_cancelled() => return Err(CatalogError::Cancelled),
            Err(error) if error.is_of_the_address() => {
                tracing::info!("{address}: {error}");
                first_error = first_error.or(Some(error));
            }
            other => return other,
        }
    }
    Err(first_error.unwrap_or_else(|| CatalogError::Listing("a model has no address".to_owned())))
}

fn transfer_from(
    client: &Client,
    address: &str,
    wanted: Wanted<'_>,
    part: &mut Part,
    watch: &mut Watch<'_>,
) -> Result<(), CatalogError> {
    loop {
        let resumed = part.length();
        if resumed < wanted.bytes {
            stream(client, address, wanted, part, watch)?;
        }
        let found = part.finish()?;
        if found == wanted.sha256 {
            return Ok(());
        }
        part.restart()?;
        // What an earlier run left may have been of another version: that is worth one try from the start.
        if resumed == 0 {
            return Err(CatalogError::WrongBytes { address: address.to_owned(), found });
        }
    }
}

/// Reads the file, or the rest of it, up to its last byte.
fn stream(
    client: &Client,
    address: &str,
    wanted: Wanted<'_>,
    part: &mut Part,
    watch: &mut Watch<'_>,
) -> Result<(), CatalogError> {
    let mut answer = answer(client, address, wanted, part)?;
    part.remember_etag(answer.etag.as_deref());
    let mut pace = Pace::new(part.length(), wanted.bytes);
    let mut buffer = vec![0; BLOCK];
    loop {
        if watch.cancel.is_cancelled() {
            return Err(CatalogError::Cancelled);
        }
        pace.tell(part.length(), watch.progress);
        let count = answer.read(&mut buffer).map_err(|end| ended(end, &answer.host, part.length(), wanted.bytes))?;
        if count == 0 {
            break;
        }
        // Without a length from the server this is where one that never ends is cut off.
        if part.length() + count as u64 > wanted.bytes {
            part.restart()?;
            return Err(other_size(address, "more".to_owned(), wanted));
        }
        part.append(&buffer[..count])?;
    }
    if part.length() < wanted.bytes {
        return Err(ended(Interrupted::BrokeOff, &answer.host, part.length(), wanted.bytes));
    }
    pace.tell(part.length(), watch.progress);
    Ok(())
}

/// Asks for what is missing; `part` is emptied where the server only gives the whole file.
fn answer(client: &Client, address: &str, wanted: Wanted<'_>, part: &mut Part) -> Result<Answer, CatalogError> {
    /// There is nothing behind the bytes that are here.
    const RANGE_NOT_SATISFIABLE: u16 = 416;
    let resume = (part.length() > 0).then(|| Resume { from: part.length(), etag: part.etag() });
    let mut answer = client.get(address, resume.as_ref())?;
    let is_odd = answer.status == RANGE_NOT_SATISFIABLE || (answer.status == 206 && answer.start != part.length());
    if resume.is_some() && is_odd {
        part.restart()?;
        answer = client.get(address, None)?;
    }
    if !matches!(answer.status, 200 | 206) {
        return Err(CatalogError::Status { address: address.to_owned(), status: answer.status });
    }
    if let Some(total) = answer.total.filter(|total| *total != wanted.bytes) {
        return Err(other_size(address, total.to_string(), wanted));
    }
    if answer.start != part.length() {
        part.restart()?;
    }
    Ok(answer)
}

fn other_size(address: &str, found: String, wanted: Wanted<'_>) -> CatalogError {
    CatalogError::Size { address: address.to_owned(), found, expected: wanted.bytes }
}

fn ended(end: Interrupted, host: &str, done: u64, total: u64) -> CatalogError {
    let host = host.to_owned();
    match end {
        Interrupted::Stalled(seconds) => CatalogError::Stalled { host, seconds, done, total },
        Interrupted::BrokeOff => CatalogError::BrokeOff { host, done, total },
    }
}

/// Tells how far it is, now and then, and how fast.
struct Pace {
    total: u64,
    seen: VecDeque<(Instant, u64)>,
}

impl Pace {
    fn new(done: u64, total: u64) -> Self {
        Self { total, seen: VecDeque::from([(Instant::now(), done)]) }
    }

    fn tell(&mut self, done: u64, progress: &mut dyn FnMut(Progress)) {
        let now = Instant::now();
        let is_due = self.seen.len() < 2 || done == self.total;
        if !is_due && self.seen.back().is_some_and(|(at, _)| now.duration_since(*at) < TOLD_EVERY) {
            return;
        }
        self.seen.push_back((now, done));
        while self.seen.len() > 2 && self.seen.front().is_some_and(|(at, _)| now.duration_since(*at) > SPEED_OVER) {
            self.seen.pop_front();
        }
        let rate = self.seen.front().and_then(|(at, before)| {
            let seconds = now.duration_since(*at).as_secs_f64();
            (seconds > 0.05).then(|| done.saturating_sub(*before) as f64 / seconds)
        });
        progress(Progress { done, total: self.total, bytes_per_second: rate });
    }
}
