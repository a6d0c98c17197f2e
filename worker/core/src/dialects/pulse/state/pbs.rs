//! Backup Servers in the state. Source: pulse specification, 6.2.

use serde::Serialize;

use super::{Number, Written, seen};
use crate::dialects::pulse::number::time;
use crate::model::proxmox::{
    DatastoreFacts, DatastoreNow, InstanceKind, InstanceState, PbsJob, PbsJobKind, PbsNow, pbs_id,
};

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Pbs<'a> {
    id: String,
    name: &'a str,
    host: &'a str,
    /// `online` or `offline`.
    status: &'static str,
    /// Quirk: `unknown` before first contact, `connected` where it may not be asked.
    version: &'a str,
    /// 0 to 1.
    cpu: Number,
    /// Quirk: percent, where nodes have an object.
    memory: Number,
    /// Bytes.
    memory_used: u64,
    /// Bytes.
    memory_total: u64,
    /// Seconds.
    uptime: u64,
    datastores: Vec<Datastore<'a>>,
    /// Empty: a Backup Server has none of its own.
    backup_jobs: [(); 0],
    sync_jobs: Vec<SyncJob<'a>>,
    verify_jobs: Vec<VerifyJob<'a>>,
    prune_jobs: Vec<PruneJob<'a>>,
    garbage_jobs: Vec<GarbageJob<'a>>,
    /// `healthy` or `unhealthy`.
    connection_health: &'static str,
    last_seen: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Datastore<'a> {
    name: &'a str,
    /// Bytes; and so the next two.
    total: u64,
    used: u64,
    free: u64,
    /// Percent.
    usage: Number,
    /// `available`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    namespaces: Vec<Namespace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deduplication_factor: Option<Number>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Namespace<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    /// How many slashes the path has.
    depth: usize,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SyncJob<'a> {
    id: &'a str,
    store: &'a str,
    remote: &'a str,
    status: &'a str,
    last_sync: String,
    next_run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct VerifyJob<'a> {
    id: &'a str,
    store: &'a str,
    status: &'a str,
    last_verify: String,
    next_run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct PruneJob<'a> {
    id: &'a str,
    store: &'a str,
    status: &'a str,
    last_prune: String,
    next_run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct GarbageJob<'a> {
    id: &'a str,
    store: &'a str,
    status: &'a str,
    last_garbage: String,
    next_run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Writes the list. One whose credentials are not taken any more is not in it.
pub(super) fn write(instances: &[InstanceState], out: &mut Written) {
    let shown = |state: &&InstanceState| state.instance.kind == InstanceKind::Pbs && !state.health.is_locked_out;
    out.list(instances.iter().filter(shown).map(row));
}

fn row(state: &InstanceState) -> Pbs<'_> {
    let now = state.pbs.as_ref().filter(|pbs| pbs.is_online && state.health.is_connected);
    let facts = state.census.pbs.as_ref();
    let jobs = facts.map(|facts| facts.jobs.as_slice()).unwrap_or_default();
    let of = |kind: PbsJobKind| jobs.iter().filter(move |job| job.kind == kind);
    let memory = now.map(|pbs| pbs.memory).unwrap_or_default();
    let stores = now.map(|pbs: &PbsNow| pbs.datastores.as_slice()).unwrap_or_default();
    let known = |name: &str| facts.and_then(|facts| facts.datastores.iter().find(|one| one.name == name));
    Pbs {
        id: pbs_id(&state.instance.name),
        name: &state.instance.name,
        host: &state.instance.host,
        status: if now.is_some() { "online" } else { "offline" },
        version: match facts.map(|facts| facts.version.as_str()) {
            None => "unknown",
            Some("") => "connected",
            Some(version) => version,
        },
        cpu: Number(now.map_or(0.0, |pbs| pbs.cpu)),
        memory: Number(memory.percent()),
        memory_used: memory.used,
        memory_total: memory.total,
        uptime: now.map_or(0, |pbs| pbs.uptime_s),
        datastores: stores.iter().map(|store| datastore(store, known(&store.name))).collect(),
        backup_jobs: [],
        sync_jobs: of(PbsJobKind::Sync).map(SyncJob::from).collect(),
        verify_jobs: of(PbsJobKind::Verify).map(VerifyJob::from).collect(),
        prune_jobs: of(PbsJobKind::Prune).map(PruneJob::from).collect(),
        garbage_jobs: of(PbsJobKind::Garbage).map(GarbageJob::from).collect(),
        connection_health: if now.is_some() { "healthy" } else { "unhealthy" },
        last_seen: seen(state),
    }
}

fn datastore<'a>(now: &'a DatastoreNow, facts: Option<&'a DatastoreFacts>) -> Datastore<'a> {
    let paths = facts.map(|facts| facts.namespaces.as_slice()).unwrap_or_default();
    let others = paths.iter().map(String::as_str).filter(|path| !path.is_empty());
    Datastore {
        name: &now.name,
        total: now.space.total,
        used: now.space.used,
        free: now.space.free,
        usage: Number(now.space.percent()),
        status: "available",
        error: now.error.as_deref(),
        namespaces: std::iter::once("").chain(others).map(namespace).collect(),
        deduplication_factor: facts.and_then(|facts| facts.deduplication).map(Number),
    }
}

fn namespace(path: &str) -> Namespace<'_> {
    Namespace { path, parent: path.rsplit_once('/').map(|(parent, _)| parent), depth: path.matches('/').count() }
}

/// What was wrong with a job's last run.
fn error(job: &PbsJob) -> Option<&str> {
    Some(job.last_state.as_str()).filter(|state| !state.is_empty() && *state != "OK")
}

impl<'a> From<&'a PbsJob> for SyncJob<'a> {
    fn from(job: &'a PbsJob) -> Self {
        Self {
            id: &job.id,
            store: &job.store,
            remote: &job.remote,
            status: &job.last_state,
            last_sync: time(job.last_run),
            next_run: time(job.next_run),
            error: error(job),
        }
    }
}

impl<'a> From<&'a PbsJob> for VerifyJob<'a> {
    fn from(job: &'a PbsJob) -> Self {
        Self {
            id: &job.id,
            store: &job.store,
            status: &job.last_state,
            last_verify: time(job.last_run),
            next_run: time(job.next_run),
            error: error(job),
        }
    }
}

impl<'a> From<&'a PbsJob> for PruneJob<'a> {
    fn from(job: &'a PbsJob) -> Self {
        Self {
            id: &job.id,
            store: &job.store,
            status: &job.last_state,
            last_prune: time(job.last_run),
            next_run: time(job.next_run),
            error: error(job),
        }
    }
}

impl<'a> From<&'a PbsJob> for GarbageJob<'a> {
    fn from(job: &'a PbsJob) -> Self {
        Self {
            id: &job.id,
            store: &job.store,
            status: &job.last_state,
            last_garbage: time(job.last_run),
            next_run: time(job.next_run),
            removed_bytes: job.removed_bytes,
            error: error(job),
        }
    }
}
