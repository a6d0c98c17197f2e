//! When a notification that could not be delivered is tried again, and when it is given up.

use crate::units::UnixSeconds;
use crate::units::calendar::parse_http_date;

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT_S: i64 = 60;
/// The longest wait, whatever a receiver asks for.
const MAX_WAIT_S: i64 = 6 * 3600;
/// A notification older than this is given up: nobody is helped by it any more.
const GIVE_UP_AFTER_S: i64 = 3 * 24 * 3600;

/// When to try again after `attempts` failures of a notification made at `created`, and not before `asked`; `None` to give up.
pub fn next_attempt(
    created: UnixSeconds,
    attempts: u32,
    now: UnixSeconds,
    asked: Option<UnixSeconds>,
) -> Option<UnixSeconds> {
    let doublings = attempts.saturating_sub(1).min(16);
    let next = now.plus((FIRST_WAIT_S << doublings).min(MAX_WAIT_S));
    let next = asked.map_or(next, |asked| next.max(asked.min(now.plus(MAX_WAIT_S))));
    (next.since(created) <= GIVE_UP_AFTER_S).then_some(next)
}

/// Until when a receiver asks to be left alone: what its header `Retry-After` says, with a status that it counts for. At most 6 hours;
/// `None` where it asks for nothing that can be read. Source: RFC 9110, 10.2.3 (seconds or a date); RFC 6585, 4 (429).
pub fn asked_wait(status: u16, retry_after: Option<&str>, now: UnixSeconds) -> Option<UnixSeconds> {
    let text = retry_after.filter(|_| matches!(status, 429 | 503))?.trim();
    // Some send a part of a second.
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !whole.is_empty() && [whole, part].iter().all(|one| one.bytes().all(|byte| byte.is_ascii_digit()));
    let until = if is_number {
        // A number that is too long to be one asks for more than it gets.
        let seconds = whole.parse::<i64>().unwrap_or(MAX_WAIT_S).min(MAX_WAIT_S);
        now.plus(seconds + i64::from(part.bytes().any(|digit| digit != b'0')))
    } else {
        parse_http_date(text, now)?
    };
    (until > now).then(|| until.min(now.plus(MAX_WAIT_S)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::words::mail_date;

    #[test]
    fn the_wait_doubles_up_to_six_hours() {
        let now = UnixSeconds(1_000_000);
        let wait = |attempts| next_attempt(now, attempts, now, None).map(|next| next.since(now));
        assert_eq!(wait(1), Some(60));
        assert_eq!(wait(2), Some(120));
        assert_eq!(wait(9), Some(15_360));
        assert_eq!(wait(10), Some(21_600));
        assert_eq!(wait(u32::MAX), Some(21_600));
    }

    #[test]
    fn it_is_given_up_after_three_days() {
        let created = UnixSeconds(0);
        assert!(next_attempt(created, 20, UnixSeconds(2 * 86_400), None).is_some());
        assert_eq!(next_attempt(created, 20, UnixSeconds(3 * 86_400), None), None);
    }

    #[test]
    fn it_is_never_sooner_than_asked_nor_than_it_would_be_and_never_later_than_six_hours() {
        let now = UnixSeconds(1_000_000);
        let wait =
            |attempts, asked_s| next_attempt(now, attempts, now, Some(now.plus(asked_s))).map(|next| next.since(now));
        assert_eq!((wait(1, 5), wait(1, 900), wait(6, 900)), (Some(60), Some(900), Some(1_920)));
        assert_eq!(wait(1, i64::from(u32::MAX)), Some(21_600));
    }

    #[test]
    fn what_a_receiver_asks_for_is_seconds_or_a_date() {
        let now = UnixSeconds(784_111_700);
        let wait = |text: &str| asked_wait(429, Some(text), now).map(|until| until.since(now));
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("1.5", Some(2)),
            ("2.000", Some(2)),
            ("99999999999999999999", Some(21_600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(77)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(77)),
            ("Sun Nov  6 08:49:37 1994", Some(77)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(21_600)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None),
            ("0", None),
            ("", None),
            ("-5", None),
            (".5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Smarch 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ] {
            assert_eq!(wait(text), seconds, "{text}");
        }
        assert_eq!(asked_wait(503, Some("9"), now), Some(now.plus(9)));
        assert_eq!((asked_wait(500, Some("9"), now), asked_wait(200, Some("9"), now)), (None, None));
        assert_eq!(asked_wait(429, None, now), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_does_harm(text in ".{0,40}", now in 0_i64..4_102_444_800) {
            let until = asked_wait(429, Some(&text), UnixSeconds(now));
            proptest::prop_assert!(until.is_none_or(|until| (1..=MAX_WAIT_S).contains(&until.since(UnixSeconds(now)))));
        }

        #[test]
        fn a_date_is_read_as_it_was_written(now in 0_i64..4_102_444_800, wait in 1_i64..MAX_WAIT_S) {
            let until = UnixSeconds(now + wait);
            let text = mail_date(until).replace("+0000", "GMT");
            proptest::prop_assert_eq!(asked_wait(503, Some(&text), UnixSeconds(now)), Some(until));
        }
    }
}
