//! Viewers who speak as programs for Pulse do: `GET /ws`, `GET /pulse/ws`. They are greeted, told the whole state every few seconds while it
//! changes, and what happens at once. It runs only while somebody listens. Source: pulse specification, 15.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::dialects::pulse;
use serde::Deserialize;
use worker::{Delay, WebSocket};

use super::ViewersError;
use super::object::{Inner, keep, send};
use super::viewer::Seat;
use crate::hub::client::HubClient;
use crate::platform::log;
use crate::proxmox::client::show;
use crate::proxmox::wire::{ShowRequest, What};

/// How often is looked whether there is something to tell.
const TICK: Duration = Duration::from_secs(1);
/// The state is asked for so often, ms: Pulse's own polling interval.
const STATE_MS: i64 = 5_000;
/// And told although nothing changed so often, ms.
const AGAIN_MS: i64 = 10_000;
/// How often everybody is pinged, ms. Source: pulse specification, 15.
const PING_MS: i64 = 30_000;
/// A state that was asked for so lately is told to who asks for it, ms.
const FRESH_MS: i64 = 1_000;

/// What is known for those who listen; forgotten in sleep.
#[derive(Default)]
pub(super) struct Pulse {
    is_running: Cell<bool>,
    /// By whether hidden hosts are in it: the state as JSON, when it was asked for, and when it was told to all.
    states: RefCell<[Option<Known>; 2]>,
    pinged_ms: Cell<i64>,
}

#[derive(Clone)]
struct Known {
    state: Rc<str>,
    at_ms: i64,
    told_ms: i64,
}

/// What a viewer says.
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
}

/// A message of some kind; `more` are further keys of it, behind a comma, or nothing.
pub(super) fn message(kind: &str, data: &str, more: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"data\":{data}{more}}}")
}

fn timestamp(now_ms: i64) -> String {
    format!("{{\"timestamp\":{}}}", now_ms.div_euclid(1000))
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
                Delay::from(TICK).await;
            }
            this.pulse.is_running.set(false);
            this.pulse.states.take();
        });
    }

    /// Tells what is to be told now.
    async fn pulse_round(&self) {
        let now_ms = self.now().0;
        for sees_hidden in [true, false] {
            let seats: Vec<(WebSocket, Seat)> =
                self.pulse_seats().into_iter().filter(|(_, seat)| seat.viewer.sees_hidden == sees_hidden).collect();
            let Some((_, first)) = seats.first() else { continue };
            let known = self.known(sees_hidden);
            let is_greeting = seats.iter().any(|(_, seat)| !seat.whole);
            let is_due = known.as_ref().is_none_or(|known| now_ms.saturating_sub(known.at_ms) >= STATE_MS);
            if !(is_due || is_greeting) {
                continue;
            }
            let Some(state) = self.pulse_state(sees_hidden, first.viewer.pulse.unwrap_or(0), is_due).await else {
                continue;
            };
            let is_news = known.as_ref().is_none_or(|known| known.state != state);
            let is_long = known.as_ref().is_none_or(|known| now_ms.saturating_sub(known.told_ms) >= AGAIN_MS);
            let is_told = is_due && (is_news || is_long);
            let (mut initial, mut raw) = (None, None);
            for (socket, seat) in &seats {
                if !seat.whole {
                    let text = initial.get_or_insert_with(|| message("initialState", &state, ""));
                    keep(socket, &Seat { greeted: true, whole: true, ..seat.clone() });
                    send(socket, text);
                } else if is_told {
                    send(socket, raw.get_or_insert_with(|| message("rawData", &state, "")));
                }
            }
            if is_told {
                self.note_told(sees_hidden, now_ms);
            }
        }
        if now_ms.saturating_sub(self.pulse.pinged_ms.get()) >= PING_MS {
            self.pulse.pinged_ms.set(now_ms);
            self.tell_pulse(&message("ping", &timestamp(now_ms), ""));
        }
    }

    fn known(&self, sees_hidden: bool) -> Option<Known> {
        self.pulse.states.borrow().get(usize::from(sees_hidden)).cloned().flatten()
    }

    fn note_told(&self, sees_hidden: bool, told_ms: i64) {
        if let Some(Some(known)) = self.pulse.states.borrow_mut().get_mut(usize::from(sees_hidden)) {
            known.told_ms = told_ms;
        }
    }

    /// The whole state as JSON: the one that is known, unless it is to be asked for `anew`.
    async fn pulse_state(&self, sees_hidden: bool, started_at_s: i64, anew: bool) -> Option<Rc<str>> {
        if let Some(known) = self.known(sees_hidden).filter(|_| !anew) {
            return Some(known.state);
        }
        match self.ask_for_state(sees_hidden, started_at_s).await {
            Ok(state) => {
                let told_ms = self.known(sees_hidden).map_or(0, |known| known.told_ms);
                let known = Known { state: state.into(), at_ms: self.now().0, told_ms };
                if let Some(slot) = self.pulse.states.borrow_mut().get_mut(usize::from(sees_hidden)) {
                    *slot = Some(known.clone());
                }
                Some(known.state)
            }
            Err(error) => {
                log::error("viewers.pulse", &error.to_string());
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

    /// Greets somebody who comes.
    pub(super) fn greet_pulse(&self, socket: &WebSocket) {
        send(socket, &message("welcome", r#"{"message":"Connected to Pulse WebSocket"}"#, ""));
    }

    /// What somebody who speaks as programs for Pulse says; anything that is no question is ignored.
    pub(super) async fn hear_pulse(&self, socket: &WebSocket, seat: &Seat, text: &str) {
        let Ok(Said { kind }) = serde_json::from_str::<Said>(text) else { return };
        match kind.as_str() {
            "ping" => send(socket, &message("pong", &timestamp(self.now().0), "")),
            "requestData" => {
                let sees_hidden = seat.viewer.sees_hidden;
                let is_old = |known: Known| self.now().0.saturating_sub(known.at_ms) > FRESH_MS;
                let anew = self.known(sees_hidden).is_none_or(is_old);
                let state = self.pulse_state(sees_hidden, seat.viewer.pulse.unwrap_or(0), anew).await;
                if let Some(state) = state {
                    send(socket, &message("rawData", &state, ""));
                }
            }
            _ => {}
        }
    }

    /// Tells everybody who speaks as programs for Pulse.
    pub(super) fn tell_pulse(&self, text: &str) {
        self.pulse_seats().iter().for_each(|(socket, _)| send(socket, text));
    }
}
