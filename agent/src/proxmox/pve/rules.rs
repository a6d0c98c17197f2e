//! What the values of Proxmox VE come to. Pure. Source: pulse specification, 6.2, 17.3 and 19.

use edgewatch_core::dialects::native::proxmox::{
    Backup, GuestKind, GuestNow, GuestRow, GuestStatus, NodeNow, NodeRow, Snapshot, StorageNow, StorageRow,
    StorageStatus, Task,
};

use super::disks::Disk;
use super::shapes::{Content, Current, Guest, GuestSnapshot, Node, NodeStatus, NodeTask, Space, Storage};
use crate::proxmox::rates::Counters;

/// Storages of these types are the same on all nodes, whatever else is said.
const SHARED: [&str; 7] = ["nfs", "cifs", "pbs", "rbd", "cephfs", "iscsi", "glusterfs"];

/// A share of all cores, to four places: finer steps only cost bytes.
pub fn share(cpu: f64) -> f64 {
    if cpu.is_finite() { (cpu.max(0.0) * 10_000.0).round() / 10_000.0 } else { 0.0 }
}

/// A node, with its status where that could be had.
pub fn node(node: &Node, status: Option<&NodeStatus>, storages: &[Storage]) -> NodeNow {
    if node.status != "online" {
        return NodeNow { name: node.name.clone(), status: node.status.clone(), ..NodeNow::default() };
    }
    let root = status.map(|status| status.rootfs).unwrap_or_default();
    let listed = Space { total: node.maxdisk, used: node.disk, avail: node.maxdisk - node.disk };
    let stored = ["local", "local-lvm"].into_iter().filter_map(|name| {
        let storage = storages.iter().find(|storage| storage.name == name)?;
        Some(Space { total: storage.total, used: storage.used, avail: storage.avail })
    });
    let disk = [root, listed].into_iter().chain(stored).find(|space| space.total > 0).unwrap_or_default();
    let swap = status.map(|status| status.swap).unwrap_or_default();
    let load = status.map(|status| status.loadavg.iter().map(|load| load.0.unwrap_or_default()).collect());
    NodeNow {
        name: node.name.clone(),
        status: node.status.clone(),
        cpu: share(node.cpu),
        mem_used: node.mem,
        mem_total: node.maxmem,
        swap_used: swap.used,
        swap_total: swap.total,
        disk_used: disk.used,
        disk_total: disk.total,
        disk_free: disk.avail.max(0),
        uptime_s: node.uptime,
        load: load.unwrap_or_default(),
    }
}

/// What a node is; nothing of its status is known while that cannot be had.
pub fn node_row(node: &Node, status: Option<&NodeStatus>, before: Option<&NodeRow>) -> NodeRow {
    let Some(status) = status else {
        let known = before.cloned().unwrap_or_default();
        return NodeRow { name: node.name.clone(), ..known };
    };
    let info = &status.cpuinfo;
    let cores = [node.maxcpu, info.cpus, info.cores].into_iter().find(|cores| *cores > 0).unwrap_or_default();
    NodeRow {
        name: node.name.clone(),
        pve_version: status.pveversion.clone(),
        kernel: status.kversion.clone(),
        cpu_model: info.model.clone(),
        cores,
        sockets: info.sockets,
        mhz: info.mhz.clone(),
        level: node.level.clone(),
    }
}

/// Memory of a virtual machine: in use, and all of it. `current` is missing when it could not be had.
pub fn machine_memory(guest: &Guest, current: Option<&Current>) -> (i64, i64) {
    let Some(current) = current.filter(|_| guest.status == "running") else { return (0, guest.maxmem) };
    let is_smaller = current.balloon > 0 && current.balloon < guest.maxmem;
    let total = if is_smaller { current.balloon } else { guest.maxmem };
    let used = if current.freemem > 0 { total - current.freemem } else { current.mem };
    (used.clamp(0, total.max(0)), total)
}

/// A guest as of now.
pub fn guest(kind: GuestKind, guest: &Guest, current: Option<&Current>, rates: Counters) -> GuestNow {
    let is_running = guest.status == "running";
    let (mem_used, mem_total) = match kind {
        GuestKind::Qemu => machine_memory(guest, current),
        GuestKind::Lxc => (if is_running { guest.mem } else { 0 }, guest.maxmem),
    };
    let [net_in, net_out, disk_read, disk_write] = rates;
    GuestNow {
        vmid: guest.vmid,
        kind,
        status: GuestStatus::of(&guest.status),
        cpu: if is_running { share(guest.cpu) } else { 0.0 },
        mem_used,
        mem_total,
        disk_used: guest.disk,
        disk_total: guest.maxdisk,
        net_in,
        net_out,
        disk_read,
        disk_write,
        uptime_s: guest.uptime,
        lock: guest.lock.clone(),
    }
}

/// What a guest is.
pub fn guest_row(kind: GuestKind, node: &str, guest: &Guest, disk: Option<Disk>) -> GuestRow {
    let tags = guest.tags.split([';', ',', ' ']).map(str::trim).filter(|tag| !tag.is_empty());
    GuestRow {
        vmid: guest.vmid,
        kind,
        node: node.to_owned(),
        name: guest.name.clone(),
        cpus: guest.cpus,
        template: guest.template,
        tags: tags.map(str::to_owned).collect(),
        disk_reason: if let Some(Disk::Unknown(reason)) = disk { reason.to_owned() } else { String::new() },
    }
}

/// What happened on a guest since it was started.
pub fn counters(guest: &Guest) -> Counters {
    [guest.netin, guest.netout, guest.diskread, guest.diskwrite]
}

/// A storage on a node as of now.
pub fn storage(node: &str, storage: &Storage) -> StorageNow {
    let status = match (storage.enabled.unwrap_or(true), storage.active) {
        (false, _) => StorageStatus::Disabled,
        (true, true) => StorageStatus::Available,
        (true, false) => StorageStatus::Inactive,
    };
    StorageNow {
        name: storage.name.clone(),
        node: node.to_owned(),
        status,
        used: storage.used,
        total: storage.total,
        avail: storage.avail,
    }
}

/// What a storage on a node is.
pub fn storage_row(node: &str, storage: &Storage) -> StorageRow {
    let mut content: Vec<&str> = storage.content.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    content.sort_unstable();
    StorageRow {
        name: storage.name.clone(),
        node: node.to_owned(),
        kind: storage.kind.clone(),
        content: content.join(","),
        shared: storage.shared || SHARED.contains(&storage.kind.as_str()),
        enabled: storage.enabled.unwrap_or(true),
    }
}

/// A backup on a storage; `None` for what is none.
pub fn backup(content: Content) -> Option<Backup> {
    if content.volid.is_empty() || !matches!(content.kind.as_str(), "backup" | "") {
        return None;
    }
    let (name, format) = (&content.volid, &content.format);
    let kind = if name.contains("/vm/") || name.contains("qemu") {
        "qemu"
    } else if name.contains("/ct/") || name.contains("lxc") {
        "lxc"
    } else if name.contains("/host/") {
        "host"
    } else {
        match (content.subtype.as_str(), format.as_str()) {
            ("qemu", _) => "qemu",
            ("lxc", _) => "lxc",
            (_, format) if format.contains("vma") || format == "pbs-vm" => "qemu",
            (_, format) if format.contains("tar") || format == "pbs-ct" => "lxc",
            _ => "unknown",
        }
    };
    Some(Backup {
        kind: kind.to_owned(),
        vmid: content.vmid,
        at_s: content.ctime,
        size: content.size,
        format: content.format,
        notes: content.notes,
        protected: content.protected,
        verification: content.verification.state,
        encrypted: !matches!(content.encrypted.as_str(), "" | "0" | "false"),
        volid: content.volid,
    })
}

/// A backup task; `None` for another one.
pub fn task(task: NodeTask) -> Option<Task> {
    (task.kind == "vzdump").then_some(Task {
        upid: task.upid,
        kind: task.kind,
        vmid: task.id,
        start_s: task.starttime,
        end_s: task.endtime,
        status: task.status,
        user: task.user,
    })
}

/// A snapshot of a guest; `None` for what stands for the guest as it is.
pub fn snapshot(guest: &GuestRow, snapshot: GuestSnapshot) -> Option<Snapshot> {
    (snapshot.name != "current" && !snapshot.name.is_empty()).then(|| Snapshot {
        vmid: guest.vmid,
        kind: guest.kind,
        node: guest.node.clone(),
        name: snapshot.name,
        at_s: snapshot.snaptime,
        description: snapshot.description,
        parent: snapshot.parent,
        vmstate: snapshot.vmstate,
    })
}

#[cfg(test)]
mod tests;
