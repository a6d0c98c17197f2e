//! Agents that poll: they come, are told what to poll, say what they found, and go.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use edgewatch_core::dialects::native::proxmox::{
    Bye, Durable, EndpointPart, Frame, FromAgent, FromEdge, Hello, Hidden, Instance, InstanceKind, Kept, Monitor,
    Section, Sections, VERSION, Watch, Welcome,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use edgewatch_core::model::proxmox::{self as model, Endpoint, InstanceId};
use serde::{Deserialize, Serialize};
use worker::{Error, Request, Response, WebSocket};

use super::minutes::Mark;
use super::object::{Answer, Inner};
use super::tables::Taken;
use super::wire::{COLLECTOR_HEADER, CollectorWire};
use crate::hub::HubError;
use crate::platform::objects::Objects;
use crate::platform::{log, sockets};
use crate::store::Db;
use crate::store::proxmox::instances::{self, Sealed};
use crate::store::{hosts, settings};
use crate::viewers::{self, news::News};

/// The closing code of RFC 6455 for an end that was meant.
const NORMAL: u16 = 1000;
/// An agent's clock that is off by no more is as good as ours, ms.
const CLOCK_OFF_MS: i64 = 5_000;
/// A section has no more parts, and no more bytes.
const MOST_PARTS: u32 = 64;
/// An agent has no more instances of its own.
const MOST_LOCAL: usize = 100;
/// Agents poll at once for so many seconds after somebody looked.
const WATCH_S: u64 = 60;
/// They are told again when no more is left of that, ms.
const WATCH_AGAIN_MS: i64 = 30_000;

/// Parts of sections whose others did not come yet: by instance and name the hash, and the parts.
pub(super) type Staged = BTreeMap<(i64, String), (String, Vec<Option<String>>)>;

/// What is kept with a socket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Seat {
    /// The host whose agent it is.
    pub host: i64,
    /// Its run; empty before its hello.
    pub run: String,
    /// How far our clock is ahead of its, ms.
    pub ahead_ms: i64,
    /// What it was told to poll.
    pub instances: BTreeSet<i64>,
}

pub(super) fn seat_of(socket: &WebSocket) -> Option<Seat> {
    serde_json::from_slice(&sockets::attached(socket)?).ok()
}

fn keep(socket: &WebSocket, seat: &Seat) {
    let kept = serde_json::to_vec(seat).map_err(Error::from).and_then(|bytes| sockets::attach(socket, &bytes));
    if let Err(error) = kept {
        log::error("proxmox.attach", &error.to_string());
    }
}

pub(super) fn say(socket: &WebSocket, message: &FromEdge) {
    match message.write() {
        Ok(text) => drop(socket.send_with_str(text)),
        Err(error) => log::error("proxmox.send", &error.to_string()),
    }
}

impl Inner {
    /// Open sockets with what is kept of them.
    pub(super) fn sockets(&self) -> Vec<(WebSocket, Seat)> {
        let open = self.state.get_websockets().into_iter().filter(sockets::is_open);
        open.filter_map(|socket| seat_of(&socket).map(|seat| (socket, seat))).collect()
    }

    /// Ends a connection with a word for programs and a sentence for people.
    pub(super) fn refuse(socket: &WebSocket, why: &str, sentence: &str) {
        say(socket, &FromEdge::Bye(Bye { why: why.to_owned(), retry_s: 60 }));
        let _ = socket.close(Some(NORMAL), Some(sentence));
    }

    pub(super) async fn connect(&self, request: &Request, db: Option<&Db>) -> Answer<Response> {
        let refused = |error: Error| HubError::Refused(error.to_string());
        let header = request.headers().get(COLLECTOR_HEADER).ok().flatten().unwrap_or_default();
        let Ok(collector) = serde_json::from_str::<CollectorWire>(&header) else {
            return Response::error("who is it?", 403).map_err(refused);
        };
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let known = hosts::find_by_secret(db, &collector.secret_hash).await?;
        if known.is_none_or(|known| known.id.0 != collector.host) {
            return Response::error("unknown agent", 401).map_err(refused);
        }
        let tag = collector.host.to_string();
        for older in self.state.get_websockets_with_tag(&tag) {
            say(&older, &FromEdge::Bye(Bye { why: "replaced".to_owned(), retry_s: 0 }));
            let _ = older.close(Some(NORMAL), Some("the same host has a newer connection"));
        }
        let seat = Seat { host: collector.host, ..Seat::default() };
        let bytes = serde_json::to_vec(&seat).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let (_, response) = sockets::accept_tagged(&self.state, &bytes, &tag).map_err(refused)?;
        self.wake_at(self.now().0.saturating_add(60_000)).await;
        Ok(response)
    }

    /// A message of an agent.
    pub(super) async fn hear(self: Rc<Self>, socket: &WebSocket, text: &str) {
        let Some(seat) = seat_of(socket) else { return Self::refuse(socket, "malformed", "nobody knows this socket") };
        let message = match FromAgent::read(text) {
            Ok(message) => message,
            Err(error) => return Self::refuse(socket, "malformed", &short(&error.to_string())),
        };
        let done = match message {
            FromAgent::Hello(hello) => Rc::clone(&self).hello(socket, seat, hello).await,
            _ if seat.run.is_empty() => return Self::refuse(socket, "malformed", "a hello comes first"),
            FromAgent::Frame(frame) => self.frame(socket, &seat, frame, text),
            FromAgent::Section(section) => Rc::clone(&self).section(socket, &seat, section),
            FromAgent::Sections(all) => self.sections(&seat, &all),
            FromAgent::Done(done) => {
                self.jobs.done(done);
                Ok(())
            }
            FromAgent::Ping => {
                say(socket, &FromEdge::Pong);
                Ok(())
            }
            FromAgent::Unknown(_) => Ok(()),
        };
        if let Err(error) = done {
            // The agent keeps what was not answered, and sends it again with its next connection.
            log::error("proxmox.message", &error.to_string());
            Self::refuse(socket, "busy", "what was said could not be kept");
        }
    }

    async fn hello(self: Rc<Self>, socket: &WebSocket, seat: Seat, hello: Hello) -> Answer<()> {
        if hello.version != VERSION {
            Self::refuse(socket, "version", "another version is spoken here");
            return Ok(());
        }
        let now = self.now();
        let ahead_ms = now.0.saturating_sub(hello.sent_at_ms);
        let ahead_ms = if ahead_ms.abs() <= CLOCK_OFF_MS { 0 } else { ahead_ms };
        let seat = Seat { run: short(&hello.run), ahead_ms, ..seat };
        let db = self.database();
        let all = self.read_instances(db.as_ref()).await?;
        let is_news = self.take_local(&seat, &hello, &all, db.as_ref()).await?;
        let all = if is_news { self.read_instances(db.as_ref()).await? } else { all };
        if is_news {
            let this = Rc::clone(&self);
            self.state.wait_until(async move { this.tell_of_nodes().await });
        }
        keep(socket, &seat);
        let poll_s = self.poll_s(db.as_ref()).await;
        self.welcome(socket, seat, &all, poll_s)
    }

    /// Programs that listen are told that the list of nodes is another one.
    async fn tell_of_nodes(&self) {
        let told = viewers::client::tell(&Objects::new(&self.env), &[News::NodesChanged], self.now()).await;
        if let Err(error) = told {
            log::error("proxmox.news", &error.to_string());
        }
    }

    /// Instances of an agent's own file that D1 does not know get their rows; gives whether there were such.
    async fn take_local(&self, seat: &Seat, hello: &Hello, all: &[Sealed], db: Option<&Db>) -> Answer<bool> {
        let Some(db) = db else { return Ok(false) };
        let mut is_news = false;
        for local in hello.local.iter().take(MOST_LOCAL) {
            let is_it = |sealed: &&Sealed| {
                sealed.local_key.as_deref() == Some(local.key.as_str())
                    && sealed.instance.collector == Some(HostId(seat.host))
            };
            let kind = match local.kind {
                InstanceKind::Pve => model::InstanceKind::Pve,
                InstanceKind::Pbs => model::InstanceKind::Pbs,
            };
            if all.iter().any(|sealed| is_it(&sealed) && sealed.instance.kind == kind) || local.key.is_empty() {
                continue;
            }
            let taken = |name: &str| all.iter().any(|one| one.instance.kind == kind && one.instance.name == name);
            let name = if local.name.is_empty() { short(&local.host) } else { short(&local.name) };
            let name = if taken(&name) { format!("{name} ({})", seat.host) } else { name };
            let instance = model::Instance {
                id: InstanceId(0),
                kind,
                position: 0,
                name,
                host: short(&local.host),
                access: model::Access::default(),
                fingerprint: String::new(),
                verify_tls: false,
                monitors: model::Monitors::default(),
                cluster: None,
                collector: Some(HostId(seat.host)),
                is_local: true,
                created_at: self.now().seconds(),
            };
            let new = Sealed { instance, secret_sealed: String::new(), local_key: Some(short(&local.key)) };
            instances::insert(db, &new, vec![]).await?;
            is_news = true;
        }
        Ok(is_news)
    }

    /// Seconds between two polls, as people set it.
    async fn poll_s(&self, db: Option<&Db>) -> u64 {
        let Some(db) = db else { return Welcome::POLL_S };
        let said = settings::find(db, settings::PROXMOX_POLL_S).await.ok().flatten();
        said.and_then(|text| text.parse().ok())
            .filter(|seconds| (1..=3_600).contains(seconds))
            .unwrap_or(Welcome::POLL_S)
    }

    /// What this agent polls: what is assigned to it, and what is nobody's and no other agent's that is here.
    fn assigned(&self, host: i64, all: &[Sealed]) -> BTreeSet<i64> {
        let others: BTreeSet<i64> = self
            .sockets()
            .into_iter()
            .filter(|(_, seat)| seat.host != host)
            .flat_map(|(_, seat)| seat.instances)
            .collect();
        let is_its = |sealed: &&Sealed| match sealed.instance.collector {
            Some(collector) => collector.0 == host,
            None => !others.contains(&sealed.instance.id.0),
        };
        all.iter().filter(is_its).map(|sealed| sealed.instance.id.0).collect()
    }

    fn welcome(&self, socket: &WebSocket, seat: Seat, all: &[Sealed], poll_s: u64) -> Answer<()> {
        let tables = self.tables()?;
        let assigned = self.assigned(seat.host, all);
        let mut welcome = Welcome { now_ms: self.now().0, poll_s, ..Welcome::default() };
        let mut polled = BTreeSet::new();
        for sealed in all.iter().filter(|sealed| assigned.contains(&sealed.instance.id.0)) {
            match self.told(sealed) {
                Ok(instance) => {
                    let id = sealed.instance.id.0;
                    welcome.have.insert(instance.id.clone(), tables.hashes(id)?);
                    if let Some((_, run, n)) = tables.last_frame(id)?.filter(|(_, run, _)| *run == seat.run) {
                        drop(run);
                        welcome.durable.insert(instance.id.clone(), n);
                    }
                    polled.insert(id);
                    welcome.instances.push(instance);
                }
                Err(failure) => log::error("proxmox.welcome", &format!("{}: {failure}", sealed.instance.name)),
            }
        }
        keep(socket, &Seat { instances: polled, ..seat });
        say(socket, &FromEdge::Welcome(welcome));
        let left_ms = self.watched_until_ms.get().saturating_sub(self.now().0);
        if let Some(for_s) = u64::try_from(left_ms / 1000).ok().filter(|for_s| *for_s > 0) {
            say(socket, &FromEdge::Watch(Watch { for_s }));
        }
        Ok(())
    }

    /// An instance in the words of the wire, with its credentials.
    fn told(&self, sealed: &Sealed) -> Result<Instance, Failure> {
        let known = &sealed.instance;
        let secret = if sealed.secret_sealed.is_empty() {
            String::new()
        } else {
            self.config.seal_key()?.open(&sealed.secret_sealed)?
        };
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let is_token = !known.access.token_name.is_empty();
        Ok(Instance {
            id: known.id.0.to_string(),
            kind: match known.kind {
                model::InstanceKind::Pve => InstanceKind::Pve,
                model::InstanceKind::Pbs => InstanceKind::Pbs,
            },
            name: known.name.clone(),
            host: known.host.clone(),
            user: text(&known.access.user),
            password: text(&secret).filter(|_| !is_token).map(Hidden),
            token_name: text(&known.access.token_name),
            token_value: text(&secret).filter(|_| is_token).map(Hidden),
            fingerprint: text(&known.fingerprint),
            verify_tls: known.verify_tls,
            monitor: monitor(known.monitors),
            endpoints: known.cluster.iter().flat_map(|cluster| &cluster.endpoints).map(endpoint).collect(),
            local: sealed.local_key.clone(),
        })
    }

    /// Instances are others than they were, or what is polled of them: agents are told.
    pub(super) async fn changed(self: &Rc<Self>, db: Option<&Db>) -> Answer<()> {
        let all = self.read_instances(db).await?;
        self.read_thresholds(db).await?;
        let ids: BTreeSet<i64> = all.iter().map(|sealed| sealed.instance.id.0).collect();
        let gone: Vec<i64> = self.live.borrow().keys().copied().filter(|id| !ids.contains(id)).collect();
        for id in gone {
            self.live.borrow_mut().remove(&id);
            self.tables()?.forget(id)?;
        }
        for live in self.live.borrow().values() {
            let mut live = live.borrow_mut();
            if let Some(sealed) = all.iter().find(|sealed| sealed.instance.id == live.instance.id) {
                live.instance = sealed.instance.clone();
            }
        }
        let poll_s = self.poll_s(db).await;
        for (socket, seat) in self.sockets().into_iter().filter(|(_, seat)| !seat.run.is_empty()) {
            self.welcome(&socket, seat, &all, poll_s)?;
        }
        Ok(())
    }

    /// The instance that a message is of, when its agent was told to poll it.
    fn instance_of(seat: &Seat, id: &str) -> Option<i64> {
        id.parse().ok().filter(|id| seat.instances.contains(id))
    }

    fn frame(self: Rc<Self>, socket: &WebSocket, seat: &Seat, mut frame: Frame, text: &str) -> Answer<()> {
        let Some(id) = Self::instance_of(seat, &frame.instance) else { return Ok(()) };
        let tables = self.tables()?;
        let durable = FromEdge::Durable(Durable { instance: frame.instance.clone(), n: frame.n });
        for poll in &mut frame.polls {
            poll.at_ms = poll.at_ms.saturating_add(seat.ahead_ms);
        }
        if frame.polls.iter().any(|poll| poll.error.is_none()) {
            let at_ms = frame.polls.last().map_or(0, |poll| poll.at_ms);
            let mark = Mark::parse(&tables.meta(&mark_key(id))?.unwrap_or_default());
            let run = (seat.run.as_str(), frame.n);
            let body = match seat.ahead_ms {
                0 => text.to_owned(),
                _ => FromAgent::Frame(frame.clone()).write().map_err(|error| HubError::Corrupt(error.to_string()))?,
            };
            match tables.put_frame(id, run, at_ms, &body, mark.seq)? {
                // It stays with the agent until the hub has what is here.
                Taken::Full => return Ok(()),
                Taken::Known => {
                    say(socket, &durable);
                    return Ok(());
                }
                Taken::New => {}
            }
        }
        say(socket, &durable);
        let this = Rc::clone(&self);
        self.state.wait_until(async move { this.take_frame(id, frame).await });
        Ok(())
    }

    fn section(self: Rc<Self>, socket: &WebSocket, seat: &Seat, section: Section) -> Answer<()> {
        let Some(id) = Self::instance_of(seat, &section.instance) else { return Ok(()) };
        let Section { instance, name, hash, part, parts, body } = section;
        if part == 0 || part > parts || parts > MOST_PARTS {
            return Ok(());
        }
        let key = (id, name.to_string());
        let complete = {
            let mut staged = self.staged.borrow_mut();
            let entry = staged.entry(key.clone()).or_default();
            if entry.0 != hash || entry.1.len() != parts as usize {
                *entry = (hash.clone(), vec![None; parts as usize]);
            }
            if let Some(slot) = entry.1.get_mut((part - 1) as usize) {
                *slot = Some(body.get().to_owned());
            }
            let whole: Option<Vec<String>> = entry.1.iter().cloned().collect();
            if whole.is_some() {
                staged.remove(&key);
            }
            whole
        };
        let Some(bodies) = complete else { return Ok(()) };
        self.tables()?.put_section(id, &key.1, &hash, &bodies)?;
        say(socket, &FromEdge::Kept(Kept { instance, name, hash }));
        let this = Rc::clone(&self);
        self.state.wait_until(async move { this.take_section(id, &key.1).await });
        Ok(())
    }

    fn sections(&self, seat: &Seat, all: &Sections) -> Answer<()> {
        let Some(id) = Self::instance_of(seat, &all.instance) else { return Ok(()) };
        let names: Vec<String> = all.names.iter().map(ToString::to_string).collect();
        self.tables()?.keep_sections(id, &names)?;
        if let Some(live) = self.live.borrow().get(&id) {
            live.borrow_mut().is_relisted = true;
        }
        Ok(())
    }

    /// Somebody looks: every poll is wanted at once for a while.
    pub(super) fn watch(&self) {
        let now_ms = self.now().0;
        if self.watched_until_ms.get().saturating_sub(now_ms) > WATCH_AGAIN_MS {
            return;
        }
        self.watched_until_ms.set(now_ms.saturating_add(60_000));
        for (socket, _) in self.sockets().iter().filter(|(_, seat)| !seat.run.is_empty()) {
            say(socket, &FromEdge::Watch(Watch { for_s: WATCH_S }));
        }
    }

    /// A socket is over: another agent that is here may poll what it did, and what it left goes to the hub.
    pub(super) async fn left(self: Rc<Self>) {
        let db = self.database();
        let Ok(all) = self.instances(db.as_ref()).await else { return };
        let polled: BTreeSet<i64> = self.sockets().into_iter().flat_map(|(_, seat)| seat.instances).collect();
        let free = all.iter().any(|one| one.instance.collector.is_none() && !polled.contains(&one.instance.id.0));
        if free {
            let poll_s = self.poll_s(db.as_ref()).await;
            if let Some((socket, seat)) = self.sockets().into_iter().find(|(_, seat)| !seat.run.is_empty())
                && let Err(error) = self.welcome(&socket, seat, &all, poll_s)
            {
                log::error("proxmox.left", &error.to_string());
            }
        }
        for sealed in all.iter() {
            Rc::clone(&self).pass_on(sealed.instance.id.0, db.as_ref()).await;
        }
    }
}

/// The key of up to where the hub has the minutes of an instance.
pub(super) fn mark_key(instance: i64) -> String {
    format!("posted:{instance}")
}

/// What strangers say, no longer than it may be.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(120).collect()
}

const fn monitor(all: model::Monitors) -> Monitor {
    Monitor {
        vms: all.vms,
        containers: all.containers,
        storage: all.storage,
        backups: all.backups,
        datastores: all.datastores,
        sync_jobs: all.sync_jobs,
        verify_jobs: all.verify_jobs,
        prune_jobs: all.prune_jobs,
        garbage_jobs: all.garbage_jobs,
    }
}

fn endpoint(known: &Endpoint) -> EndpointPart {
    EndpointPart {
        id: known.node_id.clone(),
        node: known.node_name.clone(),
        ip: known.ip.clone(),
        online: known.is_online,
        fingerprint: String::new(),
    }
}
