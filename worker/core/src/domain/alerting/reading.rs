//! What a condition shows at one moment, and since when it has been failing.

use crate::model::{Bounds, Facts, Quantity, Sample};
use crate::units::UnixMillis;

/// What a condition shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Beyond the trigger.
    Failing,
    /// Not beyond the trigger, and not back at the level at which it has recovered.
    Between,
    /// As it should be.
    Clear,
    /// Nothing is known.
    Unknown,
}

/// What was found by a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What was looked at.
    pub word: &'static str,
    /// The value, where there is one.
    pub value: Option<f64>,
    /// The unit behind it.
    pub unit: &'static str,
}

/// What values of a host are percentages of; 0 where that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Memory.
    pub memory: u64,
    /// Swap.
    pub swap: u64,
    /// Disk.
    pub disk: u64,
}

impl Totals {
    /// Those of a host.
    pub fn of(facts: Option<&Facts>) -> Self {
        facts.map_or(Self::default(), |facts| Self {
            memory: facts.mem_total_bytes,
            swap: facts.swap_total_bytes,
            disk: facts.disk_total_bytes,
        })
    }
}

/// A value of a sample; `None` where it was not measured.
#[expect(
    clippy::cast_precision_loss,
    reason = "whole metrics are bounded by 2^53 when they come in; their sums need no more"
)]
pub fn value(quantity: Quantity, sample: &Sample, totals: Totals) -> Option<f64> {
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    let both = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0)) as f64),
    };
    let percent =
        |used: Option<u64>, total: u64| used.filter(|_| total > 0).map(|used| used as f64 / total as f64 * 100.0);
    match quantity {
        Quantity::Cpu => sample.cpu_percent,
        Quantity::Gpu => sample.gpu_percent,
        Quantity::Memory => percent(sample.mem_used_bytes, totals.memory),
        Quantity::Swap => percent(sample.swap_used_bytes, totals.swap),
        Quantity::Disk => percent(sample.disk_used_bytes, totals.disk),
        Quantity::NetInSpeed => whole(sample.net_in_bytes_per_s),
        Quantity::NetOutSpeed => whole(sample.net_out_bytes_per_s),
        Quantity::NetAllSpeed => both(sample.net_in_bytes_per_s, sample.net_out_bytes_per_s),
        Quantity::TransferIn => whole(sample.net_in_bytes),
        Quantity::TransferOut => whole(sample.net_out_bytes),
        Quantity::TransferAll => both(sample.net_in_bytes, sample.net_out_bytes),
        Quantity::Load1 => sample.load1,
        Quantity::Load5 => sample.load5,
        Quantity::Load15 => sample.load15,
        Quantity::TcpConnections => whole(sample.tcp_connections),
        Quantity::UdpConnections => whole(sample.udp_connections),
        Quantity::Processes => whole(sample.processes),
        Quantity::TemperatureMax => sample.temperatures.iter().map(|one| one.celsius).reduce(f64::max),
    }
}

/// What a value shows.
pub fn read(bounds: Bounds, value: Option<f64>) -> Reading {
    let Some(value) = value else { return Reading::Unknown };
    let is_beyond = |above: Option<f64>, below: Option<f64>| {
        above.is_some_and(|above| value > above) || below.is_some_and(|below| value < below)
    };
    if is_beyond(bounds.above.map(|level| level.trigger), bounds.below.map(|level| level.trigger)) {
        Reading::Failing
    } else if is_beyond(bounds.above.map(|level| level.clear), bounds.below.map(|level| level.clear)) {
        Reading::Between
    } else {
        Reading::Clear
    }
}

/// Since when a condition has been failing; `None` while it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run(pub Option<UnixMillis>);

impl Run {
    /// Notes what the condition shows. `is_open`: an alert goes on because of it, so what is not known changes nothing.
    pub fn note(&mut self, reading: Reading, since: UnixMillis, is_open: bool) {
        match reading {
            Reading::Failing => self.0 = self.0.or(Some(since)),
            Reading::Clear => self.0 = None,
            Reading::Unknown if !is_open => self.0 = None,
            Reading::Unknown | Reading::Between => {}
        }
    }

    /// Whether it has been failing for so long.
    pub fn has_held(self, for_s: u32, at: UnixMillis) -> bool {
        self.0.is_some_and(|since| at.0.saturating_sub(since.0) >= i64::from(for_s) * 1000)
    }

    /// Leaves out a stretch of time in which nobody looked; a clock that stepped back has a negative one.
    pub fn skip(&mut self, gap_ms: i64) {
        self.0 = self.0.map(|since| UnixMillis(since.0.saturating_add(gap_ms)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Temperature};

    #[test]
    fn a_value_fails_beyond_its_trigger_and_recovers_at_its_clear_level() {
        let bounds = Bounds { above: Some(Level { trigger: 90.0, clear: 80.0 }), below: None };
        let readings = [90.1, 90.0, 80.1, 80.0].map(|value| read(bounds, Some(value)));
        assert_eq!(readings, [Reading::Failing, Reading::Between, Reading::Between, Reading::Clear]);
        let both = Bounds {
            above: Some(Level { trigger: 90.0, clear: 90.0 }),
            below: Some(Level { trigger: 5.0, clear: 10.0 }),
        };
        let readings = [91.0, 90.0, 4.0, 5.0, 10.0].map(|value| read(both, Some(value)));
        assert_eq!(readings, [Reading::Failing, Reading::Clear, Reading::Failing, Reading::Between, Reading::Clear]);
        assert_eq!(read(both, None), Reading::Unknown);
    }

    #[test]
    fn percentages_need_to_know_of_what() {
        let sample = Sample {
            mem_used_bytes: Some(30),
            swap_used_bytes: Some(1),
            net_in_bytes_per_s: Some(3),
            net_out_bytes_per_s: Some(4),
            temperatures: [40.0, 71.5, 60.0].map(|celsius| Temperature { name: String::new(), celsius }).to_vec(),
            ..Sample::default()
        };
        let totals = Totals { memory: 40, swap: 0, disk: 10 };
        let of = |quantity| value(quantity, &sample, totals);
        assert_eq!((of(Quantity::Memory), of(Quantity::Swap), of(Quantity::Disk)), (Some(75.0), None, None));
        assert_eq!((of(Quantity::NetAllSpeed), of(Quantity::TransferAll)), (Some(7.0), None));
        assert_eq!((of(Quantity::TemperatureMax), of(Quantity::Cpu)), (Some(71.5), None));
    }

    #[test]
    fn a_run_goes_on_until_the_condition_is_clear() {
        let at = |seconds: i64| UnixMillis(seconds * 1000);
        let mut run = Run::default();
        run.note(Reading::Between, at(0), false);
        assert_eq!(run, Run(None));
        run.note(Reading::Failing, at(10), false);
        run.note(Reading::Between, at(20), false);
        assert!(!run.has_held(20, at(29)) && run.has_held(20, at(30)));
        run.skip(60_000);
        assert!(!run.has_held(20, at(89)) && run.has_held(20, at(90)));
        run.note(Reading::Unknown, at(91), true);
        assert!(run.0.is_some());
        run.note(Reading::Unknown, at(91), false);
        assert_eq!(run, Run(None));
    }
}
