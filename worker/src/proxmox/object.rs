//! The one object: its life, its calls and its sockets. What agents say is `collectors`'; what becomes of it `hosts`'; what is asked of
//! them `jobs`'; and what is seen of it all `shown`'s.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{PING, PONG};
use edgewatch_core::units::UnixMillis;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    durable_object,
};

use super::alerted::Alerted;
use super::collectors::Staged;
use super::hosts::Live;
use super::jobs::Jobs;
use super::shown::Shown;
use super::tables::Tables;
use crate::hub::HubError;
use crate::hub::client::HubClient;
use crate::hub::dump;
use crate::hub::sql::Sql;
use crate::hub::wire::COST_HEADER;
use crate::platform::config::Config;
use crate::platform::objects::Objects;
use crate::platform::{clock, config, log, sockets};
use crate::store::Db;
use crate::store::proxmox::instances::{self, Sealed};

/// How often it looks round while agents have sockets, ms.
const LOOK_MS: i64 = 60_000;

pub(super) type Answer<T> = std::result::Result<T, HubError>;

thread_local! {
    /// The newest incarnation: it empties its predecessor, which is dropped when the collector comes to it.
    static NEWEST: RefCell<HashMap<String, Rc<Inner>>> = RefCell::new(HashMap::new());
}

/// The object.
#[durable_object]
pub struct Proxmox {
    inner: Rc<Inner>,
}

/// One incarnation.
pub(super) struct Inner {
    pub(super) state: State,
    pub(super) env: Env,
    pub(super) config: Config,
    pub(super) hub: HubClient,
    tables: RefCell<Option<Tables>>,
    /// The instances, once they were read.
    pub(super) known: RefCell<Option<Rc<Vec<Sealed>>>>,
    /// What is known of instances, by number; read again after sleep.
    pub(super) live: RefCell<BTreeMap<i64, Rc<RefCell<Live>>>>,
    /// Parts of sections whose others did not come yet.
    pub(super) staged: RefCell<Staged>,
    pub(super) jobs: Jobs,
    /// What was shown last.
    pub(super) shown: RefCell<Shown>,
    pub(super) alerted: Alerted,
    /// Until when somebody looks, ms.
    pub(super) watched_until_ms: Cell<i64>,
    /// Which change of hosts the parts are known up to, where guests look.
    pub(super) hosts_version: Cell<Option<u64>>,
    alarm_ms: Cell<Option<i64>>,
}

impl DurableObject for Proxmox {
    fn new(state: State, env: Env) -> Self {
        sockets::answer(&state, PING, PONG);
        let id = state.id().to_string();
        let inner = Rc::new(Inner {
            config: Config::from_env(&env),
            hub: HubClient::new(Objects::new(&env), config::hub_shards(&env)),
            state,
            env,
            tables: RefCell::new(None),
            known: RefCell::new(None),
            live: RefCell::default(),
            staged: RefCell::default(),
            jobs: Jobs::default(),
            shown: RefCell::default(),
            alerted: Alerted::default(),
            watched_until_ms: Cell::new(0),
            hosts_version: Cell::new(None),
            alarm_ms: Cell::new(None),
        });
        let before = NEWEST.with_borrow_mut(|newest| newest.insert(id, Rc::clone(&inner)));
        if let Some(before) = before {
            before.live.take();
            before.known.take();
            before.staged.take();
            before.shown.take();
            before.alerts_changed();
        }
        Self { inner }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let inner = Rc::clone(&self.inner);
        let before = inner.rows();
        let db = inner.database();
        let answer = Rc::clone(&inner).operation(request, db.as_ref()).await;
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => {
                log::error("proxmox", &error.to_string());
                Response::error(error.to_string(), 503)?
            }
        };
        let (read, written) = inner.rows();
        let d1 = db.as_ref().map(Db::meter).map_or((0, 0), |meter| (meter.rows_read(), meter.rows_written()));
        let cost = format!("{},{},{},{}", d1.0, d1.1, read.saturating_sub(before.0), written.saturating_sub(before.1));
        if response.status_code() != 101 {
            response.headers_mut().set(COST_HEADER, &cost)?;
        }
        Ok(response)
    }

    async fn alarm(&self) -> Result<Response> {
        self.inner.alarm_ms.set(None);
        Rc::clone(&self.inner).look_round().await;
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        match message {
            WebSocketIncomingMessage::String(text) => Rc::clone(&self.inner).hear(&socket, &text).await,
            WebSocketIncomingMessage::Binary(_) => Inner::refuse(&socket, "malformed", "messages are text"),
        }
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, code: usize, reason: String, _was_clean: bool) -> Result<()> {
        let code = u16::try_from(code).ok().filter(|code| (1000..1004).contains(code) || (3000..5000).contains(code));
        let _ = socket.close(code, code.map(|_| reason));
        Rc::clone(&self.inner).left().await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        let _ = socket.close(Some(1001), Some("the connection broke"));
        Rc::clone(&self.inner).left().await;
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

    fn rows(&self) -> (u64, u64) {
        self.tables.borrow().as_ref().map_or((0, 0), Tables::rows)
    }

    pub(super) fn database(&self) -> Option<Db> {
        config::database(&self.env)
            .map(Db::new)
            .inspect_err(|failure| log::error("proxmox.database", &failure.to_string()))
            .ok()
    }

    /// The tables, made with the first event that needs them.
    pub(super) fn tables(&self) -> Answer<Tables> {
        if let Some(tables) = self.tables.borrow().as_ref() {
            return Ok(tables.clone());
        }
        let sql = Sql::new(self.state.storage().sql());
        let tables = Tables::new(sql.clone())?;
        if dump::is_closed(&sql)? {
            return Err(HubError::Refused("a backup is being restored here".to_owned()));
        }
        *self.tables.borrow_mut() = Some(tables.clone());
        Ok(tables)
    }

    /// Answers a call of a backup: it speaks to the database alone, past what is in memory.
    fn of_dump(&self, path: &str, body: &str) -> Answer<Response> {
        let sql = Sql::new(self.state.storage().sql());
        let forget = || {
            self.tables.take();
            self.known.take();
            self.live.take();
            self.staged.take();
            self.shown.take();
            self.hosts_version.set(None);
            self.alerts_changed();
            Tables::new(sql.clone()).map(drop)
        };
        dump::calls::answer(&sql, path, body, forget)
    }

    /// Every instance, as D1 had it when it was asked last.
    pub(super) async fn instances(&self, db: Option<&Db>) -> Answer<Rc<Vec<Sealed>>> {
        if let Some(known) = self.known.borrow().as_ref() {
            return Ok(Rc::clone(known));
        }
        self.read_instances(db).await
    }

    /// Every instance, as D1 has it now.
    pub(super) async fn read_instances(&self, db: Option<&Db>) -> Answer<Rc<Vec<Sealed>>> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let all = Rc::new(instances::list(db).await?);
        *self.known.borrow_mut() = Some(Rc::clone(&all));
        Ok(all)
    }

    async fn operation(self: Rc<Self>, mut request: Request, db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        let path = request.path();
        match (request.method(), path.as_str()) {
            (Method::Get, "/connect") => self.connect(&request, db).await,
            (Method::Post, "/changed") => {
                self.changed(db).await?;
                Response::empty().map_err(refused)
            }
            (Method::Post, "/alerts") => {
                self.alerts_changed();
                Response::empty().map_err(refused)
            }
            (Method::Post, "/job") => {
                let text = request.text().await.map_err(refused)?;
                let reply = self.job(&text, db).await?;
                Response::from_json(&reply).map_err(refused)
            }
            (Method::Post, "/show") => {
                let text = request.text().await.map_err(refused)?;
                self.show(&text, db).await
            }
            (Method::Post, path) if path.starts_with(dump::calls::PATHS) => {
                let body = request.text().await.map_err(refused)?;
                self.of_dump(path, &body)
            }
            (Method::Post, "/health") => {
                let health = self.health(db).await?;
                Response::from_json(&health).map_err(refused)
            }
            _ => Response::error("no such operation", 404).map_err(refused),
        }
    }

    /// The alarm: what agents that went left behind goes to the hub.
    async fn look_round(self: Rc<Self>) {
        let db = self.database();
        let mut is_again = !self.sockets().is_empty();
        if is_again {
            self.wake_at(self.now().0.saturating_add(LOOK_MS)).await;
        }
        let Ok(all) = self.instances(db.as_ref()).await else { return };
        for sealed in all.iter() {
            let id = sealed.instance.id.0;
            Rc::clone(&self).pass_on(id, db.as_ref()).await;
            is_again |= self.look_for_silence(id, db.as_ref()).await;
        }
        if is_again {
            self.wake_at(self.now().0.saturating_add(LOOK_MS)).await;
        }
    }

    /// Sees to it that the alarm comes at `due_ms` at the latest.
    pub(super) async fn wake_at(&self, due_ms: i64) {
        let now_ms = self.now().0;
        if self.alarm_ms.get().is_some_and(|set_ms| (now_ms..=due_ms).contains(&set_ms)) {
            return;
        }
        self.alarm_ms.set(Some(due_ms));
        let wait = Duration::from_millis(u64::try_from(due_ms.saturating_sub(now_ms)).unwrap_or(0));
        if let Err(error) = self.state.storage().set_alarm(wait).await {
            self.alarm_ms.set(None);
            log::error("proxmox.alarm", &error.to_string());
        }
    }
}
