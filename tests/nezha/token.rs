//! `/api/token`. Source: nezha specification, 2.1, 7.1 and 17.

use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::session::{administrator, person};

const TOKEN: &str = "/api/token";

fn cookie(value: &str) -> String {
    format!("nezha-dashboard={value}")
}

#[test]
fn tokens_are_made_listed_and_deleted_with_a_session() {
    // 7.1.
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let jar = cookie(&session);
    let header = [("Cookie", jar.as_str())];
    let none = worker.get_as(TOKEN, &header);
    assert_eq!((none.status, none.body.as_str()), (200, r#"{"code":0,"message":"success","result":[]}"#));
    assert_eq!(none.header("content-type"), Some("application/json; charset=utf-8"));

    let made = worker.post(TOKEN, &header, r#"{"Note":"my note"}"#);
    let token = made.at("/result/token").as_str().expect("a token").to_owned();
    let expected = format!(r#"{{"code":200,"message":"success","result":{{"note":"my note","token":"{token}"}}}}"#);
    assert_eq!((made.status, made.body), (200, expected));
    assert_eq!((token.len(), token.bytes().all(|byte| byte.is_ascii_alphanumeric())), (32, true), "{token}");
    let other = worker.post(TOKEN, &header, "{}");
    assert_eq!((other.at("/code"), other.at("/result/note")), (json!(200), json!("")));

    let empty = worker.post(TOKEN, &header, "");
    assert_eq!((empty.status, empty.body.as_str()), (200, r#"{"code":400,"message":"请求错误：EOF"}"#));

    let deleted = worker.request("DELETE", &format!("{TOKEN}/{token}"), &header, "");
    assert_eq!((deleted.status, deleted.body.as_str()), (200, r#"{"code":200,"message":"success"}"#));
    for unknown in [token.as_str(), "x", "00000000000000000000000000000000", "99-****abcd"] {
        let again = worker.request("DELETE", &format!("{TOKEN}/{unknown}"), &header, "");
        assert_eq!((again.status, again.body.as_str()), (200, r#"{"code":400,"message":"token 不存在"}"#), "{unknown}");
    }
    assert_eq!(worker.get_as(TOKEN, &header).at("/result").as_array().map(Vec::len), Some(1));
}

#[test]
fn the_list_has_ones_own_tokens_in_order_of_creation_masked_and_deletable() {
    // 7.1, and 17: stored hashed.
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let jar = cookie(&session);
    let header = [("Cookie", jar.as_str())];
    let made: Vec<String> = ["one", "two", "three"]
        .iter()
        .map(|note| worker.post(TOKEN, &header, &json!({ "note": note }).to_string()).at("/result/token"))
        .map(|token| token.as_str().expect("a token").to_owned())
        .collect();
    let list = worker.get_as(TOKEN, &header);
    assert!(made.iter().all(|token| !list.body.contains(token)), "{}", list.body);
    let shown = list.at("/result").as_array().cloned().unwrap_or_default();
    let notes: Vec<_> = shown.iter().map(|item| item["note"].clone()).collect();
    assert_eq!(notes, ["one", "two", "three"], "the one made at setup is another administrator's");
    let masked: Vec<&str> = shown.iter().filter_map(|item| item["token"].as_str()).collect();
    assert!(masked.iter().zip(&made).all(|(masked, token)| masked.ends_with(&token[28..]) && !masked.contains('/')));
    let list_code = |token: &str| worker.get_as("/api/v1/server/list", &[("Authorization", token)]).at("/code");
    assert_eq!(list_code(&made[1]), 0);
    let deleted = worker.request("DELETE", &format!("{TOKEN}/{}", masked[1]), &header, "");
    assert_eq!(deleted.at("/code"), 200);
    // Check 2, its end: at once.
    assert_eq!((list_code(&made[0]), list_code(&made[1]), list_code(&made[2])), (json!(0), json!(403), json!(0)));

    let (_, other) = administrator(&worker, "eve");
    let jar = cookie(&other);
    for of_ada in [masked[0], &made[0]] {
        let reply = worker.request("DELETE", &format!("{TOKEN}/{of_ada}"), &[("Cookie", &jar)], "");
        assert_eq!(reply.at("/code"), 400, "another's is unknown");
    }
}

#[test]
fn a_token_opens_what_is_below_api_v1_and_no_admin_route() {
    // Check 3; 2.1.
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let jar = cookie(&session);
    let made = worker.post(TOKEN, &[("Cookie", &jar)], "{}");
    let token = made.at("/result/token").as_str().expect("a token").to_owned();
    let header = [("Authorization", token.as_str())];
    assert_eq!(worker.get_as("/api/v1/server/details", &header).at("/code"), 0);
    assert_eq!(worker.post("/api/v1/server/register", &header, "{}").at("/code"), 200);
    for (method, path) in
        [("GET", TOKEN), ("POST", TOKEN), ("DELETE", "/api/token/x"), ("POST", "/api/setting"), ("POST", "/api/logout")]
    {
        for headers in [&header[..], &[]] {
            let reply = worker.request(method, path, headers, "{}");
            let expected = (200, r#"{"code":403,"message":"访问此接口需要登录"}"#);
            assert_eq!((reply.status, reply.body.as_str()), expected, "{method} {path}");
        }
    }
    assert_eq!(worker.get_as("/api/edgewatch/v1/tokens", &header).status, 403, "nor any of ours");
}

#[test]
fn a_wrong_header_with_a_valid_cookie_is_accepted_and_the_reverse() {
    // 2.1.
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let wrong = "00000000000000000000000000000000";
    for (token, value) in [(wrong, session.as_str()), (worker.token.as_str(), wrong)] {
        let jar = cookie(value);
        let reply = worker.get_as("/api/v1/server/list", &[("Authorization", token), ("Cookie", &jar)]);
        assert_eq!(reply.at("/code"), 0);
    }
}

#[test]
fn tokens_are_an_administrators_business() {
    let worker = Worker::start();
    let (_, session) = person(&worker, "vic", "viewer");
    let jar = cookie(&session);
    assert_eq!(worker.get_as("/api/v1/server/list", &[("Cookie", &jar)]).at("/code"), 0);
    assert_eq!(worker.get_as(TOKEN, &[("Cookie", &jar)]).at("/code"), 403);
    assert_eq!(worker.post(TOKEN, &[("Cookie", &jar)], "{}").at("/code"), 403);
}

#[test]
fn another_site_cannot_make_a_browser_make_or_delete_a_token() {
    let worker = Worker::start();
    let (_, session) = administrator(&worker, "ada");
    let jar = cookie(&session);
    for other in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(worker.post(TOKEN, &[("Cookie", &jar), other], "{}").at("/code"), 403, "{other:?}");
    }
}

#[test]
fn a_slash_behind_the_route_leads_to_the_one_without() {
    // H6.
    let worker = Worker::start();
    for (method, path, status) in [
        ("GET", "/api/token/", 301),
        ("POST", "/api/token/", 307),
        ("POST", "/api/setting/", 307),
        ("POST", "/api/logout/", 307),
    ] {
        let reply = worker.request(method, path, &[], "");
        assert_eq!(
            (reply.status, reply.header("location")),
            (status, Some(path.trim_end_matches('/'))),
            "{method} {path}"
        );
    }
    // H5.
    for (method, path) in [("HEAD", TOKEN), ("PUT", TOKEN), ("GET", "/api/logout"), ("GET", "/api/setting")] {
        assert_eq!(worker.request(method, path, &[], "").status, 404, "{method} {path}");
    }
}
