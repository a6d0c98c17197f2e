//! Web addresses that the Worker asks, against servers that are right, wrong, slow, silent or elsewhere. Source: mackerel specification, 8
//! (`external`) and 9.

use std::time::Duration;

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::receiver::{Answering, Received, Receiver};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::watching::{Time, alerts, monitor};
use super::{Mackerel, key};

/// A monitor of this address, with more said of it; gives its id.
fn watch(mackerel: &Mackerel, url: &str, more: &Value) -> String {
    let mut said = json!({ "type": "external", "name": "page", "url": url });
    for (key, value) in more.as_object().expect("an object") {
        said[key] = value.clone();
    }
    mackerel.done("POST", "/monitors", &said)["id"].as_str().expect("an id").to_owned()
}

/// Status and message of the open alert of each monitor, in this order; empty where there is none.
fn found(mackerel: &Mackerel, monitors: &[&String], count: usize) -> Vec<String> {
    let open = alerts(mackerel, "", count);
    let text = |alert: &Value, key: &str| alert[key].as_str().unwrap_or_default().to_owned();
    let of = |id: &&String| open.iter().find(|alert| alert["monitorId"] == json!(id));
    let words = |alert: &Value| format!("{}: {}", text(alert, "status"), text(alert, "message"));
    monitors.iter().map(|id| of(id).map(words).unwrap_or_default()).collect()
}

fn critical(message: &str) -> String {
    format!("CRITICAL: {message}")
}

/// An address of loopback where nobody listens.
fn nowhere() -> String {
    let mut receiver = Receiver::start();
    receiver.close();
    receiver.url()
}

fn redirect(status: u16, to: &str) -> Answering {
    Answering::Reply(status, vec![("Location", to.to_owned())], String::new())
}

#[test]
fn a_page_with_a_wrong_status_has_an_alert_until_it_is_right_again() {
    let mackerel = Mackerel::at_home();
    let page = Receiver::start();
    let url = format!("{}/health?full=1", page.url());
    let id = watch(&mackerel, &url, &json!({}));
    let mut time = Time::of(&mackerel);
    time.minute();
    alerts(&mackerel, "", 0);
    page.answer(Answering::status(500));
    time.minute();
    let open = alerts(&mackerel, "", 1);
    let expected = json!({
        "id": open[0]["id"], "status": "CRITICAL", "monitorId": id, "type": "external", "message": "status 500",
        "openedAt": open[0]["openedAt"]
    });
    assert_eq!(open[0], expected);
    let native = mackerel.worker.get("/api/edgewatch/v1/alerts").at("/alerts/0");
    assert_eq!((&native["source"], &native["host_id"]), (&json!("monitor"), &Value::Null));
    // It sleeps, wakes, and is started anew; and while nobody asks nothing changes.
    mackerel.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    time.minute();
    mackerel.worker.restart();
    assert_eq!(alerts(&mackerel, "", 1), open);
    page.answer(Answering::status(302));
    time.minute();
    alerts(&mackerel, "", 0);
    let over = alerts(&mackerel, "?withClosed=true", 1);
    assert_eq!((&over[0]["id"], &over[0]["status"]), (&open[0]["id"], &json!("OK")));
    let log = mackerel.get(&format!("/alerts/{}/logs", open[0]["id"].as_str().expect("an id")));
    let steps: Vec<_> =
        log["logs"].as_array().expect("a list").iter().map(|one| (&one["status"], &one["trigger"])).collect();
    assert_eq!(steps, [(&json!("OK"), &json!("monitoring")), (&json!("CRITICAL"), &json!("monitoring"))]);
    let asked = page.received();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|one| (one.method.as_str(), one.path.as_str()) == ("GET", "/health?full=1")));
    assert!(asked[0].header("user-agent").is_some_and(|agent| agent.starts_with("edgewatch/")));
}

#[test]
fn each_way_to_be_wrong_has_its_words() {
    let mackerel = Mackerel::at_home();
    let servers: Vec<Receiver> = (0..6).map(|_| Receiver::start()).collect();
    let [bare, missing, other, text, hung, moved] = &servers[..] else { panic!("six servers") };
    missing.answer(Answering::status(404));
    other.answer(Answering::status(503));
    text.answer(Answering::body(200, "all is well"));
    hung.answer(Answering::HangUp);
    moved.answer(redirect(301, &bare.url()));
    let of = |server: &Receiver, more: Value| watch(&mackerel, &server.url(), &more);
    let wrong = [
        of(missing, json!({})),
        of(bare, json!({ "expectedStatusCode": 204 })),
        of(text, json!({ "containsString": "all is lost" })),
        of(bare, json!({ "containsString": "anything" })),
        of(moved, json!({ "containsString": "all is well" })),
        of(hung, json!({})),
        watch(&mackerel, &nowhere(), &json!({})),
    ];
    let right = [
        of(bare, json!({})),
        of(other, json!({ "expectedStatusCode": 503 })),
        of(text, json!({ "containsString": "is well", "method": "PUT" })),
        of(moved, json!({})),
        of(moved, json!({ "expectedStatusCode": 301 })),
        of(bare, json!({ "containsString": "" })),
    ];
    Time::of(&mackerel).minute();
    let told = found(&mackerel, &wrong.each_ref(), wrong.len());
    assert_eq!(
        told[..5],
        [
            critical("status 404"),
            critical("status 200, not 204"),
            critical("the body does not contain the text"),
            critical("the body does not contain the text"),
            critical("the body does not contain the text"),
        ]
    );
    for one in &told[5..] {
        assert!(one.len() > critical("").len() && !one.contains("127.0.0.1"), "{one}");
    }
    assert_eq!(found(&mackerel, &right.each_ref(), wrong.len()), vec![""; right.len()]);
}

#[test]
fn what_does_not_answer_in_fifteen_seconds_does_not_answer() {
    let mackerel = Mackerel::at_home();
    let servers: Vec<Receiver> = (0..3).map(|_| Receiver::start()).collect();
    let [late, endless, quick] = &servers[..] else { panic!("three servers") };
    late.answer(Answering::Slowly(Duration::from_secs(30)));
    endless.answer(Answering::Dribble);
    let monitors = [
        watch(&mackerel, &late.url(), &json!({})),
        watch(&mackerel, &endless.url(), &json!({ "containsString": "the end" })),
        // What is found early is not waited for, nor a body that nobody looks at.
        watch(&mackerel, &endless.url(), &json!({ "containsString": "more and more" })),
        watch(&mackerel, &endless.url(), &json!({})),
        watch(&mackerel, &quick.url(), &json!({})),
    ];
    Time::of(&mackerel).minute();
    let no_answer = critical("no answer in 15 s");
    assert_eq!(found(&mackerel, &monitors.each_ref(), 2), [no_answer.as_str(), &no_answer, "", "", ""]);
}

#[test]
fn slow_answers_are_a_warning_by_their_mean_and_its_value_is_told() {
    let mackerel = Mackerel::at_home();
    let page = Receiver::start();
    let limits = json!({ "responseTimeWarning": 400, "responseTimeCritical": 60_000, "responseTimeDuration": 2 });
    let averaged = watch(&mackerel, &page.url(), &limits);
    let newest = watch(&mackerel, &page.url(), &json!({ "responseTimeWarning": 400 }));
    let mut time = Time::of(&mackerel);
    time.minute();
    page.answer(Answering::Slowly(Duration::from_millis(600)));
    // Of one quick answer and one of 600 ms the mean is below 400.
    time.minute();
    let open = alerts(&mackerel, "", 1);
    assert_eq!((&open[0]["monitorId"], &open[0]["status"]), (&json!(newest), &json!("WARNING")));
    mackerel.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    time.minute();
    let both = found(&mackerel, &[&averaged, &newest], 2);
    assert!(both.iter().all(|one| one.starts_with("WARNING: response time ")), "{both:?}");
    for alert in alerts(&mackerel, "", 2) {
        let value = alert["value"].as_f64().expect("a value");
        assert!((550.0..10_000.0).contains(&value), "{alert}");
        assert!(alert["message"].as_str().is_some_and(|message| message.ends_with(" > 400")), "{alert}");
    }
    page.answer(Answering::status(200));
    time.minute();
    time.minute();
    alerts(&mackerel, "", 0);
}

#[test]
fn redirections_are_followed_where_that_is_wanted_and_secrets_stay_with_their_server() {
    let mackerel = Mackerel::at_home();
    let servers: Vec<Receiver> = (0..4).map(|_| Receiver::start()).collect();
    let [elsewhere, moved, circle, kept] = &servers[..] else { panic!("four servers") };
    elsewhere.answer(Answering::body(200, "here it is"));
    moved.answer(redirect(302, &format!("{}/new", elsewhere.url())));
    circle.answer(redirect(308, "/again"));
    kept.answer(redirect(307, &elsewhere.url()));
    let said = |more: &Value| {
        let mut said = json!({
            "followRedirect": true, "containsString": "here", "headers": [{ "name": "X-Key", "value": "sesame" }]
        });
        for (key, value) in more.as_object().expect("an object") {
            said[key] = value.clone();
        }
        said
    };
    let monitors = [
        watch(&mackerel, &moved.url(), &said(&json!({ "method": "POST", "requestBody": "{}" }))),
        watch(&mackerel, &circle.url(), &said(&json!({}))),
        watch(&mackerel, &kept.url(), &said(&json!({ "method": "POST", "requestBody": "secret" }))),
        watch(&mackerel, &moved.url(), &said(&json!({ "followRedirect": false }))),
    ];
    Time::of(&mackerel).minute();
    let told = found(&mackerel, &monitors.each_ref(), 3);
    assert_eq!(
        told,
        [
            String::new(),
            critical("more than 3 redirections"),
            critical("a redirection that would carry the body to another server"),
            critical("the body does not contain the text"),
        ]
    );
    let key = |one: &Received| one.header("x-key").map(str::to_owned);
    let came = elsewhere.received();
    assert_eq!(came.iter().map(|one| (one.method.as_str(), one.path.as_str())).collect::<Vec<_>>(), [("GET", "/new")]);
    assert!(came[0].body.is_empty() && key(&came[0]).is_none(), "{came:?}");
    let round: Vec<_> = circle.received().iter().map(|one| (one.path.clone(), key(one))).collect();
    let sesame = Some("sesame".to_owned());
    assert_eq!(round.len(), 4);
    assert!(round.iter().all(|(_, key)| *key == sesame) && round[1].0 == "/again", "{round:?}");
}

#[test]
fn a_post_goes_out_with_its_body_and_headers_which_nobody_finds_in_what_is_kept() {
    let mackerel = Mackerel::at_home();
    let page = Receiver::start();
    let said = json!({
        "method": "POST", "requestBody": r#"{"password":"open sesame"}"#, "expectedStatusCode": 200,
        "headers": [
            { "name": "Authorization", "value": "Bearer sesame-1" }, { "name": "Content-Type", "value": "application/json" },
            { "name": "User-Agent", "value": "checker" }
        ]
    });
    let id = watch(&mackerel, &page.url(), &said);
    Time::of(&mackerel).minute();
    alerts(&mackerel, "", 0);
    let asked = page.received().remove(0);
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("POST", r#"{"password":"open sesame"}"#));
    let sent =
        ["authorization", "content-type", "user-agent"].map(|name| asked.header(name).unwrap_or_default().to_owned());
    assert_eq!(sent, ["Bearer sesame-1", "application/json", "checker"]);
    // Who may read monitors reads all of them, as `mkr monitors pull` has to.
    let reader = key(&mackerel.worker, &["read"]);
    let read = super::call(&mackerel.worker, &reader, "GET", &format!("/monitors/{id}"), "").at("/monitor");
    assert_eq!((&read["headers"], &read["requestBody"]), (&said["headers"], &said["requestBody"]));
    assert_eq!(mackerel.done("PUT", &format!("/monitors/{id}"), &read), read, "what was answered may be sent back");
    for text in [
        mackerel.worker.sql("SELECT * FROM monitors").to_string(),
        mackerel.worker.sql("SELECT * FROM audit").to_string(),
        format!("{:?}", mackerel.worker.object_sql("Hub", "hub-0", "SELECT * FROM meta")),
        mackerel.worker.log(),
    ] {
        assert!(!text.contains("sesame"), "{text}");
    }
    // A page that fails says nothing of them either.
    page.answer(Answering::HangUp);
    mackerel.worker.set_clock_ahead(120_000);
    assert!(mackerel.worker.cron_at(u64::try_from((super::tsdb::now_s() + 120) * 1000).expect("past 1970")));
    let open = alerts(&mackerel, "", 1);
    assert!(!open[0].to_string().contains("sesame") && !mackerel.worker.log().contains("sesame"), "{open:?}");
}

#[test]
fn people_are_told_when_it_is_wrong_as_often_in_succession_as_they_want() {
    let mackerel = Mackerel::at_home();
    let page = Receiver::start();
    watch(&mackerel, &page.url(), &json!({ "maxCheckAttempts": 3 }));
    let mut time = Time::of(&mackerel);
    for status in [500, 500, 200, 500, 500] {
        page.answer(Answering::status(status));
        time.minute();
    }
    alerts(&mackerel, "?withClosed=true", 0);
    time.minute();
    let id = alerts(&mackerel, "", 1)[0]["monitorId"].clone();
    mackerel.done("DELETE", &format!("/monitors/{}", id.as_str().expect("an id")), &Value::Null);
    alerts(&mackerel, "", 0);
    let asked = page.received().len();
    time.minute();
    assert_eq!(page.received().len(), asked, "who is gone asks no more");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_wrong_whatever_is_said_of_it() {
    // The platform lets nobody leave its verification out, nor look at the certificate: the days to its end are kept and not judged.
    let authority = Authority::new();
    let page = Receiver::start_tls(&authority);
    let said = json!({
        "skipCertificateVerification": true, "certificationExpirationWarning": 3_650, "certificationExpirationCritical": 3_600
    });
    let stranger = Mackerel::at_home();
    let id = watch(&stranger, &page.tls_url(), &said);
    Time::of(&stranger).minute();
    assert!(found(&stranger, &[&id], 1)[0].starts_with("CRITICAL: "));
    let worker = Worker::builder().var("PLAN", "own").trust(&authority).start();
    let key = key(&worker, &["read", "write"]);
    let friend = Mackerel { worker, key };
    let id = watch(&friend, &page.tls_url(), &said);
    Time::of(&friend).minute();
    alerts(&friend, "?withClosed=true", 0);
    assert_eq!(page.received().len(), 1);
    let kept = friend.get(&format!("/monitors/{id}"))["monitor"].clone();
    for (key, value) in said.as_object().expect("an object") {
        assert_eq!(kept[key], *value);
    }
}

#[test]
fn with_several_shards_a_web_address_is_asked_once_and_has_one_alert() {
    let worker = Worker::builder().var("PLAN", "own").var("HUB_SHARDS", "3").start();
    let key = key(&worker, &["read", "write"]);
    let mackerel = Mackerel { worker, key };
    let page = Receiver::start();
    page.answer(Answering::status(500));
    watch(&mackerel, &page.url(), &json!({}));
    let mut time = Time::of(&mackerel);
    time.minute();
    time.minute();
    alerts(&mackerel, "?withClosed=true", 1);
    assert_eq!(page.received().len(), 2);
    page.answer(Answering::status(200));
    time.minute();
    alerts(&mackerel, "", 0);
}

#[test]
fn what_the_platform_cannot_reach_is_refused_with_the_reason() {
    let mackerel = Mackerel::start();
    let good = watch(&mackerel, "https://example.com/", &json!({}));
    for (url, reason) in [
        ("http://192.168.1.1/", "private network"),
        ("http://nas.local/", "private network"),
        ("https://8.8.8.8/", "addresses of numbers"),
        ("https://user:secret@example.com/", "an HTTP target is an address"),
        ("https://example.com/a b", "without blanks"),
    ] {
        let said = json!({ "type": "external", "name": "page", "url": url }).to_string();
        for (method, path) in [("POST", "/monitors".to_owned()), ("PUT", format!("/monitors/{good}"))] {
            let refused = mackerel.call(method, &path, &said);
            let message = refused.at("/error/message");
            assert!(
                refused.status == 400 && message.as_str().is_some_and(|text| text.contains(reason)),
                "{url}: {message}"
            );
        }
    }
    for headers in [json!([{ "name": "a b", "value": "c" }]), json!([{ "name": "a", "value": "b\r\nc: d" }])] {
        let said = json!({ "type": "external", "name": "page", "url": "https://example.com/", "headers": headers });
        mackerel.refused(400, ("POST", "/monitors"), &said.to_string());
    }
    assert_eq!(mackerel.get("/monitors")["monitors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn while_nothing_changes_a_run_reads_no_monitor_and_writes_nothing() {
    let mackerel = Mackerel::at_home();
    let (good, bad) = (Receiver::start(), Receiver::start());
    // The schedule reads how often monitors were changed, as soon as they were.
    monitor(&mackerel, &json!({}));
    let mut time = Time::of(&mackerel);
    time.minute();
    time.minute();
    let (without, _) = mackerel.worker.schedule_cost();
    bad.answer(Answering::status(500));
    let header = json!([{ "name": "a", "value": "b" }]);
    watch(
        &mackerel,
        &good.url(),
        &json!({ "responseTimeWarning": 10_000, "responseTimeDuration": 3, "headers": header }),
    );
    watch(&mackerel, &bad.url(), &json!({}));
    time.minute();
    alerts(&mackerel, "", 1);
    time.minute();
    let costs = [(); 3].map(|()| {
        time.minute();
        mackerel.worker.schedule_cost()
    });
    // Some runs look for more, once an hour, and read more; not two of three.
    let least = costs.iter().map(|(read, _)| *read).min();
    assert!(least == Some(without) && costs.iter().all(|(_, written)| *written == 0), "{costs:?}, {without} without");
    assert_eq!((good.received().len(), bad.received().len()), (5, 5));
}

#[test]
fn probes_and_web_addresses_share_a_line_of_forty_a_run() {
    let mackerel = Mackerel::at_home();
    let servers: Vec<Receiver> = (0..3).map(|_| Receiver::start()).collect();
    let [probed, plain, following] = &servers[..] else { panic!("three servers") };
    for number in 0..20 {
        let probe = json!({ "name": format!("p{number}"), "kind": "http", "target": probed.url(), "from_edge": true });
        let header = [("Authorization", mackerel.worker.token.as_str())];
        let made = mackerel.worker.post("/api/edgewatch/v1/probes", &header, &probe.to_string());
        assert_eq!(made.status, 201, "{}", made.body);
    }
    for _ in 0..30 {
        watch(&mackerel, &plain.url(), &json!({}));
    }
    for _ in 0..5 {
        // Each may take four requests.
        watch(&mackerel, &following.url(), &json!({ "followRedirect": true }));
    }
    let counts = || servers.iter().map(|server| server.received().len()).collect::<Vec<_>>();
    let mut time = Time::of(&mackerel);
    time.minute();
    let first = counts();
    assert!(first[0] + first[1] + 4 * first[2] <= 40 && first.iter().sum::<usize>() >= 25, "{first:?}");
    time.minute();
    assert_eq!(counts(), [20, 30, 5], "everything had its turn in two runs");
    time.minute();
    time.minute();
    assert_eq!(counts(), [40, 60, 10]);
}
