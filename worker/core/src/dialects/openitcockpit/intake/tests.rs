use super::*;

const LINUX: &str = include_str!("../../../../samples/openitcockpit/result_linux.json");
const WINDOWS: &str = include_str!("../../../../samples/openitcockpit/result_windows.json");
const MACOS: &str = include_str!("../../../../samples/openitcockpit/result_macos.json");
const ERRORS: &str = include_str!("../../../../samples/openitcockpit/result_errors.json");
const AT: UnixMillis = UnixMillis(1_776_842_109_000);

fn read(text: &str) -> Document {
    Document::read(text).unwrap()
}

fn named(sample: &Sample, name: &str) -> Option<f64> {
    sample.named.iter().find(|one| one.name == name).map(|one| one.value)
}

#[test]
fn a_document_of_linux_is_a_sample() {
    let sample = read(LINUX).sample(AT, true);
    assert_eq!((sample.at, sample.number, sample.cpu_percent), (AT, 0, Some(12.5)));
    assert_eq!((sample.mem_used_bytes, sample.swap_used_bytes), (Some(1_201_184_768), Some(0)));
    assert_eq!(sample.disk_used_bytes, Some(21_147_385_856));
    assert_eq!((sample.net_in_bytes, sample.net_out_bytes), (Some(903_455_563), Some(1_300_276)));
    assert_eq!((sample.net_in_bytes_per_s, sample.net_out_bytes_per_s), (Some(64_000), Some(1_200)));
    assert_eq!((sample.uptime_s, sample.processes), (Some(86_423), Some(1)));
    assert_eq!((sample.load1, sample.load5, sample.load15), (Some(1.34), Some(0.67), Some(0.3)));
    let sensor = Temperature { name: "coretemp_package_id_0".to_owned(), celsius: 27.0 };
    assert_eq!(sample.temperatures, [sensor]);
    assert_eq!((sample.tcp_connections, sample.gpu_percent), (None, None), "in no document");
    for (name, value) in [
        ("cpu.user.percentage", 16.2),
        ("cpu.idle.percentage", 175.0),
        ("filesystem.sda1.used", 21_147_385_856.0),
        ("filesystem.sda1.size", 256_147_385_856.0),
        ("interface.eth0.rxBytes.delta", 64_000.0),
        ("interface.eth0.txBytes.delta", 1_200.0),
        ("disk.sda.reads.delta", 256.0),
        ("custom.disk.sda.load_percent", 3.08),
        ("custom.check.check_load.load1", 0.1),
        ("custom.container.web.cpu_percent", 0.4),
        ("custom.container.web.memory_bytes", 5_451_776.0),
        ("custom.ntp.offset_s", 0.000_042),
        ("custom.users.logged_in", 1.0),
    ] {
        assert_eq!(named(&sample, name), Some(value), "{name}: {:?}", sample.named);
    }
    assert_eq!(read(LINUX).sample(AT, false).named, []);
}

#[test]
fn what_the_host_is_comes_in_the_kernels_words() {
    let facts = read(LINUX).facts().unwrap();
    assert_eq!((facts.platform.as_str(), facts.platform_version.as_str()), ("debian", "12.11"));
    assert_eq!((facts.kernel.as_str(), facts.arch.as_str()), ("6.12.9-amd64", "x86_64"));
    assert_eq!(facts.cpu, ["2 Virtual Core"]);
    assert_eq!((facts.mem_total_bytes, facts.swap_total_bytes), (25_276_514_304, 8_191_471_616));
    assert_eq!((facts.disk_total_bytes, facts.booted_at), (270_553_174_016, UnixSeconds(1_776_842_108 - 86_423)));
    assert_eq!((read(LINUX).period_s(), read(LINUX).agent_version().as_str()), (30, "3.6.1"));
}

#[test]
fn documents_of_other_platforms_say_what_they_have() {
    for text in [WINDOWS, MACOS] {
        let document = read(text);
        let (sample, facts) = (document.sample(AT, true), document.facts().unwrap());
        assert!(sample.mem_used_bytes.is_some() && sample.uptime_s == Some(86_423), "{sample:?}");
        assert!(facts.mem_total_bytes > 0 && !facts.platform.is_empty() && !facts.platform_version.is_empty());
    }
    let windows = read(WINDOWS).sample(AT, true);
    assert_eq!((windows.cpu_percent, windows.swap_used_bytes), (Some(2.5), None), "one group failed");
}

#[test]
fn groups_that_failed_or_are_missing_say_nothing() {
    for text in [ERRORS, "{}", r#"{"error":"x"}"#, r#"{"cpu":5,"disks":{},"unknown":[1]}"#] {
        let document = read(text);
        assert_eq!(document.sample(AT, true), Sample { at: AT, ..Sample::default() }, "{text}");
        assert_eq!((document.facts(), document.reports(AT.seconds())), (None, vec![]), "{text}");
        assert_eq!(document.period_s(), INTERVAL_S);
    }
}

#[test]
fn what_cannot_be_is_left_out() {
    let text = r#"{"agent":{"last_updated_timestamp":1,"system_uptime":18446744073709551615,"check_interval":0},
        "cpu":{"cpu_total_percentage":250,"cpu_percentage":[]},"memory":{"total":1,"available":1,"percent":0,"used":18446744073709551615},
        "system_load":{"0":-1,"1":1e300,"2":0.5},"sensors":{"Temperatures":[{"label":"","current":1},{"label":"a\u0007","current":1},
        {"label":"hot","current":1e9},{"label":"ok","current":-3.5}]}}"#;
    let (document, sample) = (read(text), read(text).sample(AT, true));
    assert_eq!((sample.uptime_s, sample.cpu_percent, sample.mem_used_bytes), (None, None, None));
    assert_eq!((sample.load1, sample.load5, sample.load15), (None, None, Some(0.5)));
    assert_eq!(sample.temperatures, [Temperature { name: "ok".to_owned(), celsius: -3.5 }]);
    assert_eq!(document.period_s(), 30);
    assert_eq!(document.facts().unwrap().booted_at, UnixSeconds(0));
}

#[test]
fn a_device_counts_once_and_somebody_elses_disk_does_not() {
    let disk = |device: &str, at: &str, kind: &str| {
        format!(
            r#"{{"disk":{{"device":"{device}","mountpoint":"{at}","fstype":"{kind}"}},"usage":{{"total":100,"used":40,"free":50,"percent":44}}}}"#
        )
    };
    let all = [
        disk("/dev/sda1", "/", "ext4"),
        disk("/dev/sda1", "/var/lib/docker", "ext4"),
        disk("nas:/home", "/home", "nfs4"),
        disk("/dev/loop0", "/snap/x", "squashfs"),
        disk("C:", "C:", ""),
        disk("/dev/mapper/vg-a", "/a", "xfs"),
    ];
    let document = read(&format!(r#"{{"disks":[{}]}}"#, all.join(",")));
    let sample = document.sample(AT, true);
    assert_eq!(sample.disk_used_bytes, Some(120));
    let names: Vec<&str> = sample.named.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        ["filesystem.sda1.size", "filesystem.sda1.used", "filesystem.mapper_vg-a.size", "filesystem.mapper_vg-a.used"]
    );
}

#[test]
fn custom_checks_report_with_their_severity_and_first_line() {
    let text = r#"{"agent":{"last_updated_timestamp":1776842108},"customchecks":{
        "a":{"stdout":"DISK OK - 5 GB | /=5GB;8;9 'two words'=3.5% b=x c=7\nmore | d=1","rc":0,"execution_unix_timestamp_sec":1776842100},
        "b":{"stdout":"","rc":1,"execution_unix_timestamp_sec":1776842101},
        "c":{"stdout":null,"rc":2,"execution_unix_timestamp_sec":1776842102},
        "d e.f":{"stdout":"x\u0000y","rc":-1}}}"#;
    let document = read(text);
    let now = UnixSeconds(1_776_842_110);
    let reports = document.reports(now);
    let told: Vec<(&str, Option<Severity>, &str, i64)> = reports
        .iter()
        .map(|report| (report.name.as_str(), report.severity, report.message.as_str(), report.at.0))
        .collect();
    assert_eq!(
        told,
        [
            ("a", None, "DISK OK - 5 GB", 1_776_842_100),
            ("b", Some(Severity::Warning), "ended with 1", 1_776_842_101),
            ("c", Some(Severity::Critical), "ended with 2", 1_776_842_102),
            ("d e.f", Some(Severity::Unknown), "xy", now.0),
        ]
    );
    let sample = document.sample(AT, true);
    assert_eq!(named(&sample, "custom.check.a._"), Some(5.0));
    assert_eq!(named(&sample, "custom.check.a.two_words"), Some(3.5));
    assert_eq!(named(&sample, "custom.check.a.c"), Some(7.0), "behind one that is no number");
    assert_eq!(sample.named.len(), 3);
    // The same run has the same time, whatever the second it is told in; a clock that is a day off does not make it old.
    assert_eq!(document.reports(UnixSeconds(now.0 + 900))[0].at, UnixSeconds(1_776_842_100));
    assert_eq!(document.reports(UnixSeconds(now.0 + 86_400))[0].at, UnixSeconds(1_776_842_100 + 86_400));
}

#[test]
fn a_sample_takes_so_many_details_and_each_name_once() {
    let checks: Vec<String> = (0..700).map(|at| format!(r#""c{at}":{{"stdout":"|v={at} v=2","rc":0}}"#)).collect();
    let document = read(&format!(r#"{{"customchecks":{{{}}}}}"#, checks.join(",")));
    assert_eq!(document.sample(AT, true).named.len(), Named::MAX);
    assert_eq!(document.reports(AT.seconds()).len(), 700);
}
