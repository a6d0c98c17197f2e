//! Mail by SMTP: with TLS from the first byte, by STARTTLS and without; servers that are down, refuse and dawdle.

use std::collections::BTreeSet;
use std::time::Duration;

use edgewatch_harness::mail::{LOGIN, Mail, MailServer, Mood, Tls};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{channel, hosts, run, test, wait_until_all_told, waiting};

fn config(server: &MailServer, security: &str, more: &Value) -> Value {
    let mut config = json!({
        "host": "localhost", "port": server.port(), "security": security, "from": "Wächter <watch@example.com>",
        "to": ["ann@example.com", "bob@example.org"]
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    config
}

/// The keys of the events that were told of.
fn keys(server: &MailServer) -> BTreeSet<String> {
    server.mails().iter().map(|mail| mail.header("X-Edgewatch-Event").to_owned()).collect()
}

fn login() -> Value {
    json!({ "username": LOGIN.0, "password": LOGIN.1 })
}

#[test]
fn mail_goes_over_tls_by_either_way_with_a_password() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    for (tls, security, auth) in [
        (Tls::Always, "tls", "PLAIN"),
        (Tls::Always, "tls", "LOGIN"),
        (Tls::Offered, "starttls", "PLAIN"),
        (Tls::Offered, "starttls", "LOGIN"),
    ] {
        let server = MailServer::start(&authority, tls, auth);
        let reply = test(&worker, channel(&worker, "smtp", &config(&server, security, &login())));
        let taken = json!({ "delivered": true, "status": 250, "detail": "2.0.0 taken as 1" });
        assert_eq!(reply, taken, "{tls:?} {auth}");
        let mails = server.mails();
        assert_eq!((mails.len(), mails[0].is_secure, mails[0].login), (1, true, Some(auth)), "{tls:?} {auth}");
        assert_eq!(
            (mails[0].from.as_str(), &mails[0].to[..]),
            ("watch@example.com", &["ann@example.com".to_owned(), "bob@example.org".to_owned()][..])
        );
        assert!(mails[0].text().contains("a test of the channel \"smtp\""), "{}", mails[0].text());
        assert_eq!(mails[0].header("Subject"), "[Edgewatch] Test");
    }
}

#[test]
fn a_neighbour_without_tls_and_password_is_told_too() {
    let authority = Authority::new();
    let worker = Worker::start();
    let server = MailServer::start(&authority, Tls::Never, "");
    let reply = test(&worker, channel(&worker, "smtp", &config(&server, "none", &json!({}))));
    assert_eq!(reply["delivered"], true, "{reply}");
    assert!(!server.mails()[0].is_secure);
}

#[test]
fn a_mail_test_gives_the_servers_true_answer() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let mut server = MailServer::start(&authority, Tls::Offered, "PLAIN");
    let wrong = json!({ "username": LOGIN.0, "password": "wrong password" });
    let reply = test(&worker, channel(&worker, "smtp", &config(&server, "starttls", &wrong)));
    assert_eq!(reply["detail"], "the mail server answered with 535: 5.7.8 authentication failed", "{reply}");
    assert_eq!((&reply["delivered"], &reply["status"]), (&json!(false), &json!(535)));

    let id = channel(&worker, "smtp", &config(&server, "starttls", &login()));
    server.set_mood(Mood::Refuses("550 5.7.1 sender not allowed"));
    assert_eq!(test(&worker, id)["detail"], "the mail server answered with 550: 5.7.1 sender not allowed");
    server.set_mood(Mood::RefusesOne("bob@example.org"));
    let reply = test(&worker, id);
    assert_eq!(reply["detail"], "not for bob@example.org: 5.1.1 no such user", "{reply}");
    server.set_mood(Mood::HangsUp);
    assert!(test(&worker, id)["detail"].as_str().is_some_and(|text| text.contains("hung up")));
    server.close();
    let reply = test(&worker, id);
    assert_eq!((&reply["delivered"], &reply["status"]), (&json!(false), &Value::Null), "{reply}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_ends_it() {
    let authority = Authority::new();
    let worker = Worker::start();
    for (tls, security) in [(Tls::Always, "tls"), (Tls::Offered, "starttls")] {
        let server = MailServer::start(&authority, tls, "PLAIN");
        let reply = test(&worker, channel(&worker, "smtp", &config(&server, security, &login())));
        assert_eq!(reply["delivered"], false, "{reply}");
        assert!(reply["detail"].as_str().is_some_and(|text| text.contains("certificate must be valid")), "{reply}");
        assert!(server.mails().is_empty());
    }
}

#[test]
fn a_mail_server_that_is_down_for_an_hour_gets_each_alert_once() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let mut server = MailServer::start(&authority, Tls::Offered, "PLAIN");
    channel(&worker, "smtp", &config(&server, "starttls", &login()));
    let (_, start) = hosts(&worker, &["alpha", "bêta"]);
    server.close();
    run(&worker, start, 0..=30);
    worker.kill();
    worker.resume();
    run(&worker, start, 31..=61);
    assert!(waiting(&worker) >= 2 && server.mails().is_empty());
    server.reopen();
    run(&worker, start, 62..=100);
    wait_until_all_told(&worker, 2, || keys(&server));
    let ids: BTreeSet<String> = server.mails().iter().map(|mail| mail.header("Message-ID").to_owned()).collect();
    assert_eq!(
        (ids.len(), server.mails().len()),
        (keys(&server).len(), ids.len()),
        "each once, under an id of its own"
    );
}

#[test]
fn who_was_refused_alone_gets_it_later_and_alone() {
    let authority = Authority::new();
    let worker = Worker::start();
    let server = MailServer::start(&authority, Tls::Never, "");
    channel(&worker, "smtp", &config(&server, "none", &json!({})));
    let (_, start) = hosts(&worker, &["alpha"]);
    server.set_mood(Mood::RefusesOne("ann@example.com"));
    run(&worker, start, 0..=1);
    server.set_mood(Mood::Takes);
    run(&worker, start, 2..=6);
    wait_until_all_told(&worker, 1, || keys(&server));
    let first = server.mails()[0].message.clone();
    let mails: Vec<Mail> = server.mails().into_iter().filter(|mail| mail.message == first).collect();
    let to: Vec<&[String]> = mails.iter().map(|mail| &mail.to[..]).collect();
    assert_eq!(to, [["bob@example.org".to_owned()], ["ann@example.com".to_owned()]]);
}

#[test]
fn a_slow_mail_server_gets_it_again_under_the_same_id() {
    let authority = Authority::new();
    let worker = Worker::start();
    let server = MailServer::start(&authority, Tls::Never, "");
    channel(&worker, "smtp", &config(&server, "none", &json!({})));
    let (_, start) = hosts(&worker, &["alpha"]);
    server.set_mood(Mood::Slow(Duration::from_secs(24)));
    run(&worker, start, 0..=1);
    assert!(!server.mails().is_empty() && waiting(&worker) >= 1);
    let noted = worker.sql("SELECT last_error FROM outbox");
    assert!(noted.to_string().contains("may have been taken"), "{noted}");
    server.set_mood(Mood::Refuses("451 4.3.2 later"));
    run(&worker, start, 2..=4);
    server.set_mood(Mood::Takes);
    run(&worker, start, 5..=12);
    wait_until_all_told(&worker, 1, || keys(&server));
    let first = server.mails()[0].clone();
    assert!(first.header("Message-ID").ends_with("@example.com>"));
    assert!(server.mails().iter().filter(|mail| **mail == first).count() >= 2, "the same mail again");
}
