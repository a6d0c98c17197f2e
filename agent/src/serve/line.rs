//! A connection on which nothing takes longer than it may, with TLS or without.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

/// How long a client may take to read what was said, once all of it was.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What a client goes on sending then is read so far, bytes.
const MOST_UNREAD_BYTES: usize = 2 << 20;

/// A socket with a time by which everything must be over.
#[derive(Debug)]
pub struct Line {
    socket: Arc<TcpStream>,
    until: Instant,
}

impl Line {
    /// Everything on it is over by `until`.
    pub fn new(socket: Arc<TcpStream>, until: Instant) -> Self {
        // An answer is few writes: nothing is gained by waiting for more.
        let _ = socket.set_nodelay(true);
        Self { socket, until }
    }

    /// The first byte that comes, left where it is; `None` when none does.
    pub fn first(&self) -> Option<u8> {
        let mut first = [0];
        self.socket.set_read_timeout(self.left().ok()?).ok()?;
        match self.socket.peek(&mut first) {
            Ok(1) => first.first().copied(),
            _ => None,
        }
    }

    /// The socket, to wait for.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// What the system calls "would block" after a time-out is one.
fn timed(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        (&*self.socket).read(into).map_err(timed)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        (&*self.socket).write(bytes).map_err(timed)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line, as it is or by TLS.
pub enum Channel {
    /// As it is.
    Plain(Line),
    /// By TLS.
    Tls(Box<StreamOwned<ServerConnection, Line>>),
}

impl Channel {
    fn line(&mut self) -> &mut Line {
        match self {
            Self::Plain(line) => line,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    /// Everything from here on is over by `until`.
    pub fn set_until(&mut self, until: Instant) {
        self.line().until = until;
    }

    /// Whether something came already that the socket does not show any more.
    pub fn has_some(&mut self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => {
                stream.conn.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
            }
        }
    }

    /// The socket, to wait for.
    pub fn socket(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(line) => line.socket(),
            Self::Tls(stream) => stream.sock.socket(),
        }
    }

    /// Ends it so that the client can read what was said before: one that is still sending would else lose it.
    pub fn close(mut self) {
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let line = self.line();
        line.until = Instant::now() + LAST_WORDS;
        if line.socket.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let (mut unread, mut piece) = (0, [0; 4096]);
        while unread < MOST_UNREAD_BYTES {
            match line.read(&mut piece) {
                Ok(0) | Err(_) => return,
                Ok(length) => unread += length,
            }
        }
    }
}

impl Read for Channel {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(line) => line.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(line) => line.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
