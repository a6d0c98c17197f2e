//! The thread that reports: by WebSocket or by POST, so that a slow server never delays a measurement.

use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::stream::{Goodbye, Reason};

use crate::config::Transport;
use crate::push::PushError;
use crate::push::websocket::{DialError, Dialer};
use crate::sender::{Next as NextPost, Sender};
use crate::shared::Shared;
use crate::stream::ended::Ended;
use crate::stream::route::{Next, Route};
use crate::stream::{self, Limits};
use crate::{clock, log};

/// Reports until the agent ends.
#[derive(Debug)]
pub struct Reporter {
    sender: Sender,
    dialer: Option<Dialer>,
    route: Route,
    limits: Limits,
    /// Waits are this many times shorter; more than 1 in tests.
    hurry: u32,
    is_unauthorized: bool,
}

impl Reporter {
    /// Reports by the dialer's connections where there is one, and by POST.
    pub fn new(sender: Sender, dialer: Option<Dialer>, transport: Transport) -> Self {
        let route = Route::new(transport);
        Self { sender, dialer, route, limits: Limits::default(), hurry: 1, is_unauthorized: false }
    }

    /// The same with other limits and shorter waits.
    #[cfg(test)]
    pub fn hurried(self, limits: Limits, hurry: u32) -> Self {
        Self { limits, hurry, ..self }
    }

    /// Reports until the agent ends, then leaves on the disk what is not safe.
    pub fn run(mut self, shared: &Shared) {
        if let Some(dialer) = self.dialer.take() {
            self.report(shared, &dialer);
        } else {
            self.sender.record.status.set_transport("post");
            self.post(shared, None);
        }
        let mut state = shared.lock();
        state.backlog.close();
        self.sender.record.note_status(&state.backlog, true);
        drop(state);
        shared.finish();
    }

    /// Reports by the way that is open until the agent ends.
    fn report(&mut self, shared: &Shared, dialer: &Dialer) {
        let mut next = Next::Socket(Duration::ZERO);
        while !shared.lock().is_stopping {
            next = match next {
                Next::Socket(wait) => self.connect(shared, dialer, wait / self.hurry),
                Next::Post(wait) => {
                    self.post(shared, Some(Instant::now() + wait / self.hurry));
                    Next::Socket(Duration::ZERO)
                }
            };
        }
    }

    /// Reports by a connection, after a wait. Says what to do next.
    fn connect(&mut self, shared: &Shared, dialer: &Dialer, wait: Duration) -> Next {
        if !wait.is_zero() && shared.wait(Some(Instant::now() + wait), true).is_stopping {
            return Next::Socket(Duration::ZERO);
        }
        let route = &mut self.route;
        let is_unauthorized = &mut self.is_unauthorized;
        let ended = stream::report(dialer, shared, &mut self.sender.record, self.limits, &mut || {
            route.delivered();
            *is_unauthorized = false;
        });
        let next = self.route.after(&ended, clock::random());
        self.tell(&ended, next);
        let mut state = shared.lock();
        if !state.is_stopping {
            state.backlog.save();
        }
        self.sender.record.note_status(&state.backlog, false);
        next
    }

    /// Reports by POST until then, or until the agent ends.
    fn post(&mut self, shared: &Shared, socket_at: Option<Instant>) {
        let mut next = NextPost::After(Duration::ZERO);
        loop {
            let next_at = match next {
                NextPost::Idle => None,
                NextPost::After(wait) => Some(Instant::now() + wait / self.hurry),
            };
            let until = [next_at, socket_at].into_iter().flatten().min();
            let is_stopping = shared.wait(until, next_at.is_some()).is_stopping;
            if is_stopping {
                if !self.sender.is_away() {
                    self.sender.attempt(shared);
                }
                return;
            }
            let is_try_due = next_at.is_none_or(|at| at <= Instant::now());
            if socket_at.is_some_and(|at| at <= Instant::now()) {
                return;
            }
            if is_try_due {
                next = self.sender.attempt(shared);
            }
        }
    }

    /// What people should know about the end of a connection.
    fn tell(&mut self, ended: &Ended, next: Next) {
        let words = match ended {
            Ended::Stopped | Ended::Dial(DialError::Cancelled) => return,
            Ended::Dial(DialError::Unauthorized) | Ended::Goodbye(Goodbye { reason: Reason::Unauthorized, .. }) => {
                return self.unauthorized();
            }
            Ended::Dial(error) => error.to_string(),
            Ended::Futile(words) => format!("the connection ended before the server's welcome: {words}"),
            Ended::Lost(words) => format!("the connection was lost: {words}"),
            Ended::Refused(words) => format!("not fit for the WebSocket: {words}"),
            Ended::Goodbye(goodbye) => of_goodbye(goodbye),
        };
        match next {
            Next::Post(wait) => {
                let transport = format!("post ({words})");
                log::info(format_args!(
                    "{words}; reporting by POST, a WebSocket is tried again in {} minutes",
                    wait.as_secs() / 60
                ));
                self.sender.record.status.set_transport(transport);
            }
            Next::Socket(_) if matches!(ended, Ended::Goodbye(Goodbye { reason: Reason::Restart, .. })) => {
                log::info(format_args!("{words}; coming back"));
            }
            Next::Socket(_) => self.sender.record.failed(&words),
        }
    }

    fn unauthorized(&mut self) {
        let error = PushError::Unauthorized;
        self.sender.record.status.set_failed(&error.to_string());
        if !std::mem::replace(&mut self.is_unauthorized, true) {
            log::error(format_args!(
                "{error}; run `edgewatch-agent register` again and restart the agent. Trying once an hour"
            ));
        }
    }
}

fn of_goodbye(goodbye: &Goodbye) -> String {
    let words = match goodbye.reason {
        Reason::None | Reason::Other(_) => "the server closed the connection",
        Reason::Restart => "the server restarts",
        Reason::Unauthorized => "the server does not accept this host's secret",
        Reason::Version => "the server speaks no version of ours",
        Reason::Replaced => "another agent reports with the same secret",
        Reason::Malformed => "the server cannot read what this agent sends",
        Reason::Busy => "the server is busy",
    };
    let said: String = goodbye.text.chars().filter(|letter| !letter.is_control()).take(200).collect();
    if said.is_empty() { words.to_owned() } else { format!("{words} ({said})") }
}
