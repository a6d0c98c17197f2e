//! Nezha's list and details, and the feed of its pages. Source: nezha specification, 3, 4 and 13.

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use super::{Look, Presence, Taker, WAIT, list, name_of, processors, seconds};
use crate::table::Metric as M;
use crate::value::{Shown, Value};

/// `GET /api/v1/server/list` and `details`.
pub fn details(worker: &Worker) -> Look {
    let mut look = Look::default();
    let (listed, detailed) = (worker.get("/api/v1/server/list").json(), worker.get("/api/v1/server/details").json());
    for (server, in_list) in list(&detailed, "/result").zip(list(&listed, "/result")) {
        let name = name_of(server, "name");
        for key in ["id", "name", "tag", "ipv4", "valid_ip"] {
            assert_eq!(server[key], in_list[key], "{key} in both lists of Nezha");
        }
        let mut shown = host_and_status(&server["host"], &server["status"]);
        let mut taker = Taker::of(server);
        taker.text(M::Name, "/name");
        taker.text(M::Group, "/tag");
        // The address of a host that did not say one is where it was seen: here.
        if server["valid_ip"] != "127.0.0.1" {
            taker.text(M::Address, "/valid_ip");
        }
        shown.extend(taker.shown);
        look.presence.insert(name.clone(), Presence::Seen(server["last_active"].as_i64().unwrap_or(0)));
        look.shown.insert(name, shown);
    }
    look
}

/// The first text of `/nezha/ws`.
pub fn feed(worker: &Worker) -> Look {
    let cookie = worker.cookie();
    let mut socket = Socket::open(worker.address(), "/nezha/ws", &[("Cookie", &cookie)]).expect("an upgrade");
    let text = match socket.next(WAIT) {
        Heard::Text(text) => text,
        other => panic!("{other:?} in the place of Nezha's feed"),
    };
    socket.close(1000);
    let told: Json = serde_json::from_str(&text).expect("JSON");
    let mut look = Look::default();
    for server in list(&told, "/servers") {
        let name = name_of(server, "Name");
        let mut shown = host_and_status(&server["Host"], &server["State"]);
        let mut taker = Taker::of(server);
        taker.text(M::Name, "/Name");
        taker.text(M::Group, "/Tag");
        shown.extend(taker.shown);
        let seen = server["LastActive"].as_str().unwrap_or_default();
        look.presence.insert(name.clone(), Presence::Seen(seconds(seen)));
        look.shown.insert(name, shown);
    }
    look
}

/// The two parts that both have.
fn host_and_status(host: &Json, status: &Json) -> Shown {
    let mut taker = Taker::of(host);
    for (metric, key) in [
        (M::Platform, "/Platform"),
        (M::PlatformVersion, "/PlatformVersion"),
        (M::Arch, "/Arch"),
        (M::Virtualization, "/Virtualization"),
        (M::AgentVersion, "/Version"),
    ] {
        taker.text(metric, key);
    }
    for (metric, key) in [
        (M::MemTotal, "/MemTotal"),
        (M::SwapTotal, "/SwapTotal"),
        (M::DiskTotal, "/DiskTotal"),
        (M::BootTime, "/BootTime"),
    ] {
        taker.number(metric, key);
    }
    if let Some(line) = host.pointer("/CPU/0").and_then(Json::as_str) {
        let (model, count) = processors(line);
        if !model.is_empty() {
            taker.put(M::CpuModel, model);
        }
        taker.shown.extend(count.map(|count| (M::CpuCount, Value::Number(count))));
    }
    if host["GPU"].is_array() {
        taker.text(M::GpuModel, "/GPU/0");
    }
    let described = taker.shown;
    let mut taker = Taker::of(status);
    for (metric, key) in [
        (M::CpuPercent, "/CPU"),
        (M::MemUsed, "/MemUsed"),
        (M::SwapUsed, "/SwapUsed"),
        (M::DiskUsed, "/DiskUsed"),
        (M::NetIn, "/NetInTransfer"),
        (M::NetOut, "/NetOutTransfer"),
        (M::NetInSpeed, "/NetInSpeed"),
        (M::NetOutSpeed, "/NetOutSpeed"),
        (M::Uptime, "/Uptime"),
        (M::Load1, "/Load1"),
        (M::Load5, "/Load5"),
        (M::Load15, "/Load15"),
        (M::Tcp, "/TcpConnCount"),
        (M::Udp, "/UdpConnCount"),
        (M::Processes, "/ProcessCount"),
        (M::GpuPercent, "/GPU"),
    ] {
        taker.number(metric, key);
    }
    let sensor = |one: &Json| (name_of(one, "Name"), one["Temperature"].as_f64().unwrap_or(f64::NAN));
    taker.numbers(M::Temperatures, list(status, "/Temperatures").map(sensor));
    let mut shown = described;
    shown.extend(taker.shown);
    shown
}
