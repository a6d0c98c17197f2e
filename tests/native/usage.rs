//! `GET /api/edgewatch/v1/usage`.

use std::time::Duration;

use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const USAGE: &str = "/api/edgewatch/v1/usage";

fn used(usage: &Value, meter: &str) -> u64 {
    let meters = usage["meters"].as_array().into_iter().flatten();
    let found = meters.filter(|part| part["meter"] == meter).find_map(|part| part["used"].as_u64());
    found.unwrap_or_else(|| panic!("no {meter} in {usage}"))
}

#[test]
fn it_names_each_meter_and_how_agents_are_paced() {
    let worker = Worker::start();
    let reply = worker.get(USAGE);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let usage = reply.json();
    assert_eq!((&usage["plan"], &usage["account_percent"]), (&json!("free"), &json!(100)));
    assert_eq!((&usage["messages_per_request"], &usage["hold_until_s"]), (&json!(20), &json!(null)));
    assert_eq!((&usage["levers"]["frame_s"], &usage["banner"]), (&json!(60), &json!(null)));
    let meters: Vec<&Value> = usage["meters"].as_array().into_iter().flatten().map(|part| &part["meter"]).collect();
    assert_eq!(
        meters,
        [
            "worker_requests",
            "d1_rows_read",
            "d1_rows_written",
            "d1_bytes",
            "object_requests",
            "object_rows_read",
            "object_rows_written",
            "object_bytes",
            "object_active"
        ]
    );
    let rows = &usage["meters"][2];
    assert_eq!((&rows["allowance"], &rows["is_wall"], &rows["unit"]), (&json!(100_000), &json!(true), &json!("rows")));
    assert!(rows["sentence"].as_str().is_some_and(|text| text.contains("% of the D1 rows written")), "{rows}");
    let cost = worker.get(USAGE).cost();
    assert_eq!((cost.d1_rows_written, cost.object_rows_written), (0, 0));
}

#[test]
fn only_readers_see_it() {
    let worker = Worker::start();
    let refused = worker.get_as(USAGE, &[]);
    assert_eq!((refused.status, refused.at("/error/code")), (401, json!("unauthenticated")));
    let body = json!({ "note": "agents", "scopes": ["register"] }).to_string();
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], &body);
    let token = made.at("/token").as_str().unwrap_or_default().to_owned();
    let refused = worker.get_as(USAGE, &[("Authorization", &token)]);
    assert_eq!((refused.status, refused.at("/error/code")), (403, json!("forbidden")), "{}", made.body);
    assert_eq!(worker.post(USAGE, &[("Authorization", &worker.token)], "").status, 405);
}

/// Lets half an hour of a fleet pass.
fn half_an_hour(worker: &Worker, hosts: usize) -> Fleet {
    let hosts = worker.add_hosts("host", hosts);
    let mut fleet = Fleet::new(&hosts, Options { haste: 100, ..Options::of(worker) });
    fleet.skip_to_morning(worker);
    for step in 1..=120 {
        fleet.advance(worker, Duration::from_secs(15), Duration::from_secs(2));
        if step % 4 == 0 {
            worker.cron_at(u64::try_from(fleet.now().wall_ms).unwrap_or_default());
        }
    }
    fleet
}

#[test]
fn what_is_counted_is_what_the_platform_counts() {
    for shards in ["1", "2"] {
        let worker = Worker::builder().var("HUB_SHARDS", shards).start();
        half_an_hour(&worker, 20);
        let (counted, real) = (worker.get(USAGE).json(), worker.meters().usage());
        println!("{counted}\n{real:?}");
        for (meter, real) in [
            ("worker_requests", real.worker_requests),
            ("d1_rows_read", real.d1_rows_read),
            ("d1_rows_written", real.d1_rows_written),
            ("object_requests", real.object_calls + real.alarms + real.messages / 20),
            ("object_rows_read", real.object_rows_read),
            ("object_rows_written", real.object_rows_written + real.alarms_set),
        ] {
            let counted = used(&counted, meter);
            // Of other shards it is up to ten minutes old.
            let least = if shards == "1" { real * 9 / 10 } else { real * 6 / 10 };
            assert!(
                counted >= least.saturating_sub(5) && counted <= real * 11 / 10 + 5,
                "{meter}: {counted} of {real}"
            );
        }
        assert_eq!(used(&counted, "d1_bytes"), real.d1_bytes);
        assert!(used(&counted, "object_bytes") > 0);
    }
}

#[test]
fn agents_are_slowed_down_before_a_small_share_is_used_up() {
    // One percent of the account: a thousand requests of objects a day, of which the schedule takes more.
    let worker = Worker::builder().var("ACCOUNT_PERCENT", "1").start();
    let fleet = half_an_hour(&worker, 10);
    let usage = worker.get(USAGE).json();
    assert_eq!(usage["account_percent"], 1);
    assert!(usage["levers"]["frame_s"].as_u64().is_some_and(|frame_s| frame_s > 60), "{usage}");
    assert!(usage["banner"].is_string(), "{usage}");
    let told = fleet
        .agents
        .iter()
        .filter(|agent| Some(u64::from(agent.settings().report.frame_s)) == usage["levers"]["frame_s"].as_u64());
    assert_eq!(told.count(), 10);
    assert!(worker.events("budget_tight") > 0);
    assert_eq!(worker.events("host_offline"), 0);
}

#[test]
fn nothing_is_metered_on_ones_own_machine() {
    let worker = Worker::builder().var("PLAN", "own").start();
    let usage = worker.get(USAGE).json();
    assert_eq!((&usage["plan"], &usage["meters"][0]["allowance"]), (&json!("own"), &json!(null)));
}
