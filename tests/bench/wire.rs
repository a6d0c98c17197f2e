//! HTTP over connections that stay open, and the reports that are sent over them. The harness's client opens one for each request,
//! as a test wants it; agents do not.

use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than any answer takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request or an answer as it came: its head with the empty line, and its body.
pub struct Message {
    /// To the empty line, which is part of it.
    pub head: Vec<u8>,
    /// As long as the head says.
    pub body: Vec<u8>,
}

impl Message {
    /// An answer's status; 0 when this is none.
    pub fn status(&self) -> u16 {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let code = line.split(|byte| *byte == b' ').nth(1).and_then(|code| str::from_utf8(code).ok());
        code.and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The next message of a connection; `None` when the other side has hung up. A length is taken from the head alone: neither the
/// Worker's answers nor our agent's requests come in chunks.
///
/// # Errors
/// What the socket says; `InvalidData` for a message in chunks.
pub fn read_message(reader: &mut impl BufRead) -> Result<Option<Message>> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let start = head.len();
        if reader.read_until(b'\n', &mut head)? == 0 {
            return if start == 0 { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
        let line = String::from_utf8_lossy(head.get(start..).unwrap_or_default());
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| Error::new(ErrorKind::InvalidData, "a length that is none"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Error::new(ErrorKind::InvalidData, "a message in chunks"));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Message { head, body }))
}

/// A connection that stays open; one request at a time.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to `address:port`.
    ///
    /// # Errors
    /// What the socket says.
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request as it is and waits for its answer.
    ///
    /// # Errors
    /// As [`read_message`]; `UnexpectedEof` when the server has hung up.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Message> {
        self.0.get_mut().write_all(request)?;
        read_message(&mut self.0)?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    /// What is below, after an answer that ends HTTP here.
    pub fn into_stream(self) -> TcpStream {
        self.0.into_inner()
    }

    /// Gets `path` with this `Authorization`.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub fn get(&mut self, path: &str, authorization: &str) -> Result<Message> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n");
        self.exchange(request.as_bytes())
    }

    /// Posts JSON with this `Authorization`.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub fn post(&mut self, path: &str, authorization: &str, body: &str) -> Result<Message> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.exchange(request.as_bytes())
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}

/// What the agent of a host says first: the values of `host` in a report.
pub const FACTS: &str = r#"{"platform":"debian","platform_version":"12.11","kernel":"6.1.0-18-amd64","arch":"x86_64",
"virtualization":"kvm","cpu":["Intel(R) Xeon(R) CPU 4 Virtual Core"],"gpu":[],"mem_total_bytes":8318140416,
"swap_total_bytes":1073737728,"disk_total_bytes":105089261568,"booted_at_s":1795000000}"#;

/// The body of `POST /agent/v1/reports` with as many samples as `numbers` has, `period_s` apart, every metric in each.
pub fn report(numbers: std::ops::RangeInclusive<u64>, period_s: u64, facts: Option<&str>) -> String {
    let now = now_ms();
    let (oldest, last) = (*numbers.start(), *numbers.end());
    let samples: Vec<String> = numbers.map(|number| sample(number, now - (last - number) * period_s * 1000)).collect();
    let host = facts.map_or_else(String::new, |facts| format!(r#""host":{facts},"#));
    format!(
        r#"{{"agent_version":"0.1.0","sent_at_ms":{now},"oldest":{oldest},"period_s":{period_s},{host}"samples":[{}]}}"#,
        samples.join(",")
    )
}

fn sample(number: u64, at_ms: u64) -> String {
    // Every value moves a little, so that no block packs better than a real host's.
    let (wave, traffic) = (number % 97, number * 48_611);
    format!(
        r#"{{"number":{number},"at_ms":{at_ms},"cpu_percent":{wave}.{:02},"mem_used_bytes":{},"swap_used_bytes":{},
"disk_used_bytes":{},"net_in_bytes":{},"net_out_bytes":{},"net_in_bytes_per_s":{},"net_out_bytes_per_s":{},
"uptime_s":{},"load1":0.{wave:02},"load5":1.{wave:02},"load15":2.{wave:02},"tcp_connections":{},"udp_connections":{},
"processes":{},"temperatures":[{{"name":"coretemp package","celsius":{}.5}}]}}"#,
        number % 100,
        3_000_000_000 + wave * 4096,
        100_000_000 + wave * 4096,
        40_000_000_000 + number * 512,
        traffic,
        traffic * 2,
        4_000 + wave,
        8_000 + wave,
        number * 10,
        60 + wave,
        5 + number % 7,
        180 + number % 23,
        40 + number % 9
    )
}
