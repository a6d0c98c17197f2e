//! The configuration of alerts: its usual values, what is kept of what is said, and its aliases.

use serde_json::{Value, json};

use super::*;
use crate::model::{Comparison, GuestFilter, GuestText, ThresholdMetric};

const USUAL: &str = r#"{"enabled":true,
 "guestDefaults":{"cpu":{"trigger":80,"clear":75},"memory":{"trigger":85,"clear":80},"disk":{"trigger":90,"clear":85}},
 "nodeDefaults":{"cpu":{"trigger":80,"clear":75},"memory":{"trigger":85,"clear":80},"disk":{"trigger":90,"clear":85}},
 "storageDefault":{"trigger":85,"clear":80},
 "overrides":{},
 "schedule":{"quietHours":{"enabled":false,"start":"22:00","end":"08:00","timezone":"America/New_York",
    "days":{"monday":true,"tuesday":true,"wednesday":true,"thursday":true,"friday":true,"saturday":false,"sunday":false}},
  "cooldown":5,"groupingWindow":30,"maxAlertsHour":10,
  "escalation":{"enabled":false,"levels":[{"after":15,"notify":"email"},{"after":30,"notify":"webhook"},{"after":60,"notify":"all"}]},
  "grouping":{"enabled":true,"window":30,"byNode":true,"byGuest":false}},
 "minimumDelta":2,"suppressionWindow":5,"hysteresisMargin":5,"timeThreshold":0}"#;

fn json_of(config: &AlertConfig) -> Value {
    serde_json::to_value(AlertConfigReply::from(config)).unwrap()
}

fn parse(body: &str) -> AlertConfig {
    parse_alert_config(body.as_bytes()).unwrap()
}

#[test]
fn the_usual_configuration_is_the_documented_one() {
    assert_eq!(json_of(&AlertConfig::default()), serde_json::from_str::<Value>(USUAL).unwrap());
    assert_eq!(parse(USUAL), AlertConfig::default());
    for short in ["{}", r#"{"enabled":true,"overrides":{}}"#, r#"{"enabled":true,"overrides":null,"schedule":null}"#] {
        assert_eq!(parse(short), AlertConfig::default(), "{short}");
    }
    assert_eq!(serde_json::to_string(&SavedReply::DONE).unwrap(), r#"{"status":"success","success":true}"#);
}

#[test]
fn the_zeroed_schedule_of_a_fresh_server_is_the_usual_one() {
    let zeroed = r#"{"schedule":{"quietHours":{"enabled":false,"start":"","end":"","timezone":"","days":null},"cooldown":0,
        "groupingWindow":0,"maxAlertsHour":0,"escalation":{"enabled":false,"levels":null},
        "grouping":{"enabled":false,"window":0,"byNode":false,"byGuest":false}}}"#;
    assert_eq!(parse(zeroed), AlertConfig::default());
    let said = r#"{"schedule":{"quietHours":{"enabled":true,"start":"23:30","end":"6:05","timezone":"Europe/Berlin","days":{"sunday":true},
        "suppress":{"storage":true}},"cooldown":0,"maxAlertsHour":3,"notifyOnResolve":true,"escalation":{"enabled":true,"levels":[]},
        "grouping":{"enabled":false,"window":0},"later":1}}"#;
    let schedule = parse(said).schedule;
    assert_eq!((schedule.quiet_hours.from_min, schedule.quiet_hours.to_min), (23 * 60 + 30, 6 * 60 + 5));
    assert_eq!(schedule.quiet_hours.days, [false, false, false, false, false, false, true]);
    assert_eq!((schedule.cooldown_min, schedule.most_an_hour, schedule.levels.len()), (0, 3, 0));
    assert!(schedule.tells_of_end && schedule.escalates && !schedule.grouping.is_on);
    let keys = serde_json::to_value(ScheduleKeys::from(&schedule)).unwrap();
    assert_eq!((&keys["later"], &keys["quietHours"]["suppress"]), (&json!(1), &json!({"storage": true})));
    assert_eq!((&keys["quietHours"]["end"], &keys["notifyOnResolve"]), (&json!("06:05"), &json!(true)));
}

#[test]
fn everything_that_is_said_is_said_again() {
    let body = json!({"enabled":false,
        "guestDefaults":{"cpu":{"trigger":70,"clear":60},"diskRead":{"trigger":150,"clear":125},"networkIn":{"trigger":200,"clear":175},
            "poweredOffSeverity":"critical","note":"hm"},
        "nodeDefaults":{},"hostDefaults":{"cpu":{"trigger":50,"clear":45},"temperature":{"trigger":80,"clear":75}},
        "pbsDefaults":{"cpu":{"trigger":50,"clear":45}},"storageDefault":{"trigger":95,"clear":90},
        "overrides":{"lab-pve1-101":{"cpu":{"trigger":99,"clear":95},"disabled":true,"disableConnectivity":false}},
        "customRules":[{"id":"r1","name":"Databases","description":"d","filterConditions":{"filters":[
            {"type":"metric","field":"cpu","operator":">=","value":10},{"type":"text","field":"name","operator":"contains","value":"db"},
            {"type":"raw","rawText":"x"},{"type":"new","x":1}],"logicalOperator":"OR"},
            "thresholds":{"memory":{"trigger":95,"clear":90}},"priority":7,"enabled":true,
            "notifications":{"email":{"enabled":true,"recipients":["a@b"]}},"createdAt":"2025-08-12T10:00:00Z"}],
        "schedule":serde_json::from_str::<Value>(USUAL).unwrap()["schedule"],
        "minimumDelta":3.5,"suppressionWindow":6,"hysteresisMargin":4,"timeThreshold":15,
        "timeThresholds":{"guest":5,"pbs":7},"disableAllHosts":false,"disableAllPBS":true,"disableAllGuestsOffline":true,
        "activationState":"active","flappingEnabled":true,"metricTimeThresholds":{"guest":{"cpu":9}}});
    let config = parse(&body.to_string());
    assert_eq!(json_of(&config), body);
    assert_eq!(parse(&json_of(&config).to_string()), config);
    assert!(
        !config.is_enabled
            && config.off.pbs
            && !config.off.hosts
            && config.silence_off.guests
            && !config.silence_off.pbs
    );
    assert_eq!((config.holds.guest_s, config.holds.node_s, config.hold_s), (Some(5), None, 15));
    let rule = &config.rules[0];
    let expected = [
        GuestFilter::Metric { metric: ThresholdMetric::Cpu, comparison: Comparison::AtLeast, value: 10.0 },
        GuestFilter::Text { field: GuestText::Name, part: "db".to_owned() },
        GuestFilter::Raw("x".to_owned()),
        GuestFilter::Other(r#"{"type":"new","x":1}"#.to_owned()),
    ];
    assert_eq!((rule.filters.as_slice(), rule.is_any, rule.priority), (expected.as_slice(), true, 7));
    let over = &config.overrides["lab-pve1-101"];
    assert_eq!(
        (over.is_off, over.ignores_silence, config.guest.rest.as_str()),
        (true, Some(false), r#"{"note":"hm"}"#)
    );
}

#[test]
fn numbers_and_old_keys_are_limits_too_and_keys_have_any_case() {
    let config = parse(
        r#"{"HysteresisMargin":10,"GuestDefaults":{"CPU":80,"memoryLegacy":50,"disk":{"trigger":90}},"storageDefault":70,
        "minimumDelta":0,"suppressionWindow":0}"#,
    );
    let limit = |metric| config.guest.limits[&metric];
    assert_eq!(
        (limit(ThresholdMetric::Cpu), limit(ThresholdMetric::Memory)),
        (Limit::new(80.0, 70.0), Limit::new(50.0, 40.0))
    );
    assert_eq!((limit(ThresholdMetric::Disk), config.storage), (Limit::new(90.0, 0.0), Limit::new(70.0, 60.0)));
    assert_eq!((config.minimum_delta.to_bits(), config.suppression_min), (2.0_f64.to_bits(), 5));
    assert_eq!(parse(r#"{"storageDefault":{"trigger":0,"clear":0}}"#).storage, Limit::new(85.0, 80.0));
    let filters = r#"{"customRules":[{"filterConditions":{"filters":[{"type":"metric","field":"cpu","operator":"==","value":"5"},
        {"type":"text","field":"vmid","value":101}]}}]}"#;
    let rule = &parse(filters).rules[0];
    assert!(matches!(rule.filters[0], GuestFilter::Metric { comparison: Comparison::Equal, .. }));
    assert_eq!(rule.filters[1], GuestFilter::Text { field: GuestText::Vmid, part: "101".to_owned() });
    assert!(!rule.is_any && !rule.is_enabled);
}

#[test]
fn values_of_other_types_are_refused() {
    for body in [
        "",
        "[]",
        r#"{"enabled":"yes"}"#,
        r#"{"guestDefaults":[]}"#,
        r#"{"guestDefaults":{"cpu":"80"}}"#,
        r#"{"guestDefaults":{"cpu":{"trigger":"80"}}}"#,
        r#"{"overrides":{"a":1}}"#,
        r#"{"customRules":{}}"#,
        r#"{"schedule":{"quietHours":{"start":"25:00"}}}"#,
        r#"{"schedule":{"escalation":{"levels":[{"after":5,"notify":"nobody"}]}}}"#,
        r#"{"guestDefaults":{"poweredOffSeverity":"bad"}}"#,
    ] {
        let refused = parse_alert_config(body.as_bytes());
        assert!(matches!(refused, Err(Failure::Malformed { .. } | Failure::Invalid { .. })), "{body}");
    }
}

#[test]
fn thresholds_are_changed_key_by_key() {
    let usual = AlertConfig::default();
    let view = serde_json::to_value(ThresholdsView::from(&usual)).unwrap();
    assert!(
        view.get("overrides").is_none()
            && view["guestDefaults"]["cpu"]["trigger"] == 80
            && view["schedule"]["cooldown"] == 5
    );
    let changed = |body: &str| changed_thresholds(&usual, body.as_bytes());
    assert_eq!(changed("{}").unwrap(), usual);
    let one = changed(
        r#"{"guestDefaults":{"cpu":{"trigger":90},"memory":null,"disk":70},"timeThreshold":30,"overrides":{"a":{}}}"#,
    )
    .unwrap();
    assert_eq!(one.guest.limits[&ThresholdMetric::Cpu], Limit::new(90.0, 75.0));
    assert_eq!(one.guest.limits[&ThresholdMetric::Disk], Limit::new(70.0, 65.0));
    assert!(!one.guest.limits.contains_key(&ThresholdMetric::Memory) && one.overrides.is_empty());
    assert_eq!((one.hold_s, &one.node), (30, &usual.node));
    let flat = changed(r#"{"cpu":70,"memory":{"trigger":60,"clear":50},"storage":95}"#).unwrap();
    for thresholds in [&flat.guest, &flat.node] {
        assert_eq!(thresholds.limits[&ThresholdMetric::Cpu], Limit::new(70.0, 65.0));
        assert_eq!(thresholds.limits[&ThresholdMetric::Memory], Limit::new(60.0, 50.0));
        assert_eq!(thresholds.limits[&ThresholdMetric::Disk], Limit::new(90.0, 85.0));
    }
    assert_eq!(flat.storage, Limit::new(95.0, 90.0));
    for body in [
        "",
        "7",
        r#"{"cpu":"80"}"#,
        r#"{"cpu":101}"#,
        r#"{"storage":100.5}"#,
        r#"{"nodeDefaults":{"disk":{"trigger":120,"clear":1}}}"#,
    ] {
        assert!(changed(body).is_err(), "{body}");
    }
    assert!(changed(r#"{"guestDefaults":{"diskRead":{"trigger":500,"clear":400}}}"#).is_ok());
}

#[test]
fn overrides_are_upserted_replaced_and_taken_away() {
    let usual = AlertConfig::default();
    let change = |config: &AlertConfig, body: &str| OverridesChange::parse(config, body.as_bytes());
    let with =
        change(&usual, r#"{"a":{"cpu":90},"b":{"usage":{"trigger":70,"clear":60}}}"#).unwrap().applied(usual.clone());
    let view = serde_json::to_value(OverridesChange::view(&with)).unwrap();
    assert_eq!(view, json!({"a":{"cpu":{"trigger":90,"clear":85}},"b":{"usage":{"trigger":70,"clear":60}}}));
    assert_eq!(json_of(&with)["overrides"], view);
    let fewer = change(&with, r#"{"overrides":{"a":null,"c":{"memory":50}}}"#).unwrap().applied(with.clone());
    assert_eq!(fewer.overrides.keys().collect::<Vec<_>>(), ["b", "c"]);
    let one = change(&with, r#"{"resourceId":"d","thresholds":{"disabled":true}}"#).unwrap();
    assert!(one.clone().applied(with.clone()).overrides.len() == 3 && one.replaced(with.clone()).overrides["d"].is_off);
    assert!(change(&with, "{}").unwrap().replaced(with.clone()).overrides.is_empty());
    for body in ["[]", r#"{"a":1}"#, r#"{"a":{"cpu":"x"}}"#, r#"{"a":{"cpu":150}}"#, r#"{"":{}}"#] {
        assert!(change(&usual, body).is_err(), "{body}");
    }
}
