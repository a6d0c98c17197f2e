//! What is not as it should be.

use super::{AlertResource, CheckId, HostId, MonitorId, RuleId, Severity, ThresholdCode};
use crate::units::UnixSeconds;

/// Why there is an alert. There is at most one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// What kind of thing found it.
    pub source: Source,
    /// That thing's number.
    pub id: i64,
    /// The host where it was found; `None` for what belongs to none.
    pub host: Option<HostId>,
}

/// What finds causes of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A rule.
    Rule,
    /// A probe whose target is down or hardly there.
    Probe,
    /// A probe that takes too long, or not long enough.
    ProbeLatency,
    /// A probe that saw a certificate near its end.
    ProbeCertificate,
    /// A monitor of Mackerel's.
    Monitor,
    /// A check that a host runs itself.
    Check,
    /// A threshold, as programs for Pulse set them.
    Threshold,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 7] = [
        Self::Rule,
        Self::Probe,
        Self::ProbeLatency,
        Self::ProbeCertificate,
        Self::Monitor,
        Self::Check,
        Self::Threshold,
    ];

    /// The source as it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Probe => "probe",
            Self::ProbeLatency => "probe_latency",
            Self::ProbeCertificate => "probe_certificate",
            Self::Monitor => "monitor",
            Self::Check => "check",
            Self::Threshold => "threshold",
        }
    }

    /// The source that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

impl Cause {
    /// A rule that fails at a host.
    pub const fn rule(rule: RuleId, host: HostId) -> Self {
        Self { source: Source::Rule, id: rule.0, host: Some(host) }
    }

    /// What a monitor finds at a host, or of a service by the number that its metrics are kept under.
    pub const fn monitor(monitor: MonitorId, of: HostId) -> Self {
        Self { source: Source::Monitor, id: monitor.0, host: Some(of) }
    }

    /// What a check of a host says.
    pub const fn check(check: CheckId, host: HostId) -> Self {
        Self { source: Source::Check, id: check.0, host: Some(host) }
    }

    /// What a threshold finds of a host, or of one of its resources.
    pub fn threshold(code: ThresholdCode, host: HostId) -> Self {
        Self { source: Source::Threshold, id: code.number(), host: Some(host) }
    }

    /// The rule, where it is one.
    pub const fn rule_id(&self) -> Option<RuleId> {
        match self.source {
            Source::Rule => Some(RuleId(self.id)),
            Source::Probe
            | Source::ProbeLatency
            | Source::ProbeCertificate
            | Source::Monitor
            | Source::Check
            | Source::Threshold => None,
        }
    }

    /// The monitor, where it is one.
    pub const fn monitor_id(&self) -> Option<MonitorId> {
        match self.source {
            Source::Monitor => Some(MonitorId(self.id)),
            Source::Rule
            | Source::Probe
            | Source::ProbeLatency
            | Source::ProbeCertificate
            | Source::Check
            | Source::Threshold => None,
        }
    }

    /// What a threshold is about, where it is one.
    pub fn threshold_code(&self) -> Option<ThresholdCode> {
        if self.source == Source::Threshold { ThresholdCode::of_number(self.id) } else { None }
    }

    /// The host itself; `None` for what belongs to a service, or to nothing.
    pub fn real_host(&self) -> Option<HostId> {
        self.host.filter(|host| host.0 > 0)
    }

    /// The cause as text: `rule:3:17`, with an empty last part where there is no host.
    pub fn text(&self) -> String {
        let host = self.host.map(|id| id.0.to_string()).unwrap_or_default();
        format!("{}:{}:{host}", self.source.word(), self.id)
    }

    /// What [`Cause::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (source, id, host) = (parts.next()?, parts.next()?, parts.next()?);
        let host = if host.is_empty() { None } else { Some(HostId(host.parse().ok()?)) };
        parts.next().is_none().then_some(Self { source: Source::from_word(source)?, id: id.parse().ok()?, host })
    }
}

/// As what kind of monitor's programs for Mackerel know an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// A host is gone.
    Connectivity,
    /// A host's metric.
    Host,
    /// A service's metric.
    Service,
    /// A web address, or another target.
    External,
    /// A check of a host.
    Check,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Connectivity, Self::Host, Self::Service, Self::External, Self::Check];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connectivity => "connectivity",
            Self::Host => "host",
            Self::Service => "service",
            Self::External => "external",
            Self::Check => "check",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A measured number: the same one when it is the same to the last bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured(u64);

impl Measured {
    /// This number.
    pub const fn of(value: f64) -> Self {
        Self(value.to_bits())
    }

    /// The number.
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// How bad an alert is, and by what number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How bad; critical for what does not say.
    pub severity: Severity,
    /// What was measured, where that is one number.
    pub value: Option<Measured>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { severity: Severity::Critical, value: None }
    }
}

/// What brings about a step of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// What was found.
    #[default]
    Monitoring,
    /// Somebody.
    Manual,
    /// What looked for it is no more, or looks no more.
    MonitorDelete,
    /// The host is no more.
    HostRetire,
    /// The service is no more.
    ServiceDelete,
}

impl Trigger {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Monitoring, Self::Manual, Self::MonitorDelete, Self::HostRetire, Self::ServiceDelete];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Manual => "manual",
            Self::MonitorDelete => "monitorDelete",
            Self::HostRetire => "hostRetire",
            Self::ServiceDelete => "serviceDelete",
        }
    }

    /// The trigger of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.word() == word)
    }
}

/// What is said of an alert by programs for Mackerel, and for them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertDetails {
    /// How bad it is, or was last.
    pub standing: Standing,
    /// As what it is known; `None` when it is not.
    pub kind: Option<AlertKind>,
    /// Why somebody ended it.
    pub reason: Option<String>,
    /// A note.
    pub memo: String,
    /// What it is about, of a threshold.
    pub resource: Option<AlertResource>,
}

/// An alert, with the ids by which programs for Mackerel know what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAlert {
    /// The alert.
    pub alert: Alert,
    /// Its id.
    pub public_id: String,
    /// The id of what found it.
    pub monitor_id: String,
    /// As what it is known.
    pub kind: AlertKind,
    /// The id of its host.
    pub host_id: Option<String>,
    /// What is noted of its check.
    pub check_memo: Option<String>,
}

/// A step of an alert, as it is told afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertStep {
    /// The key of its event.
    pub key: String,
    /// When.
    pub at: UnixSeconds,
    /// How bad it is from here on; `None` when it is over.
    pub severity: Option<Severity>,
    /// What was measured.
    pub value: Option<Measured>,
    /// What brought it about.
    pub trigger: Trigger,
    /// What was found, in words.
    pub detail: String,
}

/// An alert in the list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its key, which sorts by time.
    pub key: String,
    /// Why it is there.
    pub cause: Cause,
    /// When it began.
    pub opened_at: UnixSeconds,
    /// When it was over; `None` while it goes on.
    pub closed_at: Option<UnixSeconds>,
    /// A sentence for people.
    pub text: String,
    /// What was measured when it began; may be empty.
    pub detail: String,
    /// When and by whom it was acknowledged.
    pub acknowledged: Option<(UnixSeconds, String)>,
    /// What more is known of it.
    pub more: AlertDetails,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_comes_back_from_its_text() {
        for cause in [
            Cause::rule(RuleId(3), HostId(17)),
            Cause { source: Source::Probe, id: 9, host: None },
            Cause { source: Source::ProbeCertificate, id: 9, host: Some(HostId(1)) },
            Cause::monitor(MonitorId(2), HostId(-3)),
            Cause::check(CheckId(5), HostId(7)),
            Cause::threshold(ThresholdCode { resource: 3, metric: None }, HostId(7)),
        ] {
            assert_eq!(Cause::parse(&cause.text()), Some(cause));
        }
        for text in ["", "rule", "rule:3", "rule:x:1", "rule:3:1:", "other:3:1"] {
            assert_eq!(Cause::parse(text), None, "{text}");
        }
    }
}
