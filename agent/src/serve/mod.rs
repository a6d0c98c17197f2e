//! The embedded server: the stock openITCOCKPIT agent's web API, over HTTP or HTTPS.
//!
//! One thread accepts, one serves each connection, of which there are as many as [`places`] has; nothing takes longer than [`PATIENCE`],
//! and who is slow gives way to others before that.
//! Source: openitcockpit specification, part B.

mod auth;
mod autotls;
mod config_push;
mod csr;
mod der;
mod http;
mod line;
mod pem;
mod places;
mod published;
mod routes;
mod store;
mod text;
mod tls;
mod verify;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::wake::{Wake, Watched};
use crate::{clock, log};
use http::{Answer, Heard, Reader};
use line::{Channel, Line};
use places::{GRACE, Place, Places};

pub use auth::Guard;
pub use autotls::{AutoFiles, AutoTls};
pub use config_push::{ConfigFiles, ConfigPush, Pushed, Verdict};
pub use published::Published;
pub use routes::Site;
pub use tls::{Tls, certificates, key};

/// How long a request and its answer may take together, and how long a connection is kept without one.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room for a handshake.
const STACK_BYTES: usize = 256 * 1024;

/// The running server; it ends when this is dropped. What is being answered then is answered to its end.
#[derive(Debug)]
pub struct Server {
    /// Up when it is time to stop accepting.
    stop: Arc<Wake>,
    places: Arc<Places>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `site` at `listener`.
    ///
    /// # Errors
    /// Those of the system: too many files, no thread.
    pub fn start(listener: TcpListener, tls: Option<Tls>, site: Site) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (stop, places) = (Arc::new(Wake::new()?), Arc::new(Places::new()?));
        let (until, free) = (Arc::clone(&stop), Arc::clone(&places));
        let both = Arc::new((tls, site));
        let thread = thread::Builder::new().name("server".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || accept(&listener, &both, &until, &free))?;
        Ok(Self { stop, places, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.places.stop();
        self.stop.up();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, both: &Arc<(Option<Tls>, Site)>, stop: &Wake, places: &Arc<Places>) {
    loop {
        let mut watched = [PollFd::new(listener, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        let polled = poll(&mut watched, None);
        // Nobody gives way before somebody waits.
        if polled.is_ok() {
            places.wait_for_room();
        }
        if places.is_stopping() {
            return;
        }
        let accepted = match polled {
            Ok(_) => listener.accept(),
            Err(error) => Err(error.into()),
        };
        match accepted {
            Ok((socket, peer)) => {
                let (both, place) = (Arc::clone(both), places.take(socket));
                let thread = thread::Builder::new().name("connection".to_owned()).stack_size(STACK_BYTES);
                let spawned = thread.spawn(move || {
                    let (tls, site) = &*both;
                    connection(&place, peer, tls.as_ref(), site);
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

fn connection(place: &Place, peer: SocketAddr, tls: Option<&Tls>, site: &Site) {
    let Ok(local) = place.socket().local_addr() else { return };
    let line = Line::new(Arc::clone(place.socket()), Instant::now() + PATIENCE);
    if !begins(&line, place) {
        return;
    }
    let channel = match tls {
        Some(tls) => tls.accept(line, peer),
        None => Some(Channel::Plain(line)),
    };
    let Some(mut channel) = channel else { return };
    if site.is_mutual {
        place.know();
    }
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
        let mut is_kept = head.is_kept;
        let admitted = site.admit(&head, local.ip());
        if admitted.is_ok() && site.guard.is_on() {
            place.know();
        }
        let outcome = match admitted {
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
        is_kept &= !reloads && !place.is_wanted();
        let said = outcome.answer.write(&mut channel, head.method == "HEAD", is_kept, clock::now_s());
        log::debug(format_args!("{peer}: {} {} {}", head.method, head.path, outcome.answer.status));
        if said.is_err() || !is_kept || !waits(&mut channel, &reader, place) {
            break;
        }
        place.begin();
        channel.set_until(Instant::now() + PATIENCE);
    }
    channel.close();
    if reloads {
        (site.reload)();
    }
}

/// Waits for the client to say something; false when it does not, or when it took its time and the place is wanted by others.
fn begins(line: &Line, place: &Place) -> bool {
    let grace = Timespec { tv_sec: GRACE.as_secs().cast_signed(), tv_nsec: 0 };
    let mut watched = [PollFd::from_borrowed_fd(line.socket(), PollFlags::IN)];
    if matches!(poll(&mut watched, Some(&grace)), Ok(1..)) {
        return true;
    }
    let watched = Watched { fd: line.socket(), reads: true, writes: false };
    place.leave().wait(Some(watched), Some(Instant::now() + PATIENCE))
}

/// Waits for the next request; false when none comes, or when the place is wanted by others.
fn waits(channel: &mut Channel, reader: &Reader, place: &Place) -> bool {
    if reader.has_some() || channel.has_some() {
        return !place.is_wanted();
    }
    let watched = Watched { fd: channel.socket(), reads: true, writes: false };
    place.leave().wait(Some(watched), Some(Instant::now() + PATIENCE))
}
