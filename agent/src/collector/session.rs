//! One connection of the collector: hello, frames, sections, jobs.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{
    Durable, FromAgent, FromEdge, Hello, PING, PONG, Section, VERSION, Watch, Welcome,
};
use serde_json::value::RawValue;

use crate::proxmox::{Fleet, Item, Lane, Outbox, Pace, Packed};
use crate::push::websocket::{Incoming, Socket, explain};
use crate::wake::Watched;
use crate::{clock, log};

/// How often a sign of life goes out. Source: design, "Presence".
const PING_EVERY: Duration = Duration::from_secs(10);
/// An edge that says nothing for so long is gone.
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Nobody looks longer without saying so again.
const LONGEST_WATCH_S: u64 = 600;

/// Why a connection ended.
#[derive(Debug)]
pub enum Ended {
    /// The agent ends.
    Stopped,
    /// The edge said so.
    Bye {
        /// In its words.
        why: String,
        /// When to come back.
        retry: Option<Duration>,
    },
    /// Anything else.
    Broken(String),
}

/// A connection.
pub struct Connection<'a> {
    socket: Socket,
    outbox: &'a Outbox,
    fleet: &'a mut Fleet,
    is_welcomed: bool,
    heard: Instant,
    next_ping: Instant,
    /// Parts of the section that is going out.
    parts: VecDeque<String>,
}

impl<'a> Connection<'a> {
    /// One that was just opened.
    pub fn new(socket: Socket, outbox: &'a Outbox, fleet: &'a mut Fleet) -> Self {
        let now = Instant::now();
        Self {
            socket,
            outbox,
            fleet,
            is_welcomed: false,
            heard: now,
            next_ping: now + PING_EVERY,
            parts: VecDeque::new(),
        }
    }

    /// Until it ends.
    pub fn run(&mut self, run: &str) -> Ended {
        match self.talk(run) {
            Ok(()) => Ended::Stopped,
            Err(ended) => ended,
        }
    }

    /// Says goodbye. True when the edge had welcomed us.
    pub fn close(&mut self) -> bool {
        self.socket.close();
        self.is_welcomed
    }

    fn talk(&mut self, run: &str) -> Result<(), Ended> {
        let hello = Hello {
            version: VERSION,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.to_owned(),
            sent_at_ms: clock::now_ms(),
            local: self.fleet.local(),
            reach: self.fleet.reached(),
        };
        self.say(&FromAgent::Hello(hello))?;
        loop {
            self.outbox.wake().down();
            self.read()?;
            let is_stopping = self.outbox.lock().is_stopping;
            let is_idle = self.write()?;
            if is_stopping && is_idle {
                return Ok(());
            }
            if self.heard.elapsed() >= DEAD_AFTER {
                return Err(Ended::Broken("the server fell silent".to_owned()));
            }
            let until = self.next_ping.min(self.heard + DEAD_AFTER);
            let watched = Watched { fd: self.socket.as_fd(), reads: true, writes: self.socket.wants_write() };
            self.outbox.wake().wait(Some(watched), Some(until));
        }
    }

    fn say(&mut self, message: &FromAgent) -> Result<(), Ended> {
        let text = message.write().map_err(|error| Ended::Broken(error.to_string()))?;
        self.send(text)
    }

    fn send(&mut self, text: String) -> Result<(), Ended> {
        self.socket.send_text(text).map_err(|error| Ended::Broken(explain(&error)))
    }

    /// Reads everything that has come: what the layers below hold back would not wake us.
    fn read(&mut self) -> Result<(), Ended> {
        loop {
            let received = self.socket.receive().map_err(|error| Ended::Broken(explain(&error)))?;
            let Some(incoming) = received else { return Ok(()) };
            self.heard = Instant::now();
            match incoming {
                Incoming::Text(text) if text == PONG => {}
                Incoming::Text(text) => {
                    let message = FromEdge::read(&text);
                    self.take(message.map_err(|error| Ended::Broken(format!("the server's message: {error}")))?)?;
                }
                Incoming::Binary(_) | Incoming::Other => {}
            }
        }
    }

    fn take(&mut self, message: FromEdge) -> Result<(), Ended> {
        match message {
            FromEdge::Welcome(welcome) => self.welcome(welcome),
            FromEdge::Bye(bye) => {
                let retry = (bye.retry_s > 0).then(|| Duration::from_secs(bye.retry_s));
                let why = bye.why.chars().filter(|letter| !letter.is_control()).take(100).collect();
                return Err(Ended::Bye { why, retry });
            }
            _ if !self.is_welcomed => {}
            FromEdge::Durable(Durable { instance, n }) => {
                if let Some(lane) = self.outbox.lock().lanes.get_mut(&instance) {
                    lane.durable(n);
                }
            }
            FromEdge::Watch(Watch { for_s }) => {
                let until = Instant::now() + Duration::from_secs(for_s.min(LONGEST_WATCH_S));
                self.outbox.lock().watched_until = Some(until);
                self.outbox.notify();
            }
            FromEdge::Job(job) => self.fleet.work(*job),
            // What is on its way counts as had already.
            FromEdge::Kept(_) | FromEdge::Pong | FromEdge::Unknown(_) => {}
        }
        Ok(())
    }

    fn welcome(&mut self, welcome: Welcome) {
        let mut state = self.outbox.lock();
        state.pace = Pace::of(welcome.poll_s, welcome.sweep_s);
        // What the edge has not is sent once more, and what was under way perhaps twice: that does no harm.
        state.begin(&welcome);
        if !self.is_welcomed {
            for (id, lane) in &mut state.lanes {
                lane.begin(welcome.durable.get(id).copied().unwrap_or_default());
            }
        }
        drop(state);
        if !self.is_welcomed {
            log::info(format_args!("collecting for {} instances of Proxmox", welcome.instances.len()));
        }
        self.is_welcomed = true;
        self.fleet.assign(welcome.instances);
        self.outbox.notify();
    }

    /// Writes what is due, frames first. True when nothing is left.
    fn write(&mut self) -> Result<bool, Ended> {
        let now = Instant::now();
        if now >= self.next_ping {
            self.next_ping = now + PING_EVERY;
            self.socket.send_text(PING).map_err(|error| Ended::Broken(explain(&error)))?;
        }
        while self.is_welcomed && !self.socket.wants_write() {
            let frame = self.outbox.lock().lanes.values_mut().find_map(Lane::take);
            if let Some(frame) = frame {
                log::debug(format_args!("frame {} of {} bytes", frame.n, frame.text.len()));
                self.send(frame.text)?;
            } else if let Some(part) = self.parts.pop_front() {
                self.send(part)?;
            } else {
                let item = self.outbox.lock().items.pop_front();
                match item {
                    Some(Item::Section(section)) => {
                        self.parts = messages(section);
                        // There is room again for who waits with the next one.
                        self.outbox.notify();
                    }
                    Some(Item::Names(names)) => self.say(&FromAgent::Sections(names))?,
                    Some(Item::Done(done)) => self.say(&FromAgent::Done(done))?,
                    None => return Ok(true),
                }
            }
        }
        Ok(!self.is_welcomed)
    }
}

/// A section as messages.
fn messages(section: Packed) -> VecDeque<String> {
    let Packed { instance, name, hash, parts } = section;
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let message = |(part, body): (u32, String)| {
        let body = RawValue::from_string(body).ok()?;
        let (instance, name, hash) = (instance.clone(), name.clone(), hash.clone());
        FromAgent::Section(Section { instance, name, hash, part, parts: count, body }).write().ok()
    };
    (1..).zip(parts).filter_map(message).collect()
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::SectionName;

    use super::*;

    #[test]
    fn a_sections_parts_are_numbered() {
        let section = Packed {
            instance: "i".to_owned(),
            name: SectionName::Census,
            hash: "ab".to_owned(),
            parts: vec!["[1]".to_owned(), "[2]".to_owned()],
        };
        assert_eq!(
            messages(section),
            [
                r#"{"t":"section","instance":"i","name":"census","hash":"ab","part":1,"parts":2,"body":[1]}"#,
                r#"{"t":"section","instance":"i","name":"census","hash":"ab","part":2,"parts":2,"body":[2]}"#,
            ]
        );
    }
}
