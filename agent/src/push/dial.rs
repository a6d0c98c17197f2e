//! A TCP connection that does not block, to the server or through a proxy's CONNECT to it; who waits can be called away.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use ureq::{Proxy, ProxyProtocol};

use crate::wake::{Wake, Watched};

/// One address of several must answer within this.
const PER_ADDRESS: Duration = Duration::from_secs(5);
/// Longer than any proxy's answer.
const MOST_ANSWER_BYTES: usize = 8 * 1024;

/// How long to wait, and what ends the wait before.
pub struct Patience<'a> {
    /// Until then.
    pub deadline: Instant,
    /// Up when somebody wants something.
    pub wake: &'a Wake,
    /// Whether it is us to give up.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

impl Patience<'_> {
    /// Waits until the socket is ready.
    ///
    /// # Errors
    /// `TimedOut`, and `Interrupted` when the wait was cancelled.
    pub fn wait(&self, socket: &impl AsFd, writes: bool) -> io::Result<()> {
        self.wait_until(socket, writes, self.deadline)
    }

    fn wait_until(&self, socket: &impl AsFd, writes: bool, deadline: Instant) -> io::Result<()> {
        loop {
            if (self.is_cancelled)() {
                return Err(ErrorKind::Interrupted.into());
            }
            if deadline <= Instant::now() {
                return Err(ErrorKind::TimedOut.into());
            }
            let watched = Watched { fd: socket.as_fd(), reads: !writes, writes };
            if self.wake.wait(Some(watched), Some(deadline)) {
                return Ok(());
            }
            self.wake.down();
        }
    }
}

/// A connection to the first of the addresses that answers.
///
/// # Errors
/// Those of the last address.
pub fn tcp(addresses: &[SocketAddr], patience: &Patience<'_>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the server's name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let deadline = if is_last { patience.deadline } else { patience.deadline.min(Instant::now() + PER_ADDRESS) };
        match tcp_to(*address, patience, deadline) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => last = error,
            connected => return connected,
        }
    }
    Err(last)
}

fn tcp_to(address: SocketAddr, patience: &Patience<'_>, deadline: Instant) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    match connect(&socket, &address) {
        Err(Errno::INPROGRESS) => {
            patience.wait_until(&socket, true, deadline)?;
            sockopt::socket_error(&socket)??;
        }
        connected => connected?,
    }
    let stream = TcpStream::from(socket);
    // A frame is one write: nothing is gained by waiting for more.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the proxy is one that [`through`] can ask.
pub fn can_ask(proxy: &Proxy) -> bool {
    proxy.protocol() == ProxyProtocol::Http
}

/// Has the proxy at the other end of `stream` connect to `target` (host and port).
///
/// # Errors
/// Those of the connection, and the proxy's refusal.
pub fn through(proxy: &Proxy, target: &str, stream: &mut TcpStream, patience: &Patience<'_>) -> io::Result<()> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(user) = proxy.username() {
        let credentials = STANDARD.encode(format!("{user}:{}", proxy.password().unwrap_or_default()));
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&credentials);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let mut unsent = request.as_bytes();
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(written) => unsent = &unsent[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => patience.wait(stream, true)?,
            Err(error) => return Err(error),
        }
    }
    let mut answer = Vec::new();
    // Byte by byte: what follows the answer belongs to the server.
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(0) => return Err(io::Error::other("the proxy closed the connection")),
            Ok(_) if answer.len() >= MOST_ANSWER_BYTES => return Err(io::Error::other("the proxy's answer is none")),
            Ok(_) => answer.extend(byte),
            Err(error) if error.kind() == ErrorKind::WouldBlock => patience.wait(stream, false)?,
            Err(error) => return Err(error),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('2') { Ok(()) } else { Err(io::Error::other(format!("the proxy refuses (status {status})"))) }
}
