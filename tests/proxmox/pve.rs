//! The lab's cluster: what is told of it.

use edgewatch_core::dialects::native::proxmox::{GuestKind, GuestStatus, InstanceKind, NO_RATE, StorageStatus};
use edgewatch_harness::proxmox::{FakeProxmox, Fault, Product, lab};
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use super::{Bench, PATIENCE, guest, instance};

fn lab_bench(name: &str) -> (FakeProxmox, Bench) {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start(name, vec![instance("lab", InstanceKind::Pve, &fake)]);
    (fake, bench)
}

#[test]
fn nodes_guests_and_storages_have_the_values_of_the_specification() {
    let (_fake, bench) = lab_bench("values");
    let poll = bench.poll("lab", "a poll", |_| true);
    assert!(poll.error.is_none() && poll.calls > 0, "{poll:?}");
    let statuses: Vec<(&str, &str)> =
        poll.nodes.iter().map(|node| (node.name.as_str(), node.status.as_str())).collect();
    assert_eq!(statuses, [("pve1", "online"), ("pve2", "offline")]);
    let node = &poll.nodes[0];
    assert_eq!((node.mem_used, node.mem_total), (23_622_320_128, 67_430_604_800));
    assert_eq!((node.disk_used, node.disk_total, node.disk_free), (18_253_611_008, 100_861_726_720, 77_437_464_576));
    assert_eq!((node.uptime_s, node.cpu.to_bits()), (1_209_600, 0.0731_f64.to_bits()));
    assert_eq!(node.load, [0.42, 0.39, 0.35]);
    assert_eq!((poll.nodes[1].mem_total, poll.nodes[1].load.len()), (0, 0));

    let vmids: Vec<u64> = poll.guests.iter().map(|guest| guest.vmid).collect();
    assert_eq!(vmids, [101, 102, 201, 202], "no template, and the containers whose numbers are texts");
    let web = guest(&poll, 101);
    assert_eq!((web.mem_used, web.mem_total), (3_221_225_472, 8_589_934_592), "what the balloon says is free is free");
    assert_eq!((web.net_in, web.disk_write), (NO_RATE, NO_RATE));
    let stopped = guest(&poll, 102);
    assert_eq!((stopped.status, stopped.mem_used, stopped.cpu.to_bits()), (GuestStatus::Stopped, 0, 0.0_f64.to_bits()));
    let dns = guest(&poll, 201);
    assert_eq!((dns.kind, dns.mem_used, dns.disk_used), (GuestKind::Lxc, 80_530_636, 858_993_459));
    assert_eq!(guest(&poll, 202).lock, "backup");

    let storages: Vec<(&str, StorageStatus)> =
        poll.storages.iter().map(|storage| (storage.name.as_str(), storage.status)).collect();
    assert_eq!(
        storages,
        [("local", StorageStatus::Available), ("nas", StorageStatus::Available), ("old", StorageStatus::Disabled)]
    );
}

#[test]
fn the_census_tells_what_there_is() {
    let (fake, bench) = lab_bench("census");
    let rows = bench.rows("lab", "census");
    let of = |kind: &str| rows.iter().filter_map(|row| row.get(kind)).cloned().collect::<Vec<Value>>();
    let cluster = &of("cluster")[0];
    assert_eq!((&cluster["is_cluster"], &cluster["name"]), (&json!(true), &json!("lab-cluster")));
    assert_eq!(cluster["polled"], json!(fake.url()), "by the host that is configured, not by an endpoint");
    assert_eq!(cluster["endpoints"][0]["ip"], "192.0.2.10");
    let node = of("node").into_iter().find(|node| node["name"] == "pve1").expect("a node");
    assert_eq!((&node["cores"], &node["mhz"]), (&json!(16), &json!("3400.000")));
    let guests = of("guest");
    let named = |vmid: u64| guests.iter().find(|guest| guest["vmid"] == vmid).expect("a guest").clone();
    assert_eq!(named(101)["tags"], json!(["prod", "web"]));
    assert_eq!((&named(102)["name"], &named(9000)["template"]), (&json!(""), &json!(true)));
    assert_eq!((&named(201)["cpus"], &named(201)["tags"]), (&json!(1.5), &json!(["infra", "dns"])));
    let nas = of("storage").into_iter().find(|storage| storage["name"] == "nas").expect("a storage");
    assert_eq!((&nas["shared"], &nas["content"]), (&json!(true), &json!("backup,images")));
}

#[test]
fn tasks_backups_and_snapshots_are_told_once_and_again_when_they_changed() {
    let (_fake, mut bench) = lab_bench("sections");
    let mut names = bench.names("lab");
    names.sort();
    assert_eq!(names, ["backups/local/pve1", "backups/nas", "census", "snapshots/5", "snapshots/9", "tasks/pve1"]);
    let local = bench.rows("lab", "backups/local/pve1");
    assert_eq!(local.len(), 1, "no image of a disc");
    assert_eq!((&local[0]["vmid"], &local[0]["protected"]), (&json!(101), &json!(true)));
    assert_eq!(bench.rows("lab", "backups/nas")[0]["size"], 104_857_600);
    let tasks = bench.rows("lab", "tasks/pve1");
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().any(|task| task.get("end_s").is_none() && task.get("vmid").is_none()));
    let snapshot = bench.rows("lab", "snapshots/5");
    assert_eq!((&snapshot[0]["name"], &snapshot[0]["description"]), (&json!("before-upgrade"), &json!("pre 8.4")));
    let before = bench.edge.know(|known| known.section_messages.0);

    // The next run of the agent finds that the edge has it all.
    bench.stop_agent();
    bench.edge.know(|known| known.names.clear());
    bench.start_agent(&[]);
    assert_eq!(bench.names("lab").len(), 6);
    assert_eq!(bench.edge.know(|known| known.section_messages.0), before);

    // An edge that lost it all is told all of it, without waiting for the next sweep.
    bench.edge.know(|known| {
        known.sections.clear();
        known.names.clear();
    });
    bench.edge.cut();
    assert_eq!(bench.names("lab").len(), 6);
    assert_eq!(bench.rows("lab", "tasks/pve1").len(), 2);
}

#[test]
fn rates_come_with_the_second_poll_and_are_none_after_a_restart() {
    let (fake, bench) = lab_bench("rates");
    bench.poll("lab", "a poll", |_| true);
    bench.watch();
    fake.edit("/nodes/pve1/qemu", |list| list[0]["netin"] = json!(223_456_789));
    let poll =
        bench.poll("lab", "a rate", |poll| poll.guests.iter().any(|guest| guest.vmid == 101 && guest.net_in > 0));
    let web = guest(&poll, 101);
    assert!((2_000_000..=200_000_000).contains(&web.net_in) && web.net_out == 0, "{web:?}");
    let seen = poll.at_ms;
    fake.edit("/nodes/pve1/qemu", |list| list[0]["netin"] = json!(5));
    let quiet = bench.poll("lab", "a restart", |poll| {
        poll.at_ms > seen && poll.guests.iter().any(|guest| guest.vmid == 101 && guest.net_in == 0)
    });
    assert_eq!(guest(&quiet, 101).net_in, 0);
}

#[test]
fn a_change_of_state_is_told_at_once_and_the_rest_once_a_minute() {
    let (fake, bench) = lab_bench("change");
    bench.poll("lab", "a poll", |_| true);
    fake.edit("/nodes/pve1/qemu", |list| list[0]["status"] = json!("stopped"));
    let poll = bench.poll("lab", "a stopped guest", |poll| {
        poll.guests.iter().any(|guest| guest.vmid == 101 && guest.status == GuestStatus::Stopped)
    });
    assert_eq!((guest(&poll, 101).mem_used, guest(&poll, 101).mem_total), (0, 8_589_934_592));
    fake.edit("/nodes", |list| list[0]["status"] = json!("offline"));
    let poll = bench.poll("lab", "a node that is off", |poll| poll.nodes.iter().all(|node| node.status == "offline"));
    assert!(poll.guests.is_empty(), "nobody knows of its guests");
    assert!(bench.rows("lab", "census").iter().any(|row| row["guest"]["vmid"] == 101), "what they are stays known");
}

#[test]
fn numbers_as_texts_and_as_doubles_make_no_difference() {
    let (fake, bench) = lab_bench("texts");
    let plain = bench.poll("lab", "a poll", |_| true);
    bench.watch();
    for fault in [Fault::TextNumbers, Fault::Doubles] {
        fake.fault("/nodes", fault);
        let since = bench.polls("lab").last().map_or(0, |poll| poll.at_ms);
        // A frame's first poll tells every guest.
        let poll =
            bench.poll("lab", "a poll of odd numbers", |poll| poll.at_ms > since + 2_000 && poll.guests.len() == 4);
        fake.mend();
        assert_eq!(poll.nodes, plain.nodes);
        assert_eq!(poll.storages, plain.storages);
        let still = |poll: &edgewatch_core::dialects::native::proxmox::Poll| {
            poll.guests
                .iter()
                .map(|guest| (guest.vmid, guest.status.clone(), guest.mem_used, guest.disk_total))
                .collect::<Vec<_>>()
        };
        assert_eq!(still(&poll), still(&plain));
    }
}

#[test]
fn disks_of_machines_are_what_their_agent_tells_and_why_it_does_not() {
    let mut answers = lab::pve();
    answers.set(
        "/nodes/pve1/qemu/101/agent/get-fsinfo",
        json!({"result":[
        {"name":"sda1","mountpoint":"/","type":"ext4","total-bytes":33_000_000_000_i64,"used-bytes":9_000_000_000_i64,
         "disk":[{"bus-type":"scsi","bus":0,"target":0,"unit":0,"dev":"/dev/sda1"}]}]}),
    );
    let fake = FakeProxmox::start(Product::Pve, answers);
    let bench = Bench::start("disks", vec![instance("lab", InstanceKind::Pve, &fake)]);
    assert_eq!(guest(&bench.poll("lab", "a poll", |_| true), 101).disk_used, 0, "nothing is known yet");
    bench.watch();
    let known =
        bench.poll("lab", "a disk", |poll| poll.guests.iter().any(|guest| guest.vmid == 101 && guest.disk_used > 0));
    assert_eq!((guest(&known, 101).disk_used, guest(&known, 101).disk_total), (9_000_000_000, 33_000_000_000));

    let silent = FakeProxmox::start(Product::Pve, lab::pve());
    silent.fault("/agent/", Fault::Status(500, "QEMU guest agent is not running"));
    let bench = Bench::start("disks-silent", vec![instance("lab", InstanceKind::Pve, &silent)]);
    wait_until("the reason", PATIENCE, || {
        bench.rows("lab", "census").iter().any(|row| row["guest"]["disk_reason"] == "no-agent").then_some(())
    });
    assert_eq!(guest(&bench.poll("lab", "a poll", |_| true), 101).disk_used, 0);
}

#[test]
fn what_is_not_wanted_is_not_asked_for() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let mut only_machines = instance("lab", InstanceKind::Pve, &fake);
    only_machines.monitor.containers = false;
    only_machines.monitor.storage = false;
    only_machines.monitor.backups = false;
    let bench = Bench::start("wanted", vec![only_machines]);
    let poll = bench.poll("lab", "a poll", |_| true);
    assert_eq!(poll.guests.iter().map(|guest| guest.vmid).collect::<Vec<_>>(), [101, 102]);
    assert_eq!((bench.names("lab"), poll.storages.len()), (vec!["census".to_owned()], 0));
    let asked = fake.requests();
    assert!(
        !asked.iter().any(|path| ["/lxc", "/storage", "/tasks", "/snapshot"].iter().any(|part| path.contains(part)))
    );
    assert!(!asked.iter().any(|path| path.starts_with("/nodes/pve2")), "a node that is off is not asked");
}

#[test]
fn no_more_than_eight_requests_are_under_way_at_once() {
    let (fake, _bench) = {
        let fake = FakeProxmox::start(
            Product::Pve,
            edgewatch_harness::proxmox::scale::pve(edgewatch_harness::proxmox::scale::Scale {
                nodes: 6,
                guests: 40,
                snapshots: 0,
                backups: 12,
            }),
        );
        fake.fault("/nodes/", Fault::Slow(std::time::Duration::from_millis(20)));
        let other = instance("one", InstanceKind::Pve, &fake);
        let bench = Bench::start("eight", vec![other, instance("two", InstanceKind::Pve, &fake)]);
        (fake, bench)
    };
    wait_until("two polls", PATIENCE, || (fake.requests().len() > 200).then_some(()));
    assert!((2..=8).contains(&fake.most_at_once()), "{}", fake.most_at_once());
    assert!(fake.connections() <= 32, "connections are kept: {}", fake.connections());
}
