use super::*;
use crate::store::access;
use crate::store::db::now;
use edgewatch_core::model::QuietHours;
use edgewatch_core::units::UnixSeconds;

fn audit(key: &str) -> Statement {
    access::audit(key, UnixSeconds(1), "x", "y", "z")
}

/// Thresholds that say all that can be said.
pub fn full() -> AlertConfig {
    let rest = || r#"{"note":"n"}"#.to_owned();
    let limits = ThresholdMetric::ALL.into_iter().map(|metric| (metric, Limit::new(80.1, 0.0)));
    let thresholds = Thresholds {
        limits: limits.collect(),
        is_off: true,
        ignores_silence: Some(false),
        powered_off: Some(Severity::Critical),
        rest: rest(),
    };
    let metric = |(comparison, _): (Comparison, &str)| GuestFilter::Metric {
        metric: ThresholdMetric::DiskRead,
        comparison,
        value: 0.1 + 0.2,
    };
    let text = |(field, _): (GuestText, &str)| GuestFilter::Text { field, part: "p".to_owned() };
    let mut filters: Vec<GuestFilter> =
        COMPARISONS.into_iter().map(metric).chain(TEXTS.into_iter().map(text)).collect();
    filters.extend([GuestFilter::Raw("r".to_owned()), GuestFilter::Other("{}".to_owned())]);
    let rule = CustomRule {
        id: "r1".to_owned(),
        name: "n".to_owned(),
        filters,
        is_any: true,
        thresholds: thresholds.clone(),
        priority: -3,
        is_enabled: true,
        rest: rest(),
    };
    let quiet_hours = QuietHours { zone: "Europe/Berlin".to_owned(), from_min: 1, to_min: 2, days: [true; 7] };
    AlertConfig {
        is_enabled: false,
        guest: thresholds.clone(),
        overrides: [("lab-pve1-101".to_owned(), thresholds)].into(),
        rules: vec![rule],
        schedule: AlertSchedule {
            quiet_hours,
            tells_of_end: true,
            escalates: true,
            rest: rest(),
            ..AlertSchedule::default()
        },
        holds: HoldTimes { guest_s: Some(5), ..HoldTimes::default() },
        off: Switches { nodes: true, ..Switches::default() },
        silence_off: Switches { storages: true, ..Switches::default() },
        rest: rest(),
        ..AlertConfig::default()
    }
}

#[test]
fn thresholds_come_back_as_they_were_put_last() {
    let db = Db::in_memory().unwrap();
    assert_eq!(now(find(&db)), Ok(AlertConfig::default()));
    for (key, config) in [("1", full()), ("2", AlertConfig::default())] {
        now(put(&db, &config, audit(key))).unwrap();
        assert_eq!(now(find(&db)), Ok(config));
    }
    assert_eq!(now(settings::find_count(&db, rules::RULES_VERSION)).unwrap(), 2);
    now(db.run(settings::put(KEY, "{"))).unwrap();
    assert!(matches!(now(find(&db)), Err(StoreError::Corrupt(_))));
}

#[test]
fn quiet_hours_are_the_one_setting_whoever_sets_them() {
    let db = Db::in_memory().unwrap();
    let mut config = full();
    config.schedule.has_quiet_hours = true;
    now(put(&db, &config, audit("1"))).unwrap();
    let hours = config.schedule.quiet_hours.clone();
    assert_eq!(now(rules::find_quiet_hours(&db)), Ok(Some(hours.clone())));
    let others = QuietHours { zone: "UTC".to_owned(), ..hours.clone() };
    now(rules::put_quiet_hours(&db, Some(&others), audit("2"))).unwrap();
    assert_eq!(now(find(&db)).unwrap().schedule.quiet_hours, others);
    now(rules::put_quiet_hours(&db, None, audit("3"))).unwrap();
    let schedule = now(find(&db)).unwrap().schedule;
    assert_eq!((schedule.has_quiet_hours, schedule.quiet_hours), (false, hours), "when they would be");
    config.schedule.has_quiet_hours = false;
    now(put(&db, &config, audit("4"))).unwrap();
    assert_eq!(now(rules::find_quiet_hours(&db)), Ok(None));
}

#[test]
fn numbers_that_are_none_cost_nobody_his_thresholds() {
    let mut config = AlertConfig { minimum_delta: f64::NAN, ..AlertConfig::default() };
    config.storage = Limit::new(f64::INFINITY, 3.0);
    let kept = decode(&encode(&config).unwrap()).unwrap();
    assert_eq!((kept.minimum_delta.to_bits(), kept.storage), (0, Limit::new(0.0, 3.0)));
}

#[test]
fn the_hub_is_not_told_what_it_has_no_use_for() {
    let kept = without_rest(full());
    assert!(!encode(&kept).unwrap().contains("note"));
    assert_eq!((kept.guest.limits, kept.rules[0].priority), (full().guest.limits, -3));
}
