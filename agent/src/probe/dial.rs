//! A TCP connection that does not block: the addresses of a name one after the other.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

/// A connection being made.
pub struct Dial {
    addresses: Vec<SocketAddr>,
    socket: Option<OwnedFd>,
    begun: Instant,
    last: io::Error,
}

/// How far a connection is.
pub enum Dialed {
    /// On its way.
    Waiting,
    /// It came about so long after it was begun.
    Connected(TcpStream, std::time::Duration),
    /// It did not, by any address.
    Failed(String),
}

impl Dial {
    /// Begins with the first address.
    pub fn begin(addresses: &[IpAddr], port: u16) -> Self {
        let mut addresses: Vec<SocketAddr> = addresses.iter().map(|address| SocketAddr::new(*address, port)).collect();
        addresses.reverse();
        let mut dial = Self {
            addresses,
            socket: None,
            begun: Instant::now(),
            last: io::Error::from(io::ErrorKind::AddrNotAvailable),
        };
        dial.next();
        dial
    }

    /// The socket that becomes writable when there is news.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Looks how far it is.
    pub fn look(&mut self) -> Dialed {
        loop {
            let Some(socket) = &self.socket else { return Dialed::Failed(words(&self.last)) };
            let mut watched = [PollFd::new(socket, PollFlags::OUT)];
            match poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                Ok(0) | Err(Errno::INTR) => return Dialed::Waiting,
                _ => {}
            }
            let delay = self.begun.elapsed();
            match sockopt::socket_error(socket) {
                Ok(Ok(())) => {
                    return match self.socket.take() {
                        Some(socket) => Dialed::Connected(TcpStream::from(socket), delay),
                        None => Dialed::Waiting,
                    };
                }
                Ok(Err(error)) | Err(error) => self.last = error.into(),
            }
            self.next();
        }
    }

    /// Goes on to the next address that can be tried.
    fn next(&mut self) {
        self.socket = None;
        while let Some(address) = self.addresses.pop() {
            match begin(address) {
                Ok((socket, begun)) => {
                    (self.socket, self.begun) = (Some(socket), begun);
                    return;
                }
                Err(error) => self.last = error.into(),
            }
        }
    }
}

fn begin(address: SocketAddr) -> Result<(OwnedFd, Instant), Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    let begun = Instant::now();
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok((socket, begun)),
        Err(error) => Err(error),
    }
}

/// An error of a connection, for people.
pub fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "no network leads there".to_owned(),
        io::ErrorKind::TimedOut => "timed out".to_owned(),
        _ => error.to_string(),
    }
}
