//! The lab's backup server: what is told of it.

use edgewatch_core::dialects::native::proxmox::{InstanceKind, PollErrorKind};
use edgewatch_harness::proxmox::{FakeProxmox, Fault, Product, lab};
use serde_json::{Value, json};

use super::{Bench, instance};

fn lab_bench(name: &str) -> (FakeProxmox, Bench) {
    let fake = FakeProxmox::start(Product::Pbs, lab::pbs());
    let bench = Bench::start(name, vec![instance("store", InstanceKind::Pbs, &fake)]);
    (fake, bench)
}

#[test]
fn the_server_and_its_datastores_have_the_values_of_the_specification() {
    let (_fake, bench) = lab_bench("pbs-values");
    let pbs = bench.poll("store", "a poll", |_| true).pbs.expect("a backup server");
    assert_eq!((pbs.status.as_str(), pbs.mem_used, pbs.mem_total), ("online", 1_803_886_264, 8_053_063_680));
    assert_eq!((pbs.uptime_s, pbs.cpu.to_bits()), (432_000, 0.011_f64.to_bits()));
    assert_eq!((pbs.datastores[0].name.as_str(), pbs.datastores[0].avail), ("main", 3_000_000_000_000));
    assert_eq!((pbs.datastores[1].name.as_str(), pbs.datastores[1].total), ("gone", 0));
    assert!(pbs.datastores[1].error.as_deref().is_some_and(|error| error.contains("unable to open chunk store")));
}

#[test]
fn the_census_has_namespaces_and_jobs() {
    let (_fake, bench) = lab_bench("pbs-census");
    let rows = bench.rows("store", "census");
    let of = |kind: &str| rows.iter().filter_map(|row| row.get(kind)).cloned().collect::<Vec<Value>>();
    assert_eq!((&of("pbs")[0]["version"], &of("pbs")[0]["node"]), (&json!("3.4"), &json!("backup1")));
    let main = of("datastore").into_iter().find(|store| store["name"] == "main").expect("a datastore");
    assert_eq!(main["namespaces"], json!(["", "prod", "prod/web"]), "the root is there though it was not listed");
    assert_eq!(main["deduplication"], 4.0);
    let jobs: Vec<(Value, Value)> = of("job").into_iter().map(|job| (job["kind"].clone(), job["id"].clone())).collect();
    assert!(
        jobs.contains(&(json!("sync"), json!("s-1"))) && jobs.contains(&(json!("prune"), json!("p-1"))),
        "{jobs:?}"
    );
    assert!(!jobs.iter().any(|(kind, _)| kind == "garbage"), "it is wanted when it is asked for");
}

#[test]
fn backups_of_all_namespaces_are_told_and_unchanged_groups_not_asked_for_again() {
    let (fake, mut bench) = lab_bench("pbs-backups");
    let names = bench.names("store");
    let of = |namespace: &str| {
        let start = format!("pbs/main/{namespace}/");
        let name = names.iter().find(|name| name.starts_with(&start) && !name[start.len()..].contains('/'));
        bench.rows("store", name.unwrap_or_else(|| panic!("no {start} in {names:?}")))
    };
    let mut root = of("");
    root.sort_by_key(|row| row["at_s"].as_i64());
    assert_eq!((root.len(), &root[1]["verification"], &root[0]["verification"]), (2, &json!("ok"), &json!("failed")));
    assert_eq!(root[1]["files"], json!(["drive-scsi0.img.fidx", "qemu-server.conf.blob"]));
    assert_eq!((&root[0]["protected"], &root[0]["at_s"]), (&json!(true), &json!(1_754_791_201)));
    assert_eq!(of("prod")[0]["id"], "laptop");
    assert!(!names.iter().any(|name| name.contains("prod/web")), "an empty namespace has no section");

    // A new run does not know what the groups were: it asks, and sends nothing that the edge has.
    let sent = bench.edge.know(|known| known.section_messages.0);
    bench.stop_agent();
    bench.edge.know(|known| known.names.clear());
    fake.forget_requests();
    bench.start_agent(&[]);
    assert_eq!(bench.names("store").len(), names.len());
    assert_eq!(bench.edge.know(|known| known.section_messages.0), sent);
}

#[test]
fn a_token_that_sees_datastores_alone_is_connected() {
    let mut answers = lab::pbs();
    answers.refuse("/version", 403, "permission check failed");
    answers.refuse("/nodes", 403, "permission check failed");
    answers.refuse("/nodes/localhost/status", 403, "permission check failed");
    let fake = FakeProxmox::start(Product::Pbs, answers);
    let bench = Bench::start("pbs-restricted", vec![instance("store", InstanceKind::Pbs, &fake)]);
    let pbs = bench.poll("store", "a poll", |_| true).pbs.expect("a backup server");
    assert_eq!((pbs.status.as_str(), pbs.mem_total, pbs.datastores.len()), ("online", 0, 2));
    assert!(bench.rows("store", "census").iter().any(|row| row["pbs"]["version"] == "connected"));
}

#[test]
fn a_token_of_nobody_is_told_as_such() {
    let fake = FakeProxmox::start(Product::Pbs, lab::pbs());
    fake.set_token("other@pbs!t", "x");
    let bench = Bench::start("pbs-nobody", vec![instance("store", InstanceKind::Pbs, &fake)]);
    let error = bench.poll("store", "a failure", |poll| poll.error.is_some()).error.expect("an error");
    assert_eq!((error.kind, error.text.as_str()), (PollErrorKind::Auth, "no such token (status 401)"));
    fake.set_token(edgewatch_harness::proxmox::TOKEN_NAME, edgewatch_harness::proxmox::TOKEN_SECRET);
    bench.poll("store", "a recovery", |poll| poll.error.is_none());
}

#[test]
fn another_page_at_the_port_is_no_backup_server() {
    let fake = FakeProxmox::start(Product::Pbs, lab::pbs());
    fake.fault("/", Fault::Html);
    let bench = Bench::start("pbs-html", vec![instance("store", InstanceKind::Pbs, &fake)]);
    let error = bench.poll("store", "a failure", |poll| poll.error.is_some()).error.expect("an error");
    assert_eq!(error.kind, PollErrorKind::Api);
    assert!(error.text.contains("are host and port right?"), "{}", error.text);
}
