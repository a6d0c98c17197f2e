//! Viewers who speak as programs for Pulse do: `GET /ws`, `GET /pulse/ws`. They are greeted, told the whole state every few seconds while it
//! changes, and what happens at once. It runs only while somebody listens. Source: pulse specification, 15.
//!
//! Those of whom nobody knows whether they speak so, or as programs for Nezha, are told in the words of both: what is here goes into the
//! frames of `feed`, which has its own pace.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::dialects::pulse::{self, ClientFrame};
use edgewatch_core::failure::Failure;
use futures_util::future::{Either, select};
use worker::{Delay, Response, WebSocket};

use super::ViewersError;
use super::news::NewsWire;
use super::object::{Inner, keep, seat_of, send};
use super::viewer::{PulseTerms, Seat};
use crate::hub::client::HubClient;
use crate::platform::log;
use crate::proxmox::client::show;
use crate::proxmox::wire::{ShowRequest, What};

/// How often is looked whether there is something to tell.
const TICK: Duration = Duration::from_secs(1);
/// The state is asked for as often as agents poll, but no oftener and no more seldom than this, seconds.
const LOOK_S: (u32, u32) = (2, 5);
/// And told although nothing changed when it was not for so long, ms: a tick later ten seconds are over.
const AGAIN_MS: i64 = 9_000;
/// How often everybody is pinged, ms.
const PING_MS: i64 = pulse::PING_S as i64 * 1_000;
/// How often is looked whose time has come, ms.
const END_MS: i64 = 5_000;
/// A state that was asked for so lately is told to who asks for it, ms; and nobody is told one oftener.
const FRESH_MS: i64 = 1_000;
/// A state that does not come within so long is not waited for, and not asked for again for so long, ms.
const PATIENCE: Duration = Duration::from_secs(10);
const REST_MS: i64 = 5_000;
/// A round that is not over after so long never will be, ms.
const ROUND_MS: i64 = 60_000;

/// What is known for those who listen; forgotten in sleep.
#[derive(Default)]
pub(super) struct Pulse {
    is_running: Cell<bool>,
    /// Since when a round is under way.
    round_ms: Cell<Option<i64>>,
    /// Whether all is to be told anew after it.
    is_again: Cell<bool>,
    /// By whether hidden hosts are in it: the state as JSON, when it was asked for, and when it was told to all.
    states: RefCell<[Option<Known>; 2]>,
    failed_ms: Cell<i64>,
    pinged_ms: Cell<i64>,
    ended_ms: Cell<i64>,
}

#[derive(Clone)]
struct Known {
    state: Rc<str>,
    mark: u64,
    at_ms: i64,
    told: Told,
}

/// What all were told last, and when.
#[derive(Clone, Copy, Default)]
struct Told {
    mark: u64,
    at_ms: i64,
}

/// By what a state is known again, without what was counted: that changes every second.
fn mark(state: &str) -> u64 {
    let (before, behind) = state.split_once(",\"stats\":{").unwrap_or((state, ""));
    let mut hasher = DefaultHasher::new();
    (before, behind.split_once('}').map_or("", |(_, behind)| behind)).hash(&mut hasher);
    hasher.finish()
}

impl Pulse {
    /// Nothing is known any more.
    pub(super) fn forget(&self) {
        self.states.take();
    }

    /// What is known is old.
    fn doubt(&self) {
        for known in self.states.borrow_mut().iter_mut().flatten() {
            (known.at_ms, known.told.at_ms) = (0, 0);
        }
    }
}

/// A frame for many: as it is, and together with the feed for those who are told in the words of both, once each.
struct Frame<'a> {
    inner: &'a Inner,
    text: String,
    joined: [Option<String>; 2],
}

impl<'a> Frame<'a> {
    const fn new(inner: &'a Inner, text: String) -> Self {
        Self { inner, text, joined: [None, None] }
    }

    /// Sends it to one; gives whether it could be.
    fn send(&mut self, socket: &WebSocket, seat: &Seat) -> bool {
        if !seat.viewer.feed {
            send(socket, &self.text);
            return true;
        }
        let (inner, text, sees_hidden) = (self.inner, &self.text, seat.viewer.sees_hidden);
        // Without all of the fleet it would look as if the rest were gone.
        let slot = self.joined.get_mut(usize::from(sees_hidden)).filter(|_| inner.is_feed_ready());
        let Some(slot) = slot else { return false };
        let feed = || inner.fleet.borrow().feed(sees_hidden, inner.now());
        send(socket, slot.get_or_insert_with(|| joined(text, &feed())));
        true
    }
}

/// One object with the keys of two.
fn joined(frame: &str, feed: &str) -> String {
    let open = frame.strip_suffix('}').unwrap_or(frame);
    format!("{open},{}", feed.strip_prefix('{').unwrap_or(feed))
}

fn state_text(kind: &str, state: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"data\":{state}}}")
}

/// A text that was written for a frame; one that cannot be written is our fault, and nobody is told.
fn written(text: Result<String, Failure>) -> Option<String> {
    text.inspect_err(|failure| log::error("viewers.pulse", &failure.to_string())).ok()
}

/// Greets somebody who comes.
pub(super) fn greet(socket: &WebSocket) {
    if let Some(text) = written(pulse::welcome_frame()) {
        send(socket, &text);
    }
}

impl Inner {
    fn pulse_seats(&self) -> Vec<(WebSocket, Seat)> {
        self.seats().into_iter().filter(|(_, seat)| seat.viewer.pulse.is_some()).collect()
    }

    /// Sees to it that those who speak as programs for Pulse are told for as long as somebody listens.
    pub(super) fn keep_pulsing(self: &Rc<Self>) {
        if self.pulse.is_running.get() || self.pulse_seats().is_empty() {
            return;
        }
        self.pulse.is_running.set(true);
        let this = Rc::clone(self);
        self.state.wait_until(async move {
            while !this.pulse_seats().is_empty() {
                this.pulse_round().await;
                this.keep_order().await;
                Delay::from(TICK).await;
            }
            this.pulse.is_running.set(false);
            this.pulse.forget();
        });
    }

    /// Ends those whose time has come, pings the others, and sees to it that sleep is not for ever.
    async fn keep_order(&self) {
        let now = self.now();
        if now.0.saturating_sub(self.pulse.ended_ms.get()) >= END_MS {
            self.pulse.ended_ms.set(now.0);
            self.end_those_whose_time_has_come();
        }
        if now.0.saturating_sub(self.pulse.pinged_ms.get()) >= PING_MS {
            self.pulse.pinged_ms.set(now.0);
            if let Some(text) = written(pulse::ping_frame(now.seconds())) {
                let mut frame = Frame::new(self, text);
                let seats = self.pulse_seats();
                for (socket, seat) in seats.iter().filter(|(_, seat)| seat.greeted) {
                    frame.send(socket, seat);
                }
            }
        }
        let due = self.watch.borrow_mut().backstop(now);
        if let Some(due) = due {
            self.ring(due).await;
        }
    }

    /// Tells what is to be told now; who comes while that is under way has it done once more.
    async fn pulse_round(&self) {
        let now_ms = self.now().0;
        if self.pulse.round_ms.get().is_some_and(|since_ms| now_ms.saturating_sub(since_ms) < ROUND_MS) {
            return self.pulse.is_again.set(true);
        }
        self.pulse.round_ms.set(Some(now_ms));
        loop {
            for sees_hidden in [true, false] {
                self.tell_state(sees_hidden).await;
            }
            if !self.pulse.is_again.replace(false) {
                break;
            }
            self.pulse.doubt();
        }
        self.pulse.round_ms.set(None);
    }

    /// Tells those the state who were told none, and all others where that is due.
    async fn tell_state(&self, sees_hidden: bool) {
        let now_ms = self.now().0;
        let of = |seats: Vec<(WebSocket, Seat)>| -> Vec<(WebSocket, Seat)> {
            let is_told = |seat: &Seat| seat.greeted && seat.viewer.sees_hidden == sees_hidden;
            seats.into_iter().filter(|(_, seat)| is_told(seat)).collect()
        };
        let seats = of(self.pulse_seats());
        let Some(terms) = seats.first().and_then(|(_, seat)| seat.viewer.pulse) else { return };
        let known = self.known(sees_hidden);
        let is_older = |at_ms: fn(&Known) -> i64, than_ms: i64| {
            known.as_ref().is_none_or(|known| now_ms.saturating_sub(at_ms(known)) >= than_ms)
        };
        let look_ms = i64::from(terms.poll_s.clamp(LOOK_S.0, LOOK_S.1)) * 1_000;
        let is_long = is_older(|known| known.told.at_ms, AGAIN_MS);
        let is_due = is_long || is_older(|known| known.at_ms, look_ms);
        let is_resting = now_ms.saturating_sub(self.pulse.failed_ms.get()) < REST_MS;
        if is_resting || !(is_due || seats.iter().any(|(_, seat)| !seat.whole)) {
            return;
        }
        let Some(new) = self.pulse_state(sees_hidden, terms, is_due).await else { return };
        let is_told = is_due && (is_long || new.told.mark != new.mark);
        let (mut initial, mut raw) = (None, None);
        let frame = |kind| Frame::new(self, state_text(kind, &new.state));
        // Some may have gone while it was asked for.
        for (socket, seat) in of(self.pulse_seats()) {
            if !seat.whole {
                if initial.get_or_insert_with(|| frame("initialState")).send(&socket, &seat) {
                    keep(&socket, &Seat { whole: true, ..seat });
                }
            } else if is_told {
                raw.get_or_insert_with(|| frame("rawData")).send(&socket, &seat);
            }
        }
        if is_told && let Some(Some(known)) = self.pulse.states.borrow_mut().get_mut(usize::from(sees_hidden)) {
            known.told = Told { mark: new.mark, at_ms: now_ms };
        }
    }

    fn known(&self, sees_hidden: bool) -> Option<Known> {
        self.pulse.states.borrow().get(usize::from(sees_hidden)).cloned().flatten()
    }

    /// The whole state: the one that is known, unless it is to be asked for `anew`.
    async fn pulse_state(&self, sees_hidden: bool, terms: PulseTerms, anew: bool) -> Option<Known> {
        if let Some(known) = self.known(sees_hidden).filter(|_| !anew) {
            return Some(known);
        }
        let asked = Box::pin(self.ask_for_state(sees_hidden, terms.started_at_s));
        let answer = match select(asked, Box::pin(Delay::from(PATIENCE))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(ViewersError::Unreachable("the state did not come in time".to_owned())),
        };
        match answer {
            Ok(state) => {
                let told = self.known(sees_hidden).map(|known| known.told).unwrap_or_default();
                let known = Known { mark: mark(&state), state: state.into(), at_ms: self.now().0, told };
                if let Some(slot) = self.pulse.states.borrow_mut().get_mut(usize::from(sees_hidden)) {
                    *slot = Some(known.clone());
                }
                Some(known)
            }
            Err(error) => {
                log::error("viewers.pulse", &error.to_string());
                self.pulse.failed_ms.set(self.now().0);
                None
            }
        }
    }

    async fn ask_for_state(&self, sees_hidden: bool, started_at_s: i64) -> Result<String, ViewersError> {
        let unreachable = |error: crate::hub::HubError| ViewersError::Unreachable(error.to_string());
        let hub = HubClient::new(self.objects.clone(), self.shards);
        let (hosts, _) = hub.list(&pulse::HOSTS, None, None, !sees_hidden).await.map_err(unreachable)?;
        let hosts = String::from_utf8(hosts.into_bytes()).unwrap_or_else(|_| "[]".to_owned());
        let viewers = u32::try_from(self.pulse_seats().len()).unwrap_or(u32::MAX);
        let wanted = ShowRequest { what: What::State { hosts, viewers, started_at_s }, for_guests: !sees_hidden };
        let shown = show(&self.objects, &wanted).await.map_err(unreachable)?;
        let bytes = shown.map(crate::platform::payload::Payload::into_bytes).unwrap_or_default();
        String::from_utf8(bytes).map_err(|error| ViewersError::Unreachable(error.to_string()))
    }

    /// Tells one in the words of both how the fleet is, which is the welcome for one who comes. What means nothing to programs for Pulse
    /// is said in their words: that nothing is asked of them.
    pub(super) fn tell_both(&self, socket: &WebSocket, seat: &Seat, feed: &str) {
        let frame = if seat.greeted { pulse::pong_frame(self.now().seconds()) } else { pulse::welcome_frame() };
        let Some(frame) = written(frame) else { return };
        if !seat.greeted {
            keep(socket, &Seat { greeted: true, ..seat.clone() });
        }
        send(socket, &joined(&frame, feed));
    }

    /// What somebody who speaks as programs for Pulse says; anything that is no question is ignored.
    pub(super) async fn hear_pulse(self: &Rc<Self>, socket: &WebSocket, seat: Seat, text: &str) {
        self.keep_pulsing();
        let now = self.now();
        match ClientFrame::parse(text) {
            ClientFrame::Ping => {
                if let Some(text) = written(pulse::pong_frame(now.seconds())) {
                    Frame::new(self, text).send(socket, &seat);
                }
            }
            ClientFrame::Pong => keep(socket, &Seat { answered_ms: Some(now.0), ..seat }),
            // The first one is on its way to who was told none.
            ClientFrame::RequestData if seat.whole && now.0.saturating_sub(seat.asked_ms) >= FRESH_MS => {
                let (sees_hidden, terms) = (seat.viewer.sees_hidden, seat.viewer.pulse);
                keep(socket, &Seat { asked_ms: now.0, ..seat });
                let is_old = |known: Known| now.0.saturating_sub(known.at_ms) > FRESH_MS;
                let anew = self.known(sees_hidden).is_none_or(is_old);
                let Some(terms) = terms else { return };
                let Some(known) = self.pulse_state(sees_hidden, terms, anew).await else { return };
                if let Some(seat) = seat_of(socket) {
                    Frame::new(self, state_text("rawData", &known.state)).send(socket, &seat);
                }
            }
            ClientFrame::RequestData | ClientFrame::Other => {}
        }
    }

    /// Something happened: those who may know are told, and then how everything is.
    pub(super) fn take_news(self: &Rc<Self>, text: &str) -> worker::Result<Response> {
        let news = match serde_json::from_str::<NewsWire>(text) {
            Ok(news) => news,
            Err(error) => return Response::error(format!("no news: {error}"), 400),
        };
        let seats = self.pulse_seats();
        for told in news.frames {
            let mut frame = Frame::new(self, told.text);
            let is_for =
                |seat: &Seat| seat.whole && seat.viewer.sees_hidden && !(told.for_members && seat.viewer.guest);
            for (socket, seat) in seats.iter().filter(|(_, seat)| is_for(seat)) {
                frame.send(socket, seat);
            }
        }
        if !seats.is_empty() {
            self.pulse.doubt();
            self.keep_pulsing();
            let this = Rc::clone(self);
            self.state.wait_until(async move { this.pulse_round().await });
        }
        Response::empty()
    }
}
