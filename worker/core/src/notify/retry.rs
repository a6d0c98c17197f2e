//! When a notification that could not be delivered is tried again, and when it is given up.

use crate::units::UnixSeconds;

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT_S: i64 = 60;
/// The longest wait.
const MAX_WAIT_S: i64 = 6 * 3600;
/// A notification older than this is given up: nobody is helped by it any more.
const GIVE_UP_AFTER_S: i64 = 3 * 24 * 3600;

/// When to try again after `attempts` failures of a notification made at `created`; `None` to give up.
pub fn next_attempt(created: UnixSeconds, attempts: u32, now: UnixSeconds) -> Option<UnixSeconds> {
    let doublings = attempts.saturating_sub(1).min(16);
    let next = now.plus((FIRST_WAIT_S << doublings).min(MAX_WAIT_S));
    (next.since(created) <= GIVE_UP_AFTER_S).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_six_hours() {
        let now = UnixSeconds(1_000_000);
        let wait = |attempts| next_attempt(now, attempts, now).map(|next| next.since(now));
        assert_eq!(wait(1), Some(60));
        assert_eq!(wait(2), Some(120));
        assert_eq!(wait(9), Some(15_360));
        assert_eq!(wait(10), Some(21_600));
        assert_eq!(wait(u32::MAX), Some(21_600));
    }

    #[test]
    fn it_is_given_up_after_three_days() {
        let created = UnixSeconds(0);
        assert!(next_attempt(created, 20, UnixSeconds(2 * 86_400)).is_some());
        assert_eq!(next_attempt(created, 20, UnixSeconds(3 * 86_400)), None);
    }
}
