//! A tiny HTTP/1.1 server that can misbehave, byte by byte as a test says.
//!
//! Every connection serves one request and is then closed. What the server answers is decided by the test's
//! script from the request's path, number and range.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request as the script sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    /// How many requests for this path came before.
    pub earlier: usize,
    /// First byte asked for by a `Range: bytes=N-` header.
    pub from: Option<usize>,
    /// The value of an `Authorization` header.
    pub authorization: Option<String>,
}

/// An answer, as raw as it goes over the line.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    /// Header lines without line ends; a `Content-Length` is not added.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
    /// Keep the connection open without another byte until the client or the server goes away.
    pub stall: bool,
}

impl Answer {
    /// `body`, whole and honest.
    pub fn whole(body: &[u8]) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: &[u8]) -> Self {
        let headers = vec![format!("Content-Length: {}", body.len())];
        Self { status, headers, body: body.to_vec(), stall: false }
    }

    pub fn not_found() -> Self {
        Self::status(404, b"no such file")
    }

    /// What a good server gives of `body` to this request.
    pub fn honest(request: &Request, body: &[u8]) -> Self {
        match request.from {
            None => Self::whole(body),
            Some(from) if from >= body.len() => {
                let mut answer = Self::status(416, b"");
                answer.headers.push(format!("Content-Range: bytes */{}", body.len()));
                answer
            }
            Some(from) => {
                let mut answer = Self::status(206, &body[from..]);
                answer.headers.push(format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len()));
                answer
            }
        }
    }

    /// The same headers, but only the first `len` bytes of the body before the connection is cut.
    pub fn cut(mut self, len: usize) -> Self {
        self.body.truncate(len);
        self
    }

    /// The same headers and the first `len` bytes of the body, then silence.
    pub fn stalled(mut self, len: usize) -> Self {
        self.stall = true;
        self.cut(len)
    }
}

/// A running server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    stalled: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface.
    pub fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let stalled = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let thread = std::thread::spawn({
            let (requests, stop, stalled) = (requests.clone(), stop.clone(), stalled.clone());
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    let (requests, stalled, script) = (requests.clone(), stalled.clone(), script.clone());
                    std::thread::spawn(move || serve(stream, &requests, &stalled, &*script));
                }
            }
        });
        Self { address, requests, stop, stalled, thread: Some(thread) }
    }

    /// The address of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, in the order they came.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic under the lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for stream in self.stalled.lock().expect("no panic under the lock").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    stalled: &Mutex<Vec<TcpStream>>,
    script: &dyn Fn(&Request) -> Answer,
) {
    let Some(request) = read_request(&stream, requests) else { return };
    let answer = script(&request);
    let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", answer.status);
    for header in &answer.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    // A client that hangs up early is part of some tests.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
    if answer.stall {
        stalled.lock().expect("no panic under the lock").push(stream);
    }
}

fn read_request(stream: &TcpStream, requests: &Mutex<Vec<Request>>) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let (mut from, mut authorization) = (None, None);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("range") {
            from = value.trim().strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok();
        } else if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(value.trim().to_owned());
        }
    }
    let mut requests = requests.lock().expect("no panic under the lock");
    let earlier = requests.iter().filter(|request| request.path == path).count();
    let request = Request { path, earlier, from, authorization };
    requests.push(request.clone());
    Some(request)
}
