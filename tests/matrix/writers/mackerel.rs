//! The stock mackerel-agent: its host once, then its minutes. Source: mackerel specification, 2.1, 4 and 5.5.

use std::collections::BTreeMap;

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::super::table::Metric;
use super::super::truth::{self, Truth};
use super::super::value::Said;
use super::{described, interfaces, measured, single_things, spaced, token_with};

const VERSION: &str = "0.87.1";

/// An agent that has made its host.
pub struct Agent {
    key: String,
    /// The host's id in its dialect.
    pub id: String,
}

fn kilobytes(bytes: f64) -> String {
    format!("{}kB", bytes / 1024.0)
}

fn meta(truth: &Truth) -> Value {
    let processor = |number: usize| {
        json!({ "cache_size": "1024 KB", "core_id": number.to_string(), "cores": "1", "family": "25", "mhz": "2596.132",
            "model": "17", "model_name": truth::CPU_MODEL, "physical_id": "0", "stepping": "1", "vendor_id": "Example" })
    };
    let file_system = |one: &truth::Disk| {
        let (used, both) = (one.used / 1024.0, (one.used + one.free) / 1024.0);
        let part = json!({ "kb_size": one.total / 1024.0, "kb_used": used, "kb_available": one.free / 1024.0,
            "percent_used": format!("{}%", (used / both * 100.0).ceil()), "mount": one.mount });
        (format!("/dev/{}", one.device), whole(part))
    };
    json!({
        "agent-revision": "1b684c4", "agent-version": VERSION, "agent-name": format!("mackerel-agent/{VERSION} (Revision 1b684c4)"),
        "block_device": { "vda": { "removable": "0", "size": "536870912", "vendor": "0x1af4" } },
        "cpu": (0..truth::CORES).map(processor).collect::<Vec<_>>(),
        "filesystem": truth.disks.iter().map(file_system).collect::<BTreeMap<_, _>>(),
        "kernel": { "name": "Linux", "release": truth::KERNEL, "version": "#1 SMP PREEMPT_DYNAMIC", "machine": truth::ARCH,
            "os": "GNU/Linux", "platform_name": "Debian", "platform_version": truth::PLATFORM_VERSION },
        "memory": { "total": kilobytes(truth::MEM_TOTAL), "free": kilobytes(truth::MEM_TOTAL - truth.mem_used),
            "swap_total": kilobytes(truth::SWAP_TOTAL), "swap_free": kilobytes(truth::SWAP_TOTAL - truth.swap_used) },
    })
}

/// The same with whole numbers, as Go writes integers.
#[expect(clippy::cast_possible_truncation, reason = "kilobytes of a test")]
fn whole(mut object: Value) -> Value {
    for value in object.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        if let Some(number) = value.as_f64() {
            *value = json!(number as i64);
        }
    }
    object
}

/// The names and values of a minute.
fn minute(truth: &Truth) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::from([
        ("loadavg1".to_owned(), truth.load[0]),
        ("loadavg5".to_owned(), truth.load[1]),
        ("loadavg15".to_owned(), truth.load[2]),
        ("memory.total".to_owned(), truth::MEM_TOTAL),
        ("memory.used".to_owned(), truth.mem_used),
        ("memory.mem_available".to_owned(), truth::MEM_TOTAL - truth.mem_used),
        ("memory.swap_total".to_owned(), truth::SWAP_TOTAL),
        ("memory.swap_free".to_owned(), truth::SWAP_TOTAL - truth.swap_used),
        ("memory.swap_cached".to_owned(), 4096.0),
    ]);
    all.extend(truth.cpu_parts().into_iter().map(|(part, value)| (format!("cpu.{part}.percentage"), value)));
    all.extend(truth.file_systems().into_iter().map(|(part, value)| (format!("filesystem.{part}"), value)));
    for one in &truth.interfaces {
        all.insert(format!("interface.{}.rxBytes.delta", one.name), one.received_per_s);
        all.insert(format!("interface.{}.txBytes.delta", one.name), one.sent_per_s);
    }
    all.extend(super::disk_io(truth).into_iter().map(|(part, value)| (format!("disk.{part}.delta"), value)));
    all
}

impl Agent {
    /// Makes the host, as an agent does that starts for the first time.
    pub fn begin(worker: &Worker, truth: &Truth, name: &str) -> Self {
        let key = token_with(worker, &["read", "write"]);
        let body = json!({
            "name": name, "meta": meta(truth), "roleFullnames": [], "checks": [],
            "interfaces": [{ "name": "eth0", "macAddress": truth::MAC, "ipv4Addresses": [truth::V4], "ipv6Addresses": [truth::V6] }],
        });
        let made = worker.post("/api/v0/hosts", &headers(&key), &body.to_string());
        assert_eq!(made.status, 200, "{}", made.body);
        let id = made.at("/id").as_str().expect("an id").to_owned();
        Self { key, id }
    }

    /// Posts a minute.
    pub fn write(&self, worker: &Worker, truth: &Truth, name: &str) -> Said {
        let at_s = truth.at_ms / 1000;
        let one = |(name, value)| json!({ "hostId": self.id, "name": name, "time": at_s, "value": value });
        let values: Vec<Value> = minute(truth).into_iter().map(one).collect();
        let reply = worker.post("/api/v0/tsdb", &headers(&self.key), &json!(values).to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        let mut said = measured(truth);
        described(&mut said, name, VERSION);
        // It counts without what is kept for the administrator. Source: mackerel specification, 5.5.
        spaced(&mut said, truth.disk_size(), truth.disk_used());
        single_things(&mut said, truth);
        said.put(Metric::CpuModel, truth::CPU_MODEL);
        said.put(Metric::CpuParts, truth.cpu_parts());
        said.put(Metric::Interfaces, interfaces());
        let mut rates = truth.interface_rates();
        let [_, inner] = &truth.interfaces;
        rates.insert(format!("{}.rxBytes", inner.name), inner.received_per_s);
        rates.insert(format!("{}.txBytes", inner.name), inner.sent_per_s);
        said.put(Metric::InterfaceRates, rates);
        said
    }
}

fn headers(key: &str) -> [(&str, &str); 2] {
    [("X-Api-Key", key), ("Content-Type", "application/json")]
}
