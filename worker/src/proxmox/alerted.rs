//! The alerts that are part of the state: read from D1 with the first state that has them, and again when somebody says that they are
//! others, or when they were not read for long.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edgewatch_core::domain::ids::time_key;
use edgewatch_core::model::Alert;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::units::{UnixMillis, UnixSeconds};

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

impl Alerts {
    /// Those that go on, newest first, as of `now`.
    pub(super) fn active(&self, now: UnixSeconds) -> Vec<ResourceAlert> {
        self.active.iter().filter_map(|alert| ResourceAlert::of(alert, now)).collect()
    }

    /// Those that were over lately, the last of them first.
    pub(super) fn resolved(&self, now: UnixSeconds) -> Vec<ResourceAlert> {
        let is_late = |alert: &&Alert| alert.closed_at.is_some_and(|at| now.since(at) < RESOLVED_FOR_S);
        self.over.iter().filter(is_late).filter_map(|alert| ResourceAlert::of(alert, now)).collect()
    }
}

impl Inner {
    /// Alerts are others than they were.
    pub(super) fn alerts_changed(&self) {
        self.alerted.era.set(self.alerted.era.get().wrapping_add(1));
        self.alerted.known.take();
    }

    /// The alerts, as D1 has them. Where they are not known: a row read for each that goes on, for each that was over lately, and for each
    /// event since.
    pub(super) async fn alerts(&self, db: Option<&Db>) -> Answer<Rc<Alerts>> {
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
