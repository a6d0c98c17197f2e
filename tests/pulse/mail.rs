//! Line 10: mail through a real SMTP server on loopback, by each way there is, and what is said when it does not go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_harness::http::Reply;
use edgewatch_harness::mail::{LOGIN, Mail, MailServer, Mood, Tls};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn send(worker: &Worker, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    worker.post(path, &[("X-API-Token", &worker.token)], &body)
}

fn config(server: &MailServer, tls: Tls) -> Value {
    json!({"enabled": true, "provider": "Custom SMTP Server", "server": "localhost", "port": server.port(), "username": LOGIN.0,
        "password": LOGIN.1, "from": "pulse@example.com", "to": ["ops@example.com", "oncall@example.com"],
        "tls": tls == Tls::Always, "startTLS": tls == Tls::Offered})
}

const SENT: (u16, &str) = (200, r#"{"status":"success","message":"Test notification sent"}"#);
const TEST: &str = "/api/notifications/email/test";
const SAVE: &str = "/api/notifications/email";

/// The bodies of a mail's parts.
fn bodies(mail: &Mail) -> Vec<String> {
    let parts = mail.message.split("Content-Transfer-Encoding: base64\r\n\r\n").skip(1);
    let decoded = parts.map(|part| {
        let lines = part.split("\r\n--").next().unwrap_or_default().replace("\r\n", "");
        String::from_utf8(STANDARD.decode(lines).expect("base64")).expect("a text")
    });
    decoded.collect()
}

#[test]
fn line_10_a_test_mail_goes_every_way_and_says_what_the_specification_says() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    for (tls, auth) in [(Tls::Never, ""), (Tls::Offered, "PLAIN"), (Tls::Always, "LOGIN")] {
        let server = MailServer::start(&authority, tls, auth);
        let mut config = config(&server, tls);
        if auth.is_empty() {
            config["username"] = json!("");
        }
        assert_eq!(send(&worker, SAVE, &config).status, 200, "{tls:?}");
        // What is stored, by both routes.
        for (path, body) in [(TEST, Value::Null), ("/api/notifications/test", json!({"method": "email"}))] {
            let sent = send(&worker, path, &body);
            assert_eq!((sent.status, sent.body.as_str()), SENT, "{tls:?} {path}");
        }
        let mails = server.mails();
        assert_eq!(mails.len(), 2, "{tls:?}");
        for mail in &mails {
            assert_eq!(mail.header("Subject"), "[Pulse Alert] Warning: CPU on Email Configuration Test");
            assert_eq!(
                (mail.from.as_str(), mail.to.as_slice()),
                ("pulse@example.com", ["ops@example.com".to_owned(), "oncall@example.com".to_owned()].as_slice())
            );
            assert_eq!((mail.is_secure, mail.login), (tls != Tls::Never, Some(auth).filter(|auth| !auth.is_empty())));
            assert!(mail.message.contains("multipart/alternative"), "text and HTML");
            let bodies = bodies(mail);
            assert_eq!(bodies.len(), 2);
            for words in ["Warning: Email Configuration Test", "Value: 85.5", "Threshold: 80", "Node: test-node"] {
                assert!(bodies.iter().all(|body| body.contains(words)), "{words}: {bodies:?}");
            }
            assert!(bodies[1].starts_with("<html>"));
        }
        let shown = worker.get(SAVE);
        assert!(shown.at("/password") == json!("") && !shown.body.contains(LOGIN.1), "{}", shown.body);
    }
}

#[test]
fn line_10_settings_are_tried_before_they_are_saved_and_an_empty_password_is_the_stored_one() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let server = MailServer::start(&authority, Tls::Offered, "PLAIN");
    let mut stored = config(&server, Tls::Offered);
    stored["enabled"] = json!(false);
    assert_eq!(send(&worker, SAVE, &stored).status, 200);
    let off = send(&worker, TEST, &Value::Null);
    assert_eq!((off.status, off.at("/error")), (400, json!("email notifications are not enabled")));
    let said = json!({"from": "other@example.com", "to": [], "password": ""});
    for (path, body) in [
        (TEST, said.clone()),
        (TEST, json!({ "config": said })),
        ("/api/notifications/test", json!({"type": "email", "config": said})),
    ] {
        let sent = send(&worker, path, &body);
        assert_eq!((sent.status, sent.body.as_str()), SENT, "{path} {body}");
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 3);
    assert!(
        mails.iter().all(|mail| mail.from == "other@example.com"
            && mail.to == ["other@example.com"]
            && mail.login == Some("PLAIN")),
        "without recipients the sender gets it"
    );
    assert_eq!(worker.get(SAVE).at("/from"), json!("pulse@example.com"), "nothing was saved");
    // A somebody alone.
    stored["enabled"] = json!(true);
    assert_eq!(send(&worker, SAVE, &stored).status, 200);
    assert_eq!(send(&worker, TEST, &json!({"to": "x@example.com"})).status, 200);
    assert_eq!(server.mails().last().map(|mail| mail.to.clone()), Some(vec!["x@example.com".to_owned()]));
    let nothing = send(&worker, TEST, &json!({"config": {"server": ""}}));
    let words = "email configuration is incomplete: SMTP host and from address are required";
    assert_eq!((nothing.status, nothing.at("/error")), (400, json!(words)));
}

#[test]
fn line_10_the_true_result_is_told_and_the_eleventh_in_a_minute_is_refused() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let mut server = MailServer::start(&authority, Tls::Offered, "PLAIN");
    assert_eq!(send(&worker, SAVE, &config(&server, Tls::Offered)).status, 200);
    let tried = |said: &Value| {
        let reply = send(&worker, TEST, said);
        let words = reply.json()["error"].as_str().unwrap_or_default().to_owned();
        // Whoever looks for the word finds it where it went well alone.
        assert!(reply.status == 200 || !reply.body.contains("success"), "{}", reply.body);
        (reply.status, words)
    };
    assert_eq!(tried(&Value::Null), (200, String::new()));
    let (status, words) = tried(&json!({"password": "wrong"}));
    assert!(status == 400 && words.contains("535") && words.contains("authentication failed"), "{status} {words}");
    server.set_mood(Mood::Refuses("550 5.7.1 sender not allowed"));
    let (status, words) = tried(&Value::Null);
    assert!(status == 400 && words.contains("550") && words.contains("sender not allowed"), "{status} {words}");
    server.set_mood(Mood::Takes);
    // A certificate for another name.
    let (status, words) = tried(&json!({"server": "127.0.0.1"}));
    assert!(status == 400 && !words.is_empty(), "{status} {words}");
    server.close();
    let (status, words) = tried(&Value::Null);
    assert!(status == 400 && !words.is_empty(), "{status} {words}");
    assert_eq!(server.mails().len(), 1);
    server.reopen();
    for number in 6..=10 {
        assert_eq!(tried(&Value::Null).0, 200, "{number}");
    }
    let refused = send(&worker, TEST, &Value::Null);
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")),
        (429, Some("10"), Some("0"))
    );
    let after_s: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("when to come again");
    assert!((1..=60).contains(&after_s) && refused.header("x-ratelimit-reset").is_some());
    assert_eq!(refused.at("/code"), json!("rate_limited"));
    assert_eq!(server.mails().len(), 6, "what is refused is not sent");
}

#[test]
fn line_10_providers_have_their_order_and_values() {
    let worker = Worker::start();
    let names: Vec<Value> =
        worker.get("/api/notifications/email-providers").json().as_array().cloned().unwrap_or_default();
    let of = |key: &str| -> Vec<String> {
        names.iter().map(|one| one[key].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        of("name"),
        [
            "Gmail / Google Workspace",
            "SendGrid",
            "Mailgun",
            "Amazon SES (US East)",
            "Microsoft 365 / Outlook",
            "Brevo (formerly Sendinblue)",
            "Postmark",
            "SparkPost",
            "Resend",
            "SMTP2GO",
            "Custom SMTP Server",
        ]
    );
    assert_eq!(
        of("smtpHost"),
        [
            "smtp.gmail.com",
            "smtp.sendgrid.net",
            "smtp.mailgun.org",
            "email-smtp.us-east-1.amazonaws.com",
            "smtp.office365.com",
            "smtp-relay.brevo.com",
            "smtp.postmarkapp.com",
            "smtp.sparkpostmail.com",
            "smtp.resend.com",
            "mail.smtp2go.com",
            "",
        ]
    );
    for one in &names {
        assert_eq!(
            (&one["smtpPort"], &one["tls"], &one["startTLS"], &one["authRequired"]),
            (&json!(587), &json!(false), &json!(true), &json!(true)),
            "{one}"
        );
        assert!(
            one["instructions"].as_str().is_some_and(|text| !text.is_empty())
                && one.as_object().map(serde_json::Map::len) == Some(7)
        );
    }
}
