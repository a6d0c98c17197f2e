//! The embedded server: the stock openITCOCKPIT agent's web API, over HTTP or HTTPS.
//!
//! One thread accepts, one serves each connection, at most [`MOST_CONNECTIONS`] at once; nothing takes longer than [`PATIENCE`].
//! Source: openitcockpit specification, part B.

mod auth;
mod autotls;
mod config_push;
mod csr;
mod der;
mod http;
mod line;
mod pem;
mod published;
mod routes;
mod store;
mod text;
mod tls;
mod verify;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::wake::{Wake, Watched};
use crate::{clock, log};
use http::{Answer, Heard, Reader};
use line::{Channel, Line};

pub use auth::Guard;
pub use autotls::{AutoFiles, AutoTls};
pub use config_push::{ConfigFiles, ConfigPush, Pushed, Verdict};
pub use published::Published;
pub use routes::Site;
pub use tls::{Tls, certificates, key};

/// More than this wait until one ends.
const MOST_CONNECTIONS: usize = 16;
/// How long a request and its answer may take together, and how long a connection is kept without one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a new client may say nothing although others wait for its place.
const GRACE_S: i64 = 1;
/// Room for a handshake.
const STACK_BYTES: usize = 256 * 1024;

/// The running server; it ends when this is dropped. What is being answered then is answered to its end.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    is_stopping: AtomicBool,
    /// Up when it is time to stop accepting.
    stop: Wake,
    /// Up when connections that wait for a request, the first one too, are to end.
    leave: Wake,
    connections: Mutex<usize>,
    freed: Condvar,
}

impl Server {
    /// Serves `site` at `listener`.
    ///
    /// # Errors
    /// Those of the system: too many files, no thread.
    pub fn start(listener: TcpListener, tls: Option<Tls>, site: Site) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            is_stopping: AtomicBool::new(false),
            stop: Wake::new()?,
            leave: Wake::new()?,
            connections: Mutex::new(0),
            freed: Condvar::new(),
        });
        let seen = Arc::clone(&shared);
        let both = Arc::new((tls, site));
        let thread = thread::Builder::new().name("server".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || accept(&listener, &both, &seen))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.stop.up();
        self.shared.leave.up();
        self.shared.freed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Waits until there is room for a connection; those without a request make it.
    fn wait_for_room(&self) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        while *connections >= MOST_CONNECTIONS && !self.is_stopping() {
            self.leave.up();
            let waited = self.freed.wait_timeout(connections, PATIENCE);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !self.is_stopping() {
            self.leave.down();
        }
    }

    fn count(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.connections.lock().unwrap_or_else(PoisonError::into_inner));
        self.freed.notify_all();
    }
}

/// One of the connections, while it lives.
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Self {
        shared.count(|count| *count += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count(|count| *count -= 1);
    }
}

fn accept(listener: &TcpListener, both: &Arc<(Option<Tls>, Site)>, shared: &Arc<Shared>) {
    loop {
        shared.wait_for_room();
        let mut watched = [PollFd::new(listener, PollFlags::IN), PollFd::new(&shared.stop, PollFlags::IN)];
        let polled = poll(&mut watched, None);
        if shared.is_stopping() {
            return;
        }
        let accepted = match polled {
            Ok(_) => listener.accept(),
            Err(error) => Err(error.into()),
        };
        match accepted {
            Ok((socket, peer)) => {
                let (both, place) = (Arc::clone(both), Place::take(shared));
                let thread = thread::Builder::new().name("connection".to_owned()).stack_size(STACK_BYTES);
                let spawned = thread.spawn(move || {
                    let (tls, site) = &*both;
                    connection(socket, peer, tls.as_ref(), site, &place.0);
                });
                if let Err(error) = spawned {
                    log::warn(format_args!("cannot start a thread for a connection: {error}"));
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => {
                // Too many files, perhaps: not to spin is all that can be done.
                log::debug(format_args!("cannot accept a connection: {error}"));
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn connection(socket: TcpStream, peer: SocketAddr, tls: Option<&Tls>, site: &Site, shared: &Shared) {
    let Ok(local) = socket.local_addr() else { return };
    let line = Line::new(socket, Instant::now() + PATIENCE);
    if !begins(&line, shared) {
        return;
    }
    let channel = match tls {
        Some(tls) => tls.accept(line, peer),
        None => Some(Channel::Plain(line)),
    };
    let Some(mut channel) = channel else { return };
    let mut reader = Reader::default();
    let mut reloads = false;
    loop {
        let head = match reader.head(&mut channel) {
            Heard::Head(head) => head,
            Heard::End => break,
            Heard::Refused(status) => {
                let _ = Answer::error(status, &status.to_string()).write(&mut channel, false, false, clock::now_s());
                break;
            }
        };
        let mut is_kept = head.is_kept && !shared.is_stopping();
        let outcome = match site.admit(&head, local.ip()) {
            Ok(call) if call.wants_body() => {
                let body = reader.body(&head, &mut channel);
                is_kept &= body.is_ok();
                site.perform(call, body)
            }
            admitted => {
                // A body that nobody reads would be taken for the next request.
                is_kept &= !head.has_body();
                match admitted {
                    Ok(call) => site.perform(call, Ok(Vec::new())),
                    Err(answer) => routes::Outcome { answer, reloads: false },
                }
            }
        };
        reloads = outcome.reloads;
        is_kept &= !reloads;
        let said = outcome.answer.write(&mut channel, head.method == "HEAD", is_kept, clock::now_s());
        log::debug(format_args!("{peer}: {} {} {}", head.method, head.path, outcome.answer.status));
        if said.is_err() || !is_kept || !waits(&mut channel, &reader, shared) {
            break;
        }
        channel.set_until(Instant::now() + PATIENCE);
    }
    channel.close();
    if reloads {
        (site.reload)();
    }
}

/// Waits for the client to say something; false when it does not, or when it took its time and the place is wanted by others.
fn begins(line: &Line, shared: &Shared) -> bool {
    let grace = Timespec { tv_sec: GRACE_S, tv_nsec: 0 };
    let mut watched = [PollFd::from_borrowed_fd(line.socket(), PollFlags::IN)];
    if matches!(poll(&mut watched, Some(&grace)), Ok(1..)) {
        return true;
    }
    let watched = Watched { fd: line.socket(), reads: true, writes: false };
    shared.leave.wait(Some(watched), Some(Instant::now() + PATIENCE))
}

/// Waits for the next request; false when none comes, or when the place is wanted by others.
fn waits(channel: &mut Channel, reader: &Reader, shared: &Shared) -> bool {
    if reader.has_some() || channel.has_some() {
        return !shared.is_stopping();
    }
    let watched = Watched { fd: channel.socket(), reads: true, writes: false };
    shared.leave.wait(Some(watched), Some(Instant::now() + PATIENCE))
}
