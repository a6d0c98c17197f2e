//! The documents and the routers say the same: what is served is in a document, and what a document says is served.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{all, document::Api};

type Route = (String, String);

/// What a document has: method and path.
fn documented(api: &Api) -> BTreeSet<Route> {
    api.operations.iter().map(|operation| (operation.method.to_owned(), operation.path.to_owned())).collect()
}

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/dialects").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a router has, by its source: each `.route("path", get(…).post(…))`. `ANY` stands for every method.
fn routed(source: &str) -> BTreeSet<Route> {
    let mut routes = BTreeSet::new();
    for part in source.split(".route(").skip(1) {
        let mut quoted = part.splitn(3, '"');
        let (before, path) = (quoted.next().unwrap_or_default(), quoted.next().unwrap_or_default());
        if !before.trim().is_empty() {
            // Its path is made of something.
            continue;
        }
        let rest = quoted.next().unwrap_or_default();
        let end = rest.find(['\n', ';']).filter(|_| !rest.trim_start_matches([',', ' ']).starts_with('\n'));
        let rest = match end {
            Some(end) => &rest[..end],
            None => rest.split("\n        )").next().unwrap_or_default(),
        };
        for method in ["get", "post", "put", "patch", "delete", "any"] {
            let is_called = rest
                .match_indices(&format!("{method}("))
                .any(|(at, _)| !rest[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_'));
            if is_called {
                routes.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    routes
}

/// Whether a route of a router serves an operation of a document.
fn serves((by, pattern): &Route, (method, path): &Route) -> bool {
    let same = pattern.split_once("{*").map_or(pattern == path, |(before, _)| path.starts_with(before));
    same && (by == method || by == "ANY")
}

fn api(name: &str) -> Api {
    let all: BTreeMap<&str, Api> = all().into_iter().collect();
    all.into_iter().find(|(file, _)| *file == name).expect("an API of this name").1
}

fn hold(file: &str, mut routes: BTreeSet<Route>, elsewhere: &[(&str, &str)]) {
    routes.extend(elsewhere.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())));
    let documented = documented(&api(file));
    assert!(routes.len() > 5, "the router of {file} was not found in its source");
    let missing: Vec<&Route> = routes.iter().filter(|route| !documented.iter().any(|one| serves(route, one))).collect();
    assert!(missing.is_empty(), "{file} says nothing of {missing:#?}");
    let idle: Vec<&Route> = documented.iter().filter(|one| !routes.iter().any(|route| serves(route, one))).collect();
    assert!(idle.is_empty(), "{file} says something of {idle:#?}, which nobody answers");
}

#[test]
fn every_route_of_our_own_is_in_its_document_and_nothing_else() {
    // The second is served with pages, whose routes are no table.
    hold("openapi.json", routed(&source("native/mod.rs")), &[("GET", "/metrics")]);
}

#[test]
fn every_route_of_mackerel_is_in_its_document_and_nothing_else() {
    hold("openapi/mackerel.json", routed(&source("mackerel/mod.rs")), &[]);
}

#[test]
fn every_route_of_nezha_is_in_its_document_and_nothing_else() {
    let source = source("nezha/mod.rs");
    // Pages for members are routed by a list.
    let pages =
        source.split_once("MEMBER_PAGES: [&str; 7] = [").expect("the list").1.split_once(']').expect("its end").0;
    let pages: Vec<String> = pages.split('"').skip(1).step_by(2).map(|page| format!("/{page}")).collect();
    assert_eq!(pages.len(), 7);
    let pages: Vec<(&str, &str)> = pages.iter().map(|page| ("GET", page.as_str())).collect();
    hold("openapi/nezha.json", routed(&source), &pages);
}

#[test]
fn every_route_of_pulse_is_in_its_document_and_nothing_else() {
    let source = source("pulse/mod.rs");
    assert!(source.contains("let acts = post(alerts::act).put(alerts::act).delete(alerts::act);"));
    let acts = ["POST", "PUT", "DELETE"].map(|method| (method, "/api/alerts/{*rest}"));
    hold("openapi/pulse.json", routed(&source), &acts);
}

#[test]
fn every_route_of_openitcockpit_is_in_its_document_and_nothing_else() {
    let source = source("openitcockpit/mod.rs");
    let methods: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("Register", &["POST"][..]),
        ("CheckData", &["POST"]),
        ("Packages", &["POST"]),
        ("Delete", &["POST"]),
        ("List", &["GET"]),
        ("Output", &["GET"]),
        ("Select", &["GET", "POST"]),
    ]);
    let takes = "Self::Register | Self::CheckData | Self::Packages | Self::Delete(_) => method == Method::POST,\n            \
                 Self::List | Self::Output => method == Method::GET,\n            \
                 Self::Select => method == Method::GET || method == Method::POST,";
    assert!(source.contains(takes), "the methods have changed");
    let routes = source.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => Self::"));
    let routes =
        routes.map(|(name, endpoint)| (format!("/agentconnector/{name}.json"), endpoint.trim_end_matches(',')));
    let deleted = ("/agentconnector/delete_push_agent/{id}.json".to_owned(), "Delete");
    assert!(source.contains("[.., \"agentconnector\", \"delete_push_agent\", number] => Some(Self::Delete(number))"));
    let routes = routes.chain([deleted]).flat_map(|(path, endpoint)| {
        methods[endpoint].iter().map(move |method| ((*method).to_owned(), path.clone())).collect::<Vec<Route>>()
    });
    hold("openapi/openitcockpit.json", routes.collect(), &[]);
}

#[test]
fn a_router_is_read_as_it_is_written() {
    let text = r#"Router::new()
        .route("/a", get(a::list).post(a::create))
        .route(
            "/b/{id}",
            get(b::show).put(b::target),
        )
        .route("/c", any(c::all))
        .route(&format!("/{page}"), get(d::page))"#;
    let found: Vec<(String, String)> = routed(text).into_iter().collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(method, path)| (method.as_str(), path.as_str())).collect();
    assert_eq!(found, [("ANY", "/c"), ("GET", "/a"), ("GET", "/b/{id}"), ("POST", "/a"), ("PUT", "/b/{id}")]);
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_operation_says_who_may_what_it_answers_and_refers_to_what_is_there() {
    for (file, api) in all() {
        let document = api.document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{file}: {reference}");
        }
        let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
        let mut ids = BTreeSet::new();
        for operation in &api.operations {
            let at = format!("{file}: {} {}", operation.method, operation.path);
            let said = &document["paths"][operation.path.replace("{*", "{")][operation.method.to_lowercase()];
            assert!(ids.insert(said["operationId"].to_string()), "{at}: its id is another one's too");
            assert!(!operation.answers.is_empty() && operation.summary.ends_with('.'), "{at}");
            assert!(api.tags.iter().any(|(tag, _)| *tag == operation.tag), "{at}: in no group");
            assert!(operation.who.schemes.iter().all(|scheme| schemes.contains_key(*scheme)), "{at}");
            for name in operation.path_names() {
                assert!(api.names.iter().any(|(known, _)| *known == name), "{at}: {name} means nothing");
            }
            assert!(said["responses"].as_object().is_some_and(|all| all.len() > operation.answers.len() / 2), "{at}");
        }
    }
}

#[test]
fn a_type_looks_in_the_document_as_it_does_on_the_wire() {
    let native = api("openapi.json").document();
    let error = &native["components"]["schemas"]["ErrorBody"];
    // Left out where there is none: it need not be there, and is never null where it is... but a reader of ours takes null.
    assert_eq!(error["required"], serde_json::json!(["code", "message"]));
    let refused = native.pointer("/paths/~1api~1edgewatch~1v1~1users/post/responses/401/content").expect("a refusal");
    let example = &refused["application/json"]["examples"]["unauthenticated"]["value"];
    assert_eq!(example["error"]["code"], "unauthenticated");
    let probe = &native["components"]["schemas"]["ProbeRequest"];
    let required: Vec<&str> = probe["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(required, ["name", "kind", "target"]);
    let meter = &native["components"]["schemas"]["MeterPart"]["properties"]["allowance"];
    assert_eq!(meter["type"], serde_json::json!(["integer", "null"]));
}
