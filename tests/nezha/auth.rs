//! Who gets in.

use edgewatch_harness::worker::Worker;
use serde_json::json;

const ROUTES: [(&str, &str); 3] =
    [("GET", "/api/v1/server/list"), ("GET", "/api/v1/server/details"), ("POST", "/api/v1/server/register")];

#[test]
fn without_a_credential_every_route_says_403_in_a_200() {
    // Check 1.
    let worker = Worker::start();
    for (method, path) in ROUTES {
        let reply = worker.request(method, path, &[], "");
        reply.assert_golden("nezha/refused");
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

#[test]
fn the_token_opens_bare_and_as_bearer_and_in_no_other_way() {
    // Check 2.
    let worker = Worker::start();
    let token = worker.token.as_str();
    let code = |path: &str, headers: &[(&str, &str)]| worker.get_as(path, headers).at("/code");
    let list = "/api/v1/server/list";
    assert_eq!(code(list, &[("Authorization", token)]), 0);
    assert_eq!(code(list, &[("authorization", &format!("Bearer {token}"))]), 0);
    assert_eq!(code(list, &[("Authorization", &format!("  {token} \t"))]), 0, "white space around it is not its own");
    assert_eq!(code(list, &[("Authorization", &format!("Token {token}"))]), 403);
    assert_eq!(code(list, &[("Authorization", &format!("{token}x"))]), 403);
    assert_eq!(code(list, &[("Authorization", &token[1..])]), 403);
    assert_eq!(code(list, &[("Cookie", &format!("nezha-dashboard={token}"))]), 403);
    assert_eq!(code(&format!("{list}?token={token}"), &[]), 403);
}

#[test]
fn a_pasted_session_cookie_opens_as_the_token_does() {
    let worker = Worker::builder().without_admin().start();
    let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
    let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
    let cookie = setup.header("set-cookie").expect("setup opens a session");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    let value = cookie.split(['=', ';']).nth(1).expect("the cookie has a value");
    for name in ["nezha-dashboard", "edgewatch_session"] {
        let jar = format!("{name}={value}");
        assert_eq!(worker.get_as("/api/v1/server/details", &[("Cookie", &jar)]).at("/code"), 0);
        // A wrong header beside a valid cookie does no harm.
        let both = [("Cookie", jar.as_str()), ("Authorization", "00000000000000000000000000000000")];
        assert_eq!(worker.get_as("/api/v1/server/list", &both).at("/code"), 0);
        let made = worker.post("/api/v1/server/register", &[("Cookie", &jar)], "{}");
        assert_eq!(made.at("/code"), 200);
    }
}

#[test]
fn another_site_cannot_make_a_browser_register_a_host() {
    let worker = Worker::builder().without_admin().start();
    let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
    let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
    let jar = setup.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a session");
    let register = "/api/v1/server/register";
    for (name, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(worker.post(register, &[("Cookie", jar), (name, value)], "{}").at("/code"), 403, "{name}: {value}");
    }
    assert_eq!(worker.post(register, &[("Cookie", jar), ("Origin", &worker.url)], "{}").at("/code"), 200);
    let token = setup.at("/token").as_str().expect("a token").to_owned();
    assert_eq!(
        worker.get_as("/api/v1/server/list", &[("Authorization", &token)]).at("/result").as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_revoked_token_stops_working_at_once() {
    // Check 2, its end.
    let worker = Worker::start();
    let tokens = "/api/edgewatch/v1/tokens";
    let made = worker.post(tokens, &[("Authorization", &worker.token)], r#"{"note":"bot","scopes":["read"]}"#);
    assert_eq!(made.status, 201);
    let token = made.at("/token").as_str().expect("a token").to_owned();
    let list = || worker.get_as("/api/v1/server/list", &[("Authorization", &token)]).at("/code");
    assert_eq!(list(), 0);
    let path = format!("{tokens}/{}", made.at("/id"));
    assert_eq!(worker.request("DELETE", &path, &[("Authorization", &worker.token)], "").status, 204);
    assert_eq!(list(), 403);
}

#[test]
fn a_token_does_what_its_scopes_say_and_no_more() {
    let worker = Worker::start();
    let make = |body: &str| {
        let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], body);
        assert_eq!(made.status, 201, "{}", made.body);
        made.at("/token").as_str().expect("a token").to_owned()
    };
    for (body, reads, registers) in [
        (r#"{"scopes":["read"]}"#, 0, 403),
        (r#"{"scopes":["register"]}"#, 403, 200),
        (r#"{"kind":"agent"}"#, 403, 200),
        (r#"{"scopes":["admin"]}"#, 0, 200),
    ] {
        let token = make(body);
        let header = [("Authorization", token.as_str())];
        assert_eq!(worker.get_as("/api/v1/server/list", &header).at("/code"), reads, "{body} reads");
        assert_eq!(worker.post("/api/v1/server/register", &header, "{}").at("/code"), registers, "{body} registers");
        let tokens = worker.get_as("/api/edgewatch/v1/tokens", &header);
        assert_eq!(tokens.status, if body.contains("admin") { 200 } else { 403 }, "{body} lists tokens");
    }
    // Check 3: an agent's secret opens nothing here.
    let host = worker.add_host("alpha");
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", &host.secret)]).at("/code"), 403);
}
