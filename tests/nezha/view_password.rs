//! The view password and `POST /api/setting`. Source: nezha specification, 2.3, 7.3 and 17.

use std::time::Duration;

use edgewatch_harness::http::Reply;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::session::{administrator, jar, person};

const VIEW: &str = "/view-password";
const SETTING: &str = "/api/setting";
const SETTINGS: &str = "/api/edgewatch/v1/settings";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn set(worker: &Worker, settings: &serde_json::Value) -> Reply {
    let reply = worker.request("PATCH", SETTINGS, &[("Authorization", &worker.token)], &settings.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply
}

/// What the page is told about who looks.
fn who(worker: &Worker, jar: &str) -> Reply {
    worker.get_as("/api/edgewatch/v1/session", &[("Cookie", jar)])
}

#[test]
fn the_right_one_leads_back_with_a_cookie() {
    let worker = Worker::start();
    set(&worker, &json!({ "view_password": "open sesame" }));
    let referer = format!("{}/service?x=1", worker.url);
    for (header, body) in [
        (FORM, "Password=open+sesame"),
        (("Content-Type", "application/json"), r#"{"Password":"open sesame"}"#),
        (FORM, r#"{"password":"open sesame"}"#),
    ] {
        let reply = worker.post(VIEW, &[header, ("Referer", &referer)], body);
        assert_eq!((reply.status, reply.header("location")), (302, Some("/service?x=1")), "{body}");
        let cookie = reply.header("set-cookie").expect("a cookie");
        assert!(cookie.starts_with("nezha-dashboard-vp="), "{cookie}");
        assert!(cookie.contains("; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains("sesame") && !cookie.contains('$'), "an opaque value: {cookie}");
        assert_eq!(who(&worker, &jar(&reply)).at("/guest"), true);
    }
    let elsewhere = worker.post(VIEW, &[FORM, ("Referer", "https://evil.example/x")], "Password=open+sesame");
    assert_eq!((elsewhere.status, elsewhere.header("location")), (302, Some("/")));
}

#[test]
fn a_wrong_one_is_a_page_with_status_200() {
    let worker = Worker::start();
    let wrong = |body: &str| {
        let reply = worker.post(VIEW, &[FORM], body);
        assert_eq!((reply.status, reply.header("set-cookie")), (200, None), "{body}");
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(reply.body.contains("not the view password"));
    };
    // Where none is set, an empty one is wrong too.
    for body in ["", "Password=", "Password=x"] {
        wrong(body);
    }
    set(&worker, &json!({ "view_password": "open sesame" }));
    for body in ["Password=sesame", "Password=", "", "{\"Password\":1}", "Password=Open+Sesame"] {
        wrong(body);
    }
    assert_eq!(worker.get_as(VIEW, &[]).status, 404);
}

#[test]
fn guests_are_asked_for_it_and_members_are_not() {
    let worker = Worker::start();
    assert_eq!(who(&worker, "").status, 401, "guest_view is off unless it is set");
    set(&worker, &json!({ "guest_view": "status" }));
    assert_eq!(who(&worker, "").at("/guest"), true);
    let with_both = set(&worker, &json!({ "view_password": "open sesame" }));
    assert_eq!(
        with_both.body,
        r#"{"guest_view":"status","guest_title":"","guest_theme":"system","view_password_set":true,"plain_ip_in_notifications":false,"ip_change_notifications":{"enabled":false,"group":""},"push_agents":"auto","heartbeat_interval_s":60,"heartbeat_failures":0}"#
    );
    assert_eq!(who(&worker, "").status, 401);
    assert_eq!(who(&worker, "nezha-dashboard-vp=1999999999-00").status, 401);
    let (_, session) = person(&worker, "vic", "viewer");
    assert_eq!(who(&worker, &format!("nezha-dashboard={session}")).at("/user/name"), "vic");
    // `/api/v1/server/*` always needs a member.
    let pass = jar(&worker.post(VIEW, &[FORM], "Password=open+sesame"));
    assert_eq!(who(&worker, &pass).at("/guest"), true);
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Cookie", &pass)]).at("/code"), 403);
}

#[test]
fn a_verified_guest_sees_hidden_servers_as_a_member_does() {
    // 2.3: on `/ws` and in the page at `/`.
    let worker = Worker::start();
    worker.add_host("hidden-one");
    let look = |jar: &str| Socket::open(worker.address(), "/ws", &[("Cookie", jar)]);
    let page = |jar: &str| worker.get_as("/", &[("Cookie", jar), ("Accept", "text/html")]);
    set(&worker, &json!({ "guest_view": "status" }));
    let mut guest = look("").expect("guests are let in");
    let heard = |socket: &mut Socket| match socket.next(Duration::from_secs(20)) {
        Heard::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert!(!heard(&mut guest).contains("hidden-one"));
    set(&worker, &json!({ "view_password": "open sesame" }));
    // Without the cookie there is nothing to see from then on.
    assert!(look("").is_err());
    let plain = page("");
    assert_eq!((plain.status, plain.body.contains("hidden-one")), (200, false));
    let pass = jar(&worker.post(VIEW, &[FORM], "Password=open+sesame"));
    assert!(heard(&mut look(&pass).expect("they showed it")).contains("hidden-one"));
    assert!(page(&pass).body.contains("hidden-one"));
}

#[test]
fn a_cookie_dies_with_the_password_and_with_its_day() {
    let worker = Worker::start();
    set(&worker, &json!({ "view_password": "open sesame" }));
    let show = || jar(&worker.post(VIEW, &[FORM], "Password=open+sesame"));
    let pass = show();
    worker.set_clock_ahead(86_300_000);
    assert_eq!(who(&worker, &pass).status, 200);
    worker.set_clock_ahead(86_500_000);
    assert_eq!(who(&worker, &pass).status, 401);
    let pass = show();
    set(&worker, &json!({ "view_password": "open sesame" }));
    assert_eq!(who(&worker, &pass).status, 401, "set again, though to the same");
    set(&worker, &json!({ "view_password": "" }));
    assert_eq!(who(&worker, &pass).status, 401, "taken away, and guests are not let in");
}

#[test]
fn the_settings_form_sets_it_and_ignores_what_runs_code() {
    // 7.3, and 17: the code fields are accepted and ignored.
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let cookie = format!("nezha-dashboard={session}");
    let header = [("Cookie", cookie.as_str())];
    let body = json!({
        "Title": "Fleet", "Admin": "ada", "Language": "en-US", "Theme": "default", "DashboardTheme": "default",
        "CustomCode": "<script>alert(1)</script>", "CustomCodeDashboard": "x", "CustomNameservers": "",
        "ViewPassword": "open sesame", "IgnoredIPNotification": "", "IPChangeNotificationTag": "default", "GRPCHost": "",
        "Cover": 0, "EnableIPChangeNotification": "", "EnablePlainIPInNotification": "on",
    });
    let reply = worker.post(SETTING, &header, &body.to_string());
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"code":200}"#));
    let set = || worker.get(SETTINGS);
    assert_eq!(
        set().body,
        r#"{"guest_view":"off","guest_title":"","guest_theme":"system","view_password_set":true,"plain_ip_in_notifications":true,"ip_change_notifications":{"enabled":false,"group":"default"},"push_agents":"auto","heartbeat_interval_s":60,"heartbeat_failures":0}"#
    );
    assert!(!worker.get_as("/", &[("Accept", "text/html")]).body.contains("alert(1)"));
    let pass = jar(&worker.post(VIEW, &[FORM], "Password=open+sesame"));
    assert_eq!(who(&worker, &pass).at("/guest"), true);

    // As a form too; a password that is not named stays, as nobody can fill in the one there is.
    let reply = worker.post(SETTING, &[header[0], FORM], "Title=Fleet&EnablePlainIPInNotification=");
    assert_eq!(reply.body, r#"{"code":200}"#);
    assert_eq!(
        set().body,
        r#"{"guest_view":"off","guest_title":"","guest_theme":"system","view_password_set":true,"plain_ip_in_notifications":false,"ip_change_notifications":{"enabled":false,"group":""},"push_agents":"auto","heartbeat_interval_s":60,"heartbeat_failures":0}"#
    );
    assert_eq!(worker.post(SETTING, &[header[0], FORM], "Title=Fleet&ViewPassword=").at("/code"), 200);
    assert_eq!(set().at("/view_password_set"), false);

    for body in ["", "[]", r#"{"ViewPassword":7}"#] {
        assert_eq!(worker.post(SETTING, &header, body).at("/code"), 400, "{body}");
    }
    let (_, viewer) = person(&worker, "vic", "viewer");
    let cookie = format!("nezha-dashboard={viewer}");
    assert_eq!(worker.post(SETTING, &[("Cookie", &cookie)], "{}").at("/code"), 403);
}

#[test]
fn who_guesses_it_waits_and_who_knows_it_gets_in_meanwhile() {
    let worker = Worker::start();
    set(&worker, &json!({ "view_password": "open sesame" }));
    let show = |from: &str, body: &str| worker.post(VIEW, &[FORM, ("CF-Connecting-IP", from)], body).status;
    assert_eq!(show("198.51.100.1", "Password=open+sesame"), 302);
    for _ in 0..5 {
        assert_eq!(show("203.0.113.9", "Password=x"), 200);
    }
    assert_eq!(show("203.0.113.9", "Password=open+sesame"), 429);
    assert_eq!(show("198.51.100.1", "Password=open+sesame"), 302);
    assert_eq!(show("198.51.100.2", "Password=open+sesame"), 302);
    worker.set_clock_ahead(3_000);
    assert_eq!(show("203.0.113.9", "Password=open+sesame"), 302);
}
