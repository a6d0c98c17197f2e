//! Names of metrics beyond those that a minute takes, and checks beyond those that a host may have: what is left out is told, in the
//! log each time, and as an event once a day.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use edgewatch_core::domain::alerting::check::MOST_CHECKS;
use edgewatch_core::domain::ids;
use edgewatch_core::domain::posted::MAX_NAMES;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Event, EventKind, HostId};

use crate::app::{App, presence};
use crate::platform::log;

const DAY_MS: i64 = 86_400_000;
/// So many hosts are remembered.
const MAX_HOSTS: usize = 10_000;

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surplus {
    /// Metrics of a minute.
    Metrics,
    /// Checks of a host.
    Checks,
}

/// By host the day on which this isolate told of it last: it asks the database for nothing more that day.
static TOLD: Mutex<BTreeMap<(Surplus, HostId), i64>> = Mutex::new(BTreeMap::new());

impl Surplus {
    const fn log_name(self) -> &'static str {
        match self {
            Self::Metrics => "posted.names",
            Self::Checks => "checks.names",
        }
    }

    /// What has the events of a day keys of their own, by kind.
    const fn order(self) -> i64 {
        match self {
            Self::Metrics => 0,
            Self::Checks => 1,
        }
    }

    fn text(self, whose: &str, names: usize) -> String {
        match self {
            Self::Metrics => format!(
                "a minute of {whose} came with {names} metrics more than the {MAX_NAMES} that it takes; they are not stored"
            ),
            Self::Checks => format!(
                "{whose} has {MOST_CHECKS} checks, which is as many as it may have; {names} others reported and are not judged"
            ),
        }
    }
}

/// Tells of hosts and services, each with how many names were too many. The rest of their post is stored, whatever becomes of this.
pub async fn tell(app: &App, what: Surplus, beyond: BTreeMap<HostId, usize>) {
    for (of, names) in beyond {
        let event = event(app, what, of, names);
        log::error(what.log_name(), &event.text);
        if is_told(what, of, app.now.0.div_euclid(DAY_MS)) {
            continue;
        }
        if let Err(failure) = record(app, &event).await {
            TOLD.lock().unwrap_or_else(PoisonError::into_inner).remove(&(what, of));
            log::error(what.log_name(), &failure.to_string());
        }
    }
}

/// Whether it was told that day already; it is from now on.
fn is_told(what: Surplus, of: HostId, day: i64) -> bool {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() >= MAX_HOSTS {
        told.clear();
    }
    told.insert((what, of), day) == Some(day)
}

/// The event of this day: with the key that it has in every isolate it is written, and told, once.
fn event(app: &App, what: Surplus, of: HostId, names: usize) -> Event {
    let (whose, host) =
        if of.0 > 0 { (format!("host {}", of.0), Some(of)) } else { (format!("service {}", -of.0), None) };
    let day = app.now.0.div_euclid(DAY_MS) * DAY_MS;
    let start = edgewatch_core::units::UnixMillis(day.saturating_add(what.order()));
    let key = ids::time_key(start, of.0.cast_unsigned());
    Event::new(key, EventKind::News, host, app.now_s(), what.text(&whose, names))
}

async fn record(app: &App, event: &Event) -> Result<(), Failure> {
    let statements = presence::tell(app, event, None).await?;
    app.db.batch(statements).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::{Db, events};

    #[test]
    fn a_host_is_told_of_once_a_day_and_by_every_isolate_the_same() {
        let mut app = App::for_tests(Db::in_memory().unwrap());
        let beyond = |names: usize| BTreeMap::from([(HostId(4_711), names)]);
        now(tell(&app, Surplus::Metrics, beyond(3)));
        now(tell(&app, Surplus::Metrics, beyond(5)));
        // Another isolate, which remembers nothing.
        TOLD.lock().unwrap().remove(&(Surplus::Metrics, HostId(4_711)));
        now(tell(&app, Surplus::Metrics, beyond(7)));
        let told = || now(events::list(&app.db, None, 10)).unwrap();
        assert_eq!((told().len(), told()[0].host_id), (1, Some(HostId(4_711))));
        assert!(told()[0].text.contains(" 3 metrics more than the 500"), "{}", told()[0].text);
        app.now = edgewatch_core::units::UnixMillis(app.now.0 + DAY_MS);
        now(tell(&app, Surplus::Metrics, beyond(1)));
        assert_eq!(now(events::list(&app.db, None, 10)).unwrap().len(), 2);
        now(tell(&app, Surplus::Checks, beyond(2)));
        let texts: Vec<String> = told().into_iter().map(|event| event.text).collect();
        assert!(texts.len() == 3 && texts.iter().any(|text| text.contains("1000 checks") && text.contains("2 others")));
    }
}
