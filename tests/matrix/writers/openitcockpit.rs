//! The stock openITCOCKPIT agent 3.x in push mode. Source: openitcockpit specification, 3 to 6; worker/core/samples/openitcockpit.

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::super::table::Metric;
use super::super::truth::{self, Interface, Truth};
use super::super::value::Said;
use super::{counted, described, measured, single_things, spaced, token_with};

const LINUX: &str = include_str!("../../../worker/core/samples/openitcockpit/result_linux.json");
const UUID: &str = "66089500-8661-48f0-8ede-ecbc6886a84f";
const VERSION: &str = "3.6.1";

/// An agent that has registered.
pub struct Agent {
    key: String,
    password: String,
}

/// The document of a cycle: that of the stock agent, with what is true of the machine.
fn document(truth: &Truth) -> Value {
    let mut all: Value = serde_json::from_str(LINUX).expect("a sample");
    let at_s = truth.at_ms / 1000;
    let count = |number: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "what an agent counts is whole")]
        let whole = number as i64;
        json!(whole)
    };
    let agent = &mut all["agent"];
    agent["last_updated_timestamp"] = json!(at_s);
    agent["system"] = json!(truth::PLATFORM);
    agent["mac_version"] = json!(truth::PLATFORM_VERSION);
    agent["kernel_version"] = json!(truth::KERNEL);
    agent["system_uptime"] = count(truth.uptime_s);
    let cores = super::cores();
    let share = |part: f64| part / cores;
    let detail = json!({ "User": share(truth.cpu.user), "Nice": 0, "System": share(truth.cpu.system), "Idle": share(truth.cpu.idle),
        "Iowait": share(truth.cpu.iowait) });
    all["cpu"] = json!({
        "cpu_total_percentage": truth.cpu_percent(), "cpu_percentage": vec![truth.cpu_percent(); truth::CORES],
        "cpu_total_percentage_detailed": detail, "cpu_percentage_detailed": vec![detail.clone(); truth::CORES],
    });
    let memory = &mut all["memory"];
    memory["total"] = count(truth::MEM_TOTAL);
    memory["used"] = count(truth.mem_used);
    memory["available"] = count(truth::MEM_TOTAL - truth.mem_used);
    memory["percent"] = json!(truth.mem_used / truth::MEM_TOTAL * 100.0);
    let swap = json!({ "total": count(truth::SWAP_TOTAL), "used": count(truth.swap_used), "free": count(truth::SWAP_TOTAL - truth.swap_used),
        "percent": truth.swap_used / truth::SWAP_TOTAL * 100.0, "sin": 0, "sout": 0 });
    all["swap"] = swap;
    let [one, five, fifteen] = truth.load;
    all["system_load"] = json!({ "0": one, "1": five, "2": fifteen });
    let disk = |one: &truth::Disk| {
        json!({ "disk": { "device": format!("/dev/{}", one.device), "mountpoint": one.mount, "fstype": one.kind, "opts": ["rw"] },
            "usage": { "total": count(one.total), "used": count(one.used), "free": count(one.free), "percent": one.used / one.total * 100.0 } })
    };
    all["disks"] = truth.disks.iter().map(disk).collect();
    let mut io = all["disk_io"]["sda"].clone();
    (io["Device"], io["Timestamp"]) = (json!("vda"), json!(at_s));
    let (reads, writes) = truth.disk_io;
    (io["ReadIopsPerSecond"], io["WriteIopsPerSecond"]) = (count(reads), count(writes));
    all["disk_io"] = json!({ "vda": io });
    let network = |one: &Interface| {
        let part = json!({ "name": one.name, "timestamp": at_s, "bytes_sent": count(one.sent), "bytes_recv": count(one.received),
            "packets_sent": 1, "packets_recv": 1, "errin": 0, "errout": 0, "dropin": 0, "dropout": 0,
            "avg_bytes_sent_ps": count(one.sent_per_s), "avg_bytes_recv_ps": count(one.received_per_s), "avg_packets_sent_ps": 10,
            "avg_packets_recv_ps": 60, "avg_errin": 0, "avg_errout": 0, "avg_dropin": 0, "avg_dropout": 0 });
        (one.name.to_owned(), part)
    };
    all["net_io"] = Value::Object(truth.interfaces.iter().map(network).collect());
    let process = all["processes"][0].clone();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred processes")]
    let processes = vec![process; truth.processes as usize];
    all["processes"] = json!(processes);
    let sensor =
        |(name, celsius): &(&str, f64)| json!({ "label": name, "current": celsius, "high": 80, "critical": 100 });
    all["sensors"]["Temperatures"] = truth.sensors.iter().map(sensor).collect();
    all
}

impl Agent {
    /// Registers, as an agent does that has no password.
    pub fn begin(worker: &Worker, name: &str) -> Self {
        let key = token_with(worker, &["register"]);
        let body = json!({ "agentuuid": UUID, "password": "", "hostname": name, "ipaddress": truth::V4 });
        let reply = call(worker, &key, "register_agent", &body);
        assert_eq!(reply.status, 201, "{}", reply.body);
        let password = reply.at("/password").as_str().expect("a password").to_owned();
        Self { key, password }
    }

    /// Pushes a cycle.
    pub fn write(&self, worker: &Worker, truth: &Truth, name: &str) -> Said {
        let body = json!({ "checkdata": document(truth), "agentuuid": UUID, "password": self.password });
        let reply = call(worker, &self.key, "submit_checkdata", &body);
        assert_eq!((reply.status, reply.at("/success")), (200, json!(true)), "{}", reply.body);
        let mut said = measured(truth);
        counted(&mut said, truth);
        described(&mut said, name, VERSION);
        spaced(&mut said, truth.disk_total(), truth.disk_used());
        single_things(&mut said, truth);
        said.put(Metric::Processes, truth.processes);
        // It knows of five kinds.
        let parts = truth.cpu_parts().into_iter().filter(|(part, _)| !["irq", "steal"].contains(&part.as_str()));
        said.put(
            Metric::CpuParts,
            parts.chain([("nice".to_owned(), 0.0)]).collect::<std::collections::BTreeMap<_, _>>(),
        );
        let mut rates = truth.interface_rates();
        let [_, inner] = &truth.interfaces;
        rates.insert(format!("{}.rxBytes", inner.name), inner.received_per_s);
        rates.insert(format!("{}.txBytes", inner.name), inner.sent_per_s);
        said.put(Metric::InterfaceRates, rates);
        said
    }
}

fn call(worker: &Worker, key: &str, what: &str, body: &Value) -> edgewatch_harness::http::Reply {
    let key = format!("X-OITC-API {key}");
    let headers = [
        ("Authorization", key.as_str()),
        ("Content-Type", "application/json"),
        ("User-Agent", "openITCOCKPIT Agent/3.6.1"),
    ];
    worker.request("POST", &format!("/agentconnector/{what}.json"), &headers, &body.to_string())
}
