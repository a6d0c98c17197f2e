//! The Durable Object of one shard: its life, and its alarm. Its sockets are `agents`', what it is asked `operations`'; what all that
//! does to hosts is `shard`'s, and what waits for D1 `flush`'s.
//!
//! Nothing on the way of a frame waits: a frame that came later would overtake it. Sleep between two events is ordinary, so every
//! event finds what it needs in the sockets' attachments and the object's database.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::blocks::tiers::Wishes;
use edgewatch_core::dialects::native::live::DigestReply;
use edgewatch_core::domain::budget::usage::Usage;
use edgewatch_core::units::UnixMillis;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use super::agents::{self, held_of};
use super::lengths::Lengths;
use super::pieces::Pieces;
use super::shard::Shard;
use super::sql::Sql;
use super::{HubError, digest, directory, dump, flush, governor, handover, moving, presence, spending, wire};
use crate::platform::config::Config;
use crate::platform::objects::Objects;
use crate::platform::{clock, config, log, sockets};
use crate::store::Db;

/// Whether the object held sockets when it was last heard of: gone without a close, they mean that it was restarted.
pub(super) const HAD_SOCKETS_KEY: &str = "had_sockets";
/// The closing code of RFC 6455 for an end that nobody meant.
const GOING: u16 = 1001;
/// A fleet of so few hosts lets the object sleep between two alarms, so what one leaves for the next is kept each time.
const SMALL_FLEET: usize = 50;

/// An alarm that is so much overdue does not come: the platform gave it up, ms.
const ALARM_LOST_MS: i64 = 30_000;

/// What an operation gives.
pub(super) type Answer<T> = std::result::Result<T, HubError>;

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
    /// What was written of hosts for those who read lately.
    pub(super) pieces: RefCell<Pieces>,
    /// Sockets that are open.
    pub(super) open: Cell<usize>,
    /// When the alarm is set for, ms, as far as this incarnation knows.
    alarm_ms: Cell<Option<i64>>,
    pub(super) flush: flush::Schedule,
    pub(super) push: digest::Schedule,
    /// What was spent and not counted yet.
    pub(super) tally: Cell<Usage>,
    /// Whether the object's database was not there when it was needed first: agents may have been sent away.
    could_not_wake: Cell<bool>,
    pub(super) handover: handover::calls::Schedule,
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
            pieces: RefCell::default(),
            alarm_ms: Cell::new(None),
            flush: flush::Schedule::default(),
            push: digest::Schedule::default(),
            tally: Cell::default(),
            could_not_wake: Cell::new(false),
            handover: handover::calls::Schedule::default(),
        });
        let before = NEWEST.with_borrow_mut(|newest| newest.insert(id, Rc::clone(&inner)));
        if let Some(before) = before {
            before.shard.take();
            before.pieces.take();
        }
        Self { inner }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let inner = Rc::clone(&self.inner);
        let (before, begun) = (inner.object_rows(), clock::now());
        let db = inner.database();
        inner.called(&request);
        let answer = Rc::clone(&inner).operation(request, db.as_ref()).await;
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => {
                log::error("hub", &error.to_string());
                inner.note_failure(&error);
                Response::error(error.to_string(), 503)?
            }
        };
        inner.over(begun, db.as_ref());
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
        self.inner.spend(spending::MESSAGE);
        match message {
            WebSocketIncomingMessage::Binary(bytes) => Rc::clone(&self.inner).hear(&socket, &bytes).await,
            WebSocketIncomingMessage::String(_) => agents::refuse_text(&socket),
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
        let read = self.read_shard();
        if read.is_err() {
            self.could_not_wake.set(true);
        }
        let mut shard = read?;
        shard.place = handover::Place { index: self.index, shards: self.shards };
        let had_sockets = directory::meta(&shard.storage.sql, HAD_SOCKETS_KEY)?.as_deref() == Some("1");
        if had_sockets && self.open.get() == 0 {
            // They went without a close: a deployment, or a crash. Nobody is down because of it.
            shard.start_anew(self.now());
            let kept = shard.keep_watch();
            if let Err(error) = kept.and_then(|()| directory::put_meta(&shard.storage.sql, HAD_SOCKETS_KEY, "0")) {
                // What holds for now is in memory.
                log::error("hub.awake", &error.to_string());
            }
        }
        if self.could_not_wake.replace(false) {
            shard.note_refused(self.now());
        }
        Ok(shard)
    }

    fn read_shard(&self) -> Answer<Shard> {
        let mut shard = Shard::new(Sql::new(self.state.storage().sql()))?;
        if dump::is_closed(&shard.storage.sql)? {
            return Err(HubError::Refused("a backup is being restored here".to_owned()));
        }
        shard.governor.terms = governor::terms(self.config.budget, self.shards);
        shard.storage.lengths = Lengths::read(&shard.storage.sql, Wishes { hours: self.config.keep_hours })?;
        shard.read_watch(self.now())?;
        shard.read_rules()?;
        self.flush.read(&shard)?;
        Ok(shard)
    }

    /// Answers a call of a backup: it speaks to the database alone, past what is in memory.
    pub(super) fn of_dump(&self, path: &str, body: &str) -> Answer<Response> {
        let sql = Sql::new(self.state.storage().sql());
        let forget = || {
            self.shard.take();
            self.pieces.take();
            self.open.set(self.state.get_websockets().len());
            Shard::new(sql.clone()).map(drop)
        };
        dump::calls::answer(&sql, path, body, forget)
    }

    /// Every host in memory.
    pub(super) fn complete(&self) -> Answer<()> {
        if self.with(|shard| Ok(shard.is_complete()))? {
            return Ok(());
        }
        let sockets = self.state.get_websockets();
        let attached = sockets
            .iter()
            .filter(|socket| sockets::is_open(socket))
            .filter_map(|socket| Some((self.host_of(socket)?, held_of(socket)?)));
        let damaged = self.with(|shard| shard.complete(attached.collect()))?;
        for error in damaged {
            log::error("hub.directory", &error.to_string());
        }
        Ok(())
    }

    /// The alarm: who is silent, what D1 has to be told, and when to look again.
    async fn ring(self: Rc<Self>) {
        let (db, now, begun) = (self.database(), self.now(), clock::now());
        self.spend(Usage { alarms: 1, ..Usage::default() });
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
        self.keep_if_small(now);
        // Nothing below may hold up the next alarm: neither D1 nor a receiver that takes its time.
        let rest = Rc::clone(&self);
        self.state.wait_until(async move {
            flush::flush(&rest, db.as_ref(), now).await;
            if let Some(again_ms) = flush::finish_days(&rest, db.as_ref(), now).await {
                rest.wake_at(again_ms).await;
            }
            if let Some(again_ms) = moving::go_on(&rest, db.as_ref(), now).await {
                rest.wake_at(again_ms).await;
            }
            if let Some(due_ms) = rest.flush.due_ms(now) {
                rest.wake_at(due_ms).await;
            }
            rest.over(begun, db.as_ref());
            rest.steer(now).await;
            if db.is_some_and(|db| db.meter().rows_written() > 0) {
                rest.keep_if_small(now);
            }
            rest.push_changes(true).await;
        });
    }

    /// In a small fleet the object may sleep until the next alarm: what that needs is kept, 1 row written.
    fn keep_if_small(&self, now: UnixMillis) {
        let kept = self.account(now).and_then(|()| {
            self.with(|shard| if shard.iter().count() <= SMALL_FLEET { shard.keep_watch() } else { Ok(()) })
        });
        if let Err(error) = kept {
            log::error("hub.alarm", &error.to_string());
        }
    }

    fn look_round(&self, now: UnixMillis) -> Answer<Option<i64>> {
        self.complete()?;
        self.pieces.borrow_mut().forget_unread(now);
        let signs = self.signs();
        self.with(|shard| {
            presence::hear_all(shard, &signs);
            let seen = signs.iter().filter_map(|(id, _)| shard.get(*id)).map(|tracked| tracked.seen_ms);
            let of_sockets = presence::next_alarm(now, seen);
            let of_rules = presence::next_alarm_of_rules(shard, now);
            let next = [of_sockets, presence::next_alarm_of(shard, now), of_rules].into_iter().flatten().min();
            let next_by = next.map_or(now.seconds().plus(presence::SCHEDULE_S), UnixMillis::seconds);
            let verdict = shard.judge(now, next_by)?;
            if verdict.impaired {
                shard.keep_watch()?;
            }
            Ok(next.map(|next| next.0))
        })
    }

    /// Whether an alarm is set and did not fail to come.
    pub(super) fn is_alarm_near(&self, now: UnixMillis) -> bool {
        self.alarm_ms.get().is_some_and(|set_ms| set_ms.saturating_add(ALARM_LOST_MS) > now.0)
    }

    /// Sees to it that the alarm comes at `due_ms` at the latest.
    pub(super) async fn wake_at(&self, due_ms: i64) {
        if self.alarm_ms.get().is_none() {
            // A woken object does not know what its predecessor set.
            let set_ms = self.state.storage().get_alarm().await.ok().flatten();
            let ahead_ms = self.now().0.saturating_sub(clock::now().0);
            self.alarm_ms.set(set_ms.map(|set_ms| set_ms.saturating_add(ahead_ms)));
        }
        if self.is_alarm_near(self.now()) && self.alarm_ms.get().is_some_and(|set_ms| set_ms <= due_ms) {
            return;
        }
        self.alarm_ms.set(Some(due_ms));
        // As a while from now: the tests' clock may be ahead of the runtime's.
        let wait = Duration::from_millis(u64::try_from(due_ms.saturating_sub(self.now().0)).unwrap_or(0));
        self.spend(Usage { alarms_set: 1, ..Usage::default() });
        if let Err(error) = self.state.storage().set_alarm(wait).await {
            self.alarm_ms.set(None);
            let _ = self.with(|shard| {
                shard.storage.sql.note_refusal(&error.to_string());
                Ok(())
            });
            log::error("hub.alarm", &error.to_string());
        }
    }

    /// Tells Viewers what changed, while it listens; nobody waits longer for an answer because of it.
    pub(super) async fn push_changes(&self, is_prompt: bool) {
        let now = self.now();
        let changes = self.with(|shard| digest::changes(shard, &self.push, self.index, now, is_prompt));
        let digest = match changes {
            Ok(Some(digest)) => digest,
            Ok(None) => return,
            Err(error) => return log::error("hub.digest", &error.to_string()),
        };
        self.spend(spending::CALL);
        match crate::viewers::client::digest(&self.objects, &digest).await {
            // Unless somebody came while this was under way.
            Ok(DigestReply { viewers: 0 }) => self.push.nobody_listens(now),
            Ok(_) => {}
            Err(error) => {
                log::error("hub.digest", &error.to_string());
                let _ = self.with(|shard| {
                    digest::remember(shard, &self.push, &digest);
                    Ok(())
                });
            }
        }
    }
}
