//! One measurement of a host as the agent sends it.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{ProbePart, lenient};
use crate::metrics::{self, Metric};
use crate::model;

/// One element of `samples` in `POST /agent/v1/reports`: what the host measured at one instant.
///
/// A value that could not be measured is left out; it is never 0 in its place. What is no number at all (`null`, a
/// text) is read as NaN, so that one bad value costs itself and not the report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sample {
    /// The sample's number: one more than the sample before it, for as long as the host exists. Starts at 1.
    pub number: u64,
    /// When it was measured by the agent's clock, milliseconds since 1970.
    #[serde(deserialize_with = "lenient::time")]
    pub at_ms: i64,
    /// Use of all processors together since the sample before, 0 to 100.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use: total less available.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub mem_used_bytes: Option<f64>,
    /// Swap in use.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub swap_used_bytes: Option<f64>,
    /// Space in use on the counted file systems together.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub disk_used_bytes: Option<f64>,
    /// Bytes received since boot on the counted interfaces.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub net_in_bytes: Option<f64>,
    /// Bytes sent since boot on the counted interfaces.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub net_out_bytes: Option<f64>,
    /// Bytes received per second since the sample before.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub net_in_bytes_per_s: Option<f64>,
    /// Bytes sent per second since the sample before.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub net_out_bytes_per_s: Option<f64>,
    /// Seconds since the host was started.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<f64>,
    /// Load average of 1 minute.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub load1: Option<f64>,
    /// Load average of 5 minutes.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub load5: Option<f64>,
    /// Load average of 15 minutes.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub load15: Option<f64>,
    /// TCP sockets of both families, listening ones too.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub tcp_connections: Option<f64>,
    /// UDP sockets of both families.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub udp_connections: Option<f64>,
    /// Processes (not threads).
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub processes: Option<f64>,
    /// Use of the busiest GPU, 0 to 100.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub gpu_percent: Option<f64>,
    /// Sensors by name; empty where the host has none.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<Temperature>,
    /// Metrics of the host's own, as an object of numbers by name; of a name that is there twice the last one counts.
    #[serde(
        default,
        rename = "metrics",
        deserialize_with = "lenient::by_name",
        serialize_with = "by_name",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, f64>"))]
    pub named: Vec<Named>,
    /// What probes gave since the sample before, each at most once.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbePart>,
}

impl Sample {
    /// The value of a built-in metric.
    pub const fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::CpuPercent => self.cpu_percent,
            Metric::MemUsed => self.mem_used_bytes,
            Metric::SwapUsed => self.swap_used_bytes,
            Metric::DiskUsed => self.disk_used_bytes,
            Metric::NetIn => self.net_in_bytes,
            Metric::NetOut => self.net_out_bytes,
            Metric::NetInSpeed => self.net_in_bytes_per_s,
            Metric::NetOutSpeed => self.net_out_bytes_per_s,
            Metric::Uptime => self.uptime_s,
            Metric::Load1 => self.load1,
            Metric::Load5 => self.load5,
            Metric::Load15 => self.load15,
            Metric::TcpConnections => self.tcp_connections,
            Metric::UdpConnections => self.udp_connections,
            Metric::Processes => self.processes,
            Metric::GpuPercent => self.gpu_percent,
        }
    }

    /// Where the value of a built-in metric lies.
    pub const fn value_mut(&mut self, metric: Metric) -> &mut Option<f64> {
        match metric {
            Metric::CpuPercent => &mut self.cpu_percent,
            Metric::MemUsed => &mut self.mem_used_bytes,
            Metric::SwapUsed => &mut self.swap_used_bytes,
            Metric::DiskUsed => &mut self.disk_used_bytes,
            Metric::NetIn => &mut self.net_in_bytes,
            Metric::NetOut => &mut self.net_out_bytes,
            Metric::NetInSpeed => &mut self.net_in_bytes_per_s,
            Metric::NetOutSpeed => &mut self.net_out_bytes_per_s,
            Metric::Uptime => &mut self.uptime_s,
            Metric::Load1 => &mut self.load1,
            Metric::Load5 => &mut self.load5,
            Metric::Load15 => &mut self.load15,
            Metric::TcpConnections => &mut self.tcp_connections,
            Metric::UdpConnections => &mut self.udp_connections,
            Metric::Processes => &mut self.processes,
            Metric::GpuPercent => &mut self.gpu_percent,
        }
    }
}

impl From<&model::Sample> for Sample {
    fn from(sample: &model::Sample) -> Self {
        let mut wire = Self { number: sample.number, at_ms: sample.at.0, ..Self::default() };
        for (definition, value) in metrics::ALL.iter().zip(metrics::columns(sample)) {
            *wire.value_mut(definition.metric) = value;
        }
        let sensors = sample.temperatures.iter();
        wire.temperatures = sensors.map(|one| Temperature { name: one.name.clone(), celsius: one.celsius }).collect();
        let named = sample.named.iter();
        wire.named = named.map(|one| Named { name: one.name.as_str().into(), value: one.value }).collect();
        wire.probes = sample.probes.iter().map(ProbePart::from).collect();
        wire
    }
}

/// A metric of the host's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name, such as `cpu.user.percentage`. Samples share it: an agent holds hundreds of them.
    pub name: Arc<str>,
    /// Its value; NaN for what was no number.
    pub value: f64,
}

fn by_name<S: Serializer>(named: &[Named], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(named.iter().map(|one| (&*one.name, one.value)))
}

/// One temperature sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Temperature {
    /// The sensor's name, unique within a sample.
    pub name: String,
    /// Degrees Celsius.
    #[serde(deserialize_with = "lenient::required")]
    pub celsius: f64,
}
