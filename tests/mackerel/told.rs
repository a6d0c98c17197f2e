//! Who is told of what monitors find: the channels of the notification groups that name the monitor or its service, and the default
//! group's unless it is skipped. Source: mackerel specification, 10.

use std::time::Duration;

use edgewatch_harness::receiver::{Answering, Receiver};
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use super::Mackerel;
use super::watching::{Time, alerts, monitor};

const PATIENCE: Duration = Duration::from_secs(30);

/// A channel whose receiver is a server of its own.
struct Channel {
    receiver: Receiver,
    id: String,
}

impl Channel {
    fn make(mackerel: &Mackerel, name: &str) -> Self {
        let receiver = Receiver::start();
        let wanted = json!({ "type": "webhook", "name": name, "url": receiver.url(), "events": ["alert"] });
        let id = mackerel.done("POST", "/channels", &wanted)["id"].as_str().expect("an id").to_owned();
        Self { receiver, id }
    }

    /// What it was told: the kind of event, and what it is about.
    fn told(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let received = self.receiver.received().into_iter().map(|one| one.json());
        received.map(|body| (text(&body["kind"]), text(&body["text"]))).collect()
    }

    /// Waits until it was told so many things, and gives them.
    fn wait(&self, count: usize) -> Vec<(String, String)> {
        wait_until(&format!("{count} notifications"), PATIENCE, || {
            let told = self.told();
            (told.len() >= count).then_some(told)
        })
    }

    fn kinds(&self) -> Vec<String> {
        self.told().into_iter().map(|(kind, _)| kind).collect()
    }
}

/// A group that names only this channel and what `more` says; the default group has the channel `default`.
fn group(mackerel: &Mackerel, name: &str, channel: &Channel, more: &Value) {
    let mut said = json!({ "name": name, "childChannelIds": [channel.id] });
    for (key, value) in more.as_object().expect("an object") {
        said[key] = value.clone();
    }
    mackerel.done("POST", "/notification-groups", &said);
}

/// The default group tells this channel and no other.
fn default_group(mackerel: &Mackerel, channel: &Channel) {
    let listed = mackerel.get("/notification-groups")["notificationGroups"][0].clone();
    let mut said = listed.clone();
    said["childChannelIds"] = json!([channel.id]);
    mackerel.done("PUT", &format!("/notification-groups/{}", listed["id"].as_str().expect("an id")), &said);
}

#[test]
fn a_metrics_alert_goes_to_the_group_of_its_monitor_and_past_all_others() {
    let mackerel = Mackerel::start();
    let host = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web"] }));
    let channels = ["default", "own", "other", "service", "critical"].map(|name| Channel::make(&mackerel, name));
    let [default, own, other, service, loud] = &channels;
    default_group(&mackerel, default);
    let watched = monitor(&mackerel, &json!({ "name": "load" }));
    let unwatched = monitor(&mackerel, &json!({ "name": "never", "metric": "loadavg1" }));
    group(&mackerel, "own", own, &json!({ "monitors": [{ "id": watched, "skipDefault": true }] }));
    group(&mackerel, "other", other, &json!({ "monitors": [{ "id": unwatched, "skipDefault": true }] }));
    group(&mackerel, "service", service, &json!({ "services": [{ "name": "Shop", "skipDefault": false }] }));
    let critical = json!({ "monitors": [{ "id": watched }], "notificationLevel": "critical" });
    group(&mackerel, "critical", loud, &critical);
    let mut time = Time::of(&mackerel);
    time.post(&host, 5.0);
    let open = alerts(&mackerel, "", 1);
    assert_eq!((&open[0]["monitorId"], &open[0]["status"]), (&watched, &json!("WARNING")));
    let told = own.wait(1);
    assert!(told[0].0 == "alert_fired" && told[0].1.contains("load (WARNING)"), "{told:?}");
    service.wait(1);
    time.minute();
    time.post(&host, 9.0);
    own.wait(2);
    loud.wait(1);
    time.minute();
    time.post(&host, 1.0);
    alerts(&mackerel, "", 0);
    own.wait(3);
    service.wait(3);
    loud.wait(2);
    time.minute();
    let all = ["alert_fired", "alert_changed", "alert_recovered"];
    assert_eq!(
        (own.kinds(), service.kinds(), loud.kinds()),
        (
            all.map(str::to_owned).to_vec(),
            all.map(str::to_owned).to_vec(),
            all[1..].iter().map(|kind| (*kind).to_owned()).collect()
        )
    );
    assert_eq!((default.told(), other.told()), (vec![], vec![]), "one is skipped, the other is not meant");
}

#[test]
fn a_web_addresss_alert_goes_to_the_groups_of_its_monitor_and_of_its_service() {
    let mackerel = Mackerel::at_home();
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    let channels = ["default", "own", "service", "other"].map(|name| Channel::make(&mackerel, name));
    let [default, own, service, other] = &channels;
    default_group(&mackerel, default);
    let page = Receiver::start();
    let said = |name: &str, more: Value| {
        let mut said = json!({ "type": "external", "name": name, "url": page.url() });
        said["service"] = more;
        mackerel.done("POST", "/monitors", &said)["id"].clone()
    };
    let (of_shop, plain) = (said("shop", json!("Shop")), said("plain", Value::Null));
    group(&mackerel, "own", own, &json!({ "monitors": [{ "id": plain, "skipDefault": true }] }));
    group(&mackerel, "service", service, &json!({ "services": [{ "name": "Shop" }] }));
    group(&mackerel, "other", other, &json!({}));
    page.answer(Answering::status(500));
    let mut time = Time::of(&mackerel);
    time.minute();
    let open = alerts(&mackerel, "", 2);
    assert!(open.iter().any(|alert| alert["monitorId"] == of_shop), "{open:?}");
    own.wait(1);
    service.wait(1);
    default.wait(1);
    page.answer(Answering::status(200));
    time.minute();
    alerts(&mackerel, "", 0);
    for channel in [own, service, default] {
        channel.wait(2);
    }
    time.minute();
    for (channel, name) in [(own, "plain"), (service, "shop"), (default, "shop")] {
        let told = channel.told();
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["alert_fired", "alert_recovered"]);
        assert!(told.iter().all(|(_, text)| text.contains(name)), "{told:?}");
    }
    assert_eq!(other.told(), []);
    let body = own.receiver.received().remove(0).json();
    assert_eq!((&body["host_id"], &body["host_name"]), (&Value::Null, &Value::Null));
    // Without its service it is looked at as before.
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    let id = of_shop.as_str().expect("an id");
    let left = mackerel.get(&format!("/monitors/{id}"))["monitor"].clone();
    assert_eq!(left.get("service"), None);
    mackerel.done("PUT", &format!("/monitors/{id}"), &left);
    page.answer(Answering::status(500));
    time.minute();
    alerts(&mackerel, "", 2);
}
