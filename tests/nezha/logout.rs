//! `POST /api/logout`. Source: nezha specification, 2.2.

use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::session::{administrator, person};

const LOGOUT: &str = "/api/logout";

#[test]
fn ones_own_id_ends_the_session() {
    let worker = Worker::start();
    for (name, role) in [("ada", "admin"), ("vic", "viewer")] {
        let (id, value) = person(&worker, name, role);
        let jar = format!("nezha-dashboard={value}");
        let header = [("Cookie", jar.as_str())];
        assert_eq!(worker.get_as("/api/v1/server/list", &header).at("/code"), 0);
        let reply = worker.post(LOGOUT, &header, &json!({ "id": id }).to_string());
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"code":200}"#));
        assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("; Max-Age=0;")));
        assert_eq!(worker.get_as("/api/v1/server/list", &header).at("/code"), 403);
        assert_eq!(worker.post(LOGOUT, &header, &json!({ "id": id }).to_string()).at("/code"), 403);
    }
}

#[test]
fn another_id_is_code_400_and_ends_nothing() {
    let worker = Worker::start();
    let (id, value) = administrator(&worker, "ada");
    let jar = format!("nezha-dashboard={value}");
    let header = [("Cookie", jar.as_str())];
    for body in [json!({ "ID": id + 1 }), json!({}), json!({ "ID": 1 }), json!({ "ID": "2" })] {
        let reply = worker.post(LOGOUT, &header, &body.to_string());
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{body}");
    }
    assert_eq!(worker.post(LOGOUT, &header, "").body, r#"{"code":400,"message":"请求错误：EOF"}"#);
    assert_eq!(worker.get_as("/api/v1/server/list", &header).at("/code"), 0);
}

#[test]
fn the_login_of_the_original_leads_to_ours() {
    // 2.2: there is no provider here.
    let worker = Worker::start();
    for path in ["/login", "/oauth2/login"] {
        let reply = worker.get_as(path, &[]);
        assert_eq!((reply.status, reply.header("location")), (302, Some("/ui/login")), "{path}");
    }
    let page = worker.get_as("/ui/login", &[("Accept", "text/html")]);
    assert_eq!(page.status, 200);
    // The form is the dashboard's, tried in tests/browser.
    assert!(page.body.contains("id=\"app\""), "{}", page.body);
}
