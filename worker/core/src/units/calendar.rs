//! Days of the Gregorian calendar, and times as RFC 3339 writes them. Without a table of zones: an offset from UTC is all there is.
//! A library for dates would weigh more than all of this file's callers.

use super::{UnixMillis, UnixSeconds};

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;
/// The months as mail and HTTP write them.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The days of the week as mail and HTTP write them, from the one of 1970-01-01.
pub const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The year, as people count.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Day {
    /// The day, so many days after 1970-01-01. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    pub fn of_number(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let small = |number: i64| u8::try_from(number).unwrap_or(1);
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(of_year - (153 * from_march + 2) / 5 + 1),
        }
    }

    /// How many days after 1970-01-01 it is. Source: as [`Day::of_number`].
    pub fn number(self) -> i64 {
        let (month, year) = (i64::from(self.month), self.year - i64::from(self.month <= 2));
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = if month > 2 { month - 3 } else { month + 9 };
        let of_year = (153 * from_march + 2) / 5 + i64::from(self.day) - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        era * 146_097 + of_era - 719_468
    }

    /// The same day so many months later; the month's last, where it has no such day.
    #[must_use]
    pub fn plus_months(self, months: i64) -> Self {
        let index = self.year * 12 + i64::from(self.month) - 1 + months;
        let (year, month) = (index.div_euclid(12), u8::try_from(index.rem_euclid(12)).unwrap_or(0) + 1);
        Self { year, month, day: self.day.min(days_of_month(year, month)) }
    }

    /// Months from `earlier` to this day's month.
    pub fn months_since(self, earlier: Self) -> i64 {
        (self.year - earlier.year) * 12 + i64::from(self.month) - i64::from(earlier.month)
    }
}

fn days_of_month(year: i64, month: u8) -> u8 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A time such as `2026-11-22T15:26:26.431+01:00`, to the millisecond.
pub fn parse_rfc3339_ms(text: &str) -> Option<UnixMillis> {
    let (at, _) = parse_rfc3339(text)?;
    // Behind the seconds, which end at the nineteenth letter.
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).chain(std::iter::repeat(b'0')).take(3);
    let ms = digits.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    Some(UnixMillis(at.millis().0.saturating_add(ms)))
}

/// A time such as `2026-11-22T15:26:26.431+01:00`, to the second, and its offset from UTC in seconds.
pub fn parse_rfc3339(text: &str) -> Option<(UnixSeconds, i32)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let is = |at: usize, mark: &[u8]| bytes.get(at).is_some_and(|byte| mark.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, u8::try_from(number(5, 7)?).ok()?, u8::try_from(number(8, 10)?).ok()?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_possible = (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_possible {
        return None;
    }
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|one: char| !one.is_ascii_digit()).filter(|end| *end > 0)?;
        rest = fraction.get(end..)?;
    }
    let offset_s = offset(rest)?;
    let local = Day { year, month, day }.number() * DAY_S + hour * 3600 + minute * 60 + second;
    Some((UnixSeconds(local - i64::from(offset_s)), offset_s))
}

fn offset(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
}

/// A date in one of the three forms of HTTP, such as `Sun, 06 Nov 1994 08:49:37 GMT`; `now` tells the century of a year of two digits. Source: RFC 9110, 5.6.7.
pub fn parse_http_date(text: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    let parts: Vec<&str> =
        text.split(|one: char| !one.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let (day, month, year, time) = match *parts.as_slice() {
        // `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`.
        [_, day, month, year, hour, minute, second, "GMT"]
        // `Sun Nov  6 08:49:37 1994`.
        | [_, month, day, hour, minute, second, year] => (day, month, year, [hour, minute, second]),
        _ => return None,
    };
    let month = MONTHS.iter().position(|one| month.eq_ignore_ascii_case(one))?;
    let number = |text: &str, most: i64| text.parse::<i64>().ok().filter(|number| (0..=most).contains(number));
    let [hour, minute, second] = time;
    let (hour, minute, second) = (number(hour, 23)?, number(minute, 59)?, number(second, 60)?);
    let (day, short_year) = (u8::try_from(number(day, 31)?).ok()?, number(year, 9_999)?);
    let year = if year.len() > 2 {
        short_year
    } else {
        // Two digits mean the year that is not more than fifty years ahead.
        let this = Day::of_number(now.0.div_euclid(DAY_S)).year;
        let year = this - this.rem_euclid(100) + short_year;
        if year > this + 50 { year - 100 } else { year }
    };
    let day = Day { year, month: u8::try_from(month + 1).ok()?, day: day.max(1) };
    Some(UnixSeconds(day.number() * DAY_S + hour * 3_600 + minute * 60 + second))
}

/// A time of UTC as the headers of HTTP and mail write it, `Sun, 22 Nov 2026 15:26:26 GMT`; `zone` is how they call UTC: `GMT`, `+0000`.
/// Source: RFC 9110, 5.6.7; RFC 5322, 3.3.
pub fn format_header(at: UnixSeconds, zone: &str) -> String {
    let (day, [hour, minute, second]) = at.civil();
    let name =
        |names: &[&'static str], index: i64| usize::try_from(index).ok().and_then(|index| names.get(index).copied());
    let weekday = name(&WEEKDAYS, day.number().rem_euclid(7)).unwrap_or_default();
    let month = name(&MONTHS, i64::from(day.month) - 1).unwrap_or_default();
    format!("{weekday}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} {zone}", day.day, day.year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_their_numbers_belong_together() {
        for (number, year, month, day) in
            [(0, 1970, 1, 1), (-1, 1969, 12, 31), (11_016, 2000, 2, 29), (20_779, 2026, 11, 22), (19_782, 2024, 2, 29)]
        {
            assert_eq!(Day::of_number(number), Day { year, month, day });
        }
        let mut last = Day::of_number(-800_001);
        for number in -800_000..800_000 {
            let day = Day::of_number(number);
            assert!(day > last && day.number() == number, "{day:?}");
            last = day;
        }
    }

    #[test]
    fn a_month_later_is_the_months_last_day_where_there_is_no_such_day() {
        let day = |year, month, day| Day { year, month, day };
        assert_eq!(day(2026, 1, 31).plus_months(1), day(2026, 2, 28));
        assert_eq!(day(2023, 12, 31).plus_months(2), day(2024, 2, 29));
        assert_eq!(day(2026, 1, 31).plus_months(-2), day(2025, 11, 30));
        assert_eq!(day(2024, 2, 29).plus_months(12), day(2025, 2, 28));
        assert_eq!(day(2026, 3, 1).months_since(day(2025, 12, 31)), 3);
    }

    #[test]
    fn times_are_read_as_people_and_programs_write_them() {
        for (text, seconds, offset_s) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2026-11-22T15:26:26Z", 1_795_361_186, 0),
            ("2026-11-22T16:26:26.431161262+01:00", 1_795_361_186, 3_600),
            ("2026-11-22 09:56:26-05:30", 1_795_361_186, -19_800),
        ] {
            assert_eq!(parse_rfc3339(text), Some((UnixSeconds(seconds), offset_s)), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T15:26:26",
            "2026-13-22T15:26:26Z",
            "2026-02-29T15:26:26Z",
            "2026-11-22T24:26:26Z",
            "2026-11-22T15:26:26+1:00",
            "2026-11-22T15:26:26.Z",
            "2026-11-22T15:26:26Zx",
            "+026-11-22T15:26:26Z",
            "２026-11-22T15:26:26Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(UnixSeconds(1_795_361_186).rfc3339(), "2026-11-22T15:26:26Z");
        assert_eq!(UnixSeconds(-1).rfc3339(), "1969-12-31T23:59:59Z");
        assert_eq!(format_header(UnixSeconds(1_795_361_186), "GMT"), "Sun, 22 Nov 2026 15:26:26 GMT");
        assert_eq!(format_header(UnixSeconds(784_111_777), "GMT"), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_fraction_of_a_second_is_read_to_the_millisecond() {
        let ms = |text: &str| parse_rfc3339_ms(text).map(|at| at.0.rem_euclid(1000));
        for (text, expected) in [
            ("2026-11-22T15:26:26.431+01:00", Some(431)),
            ("2026-11-22T15:26:26.5Z", Some(500)),
            ("2026-11-22T15:26:26.012345678Z", Some(12)),
            ("2026-11-22T15:26:26Z", Some(0)),
            ("2026-11-22", None),
        ] {
            assert_eq!(ms(text), expected, "{text}");
        }
    }
}
