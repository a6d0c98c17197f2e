//! A server that plays registration and downloads, and looks at the machine's command lines while a client waits for it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The command line of every process of the machine while the client waited for the answer.
    pub command_lines: Vec<String>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What the server answers; changed between two runs at will.
#[derive(Debug, Clone)]
pub struct Answers {
    pub register_status: u16,
    pub register_body: String,
    /// `None`: 404.
    pub agent: Option<Vec<u8>>,
    pub checksum: Option<String>,
}

/// Listens on a free loopback port until the test ends.
pub struct StandIn {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    pub fn start(answers: Answers) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let answers = Arc::new(Mutex::new(answers));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (shared_answers, shared_requests) = (Arc::clone(&answers), Arc::clone(&requests));
        // The thread ends with the test's process; a connection that breaks is the client's to notice.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                let (status, body) = answer(&lock(&shared_answers), &request);
                lock(&shared_requests).push(request);
                let head =
                    format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let mut stream = &stream;
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        StandIn { address, answers, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut lock(&self.answers));
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    /// The registrations among the requests, in their order.
    pub fn registrations(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path.starts_with("/api/")).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(answers: &Answers, request: &Request) -> (u16, Vec<u8>) {
    let agent = format!("/download/edgewatch-agent-{}-unknown-linux-musl", std::env::consts::ARCH);
    let found = |body: Option<Vec<u8>>| body.map_or((404, b"not found".to_vec()), |body| (200, body));
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/v1/server/register?simple=true") => {
            (answers.register_status, answers.register_body.clone().into_bytes())
        }
        ("GET", path) if path == agent => found(answers.agent.clone()),
        ("GET", path) if path == format!("{agent}.sha256") => found(answers.checksum.clone().map(String::into_bytes)),
        _ => (404, b"not found".to_vec()),
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim_start().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Request { method, path, headers, body, command_lines: command_lines() })
}

/// The command lines of all processes that may be read, arguments joined by spaces.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux has /proc").flatten();
    let line = |process: fs::DirEntry| fs::read(process.path().join("cmdline")).ok();
    processes.filter_map(line).map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ")).collect()
}
