//! A WebSocket client for tests: blocking, every wait with an end.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use tungstenite::handshake::HandshakeError;
use tungstenite::http::Request;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// Longer than any answer takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the hub or the viewers ever send at once.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// An open WebSocket.
pub struct Socket(WebSocket<TcpStream>);

/// What came, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// The other side is gone; with its code where it said goodbye.
    Closed(Option<u16>),
    /// Nothing, for as long as it was waited.
    Nothing,
}

/// The request that opens a WebSocket.
pub(crate) fn upgrade(address: &str, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let key = tungstenite::handshake::client::generate_key();
    let mut request = Request::builder()
        .uri(format!("ws://{address}{path}"))
        .header("Host", address)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a test's headers are HTTP")
}

pub(crate) fn config() -> WebSocketConfig {
    // Small buffers: thousands of these are open at once.
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

impl Socket {
    /// Opens a WebSocket at `127.0.0.1:<port>` and a path with its query.
    ///
    /// # Errors
    /// The status of an answer that is no upgrade, 0 when there was no answer.
    pub fn open(address: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).map_err(|_| 0_u16)?;
        let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(TIMEOUT)));
        set.and_then(|()| stream.set_write_timeout(Some(TIMEOUT))).map_err(|_| 0_u16)?;
        match tungstenite::client::client_with_config(upgrade(address, path, headers), stream, Some(config())) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(Error::Http(reply))) => Err(reply.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// Sends a text message; false when the socket is gone.
    pub fn send_text(&mut self, text: &str) -> bool {
        self.0.send(Message::text(text)).is_ok()
    }

    /// Sends a binary message; false when the socket is gone.
    pub fn send_binary(&mut self, bytes: Vec<u8>) -> bool {
        self.0.send(Message::binary(bytes)).is_ok()
    }

    /// The next message, waited for as long as said. Pings of the protocol are answered on the way.
    pub fn next(&mut self, wait: Duration) -> Heard {
        let end = Instant::now() + wait;
        loop {
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            if self.0.get_ref().set_read_timeout(Some(left)).is_err() {
                return Heard::Closed(None);
            }
            match self.0.read() {
                Ok(Message::Text(text)) => return Heard::Text(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => return Heard::Binary(bytes.to_vec()),
                Ok(Message::Close(frame)) => return Heard::Closed(frame.map(|frame| frame.code.into())),
                Ok(_) => {}
                Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if Instant::now() >= end {
                        return Heard::Nothing;
                    }
                }
                Err(_) => return Heard::Closed(None),
            }
        }
    }

    /// The next message that is here already; [`Heard::Nothing`] when none is.
    pub fn ready(&mut self) -> Heard {
        if self.0.get_ref().set_nonblocking(true).is_err() {
            return Heard::Closed(None);
        }
        let heard = self.next(Duration::ZERO);
        if self.0.get_ref().set_nonblocking(false).is_err() { Heard::Closed(None) } else { heard }
    }

    /// Says goodbye with a code and reads until the other side has done so too.
    pub fn close(mut self, code: u16) {
        let _ = self.0.close(Some(CloseFrame { code: code.into(), reason: "".into() }));
        let _ = self.0.flush();
        while matches!(self.next(Duration::from_secs(2)), Heard::Text(_) | Heard::Binary(_)) {}
    }

    /// Ends it without a word, as a machine that loses its power but for the FIN that the system sends.
    pub fn cut(self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }
}
