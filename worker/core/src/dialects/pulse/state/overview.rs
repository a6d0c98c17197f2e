//! What our own page of Proxmox shows, as often as somebody looks: nodes, guests, storages and Backup Servers as they are in the state, and
//! how polling fares. Lists of backups and snapshots, of which there may be tens of thousands, are only counted.

use serde::Serialize;

use super::{Backups, Written, guest, node, pbs, storage};
use crate::model::proxmox::{GuestKind, InstanceState, StorageIds};

/// An instance, and how polling it fares.
#[derive(Serialize)]
struct InstanceRow<'a> {
    name: &'a str,
    /// `pve` or `pbs`.
    kind: &'static str,
    /// Scheme, host and port.
    host: &'a str,
    /// The name of its cluster; left out where it is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    /// Whether the newest poll went well and is not too old.
    connected: bool,
    /// Whether its credentials were refused so often that nothing of it is shown any more.
    locked_out: bool,
    /// When a poll last went well, Unix milliseconds; null before the first one.
    polled_at_ms: Option<i64>,
    /// How long that took.
    took_ms: u32,
    /// Why the newest one did not; left out when it did.
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
    /// The number of the host whose agent is to poll it; left out where the first one that can does.
    #[serde(skip_serializing_if = "Option::is_none")]
    collector_id: Option<i64>,
}

#[derive(Serialize)]
struct Counts {
    /// On storages.
    storage_backups: usize,
    /// On Backup Servers.
    pbs_backups: usize,
    snapshots: usize,
}

/// Writes it.
pub fn write_overview(instances: &[InstanceState], backups: &Backups, out: &mut Written) {
    let ids = StorageIds::of(instances);
    out.raw("{");
    out.name("instances");
    out.list(instances.iter().map(InstanceRow::from));
    out.name("nodes");
    node::write(instances, out);
    out.name("vms");
    guest::write(instances, GuestKind::Qemu, backups, out);
    out.name("containers");
    guest::write(instances, GuestKind::Lxc, backups, out);
    out.name("storage");
    storage::write(instances, &ids, out);
    out.name("pbs");
    pbs::write(instances, out);
    out.key("counts", &counts(instances));
    out.raw("}");
}

fn counts(instances: &[InstanceState]) -> Counts {
    let shown = || instances.iter().filter(|state| !state.health.is_locked_out);
    Counts {
        storage_backups: shown().flat_map(|state| &state.backups).map(|store| store.backups.len()).sum(),
        pbs_backups: shown().flat_map(|state| &state.groups).map(|group| group.backups.len()).sum(),
        snapshots: shown().map(|state| state.snapshots.len()).sum(),
    }
}

impl<'a> From<&'a InstanceState> for InstanceRow<'a> {
    fn from(state: &'a InstanceState) -> Self {
        let (instance, health) = (&state.instance, &state.health);
        let cluster = state.census.cluster.as_ref().or(instance.cluster.as_ref());
        Self {
            name: &instance.name,
            kind: instance.kind.word(),
            host: &instance.host,
            cluster: cluster.map(|cluster| cluster.name.as_str()),
            connected: health.is_connected,
            locked_out: health.is_locked_out,
            polled_at_ms: health.polled_at.map(|at| at.0),
            took_ms: health.took_ms,
            error: &health.error,
            collector_id: instance.collector.map(|host| host.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::world::{backup_server, lab};
    use super::*;

    #[test]
    fn the_overview_counts_what_the_state_lists() {
        let mut broken = backup_server();
        broken.health.is_connected = false;
        broken.health.error = "the certificate is another one".to_owned();
        let instances = [lab(), broken];
        let mut out = Written::default();
        write_overview(&instances, &Backups::of(&instances), &mut out);
        let value: Value = serde_json::from_str(&out.text()).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 7, "{keys:?}");
        let count = |key: &str| value[key].as_array().unwrap().len();
        assert!(count("nodes") > 0 && count("vms") > 0 && count("containers") > 0 && count("storage") > 0);
        assert_eq!((&value["instances"][0]["connected"], value["instances"][0].get("error")), (&json!(true), None));
        let broken = &value["instances"][1];
        assert_eq!((&broken["kind"], &broken["connected"]), (&json!("pbs"), &json!(false)));
        assert_eq!(broken["error"], "the certificate is another one");
        let lists = |name: fn(&InstanceState) -> usize| instances.iter().map(name).sum::<usize>();
        assert_eq!(value["counts"]["snapshots"], lists(|state| state.snapshots.len()));
        assert!(value["counts"]["storage_backups"].as_u64().unwrap() > 0);
        assert!(value["counts"]["pbs_backups"].as_u64().unwrap() > 0);
    }
}
