//! Where people are told: mail and webhooks.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

#[test]
fn mail_is_set_up_and_its_password_is_shown_to_nobody() {
    let worker = Worker::start();
    let path = "/api/notifications/email";
    let fresh = json!({"enabled": false, "provider": "", "server": "", "port": 587, "username": "", "password": "", "from": "",
        "to": [], "tls": true, "startTLS": false});
    assert_eq!(worker.get(path).json(), fresh);
    let said = json!({"enabled": false, "server": "smtp.example.com", "port": 465, "username": "me", "password": "hidden",
        "from": "me@example.com", "to": ["ops@example.com"]});
    for method in ["PUT", "POST"] {
        assert_eq!(send(&worker, method, path, &said).json(), json!({"status": "success"}));
    }
    let kept = send(&worker, "PUT", path, &json!({"smtpHost": "other.example.com", "password": ""}));
    assert_eq!(kept.status, 200);
    let shown = worker.get(path);
    assert_eq!(
        (shown.at("/password"), shown.at("/server"), shown.at("/port")),
        (json!(""), json!("other.example.com"), json!(465))
    );
    assert!(!shown.body.contains("hidden"));
    for bad in [json!({"port": 70_000}), json!({"enabled": true, "server": "x.example", "from": "nobody"}), json!([])] {
        assert_eq!(send(&worker, "PUT", path, &bad).status, 400, "{bad}");
    }
    assert_eq!(worker.get_as(path, &[]).status, 401);
}

#[test]
fn the_eleventh_test_mail_in_a_minute_is_one_too_many() {
    let worker = Worker::start();
    for number in 1..=10 {
        let (path, body) = if number % 2 == 0 {
            ("/api/notifications/test", json!({"method": "email"}))
        } else {
            ("/api/notifications/email/test", json!({}))
        };
        let refused = send(&worker, "POST", path, &body);
        assert_eq!(
            (refused.status, refused.at("/error")),
            (400, json!("email notifications are not enabled")),
            "{number}"
        );
    }
    let refused = send(&worker, "POST", "/api/notifications/email/test", &json!({}));
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (429, Some("10")));
    let hook = send(&worker, "POST", "/api/notifications/test", &json!({"method": "webhook"}));
    assert_eq!((hook.status, hook.at("/error")), (400, json!("no webhooks configured")), "webhooks are not counted");
    let other = send(&worker, "POST", "/api/notifications/test", &json!({"type": "pigeon"}));
    assert_eq!(other.status, 429, "what makes no sense counts as mail");
}

#[test]
fn providers_and_templates_are_listed_in_their_order() {
    let worker = Worker::start();
    let providers = worker.get("/api/notifications/email-providers").json();
    let names: Vec<&str> =
        providers.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!((names.len(), names[0], names[10]), (11, "Gmail / Google Workspace", "Custom SMTP Server"));
    let templates = worker.get("/api/notifications/webhook-templates").json();
    assert_eq!(templates[0]["service"], "discord");
}

#[test]
fn webhooks_are_made_changed_and_taken_away() {
    let worker = Worker::start();
    let path = "/api/notifications/webhooks";
    assert_eq!(worker.get(path).json(), json!([]));
    let said = json!({"name": "ops", "url": "https://hooks.example.com/hidden", "enabled": true, "headers": {"X-Key": "secret"}, "extra": 1});
    let made = send(&worker, "POST", path, &said);
    assert_eq!((made.status, made.at("/extra")), (200, json!(1)), "{}", made.body);
    let id = made.at("/id").as_str().expect("an id").to_owned();
    assert!(id.starts_with("webhook-"));
    let listed = worker.get(path);
    assert_eq!((listed.at("/0/id"), listed.at("/0/service")), (json!(id), json!("generic")));
    assert!(!listed.body.contains("secret"));
    let one = format!("{path}/{id}");
    let changed =
        send(&worker, "PUT", &one, &json!({"name": "new", "url": "https://hooks.example.com/x", "enabled": false}));
    assert_eq!((changed.status, changed.at("/id"), worker.get(path).at("/0/name")), (200, json!(id), json!("new")));
    assert_eq!(send(&worker, "DELETE", &one, &Value::Null).json(), json!({"status": "success"}));
    for method in ["PUT", "DELETE"] {
        let gone = send(&worker, method, &one, &json!({"url": "https://x.example"}));
        assert_eq!((gone.status, gone.at("/error")), (404, json!(format!("webhook not found: {id}"))));
    }
}

#[test]
fn a_webhook_is_tried_and_the_receiver_s_word_is_passed_on() {
    let worker = Worker::builder().capture_outbound().start();
    let hook = json!({"name": "ops", "url": "https://hooks.example.com/x", "enabled": true});
    let path = "/api/notifications/webhooks/test";
    let told = send(&worker, "POST", path, &hook);
    assert_eq!((told.status, told.at("/success")), (200, json!(true)), "{}", told.body);
    let sent = worker.outbound();
    assert_eq!(sent.len(), 1);
    worker.answer_outbound(500);
    let refused = send(&worker, "POST", path, &hook);
    assert_eq!((refused.status, refused.at("/status")), (400, json!(500)));
}
