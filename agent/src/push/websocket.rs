//! WebSocket connections of the agent: `GET /agent/v1/stream` and what is opened beside it, read and written without blocking.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::{proxmox, stream};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tungstenite::client::{ClientRequestBuilder, IntoClientRequest};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::client::{ClientHandshake, Request, Response};
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::Uri;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};
use ureq::http::uri::Scheme;

use super::backoff;
use super::dial::{self, Patience};
use super::https::{Client, ClientError, Lookup};
use crate::clock;

/// A frame of a minute fits.
const BUFFER_BYTES: usize = 4 * 1024;

/// What is opened.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    path: &'static str,
    /// Offered where the other side must choose it.
    protocol: Option<&'static str>,
    most_message_bytes: usize,
}

impl Line {
    /// Reports. Source: the contract, `GET /agent/v1/stream`.
    pub const REPORTS: Self =
        Self { path: "/agent/v1/stream", protocol: None, most_message_bytes: stream::MAX_MESSAGE_BYTES };
    /// What was seen of hypervisors.
    #[cfg_attr(not(feature = "proxmox"), expect(dead_code, reason = "only that role opens it"))]
    pub const PROXMOX: Self = Self {
        path: proxmox::PATH,
        protocol: Some(proxmox::SUBPROTOCOL),
        most_message_bytes: proxmox::MAX_MESSAGE_BYTES,
    };
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The server does not know the secret.
    #[error("the server does not accept this host's secret (status 401)")]
    Unauthorized,
    /// The server is there and takes no connection now.
    #[error("the server is busy (status {status})")]
    Busy {
        /// 429 or 503.
        status: u16,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The server or something before it broke.
    #[error("the server answered with status {0}")]
    Broken(u16),
    /// Something does not let a WebSocket through.
    #[error("the way to the server takes no WebSocket ({0})")]
    Refused(String),
    /// The connection stood and ended, or fell silent, before the answer.
    #[error("the request for a WebSocket got no answer: {0}")]
    Unanswered(String),
    /// There is no way to the server.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// We were told to end.
    #[error("ended")]
    Cancelled,
}

/// What came from the other side.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A binary message.
    Binary(Vec<u8>),
    /// A text.
    Text(String),
    /// Of the protocol itself: a sign of life.
    Other,
}

/// Opens connections to one server for one host.
#[derive(Debug)]
pub struct Dialer {
    lookup: Lookup,
    tls: Option<Arc<ClientConfig>>,
    uri: Uri,
    authorization: String,
    line: Line,
}

impl Dialer {
    /// Opens `line` as the client connects to the server at `base_url`, with this host's secret.
    ///
    /// # Errors
    /// When the URL is none, or there is a proxy that cannot be asked for a connection.
    pub fn new(client: &Client, base_url: &str, secret: &str, line: Line) -> Result<Self, ClientError> {
        let lookup = client.lookup();
        if lookup.proxy().is_some_and(|proxy| !dial::can_ask(proxy)) {
            return Err(ClientError::new("only an http:// proxy can be asked for a WebSocket"));
        }
        let uri = format!("{base_url}{}", line.path).parse::<Uri>();
        let uri = uri.map_err(|error| ClientError::new(format!("the server's URL cannot be read: {error}")))?;
        Ok(Self { lookup, tls: client.tls().cloned(), uri, authorization: format!("Bearer {secret}"), line })
    }

    /// Connects and waits for the upgrade.
    ///
    /// # Errors
    /// [`DialError`], which tells what to do next.
    pub fn dial(&self, patience: &Patience<'_>) -> Result<Socket, DialError> {
        let connected = self.connect(patience).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => DialError::Cancelled,
            ErrorKind::TimedOut => DialError::Unreachable("no answer in time".to_owned()),
            _ => DialError::Unreachable(error.to_string()),
        });
        let result = connected.and_then(|stream| self.upgrade(stream, patience));
        if result.is_err() {
            self.lookup.forget();
        }
        result
    }

    fn connect(&self, patience: &Patience<'_>) -> io::Result<Stream> {
        let left = patience.deadline.saturating_duration_since(Instant::now());
        let asked = self.lookup.proxy().map_or(&self.uri, |proxy| proxy.uri());
        let addresses = self.lookup.addresses(asked, left).map_err(io::Error::other)?;
        let mut stream = dial::tcp(&addresses, patience)?;
        let host = self.uri.host().unwrap_or_default();
        if let Some(proxy) = self.lookup.proxy() {
            let is_tls = self.uri.scheme() == Some(&Scheme::HTTPS);
            let port = self.uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
            dial::through(proxy, &format!("{host}:{port}"), &mut stream, patience)?;
        }
        let Some(config) = &self.tls else { return Ok(Stream::Plain(stream)) };
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            match stream.conn.complete_io(&mut stream.sock) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    patience.wait(&stream.sock, stream.conn.wants_write())?;
                }
                Ok((0, 0)) => return Err(ErrorKind::UnexpectedEof.into()),
                done => drop(done?),
            }
        }
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn request(&self) -> Result<Request, Error> {
        let mut parts = self.uri.clone().into_parts();
        // The library knows no other names for them.
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        parts.scheme = scheme.parse().ok();
        let uri = Uri::from_parts(parts).map_err(|error| Error::from(tungstenite::http::Error::from(error)))?;
        let request = ClientRequestBuilder::new(uri)
            .with_header("authorization", self.authorization.as_str())
            .with_header("user-agent", concat!("edgewatch-agent/", env!("CARGO_PKG_VERSION")));
        match self.line.protocol {
            Some(protocol) => request.with_sub_protocol(protocol).into_client_request(),
            None => request.into_client_request(),
        }
    }

    fn upgrade(&self, stream: Stream, patience: &Patience<'_>) -> Result<Socket, DialError> {
        let request = self.request().map_err(|error| DialError::Unreachable(error.to_string()))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(self.line.most_message_bytes))
            .max_frame_size(Some(self.line.most_message_bytes));
        let begun = ClientHandshake::start(stream, request, Some(config)).map_err(|error| refused(&error))?;
        let mut step: Result<_, HandshakeError<ClientHandshake<Stream>>> = begun.handshake();
        loop {
            let waiting: MidHandshake<_> = match step {
                Ok((web_socket, _)) => return Ok(Socket { web_socket, is_blocked: false }),
                Err(HandshakeError::Failure(error)) => return Err(refused(&error)),
                Err(HandshakeError::Interrupted(waiting)) => waiting,
            };
            let stream = waiting.get_ref().get_ref();
            patience.wait(stream, stream.wants_write()).map_err(|error| match error.kind() {
                ErrorKind::Interrupted => DialError::Cancelled,
                _ => DialError::Unanswered("no answer in time".to_owned()),
            })?;
            step = waiting.handshake();
        }
    }
}

/// Why a connection ended, in words for people.
pub fn explain(error: &Error) -> String {
    let is_close = match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => true,
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        ),
        _ => false,
    };
    if is_close { "the other side closed it".to_owned() } else { error.to_string() }
}

/// What a failed upgrade means.
fn refused(error: &Error) -> DialError {
    match error {
        Error::Http(response) => of_status(response),
        Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete) => DialError::Unanswered(explain(error)),
        error => DialError::Refused(error.to_string()),
    }
}

fn of_status(response: &Response) -> DialError {
    match response.status().as_u16() {
        401 => DialError::Unauthorized,
        status @ (429 | 503) => {
            let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let retry_after = asked.and_then(|value| backoff::parse_retry_after(value, clock::now_s()));
            DialError::Busy { status, retry_after }
        }
        status @ 500..=599 => DialError::Broken(status),
        status => DialError::Refused(format!("status {status}")),
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Socket {
    web_socket: WebSocket<Stream>,
    is_blocked: bool,
}

impl Socket {
    /// Sends a binary message, now or as soon as there is room.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn send(&mut self, message: Vec<u8>) -> Result<(), Error> {
        self.write(Message::Binary(message.into()))
    }

    /// Sends a text in the same way.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn send_text(&mut self, text: impl Into<tungstenite::Utf8Bytes>) -> Result<(), Error> {
        self.write(Message::Text(text.into()))
    }

    /// Says the protocol's own goodbye. What is still under way may come after it.
    pub fn close(&mut self) {
        let _ = self.web_socket.close(None);
    }

    /// What has come. `None` when there is nothing more now: then, and only then, the socket may be waited for.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn receive(&mut self) -> Result<Option<Incoming>, Error> {
        if self.is_blocked {
            let flushed = self.web_socket.flush();
            self.settle(flushed)?;
        }
        match self.web_socket.read() {
            Ok(Message::Binary(bytes)) => Ok(Some(Incoming::Binary(bytes.into()))),
            Ok(Message::Text(text)) => Ok(Some(Incoming::Text(text.as_str().to_owned()))),
            // What comes after it, if anything, is nothing to wait for.
            Ok(Message::Close(_)) => Err(Error::ConnectionClosed),
            Ok(_) => Ok(Some(Incoming::Other)),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether something could not be written yet.
    pub fn wants_write(&self) -> bool {
        self.is_blocked || self.web_socket.get_ref().wants_write()
    }

    fn write(&mut self, message: Message) -> Result<(), Error> {
        let written = self.web_socket.write(message).and_then(|()| self.web_socket.flush());
        self.settle(written)
    }

    fn settle(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.is_blocked = matches!(&result, Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock);
        if self.is_blocked { Ok(()) } else { result }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.web_socket.get_ref().as_fd()
    }
}

/// The bytes below, by TLS or not.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn wants_write(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.conn.wants_write(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(stream) => stream.as_fd(),
            Self::Tls(stream) => stream.sock.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
