//! Virtual machines and containers in the state.

use serde::Serialize;

use super::{Amount, Backups, Written, seen};
use crate::dialects::pulse::number::{Number, time};
use crate::model::proxmox::{GuestFacts, GuestKind, GuestNow, InstanceState, Space, Used, guest_id};

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Guest<'a> {
    id: String,
    vmid: u32,
    name: &'a str,
    display_name: &'a str,
    node: &'a str,
    instance: &'a str,
    /// `running`, `stopped`, `paused` or `suspended`.
    status: &'static str,
    /// `qemu` or `lxc`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// 0 to 1.
    cpu: Number,
    cpus: Number,
    memory: Amount,
    /// Quirk: of virtual machines 0 in use, unless an agent within says more.
    disk: Amount,
    /// Bytes; and so the next two. For clients of later versions.
    mem: u64,
    maxmem: u64,
    maxdisk: u64,
    /// Bytes per second, -1 before it is known; and so the next three.
    network_in: i64,
    network_out: i64,
    disk_read: i64,
    disk_write: i64,
    /// Seconds.
    uptime: u64,
    /// False: templates are in no list.
    template: bool,
    last_backup: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    lock: &'a str,
    last_seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_status_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    disks: Vec<Disk<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ip_addresses: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    os_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    os_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    agent_version: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network_interfaces: Vec<Interface<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Disk<'a> {
    #[serde(flatten)]
    amount: Amount,
    mountpoint: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    device: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Interface<'a> {
    name: &'a str,
    mac: &'a str,
    addresses: &'a [String],
}

/// Writes the guests of a kind, those of all instances by their numbers. Of guests without facts not even the id is known.
pub(super) fn write(instances: &[InstanceState], kind: GuestKind, backups: &Backups, out: &mut Written) {
    let mut guests: Vec<(&GuestNow, &InstanceState, &GuestFacts)> = vec![];
    for state in instances.iter().filter(|state| !state.health.is_locked_out) {
        let of_kind = state.guests.iter().filter(|guest| guest.kind == kind);
        guests.extend(of_kind.filter_map(|guest| Some((guest, state, state.census.guest(guest.vmid)?))));
    }
    guests.sort_by_key(|(guest, state, _)| (guest.vmid, state.instance.position));
    out.list(guests.into_iter().map(|(guest, state, facts)| row(guest, state, facts, backups)));
}

fn row<'a>(guest: &'a GuestNow, state: &'a InstanceState, facts: &'a GuestFacts, backups: &Backups) -> Guest<'a> {
    let instance = state.instance.name.as_str();
    let system = facts.system.as_deref();
    let interfaces = system.map(|system| system.interfaces.as_slice()).unwrap_or_default();
    let disks = system.map(|system| system.disks.as_slice()).unwrap_or_default();
    Guest {
        id: guest_id(instance, &facts.node, guest.vmid),
        vmid: guest.vmid,
        name: &facts.name,
        display_name: &facts.name,
        node: &facts.node,
        instance,
        status: guest.status.word(),
        kind: guest.kind.word(),
        cpu: Number(guest.cpu),
        cpus: Number(facts.cpus),
        memory: guest.memory.into(),
        disk: Space::from(Used { used: guest.disk_used.unwrap_or(0), total: guest.disk_total }).into(),
        mem: guest.memory.used,
        maxmem: guest.memory.total,
        maxdisk: guest.disk_total,
        network_in: guest.rates.net_in,
        network_out: guest.rates.net_out,
        disk_read: guest.rates.disk_read,
        disk_write: guest.rates.disk_write,
        uptime: guest.uptime_s,
        template: false,
        last_backup: time(backups.newest_of(state.instance.id, guest.vmid)),
        tags: &facts.tags,
        lock: &guest.lock,
        last_seen: seen(state),
        disk_status_reason: facts.disk_reason.map(crate::model::proxmox::DiskReason::word),
        disks: disks.iter().map(Disk::from).collect(),
        ip_addresses: interfaces.iter().flat_map(|one| &one.addresses).map(String::as_str).collect(),
        os_name: system.map_or("", |system| &system.os_name),
        os_version: system.map_or("", |system| &system.os_version),
        agent_version: system.map_or("", |system| &system.agent_version),
        network_interfaces: interfaces.iter().map(Interface::from).collect(),
    }
}

impl<'a> From<&'a crate::model::proxmox::GuestDisk> for Disk<'a> {
    fn from(disk: &'a crate::model::proxmox::GuestDisk) -> Self {
        Self { amount: disk.space.into(), mountpoint: &disk.mount, kind: &disk.kind, device: &disk.device }
    }
}

impl<'a> From<&'a crate::model::proxmox::GuestInterface> for Interface<'a> {
    fn from(one: &'a crate::model::proxmox::GuestInterface) -> Self {
        Self { name: &one.name, mac: &one.mac, addresses: &one.addresses }
    }
}
