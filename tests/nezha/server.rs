//! `list` and `details`.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{facts, report};

fn ids(reply: &edgewatch_harness::http::Reply) -> Vec<u64> {
    let result = reply.at("/result");
    result.as_array().into_iter().flatten().filter_map(|server| server["id"].as_u64()).collect()
}

#[test]
fn a_fresh_server_has_the_special_values() {
    // Check 4.
    let worker = Worker::start();
    worker.add_host("alpha");
    worker.get("/api/v1/server/details").assert_golden("nezha/server_details.fresh");
    worker.get("/api/v1/server/list").assert_golden("nezha/server_list.fresh");
}

#[test]
fn a_server_that_reported_reads_as_the_published_example() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    report(&worker, &host, 1, &facts());
    let seen = [("result[].last_active", Volatile::UnixSeconds)];
    worker.get("/api/v1/server/details").assert_golden_but("nezha/server_details.reported", &seen);
    worker.get("/api/v1/server/list").assert_golden_but("nezha/server_list.reported", &seen);
}

#[test]
fn an_empty_fleet_is_an_empty_list() {
    let worker = Worker::start();
    for path in ["/api/v1/server/list", "/api/v1/server/details", "/api/v1/server/list?tag=none"] {
        let reply = worker.get(path);
        assert_eq!(reply.body, r#"{"code":0,"message":"success","result":[]}"#, "{path}");
        assert_eq!(reply.header("content-length"), Some("42"), "H1: the length is said");
    }
}

#[test]
fn details_keeps_the_order_asked_for_and_its_repeats() {
    // Check 5.
    let worker = Worker::start();
    for name in ["alpha", "beta", "gamma"] {
        worker.add_host(name);
    }
    let of = |query: &str| ids(&worker.get(&format!("/api/v1/server/details{query}")));
    assert_eq!(of("?id=3,1,3"), [3, 1, 3]);
    assert_eq!(of("?id=abc"), [0; 0]);
    assert_eq!(of("?id=abc,99999,2"), [2]);
    assert_eq!(of("?id=%201,2"), [2]);
    assert_eq!(of("?id=18446744073709551617,-1,0,"), [0; 0]);
    assert_eq!(of("?id="), [1, 2, 3]);
    assert_eq!(of("?id=2&tag=nobody"), [2], "id wins, as the manual says");
    assert_eq!(of("?id=2&id=1"), [2], "the first of a repeated key counts");
}

#[test]
fn several_shards_answer_as_one() {
    let worker = Worker::builder().var("HUB_SHARDS", "3").start();
    let empty = worker.get("/api/v1/server/details");
    assert_eq!(empty.body, r#"{"code":0,"message":"success","result":[]}"#);
    let hosts = worker.add_hosts("host", 7);
    for host in &hosts {
        report(&worker, host, 1, &facts());
    }
    for route in ["list", "details"] {
        let all = worker.get(&format!("/api/v1/server/{route}"));
        assert_eq!(ids(&all), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(all.header("content-length"), Some(all.body.len().to_string().as_str()));
        assert_eq!((all.cost().d1_rows_read, all.cost().requests), (0, 4), "one call of each shard");
    }
    let of = |query: &str| worker.get(&format!("/api/v1/server/details?{query}"));
    assert_eq!(ids(&of("id=5,1,99,5,7")), [5, 1, 5, 7]);
    assert_eq!(ids(&of("tag=nobody")), [0; 0]);
    // What one shard writes of a host is what the list has of it.
    let (one, all) = (of("id=4").at("/result/0"), of("").at("/result/3"));
    assert_eq!(one, all);
    assert_eq!(one["host"]["Platform"], facts()["platform"]);
}

#[test]
fn tag_picks_a_group_exactly() {
    let worker = Worker::start();
    for (name, tag) in [("alpha", "EU"), ("beta", "Ост/1 ü&"), ("gamma", "EU")] {
        let body = json!({ "Name": name, "Tag": tag }).to_string();
        worker.post("/api/v1/server/register", &[("Authorization", &worker.token)], &body);
    }
    for route in ["list", "details"] {
        let of = |query: &str| ids(&worker.get(&format!("/api/v1/server/{route}?{query}")));
        assert_eq!(of("tag=EU"), [1, 3]);
        assert_eq!(of("tag=eu"), [0; 0]);
        assert_eq!(of("tag=%D0%9E%D1%81%D1%82%2F1+%C3%BC%26"), [2]);
        assert_eq!(of("tag="), [1, 2, 3]);
    }
    assert_eq!(ids(&worker.get("/api/v1/server/list?id=1")), [1, 2, 3], "list has no id");
}

#[test]
fn reported_addresses_fall_into_three_fields() {
    // Check 6.
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let of = |addresses: &str, number: u64| {
        let mut facts = facts();
        facts["addresses"] = Value::from(addresses);
        report(&worker, &host, number, &facts);
        let server = worker.get("/api/v1/server/list").at("/result/0");
        ["ipv4", "ipv6", "valid_ip"].map(|key| server[key].as_str().unwrap_or("?").to_owned())
    };
    assert_eq!(of("198.51.100.7/2001:db8::7", 1), ["198.51.100.7", "2001:db8::7", "198.51.100.7"]);
    assert_eq!(of("2001:db8::7", 2), ["", "2001:db8::7", "2001:db8::7"]);
    assert_eq!(of("198.51.100.7", 3), ["198.51.100.7", "", "198.51.100.7"]);
}

#[test]
fn values_outlive_a_restart() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    report(&worker, &host, 1, &facts());
    let before = worker.get("/api/v1/server/details").body;
    worker.restart();
    assert_eq!(worker.get("/api/v1/server/details").body, before);
}

#[test]
fn reads_have_their_price() {
    let worker = Worker::start();
    for name in ["alpha", "beta", "gamma"] {
        worker.add_host(name);
    }
    // The first use of the token was noted by then: what is left is the token and two rows a host.
    let all = worker.get("/api/v1/server/details").cost();
    assert_eq!(all.d1_rows_written, 0);
    assert!(all.d1_rows_read <= 1 + 3 * 2, "{all:?}");
    let one = worker.get("/api/v1/server/details?id=2").cost();
    // The list of ids counts as a table of one row, and so does its look-up.
    assert!(one.d1_rows_read <= 1 + 2 + 2, "{one:?}");
}
