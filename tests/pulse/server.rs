//! What the server says of itself, how it refuses, and what every answer says.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn health_is_open_and_its_uptime_outlives_a_restart() {
    let worker = Worker::start();
    let uptime = || worker.get_as("/api/health", &[]).at("/uptime").as_f64().expect("a number");
    let first = uptime();
    let reply = worker.get_as("/api/health", &[]);
    reply.assert_golden_but("pulse/health", &[("timestamp", Volatile::UnixSeconds), ("uptime", Volatile::Number)]);
    worker.restart();
    assert!(uptime() >= first);
    assert_eq!(worker.request("HEAD", "/api/health", &[], "").status, 200);
}

#[test]
fn what_is_open_is_the_same_whatever_token_is_shown() {
    let worker = Worker::start();
    for path in ["/api/version", "/api/security/status", "/api/agent/version", "/api/server/info"] {
        let open = worker.get_as(path, &[]);
        assert_eq!(open.status, 200, "{path}");
        for token in [worker.token.as_str(), "wrong"] {
            let reply = worker.get_as(path, &[("X-API-Token", token)]);
            assert_eq!((reply.status, reply.json()), (200, open.json()), "{path}");
        }
    }
    let version = json!({"version": "v4.2.1", "build": "release", "runtime": "go", "channel": "stable", "isDocker": false,
        "isDevelopment": false});
    assert_eq!(worker.get_as("/api/version", &[]).json(), version);
    assert_eq!(worker.get_as("/api/agent/version", &[]).json(), json!({"version": "dev"}));
    let security = json!({"apiTokenConfigured": true, "requiresAuth": true, "exportProtected": true,
        "unprotectedExportAllowed": false, "registrationTokensEnabled": false});
    assert_eq!(worker.get_as("/api/security/status", &[]).json(), security);
}

#[test]
fn variables_are_told_of_and_the_token_among_them_is_an_administrator_s() {
    let worker = Worker::builder()
        .var("API_TOKEN", "short & strange")
        .var("ALLOW_UNPROTECTED_EXPORT", "true")
        .var("REQUIRE_REGISTRATION_TOKEN", "true")
        .start();
    let security = worker.get_as("/api/security/status", &[]).json();
    assert_eq!(
        (&security["unprotectedExportAllowed"], &security["registrationTokensEnabled"], &security["exportProtected"]),
        (&json!(true), &json!(true), &json!(true))
    );
    for (name, value) in [
        ("X-API-Token", "short & strange"),
        ("x-api-token", "short & strange"),
        ("Authorization", "Bearer short & strange"),
    ] {
        assert_eq!(worker.get_as("/api/config/nodes", &[(name, value)]).status, 200, "{name}: {value}");
    }
    let post = worker.post("/api/config/system", &[("X-API-Token", "short & strange")], r#"{"pollingInterval":7}"#);
    assert_eq!(post.status, 200);
    assert_eq!(worker.get_as("/api/config/nodes", &[("X-API-Token", "short & strang")]).status, 401);
    // It is a token of this dialect alone.
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", "short & strange")]).at("/code"), json!(403));
}

#[test]
fn every_form_of_a_token_is_taken_and_nothing_else_is() {
    let worker = Worker::start();
    let token = worker.token.clone();
    let bearer = format!("Bearer {token}");
    for headers in [
        [("X-API-Token", token.as_str())].as_slice(),
        &[("x-api-token", &token)],
        &[("Authorization", &bearer)],
        &[("Authorization", &token)],
        &[("X-API-Token", "wrong"), ("Authorization", &token)],
        &[("Cookie", &worker.cookie())],
    ] {
        assert_eq!(worker.get_as("/api/state", headers).status, 200, "{headers:?}");
    }
    assert_eq!(worker.get_as(&format!("/api/state?token={token}"), &[]).status, 200);
    for (path, headers) in [
        ("/api/state", [].as_slice()),
        ("/api/state", &[("X-API-Token", "wrong")]),
        ("/api/state?token=wrong", &[]),
        ("/api/state?token=", &[("Authorization", "Basic dTpw")]),
    ] {
        let reply = worker.get_as(path, headers);
        assert_eq!((reply.status, reply.at("/code")), (401, json!("unauthorized")), "{path} {headers:?}");
        assert_eq!(reply.at("/error"), json!("Invalid or missing API token"));
    }
    // Elsewhere an address with a token in it lets nobody in.
    for path in ["/api/charts", "/api/config/nodes", "/api/backups", "/api/diagnostics", "/api/config/system"] {
        let reply = worker.get_as(&format!("{path}?token={token}"), &[]);
        assert_eq!((reply.status, reply.at("/error")), (401, json!("Unauthorized")), "{path}");
    }
}

#[test]
fn guests_look_where_the_operator_lets_them_and_change_nothing() {
    let worker = Worker::start();
    let reads = ["/api/state", "/api/storage", "/api/charts", "/api/storage-charts", "/api/backups", "/api/snapshots"];
    let closed = |view: &str| {
        let body = json!({ "guest_view": view }).to_string();
        let token = format!("Bearer {}", worker.token);
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        assert!(worker.request("PATCH", "/api/edgewatch/v1/settings", &headers, &body).status < 300);
        reads.iter().filter(|path| worker.get_as(path, &[]).status == 401).count()
    };
    assert_eq!((closed("off"), closed("status"), closed("pulse")), (reads.len(), reads.len(), 0));
    assert_eq!(worker.get_as("/api/config/nodes", &[]).json(), json!([]));
    for path in ["/api/config/nodes", "/api/config/system", "/api/settings/update"] {
        assert_eq!(worker.post(path, &[], "{}").status, 401, "{path}");
    }
    assert_eq!(worker.get_as("/api/diagnostics", &[]).status, 401);
}

#[test]
fn another_site_makes_no_browser_change_anything() {
    let worker = Worker::start();
    let cookie = worker.cookie();
    let from = |origin: &str| {
        let headers = [("Cookie", cookie.as_str()), ("Origin", origin)];
        worker.post("/api/config/system", &headers, r#"{"pollingInterval":9}"#).status
    };
    assert_eq!((from("https://evil.example"), from(&worker.url)), (403, 200));
}

#[test]
fn other_methods_and_routes_are_refused_in_the_dialects_words() {
    let worker = Worker::start();
    for (method, path, status, code, words) in [
        ("POST", "/api/health", 405, "method_not_allowed", "Method not allowed"),
        ("PUT", "/api/state", 405, "method_not_allowed", "Only GET method is allowed"),
        ("POST", "/api/storage/x", 405, "method_not_allowed", "Only GET method is allowed"),
        ("POST", "/api/backups/pve", 405, "method_not_allowed", "Method not allowed"),
        ("GET", "/api/nothing", 404, "not_found", "404 page not found"),
        ("GET", "/api/", 404, "not_found", "404 page not found"),
        ("GET", "/api/notifications/nothing", 404, "not_found", "Not found"),
        ("GET", "/api/alerts/nothing", 404, "not_found", "Not found"),
    ] {
        let reply = worker.request(method, path, &[], "");
        let said = (reply.status, reply.at("/code"), reply.at("/error"), reply.at("/status_code"));
        assert_eq!(said, (status, json!(code), json!(words), json!(status)), "{method} {path}");
        assert_eq!(keys(&reply.json()), ["code", "error", "status_code", "timestamp"]);
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[test]
fn every_answer_says_who_may_read_it_and_a_preflight_asks_for_nothing() {
    let worker = Worker::start();
    let preflight = worker.request("OPTIONS", "/api/config/nodes", &[("Origin", "https://a.example")], "");
    assert_eq!((preflight.status, preflight.body.as_str()), (200, ""));
    for reply in [preflight, worker.get_as("/api/health", &[]), worker.get_as("/api/state", &[])] {
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("x-xss-protection", "1; mode=block"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        assert!(reply.header("content-security-policy").is_some());
        assert!(
            reply.header("access-control-allow-headers").is_some_and(|names| names.contains("X-Registration-Token"))
        );
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
    let token = [("X-API-Token", worker.token.as_str())];
    worker.post("/api/config/system", &token, r#"{"allowedOrigins":"https://a.example"}"#);
    let origin = worker.get_as("/api/health", &[]);
    assert_eq!(origin.header("access-control-allow-origin"), Some("https://a.example"));
}

#[test]
fn configuration_in_short_settings_and_diagnostics_have_their_keys() {
    let worker = Worker::start();
    let config = worker.get("/api/config").json();
    assert_eq!(keys(&config), ["autoUpdateEnabled", "csrfProtection", "pollingInterval", "updateChannel"]);
    let settings = worker.get("/api/settings").json();
    assert_eq!(keys(&settings), ["capabilities", "current", "defaults"]);
    let wanted = r#"{"settings":{"monitoring":{"pollingInterval":20}},"validateOnly":true}"#;
    let token = [("X-API-Token", worker.token.as_str())];
    assert_eq!(worker.post("/api/settings/update", &token, wanted).at("/valid"), json!(true));
    assert_ne!(worker.get("/api/config/system").at("/pollingInterval"), json!(20));
    let saved = worker.post("/api/settings/update", &token, &wanted.replace("true", "false"));
    assert_eq!(
        (saved.at("/success"), worker.get("/api/config/system").at("/pollingInterval")),
        (json!(true), json!(20))
    );
    let diagnostics = worker.get("/api/diagnostics").json();
    assert_eq!(keys(&diagnostics), ["errors", "nodes", "pbs", "runtime", "system", "uptime", "version"]);
    let found = worker.get("/api/discover");
    assert_eq!((found.status, found.json()), (200, json!({"servers": [], "errors": []})));
}

#[test]
fn the_system_is_set_by_both_methods_and_says_so() {
    let worker = Worker::start();
    let token = [("X-API-Token", worker.token.as_str())];
    let fresh = worker.get("/api/config/system").json();
    let named =
        ["allowedOrigins", "autoUpdateEnabled", "backendPort", "connectionTimeout", "frontendPort", "pollingInterval"];
    assert_eq!(keys(&fresh), named);
    for (method, seconds) in [("POST", 5), ("PUT", 30)] {
        let body = json!({ "pollingInterval": seconds }).to_string();
        let saved = worker.request(method, "/api/config/system", &token, &body);
        let words = format!("Polling interval updated to {seconds} seconds");
        assert_eq!(saved.json(), json!({"status": "success", "message": words, "pollingInterval": seconds}));
        assert_eq!(worker.get("/api/config/system").at("/pollingInterval"), json!(seconds));
    }
    for body in ["", "{", "[]", r#"{"pollingInterval":"5"}"#] {
        let refused = worker.post("/api/config/system", &token, body);
        assert_eq!((refused.status, refused.at("/error")), (400, json!("Invalid request body")), "{body}");
    }
    let refused = worker.post("/api/config/system", &token, r#"{"pollingInterval":3601}"#);
    assert_eq!((refused.status, refused.at("/code")), (400, json!("validation_error")));
    assert_eq!(worker.get("/api/config/system").at("/pollingInterval"), json!(30));
}
