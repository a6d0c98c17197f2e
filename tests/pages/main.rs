//! Pages and files: the start, what is not there, the bootstrap script and the binaries.

use edgewatch_harness::worker::Worker;
use serde_json::json;

#[test]
fn the_start_is_a_page_that_runs_nothing() {
    let worker = Worker::start();
    let reply = worker.get_as("/", &[("Accept", "text/html")]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

#[test]
fn what_is_not_there_is_a_page_for_people_and_json_for_programs() {
    let worker = Worker::start();
    for path in ["/nothing", "/download/", "/download/edgewatch-agent-none", "/download/..%2finstall.sh", "/.env", "/%"]
    {
        let page = worker.get_as(path, &[("Accept", "text/html,*/*")]);
        assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
        let program = worker.get_as(path, &[("Accept", "application/json")]);
        assert_eq!((program.status, program.at("/error/code")), (404, json!("not_found")), "{path}");
    }
    assert_eq!(worker.post("/", &[], "").status, 404);
    assert_eq!(worker.get("/api/v0/hosts").status, 404);
    assert_eq!(worker.post("/agentconnector/submit_checkdata.json", &[], "{}").status, 404);
}

#[test]
fn every_answer_has_an_id_and_forbids_sniffing() {
    let worker = Worker::start();
    for path in ["/", "/nothing", "/api/health", "/api/v1/server/list", "/agent/v1/reports"] {
        let reply = worker.get(path);
        assert_eq!(reply.header("x-request-id").map(str::len), Some(16), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
}
