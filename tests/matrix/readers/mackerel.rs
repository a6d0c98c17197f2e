//! Mackerel's hosts, and the newest values and points of their metrics by name. Source: mackerel specification, 2, 3.11 and 5.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use super::{Look, Presence, Subject, Taker, list, name_of};
use crate::table::Metric as M;
use crate::value::{Shown, Value};

/// Points are looked for within so many seconds before now.
const SPAN_S: i64 = 600;

/// `GET /hosts`, and of each host `metric-names`, `/tsdb/latest` and `metrics`.
pub fn all(worker: &Worker, key: &str, subjects: &[Subject]) -> Look {
    let get = |path: &str| {
        let reply = worker.get_as(&format!("/api/v0{path}"), &[("X-Api-Key", key)]);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    };
    let hosts = get("/hosts");
    let alerts = get("/alerts");
    let mut look = Look::default();
    for host in list(&hosts, "/hosts") {
        let (name, id) = (name_of(host, "name"), name_of(host, "id"));
        if !subjects.iter().any(|one| one.public_id == id) {
            continue;
        }
        let names: Vec<String> = list(&get(&format!("/hosts/{id}/metric-names")), "/names")
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let (values, seen_s) = newest(&get, &id, &names);
        let mut shown = described(host);
        shown.extend(measured(&values, host["meta"]["cpu"].as_array().map_or(0, Vec::len)));
        look.shown.insert(name.clone(), shown);
        // Hosts have a status that people set; whether one is there, alerts tell (8.1), or its newest values by their age.
        let is_gone =
            list(&alerts, "/alerts").any(|alert| alert["type"] == "connectivity" && alert["hostId"] == id.as_str());
        look.presence.insert(name, if is_gone { Presence::Offline } else { Presence::Seen(seen_s) });
    }
    look
}

/// The newest value of each metric, one that its points have another newest value of is no number; and when the newest of all is of.
fn newest(get: &impl Fn(&str) -> Json, id: &str, names: &[String]) -> (BTreeMap<String, f64>, i64) {
    let (mut values, mut seen_s) = (BTreeMap::new(), 0);
    for some in names.chunks(20) {
        let latest = get(&format!("/tsdb/latest?hostId={id}&name={}", some.join("&name=")));
        for name in some {
            let Some(one) = latest["tsdbLatest"][id].get(name).filter(|one| !one.is_null()) else { continue };
            let (at_s, value) = (one["time"].as_i64().unwrap_or(0), one["value"].as_f64().unwrap_or(f64::NAN));
            seen_s = seen_s.max(at_s);
            let (from, to) = (at_s - SPAN_S, at_s + SPAN_S);
            let points = get(&format!("/hosts/{id}/metrics?name={name}&from={from}&to={to}"));
            let last = list(&points, "/metrics").last().and_then(|point| point["value"].as_f64());
            let is_same = last.is_some_and(|last| (last - value).abs() <= value.abs() * 0.08 + 1e-9);
            values.insert(name.clone(), if is_same { value } else { f64::NAN });
        }
    }
    (values, seen_s)
}

fn described(host: &Json) -> Shown {
    let meta = &host["meta"];
    let mut taker = Taker::of(host);
    taker.text(M::Name, "/name");
    for (metric, key) in [
        (M::AgentVersion, "/meta/agent-version"),
        (M::PlatformVersion, "/meta/kernel/platform_version"),
        (M::Kernel, "/meta/kernel/release"),
        (M::Arch, "/meta/kernel/machine"),
        (M::CpuModel, "/meta/cpu/0/model_name"),
    ] {
        taker.text(metric, key);
    }
    // A name where others have an id: `Debian`.
    if let Some(platform) = meta.pointer("/kernel/platform_name").and_then(Json::as_str) {
        taker.put(M::Platform, platform.to_lowercase());
    }
    if let Some(processors) = meta["cpu"].as_array().filter(|all| !all.is_empty()) {
        taker.put(M::CpuCount, f64::from(u32::try_from(processors.len()).unwrap_or(0)));
    }
    // `24684096kB`.
    for (metric, key) in [(M::MemTotal, "total"), (M::SwapTotal, "swap_total")] {
        let kilobytes = meta["memory"][key].as_str().and_then(|text| text.strip_suffix("kB")?.parse::<f64>().ok());
        taker.shown.extend(kilobytes.map(|number| (metric, Value::Number(number * 1024.0))));
    }
    let interfaces: BTreeSet<String> =
        list(host, "/interfaces").filter(|one| one["name"] != "default").map(interface).collect();
    if !interfaces.is_empty() {
        taker.put(M::Interfaces, interfaces);
    }
    taker.shown
}

fn interface(one: &Json) -> String {
    let mut words = vec![name_of(one, "name"), name_of(one, "macAddress")];
    words.extend(
        ["/ipv4Addresses", "/ipv6Addresses"]
            .into_iter()
            .flat_map(|key| list(one, key))
            .map(|address| address.as_str().unwrap_or_default().to_owned()),
    );
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Metrics by their names: 5.5.
fn measured(values: &BTreeMap<String, f64>, processors: usize) -> Shown {
    let get = |name: &str| values.get(name).copied();
    let mut shown = Shown::new();
    let mut put = |metric: M, value: Option<f64>| {
        if let Some(value) = value {
            shown.insert(metric, Value::Number(value));
        }
    };
    let cores = f64::from(u32::try_from(processors).unwrap_or(0));
    let idle = get("cpu.idle.percentage").map(|idle| idle + get("cpu.iowait.percentage").unwrap_or(0.0));
    put(M::CpuPercent, idle.filter(|_| cores > 0.0).map(|idle| 100.0 - idle / cores));
    put(M::MemUsed, get("memory.used"));
    let total = get("memory.total");
    if let Some(total) = total {
        let left = get("memory.mem_available");
        // Where two names tell of one thing they tell the same.
        let is_whole = left.zip(get("memory.used")).is_none_or(|(left, used)| (left + used - total).abs() < 1.0);
        put(M::MemTotal, Some(if is_whole { total } else { f64::NAN }));
    }
    put(M::SwapTotal, get("memory.swap_total"));
    put(M::SwapUsed, get("memory.swap_total").zip(get("memory.swap_free")).map(|(total, free)| total - free));
    put(M::Load1, get("loadavg1"));
    put(M::Load5, get("loadavg5"));
    put(M::Load15, get("loadavg15"));
    let mut group = |metric: M, before: &str, behind: &str, is_wanted: &dyn Fn(&str) -> bool| {
        let part = |(name, value): (&String, &f64)| {
            let middle = name.strip_prefix(before)?.strip_suffix(behind)?;
            is_wanted(middle).then(|| (middle.to_owned(), *value))
        };
        let all: BTreeMap<String, f64> = values.iter().filter_map(part).collect();
        if !all.is_empty() {
            shown.insert(metric, Value::Numbers(all));
        }
    };
    if values.contains_key("cpu.user.percentage") {
        group(M::CpuParts, "cpu.", ".percentage", &|_| true);
    }
    group(M::FileSystems, "filesystem.", "", &|_| true);
    group(M::InterfaceRates, "interface.", ".delta", &|_| true);
    group(M::DiskIo, "disk.", ".delta", &|_| true);
    shown
}
