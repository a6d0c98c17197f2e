//! One simulated agent: the real protocol and the real window rule over a socket that never blocks.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::Sample;
use edgewatch_core::dialects::native::stream::{
    Ack, CAN_GO_LIVE, CAN_HOLD, Facts, Frame, FromAgent, FromHub, Hello, PING, PONG, Settings, Versions, Welcome,
};
use edgewatch_core::domain::stream::window::{Holding, Step, Window};
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::{Error, Message, WebSocket};

use super::walk::{Random, Walk};
use super::{Counters, Options, Time};
use crate::socket;
use crate::worker::TestHost;

/// Seconds between two messages about what the host is. Source: core, dialects/native/stream.
const FACTS_S: u64 = 6 * 3_600;
/// Without a pong or a welcome for so long, by the protocol's seconds, the connection counts as dead.
const PATIENCE_S: u64 = 30;

/// An agent that is simulated.
pub struct Agent {
    /// Its host's number.
    pub host: u64,
    /// How far its clock is ahead of the true time, ms.
    pub clock_error_ms: i64,
    /// What it has done and seen.
    pub counters: Counters,
    /// The marks of all samples that the hub called durable, in that order: whole numbers from 1, one more with every sample it
    /// ever measured.
    pub durable_marks: Vec<u64>,
    /// It comes back when its connection ends; false: it is switched off.
    pub is_on: bool,
    secret: String,
    line: Line,
    window: Window,
    settings: Settings,
    walk: Walk,
    random: Random,
    spool: VecDeque<Sample>,
    next: u64,
    marks: u64,
    highest_sent: u64,
    frames: Frames,
    due: Due,
}

/// Frames of this connection: the last one sent and the last one answered.
#[derive(Debug, Clone, Copy, Default)]
struct Frames {
    sent: u64,
    answered: u64,
    is_welcomed: bool,
    /// Since when a pong or the welcome is waited for.
    waits_since: Option<Instant>,
}

/// When what is due, in ms of the fleet's own time, which no clock step moves.
#[derive(Debug, Clone, Copy, Default)]
struct Due {
    sample: u64,
    ping: u64,
    facts: u64,
    frame: u64,
    live_until: u64,
    hold_until: u64,
}

enum Line {
    Down { until: Instant },
    Opening(Box<MidHandshake<ClientHandshake<TcpStream>>>),
    Open(Box<WebSocket<TcpStream>>),
}

impl Agent {
    /// The agent of `host`; `index` makes its values and its phase.
    pub fn new(index: u64, host: &TestHost, now: Time) -> Self {
        let settings = Settings::default();
        let (period, frame) = (u64::from(settings.report.period_s), u64::from(settings.report.frame_s));
        let phase = index % (frame / period).max(1);
        Self {
            host: host.id,
            clock_error_ms: 0,
            counters: Counters::default(),
            durable_marks: Vec::new(),
            is_on: true,
            secret: host.secret.clone(),
            line: Line::Down { until: Instant::now() },
            window: Window::default(),
            settings,
            walk: Walk::new(index + 1),
            random: Random::new(index + 7919),
            spool: VecDeque::new(),
            next: 1,
            marks: 0,
            highest_sent: 0,
            frames: Frames::default(),
            due: Due {
                sample: now.mono_ms + period * 1000,
                frame: now.mono_ms + (phase + 1) * period * 1000,
                ..Due::default()
            },
        }
    }

    fn holding(&self) -> Holding {
        Holding { oldest: self.spool.front().map_or(self.next, |sample| sample.number), next: self.next }
    }

    /// How many samples it has measured.
    pub const fn measured(&self) -> u64 {
        self.marks
    }

    /// How many samples it holds that are not durable yet.
    pub fn spooled(&self) -> usize {
        self.spool.len()
    }

    /// What the hub has told it last.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether it is connected and welcomed.
    pub const fn is_connected(&self) -> bool {
        matches!(self.line, Line::Open(_)) && self.frames.is_welcomed
    }

    /// Whether it waits for nothing: everything it sent is answered. One that is switched off never waits.
    pub const fn is_settled(&self) -> bool {
        let waits = self.frames.answered < self.frames.sent || self.frames.waits_since.is_some();
        !self.is_on || (self.is_connected() && !waits)
    }

    /// Its process ends and starts anew: it has its spool and nothing else.
    pub fn kill(&mut self) {
        self.hang_up(Duration::ZERO);
        self.settings = Settings::default();
        self.due.live_until = 0;
        self.due.hold_until = 0;
    }

    /// The same on a new disk: its spool and its counter are gone too.
    pub fn wipe(&mut self) {
        self.kill();
        self.counters.lost_with_disk += self.spool.len() as u64;
        self.spool.clear();
        self.next = 1;
        self.highest_sent = 0;
    }

    /// Its connection is gone; it comes back after a random part of `spread`.
    pub fn hang_up(&mut self, spread: Duration) {
        let ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        let wait = Duration::from_millis(self.random.below(ms));
        self.line = Line::Down { until: Instant::now() + wait };
        self.frames = Frames::default();
        self.window = Window::default();
    }

    /// What to poll.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.line {
            Line::Down { .. } => None,
            Line::Opening(handshake) => Some(handshake.get_ref().get_ref().as_fd()),
            Line::Open(socket) => Some(socket.get_ref().as_fd()),
        }
    }

    /// Does what is due.
    pub fn act(&mut self, now: Time, options: &Options) {
        self.measure(now, options);
        if let Line::Down { until } = self.line
            && self.is_on
            && Instant::now() >= until
        {
            self.connect(options);
        }
        let patience = Duration::from_secs(PATIENCE_S) / options.haste;
        let is_forgotten = self.frames.waits_since.is_some_and(|since| since.elapsed() >= patience);
        if is_forgotten || self.window.is_overdue(options.seconds()) {
            self.counters.given_up += 1;
            self.hang_up(options.spread);
        }
        if !self.is_connected() {
            return;
        }
        if now.mono_ms >= self.due.ping {
            self.due.ping = now.mono_ms + u64::from(self.settings.ping_s) * 1000;
            self.frames.waits_since.get_or_insert_with(Instant::now);
            self.send(Message::text(PING), options);
        }
        self.send_frames(now, options);
        if let Line::Open(socket) = &mut self.line {
            // What did not go out at once goes out now; a failure shows when reading.
            let _ = socket.flush();
        }
    }

    fn measure(&mut self, now: Time, options: &Options) {
        let period_ms = u64::from(self.settings.report.period_s.max(options.period_s)) * 1000;
        while now.mono_ms >= self.due.sample {
            let late = now.mono_ms - self.due.sample;
            let at_ms = now.wall_ms - i64::try_from(late).unwrap_or_default() + self.clock_error_ms;
            self.due.sample += period_ms;
            self.marks += 1;
            #[expect(clippy::cast_precision_loss, reason = "samples of a test are few, periods short")]
            let sample = self.walk.sample(self.next, at_ms, period_ms as f64 / 1000.0, self.marks as f64);
            self.next += 1;
            self.spool.push_back(sample);
            if self.spool.len() > options.spool {
                self.spool.pop_front();
                self.counters.dropped += 1;
            }
        }
    }

    fn send_frames(&mut self, now: Time, options: &Options) {
        let report = self.settings.report;
        let per_frame = u64::from(report.frame_s / report.period_s.max(options.period_s).max(1)).max(1);
        while now.mono_ms >= self.due.hold_until
            && let Some(from) = self.window.next(self.holding())
        {
            let unsent = self.next - from;
            let is_live = now.mono_ms < self.due.live_until;
            if !is_live && unsent < per_frame && now.mono_ms < self.due.frame {
                return;
            }
            self.due.frame = now.mono_ms + u64::from(report.frame_s) * 1000;
            if now.mono_ms >= self.due.facts {
                self.due.facts = now.mono_ms + FACTS_S * 1000;
                let facts = FromAgent::Facts(Facts(self.walk.facts()));
                self.send_message(&facts, options);
            }
            let oldest = self.holding().oldest;
            let skipped = usize::try_from(from - oldest).unwrap_or(usize::MAX);
            let samples: Vec<Sample> = self.spool.iter().skip(skipped).take(options.frame_samples).cloned().collect();
            let Some(last) = samples.last().map(|sample| sample.number) else { return };
            let frame = self.window.sent(last, options.seconds());
            self.frames.sent = frame;
            self.counters.frames += 1;
            self.counters.sent += samples.len() as u64;
            self.counters.resent += (self.highest_sent + 1).saturating_sub(from).min(samples.len() as u64);
            self.highest_sent = self.highest_sent.max(last);
            let message = FromAgent::Frame(Frame {
                frame,
                sent_at_ms: now.wall_ms + self.clock_error_ms,
                oldest,
                dropped_samples: self.counters.dropped,
                period_s: report.period_s.max(options.period_s),
                frame_s: report.frame_s,
                samples,
            });
            if !self.send_message(&message, options) {
                return;
            }
        }
    }

    fn send_message(&mut self, message: &FromAgent, options: &Options) -> bool {
        let bytes = message.encode().unwrap_or_else(|error| panic!("a simulated agent breaks a limit: {error}"));
        self.counters.bytes_sent += bytes.len() as u64;
        if matches!(message, FromAgent::Frame(_)) {
            self.counters.frame_bytes += bytes.len() as u64;
        }
        self.send(Message::binary(bytes), options)
    }

    fn send(&mut self, message: Message, options: &Options) -> bool {
        let Line::Open(socket) = &mut self.line else { return false };
        match socket.send(message) {
            Ok(()) => true,
            // It waits in the socket's own buffer.
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => true,
            Err(_) => {
                self.lost(options);
                false
            }
        }
    }

    fn lost(&mut self, options: &Options) {
        self.counters.cut += 1;
        self.hang_up(options.spread);
    }

    fn connect(&mut self, options: &Options) {
        self.counters.connects += 1;
        let address: SocketAddr =
            options.address.parse().unwrap_or_else(|_| panic!("{} is no address", options.address));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5));
        let ready = stream.and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        let Ok(stream) = ready else {
            self.counters.unreachable += 1;
            return self.hang_up(options.spread);
        };
        self.frames.waits_since = Some(Instant::now());
        let bearer = format!("Bearer {}", self.secret);
        let request = socket::upgrade(&options.address, "/agent/v1/stream", &[("Authorization", &bearer)]);
        match tungstenite::client::client_with_config(request, stream, Some(socket::config())) {
            Ok((socket, _)) => self.opened(socket, options),
            Err(error) => self.not_yet_open(error, options),
        }
    }

    fn not_yet_open(&mut self, error: HandshakeError<ClientHandshake<TcpStream>>, options: &Options) {
        match error {
            HandshakeError::Interrupted(handshake) => self.line = Line::Opening(Box::new(handshake)),
            HandshakeError::Failure(error) => {
                if let Error::Http(reply) = error {
                    *self.counters.refused.entry(reply.status().as_u16()).or_default() += 1;
                } else {
                    self.counters.unreachable += 1;
                }
                self.hang_up(options.spread);
            }
        }
    }

    fn opened(&mut self, socket: WebSocket<TcpStream>, options: &Options) {
        self.line = Line::Open(Box::new(socket));
        self.frames = Frames { waits_since: Some(Instant::now()), ..Frames::default() };
        let holding = self.holding();
        let hello = FromAgent::Hello(Hello {
            versions: Versions::OURS,
            agent_version: "0.1.0-simulated".to_owned(),
            clock_ms: options.wall_ms() + self.clock_error_ms,
            oldest: holding.oldest,
            next: holding.next,
            capabilities: CAN_GO_LIVE | CAN_HOLD,
            dropped_samples: self.counters.dropped,
        });
        self.send_message(&hello, options);
    }

    /// Reads what there is.
    pub fn read(&mut self, now: Time, options: &Options) {
        let down = Line::Down { until: Instant::now() };
        match std::mem::replace(&mut self.line, down) {
            Line::Opening(handshake) => match handshake.handshake() {
                Ok((socket, _)) => self.opened(socket, options),
                Err(error) => self.not_yet_open(error, options),
            },
            other => self.line = other,
        }
        while let Line::Open(socket) = &mut self.line {
            match socket.read() {
                Ok(Message::Text(text)) if text.as_str() == PONG => {
                    self.counters.pongs += 1;
                    self.frames.waits_since = None;
                }
                Ok(Message::Binary(bytes)) => match FromHub::decode(&bytes) {
                    Ok(message) => self.heard(message, now, options),
                    Err(error) => panic!("host {}: the hub sent what cannot be read: {error}", self.host),
                },
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.lost(options),
            }
        }
    }

    fn heard(&mut self, message: FromHub, now: Time, options: &Options) {
        match message {
            FromHub::Welcome(welcome) => self.welcomed(&welcome, now, options),
            FromHub::Ack(ack) => self.acknowledged(&ack, options),
            FromHub::Resend(resend) => {
                self.counters.resends += 1;
                self.frames.answered = self.frames.answered.max(resend.answers);
                let step = self.window.resend(resend.answers, resend.from, self.holding());
                self.take_step(step, options);
            }
            FromHub::Settings(settings) => self.set(settings, now),
            FromHub::Goodbye(goodbye) => {
                self.counters.goodbyes += 1;
                let spread = Duration::from_secs(goodbye.spread_s.into()) / options.haste;
                self.hang_up(spread.max(options.spread));
            }
            FromHub::Probes(_) => panic!("host {}: it said that it asks nothing", self.host),
            FromHub::Unknown(kind) => panic!("host {}: the hub sent a message of kind {kind}", self.host),
        }
    }

    fn welcomed(&mut self, welcome: &Welcome, now: Time, options: &Options) {
        self.counters.welcomes += 1;
        self.frames = Frames { is_welcomed: true, ..Frames::default() };
        self.due.ping = now.mono_ms;
        self.due.facts = 0;
        self.set(welcome.settings, now);
        let step = self.window.welcomed(welcome.durable_up_to, welcome.settings.window, self.holding());
        if step == Step::GoOn {
            self.forget(welcome.durable_up_to);
        }
        self.take_step(step, options);
    }

    fn acknowledged(&mut self, ack: &Ack, options: &Options) {
        self.counters.acks += 1;
        self.counters.values_left_out += ack.dropped.len() as u64;
        self.frames.answered = self.frames.answered.max(ack.answers.unwrap_or_default());
        let step = self.window.acknowledged(ack.answers, ack.durable_up_to, self.holding());
        if step == Step::GoOn {
            self.forget(ack.durable_up_to);
        }
        self.take_step(step, options);
    }

    fn take_step(&mut self, step: Step, options: &Options) {
        match step {
            Step::GoOn => {}
            Step::Renumber { from } => {
                self.counters.renumbered += 1;
                for (number, sample) in (from..).zip(&mut self.spool) {
                    sample.number = number;
                }
                self.next = from + self.spool.len() as u64;
                self.highest_sent = from.saturating_sub(1);
            }
            Step::Reconnect => {
                self.counters.confused += 1;
                self.hang_up(options.spread);
            }
        }
    }

    fn set(&mut self, settings: Settings, now: Time) {
        self.settings = settings;
        self.window.set_most(settings.window);
        self.due.live_until = now.mono_ms + u64::from(settings.live_for_s) * 1000;
        self.due.hold_until = now.mono_ms + u64::from(settings.hold_for_s) * 1000;
        let report_ms = u64::from(settings.report.frame_s) * 1000;
        self.due.frame = self.due.frame.min(now.mono_ms + report_ms);
    }

    fn forget(&mut self, durable: u64) {
        while self.spool.front().is_some_and(|sample| sample.number <= durable) {
            let sample = self.spool.pop_front();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "marks are whole and above 0")]
            let mark = sample.and_then(|sample| sample.uptime_s).map(|mark| mark as u64);
            self.durable_marks.extend(mark);
        }
    }
}
