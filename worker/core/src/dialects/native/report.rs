//! `POST /agent/v1/reports`: an agent hands over samples and learns up to which number all of them are safe.
//!
//! ## Numbers
//! Samples are numbered without holes for as long as the host exists. The Worker takes a report only when its first
//! sample is the next one it expects, or when the agent says by `oldest` that it has nothing older; samples the Worker
//! has already are skipped. Anything else is answered with `resend_from` and changes nothing. `durable_up_to` higher
//! than any number the agent ever gave means that the agent lost its counter: it renumbers what it holds from
//! `durable_up_to + 1` on.
//!
//! A report without samples asks: it changes nothing and is answered with `durable_up_to`. An agent begins with one,
//! because a number it gave before it knows where the server stands could be taken for a repeat.

use serde::{Deserialize, Serialize};

use super::{MachinePart, ProbeList, Sample, lenient};
use crate::model::{FRAME_S, PERIOD_S};

/// The body of `POST /agent/v1/reports`. At most [`ReportRequest::MAX_SAMPLES`] samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportRequest {
    /// The agent's version, for people.
    pub agent_version: String,
    /// The agent's clock when it sent this, milliseconds since 1970; the Worker measures the skew by it.
    #[serde(deserialize_with = "lenient::time")]
    pub sent_at_ms: i64,
    /// The lowest sample number the agent still holds: nothing older will ever come.
    pub oldest: u64,
    /// How many samples the agent had to drop for want of room since it was started.
    #[serde(default)]
    pub dropped_samples: u64,
    /// Seconds between two samples.
    #[serde(deserialize_with = "lenient::required")]
    pub period_s: f64,
    /// Seconds between two reports; as `period_s` when left out. The Worker's patience with a silent host goes by it.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub frame_s: Option<f64>,
    /// Which list of probes the agent goes by, 0 before the first; left out by one that knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes_version: Option<u64>,
    /// What the host is. Sent with an agent's first samples, when it changes, and every six hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostFacts>,
    /// Oldest first, numbers rising by one.
    pub samples: Vec<Sample>,
}

impl ReportRequest {
    /// How many samples one report may carry: twenty minutes at ten seconds, which the free plan's 10 ms of CPU bear.
    /// A longer backlog goes in several reports.
    pub const MAX_SAMPLES: usize = 120;
}

/// What a host is: changes rarely. Absent where it could not be read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostFacts {
    /// Distribution id, such as `debian`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Distribution version, such as `12.11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Kernel release, such as `6.1.0-18-amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Kernel architecture, such as `x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Hypervisor or container name when the host is a guest, such as `kvm` or `docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// One line per processor model: model name, count, `Physical Core` or `Virtual Core`.
    #[serde(default)]
    pub cpu: Vec<String>,
    /// GPU model names.
    #[serde(default)]
    pub gpu: Vec<String>,
    /// Memory in all.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub mem_total_bytes: Option<f64>,
    /// Swap in all.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub swap_total_bytes: Option<f64>,
    /// Space of the counted file systems together.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub disk_total_bytes: Option<f64>,
    /// When the host was started, seconds since 1970.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub booted_at_s: Option<f64>,
    /// Addresses the administrator wants shown instead of the one the Worker sees: one, or `v4/v6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
    /// What it is made of; agents of before do not say it. What changes all the time in it is as of when the rest was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Box<MachinePart>>,
}

/// The answer to a report, with status 200.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportReply {
    /// Every sample up to this number is stored for good; the agent may forget them. 0 before the first.
    pub durable_up_to: u64,
    /// Present when nothing was taken because samples are missing before the first one sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_from: Option<u64>,
    /// Values that could not be true and were left out; the rest of their samples was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedValue>,
    /// The Worker's clock, milliseconds since 1970.
    pub time_ms: i64,
    /// How the agent should report from now on.
    pub settings: ReportSettings,
    /// What the agent is to ask from now on, when that is not the list it goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbeList>,
}

/// A value of a report that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DroppedValue {
    /// The sample's number; absent for a value of `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The key, such as `cpu_percent` or `temperatures[2].celsius`.
    pub field: String,
    /// Why, in words.
    pub reason: String,
}

/// How an agent reports, as the Worker wants it. An agent's own configuration may ask for slower, never for faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportSettings {
    /// Seconds between two samples.
    pub period_s: u32,
    /// Seconds between two reports; a multiple of `period_s`.
    pub frame_s: u32,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self { period_s: PERIOD_S, frame_s: FRAME_S }
    }
}
