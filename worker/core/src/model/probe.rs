//! Probes: what somebody wants asked again and again, of whom, and what the answers were.

use super::HostId;
use crate::units::UnixSeconds;

/// A probe's number; never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub i64);

/// How a target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeKind {
    /// A GET that has to be answered with a status from 200 to 399.
    Http,
    /// Echo requests that have to be answered.
    Icmp,
    /// A TCP connection that has to come about.
    Tcp,
}

impl ProbeKind {
    /// Its number on our wires and in the tables, which is Nezha's as well. Source: nezha specification, 8.1.
    pub const fn number(self) -> u8 {
        match self {
            Self::Http => 1,
            Self::Icmp => 2,
            Self::Tcp => 3,
        }
    }

    /// The kind of a number.
    pub const fn of_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Http),
            2 => Some(Self::Icmp),
            3 => Some(Self::Tcp),
            _ => None,
        }
    }

    /// Its word in our own API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Http, Self::Icmp, Self::Tcp].into_iter().find(|kind| kind.word() == word)
    }
}

/// Which hosts run a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Every host but these, in ascending order.
    AllBut(Vec<HostId>),
    /// These alone, in ascending order.
    Only(Vec<HostId>),
}

impl Coverage {
    /// Whether it has this host.
    pub fn has(&self, host: HostId) -> bool {
        match self {
            Self::AllBut(skipped) => skipped.binary_search(&host).is_err(),
            Self::Only(chosen) => chosen.binary_search(&host).is_ok(),
        }
    }

    /// The hosts that it names.
    pub fn named(&self) -> &[HostId] {
        match self {
            Self::AllBut(hosts) | Self::Only(hosts) => hosts,
        }
    }
}

/// When people are told of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProbeNotices {
    /// When its state changes.
    pub of_state: bool,
    /// When its delay leaves the bounds.
    pub of_delay: bool,
    /// The least delay that is in order, ms; 0 is none.
    pub min_delay_ms: f64,
    /// The most, likewise.
    pub max_delay_ms: f64,
    /// So many days before the target's certificate ends, and when another one takes its place; 0 is never.
    pub certificate_days: u32,
    /// The group of channels that is told; empty is the default one.
    pub group: String,
}

impl ProbeNotices {
    /// The days before a certificate's end when nobody says a number. Source: nezha specification, 8.3.
    pub const CERTIFICATE_DAYS: u32 = 7;

    /// The days before a certificate's end: as `wanted`, else [`Self::CERTIFICATE_DAYS`] for who is told of states anyway.
    pub fn certificate_days(wanted: Option<u32>, of_state: bool) -> u32 {
        wanted.unwrap_or(if of_state { Self::CERTIFICATE_DAYS } else { 0 })
    }

    /// Whether anybody is told of anything.
    pub const fn is_any(&self) -> bool {
        self.of_state || self.of_delay || self.certificate_days > 0
    }
}

/// A probe as it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// What people call it.
    pub name: String,
    /// How the target is asked.
    pub kind: ProbeKind,
    /// An address with its scheme, a host, or `host:port`, by the kind.
    pub target: String,
    /// Seconds between two questions of one host.
    pub interval_s: u32,
    /// Which hosts ask.
    pub coverage: Coverage,
    /// Whether the Worker asks too.
    pub from_edge: bool,
    /// Whether it is on the public page.
    pub is_public: bool,
    /// When people are told.
    pub notices: ProbeNotices,
}

/// A probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Its number.
    pub id: ProbeId,
    /// What is asked.
    pub spec: ProbeSpec,
    /// When it was made.
    pub created_at: UnixSeconds,
}

/// What an agent needs to know of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTask {
    /// Its number.
    pub id: ProbeId,
    /// How the target is asked.
    pub kind: ProbeKind,
    /// The target.
    pub target: String,
    /// Seconds between two questions.
    pub interval_s: u32,
}

impl Probe {
    /// What an agent needs to know of it.
    pub fn task(&self) -> ProbeTask {
        let ProbeSpec { kind, target, interval_s, .. } = &self.spec;
        ProbeTask { id: self.id, kind: *kind, target: target.clone(), interval_s: *interval_s }
    }
}

/// What came of asking once.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeResult {
    /// Which probe.
    pub probe: ProbeId,
    /// How long the answer took, ms; `None` when there was none, or not the right one.
    pub delay_ms: Option<f64>,
    /// When the target's certificate is no longer good, where one was seen.
    pub tls_expires: Option<UnixSeconds>,
    /// What the agent says of it, when that is news: why it failed, else who issued the certificate. Text from a host.
    pub note: Option<String>,
}

impl ProbeResult {
    /// Whether the target answered as it should.
    pub const fn is_up(&self) -> bool {
        self.delay_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_all_but_some_or_some_alone() {
        let hosts = vec![HostId(2), HostId(5)];
        let (all_but, only) = (Coverage::AllBut(hosts.clone()), Coverage::Only(hosts));
        for (host, is_named) in [(1, false), (2, true), (3, false), (5, true), (6, false)] {
            assert_eq!((all_but.has(HostId(host)), only.has(HostId(host))), (!is_named, is_named), "{host}");
        }
        assert!(Coverage::AllBut(vec![]).has(HostId(1)) && !Coverage::Only(vec![]).has(HostId(1)));
    }

    #[test]
    fn every_kind_has_its_number_and_its_word() {
        for kind in [ProbeKind::Http, ProbeKind::Icmp, ProbeKind::Tcp] {
            assert_eq!(ProbeKind::of_number(kind.number().into()), Some(kind));
            assert_eq!(ProbeKind::of_word(kind.word()), Some(kind));
        }
        assert_eq!((ProbeKind::of_number(0), ProbeKind::of_number(4), ProbeKind::of_word("udp")), (None, None, None));
    }
}
