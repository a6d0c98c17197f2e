use super::*;
use crate::domain::budget::prices::{Plan, Ratio};

/// 00:00 UTC of some day.
const MIDNIGHT: UnixSeconds = UnixSeconds(20_780 * 86_400);
const HOUR_S: i64 = 3_600;
const RANGE: Range = Range { base: Levers { frame_s: 60, write_s: 60, newest_s: 300, live_hosts: 50 }, block_s: 1_200 };

fn load(socket_hosts: u32) -> Load {
    Load { socket_hosts, posting_hosts: 0, watched_hosts: 0, period_s: 10, shards: 1 }
}

fn situation(now: UnixSeconds, load: Load, spent: Usage, pace: Option<Pace>) -> Situation {
    Situation { now, spent, pace, load, terms: Terms::default(), range: RANGE }
}

fn settled(levers: Levers, at: UnixSeconds) -> Held {
    Held { levers, changed_at: at.plus(-6 * HOUR_S), rest_until: at.plus(-HOUR_S), hold_until: None }
}

/// A pace of the given usage an hour.
fn hourly(used: Usage) -> Pace {
    Pace { used, over_s: 3_600 }
}

fn requests(count: u64) -> Usage {
    Usage { object_calls: count, ..Usage::default() }
}

/// Runs the governor every ten minutes over `days` against a fleet that costs what the estimate says times `dearer`.
/// Gives what every day spent and how often the levers were turned.
fn live(load: Load, terms: Terms, days: i64, dearer: u64) -> (Vec<Usage>, usize, Held) {
    let (mut held, mut turns, mut spent_by_day) = (None, 0, Vec::new());
    let (mut spent, mut since_change, mut since_s) = (Usage::default(), Usage::default(), 0_u32);
    for tick in 0..days * 144 {
        let now = MIDNIGHT.plus(tick * 600);
        if tick > 0 && second_of_day(now) == 0 {
            spent_by_day.push(spent);
            spent = Usage::default();
        }
        let pace = (since_s > 0).then_some(Pace { used: since_change, over_s: since_s });
        let decision = decide(held, &Situation { terms, ..situation(now, load, spent, pace) });
        if decision.is_changed && held.is_some() {
            turns += 1;
        }
        if decision.held.changed_at == now {
            (since_change, since_s) = (Usage::default(), 0);
        }
        held = Some(decision.held);
        let mut day = load.daily(&decision.held.levers);
        if decision.held.hold_until.is_some() {
            day = load.presence_daily();
        }
        // What ten minutes of that day are.
        let part = |count: u64| count * dearer / 100 / 144;
        let tenth = Usage {
            object_calls: part(day.object_calls),
            messages: part(day.messages),
            alarms: day.alarms / 144,
            alarms_set: day.alarms_set / 144,
            worker_requests: part(day.worker_requests),
            object_rows_written: part(day.object_rows_written),
            d1_rows_written: part(day.d1_rows_written),
            active_ms: part(day.active_ms),
            ..Usage::default()
        };
        spent = spent.plus(tenth);
        since_change = since_change.plus(tenth);
        since_s += 600;
    }
    spent_by_day.push(spent);
    (spent_by_day, turns, held.unwrap())
}

#[test]
fn a_small_fleet_is_left_alone() {
    let (days, turns, held) = live(load(3), Terms::default(), 2, 100);
    assert_eq!((held.levers, turns), (RANGE.base, 0));
    assert!(super::super::prices::free_share_max(&days[0], Ratio::Twenty) < 0.2);
}

#[test]
fn the_opening_goes_by_the_fleet_s_size_before_anything_is_spent() {
    let opened = decide(None, &situation(MIDNIGHT, load(1_000), Usage::default(), None));
    assert_eq!(opened.held.levers, Levers { frame_s: 60, write_s: 1_200, newest_s: 3_600, live_hosts: 50 });
    assert!(opened.is_changed);
    let opened = decide(None, &situation(MIDNIGHT, load(100), Usage::default(), None));
    assert_eq!(opened.held.levers, Levers { frame_s: 60, write_s: 300, newest_s: 300, live_hosts: 50 });
}

#[test]
fn a_thousand_hosts_stay_inside_the_free_plan_and_are_turned_rarely() {
    // As the estimate says, and with a tenth more of everything than it knows of.
    for dearer in [100, 110, 130] {
        let (days, turns, _) = live(Load { watched_hosts: 50, ..load(1_000) }, Terms::default(), 3, dearer);
        for (number, day) in days.iter().enumerate() {
            let share = super::super::prices::free_share_max(day, Ratio::Twenty);
            assert!(share <= 1.0, "day {number} at {dearer} %: {share}");
        }
        assert!(turns <= 3 * 8, "{turns} turns at {dearer} %");
    }
}

#[test]
fn hundreds_of_hosts_fit_without_the_ratio() {
    let terms = Terms { ratio: Ratio::One, ..Terms::default() };
    let posting = Load { socket_hosts: 0, posting_hosts: 340, ..load(0) };
    for fleet in [load(340), Load { watched_hosts: 50, ..load(340) }, posting] {
        let (days, _, held) = live(fleet, terms, 3, 100);
        let shares: Vec<f64> = days.iter().map(|day| super::super::prices::free_share_max(day, Ratio::One)).collect();
        assert!(shares.iter().all(|share| *share <= 1.0), "{fleet:?}: {shares:?} with {:?}", held.levers);
        assert_eq!(held.hold_until, None, "{fleet:?}");
    }
}

#[test]
fn half_the_account_is_half_the_fleet() {
    let terms = Terms { account_percent: 50, ..Terms::default() };
    let half = Situation { terms, ..situation(MIDNIGHT, load(1_000), Usage::default(), None) };
    let levers = decide(None, &half).held.levers;
    assert!(levers.frame_s > 60, "{levers:?}");
}

#[test]
fn it_slows_down_from_95_percent_and_by_as_many_steps_as_it_takes() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let held = settled(RANGE.base, noon);
    // 1,000 hosts: a frame a minute is 36,000 requests for the half day; every two minutes saves 18,000.
    let at = |spent: u64| {
        let pace = Some(hourly(requests(4_000)));
        decide(Some(held), &situation(noon, load(1_000), requests(spent), pace))
    };
    assert_eq!(at(46_000).held.levers.frame_s, 60, "94 %");
    assert_eq!(at(48_000).held.levers.frame_s, 120, "96 %");
    assert_eq!(at(62_000).held.levers.frame_s, 180, "110 %, so 86 % by three minutes");
    assert_eq!(at(48_000).held.rest_until, noon.plus(REST_AFTER_SLOWER_S));
}

#[test]
fn frames_give_way_before_live_ones() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let at = |socket_hosts: u32| {
        let watched = Load { watched_hosts: 50, ..load(socket_hosts) };
        let situation = situation(noon, watched, requests(0), Some(hourly(requests(8_000))));
        decide(Some(settled(RANGE.base, noon)), &situation).held.levers
    };
    assert_eq!(at(1_000), Levers { frame_s: 120, ..RANGE.base }, "96 % less 17");
    assert_eq!(at(200), Levers { frame_s: 600, live_hosts: 25, ..RANGE.base }, "frames save 5 of the 6 % asked for");
}

#[test]
fn rows_of_objects_are_saved_by_writing_blocks_later_and_frames_stay() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let rows = |count| Usage { object_rows_written: count, ..Usage::default() };
    let held = settled(RANGE.base, noon);
    let decision = decide(Some(held), &situation(noon, load(100), rows(50_000), Some(hourly(rows(6_000)))));
    assert_eq!(decision.held.levers, Levers { write_s: 300, ..RANGE.base });
}

#[test]
fn a_pace_from_before_the_change_or_of_a_moment_decides_nothing() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let fast = requests(40_000);
    let with = |held: Held, over_s: u32| {
        let pace = Some(Pace { used: fast, over_s });
        decide(Some(held), &situation(noon, load(1_000), requests(48_000), pace)).is_changed
    };
    let held = settled(RANGE.base, noon);
    assert!(with(held, 3_600));
    assert!(!with(held, MIN_PACE_S - 1));
    assert!(!with(Held { changed_at: noon.plus(-1_800), ..held }, 3_600));
    assert!(with(Held { changed_at: noon.plus(-3_600), ..held }, 3_600));
}

#[test]
fn a_step_back_is_taken_below_80_percent_one_at_a_time_and_after_a_rest() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let slow = Levers { frame_s: 180, write_s: 1_200, newest_s: 3_600, live_hosts: 50 };
    let held = settled(slow, noon);
    // From three minutes to two the half day of 1,000 hosts costs 6,000 more.
    let at = |held: Held, spent: u64| {
        decide(Some(held), &situation(noon, load(1_000), requests(spent), Some(hourly(requests(1_000))))).held
    };
    assert_eq!(at(held, 61_000).levers.frame_s, 120, "73 + 6 = 79 %");
    assert_eq!(at(held, 63_000).levers.frame_s, 180, "75 + 6 = 81 %");
    assert_eq!(at(held, 0).levers.frame_s, 120, "one step, however much room there is");
    assert_eq!(at(held, 0).rest_until, noon.plus(REST_AFTER_FASTER_S));
    assert_eq!(at(Held { rest_until: noon.plus(1), ..held }, 0).levers.frame_s, 180);
}

#[test]
fn a_wish_that_changed_is_followed_at_once() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let wished = Range { base: Levers { frame_s: 180, live_hosts: 5, ..RANGE.base }, ..RANGE };
    let calm = situation(noon, load(10), Usage::default(), None);
    let decision = decide(Some(settled(RANGE.base, noon)), &Situation { range: wished, ..calm });
    assert_eq!((decision.held.levers, decision.is_changed), (wished.base, true));
}

#[test]
fn a_meter_that_is_all_but_spent_gets_the_ends_of_its_levers_at_once() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let just_changed = Held { changed_at: noon, ..settled(RANGE.base, noon) };
    let decision = decide(Some(just_changed), &situation(noon, load(10), requests(97_000), None));
    assert_eq!(decision.held.levers, Levers { frame_s: 600, live_hosts: 0, ..RANGE.base });
}

#[test]
fn samples_are_held_once_presence_needs_all_that_is_left() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let held = settled(RANGE.base, noon);
    // Half a day of alarms and cron: 4,320 + 720 requests, a tenth more and 1,000 under way are 6,544.
    let at = |spent: u64| decide(Some(held), &situation(noon, load(10), requests(spent), None)).held.hold_until;
    assert_eq!(at(93_400), None);
    assert_eq!(at(93_500), Some(MIDNIGHT.plus(24 * HOUR_S)));
    assert_eq!(at(200_000), Some(MIDNIGHT.plus(24 * HOUR_S)));
    let rows = Usage { object_rows_written: 96_000, ..Usage::default() };
    assert!(decide(Some(held), &situation(noon, load(10), rows, None)).held.hold_until.is_some());
}

#[test]
fn what_is_held_is_held_until_midnight_and_not_longer() {
    let midnight = MIDNIGHT.plus(24 * HOUR_S);
    let held = Held { hold_until: Some(midnight), ..settled(RANGE.base, MIDNIGHT) };
    let at = |now: UnixSeconds| decide(Some(held), &situation(now, load(10), Usage::default(), None)).held.hold_until;
    assert_eq!(at(midnight.plus(-1)), Some(midnight), "no counter that was lost ends it");
    assert_eq!(at(midnight), None);
}

#[test]
fn the_paid_plan_and_one_s_own_machine_are_not_slowed_down() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    for plan in [Plan::Paid, Plan::Own] {
        let terms = Terms { plan, ..Terms::default() };
        let most = Usage { d1_bytes: 1, ..requests(10_000_000) };
        let busy = Situation { terms, ..situation(noon, load(5_000), most, Some(hourly(most))) };
        assert_eq!(decide(None, &busy).held.levers, RANGE.base);
        let slow = settled(Levers { frame_s: 120, ..RANGE.base }, noon);
        let decision = decide(Some(slow), &busy);
        assert_eq!((decision.held.levers, decision.held.hold_until), (RANGE.base, None));
        assert_eq!(decision.tightest(), None);
    }
}

#[test]
fn the_operator_is_told_of_the_tightest_meter() {
    let noon = MIDNIGHT.plus(12 * HOUR_S);
    let spent = Usage { d1_rows_written: 99_000, worker_requests: 98_000, ..Usage::default() };
    let decision = decide(Some(settled(RANGE.base, noon)), &situation(noon, load(10), spent, None));
    assert_eq!(decision.tightest().unwrap().meter, Meter::D1RowsWritten);
    let calm = decide(Some(settled(RANGE.base, noon)), &situation(noon, load(10), Usage::default(), None));
    assert_eq!(calm.tightest(), None);
}
