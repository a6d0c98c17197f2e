//! What programs post of hosts and services, value by value, and what they read back by the same names.

pub mod graphs;
mod pace;
pub(super) mod surplus;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use edgewatch_core::domain::posted::{self, Posted};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{HostId, Sample};
use edgewatch_core::units::UnixSeconds;

use self::graphs::Deleted;
use self::surplus::Surplus;
use super::App;
use super::identity::{Needs, Party};
use super::remember::Reader;
use crate::hub::posted::wire::PointsQuery;
use crate::store::mackerel::{hosts, services};

/// Hosts by their public ids, as far as they were asked for lately, each for all or for one token: which host an id means never
/// changes, and whether it is still there its shard knows.
static HOSTS: Mutex<BTreeMap<(Option<i64>, String), HostId>> = Mutex::new(BTreeMap::new());
/// So many are remembered.
const MAX_HOSTS: usize = 20_000;

/// A posted value, of a host by its public id.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The host's public id.
    pub host: String,
    /// The metric's name.
    pub name: String,
    /// Its second.
    pub at: UnixSeconds,
    /// What it was.
    pub value: f64,
}

/// Whose metrics are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// The host with this public id.
    Host(&'a str),
    /// The service of this name.
    Service(&'a str),
}

/// Stores the values of a post: when this is over they are safe. Those of hosts that are not there, of names that are none and of times
/// too far away are left out where others are good.
///
/// # Errors
/// [`Failure::NotFound`] when none of the hosts is there; [`Failure::Invalid`] when those that were are retired, when no name is one,
/// or when the hosts have as many names as they may have; [`Failure::Unavailable`] when not all was stored: posting it again stores
/// nothing twice.
pub async fn record(app: &App, reader: &Reader, party: &Party, values: Vec<Value>) -> Result<(), Failure> {
    if values.is_empty() {
        return Ok(());
    }
    let made_by = party.reach.made_by();
    let ids: BTreeSet<String> = values.iter().map(|value| value.host.clone()).collect();
    let found = Found::of(app, made_by, ids).await?;
    let values: Vec<Posted> = values
        .into_iter()
        .filter_map(|Value { host, name, at, value }| Some(Posted { of: *found.live.get(&host)?, name, at, value }))
        .collect();
    if values.is_empty() {
        return Err(found.nothing_live());
    }
    let posted = values.len();
    let kept = posted::sort(values, app.now_s());
    if kept.bad_names == posted {
        return Err(bad_name());
    }
    let stored = kept.count();
    let beyond = kept.beyond.clone();
    let sent = send(app, reader, kept.samples).await?;
    surplus::tell(app, Surplus::Metrics, beyond).await;
    if sent.unknown.is_empty() {
        return if sent.full > 0 && sent.full == stored { Err(no_room()) } else { Ok(()) };
    }
    // Some are not there any more: whether others were is for the next look.
    let gone: BTreeSet<HostId> = sent.unknown.iter().copied().map(HostId).collect();
    forget_hosts(&gone);
    if found.live.values().all(|id| gone.contains(id)) {
        let ids = found.live.into_keys().collect();
        return Err(Found::of(app, made_by, ids).await?.nothing_live());
    }
    Ok(())
}

/// Stores the values of a service's metrics as [`record`] does those of a host: name, second and value.
///
/// # Errors
/// As [`record`]; [`Failure::NotFound`] when there is no such service; [`Failure::TooManyAttempts`] when too many posts of it came
/// within the minute.
pub async fn record_of_service(
    app: &App,
    reader: &Reader,
    party: &Party,
    service: &str,
    values: Vec<(String, UnixSeconds, f64)>,
) -> Result<(), Failure> {
    let of = find_service(app, party, service).await?;
    if values.is_empty() {
        return Ok(());
    }
    pace::admit(of, app.now)?;
    let posted = values.len();
    let values = values.into_iter().map(|(name, at, value)| Posted { of, name, at, value }).collect();
    let kept = posted::sort(values, app.now_s());
    if kept.bad_names == posted {
        return Err(bad_name());
    }
    let stored = kept.count();
    let beyond = kept.beyond.clone();
    let sent = send(app, reader, kept.samples).await?;
    surplus::tell(app, Surplus::Metrics, beyond).await;
    if sent.full > 0 && sent.full == stored { Err(no_room()) } else { Ok(()) }
}

/// What became of samples that were sent to their shards.
#[derive(Default)]
struct Sent {
    unknown: Vec<i64>,
    full: usize,
}

/// Sends samples to their shards, each one request. Whoever was remembered and has lost the key meanwhile sends nothing.
async fn send(app: &App, reader: &Reader, samples: BTreeMap<HostId, Vec<Sample>>) -> Result<Sent, Failure> {
    let hub = app.hub()?;
    let mut by_shard: BTreeMap<u32, BTreeMap<HostId, Vec<Sample>>> = BTreeMap::new();
    for (of, samples) in samples {
        by_shard.entry(hub.shard_of(of)).or_default().insert(of, samples);
    }
    let (mut sent, mut epochs) = (Sent::default(), BTreeMap::new());
    let mut is_confirmed = false;
    for (shard, samples) in by_shard {
        let known = reader.remembered_epoch(shard).filter(|_| !is_confirmed);
        let mut reply = hub.post(shard, known, samples.clone()).await?;
        if reply.stale {
            // Something was taken away since: this key, or another one.
            let credential = reader.confirm_by(app, &BTreeMap::from([(shard, reply.epoch)])).await?;
            Party::to(Needs::ReadWrite, credential)?;
            is_confirmed = true;
            reply = hub.post(shard, None, samples).await?;
        }
        sent.unknown.extend(reply.unknown);
        sent.full += reply.full;
        epochs.insert(shard, reply.epoch);
    }
    if !is_confirmed {
        reader.confirm_by(app, &epochs).await?;
    }
    Ok(sent)
}

/// A metric's points from one second to another, both included, oldest first: second and value.
///
/// # Errors
/// [`Failure::NotFound`] when there is no such host or service, or it never had this metric; [`Failure::Unavailable`] when nobody
/// answers.
pub async fn points(
    app: &App,
    reader: &Reader,
    party: &Party,
    of: Of<'_>,
    (name, from, to): (&str, UnixSeconds, UnixSeconds),
) -> Result<Vec<(i64, f64)>, Failure> {
    let (service, of) = (of.service(), of.find(app, party).await?);
    let mut from = from;
    if let Some(service) = service {
        let deleted = Deleted::of(app, service).await?;
        if deleted.without(app, of, vec![name.to_owned()]).await?.is_empty() {
            return Err(Failure::NotFound { what: "metric" });
        }
        from = deleted.since(name).map_or(from, |since| since.max(from));
    }
    let wanted = PointsQuery { of: of.0, name: name.to_owned(), from_s: from.0, to_s: to.0 };
    let (points, epochs) = app.hub()?.points(&wanted).await?;
    still_reads(app, reader, &epochs).await?;
    let points = points.ok_or(Failure::NotFound { what: "metric" })?;
    if points.is_empty() && service.is_none() {
        // A guest has no blocks of its own.
        return Ok(super::guests::points(app, of, name, (from.0, to.0)).await?.unwrap_or(points));
    }
    Ok(points)
}

/// The names of the metrics of a host or service, ascending.
///
/// # Errors
/// As [`points`].
pub async fn names(app: &App, reader: &Reader, party: &Party, of: Of<'_>) -> Result<Vec<String>, Failure> {
    let (service, of) = (of.service(), of.find(app, party).await?);
    let (names, epochs) = app.hub()?.metric_names(of).await?;
    still_reads(app, reader, &epochs).await?;
    match service {
        Some(service) => Deleted::of(app, service).await?.without(app, of, names).await,
        None => Ok(names),
    }
}

/// The newest values of some metrics of those hosts that are there: in the order of the names, each second and value.
///
/// # Errors
/// [`Failure::Unavailable`] when nobody answers.
pub async fn latest(
    app: &App,
    reader: &Reader,
    party: &Party,
    hosts: &[String],
    names: &[String],
) -> Result<BTreeMap<String, Vec<Option<(i64, f64)>>>, Failure> {
    let found = Found::of(app, party.reach.made_by(), hosts.iter().cloned().collect()).await?;
    let all: Vec<HostId> = found.live.values().copied().collect();
    let (mut latest, epochs) = app.hub()?.latest(&all, names).await?;
    still_reads(app, reader, &epochs).await?;
    let of = |(public_id, id): (String, HostId)| Some((public_id, latest.remove(&id.0)?));
    Ok(found.live.into_iter().filter_map(of).collect())
}

async fn still_reads(app: &App, reader: &Reader, epochs: &BTreeMap<u32, u64>) -> Result<(), Failure> {
    Party::to(Needs::Read, reader.confirm_by(app, epochs).await?).map(drop)
}

impl<'a> Of<'a> {
    const fn service(self) -> Option<&'a str> {
        match self {
            Self::Service(name) => Some(name),
            Self::Host(_) => None,
        }
    }

    async fn find(self, app: &App, party: &Party) -> Result<HostId, Failure> {
        match self {
            Self::Service(name) => find_service(app, party, name).await,
            Self::Host(id) => {
                let mut found = Found::of(app, party.reach.made_by(), BTreeSet::from([id.to_owned()])).await?;
                // What was measured of a retired host is still there.
                found.live.remove(id).or_else(|| found.retired.pop()).ok_or(Failure::NotFound { what: "host" })
            }
        }
    }
}

/// The number that a service's metrics are kept under: 1 row read, and one for each of its roles.
async fn find_service(app: &App, party: &Party, name: &str) -> Result<HostId, Failure> {
    party.of_all()?;
    let (service, _) = services::find(&app.db, name).await?.ok_or(Failure::NotFound { what: "service" })?;
    Ok(HostId(-service.id))
}

/// Which hosts some public ids mean.
pub(super) struct Found {
    /// Those that are live, by their public ids.
    pub(super) live: BTreeMap<String, HostId>,
    retired: Vec<HostId>,
}

impl Found {
    /// From memory, and what is not there from the database: 1 row read for each.
    pub(super) async fn of(app: &App, made_by: Option<i64>, ids: BTreeSet<String>) -> Result<Self, Failure> {
        let mut found = Self { live: BTreeMap::new(), retired: Vec::new() };
        let mut rest = Vec::new();
        {
            let known = remembered();
            for id in ids {
                let key = (made_by, id);
                match known.get(&key) {
                    Some(host) => drop(found.live.insert(key.1, *host)),
                    None => rest.push(key.1),
                }
            }
        }
        if rest.is_empty() {
            return Ok(found);
        }
        for named in hosts::list_ids(&app.db, made_by, &rest).await? {
            if named.retired_at.is_some() {
                found.retired.push(named.id);
                continue;
            }
            let mut known = remembered();
            if known.len() >= MAX_HOSTS {
                known.clear();
            }
            known.insert((made_by, named.public_id.clone()), named.id);
            found.live.insert(named.public_id, named.id);
        }
        Ok(found)
    }

    /// What is said of a post of which no host is live. Source: mackerel specification, 5.1.
    pub(super) fn nothing_live(&self) -> Failure {
        if self.retired.is_empty() { Failure::NotFound { what: "host" } } else { invalid("hostId", "is retired") }
    }
}

/// These hosts are not there any more.
pub(super) fn forget_hosts(gone: &BTreeSet<HostId>) {
    remembered().retain(|_, id| !gone.contains(id));
}

fn remembered() -> MutexGuard<'static, BTreeMap<(Option<i64>, String), HostId>> {
    HOSTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bad_name() -> Failure {
    invalid("name", "is no metric's: letters, digits, '.', '_' and '-', at most 255")
}

fn no_room() -> Failure {
    invalid("name", "is beyond the 4,096 of different ones that there is room for")
}

fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}
