//! One agent and one hub with everything going wrong between them: cut connections, a hub that sleeps, loses events or dies in
//! the middle of a write, writes that land late, an agent that is started anew. Test only.

use std::collections::VecDeque;

use super::gap::{Gap, Verdict};
use super::window::{Holding, Step, Window};

/// Frames at a time.
const MOST: u32 = 4;
/// Samples of a frame.
const FRAME: u64 = 6;

#[derive(Debug, Clone, Copy)]
enum Answer {
    Welcome { durable: u64 },
    Ack { answers: Option<u64>, durable: u64 },
    Resend { answers: u64, from: u64 },
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    sent_as: u64,
    oldest: u64,
    first: u64,
    count: u64,
}

struct World {
    seed: u64,
    now_s: u64,
    // The agent.
    holding: Holding,
    window: Window,
    is_connected: bool,
    // On the way.
    up: VecDeque<Frame>,
    down: VecDeque<Answer>,
    // The hub.
    gap: Gap,
    memory: Vec<u64>,
    writing: Vec<(super::gap::Snapshot, Vec<u64>, u32)>,
    life: u32,
    disk: Vec<u64>,
    most_unanswered: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            now_s: 0,
            holding: Holding { oldest: 1, next: 1 },
            window: Window::default(),
            is_connected: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            gap: Gap::loaded(0, 0),
            memory: Vec::new(),
            writing: Vec::new(),
            life: 0,
            disk: Vec::new(),
            most_unanswered: 0,
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn stored(&self) -> u64 {
        self.disk.last().copied().unwrap_or(0)
    }

    fn cut(&mut self) {
        self.is_connected = false;
        self.up.clear();
        self.down.clear();
        self.window = Window::default();
    }

    fn connect(&mut self) {
        self.is_connected = true;
        self.down.push_back(Answer::Welcome { durable: self.gap.durable() });
    }

    /// The hub's memory is gone; its sockets are not. Some of the newest samples may have been attached.
    fn forget(&mut self) {
        let durable = self.stored();
        self.memory.retain(|number| *number > durable);
        let attached = self.random(3).min(self.memory.len() as u64);
        let is_attached = self.random(2) == 0;
        let kept = if is_attached { self.memory.len() } else { usize::try_from(attached).unwrap() };
        self.memory.truncate(kept);
        self.gap = Gap::loaded(durable, self.memory.last().copied().unwrap_or(0));
        self.life += 1;
    }

    fn send(&mut self) {
        while let Some(first) = self.window.next(self.holding) {
            let last = (first + FRAME - 1).min(self.holding.next - 1);
            let frame = self.window.sent(last, self.now_s);
            self.up.push_back(Frame { sent_as: frame, oldest: self.holding.oldest, first, count: last + 1 - first });
        }
        self.most_unanswered = self.most_unanswered.max(self.up.len());
    }

    fn hub_reads(&mut self) {
        let Some(Frame { sent_as: frame, oldest, first, count }) = self.up.pop_front() else { return };
        let durable = self.gap.durable();
        let answer = match self.gap.frame(oldest, first, count) {
            Verdict::Take { skip } => {
                self.memory.extend((first..first + count).skip(skip));
                Answer::Ack { answers: Some(frame), durable }
            }
            Verdict::Repeat => Answer::Ack { answers: Some(frame), durable },
            Verdict::Resend { from } => Answer::Resend { answers: frame, from },
            Verdict::NotLoaded => unreachable!("loaded when it was made"),
        };
        self.down.push_back(answer);
    }

    fn agent_reads(&mut self) {
        let Some(answer) = self.down.pop_front() else { return };
        let step = match answer {
            Answer::Welcome { durable } => {
                self.learn(durable);
                self.window.welcomed(durable, MOST, self.holding)
            }
            Answer::Ack { answers, durable } => {
                self.learn(durable);
                self.window.acknowledged(answers, durable, self.holding)
            }
            Answer::Resend { answers, from } => self.window.resend(answers, from, self.holding),
        };
        match step {
            Step::GoOn => {}
            Step::Reconnect => self.cut(),
            Step::Renumber { .. } => panic!("no counter was lost"),
        }
    }

    /// What the agent forgets must be on the disk.
    fn learn(&mut self, durable: u64) {
        assert!(durable <= self.stored(), "{durable} was called durable, {} is stored", self.stored());
        self.holding.oldest = self.holding.oldest.max(durable + 1).min(self.holding.next);
    }

    fn begin_write(&mut self) {
        let durable = self.gap.durable();
        let numbers = self.memory.iter().copied().filter(|number| *number > durable).collect();
        self.writing.push((self.gap.snapshot(), numbers, self.life));
    }

    /// A write lands, perhaps of a hub that is no more. The guarded upsert lets nothing older through.
    fn end_write(&mut self) {
        if self.writing.is_empty() {
            return;
        }
        let which = usize::try_from(self.random(self.writing.len() as u64)).unwrap();
        let (snapshot, numbers, life) = self.writing.remove(which);
        let stored = self.stored();
        self.disk.extend(numbers.into_iter().filter(|number| *number > stored));
        if life == self.life && self.gap.stored(snapshot) && self.is_connected {
            self.down.push_back(Answer::Ack { answers: None, durable: self.gap.durable() });
        }
    }

    fn tick(&mut self, is_hostile: bool) {
        self.now_s += 1;
        match self.random(if is_hostile { 40 } else { 20 }) {
            0..=3 if is_hostile || self.holding.next < 200 => self.holding.next += 1,
            4..=7 => self.send(),
            8..=11 => self.hub_reads(),
            12..=15 => self.agent_reads(),
            16 => self.begin_write(),
            17..=18 => self.end_write(),
            19 if !self.is_connected => self.connect(),
            20 => self.cut(),
            21 | 22 => self.forget(),
            // The event of a frame is lost with the hub's memory.
            23 => {
                self.up.pop_front();
                self.forget();
            }
            _ => {}
        }
        if self.window.is_overdue(self.now_s) {
            self.cut();
        }
    }
}

#[test]
fn every_sample_is_stored_once_whatever_happens() {
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..3_000 {
            world.tick(true);
        }
        for _ in 0..6_000 {
            world.tick(false);
        }
        let all: Vec<u64> = (1..world.holding.next).collect();
        assert!(world.disk == all, "seed {seed}: {} of {} stored", world.disk.len(), all.len());
        assert_eq!(world.holding.oldest, world.holding.next, "seed {seed}: everything is forgotten in the end");
        assert!(world.most_unanswered <= usize::try_from(MOST).unwrap(), "seed {seed}: {}", world.most_unanswered);
    }
}
