//! Pages that the original has for people. Source: nezha specification, 2.3, 2.4, 5, 8 and 10.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::monitor::{back_ms, form, report, save, signed_in};

const PEOPLE: (&str, &str) = ("Accept", "text/html");
const HOSTILE: &str = "<script>alert('1')</script>__VERSION____MAIN__\"&";

fn page(worker: &Worker, path: &str, jar: &str) -> Reply {
    let reply = worker.get_as(path, &[("Cookie", jar), PEOPLE]);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
    reply
}

fn guests_are_let_in(worker: &Worker) {
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
}

/// Nothing is fetched from elsewhere, nothing inline runs, and no name is markup.
fn assert_is_tame(reply: &Reply) {
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    for part in ["<script", " style=", "<style", "http://", "https://", "//cdn", " onerror", " onload"] {
        assert!(!reply.body.contains(part), "{part} in {}", reply.body);
    }
    let linked = reply.body.split(['"', '\'']).filter(|part| part.starts_with("/ui/"));
    assert!(linked.count() >= 2, "{}", reply.body);
}

#[test]
fn service_shows_the_monitors_that_are_to_be_shown_with_thirty_days_and_their_state() {
    let (worker, jar) = signed_in();
    let host = worker.add_host("alpha");
    for (name, shown) in [(HOSTILE, "on"), ("kept back", "off")] {
        let mut monitor = form(name, 3, "192.0.2.77:80");
        monitor["EnableShowInService"] = json!(shown);
        assert_eq!(save(&worker, &jar, &monitor), json!({ "code": 200 }));
    }
    let [first, second] = back_ms();
    let result = json!([{ "id": 1, "delay_ms": 12.5 }, { "id": 2, "delay_ms": 3 }]);
    report(&worker, &host, 1, &[(first, result), (second, json!([{ "id": 1, "note": "refused" }]))]);
    guests_are_let_in(&worker);
    for jar in ["", jar.as_str()] {
        let shown = page(&worker, "/service", jar);
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert_is_tame(&shown);
        assert!(shown.body.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;__VERSION____MAIN__&quot;&amp;"));
        assert!(!shown.body.contains("kept back") && !shown.body.contains("192.0.2.77"), "{}", shown.body);
        assert_eq!(shown.body.matches("<rect class=").count(), 30, "a column a day");
        assert_eq!(shown.body.matches("<rect class=\"no_data\"").count(), 29);
        // Half of two results.
        assert!(shown.body.contains(": 50 % of 2</title>"), "{}", shown.body);
        assert!(
            shown.body.contains("data-state=\"down\">Down</span>") && shown.body.contains("12.5 ms"),
            "{}",
            shown.body
        );
    }
}

#[test]
fn service_shows_what_servers_transferred_in_a_cycle_and_guests_no_hidden_ones() {
    let (worker, jar) = signed_in();
    let body = json!({ "Name": "seen", "HideForGuest": "off" }).to_string();
    worker.post("/api/v1/server/register", &[("Cookie", &jar)], &body);
    let hidden = worker.add_host("hidden-one");
    let rules = json!([{ "type": "transfer_all_cycle", "max": 4096, "cycle_interval": 1, "cycle_unit": "month",
        "cycle_start": "2020-01-01T00:00:00Z" }]);
    let rule = json!({ "Name": "plan <b>", "RulesRaw": rules.to_string(), "Enable": "on" }).to_string();
    assert_eq!(worker.post("/api/alert-rule", &[("Cookie", &jar)], &rule).body, r#"{"code":200}"#);
    for (number, bytes) in [(1_u64, 100_000), (2, 101_024)] {
        let sample = json!({ "number": number, "at_ms": 0, "net_in_bytes": bytes, "net_out_bytes": bytes, "uptime_s": 9_000_000 });
        let sent =
            json!({ "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10, "samples": [sample] });
        let bearer = format!("Bearer {}", hidden.secret);
        assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &sent.to_string()).status, 200);
    }
    guests_are_let_in(&worker);
    let (guest, member) = (page(&worker, "/service", ""), page(&worker, "/service", &jar));
    for shown in [&guest, &member] {
        assert_is_tame(shown);
        assert!(
            shown.body.contains("<th scope=\"row\">plan &lt;b&gt;</th><td>seen</td><td>0 B (all)"),
            "{}",
            shown.body
        );
    }
    assert!(
        member.body.contains("<td>hidden-one</td><td>2.00 KiB (all) <meter min=\"0\" max=\"100\" value=\"50.0\">"),
        "{}",
        member.body
    );
    assert!(member.body.contains("<td>4.00 KiB</td>"), "{}", member.body);
    assert!(!guest.body.contains("hidden-one"), "{}", guest.body);
}

#[test]
fn network_draws_the_delays_of_a_server_and_guests_see_no_hidden_one() {
    let (worker, jar) = signed_in();
    let body = json!({ "Name": HOSTILE, "HideForGuest": "off" }).to_string();
    worker.post("/api/v1/server/register", &[("Cookie", &jar)], &body);
    let hidden = worker.add_host("hidden-one");
    assert_eq!(save(&worker, &jar, &form("<i>gate", 3, "192.0.2.77:80")), json!({ "code": 200 }));
    let [first, second] = back_ms();
    report(
        &worker,
        &hidden,
        1,
        &[(first, json!([{ "id": 1, "delay_ms": 10 }])), (second, json!([{ "id": 1, "delay_ms": 20 }]))],
    );
    guests_are_let_in(&worker);
    let member = page(&worker, "/network/2", &jar);
    assert_eq!(member.status, 200);
    assert_is_tame(&member);
    assert_eq!(member.body.matches("<polyline ").count(), 1);
    for part in
        ["&lt;i&gt;gate", "<td>15.00 ms</td>", "<td>0.0 %</td>", "/network/2\" aria-current=\"page\">hidden-one<"]
    {
        assert!(member.body.contains(part), "{part} in {}", member.body);
    }
    assert!(!member.body.contains("192.0.2.77"), "{}", member.body);
    let guest = page(&worker, "/network", "");
    assert_is_tame(&guest);
    assert!(
        guest.body.contains("/network/1\" aria-current=\"page\">&lt;script&gt;") && !guest.body.contains("hidden-one")
    );
    assert!(guest.body.contains("No ping of this server"), "{}", guest.body);
    assert_eq!(page(&worker, "/network/2", "").status, 403, "the number of a hidden one opens nothing");
    for nobody in ["/network/99", "/network/0", "/network/x", "/network/-1"] {
        assert_eq!(page(&worker, nobody, &jar).status, 404, "{nobody}");
    }
}

#[test]
fn the_view_password_is_asked_for_on_every_page_for_people() {
    // 2.3. `/` is the dashboard, which has a form of its own (tests/browser/guest.mjs); `/ws` answers in JSON, `/file` is no page
    // here.
    let worker = Worker::start();
    worker.add_host("hidden-one");
    let settings = "/api/edgewatch/v1/settings";
    for view_password in ["", "open sesame"] {
        let body = json!({ "view_password": view_password }).to_string();
        assert_eq!(worker.request("PATCH", settings, &[("Authorization", &worker.token)], &body).status, 200);
        for path in ["/service", "/network", "/network/1", "/network/99"] {
            let asked = page(&worker, path, "");
            assert_eq!(asked.status, 200, "{path}");
            assert_is_tame(&asked);
            assert!(
                asked.body.contains("<form method=\"post\" action=\"/view-password\">")
                    && asked.body.contains("name=\"Password\"")
            );
            assert!(!asked.body.contains("hidden-one") && !asked.body.contains("Services"), "{}", asked.body);
            // A form that is sent from here says where it stood.
            assert!(
                asked.header("content-security-policy").is_some_and(|policy| policy.contains("form-action 'self'"))
            );
            assert_eq!(asked.header("referrer-policy"), Some("same-origin"));
        }
        let home = page(&worker, "/", "");
        assert!(home.body.contains("id=\"app\"") && !home.body.contains("hidden-one"));
        assert_eq!(worker.get_as("/ws", &[]).json(), json!({ "code": 403, "message": "访问受限" }));
        assert_eq!(worker.get_as("/file", &[PEOPLE]).status, 404);
    }
    let form =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Referer", &*format!("{}/network", worker.url))];
    let shown = worker.post("/view-password", &form, "Password=open+sesame");
    assert_eq!((shown.status, shown.header("location")), (302, Some("/network")));
    let jar = shown.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    assert!(page(&worker, "/network", &jar).body.contains("hidden-one"), "as a member sees it");
    assert!(page(&worker, "/service", &jar).body.contains("Services"));
    let monitor = worker.get_as("/api/v1/monitor/1", &[("Cookie", &jar)]);
    assert_eq!((monitor.status, monitor.at("/code")), (200, json!(0)), "and what the page is made of");
}

#[test]
fn the_pages_for_administrators_are_403_without_a_session() {
    // 2.4.
    let worker = Worker::start();
    let cookie = worker.cookie();
    let token = worker.token.as_str();
    for path in ["/server", "/monitor", "/cron", "/notification", "/ddns", "/nat", "/setting"] {
        let wrong = [("Cookie", "nezha-dashboard=00000000000000000000000000000000")];
        for headers in [&[][..], &[("Authorization", token)], &wrong] {
            let refused = worker.get_as(path, headers);
            assert_eq!(
                (refused.status, refused.header("content-type")),
                (403, Some("text/html; charset=utf-8")),
                "{path}"
            );
            assert_is_tame(&refused);
        }
        let led = worker.get_as(path, &[("Cookie", &cookie)]);
        assert_eq!((led.status, led.header("location")), (302, Some("/")), "{path}");
    }
}

#[test]
fn service_and_network_have_their_price() {
    let (worker, jar) = signed_in();
    let hosts = worker.add_hosts("host", 3);
    let mut monitor = form("web", 3, "192.0.2.1:80");
    monitor["EnableShowInService"] = json!("on");
    save(&worker, &jar, &monitor);
    let [first, second] = back_ms();
    for host in &hosts {
        let good = || json!([{ "id": 1, "delay_ms": 10 }]);
        report(&worker, host, 1, &[(first, good()), (second, good())]);
    }
    let cost = |path: &str| page(&worker, path, &jar).cost();
    // The session and its person; the hub has the rest in its own rings.
    let service = cost("/service");
    assert!(service.d1_rows_read <= 4 && service.d1_rows_written == 0 && service.requests <= 3, "{service:?}");
    let network = cost("/network");
    assert!(network.d1_rows_read <= 6 && network.d1_rows_written == 0 && network.requests <= 3, "{network:?}");
    assert_eq!(Value::from(network.object_rows_written), 0);
}
