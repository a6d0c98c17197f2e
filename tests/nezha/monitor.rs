//! Service monitors: sections 5, 7.3 and 8 of the specification.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const MONITOR: &str = "/api/monitor";

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_millis()).expect("a few centuries")
}

/// A Worker, and the session cookie of its first administrator.
pub(super) fn signed_in() -> (Worker, String) {
    let mut worker = Worker::builder().without_admin().start();
    let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
    let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
    let cookie = setup.header("set-cookie").expect("setup opens a session");
    let value = cookie.split(['=', ';']).nth(1).expect("the cookie has a value").to_owned();
    setup.at("/token").as_str().expect("a token").clone_into(&mut worker.token);
    (worker, format!("nezha-dashboard={value}"))
}

pub(super) fn form(name: &str, kind: u8, target: &str) -> Value {
    json!({
        "Name": name, "Type": kind, "Target": target, "Duration": 30, "Cover": 0, "SkipServersRaw": "[]",
        "FailTriggerTasksRaw": "[]", "RecoverTriggerTasksRaw": "[]"
    })
}

pub(super) fn save(worker: &Worker, jar: &str, form: &Value) -> Value {
    let reply = worker.post(MONITOR, &[("Cookie", jar)], &form.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    reply.at("")
}

fn probes(worker: &Worker) -> Vec<Value> {
    worker.get("/api/edgewatch/v1/probes").at("/probes").as_array().cloned().unwrap_or_default()
}

/// Posts samples as an agent does: when each was taken, ms before now, and what came of probes.
pub(super) fn report(worker: &Worker, host: &TestHost, first: u64, samples: &[(i64, Value)]) {
    let now = now_ms();
    let sample = |(number, (back_ms, probes)): (u64, &(i64, Value))| json!({ "number": number, "at_ms": now - back_ms, "load1": 1, "probes": probes });
    let samples: Vec<Value> = (first..).zip(samples).map(sample).collect();
    let last = first + samples.len() as u64 - 1;
    let body =
        json!({ "agent_version": "0.1.0", "sent_at_ms": now, "oldest": first, "period_s": 10, "samples": samples });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(last)), "{}", reply.body);
    assert_eq!(reply.at("")["dropped"], Value::Null, "{}", reply.body);
}

/// What is half a minute and a minute ago, in one hour whenever the test runs.
pub(super) fn back_ms() -> [i64; 2] {
    let of_hour = now_ms() % 3_600_000;
    if of_hour > 130_000 { [60_000, 30_000] } else { [of_hour + 120_000, of_hour + 90_000] }
}

#[test]
fn administrators_save_replace_and_delete_monitors() {
    let (worker, jar) = signed_in();
    // Key case does not matter, a target is trimmed, and 0 seconds are 30.
    let made = json!({
        "name": "web", "TYPE": 3, "target": " example.com:443 ", "Duration": 0, "Cover": 1, "SkipServersRaw": "[3,1]",
        "FailTriggerTasksRaw": "[]", "RecoverTriggerTasksRaw": "[]", "Notify": "on", "LatencyNotify": "on", "MaxLatency": 250.5,
        "NotificationTag": "night", "EnableShowInService": "on"
    });
    assert_eq!(save(&worker, &jar, &made), json!({ "code": 200 }));
    let stored = probes(&worker);
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (&stored[0]["id"], &stored[0]["kind"], &stored[0]["target"]),
        (&json!(1), &json!("tcp"), &json!("example.com:443"))
    );
    assert_eq!((&stored[0]["interval_s"], &stored[0]["hosts"]), (&json!(30), &json!({ "only": [1, 3] })));
    assert_eq!(stored[0]["notify"]["max_delay_ms"], 250.5);
    // The whole row is replaced.
    let mut other = form("gate", 2, "192.0.2.1");
    other["ID"] = json!(1);
    assert_eq!(save(&worker, &jar, &other), json!({ "code": 200 }));
    let stored = probes(&worker);
    assert_eq!(
        (&stored[0]["name"], &stored[0]["public"], &stored[0]["notify"]["state"]),
        (&json!("gate"), &json!(false), &json!(false))
    );
    let delete = |id: &str| worker.request("DELETE", &format!("{MONITOR}/{id}"), &[("Cookie", &jar)], "").at("");
    assert_eq!(delete("1"), json!({ "code": 200 }));
    assert_eq!(delete("1"), json!({ "code": 200 }), "what is gone is as good as deleted");
    for id in ["0", "-1", "x"] {
        assert_eq!(delete(id), json!({ "code": 400, "message": "错误的 Server ID" }), "{id}");
    }
    assert_eq!(probes(&worker), Vec::<Value>::new());
}

#[test]
fn a_monitor_that_cannot_be_is_refused_in_a_200() {
    let (worker, jar) = signed_in();
    let code = |form: &Value| save(&worker, &jar, form)["code"].clone();
    for (key, value) in [
        ("SkipServersRaw", json!("")),
        ("FailTriggerTasksRaw", json!("")),
        ("Type", json!(4)),
        ("Target", json!("example.com")),
        ("Duration", json!("30")),
        ("Name", json!(7)),
        ("ID", json!(99)),
    ] {
        let mut wrong = form("web", 3, "example.com:443");
        wrong[key] = value;
        assert_eq!(code(&wrong), 400, "{wrong}");
    }
    let empty = worker.post(MONITOR, &[("Cookie", &jar)], "");
    assert_eq!(empty.at(""), json!({ "code": 400, "message": "请求错误：EOF" }));
    // The API token opens no admin route, and nobody comes in without a cookie.
    let body = form("web", 3, "example.com:443").to_string();
    for headers in [vec![], vec![("Authorization", worker.token.as_str())]] {
        let refused = worker.post(MONITOR, &headers, &body);
        assert_eq!((refused.status, refused.at("/code")), (200, json!(403)));
    }
    assert_eq!(probes(&worker), Vec::<Value>::new());
}

#[test]
fn two_results_are_one_point_with_failures_as_zero_and_minutes_as_times() {
    // Check 11.
    let (worker, jar) = signed_in();
    let host = worker.add_host("alpha");
    for (name, kind, target) in
        [("tcp1", 3, "192.0.2.1:80"), ("slow", 2, "192.0.2.2"), ("page", 1, "https://example.com/")]
    {
        assert_eq!(save(&worker, &jar, &form(name, kind, target)), json!({ "code": 200 }));
    }
    let [first, second] = back_ms();
    report(
        &worker,
        &host,
        1,
        &[
            (first, json!([{ "id": 1, "delay_ms": 10 }, { "id": 2, "delay_ms": 3_000 }, { "id": 3, "delay_ms": 5 }])),
            (second, json!([{ "id": 1 }, { "id": 2, "delay_ms": 200 }, { "id": 3, "delay_ms": 5 }])),
            (second - 10_000, json!([{ "id": 1, "delay_ms": 0.5 }])),
        ],
    );
    let path = format!("/api/v1/monitor/{}", host.id);
    let reply = worker.get(&path);
    assert_eq!((reply.status, reply.at("/code"), reply.at("/message")), (200, json!(0), json!("success")));
    let series = reply.at("/result");
    let series = series.as_array().expect("a list");
    assert_eq!(series.len(), 2, "pages never appear: {}", reply.body);
    for (one, (id, name, delay)) in series.iter().zip([(1, "tcp1", 5), (2, "slow", 1_000)]) {
        assert_eq!((&one["monitor_id"], &one["monitor_name"]), (&json!(id), &json!(name)));
        assert_eq!((&one["server_id"], &one["server_name"]), (&json!(host.id), &json!("alpha")));
        assert_eq!(one["avg_delay"], json!([delay]), "the third result waits for a fourth");
        let at = one["created_at"][0].as_i64().expect("a time");
        assert!(at % 60_000 == 0 && (now_ms() - second - 70_000..=now_ms() - second).contains(&at), "{at}");
    }
    // Saved with another coverage, the series is gone.
    let mut skipped = form("slow", 2, "192.0.2.2");
    (skipped["ID"], skipped["SkipServersRaw"]) = (json!(2), json!(format!("[{}]", host.id)));
    save(&worker, &jar, &skipped);
    assert_eq!(worker.get(&path).at("/result").as_array().map(Vec::len), Some(1));
    // Kept for a day: most of one later it is there.
    worker.set_clock_ahead(23 * 3_600_000 + 1_800_000);
    assert_eq!(worker.get(&path).at("/result").as_array().map(Vec::len), Some(1));
    // A day later there is nothing: a list all the same.
    worker.set_clock_ahead(25 * 3_600_000);
    assert_eq!(worker.get(&path).body, r#"{"code":0,"message":"success","result":[]}"#);
}

#[test]
fn the_checks_run_in_their_order_for_guests_and_members() {
    // Check 10.
    let (worker, jar) = signed_in();
    let visible = {
        let body = json!({ "Name": "seen", "HideForGuest": "off" }).to_string();
        worker.post("/api/v1/server/register", &[("Authorization", &worker.token)], &body);
        let listed = worker.get("/api/v1/server/list").at("/result");
        listed[0]["id"].as_u64().expect("an id")
    };
    let hidden = worker.add_host("hidden").id;
    let guest = |id: &str| worker.get_as(&format!("/api/v1/monitor/{id}"), &[]);
    let shown = |id: &str| {
        let reply = guest(id);
        (reply.status, reply.body)
    };
    // Guests are not let in: before the id is looked at.
    for id in ["abc", "0", "1"] {
        assert_eq!(shown(id), (200, r#"{"code":403,"message":"访问受限"}"#.to_owned()), "{id}");
    }
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
    for id in ["abc", "-1", "1.5", "18446744073709551616"] {
        assert_eq!(shown(id), (400, r#"{"code":400,"message":"id参数错误"}"#.to_owned()), "{id}");
    }
    for id in ["0", "999", "18446744073709551615"] {
        assert_eq!(shown(id), (404, r#"{"code":404,"message":"id不存在"}"#.to_owned()), "{id}");
    }
    assert_eq!(shown(&visible.to_string()), (200, r#"{"code":0,"message":"success","result":[]}"#.to_owned()));
    assert_eq!(shown(&hidden.to_string()), (403, r#"{"code":403,"message":"需要认证"}"#.to_owned()));
    let member = |headers: &[(&str, &str)]| worker.get_as(&format!("/api/v1/monitor/{hidden}"), headers).at("/code");
    assert_eq!(member(&[("Authorization", &worker.token)]), 0);
    assert_eq!(member(&[("Cookie", &jar)]), 0);
    let slash = worker.get(&format!("/api/v1/monitor/{visible}/"));
    assert_eq!((slash.status, slash.header("location")), (301, Some(format!("/api/v1/monitor/{visible}").as_str())));
    for path in ["/api/v1/monitor", "/api/v1/monitor/"] {
        assert_eq!(worker.get(path).status, 404, "{path}");
    }
    assert_eq!(worker.post(&format!("/api/v1/monitor/{visible}"), &[("Cookie", &jar)], "{}").status, 404);
}

#[test]
fn points_of_one_minute_are_not_merged_and_print_as_float32() {
    // 5, H9.
    let (worker, jar) = signed_in();
    let host = worker.add_host("alpha");
    assert_eq!(save(&worker, &jar, &form("gate", 2, "192.0.2.1")), json!({ "code": 200 }));
    assert_eq!(save(&worker, &jar, &form("dead", 3, "192.0.2.2:80")), json!({ "code": 200 }));
    // The whole minute before the one before this.
    let minute = (now_ms() / 60_000 - 2) * 60_000;
    let now = now_ms();
    let both = |delay_ms: f64| json!([{ "id": 1, "delay_ms": delay_ms }, { "id": 2 }]);
    let samples = [(5, json!([{ "id": 1 }, { "id": 2 }])), (15, both(0.67)), (25, both(150.5)), (35, both(49.5))];
    let samples = samples.map(|(second, probes)| (now - (minute + second * 1_000), probes));
    report(&worker, &host, 1, &samples);
    let reply = worker.get(&format!("/api/v1/monitor/{}", host.id));
    let series = |id: u8, name: &str, delays: &str| {
        format!(
            r#"{{"monitor_id":{id},"server_id":{},"monitor_name":"{name}","server_name":"alpha","created_at":[{minute},{minute}],"avg_delay":[{delays}]}}"#,
            host.id
        )
    };
    // A dead target is 0, and a failure among two halves the point.
    let expected = format!(
        r#"{{"code":0,"message":"success","result":[{},{}]}}"#,
        series(1, "gate", "0.335,100"),
        series(2, "dead", "0,0")
    );
    assert_eq!(reply.body, expected);
    // 8.2: deleting a monitor deletes its rows; deleting a server deletes all of its own.
    assert_eq!(worker.request("DELETE", "/api/monitor/1", &[("Cookie", &jar)], "").body, r#"{"code":200}"#);
    let left = worker.get(&format!("/api/v1/monitor/{}", host.id)).at("/result");
    assert_eq!((left.as_array().map(Vec::len), &left[0]["monitor_id"]), (Some(1), &json!(2)));
    let gone = worker.request("DELETE", &format!("/api/server/{}", host.id), &[("Cookie", &jar)], "");
    assert_eq!(gone.body, r#"{"code":200}"#);
    let nobody = worker.get(&format!("/api/v1/monitor/{}", host.id));
    assert_eq!((nobody.status, nobody.body.as_str()), (404, r#"{"code":404,"message":"id不存在"}"#));
}

#[test]
fn rows_go_when_a_monitor_is_saved_without_their_server() {
    // 8.2.
    let (worker, jar) = signed_in();
    let hosts = worker.add_hosts("host", 2);
    assert_eq!(save(&worker, &jar, &form("gate", 2, "192.0.2.1")), json!({ "code": 200 }));
    let [first, second] = back_ms();
    let good = || json!([{ "id": 1, "delay_ms": 10 }]);
    for host in &hosts {
        report(&worker, host, 1, &[(first, good()), (second, good())]);
    }
    let count =
        |host: &TestHost| worker.get(&format!("/api/v1/monitor/{}", host.id)).at("/result").as_array().map(Vec::len);
    assert_eq!((count(&hosts[0]), count(&hosts[1])), (Some(1), Some(1)));
    let mut only = form("gate", 2, "192.0.2.1");
    (only["ID"], only["Cover"], only["SkipServersRaw"]) = (json!(1), json!(1), json!(format!("[{}]", hosts[1].id)));
    assert_eq!(save(&worker, &jar, &only), json!({ "code": 200 }));
    assert_eq!((count(&hosts[0]), count(&hosts[1])), (Some(0), Some(1)));
}

#[test]
fn every_covered_server_is_given_the_task_and_no_other() {
    // 8.2.
    let (worker, jar) = signed_in();
    let hosts = worker.add_hosts("host", 3);
    let mut but_one = form("but one", 2, " 192.0.2.1 ");
    but_one["SkipServersRaw"] = json!(format!("[{}]", hosts[0].id));
    assert_eq!(save(&worker, &jar, &but_one), json!({ "code": 200 }));
    let mut only = form("only", 1, "https://example.com/");
    (only["Cover"], only["SkipServersRaw"], only["Duration"]) =
        (json!(1), json!(format!("[{}]", hosts[0].id)), json!(0));
    assert_eq!(save(&worker, &jar, &only), json!({ "code": 200 }));
    let told = |host: &TestHost| {
        let body = json!({ "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": 1, "period_s": 10, "probes_version": 0,
            "samples": [{ "number": 1, "at_ms": now_ms(), "load1": 1 }] });
        let bearer = format!("Bearer {}", host.secret);
        let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
        reply.at("/probes/probes")
    };
    let first = json!([{ "id": 1, "kind": 2, "target": "192.0.2.1", "interval_s": 30 }]);
    assert_eq!((told(&hosts[1]), told(&hosts[2])), (first.clone(), first), "to each, not to one of them");
    assert_eq!(told(&hosts[0]), json!([{ "id": 2, "kind": 1, "target": "https://example.com/", "interval_s": 30 }]));
}
