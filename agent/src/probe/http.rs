//! HTTP: a GET that is answered with a status from 200 to 399. Redirects are not followed, and the body is read to see it whole, but
//! never kept.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use edgewatch_core::domain::probing::Endpoint;
use rustix::event::PollFlags;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::dial::{self, Dial, Dialed};
use super::{Outcome, Question, Waiting};
use crate::certificate::{self, Certificate};

/// More of a body is not read.
const MAX_BODY_BYTES: u64 = 1 << 20;
/// A head that is longer is none.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;

/// Where the trusted certificates come from: asked when the first HTTPS target is.
pub type Roots = Box<dyn Fn() -> Result<Arc<RootCertStore>, String> + Send + Sync>;

/// How TLS is spoken, and who sees the certificates.
type Tls = (Arc<ClientConfig>, Arc<Witness>);

/// Asks HTTP targets.
pub struct Client {
    roots: Roots,
    tls: OnceLock<Result<Tls, String>>,
}

impl Client {
    /// A client that has not read any certificates yet.
    pub const fn new(roots: Roots) -> Self {
        Self { roots, tls: OnceLock::new() }
    }

    /// Begins to ask for a page.
    ///
    /// # Errors
    /// When the name has no address, or TLS cannot be spoken here.
    pub fn get(&self, addresses: &[IpAddr], endpoint: &Endpoint<'_>, limit: Instant) -> Result<Get, String> {
        if addresses.is_empty() {
            return Err("the name has no address".to_owned());
        }
        let tls = if endpoint.is_tls { Some(self.tls(endpoint.host)?) } else { None };
        let slash = if endpoint.path.starts_with('/') { "" } else { "/" };
        let request = format!(
            "GET {slash}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: edgewatch-agent/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            endpoint.path,
            endpoint.authority,
            env!("CARGO_PKG_VERSION"),
        );
        Ok(Get {
            begun: Instant::now(),
            limit,
            step: Step::Dial(Dial::begin(addresses, endpoint.port)),
            tls,
            request: request.into_bytes(),
            written: 0,
            answer: Answer::default(),
            certificate: None,
        })
    }

    fn tls(&self, host: &str) -> Result<(ClientConnection, Arc<Witness>), String> {
        let (config, witness) = self.tls.get_or_init(|| config(&self.roots)).as_ref().map_err(Clone::clone)?;
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| "the host is no name for a certificate".to_owned())?;
        let connection = ClientConnection::new(Arc::clone(config), name).map_err(|error| error.to_string())?;
        Ok((connection, Arc::clone(witness)))
    }
}

fn config(roots: &Roots) -> Result<Tls, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(roots()?, Arc::clone(&provider)).build();
    let witness = Arc::new(Witness { inner: inner.map_err(|error| error.to_string())?, seen: Mutex::new(None) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    // A resumed session shows no certificate, and is quicker than what others see.
    config.resumption = Resumption::disabled();
    Ok((Arc::new(config), witness))
}

/// Judges certificates as the library does, and remembers the last one it saw: one that has expired matters most.
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Certificate>>,
}

impl Witness {
    /// What was seen since the last time. All connections are driven by one thread, one after the other.
    fn take(&self) -> Option<Certificate> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = certificate::parse(end_entity);
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

enum Step {
    Dial(Dial),
    Talk(TcpStream),
}

/// A page being asked for.
pub struct Get {
    begun: Instant,
    limit: Instant,
    step: Step,
    tls: Option<(ClientConnection, Arc<Witness>)>,
    request: Vec<u8>,
    written: usize,
    answer: Answer,
    certificate: Option<Certificate>,
}

impl Get {
    fn over(&mut self, verdict: Result<(), String>) -> Outcome {
        let delay = verdict.is_ok().then(|| self.begun.elapsed());
        let error = verdict.err();
        Outcome { delay, certificate: self.certificate.take(), error }
    }

    /// Talks as far as it can without waiting: the verdict, once it is over.
    fn talk(&mut self) -> Option<Result<(), String>> {
        let Self { step: Step::Talk(stream), tls, request, written, answer, certificate, .. } = self else {
            return None;
        };
        let mut buffer = [0_u8; 4096];
        loop {
            let mut is_stuck = true;
            let received = match tls {
                None => {
                    match stream.write(request.get(*written..).unwrap_or_default()) {
                        Ok(length) => *written += length,
                        Err(error) if is_blocked(&error) => {}
                        Err(error) => return Some(Err(dial::words(&error))),
                    }
                    stream.read(&mut buffer)
                }
                Some((connection, witness)) => {
                    if *written < request.len() && !connection.is_handshaking() {
                        // It goes into the library's buffer whole.
                        let taken = connection.writer().write(request.get(*written..).unwrap_or_default());
                        *written += taken.unwrap_or(0);
                    }
                    while connection.wants_write() {
                        match connection.write_tls(stream) {
                            Ok(_) => {}
                            Err(error) if is_blocked(&error) => break,
                            Err(error) => return Some(Err(dial::words(&error))),
                        }
                    }
                    match connection.read_tls(stream) {
                        Ok(0) => {}
                        Ok(_) => is_stuck = false,
                        Err(error) if is_blocked(&error) => {}
                        Err(error) => return Some(Err(dial::words(&error))),
                    }
                    witness.take();
                    let processed = connection.process_new_packets();
                    *certificate = witness.take().or(certificate.take());
                    if let Err(error) = processed {
                        // The peer is told why, as far as that goes.
                        let _ = connection.write_tls(stream);
                        return Some(Err(error.to_string()));
                    }
                    connection.reader().read(&mut buffer)
                }
            };
            match received {
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    match answer.take(bytes, length == 0) {
                        Ok(false) => {}
                        Ok(true) => return Some(answer.verdict()),
                        Err(error) => return Some(Err(error.to_owned())),
                    }
                }
                Err(error) if is_blocked(&error) && is_stuck => return None,
                Err(error) if is_blocked(&error) => {}
                // Closed without the library's goodbye, as many servers do.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Some(match answer.take(&[], true) {
                        Ok(_) => answer.verdict(),
                        Err(error) => Err(error.to_owned()),
                    });
                }
                Err(error) => return Some(Err(dial::words(&error))),
            }
        }
    }
}

impl Question for Get {
    fn waiting(&self) -> Waiting<'_> {
        let socket = match &self.step {
            Step::Dial(dial) => dial.socket().map(|socket| (socket, PollFlags::OUT)),
            Step::Talk(stream) => {
                let mut flags = PollFlags::IN;
                let is_writing = match &self.tls {
                    Some((connection, _)) => connection.wants_write(),
                    None => self.written < self.request.len(),
                };
                flags.set(PollFlags::OUT, is_writing);
                Some((stream.as_fd(), flags))
            }
        };
        Waiting { socket, until: self.limit }
    }

    fn go_on(&mut self, _: Instant) -> Option<Outcome> {
        if let Step::Dial(dial) = &mut self.step {
            match dial.look() {
                Dialed::Waiting => return None,
                Dialed::Connected(stream, _) => self.step = Step::Talk(stream),
                Dialed::Failed(error) => return Some(self.over(Err(error))),
            }
        }
        let verdict = self.talk()?;
        Some(self.over(verdict))
    }
}

fn is_blocked(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// An answer as it comes in: its head is kept until it is whole, its body counted.
#[derive(Debug, Default)]
struct Answer {
    head: Vec<u8>,
    status: Option<u16>,
    length: Option<u64>,
    is_chunked: bool,
    read: u64,
    /// The last bytes of the body.
    tail: Vec<u8>,
}

impl Answer {
    /// Takes what came; `is_end`: nothing more comes. True once it is whole.
    fn take(&mut self, bytes: &[u8], is_end: bool) -> Result<bool, &'static str> {
        if self.status.is_none() {
            self.head.extend_from_slice(bytes);
            let Some(body) = self.read_head()? else {
                return if is_end { Err("the connection was closed before an answer") } else { Ok(false) };
            };
            self.count(&body);
        } else {
            self.count(bytes);
        }
        let has_no_body = matches!(self.status, Some(204 | 304));
        let is_whole = match self.length {
            _ if has_no_body || self.read >= MAX_BODY_BYTES => true,
            Some(length) => self.read >= length,
            None if self.is_chunked => self.tail == b"0\r\n\r\n" || self.tail.ends_with(b"\r\n0\r\n\r\n"),
            None => false,
        };
        if is_end && !is_whole && self.length.is_some() {
            return Err("the answer was cut short");
        }
        Ok(is_whole || is_end)
    }

    /// The part of the body that came with the head, once that is whole.
    fn read_head(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let end = match response.parse(&self.head) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) if self.head.len() < MAX_HEAD_BYTES => return Ok(None),
            _ => return Err("the answer is not HTTP"),
        };
        let status = response.code.unwrap_or(0);
        let find = |name: &str| {
            let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()
        };
        self.length = find("content-length").and_then(|text| text.trim().parse().ok());
        self.is_chunked = find("transfer-encoding").is_some_and(|text| text.to_ascii_lowercase().contains("chunked"));
        let body = self.head.split_off(end);
        self.head = Vec::new();
        // 100 and its like are not the answer yet.
        if (100..200).contains(&status) {
            self.head = body;
            return self.read_head();
        }
        if self.is_chunked {
            self.length = None;
        }
        self.status = Some(status);
        Ok(Some(body))
    }

    fn count(&mut self, body: &[u8]) {
        self.read += body.len() as u64;
        self.tail.extend_from_slice(body.get(body.len().saturating_sub(7)..).unwrap_or_default());
        let beyond = self.tail.len().saturating_sub(7);
        self.tail.drain(..beyond);
    }

    /// Whether it is the right answer; else why not.
    fn verdict(&self) -> Result<(), String> {
        match self.status {
            Some(200..=399) => Ok(()),
            Some(status) => Err(format!("status {status}")),
            None => Err("no answer".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of an answer that comes in pieces of so many bytes and then ends.
    fn taken(text: &str, piece: usize, is_closed: bool) -> Result<(bool, Option<String>), &'static str> {
        let mut answer = Answer::default();
        for bytes in text.as_bytes().chunks(piece) {
            if answer.take(bytes, false)? {
                return Ok((true, answer.verdict().err()));
            }
        }
        let is_whole = is_closed && answer.take(&[], true)?;
        Ok((is_whole, answer.verdict().err()))
    }

    #[test]
    fn an_answer_is_whole_by_its_length_its_last_chunk_or_its_end() {
        let head = "HTTP/1.1 200 OK\r\n";
        for piece in [1, 3, 7, 1_000] {
            let length = format!("{head}Content-Length: 5\r\n\r\nhello");
            let chunks = format!("{head}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
            let no_chunk = format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n");
            let interim = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{length}");
            for whole in [&length, &chunks, &no_chunk, &interim, "HTTP/1.1 304 Not Modified\r\n\r\n"] {
                assert_eq!(taken(whole, piece, false), Ok((true, None)), "{whole}");
            }
            let open = format!("{head}\r\nhello");
            assert_eq!((taken(&open, piece, false), taken(&open, piece, true)), (Ok((false, None)), Ok((true, None))));
            assert_eq!(taken(&length[..length.len() - 1], piece, true), Err("the answer was cut short"));
        }
    }

    #[test]
    fn the_status_decides() {
        for (status, verdict) in
            [(200, None), (301, None), (399, None), (400, Some("status 400")), (503, Some("status 503"))]
        {
            let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(taken(&text, 5, false), Ok((true, verdict.map(str::to_owned))));
        }
        assert_eq!(taken("SSH-2.0-OpenSSH_9.2\r\n", 9, false), Err("the answer is not HTTP"));
        assert_eq!(taken("HTTP/1.1 200", 9, true), Err("the connection was closed before an answer"));
        assert_eq!(taken("", 1, true), Err("the connection was closed before an answer"));
    }

    #[test]
    fn a_body_and_a_head_without_end_are_bounded() {
        let mut answer = Answer::default();
        assert_eq!(answer.take(b"HTTP/1.1 200 OK\r\n\r\n", false), Ok(false));
        let pieces = (0..1_000).take_while(|_| answer.take(&[b'x'; 4096], false) == Ok(false)).count();
        assert_eq!((pieces, answer.tail.len()), (255, 7));
        let mut endless = Answer::default();
        let head = [b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'x'; 40_000]].concat();
        assert_eq!(endless.take(&head, false), Err("the answer is not HTTP"));
    }
}
