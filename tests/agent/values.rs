//! What `details` shows against what this machine says of itself at that moment.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use edgewatch_harness::agent::Agent;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::Value;

use super::{Folder, server};

/// Relative tolerance of the issue, and the absolute one for small counts and rates that change while they are read.
const SHARE: f64 = 0.05;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A field of /proc/meminfo, bytes.
fn meminfo(key: &str) -> f64 {
    let text = read("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

fn loadavg(index: usize) -> f64 {
    read("/proc/loadavg").split_whitespace().nth(index).and_then(|field| field.parse().ok()).unwrap_or(0.0)
}

/// Sockets as `ss -a` lists them: a line each behind the head of /proc/net.
fn sockets(kind: &str) -> f64 {
    let lines = |path: String| read(&path).lines().skip(1).count();
    let count = lines(format!("/proc/net/{kind}")) + lines(format!("/proc/net/{kind}6"));
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn processes() -> f64 {
    let numeric = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let count = entries.filter(|entry| entry.file_name().to_str().is_some_and(numeric)).count();
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Bytes received and sent since boot on all interfaces that are not left out by name. Source: nezha specification, 9.2.
fn network() -> (f64, f64) {
    let text = read("/proc/net/dev");
    let rows: Vec<(String, f64, f64)> = text
        .lines()
        .skip(2)
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let fields: Vec<f64> = rest.split_whitespace().filter_map(|field| field.parse().ok()).collect();
            Some((name.trim().to_owned(), *fields.first()?, *fields.get(8)?))
        })
        .collect();
    let left_out = |name: &str| {
        name == "lo"
            || ["tun", "docker", "veth", "br-", "vmbr", "vnet", "kube"].iter().any(|part| name.starts_with(part))
    };
    let counted: Vec<_> = rows.iter().filter(|(name, ..)| !left_out(name)).collect();
    let chosen = if counted.is_empty() { rows.iter().filter(|(name, ..)| name != "lo").collect() } else { counted };
    chosen.iter().fold((0.0, 0.0), |(input, output), (_, i, o)| (input + i, output + o))
}

/// Total and used bytes as `df` has them: one mount a device of the counted kinds, `/` when there is none.
fn disk() -> (f64, f64) {
    let counted =
        ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "reiserfs", "jfs", "ntfs", "exfat", "fuseblk"];
    let df = |arguments: &[&str]| {
        let output = Command::new("df").args(["-B1", "--output=source,size,used"]).args(arguments).output();
        let text = String::from_utf8_lossy(&output.expect("df is there").stdout).into_owned();
        let mut rows: Vec<(String, f64, f64)> = Vec::new();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [source, size, used] = fields[..] else { continue };
            let known = rows.iter().any(|(seen, ..)| seen == source);
            if let (false, Ok(size), Ok(used)) = (known, size.parse(), used.parse()) {
                rows.push((source.to_owned(), size, used));
            }
        }
        rows
    };
    let kinds: Vec<String> = counted.iter().map(|kind| format!("--type={kind}")).collect();
    let mut rows = df(&kinds.iter().map(String::as_str).collect::<Vec<_>>());
    if rows.is_empty() {
        rows = df(&["/"]);
    }
    rows.iter().fold((0.0, 0.0), |(total, used), (_, size, taken)| (total + size, used + taken))
}

/// Busy and all clock ticks of all processors since boot.
fn ticks() -> (f64, f64) {
    let text = read("/proc/stat");
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
    let all: f64 = fields.iter().sum();
    let idle = fields.get(3).unwrap_or(&0.0) + fields.get(4).unwrap_or(&0.0);
    (all - idle, all)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Waits until `shown` and `actual` agree: both change by themselves, so each look reads both anew.
fn agrees(what: &str, slack: f64, mut shown: impl FnMut() -> f64, mut actual: impl FnMut() -> f64) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (shown, actual) = (shown(), actual());
        if (shown - actual).abs() <= (actual.abs() * SHARE).max(slack) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {shown} is shown, {actual} is true");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn details_show_this_machine() {
    let worker = Worker::start();
    let host = worker.add_host("this machine");
    let folder = Folder::new("values");
    let started = Instant::now();
    let busy_before = ticks();
    let _agent = Agent::start(&worker, &host, &folder.0);
    let first = wait_until("the first values", Duration::from_secs(15), || {
        Some(server(&worker, host.id)).filter(|server| number(&server["status"]["MemUsed"]) > 0.0)
    });
    let busy_after = ticks();
    eprintln!("the first values were there after {:?}", started.elapsed());
    let percent = (busy_after.0 - busy_before.0) / (busy_after.1 - busy_before.1).max(1.0) * 100.0;
    let of = |part: &'static str, key: &'static str| {
        let worker = &worker;
        move || number(&server(worker, host.id)[part][key])
    };

    // What does not change: at once and exactly.
    for (key, field) in [("MemTotal", "MemTotal"), ("SwapTotal", "SwapTotal")] {
        assert!((number(&first["host"][key]) - meminfo(field)).abs() < 1.0, "{key}: {first}");
    }
    let stat = read("/proc/stat");
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok()).unwrap_or(0.0);
    assert!((number(&first["host"]["BootTime"]) - booted).abs() <= 2.0, "{first}");
    assert_eq!(first["host"]["Arch"], std::env::consts::ARCH);
    let release = read("/etc/os-release");
    let id = release.lines().find_map(|line| line.strip_prefix("ID=")).unwrap_or_default().trim_matches('"');
    assert_eq!(first["host"]["Platform"], id);
    let model = read("/proc/cpuinfo");
    if let Some(model) =
        model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.trim()))
    {
        assert!(first["host"]["CPU"][0].as_str().is_some_and(|text| text.starts_with(model)), "{first}");
    }
    assert_eq!(first["host"]["Version"], env!("CARGO_PKG_VERSION"));

    // What changes: within 5 %, or so little that it is the reading's own doing.
    let cpu = number(&first["status"]["CPU"]);
    if (cpu - percent).abs() > 10.0 {
        // The first sample spans a moment alone; later ones span ten seconds.
        let mut before = ticks();
        let mut shown = cpu;
        agrees_cpu(&mut before, &mut shown, of("status", "CPU"));
    }
    agrees("MemUsed", 0.0, of("status", "MemUsed"), || meminfo("MemTotal") - meminfo("MemAvailable"));
    agrees("SwapUsed", 0.0, of("status", "SwapUsed"), || meminfo("SwapTotal") - meminfo("SwapFree"));
    agrees("DiskTotal", 0.0, of("host", "DiskTotal"), || disk().0);
    agrees("DiskUsed", 0.0, of("status", "DiskUsed"), || disk().1);
    agrees("NetInTransfer", 1e5, of("status", "NetInTransfer"), || network().0);
    agrees("NetOutTransfer", 1e5, of("status", "NetOutTransfer"), || network().1);
    agrees("Uptime", 12.0, of("status", "Uptime"), || {
        read("/proc/uptime").split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0.0)
    });
    agrees("Load1", 0.02, of("status", "Load1"), || loadavg(0));
    agrees("Load5", 0.02, of("status", "Load5"), || loadavg(1));
    agrees("Load15", 0.02, of("status", "Load15"), || loadavg(2));
    agrees("TcpConnCount", 2.0, of("status", "TcpConnCount"), || sockets("tcp"));
    agrees("UdpConnCount", 2.0, of("status", "UdpConnCount"), || sockets("udp"));
    agrees("ProcessCount", 2.0, of("status", "ProcessCount"), processes);
}

/// Waits for a new sample and compares it with the processors' use over the ten seconds before it.
fn agrees_cpu(before: &mut (f64, f64), shown: &mut f64, mut read_shown: impl FnMut() -> f64) {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        std::thread::sleep(Duration::from_millis(250));
        let now = read_shown();
        if (now - *shown).abs() < f64::EPSILON {
            assert!(Instant::now() < deadline, "CPU: no sample within ten points");
            continue;
        }
        *shown = now;
        let after = ticks();
        let percent = (after.0 - before.0) / (after.1 - before.1).max(1.0) * 100.0;
        *before = after;
        if (now - percent).abs() <= 10.0 {
            return;
        }
        assert!(Instant::now() < deadline, "CPU: {now} is shown, {percent} is true");
    }
}
