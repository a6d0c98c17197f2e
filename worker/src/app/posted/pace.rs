//! How often values of a service may be posted. Counted in this isolate's memory: that costs no row and no call, and who posts
//! through several isolates may do so a few times as often.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;

/// So many posts of a service are taken within a minute of the clock.
pub const MOST: u32 = 60;
/// So many services are counted at a time.
const MAX_SERVICES: usize = 1_000;
const MINUTE_MS: i64 = 60_000;

/// By service the minute, and how many posts came in it.
static POSTS: Mutex<BTreeMap<HostId, (i64, u32)>> = Mutex::new(BTreeMap::new());

/// Counts a post of a service.
///
/// # Errors
/// [`Failure::TooManyAttempts`] when there were enough of them within this minute.
pub fn admit(service: HostId, now: UnixMillis) -> Result<(), Failure> {
    count(&mut POSTS.lock().unwrap_or_else(PoisonError::into_inner), service, now)
}

fn count(posts: &mut BTreeMap<HostId, (i64, u32)>, service: HostId, now: UnixMillis) -> Result<(), Failure> {
    let minute = now.0.div_euclid(MINUTE_MS);
    if posts.len() >= MAX_SERVICES {
        posts.retain(|_, (of, _)| *of == minute);
    }
    let (of, count) = posts.entry(service).or_insert((minute, 0));
    if *of != minute {
        (*of, *count) = (minute, 0);
    }
    if *count >= MOST {
        let left_ms = MINUTE_MS - now.0.rem_euclid(MINUTE_MS);
        return Err(Failure::TooManyAttempts { retry_after_s: u32::try_from((left_ms + 999) / 1_000).unwrap_or(60) });
    }
    *count += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_takes_so_many_posts_a_minute_and_another_its_own() {
        let mut posts = BTreeMap::new();
        let mut post = |service: i64, at_s: i64| count(&mut posts, HostId(service), UnixMillis(at_s * 1_000));
        for _ in 0..MOST {
            assert_eq!(post(-1, 90), Ok(()));
        }
        assert_eq!(post(-1, 90), Err(Failure::TooManyAttempts { retry_after_s: 30 }));
        assert_eq!((post(-2, 90), post(-1, 120)), (Ok(()), Ok(())));
    }

    #[test]
    fn services_that_are_silent_are_forgotten() {
        let mut posts = BTreeMap::new();
        for service in 0..2_000 {
            count(&mut posts, HostId(-service), UnixMillis(service * 1_000)).unwrap();
        }
        assert!(posts.len() <= MAX_SERVICES + 1, "{}", posts.len());
    }
}
