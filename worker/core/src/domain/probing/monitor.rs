//! What results of a probe mean for people: its state over all that ask, delays out of bounds, certificates near their end.
//!
//! In two halves, for those that ask may be known in several places. [`Seen`] is what one place knows of a probe; it changes with what
//! is heard there. From the [`News`] of all places together [`judge`] finds what people are told, and [`Judged`] is what it leaves for
//! the next time. Alerts themselves are `alerting`'s.

use std::collections::BTreeMap;

use super::means::Mean;
use super::words;
use super::{Availability, State};
use crate::domain::alerting::Verdict;
use crate::model::{HostId, ProbeNotices, ProbeResult, Repeat, Source};
use crate::units::{UnixMillis, UnixSeconds};

const DAY_S: i64 = 86_400;
/// A result may be this much older than the time between two reports and still be news, seconds.
const NEWS_SLACK_S: i64 = 60;
/// A certificate that nobody saw for so long may be gone, seconds: probes are asked once a day at the least.
const STALE_S: i64 = 3 * DAY_S;
/// So many hosts whose delays are out of bounds are remembered of each probe: all of it goes into one row.
const MOST_SLOW: usize = 10;
/// Reports come at least this far apart as far as news are concerned, seconds.
const LEAST_FRAME_S: u32 = 60;

/// Whether a result that came with a report is news, and no backlog of an outage that is over.
pub fn is_news(at: UnixMillis, frame_s: u32, now: UnixMillis) -> bool {
    now.seconds().since(at.seconds()) <= i64::from(frame_s.max(LEAST_FRAME_S)) + NEWS_SLACK_S
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporter {
    /// Its number.
    pub id: HostId,
    /// What people call it.
    pub name: String,
}

/// A result, and what is known of whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Whose it is.
    pub by: &'a Reporter,
    /// When it was measured.
    pub at: UnixMillis,
    /// The result.
    pub result: &'a ProbeResult,
    /// Why the target failed there, when it was said before and is no news.
    pub said: Option<&'a str>,
    /// Whether it says something of the target now: one of long ago does not, nor a failure of a host that was cut off itself.
    pub is_news: bool,
}

/// A mean delay that is out of bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Slow {
    /// What people call the host.
    pub name: String,
    /// Milliseconds.
    pub delay_ms: f64,
    /// Whether it is too short.
    pub is_below: bool,
}

/// The certificate that ends first among those seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Who saw it.
    pub by: Reporter,
    /// Who issued it; empty where that is not known.
    pub issuer: String,
    /// When it ends.
    pub expires: UnixSeconds,
    /// When it was last seen there.
    pub seen: UnixSeconds,
}

/// What one place knows of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// Its newest results.
    pub availability: Availability,
    /// Why it failed last, and where.
    pub error: Option<(HostId, String)>,
    /// The hosts whose newest mean delay is out of bounds; some of them where they are many.
    pub slow: BTreeMap<HostId, Slow>,
    /// The certificate that ends first.
    pub certificate: Option<Certificate>,
    fresh: Fresh,
}

/// What came since the last news.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fresh {
    result: Option<Said>,
    delay: Option<HostId>,
    certificate: bool,
}

/// A result in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whose it is.
    pub by: Reporter,
    /// Whether the target was good.
    pub is_up: bool,
    /// Why not, or which certificate it has.
    pub data: String,
}

/// What one place, or all together, found out since the last time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    /// How many of the newest results are good.
    pub up: usize,
    /// Of how many.
    pub all: usize,
    /// The newest result, when one came.
    pub said: Option<Said>,
    /// Delays that are out of bounds, the newest first.
    pub slow: Vec<(HostId, Slow)>,
    /// Whether a mean came.
    pub has_delay: bool,
    /// The certificate that ends first.
    pub certificate: Option<Certificate>,
    /// Whether one was seen.
    pub has_certificate: bool,
}

/// What was found the last time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// The state.
    pub state: State,
    /// The certificate: its issuer, and when it ends.
    pub certificate: Option<(String, UnixSeconds)>,
}

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is as it was found to be.
    Note(Verdict),
    /// It is there, and bad in another way than before, which people should know at once.
    Restate,
    /// Nobody asks any more.
    Withdraw,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub source: Source,
    /// What becomes of its alert.
    pub act: Act,
    /// What people are told of it.
    pub text: String,
    /// What was measured.
    pub detail: String,
    /// Where.
    pub host: Option<HostId>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Of alerts.
    pub alerts: Vec<Finding>,
    /// That the certificate is another one: what people are told, and who saw it.
    pub other_certificate: Option<(String, HostId)>,
}

impl Seen {
    /// What was known before.
    pub fn restored(
        availability: Availability,
        error: Option<(HostId, String)>,
        slow: BTreeMap<HostId, Slow>,
        certificate: Option<Certificate>,
    ) -> Self {
        Self { availability, error, slow, certificate, fresh: Fresh::default() }
    }

    /// Takes a result, as far as people want to be told of it.
    pub fn hear(&mut self, notices: &ProbeNotices, heard: Heard<'_>) {
        let Heard { by, at, result, said, is_news } = heard;
        if !result.is_up()
            && let Some(words) = result.note.as_deref().or(said)
        {
            self.error = Some((by.id, words.to_owned()));
        }
        if notices.certificate_days > 0
            && is_news
            && let Some(expires) = result.tls_expires
        {
            self.see_certificate(by, (result, expires), at.seconds());
        }
        if notices.of_state && is_news {
            self.availability.note(at.0, (!result.is_up()).then_some(by.id));
            self.fresh.result = Some(Said { by: by.clone(), is_up: result.is_up(), data: self.data(by.id, result) });
        }
    }

    /// Takes a mean delay of a host.
    pub fn hear_mean(&mut self, notices: &ProbeNotices, by: &Reporter, mean: Mean) {
        let Mean { delay_ms, has_failure } = mean;
        let (min_ms, max_ms) = (notices.min_delay_ms, notices.max_delay_ms);
        let is_above = max_ms > 0.0 && delay_ms > max_ms;
        // A failure counts as 0, and is no quick answer.
        let is_below = !has_failure && min_ms > 0.0 && delay_ms < min_ms;
        if is_above || is_below {
            if self.slow.len() < MOST_SLOW || self.slow.contains_key(&by.id) {
                self.slow.insert(by.id, Slow { name: by.name.clone(), delay_ms, is_below: !is_above });
            }
        } else if has_failure {
            return;
        } else {
            self.slow.remove(&by.id);
        }
        self.fresh.delay = Some(by.id);
    }

    /// Lets everything go of those that do not count any more.
    pub fn retain(&mut self, counts: impl Fn(HostId) -> bool) {
        self.availability.retain(&counts);
        self.slow.retain(|host, _| counts(*host));
        self.certificate.take_if(|certificate| !counts(certificate.by.id));
        self.error.take_if(|(host, _)| !counts(*host));
    }

    /// What is known, and what came since this was last asked.
    pub fn news(&mut self) -> News {
        let Fresh { result, delay, certificate } = std::mem::take(&mut self.fresh);
        let mut slow: Vec<(HostId, Slow)> = self.slow.iter().map(|(host, slow)| (*host, slow.clone())).collect();
        slow.sort_by_key(|(host, _)| Some(*host) != delay);
        News {
            up: self.availability.up(),
            all: self.availability.len(),
            said: result,
            slow,
            has_delay: delay.is_some(),
            certificate: self.certificate.clone(),
            has_certificate: certificate,
        }
    }

    /// A certificate that ends sooner, or that is seen where the known one was seen, takes its place. So hosts that see different ones
    /// do not contradict each other.
    fn see_certificate(&mut self, by: &Reporter, (result, expires): (&ProbeResult, UnixSeconds), at: UnixSeconds) {
        let known = self.certificate.as_ref().filter(|known| at.since(known.seen) <= STALE_S);
        if known.is_some_and(|known| known.by.id != by.id && known.expires < expires) {
            return;
        }
        let said = result.note.as_ref().filter(|_| result.is_up());
        // Who issued it is said when it is another one than before.
        let before = known.filter(|known| known.by.id == by.id || known.expires == expires).map(|known| &known.issuer);
        let issuer = said.or(before).cloned().unwrap_or_default();
        self.certificate = Some(Certificate { by: by.clone(), issuer, expires, seen: at });
        self.fresh.certificate = true;
    }

    fn data(&self, by: HostId, result: &ProbeResult) -> String {
        if result.is_up() {
            let seen = self.certificate.as_ref().filter(|seen| seen.by.id == by);
            return seen.map(|seen| words::certificate_data(&seen.issuer, seen.expires)).unwrap_or_default();
        }
        let known = self.error.as_ref().filter(|(host, _)| *host == by).map(|(_, words)| words);
        result.note.as_ref().or(known).cloned().unwrap_or_default()
    }
}

impl News {
    /// This and another place's together.
    pub fn join(&mut self, other: Self) {
        self.up = self.up.saturating_add(other.up);
        self.all = self.all.saturating_add(other.all);
        // What is wrong says more than what is not.
        if other.said.as_ref().is_some_and(|other| self.said.as_ref().is_none_or(|said| said.is_up && !other.is_up)) {
            self.said = other.said;
        }
        self.slow.extend(other.slow);
        self.has_delay |= other.has_delay;
        self.has_certificate |= other.has_certificate;
        let ends = |certificate: &Option<Certificate>| certificate.as_ref().map(|one| one.expires);
        if other.certificate.is_some() && ends(&self.certificate).is_none_or(|own| ends(&other.certificate) < Some(own))
        {
            self.certificate = other.certificate;
        }
    }
}

/// How often people are told again. Source: nezha specification, 8.3 ("keeps firing, muted, while Down").
pub fn repeat(source: Source, state: State) -> Repeat {
    if source == Source::Probe && state != State::Down { Repeat::Never } else { Repeat::Doubling }
}

/// What follows from everybody's news of a probe of this name.
pub fn judge(judged: &mut Judged, name: &str, notices: &ProbeNotices, news: News, now: UnixSeconds) -> Findings {
    let mut findings = Findings::default();
    if notices.of_state {
        findings.alerts.extend(judge_state(judged, name, &news));
    }
    if notices.of_delay && news.has_delay {
        findings.alerts.push(judge_delay(name, notices, &news.slow));
    }
    if let Some(seen) = news.certificate.filter(|_| news.has_certificate && notices.certificate_days > 0) {
        let before = judged.certificate.replace((seen.issuer.clone(), seen.expires));
        let new = (seen.issuer.as_str(), seen.expires);
        let is_other = |old: &&(String, UnixSeconds)| {
            old.1 != seen.expires && old.0 != seen.issuer && !old.0.is_empty() && !seen.issuer.is_empty()
        };
        findings.other_certificate = before
            .as_ref()
            .filter(is_other)
            .map(|(issuer, expires)| (words::of_other_certificate(name, (issuer.as_str(), *expires), new), seen.by.id));
        findings.alerts.push(judge_certificate(name, notices.certificate_days, &seen, now));
    }
    findings
}

fn judge_state(judged: &mut Judged, name: &str, news: &News) -> Option<Finding> {
    let (before, state) = (judged.state, State::of(news.up, news.all));
    judged.state = state;
    let act = match (before, state) {
        (State::NoData, State::NoData) => return None,
        // All whose results there were do not count any more.
        (_, State::NoData) => Act::Withdraw,
        (State::Low, State::Down) | (State::Down, State::Low) => Act::Restate,
        (_, State::Good) => Act::Note(Verdict::Clear),
        // People are told of a change, and of being down each time.
        (_, State::Down) | (State::Good, State::Low) => Act::Note(Verdict::Failing),
        (State::NoData | State::Low, State::Low) => Act::Note(Verdict::Steady),
    };
    let is_change = before != state;
    // While it is down each failure may be told again, and a good result among them says nothing of why.
    let said = news.said.as_ref().filter(|said| is_change || !(state.is_bad() && said.is_up));
    if said.is_none() && !is_change {
        return None;
    }
    let (reporter, data) = said.map_or(("", ""), |said| (&said.by.name, &said.data));
    let text = words::of_state(state, name, reporter, data);
    Some(Finding { source: Source::Probe, act, text, detail: data.to_owned(), host: said.map(|said| said.by.id) })
}

fn judge_delay(name: &str, notices: &ProbeNotices, slow: &[(HostId, Slow)]) -> Finding {
    let source = Source::ProbeLatency;
    let Some((host, slow)) = slow.first() else {
        let text = words::of_delay_again(name);
        return Finding { source, act: Act::Note(Verdict::Clear), text, detail: String::new(), host: None };
    };
    let bound = if slow.is_below { ('<', notices.min_delay_ms) } else { ('>', notices.max_delay_ms) };
    let text = words::of_delay(name, slow.delay_ms, bound, &slow.name);
    let detail = format!("{:.6} ms", slow.delay_ms);
    Finding { source, act: Act::Note(Verdict::Failing), text, detail, host: Some(*host) }
}

fn judge_certificate(name: &str, days: u32, seen: &Certificate, now: UnixSeconds) -> Finding {
    let is_near = seen.expires.since(now) <= i64::from(days) * DAY_S;
    let text = if is_near {
        words::of_certificate(name, (&seen.issuer, seen.expires), days, now)
    } else {
        words::of_certificate_again(name, seen.expires)
    };
    let act = Act::Note(if is_near { Verdict::Failing } else { Verdict::Clear });
    let detail = words::certificate_data(&seen.issuer, seen.expires);
    Finding { source: Source::ProbeCertificate, act, text, detail, host: Some(seen.by.id) }
}

#[cfg(test)]
mod tests;
