//! What monitors find in the answers of web addresses, which the Worker asks. Where no answers come, nothing is found: that is no fault
//! of theirs.

use std::collections::BTreeMap;

use edgewatch_core::domain::alerting::points::Points;
use edgewatch_core::domain::probing::edge;
use edgewatch_core::model::{
    Cause, Measured, MetricTest, Monitor, MonitorId, ProbeTask, Severity, Watch, WebAnswer, WebQuestion,
};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::metrics::{Found, detail};
use crate::hub::probes::EDGE;
use crate::hub::shard::Shard;
use crate::hub::{HubError, directory};
use crate::platform::log;

/// The key of the response times in the object's small state.
const KEY: &str = "external";
/// The Worker asks at most once in this time, ms: a run that comes early has its turn later.
const EVERY_MS: i64 = 55_000;

/// What the answers of web addresses said.
#[derive(Default)]
pub struct Pages(BTreeMap<MonitorId, Page>);

/// What those of one said.
#[derive(Default)]
struct Page {
    /// When the run was due that asked last.
    asked: UnixSeconds,
    /// How long its newest right answers took, ms.
    points: Points,
}

#[derive(Serialize, Deserialize)]
struct PageWire {
    id: i64,
    asked_s: i64,
    /// Unix seconds and ms.
    points: Vec<(i64, f64)>,
}

fn of_page(monitor: &Monitor) -> Option<(&WebQuestion, &MetricTest)> {
    match &monitor.watch {
        Watch::External { question, test, .. } => Some((question, test)),
        _ => None,
    }
}

/// Whether what one answer said matters for the next ones.
const fn is_averaged(test: &MetricTest) -> bool {
    test.points > 1 && test.has_limit()
}

impl Shard {
    /// What the Worker is to ask in the run that was due at `due`: probes, and monitors of web addresses. Nothing of what it asked a
    /// moment ago.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn edge_turn(&mut self, due: UnixMillis) -> Result<(Vec<ProbeTask>, Vec<Monitor>), HubError> {
        let probes = self.probes()?.to_vec();
        let (mut tasks, monitors) = edge::turn(&probes, &self.rules.monitors, due.seconds());
        let mut monitors: Vec<Monitor> = monitors.into_iter().cloned().collect();
        let is_early = |asked_ms: i64| (0..EVERY_MS).contains(&due.0.saturating_sub(asked_ms));
        if !tasks.is_empty() && self.edge()?.newest_ms().is_some_and(is_early) {
            tasks.clear();
        }
        if !monitors.is_empty() {
            let pages = self.pages()?;
            monitors.retain(|one| !pages.0.get(&one.id).is_some_and(|page| is_early(page.asked.millis().0)));
        }
        Ok((tasks, monitors))
    }

    /// Takes what web addresses answered in the run that was due at `at`. Writes a row where the mean of several answers counts, and
    /// else what alerts write.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer: these answers are lost, the next run brings others.
    pub fn take_answers(&mut self, answers: Vec<WebAnswer>, at: UnixMillis, now: UnixMillis) -> Result<(), HubError> {
        let mut is_to_keep = false;
        for answer in answers {
            let monitor = self.rules.monitors.iter().find(|one| one.id == answer.monitor).cloned();
            // It may have gone meanwhile.
            let Some((id, (_, test))) = monitor.as_ref().and_then(|one| Some((one.id, of_page(one)?))) else {
                continue;
            };
            let page = self.pages()?.0.entry(id).or_default();
            if page.asked >= at.seconds() {
                // Told twice, or overtaken by the run after it.
                continue;
            }
            page.asked = at.seconds();
            let found = judge(page, test, answer);
            is_to_keep |= is_averaged(test);
            let minute = at.0.div_euclid(60_000);
            self.take_found(Cause::monitor(id, EDGE), &found, (minute, test.attempts), now);
        }
        if is_to_keep { self.keep_pages() } else { Ok(()) }
    }

    /// Monitors are about to be others: what was measured of other questions counts no more.
    ///
    /// # Errors
    /// As [`Shard::take_answers`].
    pub(in crate::hub) fn forget_pages(&mut self, monitors: &[Monitor]) -> Result<(), HubError> {
        let before = std::mem::take(&mut self.rules.monitors);
        let said = |all: &[Monitor], id: MonitorId| {
            let question = all.iter().find(|one| one.id == id).and_then(of_page).map(|(question, _)| question);
            question.map(|one| (one.url.clone(), one.method.clone(), one.follows))
        };
        let is_same = |id: MonitorId| said(&before, id) == said(monitors, id);
        // While there are none, nothing is read.
        let is_any = before.iter().any(|one| of_page(one).is_some());
        let forgotten = if is_any {
            self.pages().map(|pages| {
                let known = pages.0.len();
                pages.0.retain(|id, _| is_same(*id));
                pages.0.len() != known
            })
        } else {
            Ok(false)
        };
        self.rules.monitors = before;
        if forgotten? { self.keep_pages() } else { Ok(()) }
    }

    /// Reads a row of the object's small state the first time.
    fn pages(&mut self) -> Result<&mut Pages, HubError> {
        if self.watches.pages.is_none() {
            let text = directory::meta(&self.storage.sql, KEY)?.unwrap_or_default();
            let wires: Vec<PageWire> = if text.is_empty() {
                Vec::new()
            } else {
                serde_json::from_str(&text).unwrap_or_else(|error| {
                    // What cannot be read begins anew.
                    log::error("hub.external", &error.to_string());
                    Vec::new()
                })
            };
            self.watches.pages = Some(Pages(wires.into_iter().map(PageWire::into_page).collect()));
        }
        self.watches.pages.as_mut().ok_or_else(|| HubError::Corrupt("no pages".to_owned()))
    }

    fn keep_pages(&mut self) -> Result<(), HubError> {
        let averaged: Vec<MonitorId> = self
            .rules
            .monitors
            .iter()
            .filter(|one| of_page(one).is_some_and(|(_, test)| is_averaged(test)))
            .map(|one| one.id)
            .collect();
        let pages = self.pages()?;
        let kept = pages.0.iter().filter(|(id, _)| averaged.contains(id));
        let wires: Vec<PageWire> = kept.map(|(id, page)| PageWire::of(*id, page)).collect();
        let text = serde_json::to_string(&wires).map_err(|error| HubError::Corrupt(error.to_string()))?;
        directory::put_meta(&self.storage.sql, KEY, &text)
    }
}

/// What an answer means.
fn judge(page: &mut Page, test: &MetricTest, answer: WebAnswer) -> Found {
    let delay_ms = match (answer.delay_ms, answer.error) {
        (Some(delay_ms), None) => delay_ms,
        (_, error) => {
            let detail = error.unwrap_or_else(|| "no answer".to_owned());
            return Found { severity: Some(Severity::Critical), value: None, detail };
        }
    };
    page.points.add(page.asked, delay_ms);
    page.points.trim();
    // With fewer answers than the mean is of nobody can say that it is slow.
    let (severity, mean) = page.points.look(test, page.asked).unwrap_or((None, delay_ms));
    Found { severity, value: Some(Measured::of(mean)), detail: detail(test, severity.is_some(), mean) }
}

impl PageWire {
    fn of(id: MonitorId, page: &Page) -> Self {
        Self { id: id.0, asked_s: page.asked.0, points: page.points.iter().map(|(at, ms)| (at.0, ms)).collect() }
    }

    fn into_page(self) -> (MonitorId, Page) {
        let mut points = Points::default();
        for (at_s, ms) in self.points {
            points.add(UnixSeconds(at_s), ms);
        }
        points.trim();
        (MonitorId(self.id), Page { asked: UnixSeconds(self.asked_s), points })
    }
}

#[cfg(test)]
mod tests;
