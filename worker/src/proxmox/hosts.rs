//! What was polled becomes hosts: made where they are new, told of at the hub, their minutes posted to the blocks of their nodes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::dialects::native;
use edgewatch_core::dialects::native::proxmox::known::{self, Now};
use edgewatch_core::dialects::native::proxmox::{CensusRow, Frame, FromAgent, loose};
use edgewatch_core::domain::ids;
use edgewatch_core::model::proxmox::{Census, GuestNow, GuestStatus, Instance, InstanceId, NodeNow, NodeStatus};
use edgewatch_core::model::{Facts, HostId, Sample};
use edgewatch_core::units::UnixSeconds;

use super::collectors::mark_key;
use super::facts::{self, Told};
use super::minutes::{self, Mark};
use super::object::{Answer, Inner};
use super::parts::{self, Changes, PBS_KEY, Parts, Wanted};
use crate::hub::HubError;
use crate::hub::polled::wire::{PolledHost, PolledRequest, State};
use crate::platform::{log, random};
use crate::store::proxmox::{hosts as store, instances};
use crate::store::{Db, host_edits, settings};

/// So many hosts are made or told of at a time.
const AT_ONCE: usize = 200;
/// So many frames, or ms, go to the hub together.
const MANY_FRAMES: u64 = 40;
const MANY_MS: i64 = 300_000;
/// A poll is told of as lasting a minute: that is how often one is.
const PERIOD_S: u32 = 60;

/// What is known of an instance while the object is awake.
pub(super) struct Live {
    /// The instance.
    pub instance: Instance,
    /// What polls said last.
    pub now: Now,
    /// What it is made of.
    pub census: Census,
    /// Which of it are which hosts.
    pub parts: Parts,
    /// Whether hosts are being told of it, and whether there is more to tell.
    is_busy: bool,
    is_again: bool,
    /// Whether its lists are others than those that were read.
    pub is_relisted: bool,
}

impl Inner {
    /// What is known of an instance; `None` when there is no such instance.
    pub(super) async fn live(&self, id: i64, db: Option<&Db>) -> Answer<Option<Rc<RefCell<Live>>>> {
        if let Some(live) = self.live.borrow().get(&id) {
            return Ok(Some(Rc::clone(live)));
        }
        let all = self.instances(db).await?;
        let Some(sealed) = all.iter().find(|sealed| sealed.instance.id.0 == id) else { return Ok(None) };
        let tables = self.tables()?;
        let mut now = Now::default();
        if let Some(frame) = tables.newest_frames(id, 1)?.pop().and_then(|text| frame_of(&text)) {
            now.take_frame(frame, |_, _| ());
        }
        let parts = match tables.meta(&parts_key(id))?.and_then(|text| serde_json::from_str(&text).ok()) {
            Some(parts) => parts,
            None => match db {
                Some(db) => Parts::of(store::list(db, id).await?),
                None => return Err(HubError::Refused("no database".to_owned())),
            },
        };
        let live = Live {
            instance: sealed.instance.clone(),
            now,
            census: self.census(id)?,
            parts,
            is_busy: false,
            is_again: false,
            is_relisted: true,
        };
        // Another event may have read it meanwhile.
        Ok(Some(Rc::clone(self.live.borrow_mut().entry(id).or_insert_with(|| Rc::new(RefCell::new(live))))))
    }

    fn census(&self, id: i64) -> Answer<Census> {
        let mut rows: Vec<CensusRow> = Vec::new();
        for body in self.tables()?.section(id, "census")? {
            let list: loose::List<CensusRow> =
                serde_json::from_str(&body).map_err(|error| HubError::Corrupt(error.to_string()))?;
            rows.extend(list.0);
        }
        Ok(known::census(rows))
    }

    /// A frame is kept: what it says is passed on.
    pub(super) async fn take_frame(self: Rc<Self>, id: i64, frame: Frame) {
        let db = self.database();
        match self.live(id, db.as_ref()).await {
            Ok(Some(live)) => {
                live.borrow_mut().now.take_frame(frame.clone(), |_, _| ());
                self.pass_on_now(id, db.as_ref()).await;
                if let Err(error) = self.judge_frame(id, &live, frame, db.as_ref()).await {
                    log::error("proxmox.judge", &error.to_string());
                }
            }
            Ok(None) => {}
            Err(error) => log::error("proxmox.frame", &error.to_string()),
        }
    }

    /// A section is kept.
    pub(super) async fn take_section(self: Rc<Self>, id: i64, name: &str) {
        let db = self.database();
        let live = match self.live(id, db.as_ref()).await {
            Ok(Some(live)) => live,
            Ok(None) => return,
            Err(error) => return log::error("proxmox.section", &error.to_string()),
        };
        live.borrow_mut().is_relisted = true;
        if name != "census" {
            return;
        }
        match self.census(id) {
            Ok(census) => live.borrow_mut().census = census,
            Err(error) => return log::error("proxmox.section", &error.to_string()),
        }
        if let Err(error) = self.note_cluster(id, db.as_ref()).await {
            log::error("proxmox.cluster", &error.to_string());
        }
        self.pass_on_now(id, db.as_ref()).await;
    }

    /// Keeps the cluster that an instance was found to be one of: a row when that is news.
    async fn note_cluster(&self, id: i64, db: Option<&Db>) -> Answer<()> {
        let (Some(live), Some(db)) = (self.live(id, db).await?, db) else { return Ok(()) };
        let cluster = {
            let live = live.borrow();
            if live.census.cluster == live.instance.cluster {
                return Ok(());
            }
            live.census.cluster.clone()
        };
        let statement = instances::set_cluster(InstanceId(id), cluster.as_ref())?;
        db.run(statement).await?;
        live.borrow_mut().instance.cluster = cluster;
        self.known.take();
        Ok(())
    }

    /// Tells the hub of what is known, unless that is under way: then once more afterwards.
    async fn pass_on_now(&self, id: i64, db: Option<&Db>) {
        let Ok(Some(live)) = self.live(id, db).await else { return };
        {
            let mut live = live.borrow_mut();
            if live.is_busy {
                live.is_again = true;
                return;
            }
            live.is_busy = true;
        }
        loop {
            live.borrow_mut().is_again = false;
            if let Err(error) = self.tell(id, &live, db).await {
                log::error("proxmox.tell", &error.to_string());
            }
            if let Err(error) = self.post_minutes(id, &live, false).await {
                log::error("proxmox.minutes", &error.to_string());
            }
            if !live.borrow().is_again {
                break;
            }
        }
        live.borrow_mut().is_busy = false;
    }

    /// What is left of an instance goes to the hub.
    pub(super) async fn pass_on(self: Rc<Self>, id: i64, db: Option<&Db>) {
        let posted = match self.live(id, db).await {
            Ok(Some(live)) if !live.borrow().is_busy => self.post_minutes(id, &live, true).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = posted {
            log::error("proxmox.minutes", &error.to_string());
        }
    }

    async fn tell(&self, id: i64, live: &Rc<RefCell<Live>>, db: Option<&Db>) -> Answer<()> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        self.make_hosts(id, live, db).await?;
        let (tables, key) = (self.tables()?, format!("facts:{id}"));
        // What cannot be read is told anew.
        let before = tables.meta(&key)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut told = Told::clone(&before);
        let hosts = polled(&live.borrow(), &mut told, self.now().seconds());
        let mut by_shard: BTreeMap<u32, Vec<PolledHost>> = BTreeMap::new();
        for host in hosts {
            by_shard.entry(self.hub.shard_of(HostId(host.id))).or_default().push(host);
        }
        for (shard, hosts) in by_shard {
            for some in hosts.chunks(AT_ONCE) {
                self.hub.polled(shard, &PolledRequest { hosts: some.to_vec() }).await?;
            }
        }
        // Noted when the hub has it: else it is told again.
        if told != before {
            let text = serde_json::to_string(&told).map_err(|error| HubError::Corrupt(error.to_string()))?;
            tables.put_meta(&key, &text)?;
        }
        Ok(())
    }

    /// Sees to it that every part is a host. Writes what changed, nothing else.
    async fn make_hosts(&self, id: i64, live: &Rc<RefCell<Live>>, db: &Db) -> Answer<()> {
        let (instance, changes) = {
            let mut live = live.borrow_mut();
            let Live { instance, census, now, parts, .. } = &mut *live;
            if now.polled_at.is_none() {
                return Ok(());
            }
            let wanted = parts::wanted(instance, census, now);
            (instance.clone(), parts.changes(&wanted, now, self.now().0))
        };
        if changes.is_empty() {
            if changes.is_noted {
                self.keep_parts(id, &live.borrow().parts)?;
            }
            return Ok(());
        }
        let (nodes, guests): (Vec<Wanted>, Vec<Wanted>) =
            changes.new.iter().cloned().partition(|part| part.node.is_none());
        for some in nodes.chunks(AT_ONCE) {
            let parts = live.borrow().parts.clone();
            self.insert(&instance, some, &parts, db).await?;
        }
        if !nodes.is_empty() {
            let known = store::list(db, id).await?;
            live.borrow_mut().parts.renew(known);
        }
        for some in guests.chunks(AT_ONCE) {
            let parts = live.borrow().parts.clone();
            self.insert(&instance, some, &parts, db).await?;
        }
        let Changes { renamed, moved, back, gone, .. } = changes;
        let mut statements = Vec::new();
        if !renamed.is_empty() {
            statements.extend(store::rename(&renamed)?);
        }
        if !moved.is_empty() {
            statements.extend(store::move_to(&moved)?);
        }
        if !back.is_empty() {
            statements.extend(store::revive(&back));
        }
        if !gone.is_empty() {
            statements.extend(host_edits::retire(&gone, self.now().seconds()));
            statements.push(settings::bump(settings::HOSTS_VERSION));
        }
        if !statements.is_empty() {
            db.batch(statements).await?;
        }
        let known = store::list(db, id).await?;
        live.borrow_mut().parts.renew(known);
        self.keep_parts(id, &live.borrow().parts)?;
        let others = renamed.iter().map(|one| one.host).chain(moved.iter().map(|one| one.host)).map(HostId);
        let told: Vec<HostId> = others.chain(back).chain(gone).collect();
        if !told.is_empty() {
            self.hub.changed(&told).await?;
        }
        Ok(())
    }

    async fn insert(&self, instance: &Instance, some: &[Wanted], parts: &Parts, db: &Db) -> Answer<()> {
        let refused = |failure: edgewatch_core::failure::Failure| HubError::Refused(failure.to_string());
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are random enough")]
        let begin = random::number().map_err(refused)? as u32;
        let mut new = Vec::with_capacity(some.len());
        for (offset, part) in (0..).zip(some) {
            let mut uuid = [0; 16];
            random::fill(&mut uuid).map_err(refused)?;
            new.push(store::NewPart {
                key: part.key.clone(),
                // Those of a batch are told apart by their order.
                public_id: ids::public_id(self.now(), begin.wrapping_add(offset)),
                uuid: ids::uuid(uuid),
                name: part.name.clone(),
                tag: instance.name.clone(),
                class_word: part.class.word(),
                parent: part.node.as_ref().and_then(|node| parts.node(node)).map(|id| id.0),
            });
        }
        db.batch(store::insert(instance.id.0, &new, self.now().seconds())?).await?;
        Ok(())
    }

    fn keep_parts(&self, id: i64, parts: &Parts) -> Answer<()> {
        let text = serde_json::to_string(parts).map_err(|error| HubError::Corrupt(error.to_string()))?;
        self.tables()?.put_meta(&parts_key(id), &text)
    }

    /// Posts whole minutes to the blocks of nodes, when there are many; all that there are when `all`.
    async fn post_minutes(&self, id: i64, live: &Rc<RefCell<Live>>, all: bool) -> Answer<()> {
        let tables = self.tables()?;
        let mark = Mark::parse(&tables.meta(&mark_key(id))?.unwrap_or_default());
        let last = tables.last_frame(id)?.map_or(0, |(seq, ..)| seq);
        if last <= mark.seq {
            return Ok(());
        }
        let is_time = last.saturating_sub(mark.seq) >= MANY_FRAMES
            || self.now().0.saturating_sub(mark.before_ms) >= MANY_MS.saturating_add(60_000);
        if !(all || is_time) {
            return Ok(());
        }
        let made = {
            let live = live.borrow();
            let frames = tables.frames_after(id, mark.seq)?.into_iter();
            let frames = frames.filter_map(|stored| Some((stored.seq, frame_of(&stored.body)?))).collect();
            minutes::whole(frames, &live.census, &live.parts, mark)
        };
        if made.mark == mark {
            return Ok(());
        }
        let mut by_shard: BTreeMap<u32, BTreeMap<HostId, Vec<Sample>>> = BTreeMap::new();
        for (host, samples) in made.samples {
            by_shard.entry(self.hub.shard_of(host)).or_default().insert(host, samples);
        }
        for (shard, samples) in by_shard {
            let reply = self.hub.post(shard, None, samples).await?;
            if reply.full > 0 {
                log::error("proxmox.minutes", &format!("no room for {} values by their names", reply.full));
            }
        }
        tables.put_meta(&mark_key(id), &made.mark.text())
    }
}

fn parts_key(id: i64) -> String {
    format!("parts:{id}")
}

pub(super) fn frame_of(text: &str) -> Option<Frame> {
    match FromAgent::read(text) {
        Ok(FromAgent::Frame(frame)) => Some(frame),
        _ => None,
    }
}

/// How every part is, and what it is where that is news.
fn polled(live: &Live, told: &mut Told, now_s: UnixSeconds) -> Vec<PolledHost> {
    let Live { now, census, parts, .. } = live;
    let is_asked = now.error.is_none();
    let at_ms = now.polled_at.map_or(0, |at| at.0);
    let mut all = Vec::new();
    let mut with_news = |polled: PolledHost, facts: Facts| {
        if told.note(polled.id, &facts, now_s) { polled.with_facts(&facts) } else { polled }
    };
    let state = |is_up: bool| match (is_asked, is_up) {
        (false, _) => State::Unknown,
        (true, true) => State::Up,
        (true, false) => State::Down,
    };
    for node in &now.nodes {
        let Some(host) = parts.node(&node.name) else { continue };
        let is_known = node.status != NodeStatus::Unknown;
        let state = if is_known { state(node.status == NodeStatus::Online) } else { State::Unknown };
        let samples = if state == State::Up { vec![node_sample(node, at_ms)] } else { vec![] };
        let polled = PolledHost::new(host.0, state, PERIOD_S, samples);
        // Of one that is away nobody says how large it is.
        let facts = || facts::of_node(census.node(&node.name), node, began(live, node.uptime_s));
        all.push(if state == State::Up { with_news(polled, facts()) } else { polled });
    }
    for guest in now.guests.values() {
        let Some(host) = parts.host(&parts::guest_key(guest.vmid)) else { continue };
        let facts = census.guest(guest.vmid);
        let node = facts.and_then(|facts| now.nodes.iter().find(|node| node.name == facts.node));
        let can_tell = node.is_none_or(|node| node.status == NodeStatus::Online);
        let state = match guest.status {
            GuestStatus::Unknown => State::Unknown,
            _ if !can_tell => State::Unknown,
            GuestStatus::Stopped => state(false),
            GuestStatus::Running | GuestStatus::Paused | GuestStatus::Suspended => state(true),
        };
        let samples = if state == State::Up { vec![guest_sample(guest, at_ms)] } else { vec![] };
        let polled = PolledHost::new(host.0, state, PERIOD_S, samples);
        let cpus = facts.map_or(0.0, |facts| facts.cpus);
        let facts = || facts::of_guest(cpus, guest, began(live, guest.uptime_s));
        all.push(if state == State::Unknown { polled } else { with_news(polled, facts()) });
    }
    if let (Some(pbs), Some(host)) = (&now.pbs, parts.host(PBS_KEY)) {
        let sample = native::Sample {
            number: 1,
            at_ms,
            cpu_percent: (pbs.memory.total > 0).then_some(pbs.cpu * 100.0),
            mem_used_bytes: (pbs.memory.total > 0).then(|| float(pbs.memory.used)),
            uptime_s: (pbs.uptime_s > 0).then(|| float(pbs.uptime_s)),
            ..native::Sample::default()
        };
        let polled = PolledHost::new(host.0, state(pbs.is_online), PERIOD_S, vec![sample]);
        let facts = Facts {
            platform: "pbs".to_owned(),
            platform_version: census.pbs.as_ref().map(|facts| facts.version.clone()).unwrap_or_default(),
            mem_total_bytes: pbs.memory.total,
            ..Facts::default()
        };
        all.push(if pbs.is_online { with_news(polled, facts) } else { polled });
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "whole metrics are bounded by 2^53 when they come in")]
const fn float(value: u64) -> f64 {
    value as f64
}

fn node_sample(node: &NodeNow, at_ms: i64) -> native::Sample {
    let [minute, five, quarter] = node.load.map_or([None; 3], |load| load.map(Some));
    native::Sample {
        number: 1,
        at_ms,
        cpu_percent: Some(node.cpu * 100.0),
        mem_used_bytes: Some(float(node.memory.used)),
        swap_used_bytes: Some(float(node.swap.used)),
        disk_used_bytes: Some(float(node.disk.used)),
        uptime_s: Some(float(node.uptime_s)),
        load1: minute,
        load5: five,
        load15: quarter,
        ..native::Sample::default()
    }
}

fn guest_sample(guest: &GuestNow, at_ms: i64) -> native::Sample {
    let rate = |rate: i64| u64::try_from(rate).ok().map(float);
    native::Sample {
        number: 1,
        at_ms,
        cpu_percent: Some(guest.cpu * 100.0),
        mem_used_bytes: Some(float(guest.memory.used)),
        disk_used_bytes: guest.disk_used.map(float),
        net_in_bytes_per_s: rate(guest.rates.net_in),
        net_out_bytes_per_s: rate(guest.rates.net_out),
        uptime_s: Some(float(guest.uptime_s)),
        ..native::Sample::default()
    }
}

/// When something began that has run for so long at that moment; 0 for what does not run.
fn began(live: &Live, uptime_s: u64) -> UnixSeconds {
    if uptime_s == 0 {
        return UnixSeconds(0);
    }
    let at_s = live.now.polled_at.map_or(0, |at| at.seconds().0);
    UnixSeconds(at_s.saturating_sub(i64::try_from(uptime_s).unwrap_or(0)).max(0))
}
