//! Every built-in metric once: its name, its unit, the bounds of what it can be and the step it is kept at.

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
    /// How it is kept in blocks.
    pub step: Step,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
const WHOLE_MAX: f64 = MAX_EXACT_INTEGER as f64;

const fn whole(metric: Metric, key: &'static str) -> Definition {
    Definition { metric, key, min: 0.0, max: WHOLE_MAX, step: Step::Whole }
}

const fn stepped(metric: Metric, key: &'static str, max: f64) -> Definition {
    Definition { metric, key, min: 0.0, max, step: Step::Hundredths }
}

/// Every built-in metric, in the order of their columns.
pub const ALL: [Definition; 16] = [
    stepped(Metric::CpuPercent, "cpu_percent", 100.0),
    whole(Metric::MemUsed, "mem_used_bytes"),
    whole(Metric::SwapUsed, "swap_used_bytes"),
    whole(Metric::DiskUsed, "disk_used_bytes"),
    whole(Metric::NetIn, "net_in_bytes"),
    whole(Metric::NetOut, "net_out_bytes"),
    whole(Metric::NetInSpeed, "net_in_bytes_per_s"),
    whole(Metric::NetOutSpeed, "net_out_bytes_per_s"),
    whole(Metric::Uptime, "uptime_s"),
    stepped(Metric::Load1, "load1", 1e6),
    stepped(Metric::Load5, "load5", 1e6),
    stepped(Metric::Load15, "load15", 1e6),
    whole(Metric::TcpConnections, "tcp_connections"),
    whole(Metric::UdpConnections, "udp_connections"),
    whole(Metric::Processes, "processes"),
    stepped(Metric::GpuPercent, "gpu_percent", 100.0),
];

/// The least and the most a sensor can show, degrees Celsius: absolute zero, and what no silicon survives.
pub const CELSIUS_BOUNDS: (f64, f64) = (-273.15, 1000.0);

/// How finely a sensor's degrees are kept in blocks.
pub const CELSIUS_STEP: Step = Step::Tenths;

/// How finely the column of a built-in metric is kept in blocks; exactly, where the column is none of ours.
pub fn step(column: u8) -> Step {
    ALL.get(usize::from(column)).map_or(Step::Exact, |definition| definition.step)
}

/// How finely a built-in metric is kept in coarse rows: amounts of bytes to the KiB, which nobody sees in an average of them;
/// what is counted per second stays whole, for there a few bytes may be all there is.
pub fn coarse_step(column: u8) -> Step {
    const AMOUNTS: [u8; 5] = [
        Metric::MemUsed as u8,
        Metric::SwapUsed as u8,
        Metric::DiskUsed as u8,
        Metric::NetIn as u8,
        Metric::NetOut as u8,
    ];
    if AMOUNTS.contains(&column) { Step::Kibi } else { step(column) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_stands_at_its_column() {
        for (column, definition) in ALL.iter().enumerate() {
            assert_eq!(definition.metric as usize, column, "{}", definition.key);
            assert_eq!(definition.metric.definition(), definition);
        }
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
