//! What was collected, in the words of the contract.

use std::sync::Arc;

use edgewatch_core::dialects::native::{HostFacts, MachinePart, Named, Sample, Temperature};

use crate::collect::{Detail, Facts, Reading, exact};

/// A sample without a number: the queue gives it.
pub fn sample(reading: &Reading, at_ms: i64) -> Sample {
    let memory = reading.memory;
    Sample {
        number: 0,
        at_ms,
        cpu_percent: reading.cpu_percent,
        mem_used_bytes: memory.map(|memory| exact(memory.used_bytes)),
        swap_used_bytes: memory.map(|memory| exact(memory.swap_used_bytes)),
        disk_used_bytes: reading.disk.map(|space| exact(space.used_bytes)),
        net_in_bytes: reading.traffic.map(|traffic| exact(traffic.in_bytes)),
        net_out_bytes: reading.traffic.map(|traffic| exact(traffic.out_bytes)),
        net_in_bytes_per_s: reading.traffic_rate.map(|(received, _)| received),
        net_out_bytes_per_s: reading.traffic_rate.map(|(_, sent)| sent),
        uptime_s: reading.uptime_s,
        load1: reading.load.map(|load| load.one),
        load5: reading.load.map(|load| load.five),
        load15: reading.load.map(|load| load.fifteen),
        tcp_connections: reading.sockets.map(|sockets| exact(sockets.tcp)),
        udp_connections: reading.sockets.map(|sockets| exact(sockets.udp)),
        processes: reading.processes.map(exact),
        gpu_percent: reading.gpu_percent,
        temperatures: reading
            .temperatures
            .iter()
            .map(|sensor| Temperature { name: sensor.name.clone(), celsius: sensor.celsius })
            .collect(),
        named: Vec::new(),
        probes: Vec::new(),
    }
}

/// The values of a minute that a sample carries.
pub fn named(details: &[Detail]) -> Vec<Named> {
    details.iter().map(|detail| Named { name: Arc::clone(&detail.name), value: detail.value }).collect()
}

/// What the host is, with the addresses its administrator wants shown.
pub fn host_facts(facts: Facts, addresses: Option<&str>) -> HostFacts {
    HostFacts {
        platform: facts.host.platform,
        platform_version: facts.host.platform_version,
        kernel: facts.host.kernel,
        arch: facts.host.arch,
        virtualization: facts.virtualization.map(str::to_owned),
        cpu: facts.cpu,
        gpu: facts.gpu,
        mem_total_bytes: facts.mem_total_bytes.map(exact),
        swap_total_bytes: facts.swap_total_bytes.map(exact),
        disk_total_bytes: facts.disk_total_bytes.map(exact),
        booted_at_s: facts.host.booted_at_s.map(exact),
        addresses: addresses.map(str::to_owned),
        machine: Some(Box::new(MachinePart::from(&facts.machine))),
    }
}
