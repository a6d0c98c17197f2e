//! What the Worker and the object say to each other of checks and alerts, as JSON.

use edgewatch_core::model::{CheckId, CheckReport, Severity, Source};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

/// Checks report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReportsRequest {
    /// What who posts was remembered under.
    pub epoch: Option<u64>,
    /// By host.
    pub reports: Vec<(i64, Vec<ReportWire>)>,
    /// Checks that are known: host, name, number.
    pub known: Vec<(i64, String, i64)>,
}

/// What one check reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWire {
    name: String,
    severity: Option<String>,
    message: String,
    at_s: i64,
    every_min: Option<u32>,
    attempts: u32,
}

/// What became of reports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReportsReply {
    /// How often credentials were taken away.
    pub epoch: u64,
    /// Nothing was taken: credentials were taken away since who posts was remembered.
    pub stale: bool,
    /// Hosts that there are none of (any more).
    pub unknown: Vec<i64>,
    /// Checks that are not known: host and name. What they report was not taken.
    pub unnamed: Vec<(i64, String)>,
    /// Checks beyond those that a host may have, likewise.
    #[serde(default)]
    pub beyond: Vec<(i64, String)>,
}

/// A host is to have these checks and no others, but for those with alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepChecksRequest {
    /// The host.
    pub host: i64,
    /// Names.
    pub names: Vec<String>,
}

/// How it stands with what watches a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoredRequest {
    /// The host.
    pub host: i64,
}

/// How it stands with a monitor or a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoredWire {
    is_check: bool,
    id: i64,
    severity: Option<String>,
    message: String,
}

/// What a check with an alert says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCheckWire {
    /// The alert's key.
    pub alert: String,
    /// How bad it is.
    pub severity: String,
    /// What it says.
    pub message: String,
}

impl ReportsRequest {
    /// The reports of a host, and the numbers of its checks that are known.
    pub fn of_host(&self, host: i64) -> Vec<(String, CheckId)> {
        let of_host = self.known.iter().filter(|(one, ..)| *one == host);
        of_host.map(|(_, name, id)| (name.clone(), CheckId(*id))).collect()
    }
}

impl From<&CheckReport> for ReportWire {
    fn from(report: &CheckReport) -> Self {
        Self {
            name: report.name.clone(),
            severity: report.severity.map(|severity| severity.word().to_owned()),
            message: report.message.clone(),
            at_s: report.at.0,
            every_min: report.every_min,
            attempts: report.attempts,
        }
    }
}

impl From<ReportWire> for CheckReport {
    fn from(wire: ReportWire) -> Self {
        Self {
            name: wire.name,
            severity: wire.severity.as_deref().and_then(Severity::parse),
            message: wire.message,
            at: UnixSeconds(wire.at_s),
            every_min: wire.every_min,
            attempts: wire.attempts,
            is_steady: false,
        }
    }
}

impl MonitoredWire {
    /// Of a monitor or a check.
    pub fn of(source: Source, id: i64, severity: Option<Severity>, message: String) -> Self {
        let severity = severity.map(|severity| severity.word().to_owned());
        Self { is_check: source == Source::Check, id, severity, message }
    }

    /// Whether it is a check, its number, how bad it is, and what it says.
    pub fn into_parts(self) -> (bool, i64, Option<Severity>, String) {
        (self.is_check, self.id, self.severity.as_deref().and_then(Severity::parse), self.message)
    }
}
