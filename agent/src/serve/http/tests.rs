//! What is heard and said.

use std::io::Cursor;

use super::*;

/// A connection that brings `bytes` a few at a time and keeps what it is told.
struct Wire {
    coming: Cursor<Vec<u8>>,
    said: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(7);
        self.coming.read(&mut into[..length])
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.said.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wire(text: &str) -> Wire {
    Wire { coming: Cursor::new(text.as_bytes().to_vec()), said: Vec::new() }
}

fn heard(text: &str) -> Heard {
    Reader::default().head(&mut wire(text))
}

fn head(text: &str) -> Head {
    match heard(text) {
        Heard::Head(head) => head,
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_follow_each_other_on_one_connection() {
    let mut wire = wire(
        "POST /config?a=b HTTP/1.1\r\nHost: x\r\nAuthorization: Basic abc\r\nContent-Length: 5\r\n\r\nhello\
         GET /%61utotls HTTP/1.1\r\nhost: y\r\nConnection: keep-alive, Close\r\n\r\n",
    );
    let mut reader = Reader::default();
    let Heard::Head(first) = reader.head(&mut wire) else { panic!() };
    assert_eq!((first.method.as_str(), first.path.as_str(), first.query.as_str()), ("POST", "/config", "a=b"));
    assert_eq!((first.authorization.as_deref(), first.is_kept, first.has_body()), (Some("Basic abc"), true, true));
    assert_eq!(reader.body(&first, &mut wire), Ok(b"hello".to_vec()));
    let Heard::Head(second) = reader.head(&mut wire) else { panic!() };
    assert_eq!((second.path.as_str(), second.is_kept, second.has_body()), ("/autotls", false, false));
    assert_eq!(reader.head(&mut wire), Heard::End);
}

#[test]
fn what_is_no_request_is_refused() {
    for (text, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ] {
        assert_eq!(heard(text), Heard::Refused(status), "{text}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(MOST_HEAD_BYTES));
    assert_eq!(heard(&long), Heard::Refused(431));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(MOST_HEADERS));
    assert_eq!(heard(&many), Heard::Refused(431));
    assert_eq!(heard(""), Heard::End);
}

#[test]
fn a_proxys_form_and_an_older_version_are_understood() {
    assert_eq!(head("GET http://h:1/config?x HTTP/1.1\r\nHost: h\r\n\r\n").path, "/config");
    assert_eq!(head("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").path, "/");
    let old = head("GET / HTTP/1.0\r\n\r\n");
    assert!(!old.is_kept && old.host.is_none());
}

#[test]
fn bodies_come_whole_or_in_chunks_and_not_too_long() {
    let body = |text: &str| {
        let (mut wire, mut reader) = (wire(text), Reader::default());
        let Heard::Head(head) = reader.head(&mut wire) else { panic!() };
        (reader.body(&head, &mut wire), String::from_utf8(wire.said).unwrap())
    };
    let with = |rest: &str| body(&format!("POST / HTTP/1.1\r\nHost: x\r\n{rest}")).0;
    assert_eq!(with("\r\n"), Ok(vec![]));
    assert_eq!(with("Content-Length: 3\r\n\r\nab"), Err(NoBody::Unreadable));
    assert_eq!(with("Content-Length: 99999999\r\n\r\nab"), Err(NoBody::TooLong));
    let chunked = |rest: &str| with(&format!("Transfer-Encoding: chunked\r\n\r\n{rest}"));
    assert_eq!(chunked("3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"), Ok(b"abc0123456789".to_vec()));
    assert_eq!(chunked("3\r\nabcd\r\n0\r\n\r\n"), Err(NoBody::Unreadable));
    assert_eq!(chunked("zz\r\n"), Err(NoBody::Unreadable));
    assert_eq!(chunked("fffffffffffffff\r\n"), Err(NoBody::TooLong));
    assert_eq!(chunked("3\r\nabc\r\n"), Err(NoBody::Unreadable));
    let (taken, said) = body("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_eq!((taken, said.as_str()), (Err(NoBody::Unreadable), "HTTP/1.1 100 Continue\r\n\r\n"));
}

#[test]
fn what_a_browser_sends_for_another_page_is_marked() {
    let from = |header: &str| head(&format!("POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n")).is_cross_site;
    assert!(from("Origin: https://evil.example.com\r\n") && from("Sec-Fetch-Site: cross-site\r\n"));
    assert!(!from("") && !from("Sec-Fetch-Site: none\r\n"));
}

#[test]
fn answers_are_written_as_gos_server_writes_them() {
    let said = |answer: &Answer, is_head, is_kept| {
        let mut said = Vec::new();
        answer.write(&mut said, is_head, is_kept, 1_795_361_186).unwrap();
        String::from_utf8(said).unwrap()
    };
    assert_eq!(
        said(&Answer::error(404, "404 page not found"), false, true),
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         Date: Sun, 22 Nov 2026 15:26:26 GMT\r\nContent-Length: 19\r\n\r\n404 page not found\n"
    );
    assert!(said(&Answer::error(404, "404 page not found"), true, true).ends_with("\r\nContent-Length: 19\r\n\r\n"));
    let moved = said(&Answer::moved("/config".to_owned()), false, false);
    assert!(
        moved.contains("\r\nLocation: /config\r\n")
            && moved.ends_with("Content-Length: 0\r\nConnection: close\r\n\r\n")
    );
    let long = Answer::json(Body::Shared(vec![b'x'; 100_000].into()));
    assert_eq!(said(&long, false, true).split("\r\n\r\n").nth(1).unwrap().len(), 100_000);
}
