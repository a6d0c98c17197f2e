//! Simulated agents, thousands on one thread, and a time of their own: [`Fleet::advance`] moves the agents' time and the Worker's
//! test clock together, so that an hour passes in seconds.
//!
//! Every sample carries a mark in `uptime_s`: 1, 2, 3 … per agent, whatever its number becomes. So a stored sample can be told
//! from all others, and [`stored`] counts what is lost and what is there twice.

pub mod agent;
pub mod stored;
pub mod walk;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::worker::{TestHost, Worker};
use agent::Agent;

/// A moment: `mono_ms` is the fleet's own time, which only goes forward; `wall_ms` is what a true clock shows, ms since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Since the fleet was made.
    pub mono_ms: u64,
    /// Since 1970.
    pub wall_ms: i64,
}

/// How the agents behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where they connect: the Worker, or a proxy before it.
    pub address: String,
    /// After a connection has ended they come back after a random part of this, in real time.
    pub spread: Duration,
    /// How many of the protocol's seconds pass in a real one where an answer is waited for.
    pub haste: u32,
    /// Seconds between two samples, where that is more than the hub asks for.
    pub period_s: u32,
    /// Samples in one frame at most.
    pub frame_samples: usize,
    /// Samples held at most.
    pub spool: usize,
    /// When they began, for what is waited for.
    pub begun: Instant,
    /// What a true clock shows, ms since 1970; the fleet keeps it.
    pub wall_ms: i64,
}

impl Options {
    /// Agents of a Worker, with delays for tests.
    pub fn of(worker: &Worker) -> Self {
        Self {
            address: worker.address().to_owned(),
            spread: Duration::from_millis(200),
            haste: 20,
            period_s: 1,
            frame_samples: 60,
            spool: 10_000,
            begun: Instant::now(),
            wall_ms: 0,
        }
    }

    fn seconds(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or_default() * u64::from(self.haste) / 1000
    }

    const fn wall_ms(&self) -> i64 {
        self.wall_ms
    }
}

/// What agents have done and seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; each is a count")]
pub struct Counters {
    pub connects: u64,
    pub welcomes: u64,
    pub unreachable: u64,
    pub refused: BTreeMap<u16, u64>,
    pub cut: u64,
    pub given_up: u64,
    pub confused: u64,
    pub goodbyes: u64,
    pub frames: u64,
    pub frame_bytes: u64,
    pub bytes_sent: u64,
    pub sent: u64,
    pub resent: u64,
    pub acks: u64,
    pub resends: u64,
    pub renumbered: u64,
    pub dropped: u64,
    pub lost_with_disk: u64,
    pub values_left_out: u64,
    pub pongs: u64,
}

impl Counters {
    /// These and others together.
    pub fn add(&mut self, other: &Self) {
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
        for (sum, more) in [
            (&mut self.connects, other.connects),
            (&mut self.welcomes, other.welcomes),
            (&mut self.unreachable, other.unreachable),
            (&mut self.cut, other.cut),
            (&mut self.given_up, other.given_up),
            (&mut self.confused, other.confused),
            (&mut self.goodbyes, other.goodbyes),
            (&mut self.frames, other.frames),
            (&mut self.frame_bytes, other.frame_bytes),
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.sent, other.sent),
            (&mut self.resent, other.resent),
            (&mut self.acks, other.acks),
            (&mut self.resends, other.resends),
            (&mut self.renumbered, other.renumbered),
            (&mut self.dropped, other.dropped),
            (&mut self.lost_with_disk, other.lost_with_disk),
            (&mut self.values_left_out, other.values_left_out),
            (&mut self.pongs, other.pongs),
        ] {
            *sum += more;
        }
    }
}

/// Agents and their time.
pub struct Fleet {
    /// The agents, in the order of their hosts.
    pub agents: Vec<Agent>,
    /// How they behave.
    pub options: Options,
    /// How far the Worker's clock is ahead of the true time, ms.
    pub worker_error_ms: i64,
    mono_ms: u64,
    begun_ms: i64,
}

impl Fleet {
    /// An agent for each host, none connected yet. The true time begins at the real one.
    pub fn new(hosts: &[TestHost], options: Options) -> Self {
        let begun_ms = real_ms();
        let mut fleet = Self { agents: Vec::new(), options, worker_error_ms: 0, mono_ms: 0, begun_ms };
        fleet.options.wall_ms = begun_ms;
        let now = fleet.now();
        fleet.agents = (0..).zip(hosts).map(|(index, host)| Agent::new(index, host, now)).collect();
        fleet
    }

    /// Now, for the agents.
    pub fn now(&self) -> Time {
        Time { mono_ms: self.mono_ms, wall_ms: self.begun_ms + i64::try_from(self.mono_ms).unwrap_or_default() }
    }

    /// How far the Worker's test clock has to be ahead of the real one now.
    pub fn worker_offset_ms(&self) -> i64 {
        self.now().wall_ms + self.worker_error_ms - real_ms()
    }

    /// Sets the Worker's clock to the fleet's time and `worker_error_ms`; its alarms that are due by then run.
    pub fn set_worker_clock(&self, worker: &Worker) {
        worker.step_clock_ahead(self.worker_offset_ms());
    }

    /// Lets `step` pass for agents and Worker, and waits for at most `patience` of real time until everything that was sent is
    /// answered. Gives how many agents still wait.
    pub fn advance(&mut self, worker: &Worker, step: Duration, patience: Duration) -> usize {
        self.pass(step);
        self.set_worker_clock(worker);
        self.settle(patience)
    }

    /// Moves to ten past the next midnight, UTC, before anybody has connected: what is allowed by the day is whole then, and what is
    /// foreseen is a whole day.
    pub fn skip_to_morning(&mut self, worker: &Worker) {
        const DAY_MS: i64 = 86_400_000;
        let left_ms = DAY_MS - self.now().wall_ms.rem_euclid(DAY_MS) + 600_000;
        // Nobody was there in between: agents have nothing of that time.
        self.begun_ms += left_ms;
        self.options.wall_ms = self.now().wall_ms;
        self.set_worker_clock(worker);
    }

    /// Lets `step` pass for the agents alone, as when the Worker is not there.
    pub fn pass(&mut self, step: Duration) {
        self.mono_ms += u64::try_from(step.as_millis()).unwrap_or_default();
        self.options.wall_ms = self.now().wall_ms;
    }

    /// Lets the agents do what is due until everything that was sent is answered, at most `patience` long. Gives how many
    /// still wait.
    pub fn settle(&mut self, patience: Duration) -> usize {
        let begun = Instant::now();
        loop {
            self.pump(Duration::from_millis(5));
            let waiting = self.agents.iter().filter(|agent| !agent.is_settled()).count();
            if waiting == 0 || begun.elapsed() >= patience {
                return waiting;
            }
        }
    }

    /// Lets the agents do what is due for so long.
    pub fn run(&mut self, real: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < real {
            self.pump(Duration::from_millis(5));
        }
    }

    /// One round: everybody acts, then whoever has heard something reads it; waits for that at most `wait`.
    pub fn pump(&mut self, wait: Duration) {
        let now = self.now();
        for agent in &mut self.agents {
            agent.act(now, &self.options);
        }
        let ready = self.ready(wait);
        for index in ready {
            if let Some(agent) = self.agents.get_mut(index) {
                agent.read(now, &self.options);
            }
        }
    }

    /// Which agents have something to read.
    fn ready(&self, wait: Duration) -> Vec<usize> {
        let open = self.agents.iter().enumerate();
        let open: Vec<_> = open.filter_map(|(index, agent)| Some((index, agent.descriptor()?))).collect();
        let mut polled: Vec<PollFd<'_>> =
            open.iter().map(|(_, descriptor)| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
        let wait = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        // An interrupted wait is a short one.
        let _ = poll(&mut polled, Some(&wait));
        let heard = open.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        heard.map(|((index, _), _)| *index).collect()
    }

    /// All agents' counts together.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.agents.iter().for_each(|agent| sum.add(&agent.counters));
        sum
    }

    /// How many agents are connected and welcomed.
    pub fn connected(&self) -> usize {
        self.agents.iter().filter(|agent| agent.is_connected()).count()
    }
}

fn real_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_millis()).expect("a few centuries")
}

#[cfg(test)]
mod tests;
