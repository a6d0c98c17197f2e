//! `GET /api/state`, and the state that sockets are sent: one object of everything. Source: pulse specification, 6.
//!
//! It is long, so it is written piece by piece; lists of backups, which are the longest and change seldom, are written apart.

mod backups;
mod guest;
mod host;
mod node;
mod overview;
mod pbs;
mod storage;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod world;

use std::collections::BTreeMap;

use serde::Serialize;

use super::alert::ShortAlert;
use super::number::{Number, time, time_ms};
use super::written::Written;
use crate::model::proxmox::{InstanceKind, InstanceState, ResourceAlert, StorageIds, pbs_id};
use crate::units::{UnixMillis, UnixSeconds};

pub use backups::{Backups, backups_reply, pbs_reply, pve_reply, snapshots_reply};
pub use host::HOSTS;
pub use overview::write_overview;
pub use storage::{FoundStorage, Storage, StorageReply, all_storage, find_storage};

/// All that the state is made of.
#[derive(Debug, Clone, Copy)]
pub struct StateView<'a> {
    /// The instances, in the order in which they are listed.
    pub instances: &'a [InstanceState],
    /// What was written of their backups.
    pub backups: &'a Backups,
    /// A JSON list: hosts of other kinds, as [`HOSTS`] writes them.
    pub hosts: &'a str,
    /// Alerts that go on.
    pub active: &'a [ResourceAlert],
    /// Alerts that were over within the last 5 minutes.
    pub resolved: &'a [ResourceAlert],
    /// What was counted.
    pub totals: Totals,
    /// When anything changed.
    pub changed_at: UnixMillis,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// When it all began.
    pub started_at: UnixSeconds,
    /// How long ago that is, seconds.
    pub uptime_s: f64,
    /// How many polls there were.
    pub polls: u64,
    /// How many of them failed.
    pub failed_polls: u64,
    /// How many sockets are open.
    pub viewers: u32,
}

/// Memory or disk space.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Amount {
    /// Bytes; and so the next two.
    pub total: u64,
    pub used: u64,
    pub free: u64,
    /// Percent.
    pub usage: Number,
}

impl From<crate::model::proxmox::Used> for Amount {
    fn from(used: crate::model::proxmox::Used) -> Self {
        Self { total: used.total, used: used.used, free: used.free(), usage: Number(used.percent()) }
    }
}

impl From<crate::model::proxmox::Space> for Amount {
    fn from(space: crate::model::proxmox::Space) -> Self {
        Self { total: space.total, used: space.used, free: space.free, usage: Number(space.percent()) }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Performance {
    api_call_duration: BTreeMap<String, Number>,
    /// Seconds.
    last_poll_duration: Number,
    polling_start_time: String,
    total_api_calls: u64,
    failed_api_calls: u64,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Stats {
    start_time: String,
    /// Seconds.
    uptime: u64,
    polling_cycles: u64,
    web_socket_clients: u32,
    /// Quirk: not the server's version.
    version: &'static str,
}

/// Writes the state.
pub fn write_state(view: &StateView<'_>, out: &mut Written) {
    let StateView { instances, backups, .. } = *view;
    let ids = StorageIds::of(instances);
    out.raw("{");
    out.name("nodes");
    node::write(instances, out);
    out.name("vms");
    guest::write(instances, crate::model::proxmox::GuestKind::Qemu, backups, out);
    out.name("containers");
    guest::write(instances, crate::model::proxmox::GuestKind::Lxc, backups, out);
    out.name("storage");
    storage::write(instances, &ids, out);
    out.name("pbs");
    pbs::write(instances, out);
    out.name("pbsBackups");
    out.join(&backups.pbs);
    out.name("metrics");
    out.raw("[]");
    out.name("pveBackups");
    out.raw("{");
    backups.write_pve(out);
    out.raw("}");
    out.key("performance", &performance(view));
    out.key("connectionHealth", &connection_health(instances));
    out.key("stats", &stats(view.totals));
    out.name("activeAlerts");
    out.list(view.active.iter().map(ShortAlert::from));
    out.name("recentlyResolved");
    out.list(view.resolved.iter().map(ShortAlert::from));
    out.name("hosts");
    out.raw(view.hosts);
    out.name("dockerHosts");
    out.raw("[]");
    out.key("lastUpdate", &time_ms(Some(view.changed_at)));
    out.raw("}");
}

fn performance(view: &StateView<'_>) -> Performance {
    let newest = view.instances.iter().map(|state| &state.health).max_by_key(|health| health.polled_at);
    let took_ms = newest.map_or(0, |health| health.took_ms);
    let began =
        newest.and_then(|health| health.polled_at).map(|at| UnixMillis(at.0.saturating_sub(i64::from(took_ms))));
    Performance {
        api_call_duration: BTreeMap::new(),
        last_poll_duration: Number(f64::from(took_ms) / 1000.0),
        polling_start_time: time_ms(began),
        total_api_calls: view.totals.polls,
        failed_api_calls: view.totals.failed_polls,
    }
}

fn stats(totals: Totals) -> Stats {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds, none below 0")]
    let uptime = totals.uptime_s.max(0.0) as u64;
    Stats {
        start_time: time(Some(totals.started_at)),
        uptime,
        polling_cycles: totals.polls,
        web_socket_clients: totals.viewers,
        version: "2.0.0-go",
    }
}

fn connection_health(instances: &[InstanceState]) -> BTreeMap<String, bool> {
    let key = |state: &InstanceState| match state.instance.kind {
        InstanceKind::Pve => state.instance.name.clone(),
        InstanceKind::Pbs => pbs_id(&state.instance.name),
    };
    instances.iter().map(|state| (key(state), state.health.is_connected)).collect()
}

/// When a state says that something of it was seen.
fn seen(state: &InstanceState) -> String {
    time_ms(state.health.polled_at)
}
