//! One kept HTTP/1.1 connection. Small, and by hand: Proxmox says what is wrong in the status line, which HTTP libraries drop.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::error::ApiError;
use super::place::Place;
use super::tls::Tls;

/// One address of several must answer within this.
const PER_ADDRESS: Duration = Duration::from_secs(5);
const BUFFER_BYTES: usize = 8 * 1024;
/// A head that is longer is none.
const MOST_HEAD_BYTES: usize = 32 * 1024;
const MOST_HEADERS: usize = 64;
/// No answer is longer: twenty thousand backups are a third of it.
const MOST_BODY_BYTES: u64 = 32 << 20;

/// A connection to one server.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Stream>,
    is_fresh: bool,
    has_answered: bool,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Further lines of the head, each with its end.
    pub headers: &'a str,
    /// Form-encoded; nothing for GET.
    pub body: &'a str,
}

/// Where the bytes go, and by when they must have gone.
#[derive(Debug)]
struct Stream {
    inner: Inner,
    until: Instant,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    reason: String,
    length: Length,
    is_last: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Bytes(u64),
    Chunked,
    ToTheEnd,
}

impl Connection {
    /// Connects by `until`.
    ///
    /// # Errors
    /// When there is no way there, or TLS comes to nothing.
    pub fn open(place: &Place, tls: Option<&Tls>, until: Instant) -> Result<Self, ApiError> {
        let socket = dial(place, until).map_err(|error| ApiError::unreachable(&error))?;
        let inner = match tls {
            None => Inner::Plain(socket),
            Some(tls) => {
                let name = ServerName::try_from(place.host().to_owned())
                    .map_err(|_| ApiError::nonsense("the host's name is none that TLS knows"))?;
                let connection = ClientConnection::new(Arc::clone(&tls.config), name)
                    .map_err(|error| ApiError::unreachable(&io::Error::other(error)))?;
                Inner::Tls(Box::new(StreamOwned::new(connection, socket)))
            }
        };
        let mut stream = Stream { inner, until };
        if let Inner::Tls(tls) = &mut stream.inner {
            while tls.conn.is_handshaking() {
                set_timeout(&tls.sock, until).map_err(|error| ApiError::unreachable(&error))?;
                tls.conn.complete_io(&mut tls.sock).map_err(|error| ApiError::unreachable(&error))?;
            }
        }
        Ok(Self { reader: BufReader::with_capacity(BUFFER_BYTES, stream), is_fresh: true, has_answered: false })
    }

    /// Whether the server may only have closed it meanwhile: it was used before, and what was asked last got no answer.
    pub fn was_stale(&self) -> bool {
        !self.is_fresh && !self.has_answered
    }

    /// Asks, and has `read` read the body of an answer with status 200. `keep` tells whether the connection may be used again.
    ///
    /// # Errors
    /// When there is no answer by `until`, or another one.
    pub fn ask(
        &mut self,
        request: Request<'_>,
        host: &str,
        until: Instant,
        keep: &mut bool,
        read: &mut dyn FnMut(&mut dyn Read) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        *keep = false;
        self.has_answered = false;
        self.reader.get_mut().until = until;
        let broken = |error: io::Error| ApiError::unreachable(&error);
        let Request { method, path, headers, body } = request;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{headers}");
        if method != "GET" {
            text.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            text.push_str("Content-Length: ");
            text.push_str(&body.len().to_string());
            text.push_str("\r\n");
        }
        text.push_str("User-Agent: edgewatch-agent/");
        text.push_str(env!("CARGO_PKG_VERSION"));
        text.push_str("\r\n\r\n");
        text.push_str(body);
        self.reader.get_mut().write_all(text.as_bytes()).map_err(broken)?;
        let head = self.head()?;
        (self.is_fresh, self.has_answered) = (false, true);
        let mut body = Body::new(&mut self.reader, head.length);
        if head.status != 200 {
            let said = read_to_end(&mut body).unwrap_or_default();
            *keep = body.is_over() && !head.is_last;
            return Err(ApiError::refused(head.status, &reason(&head.reason, &said)));
        }
        read(&mut body)?;
        // What is left of it: a line's end, mostly.
        io::copy(&mut body, &mut io::sink()).map_err(broken)?;
        *keep = body.is_over() && !head.is_last;
        Ok(())
    }

    fn head(&mut self) -> Result<Head, ApiError> {
        let mut bytes = Vec::with_capacity(512);
        loop {
            let before = bytes.len();
            let room = u64::try_from(MOST_HEAD_BYTES.saturating_sub(before)).unwrap_or(0);
            let read = (&mut self.reader).take(room).read_until(b'\n', &mut bytes);
            if read.map_err(|error| ApiError::unreachable(&error))? == 0 {
                return Err(ApiError::unreachable(&ErrorKind::UnexpectedEof.into()));
            }
            if matches!(bytes.get(before..), Some(b"\r\n" | b"\n")) {
                match parse(&bytes) {
                    // An interim answer: the other one follows.
                    Some(head) if (100..200).contains(&head.status) => bytes.clear(),
                    Some(head) => return Ok(head),
                    None => return Err(ApiError::nonsense("the answer is no HTTP; is the port right?")),
                }
            } else if before == 0 && !bytes.starts_with(b"HTTP/") {
                return Err(ApiError::nonsense("the answer is no HTTP; is the port right?"));
            }
        }
    }
}

/// The words of a refusal: those in the status line, else the beginning of a body that is text.
fn reason(line: &str, body: &[u8]) -> String {
    let is_told = !line.is_empty() && !matches!(line, "OK" | "Unauthorized" | "Forbidden" | "Bad Request");
    let said = String::from_utf8_lossy(body);
    let said = said.trim();
    if is_told || said.is_empty() || said.starts_with(['{', '<', '[']) { line.to_owned() } else { said.to_owned() }
}

fn parse(bytes: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(bytes).ok().filter(httparse::Status::is_complete)?;
    let status = response.code?;
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(|value| value.trim().to_ascii_lowercase())
    };
    let length = match header("content-length").and_then(|length| length.parse().ok()) {
        _ if matches!(status, 100..200 | 204 | 304) => Length::Bytes(0),
        _ if header("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) => Length::Chunked,
        Some(length) => Length::Bytes(length),
        None => Length::ToTheEnd,
    };
    let connection = header("connection").unwrap_or_default();
    let is_last = match response.version {
        Some(1) => connection == "close",
        _ => connection != "keep-alive",
    };
    Some(Head { status, reason: response.reason.unwrap_or_default().to_owned(), length, is_last })
}

fn dial(place: &Place, until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (place.host(), place.port()).to_socket_addrs()? {
        let left = until.saturating_duration_since(Instant::now()).min(PER_ADDRESS);
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn set_timeout(socket: &TcpStream, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    socket.set_read_timeout(Some(left))?;
    socket.set_write_timeout(Some(left))
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(socket) => set_timeout(socket, self.until).and_then(|()| socket.read(into)),
            Inner::Tls(tls) => set_timeout(&tls.sock, self.until).and_then(|()| tls.read(into)),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(socket) => set_timeout(socket, self.until).and_then(|()| socket.write(bytes)),
            Inner::Tls(tls) => set_timeout(&tls.sock, self.until).and_then(|()| tls.write(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::Plain(socket) => socket.flush(),
            Inner::Tls(tls) => tls.flush(),
        }
    }
}

/// What of the body is still to come.
enum Left {
    Bytes(u64),
    /// So many of this chunk; whether one was read before.
    Chunk(u64, bool),
    ToTheEnd,
    Nothing,
}

struct Body<'a, R> {
    reader: &'a mut R,
    left: Left,
    /// So many bytes at most.
    room: u64,
}

impl<'a, R: BufRead> Body<'a, R> {
    fn new(reader: &'a mut R, length: Length) -> Self {
        let left = match length {
            Length::Bytes(0) => Left::Nothing,
            Length::Bytes(length) => Left::Bytes(length),
            Length::Chunked => Left::Chunk(0, false),
            Length::ToTheEnd => Left::ToTheEnd,
        };
        Self { reader, left, room: MOST_BODY_BYTES }
    }

    fn is_over(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        (&mut *self.reader).take(256).read_line(&mut line)?;
        if line.ends_with('\n') { Ok(line.trim().to_owned()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn next_chunk(&mut self, is_first: bool) -> io::Result<u64> {
        if !is_first {
            self.line()?;
        }
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(digits, 16).map_err(|_| io::Error::other("a chunk without a length"))?;
        if length == 0 {
            while !self.line()?.is_empty() {}
        }
        Ok(length)
    }
}

impl<R: BufRead> Read for Body<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Left::Chunk(0, was) = self.left {
            let length = self.next_chunk(!was)?;
            self.left = if length == 0 { Left::Nothing } else { Left::Chunk(length, true) };
        }
        let most = match self.left {
            Left::Nothing => return Ok(0),
            Left::Bytes(left) | Left::Chunk(left, _) => left,
            Left::ToTheEnd => u64::MAX,
        };
        if self.room == 0 {
            return Err(io::Error::other("the answer is longer than any should be"));
        }
        let most = usize::try_from(most.min(self.room)).unwrap_or(usize::MAX).min(into.len());
        let read = self.reader.read(into.get_mut(..most).unwrap_or_default())?;
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.room = self.room.saturating_sub(count);
        self.left = match self.left {
            Left::ToTheEnd if read > 0 => Left::ToTheEnd,
            Left::ToTheEnd => Left::Nothing,
            _ if read == 0 && most > 0 => return Err(ErrorKind::UnexpectedEof.into()),
            Left::Bytes(left) if left == count => Left::Nothing,
            Left::Bytes(left) => Left::Bytes(left - count),
            Left::Chunk(left, _) => Left::Chunk(left - count, true),
            Left::Nothing => Left::Nothing,
        };
        Ok(read)
    }
}

/// The whole of a short body.
fn read_to_end(body: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    body.take(64 * 1024).read_to_end(&mut bytes)?;
    // Once more, so that it is known to be over.
    io::copy(body, &mut io::sink())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Option<Head> {
        parse(text.as_bytes())
    }

    #[test]
    fn what_is_wrong_stands_in_the_status_line() {
        let refused = head("HTTP/1.1 500 QEMU guest agent is not running\r\nContent-Length: 13\r\n\r\n").unwrap();
        assert_eq!((refused.status, refused.reason.as_str()), (500, "QEMU guest agent is not running"));
        assert_eq!((refused.length, refused.is_last), (Length::Bytes(13), false));
        assert_eq!(
            reason("Permission check failed (/, Sys.Audit)", b"{\"data\":null}"),
            "Permission check failed (/, Sys.Audit)"
        );
        assert_eq!(reason("Unauthorized", b"authentication failure\n"), "authentication failure");
        assert_eq!(reason("", b"<html>"), "");
    }

    #[test]
    fn an_end_is_seen_by_length_by_chunks_and_by_the_connection() {
        assert_eq!(head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap().length, Length::Chunked);
        let old = head("HTTP/1.0 200 OK\r\n\r\n").unwrap();
        assert_eq!((old.length, old.is_last), (Length::ToTheEnd, true));
        assert!(head("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap().is_last);
        assert_eq!(head("SSH-2.0\r\n\r\n"), None);
    }

    fn body(length: Length, bytes: &[u8]) -> io::Result<(String, usize)> {
        let mut reader = bytes;
        let mut text = String::new();
        Body::new(&mut reader, length).read_to_string(&mut text)?;
        Ok((text, reader.len()))
    }

    #[test]
    fn a_body_ends_where_it_should_and_leaves_the_rest() {
        let chunked = b"4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\nTrailer: z\r\n\r\nHTTP";
        assert_eq!(body(Length::Chunked, chunked).unwrap(), ("Wikipedia ".to_owned(), 4));
        assert_eq!(body(Length::Bytes(3), b"abcHTTP").unwrap(), ("abc".to_owned(), 4));
        assert_eq!(body(Length::ToTheEnd, b"abc").unwrap(), ("abc".to_owned(), 0));
        assert_eq!(body(Length::Bytes(0), b"HTTP").unwrap(), (String::new(), 4));
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        for (length, bytes) in
            [(Length::Bytes(5), &b"abc"[..]), (Length::Chunked, b"4\r\nWi"), (Length::Chunked, b"x\r\n")]
        {
            assert!(body(length, bytes).is_err(), "{length:?}");
        }
    }
}
