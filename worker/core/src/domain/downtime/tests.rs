use super::*;
use crate::model::Recurrence;
use crate::units::calendar::{Day, parse_rfc3339};
use proptest::prelude::*;

fn at(text: &str) -> UnixSeconds {
    parse_rfc3339(text).unwrap().0
}

fn once(start: &str, duration_min: u32) -> Downtime {
    let (start, start_offset_s) = parse_rfc3339(start).unwrap();
    Downtime {
        name: "d".to_owned(),
        memo: String::new(),
        start,
        start_offset_s,
        duration_min,
        recurrence: None,
        scope: DowntimeScope::default(),
    }
}

fn again(start: &str, duration_min: u32, unit: CycleUnit, interval: u32) -> Downtime {
    let recurrence = Recurrence { unit, interval, weekdays: [false; 7], until: None };
    Downtime { recurrence: Some(recurrence), ..once(start, duration_min) }
}

fn on_days(mut downtime: Downtime, days: &[usize]) -> Downtime {
    for day in days {
        downtime.recurrence.as_mut().unwrap().weekdays[*day] = true;
    }
    downtime
}

fn until(mut downtime: Downtime, end: &str) -> Downtime {
    downtime.recurrence.as_mut().unwrap().until = Some(at(end));
    downtime
}

/// Whether it is on at each of the times, in UTC.
fn on(downtime: &Downtime, times: &[&str]) -> Vec<bool> {
    times.iter().map(|time| is_on(downtime, at(time), 0)).collect()
}

fn role(service: &str, role: &str) -> RoleName {
    RoleName { service: service.to_owned(), role: role.to_owned() }
}

#[test]
fn one_that_does_not_come_again_is_on_from_its_start_to_its_end() {
    let downtime = once("2026-11-22T15:00:00Z", 90);
    let times = ["2026-11-22T14:59:59Z", "2026-11-22T15:00:00Z", "2026-11-22T16:29:59Z", "2026-11-22T16:30:00Z"];
    assert_eq!(on(&downtime, &times), [false, true, true, false]);
}

#[test]
fn hours_and_days_are_counted_from_the_start() {
    let hourly = again("2026-11-22T15:10:00Z", 5, CycleUnit::Hour, 3);
    let times = ["2026-11-22T12:12:00Z", "2026-11-22T16:12:00Z", "2026-11-22T18:12:00Z", "2026-11-22T18:15:00Z"];
    assert_eq!(on(&hourly, &times), [false, false, true, false]);
    let daily = again("2026-11-22T23:50:00Z", 20, CycleUnit::Day, 2);
    let times = ["2026-11-23T23:55:00Z", "2026-11-24T23:55:00Z", "2026-11-25T00:09:59Z", "2026-11-25T00:10:00Z"];
    assert_eq!(on(&daily, &times), [false, true, true, false]);
}

#[test]
fn weeks_have_days_and_only_those() {
    // 2026-11-25 is a Wednesday.
    let weekly = on_days(again("2026-11-25T08:00:00Z", 60, CycleUnit::Week, 1), &[0, 2]);
    let times = [
        "2026-11-23T08:30:00Z",
        "2026-11-25T08:30:00Z",
        "2026-11-26T08:30:00Z",
        "2026-11-30T08:30:00Z",
        "2026-11-30T09:00:00Z",
    ];
    assert_eq!(on(&weekly, &times), [false, true, false, true, false]);
    let every_other = on_days(again("2026-11-25T08:00:00Z", 60, CycleUnit::Week, 2), &[0, 6]);
    let times = ["2026-11-25T08:30:00Z", "2026-11-29T08:30:00Z", "2026-11-30T08:30:00Z", "2026-12-07T08:30:00Z"];
    assert_eq!(on(&every_other, &times), [false, true, false, true]);
    // A start on another day is none of them; without days it is the start's.
    let plain = again("2026-11-25T08:00:00Z", 60, CycleUnit::Week, 1);
    assert_eq!(on(&plain, &["2026-12-02T08:30:00Z", "2026-12-03T08:30:00Z"]), [true, false]);
}

#[test]
fn one_that_is_longer_than_its_day_goes_on_over_the_week() {
    // Saturday evening to Monday noon.
    let weekend = on_days(again("2026-11-21T20:00:00Z", 40 * 60, CycleUnit::Week, 1), &[5]);
    let times = ["2026-11-30T11:59:59Z", "2026-11-30T12:00:00Z", "2026-11-28T19:59:59Z"];
    assert_eq!(on(&weekend, &times), [true, false, false]);
}

#[test]
fn months_and_years_have_their_day_or_their_last_one() {
    let monthly = again("2026-01-31T01:00:00Z", 30, CycleUnit::Month, 1);
    let times = ["2026-02-28T01:10:00Z", "2026-03-28T01:10:00Z", "2026-03-31T01:10:00Z", "2026-04-30T01:10:00Z"];
    assert_eq!(on(&monthly, &times), [true, false, true, true]);
    let yearly = again("2024-02-29T01:00:00Z", 30, CycleUnit::Year, 1);
    let times = ["2025-02-28T01:10:00Z", "2028-02-29T01:10:00Z", "2028-02-28T01:10:00Z"];
    assert_eq!(on(&yearly, &times), [true, true, false]);
}

#[test]
fn it_does_not_begin_again_after_its_end_and_then_goes_on_to_its_own() {
    let daily = until(again("2026-11-20T23:30:00Z", 60, CycleUnit::Day, 1), "2026-11-22T23:45:00Z");
    let times = ["2026-11-22T23:50:00Z", "2026-11-23T00:20:00Z", "2026-11-23T23:40:00Z"];
    assert_eq!(on(&daily, &times), [true, true, false]);
    let never = until(again("2026-11-20T23:30:00Z", 60, CycleUnit::Day, 1), "2026-11-20T23:29:59Z");
    assert_eq!(on(&never, &["2026-11-20T23:40:00Z"]), [false]);
}

#[test]
fn its_calendar_is_that_of_its_zone_and_so_is_summer_time() {
    // Mondays at 8 in Tokyo are Sundays at 23 of UTC.
    let tokyo = on_days(again("2026-11-23T08:00:00+09:00", 60, CycleUnit::Week, 1), &[0]);
    assert!(is_on(&tokyo, at("2026-11-29T23:30:00Z"), 9 * 3_600));
    assert!(!is_on(&tokyo, at("2026-11-30T23:30:00Z"), 9 * 3_600));
    // At two in the night in Berlin, in winter and in summer.
    let berlin = again("2026-01-10T02:00:00+01:00", 30, CycleUnit::Day, 1);
    assert!(is_on(&berlin, at("2026-01-12T01:10:00Z"), 3_600));
    assert!(is_on(&berlin, at("2026-07-12T00:10:00Z"), 7_200) && !is_on(&berlin, at("2026-07-12T01:10:00Z"), 7_200));
}

#[test]
fn who_names_nothing_names_all_and_excluded_ones_never_count() {
    let web = [role("Shop", "web"), role("Shop", "app")];
    let concern = |roles| Concern { monitor: "m1", roles, service: None };
    let scope = |change: &dyn Fn(&mut DowntimeScope)| {
        let mut scope = DowntimeScope::default();
        change(&mut scope);
        (is_for(&scope, concern(&web)), is_for(&scope, concern(&[])))
    };
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(scope(&|_| ()), (true, true));
    assert_eq!(scope(&|scope| scope.services = texts(&["Shop"])), (true, false));
    assert_eq!(scope(&|scope| scope.services = texts(&["Other"])), (false, false));
    assert_eq!(scope(&|scope| scope.roles = vec![role("Shop", "app")]), (true, false));
    assert_eq!(scope(&|scope| scope.roles = vec![role("Other", "app")]), (false, false));
    let either = |scope: &mut DowntimeScope| {
        scope.services = texts(&["Other"]);
        scope.roles = vec![role("Shop", "web")];
    };
    assert_eq!(scope(&either), (true, false), "a service or a role");
    assert_eq!(scope(&|scope| scope.excluded_services = texts(&["Shop"])), (false, true));
    let part = |scope: &mut DowntimeScope| {
        scope.services = texts(&["Shop"]);
        scope.excluded_roles = vec![role("Shop", "app")];
    };
    assert_eq!(scope(&part), (false, false));
    assert_eq!(scope(&|scope| scope.monitors = texts(&["m1", "m2"])), (true, true));
    assert_eq!(scope(&|scope| scope.monitors = texts(&["m2"])), (false, false));
    assert_eq!(scope(&|scope| scope.excluded_monitors = texts(&["m1"])), (false, false));
}

#[test]
fn a_monitor_of_a_service_is_in_its_scope_without_a_host() {
    let scope = |services: &str, excluded: &str| DowntimeScope {
        services: vec![services.to_owned()],
        excluded_services: vec![excluded.to_owned()],
        ..DowntimeScope::default()
    };
    let concern = Concern { monitor: "m1", roles: &[], service: Some("Shop") };
    assert!(is_for(&scope("Shop", "Other"), concern));
    assert!(!is_for(&scope("Other", "None"), concern) && !is_for(&scope("Shop", "Shop"), concern));
}

#[test]
fn any_of_them_is_enough() {
    let other = Downtime {
        scope: DowntimeScope { monitors: vec!["m2".to_owned()], ..DowntimeScope::default() },
        ..once("2026-11-22T15:00:00Z", 60)
    };
    let concern = |monitor| Concern { monitor, roles: &[], service: None };
    let now = at("2026-11-22T15:30:00Z");
    let both = [once("2026-11-22T10:00:00Z", 60), other];
    assert!(is_down(&both, concern("m2"), now, 0) && !is_down(&both, concern("m1"), now, 0));
    assert!(!is_down(&[], concern("m1"), now, 0));
}

#[test]
fn the_offset_of_a_clock_is_read_from_what_it_shows() {
    // Sunday 15:26 of UTC.
    let now = UnixSeconds(1_795_361_186);
    for (weekday, minute, offset_min) in
        [(6, 926, 0), (6, 986, 60), (0, 26, 540), (6, 626, -300), (0, 326, 840), (6, 206, -720), (6, 1_256, 330)]
    {
        assert_eq!(offset_of(LocalTime { weekday, minute }, now), offset_min * 60, "{weekday} {minute}");
    }
}

/// Whether it is on, by going through everything day by day or hour by hour: slow, and plain to see.
fn is_on_plainly(downtime: &Downtime, now: i64) -> bool {
    let recurrence = downtime.recurrence.as_ref().unwrap();
    let (start, length) = (downtime.start.0, i64::from(downtime.duration_min) * 60);
    let (first, interval) = (Day::of_number(start.div_euclid(DAY_S)), i64::from(recurrence.interval));
    let step = if recurrence.unit == CycleUnit::Hour { 3_600 } else { DAY_S };
    let mut begin = start;
    while begin <= now {
        let (units, day) = ((begin - start) / step, Day::of_number(begin.div_euclid(DAY_S)));
        let months = day.months_since(first);
        let is_day = first.plus_months(months) == day;
        let weekday = usize::try_from((begin.div_euclid(DAY_S) + 3).rem_euclid(7)).unwrap();
        let weeks = (begin.div_euclid(DAY_S) + 3).div_euclid(7) - (start.div_euclid(DAY_S) + 3).div_euclid(7);
        let begins = match recurrence.unit {
            CycleUnit::Hour | CycleUnit::Day => units % interval == 0,
            CycleUnit::Week if recurrence.weekdays.contains(&true) => {
                recurrence.weekdays[weekday] && weeks % interval == 0
            }
            CycleUnit::Week => units % (7 * interval) == 0,
            CycleUnit::Month => is_day && months % interval == 0,
            CycleUnit::Year => is_day && months % (12 * interval) == 0,
        };
        let is_within = recurrence.until.is_none_or(|until| begin <= until.0);
        if begins && is_within && now < begin + length {
            return true;
        }
        begin += step;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn it_is_on_when_going_through_all_its_times_finds_it_on(
        start in 1_700_000_000..1_701_000_000_i64,
        after in -100_000..40_000_000_i64,
        duration_min in 1..4_000_u32,
        interval in 1..5_u32,
        weekdays in any::<[bool; 7]>(),
        ends in prop::option::of(0..40_000_000_i64),
        unit in prop::sample::select(vec![
            CycleUnit::Hour, CycleUnit::Day, CycleUnit::Week, CycleUnit::Month, CycleUnit::Year,
        ]),
    ) {
        let until = ends.map(|after| UnixSeconds(start + after));
        let recurrence = Some(Recurrence { unit, interval, weekdays, until });
        let downtime = Downtime { start: UnixSeconds(start), recurrence, ..once("2026-01-01T00:00:00Z", duration_min) };
        prop_assert_eq!(is_on(&downtime, UnixSeconds(start + after), 0), is_on_plainly(&downtime, start + after));
    }

    #[test]
    fn no_downtime_however_odd_costs_more_than_a_moment(
        start in any::<i64>(), now in any::<i64>(), duration_min in any::<u32>(), interval in any::<u32>(),
        weekdays in any::<[bool; 7]>(), offset_s in -50_000..50_000_i32,
        unit in prop::sample::select(vec![CycleUnit::Hour, CycleUnit::Week, CycleUnit::Month, CycleUnit::Year]),
    ) {
        // Times as far as the API lets them in.
        let (start, now) = (start.rem_euclid(1 << 36), now.rem_euclid(1 << 36));
        let recurrence = Some(Recurrence { unit, interval, weekdays, until: None });
        let downtime = Downtime { start: UnixSeconds(start), recurrence, ..once("2026-01-01T00:00:00Z", duration_min) };
        let is_on = is_on(&downtime, UnixSeconds(now), offset_s);
        prop_assert!(!is_on || now + 50_000 >= start);
    }
}

#[test]
fn what_is_no_more_is_left_out_and_what_was_for_nothing_else_is_for_nothing() {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let roles = |names: &[&str]| {
        let role = |name: &&str| {
            let (service, role) = name.split_once(':').unwrap();
            RoleName { service: service.to_owned(), role: role.to_owned() }
        };
        names.iter().map(role).collect::<Vec<_>>()
    };
    let scope = |services: &[&str], named: &[&str], monitors: &[&str]| DowntimeScope {
        services: texts(services),
        roles: roles(named),
        monitors: texts(monitors),
        ..DowntimeScope::default()
    };
    let (m1, web) = (texts(&["m1"]), roles(&["Shop:web"]));
    let shop = Gone { monitors: &m1, service: Some("Shop"), role: None };
    let role = Gone { role: web.first(), ..Gone::default() };
    for (gone, before, after) in [
        (&shop, scope(&[], &[], &[]), Some(scope(&[], &[], &[]))),
        (&shop, scope(&["Shop", "Other"], &["Shop:db"], &["m1", "m2"]), Some(scope(&["Other"], &[], &["m2"]))),
        (&shop, scope(&["Shop"], &["Other:db"], &[]), Some(scope(&[], &["Other:db"], &[]))),
        (&shop, scope(&["Shop"], &["Shop:db", "Shop:web"], &[]), None),
        (&shop, scope(&["Other"], &[], &["m1"]), None),
        (&role, scope(&["Shop"], &["Shop:web"], &["m1"]), Some(scope(&["Shop"], &[], &["m1"]))),
        (&role, scope(&[], &["Shop:web", "Shop:db"], &[]), Some(scope(&[], &["Shop:db"], &[]))),
        (&role, scope(&[], &["Shop:web"], &[]), None),
    ] {
        assert_eq!(without(&before, gone), after, "{before:?}");
    }
    let excluded = DowntimeScope {
        excluded_services: texts(&["Shop"]),
        excluded_roles: roles(&["Shop:web", "Other:web"]),
        excluded_monitors: texts(&["m1"]),
        ..DowntimeScope::default()
    };
    let left = DowntimeScope { excluded_roles: roles(&["Other:web"]), ..DowntimeScope::default() };
    assert_eq!(without(&excluded, &shop), Some(left), "it goes on for all others");
}
