//! One Worker, everybody who reports to it, and its clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use crate::readers::{self, Look, Subject};
use crate::table::{Kind, Metric, Reader, Writer};
use crate::truth::Truth;
use crate::value::{Said, Value};
use crate::writers::{mackerel, native, openitcockpit, proxmox, pulse, token_with};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The machine runs for so long, seconds.
const UPTIME_S: i64 = 1_234_567;

/// The fleet: a host for each writer, and three for the collector.
pub struct World {
    pub worker: Worker,
    /// A key that reads by Mackerel's API.
    key: String,
    ahead_ms: i64,
    booted_ms: i64,
    stream: Option<native::ByStream>,
    post: native::ByPost,
    mackerel: mackerel::Agent,
    openitcockpit: openitcockpit::Agent,
    pulse: pulse::Agent,
    /// There only when somebody asks of it.
    collected: Option<proxmox::Collected>,
    pub subjects: Vec<Subject>,
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(since.as_millis()).expect("a few centuries")
}

/// A second of the clock.
fn second(at_ms: i64) -> i64 {
    at_ms / 1000 * 1000
}

/// What the hosts are called by whom.
fn name(writer: Writer) -> &'static str {
    match writer {
        Writer::Socket => "by-socket",
        Writer::Post => "by-post",
        Writer::Mackerel => "by-mackerel",
        Writer::OpenItCockpit => "by-openitcockpit",
        Writer::Pulse => "by-pulse",
        Writer::Proxmox => proxmox::NODE,
    }
}

impl World {
    /// Everybody is there; nobody has said anything yet.
    pub fn begin(with_proxmox: bool) -> Self {
        let worker = Worker::start();
        let booted_ms = second(now_ms()) - UPTIME_S * 1000;
        let before = Truth::before(booted_ms, second(now_ms()));
        let (by_socket, by_post) = (worker.add_host(name(Writer::Socket)), worker.add_host(name(Writer::Post)));
        Self {
            key: token_with(&worker, &["read"]),
            stream: Some(native::ByStream::open(&worker, &by_socket, now_ms())),
            post: native::ByPost::new(by_post),
            mackerel: mackerel::Agent::begin(&worker, &before, name(Writer::Mackerel)),
            openitcockpit: openitcockpit::Agent::begin(&worker, name(Writer::OpenItCockpit)),
            pulse: pulse::Agent::begin(&worker),
            collected: with_proxmox.then(|| proxmox::Collected::begin(&worker, &before)),
            ahead_ms: 0,
            booted_ms,
            subjects: Vec::new(),
            worker,
        }
    }

    /// The Worker's clock.
    pub fn now_ms(&self) -> i64 {
        now_ms() + self.ahead_ms
    }

    /// So much later; who holds a socket shows at once that it lives.
    pub fn pass(&mut self, seconds: i64) {
        self.ahead_ms += seconds * 1000;
        self.worker.set_clock_ahead(self.ahead_ms);
        if let Some(stream) = &mut self.stream {
            stream.ping();
        }
    }

    /// The schedule runs.
    pub fn schedule(&self) {
        let now_ms = u64::try_from(self.now_ms()).expect("past 1970");
        assert!(self.worker.cron_at(now_ms), "the schedule fails");
    }

    /// Everybody says how the machine was, or how it is now. What was said is known from then on.
    pub fn write(&mut self, is_now: bool) {
        let at_ms = second(self.now_ms());
        let of = if is_now { Truth::now } else { Truth::before };
        let truth = of(self.booted_ms, at_ms);
        if let Some(collected) = &mut self.collected {
            collected.show(&truth, is_now);
        }
        self.collect();
        let stream = self.stream.as_mut().expect("a socket");
        let mut said: Vec<(Writer, Said)> = vec![
            (Writer::Socket, stream.write(&truth, name(Writer::Socket))),
            (Writer::Post, self.post.write(&self.worker, &truth, name(Writer::Post))),
            (Writer::Mackerel, self.mackerel.write(&self.worker, &truth, name(Writer::Mackerel))),
            (Writer::OpenItCockpit, self.openitcockpit.write(&self.worker, &truth, name(Writer::OpenItCockpit))),
            (Writer::Pulse, self.pulse.write(&self.worker, &truth, name(Writer::Pulse))),
        ];
        if self.collected.is_some() {
            self.polled(&truth);
        }
        self.schedule();
        let machines = said.drain(..).map(|(writer, said)| (writer, Kind::Machine, 0, said));
        let polled = [(Kind::Node, 0), (Kind::Virtual, 1), (Kind::Container, 2)]
            .map(|(kind, place)| (Writer::Proxmox, kind, place, proxmox::Collected::said(&truth, kind)));
        let polled = polled.into_iter().filter(|_| self.collected.is_some());
        let all: Vec<_> = machines.chain(polled).collect();
        let hosts = readers::first_of_live(&self.worker);
        let subject = |(writer, kind, place, said): (Writer, Kind, usize, Said)| {
            let name = match said.get(Metric::Name).map(|name| &name.value) {
                Some(Value::Text(name)) => name.clone(),
                other => panic!("no name: {other:?}"),
            };
            let host = hosts.iter().find(|host| host["name"] == name.as_str());
            let host = host.unwrap_or_else(|| panic!("{name} is no host of {hosts:?}"));
            let (letter, _) = writer.kinds()[place];
            Subject {
                writer,
                letter,
                kind,
                id: host["id"].as_u64().expect("a number"),
                public_id: host["public_id"].as_str().expect("an id").to_owned(),
                name,
                said,
            }
        };
        self.subjects = all.into_iter().map(subject).collect();
    }

    /// The collector learns of the Worker's clock anew.
    pub fn collect(&mut self) {
        if let Some(collected) = &mut self.collected {
            collected.collect(&self.worker);
        }
    }

    /// The virtual machine is shut down.
    pub fn stop_guest(&self) {
        self.collected.iter().for_each(proxmox::Collected::stop_guest);
    }

    /// Nobody sees the node any more.
    pub fn lose_node(&self) {
        self.collected.iter().for_each(proxmox::Collected::lose_node);
    }

    /// Waits until the collector has polled what is true now.
    fn polled(&self, truth: &Truth) {
        wait_until("a poll", PATIENCE, || {
            let state = self.worker.get("/api/state").json();
            let cpu = state.pointer("/nodes/0/cpu").and_then(Json::as_f64)?;
            let guests = ["/vms/0/networkIn", "/containers/0/networkIn"];
            let is_rated =
                guests.iter().all(|at| state.pointer(at).and_then(Json::as_i64).is_some_and(|rate| rate > 0));
            ((cpu - truth.cpu_percent() / 100.0).abs() < 1e-6 && is_rated).then_some(())
        });
    }

    /// Time passes until what is polled now is history: its minute is over when the next one is polled, and told by the next alarm.
    pub fn pass_minutes(&mut self, seconds: i64) {
        for _ in 0..2 {
            self.pass(seconds);
            let now_s = self.now_ms() / 1000;
            self.collect();
            if self.collected.is_some() {
                wait_until("a poll of now", PATIENCE, || {
                    let seen = self.worker.get("/api/state").at("/nodes/0/lastSeen");
                    (readers::seconds(seen.as_str()?) >= now_s).then_some(())
                });
            }
        }
    }

    /// Asks once.
    pub fn look(&self, reader: Reader) -> Look {
        readers::look(&self.worker, &self.key, &self.subjects, reader, self.now_ms() / 1000)
    }

    /// The machine with a socket loses its power; the others simply say nothing.
    pub fn fall_silent(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.cut();
        }
    }
}
