//! Every built-in metric once: its name, its unit, the bounds of what it can be and the step it is kept at.

mod guests;
pub mod interfaces;
pub mod mackerel;
pub mod memory;
pub mod own;
mod speeds;
pub mod watched;

pub use guests::of_guest;
pub use speeds::{fill_speeds, name_speeds};

use crate::model::{DropReason, Sample};
use crate::units::{MAX_EXACT_INTEGER, Step};

/// A built-in metric. The number is its column in stored blocks and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Metric {
    /// Use of all processors.
    CpuPercent = 0,
    /// Memory in use.
    MemUsed = 1,
    /// Swap in use.
    SwapUsed = 2,
    /// Disk space in use.
    DiskUsed = 3,
    /// Bytes received since boot.
    NetIn = 4,
    /// Bytes sent since boot.
    NetOut = 5,
    /// Bytes received per second.
    NetInSpeed = 6,
    /// Bytes sent per second.
    NetOutSpeed = 7,
    /// Seconds since the host was started.
    Uptime = 8,
    /// Load average of 1 minute.
    Load1 = 9,
    /// Load average of 5 minutes.
    Load5 = 10,
    /// Load average of 15 minutes.
    Load15 = 11,
    /// TCP sockets.
    TcpConnections = 12,
    /// UDP sockets.
    UdpConnections = 13,
    /// Processes.
    Processes = 14,
    /// Use of the busiest GPU.
    GpuPercent = 15,
}

/// What is true of a metric for every host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    /// Which metric.
    pub metric: Metric,
    /// Its key in our own API, unit included.
    pub key: &'static str,
    /// The least it can be.
    pub min: f64,
    /// The most it can be.
    pub max: f64,
    /// How it is kept in blocks: what nobody reads off a chart is left out. The step says how far off a value is at most.
    pub step: Step,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
const WHOLE_MAX: f64 = MAX_EXACT_INTEGER as f64;

const fn whole(metric: Metric, key: &'static str, step: Step) -> Definition {
    Definition { metric, key, min: 0.0, max: WHOLE_MAX, step }
}

const fn load(metric: Metric, key: &'static str) -> Definition {
    Definition { metric, key, min: 0.0, max: 1e6, step: Step::Hundredths }
}

const fn percent(metric: Metric, key: &'static str) -> Definition {
    Definition { metric, key, min: 0.0, max: 100.0, step: Step::Hundredths10 }
}

/// Every built-in metric, in the order of their columns.
pub const ALL: [Definition; 16] = [
    percent(Metric::CpuPercent, "cpu_percent"),
    whole(Metric::MemUsed, "mem_used_bytes", Step::Binary11),
    whole(Metric::SwapUsed, "swap_used_bytes", Step::Binary11),
    whole(Metric::DiskUsed, "disk_used_bytes", Step::Binary14),
    whole(Metric::NetIn, "net_in_bytes", Step::Whole),
    whole(Metric::NetOut, "net_out_bytes", Step::Whole),
    whole(Metric::NetInSpeed, "net_in_bytes_per_s", Step::Binary8),
    whole(Metric::NetOutSpeed, "net_out_bytes_per_s", Step::Binary8),
    whole(Metric::Uptime, "uptime_s", Step::Whole),
    load(Metric::Load1, "load1"),
    load(Metric::Load5, "load5"),
    load(Metric::Load15, "load15"),
    whole(Metric::TcpConnections, "tcp_connections", Step::Whole),
    whole(Metric::UdpConnections, "udp_connections", Step::Whole),
    whole(Metric::Processes, "processes", Step::Whole),
    percent(Metric::GpuPercent, "gpu_percent"),
];

/// The least and the most a sensor can show, degrees Celsius: absolute zero, and what no silicon survives.
pub const CELSIUS_BOUNDS: (f64, f64) = (-273.15, 1000.0);

/// How finely a sensor's degrees are kept in blocks.
pub const CELSIUS_STEP: Step = Step::Tenths;

/// How finely the column of a built-in metric is kept in blocks; exactly, where the column is none of ours.
pub fn step(column: u8) -> Step {
    ALL.get(usize::from(column)).map_or(Step::Exact, |definition| definition.step)
}

/// How finely a built-in metric is kept in coarse rows: as in samples, but totals of bytes to the KiB, which nobody sees in an
/// average of them, and percents to the hundredth, for an average is steadier than what it is made of. An average of rounded
/// values that is rounded again is at most two roundings off.
pub fn coarse_step(column: u8) -> Step {
    const TOTALS: [u8; 2] = [Metric::NetIn as u8, Metric::NetOut as u8];
    match step(column) {
        Step::Hundredths10 => Step::Hundredths,
        Step::Whole if TOTALS.contains(&column) => Step::Kibi,
        step => step,
    }
}

/// Whether a built-in metric counts up from the host's start: the largest value of a time is then its last one and tells nothing.
pub fn is_counter(column: u8) -> bool {
    [Metric::NetIn as u8, Metric::NetOut as u8, Metric::Uptime as u8].contains(&column)
}

impl Metric {
    /// What is true of this metric for every host.
    #[expect(
        clippy::indexing_slicing,
        reason = "the table has a row per metric, in the order of the columns; a test holds it"
    )]
    pub const fn definition(self) -> &'static Definition {
        &ALL[self as usize]
    }
}

impl Definition {
    /// The value when it is possible.
    ///
    /// # Errors
    /// The reason why it is not.
    pub fn check(&self, value: f64) -> Result<f64, DropReason> {
        within(value, self.min, self.max)
    }
}

/// `value` when it is a finite number from `min` to `max`.
///
/// # Errors
/// The reason why it is not.
pub fn within(value: f64, min: f64, max: f64) -> Result<f64, DropReason> {
    if !value.is_finite() {
        Err(DropReason::NotANumber)
    } else if value < min {
        Err(DropReason::TooSmall)
    } else if value > max {
        Err(DropReason::TooLarge)
    } else {
        Ok(value)
    }
}

/// The values of a sample in the order of their columns.
#[expect(clippy::cast_precision_loss, reason = "whole metrics are bounded by 2^53 when they come in")]
pub fn columns(sample: &Sample) -> [Option<f64>; ALL.len()] {
    let whole = |value: Option<u64>| value.map(|number| number as f64);
    [
        sample.cpu_percent,
        whole(sample.mem_used_bytes),
        whole(sample.swap_used_bytes),
        whole(sample.disk_used_bytes),
        whole(sample.net_in_bytes),
        whole(sample.net_out_bytes),
        whole(sample.net_in_bytes_per_s),
        whole(sample.net_out_bytes_per_s),
        whole(sample.uptime_s),
        sample.load1,
        sample.load5,
        sample.load15,
        whole(sample.tcp_connections),
        whole(sample.udp_connections),
        whole(sample.processes),
        sample.gpu_percent,
    ]
}

/// The values of a sample as history keeps them, in the order of their columns: each at its step, and what counts the bytes of
/// a network no finer than its rate asks for (see [`counted`]). The newest state is never rounded.
pub fn kept(sample: &Sample) -> [Option<f64>; ALL.len()] {
    let mut values = columns(sample);
    for (value, definition) in values.iter_mut().zip(&ALL) {
        *value = value.map(|value| definition.step.round(value));
    }
    let kept = |counter: Metric, rate: Metric, values: &[Option<f64>]| {
        let [counter, rate] = [counter, rate].map(|metric| values.get(metric as usize).copied().flatten());
        Some(counted(counter?, rate.unwrap_or(0.0)))
    };
    for (counter, rate) in [(Metric::NetIn, Metric::NetInSpeed), (Metric::NetOut, Metric::NetOutSpeed)] {
        let value = kept(counter, rate, &values);
        if let Some(slot) = values.get_mut(counter as usize) {
            *slot = value;
        }
    }
    values
}

/// A sample's time as history keeps it, ms since 1970: cut to 10 ms, so that it stays in every window it lies in.
pub const fn kept_ms(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(10))
}

/// What a counter that grows by `rate` a second is in history: less than `value` by what comes in an eighth of a second at
/// most, and never more. At rest it is exact, so what is lost does not add up.
///
/// It is cut to multiples of a power of two, so it does not fall between two samples between which it really grew by an eighth
/// of a second of the rate: that is, never as long as the rate is the growth over at least that time.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, from 0 to 2^53"
)]
fn counted(value: f64, rate: f64) -> f64 {
    if ![value, rate].iter().all(|number| (0.0..=WHOLE_MAX).contains(number)) {
        return value;
    }
    let dropped = (rate as u64).checked_ilog2().unwrap_or(0).saturating_sub(3);
    (value as u64 >> dropped << dropped) as f64
}

#[cfg(test)]
mod tests {
    use proptest::collection;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn each_metric_stands_at_its_column() {
        for (column, definition) in ALL.iter().enumerate() {
            assert_eq!(definition.metric as usize, column, "{}", definition.key);
            assert_eq!(definition.metric.definition(), definition);
        }
    }

    proptest! {
        #[test]
        fn history_loses_no_more_of_a_counter_than_an_eighth_of_a_second_and_never_lets_it_fall(
            start in 0_u64..1 << 50,
            stretches in collection::vec((0_u32..40, 0_u64..1 << 40, 1_u64..100), 1..40),
        ) {
            let (mut counter, mut before) = (start, 0.0);
            for (halvings, rate, tenths) in stretches {
                let rate = rate >> halvings;
                counter += (rate * (tenths + 9)).div_ceil(10);
                let sample = Sample {
                    net_in_bytes: Some(counter),
                    net_in_bytes_per_s: Some(rate),
                    net_out_bytes: Some(counter),
                    ..Sample::default()
                };
                let [.., kept, unrated, rate_kept] = kept(&sample)[..7] else { panic!("the columns") };
                #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
                let (counter, rate) = (counter as f64, rate as f64);
                let kept = kept.unwrap();
                prop_assert!(kept <= counter && counter - kept <= rate_kept.unwrap() / 8.0, "{kept} of {counter} at {rate}");
                prop_assert!(kept >= before, "{kept} after {before}");
                prop_assert_eq!(unrated, Some(counter));
                before = kept;
            }
        }
    }

    #[test]
    fn times_are_cut_within_their_window() {
        assert_eq!([-1, 0, 9, 10, 19_999, i64::MIN].map(kept_ms), [-10, 0, 0, 10, 19_990, i64::MIN]);
    }

    #[test]
    fn impossible_values_are_told_apart() {
        let cpu = Metric::CpuPercent.definition();
        assert_eq!(cpu.check(100.0), Ok(100.0));
        assert_eq!(cpu.check(f64::NAN), Err(DropReason::NotANumber));
        assert_eq!(cpu.check(f64::INFINITY), Err(DropReason::NotANumber));
        assert_eq!(cpu.check(-0.1), Err(DropReason::TooSmall));
        assert_eq!(cpu.check(100.1), Err(DropReason::TooLarge));
    }
}
