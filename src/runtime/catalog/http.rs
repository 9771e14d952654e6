//! HTTP, as far as downloads need it. The only file that names `ureq`.
//!
//! Redirects are followed here and not by the library, so that every step is seen: an address is asked only over https,
//! or over http on this machine itself.

use super::CatalogError;
use super::proxy::ProxySettings;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, BodyReader, Error};

/// Addresses asked in a row before a server is taken to redirect in a circle.
const HOPS_MAX: usize = 6;

/// How long a server may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// For finding the server, connecting and agreeing on encryption.
    pub connect: Duration,
    /// For the next bytes, the answer's head included.
    pub stall: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30) }
    }
}

/// Stops a download from another thread, at once: its connection is shut down.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicBool,
    agent: Mutex<Option<Agent>>,
}

impl Cancel {
    /// Asks the download to stop. May be called at any time and again.
    pub fn cancel(&self) {
        self.shared.asked.store(true, Ordering::SeqCst);
        let agent = self.shared.agent.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(agent) = agent {
            agent.shutdown();
        }
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.shared.asked.load(Ordering::SeqCst)
    }

    fn will_stop(&self, agent: &Agent) {
        *self.shared.agent.lock().unwrap_or_else(PoisonError::into_inner) = Some(agent.clone());
        // It may have been asked in between.
        if self.is_cancelled() {
            self.cancel();
        }
    }
}

/// Where to go on in a file.
pub(super) struct Resume {
    /// Bytes that are here.
    pub from: u64,
    /// The server's mark of the version that they are of.
    pub etag: Option<String>,
}

/// Asks servers for files.
pub(super) struct Client {
    agent: Agent,
    limits: TimeLimits,
    proxies: ProxySettings,
}

impl Client {
    /// A client that `cancel` stops.
    pub fn new(limits: TimeLimits, proxies: ProxySettings, cancel: &Cancel) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // The system's certificates, so that a company's own one is trusted where the system does.
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .proxy(None)
            .user_agent(concat!("quantscope/", env!("CARGO_PKG_VERSION")))
            // The size and the checksum are those of the file, not of a packed one.
            .accept_encoding("identity")
            // A server may close a connection that is kept just when it is used again.
            .max_idle_connections(0)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.stall))
            .timeout_per_read(Some(limits.stall))
            .timeout_per_write(Some(limits.stall))
            .build();
        let agent = Agent::new_with_config(config);
        cancel.will_stop(&agent);
        Self { agent, limits, proxies }
    }

    /// Asks for a file, or for the rest of it, and follows redirects to the answer.
    ///
    /// # Errors
    /// When no server answers, or on the way to it an address is neither https nor on this machine.
    pub fn get(&self, address: &str, resume: Option<&Resume>) -> Result<Answer, CatalogError> {
        let mut at = address.to_owned();
        for _ in 0..HOPS_MAX {
            let response = self.ask(&at, resume)?;
            let Some(next) = redirect(&at, &response) else { return Ok(Answer::of(&at, response, self.limits.stall)) };
            if at.starts_with("https:") && !next.starts_with("https:") {
                return Err(CatalogError::Insecure { address: next });
            }
            at = next;
        }
        Err(CatalogError::Redirects { address: address.to_owned() })
    }

    fn ask(&self, address: &str, resume: Option<&Resume>) -> Result<Response<Body>, CatalogError> {
        let uri = address.parse::<Uri>().ok().filter(|_| is_secure(address));
        let uri = uri.ok_or_else(|| CatalogError::Insecure { address: address.to_owned() })?;
        let host = uri.host().unwrap_or_default().to_owned();
        let proxy = self.proxies.of(uri.scheme_str().unwrap_or_default(), &host);
        let server = match &proxy {
            Some((variable, text)) => {
                let reason = "it is no address of a proxy".to_owned();
                Some(ureq::Proxy::new(text).map_err(|_| CatalogError::Proxy { variable, reason })?)
            }
            None => None,
        };
        let through = server.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        let mut request = self.agent.get(uri).config().proxy(server).build();
        if let Some(Resume { from, etag }) = resume {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(etag) = etag {
                request = request.header(header::IF_RANGE, etag);
            }
        }
        request.call().map_err(|error| self.explain(error, host, through))
    }

    fn explain(&self, error: Error, host: String, proxy: Option<String>) -> CatalogError {
        let offline =
            |host, reason: &str| CatalogError::Offline { host, reason: reason.to_owned(), proxy: proxy.clone() };
        match error {
            Error::HostNotFound => offline(host, "its name is not known here"),
            Error::ConnectionFailed => offline(host, "no connection"),
            Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                offline(host, &format!("no answer within {} s", self.limits.connect.as_secs_f32()))
            }
            Error::Timeout(_) => {
                offline(host, &format!("it sent no answer within {} s", self.limits.stall.as_secs_f32()))
            }
            Error::ConnectProxyFailed(reason) => offline(host, &reason),
            Error::Io(error) if is_of_the_network(error.kind()) => offline(host, &network_words(&error)),
            other => {
                let hint = "if something inspects encrypted traffic here, its certificate has to be among the system's";
                let said = other.to_string();
                let about_trust =
                    ["certificate", "tls", "rustls"].iter().any(|word| said.to_lowercase().contains(word));
                let reason = if about_trust { format!("{said}; {hint}") } else { said };
                CatalogError::Http { host, reason }
            }
        }
    }
}

/// Errors of encryption come as wrong data, and a proxy's as others; the rest is the network's.
fn is_of_the_network(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other)
}

fn network_words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "it takes no connection".to_owned(),
        ErrorKind::UnexpectedEof => "it hung up".to_owned(),
        _ => error.to_string(),
    }
}

/// What a server answered, its body still to be read.
pub(super) struct Answer {
    /// The HTTP status, no redirect.
    pub status: u16,
    /// Who answered.
    pub host: String,
    /// Where in the file the body begins.
    pub start: u64,
    /// Size of the whole file, as the server says.
    pub total: Option<u64>,
    /// The server's mark of this version of the file, if it can be used to resume.
    pub etag: Option<String>,
    body: BodyReader<'static>,
    stall: Duration,
}

/// Why a body ended too early.
pub(super) enum Interrupted {
    /// Nothing came for so many seconds.
    Stalled(f32),
    /// The connection was lost.
    BrokeOff,
}

impl Answer {
    fn of(address: &str, response: Response<Body>, stall: Duration) -> Self {
        let headers = response.headers();
        let text = |name| text_of(headers, name);
        // A weak mark (W/"…") says that two versions are alike, not that they are the same.
        let etag = text(header::ETAG).filter(|etag| etag.starts_with('"')).map(str::to_owned);
        let status = response.status();
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        let range =
            text(header::CONTENT_RANGE).and_then(content_range).filter(|_| status == StatusCode::PARTIAL_CONTENT);
        let (start, total) = range.unwrap_or((0, length));
        let host = address.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
        Self { status: status.as_u16(), host, start, total, etag, body: response.into_body().into_reader(), stall }
    }

    /// Reads the next bytes; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Interrupted> {
        loop {
            return match self.body.read(buffer) {
                Ok(count) => Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(match Error::from(error) {
                    Error::Timeout(_) => Interrupted::Stalled(self.stall.as_secs_f32()),
                    _ => Interrupted::BrokeOff,
                }),
            };
        }
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Start and whole size out of `bytes 100-199/200`; the size may be unknown (`*`).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Where a response sends on to, if it does.
fn redirect(at: &str, response: &Response<Body>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    Some(resolved(at, text_of(response.headers(), header::LOCATION)?))
}

/// An address relative to another one (RFC 3986, section 5.2, without dot segments).
fn resolved(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme_end = base.find("://").map_or(0, |at| at + 3);
    let host_end = base[scheme_end..].find(['/', '?']).map_or(base.len(), |at| scheme_end + at);
    let path_end = base[host_end..].find('?').map_or(base.len(), |at| host_end + at);
    let has_scheme = reference.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    if has_scheme {
        return reference.to_owned();
    }
    if let Some(rest) = reference.strip_prefix("//") {
        return format!("{}{rest}", &base[..scheme_end]);
    }
    if reference.starts_with('/') {
        return format!("{}{reference}", &base[..host_end]);
    }
    if reference.starts_with('?') {
        return format!("{}{reference}", &base[..path_end]);
    }
    let folder = base[host_end..path_end].rfind('/').map_or(host_end, |at| host_end + at);
    format!("{}/{reference}", &base[..folder])
}

/// Whether an address may be asked: https, or http on this machine itself.
pub(super) fn is_secure(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return false };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_asked() {
        for good in ["https://a.org/b", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:8080/x"] {
            assert!(is_secure(good), "{good}");
        }
        for bad in [
            "http://a.org/b",
            "ftp://a.org/b",
            "file:///etc/passwd",
            "/path",
            "",
            "http://127.0.0.1.a.org/",
            "http://localhost@a.org/",
            "https:///x",
        ] {
            assert!(!is_secure(bad), "{bad}");
        }
    }

    #[test]
    fn redirects_are_resolved_against_the_address() {
        let base = "https://a.org/one/two?x=/y";
        for (reference, expected) in [
            ("https://b.org/z", "https://b.org/z"),
            ("http://b.org/z", "http://b.org/z"),
            ("//b.org/z", "https://b.org/z"),
            ("/z?q=http://c", "https://a.org/z?q=http://c"),
            ("z#part", "https://a.org/one/z"),
            ("?q", "https://a.org/one/two?q"),
            ("data:text", "data:text"),
        ] {
            assert_eq!(resolved(base, reference), expected, "{reference}");
        }
        assert_eq!(resolved("https://a.org", "z"), "https://a.org/z");
    }

    #[test]
    fn a_content_range_says_where_and_how_much() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 0-1/*"), Some((0, None)));
        for bad in ["bytes */200", "items 0-1/2", "bytes 1/2", ""] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
