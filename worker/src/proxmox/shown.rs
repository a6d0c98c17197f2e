//! What is seen of the instances: their whole state, put together from what is kept, in the words of programs for Pulse.

use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::dialects::native::proxmox::{Backup, PbsBackup, SectionName, Snapshot, Task, listed, loose};
use edgewatch_core::dialects::pulse::{self, Backups, StateView, Totals, Written};
use edgewatch_core::model::proxmox::{Health, InstanceKind, InstanceState, PollErrorKind};
use edgewatch_core::units::UnixSeconds;
use futures_util::stream;
use serde::de::DeserializeOwned;
use worker::{Error, Response};

use super::hosts::Live;
use super::object::{Answer, Inner};
use super::parts::{PBS_KEY, guest_key, node_key};
use super::wire::{ShowRequest, What};
use crate::hub::HubError;
use crate::store::proxmox::hosts;
use crate::store::{Db, settings};

/// An instance that was not heard of for so long cannot be polled, ms: three frames.
const SILENT_MS: i64 = 190_000;

/// So many polls that failed in succession because the credentials were refused, and nothing of the instance is shown any more. Source:
/// pulse specification, 6.2.
const LOCKED_OUT_AFTER: u32 = 5;

/// What was put together last: lists are kept for as long as nothing of them changes.
#[derive(Default)]
pub(super) struct Shown {
    states: Vec<InstanceState>,
    backups: Option<Backups>,
}

impl Inner {
    /// Brings what is shown up to date; reads lists that changed.
    async fn renew(&self, db: Option<&Db>) -> Answer<()> {
        let all = self.instances(db).await?;
        let mut lives = Vec::with_capacity(all.len());
        for sealed in all.iter() {
            lives.extend(self.live(sealed.instance.id.0, db).await?);
        }
        let mut shown = self.shown.borrow_mut();
        let mut before: BTreeMap<i64, InstanceState> =
            shown.states.drain(..).map(|state| (state.instance.id.0, state)).collect();
        let mut is_relisted = before.len() != lives.len();
        for live in lives {
            let mut live = live.borrow_mut();
            let known = before.remove(&live.instance.id.0).filter(|_| !live.is_relisted);
            is_relisted |= known.is_none();
            let mut state = match known {
                Some(known) => known,
                None => self.lists(&live)?,
            };
            live.is_relisted = false;
            let was_locked_out = state.health.is_locked_out;
            state.health = self.health_of(&live);
            is_relisted |= was_locked_out != state.health.is_locked_out;
            (state.instance, state.census) = (live.instance.clone(), live.census.clone());
            state.nodes.clone_from(&live.now.nodes);
            state.guests = live.now.guests.values().cloned().collect();
            state.storages = live.now.storages(&live.census);
            state.pbs.clone_from(&live.now.pbs);
            shown.states.push(state);
        }
        if is_relisted {
            shown.backups = None;
        }
        Ok(())
    }

    /// Reads anew which hosts guests are told nothing of, when hosts changed since that was done last: a row for the count, else one for
    /// each part.
    async fn renew_parts(&self, db: Option<&Db>) -> Answer<()> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let version = settings::find_count(db, settings::HOSTS_VERSION).await?;
        if self.hosts_version.get() == Some(version) {
            return Ok(());
        }
        let lives: Vec<_> = self.live.borrow().iter().map(|(id, live)| (*id, Rc::clone(live))).collect();
        for (id, live) in lives {
            let parts = hosts::list(db, id).await?;
            live.borrow_mut().parts.renew(parts);
        }
        self.hosts_version.set(Some(version));
        Ok(())
    }

    /// An answer to who looks, in pieces.
    pub(super) async fn show(&self, text: &str, db: Option<&Db>) -> Answer<Response> {
        let wanted: ShowRequest = serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))?;
        self.watch();
        self.renew(db).await?;
        if wanted.for_guests {
            self.renew_parts(db).await?;
        }
        let (now, hidden) = (self.now(), wanted.for_guests);
        let written = match wanted.what {
            What::State { hosts, viewers, started_at_s } => {
                let started_at = UnixSeconds(started_at_s);
                #[expect(clippy::cast_precision_loss, reason = "shown, not counted")]
                let uptime_s = now.seconds().since(started_at) as f64;
                let (polls, failed_polls) = self.polls();
                let totals = Totals { started_at, uptime_s, polls, failed_polls, viewers };
                let (active, resolved) =
                    (self.active_alerts(hidden, db).await?, self.resolved_alerts(hidden, db).await?);
                self.with_shown(hidden, |instances, backups| {
                    let mut out = Written::default();
                    let changed_at = instances.iter().filter_map(|state| state.health.polled_at).max().unwrap_or(now);
                    let (hosts, active, resolved) = (hosts.as_str(), active.as_slice(), resolved.as_slice());
                    let view = StateView { instances, backups, hosts, active, resolved, totals, changed_at };
                    pulse::write_state(&view, &mut out);
                    Some(out)
                })
            }
            What::Overview => self.with_shown(hidden, |instances, backups| {
                let mut out = Written::default();
                pulse::write_overview(instances, backups, &mut out);
                Some(out)
            }),
            What::Alerts => {
                let mut out = Written::default();
                out.list(self.active_alerts(hidden, db).await?.iter().map(pulse::Alert::from));
                Some(out)
            }
            What::Backups => self.with_shown(hidden, |_, backups| Some(pulse::backups_reply(backups))),
            What::BackupsOfPve => self.with_shown(hidden, |_, backups| Some(pulse::pve_reply(backups))),
            What::BackupsOfPbs => self.with_shown(hidden, |states, backups| Some(pulse::pbs_reply(states, backups))),
            What::Snapshots => self.with_shown(hidden, |_, backups| Some(pulse::snapshots_reply(backups))),
            What::Storages => self.with_shown(hidden, |states, _| {
                let mut out = Written::default();
                out.value(&pulse::all_storage(states, now.seconds()));
                Some(out)
            }),
            What::Storage { id } => self.with_shown(hidden, |states, _| {
                pulse::find_storage(states, &id).map(|found| found.reply(now.seconds()))
            }),
            What::Charts { range } => Some(self.charts(&range, hidden).await?),
            What::StorageCharts { minutes } => Some(self.storage_charts(minutes, hidden).await?),
        };
        let Some(written) = written else {
            return Response::error("no such thing", 404).map_err(|error| HubError::Refused(error.to_string()));
        };
        streamed(written)
    }

    /// Works on what is shown, without what guests are told nothing of when `for_guests`.
    pub(super) fn with_shown<T>(&self, for_guests: bool, work: impl FnOnce(&[InstanceState], &Backups) -> T) -> T {
        let mut shown = self.shown.borrow_mut();
        let Shown { states, backups } = &mut *shown;
        if for_guests {
            let open: Vec<InstanceState> = states.iter().filter_map(|state| self.open_part(state)).collect();
            return work(&open, &Backups::of(&open));
        }
        let backups = backups.get_or_insert_with(|| Backups::of(states));
        work(states, backups)
    }

    /// What guests may see of an instance: nodes and guests that are not hidden, and what lies at such nodes. `None` for one of which
    /// everything is hidden: its name and address are nobody's business either.
    fn open_part(&self, state: &InstanceState) -> Option<InstanceState> {
        let mut open = state.clone();
        let lives = self.live.borrow();
        let live = lives.get(&state.instance.id.0).map(|live| live.borrow());
        let is_open = |key: &str| {
            let part = live.as_ref().and_then(|live| live.parts.0.get(key));
            part.is_some_and(|part| !part.retired && !part.hidden)
        };
        let node = |name: &str| is_open(&node_key(name));
        let guest = |vmid: u32| is_open(&guest_key(vmid));
        open.nodes.retain(|one| node(&one.name));
        open.census.nodes.retain(|one| node(&one.name));
        open.guests.retain(|one| guest(one.vmid));
        open.census.guests.retain(|one| guest(one.vmid));
        open.storages.retain(|one| node(&one.node));
        open.census.storages.retain(|one| node(&one.node));
        open.tasks.retain(|one| node(&one.node) && guest(one.vmid));
        for store in &mut open.backups {
            store.backups.retain(|one| guest(one.vmid));
        }
        open.snapshots.retain(|one| guest(one.vmid));
        let is_seen = match open.instance.kind {
            InstanceKind::Pve => !open.nodes.is_empty(),
            InstanceKind::Pbs => is_open(PBS_KEY),
        };
        is_seen.then_some(open)
    }

    /// Whether each instance can be polled, by number.
    pub(super) async fn health(&self, db: Option<&Db>) -> Answer<BTreeMap<i64, (bool, String)>> {
        let all = self.instances(db).await?;
        let mut healths = BTreeMap::new();
        for sealed in all.iter() {
            let Some(live) = self.live(sealed.instance.id.0, db).await? else { continue };
            let health = self.health_of(&live.borrow());
            healths.insert(sealed.instance.id.0, (health.is_connected, health.error));
        }
        Ok(healths)
    }

    /// How many polls there were while the object was awake, and how many of them failed.
    fn polls(&self) -> (u64, u64) {
        let lives = self.live.borrow();
        let all = lives.values().map(|live| live.borrow().now.polls);
        all.fold((0, 0), |sum, polls| (sum.0.saturating_add(polls.0), sum.1.saturating_add(polls.1)))
    }

    fn health_of(&self, live: &Live) -> Health {
        let now_ms = self.now().0;
        let is_fresh = live.now.polled_at.is_some_and(|at| now_ms.saturating_sub(at.0) <= SILENT_MS);
        let error = live.now.error.as_ref();
        Health {
            is_connected: is_fresh && error.is_none(),
            is_locked_out: error.is_some_and(|error| error.kind == PollErrorKind::Auth)
                && (!is_fresh || live.now.refusals >= LOCKED_OUT_AFTER),
            polled_at: live.now.polled_at,
            took_ms: live.now.took_ms,
            error: error.map(|error| error.text.clone()).unwrap_or_default(),
        }
    }

    /// The lists of an instance: tasks, backups, snapshots.
    fn lists(&self, live: &Live) -> Answer<InstanceState> {
        let mut state = InstanceState {
            instance: live.instance.clone(),
            health: Health::default(),
            census: live.census.clone(),
            nodes: Vec::new(),
            guests: Vec::new(),
            storages: Vec::new(),
            pbs: None,
            tasks: Vec::new(),
            backups: Vec::new(),
            snapshots: Vec::new(),
            groups: Vec::new(),
        };
        for (name, body) in self.tables()?.sections(live.instance.id.0)? {
            match SectionName::parse(&name) {
                SectionName::Tasks { node } => {
                    state.tasks.extend(rows::<Task>(&body).into_iter().map(|row| listed::task(&node, row)));
                }
                SectionName::Backups { storage, node } => {
                    let rows = rows::<Backup>(&body);
                    state.backups.push(listed::backup_store(&storage, node.as_deref(), rows, &live.census));
                }
                SectionName::Snapshots { .. } => {
                    state.snapshots.extend(rows::<Snapshot>(&body).into_iter().map(listed::snapshot));
                }
                SectionName::Pbs { datastore, namespace, .. } => {
                    state.groups.extend(listed::groups(&datastore, &namespace, rows::<PbsBackup>(&body)));
                }
                SectionName::Census | SectionName::Other(_) => {}
            }
        }
        Ok(state)
    }
}

/// The rows of a part that can be read.
fn rows<T: DeserializeOwned>(body: &str) -> Vec<T> {
    serde_json::from_str::<loose::List<T>>(body).map(|list| list.0).unwrap_or_default()
}

/// An answer that goes out piece by piece.
fn streamed(written: Written) -> Answer<Response> {
    let pieces = written.finish().into_iter().map(|piece| Ok::<Vec<u8>, Error>(piece.to_vec()));
    Response::from_stream(stream::iter(pieces)).map_err(|error| HubError::Refused(error.to_string()))
}
