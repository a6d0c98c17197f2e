//! The sockets of agents: they come, speak, fall silent and go.

use std::rc::Rc;

use edgewatch_core::dialects::native::stream::{FromAgent, FromHub, Reason};
use edgewatch_core::model::{HostId, Presence};
use edgewatch_core::units::UnixMillis;
use worker::{Error, Request, Response, WebSocket};

use super::held::Held;
use super::object::{Answer, HAD_SOCKETS_KEY, Inner};
use super::operations::{SOON_MS, identity};
use super::shard::goodbye;
use super::{HubError, directory};
use crate::platform::{log, sockets};
use crate::store::Db;

/// The closing code of RFC 6455 for an end that was meant.
const NORMAL: u16 = 1000;
/// The sockets of so few hosts are looked up one by one.
const FEW: usize = 50;

impl Inner {
    /// What the open socket of a host keeps.
    pub(super) fn attached(&self, id: HostId) -> Option<Held> {
        let sockets = self.state.get_websockets_with_tag(&id.0.to_string());
        sockets.iter().filter(|socket| sockets::is_open(socket)).find_map(held_of)
    }

    /// Ends the sockets of these hosts.
    pub(super) fn dismiss_sockets(&self, ids: &[HostId], goodbye: &FromHub) {
        for socket in ids.iter().flat_map(|id| self.state.get_websockets_with_tag(&id.0.to_string())) {
            say(&socket, goodbye);
            let _ = socket.close(Some(NORMAL), Some("goodbye"));
        }
    }

    pub(super) async fn connect(&self, request: &Request, db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        let agent = identity(request)?;
        if !self.find_agent(&agent, db).await? {
            return Response::error("unknown agent", 401).map_err(refused);
        }
        let (id, now) = (HostId(agent.host_id), self.now());
        let tag = id.0.to_string();
        for older in self.state.get_websockets_with_tag(&tag) {
            say(&older, &goodbye(Reason::Replaced, 0, "the same host has a newer connection", None));
            let _ = older.close(Some(NORMAL), Some("replaced"));
        }
        let attachment = self.with(|shard| {
            if let Err(error) = shard.note_origin(&agent, now) {
                // Where it is comes with its next connection.
                log::error("hub.origin", &error.to_string());
            }
            Ok(shard.get(id).map(|tracked| tracked.held().attachment()).unwrap_or_default())
        })?;
        let (_, response) = sockets::accept_tagged(&self.state, &attachment, &tag).map_err(refused)?;
        if self.open.replace(self.open.get() + 1) == 0 {
            // The socket is there, whatever becomes of this.
            if let Err(error) = self.with(|shard| directory::put_meta(&shard.storage.sql, HAD_SOCKETS_KEY, "1")) {
                log::error("hub.connect", &error.to_string());
            }
        }
        self.wake_at(now.0 + 20_000).await;
        Ok(response)
    }

    /// A message of an agent.
    pub(super) async fn hear(self: Rc<Self>, socket: &WebSocket, bytes: &[u8]) {
        let Some(id) = self.host_of(socket) else { return };
        let now = self.now();
        let answers = self.with(|shard| {
            if !self.is_ours(id) {
                return Ok(vec![goodbye(Reason::Restart, 20, "the host has moved to another shard", None)]);
            }
            let is_here = shard.load(id, || held_of(socket))?;
            if !is_here {
                return Ok(vec![goodbye(Reason::Unauthorized, 0, "the host is no more", None)]);
            }
            if !shard.bears(id, now) {
                return Ok(vec![goodbye(Reason::Busy, 60, "too many messages in a minute", None)]);
            }
            Ok(match FromAgent::decode(bytes) {
                Ok(FromAgent::Hello(hello)) => {
                    let answer = shard.hello(id, &hello, now);
                    let is_welcome = matches!(answer, FromHub::Welcome(_));
                    let probes = if is_welcome { shard.greet_with_probes(id) } else { Ok(None) };
                    let probes = probes.unwrap_or_else(|error| {
                        // It may report all the same, and asks what it was told before.
                        log::error("hub.probes", &error.to_string());
                        None
                    });
                    std::iter::once(answer).chain(probes).collect()
                }
                Ok(FromAgent::Frame(frame)) => shard.frame(id, frame, now),
                Ok(FromAgent::Facts(facts)) => {
                    shard.facts(id, facts, now)?;
                    vec![]
                }
                Ok(FromAgent::Goodbye(_)) => {
                    let sql = shard.storage.sql.clone();
                    if let Some(tracked) = shard.get_mut(id) {
                        tracked.hear(now);
                        tracked.keep(&sql, now)?;
                    }
                    vec![]
                }
                Ok(FromAgent::Unknown(_)) => vec![],
                Err(error) => vec![goodbye(Reason::Malformed, 60, &error.to_string(), None)],
            })
        });
        let answers = answers.unwrap_or_else(|error| {
            log::error("hub.message", &error.to_string());
            vec![goodbye(Reason::Busy, 60, "the hub's storage does not answer", None)]
        });
        let is_news = self.with(|shard| {
            let Some(tracked) = shard.get(id) else { return Ok(false) };
            if let Err(error) = sockets::attach(socket, &tracked.held().attachment()) {
                log::error("hub.attach", &error.to_string());
            }
            Ok(tracked.entry.host.presence != Presence::Online || tracked.is_news)
        });
        let is_over = answers.iter().any(|answer| matches!(answer, FromHub::Goodbye(_)));
        for answer in &answers {
            say(socket, answer);
        }
        if is_over {
            let _ = socket.close(Some(NORMAL), Some("goodbye"));
        }
        if is_news.unwrap_or(false) {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
    }

    /// The sockets of a host keep what is known of it now.
    pub(super) fn attach_anew(&self, id: HostId) {
        let held = self.with(|shard| Ok(shard.get(id).map(|tracked| tracked.held().attachment())));
        let Ok(Some(attachment)) = held else { return };
        for socket in self.state.get_websockets_with_tag(&id.0.to_string()) {
            if let Err(error) = sockets::attach(&socket, &attachment) {
                log::error("hub.attach", &error.to_string());
            }
        }
    }

    /// A socket is over: what its host sent is made durable, and the alarm will see whether it comes back.
    pub(super) fn left(&self, socket: &WebSocket) {
        self.open.set(self.open.get().saturating_sub(1));
        let now = self.now();
        let id = self.host_of(socket);
        let pinged_ms = self.pinged_ms(socket);
        let kept = self.with(|shard| {
            if let Some(id) = id
                && shard.load(id, || self.attached(id).or_else(|| held_of(socket)))?
            {
                let sql = shard.storage.sql.clone();
                if let Some(tracked) = shard.get_mut(id) {
                    tracked.seen_ms = tracked.seen_ms.max(pinged_ms.unwrap_or(0));
                    tracked.put_journal(&sql, now)?;
                }
            }
            if self.open.get() == 0 {
                directory::put_meta(&shard.storage.sql, HAD_SOCKETS_KEY, "0")?;
            }
            Ok(())
        });
        if let Err(error) = kept {
            log::error("hub.close", &error.to_string());
        }
    }

    /// When the host of a socket last pinged, by our clock: the tests' clock is in the runtime's time stamps already.
    pub(super) fn pinged_ms(&self, socket: &WebSocket) -> Option<i64> {
        sockets::answered_at_ms(&self.state, socket)
    }

    /// Tells agents how to report from now on.
    pub(super) fn tell_settings(&self, ids: &[HostId], now: UnixMillis) {
        for id in ids {
            let settings = self.with(|shard| Ok(FromHub::Settings(shard.settings(*id, now))));
            if let Ok(settings) = settings {
                self.state.get_websockets_with_tag(&id.0.to_string()).iter().for_each(|socket| say(socket, &settings));
            }
        }
    }

    /// Tells agents with a socket what to ask from now on, where that is news.
    pub(super) fn tell_probes(&self) {
        let sockets = self.state.get_websockets();
        for socket in sockets.iter().filter(|socket| sockets::is_open(socket)) {
            let Some(id) = self.host_of(socket) else { continue };
            let told =
                self.with(|shard| if shard.load(id, || held_of(socket))? { shard.untold_probes(id) } else { Ok(None) });
            match told {
                Ok(Some(probes)) => say(socket, &probes),
                Ok(None) => {}
                Err(error) => log::error("hub.probes", &error.to_string()),
            }
        }
    }

    /// The host that a socket is of: its tag.
    pub(super) fn host_of(&self, socket: &WebSocket) -> Option<HostId> {
        sockets::tag(&self.state, socket)?.parse().ok().map(HostId)
    }

    /// The last sign of life of every host with an open socket, ms: its ping, where it pinged.
    pub(super) fn signs(&self) -> Vec<(HostId, i64)> {
        self.signs_in(&self.state.get_websockets())
    }

    /// As [`Inner::signs`] of these hosts, as far as that is less to look at.
    pub(super) fn signs_of(&self, ids: Option<&[i64]>) -> Vec<(HostId, i64)> {
        let Some(ids) = ids.filter(|ids| ids.len() <= FEW) else { return self.signs() };
        let sockets = ids.iter().flat_map(|id| self.state.get_websockets_with_tag(&id.to_string()));
        self.signs_in(&sockets.collect::<Vec<_>>())
    }

    fn signs_in(&self, sockets: &[WebSocket]) -> Vec<(HostId, i64)> {
        let open = sockets.iter().filter(|socket| sockets::is_open(socket));
        let sign = |socket: &WebSocket| Some((self.host_of(socket)?, self.pinged_ms(socket).unwrap_or(0)));
        open.filter_map(sign).collect()
    }
}

pub(super) fn held_of(socket: &WebSocket) -> Option<Held> {
    sockets::attached(socket).and_then(|bytes| Held::decode(&bytes).ok())
}

/// A text other than the ping that the runtime answers is no agent's: each would cost as much as a frame, for ever.
pub fn refuse_text(socket: &WebSocket) {
    say(socket, &goodbye(Reason::Malformed, 60, "messages are binary", None));
    let _ = socket.close(Some(NORMAL), Some("goodbye"));
}

fn say(socket: &WebSocket, message: &FromHub) {
    match message.encode() {
        Ok(bytes) => drop(socket.send_with_bytes(bytes)),
        Err(error) => log::error("hub.send", &error.to_string()),
    }
}
