//! Quiet hours.

use crate::model::{LocalTime, QuietHours};

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;

/// Whether quiet hours are on at a moment of their own zone. Those that end when they begin last a day.
pub fn is_quiet(hours: &QuietHours, now: LocalTime) -> bool {
    let begins = |weekday: u8| hours.days.get(usize::from(weekday % 7)).copied().unwrap_or(false);
    if hours.from_min < hours.to_min {
        begins(now.weekday) && (hours.from_min..hours.to_min).contains(&now.minute)
    } else {
        let yesterday = (now.weekday + 6) % 7;
        (begins(now.weekday) && (hours.from_min..DAY_MIN).contains(&now.minute))
            || (begins(yesterday) && now.minute < hours.to_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from_min: u16, to_min: u16, days: [bool; 7]) -> QuietHours {
        QuietHours { zone: "UTC".to_owned(), from_min, to_min, days }
    }

    fn at(hours: &QuietHours, weekday: u8, minute: u16) -> bool {
        is_quiet(hours, LocalTime { weekday, minute })
    }

    #[test]
    fn they_may_go_over_midnight_and_belong_to_the_day_they_begin_on() {
        let mut days = [true; 7];
        days[5] = false;
        let nights = hours(22 * 60, 7 * 60, days);
        assert!(!at(&nights, 0, 1_319) && at(&nights, 0, 1_320) && at(&nights, 1, 0) && at(&nights, 1, 419));
        assert!(!at(&nights, 1, 420));
        // No Saturday night; Friday's still ends on Saturday, and Sunday's ends on Monday.
        assert!(at(&nights, 5, 100) && !at(&nights, 5, 1_400) && !at(&nights, 6, 100));
        assert!(at(&nights, 6, 1_400) && at(&nights, 0, 100));
    }

    #[test]
    fn they_may_lie_within_a_day_or_last_one() {
        let noon = hours(720, 780, [true; 7]);
        assert!(!at(&noon, 2, 719) && at(&noon, 2, 720) && at(&noon, 2, 779) && !at(&noon, 2, 780));
        let mut sunday = [false; 7];
        sunday[6] = true;
        let day = hours(0, 0, sunday);
        assert!(at(&day, 6, 0) && at(&day, 6, 1_439) && !at(&day, 0, 0) && !at(&day, 5, 1_439));
    }
}
