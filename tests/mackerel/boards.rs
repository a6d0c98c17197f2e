//! Graph annotations and dashboards. Source: mackerel specification, 10.

use serde_json::{Value, json};

use super::{Mackerel, audited};

fn noted(title: &str, from: i64, to: i64) -> Value {
    json!({ "title": title, "from": from, "to": to, "service": "Shop" })
}

fn titles(mackerel: &Mackerel, query: &str) -> Vec<String> {
    let found = mackerel.get(&format!("/graph-annotations?service=Shop&{query}"));
    let list = found["graphAnnotations"].as_array().expect("a list").iter();
    list.map(|one| one["title"].as_str().expect("a title").to_owned()).collect()
}

#[test]
fn annotations_are_found_by_service_and_time() {
    let mackerel = Mackerel::start();
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web", "Other:aa"] }));
    let full =
        json!({ "title": "deploy", "description": "d", "from": 100, "to": 200, "service": "Shop", "roles": ["web"] });
    let made = mackerel.done("POST", "/graph-annotations?", &full);
    let id = made["id"].as_str().expect("an id").to_owned();
    let mut expected = full.clone();
    expected["id"] = json!(id);
    assert_eq!((id.len(), &made), (11, &expected));
    let odd = r#"{"title":"odd","description":null,"from":50,"to":50,"service":"Shop","roles":null}"#;
    let other = mackerel.call("POST", "/graph-annotations", odd);
    assert_eq!((other.at("/description"), other.at("/roles")), (json!(""), json!([])));
    mackerel.done("POST", "/graph-annotations", &json!({ "title": "x", "from": 1, "to": 999, "service": "Other" }));

    assert_eq!(titles(&mackerel, "from=0&to=9999999999"), ["odd", "deploy"]);
    assert_eq!(
        (titles(&mackerel, "from=200&to=300"), titles(&mackerel, "from=51&to=100")),
        (vec!["deploy".to_owned()], vec!["deploy".to_owned()])
    );
    assert_eq!((titles(&mackerel, "from=201&to=300").len(), titles(&mackerel, "from=0&to=49").len()), (0, 0));
    for (query, status) in [
        ("", 400),
        ("?", 400),
        ("?service=Shop&from=1", 400),
        ("?service=Shop&from=x&to=2", 400),
        ("?service=Shop&from=3&to=2", 400),
        ("?service=Nope&from=1&to=2", 404),
    ] {
        mackerel.refused(status, ("GET", &format!("/graph-annotations{query}")), "");
    }

    let path = format!("/graph-annotations/{id}");
    assert_eq!(mackerel.done("PUT", &path, &made), expected, "what was answered may be sent back");
    let moved = mackerel.done("PUT", &path, &noted("moved", 300, 400));
    assert_eq!((&moved["title"], &moved["description"], &moved["roles"]), (&json!("moved"), &json!(""), &json!([])));
    assert_eq!(mackerel.done("DELETE", &path, &Value::Null), moved);
    mackerel.refused(404, ("DELETE", &path), "");
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    let left = mackerel.worker.sql("SELECT title FROM graph_annotations");
    assert_eq!(left["results"], json!([{ "title": "x" }]), "those of a service go with it");
    let actions = ["graph_annotation.create", "graph_annotation.update", "graph_annotation.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [3, 2, 1]);
}

#[test]
fn an_annotation_has_limits() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    let made = mackerel.done("POST", "/graph-annotations", &noted("t", 1, 2));
    let path = format!("/graph-annotations/{}", made["id"].as_str().expect("an id"));
    let with = |key: &str, value: Value| {
        let mut body = noted("t", 1, 2);
        body[key] = value;
        body
    };
    for (bad, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (noted("", 1, 2), 400),
        (noted("t", 2, 1), 400),
        (noted(&"ä".repeat(251), 1, 2), 400),
        (with("description", json!("ä".repeat(1_025))), 400),
        (with("from", json!("1")), 400),
        (with("roles", json!(["nope"])), 400),
        (with("roles", json!("web")), 400),
        (with("service", json!("Nope")), 404),
    ] {
        mackerel.refused(status, ("POST", "/graph-annotations"), &bad.to_string());
        mackerel.refused(status, ("PUT", &path), &bad.to_string());
    }
    let most = with("description", json!("ä".repeat(1_024)));
    mackerel.done("PUT", &path, &most);
    assert_eq!(titles(&mackerel, "from=0&to=5"), ["t"]);
    // The row, its index and the audit; one more for the table of numbers that are never given twice.
    assert_eq!(mackerel.price("POST", "/graph-annotations", &noted("u", 1, 2)), 4);
    assert_eq!(mackerel.price("DELETE", &path, &Value::Null), 2);
}

#[test]
fn dashboards_are_kept_as_they_are_and_a_path_is_there_once() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/dashboards?", "").body, r#"{"dashboards":[]}"#);
    let widgets = json!([
        { "type": "markdown", "title": "w", "markdown": "# <b>\u{1f600}", "layout": { "x": 0, "y": 0, "width": 24, "height": 3 } },
        { "type": "graph", "title": "", "graph": { "type": "host", "hostId": "x", "name": "loadavg" }, "range": null, "unheard": [1.5, {}] }
    ]);
    let full = json!({ "title": "t", "memo": "m", "urlPath": "my-Path_1", "widgets": widgets });
    let made = mackerel.done("POST", "/dashboards", &full);
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/dashboards/{id}");
    for (key, value) in full.as_object().expect("an object") {
        assert_eq!(&made[key], value, "{key}");
    }
    assert!(made["createdAt"].is_i64() && made["updatedAt"] == made["createdAt"], "{made}");
    assert_eq!((&mackerel.get(&path), &mackerel.get("/dashboards")["dashboards"]), (&made, &json!([made])));

    let second = json!({ "title": "u", "urlPath": "second", "memo": null, "widgets": null });
    let other = mackerel.done("POST", "/dashboards", &second);
    assert_eq!((&other["memo"], &other["widgets"]), (&json!(""), &json!([])));
    mackerel.refused(409, ("POST", "/dashboards"), &full.to_string());
    let other_path = format!("/dashboards/{}", other["id"].as_str().expect("an id"));
    mackerel.refused(409, ("PUT", &other_path), &full.to_string());
    assert_eq!(mackerel.get(&other_path), other, "nothing was changed");

    mackerel.worker.set_clock_ahead(60_000);
    let changed = mackerel.done("PUT", &path, &made);
    assert_eq!((&changed["createdAt"], &changed["widgets"]), (&made["createdAt"], &made["widgets"]));
    assert!(changed["updatedAt"].as_i64() >= made["updatedAt"].as_i64().map(|at| at + 59), "{changed}");
    assert_eq!(mackerel.done("DELETE", &path, &Value::Null), changed);
    for method in ["GET", "DELETE"] {
        mackerel.refused(404, (method, &path), "");
    }
    mackerel.done("POST", "/dashboards", &full);
    let actions = ["dashboard.create", "dashboard.update", "dashboard.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [3, 1, 1]);
}

#[test]
fn a_dashboard_that_cannot_be_is_refused() {
    let mackerel = Mackerel::start();
    let made = mackerel.done("POST", "/dashboards", &json!({ "title": "t", "urlPath": "p" }));
    let path = format!("/dashboards/{}", made["id"].as_str().expect("an id"));
    for bad in [
        json!({}),
        json!([]),
        json!({ "title": "t" }),
        json!({ "title": "", "urlPath": "q" }),
        json!({ "title": "t", "urlPath": "a/b" }),
        json!({ "title": "t", "urlPath": "q", "widgets": {} }),
        json!({ "title": "t", "urlPath": "q", "widgets": [1] }),
    ] {
        mackerel.refused(400, ("POST", "/dashboards"), &bad.to_string());
        mackerel.refused(400, ("PUT", &path), &bad.to_string());
    }
    let large = json!({ "title": "t", "urlPath": "q", "widgets": [{ "a": "x".repeat(128 * 1024) }] });
    mackerel.refused(413, ("POST", "/dashboards"), &large.to_string());
    assert_eq!(mackerel.get("/dashboards")["dashboards"], json!([made]));
    assert_eq!(mackerel.price("POST", "/dashboards", &json!({ "title": "t", "urlPath": "q" })), 4);
}
