//! A server on loopback that answers as a test has it and keeps what it was asked: an openITCOCKPIT server, or an exporter.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::authority::Pair;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and target, such as `POST /agentconnector/register_agent.json`.
    pub line: String,
    /// Each header, its name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    body: String,
    delay: Duration,
}

impl Answer {
    /// A status and a body.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: String::new(), body: body.into(), delay: Duration::ZERO }
    }

    /// Elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self { headers: format!("Location: {location}\r\n"), ..Self::new(status, "") }
    }

    /// Not before so long.
    pub fn late(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

type Answers = dyn Fn(&Request) -> Answer + Send + Sync;

/// The server, gone on drop.
pub struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
}

trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

impl Server {
    /// By plain HTTP.
    pub fn start(answers: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::begin(None, Arc::new(answers))
    }

    /// By TLS.
    pub fn start_tls(own: &Pair, answers: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("the usual versions").with_no_client_auth();
        let config = builder.with_single_cert(vec![own.certificate.clone()], own.key()).expect("the key fits");
        Self::begin(Some(Arc::new(config)), Arc::new(answers))
    }

    fn begin(tls: Option<Arc<ServerConfig>>, answers: Arc<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (heard, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, over) = (Arc::clone(&heard), Arc::clone(&is_over));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let (tls, answers, kept, over) =
                    (tls.clone(), Arc::clone(&answers), Arc::clone(&kept), Arc::clone(&over));
                thread::spawn(move || {
                    let stream: Box<dyn Duplex> = match tls {
                        Some(tls) => Box::new(StreamOwned::new(ServerConnection::new(tls).expect("a server"), stream)),
                        None => Box::new(stream),
                    };
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = read(&mut reader).filter(|_| !over.load(Ordering::Acquire)) {
                        let answer = answers(&request);
                        kept.lock().expect("no test panics with it").push(request);
                        thread::sleep(answer.delay);
                        if write(reader.get_mut(), &answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, heard, is_over }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What was asked so far.
    pub fn heard(&self) -> Vec<Request> {
        self.heard.lock().expect("no test panics with it").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let line = |reader: &mut dyn BufRead| {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line(reader)?;
    let mut headers = Vec::new();
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { line: first.trim_end_matches(" HTTP/1.1").to_owned(), headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).expect("text");
    Some(request)
}

fn write(stream: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let Answer { status, headers, body, .. } = answer;
    write!(stream, "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}
