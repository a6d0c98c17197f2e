//! The admin routes of servers, and what this fleet refuses. Source: nezha specification, 7 and 12.

use std::time::Duration;

use edgewatch_harness::http::Reply;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const ROUTES: [(&str, &str); 26] = [
    ("GET", "/api/token"),
    ("POST", "/api/token"),
    ("DELETE", "/api/token/x"),
    ("POST", "/api/monitor"),
    ("POST", "/api/notification"),
    ("POST", "/api/alert-rule"),
    ("POST", "/api/setting"),
    ("POST", "/api/logout"),
    ("DELETE", "/api/monitor/1"),
    ("DELETE", "/api/notification/1"),
    ("DELETE", "/api/alert-rule/x"),
    ("DELETE", "/api/cron/1"),
    ("DELETE", "/api/ddns/1"),
    ("POST", "/api/server"),
    ("POST", "/api/batch-update-server-group"),
    ("POST", "/api/batch-delete-server"),
    ("POST", "/api/force-update"),
    ("GET", "/api/search-server?word=a"),
    ("GET", "/api/search-tasks?word=a"),
    ("GET", "/api/search-ddns?word=a"),
    ("POST", "/api/cron"),
    ("GET", "/api/cron/1/manual"),
    ("POST", "/api/nat"),
    ("POST", "/api/ddns"),
    ("DELETE", "/api/server/1"),
    ("DELETE", "/api/nat/1"),
];

struct Admin {
    worker: Worker,
    cookie: String,
}

impl Admin {
    fn new() -> Self {
        let worker = Worker::start();
        let cookie = worker.cookie();
        Self { worker, cookie }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        self.worker.request(method, path, &[("Cookie", &self.cookie)], body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.call("POST", path, &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// Ids and names of the servers of a group, or of all.
    fn listed(&self, tag: &str) -> Vec<(u64, String)> {
        let reply = self.worker.get(&format!("/api/v1/server/list?tag={tag}")).at("/result");
        let one = |server: &Value| Some((server["id"].as_u64()?, server["name"].as_str()?.to_owned()));
        reply.as_array().into_iter().flatten().filter_map(one).collect()
    }
}

fn server(name: &str, more: &[(&str, Value)]) -> Value {
    let mut form = json!({ "Name": name, "Tag": "EU", "DDNSProfilesRaw": "[]" });
    for (key, value) in more {
        form[*key] = value.clone();
    }
    form
}

#[test]
fn without_a_session_every_route_says_403_in_a_200() {
    // Check 3: the token opens none of them.
    let worker = Worker::start();
    for (method, path) in ROUTES {
        for headers in [vec![], vec![("Authorization", worker.token.as_str())]] {
            let reply = worker.request(method, path, &headers, "");
            reply.assert_golden("nezha/admin_refused");
        }
    }
}

#[test]
fn a_session_of_another_site_and_one_that_may_only_look_change_nothing() {
    let admin = Admin::new();
    let headers = [("Cookie", admin.cookie.as_str()), ("Origin", "https://evil.example")];
    let reply = admin.worker.post("/api/server", &headers, &server("x", &[]).to_string());
    assert_eq!(reply.at("/code"), 403);
    let made = admin.worker.post(
        "/api/edgewatch/v1/tokens",
        &[("Authorization", &admin.worker.token)],
        r#"{"scopes":["read"]}"#,
    );
    let opened =
        admin.worker.post("/api/edgewatch/v1/session", &[], &json!({ "token": made.at("/token") }).to_string());
    let cookie = opened.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a session").to_owned();
    assert_eq!(admin.worker.get_as("/api/v1/server/list", &[("Cookie", &cookie)]).at("/code"), 0);
    let refused = admin.worker.post("/api/server", &[("Cookie", &cookie)], &server("x", &[]).to_string());
    assert_eq!(refused.at("/code"), 403);
    assert_eq!(admin.listed(""), []);
}

#[test]
fn a_server_is_made_found_by_its_group_edited_whole_and_deleted() {
    let admin = Admin::new();
    // A new one gets a secret of its own, whatever it brings; the answer has neither that nor the id.
    let brought = "abcdefghijklmnop12";
    assert_eq!(admin.post("/api/server", &server("fra-1", &[("Secret", json!(brought))])), json!({ "code": 200 }));
    let bearer = format!("Bearer {brought}");
    let stream = Socket::open(admin.worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]);
    assert_eq!(stream.map(drop), Err(401));
    assert_eq!(admin.listed("EU"), [(1, "fra-1".to_owned())]);
    let edited = server("fra-2", &[("ID", json!(1)), ("DisplayIndex", json!(7)), ("HideForGuest", json!("on"))]);
    assert_eq!(admin.post("/api/server", &edited), json!({ "code": 200 }));
    let reply = admin.worker.get("/api/v1/server/details?id=1");
    assert_eq!((reply.at("/result/0/name"), reply.at("/result/0/display_index")), (json!("fra-2"), json!(7)));
    assert_eq!(reply.at("/result/0/hide_for_guest"), true);
    // What is left out is empty: the whole row is replaced.
    admin.post("/api/server", &json!({ "ID": 1, "Name": "fra-2", "DDNSProfilesRaw": "[]" }));
    assert_eq!((admin.listed("EU"), admin.listed("").len()), (vec![], 1));
    assert_eq!(admin.call("DELETE", "/api/server/1", "").json(), json!({ "code": 200 }));
    assert_eq!(admin.listed(""), []);
    // Quirk of ours: the real one crashes and hangs.
    assert_eq!(admin.call("DELETE", "/api/server/1", "").json(), json!({ "code": 200 }));
}

#[test]
fn what_is_no_server_is_refused_in_the_body() {
    let admin = Admin::new();
    for body in [
        String::new(),
        "[]".to_owned(),
        json!({ "Name": "x" }).to_string(),
        json!({ "DDNSProfilesRaw": "[]" }).to_string(),
        server("x", &[("DDNSProfilesRaw", json!(""))]).to_string(),
        server("x", &[("DDNSProfilesRaw", json!("["))]).to_string(),
        json!({ "Name": 1, "DDNSProfilesRaw": "[]" }).to_string(),
        server("x", &[("ID", json!(99))]).to_string(),
        server("x", &[("ID", json!("1"))]).to_string(),
    ] {
        let reply = admin.call("POST", "/api/server", &body);
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{body}: {}", reply.body);
        let message = reply.at("/message");
        let message = message.as_str().expect("a message");
        assert!(message.starts_with("请求错误：") && !message.contains('\n'), "{message}");
    }
    assert_eq!(admin.call("POST", "/api/server", "").at("/message"), "请求错误：EOF");
    for path in ["/api/server/0", "/api/server/-1", "/api/server/abc", "/api/nat/x"] {
        let reply = admin.call("DELETE", path, "");
        assert_eq!(reply.json(), json!({ "code": 400, "message": "错误的 Server ID" }), "{path}");
    }
    for model in ["server", "monitor", "notification", "alert-rule", "cron", "ddns", "nat"] {
        assert_eq!(admin.call("DELETE", &format!("/api/{model}/99"), "").json(), json!({ "code": 200 }), "{model}");
        let wrong = admin.call("DELETE", &format!("/api/{model}/1.5"), "");
        assert_eq!(
            (wrong.status, wrong.json()),
            (200, json!({ "code": 400, "message": "错误的 Server ID" })),
            "{model}"
        );
    }
    // Paths of other models are another dialect's.
    assert_eq!(admin.call("DELETE", "/api/unknown/1", "").status, 404);
    assert_eq!(admin.listed(""), []);
}

#[test]
fn an_edit_may_bring_a_secret_and_the_old_one_is_dead_at_once() {
    let admin = Admin::new();
    let host = admin.worker.add_host("alpha");
    let other = admin.worker.add_host("beta");
    let open = |secret: &str| {
        let bearer = format!("Bearer {secret}");
        Socket::open(admin.worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)])
    };
    let mut old = open(&host.secret).expect("an upgrade");
    let fresh = "abcdefghijklmnop12";
    let form = |secret: &str| server("alpha", &[("ID", json!(host.id)), ("Secret", json!(secret))]);
    assert_eq!(admin.post("/api/server", &form(fresh)), json!({ "code": 200 }));
    assert!(matches!(old.next(Duration::from_secs(10)), Heard::Binary(_)), "a goodbye");
    assert!(matches!(old.next(Duration::from_secs(10)), Heard::Closed(_)));
    assert_eq!(open(&host.secret).map(drop), Err(401));
    assert!(open(fresh).is_ok());
    for taken in [other.secret.as_str(), "short", "with spaces in it, long enough"] {
        assert_eq!(admin.post("/api/server", &form(taken))["code"], 400, "{taken}");
    }
    assert!(open(fresh).is_ok(), "an edit that was refused changed nothing");
    assert_eq!(admin.post("/api/server", &form("")), json!({ "code": 200 }));
    assert!(open(fresh).is_ok(), "none leaves the one there is");
}

#[test]
fn a_deleted_server_is_gone_everywhere_and_its_secret_with_it() {
    let admin = Admin::new();
    let hosts = admin.worker.add_hosts("host", 3);
    let bearer = format!("Bearer {}", hosts[0].secret);
    let stream = || Socket::open(admin.worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]);
    let mut socket = stream().expect("an upgrade");
    assert_eq!(admin.post("/api/batch-delete-server", &json!([hosts[0].id, hosts[1].id, 99])), json!({ "code": 200 }));
    assert!(matches!(socket.next(Duration::from_secs(10)), Heard::Binary(_)), "a goodbye");
    assert_eq!(stream().map(drop), Err(401));
    assert_eq!(admin.listed("").len(), 1);
    let path = format!("/api/v1/server/details?id={}", hosts[0].id);
    assert_eq!(admin.worker.get(&path).at("/result"), json!([]));
    assert_eq!(admin.post("/api/batch-delete-server", &json!([])), json!({ "code": 200 }));
    let refused = admin.call("POST", "/api/batch-delete-server", "{}");
    assert_eq!((refused.status, refused.at("/code")), (200, json!(400)));
}

#[test]
fn servers_are_put_into_a_group_and_found_by_words() {
    let admin = Admin::new();
    let hosts = admin.worker.add_hosts("host", 3);
    let form = json!({ "Servers": [hosts[0].id, hosts[2].id], "Group": "A&B" });
    assert_eq!(admin.post("/api/batch-update-server-group", &form), json!({ "code": 200 }));
    assert_eq!(admin.listed("A%26B").len(), 2);
    let found = |word: &str| admin.call("GET", &format!("/api/search-server?word={word}"), "").json();
    let name = &admin.listed("A%26B")[0].1;
    let one = json!({ "name": name, "value": hosts[0].id, "text": name });
    assert_eq!(found(name), json!({ "results": [one], "success": true }));
    assert_eq!(found(&hosts[0].id.to_string())["results"][0]["value"], hosts[0].id);
    assert_eq!(found("A%26B")["results"].as_array().map(Vec::len), Some(2));
    let noted =
        server("noted", &[("Tag", json!("")), ("Note", json!("rack 17, left")), ("PublicNote", json!("unseen"))]);
    assert_eq!(admin.post("/api/server", &noted), json!({ "code": 200 }));
    assert_eq!(found("rack%2017")["results"][0]["name"], "noted");
    for nobody in ["nobody", "unseen", "99"] {
        assert_eq!(found(nobody), json!({ "results": null, "success": true }), "{nobody}");
    }
    for empty in ["search-tasks", "search-ddns"] {
        let none = admin.call("GET", &format!("/api/{empty}?word=host"), "");
        assert_eq!((none.status, none.body.as_str()), (200, r#"{"results":null,"success":true}"#), "{empty}");
    }
    assert_eq!(
        admin.post("/api/batch-update-server-group", &json!({ "Servers": [99], "Group": "x" })),
        json!({ "code": 200 })
    );
    for wrong in ["", "[]", r#"{"Servers":"1","Group":"x"}"#, r#"{"Servers":[1],"Group":1}"#] {
        let refused = admin.call("POST", "/api/batch-update-server-group", wrong);
        assert_eq!((refused.status, refused.at("/code")), (200, json!(400)), "{wrong}");
    }
}

#[test]
fn what_would_run_something_on_a_host_is_refused() {
    let admin = Admin::new();
    for path in ["/api/cron", "/api/nat", "/api/ddns", "/api/force-update"] {
        let reply = admin.call("POST", path, r#"{"Name":"x","Command":"reboot"}"#);
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{path}");
        assert!(reply.body.contains("agents run no commands"), "{}", reply.body);
    }
    let texts: Vec<String> = ["/api/cron/1/manual", "/api/cron/99/manual", "/api/cron/x/manual"]
        .iter()
        .map(|path| admin.call("GET", path, "").body)
        .chain([admin.call("POST", "/api/nat", "").body])
        .collect();
    assert!(texts.iter().all(|text| *text == texts[0] && text.starts_with(r#"{"code":400,"#)), "one text: {texts:?}");
}

#[test]
fn a_slash_behind_an_admin_route_leads_to_the_route() {
    let worker = Worker::start();
    for (method, path, status) in [("POST", "/api/server/", 307), ("GET", "/api/search-server/?word=a", 301)] {
        let reply = worker.request(method, path, &[], "");
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.header("location"), Some(path.replace("/?", "?").trim_end_matches('/')));
    }
    assert_eq!(worker.request("GET", "/api/server", &[], "").status, 404, "a wrong method is not found");
}
