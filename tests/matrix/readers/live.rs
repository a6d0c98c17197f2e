//! The dashboard's socket, as a browser hears it. Source: core, dialects/native/live.

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::{Value as Json, json};

use super::{Look, Presence, Subject, Taker, WAIT, list, name_of};
use crate::table::Metric as M;

/// The first message of `/live`.
pub fn first(worker: &Worker, hosts: &[u64]) -> Json {
    let mut socket = Socket::open(worker.address(), "/live", &[("Authorization", &worker.token)]).expect("an upgrade");
    assert!(socket.send_text(&json!({ "type": "window", "hosts": hosts }).to_string()));
    loop {
        match socket.next(WAIT) {
            Heard::Text(text) => {
                let told: Json = serde_json::from_str(&text).expect("JSON");
                if told["type"] == "snapshot" {
                    socket.close(1000);
                    return told;
                }
            }
            other => panic!("{other:?} in the place of a snapshot"),
        }
    }
}

pub fn snapshot(worker: &Worker, subjects: &[Subject]) -> Look {
    let ids: Vec<u64> = subjects.iter().map(|one| one.id).collect();
    let told = first(worker, &ids);
    let mut look = Look::default();
    for host in list(&told, "/hosts") {
        let name = name_of(host, "name");
        let mut taker = Taker::of(host);
        for (metric, key) in [
            (M::Name, "/name"),
            (M::Group, "/tag"),
            (M::AgentVersion, "/agent_version"),
            (M::Platform, "/platform"),
            (M::PlatformVersion, "/platform_version"),
            (M::Arch, "/arch"),
            (M::Virtualization, "/virtualization"),
        ] {
            taker.text(metric, key);
        }
        for (metric, key) in [
            (M::MemTotal, "/mem_total_bytes"),
            (M::SwapTotal, "/swap_total_bytes"),
            (M::DiskTotal, "/disk_total_bytes"),
            (M::CpuPercent, "/cpu_percent"),
            (M::MemUsed, "/mem_used_bytes"),
            (M::SwapUsed, "/swap_used_bytes"),
            (M::DiskUsed, "/disk_used_bytes"),
            (M::NetIn, "/net_in_bytes"),
            (M::NetOut, "/net_out_bytes"),
            (M::NetInSpeed, "/net_in_bytes_per_s"),
            (M::NetOutSpeed, "/net_out_bytes_per_s"),
            (M::Uptime, "/uptime_s"),
            (M::Load1, "/load1"),
            (M::Load5, "/load5"),
            (M::Load15, "/load15"),
            (M::Tcp, "/tcp_connections"),
            (M::Udp, "/udp_connections"),
            (M::Processes, "/processes"),
            (M::GpuPercent, "/gpu_percent"),
        ] {
            taker.number(metric, key);
        }
        let sensor = |one: &Json| (name_of(one, "name"), one["celsius"].as_f64().unwrap_or(f64::NAN));
        taker.numbers(M::Temperatures, list(host, "/temperatures").map(sensor));
        let presence = if host["presence"] == "online" { Presence::Online } else { Presence::Offline };
        look.presence.insert(name.clone(), presence);
        look.shown.insert(name, taker.shown);
    }
    look
}
