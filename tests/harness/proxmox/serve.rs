//! One connection: requests in, answers out, until one side has enough.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::answers::{Answer, with_doubles, with_life, with_text_numbers};
use super::{Fault, PASSWORD, Product, Shared, USER};
use crate::receiver::lock;

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// Serves a connection until it ends.
pub(super) fn serve(stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        let path = request.path.strip_prefix("/api2/json").unwrap_or("").to_owned();
        lock(&shared.requests).push(path.clone());
        let busy = shared.busy.fetch_add(1, Ordering::AcqRel) + 1;
        shared.most_busy.fetch_max(busy, Ordering::AcqRel);
        let fault = fault(shared, &path);
        let mut answer = answer(shared, &request, &path);
        match &fault {
            Some(Fault::Status(status, reason)) => {
                answer = Answer { status: *status, reason: (*reason).to_owned(), body: json!({ "data": null }) };
            }
            Some(Fault::Slow(wait)) => thread::sleep(*wait),
            Some(Fault::TextNumbers) => answer.body = with_text_numbers(&answer.body),
            Some(Fault::Lively) => answer.body = with_life(&answer.body, lock(&shared.requests).len()),
            Some(Fault::Doubles) => answer.body = with_doubles(&answer.body),
            _ => {}
        }
        // Before it is written: who has read it may have asked for the next one already.
        shared.busy.fetch_sub(1, Ordering::AcqRel);
        let written = match fault {
            Some(Fault::Close) => Ok(false),
            Some(Fault::Hang(wait)) => hang(reader.get_mut(), wait),
            Some(Fault::Cut) => cut(reader.get_mut(), &answer),
            Some(Fault::Html) => html(reader.get_mut()),
            _ => write(reader.get_mut(), &answer, shared.product),
        };
        if !written? {
            break;
        }
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
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
    Ok(Some(Request { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() }))
}

fn fault(shared: &Shared, path: &str) -> Option<Fault> {
    let mut faults = lock(&shared.faults);
    let at = faults.iter().position(|faulty| path.contains(&faulty.part))?;
    let met = faults.get_mut(at)?;
    let fault = met.fault.clone();
    met.left -= 1;
    if met.left == 0 {
        faults.remove(at);
    }
    Some(fault)
}

fn answer(shared: &Shared, request: &Request, path: &str) -> Answer {
    if path == "/access/ticket" && request.method == "POST" {
        return ticket(shared, &request.body);
    }
    if !is_known(shared, request) {
        let reason = if request.header("authorization").is_empty() { "No ticket" } else { "no such token" };
        return refusal(401, reason);
    }
    if request.method != "GET" {
        return refusal(501, "Method not implemented");
    }
    let found = lock(&shared.answers).find(path).cloned();
    found.unwrap_or_else(|| refusal(501, &format!("Method 'GET {path}' not implemented")))
}

fn refusal(status: u16, reason: &str) -> Answer {
    Answer { status, reason: reason.to_owned(), body: json!({ "data": null }) }
}

fn is_known(shared: &Shared, request: &Request) -> bool {
    let (scheme, mark, cookie) = match shared.product {
        Product::Pve => ("PVEAPIToken=", '=', "PVEAuthCookie="),
        Product::Pbs => ("PBSAPIToken=", ':', "PBSAuthCookie="),
    };
    let credentials = lock(&shared.credentials);
    let token = request.header("authorization").strip_prefix(scheme).and_then(|token| token.rsplit_once(mark));
    if let Some((name, secret)) = token {
        return credentials.tokens.iter().any(|known| known.0 == name && known.1 == secret);
    }
    let ticket = request.header("cookie").strip_prefix(cookie).map(decoded);
    ticket.is_some_and(|ticket| credentials.tickets.contains(&ticket))
}

fn ticket(shared: &Shared, form: &str) -> Answer {
    let field = |name: &str| {
        form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(decoded).unwrap_or_default()
    };
    if field("username") != USER || field("password") != PASSWORD {
        return refusal(401, "authentication failure");
    }
    let mut credentials = lock(&shared.credentials);
    credentials.given += 1;
    let ticket = format!("PVE:{USER}:66B9{:04X}::c2ln+/nature==", credentials.given);
    credentials.tickets.push(ticket.clone());
    let data = json!({
        "username": USER, "ticket": ticket, "CSRFPreventionToken": "66B9:sig", "cap": {}, "clustername": "lab-cluster",
    });
    Answer { status: 200, reason: "OK".to_owned(), body: json!({ "data": data }) }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
        match byte {
            b'%' => {
                let code = hex(rest.next()) * 16 + hex(rest.next());
                bytes.push(u8::try_from(code).unwrap_or(b'?'));
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write(stream: &mut impl Write, answer: &Answer, product: Product) -> io::Result<bool> {
    let body = body(answer);
    let mut out = format!(
        "HTTP/1.1 {} {}\r\nConnection: Keep-Alive\r\nContent-Type: application/json;charset=UTF-8\r\n",
        answer.status, answer.reason
    )
    .into_bytes();
    match product {
        Product::Pve => {
            out.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
            out.extend(body);
        }
        Product::Pbs => {
            out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(4_096) {
                out.extend(format!("{:x}\r\n", chunk.len()).bytes());
                out.extend(chunk);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
        }
    }
    stream.write_all(&out)?;
    stream.flush().map(|()| true)
}

fn body(answer: &Answer) -> Vec<u8> {
    if answer.body == Value::Null { Vec::new() } else { answer.body.to_string().into_bytes() }
}

fn hang(stream: &mut impl Write, wait: Duration) -> io::Result<bool> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"da")?;
    stream.flush()?;
    thread::sleep(wait);
    Ok(false)
}

fn cut(stream: &mut impl Write, answer: &Answer) -> io::Result<bool> {
    let body = body(answer);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.get(..body.len() / 2).unwrap_or_default())?;
    stream.flush().map(|()| false)
}

fn html(stream: &mut impl Write) -> io::Result<bool> {
    let page = "<!DOCTYPE html><html><body>It works!</body></html>";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    stream.write_all(head.as_bytes())?;
    stream.flush().map(|()| true)
}
