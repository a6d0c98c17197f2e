//! Services and roles. Source: mackerel specification, 6.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use serde_json::{Value, json};

use super::{Mackerel, audited};

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970").as_secs()
}

/// Posts a value of a service's metric.
fn post(mackerel: &Mackerel, service: &str, name: &str, value: usize) -> Reply {
    let values = json!([{ "name": name, "time": now_s(), "value": value }]);
    mackerel.call("POST", &format!("/services/{service}/tsdb"), &values.to_string())
}

#[test]
fn services_and_roles_are_made_listed_and_deleted() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/services", "").body, r#"{"services":[]}"#);
    let made = mackerel.call("POST", "/services", r#"{"name":"My-Service","memo":"m"}"#);
    assert_eq!((made.status, made.body.as_str()), (200, r#"{"name":"My-Service","memo":"m","roles":[]}"#));
    let null = mackerel.call("POST", "/services", r#"{"name":"Another","memo":null}"#);
    assert_eq!(null.body, r#"{"name":"Another","memo":"","roles":[]}"#);
    let role = mackerel.call("POST", "/services/My-Service/roles", r#"{"name":"web","memo":"w"}"#);
    assert_eq!(role.body, r#"{"name":"web","memo":"w"}"#);
    mackerel.done("POST", "/services/My-Service/roles", &json!({ "name": "app" }));
    let listed = mackerel.call("GET", "/services", "");
    assert_eq!(
        listed.body,
        r#"{"services":[{"name":"Another","memo":"","roles":[]},{"name":"My-Service","memo":"m","roles":["app","web"]}]}"#
    );
    let roles = mackerel.call("GET", "/services/My-Service/roles", "");
    assert_eq!(roles.body, r#"{"roles":[{"name":"app","memo":""},{"name":"web","memo":"w"}]}"#);
    assert_eq!(mackerel.call("GET", "/services/Another/roles", "").body, r#"{"roles":[]}"#);

    let gone = mackerel.call("DELETE", "/services/My-Service/roles/web", "");
    assert_eq!((gone.status, gone.body.as_str()), (200, r#"{"name":"web","memo":"w"}"#));
    assert_eq!(mackerel.call("DELETE", "/services/My-Service/roles/web", "").status, 404);
    let gone = mackerel.call("DELETE", "/services/My-Service", "");
    assert_eq!(gone.body, r#"{"name":"My-Service","memo":"m","roles":["app"]}"#);
    assert_eq!(mackerel.call("DELETE", "/services/My-Service", "").status, 404);
    let actions = ["service.create", "role.create", "role.delete", "service.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [2, 2, 1, 1]);
}

#[test]
fn names_that_cannot_be_or_are_taken_are_refused() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Svc" }));
    mackerel.done("POST", "/services/Svc/roles", &json!({ "name": "role" }));
    for bad in [
        r#"{"name":"a"}"#,
        r#"{"name":"-ab"}"#,
        r#"{"name":"a b"}"#,
        r#"{"name":1}"#,
        r#"{"name":null}"#,
        r#"{"memo":"x"}"#,
        "[]",
        "null",
        "",
    ] {
        assert_eq!(mackerel.call("POST", "/services", bad).status, 400, "{bad}");
        assert_eq!(mackerel.call("POST", "/services/Svc/roles", bad).status, 400, "{bad}");
    }
    let long = json!({ "name": "a".repeat(64) }).to_string();
    assert_eq!(mackerel.call("POST", "/services", &long).status, 400);
    assert_eq!(mackerel.call("POST", "/services", r#"{"name":"Svc","memo":""}"#).status, 400, "taken");
    assert_eq!(mackerel.call("POST", "/services/Svc/roles", r#"{"name":"role","memo":""}"#).status, 400, "taken");
    assert_eq!(mackerel.call("POST", "/services/Nope/roles", r#"{"name":"role","memo":""}"#).status, 404);
    assert_eq!(mackerel.get("/services")["services"].as_array().map(Vec::len), Some(1));
}

#[test]
fn with_a_service_or_role_hosts_lose_it_and_its_documents_go() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Svc:aa", "Svc:bb", "Svc-2:cc"] }));
    for owner in ["services/Svc", "services/Svc/roles/aa", "services/Svc/roles/bb", "services/Svc-2/roles/cc"] {
        mackerel.done("PUT", &format!("/{owner}/metadata/env"), &json!({ "of": owner }));
    }
    let documents = || mackerel.worker.sql("SELECT count(*) AS count FROM metadata")["results"][0]["count"].clone();
    mackerel.call("DELETE", "/services/Svc/roles/aa", "");
    assert_eq!((&mackerel.show(&id)["roles"], documents()), (&json!({ "Svc": ["bb"], "Svc-2": ["cc"] }), json!(3)));
    mackerel.call("DELETE", "/services/Svc", "");
    assert_eq!((&mackerel.show(&id)["roles"], documents()), (&json!({ "Svc-2": ["cc"] }), json!(1)));
}

#[test]
fn with_a_service_go_its_metrics_and_what_was_noted_of_it() {
    let mackerel = Mackerel::start();
    for name in ["Shop", "Other"] {
        mackerel.done("POST", "/services", &json!({ "name": name }));
        assert_eq!(post(&mackerel, name, "clicks", 1).status, 200);
        let note = json!({ "title": "t", "from": 1, "to": 2, "service": name });
        mackerel.done("POST", "/graph-annotations", &note);
        let group = json!({ "name": name, "services": [{ "name": name }] });
        mackerel.done("POST", "/notification-groups", &group);
    }
    // By the number that a service's metrics are kept under.
    let kept = |table: &str| -> Vec<Value> {
        let sql = format!("SELECT DISTINCT host_id FROM {table} WHERE host_id < 0 ORDER BY host_id DESC");
        mackerel.worker.object_sql("Hub", "hub-0", &sql).iter().map(|row| row["host_id"].clone()).collect()
    };
    assert_eq!(kept("journal"), [json!(-1), json!(-2)]);
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    assert_eq!(kept("journal"), [json!(-2)]);
    assert_eq!(kept("posted"), [json!(-2)]);
    let notes = mackerel.worker.sql("SELECT service FROM graph_annotations");
    assert_eq!(notes["results"], json!([{ "service": "Other" }]));
    let groups = mackerel.get("/notification-groups")["notificationGroups"].clone();
    assert_eq!((&groups[1]["services"], &groups[2]["services"][0]["name"]), (&json!([]), &json!("Other")));
    assert_eq!(mackerel.get("/services/Other/metric-names"), json!({ "names": ["clicks"] }));
    // One of the same name is another one.
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    assert_eq!(mackerel.get("/services/Shop/metric-names"), json!({ "names": [] }));
    mackerel.refused(404, ("GET", "/services/Shop/metrics?name=clicks&from=0&to=1"), "");
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// A monitor of a service's metric, and one of all hosts.
fn monitors(mackerel: &Mackerel, service: &str) -> [String; 2] {
    let of_service = json!({
        "type": "service", "name": "few", "service": service, "metric": "clicks", "operator": "<", "duration": 1, "critical": 5
    });
    let of_hosts =
        json!({ "type": "host", "name": "load", "metric": "loadavg5", "operator": ">", "duration": 1, "critical": 8 });
    [of_service, of_hosts].map(|said| id(&mackerel.done("POST", "/monitors", &said)))
}

fn downtime(mackerel: &Mackerel, name: &str, more: &Value) {
    let mut said = json!({ "name": name, "start": now_s(), "duration": 60 });
    for (key, value) in more.as_object().expect("an object") {
        said[key] = value.clone();
    }
    mackerel.done("POST", "/downtimes", &said);
}

/// What is kept of each, by name: of a downtime or setting these lists.
fn scopes(mackerel: &Mackerel, kind: &str, path: &str, keys: &[&str]) -> Vec<(String, Vec<Value>)> {
    let listed = mackerel.get(path)[kind].clone();
    let one = |one: &Value| {
        let name = one["name"].as_str().expect("a name").to_owned();
        (name, keys.iter().map(|key| one[*key].clone()).collect())
    };
    listed.as_array().expect("a list").iter().map(one).collect()
}

#[test]
fn with_a_service_its_monitors_are_named_nowhere_any_more() {
    let mackerel = Mackerel::start();
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web", "Other:aa"] }));
    let [gone, kept] = monitors(&mackerel, "Shop");
    let links = json!([{ "id": gone, "skipDefault": true }, { "id": kept, "skipDefault": false }]);
    mackerel.done("POST", "/notification-groups", &json!({ "name": "g", "monitors": links }));
    downtime(&mackerel, "both", &json!({ "monitorScopes": [gone, kept], "serviceScopes": ["Shop", "Other"] }));
    downtime(&mackerel, "that monitor's", &json!({ "monitorScopes": [gone] }));
    downtime(&mackerel, "that service's", &json!({ "serviceScopes": ["Shop"], "roleScopes": ["Shop:web"] }));
    downtime(&mackerel, "all others'", &json!({ "serviceExcludeScopes": ["Shop"], "monitorExcludeScopes": [gone] }));
    downtime(&mackerel, "everything's", &json!({}));
    let setting = json!({ "name": "s", "serviceScopes": ["Other", "Shop"], "monitorScopes": [gone, kept] });
    mackerel.done("POST", "/alert-group-settings", &setting);
    mackerel.done("POST", "/alert-group-settings", &json!({ "name": "t", "roleScopes": ["Shop:web"] }));

    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    let groups = mackerel.get("/notification-groups")["notificationGroups"].clone();
    assert_eq!(groups[1]["monitors"], json!([{ "id": kept, "skipDefault": false }]));
    let keys = ["monitorScopes", "serviceScopes", "roleScopes", "serviceExcludeScopes", "monitorExcludeScopes"];
    let none = json!([]);
    let of = |name: &str, monitors: Value, services: Value| {
        (name.to_owned(), vec![monitors, services, none.clone(), none.clone(), none.clone()])
    };
    // What was for nothing else would be for everything.
    let expected = [
        of("both", json!([kept]), json!(["Other"])),
        of("all others'", json!([]), json!([])),
        of("everything's", json!([]), json!([])),
    ];
    assert_eq!(scopes(&mackerel, "downtimes", "/downtimes", &keys), expected);
    let settings = scopes(&mackerel, "alertGroupSettings", "/alert-group-settings", &keys[..3]);
    assert_eq!(settings, [("s".to_owned(), vec![json!([kept]), json!(["Other"]), json!([])])]);
    // What was answered may be sent back, which it may not while it names what is not there.
    let left = mackerel.get("/downtimes")["downtimes"][0].clone();
    mackerel.done("PUT", &format!("/downtimes/{}", id(&left)), &left);
}

#[test]
fn a_monitor_or_role_that_is_deleted_is_named_nowhere_any_more() {
    let mackerel = Mackerel::start();
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web", "Shop:db"] }));
    let [gone, kept] = monitors(&mackerel, "Shop");
    downtime(&mackerel, "both", &json!({ "monitorScopes": [gone, kept], "roleScopes": ["Shop:web", "Shop:db"] }));
    downtime(&mackerel, "that monitor's", &json!({ "monitorScopes": [gone] }));
    downtime(&mackerel, "that role's", &json!({ "roleScopes": ["Shop:web"] }));
    let priced = mackerel.price("DELETE", &format!("/monitors/{gone}"), &Value::Null);
    // Monitor, version of the rules, audit; the downtime that changes and the one that goes.
    assert_eq!(priced, 5);
    mackerel.done("DELETE", "/services/Shop/roles/web", &Value::Null);
    let keys = ["monitorScopes", "roleScopes"];
    let left = scopes(&mackerel, "downtimes", "/downtimes", &keys);
    assert_eq!(left, [("both".to_owned(), vec![json!([kept]), json!(["Shop:db"])])]);
    // The hub heard of it: nothing hinders an alert of what is left.
    let host = mackerel.host("b");
    let posted = json!([{ "hostId": host, "name": "loadavg5", "time": now_s(), "value": 9 }]);
    mackerel.done("POST", "/tsdb", &posted);
    super::watching::alerts(&mackerel, "", 1);
}

#[test]
fn with_a_service_the_alert_of_its_metric_ends() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    monitors(&mackerel, "Shop");
    assert_eq!(post(&mackerel, "Shop", "clicks", 1).status, 200);
    let open = super::watching::alerts(&mackerel, "", 1);
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    super::watching::alerts(&mackerel, "", 0);
    let log = mackerel.get(&format!("/alerts/{}/logs", id(&open[0])));
    assert_eq!((&log["logs"][0]["trigger"], &log["logs"][0]["status"]), (&json!("serviceDelete"), &json!("OK")));
}

#[test]
fn a_service_that_is_posted_to_too_often_has_to_wait_for_the_next_minute() {
    let mackerel = Mackerel::start();
    for name in ["Shop", "Other"] {
        mackerel.done("POST", "/services", &json!({ "name": name }));
    }
    // A minute may end in between.
    let taken = (0..200).take_while(|at| post(&mackerel, "Shop", "clicks", *at).status == 200).count();
    assert!((60..=120).contains(&taken), "{taken}");
    let refused = post(&mackerel, "Shop", "clicks", 1);
    assert_eq!((refused.status, refused.at("/error/message").is_string()), (429, true));
    assert_eq!(refused.cost().d1_rows_written, 0);
    assert_eq!(post(&mackerel, "Other", "clicks", 1).status, 200, "each has its own minute");
    mackerel.worker.set_clock_ahead(61_000);
    assert_eq!(post(&mackerel, "Shop", "clicks", 1).status, 200);
}

#[test]
fn names_beyond_what_a_minute_takes_are_told_once_a_day() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let values = |count: usize| {
        let value =
            |at: usize| json!({ "hostId": id, "name": format!("custom.n{at:04}"), "time": now_s(), "value": at });
        json!((0..count).map(value).collect::<Vec<_>>())
    };
    mackerel.done("POST", "/tsdb", &values(500));
    assert_eq!(mackerel.worker.events("news"), 0, "so many are taken");
    mackerel.done("POST", "/tsdb", &values(503));
    mackerel.done("POST", "/tsdb", &values(504));
    let names = mackerel.get(&format!("/hosts/{id}/metric-names"));
    assert_eq!(names["names"].as_array().map(Vec::len), Some(500));
    assert_eq!(mackerel.worker.events("news"), 1);
    let told = mackerel.worker.sql("SELECT text FROM events WHERE kind = 'news'");
    let text = told["results"][0]["text"].as_str().expect("a text").to_owned();
    assert!(text.contains("3 metrics more than the 500"), "{text}");
    assert!(mackerel.worker.log().matches("posted.names").count() >= 2, "and each time in the log");
}

#[test]
fn a_graph_of_a_service_takes_its_metrics_with_it_until_they_are_posted_anew() {
    let mackerel = Mackerel::start();
    for name in ["Shop", "Other"] {
        mackerel.done("POST", "/services", &json!({ "name": name }));
        for metric in ["sold.books", "sold.books.used", "clicks"] {
            assert_eq!(post(&mackerel, name, metric, 1).status, 200);
        }
    }
    let names = |service: &str| mackerel.get(&format!("/services/{service}/metric-names"))["names"].clone();
    let delete = |graph: &str| mackerel.call("DELETE", &format!("/services/Shop/graph-defs/{graph}"), "");
    for unknown in ["sold.cars.*", "sold.books", "so*", "clicks.*", "%2A%2A"] {
        let reply = delete(unknown);
        assert_eq!((reply.status, reply.at("/error/message").is_string()), (404, true), "{unknown}: {}", reply.body);
    }
    // A second later nothing that was posted before is new.
    mackerel.worker.set_clock_ahead(2_000);
    let gone = delete("sold.*");
    assert_eq!((gone.status, gone.body.as_str()), (200, r#"{"success":true}"#));
    assert_eq!(names("Shop"), json!(["clicks", "sold.books.used"]));
    assert_eq!(names("Other"), json!(["clicks", "sold.books", "sold.books.used"]));
    let points = "/services/Shop/metrics?name=sold.books&from=0&to=9999999999";
    mackerel.refused(404, ("GET", points), "");
    assert_eq!(delete("sold.*").status, 404, "it is there no more");
    assert_eq!(delete("%2A").status, 200, "the metrics whose names are one word");
    assert_eq!(names("Shop"), json!(["sold.books.used"]));

    let at = now_s() + 60;
    let values = json!([{ "name": "sold.books", "time": at, "value": 7 }]);
    mackerel.done("POST", "/services/Shop/tsdb", &values);
    assert_eq!(names("Shop"), json!(["sold.books", "sold.books.used"]));
    assert_eq!(mackerel.get(points), json!({ "metrics": [{ "time": at, "value": 7.0 }] }), "and nothing from before");
    assert_eq!(audited(&mackerel.worker, "service_graph.delete"), 2);
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    let left = mackerel.worker.sql("SELECT count(*) AS count FROM deleted_service_graphs");
    assert_eq!(left["results"][0]["count"], json!(0));
}
