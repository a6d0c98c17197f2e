//! The shipped agent as a collector, polling a Proxmox VE that stands in for a real one: a node that is the machine, with a virtual
//! machine and a container. Source: pulse specification, 17 and 19.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use edgewatch_harness::agent::{Agent, full_binary};
use edgewatch_harness::proxmox::{FakeProxmox, Product, TOKEN_NAME, TOKEN_SECRET, lab};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

use super::super::table::{Kind, Metric};
use super::super::truth::{self, Truth};
use super::super::value::Said;

pub const NODE: &str = "pve1";
pub const INSTANCE: &str = "lab";
/// How often it is polled, seconds.
const POLL_S: u64 = 2;
/// How often counters move.
const STEP: Duration = Duration::from_millis(20);
/// A rate is of two polls at times that are not ours, and of a counter that moves in steps.
const RATE_SHARE: f64 = 0.08;
/// Guests were started so long after their node, seconds.
const LATER_S: f64 = 600_000.0;
/// A poll tells of a second within the last few.
const POLL_SLACK_S: f64 = 12.0;

/// A guest of the node.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    pub vmid: u32,
    pub name: &'static str,
    kind: &'static str,
    cpus: f64,
    mem_total: f64,
    disk_total: f64,
    /// Percent of all its processors, and bytes.
    cpu: f64,
    mem_used: f64,
    disk_used: f64,
    /// Bytes per second: received, sent, read, written.
    rates: [f64; 4],
}

const GIB: f64 = 1_073_741_824.0;

pub const VIRTUAL: Guest = Guest {
    vmid: 101,
    name: "web",
    kind: "qemu",
    cpus: 4.0,
    mem_total: 8.0 * GIB,
    disk_total: 32.0 * GIB,
    cpu: 25.0,
    mem_used: 3.0 * GIB,
    disk_used: 0.0,
    rates: [1_500_000.0, 250_000.0, 3_000_000.0, 640_000.0],
};
pub const CONTAINER: Guest = Guest {
    vmid: 201,
    name: "dns",
    kind: "lxc",
    cpus: 2.0,
    mem_total: GIB / 2.0,
    disk_total: 4.0 * GIB,
    cpu: 12.5,
    mem_used: GIB / 8.0,
    disk_used: GIB,
    rates: [120_000.0, 96_000.0, 50_000.0, 70_000.0],
};

/// A node that is polled.
pub struct Collected {
    fake: Arc<FakeProxmox>,
    motion: Arc<Motion>,
    mover: Option<JoinHandle<()>>,
    agent: Option<Agent>,
    host: TestHost,
    folder: PathBuf,
}

/// What moves by itself.
struct Motion {
    /// The counters of both guests, and how much of their rates they move by.
    counters: Mutex<([[f64; 4]; 2], f64)>,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::cast_possible_truncation, reason = "bytes and seconds of a test")]
fn whole(number: f64) -> i64 {
    number as i64
}

impl Guest {
    fn row(&self, truth: &Truth, is_busy: bool, counters: [f64; 4]) -> Value {
        let [received, sent, read, written] = counters.map(whole);
        let (cpu, used) = if is_busy { (self.cpu, self.mem_used) } else { (self.cpu / 5.0, self.mem_used / 2.0) };
        let disk = if is_busy { self.disk_used } else { self.disk_used / 2.0 };
        json!({
            "vmid": self.vmid, "name": self.name, "status": "running", "type": self.kind, "cpu": cpu / 100.0, "cpus": self.cpus,
            "mem": whole(used), "maxmem": whole(self.mem_total), "freemem": whole(self.mem_total - used), "disk": whole(disk),
            "maxdisk": whole(self.disk_total), "netin": received, "netout": sent, "diskread": read, "diskwrite": written,
            "uptime": whole(truth.uptime_s - LATER_S), "pid": 12_345,
        })
    }

    fn said(&self, truth: &Truth) -> Said {
        let mut said = Said::default();
        said.put(Metric::Name, self.name);
        said.put(Metric::Group, INSTANCE);
        said.put(Metric::Platform, self.kind);
        said.put(Metric::Virtualization, self.kind);
        said.put(Metric::CpuCount, self.cpus);
        said.put(Metric::CpuPercent, self.cpu);
        said.put(Metric::MemTotal, self.mem_total);
        said.put(Metric::MemUsed, self.mem_used);
        said.put(Metric::MemPercent, self.mem_used / self.mem_total * 100.0);
        said.put(Metric::DiskTotal, self.disk_total);
        if self.disk_used > 0.0 {
            said.put(Metric::DiskUsed, self.disk_used);
            said.put(Metric::DiskPercent, self.disk_used / self.disk_total * 100.0);
        }
        said.within(Metric::Uptime, truth.uptime_s - LATER_S, 0.0, POLL_SLACK_S);
        said.within(Metric::BootTime, truth.booted_at_s() + LATER_S, 0.0, POLL_SLACK_S);
        let rates = [Metric::NetInSpeed, Metric::NetOutSpeed, Metric::DiskReadSpeed, Metric::DiskWriteSpeed];
        for (metric, rate) in rates.into_iter().zip(self.rates) {
            said.within(metric, rate, RATE_SHARE, 0.0);
        }
        said
    }
}

impl Collected {
    /// Configures the node, which shows the machine as it is; nobody polls it yet.
    pub fn begin(worker: &Worker, truth: &Truth) -> Self {
        let mut answers = lab::pve();
        answers.edit("/nodes", |list| list.as_array_mut().expect("a list").truncate(1));
        answers.edit("/cluster/status", |list| {
            let list = list.as_array_mut().expect("a list");
            list.retain(|one| one["name"] != "pve2");
        });
        for list in ["/nodes/pve1/qemu", "/nodes/pve1/lxc"] {
            answers.edit(list, |list| list.as_array_mut().expect("a list").truncate(1));
        }
        let fake = Arc::new(FakeProxmox::start(Product::Pve, answers));
        let set = |path: &str, body: Value| {
            let reply = worker.post(path, &[("X-API-Token", &worker.token)], &body.to_string());
            assert!(reply.status < 300, "{path}: {}", reply.body);
        };
        set("/api/config/system", json!({ "pollingInterval": POLL_S }));
        let node = json!({ "type": "pve", "name": INSTANCE, "host": fake.url(), "tokenName": TOKEN_NAME, "tokenValue": TOKEN_SECRET });
        set("/api/config/nodes", node);
        let motion = Arc::new(Motion {
            counters: Mutex::new(([[1_000_000_000.0; 4]; 2], 1.0)),
            is_over: AtomicBool::new(false),
        });
        let mut collected = Self {
            fake,
            motion,
            mover: None,
            agent: None,
            host: worker.add_host("collector"),
            folder: std::env::temp_dir().join(format!("edgewatch-matrix-{}", std::process::id())),
        };
        collected.show(truth, false);
        collected.mover = Some(collected.move_counters());
        collected
    }

    fn move_counters(&self) -> JoinHandle<()> {
        let (fake, motion) = (Arc::clone(&self.fake), Arc::clone(&self.motion));
        thread::spawn(move || {
            let mut last = Instant::now();
            while !motion.is_over.load(Ordering::Relaxed) {
                thread::sleep(STEP);
                let passed_s = last.elapsed().as_secs_f64();
                last = Instant::now();
                let mut state = lock(&motion.counters);
                let share = state.1;
                for (counters, guest) in state.0.iter_mut().zip([&VIRTUAL, &CONTAINER]) {
                    for (counter, rate) in counters.iter_mut().zip(guest.rates) {
                        *counter += rate * share * passed_s;
                    }
                }
                let [machine, container] = state.0;
                drop(state);
                fake.change(|answers| {
                    answers.edit("/nodes/pve1/qemu", |list| put(list.get_mut(0), machine));
                    answers.edit("/nodes/pve1/lxc", |list| put(list.get_mut(0), container));
                    answers.edit("/nodes/pve1/qemu/101/status/current", |one| put(Some(one), machine));
                });
            }
        })
    }

    /// From now on it is so; `is_busy`: its guests are as they are said to be.
    pub fn show(&self, truth: &Truth, is_busy: bool) {
        let mut state = lock(&self.motion.counters);
        state.1 = if is_busy { 1.0 } else { 0.2 };
        let [machine, container] = state.0;
        drop(state);
        let [root, _] = &truth.disks;
        let node = json!([{
            "node": NODE, "id": "node/pve1", "type": "node", "status": "online", "cpu": truth.cpu_percent() / 100.0, "maxcpu": truth::CORES,
            "mem": whole(truth.mem_used), "maxmem": whole(truth::MEM_TOTAL), "disk": whole(root.used), "maxdisk": whole(root.total),
            "uptime": whole(truth.uptime_s), "level": "", "ssl_fingerprint": "AA:BB:CC",
        }]);
        let [one, five, fifteen] = truth.load.map(|load| load.to_string());
        let free = truth::MEM_TOTAL - truth.mem_used;
        let status = json!({
            "uptime": whole(truth.uptime_s), "idle": 0, "wait": 0.0021, "cpu": truth.cpu_percent() / 100.0, "loadavg": [one, five, fifteen],
            "kversion": format!("Linux {} #1 SMP PREEMPT_DYNAMIC PMX", truth::KERNEL), "pveversion": "pve-manager/8.4.9/649acf70aab54798",
            "current-kernel": { "sysname": "Linux", "release": truth::KERNEL, "version": "#1 SMP", "machine": truth::ARCH },
            "boot-info": { "mode": "efi", "secureboot": 0 },
            "cpuinfo": { "model": truth::CPU_MODEL, "cores": 2, "cpus": truth::CORES, "sockets": 1, "mhz": "3400.000", "hvm": "1", "user_hz": 100,
                "flags": "fpu vme" },
            "memory": { "total": whole(truth::MEM_TOTAL), "used": whole(truth.mem_used), "free": whole(free / 2.0), "available": whole(free) },
            "swap": { "total": whole(truth::SWAP_TOTAL), "used": whole(truth.swap_used), "free": whole(truth::SWAP_TOTAL - truth.swap_used) },
            "rootfs": { "total": whole(root.total), "used": whole(root.used), "free": whole(root.total - root.used), "avail": whole(root.free) },
            "ksm": { "shared": 0 },
        });
        let mut current = VIRTUAL.row(truth, is_busy, machine);
        current["qmpstatus"] = json!("running");
        self.fake.change(|answers| {
            answers.set("/nodes", node);
            answers.set("/nodes/pve1/status", status);
            answers.set("/nodes/pve1/qemu", json!([VIRTUAL.row(truth, is_busy, machine)]));
            answers.set("/nodes/pve1/lxc", json!([CONTAINER.row(truth, is_busy, container)]));
            answers.set("/nodes/pve1/qemu/101/status/current", current);
        });
    }

    /// Starts the agent, or starts it anew: it learns of the Worker's clock when it connects.
    pub fn collect(&mut self, worker: &Worker) {
        if let Some(agent) = self.agent.take() {
            agent.stop();
        }
        let environment = [("EDGEWATCH_PROXMOX", "on"), ("EDGEWATCH_LOG_LEVEL", "debug")];
        self.agent = Some(Agent::start_at(&full_binary(), &worker.url, &self.host.secret, &self.folder, &environment));
    }

    /// The virtual machine is shut down.
    pub fn stop_guest(&self) {
        for path in ["/nodes/pve1/qemu", "/nodes/pve1/qemu/101/status/current"] {
            self.fake.edit(path, |part| {
                let one = if part.is_array() { &mut part[0] } else { part };
                (one["status"], one["cpu"], one["mem"], one["uptime"]) =
                    (json!("stopped"), json!(0), json!(0), json!(0));
            });
        }
    }

    /// The other nodes of its cluster do not see it any more.
    pub fn lose_node(&self) {
        self.fake.change(|answers| {
            answers.set(
                "/nodes",
                json!([{ "node": NODE, "id": "node/pve1", "type": "node", "status": "offline", "level": "" }]),
            );
            for path in ["status", "qemu", "lxc", "storage", "tasks"] {
                answers.refuse(&format!("/nodes/pve1/{path}"), 595, "No route to host");
            }
        });
    }

    pub fn said(truth: &Truth, kind: Kind) -> Said {
        match kind {
            Kind::Virtual => VIRTUAL.said(truth),
            Kind::Container => CONTAINER.said(truth),
            Kind::Node | Kind::Machine => node_said(truth),
        }
    }
}

/// Of a guest that its node does not answer for nothing moves.
fn put(row: Option<&mut Value>, counters: [f64; 4]) {
    let Some(row) = row.filter(|row| row.is_object()) else { return };
    for (key, counter) in ["netin", "netout", "diskread", "diskwrite"].into_iter().zip(counters) {
        row[key] = json!(whole(counter));
    }
}

fn node_said(truth: &Truth) -> Said {
    let mut said = super::measured(truth);
    said.remove(&[Metric::NetInSpeed, Metric::NetOutSpeed]);
    let [root, _] = &truth.disks;
    said.put(Metric::Name, NODE);
    said.put(Metric::Group, INSTANCE);
    said.put(Metric::Platform, "proxmox");
    said.put(Metric::PlatformVersion, "8.4.9");
    said.put(Metric::Kernel, truth::KERNEL);
    said.put(Metric::CpuModel, truth::CPU_MODEL);
    said.put(Metric::CpuCount, super::cores());
    said.put(Metric::DiskTotal, root.total);
    said.put(Metric::DiskUsed, root.used);
    said.put(Metric::DiskPercent, root.used / root.total * 100.0);
    said.within(Metric::Uptime, truth.uptime_s, 0.0, POLL_SLACK_S);
    said.within(Metric::BootTime, truth.booted_at_s(), 0.0, POLL_SLACK_S);
    said
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.motion.is_over.store(true, Ordering::Relaxed);
        if let Some(mover) = self.mover.take() {
            let _ = mover.join();
        }
        self.agent = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
