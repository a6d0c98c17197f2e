//! Reports by WebSocket: one connection from its hello to its end. The rules are `core`'s.

pub mod ended;
pub mod route;
pub mod session;

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::stream::PING;

use self::ended::Ended;
use self::session::{Outgoing, Session};
use crate::push::dial::Patience;
use crate::push::websocket::{Dialer, Incoming, Socket, explain};
use crate::record::Record;
use crate::shared::Shared;
use crate::wake::Watched;
use crate::{clock, log};

/// An agent that ends waits so long for its last frame to be answered.
const FAREWELL: Duration = Duration::from_secs(2);
/// What was taken may yet be told to be safe.
const MOMENT: Duration = Duration::from_millis(300);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first look-up to the upgrade.
    pub dial: Duration,
    /// Silence of the other side.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dial: Duration::from_secs(20), silence: session::DEAD_AFTER }
    }
}

/// Opens a connection and reports by it until it ends. `delivered` is called once it is of use.
pub fn report(
    dialer: &Dialer,
    shared: &Shared,
    record: &mut Record,
    limits: Limits,
    delivered: &mut dyn FnMut(),
) -> Ended {
    let is_cancelled = || shared.lock().is_stopping;
    let patience =
        Patience { deadline: Instant::now() + limits.dial, wake: shared.wake(), is_cancelled: &is_cancelled };
    let socket = match dialer.dial(&patience) {
        Ok(socket) => socket,
        Err(error) => return Ended::Dial(error),
    };
    let session = Session::new(Instant::now(), limits.silence);
    let mut connection = Connection { socket, session, shared, record, leaving: None };
    let ended = match connection.run(delivered) {
        // Who leaves first does not matter any more.
        Err(ended) if connection.leaving.is_none() => ended,
        _ => Ended::Stopped,
    };
    connection.socket.close();
    shared.lock().forget_live_and_hold();
    ended
}

/// An agent on its way out.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    until: Instant,
    said_at: Option<Instant>,
}

struct Connection<'a> {
    socket: Socket,
    session: Session,
    shared: &'a Shared,
    record: &'a mut Record,
    leaving: Option<Leaving>,
}

impl Connection<'_> {
    /// Until the agent ends, or with an error when the connection does.
    fn run(&mut self, delivered: &mut dyn FnMut()) -> Result<(), Ended> {
        let hello = self.session.hello(&self.shared.lock(), self.record, Instant::now());
        self.send(hello.map_err(|error| Ended::Refused(error.to_string()))?)?;
        let (mut was_welcomed, mut had_delivered) = (false, false);
        loop {
            self.shared.wake().down();
            self.read()?;
            if !was_welcomed && self.session.is_welcomed() {
                was_welcomed = true;
                self.record.status.set_transport("websocket");
                log::info(format_args!("connected; reporting by WebSocket"));
            }
            if !had_delivered && self.session.has_delivered() {
                had_delivered = true;
                delivered();
            }
            if self.write()? {
                return Ok(());
            }
            self.session.judge(Instant::now())?;
            self.wait();
        }
    }

    /// Reads everything that has come: what the layers below hold back would not wake us.
    fn read(&mut self) -> Result<(), Ended> {
        loop {
            let received = self.socket.receive();
            let Some(incoming) = received.map_err(|error| self.session.broken(explain(&error)))? else {
                return Ok(());
            };
            let text = if let Incoming::Text(text) = &incoming { Some(text.as_str()) } else { None };
            let is_pong = self.session.heard(text);
            self.record.status.set_alive(clock::now_s(), is_pong);
            if let Incoming::Binary(bytes) = incoming {
                let mut state = self.shared.lock();
                self.session.receive(&bytes, &mut state, self.record, Instant::now())?;
            }
        }
    }

    /// Writes everything that is due. True when the agent has nothing left to say.
    fn write(&mut self) -> Result<bool, Ended> {
        let now = Instant::now();
        loop {
            let mut state = self.shared.lock();
            if state.is_stopping && self.leaving.is_none() {
                self.leaving = Some(Leaving { until: now + FAREWELL, said_at: None });
                Session::send_all(&mut state);
            }
            let next = self.session.next(&mut state, self.record, now)?;
            if next.is_none() {
                // A sample is on the disk before memory ends, however long the hub wants it kept.
                state.backlog.save_if_many(false);
                self.record.note_status(&state.backlog, false);
            }
            drop(state);
            match next {
                Some(Outgoing::Ping) => {
                    self.socket.send_text(PING).map_err(|error| self.session.broken(explain(&error)))?;
                }
                Some(Outgoing::Message(bytes)) => self.send(bytes)?,
                None => return self.leave(now),
            }
        }
    }

    /// Says goodbye once everything is sent. True when there is nothing more to wait for.
    fn leave(&mut self, now: Instant) -> Result<bool, Ended> {
        let Some(mut leaving) = self.leaving else { return Ok(false) };
        let (is_all_sent, is_all_safe) = {
            let state = self.shared.lock();
            (self.session.is_all_sent(&state), state.backlog.held() == 0)
        };
        if leaving.said_at.is_none() && is_all_sent {
            leaving.said_at = Some(now);
            self.leaving = Some(leaving);
            self.send(Session::goodbye().map_err(|error| Ended::Refused(error.to_string()))?)?;
        }
        let is_answered = self.session.is_answered() && leaving.said_at.is_some_and(|said_at| now >= said_at + MOMENT);
        Ok(leaving.until <= now || (leaving.said_at.is_some() && (is_all_safe || is_answered)))
    }

    fn send(&mut self, message: Vec<u8>) -> Result<(), Ended> {
        self.socket.send(message).map_err(|error| self.session.broken(explain(&error)))
    }

    fn wait(&self) {
        let deadline = self.session.deadline(&self.shared.lock());
        let leaving = self.leaving.map(|leaving| match leaving.said_at {
            Some(said_at) if said_at + MOMENT > Instant::now() => said_at + MOMENT,
            _ => leaving.until,
        });
        let until = [deadline, leaving].into_iter().flatten().min();
        let watched = Watched { fd: self.socket.as_fd(), reads: true, writes: self.socket.wants_write() };
        self.shared.wake().wait(Some(watched), until);
    }
}

#[cfg(test)]
mod tests;
