//! What people's clocks show. The zones are the runtime's own: there is no table of them here.

use edgewatch_core::units::UnixMillis;

/// Weekday (0 for Monday) and minutes after midnight in a zone such as `Europe/Berlin`; `None` for a zone that the runtime does
/// not know.
#[cfg(target_arch = "wasm32")]
pub fn local_time(zone: &str, at: UnixMillis) -> Option<(u8, u16)> {
    use worker::js_sys::{Object, Reflect};

    use super::ffi::DateTimeFormat;

    let options = Object::new();
    for (key, value) in
        [("timeZone", zone), ("weekday", "short"), ("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")]
    {
        Reflect::set(&options, &key.into(), &value.into()).ok()?;
    }
    let format = DateTimeFormat::new("en-US", &options).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    parse(&format.format(at.0 as f64).ok()?)
}

/// Likewise; natively UTC is the one zone.
#[cfg(not(target_arch = "wasm32"))]
pub fn local_time(zone: &str, at: UnixMillis) -> Option<(u8, u16)> {
    if zone != "UTC" {
        return None;
    }
    let minutes = at.0.div_euclid(60_000);
    // 1970 began on a Thursday.
    let weekday = (minutes.div_euclid(1_440) + 3).rem_euclid(7);
    Some((u8::try_from(weekday).ok()?, u16::try_from(minutes.rem_euclid(1_440)).ok()?))
}

/// What `Intl` writes in American English: `Mon 23:04`, perhaps with a comma.
#[cfg(any(target_arch = "wasm32", test))]
fn parse(text: &str) -> Option<(u8, u16)> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let day = DAYS.iter().position(|day| text.starts_with(day))?;
    let (hour, minute) = text.split_whitespace().next_back()?.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    Some((u8::try_from(day).ok()?, hour.checked_mul(60)?.checked_add(minute).filter(|minutes| *minutes < 1_440)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_writes_is_read() {
        assert_eq!(parse("Mon 23:04"), Some((0, 1_384)));
        assert_eq!(parse("Sun, 00:00"), Some((6, 0)));
        for text in ["", "Mon", "Mon 24:00", "Montag 10", "10:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn utc_is_known_natively() {
        // 2026-11-22 was a Sunday.
        assert_eq!(local_time("UTC", UnixMillis(1_795_361_186_000)), Some((6, 926)));
        assert_eq!(local_time("Mars/Olympus", UnixMillis(0)), None);
    }
}
