//! Pages and files: the start, what is not there, the bootstrap script and the binaries.

mod docs;
mod guides;

use edgewatch_harness::worker::Worker;
use serde_json::json;

/// The addresses that a page names.
fn named(page: &str) -> Vec<&str> {
    page.split('"').filter(|part| part.starts_with("/ui/")).collect()
}

#[test]
fn the_dashboard_is_a_page_that_runs_nothing_but_our_own_files() {
    let worker = Worker::start();
    let reply = worker.get_as("/", &[("Accept", "text/html")]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = reply.header("content-security-policy").expect("a policy");
    assert_eq!(
        policy,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'"
    );
    assert!(!reply.body.contains("<style") && !reply.body.contains("<script>") && !reply.body.contains(" style="));
    assert!(!reply.body.contains("__SERVERS__") && !reply.body.contains("{{"), "a placeholder is left: {}", reply.body);
    let files = named(&reply.body);
    assert!(files.iter().all(|file| file.starts_with("/ui/assets/")) && files.len() >= 6, "{files:?}");
    for file in files {
        let found = worker.get_as(file, &[]);
        assert_eq!((found.status, found.header("x-content-type-options")), (200, Some("nosniff")), "{file}");
        assert_eq!(found.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
    }
    for file in
        ["/ui/assets/nothing-00000000.js", "/ui/assets/index.html", "/ui/assets/..%2findex.html", "/ui/index.html"]
    {
        assert_eq!(worker.get_as(file, &[]).status, 404, "{file}");
    }
}

#[test]
fn every_address_of_the_dashboard_is_the_same_page() {
    let worker = Worker::start();
    let start = worker.get_as("/", &[("Accept", "text/html")]);
    for path in ["/ui/login", "/ui/setup", "/ui/add", "/ui/hosts/7", "/ui/hosts/7/edit", "/ui/settings/tokens"] {
        let reply = worker.get_as(path, &[("Accept", "text/html")]);
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "{path}");
        assert_eq!(reply.header("content-security-policy"), start.header("content-security-policy"), "{path}");
        assert_eq!(named(&reply.body), named(&start.body), "{path}");
    }
    for path in ["/ui/", "/ui/nothing", "/ui/hosts/7/edit/more"] {
        assert_eq!(worker.get_as(path, &[("Accept", "text/html")]).status, 404, "{path}");
    }
}

#[test]
fn pages_without_a_script_have_a_style_that_is_kept_for_good() {
    let worker = Worker::start();
    let page = worker.get_as("/nothing", &[("Accept", "text/html")]);
    let files = named(&page.body);
    assert_eq!(files.len(), 2);
    for file in files {
        let found = worker.get_as(file, &[]);
        assert_eq!(found.header("cache-control"), Some("public, max-age=31536000, immutable"), "{file}");
    }
    assert_eq!(worker.get_as("/ui/0000000000000000/style.css", &[]).header("cache-control"), Some("no-store"));
    assert_eq!(worker.get_as("/ui/0000000000000000/nothing.css", &[]).status, 404);
}

#[test]
fn a_deployment_without_the_dashboard_says_so_and_serves_the_rest() {
    let empty = std::env::temp_dir().join(format!("edgewatch-no-dashboard-{}", std::process::id()));
    std::fs::create_dir_all(&empty).expect("a temporary folder can be made");
    let worker = Worker::builder().assets(&empty).start();
    for path in ["/", "/ui/login", "/ui/hosts/7"] {
        let reply = worker.get_as(path, &[("Accept", "text/html")]);
        assert_eq!(reply.status, 503, "{path}");
        assert!(reply.body.contains("scripts/build-dashboard"), "{}", reply.body);
    }
    assert_eq!(worker.get("/api/v1/server/list").status, 200);
    drop(worker);
    std::fs::remove_dir_all(&empty).expect("the folder can be removed");
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
