//! Questions about history: which tiers answer for which time, and their rows put together to at most so many points.
//!
//! The *base* is the coarsest tier that is still finer than the points wanted. For what its ring no longer holds the next
//! coarser one answers, for what it does not have yet the finer ones, down to what is only in memory. No moment is answered
//! for by two tiers.

mod points;

pub use points::{Point, Points};

use std::ops::RangeInclusive;

use super::tiers::{self, MINUTES, Rings, SAMPLES, TENS, TWO_HOURS, Tier};
use crate::model::HostId;

/// What a question is about, and what is known of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Whose history.
    pub host: HostId,
    /// From when on, ms since 1970.
    pub from_ms: i64,
    /// Until before when.
    pub to_ms: i64,
    /// In at most so many points, at least 1.
    pub points: u32,
    /// The time of the host's newest sample; now, where that is not known.
    pub newest_ms: i64,
    /// The coarse tiers are complete until before this time, where that is known.
    pub coarse_to_ms: Option<i64>,
}

/// The time that a tier answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which tier.
    pub tier: Tier,
    /// From when on, ms since 1970.
    pub from_ms: i64,
    /// Until before when.
    pub to_ms: i64,
}

impl Part {
    /// The numbers of the blocks whose time it is.
    pub fn block_nos(&self, host: HostId) -> RangeInclusive<u64> {
        self.tier.block_no(host, self.from_ms)..=self.tier.block_no(host, self.to_ms.saturating_sub(1))
    }
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// When the first point begins, ms since 1970.
    pub start_ms: i64,
    /// Until before when there are points.
    pub to_ms: i64,
    /// How long the time of a point is.
    pub step_ms: i64,
    /// Which tier answers for which time: coarsest and oldest first, without holes between them.
    pub parts: Vec<Part>,
}

/// How a question is answered by all tiers.
pub fn plan(question: &Question, rings: &Rings) -> Plan {
    let Question { host, newest_ms, .. } = *question;
    let wanted_ms = wanted_ms(question);
    let base = [TENS, MINUTES].into_iter().find(|tier| tier.step_ms() <= wanted_ms).unwrap_or(SAMPLES);
    // The first moment that a ring holds, where a row of the next coarser tier begins.
    let held_ms = |tier: Tier, coarser: Tier| {
        up(rings.held_from_ms(tier, host, tier.block_no(host, newest_ms)), coarser.step_ms())
    };
    let minutes_to_ms = MINUTES.start_ms(host, MINUTES.block_no(host, newest_ms));
    let half_hour_ago = newest_ms.saturating_sub(i64::from(SAMPLES.block_s) * 1000);
    let coarse_to_ms =
        question.coarse_to_ms.unwrap_or_else(|| tiers::day_start_ms(host, tiers::day_no(host, half_hour_ago)));
    // Until when each tier answers: its last complete row, and not for what a finer one is the base of and holds.
    let until = |tier: Tier, complete_to_ms: i64, finer: Tier| {
        if tier.number > base.number { complete_to_ms.min(held_ms(finer, tier)) } else { complete_to_ms }
    };
    let ends = [
        (TWO_HOURS, until(TWO_HOURS, coarse_to_ms, TENS)),
        (TENS, until(TENS, coarse_to_ms, MINUTES)),
        (MINUTES, until(MINUTES, minutes_to_ms, SAMPLES)),
        (SAMPLES, i64::MAX),
    ];
    assemble(question, &ends)
}

/// How a question is answered by the coarse tiers alone.
pub fn plan_coarse(question: &Question, rings: &Rings) -> Plan {
    let newest_no = TENS.block_no(question.host, question.newest_ms);
    let held_ms = up(rings.held_from_ms(TENS, question.host, newest_no), TWO_HOURS.step_ms());
    assemble(question, &[(TWO_HOURS, held_ms), (TENS, i64::MAX)])
}

/// The parts one behind the other, and points that none of their rows is longer than.
fn assemble(question: &Question, ends: &[(Tier, i64)]) -> Plan {
    let mut parts: Vec<Part> = Vec::new();
    let mut at_ms = question.from_ms;
    for (tier, end_ms) in ends {
        let to_ms = question.to_ms.min(*end_ms);
        if to_ms > at_ms {
            parts.push(Part { tier: *tier, from_ms: at_ms, to_ms });
            at_ms = to_ms;
        }
    }
    // Samples come at any moment; whole seconds are enough for them.
    let unit_ms = parts.first().map_or(1000, |part| if part.tier == SAMPLES { 1000 } else { part.tier.step_ms() });
    let start_ms = question.from_ms.div_euclid(unit_ms).saturating_mul(unit_ms);
    if let Some(first) = parts.first_mut() {
        first.from_ms = start_ms;
    }
    let length_ms = question.to_ms.saturating_sub(start_ms).max(1);
    let step_ms = up(div_up(length_ms, question.points.max(1).into()), unit_ms);
    Plan { start_ms, to_ms: question.to_ms, step_ms, parts }
}

fn wanted_ms(question: &Question) -> i64 {
    div_up(question.to_ms.saturating_sub(question.from_ms).max(1), question.points.max(1).into())
}

fn div_up(number: i64, by: i64) -> i64 {
    number.saturating_add(by - 1).div_euclid(by)
}

fn up(number: i64, to_multiple_of: i64) -> i64 {
    div_up(number, to_multiple_of).saturating_mul(to_multiple_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Sunday, 15:26:30 UTC.
    const NOW_MS: i64 = 1_795_361_190_000;
    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;

    fn question(host: i64, back_ms: i64, points: u32) -> Question {
        Question {
            host: HostId(host),
            from_ms: NOW_MS - back_ms,
            to_ms: NOW_MS,
            points,
            newest_ms: NOW_MS,
            coarse_to_ms: None,
        }
    }

    fn tiers(plan: &Plan) -> Vec<&'static str> {
        plan.parts.iter().map(|part| part.tier.name).collect()
    }

    /// Rows that the plan's ranges of blocks read at most: each its slots, and one at the end of every range of slots.
    fn price(plan: &Plan, host: HostId, rings: &Rings) -> u64 {
        let of = |part: &Part| {
            let numbers = part.block_nos(host);
            let slots = (numbers.end() - numbers.start() + 1).min(rings.of(part.tier));
            let wraps = numbers.start() % rings.of(part.tier) > numbers.end() % rings.of(part.tier);
            slots + if wraps { 2 } else { 1 }
        };
        plan.parts.iter().map(of).sum()
    }

    #[test]
    fn the_tier_follows_from_the_points() {
        let rings = Rings::default();
        for (back_ms, points, expected) in [
            (HOUR_MS, 300, vec!["samples"]),
            (5 * HOUR_MS, 300, vec!["minutes", "samples"]),
            (23 * HOUR_MS, 2_000, vec!["samples"]),
            (DAY_MS, 300, vec!["minutes", "samples"]),
            (7 * DAY_MS, 300, vec!["ten_minutes", "minutes", "samples"]),
            (7 * DAY_MS, 2_000, vec!["minutes", "samples"]),
            (30 * DAY_MS, 300, vec!["ten_minutes", "minutes", "samples"]),
            (365 * DAY_MS, 300, vec!["two_hours", "ten_minutes", "minutes", "samples"]),
        ] {
            // Host 2's block of minutes began some hours ago.
            let plan = plan(&question(2, back_ms, points), &rings);
            assert_eq!(tiers(&plan), expected, "{back_ms} ms in {points}: {plan:?}");
        }
    }

    #[test]
    fn coarser_tiers_answer_for_what_finer_rings_no_longer_hold() {
        let rings = Rings::of_lengths([12, 8, 19, 32]);
        // Three days at a resolution for which minutes are wanted: two days are left of them.
        let plan = plan(&question(2, 3 * DAY_MS, 2_000), &rings);
        assert_eq!(tiers(&plan), ["ten_minutes", "minutes", "samples"]);
        assert_eq!(plan.step_ms, 600_000, "no point is shorter than the rows it is made of");
        let minutes = plan.parts[1];
        assert!((DAY_MS..3 * DAY_MS).contains(&(NOW_MS - minutes.from_ms)), "{minutes:?}");
        assert_eq!(minutes.from_ms % 600_000, 0);
    }

    #[test]
    fn parts_follow_each_other_and_there_are_never_too_many_points() {
        for host in 1..60 {
            for back_ms in [1000, 59_000, HOUR_MS, DAY_MS, 9 * DAY_MS, 100 * DAY_MS, 3_000 * DAY_MS] {
                for points in [1, 2, 299, 300, 2_000] {
                    for rings in [Rings::default(), Rings::of_lengths([1, 1, 1, 1]), Rings::of_lengths([3, 5, 2, 4])] {
                        let asked = question(host, back_ms, points);
                        for plan in [plan(&asked, &rings), plan_coarse(&asked, &rings)] {
                            let first = plan.parts.first().unwrap();
                            assert!(first.from_ms <= asked.from_ms && first.from_ms == plan.start_ms);
                            assert_eq!(plan.parts.last().unwrap().to_ms, NOW_MS);
                            for pair in plan.parts.windows(2) {
                                assert_eq!(pair[0].to_ms, pair[1].from_ms);
                                assert!(pair[0].tier.number > pair[1].tier.number);
                                assert_eq!(pair[0].to_ms % pair[0].tier.step_ms(), 0, "{plan:?}");
                            }
                            let count = div_up(NOW_MS - plan.start_ms, plan.step_ms);
                            assert!((1..=i64::from(points)).contains(&count), "{plan:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_month_of_a_host_costs_at_most_forty_rows_at_any_time_of_the_day() {
        let rings = Rings::default();
        let mut dearest = 0;
        for host in (1..200).map(HostId) {
            for quarter in 0..96 {
                let now_ms = NOW_MS + quarter * HOUR_MS / 4;
                let asked = Question {
                    from_ms: now_ms - 31 * DAY_MS,
                    to_ms: now_ms,
                    newest_ms: now_ms,
                    ..question(host.0, 0, 300)
                };
                dearest = dearest.max(price(&plan(&asked, &rings), host, &rings));
            }
        }
        // The rest is for who asks, the host and the ranges themselves.
        assert_eq!(dearest, 17);
    }

    #[test]
    fn a_host_that_fell_silent_is_not_looked_for_in_fine_rings() {
        let rings = Rings::default();
        let newest_ms = NOW_MS - 20 * DAY_MS;
        let over = tiers::day_start_ms(HostId(2), tiers::day_no(HostId(2), newest_ms) + 1);
        let asked =
            Question { to_ms: newest_ms + 1, newest_ms, coarse_to_ms: Some(over), ..question(2, 30 * DAY_MS, 300) };
        assert_eq!(tiers(&plan(&asked, &rings)), ["ten_minutes"]);
    }
}
