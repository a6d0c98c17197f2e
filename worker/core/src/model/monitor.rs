//! What programs for Mackerel have watched: monitors, and the checks that hosts run themselves.

use super::{HostStatus, RoleName};
use crate::units::UnixSeconds;

/// A monitor's number: never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorId(pub i64);

impl MonitorId {
    /// The monitor that every deployment begins with.
    pub const FIRST: Self = Self(1);
}

/// A check's number: never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub i64);

/// What kind of thing a monitor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MonitorKind {
    /// What is unusual, as learned: kept, and not looked for.
    AnomalyDetection,
    /// Whether hosts post.
    Connectivity,
    /// Metrics put together by a formula: kept, and not looked at.
    Expression,
    /// A web address.
    External,
    /// A metric of hosts.
    Host,
    /// Labelled metrics by a question: kept, and not looked at.
    Query,
    /// A metric of a service.
    Service,
}

impl MonitorKind {
    /// All of them, by their words.
    pub const ALL: [Self; 7] = [
        Self::AnomalyDetection,
        Self::Connectivity,
        Self::Expression,
        Self::External,
        Self::Host,
        Self::Query,
        Self::Service,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AnomalyDetection => "anomalyDetection",
            Self::Connectivity => "connectivity",
            Self::Expression => "expression",
            Self::External => "external",
            Self::Host => "host",
            Self::Query => "query",
            Self::Service => "service",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nobody can say.
    Unknown,
    /// It should be looked at.
    Warning,
    /// It has to be.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Warning, Self::Critical];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }

    /// The severity of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }

    /// The word of a status: that of what is not bad is `OK`.
    pub fn status(severity: Option<Self>) -> &'static str {
        severity.map_or("OK", Self::word)
    }
}

/// A service, or a role of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeName {
    /// The service's name.
    pub service: String,
    /// The role's name; `None` for all of the service.
    pub role: Option<String>,
}

impl ScopeName {
    /// As it is written: `service` or `service:role`.
    pub fn full(&self) -> String {
        self.role.as_ref().map_or_else(|| self.service.clone(), |role| format!("{}:{role}", self.service))
    }

    /// Whether a host with these roles is in it.
    pub fn has(&self, roles: &[RoleName]) -> bool {
        let is_it =
            |one: &RoleName| one.service == self.service && self.role.as_ref().is_none_or(|role| *role == one.role);
        roles.iter().any(is_it)
    }
}

/// Which hosts a monitor looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonitorScopes {
    /// Those in one of these; all when there are none.
    pub only: Vec<ScopeName>,
    /// But those in one of these.
    pub not: Vec<ScopeName>,
}

impl MonitorScopes {
    /// Whether a host with these roles is looked at.
    pub fn covers(&self, roles: &[RoleName]) -> bool {
        (self.only.is_empty() || self.only.iter().any(|scope| scope.has(roles)))
            && !self.not.iter().any(|scope| scope.has(roles))
    }

    /// All that are named.
    pub fn named(&self) -> impl Iterator<Item = &ScopeName> {
        self.only.iter().chain(&self.not)
    }
}

/// Where a metric should be.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricTest {
    /// Its name, or that of a rate.
    pub metric: String,
    /// Whether it is bad above its limits; else below.
    pub is_above: bool,
    /// Beyond this it is a warning.
    pub warning: Option<f64>,
    /// Beyond this it is critical.
    pub critical: Option<f64>,
    /// The mean of so many of the newest points is looked at.
    pub points: u32,
    /// So many times in succession before people are told.
    pub attempts: u32,
}

impl MetricTest {
    /// Of how long answers take, ms.
    pub fn of_delay(warning: Option<f64>, critical: Option<f64>, points: u32, attempts: u32) -> Self {
        Self { metric: "response time".to_owned(), is_above: true, warning, critical, points, attempts }
    }

    /// Whether there is a limit.
    pub const fn has_limit(&self) -> bool {
        self.warning.is_some() || self.critical.is_some()
    }
}

/// For how long nothing may come, minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MissingLimits {
    /// Longer is a warning.
    pub warning_min: Option<u32>,
    /// Longer is critical.
    pub critical_min: Option<u32>,
}

/// What a monitor looks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Watch {
    /// Hosts that post no more.
    Connectivity {
        /// How bad that is.
        gone: Severity,
        /// Which hosts.
        scopes: MonitorScopes,
    },
    /// A metric of hosts.
    Host {
        /// Which one, and its limits.
        test: MetricTest,
        /// Which hosts.
        scopes: MonitorScopes,
    },
    /// A metric of a service.
    Service {
        /// The service's name.
        service: String,
        /// Its number; 0 before it was looked up.
        number: i64,
        /// Which one, and its limits.
        test: MetricTest,
        /// For how long no value may come.
        missing: MissingLimits,
    },
    /// A web address, which the Worker asks.
    External {
        /// What it asks, and what the answer has to be.
        question: WebQuestion,
        /// How long answers may take, in ms; and how often in succession anything bad has to be found.
        test: MetricTest,
        /// The service that it belongs to.
        service: Option<String>,
    },
    /// What is kept and not looked at.
    Nothing,
}

/// What is asked of a web address, and what the answer has to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebQuestion {
    /// `http://` or `https://`.
    pub url: String,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Whether redirections are followed.
    pub follows: bool,
    /// The one status that is good; every one below 400 when `None`.
    pub status: Option<u16>,
    /// What the body has to contain.
    pub contains: Option<String>,
    /// What is sent along, encrypted; `None` for nothing.
    pub sealed: Option<String>,
}

/// What came of asking a web address.
#[derive(Debug, Clone, PartialEq)]
pub struct WebAnswer {
    /// By which monitor.
    pub monitor: MonitorId,
    /// How long the right answer took, ms; `None` where there was none.
    pub delay_ms: Option<f64>,
    /// What was wrong.
    pub error: Option<String>,
}

/// A monitor, as it is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Its number.
    pub id: MonitorId,
    /// What people call it.
    pub name: String,
    /// Whether nobody is told.
    pub is_mute: bool,
    /// People are told again after so many minutes; never when `None`.
    pub every_min: Option<u32>,
    /// What it looks for.
    pub watch: Watch,
}

impl Monitor {
    /// The one that every deployment begins with: a host that posts no more is gone.
    pub fn first() -> Self {
        let watch = Watch::Connectivity { gone: Severity::Critical, scopes: MonitorScopes::default() };
        Self { id: MonitorId::FIRST, name: "connectivity".to_owned(), is_mute: false, every_min: None, watch }
    }
}

/// A monitor as it was said to be.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorDraft {
    /// What kind of thing it looks at.
    pub kind: MonitorKind,
    /// What people call it.
    pub name: String,
    /// Whether nobody is told.
    pub is_mute: bool,
    /// As in [`Monitor`].
    pub every_min: Option<u32>,
    /// As in [`Monitor`].
    pub watch: Watch,
    /// The service that it belongs to.
    pub service: Option<String>,
    /// Every service and role that it names.
    pub scopes: Vec<ScopeName>,
    /// A JSON object: all that was said, as it is answered, but for [`MonitorDraft::sent`].
    pub document_json: String,
    /// What is sent along with a question, which may be secret; `None` for nothing.
    pub sent: Option<Sent>,
}

/// What is sent along with a question to a web address.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; `None` for none.
    pub body: Option<String>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may end up in a log.
        write!(formatter, "Sent({} headers)", self.headers.len())
    }
}

/// A monitor as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMonitor {
    /// Its number.
    pub id: MonitorId,
    /// Its id.
    pub public_id: String,
    /// What kind of thing it looks at.
    pub kind: MonitorKind,
    /// What people call it.
    pub name: String,
    /// As in [`MonitorDraft`].
    pub document_json: String,
    /// As in [`MonitorDraft`].
    pub sent: Option<Sent>,
}

/// A check of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its number.
    pub id: CheckId,
    /// Its id.
    pub public_id: String,
    /// Its name, of its host's checks each another.
    pub name: String,
    /// A note.
    pub memo: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The check's name.
    pub name: String,
    /// How bad it is; `None` when it is not.
    pub severity: Option<Severity>,
    /// What it says.
    pub message: String,
    /// When, by the clock of its host.
    pub at: UnixSeconds,
    /// People are told again after so many minutes; never when `None`.
    pub every_min: Option<u32>,
    /// So many times in succession before people are told.
    pub attempts: u32,
    /// Its host says it again with every result, as long as there is the check.
    pub is_steady: bool,
}

/// What is known of a host beside what it measures: whether it is to be watched, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostStanding {
    /// What it is there for at the moment.
    pub status: HostStatus,
    /// The roles it plays, sorted.
    pub roles: Vec<RoleName>,
}

/// How it stands with a monitor or a check at a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitoredStatus {
    /// The id of the monitor or check.
    pub public_id: String,
    /// How bad it is; `None` when it is not.
    pub severity: Option<Severity>,
    /// Of a check: what it says, and what is noted of it.
    pub check: Option<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> ScopeName {
        let (service, role) = text.split_once(':').map_or((text, None), |(service, role)| (service, Some(role)));
        ScopeName { service: service.to_owned(), role: role.map(str::to_owned) }
    }

    #[test]
    fn hosts_are_covered_by_service_or_role_unless_left_out() {
        let role = |service: &str, role: &str| RoleName { service: service.to_owned(), role: role.to_owned() };
        let roles = [role("Web", "front"), role("Db", "main")];
        let covers = |only: &[&str], not: &[&str], roles: &[RoleName]| {
            let list = |texts: &[&str]| texts.iter().map(|text| scope(text)).collect();
            MonitorScopes { only: list(only), not: list(not) }.covers(roles)
        };
        assert!(covers(&[], &[], &[]) && covers(&[], &["Web:back"], &roles) && covers(&["Db"], &[], &roles));
        assert!(covers(&["App", "Web:front"], &[], &roles) && !covers(&["Web:back"], &[], &roles));
        assert!(!covers(&["Web"], &["Db:main"], &roles) && !covers(&["Web"], &[], &[]));
        assert_eq!((scope("a:b").full(), scope("a").full()), ("a:b".to_owned(), "a".to_owned()));
    }

    #[test]
    fn kinds_and_severities_come_back_from_their_words() {
        assert!(MonitorKind::ALL.is_sorted_by_key(|kind| kind.word()));
        for kind in MonitorKind::ALL {
            assert_eq!(MonitorKind::parse(kind.word()), Some(kind));
        }
        for severity in Severity::ALL {
            assert_eq!(Severity::parse(severity.word()), Some(severity));
        }
        assert_eq!((Severity::status(None), Severity::parse("OK"), MonitorKind::parse("")), ("OK", None, None));
    }
}

/// One of the things that a host's agent checked, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct HostCheck {
    /// What it is part of: a group of the agent's results.
    pub group: &'static str,
    /// What was checked.
    pub name: String,
    /// How bad it is; `None` when it is not.
    pub severity: Option<Severity>,
    /// What was measured, where that is a number.
    pub value: Option<f64>,
    /// Of what.
    pub unit: &'static str,
    /// What was said.
    pub message: String,
}
