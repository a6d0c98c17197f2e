//! Our own API's history: the newest point of each series. Source: core, dialects/native/series.

use std::collections::BTreeMap;

use edgewatch_core::metrics;
use edgewatch_core::units::Step;
use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use super::{Look, Presence, Subject};
use crate::table::{Kind, Metric as M};
use crate::truth::Truth;
use crate::value::{Shown, Value};

/// So short a time that a point is a sample, seconds.
const SPAN_S: i64 = 1_200;

/// The built-in metrics by their keys.
const BUILT_IN: [(M, &str); 16] = [
    (M::CpuPercent, "cpu_percent"),
    (M::MemUsed, "mem_used_bytes"),
    (M::SwapUsed, "swap_used_bytes"),
    (M::DiskUsed, "disk_used_bytes"),
    (M::NetIn, "net_in_bytes"),
    (M::NetOut, "net_out_bytes"),
    (M::NetInSpeed, "net_in_bytes_per_s"),
    (M::NetOutSpeed, "net_out_bytes_per_s"),
    (M::Uptime, "uptime_s"),
    (M::Load1, "load1"),
    (M::Load5, "load5"),
    (M::Load15, "load15"),
    (M::Tcp, "tcp_connections"),
    (M::Udp, "udp_connections"),
    (M::Processes, "processes"),
    (M::GpuPercent, "gpu_percent"),
];

/// What history rounds a metric by: its step. Source: core, metrics.
pub fn grain(metric: M) -> f64 {
    let key = BUILT_IN.iter().find(|(one, _)| *one == metric).map(|(_, key)| *key);
    let Some(key) = key else { return 0.0 };
    let step = metrics::ALL.iter().find(|definition| definition.key == key).map(|definition| definition.step);
    match step {
        Some(Step::Binary8) => 0.004,
        Some(Step::Binary11) => 0.0005,
        Some(Step::Binary14) => 0.000_07,
        // Counts of a network are cut by what comes in an eighth of a second.
        Some(Step::Whole) if matches!(metric, M::NetIn | M::NetOut) => 0.000_01,
        Some(Step::Hundredths10 | Step::Hundredths | Step::Tenths) => 0.003,
        _ => 0.0,
    }
}

/// The newest point of each built-in metric, and of those that have names.
pub fn newest(worker: &Worker, subjects: &[Subject], now_s: i64) -> Look {
    let ask = |host: u64, keys: &[&str]| ask(worker, host, keys, now_s);
    let mut look = Look::default();
    let truth = Truth::now(0, 0);
    for subject in subjects {
        let keys: Vec<&str> = BUILT_IN.iter().map(|(_, key)| *key).collect();
        let built_in = ask(subject.id, &keys).unwrap_or_default();
        let mut shown = Shown::new();
        let mut seen_s = 0;
        for (metric, key) in BUILT_IN {
            if let Some((at_s, value)) = built_in.get(key) {
                shown.insert(metric, Value::Number(*value));
                seen_s = seen_s.max(*at_s);
            }
        }
        let mut group = |metric: M, names: Vec<String>, key: &dyn Fn(&str) -> String| {
            let one = |name: String| {
                let found = ask(subject.id, &[&key(&name)])?.into_values().next()?;
                Some((name, found.1))
            };
            let all: BTreeMap<String, f64> = names.into_iter().filter_map(one).collect();
            if !all.is_empty() {
                shown.insert(metric, Value::Numbers(all));
            }
        };
        group(M::Temperatures, truth.sensors().into_keys().collect(), &|name| format!("temperature/{name}"));
        let parts = truth.cpu_parts().into_keys().chain(["nice".to_owned()]);
        group(M::CpuParts, parts.collect(), &|part| format!("cpu.{part}.percentage"));
        group(M::FileSystems, truth.file_systems().into_keys().collect(), &|part| format!("filesystem.{part}"));
        let ends = ["rxBytes", "txBytes"];
        let rates = truth.interfaces.iter().flat_map(|one| ends.map(|end| format!("{}.{end}", one.name)));
        group(M::InterfaceRates, rates.collect(), &|part| format!("interface.{part}.delta"));
        group(M::DiskIo, ["vda.reads", "vda.writes"].map(str::to_owned).into(), &|part| format!("disk.{part}.delta"));
        if matches!(subject.kind, Kind::Virtual | Kind::Container) {
            for (metric, key) in
                [(M::DiskReadSpeed, "disk_read_bytes_per_s"), (M::DiskWriteSpeed, "disk_write_bytes_per_s")]
            {
                let found = ask(subject.id, &[key]).and_then(|found| found.into_values().next());
                shown.extend(found.map(|(_, value)| (metric, Value::Number(value))));
            }
        }
        look.presence.insert(subject.name.clone(), Presence::Seen(seen_s));
        look.shown.insert(subject.name.clone(), shown);
    }
    look
}

/// The newest points by their keys: when their time begins, and their averages. `None` when the host has no such metric.
fn ask(worker: &Worker, host: u64, keys: &[&str], now_s: i64) -> Option<BTreeMap<String, (i64, f64)>> {
    let names = keys.join(",");
    let (from_s, to_s) = (now_s - SPAN_S, now_s + 1);
    let path = format!("/api/edgewatch/v1/series?hosts={host}&metrics={names}&from={from_s}&to={to_s}&points=300");
    let reply = worker.get(&path);
    if reply.status == 400 && keys.len() == 1 {
        assert_eq!(reply.at("/error/field"), "metrics", "{}", reply.body);
        return None;
    }
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = reply.json();
    let all = told["series"].as_array().into_iter().flatten();
    let newest = |series: &Json| {
        let times = series["at_s"].as_array()?.iter().filter_map(Json::as_i64);
        let points = times.zip(series["average"].as_array()?.iter().map(Json::as_f64));
        let (at_s, value) = points.filter_map(|(at_s, value)| Some((at_s, value?))).last()?;
        Some((series["metric"].as_str()?.to_owned(), (at_s, value)))
    };
    Some(all.filter_map(newest).collect())
}
