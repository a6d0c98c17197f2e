//! Somebody who looks on: a browser's side of `GET /live`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::socket::{Heard, Socket};
use crate::worker::Worker;

/// How long a first message may take.
const SOON: Duration = Duration::from_secs(20);

/// An open page.
pub struct Viewer {
    socket: Socket,
    /// Messages so far, the snapshot included.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the largest one.
    pub largest: u64,
    /// Whether the server has closed it.
    pub is_closed: bool,
}

impl Viewer {
    /// Opens `/live` as the first admin and shows `hosts`. Waits for the snapshot.
    ///
    /// # Errors
    /// The status of an answer that is no upgrade; 0 when no snapshot came.
    pub fn open(worker: &Worker, hosts: &[u64]) -> Result<Self, u16> {
        let socket = Socket::open(worker.address(), "/live", &[("Authorization", &worker.token)])?;
        let mut viewer = Self { socket, messages: 0, bytes: 0, largest: 0, is_closed: false };
        viewer.show(hosts);
        let begun = Instant::now();
        while begun.elapsed() < SOON && !viewer.is_closed {
            if viewer.wait(SOON).is_some_and(|message| message["type"] == "snapshot") {
                return Ok(viewer);
            }
        }
        Err(0)
    }

    /// Shows other hosts.
    pub fn show(&mut self, hosts: &[u64]) {
        self.socket.send_text(&json!({ "type": "window", "hosts": hosts }).to_string());
    }

    /// Says that it is still there.
    pub fn ping(&mut self) {
        self.socket.send_text("ping");
    }

    /// The next message, waited for that long.
    pub fn wait(&mut self, wait: Duration) -> Option<Value> {
        let heard = self.socket.next(wait);
        self.take(heard)
    }

    /// Takes what is here already; how many messages it was.
    pub fn drain(&mut self) -> u64 {
        let before = self.messages;
        while !self.is_closed {
            let heard = self.socket.ready();
            if heard == Heard::Nothing {
                break;
            }
            self.take(heard);
        }
        self.messages - before
    }

    fn take(&mut self, heard: Heard) -> Option<Value> {
        match heard {
            Heard::Text(text) if text == "pong" => None,
            Heard::Text(text) => {
                self.messages += 1;
                self.bytes += text.len() as u64;
                self.largest = self.largest.max(text.len() as u64);
                Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in what a viewer got: {text}")))
            }
            Heard::Closed(_) => {
                self.is_closed = true;
                None
            }
            Heard::Binary(_) | Heard::Nothing => None,
        }
    }
}
