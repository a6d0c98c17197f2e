//! As much of HTTP/1.1 as a small blocking server needs: heads, bodies of a bounded length, answers.
//!
//! There is no async runtime in this agent, and the servers that do without one bring more than the few hundred lines here; httparse,
//! which reads the head, is in the agent already.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use edgewatch_core::units::calendar::{DAY_S, Day, MONTHS, WEEKDAYS};

use super::text;

/// A head that is longer is none, bytes.
const MOST_HEAD_BYTES: usize = 32 * 1024;
const MOST_HEADERS: usize = 64;
/// A longer body is refused, bytes.
pub const MOST_BODY_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 4096;

/// The head of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// As it was sent.
    pub method: String,
    /// Decoded, not cleaned.
    pub path: String,
    /// What stands behind the `?`, as it was sent.
    pub query: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Host`.
    pub host: Option<String>,
    /// Whether a browser sent it on behalf of another site's page.
    pub is_cross_site: bool,
    /// Whether the connection is to be kept.
    pub is_kept: bool,
    /// The body that follows.
    pub body: Length,
    /// Whether it is sent only once it is asked for.
    pub waits_for_continue: bool,
}

/// How a body's end is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Length {
    /// There is none.
    #[default]
    None,
    /// After so many bytes.
    Bytes(usize),
    /// By a chunk without content.
    Chunks,
}

impl Head {
    /// Whether a body follows.
    pub fn has_body(&self) -> bool {
        !matches!(self.body, Length::None | Length::Bytes(0))
    }
}

/// What a connection brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A request.
    Head(Head),
    /// Something that is answered with this, and nothing after it.
    Refused(u16),
    /// Nothing more.
    End,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBody {
    /// It is longer than [`MOST_BODY_BYTES`].
    TooLong,
    /// It broke off, or is none.
    Unreadable,
}

/// Reads requests from a connection; what came beyond one is kept for the next.
#[derive(Debug, Default)]
pub struct Reader {
    unread: Vec<u8>,
}

impl Reader {
    /// Whether something of the next request is here already.
    pub fn has_some(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The next head.
    pub fn head(&mut self, channel: &mut impl Read) -> Heard {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            match request.parse(&self.unread) {
                Ok(httparse::Status::Complete(length)) => {
                    let heard = understand(&request);
                    self.unread.drain(..length);
                    return heard;
                }
                Ok(httparse::Status::Partial) if self.unread.len() >= MOST_HEAD_BYTES => return Heard::Refused(431),
                Ok(httparse::Status::Partial) => {}
                Err(httparse::Error::TooManyHeaders) => return Heard::Refused(431),
                Err(_) => return Heard::Refused(400),
            }
            match self.more(channel) {
                Ok(0) if self.unread.is_empty() => return Heard::End,
                Ok(0) => return Heard::Refused(400),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::TimedOut && self.has_some() => return Heard::Refused(408),
                Err(_) => return Heard::End,
            }
        }
    }

    /// The body that belongs to `head`.
    ///
    /// # Errors
    /// [`NoBody`]: the connection cannot be used any longer.
    pub fn body(&mut self, head: &Head, channel: &mut (impl Read + Write)) -> Result<Vec<u8>, NoBody> {
        if matches!(head.body, Length::Bytes(length) if length > MOST_BODY_BYTES) {
            return Err(NoBody::TooLong);
        }
        if head.waits_for_continue && !self.has_some() && head.has_body() {
            channel.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| NoBody::Unreadable)?;
        }
        match head.body {
            Length::None => Ok(Vec::new()),
            Length::Bytes(length) => self.take(length, channel),
            Length::Chunks => self.chunks(channel),
        }
    }

    fn chunks(&mut self, channel: &mut impl Read) -> Result<Vec<u8>, NoBody> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.unread) {
                Ok(httparse::Status::Complete((begin, length))) => {
                    self.unread.drain(..begin);
                    let length = usize::try_from(length).map_err(|_| NoBody::TooLong)?;
                    if length > MOST_BODY_BYTES - body.len() {
                        return Err(NoBody::TooLong);
                    }
                    if length == 0 {
                        return self.trailers(channel).map(|()| body);
                    }
                    body.append(&mut self.take(length, channel)?);
                    if self.take(2, channel)? != b"\r\n" {
                        return Err(NoBody::Unreadable);
                    }
                }
                Ok(httparse::Status::Partial) => self.some_more(channel)?,
                Err(_) => return Err(NoBody::Unreadable),
            }
        }
    }

    /// What may follow the last chunk is skipped.
    fn trailers(&mut self, channel: &mut impl Read) -> Result<(), NoBody> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            match httparse::parse_headers(&self.unread, &mut headers) {
                Ok(httparse::Status::Complete((length, _))) => {
                    self.unread.drain(..length);
                    return Ok(());
                }
                Ok(httparse::Status::Partial) if self.unread.len() < MOST_HEAD_BYTES => self.some_more(channel)?,
                _ => return Err(NoBody::Unreadable),
            }
        }
    }

    fn take(&mut self, length: usize, channel: &mut impl Read) -> Result<Vec<u8>, NoBody> {
        while self.unread.len() < length {
            self.some_more(channel)?;
        }
        let rest = self.unread.split_off(length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    fn some_more(&mut self, channel: &mut impl Read) -> Result<(), NoBody> {
        if matches!(self.more(channel), Ok(1..)) { Ok(()) } else { Err(NoBody::Unreadable) }
    }

    fn more(&mut self, channel: &mut impl Read) -> io::Result<usize> {
        let mut piece = [0; PIECE_BYTES];
        let length = channel.read(&mut piece)?;
        self.unread.extend(piece.iter().take(length));
        Ok(length)
    }
}

fn understand(request: &httparse::Request<'_, '_>) -> Heard {
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Heard::Refused(400);
    };
    let target = match target.split_once("://") {
        // A proxy's form names the server too.
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        _ => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(path) = text::percent_decoded(path).filter(|path| path.starts_with('/')) else {
        return Heard::Refused(400);
    };
    let mut head =
        Head { method: method.to_owned(), path, query: query.to_owned(), is_kept: version == 1, ..Head::default() };
    for header in request.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value).map(str::trim) else { return Heard::Refused(400) };
        match header.name.to_ascii_lowercase().as_str() {
            "authorization" => head.authorization = Some(value.to_owned()),
            "host" => head.host = Some(value.to_owned()),
            "origin" => head.is_cross_site = true,
            "sec-fetch-site" if value != "none" => head.is_cross_site = true,
            "expect" => head.waits_for_continue = value.eq_ignore_ascii_case("100-continue"),
            "connection" if value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close")) => {
                head.is_kept = false;
            }
            "transfer-encoding" => {
                if !value.eq_ignore_ascii_case("chunked") {
                    return Heard::Refused(501);
                }
                if head.body != Length::None {
                    return Heard::Refused(400);
                }
                head.body = Length::Chunks;
            }
            "content-length" => {
                let length = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
                match length.and_then(|value| value.parse().ok()) {
                    // Two that differ, or one beside chunks, are a way to hide a request in another.
                    Some(length) if [Length::None, Length::Bytes(length)].contains(&head.body) => {
                        head.body = Length::Bytes(length);
                    }
                    _ => return Heard::Refused(400),
                }
            }
            _ => {}
        }
    }
    if version == 1 && head.host.is_none() { Heard::Refused(400) } else { Heard::Head(head) }
}

/// The bytes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Shared with who made it.
    Shared(Arc<[u8]>),
    /// This answer's own.
    Own(Vec<u8>),
}

impl Body {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Content-Type`, where there is a body.
    pub content_type: Option<&'static str>,
    /// `Location`, for a redirect.
    pub location: Option<String>,
    /// The body.
    pub body: Body,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, location: None, body: Body::Own(Vec::new()) }
    }

    /// JSON.
    pub fn json(body: Body) -> Self {
        Self { content_type: Some("application/json"), body, ..Self::empty(200) }
    }

    /// A line that says what is wrong, as Go's server writes it.
    pub fn error(status: u16, words: &str) -> Self {
        let body = Body::Own(format!("{words}\n").into_bytes());
        Self { content_type: Some("text/plain; charset=utf-8"), body, ..Self::empty(status) }
    }

    /// Elsewhere.
    pub fn moved(location: String) -> Self {
        Self { location: Some(location), ..Self::empty(301) }
    }

    /// Writes it; the body not to a `HEAD`.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn write(&self, channel: &mut impl Write, is_head: bool, is_kept: bool, now_s: i64) -> io::Result<()> {
        use std::fmt::Write as _;

        let bytes = self.body.bytes();
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut header = |name: &str, value: &str| {
            // A text takes it.
            let _ = write!(head, "{name}: {value}\r\n");
        };
        if let Some(content_type) = self.content_type {
            header("Content-Type", content_type);
        }
        if let Some(location) = &self.location {
            header("Location", location);
        }
        if self.status >= 400 && self.content_type.is_some() {
            header("X-Content-Type-Options", "nosniff");
        }
        header("Date", &date(now_s));
        header("Content-Length", &bytes.len().to_string());
        if !is_kept {
            header("Connection", "close");
        }
        head.push_str("\r\n");
        // Head and a short body are one packet.
        let mut first = head.into_bytes();
        let body = if is_head { &[] } else { bytes };
        let (beginning, rest) = body.split_at(body.len().min(PIECE_BYTES));
        first.extend_from_slice(beginning);
        channel.write_all(&first)?;
        channel.write_all(rest)?;
        channel.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        _ => "Unknown",
    }
}

/// A time as HTTP writes it.
fn date(now_s: i64) -> String {
    let (days, second) = (now_s.div_euclid(DAY_S), now_s.rem_euclid(DAY_S));
    let Day { year, month, day } = Day::of_number(days);
    let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|index| WEEKDAYS.get(index)).unwrap_or(&"Thu");
    let month = MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"Jan");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests;
