//! What is not as it should be.

use super::{HostId, RuleId};
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
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Rule, Self::Probe, Self::ProbeLatency, Self::ProbeCertificate];

    /// The source as it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Probe => "probe",
            Self::ProbeLatency => "probe_latency",
            Self::ProbeCertificate => "probe_certificate",
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

    /// The rule, where it is one.
    pub const fn rule_id(&self) -> Option<RuleId> {
        match self.source {
            Source::Rule => Some(RuleId(self.id)),
            Source::Probe | Source::ProbeLatency | Source::ProbeCertificate => None,
        }
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
        ] {
            assert_eq!(Cause::parse(&cause.text()), Some(cause));
        }
        for text in ["", "rule", "rule:3", "rule:x:1", "rule:3:1:", "other:3:1"] {
            assert_eq!(Cause::parse(text), None, "{text}");
        }
    }
}
