//! Names beyond those that a minute takes: what is left out is told, in the log each time, and as an event once a day.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use edgewatch_core::domain::ids;
use edgewatch_core::domain::posted::MAX_NAMES;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Event, EventKind, HostId};

use crate::app::{App, presence};
use crate::platform::log;

const DAY_MS: i64 = 86_400_000;
/// So many hosts are remembered.
const MAX_HOSTS: usize = 10_000;

/// By host the day on which this isolate told of it last: it asks the database for nothing more that day.
static TOLD: Mutex<BTreeMap<HostId, i64>> = Mutex::new(BTreeMap::new());

/// Tells of hosts and services, each with how many names were too many. The rest of their post is stored, whatever becomes of this.
pub async fn tell(app: &App, beyond: BTreeMap<HostId, usize>) {
    for (of, names) in beyond {
        let event = event(app, of, names);
        log::error("posted.names", &event.text);
        if is_told(of, app.now.0.div_euclid(DAY_MS)) {
            continue;
        }
        if let Err(failure) = record(app, &event).await {
            TOLD.lock().unwrap_or_else(PoisonError::into_inner).remove(&of);
            log::error("posted.names", &failure.to_string());
        }
    }
}

/// Whether it was told that day already; it is from now on.
fn is_told(of: HostId, day: i64) -> bool {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() >= MAX_HOSTS {
        told.clear();
    }
    told.insert(of, day) == Some(day)
}

/// The event of this day: with the key that it has in every isolate it is written, and told, once.
fn event(app: &App, of: HostId, names: usize) -> Event {
    let (whose, host) =
        if of.0 > 0 { (format!("host {}", of.0), Some(of)) } else { (format!("service {}", -of.0), None) };
    let start = edgewatch_core::units::UnixMillis(app.now.0.div_euclid(DAY_MS) * DAY_MS);
    let text = format!(
        "a minute of {whose} came with {names} metrics more than the {MAX_NAMES} that it takes; they are not stored"
    );
    Event::new(ids::time_key(start, of.0.cast_unsigned()), EventKind::News, host, app.now_s(), text)
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
        now(tell(&app, beyond(3)));
        now(tell(&app, beyond(5)));
        // Another isolate, which remembers nothing.
        TOLD.lock().unwrap().remove(&HostId(4_711));
        now(tell(&app, beyond(7)));
        let told = || now(events::list(&app.db, None, 10)).unwrap();
        assert_eq!((told().len(), told()[0].host_id), (1, Some(HostId(4_711))));
        assert!(told()[0].text.contains(" 3 metrics more than the 500"), "{}", told()[0].text);
        app.now = edgewatch_core::units::UnixMillis(app.now.0 + DAY_MS);
        now(tell(&app, beyond(1)));
        assert_eq!(now(events::list(&app.db, None, 10)).unwrap().len(), 2);
    }
}
