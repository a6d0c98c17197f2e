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
    assert_eq!((of("?id=,"), of("?id=1%20"), of("?id=1%20,3")), (vec![], vec![], vec![3]));
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
        assert_eq!(
            (of("tag=EU&tag=none"), of("tag=none&tag=EU")),
            (vec![1, 3], vec![]),
            "the first of a repeated key counts"
        );
        let none = worker.get(&format!("/api/v1/server/{route}?tag=nobody"));
        assert_eq!((none.status, none.body.as_str()), (200, r#"{"code":0,"message":"success","result":[]}"#));
    }
    assert_eq!(ids(&worker.get("/api/v1/server/list?id=1")), [1, 2, 3], "list has no id");
}

#[test]
fn lists_go_by_display_index_then_by_number_and_show_hidden_servers_with_true_values() {
    // 3, and 17.
    let worker = Worker::start();
    let cookie = worker.cookie();
    for (name, index, hidden) in [("a", 0, "on"), ("b", 7, "off"), ("c", -2, "on"), ("d", 7, "true")] {
        let body = json!({ "Name": name, "Tag": "EU", "DisplayIndex": index, "HideForGuest": hidden, "DDNSProfilesRaw": "[]" });
        let made = worker.post("/api/server", &[("Cookie", &cookie)], &body.to_string());
        assert_eq!(made.body, r#"{"code":200}"#, "{name}");
    }
    for path in ["list", "details", "list?tag=EU", "details?tag=EU"] {
        let reply = worker.get(&format!("/api/v1/server/{path}"));
        assert_eq!(ids(&reply), [2, 4, 1, 3], "{path}");
        let shown = |key: &str| (0..4).map(|at| reply.at(&format!("/result/{at}/{key}"))).collect::<Vec<_>>();
        assert_eq!(shown("display_index"), [7, 7, 0, -2], "{path}");
        // A checkbox is set by the text `on` and no other.
        assert_eq!(shown("hide_for_guest"), [false, false, true, true], "{path}");
    }
    assert_eq!(ids(&worker.get("/api/v1/server/details?id=1,2")), [1, 2], "by id: in the order asked for");
}

#[test]
fn numbers_of_servers_are_never_given_twice() {
    let worker = Worker::start();
    let cookie = worker.cookie();
    let hosts = worker.add_hosts("host", 3);
    assert_eq!(hosts.iter().map(|host| host.id).collect::<Vec<_>>(), [1, 2, 3]);
    for id in [2, 3] {
        let gone = worker.request("DELETE", &format!("/api/server/{id}"), &[("Cookie", &cookie)], "");
        assert_eq!(gone.body, r#"{"code":200}"#);
    }
    assert_eq!(worker.add_host("host-2").id, 4, "the same name makes another server");
    assert_eq!(ids(&worker.get("/api/v1/server/list")), [1, 4]);
}

#[test]
fn what_was_reported_as_empty_is_null_and_whole_numbers_have_no_fraction() {
    // 4, H9.
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let mut facts = facts();
    (facts["cpu"], facts["gpu"]) = (json!([]), json!([]));
    let largest = (1_u64 << 53) - 1;
    let sample = json!({
        "number": 1, "at_ms": 0, "cpu_percent": 100, "load1": 1.0, "load5": 0.25, "load15": 2, "temperatures": [], "gpu_percent": 0,
        "net_in_bytes": largest
    });
    let body = json!({ "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 10, "host": facts, "samples": [sample] });
    let bearer = format!("Bearer {}", host.secret);
    assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string()).status, 200);
    let text = worker.get("/api/v1/server/details").body;
    for part in [
        r#""CPU":null,"MemTotal""#,
        r#""GPU":null},"status""#,
        r#""status":{"CPU":100,"#,
        r#""Load1":1,"Load5":0.25,"Load15":2,"#,
        r#""Temperatures":null,"GPU":0}"#,
        &format!(r#""NetInTransfer":{largest},"#),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_address_and_the_country_are_those_of_the_connection_when_the_agent_says_none() {
    // 9.3, 9.4.
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let bearer = format!("Bearer {}", host.secret);
    let seen = |number: u64, address: &str, country: &str| {
        let mut facts = facts();
        facts.as_object_mut().expect("an object").remove("addresses");
        let body = json!({ "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10, "host": facts,
            "samples": [{ "number": number, "at_ms": 0, "load1": 1 }] });
        let headers = [("Authorization", bearer.as_str()), ("CF-Connecting-IP", address), ("CF-IPCountry", country)];
        let reply = worker.post("/agent/v1/reports", &headers, &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.body);
        let server = worker.get("/api/v1/server/details").at("/result/0");
        assert!(!server["host"].to_string().contains(address), "no address within `host`: {server}");
        ["/ipv4", "/ipv6", "/valid_ip", "/host/CountryCode"]
            .map(|at| server.pointer(at).and_then(Value::as_str).unwrap_or("?").to_owned())
    };
    assert_eq!(seen(1, "203.0.113.9", "DE"), ["203.0.113.9", "", "203.0.113.9", "de"]);
    assert_eq!(seen(2, "2001:db8::9", "FR"), ["203.0.113.9", "2001:db8::9", "203.0.113.9", "fr"]);
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
