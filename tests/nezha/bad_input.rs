//! What is malformed, oversized, wrongly typed or unknown gets the documented error, and nothing is half-written.

use edgewatch_harness::worker::Worker;

const REGISTER: &str = "/api/v1/server/register";

#[test]
fn a_body_that_is_no_object_of_texts_is_refused_in_its_words() {
    let worker = Worker::start();
    for query in ["", "?simple=true"] {
        for body in [
            "",
            "[]",
            "nonsense",
            "1",
            "\"x\"",
            r#"{"HideForGuest":true}"#,
            r#"{"Name":1}"#,
            "{\"Name\":",
            "\u{feff}{}",
        ] {
            let reply = worker.post(&format!("{REGISTER}{query}"), &[("Authorization", &worker.token)], body);
            assert_eq!(reply.status, 400, "{body}");
            reply.assert_golden("nezha/register.malformed");
        }
    }
    let deep = "[".repeat(100_000);
    assert_eq!(worker.post(REGISTER, &[("Authorization", &worker.token)], &deep).status, 400);
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(0));
}

#[test]
fn an_oversized_body_is_refused_announced_or_not() {
    let worker = Worker::start();
    let body = format!(r#"{{"Name":"{}"}}"#, "x".repeat(1024 * 1024));
    let reply = worker.post(REGISTER, &[("Authorization", &worker.token)], &body);
    assert_eq!((reply.status, reply.at("/secret")), (413, "".into()));
    let chunked = format!(
        "POST {REGISTER} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        worker.token,
        body.len()
    );
    let reply = worker.send_raw(chunked.as_bytes()).expect("an answer");
    assert_eq!(reply.status, 413);
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(0));
}

#[test]
fn authentication_comes_before_the_body() {
    let worker = Worker::start();
    assert_eq!(worker.post(REGISTER, &[], "").at("/code"), 403);
    assert_eq!(worker.post(REGISTER, &[], "nonsense").status, 200);
}

#[test]
fn unknown_routes_and_methods_are_not_found() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    for (method, path) in [
        ("GET", "/api/v1/profile"),
        ("GET", "/api/v1/setting"),
        ("GET", "/api/v1/server"),
        ("GET", "/api/v1/ws/server"),
        ("GET", "/api/v1/monitor"),
        ("GET", "/api/v1/"),
        ("GET", "/api/v1/server/register"),
        ("POST", "/api/v1/server/list"),
        ("DELETE", "/api/v1/server/details"),
        ("GET", "/api/v1/server/list/x"),
        ("GET", "/api/v1/server/%6Cist"),
    ] {
        let reply = worker.request(method, path, &header, "");
        assert_eq!((reply.status, reply.at("/code")), (404, 404.into()), "{method} {path}");
    }
    assert_eq!(worker.request("HEAD", "/api/v1/server/list", &header, "").status, 404);
}

#[test]
fn a_slash_too_many_leads_to_the_route() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let get = worker.get("/api/v1/server/list/?tag=a");
    assert_eq!((get.status, get.header("location")), (301, Some("/api/v1/server/list?tag=a")));
    let post = worker.post("/api/v1/server/register/", &header, "{}");
    assert_eq!((post.status, post.header("location")), (307, Some(REGISTER)));
}

#[test]
fn odd_headers_and_queries_are_no_way_in_and_no_way_to_break() {
    let worker = Worker::start();
    let long = "x".repeat(8000);
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "\u{00e9}\u{00e9}\u{00e9}\u{00e9}\u{00e9}\u{00e9}\u{00e9}\u{00e9}",
        long.as_str(),
    ] {
        assert_eq!(worker.get_as("/api/v1/server/list", &[("Authorization", value)]).at("/code"), 403, "{value}");
    }
    for query in ["?tag=%ff%fe", "?tag=%", "?tag[]=1", "?&&&==", "?id=%00", "?tag=%2e%2e%2f"] {
        let reply = worker.get(&format!("/api/v1/server/details{query}"));
        assert_eq!((reply.status, reply.at("/code")), (200, 0.into()), "{query}");
    }
}

#[test]
fn a_database_that_does_not_answer_is_said_so_and_nothing_is_written() {
    use edgewatch_harness::worker::Fault;
    let worker = Worker::start();
    worker.faults(Fault::LostBefore, 100, "");
    let list = worker.get("/api/v1/server/list");
    assert_eq!((list.status, list.at("/code")), (200, 500.into()));
    worker.faults(Fault::LostBefore, 100, "INSERT INTO hosts");
    let register = worker.post(REGISTER, &[("Authorization", &worker.token)], "{}");
    assert_eq!((register.status, register.at("/code")), (500, 500.into()));
    let short = worker.post(&format!("{REGISTER}?simple=1"), &[("Authorization", &worker.token)], "{}");
    assert_eq!((short.status, short.body.as_str()), (500, "\"\""));
    worker.faults(Fault::Off, 0, "");
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(0));
}

#[test]
fn a_registration_whose_answer_was_lost_hands_out_its_secret_all_the_same() {
    use edgewatch_harness::worker::Fault;
    let worker = Worker::start();
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO hosts");
    let reply = worker.post(REGISTER, &[("Authorization", &worker.token)], "{}");
    assert_eq!((worker.faults_fired(), reply.at("/code")), (1, 200.into()), "{}", reply.body);
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(1));
}
