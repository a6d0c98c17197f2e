//! Pulse's host agent. Source: pulse specification, 16.1.

use edgewatch_core::units::UnixSeconds;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::super::table::Metric;
use super::super::truth::{self, Disk, Interface, Truth};
use super::super::value::Said;
use super::{counted, described, interfaces, measured, spaced, token};

const VERSION: &str = "v4.36.2";
/// The tag that the agent has of its own.
const TAG: &str = "prod";

/// An agent with a token.
pub struct Agent {
    token: String,
}

fn report(truth: &Truth, name: &str) -> Value {
    let disk = |one: &Disk| {
        json!({ "device": format!("/dev/{}", one.device), "mountpoint": one.mount, "filesystem": one.kind, "type": one.kind,
            "totalBytes": one.total, "usedBytes": one.used, "freeBytes": one.free, "usage": one.used / one.total * 100.0 })
    };
    let network = |one: &Interface| {
        let mut part = json!({ "name": one.name, "rxBytes": one.received, "txBytes": one.sent });
        if one.name == "eth0" {
            part["mac"] = json!(truth::MAC);
            part["addresses"] = json!([format!("{}/24", truth::V4), format!("{}/64", truth::V6)]);
        }
        part
    };
    let id = format!("id-{name}");
    json!({
        "agent": { "id": id, "version": VERSION, "type": "unified", "intervalSeconds": 30 },
        "host": {
            "id": id, "hostname": name, "displayName": name, "machineId": id, "platform": truth::PLATFORM, "osName": truth::PLATFORM,
            "osVersion": truth::PLATFORM_VERSION, "kernelVersion": truth::KERNEL, "architecture": truth::ARCH,
            "cpuModel": truth::CPU_MODEL, "cpuCount": truth::CORES, "uptimeSeconds": truth.uptime_s, "loadAverage": truth.load,
        },
        "metrics": { "cpuUsagePercent": truth.cpu_percent(), "memory": {
            "totalBytes": truth::MEM_TOTAL, "usedBytes": truth.mem_used, "freeBytes": truth::MEM_TOTAL - truth.mem_used,
            "usage": truth.mem_used / truth::MEM_TOTAL * 100.0, "swapTotalBytes": truth::SWAP_TOTAL, "swapUsedBytes": truth.swap_used } },
        "disks": truth.disks.iter().map(disk).collect::<Vec<_>>(),
        "network": truth.interfaces.iter().map(network).collect::<Vec<_>>(),
        "sensors": { "temperatureCelsius": truth.sensors() }, "tags": [TAG],
        "timestamp": UnixSeconds(truth.at_ms / 1000).rfc3339(),
    })
}

impl Agent {
    pub fn begin(worker: &Worker) -> Self {
        Self { token: token(worker, &json!({ "kind": "agent", "note": "matrix" })) }
    }

    pub fn write(&self, worker: &Worker, truth: &Truth, name: &str) -> Said {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("X-API-Token", &self.token),
            ("Content-Type", "application/json"),
            ("User-Agent", "pulse-host-agent/v4.36.2"),
        ];
        let reply = worker.post("/api/agents/host/report", &headers, &report(truth, name).to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        let mut said = measured(truth);
        counted(&mut said, truth);
        described(&mut said, name, VERSION);
        spaced(&mut said, truth.disk_total(), truth.disk_used());
        said.put(Metric::CpuModel, truth::CPU_MODEL);
        said.put(Metric::Group, TAG);
        said.put(Metric::FileSystems, truth.file_systems());
        // What is counted has a rate: 19.
        said.put(Metric::InterfaceRates, truth.interface_rates());
        // The inner one has no address.
        let inner = "docker0".to_owned();
        said.put(
            Metric::Interfaces,
            interfaces().into_iter().chain([inner]).collect::<std::collections::BTreeSet<_>>(),
        );
        said
    }
}
