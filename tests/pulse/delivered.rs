//! Alerts of what an agent polls reach whom Pulse's settings name: what comes within a while as one, by mail and by webhook. Source: pulse
//! specification, 11.1, 11.4 and 11.5.

use edgewatch_harness::mail::{LOGIN, MailServer, Tls};
use edgewatch_harness::receiver::{Received, Receiver};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::collector::{now_ms, until};
use super::fleet::send;
use super::raised::{DNS, Lab, Moment, WEB};

/// The schedule runs so much later.
fn run(worker: &Worker, later_ms: i64) {
    worker.set_clock_ahead(later_ms);
    let at_ms = u64::try_from(now_ms() + later_ms).expect("past 1970");
    assert!(worker.cron_at(at_ms));
}

fn told(receiver: &Receiver) -> Vec<Received> {
    receiver.received()
}

#[test]
fn alerts_are_mailed_and_posted_as_one_and_not_again_while_they_go_on() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let (mails, hook) = (MailServer::start(&authority, Tls::Offered, "PLAIN"), Receiver::start());
    let config = json!({"enabled": true, "server": "localhost", "port": mails.port(), "username": LOGIN.0, "password": LOGIN.1,
        "from": "pulse@example.com", "to": ["ops@example.com"], "tls": false, "startTLS": true});
    assert_eq!(send(&worker, "PUT", "/api/notifications/email", &config).status, 200);
    let hooked = json!({"name": "ops", "url": format!("{}/x", hook.url()), "method": "POST", "enabled": true, "service": "generic",
        "headers": {"X-Key": "of-the-operator"}});
    assert_eq!(send(&worker, "POST", "/api/notifications/webhooks", &hooked).status, 200);
    let mut lab = Lab::on(worker);
    let both = Moment { web: Some(0.955), dns: 0.85 };
    lab.poll(&[both]);
    lab.raised(WEB, "critical");
    lab.raised(DNS, "warning");
    assert!(mails.mails().is_empty() && told(&hook).is_empty(), "they wait for others");
    run(&lab.worker, 61_000);
    until("mail", || !mails.mails().is_empty());
    until("a request", || !told(&hook).is_empty());
    let mail = mails.mails()[0].clone();
    assert_eq!(mail.header("Subject"), "[Pulse Alert] 1 Critical, 1 Warning alerts");
    assert_eq!((mail.to.as_slice(), mail.is_secure), (["ops@example.com".to_owned()].as_slice(), true));
    let posted = told(&hook)[0].clone();
    assert_eq!((posted.method.as_str(), posted.path.as_str()), ("POST", "/x"));
    assert_eq!(
        (posted.header("user-agent"), posted.header("x-key")),
        (Some("Pulse-Monitoring/2.0"), Some("of-the-operator"))
    );
    let body = posted.json();
    assert_eq!(
        (&body["count"], &body["source"], &body["grouped"]),
        (&json!(2), &json!("pulse-monitoring"), &json!(true))
    );
    assert!(body["timestamp"].is_i64());
    let of = |id: &str| -> Value {
        let all = body["alerts"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|alert| alert["id"] == id).unwrap_or_else(|| panic!("no {id} in {body}"))
    };
    let mut web = of(WEB);
    for key in ["startTime", "lastSeen"] {
        assert!(web.as_object_mut().and_then(|alert| alert.remove(key)).is_some(), "{key}");
    }
    let expected = json!({"id": WEB, "type": "cpu", "level": "critical", "resourceId": "lab-pve1-101", "resourceName": "web",
        "node": "pve1", "instance": "lab", "message": "VM cpu usage at 95.5% (trigger: 80%, clear: 75%)", "value": 95.5,
        "threshold": 80, "acknowledged": false, "metadata": {"resourceType": "VM", "clearThreshold": 75}});
    assert_eq!((web, of(DNS)["level"].clone()), (expected, json!("warning")));
    // They go on, and then they are over: nobody is told of that.
    lab.poll(&[both, Moment { web: Some(0.1), dns: 0.1 }]);
    lab.over(WEB);
    lab.over(DNS);
    run(&lab.worker, 180_000);
    run(&lab.worker, 300_000);
    let of_guests = |one: &Received| one.body.contains(WEB);
    assert_eq!(told(&hook).iter().filter(|one| of_guests(one)).count(), 1);
}
