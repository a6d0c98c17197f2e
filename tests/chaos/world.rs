//! A Worker, a network and a fleet that live through every round.

use std::time::Duration;

use edgewatch_harness::fleet::agent::Agent;
use edgewatch_harness::fleet::stored::{self, Verdict};
use edgewatch_harness::fleet::walk::Random;
use edgewatch_harness::fleet::{Counters, Fleet, Options};
use edgewatch_harness::objects::{Exhausted, Sockets};
use edgewatch_harness::proxy::{Network, Proxy};
use edgewatch_harness::worker::{Fault, TestHost, Worker};

use crate::scenario::Scenario;

const AGENTS: usize = 24;
/// What passes at once: less than the silence after which a host counts as offline.
const STEP: Duration = Duration::from_secs(20);
/// How long answers may take in real time, where nothing is wrong.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long they are waited for where something is.
const SHORT: Duration = Duration::from_millis(150);
/// How long D1 fails: longer than the hub's newest states wait for it.
const D1_STEPS: u64 = 24;
/// How long an object's meter is used up, at most: longer than the hub asks agents to hold their samples.
const OBJECT_STEPS: u64 = 20;
const HOUR_MS: i64 = 3_600_000;
/// Steps in which everything that was held back becomes durable: longer than the hub ever asks agents to hold.
const LAST_STEPS: u32 = 60;
const HUB: &str = "Hub";
const SHARD: &str = "hub-0";

/// What was seen in rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many rounds.
    pub rounds: u64,
    /// Samples that were called durable and are not stored.
    pub lost: u64,
    /// Samples stored more than once.
    pub twice: u64,
    /// Hosts called offline; none ever was.
    pub offline: u64,
    /// Answers of `list` and `details` that were not what they must be.
    pub reads_failed: u64,
    /// Agents that had no answer long after the fault was over.
    pub stuck: u64,
    /// How often the faults had an effect: calls refused, connections lost, instances begun anew, clocks moved.
    pub bites: u64,
}

impl Outcome {
    /// Whether anything was wrong.
    pub const fn is_bad(&self) -> bool {
        self.lost + self.twice + self.offline + self.reads_failed + self.stuck > 0
    }

    /// This and another together.
    pub const fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.lost += other.lost;
        self.twice += other.twice;
        self.offline += other.offline;
        self.reads_failed += other.reads_failed;
        self.stuck += other.stuck;
        self.bites += other.bites;
    }
}

/// Everything there is.
pub struct World {
    worker: Worker,
    proxy: Proxy,
    fleet: Fleet,
    hosts: Vec<TestHost>,
    random: Random,
    steps: u64,
    offline_seen: u64,
    /// What was wrong at the last look: it stays wrong, and counts once.
    seen: Verdict,
    reads_failed: u64,
}

impl World {
    /// A fleet that is connected and has reported.
    pub fn new(seed: u64) -> Self {
        let worker = Worker::builder().capture_outbound().start();
        let proxy = Proxy::start(worker.address());
        let hosts = worker.add_hosts("host", AGENTS);
        let options = Options { address: proxy.address.clone(), ..Options::of(&worker) };
        let fleet = Fleet::new(&hosts, options);
        let mut world = Self {
            worker,
            proxy,
            fleet,
            hosts,
            random: Random::new(seed),
            steps: 0,
            offline_seen: 0,
            seen: Verdict::default(),
            reads_failed: 0,
        };
        for _ in 0..6 {
            world.step(PATIENCE);
        }
        world
    }

    /// Lets time pass for everybody; how many agents still wait for an answer.
    fn step(&mut self, patience: Duration) -> usize {
        let waiting = self.fleet.advance(&self.worker, STEP, patience);
        self.steps += 1;
        if self.steps.is_multiple_of(3) {
            let now_ms = self.fleet.now().wall_ms + self.fleet.worker_error_ms;
            // A schedule that D1 refuses fails; the next one does its work.
            let _ = self.worker.cron_at(u64::try_from(now_ms).unwrap_or_default());
        }
        waiting
    }

    /// Some steps under a fault, with a read in between.
    fn suffer(&mut self, most: u64) {
        let steps = 1 + self.random.below(most);
        self.suffer_for(steps);
    }

    fn suffer_for(&mut self, steps: u64) {
        for _ in 0..steps {
            self.step(SHORT);
            self.read();
        }
    }

    /// One round of a scenario.
    pub fn round(&mut self, scenario: Scenario) -> Outcome {
        for _ in 0..self.random.below(3) {
            self.step(PATIENCE);
        }
        // Faults fall into the middle of things.
        self.fleet.pass(STEP);
        let pumps = self.random.below(3);
        for _ in 0..pumps {
            self.fleet.pump(Duration::from_millis(2));
        }
        let before = self.broken();
        let mut bites = self.fault(scenario);
        let stuck = self.recover();
        bites += self.broken() - before;
        let outcome = self.look();
        Outcome { rounds: 1, stuck, bites, ..outcome }
    }

    /// Connections that have ended, as the agents saw it.
    fn broken(&self) -> u64 {
        let counters = self.fleet.counters();
        counters.cut + counters.given_up + counters.unreachable + counters.goodbyes
    }

    /// D1 fails for a while; how many calls did.
    fn d1(&mut self, fault: Fault, times: u32) -> u64 {
        self.worker.faults(fault, times, "");
        self.suffer_for(D1_STEPS);
        let fired = self.worker.faults_fired();
        self.worker.faults(Fault::Off, 0, "");
        fired
    }

    /// A meter is used up for a while; how many calls were refused.
    fn used_up(&mut self, meters: &[Exhausted]) -> u64 {
        let index = usize::try_from(self.random.below(meters.len() as u64)).unwrap_or_default();
        let Some(meter) = meters.get(index) else { return 0 };
        self.worker.exhaust(*meter);
        let steps = if *meter == Exhausted::D1RowsWritten { D1_STEPS } else { 1 + self.random.below(OBJECT_STEPS) };
        self.suffer_for(steps);
        self.worker.refill(*meter)
    }

    /// Does what the scenario is about; how often it had an effect, but for connections that ended.
    fn fault(&mut self, scenario: Scenario) -> u64 {
        match scenario {
            Scenario::Kill => self.kill(),
            Scenario::Sleep => return self.sleep(),
            Scenario::Reset => {
                if !self.worker.evict(HUB, SHARD, Sockets::Close) {
                    // It is another way to the same end.
                    println!("the object would not end: restarting everything");
                    self.worker.restart();
                    self.fleet.set_worker_clock(&self.worker);
                }
                self.suffer(2);
            }
            Scenario::D1Refuses => return self.d1(Fault::Overloaded, u32::MAX),
            Scenario::D1UsedUp => return self.used_up(&[Exhausted::D1RowsWritten]),
            Scenario::D1LosesReplies => return self.d1(Fault::LostAfterCommit, u32::MAX),
            Scenario::ObjectRefuses => {
                let meters = [Exhausted::ObjectRowsWritten, Exhausted::ObjectStorage, Exhausted::ObjectRowsRead];
                return self.used_up(&meters);
            }
            Scenario::ObjectUnreachable => {
                return self.used_up(&[Exhausted::ObjectRequests, Exhausted::ObjectDuration]);
            }
            Scenario::AgentsKilled => return self.kill_agents(),
            Scenario::WorkerClockAhead => return self.worker_clock(HOUR_MS),
            Scenario::WorkerClockBack => return self.worker_clock(-HOUR_MS),
            Scenario::AgentClocks => return self.agent_clocks(),
            Scenario::Cut => {
                self.proxy.reset();
                self.suffer(2);
            }
            Scenario::BlackHole => return self.black_hole(),
            Scenario::AllClosed => {
                self.worker.close_sockets(HUB, SHARD, 1012);
                self.suffer(2);
            }
        }
        0
    }

    fn sleep(&mut self) -> u64 {
        let before = self.worker.meters().class(HUB, "constructed");
        if !self.worker.evict(HUB, SHARD, Sockets::Hibernate) {
            println!("the object would not sleep");
        }
        self.suffer(2);
        self.worker.meters().class(HUB, "constructed") - before
    }

    fn black_hole(&mut self) -> u64 {
        self.proxy.set(Network::BlackHole);
        // Shorter than the silence after which a host is rightly called offline.
        self.fleet.pass(STEP / 2);
        self.fleet.set_worker_clock(&self.worker);
        self.fleet.run(SHORT);
        let unanswered = self.fleet.agents.iter().filter(|agent| !agent.is_settled()).count();
        self.read();
        // Half of the time the system gives up as well; else what was swallowed arrives late.
        if self.random.below(2) == 0 {
            self.proxy.reset();
        }
        self.proxy.set(Network::Up);
        unanswered as u64
    }

    fn kill(&mut self) {
        self.worker.kill();
        for _ in 0..self.random.below(3) {
            self.fleet.pass(STEP);
            self.fleet.run(SHORT);
        }
        self.worker.resume();
        self.fleet.set_worker_clock(&self.worker);
    }

    fn kill_agents(&mut self) -> u64 {
        let mut killed = 0;
        for index in 0..self.fleet.agents.len() {
            let dice = self.random.below(6);
            let Some(agent) = self.fleet.agents.get_mut(index) else { continue };
            match dice {
                0..=2 => agent.kill(),
                3 => agent.wipe(),
                _ => continue,
            }
            killed += 1;
        }
        self.suffer(2);
        killed
    }

    fn worker_clock(&mut self, error_ms: i64) -> u64 {
        self.fleet.worker_error_ms = error_ms;
        self.suffer(4);
        self.fleet.worker_error_ms = 0;
        2
    }

    fn agent_clocks(&mut self) -> u64 {
        for (index, agent) in self.fleet.agents.iter_mut().enumerate() {
            agent.clock_error_ms = if index % 2 == 0 { HOUR_MS } else { -HOUR_MS };
        }
        self.suffer(4);
        for agent in &mut self.fleet.agents {
            agent.clock_error_ms = 0;
        }
        self.fleet.agents.len() as u64
    }

    /// After the fault: everybody is answered again; how many are not.
    fn recover(&mut self) -> u64 {
        self.step(PATIENCE);
        let waiting = self.step(PATIENCE) as u64;
        if waiting > 0 {
            println!("{waiting} agents are stuck: {:?}", self.fleet.counters());
        }
        self.read();
        waiting
    }

    /// What is stored and what was said, against what must be.
    fn look(&mut self) -> Outcome {
        let verdict = stored::check(&self.fleet, &stored::read(&self.worker, 1));
        let offline = self.worker.events("host_offline");
        let outcome = Outcome {
            lost: verdict.lost.saturating_sub(self.seen.lost),
            twice: verdict.twice.saturating_sub(self.seen.twice),
            offline: offline.saturating_sub(self.offline_seen),
            reads_failed: std::mem::take(&mut self.reads_failed),
            ..Outcome::default()
        };
        (self.seen, self.offline_seen) = (verdict, offline);
        outcome
    }

    /// `list` and `details` have every host.
    fn read(&mut self) {
        for path in ["/api/v1/server/list", "/api/v1/server/details"] {
            let reply = self.worker.get(path);
            let hosts = serde_json::from_str::<serde_json::Value>(&reply.body).ok();
            let count = hosts.and_then(|body| body["result"].as_array().map(Vec::len)).unwrap_or_default();
            if reply.status != 200 || count != self.hosts.len() {
                self.reads_failed += 1;
                if self.reads_failed <= 2 {
                    println!("{path}: {} with {count} hosts: {:.200}", reply.status, reply.body);
                }
            }
        }
    }

    /// Time in which everything becomes durable, and the last look.
    pub fn finish(&mut self) -> Outcome {
        let mut stuck = 0;
        for _ in 0..LAST_STEPS {
            stuck = self.step(PATIENCE) as u64;
        }
        let spooled = self.fleet.agents.iter().map(Agent::spooled).max().unwrap_or_default();
        println!("at the end an agent holds at most {spooled} samples that are not durable");
        Outcome { rounds: 1, stuck, ..self.look() }
    }

    /// Samples that were called durable, and those that are stored.
    pub const fn totals(&self) -> (u64, u64) {
        (self.seen.acknowledged, self.seen.stored)
    }

    /// What the agents have done.
    pub fn counters(&self) -> Counters {
        self.fleet.counters()
    }

    /// The end of what the Worker has logged.
    pub fn log_tail(&self) -> String {
        let log = self.worker.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("\"status\":200")).collect();
        lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
    }
}
