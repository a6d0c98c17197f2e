//! How full the disks of virtual machines are, as their agents tell. Source: pulse specification, 17.3 and 19.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::PollErrorKind;

use super::shapes::{FileSystem, FileSystems};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;
use crate::proxmox::permits::gather;
use crate::proxmox::place::encoded;

/// So many agents are asked at a time: some do not answer, and a poll goes on beside it.
const WIDTH: usize = 2;
/// File systems of these types hold nothing of the guest's own.
const PSEUDO: [&str; 12] = [
    "tmpfs",
    "devtmpfs",
    "ramfs",
    "squashfs",
    "iso9660",
    "udf",
    "cdfs",
    "overlay",
    "overlayfs",
    "autofs",
    "fuse.lxcfs",
    "proc",
];
/// Nor do these, though they are written to.
const APART: [&str; 3] = ["/boot/efi", "/efi", "System Reserved"];

/// What is known of one machine's disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// In use, and all of it.
    Known { used: i64, total: i64 },
    /// Nothing, and why.
    Unknown(&'static str),
}

/// What is known of all machines' disks: written by sweeps, read by polls.
#[derive(Debug, Clone, Default)]
pub struct Disks(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    disks: BTreeMap<u64, Disk>,
    /// Machines that run, by their node; whether their agent is switched on.
    running: BTreeMap<u64, (String, bool)>,
}

impl Disks {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a machine.
    pub fn of(&self, vmid: u64) -> Option<Disk> {
        self.lock().disks.get(&vmid).copied()
    }

    /// The machines that run now, with their nodes, and whether their agent is switched on, as far as that could be had. What others told is
    /// forgotten.
    pub fn run(&self, running: BTreeMap<u64, (String, Option<bool>)>) {
        let mut known = self.lock();
        known.disks.retain(|vmid, _| running.contains_key(vmid));
        let before = std::mem::take(&mut known.running);
        let running: BTreeMap<u64, (String, bool)> = running
            .into_iter()
            .filter_map(|(vmid, (node, has_agent))| {
                let has_agent = has_agent.or_else(|| before.get(&vmid).map(|(_, had_agent)| *had_agent))?;
                Some((vmid, (node, has_agent)))
            })
            .collect();
        for (vmid, (_, has_agent)) in &running {
            if !has_agent {
                known.disks.insert(*vmid, Disk::Unknown("agent-disabled"));
            }
        }
        known.running = running;
    }

    /// Asks every agent that is switched on, until `until`.
    pub fn sweep(&self, client: &Client, online: &[String], until: Instant) {
        let asked: Vec<(u64, String)> = {
            let known = self.lock();
            let agents = known.running.iter().filter(|(_, (node, has_agent))| *has_agent && online.contains(node));
            agents.map(|(vmid, (node, _))| (*vmid, node.clone())).collect()
        };
        gather(&asked, WIDTH, |(vmid, node)| {
            if Instant::now() >= until {
                return;
            }
            let path = format!("/nodes/{}/qemu/{vmid}/agent/get-fsinfo", encoded(node));
            let disk = match client.get::<FileSystems>(&path) {
                Ok(found) => sum(&found.result),
                Err(error) => Disk::Unknown(reason(&error)),
            };
            self.lock().disks.insert(*vmid, disk);
        });
    }
}

/// All file systems that count, each device once.
fn sum(systems: &[FileSystem]) -> Disk {
    let mut devices = BTreeSet::new();
    let (mut used, mut total) = (0, 0);
    for system in systems {
        let kind = system.kind.to_ascii_lowercase();
        let is_apart = PSEUDO.contains(&kind.as_str())
            || APART.iter().any(|part| system.mountpoint == *part || system.mountpoint.contains("System Reserved"))
            || system.total_bytes <= 0;
        let device =
            system.disk.first().map(|disk| disk.dev.as_str()).filter(|dev| !dev.is_empty()).unwrap_or(&system.name);
        if !is_apart && (device.is_empty() || devices.insert(device)) {
            used += system.used_bytes.clamp(0, system.total_bytes);
            total += system.total_bytes;
        }
    }
    if total > 0 { Disk::Known { used, total } } else { Disk::Unknown("no-filesystems") }
}

/// Why an agent did not tell.
fn reason(error: &ApiError) -> &'static str {
    let words = error.to_string().to_ascii_lowercase();
    match error.kind {
        PollErrorKind::Auth => "permission-denied",
        _ if words.contains("timeout") || words.contains("in time") => "agent-timeout",
        _ if words.contains("no qemu guest agent configured") => "agent-disabled",
        _ if words.contains("not running") => "no-agent",
        _ => "agent-error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Disk {
        let found: FileSystems = serde_json::from_str(json).unwrap();
        sum(&found.result)
    }

    #[test]
    fn file_systems_that_count_are_added_each_device_once() {
        let disk = of(r#"{"result":[
            {"name":"sda1","mountpoint":"/","type":"ext4","total-bytes":"33000","used-bytes":9000,"disk":[{"dev":"/dev/sda1"}]},
            {"name":"sda1","mountpoint":"/var/bind","type":"ext4","total-bytes":33000,"used-bytes":9000,"disk":[{"dev":"/dev/sda1"}]},
            {"name":"sda15","mountpoint":"/boot/efi","type":"vfat","total-bytes":100,"used-bytes":5},
            {"name":"loop0","mountpoint":"/snap/core","type":"squashfs","total-bytes":50,"used-bytes":50},
            {"name":"sdb1","mountpoint":"/data","type":"xfs","total-bytes":1000,"used-bytes":2000}]}"#);
        assert_eq!(disk, Disk::Known { used: 10_000, total: 34_000 });
        let windows = r#"{"result":[{"mountpoint":"C:\\","type":"NTFS","total-bytes":10,"used-bytes":4},
            {"mountpoint":"System Reserved","type":"NTFS","total-bytes":5,"used-bytes":4}]}"#;
        assert_eq!(of(windows), Disk::Known { used: 4, total: 10 });
    }

    #[test]
    fn nothing_that_counts_is_said_to_be_so() {
        for json in
            [r#"{"result":[]}"#, "{}", r#"{"result":{"error":{}}}"#, r#"{"result":[{"type":"tmpfs","total-bytes":5}]}"#]
        {
            assert_eq!(of(json), Disk::Unknown("no-filesystems"), "{json}");
        }
    }

    #[test]
    fn each_silence_has_its_reason() {
        let refused = |status, words: &str| reason(&ApiError::refused(status, words));
        assert_eq!(refused(500, "QEMU guest agent is not running"), "no-agent");
        assert_eq!(refused(500, "No QEMU guest agent configured"), "agent-disabled");
        assert_eq!(refused(500, "VM 101 qmp command 'guest-get-fsinfo' failed - got timeout"), "agent-timeout");
        assert_eq!(refused(403, "Permission check failed"), "permission-denied");
        assert_eq!(refused(501, "Method not implemented"), "agent-error");
    }

    #[test]
    fn a_machine_that_stopped_tells_nothing_any_more() {
        let disks = Disks::default();
        let on = |agent| BTreeMap::from([(7, ("pve1".to_owned(), agent))]);
        disks.run(on(Some(false)));
        assert_eq!(disks.of(7), Some(Disk::Unknown("agent-disabled")));
        disks.lock().disks.insert(7, Disk::Known { used: 1, total: 2 });
        disks.run(on(Some(true)));
        disks.run(on(None));
        assert!(disks.lock().running[&7].1, "a poll that did not hear of it changes nothing");
        assert_eq!(disks.of(7), Some(Disk::Known { used: 1, total: 2 }));
        disks.run(BTreeMap::new());
        assert_eq!(disks.of(7), None);
    }
}
