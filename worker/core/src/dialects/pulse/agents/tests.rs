//! Reports of stock agents: a whole one, a bare one, and what is none.

use serde_json::json;

use super::*;
use crate::model::Temperature;
use crate::units::{UnixMillis, UnixSeconds};

const REPORT: &str = r#"{"agent":{"id":"4f1c","version":"v4.36.2","type":"unified","intervalSeconds":30},
 "host":{"id":"","hostname":"web01.example.com","displayName":"web01","machineId":"4f1c-m","platform":"linux","osName":"debian",
   "osVersion":"12.7","kernelVersion":"6.1.0-25-amd64","architecture":"x86_64","cpuModel":"Example CPU","cpuCount":8,
   "uptimeSeconds":864000,"loadAverage":[0.1,0.2,0.3]},
 "metrics":{"cpuUsagePercent":7.5,"memory":{"totalBytes":16777216000,"usedBytes":4194304000,"freeBytes":12582912000,
   "usage":25.0,"swapTotalBytes":1073741824}},
 "disks":[{"device":"/dev/sda1","mountpoint":"/","filesystem":"ext4","type":"ext4","totalBytes":1000000000,"usedBytes":400000000},
   {"device":"/dev/sda1","mountpoint":"/srv","type":"ext4","totalBytes":1000000000,"usedBytes":400000000},
   {"device":"tmpfs","mountpoint":"/tmp","type":"tmpfs","totalBytes":5,"usedBytes":5},
   {"device":"/dev/loop0","mountpoint":"/snap/x","type":"ext4","totalBytes":5,"usedBytes":5}],
 "network":[{"name":"eth0","mac":"02:00:00:00:00:01","addresses":["192.0.2.30/24","2001:db8::1/64"],"rxBytes":123456,"txBytes":65432,"speedMbps":1000},
   {"name":"docker0","rxBytes":9,"txBytes":9},{"name":"lo","rxBytes":9,"txBytes":9}],
 "sensors":{"temperatureCelsius":{"cpu_package":45.0,"broken":-500},"fanRpm":{},"additional":{}},
 "raid":[{"device":"/dev/md0"}],"tags":["prod",""],"timestamp":"2025-12-01T10:00:00.123Z","sequenceId":"optional"}"#;

#[test]
fn a_report_is_a_sample_and_what_the_host_is() {
    let report = HostReport::parse(REPORT.as_bytes()).unwrap();
    let at = report.measured_at().unwrap();
    assert_eq!(at.seconds().rfc3339(), "2025-12-01T10:00:00Z");
    assert_eq!((report.identity().as_str(), report.name().as_str(), report.agent_id()), ("4f1c-m", "web01", "4f1c"));
    assert_eq!(
        (report.period_s(), report.agent_version().as_str(), report.tags()),
        (30, "v4.36.2", vec!["prod".to_owned()])
    );
    let sample = report.sample(at);
    assert_eq!(
        (sample.cpu_percent, sample.mem_used_bytes, sample.swap_used_bytes),
        (Some(7.5), Some(4_194_304_000), Some(0))
    );
    assert_eq!(
        (sample.disk_used_bytes, sample.net_in_bytes, sample.net_out_bytes),
        (Some(400_000_000), Some(123_456), Some(65_432))
    );
    assert_eq!((sample.load1, sample.load15, sample.uptime_s), (Some(0.1), Some(0.3), Some(864_000)));
    assert_eq!(sample.temperatures, [Temperature { name: "cpu_package".to_owned(), celsius: 45.0 }]);
    assert_eq!((sample.net_in_bytes_per_s, sample.processes), (None, None));
    // A device that is mounted twice is one, what is no device's is none; without a word about what is free all of it counts.
    let named: Vec<_> = sample.named.iter().map(|one| (one.name.as_str(), one.value)).collect();
    assert_eq!(named, [("filesystem.sda1.size", 1e9), ("filesystem.sda1.used", 4e8)]);
    let facts = report.facts(at);
    assert_eq!((facts.platform.as_str(), facts.cpu[0].as_str()), ("debian", "Example CPU 8 Virtual Core"));
    assert_eq!((facts.mem_total_bytes, facts.disk_total_bytes), (16_777_216_000, 1_000_000_000));
    assert_eq!(facts.booted_at, at.seconds().plus(-864_000));
    let machine = facts.machine.unwrap();
    let eth0 = &machine.interfaces[0];
    assert_eq!(
        (eth0.mac.as_str(), eth0.v4[0].to_string(), eth0.v6[0].to_string()),
        ("02:00:00:00:00:01", "192.0.2.30".to_owned(), "2001:db8::1".to_owned())
    );
    let reply = serde_json::to_value(HostReportReply::of(&report, "h-1", at)).unwrap();
    let expected = json!({"success":true,"hostId":"h-1","agentId":"h-1","lastSeen":"2025-12-01T10:00:00.123Z","platform":"linux","osName":"debian",
        "osVersion":"12.7","config":{"commandsEnabled":false}});
    assert_eq!(reply, expected);
}

#[test]
fn file_systems_have_mackerels_names_and_sizes() {
    let body = r#"{"host":{"hostname":"a"},"disks":[
        {"device":"/dev/mapper/vg-home","mountpoint":"/home","type":"xfs","totalBytes":1000,"usedBytes":400,"freeBytes":500},
        {"device":"tank/data","mountpoint":"/tank","type":"zfs","totalBytes":1000,"usedBytes":400,"freeBytes":600},
        {"device":"/dev/sdb1","mountpoint":"/srv","type":"ext4","totalBytes":-5,"usedBytes":1e300}]}"#;
    let sample = HostReport::parse(body.as_bytes()).unwrap().sample(UnixMillis(5));
    let named: Vec<_> = sample.named.iter().map(|one| (one.name.as_str(), one.value)).collect();
    // What is kept for the administrator is not counted; what is impossible is left out.
    assert_eq!(named, [("filesystem.mapper_vg-home.size", 900.0), ("filesystem.mapper_vg-home.used", 400.0)]);
}

#[test]
fn a_name_is_all_that_a_report_needs() {
    let bare = HostReport::parse(
        br#"{"host":{"hostname":"Web 01"},"disks":null,"tags":null,"sensors":{"temperatureCelsius":null}}"#,
    )
    .unwrap();
    assert_eq!((bare.identity().as_str(), bare.name().as_str(), bare.period_s()), ("web-01", "Web 01", 30));
    let sample = bare.sample(UnixMillis(5));
    assert_eq!(
        (sample.cpu_percent, sample.mem_used_bytes, sample.disk_used_bytes, sample.net_in_bytes),
        (Some(0.0), Some(0), None, None)
    );
    assert_eq!(
        (bare.measured_at(), bare.facts(UnixMillis(5)).booted_at, bare.facts(UnixMillis(5)).machine),
        (None, UnixSeconds(0), None)
    );
    let refused = |body: &str| HostReport::parse(body.as_bytes()).unwrap_err();
    for body in ["", "[", r#"{"host":7}"#, r#"{"host":{"hostname":7}}"#] {
        assert_eq!((refused(body).status, refused(body).code), (400, "invalid_json"), "{body}");
        assert!(refused(body).details.contains_key("error"));
    }
    for body in ["{}", r#"{"host":{"hostname":" "}}"#] {
        assert_eq!(
            (refused(body).code, refused(body).error.as_str()),
            ("invalid_report", "host report missing hostname")
        );
    }
}

#[test]
fn impossible_numbers_are_left_out() {
    let strange = HostReport::parse(
        br#"{"agent":{"intervalSeconds":1},"host":{"hostname":"a","cpuCount":-1,"uptimeSeconds":-5,"loadAverage":[-1]},
        "metrics":{"cpuUsagePercent":101,"memory":{"usedBytes":-1,"totalBytes":1e300}}}"#,
    );
    let strange = strange.unwrap();
    let sample = strange.sample(UnixMillis(5));
    assert_eq!((sample.cpu_percent, sample.mem_used_bytes, sample.uptime_s, sample.load1), (None, None, None, None));
    let facts = strange.facts(UnixMillis(5));
    assert_eq!((facts.mem_total_bytes, facts.cpu.len(), strange.period_s()), (0, 0, 30));
}

#[test]
fn containers_are_counted_and_their_host_is_measured() {
    let body = r#"{"agent":{"id":"d1","version":"v4.36.2","intervalSeconds":10},"host":{"hostname":"dock","machineId":"m","os":"debian","totalCpu":4,
        "totalMemoryBytes":8000,"cpuUsagePercent":3,"memory":{"usedBytes":2000}},"containers":[{"id":"a"},{"id":"b"}],"timestamp":"2025-12-01T10:00:00Z"}"#;
    let report = DockerReport::parse(body.as_bytes()).unwrap();
    let facts = report.host.facts(UnixMillis(5));
    assert_eq!((report.containers, report.host.identity().as_str(), facts.mem_total_bytes), (2, "m", 8_000));
    assert_eq!(
        (facts.cpu[0].as_str(), report.host.sample(UnixMillis(5)).mem_used_bytes),
        ("4 Virtual Core", Some(2_000))
    );
    let reply = serde_json::to_string(&DockerReply::new(&report, "h-2", UnixMillis(1_000))).unwrap();
    assert_eq!(reply, r#"{"success":true,"hostId":"h-2","containers":2,"lastSeen":"1970-01-01T00:00:01Z"}"#);
    assert_eq!(DockerReport::parse(b"{}").unwrap_err().code, "invalid_report");
}

#[test]
fn hosts_are_looked_up_by_id_or_name() {
    assert_eq!(HostLookup::of_query(Some("a"), Some("b")), Ok(HostLookup::Id("a".to_owned())));
    assert_eq!(HostLookup::of_query(Some(" "), Some("b")), Ok(HostLookup::Name("b".to_owned())));
    assert_eq!(HostLookup::of_query(None, None).unwrap_err().code, "missing_lookup_param");
    for (one, other, same) in [
        ("web01", "WEB01", true),
        ("web01.example.com", "web01", true),
        ("web01", "Web01.example.com", true),
        ("web01.a", "web01.b", false),
        ("web01", "web02", false),
    ] {
        assert_eq!(is_same_name(one, other), same, "{one} {other}");
    }
    assert_eq!((no_host().status, no_host().code), (404, "host_not_found"));
    let config = r#"{"success":true,"hostId":"h","config":{"commandsEnabled":false}}"#;
    assert_eq!(serde_json::to_string(&AgentConfigReply::new("h".to_owned())).unwrap(), config);
    let removed = r#"{"success":true,"hostId":"h","message":"Host removed"}"#;
    assert_eq!(serde_json::to_string(&RemovedReply::new("h".to_owned())).unwrap(), removed);
}

#[test]
fn pseudo_file_systems_are_no_disks() {
    for (kind, mount, is_own) in [
        ("ext4", "/", true),
        ("zfs", "/tank", true),
        ("ext4", "/running", true),
        ("tmpfs", "/tmp", false),
        ("ext4", "/run/x", false),
        ("ext4", "/proc", false),
        ("squashfs", "/snap/core", false),
        ("overlay", "/var/lib/docker", false),
    ] {
        assert_eq!(is_own_disk(kind, mount), is_own, "{kind} {mount}");
    }
}
