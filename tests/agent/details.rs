//! What a reader of Mackerel gets of a host of our own agent, against what this machine says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use edgewatch_harness::agent::Agent;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Folder, now_ms, server};

/// A reader of Mackerel.
struct Reader<'a> {
    worker: &'a Worker,
    key: String,
}

impl Reader<'_> {
    fn get(&self, path: &str) -> Option<Value> {
        let reply = self.worker.request("GET", &format!("/api/v0{path}"), &[("X-Api-Key", &self.key)], "");
        (reply.status == 200).then(|| reply.json())
    }

    fn id(&self, name: &str) -> String {
        let found = self.get(&format!("/hosts?name={name}")).expect("the list");
        found["hosts"][0]["id"].as_str().expect("an id").to_owned()
    }

    fn names(&self, id: &str) -> BTreeSet<String> {
        let found = self.get(&format!("/hosts/{id}/metric-names")).expect("the names");
        let names = found["names"].as_array().expect("a list");
        names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
    }

    /// The points of the last hour: seconds since 1970, and values.
    fn points(&self, id: &str, name: &str) -> Vec<(u64, f64)> {
        let now_s = now_ms() / 1000;
        let path = format!("/hosts/{id}/metrics?name={name}&from={}&to={}", now_s - 3_600, now_s + 60);
        let Some(found) = self.get(&path) else { return vec![] };
        let points = found["metrics"].as_array().expect("a list");
        let point = |point: &Value| Some((point["time"].as_u64()?, point["value"].as_f64()?));
        points.iter().map(|one| point(one).expect("whole seconds and a number")).collect()
    }

    fn at(&self, id: &str, name: &str, at_s: u64) -> f64 {
        let points = self.points(id, name);
        let found = points.iter().find(|(time, _)| *time == at_s);
        found.unwrap_or_else(|| panic!("no {name} at {at_s}: {points:?}")).1
    }
}

/// What this machine counted at a moment, by metric; and when, ms since 1970.
struct Counted {
    at_ms: u64,
    counters: BTreeMap<String, f64>,
    cores: f64,
}

fn plain(name: &str) -> String {
    name.chars().map(|one| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '_' }).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn count() -> Counted {
    let mut counters = BTreeMap::new();
    let stat = read("/proc/stat");
    let fields: Vec<f64> = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).map(number).collect();
    let kinds = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"];
    for (kind, ticks) in kinds.iter().zip(&fields) {
        let guests = if *kind == "user" { fields.get(8).unwrap_or(&0.0) } else { &0.0 };
        counters.insert(format!("cpu.{kind}.percentage"), ticks - guests);
    }
    for line in read("/proc/diskstats").lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_used = fields[3..].iter().any(|field| *field != "0");
        if is_used && !fields[2].starts_with("dm-") {
            counters.insert(format!("disk.{}.reads.delta", plain(fields[2])), number(fields[3]));
            counters.insert(format!("disk.{}.writes.delta", plain(fields[2])), number(fields[7]));
        }
    }
    for (name, rest) in read("/proc/net/dev").lines().filter_map(|line| line.split_once(':')) {
        let (name, fields) = (name.trim(), rest.split_whitespace().collect::<Vec<_>>());
        if name != "lo" && !name.starts_with("veth") {
            counters.insert(format!("interface.{}.rxBytes.delta", plain(name)), number(fields[0]));
            counters.insert(format!("interface.{}.txBytes.delta", plain(name)), number(fields[8]));
        }
    }
    let cores = stat.lines().skip(1).filter(|line| line.starts_with("cpu")).count();
    Counted { at_ms: now_ms(), counters, cores: f64::from(u32::try_from(cores).expect("few")) }
}

/// Devices with their size (without what is reserved) and use, bytes, as `df` has them.
fn file_systems() -> Vec<(String, [f64; 2])> {
    let output = Command::new("df").args(["-B1", "--output=source,used,avail"]).output().expect("df is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let name = fields[0].strip_prefix("/dev/")?;
        Some((plain(name), [number(fields[1]) + number(fields[2]), number(fields[1])]))
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// The least and the most that a metric can have been over a minute, by counts at both ends, a little before and a little behind each:
/// counters rise, so however they rose meanwhile, it lies between.
fn bounds(name: &str, [before, begun, ending, after]: [&Counted; 4]) -> (f64, f64) {
    let grown = |name: &str, from: &Counted, to: &Counted| to.counters[name] - from.counters[name];
    let (least, most) = (grown(name, begun, ending), grown(name, before, after));
    if name.starts_with("cpu.") {
        let total = |from, to| {
            let kinds = from_cpu(&after.counters);
            kinds.map(|kind| grown(kind, from, to)).sum::<f64>()
        };
        let percent = after.cores * 100.0;
        return (least * percent / total(before, after) - 1.0, most * percent / total(begun, ending) + 1.0);
    }
    // The agent's minute may be a tenth of a second more or less.
    (least / 60.5 - 1.0, most / 59.5 + 1.0)
}

fn from_cpu(counters: &BTreeMap<String, f64>) -> impl Iterator<Item = &String> {
    counters.keys().filter(|name| name.starts_with("cpu."))
}

#[test]
fn a_reader_of_mackerel_gets_what_the_stock_agent_would_tell_of_this_machine() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let made =
        worker.post("/api/edgewatch/v1/tokens", &header, &json!({ "scopes": ["read"], "note": "r" }).to_string());
    let reader = Reader { worker: &worker, key: made.at("/token").as_str().expect("a token").to_owned() };
    let (host, silent) = (worker.add_host("alpha"), worker.add_host("beta"));
    let (folder, other) = (Folder::new("details"), Folder::new("no-details"));
    let agent = Agent::start(&worker, &host, &folder.0);
    let _silent = Agent::start_with(&worker, &silent, &other.0, &[("EDGEWATCH_DETAILS", "off")]);
    let (id, silent_id) = (reader.id("alpha"), reader.id("beta"));

    // Our own counts every second, until two minutes are told of: the first one may not be a whole one.
    let (mut counts, begun) = (Vec::new(), Instant::now());
    let minutes = loop {
        counts.push(count());
        // Who looks at hosts makes their agents report at once.
        server(&worker, host.id);
        server(&worker, silent.id);
        let minutes = reader.points(&id, "cpu.user.percentage");
        if minutes.len() >= 2 {
            break minutes;
        }
        assert!(begun.elapsed() < Duration::from_mins(6), "{minutes:?}; {:?}", reader.names(&id));
        std::thread::sleep(Duration::from_secs(1));
    };
    let at_s = minutes[minutes.len() - 1].0;
    assert!(minutes.iter().all(|(at_s, _)| at_s % 60 == 0), "{minutes:?}");

    // The names are the stock agent's, no more and no fewer.
    let mut expected: BTreeSet<String> = counts[0].counters.keys().cloned().collect();
    expected.extend(["1", "5", "15"].map(|minutes| format!("loadavg{minutes}")));
    let memory = ["total", "used", "mem_available", "swap_total", "swap_free", "swap_cached"];
    expected.extend(memory.map(|part| format!("memory.{part}")));
    expected.extend(
        file_systems().iter().flat_map(|(name, _)| ["size", "used"].map(|part| format!("filesystem.{name}.{part}"))),
    );
    assert_eq!(reader.names(&id), expected);
    assert!(!reader.names(&silent_id).iter().any(|name| name.contains("user") || name.contains("delta")));

    // What grew, over the very minute. The agent's sample is one of the minute's last seconds, and we looked about every second.
    std::thread::sleep(Duration::from_secs(2));
    counts.push(count());
    let no_later = |at_ms: u64| counts.iter().rfind(|one| one.at_ms <= at_ms).unwrap_or(&counts[0]);
    let no_sooner = |at_ms: u64| counts.iter().find(|one| one.at_ms >= at_ms).unwrap_or(&counts[counts.len() - 1]);
    let told: BTreeMap<&String, f64> =
        counts[0].counters.keys().map(|name| (name, reader.at(&id, name, at_s))).collect();
    let differences = |second: u64| {
        let end_ms = (at_s + second) * 1000;
        let ends = [
            no_later(end_ms - 61_000),
            no_sooner(end_ms - 59_000),
            no_later(end_ms - 1_000),
            no_sooner(end_ms + 1_000),
        ];
        let of = |(name, told): (&&String, &f64)| {
            let (least, most) = bounds(name, ends);
            (!(least..=most).contains(told)).then(|| format!("{name}: {told} is told, {least} to {most} is true"))
        };
        told.iter().filter_map(of).collect::<Vec<_>>()
    };
    let fewest = (48..60).map(differences).min_by_key(Vec::len).expect("some");
    assert_eq!(fewest, Vec::<String>::new());
    let total: f64 = from_cpu(&counts[0].counters).map(|name| told[name]).sum();
    assert!((total - counts[0].cores * 100.0).abs() < 0.1, "{total}");

    // What is as it is: of this machine now, a moment later.
    let close =
        |told: f64, own: f64, share: f64| assert!((told - own).abs() <= own * share, "{told} is told, {own} is true");
    let meminfo = read("/proc/meminfo");
    let bytes = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        number(line.and_then(|line| line.split_whitespace().next()).expect("a field")) * 1024.0
    };
    close(reader.at(&id, "memory.total", at_s), bytes("MemTotal"), 0.0);
    close(reader.at(&id, "memory.mem_available", at_s), bytes("MemAvailable"), 0.4);
    let both = reader.at(&id, "memory.used", at_s) + reader.at(&id, "memory.mem_available", at_s);
    close(both, bytes("MemTotal"), 0.0);
    for (name, [size, used]) in file_systems() {
        close(reader.at(&id, &format!("filesystem.{name}.size"), at_s), size, 0.05);
        close(reader.at(&id, &format!("filesystem.{name}.used"), at_s), used, 0.05);
    }

    // A minute that ends while the server is away, and the agent too before it is back.
    worker.kill();
    let away_s = (now_ms() / 1000).next_multiple_of(60);
    while now_ms() / 1000 < away_s + 62 {
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(agent.stop().success());
    worker.resume();
    let _again = Agent::start(&worker, &host, &folder.0);
    let points = wait_until("the minute of the outage", Duration::from_mins(2), || {
        server(&worker, host.id);
        Some(reader.points(&id, "cpu.user.percentage")).filter(|points| points.iter().any(|(at, _)| *at == away_s))
    });
    let times: Vec<u64> = points.iter().map(|(at_s, _)| *at_s).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "a point a minute: {times:?}");
    let latest = reader.get(&format!("/tsdb/latest?hostId={id}&name=cpu.idle.percentage&name=custom.none"));
    let latest = latest.expect("the newest")["tsdbLatest"][&id].clone();
    assert_eq!(
        (latest["cpu.idle.percentage"]["time"].as_u64().map(|at_s| at_s % 60), &latest["custom.none"]),
        (Some(0), &Value::Null)
    );
}
