//! Lines 2 to 5: the state, charts, storages and backups, field by field.

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Fleet, by, column, keys, percent, take_recent};

const NEVER: &str = "0001-01-01T00:00:00Z";

fn amount(total: u64, used: u64) -> Value {
    split(total, used, total - used)
}

fn split(total: u64, used: u64, free: u64) -> Value {
    // Whole numbers have no fraction.
    let usage = if (used * 100).is_multiple_of(total.max(1)) {
        json!(used * 100 / total.max(1))
    } else {
        json!(share(used, total))
    };
    json!({"total": total, "used": used, "free": free, "usage": usage})
}

#[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn share(used: u64, total: u64) -> f64 {
    percent(used as f64, total as f64)
}

#[test]
fn our_own_page_is_told_what_the_state_has_without_its_long_lists() {
    let fleet = Fleet::start("overview");
    let state = fleet.whole();
    let overview = fleet.get("/api/edgewatch/v1/proxmox");
    let all = ["containers", "counts", "instances", "nodes", "pbs", "storage", "vms"];
    assert_eq!(keys(&overview), all);
    for list in ["nodes", "vms", "containers", "storage", "pbs"] {
        let ids = |of: &Value| column(&of[list], "id").into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ids(&overview), ids(&state), "{list}");
    }
    assert_eq!(overview["counts"], json!({"storage_backups": 2, "pbs_backups": 3, "snapshots": 2}));
    let mut first = overview["instances"][0].clone();
    let polled_at_ms = first.as_object_mut().and_then(|one| one.remove("polled_at_ms"));
    assert!(polled_at_ms.is_some_and(|at| at.as_i64().is_some_and(|at| at > 1_700_000_000_000)), "{overview}");
    assert!(first.as_object_mut().and_then(|one| one.remove("took_ms")).is_some_and(|took| took.is_u64()));
    assert_eq!(
        first,
        json!({"name": "lab", "kind": "pve", "host": fleet.pve.url(), "cluster": "lab-cluster", "connected": true, "locked_out": false})
    );
    // It is for who may read, and guests are told nothing by it, whatever they may see.
    for view in ["off", "pulse"] {
        let settings = json!({ "guest_view": view }).to_string();
        let set = fleet.worker.request(
            "PATCH",
            "/api/edgewatch/v1/settings",
            &[("Authorization", &fleet.worker.token)],
            &settings,
        );
        assert_eq!(set.status, 200, "{}", set.body);
        assert_eq!(fleet.worker.get_as("/api/edgewatch/v1/proxmox", &[]).status, 401, "{view}");
    }
}

#[test]
fn line_2_the_state_has_every_field_of_the_lab() {
    let fleet = Fleet::start("state");
    let state = fleet.whole();
    let all = [
        "activeAlerts",
        "connectionHealth",
        "containers",
        "dockerHosts",
        "hosts",
        "lastUpdate",
        "metrics",
        "nodes",
        "pbs",
        "pbsBackups",
        "performance",
        "pveBackups",
        "recentlyResolved",
        "stats",
        "storage",
        "vms",
    ];
    assert_eq!(keys(&state), all);
    nodes(&state["nodes"], &fleet.pve.url());
    machines(&state["vms"]);
    containers(&state["containers"]);
    storages(&state["storage"]);
    server(&state["pbs"], &fleet.pbs.url());
    assert_eq!(state["metrics"], json!([]));
    assert_eq!(state["connectionHealth"], json!({"lab": true, "pbs-backup1": true}));
    let performance = &state["performance"];
    assert_eq!(
        keys(performance),
        ["apiCallDuration", "failedApiCalls", "lastPollDuration", "pollingStartTime", "totalApiCalls"]
    );
    assert!(performance["apiCallDuration"].is_object() && performance["lastPollDuration"].as_f64() > Some(0.0));
    let counted = &state["stats"];
    assert_eq!(keys(counted), ["pollingCycles", "startTime", "uptime", "version", "webSocketClients"]);
    assert_eq!((&counted["version"], counted["uptime"].is_u64()), (&json!("2.0.0-go"), true));
    for (object, key) in [(&state, "lastUpdate"), (counted, "startTime"), (performance, "pollingStartTime")] {
        take_recent(&mut object.clone(), key);
    }
    assert_eq!((&state["recentlyResolved"], &state["dockerHosts"]), (&json!([]), &json!([])));
    assert_eq!(column(&state["hosts"], "hostname"), ["collector"], "what polls is a host too");
}

fn nodes(list: &Value, host: &str) {
    assert_eq!(column(list, "name"), ["pve1", "pve2"]);
    let (mut here, mut off) = (list[0].clone(), list[1].clone());
    take_recent(&mut here, "lastSeen");
    take_recent(&mut off, "lastSeen");
    let expected = json!({
        "id": "lab-pve1", "name": "pve1", "displayName": "pve1", "instance": "lab", "status": "online", "type": "node", "cpu": 0.0731,
        "memory": amount(67_430_604_800, 23_622_320_128), "disk": split(100_861_726_720, 18_253_611_008, 77_437_464_576),
        "uptime": 1_209_600, "loadAverage": [0.42, 0.39, 0.35],
        "kernelVersion": "Linux 6.8.12-13-pve #1 SMP PREEMPT_DYNAMIC PMX 6.8.12-13 (2025-07-22T10:00Z)",
        "pveVersion": "pve-manager/8.4.9/649acf70aab54798",
        "cpuInfo": {"model": "Example CPU 8-Core", "cores": 16, "sockets": 1, "mhz": "3400.000"}, "connectionHealth": "healthy",
        "host": host, "isClusterMember": true, "clusterName": "lab-cluster",
    });
    assert_eq!(here, expected);
    let nothing = json!({"total": 0, "used": 0, "free": 0, "usage": 0});
    let expected = json!({
        "id": "lab-pve2", "name": "pve2", "displayName": "pve2", "instance": "lab", "status": "offline", "type": "node", "cpu": 0,
        "memory": nothing, "disk": nothing, "uptime": 0, "loadAverage": [], "kernelVersion": "", "pveVersion": "",
        "cpuInfo": {"model": "", "cores": 0, "sockets": 0, "mhz": ""}, "connectionHealth": "healthy",
        "host": host, "isClusterMember": true, "clusterName": "lab-cluster",
    });
    assert_eq!(off, expected);
}

fn machines(list: &Value) {
    let mut list = list.clone();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "no template: {list:#}");
    for guest in list.as_array_mut().into_iter().flatten() {
        take_recent(guest, "lastSeen");
        // Why its disks are not known, and the reason changes with what is asked first.
        guest.as_object_mut().expect("a guest").remove("diskStatusReason");
    }
    let memory = amount(8_589_934_592, 3_221_225_472);
    let expected = json!({
        "id": "lab-pve1-101", "vmid": 101, "name": "web", "displayName": "web", "node": "pve1", "instance": "lab", "status": "running",
        "type": "qemu", "cpu": 0.0312, "cpus": 4, "memory": memory, "disk": amount(34_359_738_368, 0), "mem": 3_221_225_472_i64,
        "maxmem": 8_589_934_592_i64, "maxdisk": 34_359_738_368_i64, "networkIn": 0, "networkOut": 0, "diskRead": 0, "diskWrite": 0,
        "uptime": 864_000, "template": false, "lastBackup": "2025-08-11T02:00:01Z", "tags": ["prod", "web"],
    });
    assert_eq!(list[0], expected);
    let expected = json!({
        "id": "lab-pve1-102", "vmid": 102, "name": "", "displayName": "", "node": "pve1", "instance": "lab", "status": "stopped",
        "type": "qemu", "cpu": 0, "cpus": 2, "memory": amount(2_147_483_648, 0), "disk": amount(10_737_418_240, 0), "mem": 0,
        "maxmem": 2_147_483_648_i64, "maxdisk": 10_737_418_240_i64, "networkIn": 0, "networkOut": 0, "diskRead": 0, "diskWrite": 0,
        "uptime": 0, "template": false, "lastBackup": NEVER,
    });
    assert_eq!(list[1], expected);
}

fn containers(list: &Value) {
    let mut list = list.clone();
    for guest in list.as_array_mut().into_iter().flatten() {
        take_recent(guest, "lastSeen");
    }
    let expected = json!([{
        "id": "lab-pve1-201", "vmid": 201, "name": "dns", "displayName": "dns", "node": "pve1", "instance": "lab", "status": "running",
        "type": "lxc", "cpu": 0.002, "cpus": 1.5, "memory": amount(536_870_912, 80_530_636),
        "disk": amount(4_294_967_296, 858_993_459), "mem": 80_530_636, "maxmem": 536_870_912, "maxdisk": 4_294_967_296_i64,
        "networkIn": 0, "networkOut": 0, "diskRead": 0, "diskWrite": 0, "uptime": 864_001, "template": false,
        "lastBackup": "2025-08-10T02:00:01Z", "tags": ["infra", "dns"],
    }, {
        "id": "lab-pve1-202", "vmid": 202, "name": "mail", "displayName": "mail", "node": "pve1", "instance": "lab", "status": "stopped",
        "type": "lxc", "cpu": 0, "cpus": 1, "memory": amount(536_870_912, 0), "disk": amount(4_294_967_296, 0), "mem": 0,
        "maxmem": 536_870_912, "maxdisk": 4_294_967_296_i64, "networkIn": 0, "networkOut": 0, "diskRead": 0, "diskWrite": 0,
        "uptime": 0, "template": false, "lastBackup": NEVER, "lock": "backup",
    }]);
    assert_eq!(list, expected);
}

fn local() -> Value {
    let mut storage = split(100_861_726_720, 18_253_611_008, 77_437_464_576);
    let rest = json!({
        "id": "lab-pve1-local", "name": "local", "node": "pve1", "instance": "lab", "type": "dir", "status": "available",
        "content": "backup,iso,vztmpl", "shared": false, "enabled": true, "active": true,
    });
    storage.as_object_mut().expect("sizes").extend(rest.as_object().cloned().unwrap_or_default());
    storage
}

fn shared() -> Value {
    json!({
        "id": "shared-nas", "name": "nas", "node": "shared", "instance": "lab", "type": "nfs", "status": "available",
        "total": 4_000_000_000_000_i64, "used": 1_000_000_000_000_i64, "free": 3_000_000_000_000_i64, "usage": 25,
        "content": "backup,images", "shared": true, "enabled": true, "active": true,
    })
}

fn disabled() -> Value {
    json!({
        "id": "lab-pve1-old", "name": "old", "node": "pve1", "instance": "lab", "type": "dir", "status": "disabled", "total": 0, "used": 0,
        "free": 0, "usage": 0, "content": "images", "shared": false, "enabled": false, "active": false,
    })
}

fn storages(list: &Value) {
    assert_eq!(*list, json!([local(), shared(), disabled()]));
}

fn server(list: &Value, url: &str) {
    let mut server = list[0].clone();
    take_recent(&mut server, "lastSeen");
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let error = server["datastores"][1].as_object_mut().and_then(|store| store.remove("error"));
    assert!(error.as_ref().and_then(Value::as_str).is_some_and(|error| error.contains("unable to open chunk store")));
    let expected = json!({
        "id": "pbs-backup1", "name": "backup1", "host": url, "status": "online", "version": "3.4", "cpu": 0.011,
        "memory": percent(1_803_886_264.0, 8_053_063_680.0), "memoryUsed": 1_803_886_264, "memoryTotal": 8_053_063_680_i64,
        "uptime": 432_000,
        "datastores": [
            {"name": "main", "total": 4_000_000_000_000_i64, "used": 1_000_000_000_000_i64, "free": 3_000_000_000_000_i64, "usage": 25,
             "status": "available", "deduplicationFactor": 4, "namespaces": [
                {"path": "", "depth": 0}, {"path": "prod", "depth": 0}, {"path": "prod/web", "parent": "prod", "depth": 1}]},
            {"name": "gone", "total": 0, "used": 0, "free": 0, "usage": 0, "status": "available",
             "namespaces": [{"path": "", "depth": 0}]},
        ],
        "backupJobs": [],
        "syncJobs": [{"id": "s-1", "store": "main", "remote": "far", "status": "OK", "lastSync": "1970-01-01T00:00:05Z", "nextRun": NEVER}],
        "verifyJobs": [],
        "pruneJobs": [{"id": "p-1", "store": "main", "status": "", "lastPrune": NEVER, "nextRun": "1970-01-01T00:00:09Z"}],
        "garbageJobs": [], "connectionHealth": "healthy",
    });
    assert_eq!(server, expected);
}

#[test]
fn line_2_the_state_is_nobody_s_without_one_of_the_four_forms_of_a_token() {
    let fleet = Fleet::start("forms");
    let state = fleet.whole();
    let worker = &fleet.worker;
    let token = worker.token.as_str();
    let bearer = format!("Bearer {token}");
    let seen = |path: &str, headers: &[(&str, &str)]| {
        let reply = worker.get_as(path, headers);
        (reply.status, reply.json())
    };
    for (path, headers) in [
        ("/api/state".to_owned(), vec![("X-API-Token", token)]),
        ("/api/state".to_owned(), vec![("Authorization", bearer.as_str())]),
        ("/api/state".to_owned(), vec![("Authorization", token)]),
        (format!("/api/state?token={token}"), vec![]),
    ] {
        let (status, body) = seen(&path, &headers);
        assert_eq!((status, column(&body["vms"], "id")), (200, column(&state["vms"], "id")), "{path} {headers:?}");
    }
    for headers in [vec![], vec![("X-API-Token", "wrong")], vec![("Authorization", "Bearer wrong")]] {
        let (status, body) = seen("/api/state", &headers);
        let expected = json!({"error": "Invalid or missing API token", "code": "unauthorized", "status_code": 401, "timestamp": body["timestamp"]});
        assert_eq!((status, &body), (401, &expected), "{headers:?}");
    }
}

fn stamps(series: &Value) -> Vec<i64> {
    series.as_array().into_iter().flatten().filter_map(|point| point["timestamp"].as_i64()).collect()
}

#[test]
fn line_3_charts_have_every_series_in_range_and_in_order() {
    let fleet = Fleet::start("charts");
    fleet.whole();
    for (word, minutes) in [
        ("5m", 5),
        ("15m", 15),
        ("30m", 30),
        ("1h", 60),
        ("4h", 240),
        ("8h", 480),
        ("12h", 720),
        ("24h", 1_440),
        ("7d", 10_080),
        ("", 60),
        ("bogus", 60),
    ] {
        let charts = fleet.get(&format!("/api/charts?range={word}"));
        assert_eq!(keys(&charts), ["data", "nodeData", "stats", "storageData", "timestamp"], "{word}");
        let now = charts["timestamp"].as_i64().expect("a time");
        assert_eq!((now % 1000, keys(&charts["stats"])), (0, vec!["oldestDataTimestamp"]));
        assert_eq!(keys(&charts["data"]), ["lab-pve1-101", "lab-pve1-102", "lab-pve1-201", "lab-pve1-202"], "{word}");
        assert_eq!(keys(&charts["nodeData"]), ["lab-pve1", "lab-pve2"]);
        assert_eq!(keys(&charts["storageData"]), ["lab-pve1-local", "lab-pve1-old", "shared-nas"]);
        let mut oldest = now;
        for (part, names) in [
            ("data", ["cpu", "disk", "diskread", "diskwrite", "memory", "netin", "netout"].as_slice()),
            ("nodeData", &["cpu", "disk", "memory"]),
            ("storageData", &["disk"]),
        ] {
            for (id, object) in charts[part].as_object().into_iter().flatten() {
                assert_eq!(keys(object), names, "{part} {id}");
                for series in object.as_object().into_iter().flatten().map(|(_, series)| series) {
                    let stamps = stamps(series);
                    assert!(!stamps.is_empty() && stamps.is_sorted_by(|one, two| one < two), "{id}: {stamps:?}");
                    assert!(
                        stamps.iter().all(|at| *at > now - minutes * 60_000 && *at <= now && at % 1000 == 0),
                        "{id}"
                    );
                    assert!(series.as_array().into_iter().flatten().all(|point| point["value"].as_f64() >= Some(0.0)));
                    oldest = oldest.min(stamps[0]);
                }
            }
        }
        assert_eq!(charts["stats"]["oldestDataTimestamp"], oldest, "{word}");
        let last = |path: &str| {
            let series = charts.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path}"));
            series.last().and_then(|point| point["value"].as_f64()).unwrap_or(-1.0)
        };
        for (path, value) in [
            ("/data/lab-pve1-101/cpu", 3.12),
            ("/data/lab-pve1-101/memory", 37.5),
            ("/data/lab-pve1-201/disk", percent(858_993_459.0, 4_294_967_296.0)),
            ("/nodeData/lab-pve1/cpu", 7.31),
            ("/nodeData/lab-pve2/cpu", 0.0),
            ("/storageData/shared-nas/disk", 25.0),
        ] {
            assert!((last(path) - value).abs() < 0.05, "{word} {path}: {}", last(path));
        }
    }
}

#[test]
fn line_3_an_object_without_history_has_one_point_and_that_is_now() {
    let fleet = Fleet::start("one-point");
    fleet.whole();
    // Nothing was ever polled of a storage that is not there in any other minute: all that is known is what it is now.
    fleet.worker.set_clock_ahead(3_600_000);
    let charts = fleet.get("/api/charts?range=5m");
    let now = charts["timestamp"].as_i64().expect("a time");
    let series = charts["nodeData"]["lab-pve2"]["cpu"].clone();
    assert_eq!(series, json!([{"timestamp": now, "value": 0}]), "{charts:#}");
}

#[test]
fn line_3_series_of_storages_have_times_as_text() {
    let fleet = Fleet::start("storage-charts");
    fleet.whole();
    for range in ["", "60", "15", "24h", "x", "1440"] {
        let charts = fleet.get(&format!("/api/storage-charts?range={range}"));
        assert_eq!(keys(&charts), ["lab-pve1-local", "lab-pve1-old", "shared-nas"], "{range}");
        for (id, object) in charts.as_object().into_iter().flatten() {
            assert_eq!(keys(object), ["avail", "total", "usage", "used"], "{id}");
            for point in
                object.as_object().into_iter().flatten().filter_map(|(_, series)| series.as_array().cloned()).flatten()
            {
                assert_eq!(keys(&point), ["timestamp", "value"]);
                take_recent(&mut point.clone(), "timestamp");
            }
        }
        let last = |name: &str| {
            charts["shared-nas"][name].as_array().and_then(|all| all.last()).map(|point| point["value"].clone())
        };
        assert_eq!(
            (last("usage"), last("used"), last("total"), last("avail")),
            (
                Some(json!(25)),
                Some(json!(1_000_000_000_000_i64)),
                Some(json!(4_000_000_000_000_i64)),
                Some(json!(3_000_000_000_000_i64))
            ),
            "{range}"
        );
    }
}

#[test]
fn line_4_storages_are_listed_and_found_by_their_id_and_by_their_node() {
    let fleet = Fleet::start("storages");
    fleet.whole();
    let data = |path: &str| {
        let reply = fleet.get(path);
        assert_eq!(keys(&reply), ["data", "timestamp"], "{path}");
        assert!(reply["timestamp"].as_i64() > Some(1_700_000_000));
        reply["data"].clone()
    };
    let all = json!([local(), shared(), disabled()]);
    for path in ["/api/storage", "/api/storage/", "/api/storage/lab-pve1", "/api/storage/pve1"] {
        assert_eq!(data(path), all, "{path}");
    }
    assert_eq!(data("/api/storage/lab-pve2"), json!([]), "a node that is off serves nothing");
    for (path, one) in [
        ("/api/storage/lab-pve1-local", local()),
        ("/api/storage/shared-nas", shared()),
        ("/api/storage/lab%2Dpve1%2Dold", disabled()),
    ] {
        assert_eq!(data(path), one, "{path}");
    }
    unknown(&fleet.worker);
}

fn unknown(worker: &Worker) {
    let reply = worker.get("/api/storage/lab-pve1-x%20y");
    let body = reply.json();
    let expected = json!({"error": "Storage with ID 'lab-pve1-x y' not found", "code": "storage_not_found", "status_code": 404,
        "timestamp": body["timestamp"]});
    assert_eq!((reply.status, &body), (404, &expected));
}

#[test]
fn line_5_backups_are_told_in_every_form_each_once_and_newest_first() {
    let fleet = Fleet::start("backups");
    // A storage that two nodes share lists its backups at each of them.
    fleet.pve.edit("/nodes/pve1/storage/nas/content", |list| {
        let again = list[0].clone();
        list.as_array_mut().expect("a list").push(again);
    });
    fleet.whole();
    let all = fleet.get("/api/backups");
    assert_eq!(keys(&all), ["backupTasks", "guestSnapshots", "pbsBackups", "storageBackups"]);
    for path in ["/api/backups/", "/api/backups/unified", "/api/backups/anything"] {
        assert_eq!(fleet.get(path), all, "{path}");
    }
    let tasks = json!([
        {"id": "lab-UPID:pve1:0003A1B3:01C9C381:68994EA2:vzdump::root@pam:", "node": "pve1", "type": "vzdump", "vmid": 0, "status": "",
         "startTime": "2025-08-12T10:48:20Z", "endTime": NEVER},
        {"id": "lab-UPID:pve1:0003A1B2:01C9C380:68994EA1:vzdump:101:root@pam:", "node": "pve1", "type": "vzdump", "vmid": 101,
         "status": "OK", "startTime": "2025-08-11T02:00:01Z", "endTime": "2025-08-11T02:04:40Z"},
    ]);
    assert_eq!(all["backupTasks"], tasks);
    let storage = json!([
        {"id": "lab-local:backup/vzdump-qemu-101-2025_08_11-02_00_01.vma.zst", "storage": "local", "node": "pve1", "instance": "lab",
         "type": "qemu", "vmid": 101, "time": "2025-08-11T02:00:01Z", "ctime": 1_754_877_601, "size": 5_368_709_120_i64,
         "format": "vma.zst", "notes": "web", "protected": true,
         "volid": "local:backup/vzdump-qemu-101-2025_08_11-02_00_01.vma.zst", "isPBS": false, "verified": false},
        {"id": "lab-nas:backup/vzdump-lxc-201-2025_08_10-02_00_01.tar.zst", "storage": "nas", "node": "nas", "instance": "lab",
         "type": "lxc", "vmid": 201, "time": "2025-08-10T02:00:01Z", "ctime": 1_754_791_201, "size": 104_857_600, "format": "tar.zst",
         "notes": "", "protected": false, "volid": "nas:backup/vzdump-lxc-201-2025_08_10-02_00_01.tar.zst", "isPBS": false,
         "verified": false},
    ]);
    assert_eq!(all["storageBackups"], storage);
    let snapshots = json!([
        {"id": "lab-pve1-201-fresh", "name": "fresh", "node": "pve1", "instance": "lab", "type": "lxc", "vmid": 201, "time": "2025-08-10T09:00:01Z",
         "vmstate": false},
        {"id": "lab-pve1-101-before-upgrade", "name": "before-upgrade", "node": "pve1", "instance": "lab", "type": "qemu", "vmid": 101,
         "time": "2025-08-10T09:00:00Z", "description": "pre 8.4", "vmstate": false},
    ]);
    assert_eq!(all["guestSnapshots"], snapshots, "`current` is none");
    let of_server = json!([
        {"id": "pbs-backup1-main-prod-host-laptop-1754877700", "instance": "backup1", "datastore": "main", "namespace": "prod",
         "backupType": "host", "vmid": "laptop", "backupTime": "2025-08-11T02:01:40Z", "size": 5, "protected": false, "verified": false,
         "comment": "", "files": ["root.pxar.didx"], "owner": "root@pam"},
        {"id": "pbs-backup1-main--vm-101-1754877601", "instance": "backup1", "datastore": "main", "namespace": "", "backupType": "vm",
         "vmid": "101", "backupTime": "2025-08-11T02:00:01Z", "size": 34_359_742_464_i64, "protected": false, "verified": true,
         "comment": "web", "files": ["drive-scsi0.img.fidx", "qemu-server.conf.blob"], "owner": "root@pam!pve"},
        {"id": "pbs-backup1-main--vm-101-1754791201", "instance": "backup1", "datastore": "main", "namespace": "", "backupType": "vm",
         "vmid": "101", "backupTime": "2025-08-10T02:00:01Z", "size": 0, "protected": true, "verified": false, "comment": "",
         "files": ["drive-scsi0.img.fidx"], "owner": "root@pam!pve"},
    ]);
    assert_eq!(all["pbsBackups"], of_server);
    assert_eq!(fleet.get("/api/backups/pve"), json!({ "backups": storage }));
    assert_eq!(fleet.get("/api/snapshots"), json!({ "snapshots": snapshots }));
    let servers = fleet.get("/api/backups/pbs");
    assert_eq!((keys(&servers), &servers["backups"]), (vec!["backups", "instances"], &of_server));
    assert_eq!(by(&servers["instances"], "id", "pbs-backup1")["status"], "online");
    let state = fleet.whole();
    assert_eq!(
        (&state["pveBackups"]["storageBackups"], &state["pveBackups"]["guestSnapshots"], &state["pbsBackups"]),
        (&storage, &snapshots, &of_server)
    );
    for path in ["/api/backups", "/api/backups/unified", "/api/backups/pve", "/api/backups/pbs", "/api/snapshots"] {
        assert_eq!(fleet.worker.post(path, &[], "{}").status, 405, "{path}");
    }
}
