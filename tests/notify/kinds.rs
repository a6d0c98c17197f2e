//! Each kind of channel: what its receiver sees, and what its test says.

use edgewatch_harness::receiver::{Answering, Received, Receiver};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{CHANNELS, channel, hosts, run, test, try_channel};

/// Makes a channel, tests it, and gives what its receiver saw.
fn tested(worker: &Worker, receiver: &Receiver, kind: &str, config: &Value) -> Received {
    let id = channel(worker, kind, config);
    let before = receiver.received().len();
    let reply = test(worker, id);
    assert_eq!((&reply["delivered"], &reply["status"]), (&json!(true), &json!(200)), "{kind}: {reply}");
    let all = receiver.received();
    assert_eq!(all.len(), before + 1, "{kind}");
    let last = all.last().expect("just seen").clone();
    assert!(last.header("idempotency-key").is_some_and(|key| key.len() >= 24), "{kind}: {last:?}");
    last
}

#[test]
fn every_kind_by_http_reaches_its_receiver() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    let server = receiver.url();
    let url = format!("{server}/hook/secret-path");

    let seen = tested(&worker, &receiver, "webhook", &json!({ "url": url }));
    assert_eq!((seen.path.as_str(), &seen.json()["kind"]), ("/hook/secret-path", &json!("test")));

    let pulse = json!({ "url": url, "headers": { "X-Key": "k" } });
    let seen = tested(&worker, &receiver, "pulse_webhook", &pulse);
    assert_eq!((seen.path.as_str(), seen.header("x-key")), ("/hook/secret-path", Some("k")));
    assert_eq!(seen.header("user-agent"), Some("Pulse-Monitoring/2.0"));
    assert_eq!((&seen.json()["grouped"], &seen.json()["count"]), (&json!(true), &json!(1)));

    let telegram = json!({ "token": "12:telegram-secret", "chat_id": -100, "topic_id": 42, "server": server });
    let seen = tested(&worker, &receiver, "telegram", &telegram);
    assert_eq!(seen.path, "/bot12:telegram-secret/sendMessage");
    assert_eq!((&seen.json()["chat_id"], &seen.json()["message_thread_id"]), (&json!("-100"), &json!(42)));

    let seen = tested(&worker, &receiver, "discord", &json!({ "url": url }));
    assert_eq!(seen.json()["allowed_mentions"], json!({ "parse": [] }));

    let seen = tested(&worker, &receiver, "slack", &json!({ "url": url }));
    assert_eq!(seen.json()["blocks"][0]["type"], "header");

    let seen = tested(&worker, &receiver, "ntfy", &json!({ "topic": "ops", "server": server, "token": "tk_secret" }));
    assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/", Some("Bearer tk_secret")));
    assert_eq!((&seen.json()["topic"], &seen.json()["priority"]), (&json!("ops"), &json!(3)));

    let gotify = json!({ "server": format!("{server}/gotify"), "token": "gotify-secret", "priority": 7 });
    let seen = tested(&worker, &receiver, "gotify", &gotify);
    assert_eq!((seen.path.as_str(), seen.header("x-gotify-key")), ("/gotify/message", Some("gotify-secret")));
    assert_eq!(seen.json()["priority"], 7);

    let seen = tested(&worker, &receiver, "bark", &json!({ "device_key": "bark-secret", "server": server }));
    assert_eq!((seen.path.as_str(), &seen.json()["device_key"]), ("/push", &json!("bark-secret")));

    let mail = |more: Value| {
        let mut config = json!({ "token": "key-secret", "from": "Ed <w@b.c>", "to": ["d@e.f"], "server": server });
        for (name, value) in more.as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        config
    };
    let seen = tested(&worker, &receiver, "resend", &mail(json!({})));
    assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/emails", Some("Bearer key-secret")));
    assert_eq!((&seen.json()["to"], &seen.json()["subject"]), (&json!(["d@e.f"]), &json!("[Edgewatch] Test")));
    let seen = tested(&worker, &receiver, "mailgun", &mail(json!({ "domain": "mg.b.c" })));
    assert_eq!(seen.path, "/v3/mg.b.c/messages");
    assert!(seen.body.contains("to=d%40e.f") && seen.body.contains("h%3AMessage-Id="), "{}", seen.body);
    let seen = tested(&worker, &receiver, "sendgrid", &mail(json!({})));
    assert_eq!((seen.path.as_str(), &seen.json()["from"]["email"]), ("/v3/mail/send", &json!("w@b.c")));
    let seen = tested(&worker, &receiver, "postmark", &mail(json!({})));
    assert_eq!((seen.path.as_str(), seen.header("x-postmark-server-token")), ("/email", Some("key-secret")));

    // None of it can be read again.
    let listed = worker.get(CHANNELS);
    for secret in ["secret-path", "telegram-secret", "tk_secret", "gotify-secret", "bark-secret", "key-secret"] {
        assert!(!listed.body.contains(secret), "{secret} in {}", listed.body);
    }
    let stored = worker.sql("SELECT * FROM channels").to_string();
    assert!(!stored.contains("secret"), "{stored}");
    assert_eq!(listed.at("/channels/2/config/chat_id"), "-100");
    assert_eq!(listed.at("/channels/2/config/token"), "********");
    assert!(!worker.log().contains("secret"), "{}", worker.log());
}

#[test]
fn a_test_gives_the_providers_true_answer_without_secrets() {
    let worker = Worker::start();
    let mut receiver = Receiver::start();
    let id =
        channel(&worker, "telegram", &json!({ "token": "12:telegram-secret", "chat_id": 1, "server": receiver.url() }));
    receiver.answer(Answering::body(400, "{\"ok\":false,\"description\":\"Bad Request:\\n chat not found\"}"));
    let reply = test(&worker, id);
    assert_eq!((&reply["delivered"], &reply["status"]), (&json!(false), &json!(400)));
    assert!(reply["detail"].as_str().is_some_and(|detail| detail.contains("chat not found")), "{reply}");

    receiver.answer(Answering::body(401, &format!("bad token 12:telegram-secret {}", "x".repeat(100_000))));
    let reply = test(&worker, id);
    let detail = reply["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("bad token ********") && detail.chars().count() < 600, "{reply}");

    receiver.answer(Answering::Dribble);
    let reply = test(&worker, id);
    assert_eq!(
        (&reply["delivered"], &reply["status"]),
        (&json!(true), &json!(200)),
        "the status is the answer: {reply}"
    );
    assert!(reply["detail"].as_str().is_some_and(|detail| detail.starts_with("more and more")), "{reply}");

    receiver.answer(Answering::HangUp);
    assert_eq!(test(&worker, id)["delivered"], false);
    receiver.close();
    let reply = test(&worker, id);
    assert_eq!((&reply["delivered"], &reply["status"]), (&json!(false), &Value::Null), "{reply}");
    assert!(!reply.to_string().contains("telegram-secret"), "{reply}");
    assert!(!worker.log().contains("telegram-secret"), "{}", worker.log());
}

#[test]
fn a_redirect_is_not_followed() {
    let worker = Worker::start();
    let (here, there) = (Receiver::start(), Receiver::start());
    for (status, kind) in [(301, "webhook"), (302, "slack"), (307, "discord"), (308, "webhook")] {
        here.answer(Answering::Reply(status, vec![("Location", there.url())], String::new()));
        let reply = test(&worker, channel(&worker, kind, &json!({ "url": here.url() })));
        assert_eq!((&reply["delivered"], &reply["status"]), (&json!(false), &json!(status)));
        assert!(
            reply["detail"].as_str().is_some_and(|detail| detail.contains("redirects are not followed")),
            "{reply}"
        );
    }
    assert_eq!((here.received().len(), there.received().len()), (4, 0));
}

#[test]
fn no_setting_leads_where_none_may_lead() {
    let worker = Worker::start();
    for address in
        ["http://169.254.169.254", "http://[::ffff:169.254.169.254]", "http://2852039166", "http://0251.0376.0251.0376"]
    {
        for (kind, config) in [
            ("webhook", json!({ "url": address })),
            ("discord", json!({ "url": address })),
            ("slack", json!({ "url": address })),
            ("nezha", json!({ "url": address })),
            ("telegram", json!({ "token": "1:a", "chat_id": 1, "server": address })),
            ("ntfy", json!({ "topic": "t", "server": address })),
            ("gotify", json!({ "token": "t", "server": address })),
            ("bark", json!({ "device_key": "t", "server": address })),
            ("resend", json!({ "token": "t", "from": "a@b.c", "to": "a@b.c", "server": address })),
            ("smtp", json!({ "host": address.trim_start_matches("http://"), "from": "a@b.c", "to": "a@b.c" })),
        ] {
            let reply = try_channel(&worker, kind, "", &config);
            assert_eq!((reply.status, reply.at("/error/code")), (400, json!("invalid")), "{kind} {config}");
        }
    }
    let reply = try_channel(&worker, "smtp", "", &json!({ "host": "a.b", "port": 25, "from": "a@b.c", "to": "a@b.c" }));
    assert!(reply.at("/error/message").as_str().is_some_and(|text| text.contains("not 25")), "{}", reply.body);
    assert_eq!(worker.get(CHANNELS).at("/channels"), json!([]));
}

#[test]
fn a_channel_is_changed_and_its_secrets_stay() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    let header = [("Authorization", worker.token.as_str())];
    let config = json!({ "topic": "first-topic", "server": receiver.url(), "priority": 5 });
    let id = channel(&worker, "ntfy", &config);
    let path = format!("{CHANNELS}/{id}");
    let change = |body: Value| worker.request("PATCH", &path, &header, &body.to_string());
    let reply = change(json!({ "name": "new", "group": "night", "config": { "topic": "********", "priority": null } }));
    assert_eq!(
        (reply.status, reply.at("/name"), reply.at("/group")),
        (200, json!("new"), json!("night")),
        "{}",
        reply.body
    );
    assert_eq!(reply.at("/config"), json!({ "server": receiver.url(), "topic": "********" }));
    test(&worker, id);
    let seen = receiver.received()[0].json();
    assert_eq!((&seen["topic"], &seen["priority"]), (&json!("first-topic"), &json!(3)));
    change(json!({ "config": { "topic": "second-topic" } }));
    test(&worker, id);
    assert_eq!(receiver.received()[1].json()["topic"], "second-topic");
    let elsewhere = change(json!({ "config": { "server": "https://evil.example.com", "topic": "********" } }));
    assert_eq!((elsewhere.status, elsewhere.at("/error/field")), (400, json!("topic")), "{}", elsewhere.body);
    for bad in [json!({ "config": { "wings": 2 } }), json!({ "config": { "topic": null } }), json!({ "name": "" })] {
        assert_eq!(change(bad.clone()).status, 400, "{bad}");
    }
    assert_eq!(worker.request("PATCH", &format!("{CHANNELS}/99"), &header, "{}").status, 404);
    assert_eq!(worker.request("PATCH", &path, &[], "{}").status, 401);
    let audit = worker.sql("SELECT action FROM audit ORDER BY key DESC LIMIT 1");
    assert_eq!(audit["results"][0]["action"], "channel.update");
}

#[test]
fn kinds_are_told_with_their_settings() {
    let worker = Worker::start();
    let kinds = worker.get(&format!("{CHANNELS}/kinds")).at("/kinds");
    let words: Vec<&str> = kinds.as_array().into_iter().flatten().filter_map(|kind| kind["kind"].as_str()).collect();
    assert_eq!(
        words,
        [
            "webhook",
            "pulse_webhook",
            "nezha",
            "telegram",
            "discord",
            "slack",
            "ntfy",
            "gotify",
            "bark",
            "smtp",
            "resend",
            "mailgun",
            "sendgrid",
            "postmark"
        ]
    );
    assert_eq!(worker.get_as(&format!("{CHANNELS}/kinds"), &[]).status, 401);
}

#[test]
fn the_channels_of_a_group_hear_what_is_for_it() {
    let worker = Worker::start();
    let (ours, others) = (Receiver::start(), Receiver::start());
    channel(&worker, "webhook", &json!({ "url": ours.url() }));
    assert_eq!(try_channel(&worker, "webhook", "night", &json!({ "url": others.url() })).at("/group"), "night");
    let (_, start) = hosts(&worker, &["alpha"]);
    run(&worker, start, 0..=2);
    // What names no group is for the group "default".
    assert_eq!((ours.received().len(), others.received().len()), (1, 0));
}

#[test]
fn a_hostile_name_breaks_out_of_nothing() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    let name = "<b>@everyone `x` [y](http://z) \"q\"\r\nBcc: a@b\u{202e}";
    let url = receiver.url();
    for (kind, config) in [
        ("telegram", json!({ "token": "1:a", "chat_id": 1, "server": url })),
        ("discord", json!({ "url": url })),
        ("slack", json!({ "url": url })),
        (
            "nezha",
            json!({ "url": format!("{url}/?n=#SERVER.NAME#"), "method": "POST", "body": "{\"n\":\"#SERVER.NAME#\",\"c\":#SERVER.CPU#}" }),
        ),
        ("mailgun", json!({ "token": "t", "domain": "d", "from": "a@b.c", "to": "a@b.c", "server": url })),
    ] {
        channel(&worker, kind, &config);
    }
    let (_, start) = hosts(&worker, &[name]);
    run(&worker, start, 0..=2);
    let all = receiver.received();
    assert_eq!(all.len(), 5, "{all:?}");
    let by = |part: &str| all.iter().find(|one| one.path.contains(part) || one.body.contains(part)).expect("it came");
    let text = by("/bot1:a/").json()["text"].as_str().unwrap_or_default().to_owned();
    assert!(text.contains("&lt;b&gt;@everyone") && text.matches("<b>").count() == 1, "{text}");
    let embed = by("allowed_mentions").json()["embeds"][0].clone();
    assert!(
        embed["title"].as_str().is_some_and(|title| title.contains("\\@everyone \\`x\\` \\[y\\]\\(http\\:")),
        "{embed}"
    );
    let nezha = by("/?n=");
    assert_eq!(nezha.json(), json!({ "n": name, "c": 12.5 }), "the newest values go along");
    assert!(nezha.path.starts_with("/?n=%3Cb%3E%40everyone+%60x%60"), "{}", nezha.path);
    let mail = by("/v3/d/messages");
    let subject = mail.body.split('&').find(|pair| pair.starts_with("subject=")).unwrap_or_default();
    assert!(!subject.contains("%0A") && !subject.contains("%0D"), "{subject}");
}
