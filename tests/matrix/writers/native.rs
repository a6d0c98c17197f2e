//! Our own agent's words, by its WebSocket and by POST.

use std::collections::BTreeMap;
use std::time::Duration;

use edgewatch_core::dialects::native::stream::{CAN_GO_LIVE, Facts, Frame, FromAgent, FromHub, Hello, PING, Versions};
use edgewatch_core::dialects::native::{
    HostFacts, InterfacePart, MachinePart, Named, ReportRequest, Sample, Temperature,
};
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::json;

use super::super::table::Metric;
use super::super::truth::{self, Truth};
use super::super::value::Said;
use super::{counted, described, interfaces, measured, single_things, spaced};

const VERSION: &str = "0.1.0-matrix";
const PERIOD_S: u32 = 10;
const WAIT: Duration = Duration::from_secs(20);

/// An agent by WebSocket, connected.
pub struct ByStream {
    socket: Socket,
    frames: u64,
    next: u64,
}

/// An agent that posts.
pub struct ByPost {
    host: TestHost,
    next: u64,
}

fn facts(truth: &Truth) -> HostFacts {
    HostFacts {
        platform: Some(truth::PLATFORM.to_owned()),
        platform_version: Some(truth::PLATFORM_VERSION.to_owned()),
        kernel: Some(truth::KERNEL.to_owned()),
        arch: Some(truth::ARCH.to_owned()),
        virtualization: Some(truth::VIRTUALIZATION.to_owned()),
        cpu: vec![Truth::cpu_line()],
        gpu: vec![truth::GPU_MODEL.to_owned()],
        mem_total_bytes: Some(truth::MEM_TOTAL),
        swap_total_bytes: Some(truth::SWAP_TOTAL),
        disk_total_bytes: Some(truth.disk_total()),
        booted_at_s: Some(truth.booted_at_s()),
        addresses: Some(format!("{}/{}", truth::V4, truth::V6)),
        machine: Some(Box::new(MachinePart {
            interfaces: vec![InterfacePart {
                name: truth.way_out().name.to_owned(),
                mac: truth::MAC.to_owned(),
                addresses: vec![truth::V4.to_owned(), truth::V6.to_owned()],
            }],
            ..MachinePart::default()
        })),
    }
}

/// What the agent names once a minute.
fn named(truth: &Truth) -> Vec<Named> {
    let mut all: BTreeMap<String, f64> = BTreeMap::new();
    let mut put = |part: BTreeMap<String, f64>, name: &dyn Fn(&str) -> String| {
        all.extend(part.into_iter().map(|(key, value)| (name(&key), value)));
    };
    put(truth.cpu_parts(), &|part| format!("cpu.{part}.percentage"));
    put(truth.file_systems(), &|part| format!("filesystem.{part}"));
    put(truth.interface_rates(), &|part| format!("interface.{part}.delta"));
    put(super::disk_io(truth), &|part| format!("disk.{part}.delta"));
    let free = truth::SWAP_TOTAL - truth.swap_used;
    let memory = [
        ("total", truth::MEM_TOTAL),
        ("used", truth.mem_used),
        ("mem_available", truth::MEM_TOTAL - truth.mem_used),
        ("swap_total", truth::SWAP_TOTAL),
        ("swap_free", free),
    ];
    all.extend(memory.map(|(part, value)| (format!("memory.{part}"), value)));
    all.extend(["loadavg1", "loadavg5", "loadavg15"].map(str::to_owned).into_iter().zip(truth.load));
    all.into_iter().map(|(name, value)| Named { name: name.into(), value }).collect()
}

fn sample(truth: &Truth, number: u64) -> Sample {
    let [one, five, fifteen] = truth.load;
    let out = truth.way_out();
    Sample {
        number,
        at_ms: truth.at_ms,
        cpu_percent: Some(truth.cpu_percent()),
        mem_used_bytes: Some(truth.mem_used),
        swap_used_bytes: Some(truth.swap_used),
        disk_used_bytes: Some(truth.disk_used()),
        net_in_bytes: Some(out.received),
        net_out_bytes: Some(out.sent),
        net_in_bytes_per_s: Some(out.received_per_s),
        net_out_bytes_per_s: Some(out.sent_per_s),
        uptime_s: Some(truth.uptime_s),
        load1: Some(one),
        load5: Some(five),
        load15: Some(fifteen),
        tcp_connections: Some(truth.tcp),
        udp_connections: Some(truth.udp),
        processes: Some(truth.processes),
        gpu_percent: Some(truth.gpu),
        temperatures: truth
            .sensors
            .iter()
            .map(|(name, celsius)| Temperature { name: (*name).into(), celsius: *celsius })
            .collect(),
        named: named(truth),
        probes: vec![],
    }
}

fn said(truth: &Truth, name: &str) -> Said {
    let mut said = measured(truth);
    counted(&mut said, truth);
    described(&mut said, name, VERSION);
    spaced(&mut said, truth.disk_total(), truth.disk_used());
    single_things(&mut said, truth);
    said.put(Metric::Address, truth::V4);
    // The group of hosts that a script registers. Source: nezha specification, 6.
    said.put(Metric::Group, "AutoRegister");
    said.put(Metric::Virtualization, truth::VIRTUALIZATION);
    said.put(Metric::CpuModel, truth::CPU_MODEL);
    said.put(Metric::GpuModel, truth::GPU_MODEL);
    said.put(Metric::Interfaces, interfaces());
    said.put(Metric::Tcp, truth.tcp);
    said.put(Metric::Udp, truth.udp);
    said.put(Metric::Processes, truth.processes);
    said.put(Metric::GpuPercent, truth.gpu);
    said.put(Metric::CpuParts, truth.cpu_parts());
    said
}

impl ByStream {
    /// Connects as the agent of a host and is welcomed.
    pub fn open(worker: &Worker, host: &TestHost, clock_ms: i64) -> Self {
        let bearer = format!("Bearer {}", host.secret);
        let socket = Socket::open(worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]);
        let mut stream = Self { socket: socket.expect("an upgrade"), frames: 0, next: 1 };
        stream.say(&FromAgent::Hello(Hello {
            versions: Versions::OURS,
            agent_version: VERSION.to_owned(),
            clock_ms,
            oldest: 1,
            next: 1,
            capabilities: CAN_GO_LIVE,
            dropped_samples: 0,
        }));
        loop {
            if let FromHub::Welcome(welcome) = stream.hear() {
                stream.next = welcome.durable_up_to + 1;
                return stream;
            }
        }
    }

    fn say(&mut self, message: &FromAgent) {
        assert!(self.socket.send_binary(message.encode().expect("a message within the limits")), "the socket is gone");
    }

    fn hear(&mut self) -> FromHub {
        loop {
            match self.socket.next(WAIT) {
                Heard::Binary(bytes) => return FromHub::decode(&bytes).expect("a message of the hub"),
                Heard::Text(_) => {}
                other => panic!("{other:?} in the place of a message of the hub"),
            }
        }
    }

    /// Shows that it lives.
    pub fn ping(&mut self) {
        assert!(self.socket.send_text(PING), "the socket is gone");
    }

    /// Sends a frame with the facts before it, and waits until it is durable.
    pub fn write(&mut self, truth: &Truth, name: &str) -> Said {
        self.ping();
        self.say(&FromAgent::Facts(Facts(facts(truth))));
        self.frames += 1;
        self.say(&FromAgent::Frame(Frame {
            frame: self.frames,
            sent_at_ms: truth.at_ms,
            oldest: self.next,
            dropped_samples: 0,
            period_s: PERIOD_S,
            frame_s: PERIOD_S,
            samples: vec![sample(truth, self.next)],
        }));
        loop {
            match self.hear() {
                FromHub::Ack(ack) if ack.durable_up_to >= self.next => {
                    assert!(ack.dropped.is_empty(), "{:?}", ack.dropped);
                    break;
                }
                FromHub::Resend(resend) => panic!("{resend:?}"),
                _ => {}
            }
        }
        self.next += 1;
        said(truth, name)
    }

    /// The machine loses its power.
    pub fn cut(self) {
        self.socket.cut();
    }
}

impl ByPost {
    pub const fn new(host: TestHost) -> Self {
        Self { host, next: 1 }
    }

    pub fn write(&mut self, worker: &Worker, truth: &Truth, name: &str) -> Said {
        let report = ReportRequest {
            agent_version: VERSION.to_owned(),
            sent_at_ms: truth.at_ms,
            oldest: self.next,
            dropped_samples: 0,
            period_s: f64::from(PERIOD_S),
            frame_s: None,
            probes_version: None,
            host: Some(facts(truth)),
            samples: vec![sample(truth, self.next)],
        };
        let bearer = format!("Bearer {}", self.host.secret);
        let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &json!(report).to_string());
        assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(self.next)), "{}", reply.body);
        assert!(reply.json().get("dropped").is_none(), "{}", reply.body);
        self.next += 1;
        said(truth, name)
    }
}
