//! Each rule, with the numbers of the specification and the quirks of real servers.

use edgewatch_core::dialects::native::proxmox::loose::List;

use super::*;

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

fn running(maxmem: i64) -> Guest {
    Guest { vmid: 101, status: "running".to_owned(), maxmem, cpu: 0.031_249, ..Guest::default() }
}

#[test]
fn a_machines_memory_is_what_its_balloon_leaves_less_what_is_free() {
    let of =
        |balloon, freemem, mem| machine_memory(&running(8_000), Some(&Current { mem, freemem, balloon, agent: false }));
    assert_eq!(of(8_000, 5_000, 4_000), (3_000, 8_000));
    assert_eq!(of(4_000, 1_000, 4_000), (3_000, 4_000), "a smaller balloon is all there is");
    assert_eq!(of(0, 0, 4_000), (4_000, 8_000), "without a driver in the guest");
    assert_eq!(of(9_000, 0, 9_500), (8_000, 8_000), "never above the total");
    assert_eq!(of(4_000, 5_000, 0), (0, 4_000), "never below nothing");
}

#[test]
fn a_machine_without_details_or_without_power_uses_nothing() {
    assert_eq!(machine_memory(&running(8_000), None), (0, 8_000));
    let stopped = Guest { status: "stopped".to_owned(), cpu: 0.5, mem: 7, ..running(8_000) };
    let current = Current { mem: 7, freemem: 3, balloon: 0, agent: false };
    let now = guest(GuestKind::Qemu, &stopped, Some(&current), [0; 4]);
    assert_eq!((now.mem_used, now.mem_total, now.cpu.to_bits()), (0, 8_000, 0.0_f64.to_bits()));
    assert_eq!(guest(GuestKind::Lxc, &stopped, None, [0; 4]).mem_used, 0);
}

#[test]
fn a_container_whose_numbers_are_texts_is_read() {
    let list: List<Guest> = read(
        r#"[{"vmid":"201","name":"dns","status":"running","cpu":"0.002","cpus":"1.5","mem":"744189952","maxmem":1073741824.0,
            "disk":5,"maxdisk":"10","netin":"7","tags":"infra, dns","uptime":null}]"#,
    );
    let dns = &list.0[0];
    let now = guest(GuestKind::Lxc, dns, None, [1, 2, 3, 4]);
    assert_eq!((now.vmid, now.mem_used, now.mem_total, now.disk_total), (201, 744_189_952, 1_073_741_824, 10));
    assert_eq!([now.net_in, now.net_out, now.disk_read, now.disk_write], [1, 2, 3, 4]);
    let row = guest_row(GuestKind::Lxc, "pve1", dns, None);
    assert_eq!((row.cpus.to_bits(), row.tags), (1.5_f64.to_bits(), vec!["infra".to_owned(), "dns".to_owned()]));
    assert_eq!(counters(dns), [7, 0, 0, 0]);
}

#[test]
fn a_guest_without_a_name_is_told_without_one_and_a_share_has_four_places() {
    assert_eq!(guest_row(GuestKind::Qemu, "pve1", &running(1), Some(Disk::Unknown("no-agent"))).name, "");
    assert_eq!(guest(GuestKind::Qemu, &running(1), None, [0; 4]).cpu.to_bits(), 0.0312_f64.to_bits());
    assert_eq!(share(f64::NAN).to_bits(), 0.0_f64.to_bits());
}

fn pve1() -> Node {
    read(
        r#"{"node":"pve1","status":"online","cpu":0.0731,"maxcpu":16,"mem":23622320128,"maxmem":67430604800,"disk":1,"maxdisk":9,"uptime":5}"#,
    )
}

#[test]
fn a_nodes_disk_is_its_root_else_what_is_listed_else_a_local_storage() {
    let status: NodeStatus =
        read(r#"{"rootfs":{"total":100,"used":20,"free":80,"avail":70},"loadavg":["0.42",0.39,"x"]}"#);
    let now = node(&pve1(), Some(&status), &[]);
    assert_eq!((now.disk_total, now.disk_used, now.disk_free), (100, 20, 70));
    assert_eq!(now.load.iter().map(|load| (load * 100.0).round()).collect::<Vec<_>>(), [42.0, 39.0, 0.0]);
    let now = node(&pve1(), None, &[]);
    assert_eq!((now.disk_total, now.disk_used, now.disk_free, now.load.len()), (9, 1, 8, 0));
    let bare = Node { maxdisk: 0, disk: 0, ..pve1() };
    let storages: List<Storage> = read(
        r#"[{"storage":"local-lvm","total":50,"used":1,"avail":49},{"storage":"local","total":40,"used":2,"avail":38}]"#,
    );
    assert_eq!(node(&bare, None, &storages.0).disk_total, 40);
}

#[test]
fn a_node_that_is_offline_has_nothing_but_its_name() {
    let offline = Node { status: "offline".to_owned(), ..pve1() };
    let expected = NodeNow { name: "pve1".to_owned(), status: "offline".to_owned(), ..NodeNow::default() };
    assert_eq!(node(&offline, Some(&NodeStatus::default()), &[]), expected);
    let known = NodeRow { name: "pve1".to_owned(), cores: 16, ..NodeRow::default() };
    assert_eq!(node_row(&offline, None, Some(&known)), known, "what it is stays known");
}

#[test]
fn cores_are_the_logical_ones() {
    let status: NodeStatus = read(r#"{"cpuinfo":{"model":"X","cores":8,"cpus":12,"sockets":1,"mhz":3400.5}}"#);
    let row = node_row(&pve1(), Some(&status), None);
    assert_eq!((row.cores, row.sockets, row.mhz.as_str()), (16, 1, "3400.5"));
    assert_eq!(node_row(&Node { maxcpu: 0, ..pve1() }, Some(&status), None).cores, 12);
}

#[test]
fn a_storages_state_is_that_of_the_node() {
    let of = |json: &str| storage("pve1", &read(json)).status;
    assert_eq!(of(r#"{"active":1,"enabled":1}"#), StorageStatus::Available);
    assert_eq!(of(r#"{"active":"1","enabled":"1"}"#), StorageStatus::Available);
    assert_eq!(of(r#"{"active":0,"enabled":1}"#), StorageStatus::Inactive);
    assert_eq!(of(r#"{"active":0,"enabled":0}"#), StorageStatus::Disabled);
    assert_eq!(of(r#"{"active":true}"#), StorageStatus::Available);
}

#[test]
fn what_may_lie_on_a_storage_is_sorted_and_some_kinds_are_shared_by_nature() {
    let row = storage_row("pve1", &read(r#"{"storage":"nas","type":"nfs","content":"vztmpl,iso,backup"}"#));
    assert_eq!((row.content.as_str(), row.shared, row.enabled), ("backup,iso,vztmpl", true, true));
    assert!(!storage_row("pve1", &read(r#"{"type":"dir","shared":0}"#)).shared);
    assert!(storage_row("pve1", &read(r#"{"type":"dir","shared":"1"}"#)).shared);
}

#[test]
fn a_backups_kind_is_in_its_name_else_in_its_format() {
    let kind = |volid: &str, format: &str| {
        let content = Content {
            volid: volid.to_owned(),
            kind: "backup".to_owned(),
            format: format.to_owned(),
            ..Content::default()
        };
        backup(content).unwrap().kind
    };
    assert_eq!(kind("local:backup/vzdump-qemu-101-x.vma.zst", "vma.zst"), "qemu");
    assert_eq!(kind("pbs-main:backup/ct/101/2025-08-11T02:00:01Z", "pbs-ct"), "lxc");
    assert_eq!(kind("pbs-main:backup/vm/101/x", ""), "qemu");
    assert_eq!(kind("local:backup/odd", "tar.zst"), "lxc");
    assert_eq!(kind("local:backup/odd", "raw"), "unknown");
    let iso = Content { volid: "local:iso/x".to_owned(), kind: "iso".to_owned(), ..Content::default() };
    assert_eq!(backup(iso), None);
}

#[test]
fn what_a_verification_came_to_and_what_is_encrypted_is_told() {
    let content: Content = read(
        r#"{"volid":"pbs:backup/vm/1/x","content":"backup","protected":"1","encrypted":"aa:bb","verification":{"state":"ok"},"vmid":"7"}"#,
    );
    let backup = backup(content).unwrap();
    assert!(backup.protected && backup.encrypted);
    assert_eq!((backup.verification.as_str(), backup.vmid), ("ok", 7));
}

#[test]
fn tasks_other_than_backups_and_the_snapshot_that_is_none_are_left_out() {
    let task_of = |json: &str| task(read(json));
    assert_eq!(task_of(r#"{"upid":"a","type":"vncproxy"}"#), None);
    let running = task_of(r#"{"upid":"a","type":"vzdump","id":"","starttime":5}"#).unwrap();
    assert_eq!((running.vmid, running.end_s, running.status.as_str()), (0, None, ""));
    let guest = GuestRow { vmid: 7, node: "pve1".to_owned(), ..GuestRow::default() };
    assert_eq!(snapshot(&guest, read(r#"{"name":"current","running":1}"#)), None);
    let taken = snapshot(&guest, read(r#"{"name":"a","snaptime":"5","vmstate":"1","description":"d\n"}"#)).unwrap();
    assert_eq!((taken.vmid, taken.at_s, taken.vmstate), (7, 5, true));
}
