//! Documents of hosts, services and roles. Source: mackerel specification, 3.13.

use edgewatch_core::units::UnixSeconds;
use edgewatch_core::units::calendar::format_header;
use serde_json::{Value, json};

use super::Mackerel;

/// An owner of each kind, and how many documents it may have.
fn owners(mackerel: &Mackerel) -> [(String, usize); 3] {
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:role"] }));
    [(format!("/hosts/{id}"), 50), ("/services/Svc".to_owned(), 50), ("/services/Svc/roles/role".to_owned(), 10)]
}

#[test]
fn a_document_is_any_json_and_comes_back_with_its_time() {
    // 12.
    let mackerel = Mackerel::start();
    for (owner, _) in owners(&mackerel) {
        let list = format!("{owner}/metadata");
        assert_eq!(mackerel.call("GET", &list, "").body, r#"{"metadata":[]}"#);
        let path = format!("{list}/env_1-A");
        for document in [r#"{"b":1,"a":[1.0,null]}"#, "null", "3", "[]"] {
            let put = mackerel.call("PUT", &path, &format!("{document}\n"));
            assert_eq!((put.status, put.body.as_str()), (200, r#"{"success":true}"#), "{owner}");
            let shown = mackerel.call("GET", &path, "");
            assert_eq!((shown.status, shown.body.as_str()), (200, document));
            let at = shown.header("last-modified").expect("the Go client needs it");
            let stored =
                mackerel.worker.sql("SELECT max(updated_at_s) AS at FROM metadata")["results"][0]["at"].as_i64();
            assert_eq!(
                at,
                format_header(UnixSeconds(stored.expect("a time")), "GMT"),
                "of its owner, the last one written"
            );
        }
        let text = mackerel.worker.request("PUT", &format!("/api/v0{path}"), &[("X-Api-Key", &mackerel.key)], "\"x\"");
        assert_eq!(text.status, 200);
        let shown = mackerel.worker.get_as(&format!("/api/v0{path}"), &[("X-Api-Key", &mackerel.key)]);
        assert_eq!((shown.status, shown.body.as_str()), (200, "\"x\""));
        assert_eq!(mackerel.call("GET", &list, "").body, r#"{"metadata":[{"namespace":"env_1-A"}]}"#);
        assert_eq!(mackerel.call("DELETE", &path, "").body, r#"{"success":true}"#);
        assert_eq!(mackerel.call("DELETE", &path, "").status, 404);
        assert_eq!(mackerel.call("GET", &path, "").status, 404);
    }
}

#[test]
fn what_is_no_document_too_large_or_one_too_many_is_refused() {
    // 12.
    let mackerel = Mackerel::start();
    for (owner, most) in owners(&mackerel) {
        let path = |namespace: &str| format!("{owner}/metadata/{namespace}");
        for bad in ["", "{", "nul", "1 2"] {
            assert_eq!(mackerel.call("PUT", &path("env"), bad).status, 400, "{bad}");
        }
        for bad in ["a.b", "mackerel", "mackerel-x", "a%20b", "a%2Fb", "%C3%A4"] {
            assert_eq!(mackerel.call("PUT", &path(bad), "{}").status, 400, "{bad}");
        }
        let largest = format!("\"{}\"", "a".repeat(100 * 1024 - 2));
        assert_eq!(mackerel.call("PUT", &path("env"), &largest).status, 200);
        let larger = mackerel.call("PUT", &path("env"), &format!("{largest} "));
        assert_eq!((larger.status, larger.at("/error/message").is_string()), (413, true));
        for index in 1..most {
            mackerel.done("PUT", &path(&format!("n{index}")), &json!(index));
        }
        assert_eq!(mackerel.call("PUT", &path("more"), "{}").status, 400);
        assert_eq!(mackerel.call("PUT", &path("n1"), "{}").status, 200, "one in the place of another");
        let listed = mackerel.get(&format!("{owner}/metadata"));
        assert_eq!(listed["metadata"].as_array().map(Vec::len), Some(most));
    }
}

#[test]
fn a_retired_hosts_documents_are_read_for_a_week_and_written_no_more() {
    // 12.
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let path = format!("/hosts/{id}/metadata/env");
    mackerel.done("PUT", &path, &json!({ "a": 1 }));
    mackerel.done("POST", &format!("/hosts/{id}/retire"), &Value::Null);
    assert_eq!(mackerel.call("PUT", &path, "{}").status, 400);
    assert_eq!(mackerel.call("DELETE", &path, "").status, 400);
    let statuses = || [&path, &format!("/hosts/{id}/metadata")].map(|path| mackerel.call("GET", path, "").status);
    assert_eq!(statuses(), [200, 200]);
    mackerel.worker.set_clock_ahead(7 * 86_400_000 - 60_000);
    assert_eq!(statuses(), [200, 200]);
    mackerel.worker.set_clock_ahead(7 * 86_400_000 + 60_000);
    assert_eq!(statuses(), [400, 400]);
}
