//! `/api/edgewatch/v1/probes`: probes as operators make them, and how they fared.
//!
//! ```json
//! {"name":"web","kind":"http","target":"https://example.com/health","interval_s":30,"hosts":{"all_but":[2]},"from_edge":true,
//!  "public":true,"notify":{"state":true,"delay":true,"max_delay_ms":500,"group":"night"}}
//! ```
//! `kind` is `http`, `icmp` or `tcp`. `hosts` is `{"all_but":[…]}` or `{"only":[…]}`, all of them when left out.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::model::{Coverage, HostId, Probe, ProbeKind, ProbeNotices, ProbeSpec};

/// The body of `POST /api/edgewatch/v1/probes` and `PUT …/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeRequest {
    /// What people call it.
    pub name: String,
    /// `http`, `icmp` or `tcp`.
    pub kind: String,
    /// An address with its scheme, a host, or `host:port`.
    pub target: String,
    /// Seconds between two questions of one host; 30 when left out.
    #[serde(default)]
    pub interval_s: u32,
    /// Which hosts ask.
    #[serde(default)]
    pub hosts: CoveragePart,
    /// Whether the Worker asks too.
    #[serde(default)]
    pub from_edge: bool,
    /// Whether guests see how it fares.
    #[serde(default)]
    pub public: bool,
    /// Whether guests see the delays that hosts measured although it is not public: Nezha shows them those of every monitor.
    #[serde(default)]
    pub delays_public: bool,
    /// When people are told.
    #[serde(default)]
    pub notify: ProbeNotifyPart,
}

/// Which hosts ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CoveragePart {
    /// Every host but these.
    AllBut(Vec<i64>),
    /// These alone.
    Only(Vec<i64>),
}

impl Default for CoveragePart {
    fn default() -> Self {
        Self::AllBut(vec![])
    }
}

/// When people are told of a probe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeNotifyPart {
    /// When its state changes.
    #[serde(default)]
    pub state: bool,
    /// When its delay leaves the bounds.
    #[serde(default)]
    pub delay: bool,
    /// The least delay that is in order, ms; 0 is none.
    #[serde(default)]
    pub min_delay_ms: f64,
    /// The most, likewise.
    #[serde(default)]
    pub max_delay_ms: f64,
    /// So many days before the target's certificate ends, and when one of another issuer takes its place; 0 is never. 7 when left out
    /// and `state` is true, else 0.
    #[serde(default)]
    pub certificate_days: Option<u32>,
    /// The group of channels that is told; empty is the default one.
    #[serde(default)]
    pub group: String,
}

/// A probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeFull {
    /// Its number.
    pub id: i64,
    /// What was asked for.
    #[serde(flatten)]
    pub wanted: ProbeRequest,
    /// When it was made, Unix seconds.
    pub created_at_s: i64,
}

/// The answer of `GET /api/edgewatch/v1/probes`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeListReply {
    /// By number.
    pub probes: Vec<ProbeFull>,
}

/// The answer of `GET /api/edgewatch/v1/probes/summary`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeSummaryReply {
    /// Today, as days since 1970 in UTC: the last element of each `days`.
    pub today: i64,
    /// By number; to guests the public ones alone.
    pub probes: Vec<ProbeSummary>,
}

/// How a probe fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeSummary {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// `http`, `icmp` or `tcp`.
    pub kind: &'static str,
    /// What is asked; not told to guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// By the newest thirty results of all hosts: `no_data`, `good`, `low` or `down`.
    pub state: &'static str,
    /// The mean delay of the good ones of the last quarter of an hour, ms; null when there was none.
    pub delay_ms: Option<f64>,
    /// When the certificate that was seen last ends, Unix seconds; null where none was seen.
    pub tls_expires_s: Option<i64>,
    /// Thirty days, today last.
    pub days: Vec<DayPart>,
    /// Some of what was said of it: why it failed, else who issued its certificate. Not told to guests, and gone after a while without
    /// news.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Vec<NotePart>>,
    /// What the Worker found out itself, where it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeSummary>,
}

/// What was said of a probe. The words come from a host, or from its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotePart {
    /// By which host; 0 is the Worker.
    pub host: i64,
    /// The words.
    pub text: String,
}

/// What the Worker found out itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeSummary {
    /// Where it asked from: `edge`, for the platform does not tell a scheduled run where it runs.
    pub place: &'static str,
    /// As that of the probe.
    pub state: &'static str,
    /// Likewise.
    pub delay_ms: Option<f64>,
    /// Likewise.
    pub days: Vec<DayPart>,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DayPart {
    /// How many results there were.
    pub results: u64,
    /// How many of a hundred were good; null without results.
    pub up_percent: Option<f64>,
}

impl ProbeRequest {
    /// The probe in the model's words. The interval is as it stands here, 0 included.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a kind that there is not.
    pub fn into_spec(self) -> Result<ProbeSpec, Failure> {
        let kind = ProbeKind::of_word(&self.kind)
            .ok_or_else(|| Failure::Invalid { field: "kind".to_owned(), reason: "http, icmp or tcp".to_owned() })?;
        let sorted = |ids: Vec<i64>| {
            let mut hosts: Vec<HostId> = ids.into_iter().map(HostId).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        };
        Ok(ProbeSpec {
            name: self.name,
            kind,
            target: self.target.trim().to_owned(),
            interval_s: self.interval_s,
            coverage: match self.hosts {
                CoveragePart::AllBut(ids) => Coverage::AllBut(sorted(ids)),
                CoveragePart::Only(ids) => Coverage::Only(sorted(ids)),
            },
            from_edge: self.from_edge,
            is_public: self.public,
            delays_public: self.delays_public,
            notices: ProbeNotices {
                of_state: self.notify.state,
                of_delay: self.notify.delay,
                min_delay_ms: self.notify.min_delay_ms,
                max_delay_ms: self.notify.max_delay_ms,
                certificate_days: ProbeNotices::certificate_days(self.notify.certificate_days, self.notify.state),
                group: self.notify.group,
            },
        })
    }
}

impl From<Probe> for ProbeFull {
    fn from(probe: Probe) -> Self {
        let ProbeSpec { name, kind, target, interval_s, coverage, from_edge, is_public, delays_public, notices } =
            probe.spec;
        let ids = |hosts: Vec<HostId>| hosts.into_iter().map(|host| host.0).collect();
        let ProbeNotices { of_state, of_delay, min_delay_ms, max_delay_ms, certificate_days, group } = notices;
        let wanted = ProbeRequest {
            name,
            kind: kind.word().to_owned(),
            target,
            interval_s,
            hosts: match coverage {
                Coverage::AllBut(hosts) => CoveragePart::AllBut(ids(hosts)),
                Coverage::Only(hosts) => CoveragePart::Only(ids(hosts)),
            },
            from_edge,
            public: is_public,
            delays_public,
            notify: ProbeNotifyPart {
                state: of_state,
                delay: of_delay,
                min_delay_ms,
                max_delay_ms,
                certificate_days: Some(certificate_days),
                group,
            },
        };
        Self { id: probe.id.0, wanted, created_at_s: probe.created_at.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProbeId;
    use crate::units::UnixSeconds;

    fn spec_days(notify: &str) -> u32 {
        let body = format!(r#"{{"name":"a","kind":"http","target":"https://example.com/","notify":{{{notify}}}}}"#);
        let spec = serde_json::from_str::<ProbeRequest>(&body).unwrap().into_spec().unwrap();
        spec.notices.certificate_days
    }

    #[test]
    fn a_probe_reads_as_it_is_shown() {
        let body = r#"{"name":"web","kind":"http","target":" https://example.com/ ","hosts":{"only":[7,2,7]},"from_edge":true,
            "notify":{"delay":true,"max_delay_ms":500}}"#;
        let spec = serde_json::from_str::<ProbeRequest>(body).unwrap().into_spec().unwrap();
        assert_eq!((spec.target.as_str(), spec.interval_s), ("https://example.com/", 0));
        assert_eq!(spec.coverage, Coverage::Only(vec![HostId(2), HostId(7)]));
        let full = ProbeFull::from(Probe { id: ProbeId(3), spec: spec.clone(), created_at: UnixSeconds(9) });
        let text = serde_json::to_string(&full).unwrap();
        assert!(text.starts_with(r#"{"id":3,"name":"web","kind":"http","#), "{text}");
        assert_eq!(serde_json::from_str::<ProbeRequest>(&text).unwrap().into_spec(), Ok(spec));
        assert_eq!(spec_days(r#""delay":true"#), 0);
        assert_eq!((spec_days(r#""state":true"#), spec_days(r#""state":true,"certificate_days":0"#)), (7, 0));
        assert_eq!(spec_days(r#""certificate_days":30"#), 30);
        let all = serde_json::from_str::<ProbeRequest>(r#"{"name":"a","kind":"icmp","target":"x"}"#).unwrap();
        assert_eq!(all.into_spec().unwrap().coverage, Coverage::AllBut(vec![]));
        let unknown = serde_json::from_str::<ProbeRequest>(r#"{"name":"a","kind":"udp","target":"x"}"#).unwrap();
        assert!(matches!(unknown.into_spec(), Err(Failure::Invalid { field, .. }) if field == "kind"));
    }
}
