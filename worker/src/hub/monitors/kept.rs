//! What is kept of monitors in the object's database, and what shards tell each other of them, as JSON.

use std::collections::BTreeMap;

use edgewatch_core::domain::probing::monitor::{Certificate, Judged, News, Reporter, Said, Seen, Slow};
use edgewatch_core::domain::probing::{Availability, State};
use edgewatch_core::model::{HostId, ProbeId, Source};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::{Monitor, Words};
use crate::hub::HubError;

/// Stands for a good result where there is the number of a host otherwise.
const GOOD: i64 = -1;

#[derive(Serialize, Deserialize)]
struct MonitorWire {
    id: i64,
    /// Results, oldest first: whose it was when it was bad, and how many like it follow each other.
    ring: Vec<(i64, usize)>,
    last_ms: Option<i64>,
    error: Option<(i64, String)>,
    slow: Vec<SlowWire>,
    certificate: Option<CertificateWire>,
    state: String,
    known_certificate: Option<(String, i64)>,
    /// By the word of what found it.
    said: Vec<(String, String, Option<i64>)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SlowWire {
    host: i64,
    name: String,
    delay_ms: f64,
    is_below: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CertificateWire {
    host: i64,
    name: String,
    issuer: String,
    expires_s: i64,
    seen_s: i64,
}

/// What a shard found out about a probe since the last time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewsWire {
    id: i64,
    up: usize,
    all: usize,
    said: Option<SaidWire>,
    slow: Vec<SlowWire>,
    has_delay: bool,
    certificate: Option<CertificateWire>,
    has_certificate: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SaidWire {
    host: i64,
    name: String,
    is_up: bool,
    data: String,
}

/// Monitors as text.
///
/// # Errors
/// [`HubError::Corrupt`] when they cannot be written.
pub fn encode(monitors: &BTreeMap<ProbeId, Monitor>) -> Result<String, HubError> {
    let wires: Vec<MonitorWire> = monitors.iter().map(|(id, monitor)| wire(*id, monitor)).collect();
    serde_json::to_string(&wires).map_err(|error| HubError::Corrupt(error.to_string()))
}

/// What [`encode`] wrote.
///
/// # Errors
/// [`HubError::Corrupt`] for anything else.
pub fn decode(text: &str) -> Result<BTreeMap<ProbeId, Monitor>, HubError> {
    let wires: Vec<MonitorWire> =
        serde_json::from_str(text).map_err(|error| HubError::Corrupt(format!("monitors: {error}")))?;
    wires.iter().map(|wire| Ok((ProbeId(wire.id), monitor(wire)?))).collect()
}

fn wire(id: ProbeId, monitor: &Monitor) -> MonitorWire {
    let Monitor { seen, judged, said } = monitor;
    let mut ring: Vec<(i64, usize)> = Vec::new();
    for bad in seen.availability.ring() {
        let bad = bad.map_or(GOOD, |host| host.0);
        match ring.last_mut() {
            Some((last, count)) if *last == bad => *count += 1,
            _ => ring.push((bad, 1)),
        }
    }
    MonitorWire {
        id: id.0,
        ring,
        last_ms: seen.availability.last_ms(),
        error: seen.error.as_ref().map(|(host, words)| (host.0, words.clone())),
        slow: seen.slow.iter().map(|(host, slow)| slow_wire(*host, slow)).collect(),
        certificate: seen.certificate.as_ref().map(CertificateWire::from),
        state: judged.state.word().to_owned(),
        known_certificate: judged.certificate.as_ref().map(|(issuer, expires)| (issuer.clone(), expires.0)),
        said: said
            .iter()
            .map(|(source, words)| (source.word().to_owned(), words.text.clone(), words.host.map(|host| host.0)))
            .collect(),
    }
}

fn monitor(wire: &MonitorWire) -> Result<Monitor, HubError> {
    let corrupt = |what: &str| HubError::Corrupt(format!("monitor {}: {what}", wire.id));
    let results = wire.ring.iter().flat_map(|(bad, count)| {
        let bad = (*bad != GOOD).then_some(HostId(*bad));
        std::iter::repeat_n(bad, *count)
    });
    let mut said = BTreeMap::new();
    for (source, text, host) in &wire.said {
        let source = Source::from_word(source).ok_or_else(|| corrupt("no source"))?;
        said.insert(source, Words { text: text.clone(), host: host.map(HostId) });
    }
    let seen = Seen::restored(
        Availability::restored(results, wire.last_ms),
        wire.error.clone().map(|(host, words)| (HostId(host), words)),
        wire.slow.iter().cloned().map(slow_of).collect(),
        wire.certificate.clone().map(Certificate::from),
    );
    let judged = Judged {
        state: State::from_word(&wire.state).ok_or_else(|| corrupt("no state"))?,
        certificate: wire.known_certificate.clone().map(|(issuer, expires_s)| (issuer, UnixSeconds(expires_s))),
    };
    Ok(Monitor { seen, judged, said })
}

fn slow_wire(host: HostId, slow: &Slow) -> SlowWire {
    SlowWire { host: host.0, name: slow.name.clone(), delay_ms: slow.delay_ms, is_below: slow.is_below }
}

fn slow_of(wire: SlowWire) -> (HostId, Slow) {
    (HostId(wire.host), Slow { name: wire.name, delay_ms: wire.delay_ms, is_below: wire.is_below })
}

impl From<&Certificate> for CertificateWire {
    fn from(certificate: &Certificate) -> Self {
        Self {
            host: certificate.by.id.0,
            name: certificate.by.name.clone(),
            issuer: certificate.issuer.clone(),
            expires_s: certificate.expires.0,
            seen_s: certificate.seen.0,
        }
    }
}

impl From<CertificateWire> for Certificate {
    fn from(wire: CertificateWire) -> Self {
        Self {
            by: Reporter { id: HostId(wire.host), name: wire.name },
            issuer: wire.issuer,
            expires: UnixSeconds(wire.expires_s),
            seen: UnixSeconds(wire.seen_s),
        }
    }
}

impl NewsWire {
    /// News of a probe, for another shard.
    pub fn of(id: ProbeId, news: &News) -> Self {
        Self {
            id: id.0,
            up: news.up,
            all: news.all,
            said: news.said.as_ref().map(|said| SaidWire {
                host: said.by.id.0,
                name: said.by.name.clone(),
                is_up: said.is_up,
                data: said.data.clone(),
            }),
            slow: news.slow.iter().map(|(host, slow)| slow_wire(*host, slow)).collect(),
            has_delay: news.has_delay,
            certificate: news.certificate.as_ref().map(CertificateWire::from),
            has_certificate: news.has_certificate,
        }
    }

    /// The probe and the news.
    pub fn into_news(self) -> (ProbeId, News) {
        let said = self.said.map(|said| Said {
            by: Reporter { id: HostId(said.host), name: said.name },
            is_up: said.is_up,
            data: said.data,
        });
        let news = News {
            up: self.up,
            all: self.all,
            said,
            slow: self.slow.into_iter().map(slow_of).collect(),
            has_delay: self.has_delay,
            certificate: self.certificate.map(Certificate::from),
            has_certificate: self.has_certificate,
        };
        (ProbeId(self.id), news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        let by = Reporter { id: HostId(0), name: "edge".to_owned() };
        Certificate { by, issuer: "R3".to_owned(), expires: UnixSeconds(9), seen: UnixSeconds(5) }
    }

    fn slow() -> (HostId, Slow) {
        (HostId(7), Slow { name: "h7".to_owned(), delay_ms: 0.1 + 0.2, is_below: true })
    }

    #[test]
    fn a_monitor_comes_back_from_its_text() {
        let ring = [None, None, Some(HostId(0)), Some(HostId(7)), Some(HostId(7)), None];
        let seen = Seen::restored(
            Availability::restored(ring.into_iter(), Some(5)),
            Some((HostId(7), "refused \"\u{202e}".to_owned())),
            BTreeMap::from([slow()]),
            Some(certificate()),
        );
        let judged = Judged { state: State::Down, certificate: Some(("R3".to_owned(), UnixSeconds(9))) };
        let said = BTreeMap::from([(Source::Probe, Words { text: "[Down] x".to_owned(), host: Some(HostId(7)) })]);
        let all = BTreeMap::from([(ProbeId(3), Monitor { seen, judged, said }), (ProbeId(4), Monitor::default())]);
        assert_eq!(decode(&encode(&all).unwrap()).unwrap(), all);
        assert!(decode("{}").is_err());
    }

    #[test]
    fn news_come_back_as_they_were_told() {
        let by = Reporter { id: HostId(7), name: "h7".to_owned() };
        let news = News {
            up: 3,
            all: 5,
            said: Some(Said { by, is_up: false, data: "refused".to_owned() }),
            slow: vec![slow()],
            has_delay: true,
            certificate: Some(certificate()),
            has_certificate: true,
        };
        let text = serde_json::to_string(&NewsWire::of(ProbeId(3), &news)).unwrap();
        assert_eq!(serde_json::from_str::<NewsWire>(&text).unwrap().into_news(), (ProbeId(3), news));
    }
}
