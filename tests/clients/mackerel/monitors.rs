//! The calls of `monitor.rs`, `check_report.rs` and `alert.rs`, and of `host.rs` the one about monitors.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use edgewatch_harness::wait::wait_until;
use mackerel_client::alert::{AlertId, AlertStatus};
use mackerel_client::check_report::{CheckReport, CheckSource};
use mackerel_client::host::HostId;
use mackerel_client::monitor::{MonitorType, MonitorValue};
use serde_json::{Value, json};

use super::World;

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// One of each type, with all that it may have.
fn all_types() -> Vec<Value> {
    let common = json!({
        "memo": "m", "notificationInterval": 60, "isMute": true, "operator": ">", "warning": 4.5, "critical": 8.0,
        "duration": 3, "maxCheckAttempts": 2
    });
    let of = |own: Value| {
        let mut all = own;
        for (key, value) in common.as_object().expect("an object") {
            if all.get(key).is_none() {
                all[key] = value.clone();
            }
        }
        all
    };
    vec![
        of(json!({ "type": "connectivity", "name": "gone", "alertStatusOnGone": "WARNING", "scopes": ["My-Service"],
            "excludeScopes": ["My-Service:db"] })),
        of(json!({ "type": "host", "name": "load", "metric": "loadavg5", "scopes": ["My-Service"],
            "excludeScopes": ["My-Service:db"] })),
        of(json!({ "type": "service", "name": "visits", "service": "My-Service", "metric": "visits",
            "missingDurationWarning": 10, "missingDurationCritical": 60 })),
        of(json!({ "type": "external", "name": "page", "url": "https://example.com/", "method": "POST",
            "service": "My-Service", "responseTimeWarning": 500.0, "responseTimeCritical": 1000.0, "responseTimeDuration": 5,
            "containsString": "ok", "certificationExpirationWarning": 90, "certificationExpirationCritical": 30,
            "skipCertificateVerification": true, "followRedirect": true, "requestBody": "a=1",
            "headers": [{ "name": "Cache-Control", "value": "no-cache" }] })),
        of(json!({ "type": "expression", "name": "sum", "expression": "avg(role(\"a:b\", loadavg5))" })),
        of(
            json!({ "type": "anomalyDetection", "name": "odd", "scopes": ["My-Service:app"], "warningSensitivity": "insensitive",
            "criticalSensitivity": "normal" }),
        ),
        of(json!({ "type": "query", "name": "q", "query": "up", "legend": "l" })),
    ]
}

#[test]
fn monitors_of_every_type_are_made_read_changed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let first = world.done(client.list_monitors());
    assert!(matches!(first[..], [ref one] if matches!(one.value, MonitorValue::Connectivity { .. })), "{first:?}");
    for said in all_types() {
        let value: MonitorValue = serde_json::from_value(said.clone()).expect("the client knows it");
        let made = world.done(client.create_monitor(&value));
        assert_eq!(made.value, value, "{said}");
        assert_eq!(world.done(client.get_monitor(made.id)), made);
        let mut other = said;
        (other["name"], other["memo"], other["isMute"]) = (json!("renamed"), json!(""), json!(false));
        let other: MonitorValue = serde_json::from_value(other).expect("the client knows it");
        assert_eq!(world.done(client.update_monitor(made.id, &other)).value, other);
        assert!(world.done(client.list_monitors()).iter().any(|one| one.id == made.id && one.value == other));
        assert_eq!(world.done(client.delete_monitor(made.id)).value, other);
        assert_eq!(world.refused(client.get_monitor(made.id)).0, 404);
    }
    assert_eq!(world.done(client.list_monitors()), first);
}

fn report(host: HostId, status: AlertStatus, at: DateTime<Utc>) -> CheckReport {
    CheckReport::builder()
        .name("disk")
        .message("nearly full")
        .source(CheckSource::Host { host_id: host })
        .status(status)
        .occurred_at(at)
        .build()
}

#[test]
fn what_checks_report_opens_alerts_that_are_read_noted_and_closed() {
    let world = World::start();
    let (client, host) = (&world.client, world.host("one"));
    let earlier = now() - chrono::TimeDelta::minutes(5);
    world.done(client.create_check_report([report(host, AlertStatus::Critical, earlier)]));
    let open = wait_until("the alert", Duration::from_secs(20), || {
        let (open, next) = world.done(client.list_open_alerts(None::<AlertId>, 100));
        assert_eq!(next, None);
        (open.len() == 1).then_some(open)
    });
    let alert = world.done(client.get_alert(open[0].id));
    assert_eq!(alert, open[0]);
    assert_eq!((alert.status, alert.monitor_type), (AlertStatus::Critical, MonitorType::Check));
    assert_eq!((alert.host_id, alert.message.as_deref()), (Some(host), Some("nearly full")));
    let statuses = world.done(client.list_host_monitored_statuses(host));
    assert!(statuses.iter().any(|one| Some(one.monitor_id) == alert.monitor_id && one.status == AlertStatus::Critical));

    world.done(client.update_alert(alert.id, "we know"));
    let closed = world.done(client.close_alert(alert.id, "mended"));
    assert_eq!((closed.status, closed.reason.as_deref()), (AlertStatus::Ok, Some("mended")));
    assert!(closed.closed_at.is_some_and(|at| at >= closed.opened_at));
    assert_eq!(world.done(client.list_open_alerts(None::<AlertId>, 100)).0, []);
    assert_eq!(world.done(client.list_all_alerts(None::<AlertId>, 1)).0, [closed]);
    assert_eq!(world.refused(client.get_alert("2cSZzK3XfmG")).0, 404);
}
