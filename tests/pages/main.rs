//! Pages and files: the start, what is not there, the bootstrap script and the binaries.

use edgewatch_harness::worker::Worker;
use serde_json::json;

#[test]
fn the_start_is_a_page_that_runs_nothing_but_our_own_files() {
    let worker = Worker::start();
    let reply = worker.get_as("/", &[("Accept", "text/html")]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!reply.body.contains("<style") && !reply.body.contains("<script>") && !reply.body.contains(" style="));
    let files: Vec<&str> = reply.body.split('"').filter(|part| part.starts_with("/ui/")).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        let found = worker.get_as(file, &[]);
        assert_eq!((found.status, found.header("x-content-type-options")), (200, Some("nosniff")), "{file}");
        assert_eq!(found.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
    }
    assert_eq!(worker.get_as("/ui/0000000000000000/app.js", &[]).header("cache-control"), Some("no-store"));
    assert_eq!(worker.get_as("/ui/0000000000000000/nothing.js", &[]).status, 404);
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
    assert_eq!((worker.post("/", &[], "").status, worker.post("/nothing", &[], "").status), (405, 404));
    assert_eq!(worker.get("/api/v0/nothing").status, 404);
    assert_eq!(worker.post("/agentconnector/submit_checkdata.json", &[], "{}").status, 401);
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
