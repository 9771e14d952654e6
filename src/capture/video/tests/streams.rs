use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

/// A web server for one file, without ranges and lengths where `length` is not told. Ends when dropped.
struct FileServer {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl FileServer {
    fn start(body: Vec<u8>, content_type: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let serve = move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let _client_gone = answer(connection.unwrap(), &body, content_type);
            }
        };
        let thread = std::thread::Builder::new().name("test-server".to_owned()).spawn(serve).unwrap();
        Self { port, stop, thread: Some(thread) }
    }

    fn url(&self, name: &str) -> String {
        format!("http://me:secret@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _wake = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(mut client: TcpStream, body: &[u8], content_type: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let read = client.read(&mut request)?;
    if String::from_utf8_lossy(&request[..read]).contains("/missing") {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let header = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n");
    client.write_all(header.as_bytes())?;
    client.write_all(body)
}

#[test]
fn a_stream_over_http_is_played_live() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i color=c=red:size=160x120:rate=25:duration=2 -c:v mpeg2video -q:v 2 -f mpegts";
    let Some(path) = made(&folder, "a.ts", arguments) else { return };
    let server = FileServer::start(std::fs::read(path).unwrap(), "video/mp2t");
    let url = server.url("live.ts");

    let mut source = VideoSource::open_url(&url, &every_frame()).unwrap();
    assert_eq!(source.info().kind, SourceKind::Stream);
    assert!(source.info().title.ends_with("/live.ts") && !source.info().title.contains("secret"));
    let frames = frames_until_end(&mut source);
    assert_eq!(frames.len(), 50);
    let pixel = frames[10].image.get_pixel(80, 60).0;
    assert!(pixel[0] > 230 && pixel[1] < 30 && pixel[2] < 30, "{pixel:?}");

    let mut live = VideoSource::open_url(&url, &SourceOptions::default()).unwrap();
    next(&mut live);
    live.set_paused(true);
    assert!(matches!(live.stage, Stage::Stopped), "a paused stream is closed");
    assert!(matches!(live.next_frame(Duration::from_millis(20)), Ok(Next::Waiting)));
    live.set_paused(false);
    next(&mut live);

    let error = VideoSource::open_url(&server.url("missing"), &every_frame()).err().unwrap().to_string();
    assert!(error.contains("the stream cannot be played (") && error.contains("404"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_file_behind_a_web_server_is_a_video() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc=size=160x120:rate=25:duration=1 -pix_fmt yuv420p -movflags +faststart";
    let Some(path) = made(&folder, "a.mp4", arguments) else { return };
    let server = FileServer::start(std::fs::read(path).unwrap(), "video/mp4");
    let mut source = VideoSource::open_url(&server.url("a.mp4"), &every_frame()).unwrap();
    assert_eq!((source.info().kind, source.info().duration), (SourceKind::Video, Some(Duration::from_secs(1))));
    assert_eq!(frames_until_end(&mut source).len(), 25);
}

#[test]
fn a_host_that_is_silent_or_refuses_is_an_error_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_) = made(&folder, "a.mp4", "-f lavfi -i testsrc=size=64x64:rate=5:duration=1") else { return };
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = Instant::now();
    let mut rtsp = VideoSource::open_url(&format!("rtsp://127.0.0.1:{port}/x"), &SourceOptions::default()).unwrap();
    let http = VideoSource::open_url(&format!("http://127.0.0.1:{port}/x"), &SourceOptions::default()).err().unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(matches!(http, CaptureError::StreamSilent { .. } | CaptureError::StreamFailed { .. }), "{http}");

    let started = Instant::now();
    let error = loop {
        match rtsp.next_frame(Duration::from_millis(500)) {
            Ok(next) => assert!(matches!(next, Next::Waiting), "{next:?}"),
            Err(error) => break error,
        }
    };
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(matches!(error, CaptureError::StreamSilent { .. } | CaptureError::StreamFailed { .. }), "{error}");

    drop(silent);
    let url = format!("rtsp://me:secret@127.0.0.1:{port}/x");
    let mut refused = VideoSource::open_url(&url, &SourceOptions::default()).unwrap();
    let error = refused.next_frame(WAIT).unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}
