//! What a scraper of `/metrics` reads: the text format of Prometheus. Source: core, dialects/native/prometheus.

use std::collections::BTreeMap;

use edgewatch_harness::worker::Worker;

use super::{Look, Presence};
use crate::table::Metric as M;
use crate::value::{Shown, Value};

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

/// Whether this Worker has the route.
pub fn is_there(worker: &Worker) -> bool {
    worker.get("/metrics").status != 404
}

pub fn scrape(worker: &Worker) -> Look {
    let bearer = format!("Bearer {}", worker.token);
    let reply = worker.get_as("/metrics", &[("Authorization", &bearer)]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut look = Look::default();
    for line in reply.body.lines().filter(|line| !line.starts_with('#')) {
        let Some((family, labels, value)) = read(line) else { continue };
        let (Some(family), Some(name)) = (family.strip_prefix("edgewatch_host_"), labels.get("name")) else { continue };
        let shown = look.shown.entry(name.clone()).or_default();
        match family {
            "up" => {
                let presence = if value > 0.5 { Presence::Online } else { Presence::Offline };
                look.presence.insert(name.clone(), presence);
            }
            // An empty label is none.
            "info" => shown.extend(TEXTS.into_iter().filter_map(|(metric, label)| {
                let text = labels.get(label).filter(|text| !text.is_empty())?;
                Some((metric, Value::Text(text.clone())))
            })),
            "temperature_celsius" => put_sensor(shown, labels.get("sensor"), value),
            _ => {
                let known = NUMBERS.iter().find(|(_, name, _)| *name == family);
                shown.extend(known.map(|(metric, _, factor)| (*metric, Value::Number(value * factor))));
            }
        }
    }
    look
}

fn put_sensor(shown: &mut Shown, sensor: Option<&String>, celsius: f64) {
    let all = shown.entry(M::Temperatures).or_insert_with(|| Value::Numbers(BTreeMap::new()));
    if let (Value::Numbers(all), Some(sensor)) = (all, sensor) {
        all.insert(sensor.clone(), celsius);
    }
}

/// Family, labels and value of a line. Names of this test have nothing that is escaped.
fn read(line: &str) -> Option<(&str, BTreeMap<String, String>, f64)> {
    let (family, rest) = line.split_once('{')?;
    let (labels, value) = rest.rsplit_once("} ")?;
    let pairs = labels.split("\",").filter_map(|pair| {
        let (name, text) = pair.split_once("=\"")?;
        Some((name.to_owned(), text.trim_end_matches('"').to_owned()))
    });
    Some((family, pairs.collect(), value.split(' ').next()?.parse().ok()?))
}
