//! What the hub and D1 tell each other: who the hosts are, their newest state, and what happened. Everything that waits is here.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::dialects::native::stream::Reason;
use edgewatch_core::model::{Event, HostId, HostStanding, Link};
use edgewatch_core::units::UnixMillis;
use futures_util::future::join;

use super::directory::{self, Entry};
use super::handover::NOTE_KEY;
use super::object::Inner;
use super::shard::{Shard, goodbye};
use super::tracked::Tracked;
use super::{HubError, coarse, handover, news};
use crate::notify::{self, Notice};
use crate::platform::log;
use crate::store::hosts::{self, Enrolled};
use crate::store::mackerel::standings;
use crate::store::newest::{self, Newest};
use crate::store::settings::{self, HOSTS_VERSION, HUB_SHARDS};
use crate::store::{Db, alerts, events, history, outbox};

/// When D1 last got everything.
const FLUSHED_KEY: &str = "flushed_ms";
/// How often a credential was taken away.
const EPOCH_KEY: &str = "epoch";
/// After D1 refused, it is left alone for so long, ms.
const RETRY_MS: i64 = 30_000;
/// After it said that an allowance is used up, for so long, ms: that may last until the day's end.
const RETRY_REFUSED_MS: i64 = 300_000;
/// So many days of history are laid into D1 at a time: a few ms of work each.
const MAX_DAYS: usize = 20;
/// How often it is looked for days that are over, ms.
const DAYS_EVERY_MS: i64 = 60_000;
/// Of so many hosts names are asked for at a time: up to 256 kB of text each.
const MAX_DICTIONARIES: usize = 50;
/// So many events go to D1 at a time.
const MAX_EVENTS: u32 = 50;

/// When D1 is to be told.
#[derive(Debug, Default)]
pub struct Schedule {
    flushed_ms: Cell<i64>,
    every_ms: Cell<i64>,
    is_soon: Cell<bool>,
    not_before_ms: Cell<i64>,
    is_busy: Cell<bool>,
    has_news: Cell<bool>,
    is_finishing: Cell<bool>,
    days_from_ms: Cell<i64>,
    /// When something is due that waits to be told together with others; 0 for never.
    letters_ms: Cell<i64>,
}

impl Schedule {
    /// Reads when D1 last got everything.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn read(&self, shard: &Shard) -> Result<(), HubError> {
        let text = directory::meta(&shard.storage.sql, FLUSHED_KEY)?;
        self.flushed_ms.set(text.and_then(|text| text.parse().ok()).unwrap_or(0));
        Ok(())
    }

    /// There is news that D1 should have at once.
    pub fn soon(&self) {
        self.is_soon.set(true);
    }

    /// When the alarm has to come for D1's sake; `None` when nothing waits.
    pub fn due_ms(&self, now: UnixMillis) -> Option<i64> {
        if self.not_before_ms.get() > now.0 {
            return Some(self.not_before_ms.get());
        }
        let news =
            self.has_news.get().then(|| self.flushed_ms.get().saturating_add(self.every_ms.get()).max(now.0 + 5_000));
        let letters = Some(self.letters_ms.get()).filter(|due_ms| *due_ms > now.0);
        [news, letters].into_iter().flatten().min()
    }
}

/// What D1 is told in one go.
struct Plan {
    states: Vec<Newest>,
    told: Vec<HostId>,
    events: Vec<(Event, Option<String>)>,
}

/// Tells D1 what it does not know, when that is due. What it refuses is told again later, and nothing of it is lost. `now`: ours, or
/// when the schedule was due that asks for it.
pub async fn flush(inner: &Inner, db: Option<&Db>, now: UnixMillis) {
    let Some(db) = db else { return };
    let schedule = &inner.flush;
    if schedule.is_busy.get() || now.0 < schedule.not_before_ms.get() {
        return;
    }
    let plan = match inner.with(|shard| plan(shard, schedule, now)) {
        Ok(Some(plan)) => plan,
        Ok(None) => return deliver_letters(inner, db, now).await,
        Err(error) => return log::error("hub.flush", &error.to_string()),
    };
    schedule.is_busy.set(true);
    let sent = send(inner, db, &plan, now).await;
    schedule.is_busy.set(false);
    match sent {
        Ok(()) => {
            inner.note_d1_writes();
            let settled = inner.with(|shard| settle(shard, schedule, &plan, now));
            if let Err(error) = settled {
                log::error("hub.flush", &error.to_string());
            }
            note_letters(inner, &plan, now);
            if !plan.events.is_empty() {
                join(news::tell(inner, db, &plan.events, now), deliver(inner, db, now)).await;
            }
        }
        Err(error) => {
            let again = inner.with(|shard| {
                for id in &plan.told {
                    if let Some(tracked) = shard.get_mut(*id) {
                        (tracked.is_news, tracked.machine_told) = (true, None);
                    }
                }
                Ok(())
            });
            if let Err(error) = again {
                log::error("hub.flush", &error.to_string());
            }
            schedule.has_news.set(true);
            let wait_ms = if inner.note_failure(&error) { RETRY_REFUSED_MS } else { RETRY_MS };
            schedule.not_before_ms.set(now.0 + wait_ms);
            log::error("hub.flush", &error.to_string());
        }
    }
}

/// Notes when what waits to be told together is due: a second behind the end of its time.
fn note_letters(inner: &Inner, plan: &Plan, now: UnixMillis) {
    if plan.events.iter().any(|(event, _)| !event.is_quiet && notify::waits(event)) {
        let grouping_s = inner.with(|shard| Ok(shard.rules.thresholds.schedule.grouping_s)).unwrap_or_default();
        inner.flush.letters_ms.set(now.0.saturating_add(i64::from(grouping_s) * 1000 + 1_000));
    }
}

async fn deliver_letters(inner: &Inner, db: &Db, now: UnixMillis) {
    if (1..=now.0).contains(&inner.flush.letters_ms.get()) {
        inner.flush.letters_ms.set(0);
        deliver(inner, db, now).await;
    }
}

async fn deliver(inner: &Inner, db: &Db, now: UnixMillis) {
    if let Err(failure) = notify::deliver(db, &inner.config, now.seconds(), notify::MAX_PER_RUN).await {
        log::error("hub.notify", &failure.to_string());
    }
}

fn plan(shard: &mut Shard, schedule: &Schedule, now: UnixMillis) -> Result<Option<Plan>, HubError> {
    let flushed_ms = schedule.flushed_ms.get().min(now.0);
    schedule.every_ms.set(i64::from(shard.levers.newest_s) * 1000);
    let events = directory::owed(&shard.storage.sql, MAX_EVENTS)?;
    let of_events: BTreeSet<HostId> = events.iter().filter_map(|(event, _)| event.host_id).collect();
    let is_stale = |host: &&Tracked| host.seen_ms > flushed_ms || host.is_news || of_events.contains(&host.id());
    schedule.has_news.set(shard.iter().any(|host| is_stale(&host)));
    let is_due = schedule.is_soon.get() || !events.is_empty() || now.0 - flushed_ms >= schedule.every_ms.get();
    if !is_due || (!schedule.has_news.get() && events.is_empty()) {
        return Ok(None);
    }
    let stale: Vec<&Tracked> = shard.iter().filter(is_stale).collect();
    let states = stale.iter().map(|host| newest_of(host)).collect();
    let told: Vec<HostId> = stale.iter().map(|host| host.id()).collect();
    // What comes while D1 is told is news again.
    for id in &told {
        if let Some(tracked) = shard.get_mut(*id) {
            tracked.is_news = false;
            tracked.machine_told = tracked.machine_to_tell().or_else(|| tracked.machine_told.take());
        }
    }
    schedule.is_soon.set(events.len() >= MAX_EVENTS as usize);
    schedule.has_news.set(false);
    Ok(Some(Plan { states, told, events }))
}

fn newest_of(tracked: &Tracked) -> Newest {
    let pace = match tracked.link {
        Link::Socket => (edgewatch_core::model::PERIOD_S, 60),
        Link::Post { period_s, frame_s } => (period_s, frame_s),
    };
    Newest {
        host: tracked.host(),
        addresses_fixed: tracked.entry.addresses_fixed,
        last_number: tracked.durable_up_to(),
        pace,
        machine: tracked.machine_to_tell(),
    }
}

async fn send(inner: &Inner, db: &Db, plan: &Plan, now: UnixMillis) -> Result<(), HubError> {
    // A transaction each: every one may be repeated, and none needs another.
    for statement in newest::put(&plan.states)? {
        db.run(statement).await?;
    }
    if plan.events.is_empty() {
        return Ok(());
    }
    // The newest state of an event's host is told in the same go.
    let host = |event: &Event| plan.states.iter().map(|state| &state.host).find(|host| Some(host.id) == event.host_id);
    let told: Vec<Notice<'_>> = plan
        .events
        .iter()
        .filter(|(event, _)| !event.is_quiet)
        .map(|(event, name)| Notice { event, host: host(event), host_name: name.as_deref(), group: &event.group })
        .collect();
    let queued = notify::queue(db, &inner.config, now.seconds(), &told).await;
    let mut statements = queued.map_err(|failure| HubError::Refused(failure.to_string()))?;
    let overtaken = outbox::drop_overtaken(plan.events.iter().map(|(event, _)| event))?;
    statements.splice(0..0, overtaken);
    statements.push(events::insert(plan.events.iter().map(|(event, _)| event))?);
    statements.extend(alerts::note(plan.events.iter().map(|(event, _)| event))?);
    db.batch(statements).await?;
    Ok(())
}

fn settle(shard: &mut Shard, schedule: &Schedule, plan: &Plan, now: UnixMillis) -> Result<(), HubError> {
    schedule.flushed_ms.set(now.0);
    for (event, _) in &plan.events {
        directory::settle(&shard.storage.sql, &event.key)?;
    }
    directory::put_meta(&shard.storage.sql, FLUSHED_KEY, &now.0.to_string())
}

/// Lays finished days of history into D1; gives when to go on, when there are more.
pub async fn finish_days(inner: &Inner, db: Option<&Db>, now: UnixMillis) -> Option<i64> {
    let db = db?;
    let schedule = &inner.flush;
    if schedule.is_finishing.get() || now.0 < schedule.days_from_ms.get() {
        return None;
    }
    let (days, is_more) = match inner.with(|shard| shard.finished_days(now, MAX_DAYS)) {
        Ok(found) => found,
        Err(error) => {
            log::error("hub.days", &error.to_string());
            return None;
        }
    };
    if days.is_empty() {
        schedule.days_from_ms.set(now.0 + DAYS_EVERY_MS);
        return None;
    }
    schedule.is_finishing.set(true);
    let rings = inner.with(|shard| Ok(shard.storage.lengths.target())).unwrap_or_default();
    let written = coarse::write(db, &rings, &days).await;
    schedule.is_finishing.set(false);
    if written.damaged > 0 {
        log::error("hub.days", &format!("{} blocks could not be read and were begun anew", written.damaged));
    }
    if let Err(error) = inner.with(|shard| shard.note_done(&written.done)) {
        log::error("hub.days", &error.to_string());
    }
    if let Some(error) = written.failed {
        log::error("hub.days", &error.to_string());
        inner.note_failure(&error);
        schedule.days_from_ms.set(now.0 + DAYS_EVERY_MS);
        return None;
    }
    is_more.then_some(now.0 + 5_000)
}

/// Takes in what D1 says of these hosts, or of all: all of them too when `version` is another one than this shard knows.
///
/// # Errors
/// [`HubError::Refused`] when D1 or the object's database does not answer; what is known stays.
pub async fn enrol(
    inner: &Inner,
    db: Option<&Db>,
    ids: Option<&[HostId]>,
    version: Option<u64>,
) -> Result<(), HubError> {
    let place = inner.with(|shard| Ok(shard.place))?;
    let note = version.map(|version| place.noted(version));
    if note.is_some()
        && (place.is_retired() || inner.with(|shard| directory::meta(&shard.storage.sql, NOTE_KEY))? == note)
    {
        return Ok(());
    }
    let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
    if ids.is_none() {
        inner.complete()?;
    }
    // Known before D1 is asked: who comes while it answers is not gone.
    let asked: Vec<HostId> = match ids {
        Some(ids) => ids.iter().copied().filter(|id| place.is_ours(*id)).collect(),
        None => inner.with(|shard| Ok(shard.iter().map(Tracked::id).collect()))?,
    };
    let found = hosts::list_enrolled(db, ids).await?;
    if version.is_some() {
        // They are told with the same number.
        inner.load_probes(Some(db)).await?;
    }
    let found: Vec<Enrolled> = found.into_iter().filter(|one| place.is_ours(one.host.id)).collect();
    let said: Vec<_> = found.iter().filter_map(|one| Some((one.host.id, one.said.clone()?))).collect();
    let mut standings = standings::list(db, ids).await?;
    let mut ours: Vec<Entry> = found.into_iter().map(|one| entry(one, &mut standings)).collect();
    let there: BTreeSet<HostId> = ours.iter().map(|entry| entry.host.id).collect();
    let strangers = inner.with(|shard| handover::strangers(shard, &ours))?;
    if place.index > 0 && !strangers.is_empty() {
        // Before this shard has a host: else nobody would ask it for that once it is one too many.
        db.run(settings::raise(HUB_SHARDS, u64::from(place.index) + 1)).await?;
    }
    let is_elsewhere =
        handover::are_heard(&ours, &strangers) && (place.shards > 1 || settings::find_count(db, HUB_SHARDS).await? > 1);
    for some in strangers.chunks(MAX_DICTIONARIES) {
        let names = history::list_dictionaries(db, some).await?;
        inner.with(|shard| handover::take_names(shard, &names))?;
    }
    let now = inner.now();
    let (gone, shut_out) = inner.with(|shard| {
        if version.is_some() && handover::is_other(shard)? {
            // It may not have judged for long.
            shard.start_anew(now);
        }
        handover::bear_with(shard, &ours, &strangers, now)?;
        if is_elsewhere {
            handover::doubt(&mut ours, &strangers, now);
        }
        let has_other_secret =
            |entry: &&Entry| shard.get(entry.host.id).is_some_and(|known| known.entry.secret_hash != entry.secret_hash);
        let shut_out: Vec<HostId> = ours.iter().filter(has_other_secret).map(|entry| entry.host.id).collect();
        shard.rescope(&ours, now);
        shard.enrol(ours)?;
        for (id, said) in said {
            shard.describe(id, said)?;
        }
        let gone: Vec<HostId> = asked.into_iter().filter(|id| !there.contains(id)).collect();
        for id in &gone {
            shard.retire(*id, now)?;
        }
        if let Some(note) = &note {
            directory::put_meta(&shard.storage.sql, NOTE_KEY, note)?;
        }
        Ok((gone, shut_out))
    })?;
    inner.dismiss_sockets(&gone, &goodbye(Reason::Unauthorized, 0, "the host is no more", None));
    inner.dismiss_sockets(&shut_out, &goodbye(Reason::Unauthorized, 0, "the host has another secret", None));
    inner.push.note_gone(&gone);
    Ok(())
}

/// As [`enrol`] for every host, the first time of all.
///
/// # Errors
/// As [`enrol`].
pub async fn enrol_first(inner: &Inner, db: Option<&Db>) -> Result<(), HubError> {
    let is_known = |shard: &mut Shard| {
        let note = directory::meta(&shard.storage.sql, NOTE_KEY)?;
        Ok(note.is_some_and(|note| shard.place.is_current(&note)))
    };
    if inner.with(is_known)? {
        return Ok(());
    }
    let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
    let version = settings::find_count(db, HOSTS_VERSION).await?;
    enrol(inner, Some(db), None, Some(version)).await
}

fn entry(enrolled: Enrolled, standings: &mut BTreeMap<HostId, HostStanding>) -> Entry {
    Entry {
        standing: standings.remove(&enrolled.host.id).unwrap_or_default(),
        host: enrolled.host,
        secret_hash: enrolled.secret_hash,
        addresses_fixed: enrolled.addresses_fixed,
        coarse_done: None,
        floor: enrolled.last_number,
        told: None,
    }
}

/// How often a credential was taken away, as far as this shard was told.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer.
pub fn epoch(shard: &Shard) -> Result<u64, HubError> {
    Ok(directory::meta(&shard.storage.sql, EPOCH_KEY)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// A credential was taken away.
///
/// # Errors
/// As [`epoch`].
pub fn raise_epoch(shard: &Shard) -> Result<(), HubError> {
    directory::put_meta(&shard.storage.sql, EPOCH_KEY, &epoch(shard)?.saturating_add(1).to_string())
}
