//! Group `cpu`: what the processors did since the cycle before; in the first cycle, during a second of it.
//!
//! The stock agent looks at one second of each cycle and stands still for three before it. Ours looks at all of the time, and costs
//! too little to be seen in it.

use std::path::Path;

use edgewatch_core::dialects::openitcockpit::result::{Cpu, CpuTimes, Float};

use super::fault::{self, Fault};
use super::rates::percent;

const STAT: &str = "/proc/stat";
/// Source: 16 MiB hold the lines of ten thousand processors and all their interrupts.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What one processor did since the machine was started, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticks {
    user: u64,
    nice: u64,
    system: u64,
    idle: u64,
    iowait: u64,
    /// Interrupts, and time that the hypervisor gave to others.
    other: u64,
}

/// Remembers the cycle before.
#[derive(Debug, Default)]
pub struct Processors {
    before: Option<Vec<Ticks>>,
}

impl Processors {
    /// Whether there is nothing yet to compare with.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Looks, for the next look to compare with.
    ///
    /// # Errors
    /// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/stat`.
    pub fn begin(&mut self) -> Result<(), Fault> {
        self.before = Some(read()?);
        Ok(())
    }

    /// The group: what they did since the look before.
    ///
    /// # Errors
    /// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/stat`.
    pub fn read(&mut self) -> Result<Cpu, Fault> {
        let now = read()?;
        let before = self.before.replace(now.clone()).unwrap_or_default();
        Ok(cpu(&before, &now))
    }
}

fn read() -> Result<Vec<Ticks>, Fault> {
    parse(&fault::text(Path::new(STAT), MOST_BYTES)?)
}

/// The lines `cpu0`, `cpu1` … of `/proc/stat`. Processors that are switched off have none.
fn parse(text: &str) -> Result<Vec<Ticks>, Fault> {
    let malformed = || Fault::malformed(STAT);
    let mut found = Vec::new();
    for line in text.lines().take_while(|line| line.starts_with("cpu")) {
        let mut fields = line.split_ascii_whitespace();
        if fields.next() == Some("cpu") {
            continue;
        }
        let mut next = || fields.next().map_or(Ok(0), |field| field.parse::<u64>().map_err(|_| malformed()));
        let mut ticks =
            Ticks { user: next()?, nice: next()?, system: next()?, idle: next()?, iowait: next()?, other: 0 };
        ticks.other = [next()?, next()?, next()?].into_iter().fold(0, u64::saturating_add);
        found.push(ticks);
    }
    if found.is_empty() { Err(malformed()) } else { Ok(found) }
}

impl Ticks {
    /// What each grew by. Idle time and time of waiting may step back by a tick.
    fn since(&self, before: &Self) -> Self {
        let part = |of: fn(&Self) -> u64| of(self).saturating_sub(of(before));
        Self {
            user: part(|ticks| ticks.user),
            nice: part(|ticks| ticks.nice),
            system: part(|ticks| ticks.system),
            idle: part(|ticks| ticks.idle),
            iowait: part(|ticks| ticks.iowait),
            other: part(|ticks| ticks.other),
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            user: self.user + other.user,
            nice: self.nice + other.nice,
            system: self.system + other.system,
            idle: self.idle + other.idle,
            iowait: self.iowait + other.iowait,
            other: self.other + other.other,
        }
    }

    /// Percent of the time in which it was neither idle nor waiting.
    fn busy(&self) -> f64 {
        let busy = self.user + self.nice + self.system + self.other;
        percent(busy, busy + self.idle + self.iowait)
    }

    /// Quirk: interrupts and stolen time are in no share, and the five sum to 100.
    fn times(&self) -> CpuTimes {
        let whole = self.user + self.nice + self.system + self.idle + self.iowait;
        let share = |part| Float(percent(part, whole));
        CpuTimes {
            user: share(self.user),
            nice: share(self.nice),
            system: share(self.system),
            idle: share(self.idle),
            iowait: share(self.iowait),
        }
    }
}

/// Processors that came or went since the look before make it worthless; so does none.
fn cpu(before: &[Ticks], now: &[Ticks]) -> Cpu {
    let none = Ticks::default();
    let is_same = before.len() == now.len();
    let grown: Vec<Ticks> = now
        .iter()
        .enumerate()
        .map(|(index, ticks)| before.get(index).filter(|_| is_same).map_or(none, |before| ticks.since(before)))
        .collect();
    let each: Vec<Float> = grown.iter().map(|ticks| Float(ticks.busy())).collect();
    let count = u32::try_from(each.len().max(1)).unwrap_or(u32::MAX);
    Cpu {
        cpu_total_percentage: Float(each.iter().map(|percent| percent.0).sum::<f64>() / f64::from(count)),
        cpu_percentage: each,
        cpu_total_percentage_detailed: grown.iter().fold(none, Ticks::plus).times(),
        cpu_percentage_detailed: grown.iter().map(Ticks::times).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "cpu  300 20 100 1000 50 5 5 5 0 0\ncpu0 200 10 50 500 30 5 0 5 0 0\ncpu1 100 10 50 500 20 0 5 0 0 0\nintr 5 1 2\n";

    fn after(idle: u64) -> Vec<Ticks> {
        let mut now = parse(TWO).unwrap();
        now[0].user += 20;
        now[0].other += 30;
        now[0].idle += 50;
        now[1].idle += idle;
        now
    }

    #[test]
    fn every_processor_is_read_by_itself() {
        let ticks = parse(TWO).unwrap();
        assert_eq!(ticks.len(), 2);
        assert_eq!(ticks[0], Ticks { user: 200, nice: 10, system: 50, idle: 500, iowait: 30, other: 10 });
        assert!(parse("intr 5\n").is_err());
        assert!(parse("cpu0 a b\n").is_err());
    }

    #[test]
    fn use_is_what_was_neither_idle_nor_waiting_and_the_total_is_the_mean() {
        let found = cpu(&parse(TWO).unwrap(), &after(100));
        assert_eq!(found.cpu_percentage, [Float(50.0), Float(0.0)]);
        assert_eq!(found.cpu_total_percentage, Float(25.0));
    }

    #[test]
    fn the_five_shares_sum_to_100() {
        let found = cpu(&parse(TWO).unwrap(), &after(100));
        let sum = |times: &CpuTimes| times.user.0 + times.nice.0 + times.system.0 + times.idle.0 + times.iowait.0;
        assert!((found.cpu_percentage_detailed[0].user.0 - 2000.0 / 70.0).abs() < 1e-9, "interrupts are in no share");
        for times in found.cpu_percentage_detailed.iter().chain([&found.cpu_total_percentage_detailed]) {
            assert!((sum(times) - 100.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_processor_that_came_makes_one_look_worthless() {
        let before = parse(TWO).unwrap();
        let found = cpu(&before[..1], &after(100));
        assert_eq!(found.cpu_percentage, [Float(0.0), Float(0.0)]);
    }

    #[test]
    fn idle_time_that_steps_back_is_no_use() {
        let mut now = parse(TWO).unwrap();
        now[0].idle -= 1;
        assert_eq!(cpu(&parse(TWO).unwrap(), &now).cpu_percentage[0], Float(0.0));
    }
}
