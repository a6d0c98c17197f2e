//! Who reports: each tells the [`Truth`](super::truth::Truth) in its own words and gives what it said.

pub mod mackerel;
pub mod native;
pub mod openitcockpit;
pub mod proxmox;
pub mod pulse;

use std::collections::BTreeSet;

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::table::Metric;
use super::truth::{self, Truth};
use super::value::Said;

/// A token of the first admin's with these rights.
pub fn token(worker: &Worker, wanted: &Value) -> String {
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], &wanted.to_string());
    assert_eq!(made.status, 201, "a token: {}", made.body);
    made.at("/token").as_str().expect("a token").to_owned()
}

/// A token with these scopes.
pub fn token_with(worker: &Worker, scopes: &[&str]) -> String {
    token(worker, &json!({ "scopes": scopes, "note": "matrix" }))
}

/// What every writer of a machine says in the same unit.
fn measured(truth: &Truth) -> Said {
    let mut said = Said::default();
    said.put(Metric::CpuPercent, truth.cpu_percent());
    said.put(Metric::MemTotal, truth::MEM_TOTAL);
    said.put(Metric::MemUsed, truth.mem_used);
    said.put(Metric::MemPercent, truth.mem_used / truth::MEM_TOTAL * 100.0);
    said.put(Metric::SwapTotal, truth::SWAP_TOTAL);
    said.put(Metric::SwapUsed, truth.swap_used);
    said.put(Metric::DiskUsed, truth.disk_used());
    said.put(Metric::NetInSpeed, truth.way_out().received_per_s);
    said.put(Metric::NetOutSpeed, truth.way_out().sent_per_s);
    for (metric, load) in [Metric::Load1, Metric::Load5, Metric::Load15].into_iter().zip(truth.load) {
        said.put(metric, load);
    }
    said
}

/// What all but Mackerel's agent count.
fn counted(said: &mut Said, truth: &Truth) {
    said.put(Metric::NetIn, truth.way_out().received);
    said.put(Metric::NetOut, truth.way_out().sent);
    said.put(Metric::Uptime, truth.uptime_s);
    said.within(Metric::BootTime, truth.booted_at_s(), 0.0, 2.0);
    said.put(Metric::Temperatures, truth.sensors());
}

/// The space of all disks, and the share of it that is in use.
fn spaced(said: &mut Said, total: f64, used: f64) {
    said.put(Metric::DiskTotal, total);
    said.put(Metric::DiskPercent, used / total * 100.0);
}

/// What all of them call a machine that runs this.
fn described(said: &mut Said, name: &str, agent_version: &str) {
    said.put(Metric::Name, name);
    said.put(Metric::AgentVersion, agent_version);
    said.put(Metric::Platform, truth::PLATFORM);
    said.put(Metric::PlatformVersion, truth::PLATFORM_VERSION);
    said.put(Metric::Kernel, truth::KERNEL);
    said.put(Metric::Arch, truth::ARCH);
    said.put(Metric::CpuCount, cores());
}

fn cores() -> f64 {
    f64::from(u32::try_from(truth::CORES).expect("few"))
}

/// The way out with its addresses, as one text.
fn interfaces() -> BTreeSet<String> {
    BTreeSet::from([format!("eth0 {} {} {}", truth::MAC, truth::V4, truth::V6)])
}

/// Single things by Mackerel's names.
fn single_things(said: &mut Said, truth: &Truth) {
    said.put(Metric::FileSystems, truth.file_systems());
    said.put(Metric::InterfaceRates, truth.interface_rates());
    said.put(Metric::DiskIo, disk_io(truth));
}

fn disk_io(truth: &Truth) -> std::collections::BTreeMap<String, f64> {
    let (reads, writes) = truth.disk_io;
    [("vda.reads".to_owned(), reads), ("vda.writes".to_owned(), writes)].into()
}
