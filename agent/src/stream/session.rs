//! What is said on one connection, and what its answers mean. It has no socket and no clock of its own.

use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::stream::{
    CAN_GO_LIVE, CAN_HOLD, CAN_PROBE, EncodeError, Facts, Frame, FromAgent, FromHub, Goodbye, Hello, PONG, Reason,
    Resend, Settings, Versions,
};
use edgewatch_core::domain::stream::window::{Step, Window};

use super::ended::Ended;
use crate::record::Record;
use crate::sender::FACTS_EVERY;
use crate::shared::State;
use crate::{clock, log};

/// A peer that answers nothing for so long is dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(30);

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// The text that shows that we live.
    Ping,
    /// A binary message.
    Message(Vec<u8>),
}

/// One connection, from the hello on.
#[derive(Debug)]
pub struct Session {
    window: Window,
    begun: Instant,
    dead_after: Duration,
    is_welcomed: bool,
    has_delivered: bool,
    ping_every: Duration,
    next_ping: Instant,
    /// Something was sent then, and nothing came since.
    silent_since: Option<Instant>,
    /// Samples below this number are due.
    send_to: u64,
    /// From where on the hub asked for samples last: it has everything before.
    asked_from: Option<u64>,
    /// Which version of the facts was sent, and when.
    sent_facts: Option<(u64, Instant)>,
    last_frame: u64,
    last_answered: u64,
    sent_up_to: u64,
}

impl Session {
    /// A connection that was just opened, to be given up after so much silence.
    pub fn new(now: Instant, dead_after: Duration) -> Self {
        let ping_every = Duration::from_secs(Settings::default().ping_s.into());
        Self {
            window: Window::default(),
            begun: now,
            dead_after,
            is_welcomed: false,
            has_delivered: false,
            ping_every,
            next_ping: now + ping_every,
            silent_since: None,
            send_to: 0,
            asked_from: None,
            sent_facts: None,
            last_frame: 0,
            last_answered: 0,
            sent_up_to: 0,
        }
    }

    /// The first message.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn hello(&mut self, state: &State, record: &Record, now: Instant) -> Result<Vec<u8>, EncodeError> {
        let holding = state.backlog.holding();
        let hello = Hello {
            versions: Versions::OURS,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            clock_ms: clock::now_ms(),
            oldest: holding.oldest,
            next: holding.next,
            capabilities: CAN_GO_LIVE | CAN_HOLD | if state.probes.is_off() { 0 } else { CAN_PROBE },
            dropped_samples: record.dropped(&state.backlog),
        };
        self.wait_for_a_sign(now);
        FromAgent::Hello(hello).encode()
    }

    /// Whether the hub has welcomed us.
    pub fn is_welcomed(&self) -> bool {
        self.is_welcomed
    }

    /// Whether the hub has taken a frame.
    pub fn has_delivered(&self) -> bool {
        self.has_delivered
    }

    /// Whether every frame was answered.
    pub fn is_answered(&self) -> bool {
        self.last_answered >= self.last_frame
    }

    /// Whether nothing is left to send.
    pub fn is_all_sent(&self, state: &State) -> bool {
        let holding = state.backlog.holding();
        self.is_welcomed && (self.sent_up_to + 1 >= holding.next || holding.oldest == holding.next)
    }

    /// Everything that there is shall be sent, held back or not.
    pub fn send_all(state: &mut State) {
        state.forget_live_and_hold();
        state.is_due = true;
    }

    /// Something came. True for the answer to a ping.
    pub fn heard(&mut self, text: Option<&str>) -> bool {
        self.silent_since = None;
        text == Some(PONG)
    }

    /// A message came.
    ///
    /// # Errors
    /// [`Ended`] when the connection is to be closed.
    pub fn receive(&mut self, bytes: &[u8], state: &mut State, record: &mut Record, now: Instant) -> Result<(), Ended> {
        let message = FromHub::decode(bytes).map_err(|error| self.broken(format!("the server's message: {error}")))?;
        match message {
            FromHub::Welcome(welcome) => {
                state.backlog.learn(welcome.durable_up_to);
                // What was learned has numbered anew where that was due: everything held lies behind what is durable.
                self.window.welcomed(welcome.durable_up_to, welcome.settings.window, state.backlog.holding());
                (self.is_welcomed, self.last_frame, self.last_answered) = (true, 0, 0);
                self.next_ping = now + Duration::from_secs(welcome.settings.ping_s.into());
                self.apply(&welcome.settings, state, now);
                state.is_due = true;
                record.answered(welcome.time_ms, welcome.settings.report.frame_s);
            }
            FromHub::Goodbye(goodbye) => return Err(Ended::Goodbye(goodbye)),
            _ if !self.is_welcomed => {}
            FromHub::Ack(ack) => {
                let step = self.window.acknowledged(ack.answers, ack.durable_up_to, state.backlog.holding());
                if step == Step::Reconnect {
                    return Err(self.broken("the server has samples that this agent never gave".to_owned()));
                }
                if let Some(frame) = ack.answers {
                    self.last_answered = self.last_answered.max(frame);
                    self.has_delivered = true;
                }
                state.backlog.learn(ack.durable_up_to);
                if self.window.next(state.backlog.holding()).is_none() && self.is_answered() {
                    record.everything_is_sent();
                }
                record.tell_dropped(&ack.dropped);
            }
            FromHub::Resend(Resend { answers, from }) => {
                log::debug(format_args!("the server wants samples from {from} on"));
                self.last_answered = self.last_answered.max(answers);
                self.asked_from = Some(from);
                self.sent_up_to = self.sent_up_to.min(from.saturating_sub(1));
                if self.window.resend(answers, from, state.backlog.holding()) == Step::Reconnect {
                    return Err(self.broken("the server asks for the same samples again and again".to_owned()));
                }
            }
            FromHub::Settings(settings) => {
                self.apply(&settings, state, now);
                record.status.set_pace(settings.report.frame_s);
            }
            FromHub::Probes(probes) => state.probes.set(probes.0),
            FromHub::Unknown(_) => {}
        }
        Ok(())
    }

    /// What to send now, one thing at a time; `None` when nothing is due.
    ///
    /// # Errors
    /// [`Ended`] when a sample cannot be sent this way.
    pub fn next(&mut self, state: &mut State, record: &mut Record, now: Instant) -> Result<Option<Outgoing>, Ended> {
        if !self.is_welcomed {
            return Ok(None);
        }
        // One that would be due in a moment goes along, and spares waking up for it.
        if self.next_ping <= now + self.ping_every / 10 {
            self.next_ping = now + self.ping_every;
            self.wait_for_a_sign(now);
            return Ok(Some(Outgoing::Ping));
        }
        if state.is_held(now) {
            return Ok(None);
        }
        if std::mem::take(&mut state.is_due) {
            self.send_to = state.backlog.holding().next;
        }
        if self.window.next(state.backlog.holding()).is_none_or(|from| from >= self.send_to) {
            return Ok(None);
        }
        if state.backlog.drop_outdated(clock::now_ms()) {
            record.tell_outdated();
        }
        // Dropped samples are not missing: the window goes on behind them.
        let Some(from) = self.window.next(state.backlog.holding()).filter(|from| *from < self.send_to) else {
            return Ok(None);
        };
        if let Some(facts) = self.facts(state, now) {
            return Ok(Some(Outgoing::Message(facts)));
        }
        self.frame(from, state, record, now)
    }

    /// Until when nothing has to be done unless something comes.
    pub fn deadline(&self, state: &State) -> Option<Instant> {
        let ping = self.is_welcomed.then_some(self.next_ping);
        let silence = self.silent_since.map(|since| since + self.dead_after);
        let hold = state.hold_until.filter(|_| state.is_due);
        [ping, silence, hold].into_iter().flatten().min()
    }

    /// Whether the connection is alive.
    ///
    /// # Errors
    /// [`Ended`] when it is not.
    pub fn judge(&self, now: Instant) -> Result<(), Ended> {
        let is_silent = self.silent_since.is_some_and(|since| now.duration_since(since) >= self.dead_after);
        if is_silent || self.window.is_overdue(self.seconds(now)) {
            return Err(self.broken("the server has stopped answering".to_owned()));
        }
        Ok(())
    }

    /// The last message of an agent that ends.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn goodbye() -> Result<Vec<u8>, EncodeError> {
        FromAgent::Goodbye(Goodbye { reason: Reason::Restart, ..Goodbye::default() }).encode()
    }

    /// How the connection ended, as far as it had come.
    pub fn broken(&self, words: String) -> Ended {
        if self.is_welcomed { Ended::Lost(words) } else { Ended::Futile(words) }
    }

    fn apply(&mut self, settings: &Settings, state: &mut State, now: Instant) {
        self.window.set_most(settings.window);
        self.ping_every = Duration::from_secs(settings.ping_s.into());
        self.next_ping = self.next_ping.min(now + self.ping_every);
        state.apply(settings, now);
    }

    fn wait_for_a_sign(&mut self, now: Instant) {
        self.silent_since.get_or_insert(now);
    }

    fn seconds(&self, now: Instant) -> u64 {
        now.duration_since(self.begun).as_secs()
    }

    /// What the host is, when it is time to tell it.
    fn facts(&mut self, state: &State, now: Instant) -> Option<Vec<u8>> {
        let is_sent = self
            .sent_facts
            .is_some_and(|(sent, at)| sent == state.facts_version && now.duration_since(at) < FACTS_EVERY);
        if is_sent {
            return None;
        }
        self.sent_facts = Some((state.facts_version, now));
        let encoded = FromAgent::Facts(Facts(state.facts.clone())).encode();
        encoded.map_err(|error| log::warn(format_args!("the host's facts cannot be sent: {error}"))).ok()
    }

    fn frame(
        &mut self,
        from: u64,
        state: &mut State,
        record: &Record,
        now: Instant,
    ) -> Result<Option<Outgoing>, Ended> {
        let mut samples = state.backlog.read(from, Frame::MAX_SAMPLES);
        loop {
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Ok(None) };
            let last = last.number;
            // What it asked for and is gone does not come any more.
            let is_gone = self.asked_from.is_some_and(|asked| asked == from && first.number > asked);
            let frame = Frame {
                frame: self.last_frame + 1,
                sent_at_ms: clock::now_ms(),
                oldest: if is_gone { first.number } else { state.backlog.oldest() },
                dropped_samples: record.dropped(&state.backlog),
                period_s: state.period_s,
                frame_s: state.frame_s,
                samples,
            };
            let message = FromAgent::Frame(frame);
            let encoded = message.encode();
            let FromAgent::Frame(frame) = message else { return Ok(None) };
            samples = frame.samples;
            match encoded {
                Ok(bytes) => {
                    self.sent_up_to = last;
                    self.last_frame = self.window.sent(last, self.seconds(now));
                    self.wait_for_a_sign(now);
                    return Ok(Some(Outgoing::Message(bytes)));
                }
                Err(EncodeError::TooLarge { .. }) if samples.len() > 1 => samples.truncate(samples.len() / 2),
                // By POST it is found, told and left out.
                Err(error) => return Err(Ended::Refused(format!("sample {last}: {error}"))),
            }
        }
    }
}

#[cfg(test)]
mod tests;
