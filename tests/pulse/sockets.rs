//! `/ws`, `/pulse/ws` and socket.io's: who is let in, in whose words they are told, and what. Source: pulse specification, 15.

use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::socket::Heard;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::collector::Collector;
use super::listener::{Listener, WAIT, report, set};

fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string());
    (reply.status, reply.json())
}

fn add(worker: &Worker, kind: &str, name: &str) {
    let body = json!({"type": kind, "name": name, "host": "x.example", "tokenName": "a@pam!t", "tokenValue": "hidden"});
    assert_eq!(send(worker, "POST", "/api/config/nodes", &body).0, 201);
}

/// Whether one who shows this is let in; else the status of the refusal.
fn opened(worker: &Worker, path: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
    Listener::open(worker, path, headers).map(drop)
}

fn types(listener: &mut Listener, count: usize) -> Vec<String> {
    (0..count).map(|_| listener.hear()["type"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_client_is_welcomed_told_everything_and_told_again_every_few_seconds() {
    let worker = Worker::start();
    let mut listener = Listener::open(&worker, "/pulse/ws", &[("X-API-Token", &worker.token)]).expect("an upgrade");
    let welcome = json!({"type": "welcome", "data": {"message": "Connected to Pulse WebSocket"}});
    assert_eq!(listener.hear(), welcome);
    let initial = listener.hear();
    assert_eq!(initial["type"], "initialState");
    let keys = |value: &Value| value.as_object().expect("a state").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&initial["data"]), keys(&worker.get("/api/state").json()));
    assert_eq!(initial["data"]["stats"]["webSocketClients"], 1);
    // Nothing changes here: they are told every ten seconds all the same, and pinged every thirty.
    let (mut told, mut pings, mut last) = (0, 0, Instant::now());
    while told < 3 || pings == 0 {
        let frame = listener.hear();
        match frame["type"].as_str().unwrap_or_default() {
            "rawData" => {
                assert!((4..13).contains(&last.elapsed().as_secs()), "{:?}", last.elapsed());
                (told, last) = (told + 1, Instant::now());
            }
            "ping" => {
                assert!(frame["data"]["timestamp"].as_i64().is_some_and(|at_s| at_s > 1_700_000_000), "{frame}");
                pings += 1;
            }
            other => panic!("{other}: {frame}"),
        }
    }
}

#[test]
fn what_changes_is_told_within_seconds() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    let host = worker.add_host("new");
    let begun = Instant::now();
    let has_it = |data: &Value| data["hosts"].as_array().is_some_and(|hosts| !hosts.is_empty());
    report(&worker, &host);
    listener.until_it_has("rawData", has_it);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[test]
fn a_client_is_answered_by_itself_and_what_means_nothing_harms_nobody() {
    let worker = Worker::start();
    let (mut asks, mut listens) = (Listener::begin(&worker), Listener::begin(&worker));
    // Both were told just now: nothing is due for seconds.
    asks.until("rawData");
    listens.until("rawData");
    for nonsense in ["{", "", "[]", r#"{"type":7}"#, r#"{"type":"other"}"#, r#"{"type":"pong"}"#, "\u{0}"] {
        assert!(asks.0.send_text(nonsense));
    }
    assert!(asks.0.send_binary(vec![1, 2, 3]));
    asks.say(&json!({"type": "ping", "data": {"timestamp": 1}}));
    let (pong, before) = asks.until("pong");
    assert!(pong["data"]["timestamp"].as_i64().is_some_and(|at_s| at_s > 1_700_000_000), "{pong}");
    assert!(before.iter().all(|kind| kind == "ping"), "{before:?}");
    asks.say(&json!({"type": "requestData"}));
    let begun = Instant::now();
    asks.until("rawData");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!listens.all_for(Duration::from_secs(2)).contains(&"rawData".to_owned()));
    // Who asks without end is not sent everything without end.
    for _ in 0..20 {
        asks.say(&json!({"type": "requestData"}));
    }
    let told = asks.all_for(Duration::from_millis(1_500)).iter().filter(|kind| *kind == "rawData").count();
    assert!(told <= 3, "{told}");
}

#[test]
fn who_shows_a_token_in_any_of_its_places_is_let_in_and_nobody_else_is() {
    let worker = Worker::start();
    let token = worker.token.as_str();
    let (bearer, in_query, wrong) = (format!("Bearer {token}"), format!("?token={token}"), "w".repeat(43));
    let (offered, wrong_query) = (format!("pulse, {token}"), format!("?token={wrong}"));
    for path in ["/pulse/ws", "/ws", "/socket.io/?transport=websocket"] {
        for header in [
            ("X-API-Token", token),
            ("Authorization", token),
            ("Authorization", bearer.as_str()),
            ("Sec-WebSocket-Protocol", token),
            ("Sec-WebSocket-Protocol", offered.as_str()),
        ] {
            // The test's client ends a socket whose subprotocol is none that it offered.
            assert_eq!(opened(&worker, path, &[header]), Ok(()), "{path} {header:?}");
        }
        let joint = if path.contains('?') { in_query.replace('?', "&") } else { in_query.clone() };
        assert_eq!(opened(&worker, &format!("{path}{joint}"), &[]), Ok(()), "{path}");
        for header in ["X-API-Token", "Authorization", "Sec-WebSocket-Protocol"] {
            assert_eq!(opened(&worker, path, &[(header, wrong.as_str())]), Err(401), "{path} {header}");
        }
    }
    assert_eq!(opened(&worker, &format!("/ws{wrong_query}"), &[]), Err(401));
    assert_eq!(opened(&worker, "/pulse/ws", &[]), Err(401));
    let refused = worker.get_as("/pulse/ws", &[]);
    assert_eq!((refused.status, refused.at("/error")), (401, json!("Unauthorized")));
    let plain = worker.get("/pulse/ws");
    assert_eq!((plain.status, plain.at("/error")), (400, json!("Bad Request")));
    assert_eq!(opened(&worker, "/socket.io/?transport=polling", &[("X-API-Token", token)]), Err(404));
    // Whoever has the token of nothing but hosts does not look.
    let body = json!({"note": "w", "scopes": ["write"]}).to_string();
    let made = worker.post(
        "/api/edgewatch/v1/tokens",
        &[("Authorization", token), ("Content-Type", "application/json")],
        &body,
    );
    let writes = made.at("/token").as_str().unwrap_or_default().to_owned();
    assert_eq!(opened(&worker, "/pulse/ws", &[("X-API-Token", &writes)]), Err(403), "{}", made.body);
}

#[test]
fn pages_of_other_sites_use_no_cookie_and_no_token_where_they_are_not_allowed() {
    let worker = Worker::start();
    let (cookie, token) = (worker.cookie(), worker.token.clone());
    let (url, evil) = (worker.url.clone(), "https://evil.example");
    let of = |shown: (&str, &str), origin: Option<&str>| {
        let headers: Vec<(&str, &str)> = [shown].into_iter().chain(origin.map(|origin| ("Origin", origin))).collect();
        opened(&worker, "/pulse/ws", &headers)
    };
    let (session, secret) = (("Cookie", cookie.as_str()), ("X-API-Token", token.as_str()));
    assert_eq!([of(session, None), of(session, Some(&url)), of(session, Some(evil))], [Ok(()), Ok(()), Err(403)]);
    // Any origin is allowed at first, to who has a token.
    assert_eq!([of(secret, None), of(secret, Some(&url)), of(secret, Some(evil))], [Ok(()); 3]);
    let allowed = json!({"allowedOrigins": "https://a.example, https://b.example"});
    assert_eq!(send(&worker, "POST", "/api/config/system", &allowed).0, 200);
    let tried = [None, Some(url.as_str()), Some("https://b.example"), Some(evil), Some("null")];
    assert_eq!(tried.map(|origin| of(secret, origin)), [Ok(()), Ok(()), Ok(()), Err(403), Err(403)]);
    assert_eq!(of(session, Some("https://b.example")), Err(403), "no origin but ours with a cookie");
}

#[test]
fn guests_listen_where_pulse_is_open_to_them_and_are_told_of_nothing_hidden() {
    let worker = Worker::start();
    let hosts = worker.add_hosts("host", 2);
    worker.sql("UPDATE hosts SET hidden_for_guest = (id = 2)");
    worker.sql("UPDATE settings SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'hosts_version'");
    assert!(worker.cron_at(u64::try_from(super::collector::now_ms()).expect("a time")));
    for host in &hosts {
        report(&worker, host);
    }
    for view in ["off", "status"] {
        set(&worker, &json!({ "guest_view": view }));
        assert_eq!(opened(&worker, "/pulse/ws", &[]), Err(401), "{view}");
    }
    set(&worker, &json!({ "guest_view": "pulse" }));
    let mut guest = Listener::open(&worker, "/pulse/ws", &[]).expect("guests are let in");
    let mut member = Listener::begin(&worker);
    assert_eq!(types(&mut guest, 2), ["welcome", "initialState"]);
    let names = |data: &Value| -> Vec<String> {
        let hosts = data["hosts"].as_array().into_iter().flatten();
        hosts
            .map(|host| host["displayName"].as_str().or(host["hostname"].as_str()).unwrap_or_default().to_owned())
            .collect()
    };
    member.until_it_has("rawData", |data| names(data).len() == 2);
    guest.until_it_has("rawData", |data| names(data).len() == 1 && !data.to_string().contains("host-1"));
    // What happens to nodes is for who may see nodes.
    add(&worker, "pve", "secret");
    member.until("nodes_changed");
    let told = guest.all_for(Duration::from_secs(3));
    assert!(told.iter().all(|kind| ["rawData", "ping"].contains(&kind.as_str())), "{told:?}");
}

#[test]
fn nodes_that_come_and_go_are_told_of_without_what_is_secret() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    let mut other = Listener::begin(&worker);
    let is_time =
        |frame: &Value| frame["timestamp"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z'));
    add(&worker, "pbs", "one");
    let (changed, _) = listener.until("nodes_changed");
    assert!(is_time(&changed), "{changed}");
    listener.until_it_has("rawData", |data| data["connectionHealth"].get("pbs-one").is_some());
    assert_eq!(send(&worker, "DELETE", "/api/config/nodes/pbs-0", &Value::Null).0, 200);
    let (deleted, _) = listener.until("node_deleted");
    assert_eq!((&deleted["data"], is_time(&deleted)), (&json!({"nodeType": "pbs"}), true));
    assert_eq!(listener.hear()["type"], "nodes_changed");
    listener.until_it_has("rawData", |data| data["connectionHealth"] == json!({}));

    let body =
        json!({"type": "pve", "host": "192.0.2.7", "serverName": "lab", "tokenId": "m@pam!t", "tokenValue": "hidden"});
    assert_eq!(send(&worker, "POST", "/api/auto-register", &body).0, 200);
    let (registered, _) = listener.until("node_auto_registered");
    let data = json!({"type": "pve", "host": "192.0.2.7", "name": "lab", "tokenId": "m@pam!t", "hasToken": true,
        "verifySSL": false, "status": "connected"});
    assert_eq!((&registered["data"], is_time(&registered)), (&data, true));

    assert_eq!(
        send(&worker, "POST", "/api/test-notification", &Value::Null),
        (200, json!({"status": "notification sent"}))
    );
    let (sample, _) = listener.until_it_has("node_auto_registered", |data| data["name"] == "test-node");
    assert!(is_time(&sample));
    assert_eq!(worker.post("/api/test-notification", &[], "").status, 401);
    assert_eq!(send(&worker, "POST", "/api/discover", &json!({"subnet": "auto"})).0, 200);
    // Everybody was told the same.
    let (_, before) = other.until_it_has("node_auto_registered", |data| data["name"] == "test-node");
    let events = |all: Vec<String>| -> Vec<String> {
        all.into_iter().filter(|kind| !["rawData", "ping"].contains(&kind.as_str())).collect()
    };
    let expected = ["nodes_changed", "node_deleted", "nodes_changed", "node_auto_registered", "nodes_changed"];
    assert_eq!(events(before), expected);
}

#[test]
fn what_an_agent_finds_is_told_to_who_listens() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    // One that brings an instance of its own file is news too.
    let collector = Collector::begin(&worker, &worker.add_host("collector"), "r1");
    listener.until("nodes_changed");
    drop(collector);
    let found = json!({"found": {"servers": [{"ip": "192.0.2.9", "port": 8006, "kind": "pve", "version": "8.4"}], "errors": ["x"]}});
    let mut agent = super::nodes::agent(&worker);
    super::nodes::while_agent_says(&worker, &mut agent, "/api/discover", &json!({"subnet": "auto"}), &found);
    let (told, _) = listener.until("discovery_update");
    let server = json!({"ip": "192.0.2.9", "port": 8006, "type": "pve", "version": "8.4"});
    let data = &told["data"];
    assert_eq!(
        (&data["servers"], &data["errors"], &data["immediate"]),
        (&json!([server]), &json!(["x"]), &json!(true))
    );
    assert!(data["timestamp"].is_i64());
}

#[test]
fn how_far_an_update_is_is_told_as_it_goes_on() {
    let worker = Worker::builder()
        .capture_outbound()
        .var("UPDATE_FEED_URL", "https://feed.example/releases")
        .var("UPDATE_DEPLOY_HOOK_URL", "https://deploy.example/hook")
        .start();
    worker.answer_outbound(200);
    let mut listener = Listener::begin(&worker);
    let wanted = json!({"downloadUrl": "https://feed.example/v9.tar.gz"});
    let (status, reply) = send(&worker, "POST", "/api/updates/apply", &wanted);
    assert_eq!(status, 200, "{reply}");
    let (begun, _) = listener.until("update:progress");
    assert_eq!(begun["data"]["status"], "downloading", "{begun}");
    let (then, _) = listener.until("update:progress");
    assert!(then["data"]["status"] == "restarting" && then["timestamp"].is_string(), "{then}");
}

#[test]
fn it_goes_on_after_sleep_and_stops_when_nobody_listens() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    worker.evict("Viewers", "viewers", Sockets::Hibernate);
    // An alarm wakes it within a minute.
    worker.step_clock_ahead(61_000);
    listener.until("rawData");
    listener.until("rawData");
    drop(listener);
    thread::sleep(Duration::from_secs(3));
    let calls = || worker.meters().class("Proxmox", "fetches");
    let before = calls();
    thread::sleep(Duration::from_secs(7));
    assert_eq!(calls(), before, "nobody listens");
    assert_eq!(worker.sockets("Viewers", "viewers"), 0);
    assert!(worker.evict("Viewers", "viewers", Sockets::Hibernate), "nothing holds it");
}

#[test]
fn listening_costs_no_row_but_that_of_an_alarm_a_minute() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    listener.until("rawData");
    worker.reset_meters();
    listener.until("rawData");
    listener.until("rawData");
    let meters = worker.meters();
    for class in ["Viewers", "Proxmox", "Hub"] {
        let rows = ["d1_rows_read", "d1_rows_written", "rows_written"].map(|name| meters.class(class, name));
        // The hub has its own alarms.
        assert_eq!(rows, [0; 3], "{class}");
    }
    assert!(meters.class("Viewers", "alarms_set") <= 1);
    assert!((2..=8).contains(&meters.class("Proxmox", "fetches")), "{}", meters.class("Proxmox", "fetches"));
}

#[test]
fn one_who_answered_pings_and_does_no_more_is_let_go() {
    let worker = Worker::start();
    let mut listener = Listener::begin(&worker);
    listener.say(&json!({"type": "pong"}));
    listener.until("rawData");
    worker.set_clock_ahead(101_000);
    let end = Instant::now() + WAIT;
    // It takes in what comes, and says nothing.
    let closed = loop {
        match listener.0.next(WAIT) {
            Heard::Closed(code) => break code,
            Heard::Text(_) if Instant::now() < end => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed, Some(1008));
}

#[test]
fn who_may_be_a_client_of_either_is_told_in_the_words_of_both() {
    let worker = Worker::start();
    let host = worker.add_host("host");
    report(&worker, &host);
    let cookie = worker.cookie();
    let browser = [("Cookie", cookie.as_str()), ("Origin", worker.url.as_str())];
    let mut both = Listener::open(&worker, "/ws", &browser).expect("an upgrade");
    let begun = Instant::now();
    let mut frames: Vec<(Value, u128)> = Vec::new();
    while frames.len() < 6 {
        frames.push((both.hear(), begun.elapsed().as_millis()));
    }
    for (frame, _) in &frames {
        assert!(frame["type"].is_string() && frame["data"].is_object() && frame["now"].is_i64(), "{frame}");
        assert_eq!(frame["servers"].as_array().map(Vec::len), Some(1), "{frame}");
    }
    assert_eq!((&frames[0].0["type"], &frames[1].0["type"]), (&json!("welcome"), &json!("initialState")));
    // Every two seconds, and whatever else is to be said between.
    assert!(
        frames.windows(2).all(|pair| pair[1].1 - pair[0].1 < 3_900),
        "{:?}",
        frames.iter().map(|one| one.1).collect::<Vec<_>>()
    );
    add(&worker, "pve", "one");
    let (changed, _) = both.until("nodes_changed");
    assert_eq!(changed["servers"][0]["Name"], "host");
    let (state, _) = both.until_it_has("rawData", |data| data["connectionHealth"].get("one").is_some());
    assert_eq!(state["servers"][0]["Name"], "host");
    both.say(&json!({"type": "requestData"}));
    both.until("rawData");
}

#[test]
fn whose_words_are_spoken_is_told_by_what_a_client_shows_unless_its_host_has_its_own() {
    let worker = Worker::start();
    let (cookie, token) = (worker.cookie(), worker.token.clone());
    let value = cookie.split_once('=').expect("a cookie").1.to_owned();
    let nezhas = format!("nezha-dashboard={value}");
    let words = |path: &str, headers: &[(&str, &str)]| {
        let mut listener = Listener::open(&worker, path, headers).expect("an upgrade");
        let frame = listener.hear();
        match (frame.get("type").is_some(), frame.get("now").is_some()) {
            (true, true) => "both",
            (true, false) => "pulse",
            (false, true) => "nezha",
            (false, false) => "none",
        }
    };
    let (url, session) = (worker.url.as_str(), ("Cookie", cookie.as_str()));
    let each = || {
        [
            words("/ws", &[("Cookie", &nezhas), ("Origin", url)]),
            words("/ws", &[("X-API-Token", &token)]),
            words("/ws", &[session]),
            words("/ws", &[session, ("Origin", url)]),
        ]
    };
    assert_eq!(each(), ["nezha", "pulse", "nezha", "both"]);
    assert_eq!([words("/nezha/ws", &[session]), words("/pulse/ws", &[session])], ["nezha", "pulse"]);
    let of_host = |dialect: &str| set(&worker, &json!({ "dialect_hosts": { "127.0.0.1": dialect } }));
    for dialect in ["pulse", "nezha", "both"] {
        of_host(dialect);
        // A token of Pulse's is none for Nezha's clients in this header.
        let shown = [&[("Cookie", nezhas.as_str()), ("Origin", url)][..], &[session], &[session, ("Origin", url)]];
        assert_eq!(shown.map(|headers| words("/ws", headers)), [dialect; 3]);
    }
    assert_eq!(worker.get("/api/edgewatch/v1/settings").at("/dialect_hosts"), json!({"127.0.0.1": "both"}));
    set(&worker, &json!({ "dialect_hosts": {}, "guest_view": "status" }));
    assert_eq!(words("/ws", &[]), "nezha", "guests see nothing of Pulse");
    set(&worker, &json!({ "guest_view": "pulse" }));
    assert_eq!(words("/ws", &[]), "both");
    let wrong = json!({ "dialect_hosts": { "a": "other" } }).to_string();
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    assert_eq!(worker.request("PATCH", "/api/edgewatch/v1/settings", &headers, &wrong).status, 400);
}
