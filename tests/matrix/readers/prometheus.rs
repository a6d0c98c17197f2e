//! What a scraper of `/metrics` reads: the text format of Prometheus. Source: core, dialects/native/prometheus.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_harness::worker::Worker;

use super::{Look, Presence};
use crate::table::Metric as M;
use crate::value::{Shown, Value};

/// What the families of hosts begin with.
const OF_HOST: &str = "edgewatch_host_";

/// Numbers by the names of their families, and what they are multiplied by: ratios are of 1.
const NUMBERS: [(M, &str, f64); 19] = [
    (M::CpuPercent, "cpu_ratio", 100.0),
    (M::MemTotal, "memory_total_bytes", 1.0),
    (M::MemUsed, "memory_used_bytes", 1.0),
    (M::SwapTotal, "swap_total_bytes", 1.0),
    (M::SwapUsed, "swap_used_bytes", 1.0),
    (M::DiskTotal, "disk_total_bytes", 1.0),
    (M::DiskUsed, "disk_used_bytes", 1.0),
    (M::NetIn, "network_receive_bytes_total", 1.0),
    (M::NetOut, "network_transmit_bytes_total", 1.0),
    (M::NetInSpeed, "network_receive_bytes_per_second", 1.0),
    (M::NetOutSpeed, "network_transmit_bytes_per_second", 1.0),
    (M::Uptime, "uptime_seconds", 1.0),
    (M::Load1, "load1", 1.0),
    (M::Load5, "load5", 1.0),
    (M::Load15, "load15", 1.0),
    (M::Tcp, "tcp_connections", 1.0),
    (M::Udp, "udp_connections", 1.0),
    (M::Processes, "processes", 1.0),
    (M::GpuPercent, "gpu_ratio", 100.0),
];

/// Labels of what is known of a host.
const TEXTS: [(M, &str); 7] = [
    (M::Name, "name"),
    (M::Group, "group"),
    (M::AgentVersion, "agent_version"),
    (M::Platform, "platform"),
    (M::PlatformVersion, "platform_version"),
    (M::Arch, "arch"),
    (M::Virtualization, "virtualization"),
];

pub fn scrape(worker: &Worker, now_s: i64) -> Look {
    let bearer = format!("Bearer {}", worker.token);
    let reply = worker.get_as("/metrics", &[("Authorization", &bearer)]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut look = Look::default();
    let (mut declared, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for line in reply.body.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            declared.insert(head.split(' ').next().unwrap_or_default());
        }
        if line.starts_with('#') {
            continue;
        }
        // Prometheus refuses a scrape with a line that it cannot read, or with two of one name and the same labels.
        let (family, labels, value) = read(line).unwrap_or_else(|| panic!("no line of the format: {line}"));
        assert!(declared.contains(family), "{family} has no TYPE before it");
        assert!(seen.insert((family, labels.clone())), "twice: {line}");
        if let (Some(family), Some(name)) = (family.strip_prefix(OF_HOST), labels.get("name")) {
            put(&mut look, family, name, &labels, value, now_s);
        }
    }
    look
}

fn put(look: &mut Look, family: &str, name: &str, labels: &BTreeMap<String, String>, value: f64, now_s: i64) {
    let shown = look.shown.entry(name.to_owned()).or_default();
    match family {
        "up" => {
            let presence = if value > 0.5 { Presence::Online } else { Presence::Offline };
            look.presence.insert(name.to_owned(), presence);
        }
        // An empty label is none.
        "info" => shown.extend(TEXTS.into_iter().filter_map(|(metric, label)| {
            let text = labels.get(label).filter(|text| !text.is_empty())?;
            Some((metric, Value::Text(text.clone())))
        })),
        "temperature_celsius" => put_sensor(shown, labels.get("sensor"), value),
        // Times are Unix seconds; nobody was heard tomorrow.
        "last_seen_timestamp_seconds" | "sample_timestamp_seconds" => {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries")]
            let age_s = now_s as f64 - value;
            assert!((-60.0..86_400.0).contains(&age_s), "{family} of {name}: {value} at {now_s}");
        }
        _ => {
            let known = NUMBERS.iter().find(|(_, name, _)| *name == family);
            let (metric, _, factor) = known.unwrap_or_else(|| panic!("{OF_HOST}{family} is in no row of the table"));
            shown.insert(*metric, Value::Number(value * factor));
        }
    }
}

fn put_sensor(shown: &mut Shown, sensor: Option<&String>, celsius: f64) {
    let all = shown.entry(M::Temperatures).or_insert_with(|| Value::Numbers(BTreeMap::new()));
    if let (Value::Numbers(all), Some(sensor)) = (all, sensor) {
        all.insert(sensor.clone(), celsius);
    }
}

/// Family, labels and value of a line. Names of this test have nothing that is escaped.
fn read(line: &str) -> Option<(&str, BTreeMap<String, String>, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((family, labels)) = series.split_once('{') else { return Some((series, BTreeMap::new(), value)) };
    let pair = |pair: &str| {
        let (name, text) = pair.split_once("=\"")?;
        Some((name.to_owned(), text.to_owned()))
    };
    let labels: Option<BTreeMap<_, _>> = labels.strip_suffix("\"}")?.split("\",").map(pair).collect();
    Some((family, labels?, value))
}
