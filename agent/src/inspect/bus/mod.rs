//! The system's message bus (D-Bus), as far as two questions need it: calls with texts in them, and their answers.
//!
//! A client of our own: the maintained libraries bring an asynchronous runtime or link a C library, for what is a screen of code here.
//! Source: D-Bus specification 0.43.

pub mod wire;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use super::fault::Fault;
use wire::{Body, Head, Reader};

/// Where the bus is on every distribution that has one.
pub const SOCKET: &str = "/run/dbus/system_bus_socket";
/// Longest answer that is read: a hundred thousand units.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Longest line before messages begin.
const MOST_GREETING: u64 = 4096;

/// What is called.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Whose, such as `org.freedesktop.systemd1`.
    pub service: &'a str,
    /// Of which of its objects.
    pub path: &'a str,
    /// Of which of its interfaces.
    pub interface: &'a str,
    /// Which method.
    pub method: &'a str,
}

/// An open connection, which is not used beyond its time.
#[derive(Debug)]
pub struct Bus {
    stream: BufReader<UnixStream>,
    until: Instant,
    serial: u32,
}

impl Bus {
    /// Connects, says who asks, and takes a name.
    ///
    /// # Errors
    /// [`Fault::Refused`] when there is no bus or it does not answer until `until`; [`Fault::Said`] when it lets us not in.
    pub fn connect(socket: &Path, until: Instant) -> Result<Self, Fault> {
        let stream = UnixStream::connect(socket).map_err(Fault::refused(socket.display().to_string()))?;
        let mut bus = Self { stream: BufReader::new(stream), until, serial: 0 };
        // The account by its number, its digits as hexadecimal text. The empty byte before it is part of the protocol.
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex = uid.bytes().fold(String::new(), |mut hex, digit| {
            let _ = write!(hex, "{digit:02x}");
            hex
        });
        bus.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        bus.wait()?;
        let mut line = String::new();
        bus.stream.by_ref().take(MOST_GREETING).read_line(&mut line).map_err(Fault::refused("the message bus"))?;
        if !line.starts_with("OK ") {
            return Err(Fault::Said(format!("the message bus lets us not in: {}", line.trim_end())));
        }
        bus.send(b"BEGIN\r\n")?;
        let own = "org.freedesktop.DBus";
        bus.call(Call { service: own, path: "/org/freedesktop/DBus", interface: own, method: "Hello" }, &[])?;
        Ok(bus)
    }

    /// What a method with these texts gives.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the bus does not answer in time; [`Fault::Said`] when the service refuses, or is not there;
    /// [`Fault::Malformed`].
    pub fn call(&mut self, call: Call<'_>, texts: &[&str]) -> Result<Body, Fault> {
        self.serial += 1;
        self.send(&wire::call(self.serial, call, texts))?;
        loop {
            let (head, body) = self.message()?;
            if head.answers != Some(self.serial) {
                // A signal, such as the one that tells us our name.
                continue;
            }
            let Some(error) = head.error else { return Ok(body) };
            let words = if head.signature.starts_with('s') { body.reader().text().unwrap_or_default() } else { "" };
            return Err(Fault::Said(format!("{}: {error} {words}", call.service).trim_end().to_owned()));
        }
    }

    fn message(&mut self) -> Result<(Head, Body), Fault> {
        let mut start = [0; wire::START_BYTES];
        self.fill(&mut start)?;
        let lengths = wire::lengths(&start).filter(|lengths| lengths.fields.saturating_add(lengths.body) <= MOST_BYTES);
        let lengths = lengths.ok_or_else(malformed)?;
        let mut fields = vec![0; lengths.fields];
        self.fill(&mut fields)?;
        let head = Head::read(&fields, lengths).ok_or_else(malformed)?;
        let mut bytes = vec![0; lengths.body];
        self.fill(&mut bytes)?;
        Ok((head, Body { bytes, is_big: lengths.is_big }))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            self.wait()?;
            match self.stream.read(rest) {
                Ok(0) => return Err(Fault::Said("the message bus has closed the connection".to_owned())),
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::refused("the message bus")(error)),
            }
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.wait()?;
        self.stream.get_mut().write_all(bytes).map_err(Fault::refused("the message bus"))
    }

    /// No step waits beyond the connection's time.
    fn wait(&self) -> Result<(), Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Skipped);
        }
        let stream = self.stream.get_ref();
        stream
            .set_read_timeout(Some(left))
            .and_then(|()| stream.set_write_timeout(Some(left)))
            .map_err(Fault::refused("the message bus"))
    }
}

fn malformed() -> Fault {
    Fault::malformed("an answer on the message bus")
}

/// Reads a whole answer.
///
/// # Errors
/// [`Fault::Malformed`] when it has another shape.
pub fn parse<T>(body: &Body, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Fault> {
    read(&mut body.reader()).ok_or_else(malformed)
}

#[cfg(test)]
pub mod stand_in;
#[cfg(test)]
mod tests;
