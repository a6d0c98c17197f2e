//! A receiver of notifications by HTTP on loopback: it takes, refuses, dawdles, hangs up, or is not there at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::tls::Authority;

/// How often it is looked whether somebody comes or the port is to be closed.
const STEP: Duration = Duration::from_millis(5);

/// How a receiver answers.
#[derive(Debug, Clone)]
pub enum Answering {
    /// With this status, these headers and this body.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// With 200, after so long.
    Slowly(Duration),
    /// With 200 and the beginning of a body that never ends.
    Dribble,
    /// Not at all: it reads the request and hangs up.
    HangUp,
}

impl Answering {
    /// With a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Reply(status, Vec::new(), String::new())
    }

    /// With a status and a body.
    pub fn body(status: u16, body: &str) -> Self {
        Self::Reply(status, Vec::new(), body.to_owned())
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Received {
    /// The header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

/// The receiver; its port is closed on drop.
pub struct Receiver {
    port: Port,
    shared: Arc<Shared>,
}

struct Shared {
    answering: Mutex<Answering>,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    /// Listens on a free port and answers 200.
    pub fn start() -> Self {
        let shared = Arc::new(Shared { answering: Mutex::new(Answering::status(200)), received: Mutex::default() });
        let serving = Arc::clone(&shared);
        Self { port: Port::open(move |stream| drop(serve(stream, &serving))), shared }
    }

    /// The same over TLS, with a certificate for `localhost`.
    pub fn start_tls(authority: &Authority) -> Self {
        let shared = Arc::new(Shared { answering: Mutex::new(Answering::status(200)), received: Mutex::default() });
        let (serving, config) = (Arc::clone(&shared), Arc::clone(&authority.server));
        let serve_one = move |stream| {
            if let Ok(session) = ServerConnection::new(Arc::clone(&config)) {
                drop(serve(StreamOwned::new(session, stream), &serving));
            }
        };
        Self { port: Port::open(serve_one), shared }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// `https://localhost:<port>`, of one that was started with TLS.
    pub fn tls_url(&self) -> String {
        format!("https://localhost:{}", self.port.number)
    }

    /// Answers so from now on.
    pub fn answer(&self, answering: Answering) {
        *lock(&self.shared.answering) = answering;
    }

    /// Everything that came, oldest first.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Closes the port: who comes is refused by the system.
    pub fn close(&mut self) {
        self.port.close();
    }

    /// Opens the same port again.
    pub fn reopen(&mut self) {
        self.port.reopen();
    }
}

fn serve(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    lock(&shared.received).push(Received { method, path, headers, body });
    let answering = lock(&shared.answering).clone();
    let (status, headers, body) = match answering {
        Answering::Reply(status, headers, body) => (status, headers, body),
        Answering::Slowly(wait) => {
            thread::sleep(wait);
            (200, Vec::new(), String::new())
        }
        Answering::Dribble => {
            let stream = reader.get_mut();
            stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n")?;
            // Until the other side has had enough.
            while stream.write_all(b"more and ").is_ok() {
                thread::sleep(Duration::from_millis(200));
            }
            return Ok(());
        }
        Answering::HangUp => return Ok(()),
    };
    let headers = headers.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\r\n");
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    reader.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    reader.get_mut().flush()
}

/// A port of loopback that can be closed and opened again; each connection is served in a thread of its own.
pub(crate) struct Port {
    pub(crate) number: u16,
    address: &'static str,
    serve: Arc<dyn Fn(TcpStream) + Send + Sync>,
    open: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Port {
    /// A free port, opened.
    pub(crate) fn open(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::open_at("127.0.0.1", 0, serve)
    }

    /// That port of an address of loopback, opened; 0 is a free one.
    pub(crate) fn open_at(
        address: &'static str,
        number: u16,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let mut port = Self { address, number, serve: Arc::new(serve), open: None };
        port.reopen();
        port
    }

    pub(crate) fn reopen(&mut self) {
        let listener = TcpListener::bind((self.address, self.number)).expect("a port of loopback can be had");
        self.number = listener.local_addr().expect("a listener has an address").port();
        listener.set_nonblocking(true).expect("a listener need not block");
        let is_over = Arc::new(AtomicBool::new(false));
        let (ending, serve) = (Arc::clone(&is_over), Arc::clone(&self.serve));
        let accepting = thread::spawn(move || {
            while !ending.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let serve = Arc::clone(&serve);
                        thread::spawn(move || {
                            if stream.set_nonblocking(false).is_ok() {
                                serve(stream);
                            }
                        });
                    }
                    Err(_) => thread::sleep(STEP),
                }
            }
        });
        self.open = Some((is_over, accepting));
    }

    pub(crate) fn close(&mut self) {
        if let Some((is_over, accepting)) = self.open.take() {
            is_over.store(true, Ordering::Relaxed);
            let _ = accepting.join();
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a mutex holds, whatever became of who held it before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[test]
    fn a_closed_port_refuses_and_opens_again() {
        let mut receiver = Receiver::start();
        let address = receiver.url().trim_start_matches("http://").to_owned();
        receiver.answer(Answering::body(500, "no"));
        assert_eq!(http::send(&address, "POST", "/x", &[], b"a").body, "no");
        receiver.close();
        assert!(http::try_send(&address, "POST", "/x", &[], b"b").is_err());
        receiver.reopen();
        assert_eq!(http::send(&address, "POST", "/y", &[], b"c").status, 500);
        let bodies: Vec<String> = receiver.received().into_iter().map(|one| one.body).collect();
        assert_eq!(bodies, ["a", "c"]);
    }
}
