//! The Durable Object of one shard: sockets, requests and alarms. What they do to hosts is `shard`'s; what waits for D1 is `flush`'s.
//!
//! Nothing on the way of a frame waits: a frame that came later would overtake it. Sleep between two events is ordinary, so every
//! event finds what it needs in the sockets' attachments and the object's database.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::dialects::native::live::{DigestReply, WatchRequest};
use edgewatch_core::dialects::native::stream::{FromAgent, FromHub, Reason};
use edgewatch_core::model::{HostId, Presence};
use edgewatch_core::units::UnixMillis;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    durable_object,
};

use super::held::Held;
use super::shard::{Shard, goodbye};
use super::sql::Sql;
use super::wire::{self, AgentWire, ChangedRequest, NowRequest, VerdictRequest};
use super::{HubError, digest, directory, flush, presence, wire::IDENTITY_HEADER};
use crate::platform::config::Config;
use crate::platform::objects::Objects;
use crate::platform::{clock, config, log, sockets};
use crate::store::Db;

/// Whether the object held sockets when it was last heard of: gone without a close, they mean that it was restarted.
const HAD_SOCKETS_KEY: &str = "had_sockets";
/// The closing codes of RFC 6455 that are sent.
const NORMAL: u16 = 1000;
const GOING: u16 = 1001;
/// A fleet of so few hosts lets the object sleep between two alarms, so what one leaves for the next is kept each time.
const SMALL_FLEET: usize = 50;
/// How soon the alarm comes when there is news for D1, ms.
const SOON_MS: i64 = 1_000;

type Answer<T> = std::result::Result<T, HubError>;

thread_local! {
    /// The newest incarnation of each object: it empties its predecessor, which is dropped when the collector comes to it.
    static NEWEST: RefCell<HashMap<String, Rc<Inner>>> = RefCell::new(HashMap::new());
}

/// The object.
#[durable_object]
pub struct Hub {
    inner: Rc<Inner>,
}

/// One incarnation.
pub struct Inner {
    pub(super) state: State,
    pub(super) env: Env,
    pub(super) config: Config,
    pub(super) objects: Objects,
    /// Which shard this is, and of how many.
    pub(super) index: u32,
    pub(super) shards: u32,
    shard: RefCell<Option<Shard>>,
    /// Sockets that are open.
    open: Cell<usize>,
    /// When the alarm is set for, ms, as far as this incarnation knows.
    alarm_ms: Cell<Option<i64>>,
    pub(super) flush: flush::Schedule,
    pub(super) push: digest::Schedule,
}

impl DurableObject for Hub {
    fn new(state: State, env: Env) -> Self {
        sockets::answer_pings(&state);
        let id = state.id().to_string();
        let shards = config::hub_shards(&env);
        let name = state.id().name().unwrap_or_default();
        let inner = Rc::new(Inner {
            index: name.rsplit('-').next().and_then(|index| index.parse().ok()).unwrap_or(0),
            config: Config::from_env(&env),
            objects: Objects::new(&env),
            shards,
            open: Cell::new(state.get_websockets().len()),
            state,
            env,
            shard: RefCell::new(None),
            alarm_ms: Cell::new(None),
            flush: flush::Schedule::default(),
            push: digest::Schedule::default(),
        });
        let before = NEWEST.with_borrow_mut(|newest| newest.insert(id, Rc::clone(&inner)));
        if let Some(before) = before {
            before.shard.take();
        }
        Self { inner }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let inner = Rc::clone(&self.inner);
        let before = inner.object_rows();
        let db = inner.database();
        let answer = Rc::clone(&inner).operation(request, db.as_ref()).await;
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => {
                log::error("hub", &error.to_string());
                Response::error(error.to_string(), 503)?
            }
        };
        let (read, written) = inner.object_rows();
        let meter = db.as_ref().map(Db::meter);
        let d1 = meter.map_or((0, 0), |meter| (meter.rows_read(), meter.rows_written()));
        let cost = format!("{},{},{},{}", d1.0, d1.1, read.saturating_sub(before.0), written.saturating_sub(before.1));
        // An upgrade's headers are the runtime's.
        if response.status_code() != 101 {
            response.headers_mut().set(wire::COST_HEADER, &cost)?;
        }
        Ok(response)
    }

    async fn alarm(&self) -> Result<Response> {
        let inner = Rc::clone(&self.inner);
        inner.alarm_ms.set(None);
        inner.ring().await;
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        if let WebSocketIncomingMessage::Binary(bytes) = message {
            Rc::clone(&self.inner).hear(&socket, &bytes).await;
        }
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, code: usize, reason: String, _was_clean: bool) -> Result<()> {
        let code = u16::try_from(code).ok().filter(|code| (1000..1004).contains(code) || (3000..5000).contains(code));
        let _ = socket.close(code, code.map(|_| reason));
        self.inner.left(&socket);
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        let _ = socket.close(Some(GOING), Some("the connection broke"));
        self.inner.left(&socket);
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err(Error::from("this object takes no TCP connections"))
    }
}

impl Inner {
    pub(super) fn now(&self) -> UnixMillis {
        clock::now_in(&self.env)
    }

    fn object_rows(&self) -> (u64, u64) {
        let shard = self.shard.borrow();
        shard.as_ref().map_or((0, 0), |shard| (shard.storage.sql.rows_read(), shard.storage.sql.rows_written()))
    }

    pub(super) fn database(&self) -> Option<Db> {
        match config::database(&self.env) {
            Ok(database) => Some(Db::new(database)),
            Err(failure) => {
                log::error("hub.database", &failure.to_string());
                None
            }
        }
    }

    /// Works on the shard, which is read from the object's database by the first event that needs it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Shard) -> Answer<T>) -> Answer<T> {
        let mut slot = self.shard.borrow_mut();
        if slot.is_none() {
            *slot = Some(self.awake()?);
        }
        let shard = slot.as_mut().ok_or_else(|| HubError::Corrupt("no shard".to_owned()))?;
        work(shard)
    }

    fn awake(&self) -> Answer<Shard> {
        let mut shard = Shard::new(Sql::new(self.state.storage().sql()))?;
        shard.read_watch()?;
        self.flush.read(&shard)?;
        let had_sockets = directory::meta(&shard.storage.sql, HAD_SOCKETS_KEY)?.as_deref() == Some("1");
        if had_sockets && self.open.get() == 0 {
            // They went without a close: a deployment, or a crash. Nobody is down because of it.
            shard.start_anew(self.now())?;
            directory::put_meta(&shard.storage.sql, HAD_SOCKETS_KEY, "0")?;
        }
        Ok(shard)
    }

    async fn operation(self: Rc<Self>, mut request: Request, db: Option<&Db>) -> Answer<Response> {
        let path = request.path();
        let refused = |error: Error| HubError::Refused(error.to_string());
        match (request.method(), path.as_str()) {
            (Method::Get, "/stream") => self.connect(&request, db).await,
            (Method::Post, "/report") => {
                let agent = identity(&request)?;
                let body = request.bytes().await.map_err(refused)?;
                self.report(&agent, &body, db).await
            }
            (Method::Post, "/now") => {
                let wanted: NowRequest = parse(&request.text().await.map_err(refused)?)?;
                self.read_now(&wanted, db).await
            }
            (Method::Post, "/verdict") => {
                let wanted: VerdictRequest = parse(&request.text().await.map_err(refused)?)?;
                self.verdict(&wanted, db).await
            }
            (Method::Post, "/changed") => {
                let changed: ChangedRequest = parse(&request.text().await.map_err(refused)?)?;
                let ids: Option<Vec<HostId>> = changed.ids.map(|ids| ids.into_iter().map(HostId).collect());
                flush::enrol(&self, db, ids.as_deref(), None).await?;
                self.push_changes(true).await;
                json(&())
            }
            (Method::Post, "/watch") => {
                let wanted: WatchRequest = parse(&request.text().await.map_err(refused)?)?;
                self.watch(&wanted, db).await
            }
            _ => Response::error("no such operation", 404).map_err(refused),
        }
    }

    /// Brings a host into memory, from the object's database or from D1. False when there is no such agent.
    async fn find_agent(&self, agent: &AgentWire, db: Option<&Db>) -> Answer<bool> {
        let id = HostId(agent.host_id);
        let is_known = || {
            self.with(|shard| {
                let is_here = shard.load(id, || self.attached(id))?;
                Ok(is_here && shard.is_agent(agent, crate::platform::digest::is_same))
            })
        };
        if is_known()? {
            return Ok(true);
        }
        flush::enrol(self, db, Some(&[id]), None).await?;
        is_known()
    }

    /// What the open socket of a host keeps.
    fn attached(&self, id: HostId) -> Option<Held> {
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

    /// Every host in memory.
    pub(super) fn complete(&self) -> Answer<()> {
        if self.with(|shard| Ok(shard.is_complete()))? {
            return Ok(());
        }
        let sockets = self.state.get_websockets();
        let attached = sockets.iter().filter(|socket| sockets::is_open(socket)).filter_map(|socket| {
            let id = sockets::tag(&self.state, socket)?.parse().ok()?;
            Some((HostId(id), held_of(socket)?))
        });
        let damaged = self.with(|shard| shard.complete(attached.collect()))?;
        for error in damaged {
            log::error("hub.directory", &error.to_string());
        }
        Ok(())
    }

    async fn connect(&self, request: &Request, db: Option<&Db>) -> Answer<Response> {
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
            shard.note_origin(&agent)?;
            Ok(shard.get(id).map(|tracked| tracked.held().attachment()).unwrap_or_default())
        })?;
        let (_, response) = sockets::accept_tagged(&self.state, &attachment, &tag).map_err(refused)?;
        if self.open.replace(self.open.get() + 1) == 0 {
            self.with(|shard| directory::put_meta(&shard.storage.sql, HAD_SOCKETS_KEY, "1"))?;
        }
        self.wake_at(now.0 + 20_000).await;
        Ok(response)
    }

    /// A message of an agent.
    async fn hear(self: Rc<Self>, socket: &WebSocket, bytes: &[u8]) {
        let Some(id) = sockets::tag(&self.state, socket).and_then(|tag| tag.parse().ok()).map(HostId) else { return };
        let now = self.now();
        let answers = self.with(|shard| {
            let is_here = shard.load(id, || held_of(socket))?;
            if !is_here {
                return Ok(vec![goodbye(Reason::Unauthorized, 0, "the host is no more", None)]);
            }
            Ok(match FromAgent::decode(bytes) {
                Ok(FromAgent::Hello(hello)) => vec![shard.hello(id, &hello, now)],
                Ok(FromAgent::Frame(frame)) => shard.frame(id, frame, now),
                Ok(FromAgent::Facts(facts)) => {
                    shard.facts(id, facts)?;
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
        answers.iter().for_each(|answer| say(socket, answer));
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

    /// A socket is over: what its host sent is made durable, and the alarm will see whether it comes back.
    fn left(&self, socket: &WebSocket) {
        self.open.set(self.open.get().saturating_sub(1));
        let now = self.now();
        let id = sockets::tag(&self.state, socket).and_then(|tag| tag.parse().ok()).map(HostId);
        let pinged_ms = self.pinged_ms(socket, now);
        let kept = self.with(|shard| {
            if let Some(id) = id
                && shard.load(id, || held_of(socket))?
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

    /// When the host of a socket last pinged, by our clock.
    fn pinged_ms(&self, socket: &WebSocket, now: UnixMillis) -> Option<i64> {
        // The runtime's time stamps know nothing of the tests' clock.
        let ahead_ms = now.0.saturating_sub(clock::now().0);
        sockets::answered_at_ms(&self.state, socket).map(|at_ms| at_ms.saturating_add(ahead_ms))
    }

    async fn report(&self, agent: &AgentWire, body: &[u8], db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        if !self.find_agent(agent, db).await? {
            return Response::error("unknown agent", 401).map_err(refused);
        }
        let (id, now) = (HostId(agent.host_id), self.now());
        let report = wire::read_report(body, agent.agent_version.clone())?;
        let (recorded, is_news) = self.with(|shard| {
            shard.note_origin(agent)?;
            let (resend_from, times) = shard.post(id, report, now)?;
            let settings = shard.report_settings();
            let tracked = shard.get(id);
            let is_news = tracked.is_some_and(|one| one.is_news || one.entry.host.presence != Presence::Online);
            let recorded = wire::RecordedWire {
                durable_up_to: tracked.map_or(0, |tracked| tracked.progress().1),
                resend_from,
                times_off: wire::times_off(&times),
                period_s: settings.period_s,
                frame_s: settings.frame_s,
            };
            Ok((recorded, is_news))
        })?;
        if is_news {
            self.flush.soon();
            self.wake_at(now.0 + SOON_MS).await;
        }
        if self.push.is_due(now) {
            self.push_changes(false).await;
        }
        json(&recorded)
    }

    async fn read_now(&self, wanted: &NowRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol_first(self, db).await?;
        self.complete()?;
        let now = self.now();
        let signs = self.signs(now);
        let (reply, told) = self.with(|shard| {
            presence::hear_all(shard, &signs);
            let selected = shard.select(wanted.ids.as_deref(), wanted.tag.as_deref());
            let ids: Vec<HostId> = selected.iter().map(|tracked| tracked.id()).collect();
            let hosts = selected.iter().map(|tracked| wire::HostWire::from(&tracked.host())).collect();
            let epoch = flush::epoch(shard)?;
            Ok((wire::NowReply { hosts, epoch }, shard.note_watched(&ids, None, now)))
        })?;
        self.tell_settings(&told, now);
        json(&reply)
    }

    async fn verdict(self: Rc<Self>, wanted: &VerdictRequest, db: Option<&Db>) -> Answer<Response> {
        flush::enrol(&self, db, None, Some(wanted.hosts_version)).await?;
        self.complete()?;
        let now = self.now();
        let signs = self.signs(now);
        let due = UnixMillis(wanted.now_ms);
        let verdict = self.with(|shard| {
            presence::hear_all(shard, &signs);
            let verdict = shard.judge_at(due, now, due.seconds().plus(presence::SCHEDULE_S))?;
            shard.keep_watch()?;
            Ok(verdict)
        })?;
        flush::flush(&self, db, due).await;
        self.push_changes(true).await;
        json(&verdict)
    }

    async fn watch(&self, wanted: &WatchRequest, db: Option<&Db>) -> Answer<Response> {
        let now = self.now();
        let until = UnixMillis(now.0.saturating_add(i64::from(wanted.for_s.min(600)) * 1000));
        if wanted.snapshot {
            flush::enrol_first(self, db).await?;
        }
        self.complete()?;
        let signs = self.signs(now);
        let ids: Vec<HostId> = wanted.hosts.iter().copied().map(HostId).collect();
        let (digest, told) = self.with(|shard| {
            presence::hear_all(shard, &signs);
            shard.viewers_until_ms = if wanted.for_s == 0 { 0 } else { until.0 };
            self.push.watched(shard.viewers_until_ms);
            let told = shard.note_watched(&ids, Some(until), now);
            let digest = wanted.snapshot.then(|| digest::of_all(shard, self.index, now)).transpose()?;
            Ok((digest, told))
        })?;
        self.tell_settings(&told, now);
        match digest {
            Some(digest) => json(&digest),
            None => json(&serde_json::json!({})),
        }
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

    /// The last sign of life of every host with an open socket, ms: its ping, where it pinged.
    fn signs(&self, now: UnixMillis) -> Vec<(HostId, i64)> {
        let sockets = self.state.get_websockets();
        let open = sockets.iter().filter(|socket| sockets::is_open(socket));
        let sign = |socket: &WebSocket| {
            let id = sockets::tag(&self.state, socket)?.parse().ok()?;
            Some((HostId(id), self.pinged_ms(socket, now).unwrap_or(0)))
        };
        open.filter_map(sign).collect()
    }

    /// The alarm: who is silent, what D1 has to be told, and when to look again.
    async fn ring(self: Rc<Self>) {
        let db = self.database();
        let now = self.now();
        let next = self.look_round(now);
        let next_ms = match next {
            Ok(next_ms) => next_ms,
            Err(error) => {
                log::error("hub.alarm", &error.to_string());
                Some(now.0 + 10_000)
            }
        };
        // Set before anything waits: whatever becomes of the rest, the object looks again.
        if let Some(next_ms) = next_ms {
            self.wake_at(next_ms).await;
        }
        flush::flush(&self, db.as_ref(), now).await;
        if let Some(due_ms) = self.flush.due_ms(now) {
            self.wake_at(due_ms).await;
        }
        self.push_changes(true).await;
    }

    fn look_round(&self, now: UnixMillis) -> Answer<Option<i64>> {
        self.complete()?;
        let signs = self.signs(now);
        self.with(|shard| {
            presence::hear_all(shard, &signs);
            let seen = signs.iter().filter_map(|(id, _)| shard.get(*id)).map(|tracked| tracked.seen_ms);
            let unsettled = shard.iter().filter(|host| presence::is_expected(host)).map(|host| host.seen_ms);
            let next = presence::next_alarm(now, seen.chain(unsettled));
            let next_by = next.map_or(now.seconds().plus(presence::SCHEDULE_S), |next| next.seconds());
            shard.judge(now, next_by)?;
            if shard.iter().count() <= SMALL_FLEET {
                shard.keep_watch()?;
            }
            Ok(next.map(|next| next.0))
        })
    }

    /// Sees to it that the alarm comes at `due_ms` at the latest.
    pub(super) async fn wake_at(&self, due_ms: i64) {
        if self.alarm_ms.get().is_some_and(|set_ms| set_ms <= due_ms) {
            return;
        }
        self.alarm_ms.set(Some(due_ms));
        // As a while from now: the tests' clock may be ahead of the runtime's.
        let wait = Duration::from_millis(u64::try_from(due_ms.saturating_sub(self.now().0)).unwrap_or(0));
        if let Err(error) = self.state.storage().set_alarm(wait).await {
            self.alarm_ms.set(None);
            log::error("hub.alarm", &error.to_string());
        }
    }

    /// Tells Viewers what changed, while it listens; nobody waits longer for an answer because of it.
    async fn push_changes(&self, is_prompt: bool) {
        let now = self.now();
        let changes = self.with(|shard| digest::changes(shard, &self.push, self.index, now, is_prompt));
        let digest = match changes {
            Ok(Some(digest)) => digest,
            Ok(None) => return,
            Err(error) => return log::error("hub.digest", &error.to_string()),
        };
        match crate::viewers::client::digest(&self.objects, &digest).await {
            Ok(DigestReply { viewers: 0 }) => {
                self.push.watched(0);
                let _ = self.with(|shard| {
                    shard.viewers_until_ms = 0;
                    Ok(())
                });
            }
            Ok(_) => {}
            Err(error) => log::error("hub.digest", &error.to_string()),
        }
    }
}

fn held_of(socket: &WebSocket) -> Option<Held> {
    sockets::attached(socket).and_then(|bytes| Held::decode(&bytes).ok())
}

/// Sends a message; a socket that cannot take it is over, which its close will tell.
fn say(socket: &WebSocket, message: &FromHub) {
    match message.encode() {
        Ok(bytes) => drop(socket.send_with_bytes(bytes)),
        Err(error) => log::error("hub.send", &error.to_string()),
    }
}

fn identity(request: &Request) -> Answer<AgentWire> {
    let text = request.headers().get(IDENTITY_HEADER).map_err(|error| HubError::Corrupt(error.to_string()))?;
    parse(&text.ok_or_else(|| HubError::Corrupt("a call without an identity".to_owned()))?)
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))
}

fn json<T: serde::Serialize>(value: &T) -> Answer<Response> {
    Response::from_json(value).map_err(|error| HubError::Corrupt(error.to_string()))
}
