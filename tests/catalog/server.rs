//! A web server on this machine that does what it is told, wrong things included.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What to do with a request.
#[derive(Clone)]
pub enum Serve {
    /// The file, or the range that was asked for, with length and ETag.
    Right,
    /// The whole file, whatever range was asked for.
    NoRanges,
    /// The whole file without its length; its end is the end of the connection.
    NoLength,
    /// The whole file in chunks.
    Chunked,
    /// The right head, then so many bytes of the body, then the end of the connection.
    BreakAfter(usize),
    /// The right head, so many bytes of the body, then silence.
    StallAfter(usize),
    /// Nothing at all.
    Silence,
    /// A head that says this length, then the whole file.
    SayLength(u64),
    /// The right head, then the file and more behind it.
    MoreThanSaid,
    /// Zeros without length and without end.
    Endless,
    /// Bytes of the right number, but other ones.
    WrongBytes,
    /// A status with a short text.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// As if the file had nothing behind what is there.
    NotSatisfiable,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

pub const ETAG: &str = "\"version-one\"";

/// A running server; it ends when this is dropped.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `file`, one step of `steps` a request; the last one stays.
    pub fn start(file: Vec<u8>, steps: &[Serve]) -> Self {
        let steps = steps.to_vec();
        Self::answering(move |request, number, stream| {
            let step = steps.get(number).or(steps.last()).unwrap().clone();
            // Whoever asked may hang up at any time.
            let _ = answer(&file, step, request, stream);
        })
    }

    /// Answers each request, which also has a number, with a function.
    pub fn answering(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let (seen, stopped, answer) = (Arc::clone(&requests), Arc::clone(&ends), Arc::new(answer));
        let accept = move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (mut stream, seen, answer) = (stream.unwrap(), Arc::clone(&seen), Arc::clone(&answer));
                let one = move || {
                    let Some(request) = read_request(&stream) else { return };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    answer(&request, number, &mut stream);
                    let _ = stream.shutdown(Shutdown::Write);
                };
                std::thread::Builder::new().spawn(one).unwrap();
            }
        };
        let thread = std::thread::Builder::new().spawn(accept).unwrap();
        Self { port, requests, ends, thread: Some(thread) }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    reader.read_line(&mut request.line).ok()?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((name, value)) => request.headers.push((name.to_lowercase(), value.to_owned())),
            None => return Some(request),
        }
    }
}

fn answer(file: &[u8], step: Serve, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
    let whole = file.len();
    let length = |length: u64| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: {ETAG}\r\n\r\n");
    let right = length(whole as u64);
    match step {
        Serve::Right => return in_range(file, request, stream, whole),
        Serve::BreakAfter(count) => return in_range(file, request, stream, count),
        Serve::StallAfter(count) => {
            in_range(file, request, stream, count)?;
            wait_for_hang_up(stream);
        }
        Serve::NoRanges => stream.write_all(&[right.as_bytes(), file].concat())?,
        Serve::NoLength => stream.write_all(&[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", file].concat())?,
        Serve::Chunked => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for chunk in file.chunks(10_000) {
                stream.write_all(&[format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        Serve::Silence => wait_for_hang_up(stream),
        Serve::SayLength(said) => stream.write_all(&[length(said).as_bytes(), file].concat())?,
        Serve::MoreThanSaid => stream.write_all(&[right.as_bytes(), file, &[7; 5_000]].concat())?,
        Serve::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[0; 4096])?;
            }
        }
        Serve::WrongBytes => {
            let other: Vec<u8> = file.iter().map(|byte| byte ^ 1).collect();
            stream.write_all(&[right.as_bytes(), &other].concat())?;
        }
        Serve::Status(status) => {
            stream.write_all(format!("HTTP/1.1 {status} So\r\nContent-Length: 4\r\n\r\nnope").as_bytes())?;
        }
        Serve::Redirect(to) => {
            stream
                .write_all(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes())?;
        }
        Serve::NotSatisfiable => stream.write_all(b"HTTP/1.1 416 So\r\nContent-Length: 0\r\n\r\n")?,
    }
    Ok(())
}

/// The range that was asked for, if the ETag still holds; at most `count` bytes of it.
fn in_range(file: &[u8], request: &Request, stream: &mut TcpStream, count: usize) -> std::io::Result<()> {
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let holds = request.header("if-range").is_none_or(|etag| etag == ETAG);
    let start = range.filter(|start| holds && *start < file.len()).unwrap_or(0);
    let rest = &file[start..];
    let mut head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: {ETAG}\r\n\r\n", rest.len());
    if start > 0 {
        let range = format!("206 Partial\r\nContent-Range: bytes {start}-{}/{}", file.len() - 1, file.len());
        head = head.replacen("200 OK", &range, 1);
    }
    stream.write_all(head.as_bytes())?;
    let sent = &rest[..count.min(rest.len())];
    let (last, most) = sent.split_last().map_or((None, sent), |(last, most)| (Some(*last), most));
    stream.write_all(most)?;
    if count < rest.len() {
        // Progress is told now and then: the last byte comes when it is due again.
        std::thread::sleep(Duration::from_millis(150));
    }
    stream.write_all(last.as_slice())
}

fn wait_for_hang_up(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.read(&mut [0; 16]);
}
