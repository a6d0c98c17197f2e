//! Notification channels. Source: mackerel specification, 10.

use edgewatch_harness::receiver::Receiver;
use serde_json::{Value, json};

use super::{Mackerel, audited, call, key};

const MASK: &str = "********";

/// A request of our own API, by an administrator.
fn native(mackerel: &Mackerel, method: &str, path: &str, body: &Value) -> Value {
    let header = [("Authorization", mackerel.worker.token.as_str())];
    let reply = mackerel.worker.request(method, &format!("/api/edgewatch/v1{path}"), &header, &body.to_string());
    assert!(reply.status < 300, "{method} {path}: {}", reply.body);
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

fn id(channel: &Value) -> &str {
    channel["id"].as_str().expect("an id")
}

#[test]
fn channels_are_those_that_there_are_as_far_as_clients_know_their_types() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/channels?", "").body, r#"{"channels":[]}"#);
    for (kind, config) in [
        ("webhook", json!({ "url": "https://example.com/secret-path" })),
        ("telegram", json!({ "token": "12:telegram-secret", "chat_id": -100 })),
        ("slack", json!({ "url": "https://hooks.slack.com/services/T0/B0/secret", "mention_critical": "<!here>" })),
        ("resend", json!({ "token": "key-secret", "from": "a@b.c", "to": "d@e.f,g@h.i" })),
    ] {
        native(&mackerel, "POST", "/channels", &json!({ "name": kind, "kind": kind, "config": config }));
    }
    let reader = key(&mackerel.worker, &["read"]);
    let reply = call(&mackerel.worker, &reader, "GET", "/channels", "");
    let channels = reply.at("/channels");
    let ids: Vec<&Value> = (0..3).map(|at| &channels[at]["id"]).collect();
    let expected = json!([
        { "id": ids[0], "name": "webhook", "type": "webhook", "url": MASK, "enabledGraphImage": false, "events": ["alert"], "suspendedAt": null },
        { "id": ids[1], "name": "slack", "type": "slack", "url": MASK, "mentions": { "critical": "<!here>" }, "enabledGraphImage": false,
          "events": ["alert"], "suspendedAt": null },
        { "id": ids[2], "name": "resend", "type": "email", "emails": ["d@e.f", "g@h.i"], "userIds": [], "events": ["alert"], "suspendedAt": null },
    ]);
    assert_eq!(channels, expected);
    assert!(!reply.body.contains("secret"), "{}", reply.body);
    // The telegram one is the second of all: it is none here.
    mackerel.refused(404, ("DELETE", "/channels/11111111113"), "");
}

#[test]
fn a_channel_that_is_made_works_and_one_that_is_changed_keeps_its_secret() {
    let mackerel = Mackerel::start();
    let receiver = Receiver::start();
    let url = format!("{}/hook", receiver.url());
    let wanted = json!({ "type": "slack", "name": "s", "url": url, "mentions": { "ok": "<@U1>", "warning": null, "critical": "" }, "events": ["alert", "hostStatus"] });
    let made = mackerel.done("POST", "/channels", &wanted);
    let expected = json!({
        "id": made["id"], "name": "s", "type": "slack", "url": MASK, "mentions": { "ok": "<@U1>" }, "enabledGraphImage": false,
        "events": ["alert", "hostStatus"], "suspendedAt": null
    });
    assert_eq!(made, expected);
    let listed = native(&mackerel, "GET", "/channels", &Value::Null);
    let number = listed["channels"][0]["id"].as_u64().expect("a number");
    let tested = || native(&mackerel, "POST", &format!("/channels/{number}/test"), &Value::Null);
    assert_eq!((&tested()["delivered"], receiver.received().len()), (&json!(true), 1));

    // What was answered may be sent back: the mask stands for the address that is there.
    let path = format!("/channels/{}", id(&made));
    assert_eq!(mackerel.done("PUT", &path, &made), expected);
    let other = json!({ "type": "slack", "name": "t", "url": MASK, "enabledGraphImage": true, "events": [] });
    let changed = mackerel.done("PUT", &path, &other);
    assert_eq!(
        (&changed["mentions"], &changed["events"], &changed["enabledGraphImage"]),
        (&json!({}), &json!([]), &json!(true))
    );
    assert_eq!((&tested()["delivered"], receiver.received().len()), (&json!(true), 2));
    // What our own API does not speak of stays.
    native(&mackerel, "PATCH", &format!("/channels/{number}"), &json!({ "name": "u" }));
    let listed = mackerel.get("/channels")["channels"][0].clone();
    assert_eq!((&listed["name"], &listed["events"]), (&json!("u"), &json!([])));
    mackerel.refused(400, ("PUT", &path), &json!({ "type": "webhook", "name": "t", "url": url }).to_string());
    assert_eq!(mackerel.done("DELETE", &path, &Value::Null)["name"], json!("u"));
    mackerel.refused(404, ("PUT", &path), &other.to_string());
    let actions = ["channel.create", "channel.update", "channel.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [1, 3, 1]);
}

#[test]
fn mail_goes_by_the_server_that_another_channel_names_to_addresses_and_people() {
    let mackerel = Mackerel::start();
    let mail = json!({ "type": "email", "name": "m", "emails": ["d@e.f"], "userIds": null, "events": null });
    mackerel.refused(400, ("POST", "/channels"), &mail.to_string());
    let config = json!({ "token": "key-secret", "from": "a@b.c", "to": "g@h.i" });
    native(&mackerel, "POST", "/channels", &json!({ "name": "mail", "kind": "resend", "config": config }));
    let person =
        json!({ "username": "eve", "role": "viewer", "password": "correct horse", "email": "eve@example.com" });
    native(&mackerel, "POST", "/users", &person);
    let eve = mackerel.get("/users")["users"][1]["id"].clone();
    let wanted = json!({ "type": "email", "name": "m", "emails": ["d@e.f"], "userIds": [eve] });
    let made = mackerel.done("POST", "/channels", &wanted);
    let expected = json!({ "id": made["id"], "name": "m", "type": "email", "emails": ["d@e.f"], "userIds": [eve], "events": ["alert"], "suspendedAt": null });
    assert_eq!(made, expected);
    let listed = native(&mackerel, "GET", "/channels", &Value::Null);
    let kept = &listed["channels"][1];
    assert_eq!((&kept["kind"], &kept["config"]["to"]), (&json!("resend"), &json!("d@e.f,eve@example.com")));
    let fewer = json!({ "type": "email", "name": "m", "emails": ["j@k.l"], "userIds": [] });
    let changed = mackerel.done("PUT", &format!("/channels/{}", id(&made)), &fewer);
    assert_eq!((&changed["emails"], &changed["userIds"]), (&json!(["j@k.l"]), &json!([])));
    for bad in [
        json!({ "type": "email", "name": "m", "emails": [], "userIds": [] }),
        json!({ "type": "email", "name": "m", "emails": ["no address"] }),
        json!({ "type": "email", "name": "m", "emails": [], "userIds": ["11111111119"] }),
    ] {
        mackerel.refused(400, ("POST", "/channels"), &bad.to_string());
    }
}

#[test]
fn a_channel_that_cannot_be_is_refused() {
    let mackerel = Mackerel::start();
    for bad in [
        json!({}),
        json!([]),
        json!({ "type": "webhook", "name": "w" }),
        json!({ "type": "webhook", "name": "", "url": "https://example.com/" }),
        json!({ "type": "webhook", "name": "w", "url": "example.com" }),
        json!({ "type": "webhook", "name": "w", "url": "http://169.254.169.254/" }),
        json!({ "type": "webhook", "name": "w", "url": MASK }),
        json!({ "type": "telegram", "name": "w", "url": "https://example.com/" }),
        json!({ "type": "webhook", "name": "w", "url": "https://example.com/", "events": ["everything"] }),
        json!({ "type": "slack", "name": "w", "url": "https://example.com/", "mentions": { "loud": "x" } }),
    ] {
        mackerel.refused(400, ("POST", "/channels"), &bad.to_string());
    }
    assert_eq!(mackerel.get("/channels"), json!({ "channels": [] }));
    let good = json!({ "type": "webhook", "name": "w", "url": "https://example.com/" });
    assert_eq!(mackerel.price("POST", "/channels", &good), 3);
}
