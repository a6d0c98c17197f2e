//! The role of a Proxmox collector: what `proxmox` sees goes to the edge by a WebSocket of its own, and what to look at comes from there.

mod session;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::failed::Failed;
use crate::proxmox::{Fleet, Local, Outbox, Roots};
use crate::push::backoff::Backoff;
use crate::push::dial::Patience;
use crate::push::websocket::{DialError, Dialer};
use crate::{clock, log};
use session::{Connection, Ended};

/// From the first look-up to the upgrade.
const DIAL: Duration = Duration::from_secs(20);
/// A server that does not know the role, or this secret, is asked again after this.
const RARELY: Duration = Duration::from_mins(10);
/// How long the end of the connection is waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Room for a TLS handshake and for writing a message.
const STACK_BYTES: usize = 256 * 1024;

/// The running role; it ends with the process.
#[derive(Debug)]
pub struct Role {
    outbox: Arc<Outbox>,
    /// Closed once the thread is over.
    ended: Receiver<()>,
}

impl Drop for Role {
    fn drop(&mut self) {
        self.outbox.lock().is_stopping = true;
        self.outbox.notify();
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

/// Collects what the edge names, and what the file at `path` holds.
///
/// # Errors
/// When that file cannot be used, or the system has no room.
pub fn start(dialer: Dialer, path: Option<&Path>, roots: Roots) -> Result<Role, Failed> {
    let local = path.map(Local::read).transpose()?.unwrap_or_default();
    let begin = |error: std::io::Error| Failed::new(format!("cannot begin: {error}"));
    let outbox = Arc::new(Outbox::new().map_err(begin)?);
    let fleet = Fleet::new(Arc::clone(&outbox), local, roots);
    let mut collector = Collector {
        dialer,
        outbox: Arc::clone(&outbox),
        fleet,
        run: run_name(),
        backoff: Backoff::default(),
        trouble: None,
    };
    let (end, ended) = mpsc::channel();
    let thread = thread::Builder::new().name("collector".to_owned()).stack_size(STACK_BYTES);
    let spawned = thread.spawn(move || {
        collector.run();
        drop(end);
    });
    spawned.map_err(begin)?;
    Ok(Role { outbox, ended })
}

/// Frames are numbered within a run: two runs must not have the same name.
fn run_name() -> String {
    format!("{:016x}{:016x}", clock::random(), clock::now_ms())
}

struct Collector {
    dialer: Dialer,
    outbox: Arc<Outbox>,
    fleet: Fleet,
    run: String,
    backoff: Backoff,
    /// Why there is no connection; told when it changes.
    trouble: Option<String>,
}

impl Collector {
    fn run(&mut self) {
        while !self.outbox.lock().is_stopping {
            let wait = self.connect();
            let until = Instant::now() + wait;
            while !self.outbox.lock().is_stopping && Instant::now() < until {
                self.outbox.wake().wait(None, Some(until));
                // Polls go on meanwhile, and say so.
                self.outbox.wake().down();
            }
        }
    }

    /// One connection from its beginning to its end. Says how long to wait for the next.
    fn connect(&mut self) -> Duration {
        let is_cancelled = || self.outbox.lock().is_stopping;
        let patience =
            Patience { deadline: Instant::now() + DIAL, wake: self.outbox.wake(), is_cancelled: &is_cancelled };
        let socket = match self.dialer.dial(&patience) {
            Ok(socket) => socket,
            Err(error) => return self.failed(&error),
        };
        let mut connection = Connection::new(socket, &self.outbox, &mut self.fleet);
        let ended = connection.run(&self.run);
        let was_welcomed = connection.close();
        self.outbox.lock().is_connected = false;
        self.outbox.notify();
        if was_welcomed {
            self.backoff.reset();
            self.trouble = None;
        }
        match ended {
            Ended::Stopped => Duration::ZERO,
            Ended::Bye { why, retry } => {
                self.tell(format!("the server ends the collector's connection: {why}"));
                self.backoff.next(retry, clock::random())
            }
            Ended::Broken(words) => {
                self.tell(format!("the collector's connection ended: {words}"));
                self.backoff.next(None, clock::random())
            }
        }
    }

    fn failed(&mut self, error: &DialError) -> Duration {
        let (words, retry) = match error {
            DialError::Cancelled => return Duration::ZERO,
            DialError::Refused(why) => (format!("the server takes no collector of Proxmox ({why})"), Some(RARELY)),
            DialError::Unauthorized => (error.to_string(), Some(RARELY)),
            DialError::Busy { retry_after, .. } => (error.to_string(), *retry_after),
            _ => (error.to_string(), None),
        };
        self.tell(format!("collector: {words}"));
        self.backoff.next(retry, clock::random())
    }

    /// Says what changed: the same trouble every few seconds helps nobody.
    fn tell(&mut self, words: String) {
        if self.trouble.as_ref() != Some(&words) {
            log::warn(format_args!("{words}"));
            self.trouble = Some(words);
        }
    }
}
