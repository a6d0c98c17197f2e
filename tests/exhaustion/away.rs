//! A Worker with hosts on sockets and one that posts, whose minutes pass.

use std::time::Duration;

use edgewatch_harness::fleet::{Fleet, Options, stored};
use edgewatch_harness::objects::{Exhausted, Sockets};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const AGENTS: usize = 5;
/// What passes at once, less than the silence after which a host counts as offline.
const STEP: Duration = Duration::from_secs(15);
const STEPS_A_MINUTE: u32 = 4;
/// How long answers may take in real time.
const PATIENCE: Duration = Duration::from_millis(400);
/// Samples that lie between two frames, and those under way.
const UNDER_WAY: usize = 20;

/// What reads are to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The newest there is.
    OfNow,
    /// What D1 was told last.
    OfLastFlush,
    /// Nothing can answer.
    Refused,
}

/// How people learn of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// While it lasts, by the banner, which names the meter; and by an event at the latest afterwards.
    Banner(&'static str),
    /// By an event of this kind, at the latest afterwards.
    Later(&'static str),
    /// Nobody can tell them.
    Nobody,
}

pub struct World {
    worker: Worker,
    fleet: Fleet,
    post: TestHost,
    /// Samples that were posted and not acknowledged, and the last number given.
    unanswered: Vec<Value>,
    posted: u64,
    durable: u64,
    told: Told,
    runs_schedule: bool,
}

impl World {
    pub fn start() -> Self {
        let worker = Worker::start();
        let hosts = worker.add_hosts("socket", AGENTS);
        let post = worker.add_host("post");
        let options = Options { haste: 100, ..Options::of(&worker) };
        let mut fleet = Fleet::new(&hosts, options);
        // What is used up stays so for the day, so the day must not end in between.
        fleet.skip_to_morning(&worker);
        Self {
            worker,
            fleet,
            post,
            unanswered: Vec::new(),
            posted: 0,
            durable: 0,
            told: Told::Nobody,
            runs_schedule: true,
        }
    }

    /// Lets so many minutes pass, each with a report of the host that posts, a run of the schedule, and a read.
    pub fn pass(&mut self, minutes: u32) {
        for _ in 0..minutes {
            for _ in 0..STEPS_A_MINUTE {
                self.fleet.advance(&self.worker, STEP, PATIENCE);
            }
            self.post();
            if self.runs_schedule {
                self.worker.cron_at(u64::try_from(self.fleet.now().wall_ms).unwrap_or_default());
            }
            self.list();
        }
    }

    fn post(&mut self) {
        let now_ms = self.fleet.now().wall_ms;
        self.posted += 1;
        self.unanswered.push(json!({ "number": self.posted, "at_ms": now_ms, "uptime_s": self.posted, "load1": 1 }));
        let body = json!({
            "agent_version": "0.1.0", "sent_at_ms": now_ms, "oldest": self.durable + 1, "period_s": 60, "frame_s": 60,
            "samples": self.unanswered
        });
        let bearer = format!("Bearer {}", self.post.secret);
        let reply = self.worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
        if reply.status == 200 {
            self.durable = reply.at("/durable_up_to").as_u64().unwrap_or_default();
            let durable = self.durable;
            self.unanswered.retain(|sample| sample["number"].as_u64().is_some_and(|number| number > durable));
        } else {
            assert!([429, 503].contains(&reply.status), "{}: {}", reply.status, reply.body);
        }
    }

    fn list(&self) -> (u16, Value) {
        let reply = self.worker.get("/api/v1/server/list");
        (reply.status, if reply.status == 200 { reply.json() } else { Value::Null })
    }

    /// The meter is used up from now on.
    pub fn begin(&mut self, meter: Exhausted) {
        // A run of the schedule is a request like others.
        self.runs_schedule = meter != Exhausted::WorkerRequests;
        self.worker.exhaust(meter);
    }

    /// And allows everything again.
    pub fn end(&mut self, meter: Exhausted) {
        self.runs_schedule = true;
        assert_ne!(self.worker.refill(meter), 0, "nothing was refused");
    }

    /// The hub's instance ends; its sockets sleep on.
    pub fn put_to_sleep(&self) {
        self.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    }

    pub fn check_reads(&self, reads: Reads) {
        for path in ["/api/v1/server/list", "/api/v1/server/details"] {
            let reply = self.worker.get(path);
            let hosts =
                reply.status == 200 && reply.at("/result").as_array().is_some_and(|all| all.len() == AGENTS + 1);
            assert_eq!(hosts, reads != Reads::Refused, "{path}: {} {}", reply.status, reply.body);
            if reads == Reads::OfNow {
                let socket = reply.at("/result/0/last_active").as_i64().unwrap_or_default();
                let silent_s = self.fleet.now().wall_ms / 1000 - socket;
                assert!(silent_s < 90, "{path} is {silent_s} s old");
            }
        }
    }

    pub fn check_told(&mut self, told: Told) {
        self.told = told;
        if let Told::Banner(words) = told {
            let reply = self.worker.get("/api/edgewatch/v1/usage");
            let banner = reply.at("/banner").as_str().unwrap_or_default().to_owned();
            assert!(banner.contains(words), "{words}: {} {}", reply.status, reply.body);
        }
    }

    pub fn check_end(&mut self) {
        self.fleet.settle(Duration::from_secs(5));
        let agents: Vec<(u64, usize)> =
            self.fleet.agents.iter().map(|agent| (agent.measured(), agent.spooled())).collect();
        let log = || self.worker.log();
        for (_, spooled) in &agents {
            assert!(*spooled <= UNDER_WAY, "back-fill: {agents:?}, {:?}\n{}", self.fleet.counters(), log());
        }
        let hosts = stored::read(&self.worker, 1);
        let verdict = stored::check(&self.fleet, &hosts);
        assert_eq!((verdict.lost, verdict.twice), (0, 0), "{verdict:?}");
        assert!(verdict.acknowledged > 0);
        let measured: u64 = agents.iter().map(|(measured, _)| measured).sum();
        let spooled: usize = agents.iter().map(|(_, spooled)| spooled).sum();
        assert!(verdict.stored + spooled as u64 >= measured, "{verdict:?}, {agents:?}");
        assert_eq!(self.unanswered.len(), 0, "what was posted is acknowledged");
        assert_eq!(self.worker.stored_samples(self.post.id), (1..=self.posted).collect::<Vec<u64>>());
        let events = self.worker.get("/api/edgewatch/v1/events").json();
        assert_eq!(self.worker.events("host_offline"), 0, "{events}");
        let kind = match self.told {
            Told::Banner(_) => "budget_tight",
            Told::Later(kind) => kind,
            Told::Nobody => return,
        };
        assert_ne!(self.worker.events(kind), 0, "{events}");
        self.worker.reset_meters();
        self.pass(2);
        assert!(self.worker.meters().class("Hub", "alarms") >= 2, "the hub looks round again");
        let usage = self.worker.get("/api/edgewatch/v1/usage");
        assert_eq!((usage.status, usage.at("/banner")), (200, Value::Null), "it is over: {}", usage.body);
    }
}
