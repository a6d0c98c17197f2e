//! Pulse's state, charts, and the states that its socket sends. Source: pulse specification, 6, 7, 15 and 16.3.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use super::{Look, Presence, Taker, WAIT, list, name_of};
use crate::table::Metric as M;
use crate::value::{Shown, Value};

/// `GET /api/state`, and that the newest points of `GET /api/charts` say the same of what has charts.
pub fn state_and_charts(worker: &Worker) -> Look {
    let state = worker.get("/api/state").json();
    let mut look = of_state(&state);
    let charts = worker.get("/api/charts?range=5m").json();
    // Charts are of parts of hypervisors alone: 7.1.
    for (part, series, lists) in [
        (
            "nodeData",
            &[(M::CpuPercent, "cpu"), (M::MemPercent, "memory"), (M::DiskPercent, "disk")][..],
            &["/nodes"][..],
        ),
        (
            "data",
            &[
                (M::CpuPercent, "cpu"),
                (M::MemPercent, "memory"),
                (M::DiskPercent, "disk"),
                (M::NetInSpeed, "netin"),
                (M::NetOutSpeed, "netout"),
                (M::DiskReadSpeed, "diskread"),
                (M::DiskWriteSpeed, "diskwrite"),
            ],
            &["/vms", "/containers"],
        ),
    ] {
        for one in lists.iter().flat_map(|pointer| list(&state, pointer)) {
            let id = one["id"].as_str().unwrap_or_default();
            let Some(shown) = look.shown.get_mut(&name_of(one, "name")) else { continue };
            for (metric, key) in series {
                let newest = charts[part][id][*key].as_array().and_then(|points| points.last());
                let newest = newest.and_then(|point| point["value"].as_f64());
                // Charts that are not as the state is are shown; else what the state shows stands for both.
                let stated = shown.get(metric).and_then(number);
                let is_same =
                    newest.zip(stated).is_some_and(|(one, other)| (one - other).abs() <= other.abs() * 0.08 + 0.06);
                if !is_same {
                    shown.insert(*metric, Value::Text(format!("{newest:?} in charts, {stated:?} in the state")));
                }
            }
        }
    }
    look
}

fn number(value: &Value) -> Option<f64> {
    if let Value::Number(number) = value { Some(*number) } else { None }
}

/// The newest state that the socket sends.
pub fn feed(worker: &Worker) -> Look {
    let mut socket =
        Socket::open(worker.address(), "/pulse/ws", &[("X-API-Token", &worker.token)]).expect("an upgrade");
    let begun = Instant::now();
    while begun.elapsed() < WAIT {
        match socket.next(WAIT) {
            Heard::Text(text) => {
                let told: Json = serde_json::from_str(&text).expect("JSON");
                if told["type"] == "initialState" {
                    socket.close(1000);
                    return of_state(&told["data"]);
                }
            }
            other => panic!("{other:?} in the place of a state"),
        }
    }
    panic!("no state in time")
}

fn of_state(state: &Json) -> Look {
    let mut look = Look::default();
    for host in list(state, "/hosts") {
        let name = name_of(host, "displayName");
        look.presence.insert(name.clone(), presence(&host["status"], "online"));
        look.shown.insert(name, machine(host));
    }
    for node in list(state, "/nodes") {
        let name = name_of(node, "name");
        look.presence.insert(name.clone(), presence(&node["status"], "online"));
        look.shown.insert(name, of_node(node));
    }
    for guest in ["/vms", "/containers"].into_iter().flat_map(|pointer| list(state, pointer)) {
        let name = name_of(guest, "name");
        look.presence.insert(name.clone(), presence(&guest["status"], "running"));
        look.shown.insert(name, of_guest(guest));
    }
    look
}

fn presence(word: &Json, online: &str) -> Presence {
    if word == online { Presence::Online } else { Presence::Offline }
}

/// What the lists of all kinds have in common. Percent is 0 to 1 of what is polled.
fn common(taker: &mut Taker<'_>) {
    for (metric, key) in
        [(M::MemTotal, "/memory/total"), (M::MemUsed, "/memory/used"), (M::MemPercent, "/memory/usage")]
    {
        taker.number(metric, key);
    }
}

fn loads(taker: &mut Taker<'_>) {
    for (metric, key) in [(M::Load1, "/loadAverage/0"), (M::Load5, "/loadAverage/1"), (M::Load15, "/loadAverage/2")] {
        taker.number(metric, key);
    }
}

fn disk(taker: &mut Taker<'_>, at: &str) {
    for (metric, key) in [(M::DiskTotal, "total"), (M::DiskUsed, "used"), (M::DiskPercent, "usage")] {
        taker.number(metric, &format!("{at}/{key}"));
    }
}

fn machine(host: &Json) -> Shown {
    let mut taker = Taker::of(host);
    common(&mut taker);
    loads(&mut taker);
    disk(&mut taker, "/disks/0");
    for (metric, key) in [
        (M::Name, "/hostname"),
        (M::Group, "/tags/0"),
        (M::AgentVersion, "/agentVersion"),
        (M::Platform, "/osName"),
        (M::PlatformVersion, "/osVersion"),
        (M::Kernel, "/kernelVersion"),
        (M::Arch, "/architecture"),
    ] {
        taker.text(metric, key);
    }
    for (metric, key) in [
        (M::CpuPercent, "/cpuUsage"),
        (M::CpuCount, "/cpuCount"),
        (M::SwapUsed, "/memory/swapUsed"),
        (M::SwapTotal, "/memory/swapTotal"),
        (M::Uptime, "/uptimeSeconds"),
    ] {
        taker.number(metric, key);
    }
    let sensors = host.pointer("/sensors/temperatureCelsius").and_then(Json::as_object).into_iter().flatten();
    taker.numbers(M::Temperatures, sensors.map(|(name, value)| (name.clone(), value.as_f64().unwrap_or(f64::NAN))));
    let interfaces: BTreeSet<String> = list(host, "/networkInterfaces").map(interface).collect();
    if !interfaces.is_empty() {
        taker.put(M::Interfaces, interfaces);
    }
    taker.shown
}

fn interface(one: &Json) -> String {
    let addresses = one["addresses"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let words = [one["name"].as_str().unwrap_or_default(), one["mac"].as_str().unwrap_or_default()];
    words.into_iter().chain(addresses).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn of_node(node: &Json) -> Shown {
    let mut taker = Taker::of(node);
    common(&mut taker);
    loads(&mut taker);
    disk(&mut taker, "/disk");
    for (metric, key) in [(M::Name, "/name"), (M::Group, "/instance"), (M::CpuModel, "/cpuInfo/model")] {
        taker.text(metric, key);
    }
    // `pve-manager/8.4.9/649acf70aab54798`, `Linux 6.8.12-13-pve #1 SMP …`: 6.2.
    let part = |key: &str, separator: char| node[key].as_str()?.split(separator).nth(1).map(str::to_owned);
    let parts = [(M::PlatformVersion, part("pveVersion", '/')), (M::Kernel, part("kernelVersion", ' '))];
    let known: BTreeMap<M, Value> =
        parts.into_iter().filter_map(|(metric, text)| Some((metric, Value::Text(text?)))).collect();
    taker.shown.extend(known);
    taker.number_times(M::CpuPercent, "/cpu", 100.0);
    taker.number(M::CpuCount, "/cpuInfo/cores");
    taker.number(M::Uptime, "/uptime");
    taker.shown
}

fn of_guest(guest: &Json) -> Shown {
    let mut taker = Taker::of(guest);
    common(&mut taker);
    disk(&mut taker, "/disk");
    for (metric, key) in [(M::Name, "/name"), (M::Group, "/instance"), (M::Virtualization, "/type")] {
        taker.text(metric, key);
    }
    taker.number_times(M::CpuPercent, "/cpu", 100.0);
    for (metric, key) in [
        (M::CpuCount, "/cpus"),
        (M::Uptime, "/uptime"),
        (M::NetInSpeed, "/networkIn"),
        (M::NetOutSpeed, "/networkOut"),
        (M::DiskReadSpeed, "/diskRead"),
        (M::DiskWriteSpeed, "/diskWrite"),
    ] {
        taker.number(metric, key);
    }
    taker.shown
}
