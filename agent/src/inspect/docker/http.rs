//! One `GET` over a Unix socket, whose connection ends with the answer.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use crate::inspect::fault::Fault;

/// Longest answer that is read.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const MOST_HEADERS: usize = 64;

/// The body of a good answer.
///
/// # Errors
/// [`Fault::Refused`] when nobody answers until `until`; [`Fault::Said`] for another status than 200; [`Fault::Malformed`].
pub fn get(socket: &Path, target: &str, until: Instant) -> Result<Vec<u8>, Fault> {
    let refused = || Fault::refused(socket.display().to_string());
    let mut stream = UnixStream::connect(socket).map_err(refused())?;
    wait(&stream, until)?;
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: docker\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(refused())?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        wait(&stream, until)?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(refused()(error)),
        }
        if bytes.len() > MOST_BYTES {
            return Err(malformed());
        }
    }
    body(&bytes)
}

fn wait(stream: &UnixStream, until: Instant) -> Result<(), Fault> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Fault::Skipped);
    }
    stream
        .set_read_timeout(Some(left))
        .and_then(|()| stream.set_write_timeout(Some(left)))
        .map_err(Fault::refused("the Docker daemon"))
}

fn malformed() -> Fault {
    Fault::malformed("the Docker daemon's answer")
}

fn body(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(end)) = answer.parse(bytes) else { return Err(malformed()) };
    let header = |name: &str| answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let rest = bytes.get(end..).unwrap_or_default();
    let is_chunked = header("transfer-encoding").is_some_and(|header| header.value.eq_ignore_ascii_case(b"chunked"));
    let body = if is_chunked {
        joined(rest).ok_or_else(malformed)?
    } else {
        let told =
            header("content-length").and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
        // Without a length it ends with the connection.
        rest.get(..told.unwrap_or(rest.len())).ok_or_else(malformed)?.to_vec()
    };
    match answer.code {
        Some(200) => Ok(body),
        code => Err(Fault::Said(format!("the Docker daemon answered {}", code.unwrap_or(0)))),
    }
}

/// The chunks put together; `None` when the last one is missing.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(rest) else { return None };
        if length == 0 {
            return Some(body);
        }
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_by_its_length_by_its_last_chunk_or_with_the_connection() {
        let whole = |text: &str| body(text.as_bytes()).map(|body| String::from_utf8(body).unwrap());
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x").unwrap(), "{}");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        assert_eq!(whole(chunked).unwrap(), "{\"a\":1}");
        assert_eq!(whole("HTTP/1.0 200 OK\r\n\r\n[]").unwrap(), "[]");
    }

    #[test]
    fn what_is_cut_or_refused_is_a_fault() {
        for text in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "x"] {
            assert!(matches!(body(text.as_bytes()), Err(Fault::Malformed(_))), "{text}");
        }
        let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n";
        assert!(matches!(body(cut.as_bytes()), Err(Fault::Malformed(_))));
        let refused = body(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap_err();
        assert_eq!(refused.to_string(), "the Docker daemon answered 403");
    }
}
