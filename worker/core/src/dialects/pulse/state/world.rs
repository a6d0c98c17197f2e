//! A small world: a cluster of two nodes, one of them off, guests, storages of all kinds, and a Backup Server.

use std::sync::Arc;

use crate::model::proxmox::{
    Access, Backup, BackupKind, BackupStore, Census, DatastoreFacts, DatastoreNow, GuestFacts, GuestKind, GuestNow,
    GuestStatus, Health, Instance, InstanceId, InstanceKind, InstanceState, Monitors, NodeFacts, NodeNow, NodeStatus,
    PbsBackup, PbsFacts, PbsGroup, PbsJob, PbsJobKind, PbsNow, Rates, Snapshot, Space, StorageFacts, StorageNow,
    StorageStatus, Task, Used, Verification,
};
use crate::units::{UnixMillis, UnixSeconds};

pub const NOW: UnixMillis = UnixMillis(1_754_992_800_000);

pub fn text(text: &str) -> String {
    text.to_owned()
}

pub fn instance(kind: InstanceKind, position: u32, name: &str) -> InstanceState {
    let id = i64::from(position) + if kind == InstanceKind::Pve { 1 } else { 100 };
    InstanceState {
        instance: Instance {
            id: InstanceId(id),
            kind,
            position,
            name: text(name),
            host: format!("https://192.0.2.{}:{}", id, kind.usual_port()),
            access: Access { token_name: text("pulse-monitor@pam!t1"), has_token: true, ..Access::default() },
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors::default(),
            cluster: None,
            collector: None,
            is_local: false,
            created_at: UnixSeconds(1_754_900_000),
        },
        health: Health { is_connected: true, polled_at: Some(NOW), took_ms: 412, ..Health::default() },
        census: Census::default(),
        nodes: vec![],
        guests: vec![],
        storages: vec![],
        pbs: None,
        tasks: vec![],
        backups: vec![],
        snapshots: vec![],
        groups: vec![],
    }
}

pub fn guest(vmid: u32, kind: GuestKind, status: GuestStatus) -> GuestNow {
    GuestNow {
        vmid,
        kind,
        status,
        cpu: 0.0312,
        memory: Used { used: 3_221_225_472, total: 8_589_934_592 },
        disk_used: None,
        disk_total: 34_359_738_368,
        rates: Rates { net_in: 15_320, net_out: 8_211, disk_read: 0, disk_write: -1 },
        uptime_s: 864_000,
        lock: String::new(),
    }
}

pub fn facts(vmid: u32, kind: GuestKind, name: &str) -> GuestFacts {
    GuestFacts {
        vmid,
        kind,
        node: text("pve1"),
        name: text(name),
        cpus: 1.5,
        tags: vec![],
        system: None,
        disk_reason: None,
    }
}

fn storage(name: &str, node: &str, is_shared: bool, status: StorageStatus) -> (StorageNow, StorageFacts) {
    let space = Space { used: 18_253_611_008, total: 100_861_726_720, free: 77_437_464_576 };
    let now = StorageNow { name: text(name), node: text(node), status, space };
    let nodes = if is_shared { vec![text("pve1"), text("pve2")] } else { vec![] };
    let content = vec![text("backup"), text("iso"), text("vztmpl")];
    (now, StorageFacts { name: text(name), node: text(node), nodes, kind: text("dir"), content, is_shared })
}

pub fn backup(volid: &str, vmid: u32, at: i64) -> Backup {
    Backup {
        volid: text(volid),
        kind: BackupKind::Vm,
        vmid,
        at: UnixSeconds(at),
        size: 5_368_709_120,
        format: text("vma.zst"),
        notes: text("web"),
        is_protected: false,
        verification: Verification::Ok,
    }
}

pub fn lab() -> InstanceState {
    let mut lab = instance(InstanceKind::Pve, 0, "lab");
    let online = NodeNow {
        name: text("pve1"),
        status: NodeStatus::Online,
        cpu: 0.0731,
        memory: Used { used: 23_622_320_128, total: 67_430_604_800 },
        disk: Space { used: 18_253_611_008, total: 100_861_726_720, free: 77_437_464_576 },
        uptime_s: 1_209_600,
        load: Some([0.42, 0.39, 0.35]),
        ..NodeNow::default()
    };
    lab.nodes = vec![online, NodeNow { name: text("pve2"), status: NodeStatus::Offline, ..NodeNow::default() }];
    let node = |name: &str| NodeFacts {
        name: text(name),
        kernel_version: text("Linux 6.8.12-13-pve"),
        pve_version: text("pve-manager/8.4.9/649acf70aab54798"),
        cpu_model: text("Example CPU 8-Core"),
        cpu_count: 16,
        cpu_sockets: 1,
        cpu_mhz: text("3400.000"),
    };
    lab.census.nodes = vec![node("pve1"), node("pve2")];
    lab.guests = vec![
        GuestNow { lock: text("backup"), ..guest(101, GuestKind::Qemu, GuestStatus::Running) },
        guest(102, GuestKind::Qemu, GuestStatus::Stopped),
        guest(201, GuestKind::Lxc, GuestStatus::Running),
        guest(999, GuestKind::Qemu, GuestStatus::Running),
    ];
    let web = GuestFacts { tags: vec![text("prod"), text("web")], ..facts(101, GuestKind::Qemu, "web") };
    lab.census.guests = vec![web, facts(102, GuestKind::Qemu, "off"), facts(201, GuestKind::Lxc, "dns")];
    let all = [
        storage("local", "pve1", false, StorageStatus::Available),
        storage("nas", "pve1", true, StorageStatus::Available),
        storage("old", "pve1", false, StorageStatus::Disabled),
        storage("local", "pve2", false, StorageStatus::Inactive),
    ];
    (lab.storages, lab.census.storages) = all.into_iter().unzip();
    let task = |upid: &str, at: i64, status: &str, ended: Option<i64>| Task {
        upid: text(upid),
        node: text("pve1"),
        kind: text("vzdump"),
        vmid: 101,
        status: text(status),
        started_at: UnixSeconds(at),
        ended_at: ended.map(UnixSeconds),
    };
    lab.tasks = vec![
        task("UPID:pve1:1", 1_754_877_601, "OK", Some(1_754_877_880)),
        task("UPID:pve1:2", 1_754_877_700, "job errors", Some(1_754_877_880)),
        task("UPID:pve1:3", 1_754_877_800, "", None),
    ];
    let shared = |backups: Vec<Backup>| BackupStore { storage: text("nas"), node: None, is_pbs: false, backups };
    lab.backups = vec![
        BackupStore {
            storage: text("local"),
            node: Some(text("pve1")),
            is_pbs: false,
            backups: vec![backup("local:backup/a", 101, 1_754_877_601)],
        },
        shared(vec![backup("nas:backup/b", 102, 1_754_877_602), backup("nas:backup/old", 101, 1_754_800_000)]),
        shared(vec![backup("nas:backup/b", 102, 1_754_877_602)]),
        BackupStore {
            storage: text("pbs-main"),
            node: Some(text("pve1")),
            is_pbs: true,
            backups: vec![backup("pbs-main:backup/c", 201, 1_754_877_603)],
        },
    ];
    let snapshot = |vmid: u32, name: &str, description: &str, at: i64| Snapshot {
        vmid,
        kind: GuestKind::Qemu,
        name: text(name),
        at: UnixSeconds(at),
        description: text(description),
        parent: String::new(),
        has_memory: true,
        size: None,
    };
    lab.snapshots = vec![
        snapshot(101, "before-upgrade", "pre 8.4", 1_754_816_400),
        snapshot(102, "newer", "", 1_754_816_500),
        snapshot(555, "somebody-elses", "", 1_754_816_600),
    ];
    lab
}

pub fn backup_server() -> InstanceState {
    let mut server = instance(InstanceKind::Pbs, 0, "backup1");
    let space = Space { used: 1_000_000_000_000, total: 4_000_000_000_000, free: 3_000_000_000_000 };
    server.pbs = Some(PbsNow {
        is_online: true,
        cpu: 0.011,
        memory: Used { used: 1_803_886_264, total: 8_053_063_680 },
        uptime_s: 432_000,
        datastores: vec![
            DatastoreNow { name: text("main"), space, error: None },
            DatastoreNow { name: text("bad"), space: Space::default(), error: Some(text("no such disk")) },
        ],
    });
    let job = |kind: PbsJobKind, state: &str| PbsJob {
        kind,
        id: text("j-1"),
        store: text("main"),
        remote: text("far"),
        last_state: text(state),
        last_run: Some(UnixSeconds(1_754_877_601)),
        next_run: None,
        removed_bytes: Some(7),
    };
    server.census.pbs = Some(PbsFacts {
        node: text("backup1"),
        version: text("3.4"),
        datastores: vec![DatastoreFacts {
            name: text("main"),
            namespaces: vec![text(""), text("prod"), text("prod/web")],
            deduplication: Some(12.5),
        }],
        jobs: PbsJobKind::ALL
            .map(|kind| job(kind, if kind == PbsJobKind::Sync { "connection refused" } else { "OK" }))
            .into(),
    });
    let files: Arc<[String]> = [text("qemu-server.conf.blob"), text("index.json.blob")].into();
    let made = |at: i64| PbsBackup {
        at: UnixSeconds(at),
        size: 34_359_742_464,
        is_protected: false,
        verification: Verification::Ok,
        comment: text("web"),
        files: files.clone(),
    };
    let group = |namespace: &str, kind: BackupKind, id: &str, backups: Vec<PbsBackup>| PbsGroup {
        datastore: text("main"),
        namespace: text(namespace),
        kind,
        id: text(id),
        owner: text("root@pam!pve"),
        backups,
    };
    server.groups = vec![
        group("", BackupKind::Vm, "101", vec![made(1_754_877_601), made(1_754_900_000)]),
        group("prod", BackupKind::Host, "mail", vec![made(1_754_890_000)]),
    ];
    server
}
