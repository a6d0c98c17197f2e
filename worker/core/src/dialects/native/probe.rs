//! Probes as agents are told of them and as they report them.

use serde::{Deserialize, Serialize};

use super::lenient;
use crate::model::{self, ProbeId, ProbeKind, ProbeTask};
use crate::units::UnixSeconds;

/// What an agent is to ask. A kind that an agent does not know is left out by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeTaskPart {
    /// The probe's number.
    pub id: i64,
    /// 1 HTTP GET, 2 ICMP echo, 3 TCP connect.
    pub kind: u8,
    /// An address with its scheme, a host, or `host:port`.
    pub target: String,
    /// Seconds between two questions.
    pub interval_s: u32,
}

/// Everything that an agent is to ask.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeList {
    /// Which list it is; an agent that posts says it back, so that the list comes once.
    pub version: u64,
    /// The probes.
    pub probes: Vec<ProbeTaskPart>,
}

/// One element of `probes` in a sample: what came of a probe since the sample before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbePart {
    /// The probe's number.
    pub id: i64,
    /// How long the answer took, ms; left out when there was none, or not the right one.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// Until when the target's certificate is good, Unix seconds, where one was seen.
    #[serde(default, deserialize_with = "lenient::number", skip_serializing_if = "Option::is_none")]
    pub tls_expires_s: Option<f64>,
    /// When it is another one than before: why the target failed, else who issued its certificate; at most 120 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ProbeList {
    /// The list of these.
    pub fn of(version: u64, tasks: &[ProbeTask]) -> Self {
        Self { version, probes: tasks.iter().map(ProbeTaskPart::from).collect() }
    }

    /// What of it this side knows how to ask.
    pub fn into_tasks(self) -> Vec<ProbeTask> {
        self.probes.into_iter().filter_map(ProbeTaskPart::into_task).collect()
    }
}

impl From<&ProbeTask> for ProbeTaskPart {
    fn from(task: &ProbeTask) -> Self {
        Self { id: task.id.0, kind: task.kind.number(), target: task.target.clone(), interval_s: task.interval_s }
    }
}

impl ProbeTaskPart {
    fn into_task(self) -> Option<ProbeTask> {
        let kind = ProbeKind::of_number(self.kind.into())?;
        Some(ProbeTask { id: ProbeId(self.id), kind, target: self.target, interval_s: self.interval_s })
    }
}

impl From<&model::ProbeResult> for ProbePart {
    #[expect(clippy::cast_precision_loss, reason = "seconds of centuries are exact")]
    fn from(result: &model::ProbeResult) -> Self {
        let tls_expires_s = result.tls_expires.map(|UnixSeconds(at)| at as f64);
        Self { id: result.probe.0, delay_ms: result.delay_ms, tls_expires_s, note: result.note.clone() }
    }
}
