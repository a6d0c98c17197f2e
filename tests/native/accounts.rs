//! People: passwords and how often they may be tried, roles, and what guests see.

use std::time::{Duration, Instant};

use edgewatch_harness::http::Reply;
use edgewatch_harness::objects::Exhausted;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::{Value, json};

const SESSION: &str = "/api/edgewatch/v1/session";
const USERS: &str = "/api/edgewatch/v1/users";
const TOKENS: &str = "/api/edgewatch/v1/tokens";
const SETTINGS: &str = "/api/edgewatch/v1/settings";
const CSRF: (&str, &str) = ("X-Edgewatch-CSRF", "1");
const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(20);
/// In milliseconds.
const MINUTE: i64 = 60_000;

fn log_in_from(worker: &Worker, address: &str, name: &str, password: &str) -> Reply {
    let body = json!({ "username": name, "password": password }).to_string();
    worker.post(SESSION, &[("CF-Connecting-IP", address)], &body)
}

fn log_in(worker: &Worker, name: &str, password: &str) -> Reply {
    log_in_from(worker, "198.51.100.1", name, password)
}

fn jar(reply: &Reply) -> String {
    assert!(reply.status < 300, "{} {}", reply.status, reply.body);
    reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
}

fn who(worker: &Worker, jar: &str) -> Reply {
    worker.get_as(SESSION, &[("Cookie", jar)])
}

fn add(worker: &Worker, user: &Value) -> Reply {
    worker.post(USERS, &[("Authorization", &worker.token)], &user.to_string())
}

/// A person with the password of everybody here; their number.
fn person(worker: &Worker, name: &str, role: &str) -> i64 {
    let made = add(worker, &json!({ "username": name, "password": PASSWORD, "role": role }));
    assert_eq!(made.status, 201, "{}", made.body);
    made.at("/id").as_i64().expect("a number")
}

fn change(worker: &Worker, id: i64, wanted: &Value) -> Reply {
    worker.request("PATCH", &format!("{USERS}/{id}"), &[("Authorization", &worker.token)], &wanted.to_string())
}

fn remove(worker: &Worker, id: i64) -> Reply {
    worker.request("DELETE", &format!("{USERS}/{id}"), &[("Authorization", &worker.token)], "")
}

fn set_up(worker: &Worker, name: &str, password: Option<&str>) -> Reply {
    let mut body = json!({ "token": worker.setup_link(), "username": name });
    if let Some(password) = password {
        body["password"] = json!(password);
    }
    worker.post("/api/edgewatch/v1/setup", &[], &body.to_string())
}

/// What a socket hears after the messages that are still on their way.
fn last_words(socket: &mut Socket) -> Option<Heard> {
    let mut heard = std::iter::from_fn(|| Some(socket.next(PATIENCE))).take(5);
    heard.find(|heard| !matches!(heard, Heard::Text(_)))
}

#[test]
fn the_setup_link_sets_the_password_and_another_one_replaces_a_lost_one() {
    let worker = Worker::builder().without_admin().start();
    let short = set_up(&worker, "ada", Some("short"));
    assert_eq!((short.status, short.at("/error/field")), (400, json!("password")));
    let first = set_up(&worker, "ada", Some(PASSWORD));
    assert_eq!(first.status, 201);
    let opened = log_in(&worker, "ada", PASSWORD);
    assert_eq!((opened.status, opened.at("/user/name"), opened.at("/user/role")), (201, json!("ada"), json!("admin")));
    let cookie = opened.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!opened.body.contains(PASSWORD));
    assert_eq!(worker.post(TOKENS, &[("Cookie", &jar(&opened)), CSRF], "{}").status, 201);

    // Lost: the same way. What was opened with the old one is over.
    let kept = set_up(&worker, "ada", None);
    assert_eq!((kept.status, log_in(&worker, "ada", PASSWORD).status), (201, 201), "a link without one leaves it");
    let again = set_up(&worker, "ada", Some("battery staple"));
    assert_eq!(again.at("/user/id"), 1);
    assert_eq!(log_in(&worker, "ada", PASSWORD).status, 401);
    assert_eq!(log_in(&worker, "ada", "battery staple").status, 201);
    for old in [&first, &opened, &kept] {
        assert_eq!(who(&worker, &jar(old)).status, 401);
    }
    assert_eq!(who(&worker, &jar(&again)).at("/user/name"), "ada");
    let unknown = json!({ "token": "0123456789abcdef0123456789abcdef", "username": "eve", "password": PASSWORD });
    assert_eq!(worker.post("/api/edgewatch/v1/setup", &[], &unknown.to_string()).status, 401);
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_told_alike() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    add(&worker, &json!({ "username": "proxied", "email": "proxied@example.com" }));
    let refused: Vec<_> = [("ada", "wrong password"), ("nobody", PASSWORD), ("proxied", PASSWORD), ("proxied", "")]
        .iter()
        .map(|(name, password)| log_in(&worker, name, password))
        .map(|reply| (reply.status, reply.body))
        .collect();
    assert!(refused.iter().all(|one| one == &refused[0] && one.0 == 401), "{refused:?}");
    for other in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let body = json!({ "username": "ada", "password": PASSWORD }).to_string();
        assert_eq!(worker.post(SESSION, &[other], &body).status, 403, "{other:?}");
    }
}

#[test]
fn a_name_that_is_unknown_takes_as_long_as_a_wrong_password() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    let took = |name: &str, from: u8| {
        let begun = Instant::now();
        let refused = log_in_from(&worker, &format!("203.0.113.{from}"), name, "wrong password");
        assert_eq!(refused.status, 401);
        begun.elapsed()
    };
    // In turns, and the shortest of each: what else the machine does only adds to it, and to both.
    let times: Vec<_> = (0..6).map(|round| (took("ada", round), took("nobody", 100 + round))).collect();
    let known = times.iter().map(|(known, _)| *known).min().expect("six");
    let unknown = times.iter().map(|(_, unknown)| *unknown).min().expect("six");
    let ratio = unknown.as_secs_f64() / known.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}

/// Fails from an address until it has to wait for a minute and more, moving the clock from `ahead_ms` on: what a busy machine takes
/// does not matter then. Gives the waits that it was told on the way, in seconds. The names are others each time: failures of an account
/// are counted too.
fn fail_for_long(worker: &Worker, ahead_ms: &mut i64, from: &str) -> Vec<i64> {
    let (mut waits, mut failures) = (Vec::new(), 0);
    for attempt in 0..60 {
        let reply = log_in_from(worker, from, &format!("{from} {attempt}"), "wrong password");
        if reply.status == 401 {
            failures += 1;
            continue;
        }
        assert_eq!((reply.status, reply.at("/error/code")), (429, json!("too_many_attempts")));
        assert!(failures >= 5, "five are free: {failures}");
        let told_s: i64 = reply.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        waits.push(told_s);
        if told_s >= 60 {
            return waits;
        }
        *ahead_ms += told_s * 1000;
        worker.set_clock_ahead(*ahead_ms);
    }
    panic!("{from} never had to wait for long: {waits:?}");
}

#[test]
fn an_address_that_fails_waits_longer_each_time_and_others_do_not() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    let try_it = |password: &str| log_in_from(&worker, "203.0.113.9", "ada", password);
    let mut ahead_ms = 0;
    let waits = fail_for_long(&worker, &mut ahead_ms, "203.0.113.9");
    // Twice as long each time, less what has passed already.
    assert!(waits.is_sorted() && waits.last().is_some_and(|longest| (60..=128).contains(longest)), "{waits:?}");
    assert_eq!(try_it(PASSWORD).status, 429, "the right password too");
    assert_eq!(log_in(&worker, "ada", PASSWORD).status, 201, "another address");
    ahead_ms += 130_000;
    worker.set_clock_ahead(ahead_ms);
    assert_eq!(try_it("wrong password").status, 401);
    let longer = try_it(PASSWORD);
    let longer: i64 = longer.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!(longer > waits.last().copied().unwrap_or_default() && longer <= 256, "doubled: {longer}, {waits:?}");
    // An address that waits has others of its /64 wait with it, and nobody else.
    fail_for_long(&worker, &mut ahead_ms, "2001:db8:1:2::1");
    let of = |host: &str| log_in_from(&worker, host, host, "wrong password").status;
    assert_eq!((of("2001:db8:1:2:ffff::1"), of("2001:db8:1:3::1")), (429, 401));
    worker.set_clock_ahead(ahead_ms + 16 * MINUTE);
    assert_eq!(try_it(PASSWORD).status, 201, "nobody is locked out");
}

#[test]
fn of_many_tries_at_once_none_is_free() {
    let worker = Worker::start();
    let mut ahead_ms = 0;
    let waits = fail_for_long(&worker, &mut ahead_ms, "203.0.113.9");
    // The wait is over, so one may be tried; then it is twice as long, and they do not take that long.
    let last_s = waits.last().copied().expect("it has to wait");
    worker.set_clock_ahead(ahead_ms + last_s * 1000);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12)
            .map(|one| {
                let name = format!("somebody {one}");
                let worker = &worker;
                scope.spawn(move || log_in_from(worker, "203.0.113.9", &name, "wrong password").status)
            })
            .collect();
        tries.into_iter().map(|one| one.join().expect("a thread")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 11, "{statuses:?}");
}

#[test]
fn an_attack_on_an_account_from_everywhere_does_not_shut_its_owner_out() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    assert_eq!(log_in_from(&worker, "198.51.100.7", "ada", PASSWORD).status, 201);
    let statuses: Vec<u16> =
        (0..14).map(|bot| log_in_from(&worker, &format!("203.0.113.{bot}"), "ada", "wrong password").status).collect();
    // Then it has to wait for a second, two, four: how many get through in that depends on the machine.
    assert!(statuses.iter().take(10).all(|status| *status == 401), "ten are free: {statuses:?}");
    let elsewhere = || log_in_from(&worker, "192.0.2.1", "ada", PASSWORD);
    // They go on for as long as it takes to make the wait the longest there is.
    for round in 1..=7 {
        worker.set_clock_ahead(round * 61_000);
        assert_eq!(log_in_from(&worker, &format!("203.0.113.1{round}0"), "ada", "wrong password").status, 401);
    }
    assert_eq!(elsewhere().status, 429);
    // Where they got in before, and by a token, they get in as ever.
    assert_eq!(log_in_from(&worker, "198.51.100.7", "ada", PASSWORD).status, 201);
    let by_token = worker.post(SESSION, &[], &json!({ "token": worker.token }).to_string());
    assert_eq!(by_token.status, 201);
    // Others have nothing to do with it; nor does a new runtime forget it.
    person(&worker, "bob", "viewer");
    assert_eq!(log_in_from(&worker, "192.0.2.1", "bob", PASSWORD).status, 201);
    worker.restart();
    assert_eq!(elsewhere().status, 429);
    worker.set_clock_ahead(8 * 61_000);
    assert_eq!(elsewhere().status, 201, "a minute is the longest");
}

#[test]
fn who_has_to_wait_costs_no_row() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    let body = json!({ "username": "ada", "password": PASSWORD }).to_string();
    let cost = worker.post(SESSION, &[("CF-Connecting-IP", "203.0.113.8")], &body).cost();
    // The session (with the user looked up for it) and the audit row.
    assert_eq!((cost.d1_rows_written, cost.requests), (2, 2));
    // In the gate: three tallies, taken back again, and that the address is known; then one and the same.
    assert_eq!(cost.object_rows_written, 7);
    let again = worker.post(SESSION, &[("CF-Connecting-IP", "203.0.113.8")], &body).cost();
    assert_eq!((again.d1_rows_written, again.object_rows_written), (2, 2));
    fail_for_long(&worker, &mut 0, "203.0.113.9");
    let refused = log_in_from(&worker, "203.0.113.9", "ada", "wrong password");
    assert_eq!((refused.status, refused.cost().d1_rows_written, refused.cost().object_rows_written), (429, 0, 0));
    assert!(refused.cost().d1_rows_read <= 1);
}

#[test]
fn an_administrator_keeps_the_accounts_and_a_viewer_looks() {
    let worker = Worker::start();
    let made = add(&worker, &json!({ "username": "vic", "password": PASSWORD, "email": "Vic@Example.com" }));
    assert_eq!((made.status, made.body.as_str()), (201, r#"{"id":2}"#));
    let users = worker.get(USERS).at("/users");
    let shown = |index: usize, key: &str| users[index][key].clone();
    assert_eq!(
        (shown(0, "name"), shown(0, "role"), shown(0, "has_password")),
        (json!("admin"), json!("admin"), json!(false))
    );
    assert_eq!(
        (shown(1, "name"), shown(1, "role"), shown(1, "email")),
        (json!("vic"), json!("viewer"), json!("vic@example.com"))
    );
    assert!(!worker.get(USERS).body.contains("pbkdf2"));
    for (user, status) in [
        (json!({ "username": "vic", "password": PASSWORD }), 409),
        (json!({ "username": "eve", "email": "vic@example.com" }), 409),
        (json!({ "username": "eve", "password": "short" }), 400),
        (json!({ "username": "", "password": PASSWORD }), 400),
        (json!({ "username": "eve", "role": "root" }), 400),
        (json!({ "username": "eve", "email": "nowhere" }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(add(&worker, &user).status, status, "{user}");
    }

    let viewer = jar(&log_in(&worker, "vic", PASSWORD));
    let header = [("Cookie", viewer.as_str()), CSRF];
    assert_eq!(worker.get_as("/api/v1/server/list", &header).at("/code"), 0);
    for (method, path) in [
        ("GET", USERS),
        ("POST", USERS),
        ("PATCH", "/api/edgewatch/v1/users/1"),
        ("DELETE", "/api/edgewatch/v1/users/1"),
        ("GET", SETTINGS),
        ("PATCH", SETTINGS),
        ("GET", TOKENS),
    ] {
        let body = if method == "POST" { r#"{"username":"x"}"# } else { "{}" };
        assert_eq!(worker.request(method, path, &header, body).status, 403, "{method} {path}");
        assert_eq!(worker.request(method, path, &[], body).status, 401, "{method} {path}");
    }
    assert_eq!(worker.post("/api/v1/server/register", &header, "{}").at("/code"), 403);
    // Without our header no cookie changes anything.
    person(&worker, "ada", "admin");
    let admin = jar(&log_in(&worker, "ada", PASSWORD));
    assert_eq!(worker.post(USERS, &[("Cookie", &admin)], r#"{"username":"x"}"#).status, 403);
    assert_eq!((change(&worker, 99, &json!({})).status, remove(&worker, 99).status), (404, 404));
    let audit = worker.sql("SELECT action FROM audit ORDER BY key").to_string();
    for action in ["user.create", "session.open", "user.admin"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[test]
fn sessions_end_when_a_password_changes() {
    let worker = Worker::start();
    let id = person(&worker, "ada", "admin");
    let jars = [jar(&log_in(&worker, "ada", PASSWORD)), jar(&log_in(&worker, "ada", PASSWORD))];
    assert_eq!(change(&worker, id, &json!({ "password": "battery staple" })).status, 204);
    for jar in &jars {
        assert_eq!(who(&worker, jar).status, 401);
        assert_eq!(worker.get_as("/api/v1/server/list", &[("Cookie", jar)]).at("/code"), 403, "remembered or not");
    }
    assert_eq!(log_in(&worker, "ada", PASSWORD).status, 401);
    assert_eq!(log_in(&worker, "ada", "battery staple").status, 201);
}

#[test]
fn ones_own_password_is_changed_with_the_one_before_it() {
    let worker = Worker::start();
    let id = person(&worker, "vic", "viewer");
    let (here, elsewhere) = (jar(&log_in(&worker, "vic", PASSWORD)), jar(&log_in(&worker, "vic", PASSWORD)));
    let path = format!("{SESSION}/password");
    let ask = |jar: &str, current: &str, new: &str| {
        worker.post(&path, &[("Cookie", jar), CSRF], &json!({ "current": current, "new": new }).to_string())
    };
    let wrong = ask(&here, "wrong password", "battery staple");
    assert_eq!((wrong.status, wrong.at("/error/field")), (400, json!("current")));
    assert_eq!(ask(&here, PASSWORD, "short").at("/error/field"), "password");
    let changed = ask(&here, PASSWORD, "battery staple");
    assert_eq!((changed.status, changed.at("/user/name")), (200, json!("vic")));
    assert_eq!((who(&worker, &here).status, who(&worker, &elsewhere).status), (401, 401));
    assert_eq!(who(&worker, &jar(&changed)).status, 200);
    assert_eq!(log_in(&worker, "vic", "battery staple").status, 201);
    let body = json!({ "current": PASSWORD, "new": "battery staple" }).to_string();
    assert_eq!(worker.post(&path, &[("Authorization", &worker.token)], &body).status, 403, "a token has no password");
    // An administrator changes their own the same way: who only took over their screen does not know it.
    assert_eq!(change(&worker, id, &json!({ "role": "admin" })).status, 204);
    let admin = jar(&log_in(&worker, "vic", "battery staple"));
    let own = json!({ "password": "another staple" }).to_string();
    let reply = worker.request("PATCH", &format!("{USERS}/{id}"), &[("Cookie", &admin), CSRF], &own);
    assert_eq!(reply.status, 409);
}

#[test]
fn sessions_and_tokens_end_when_a_user_is_removed() {
    let worker = Worker::start();
    let id = person(&worker, "ada", "admin");
    let session = jar(&log_in(&worker, "ada", PASSWORD));
    let made = worker.post(TOKENS, &[("Cookie", &session), CSRF], r#"{"scopes":["read"]}"#);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    let by_token = jar(&worker.post(SESSION, &[], &json!({ "token": token }).to_string()));
    let mut looking = Socket::open(worker.address(), "/live", &[("Authorization", &token)]).expect("a socket");
    assert_eq!(remove(&worker, id).status, 204);
    assert_eq!((who(&worker, &session).status, who(&worker, &by_token).status), (401, 401));
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", &token)]).at("/code"), 403);
    assert_eq!(last_words(&mut looking), Some(Heard::Closed(Some(4001))));
    assert_eq!(log_in(&worker, "ada", PASSWORD).status, 401);
    assert_eq!(worker.get(USERS).at("/users").as_array().map(Vec::len), Some(1));
}

#[test]
fn who_is_no_administrator_any_more_is_one_nowhere() {
    let worker = Worker::start();
    let id = person(&worker, "ada", "admin");
    let session = jar(&log_in(&worker, "ada", PASSWORD));
    let token = |scopes: &str| {
        let made = worker.post(TOKENS, &[("Cookie", &session), CSRF], &format!(r#"{{"scopes":["{scopes}"]}}"#));
        made.at("/token").as_str().expect("a token").to_owned()
    };
    let (strong, weak) = (token("admin"), token("read"));
    assert_eq!(change(&worker, id, &json!({ "role": "viewer" })).status, 204);
    assert_eq!(who(&worker, &session).at("/user/role"), "viewer");
    assert_eq!(worker.get_as(USERS, &[("Cookie", &session)]).status, 403);
    assert_eq!(worker.get_as(USERS, &[("Authorization", &strong)]).status, 401);
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", &weak)]).at("/code"), 0);
    // The last administrator stays one.
    for reply in [change(&worker, 1, &json!({ "role": "viewer" })), remove(&worker, 1)] {
        assert_eq!((reply.status, reply.at("/error/code")), (409, json!("conflict")));
    }
    assert_eq!(worker.get(USERS).status, 200);
}

#[test]
fn a_lost_answer_of_the_database_is_no_lost_login() {
    let worker = Worker::start();
    person(&worker, "ada", "admin");
    worker.faults(Fault::LostBefore, 1, "INSERT INTO sessions");
    assert_eq!(log_in(&worker, "ada", PASSWORD).status, 503);
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO sessions");
    let reply = log_in(&worker, "ada", PASSWORD);
    assert_eq!((reply.status, who(&worker, &jar(&reply)).status), (201, 200));
}

#[test]
fn guests_look_where_they_are_let_in_and_see_no_hidden_host() {
    let worker = Worker::start();
    let guest = || Socket::open(worker.address(), "/live", &[]);
    assert_eq!(guest().err(), Some(401));
    let register = |body: &str| worker.post("/api/v1/server/register", &[("Authorization", &worker.token)], body);
    register(r#"{"Name":"hidden-one"}"#);
    register(r#"{"Name":"open-one","HideForGuest":"off"}"#);
    let set = |body: &str| worker.request("PATCH", SETTINGS, &[("Authorization", &worker.token)], body);
    assert_eq!(set(r#"{"guest_view":"everything"}"#).at("/error/field"), "guest_view");
    assert_eq!(set(r#"{"guest_view":"status"}"#).at("/guest_view"), "status");
    let mut looking = guest().expect("guests are let in");
    let Heard::Text(first) = looking.next(PATIENCE) else { panic!("no snapshot") };
    assert!(first.contains("open-one") && !first.contains("hidden-one"), "{first}");
    assert_eq!(worker.get_as(SESSION, &[]).body, r#"{"user":null,"scopes":null,"guest":true}"#);
    // Closed, they are sent away at once.
    set(r#"{"guest_view":"off"}"#);
    assert_eq!(last_words(&mut looking), Some(Heard::Closed(Some(4001))));
    assert_eq!(guest().err(), Some(401));
}

#[test]
fn a_guest_who_showed_the_view_password_sees_hidden_hosts_too() {
    let worker = Worker::start();
    worker.add_host("hidden-one");
    let set = |body: &str| worker.request("PATCH", SETTINGS, &[("Authorization", &worker.token)], body).status;
    assert_eq!(set(r#"{"guest_view":"status","view_password":"open sesame"}"#), 200);
    assert_eq!(Socket::open(worker.address(), "/live", &[]).err(), Some(401));
    let shown = worker.post("/view-password", &[], r#"{"Password":"open sesame"}"#);
    let pass = shown.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    let open = |more: &[(&str, &str)]| Socket::open(worker.address(), "/live", &[&[("Cookie", pass)], more].concat());
    let mut looking = open(&[]).expect("they are let in");
    let Heard::Text(first) = looking.next(PATIENCE) else { panic!("no snapshot") };
    assert!(first.contains("hidden-one"), "{first}");
    assert_eq!(open(&[("Origin", "https://evil.example")]).err(), Some(403), "another site's page");
    assert_eq!(set(r#"{"view_password":"another one"}"#), 200);
    assert_eq!(last_words(&mut looking), Some(Heard::Closed(Some(4001))));
    assert_eq!(open(&[]).err(), Some(401));
}

#[test]
fn a_number_that_no_account_can_have_is_refused() {
    let worker = Worker::start();
    for number in ["9007199254740993", "9223372036854775807"] {
        let token = worker.request("DELETE", &format!("{TOKENS}/{number}"), &[("Authorization", &worker.token)], "");
        let user = worker.request("PATCH", &format!("{USERS}/{number}"), &[("Authorization", &worker.token)], "{}");
        assert_eq!((token.status, user.status), (400, 400), "{number}: {} {}", token.body, user.body);
    }
}

#[test]
fn settings_of_guests_are_not_changed_by_half_where_the_hub_does_not_answer() {
    let worker = Worker::start();
    worker.add_host("alpha");
    let header = [("Authorization", worker.token.as_str())];
    let set = |body: &str| worker.request("PATCH", SETTINGS, &header, body).status;
    worker.exhaust(Exhausted::ObjectRowsWritten);
    assert_eq!(set(r#"{"guest_view":"status"}"#), 503);
    assert_eq!(worker.get(SETTINGS).at("/guest_view"), "off");
    assert_eq!(
        set(r#"{"plain_ip_in_notifications":true}"#),
        200,
        "it is no guest's business, and the hub hears of it later"
    );
    worker.refill(Exhausted::ObjectRowsWritten);
    assert_eq!(set(r#"{"guest_view":"status"}"#), 200);
    let changes = worker.sql("SELECT count(*) AS count FROM audit WHERE action = 'settings.change'");
    assert_eq!(changes["results"][0]["count"], 2);
}
