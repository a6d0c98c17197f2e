//! Asks an exporter of this machine for its page. Source: openitcockpit specification, 11.

use std::sync::Arc;

use super::witness::Witness;
use crate::checks::{Exporter, Fetch};
use crate::push::https::{Client, Settings};

/// A page that is longer is not kept, bytes: all of them lie in memory.
const MOST_BYTES: u64 = 2 << 20;

/// What asks exporters.
pub fn fetch() -> Fetch {
    Arc::new(|exporter: &Exporter| {
        // Its certificate is not judged: who answers at this machine's own port is on this machine.
        let tls = if exporter.is_tls { Some(Witness::new(None)?.config()?) } else { None };
        let settings = Settings { ca_file: None, proxy: None, timeout: exporter.timeout, is_tls: exporter.is_tls, tls };
        let mut client = Client::new(&settings).map_err(|error| error.to_string())?;
        let scheme = if exporter.is_tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}{}", exporter.port, exporter.path);
        let (status, page) = client.get(&url, MOST_BYTES + 1).map_err(|error| error.to_string())?;
        match status {
            200 if page.len() as u64 > MOST_BYTES => Err(format!("its page is longer than {MOST_BYTES} bytes")),
            200 => Ok(page),
            _ => Err(format!("it answers with status {status}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// What becomes of an exporter that says this to one request; nothing at all for an empty text.
    fn page(answer: String) -> Result<Vec<u8>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = socket.read(&mut request).unwrap();
            if answer.is_empty() {
                // Until the other side has had enough.
                let _ = socket.read(&mut request);
            }
            let _ = socket.write_all(answer.as_bytes());
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let result = fetch()(&exporter(port));
        assert!(heard.join().unwrap().starts_with("GET /metrics?x=y HTTP/1.1\r\n"));
        result
    }

    fn exporter(port: u16) -> Exporter {
        Exporter {
            name: "node".to_owned(),
            is_tls: false,
            port,
            path: "/metrics?x=y".to_owned(),
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_page_is_taken_as_it_is_and_anything_else_is_told() {
        let answer = |status: u16, body: &str| {
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        };
        let text = "# HELP up\nup{a=\"\u{e4}\"} 1\n";
        assert_eq!(page(answer(200, text)).unwrap(), text.as_bytes());
        assert!(page(answer(404, "no")).unwrap_err().contains("404"));
        assert!(page(answer(200, &"x".repeat(3 << 20))).unwrap_err().contains("longer"));
        assert!(page("nonsense\r\n\r\n".to_owned()).is_err());
        let begun = Instant::now();
        assert_eq!(page(String::new()).unwrap_err(), "no answer in time");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(fetch()(&exporter(free)).unwrap_err().contains("refused"));
    }
}
