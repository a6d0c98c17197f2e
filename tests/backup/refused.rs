//! What is refused, and that nothing has changed then.

use std::path::Path;

use edgewatch_harness::folder::Folder;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{file, script};

/// Tries to restore a file and gives what was said when it was refused.
fn refused(worker: &Worker, file: &Path) -> String {
    let done = script("restore", worker, &worker.token, file);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success(), "{said}");
    said
}

/// What stands in D1, and whether anything was begun.
fn state(worker: &Worker) -> Value {
    let told = worker.sql(
        "SELECT (SELECT count(*) FROM hosts) AS hosts, (SELECT count(*) FROM restore_pages) AS pages, \
         (SELECT count(*) FROM history) AS history, (SELECT group_concat(name) FROM users) AS users, \
         (SELECT count(*) FROM tokens) AS tokens, (SELECT count(*) FROM settings WHERE key = 'restore') AS begun",
    );
    told["results"].clone()
}

/// Neither is open to who may not administer.
fn assert_is_for_admins(first: &Worker) {
    let made =
        first.post("/api/edgewatch/v1/tokens", &[("Authorization", &first.token)], r#"{"scopes":["read","write"]}"#);
    let weak = made.at("/token").as_str().expect("a token").to_owned();
    for (method, path) in [
        ("GET", "backup"),
        ("GET", "backup/d1"),
        ("GET", "backup/hub-0"),
        ("POST", "restore/finish"),
        ("DELETE", "restore"),
    ] {
        let path = format!("/api/edgewatch/v1/{path}");
        for (token, status) in [(weak.as_str(), 403), ("", 401)] {
            let headers = [("Authorization", token)];
            let headers = if token.is_empty() { &headers[..0] } else { &headers[..] };
            assert_eq!(first.request(method, &path, headers, "{\"rows\":{}}").status, status, "{method} {path}");
        }
    }
    assert_eq!(first.get("/api/edgewatch/v1/backup/nothing").status, 404);
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let folder = Folder::new("refused");
    let good = folder.0.join("good.backup");
    let first = Worker::builder().capture_outbound().start();
    first.add_hosts("host", 2);
    let done = script("backup", &first, &first.token, &good);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let lines: Vec<String> = file::read(&good).iter().map(ToString::to_string).collect();
    let bytes = std::fs::read(&good).expect("a backup");

    let second = Worker::builder().capture_outbound().start();
    let before = state(&second);
    let bad = folder.0.join("bad.backup");
    let raw = |bytes: &[u8]| std::fs::write(&bad, bytes).expect("writable");
    let text = |lines: &[String]| file::write(&bad, &(lines.join("\n") + "\n"));
    let changed = |at: usize, line: String| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines
    };
    let mut head: Value = serde_json::from_str(&lines[0]).expect("a head");
    let cases: [(&str, &str); 7] = [
        ("packed half", "truncated"),
        ("without its end", "truncated"),
        ("changed", "damaged"),
        ("foreign", "no backup"),
        ("text", "no backup"),
        ("empty", "empty"),
        ("newer", "version 2"),
    ];
    for (case, words) in cases {
        match case {
            "packed half" => raw(&bytes[..bytes.len() / 2]),
            "without its end" => text(&lines[..lines.len() - 1]),
            "changed" => text(&changed(1, lines[1].replacen('1', "2", 1))),
            "foreign" => text(&["{\"a\":1}".to_owned()]),
            "text" => raw(b"SELECT 1;"),
            "empty" => file::write(&bad, ""),
            _ => {
                head["version"] = json!(2);
                text(&changed(0, head.to_string()));
            }
        }
        let said = refused(&second, &bad);
        assert!(said.contains(words), "{case}: {said}");
        assert_eq!(state(&second), before, "{case}");
    }

    // What the script would not send, the deployment would not take.
    let send = |worker: &Worker, method: &str, path: &str, body: &str| {
        let path = format!("/api/edgewatch/v1/restore{path}");
        worker.request(method, &path, &[("Authorization", &worker.token)], body)
    };
    head["version"] = json!(1);
    head["schema"] = json!("0001_old.sql");
    let other = send(&second, "POST", "", &head.to_string());
    assert_eq!((other.status, other.at("/error/field")), (400, json!("schema")), "{}", other.body);
    assert_eq!(send(&second, "POST", "/d1/1", "{}").status, 409, "nothing was begun");
    assert_eq!(send(&second, "POST", "/finish", "{\"rows\":{}}").status, 409);
    assert_eq!(send(&second, "POST", "", &lines[0]).status, 200);
    let table = |name: &str, columns: Value, rows: Value| {
        json!({ "table": name, "columns": columns, "rows": rows }).to_string()
    };
    for (part, body) in [
        ("d1", table("hosts\" SELECT 1; --", json!(["id"]), json!([[1]]))),
        ("d1", table("users", json!(["id\") SELECT 1; --"]), json!([[1]]))),
        ("d1", table("d1_migrations", json!(["id", "name", "applied_at"]), json!([[1, "x", "y"]]))),
        ("hub-0", table("sqlite_master", json!(["a"]), json!([[1]]))),
        ("hub-0", table("meta", json!(["key", "value"]), json!([["a"]]))),
        ("hub-64", table("meta", json!(["key", "value"]), json!([["a", "b"]]))),
        ("gate", table("tallies", json!(["key"]), json!([["a"]]))),
        ("d1", "{".to_owned()),
    ] {
        let reply = send(&second, "POST", &format!("/{part}/1"), &body);
        assert!((400..600).contains(&reply.status), "{part} {body}: {}", reply.status);
    }
    let missing = send(&second, "POST", "/finish", "{\"rows\":{\"d1\":5,\"hub-0\":0,\"proxmox\":0}}");
    assert_eq!(missing.status, 409, "{}", missing.body);
    // The list of hosts is D1's meanwhile: nobody's.
    let closed = second.get("/api/edgewatch/v1/usage");
    assert!(closed.status >= 500, "closed while something is being restored: {} {}", closed.status, closed.body);
    assert_eq!(send(&second, "DELETE", "", "").status, 204);
    assert_eq!(state(&second), before, "given up");
    assert_eq!(second.get("/api/v1/server/list").status, 200);

    // Where there is something already, and for who may not.
    let said = refused(&first, &good);
    assert!(said.contains("empty deployment") && said.contains("hosts: 2"), "{said}");
    assert_eq!(first.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(2));
    assert_is_for_admins(&first);

    // And the good one goes in after all that.
    let done = script("restore", &second, &second.token, &good);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
