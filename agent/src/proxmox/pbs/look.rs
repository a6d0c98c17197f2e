//! One poll of a backup server.

use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::loose::List;
use edgewatch_core::dialects::native::proxmox::{
    CensusRow, DatastoreNow, DatastoreRow, JobRow, Monitor, PbsNow, PbsRow, Poll, PollErrorKind, Tested,
};

use super::shapes::{Datastore, Garbage, Job, Namespace, Node, Space, Status, Version};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;
use crate::proxmox::permits::gather;
use crate::proxmox::place::encoded;

/// So many datastores are asked at a time.
const WIDTH: usize = 4;
/// A name that every backup server has for itself.
const ITSELF: &str = "localhost";

/// What is known of a server beyond one poll.
#[derive(Debug, Default)]
pub struct Memory {
    server: PbsRow,
    datastores: Vec<DatastoreRow>,
    jobs: Vec<JobRow>,
}

impl Memory {
    /// The datastores, with their namespaces.
    pub fn datastores(&self) -> &[DatastoreRow] {
        &self.datastores
    }

    /// The section `census`.
    pub fn census(&self) -> Vec<CensusRow> {
        let mut rows = vec![CensusRow::Pbs(self.server.clone())];
        rows.extend(self.datastores.iter().cloned().map(CensusRow::Datastore));
        rows.extend(self.jobs.iter().cloned().map(CensusRow::Job));
        rows
    }
}

/// Looks at the server and its datastores.
///
/// # Errors
/// When neither its version nor its datastores can be had.
pub fn look(client: &Client, monitor: &Monitor, memory: &mut Memory) -> Result<Poll, ApiError> {
    let version = client.get::<Version>("/version");
    if let Err(error) = &version
        && error.kind != PollErrorKind::Auth
        && error.status == 0
    {
        return Err(error.clone());
    }
    let listed = client.get::<List<Datastore>>("/admin/datastore");
    let stores = match (listed, &version) {
        (Ok(stores), _) => stores.0,
        (Err(_), Ok(_)) if !monitor.datastores => Vec::new(),
        (Err(error), _) => return Err(error),
    };
    // Source: pulse specification, 18.2: a token may see datastores and nothing else.
    memory.server.version = version.map_or_else(|_| "connected".to_owned(), |version| version.version);
    if memory.server.node.is_empty()
        && let Ok(nodes) = client.get::<List<Node>>("/nodes")
    {
        memory.server.node = nodes.0.into_iter().map(|node| node.node).next().unwrap_or_default();
    }
    let itself = if memory.server.node.is_empty() { ITSELF } else { &memory.server.node };
    let status = client.get::<Status>(&format!("/nodes/{}/status", encoded(itself))).unwrap_or_default();
    memory.server.kernel.clone_from(&status.kversion);
    memory.server.cpu_model.clone_from(&status.cpuinfo.model);
    memory.server.cores = status.cpuinfo.cpus;
    let stores = if monitor.datastores { stores } else { Vec::new() };
    memory.datastores.retain(|known| stores.iter().any(|store| store.store == known.name));
    for store in &stores {
        if !memory.datastores.iter().any(|known| known.name == store.store) {
            let namespaces = vec![String::new()];
            memory.datastores.push(DatastoreRow { name: store.store.clone(), namespaces, ..DatastoreRow::default() });
        }
        if let Some(known) = memory.datastores.iter_mut().find(|known| known.name == store.store) {
            known.comment.clone_from(&store.comment);
            known.maintenance.clone_from(&store.maintenance);
        }
    }
    let spaces = gather(&stores, WIDTH, |store| {
        client.get::<Space>(&format!("/admin/datastore/{}/status", encoded(&store.store)))
    });
    let datastores = stores.iter().zip(spaces).map(|(store, space)| datastore(&store.store, space)).collect();
    let pbs = PbsNow {
        status: "online".to_owned(),
        cpu: if status.cpu.is_finite() { (status.cpu * 10_000.0).round() / 10_000.0 } else { 0.0 },
        mem_used: status.memory.used,
        mem_total: status.memory.total,
        disk_used: status.root.used,
        disk_total: status.root.total,
        uptime_s: status.uptime,
        load: status.loadavg.iter().map(|load| load.0.unwrap_or_default()).collect(),
        datastores,
    };
    Ok(Poll { pbs: Some(pbs), ..Poll::default() })
}

/// One whose sizes cannot be had has none, and says why.
fn datastore(name: &str, space: Result<Space, ApiError>) -> DatastoreNow {
    let name = name.to_owned();
    match space {
        Ok(Space { total, used, avail }) => DatastoreNow { name, used, total, avail, error: None },
        Err(error) => DatastoreNow { name, error: Some(error.to_string()), ..DatastoreNow::default() },
    }
}

/// Learns what changes rarely: namespaces and jobs. What cannot be had stays as it was.
pub fn learn(client: &Client, monitor: &Monitor, memory: &mut Memory) {
    let mut jobs = Vec::new();
    for datastore in &mut memory.datastores {
        let path = format!("/admin/datastore/{}/", encoded(&datastore.name));
        if let Ok(found) = client.get::<List<Namespace>>(&format!("{path}namespace")) {
            let mut namespaces: Vec<String> = found.0.into_iter().map(|namespace| namespace.ns).collect();
            namespaces.push(String::new());
            // The root's name is empty: it comes first.
            namespaces.sort_unstable();
            namespaces.dedup();
            datastore.namespaces = namespaces;
        }
        if let Ok(garbage) = client.get::<Garbage>(&format!("{path}gc")) {
            let factor = garbage.index_data_bytes / garbage.disk_bytes;
            datastore.deduplication =
                Some(factor).filter(|factor| factor.is_finite()).map(|factor| (factor * 100.0).round() / 100.0);
            if monitor.garbage_jobs {
                jobs.push(JobRow {
                    kind: "garbage".to_owned(),
                    id: datastore.name.clone(),
                    store: datastore.name.clone(),
                    schedule: garbage.schedule,
                    last_state: garbage.last_run_state,
                    last_end_s: garbage.last_run_endtime,
                    next_s: garbage.next_run,
                    removed: garbage.removed_bytes,
                    ..JobRow::default()
                });
            }
        }
    }
    for (kind, is_wanted) in
        [("sync", monitor.sync_jobs), ("verify", monitor.verify_jobs), ("prune", monitor.prune_jobs)]
    {
        if !is_wanted {
            continue;
        }
        match client.get::<List<Job>>(&format!("/admin/{kind}")) {
            Ok(found) => jobs.extend(found.0.into_iter().map(|job| row(kind, job))),
            Err(_) => jobs.extend(memory.jobs.iter().filter(|job| job.kind == kind).cloned()),
        }
    }
    memory.jobs = jobs;
}

fn row(kind: &str, job: Job) -> JobRow {
    JobRow {
        kind: kind.to_owned(),
        id: job.id,
        store: job.store,
        remote: job.remote,
        schedule: job.schedule,
        last_state: job.last_run_state,
        last_end_s: job.last_run_endtime,
        next_s: job.next_run,
        removed: None,
    }
}

/// What a backup server says of itself.
///
/// # Errors
/// When its datastores cannot be had.
pub fn test(client: &Client) -> Result<Tested, ApiError> {
    let begun = Instant::now();
    let stores: List<Datastore> = client.get("/admin/datastore")?;
    let took_ms = begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    let version: Version = client.get("/version").unwrap_or_default();
    let nodes: List<Node> = client.get("/nodes").unwrap_or_default();
    Ok(Tested {
        took_ms,
        version: version.version,
        node: nodes.0.into_iter().map(|node| node.node).next().unwrap_or_default(),
        datastores: stores.0.len().try_into().unwrap_or(u64::MAX),
        fingerprint: client.fingerprint().map(|print| print.to_string()).unwrap_or_default(),
        ..Tested::default()
    })
}
