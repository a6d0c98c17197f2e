//! How long history is kept may change at any deployment, and before storage is full: what still fits stays, in either database.

use std::time::Duration;

use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::folder::Folder;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::Value;

/// How long answers may take in real time.
const PATIENCE: Duration = Duration::from_secs(20);
/// What passes at once: not more than the silence after which a host counts as offline.
const STEP: Duration = Duration::from_secs(20);
const STEPS_PER_MINUTE: u32 = 3;

fn start(folder: &Folder, vars: &[(&str, &str)], token: Option<&str>) -> Worker {
    let mut builder = Worker::builder().persist(&folder.0).capture_outbound();
    for (name, value) in vars {
        builder = builder.var(name, value);
    }
    match token {
        Some(token) => builder.token(token).start(),
        None => builder.start(),
    }
}

/// A new Worker on the same data, with other variables.
fn restart(fleet: &mut Fleet, worker: Worker, folder: &Folder, vars: &[(&str, &str)]) -> Worker {
    let token = worker.token.clone();
    drop(worker);
    let worker = start(folder, vars, Some(&token));
    worker.address().clone_into(&mut fleet.options.address);
    fleet.set_worker_clock(&worker);
    fleet.settle(PATIENCE);
    worker
}

fn pass(fleet: &mut Fleet, worker: &Worker, minutes: u32) {
    for _ in 0..minutes {
        for _ in 0..STEPS_PER_MINUTE {
            fleet.advance(worker, STEP, PATIENCE);
        }
        assert!(worker.cron_at(u64::try_from(fleet.now().wall_ms).expect("past 1970")), "the schedule failed");
    }
}

/// A ring as `usage` shows it: its length, the one wanted, and whether hosts are being moved.
fn ring(worker: &Worker, tier: &str) -> (u64, u64, bool) {
    let rings = worker.get("/api/edgewatch/v1/usage").at("/rings");
    let found = rings.as_array().into_iter().flatten().find(|ring| ring["tier"] == tier);
    let ring = found.unwrap_or_else(|| panic!("no {tier} in {rings}"));
    let number = |key: &str| ring[key].as_u64().unwrap_or_else(|| panic!("no {key} in {ring}"));
    (number("blocks"), number("wanted_blocks"), ring["changing"] == true)
}

/// Per host: of how many samples the history of the last `hours` is made, and by which tiers it was answered.
fn history(fleet: &Fleet, worker: &Worker, hosts: &[TestHost], hours: i64, points: u32) -> Vec<(u64, Vec<String>)> {
    let ids: Vec<String> = hosts.iter().map(|host| host.id.to_string()).collect();
    let to_s = fleet.now().wall_ms / 1000 + 60;
    let path = format!(
        "/api/edgewatch/v1/series?hosts={}&metrics=cpu_percent&from={}&to={to_s}&points={points}",
        ids.join(","),
        to_s - hours * 3600
    );
    let reply = worker.get(&path);
    assert_eq!((reply.status, reply.at("/complete")), (200, Value::Bool(true)), "{}", reply.body);
    let series = reply.at("/series");
    let one = |series: &Value| {
        let samples = series["samples"].as_array().into_iter().flatten().filter_map(Value::as_u64).sum();
        let tiers = series["tiers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        (samples, tiers.map(str::to_owned).collect())
    };
    series.as_array().into_iter().flatten().map(one).collect()
}

/// The slots that a host's blocks of samples lie in.
fn slots(worker: &Worker, host: &TestHost) -> Vec<u64> {
    let sql = format!("SELECT slot FROM blocks WHERE host_id = {} AND tier = 0 ORDER BY slot", host.id);
    worker.object_sql("Hub", "hub-0", &sql).iter().filter_map(|row| row["slot"].as_u64()).collect()
}

#[test]
fn rings_of_another_length_keep_what_fits_while_hosts_report() {
    const OWN: (&str, &str) = ("PLAN", "own");
    let folder = Folder::new("rings");
    let mut worker = start(&folder, &[OWN], None);
    let hosts = worker.add_hosts("host", 3);
    let mut fleet = Fleet::new(&hosts, Options { period_s: 60, ..Options::of(&worker) });
    pass(&mut fleet, &worker, 13 * 60);
    assert_eq!(ring(&worker, "samples"), (9, 9, false));
    let whole = history(&fleet, &worker, &hosts, 14, 2_000);
    for (samples, _) in &whole {
        assert!((775..=781).contains(samples), "{whole:?}");
    }
    assert!(slots(&worker, &hosts[0]).len() > 3);

    let short = [OWN, ("KEEP_SAMPLES_HOURS", "6"), ("KEEP_TEN_MINUTES_DAYS", "30")];
    worker = restart(&mut fleet, worker, &folder, &short);
    pass(&mut fleet, &worker, 12);
    assert_eq!((ring(&worker, "samples"), ring(&worker, "ten_minutes")), ((3, 3, false), (7, 7, false)));
    for (host, (samples, tiers)) in hosts.iter().zip(history(&fleet, &worker, &hosts, 14, 800)) {
        assert!((775..=793).contains(&samples), "{samples}: nothing is missing, minutes have the rest");
        assert_eq!(tiers, ["minutes", "samples"]);
        assert!(slots(&worker, host).iter().all(|slot| *slot < 3), "{:?}", slots(&worker, host));
    }

    let long = [OWN, ("KEEP_SAMPLES_HOURS", "36")];
    worker = restart(&mut fleet, worker, &folder, &long);
    pass(&mut fleet, &worker, 4 * 60);
    assert_eq!((ring(&worker, "samples"), ring(&worker, "ten_minutes")), ((13, 13, false), (19, 19, false)));
    for (samples, tiers) in history(&fleet, &worker, &hosts, 17, 800) {
        assert!((1_015..=1_033).contains(&samples), "{samples}");
        assert_eq!(tiers, ["minutes", "samples"], "samples are not looked for where they were let go");
    }
    assert!(slots(&worker, &hosts[0]).iter().any(|slot| *slot >= 3), "{:?}", slots(&worker, &hosts[0]));
    assert_eq!(worker.events("host_offline") + worker.events("budget_tight"), 0);
}

#[test]
fn rings_in_d1_are_shortened_before_it_is_full() {
    // One percent of the free plan: 5 MB of D1.
    let folder = Folder::new("d1");
    let worker = start(&folder, &[("PLAN", "free"), ("ACCOUNT_PERCENT", "1")], None);
    let hosts = worker.add_hosts("host", 3);
    let mut fleet = Fleet::new(&hosts, Options { period_s: 60, ..Options::of(&worker) });
    pass(&mut fleet, &worker, 3);
    for host in &hosts {
        // Nineteen blocks up to today's, as if the host had reported for three months.
        worker.sql(&format!(
            "WITH RECURSIVE block(back) AS (SELECT 0 UNION ALL SELECT back + 1 FROM block WHERE back < 18) \
             INSERT INTO history (host_id, tier, slot, block_no, samples, start_ms, end_ms, data) \
             SELECT {host}, 2, number, number, 1, number * 432000000, number * 432000000, randomblob(80000) \
             FROM (SELECT {now_ms} / 432000000 - back AS number FROM block)",
            host = host.id,
            now_ms = fleet.now().wall_ms,
        ));
    }
    let blocks = || {
        let counted = worker.sql("SELECT count(*) AS count FROM history WHERE tier = 2 GROUP BY host_id");
        let rows = counted["results"].as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["count"].as_u64()).collect::<Vec<u64>>()
    };
    assert_eq!(blocks(), [19; 3]);
    // The blocks of a day were measured: the next look is tomorrow's.
    fleet.skip_to_morning(&worker);
    pass(&mut fleet, &worker, 25);
    let (length, wanted, changing) = ring(&worker, "ten_minutes");
    assert_eq!((wanted, changing), (19, false));
    assert!((8..19).contains(&length), "{length} blocks");
    assert!(blocks().iter().all(|count| *count <= length + 1), "{:?} of {length}", blocks());
    let told = worker.sql("SELECT text FROM events WHERE kind = 'budget_tight' AND text LIKE '%kept shorter%'");
    assert_eq!(told["results"].as_array().map(Vec::len), Some(1), "{told}");
    let known = worker.sql("SELECT value FROM settings WHERE key = 'coarse_rings'");
    assert!(known["results"][0]["value"].as_str().is_some_and(|text| text.contains(&format!(",{length},"))), "{known}");
    assert_eq!(worker.events("host_offline"), 0);
}
