//! The alerts that are part of the state: read from D1 with the first state that has them, and again when somebody says that they are
//! others, or when they were not read for long.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::domain::alerting::thresholds::Values;
use edgewatch_core::domain::ids::time_key;
use edgewatch_core::model::Alert;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use super::judged::{Judged, Numbers, World};
use super::object::{Answer, Inner};
use crate::hub::HubError;
use crate::store::{Db, alerts};

/// So many alerts can go on at the same time.
const MOST_OPEN: u32 = 10_000;
/// An alert that is over is shown for so long, seconds. Source: pulse specification, 12.2.
const RESOLVED_FOR_S: i64 = 300;
/// The event that tells of an end may bear an earlier time than the end, seconds.
const EVENT_BEFORE_S: i64 = 120;
/// Nobody may have said that they are others: then they are for so long at most, ms.
const GOOD_FOR_MS: i64 = 60_000;

/// What is known of alerts; forgotten in sleep.
#[derive(Default)]
pub(super) struct Alerted {
    known: RefCell<Option<Rc<Alerts>>>,
    /// One more each time that they are others: what was asked for before is not kept.
    era: Cell<u64>,
}

/// Alerts of thresholds.
#[derive(Default)]
pub(super) struct Alerts {
    active: Vec<Alert>,
    over: Vec<Alert>,
    read_ms: i64,
}

/// When resources were polled last, and what was found, by each of their ids.
pub(super) type Polled = BTreeMap<String, (UnixMillis, Values)>;

impl Alerts {
    /// Those that go on, newest first, as of `now`, each with what was polled last of what it is about.
    fn active(&self, polled: &Polled, now: UnixSeconds) -> Vec<ResourceAlert> {
        let seen = |alert: &Alert| {
            let mut seen = ResourceAlert::of(alert, now)?;
            if let Some((at, values)) = polled.get(&seen.resource.id) {
                seen.seen_at = at.seconds().max(seen.started_at);
                seen.value = seen.metric.and_then(|metric| values.get(metric)).unwrap_or(seen.value);
            }
            Some(seen)
        };
        self.active.iter().filter_map(seen).collect()
    }

    /// Those that were over lately, the last of them first.
    fn resolved(&self, now: UnixSeconds) -> Vec<ResourceAlert> {
        let is_late = |alert: &&Alert| alert.closed_at.is_some_and(|at| now.since(at) < RESOLVED_FOR_S);
        self.over.iter().filter(is_late).filter_map(|alert| ResourceAlert::of(alert, now)).collect()
    }
}

impl Inner {
    /// The alerts that go on, for those who are told of them: guests are not, for they may be of what is hidden from them. What is to be
    /// shown was brought up to date before.
    pub(super) async fn active_alerts(&self, for_guests: bool, db: Option<&Db>) -> Answer<Vec<ResourceAlert>> {
        if for_guests {
            return Ok(Vec::new());
        }
        let alerts = self.alerts(db).await?;
        let polled = if alerts.active.is_empty() { Polled::new() } else { self.polled() };
        Ok(alerts.active(&polled, self.now().seconds()))
    }

    /// Likewise, those that were over lately.
    pub(super) async fn resolved_alerts(&self, for_guests: bool, db: Option<&Db>) -> Answer<Vec<ResourceAlert>> {
        if for_guests { Ok(Vec::new()) } else { Ok(self.alerts(db).await?.resolved(self.now().seconds())) }
    }

    fn polled(&self) -> Polled {
        let mut polled = Polled::new();
        let lives = self.live.borrow();
        for live in lives.values().filter_map(|live| live.try_borrow().ok()) {
            // Of a shared storage all ids are good here.
            let is_first = |_: &str| true;
            let world =
                World { instance: &live.instance, census: &live.census, parts: &live.parts, is_first: &is_first };
            let Some(at) = live.now.polled_at else { continue };
            let mut judged = Judged::new();
            world.add(&live.now, at, &mut Numbers::default(), &mut judged);
            for (resource, polls) in judged.into_values() {
                let newest = polls.last().map(|poll| (poll.at, poll.values));
                polled.extend(resource.ids.into_iter().filter_map(|id| Some((id, newest?))));
            }
        }
        polled
    }

    /// Alerts are others than they were.
    pub(super) fn alerts_changed(&self) {
        self.alerted.era.set(self.alerted.era.get().wrapping_add(1));
        self.alerted.known.take();
    }

    /// The alerts, as D1 has them. Where they are not known: a row read for each that goes on, for each that was over lately, and for each
    /// event since.
    async fn alerts(&self, db: Option<&Db>) -> Answer<Rc<Alerts>> {
        let now = self.now();
        let known = self.alerted.known.borrow().clone();
        let is_good = |known: &Rc<Alerts>| (0..GOOD_FOR_MS).contains(&now.0.saturating_sub(known.read_ms));
        if let Some(known) = known.filter(is_good) {
            return Ok(known);
        }
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let era = self.alerted.era.get();
        let since = now.seconds().plus(-RESOLVED_FOR_S);
        let first = time_key(UnixMillis(since.plus(-EVENT_BEFORE_S).millis().0), 0);
        let read = Rc::new(Alerts {
            active: alerts::list_of_thresholds(db, true, None, MOST_OPEN).await?,
            over: alerts::list_over_of_thresholds(db, since, &first).await?,
            read_ms: now.0,
        });
        if self.alerted.era.get() == era {
            *self.alerted.known.borrow_mut() = Some(Rc::clone(&read));
        }
        Ok(read)
    }
}
