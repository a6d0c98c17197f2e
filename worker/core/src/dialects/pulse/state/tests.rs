use serde_json::{Value, json};

use super::world::{NOW, backup, backup_server, facts, guest, instance, lab, text};
use super::*;
use crate::dialects::pulse::alert::tests::alert;
use crate::model::proxmox::{BackupStore, GuestKind, GuestStatus};
use crate::model::{ResourceKind, ThresholdMetric};

fn state_of(instances: &[InstanceState], hosts: &str) -> Value {
    let backups = Backups::of(instances);
    let active = [alert(ResourceKind::Vm, Some(ThresholdMetric::Cpu))];
    let view = StateView {
        instances,
        backups: &backups,
        hosts,
        active: &active,
        resolved: &[],
        totals: Totals {
            started_at: UnixSeconds(1_754_985_600),
            uptime_s: 7_200.9,
            polls: 1_440,
            failed_polls: 2,
            viewers: 2,
        },
        changed_at: UnixMillis(NOW.0 + 100),
    };
    let mut out = Written::default();
    write_state(&view, &mut out);
    serde_json::from_str(&out.text()).unwrap()
}

fn by_id<'a>(list: &'a Value, id: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn the_state_has_every_key_and_no_list_is_null() {
    let keys = [
        "nodes",
        "vms",
        "containers",
        "storage",
        "pbs",
        "pbsBackups",
        "metrics",
        "pveBackups",
        "performance",
        "connectionHealth",
        "stats",
        "activeAlerts",
        "recentlyResolved",
        "hosts",
        "dockerHosts",
        "lastUpdate",
    ];
    for state in [state_of(&[], "[]"), state_of(&[lab(), backup_server()], r#"[{"id":"h"}]"#)] {
        let object = state.as_object().unwrap();
        assert!(
            keys.iter().all(|key| object.get(*key).is_some_and(|value| !value.is_null())) && object.len() == keys.len()
        );
        for key in ["backupTasks", "storageBackups", "guestSnapshots"] {
            assert!(state["pveBackups"][key].is_array(), "{key}");
        }
        assert_eq!(state["lastUpdate"], "2025-08-12T10:00:00.1Z");
        let stats = json!({"startTime":"2025-08-12T08:00:00Z","uptime":7200,"pollingCycles":1440,"webSocketClients":2,"version":"2.0.0-go"});
        assert_eq!(state["stats"], stats);
        assert_eq!(state["activeAlerts"][0]["id"], "lab-pve1-101-cpu");
    }
    let performance = json!({"apiCallDuration":{},"lastPollDuration":0.412,"pollingStartTime":"2025-08-12T09:59:59.588Z",
        "totalApiCalls":1440,"failedApiCalls":2});
    assert_eq!(state_of(&[lab()], "[]")["performance"], performance);
}

#[test]
fn nodes_are_as_they_are_and_one_that_is_off_is_empty() {
    let state = state_of(&[lab(), backup_server()], "[]");
    let mut on = json!({"id":"lab-pve1","name":"pve1","displayName":"pve1","instance":"lab","status":"online","type":"node","cpu":0.0731,
        "memory":{"total":67_430_604_800_u64,"used":23_622_320_128_u64,"free":43_808_284_672_u64},
        "disk":{"total":100_861_726_720_u64,"used":18_253_611_008_u64,"free":77_437_464_576_u64},
        "uptime":1_209_600,"loadAverage":[0.42,0.39,0.35],"kernelVersion":"Linux 6.8.12-13-pve",
        "pveVersion":"pve-manager/8.4.9/649acf70aab54798",
        "cpuInfo":{"model":"Example CPU 8-Core","cores":16,"sockets":1,"mhz":"3400.000"},
        "lastSeen":"2025-08-12T10:00:00Z","connectionHealth":"healthy","host":"https://192.0.2.1:8006","isClusterMember":false,"clusterName":""});
    on["memory"]["usage"] = json!(23_622_320_128.0 / 67_430_604_800.0 * 100.0);
    on["disk"]["usage"] = json!(18_253_611_008.0 / 100_861_726_720.0 * 100.0);
    assert_eq!(state["nodes"][0], on);
    let off = &state["nodes"][1];
    assert_eq!(
        (&off["status"], &off["loadAverage"], &off["kernelVersion"]),
        (&json!("offline"), &json!([]), &json!(""))
    );
    assert_eq!((&off["cpuInfo"]["cores"], &off["connectionHealth"]), (&json!(0), &json!("healthy")));
    assert_eq!(state["connectionHealth"], json!({"lab": true, "pbs-backup1": true}));
}

#[test]
fn guests_have_what_the_census_says_and_their_newest_backup() {
    let state = state_of(&[lab(), backup_server()], "[]");
    let web = json!({"id":"lab-pve1-101","vmid":101,"name":"web","displayName":"web","node":"pve1","instance":"lab","status":"running",
        "type":"qemu","cpu":0.0312,"cpus":1.5,
        "memory":{"total":8_589_934_592_u64,"used":3_221_225_472_u64,"free":5_368_709_120_u64,"usage":37.5},
        "disk":{"total":34_359_738_368_u64,"used":0,"free":34_359_738_368_u64,"usage":0},
        "mem":3_221_225_472_u64,"maxmem":8_589_934_592_u64,"maxdisk":34_359_738_368_u64,
        "networkIn":15320,"networkOut":8211,"diskRead":0,"diskWrite":-1,"uptime":864_000,"template":false,
        "lastBackup":"2025-08-11T08:13:20Z","tags":["prod","web"],"lock":"backup","lastSeen":"2025-08-12T10:00:00Z"});
    assert_eq!(state["vms"][0], web);
    // Number 999 is in no census: not even its id is known.
    assert_eq!((state["vms"].as_array().unwrap().len(), state["containers"].as_array().unwrap().len()), (2, 1));
    assert_eq!(state["vms"][1]["lastBackup"], "2025-08-11T02:00:02Z");
    let dns = &state["containers"][0];
    assert_eq!((&dns["type"], &dns["id"]), (&json!("lxc"), &json!("lab-pve1-201")));
    assert!(dns.get("tags").is_none() && dns.get("lock").is_none());
}

#[test]
fn storages_are_listed_once_with_their_true_state() {
    let other = InstanceState { instance: instance(InstanceKind::Pve, 1, "other").instance, ..lab() };
    let instances = [lab(), other];
    let state = state_of(&instances, "[]");
    let of = |id: &str| by_id(&state["storage"], id).clone();
    let local = of("lab-pve1-local");
    assert_eq!(
        (&local["content"], &local["enabled"], &local["active"]),
        (&json!("backup,iso,vztmpl"), &json!(true), &json!(true))
    );
    assert_eq!((&local["free"], &local["type"]), (&json!(77_437_464_576_u64), &json!("dir")));
    let nas = of("shared-nas");
    assert_eq!((&nas["node"], &nas["shared"], &nas["instance"]), (&json!("shared"), &json!(true), &json!("lab")));
    assert_eq!(of("other-shared-nas")["instance"], "other");
    let old = of("lab-pve1-old");
    assert_eq!((&old["status"], &old["enabled"], &old["active"]), (&json!("disabled"), &json!(false), &json!(false)));
    assert_eq!((&of("lab-pve2-local")["status"], &of("lab-pve2-local")["enabled"]), (&json!("inactive"), &json!(true)));

    let now = UnixSeconds(1_754_992_800);
    let reply = |id: &str| {
        find_storage(&instances, id).map(|found| serde_json::from_str::<Value>(&found.reply(now).text()).unwrap())
    };
    let one = reply("lab-pve1-local").unwrap();
    assert_eq!((&one["data"]["id"], &one["timestamp"]), (&json!("lab-pve1-local"), &json!(now.0)));
    let ids = |reply: &Value| -> Vec<String> {
        reply["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&reply("lab-pve2").unwrap()), ["lab-pve2-local", "shared-nas"]);
    assert_eq!(ids(&reply("pve2").unwrap()), ["lab-pve2-local", "shared-nas", "other-pve2-local", "other-shared-nas"]);
    assert!(reply("nowhere").is_none() && reply("").is_none());
    assert_eq!(serde_json::to_value(all_storage(&instances, now)).unwrap()["data"].as_array().unwrap().len(), 8);
}

#[test]
fn a_backup_server_has_its_datastores_namespaces_and_jobs() {
    let mut away = backup_server();
    away.instance.position = 1;
    away.instance.name = text("away");
    away.health.is_connected = false;
    let mut quiet = backup_server();
    quiet.instance.name = text("quiet");
    quiet.census.pbs.as_mut().unwrap().version.clear();
    let mut new = instance(InstanceKind::Pbs, 3, "new");
    new.health.is_connected = false;
    let state = state_of(&[backup_server(), away, quiet, new], "[]");
    let one = by_id(&state["pbs"], "pbs-backup1");
    assert_eq!((&one["status"], &one["version"], &one["cpu"]), (&json!("online"), &json!("3.4"), &json!(0.011)));
    assert_eq!((&one["memoryUsed"], &one["connectionHealth"]), (&json!(1_803_886_264_u64), &json!("healthy")));
    assert!((one["memory"].as_f64().unwrap() - 22.4).abs() < 0.01);
    let main = json!({"name":"main","total":4_000_000_000_000_u64,"used":1_000_000_000_000_u64,"free":3_000_000_000_000_u64,"usage":25,
        "status":"available","deduplicationFactor":12.5,
        "namespaces":[{"path":"","depth":0},{"path":"prod","depth":0},{"path":"prod/web","parent":"prod","depth":1}]});
    assert_eq!(one["datastores"][0], main);
    assert_eq!((&one["datastores"][1]["error"], &one["datastores"][1]["total"]), (&json!("no such disk"), &json!(0)));
    assert_eq!(one["backupJobs"], json!([]));
    let sync = json!({"id":"j-1","store":"main","remote":"far","status":"connection refused","lastSync":"2025-08-11T02:00:01Z",
        "nextRun":"0001-01-01T00:00:00Z","error":"connection refused"});
    assert_eq!(one["syncJobs"][0], sync);
    assert_eq!(
        (&one["garbageJobs"][0]["removedBytes"], &one["verifyJobs"][0]["lastVerify"]),
        (&json!(7), &sync["lastSync"])
    );
    assert_eq!(one["pruneJobs"][0]["lastPrune"], sync["lastSync"]);
    let away = by_id(&state["pbs"], "pbs-away");
    assert_eq!(
        (&away["status"], &away["datastores"], &away["connectionHealth"]),
        (&json!("offline"), &json!([]), &json!("unhealthy"))
    );
    assert_eq!(by_id(&state["pbs"], "pbs-quiet")["version"], "connected");
    assert_eq!(by_id(&state["pbs"], "pbs-new")["version"], "unknown");
}

#[test]
fn backups_are_newest_first_and_each_is_there_once() {
    let instances = [lab(), backup_server()];
    let state = state_of(&instances, "[]");
    let pve = &state["pveBackups"];
    let tasks: Vec<&str> =
        pve["backupTasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!(tasks, ["lab-UPID:pve1:3", "lab-UPID:pve1:2", "lab-UPID:pve1:1"]);
    let running = &pve["backupTasks"][0];
    assert_eq!((&running["status"], &running["endTime"]), (&json!(""), &json!("0001-01-01T00:00:00Z")));
    assert_eq!(pve["backupTasks"][1]["error"], "job errors");
    assert!(running.get("error").is_none() && pve["backupTasks"][2].get("error").is_none());

    let stored = pve["storageBackups"].as_array().unwrap();
    let nodes: Vec<(&str, &str)> =
        stored.iter().map(|one| (one["volid"].as_str().unwrap(), one["node"].as_str().unwrap())).collect();
    let expected = [
        ("pbs-main:backup/c", "pbs-main"),
        ("nas:backup/b", "nas"),
        ("local:backup/a", "pve1"),
        ("nas:backup/old", "nas"),
    ];
    assert_eq!(nodes, expected);
    let local = json!({"id":"lab-local:backup/a","storage":"local","node":"pve1","instance":"lab","type":"qemu","vmid":101,
        "time":"2025-08-11T02:00:01Z","ctime":1_754_877_601,"size":5_368_709_120_u64,"format":"vma.zst","notes":"web",
        "protected":false,"volid":"local:backup/a","isPBS":false,"verified":false});
    assert_eq!(stored[2], local);
    assert_eq!(
        (&stored[0]["isPBS"], &stored[0]["verified"], &stored[0]["verification"]),
        (&json!(true), &json!(true), &json!("ok"))
    );

    let snapshots = pve["guestSnapshots"].as_array().unwrap();
    assert_eq!((snapshots.len(), &snapshots[0]["name"]), (2, &json!("newer")));
    let old = json!({"id":"lab-pve1-101-before-upgrade","name":"before-upgrade","node":"pve1","instance":"lab","type":"qemu","vmid":101,
        "time":"2025-08-10T09:00:00Z","description":"pre 8.4","vmstate":true});
    assert_eq!(snapshots[1], old);

    let kept = state["pbsBackups"].as_array().unwrap();
    let ids: Vec<&str> = kept.iter().map(|one| one["id"].as_str().unwrap()).collect();
    let expected = [
        "pbs-backup1-main--vm-101-1754900000",
        "pbs-backup1-main-prod-host-mail-1754890000",
        "pbs-backup1-main--vm-101-1754877601",
    ];
    assert_eq!(ids, expected);
    let first = json!({"id":expected[2],"instance":"backup1","datastore":"main","namespace":"","backupType":"vm","vmid":"101",
        "backupTime":"2025-08-11T02:00:01Z","size":34_359_742_464_u64,"protected":false,"verified":true,"comment":"web",
        "files":["qemu-server.conf.blob","index.json.blob"],"owner":"root@pam!pve"});
    assert_eq!(kept[2], first);
}

#[test]
fn answers_about_backups_alone_have_the_same_lists() {
    let instances = [lab(), backup_server()];
    let state = state_of(&instances, "[]");
    let backups = Backups::of(&instances);
    let json = |out: Written| serde_json::from_str::<Value>(&out.text()).unwrap();
    let all = json(backups_reply(&backups));
    let mut expected = state["pveBackups"].clone();
    expected["pbsBackups"] = state["pbsBackups"].clone();
    assert_eq!(all, expected);
    assert_eq!(json(pve_reply(&backups)), json!({"backups": state["pveBackups"]["storageBackups"]}));
    assert_eq!(json(snapshots_reply(&backups)), json!({"snapshots": state["pveBackups"]["guestSnapshots"]}));
    let pbs = json(pbs_reply(&instances, &backups));
    assert_eq!((&pbs["instances"], &pbs["backups"]), (&state["pbs"], &state["pbsBackups"]));
    let nothing = Backups::of(&[]);
    assert_eq!(
        json(backups_reply(&nothing)),
        json!({"backupTasks":[],"storageBackups":[],"guestSnapshots":[],"pbsBackups":[]})
    );
}

#[test]
fn an_instance_that_lets_nobody_in_is_one_row_and_a_failing_one_keeps_its_data() {
    let (mut failing, mut locked, mut server) = (lab(), lab(), backup_server());
    failing.health.is_connected = false;
    locked.instance.name = text("locked");
    locked.instance.position = 1;
    (locked.health.is_connected, locked.health.is_locked_out, server.health.is_locked_out) = (false, true, true);
    let state = state_of(&[failing, locked, server], "[]");
    assert_eq!((state["nodes"].as_array().unwrap().len(), state["vms"].as_array().unwrap().len()), (3, 2));
    let row = by_id(&state["nodes"], "locked-failed");
    assert_eq!(
        (&row["status"], &row["connectionHealth"], &row["uptime"]),
        (&json!("offline"), &json!("error"), &json!(0))
    );
    assert_eq!(by_id(&state["nodes"], "lab-pve1")["connectionHealth"], "error");
    assert_eq!((&state["pbs"], &state["pbsBackups"]), (&json!([]), &json!([])));
    assert_eq!(state["connectionHealth"], json!({"lab": false, "locked": false, "pbs-backup1": true}));
}

#[test]
fn a_large_state_is_written_in_small_pieces() {
    let mut lab = lab();
    lab.guests = (0..500).map(|vmid| guest(vmid, GuestKind::Qemu, GuestStatus::Running)).collect();
    lab.census.guests = (0..500).map(|vmid| facts(vmid, GuestKind::Qemu, "guest")).collect();
    let many = (0..20_000).map(|at| backup(&format!("local:backup/{at}"), 7, at)).collect();
    lab.backups = vec![BackupStore { storage: text("local"), node: Some(text("pve1")), is_pbs: false, backups: many }];
    let instances = [lab];
    let backups = Backups::of(&instances);
    let view = StateView {
        instances: &instances,
        backups: &backups,
        hosts: "[]",
        active: &[],
        resolved: &[],
        totals: Totals::default(),
        changed_at: NOW,
    };
    let mut out = Written::default();
    write_state(&view, &mut out);
    let state: Value = serde_json::from_str(&out.text()).unwrap();
    assert_eq!(
        (state["vms"].as_array().unwrap().len(), state["pveBackups"]["storageBackups"].as_array().unwrap().len()),
        (500, 20_000)
    );
    assert!(out.finish().iter().all(|chunk| chunk.len() <= crate::dialects::pulse::MAX_CHUNK_BYTES));
}
