//! What an agent hands over.

use super::{Facts, ProbeResult};
use crate::units::UnixMillis;

/// Seconds between two samples, unless a deployment or an agent wants it otherwise.
pub const PERIOD_S: u32 = 10;
/// Seconds between two reports, likewise.
pub const FRAME_S: u32 = 10;

/// One measurement of a host. An absent value was not measured; it is never 0 in its place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// One more than the sample before.
    pub number: u64,
    /// When it was measured.
    pub at: UnixMillis,
    /// Use of all processors together, 0 to 100.
    pub cpu_percent: Option<f64>,
    /// Memory in use.
    pub mem_used_bytes: Option<u64>,
    /// Swap in use.
    pub swap_used_bytes: Option<u64>,
    /// Disk space in use.
    pub disk_used_bytes: Option<u64>,
    /// Bytes received since boot.
    pub net_in_bytes: Option<u64>,
    /// Bytes sent since boot.
    pub net_out_bytes: Option<u64>,
    /// Bytes received per second.
    pub net_in_bytes_per_s: Option<u64>,
    /// Bytes sent per second.
    pub net_out_bytes_per_s: Option<u64>,
    /// Seconds since the host was started.
    pub uptime_s: Option<u64>,
    /// Load average of 1 minute.
    pub load1: Option<f64>,
    /// Load average of 5 minutes.
    pub load5: Option<f64>,
    /// Load average of 15 minutes.
    pub load15: Option<f64>,
    /// TCP sockets.
    pub tcp_connections: Option<u64>,
    /// UDP sockets.
    pub udp_connections: Option<u64>,
    /// Processes.
    pub processes: Option<u64>,
    /// Use of the busiest GPU, 0 to 100.
    pub gpu_percent: Option<f64>,
    /// Sensors in the order sent.
    pub temperatures: Vec<Temperature>,
    /// Metrics of the host's own by name, each once.
    pub named: Vec<Named>,
    /// What probes that ended since the sample before gave, each probe at most once.
    pub probes: Vec<ProbeResult>,
}

/// One temperature sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// The sensor's name.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// A metric of a host's own, such as `cpu.user.percentage` or `custom.dice.d6`.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name: letters, digits, `.`, `_` and `-`, at most [`Named::MAX_NAME_BYTES`].
    pub name: String,
    /// Its value, finite, kept to the last bit.
    pub value: f64,
}

impl Named {
    /// The most that a sample may have.
    pub const MAX: usize = 600;
    /// The longest name.
    pub const MAX_NAME_BYTES: usize = 255;

    /// What is wrong with a name, if anything.
    ///
    /// # Errors
    /// [`DropReason::TooLong`] or [`DropReason::NotAName`].
    pub fn check_name(name: &str) -> Result<(), DropReason> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.len() > Self::MAX_NAME_BYTES {
            Err(DropReason::TooLong)
        } else if name.is_empty() || !name.bytes().all(is_part) {
            Err(DropReason::NotAName)
        } else {
            Ok(())
        }
    }
}

/// A report whose values are all possible; its times are still the agent's.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The agent's version.
    pub agent_version: String,
    /// The agent's clock when it sent the report.
    pub sent_at: UnixMillis,
    /// The lowest number the agent still holds.
    pub oldest: u64,
    /// Seconds between two samples.
    pub period_s: u32,
    /// Seconds between two reports.
    pub frame_s: u32,
    /// Which list of probes the agent goes by, 0 before the first; `None` when it asks nothing, or is told on its socket.
    pub probes_version: Option<u64>,
    /// What the host is, when the report says so.
    pub facts: Option<Facts>,
    /// Oldest first, numbers rising by one.
    pub samples: Vec<Sample>,
}

/// A value that was left out because it cannot be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The sample's number; `None` for what belongs to no sample.
    pub number: Option<u64>,
    /// The value's key as the agent spelled it.
    pub field: String,
    /// What is wrong with it.
    pub reason: DropReason,
}

/// Why a value cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Not a number, or not a finite one.
    NotANumber,
    /// Below what the metric can be.
    TooSmall,
    /// Above what the metric can be.
    TooLarge,
    /// A time more than a day before now, or more than ten minutes after.
    TimeOff,
    /// A text over its cap.
    TooLong,
    /// Not a metric's name.
    NotAName,
    /// More elements than a sample may have.
    TooMany,
}

impl DropReason {
    /// The reason in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotANumber => "not a finite number",
            Self::TooSmall => "below what this can be",
            Self::TooLarge => "above what this can be",
            Self::TimeOff => {
                "more than a day before now or ten minutes after it; the time of receipt was taken instead"
            }
            Self::TooLong => "too long a text",
            Self::NotAName => "a name has letters, digits, '.', '_' and '-' alone",
            Self::TooMany => "more of them than one sample may have",
        }
    }
}
