//! A client that sends exactly what a test says and keeps what comes back in the order sent.
//! No redirects, no connection reuse, no failure for any status. A library would tidy up the very things some tests are about.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::golden::{self, Volatile};

/// Longer than any answer takes on a busy machine, shorter than a test runner's patience.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Name and value of each header, in the order sent, names as spelt on the wire.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: String,
}

/// What an operation cost, from the header `x-edgewatch-cost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Rows read in D1.
    pub d1_rows_read: u64,
    /// Rows written in D1.
    pub d1_rows_written: u64,
    /// Rows read in Durable Objects.
    pub object_rows_read: u64,
    /// Rows written in Durable Objects.
    pub object_rows_written: u64,
    /// Billed requests, this one included.
    pub requests: u64,
}

impl Reply {
    /// The first header of that name, in any spelling.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("status {}, not JSON ({error}): {}", self.status, self.body))
    }

    /// The value at a JSON pointer such as `/result/0/id`.
    pub fn at(&self, pointer: &str) -> serde_json::Value {
        let json = self.json();
        json.pointer(pointer).cloned().unwrap_or_else(|| panic!("nothing at {pointer} in {json}"))
    }

    /// What the request cost; the Worker tells when its variable `EXPOSE_COST` is 1, as it is in tests.
    pub fn cost(&self) -> Cost {
        let text =
            self.header("x-edgewatch-cost").unwrap_or_else(|| panic!("no x-edgewatch-cost in {:?}", self.headers));
        let numbers: Vec<u64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        let [d1_rows_read, d1_rows_written, object_rows_read, object_rows_written, requests] = numbers[..] else {
            panic!("x-edgewatch-cost is not five numbers: {text}");
        };
        Cost { d1_rows_read, d1_rows_written, object_rows_read, object_rows_written, requests }
    }

    /// The whole body equals `tests/golden/<name>`; `UPDATE_GOLDEN=1` writes it instead.
    pub fn assert_golden(&self, name: &str) {
        self.assert_golden_but(name, &[]);
    }

    /// The same but for the values at the paths named, such as `("result[].last_active", Volatile::UnixSeconds)`:
    /// each is checked for its kind and stands as a word in the golden. A path that meets no value fails.
    pub fn assert_golden_but(&self, name: &str, volatile: &[(&str, Volatile)]) {
        golden::assert(name, &self.body, volatile);
    }
}

/// Sends one request and reads its answer. `Host`, `Connection` and `Content-Length` are added where `headers` has none.
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    try_send(address, method, path, headers, body)
        .unwrap_or_else(|error| panic!("{method} {path} at {address}: {error}"))
}

/// The same, with the failure of a server that is not there or breaks off as a value.
///
/// # Errors
/// What the socket says; `InvalidData` for an answer that is not HTTP.
pub fn try_send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Reply> {
    let has = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !has("host") {
        let _ = write!(head, "Host: {address}\r\n");
    }
    if !has("connection") {
        head.push_str("Connection: close\r\n");
    }
    if !has("content-length") && !has("transfer-encoding") && (!body.is_empty() || !["GET", "HEAD"].contains(&method)) {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    exchange(address, &[head.as_bytes(), body].concat(), method == "HEAD")
}

/// Sends bytes as they are, for requests that no client library would send, and reads the answer.
///
/// # Errors
/// What the socket says; `UnexpectedEof` when the server hangs up without a word; `InvalidData` for an answer that is not HTTP.
pub fn send_raw(address: &str, bytes: &[u8]) -> std::io::Result<Reply> {
    exchange(address, bytes, false)
}

fn exchange(address: &str, bytes: &[u8], head_only: bool) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // A server may answer and hang up before it has read a body that is too long: then the answer counts.
    let written = stream.write_all(bytes);
    match read_reply(&mut BufReader::new(stream), head_only) {
        Ok(reply) => Ok(reply),
        Err(error) => Err(written.err().unwrap_or(error)),
    }
}

fn read_reply(reader: &mut impl BufRead, head_only: bool) -> std::io::Result<Reply> {
    let status_line = read_line(reader)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| malformed(&format!("status line {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(&format!("header {line:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: String::new() };
    if !head_only && status >= 200 && status != 204 && status != 304 {
        let body = read_body(reader, &reply)?;
        reply.body = String::from_utf8_lossy(&body).into_owned();
    }
    Ok(reply)
}

fn read_body(reader: &mut impl BufRead, reply: &Reply) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(reader)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| malformed(&format!("chunk size {line:?}")))?;
            reader.by_ref().take(size).read_to_end(&mut body)?;
            read_line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    match reply.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body)?;
        }
        None => {
            reader.read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

fn read_line(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn malformed(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("not HTTP: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reply {
        read_reply(&mut text.as_bytes(), false).unwrap()
    }

    #[test]
    fn headers_keep_their_order_and_spelling() {
        let reply =
            read("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-B: 2\r\nset-cookie: c=3\r\ncontent-length: 2\r\n\r\nok");
        let names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Set-Cookie", "X-B", "set-cookie", "content-length"]);
        assert_eq!(reply.header("x-b"), Some("2"));
        assert_eq!(reply.body, "ok");
    }

    #[test]
    fn chunks_are_joined() {
        let reply =
            read("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
        assert_eq!((reply.status, reply.body.as_str()), (404, "abcde"));
    }

    #[test]
    fn the_cost_header_is_five_numbers() {
        let reply = read("HTTP/1.1 200 OK\r\nx-edgewatch-cost: 3,2,0,0,1\r\ncontent-length: 0\r\n\r\n");
        let cost = reply.cost();
        assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.requests), (3, 2, 1));
    }

    #[test]
    fn a_server_that_hangs_up_is_an_error() {
        assert_eq!(read_reply(&mut &b""[..], false).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }
}
