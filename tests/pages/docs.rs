//! The documentation as it is served: every page that another one names, the documents of the APIs, and what a browser may fetch of them.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::Value;

const DOCUMENTS: [&str; 5] = [
    "/openapi.json",
    "/openapi/mackerel.json",
    "/openapi/nezha.json",
    "/openapi/openitcockpit.json",
    "/openapi/pulse.json",
];
const STYLE: &str = "/docs/docs.css";
/// Where a guide has to be: one for each kind of user.
const GUIDES: [&str; 6] = ["mackerel", "nezha", "openitcockpit", "proxmox", "pulse", "vps"];

/// The values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let mark = format!(" {attribute}=\"");
    html.split(mark.as_str()).skip(1).filter_map(|part| part.split('"').next()).collect()
}

fn page(worker: &Worker, path: &str) -> Reply {
    worker.get_as(path, &[("Accept", "text/html")])
}

/// Every page that can be reached from /docs, by its address.
fn pages(worker: &Worker) -> BTreeMap<String, Reply> {
    let mut found = BTreeMap::new();
    let mut waiting = vec!["/docs".to_owned()];
    while let Some(path) = waiting.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let reply = page(worker, &path);
        let links = values(&reply.body, "href").into_iter().filter_map(|link| link.split('#').next());
        let own = links.filter(|link| link.starts_with("/docs") && *link != STYLE);
        waiting.extend(own.map(str::to_owned));
        found.insert(path, reply);
    }
    found
}

#[test]
fn every_page_of_the_documentation_is_served_under_the_policy_and_every_link_in_it_resolves() {
    let worker = Worker::start();
    let policy = page(&worker, "/").header("content-security-policy").expect("a policy").to_owned();
    let pages = pages(&worker);
    for guide in GUIDES {
        assert!(pages.contains_key(&format!("/docs/guides/{guide}")), "no page names the guide {guide}");
    }
    let mut elsewhere = BTreeSet::new();
    for (path, reply) in &pages {
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert_eq!(reply.header("content-security-policy"), Some(policy.as_str()), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=300"), "{path}");
        for inline in ["<script", "<style", " style=", " onclick=", "<iframe"] {
            assert!(!reply.body.contains(inline), "{path}: {inline}");
        }
        for link in values(&reply.body, "href") {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            match if file.is_empty() { Some(reply) } else { pages.get(file) } {
                Some(other) if !part.is_empty() => {
                    assert!(other.body.contains(&format!(" id=\"{part}\"")), "{path}: {link}");
                }
                Some(_) => {}
                None if file.starts_with('/') => {
                    elsewhere.insert(file.to_owned());
                }
                None => assert!(file.starts_with("https://"), "{path}: {link}"),
            }
        }
    }
    assert!(DOCUMENTS.iter().all(|document| elsewhere.contains(*document)), "{elsewhere:?}");
    for path in elsewhere {
        assert_eq!(worker.get_as(&path, &[]).status, 200, "{path}");
    }
}

#[test]
fn a_browser_fetches_nothing_for_the_documentation_but_our_own_files() {
    let worker = Worker::start();
    for (path, reply) in pages(&worker) {
        assert!(values(&reply.body, "src").is_empty() && values(&reply.body, "srcset").is_empty(), "{path}");
        let links: Vec<&str> = reply.body.split("<link").skip(1).filter_map(|part| part.split('>').next()).collect();
        let fetched: Vec<&str> = links.iter().flat_map(|link| values(link, "href")).collect();
        assert_eq!(fetched, ["/favicon.svg", STYLE], "{path}");
    }
    let style = worker.get_as(STYLE, &[]);
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(!style.body.contains("url(") && !style.body.contains("@import"), "{}", style.body);
    assert_eq!(worker.get_as("/favicon.svg", &[]).header("content-type"), Some("image/svg+xml"));
}

#[test]
fn the_five_documents_are_openapi_of_the_kind_3_1_that_hold_together() {
    let worker = Worker::start();
    for path in DOCUMENTS {
        let reply = worker.get_as(path, &[]);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=300"), "{path}");
        let document: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{path}");
        assert!(["title", "version"].iter().all(|key| document["info"][key].is_string()), "{path}");
        let operations: Vec<&Value> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, item)| item.as_object())
            .flatten()
            .map(|(_, one)| one)
            .collect();
        assert!(operations.len() >= 5, "{path}: {} operations", operations.len());
        let names: BTreeSet<&str> = operations.iter().filter_map(|one| one["operationId"].as_str()).collect();
        assert_eq!(names.len(), operations.len(), "{path}: two operations have one name");
        assert!(operations.iter().all(|one| one["responses"].as_object().is_some_and(|all| !all.is_empty())), "{path}");
        let mut references = BTreeSet::new();
        collect_references(&document, &mut references);
        for reference in references {
            let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(found.is_some(), "{path}: {reference} leads nowhere");
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(all) => {
            found.extend(all.get("$ref").and_then(Value::as_str).map(str::to_owned));
            all.values().for_each(|one| collect_references(one, found));
        }
        Value::Array(all) => all.iter().for_each(|one| collect_references(one, found)),
        _ => {}
    }
}

#[test]
fn what_is_no_page_of_the_documentation_is_not_found_and_a_head_has_no_body() {
    let worker = Worker::start();
    let nothing = [
        "/docs/nothing",
        "/docs/index.html",
        "/docs/guides",
        "/docs/guides/",
        "/docs/guides/nezha/",
        "/docs/guides/nezha.html",
        "/docs/guides/nezha/more",
        "/docs/..%2fui%2findex",
        "/docs/Guides/nezha",
        "/openapi",
        "/openapi/",
        "/openapi/native.json",
        "/openapi/..%2fopenapi.json",
        "/openapi/nezha",
    ];
    for path in nothing {
        assert_eq!(page(&worker, path).status, 404, "{path}");
    }
    assert_eq!(page(&worker, "/docs/").status, 200);
    for path in ["/docs", "/docs/guides/nezha", STYLE, "/openapi.json", "/openapi/nezha.json"] {
        let (whole, head) = (worker.get_as(path, &[]), worker.request("HEAD", path, &[], ""));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
        assert_eq!(worker.post(path, &[], "").status, 405, "{path}");
    }
    assert_eq!(worker.request("HEAD", "/docs/nothing", &[], "").status, 404);
}
