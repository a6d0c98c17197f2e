//! `GET /hosts`. Source: mackerel specification, 3.10.

use serde_json::json;

use super::Mackerel;

#[test]
fn filters_are_joined_and_unknown_words_find_nothing() {
    // 7.
    let mackerel = Mackerel::start();
    for (name, roles, status) in [
        ("one", json!(["Svc:aa", "Other:zz"]), "working"),
        ("two", json!(["Svc:bb"]), "standby"),
        ("three", json!(["Svc:cc"]), "maintenance"),
        ("four", json!([]), "poweroff"),
        ("five", json!(null), "working"),
    ] {
        let id = mackerel.make(&json!({ "name": name, "meta": {}, "roleFullnames": roles, "customIdentifier": name }));
        mackerel.done("POST", &format!("/hosts/{id}/status"), &json!({ "status": status }));
    }
    let all = "status=working&status=standby&status=maintenance&status=poweroff";
    for (query, expected) in [
        ("", &["one", "two", "five"][..]),
        ("?", &["one", "two", "five"]),
        ("?role=aa", &["one", "two", "five"]),
        (&format!("?{all}"), &["one", "two", "three", "four", "five"]),
        ("?status=poweroff&status[]=maintenance", &["three", "four"]),
        ("?service=Svc", &["one", "two"]),
        (&format!("?service=Svc&{all}"), &["one", "two", "three"]),
        ("?service=Svc&role=aa&role=bb", &["one", "two"]),
        ("?service=Svc&role[]=aa&role[]=cc", &["one"]),
        ("?service=Svc&role=zz", &[]),
        ("?service=Nope", &[]),
        ("?name=five", &["five"]),
        ("?name=", &["one", "two", "five"]),
        ("?name=four", &[]),
        ("?name=one&service=Other", &["one"]),
        ("?name=two&service=Other", &[]),
        ("?customIdentifier=three", &[]),
        (&format!("?customIdentifier=three&{all}"), &["three"]),
        (&format!("?customIdentifier=three&name=four&{all}"), &[]),
        ("?status=standby", &["two"]),
    ] {
        assert_eq!(mackerel.names(query), expected, "{query}");
        assert_eq!(mackerel.get(&format!("/hosts.json{query}")), mackerel.get(&format!("/hosts{query}")), "{query}");
    }
    let unknown = mackerel.call("GET", "/hosts?status=up", "");
    assert_eq!((unknown.status, unknown.at("/error/message").is_string()), (400, true));
    let none = mackerel.call("GET", "/hosts?name=nobody", "");
    assert_eq!(none.body, r#"{"hosts":[]}"#);
}

#[test]
fn a_list_reads_what_it_lists_and_no_more() {
    let mackerel = Mackerel::start();
    let db = |sql: &str| mackerel.worker.sql(sql);
    mackerel.make(&json!({ "name": "first", "meta": {}, "roleFullnames": ["Svc:role"] }));
    // A thousand hosts in one statement each: through the API they would take a minute.
    db("INSERT INTO hosts (public_id, uuid, name, tag, note, hidden_for_guest, secret_hash, registered_at_s) \
        SELECT 'id' || value, 'u' || value, 'host-' || value, '', '', 1, 'h' || value, 1700000000 + value \
        FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 999) SELECT value FROM n)");
    db("INSERT INTO host_states (host_id) SELECT id FROM hosts WHERE id > 1");
    db("INSERT INTO host_details (host_id, meta_json, interfaces_json) SELECT id, '{}', '[]' FROM hosts WHERE id > 1");
    db("INSERT INTO host_roles (host_id, service, role) SELECT id, 'Svc', 'role' FROM hosts WHERE id > 1");
    db("UPDATE host_details SET status = 'poweroff', custom_identifier = 'cid' WHERE host_id = 500");
    let read = |query: &str, hosts: usize| {
        let reply = mackerel.call("GET", &format!("/hosts{query}"), "");
        assert_eq!(reply.at("/hosts").as_array().map(Vec::len), Some(hosts), "{query}");
        assert!(reply.cost().d1_rows_written <= 1, "{query}: a key's use is noted once an hour");
        reply.cost().d1_rows_read
    };
    // Host, state, details, role, and the row behind a host's roles, which says that there are no more; the last one has none.
    assert_eq!(read("", 999), 1 + 5 * 1000 - 1);
    let few = [
        read("?name=host-7", 1),
        read("?status=poweroff", 1),
        read("?customIdentifier=cid&status=poweroff", 1),
        read("?service=Svc&role=nope", 0),
    ];
    assert!(few.iter().all(|rows| *rows <= 10), "{few:?}");
    let one = mackerel.call("GET", "/hosts-by-custom-identifier/CID?caseInsensitive=true", "");
    assert!(one.at("/host/name") == json!("host-499") && one.cost().d1_rows_read <= 10, "{:?}", one.cost());
}
