//! `bench openitcockpit`: agents that push whole results, as large and as often as those of real servers do. How long one waits for its
//! answer, what it costs the processor, and what a host costs in rows a day.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::worker::Worker;
use serde_json::json;

use crate::figures::{percentile, share, table};
use crate::process::{self, TICKS_PER_S};
use crate::wire::{Connection, now_ms};

const REGISTER: &str = "/agentconnector/register_agent.json";
const SUBMIT: &str = "/agentconnector/submit_checkdata.json";
/// Bytes of a result. Source: openitcockpit specification, 1.5: the server project's own samples.
const BYTES: usize = 235_000;
/// Of conformance check 9.
const LARGER_BYTES: usize = 250_000;
/// Before anything counts: connections open, code compiled.
const WARM_UP_HOSTS: usize = 20;
/// When all hosts come in the same seconds, then these.
const BURST: Duration = Duration::from_secs(5);
/// Hosts whose rows are counted over a day.
const COUNTED_HOSTS: u64 = 12;
/// Minutes between two results then: rows in the database do not depend on it.
const COUNTED_EVERY_MIN: u64 = 20;
const DAY_MIN: u64 = 1_440;

/// An agent that registered.
struct Agent {
    uuid: String,
    password: String,
    /// Seconds that its machine runs: no two results say the same.
    uptime_s: u64,
}

/// How hosts come: each every `period`, all of them spread over `spread`.
struct Pace {
    name: &'static str,
    hosts: usize,
    bytes: usize,
    period: Duration,
    spread: Duration,
    rounds: u32,
}

/// Measures with so many hosts, `seconds` long at one result a minute.
///
/// # Errors
/// At the first result that is not taken.
pub fn run(hosts: usize, seconds: u64) -> Result<(), String> {
    crate::say("openitcockpit: starting the Worker");
    let worker = Worker::start();
    let key = key(&worker)?;
    let agents: Result<Vec<Agent>, String> = (0..hosts).map(|index| register(&worker, &key, index)).collect();
    let mut agents = agents?;
    let minute = Duration::from_mins(1);
    let rounds = u32::try_from(seconds.div_ceil(60)).unwrap_or(1).max(1);
    // Less than a minute is one round in less time: the pace is another one then.
    let period = if seconds < 60 { Duration::from_secs(seconds) } else { minute };
    let half = period / 2;
    let paces = [
        Pace {
            name: "first",
            hosts: hosts.min(WARM_UP_HOSTS),
            bytes: BYTES,
            period: half,
            spread: half / 3,
            rounds: 1,
        },
        Pace { name: "even", hosts, bytes: BYTES, period, spread: period, rounds },
        Pace { name: "burst", hosts, bytes: BYTES, period: half, spread: BURST.min(half), rounds: 2 },
        Pace { name: "check 9", hosts: hosts.min(50), bytes: LARGER_BYTES, period: half, spread: half, rounds: 2 },
    ];
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for pace in paces {
        crate::say(&format!("openitcockpit: {}, {} hosts", pace.name, pace.hosts));
        let (row, line) = measure(&worker, &key, &mut agents, &pace)?;
        if pace.name != "first" {
            rows.push(row);
            lines.push(line);
        }
    }
    print!(
        "{}",
        table(
            &["pace", "results", "bytes", "a second", "p50 ms", "p99 ms", "most ms", "CPU ms each", "workerd"],
            &rows
        )
    );
    println!("(CPU: of workerd, all its threads; the last one is its share of one core)\n");
    for line in &lines {
        println!("{line}");
    }
    drop(worker);
    crate::say("openitcockpit: a day, by the test's clock");
    println!("{}", day()?);
    Ok(())
}

fn key(worker: &Worker) -> Result<String, String> {
    let wanted = json!({ "scopes": ["register"], "note": "bench" }).to_string();
    let reply = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], &wanted);
    let token = reply.json()["token"].as_str().map(str::to_owned);
    token.map(|token| format!("X-OITC-API {token}")).ok_or_else(|| format!("no token: {}", reply.body))
}

fn register(worker: &Worker, key: &str, index: usize) -> Result<Agent, String> {
    let uuid = format!("66089500-8661-48f0-8ede-{index:012}");
    let body = json!({ "agentuuid": uuid, "password": "", "hostname": format!("host-{index}"), "ipaddress": "" });
    let reply = worker.post(REGISTER, &[("Authorization", key)], &body.to_string());
    let password = reply.json()["password"].as_str().map(str::to_owned);
    let password = password.ok_or_else(|| format!("not registered: {}", reply.body))?;
    Ok(Agent { uuid, password, uptime_s: 86_400 + index as u64 })
}

fn measure(worker: &Worker, key: &str, agents: &mut [Agent], pace: &Pace) -> Result<(Vec<String>, String), String> {
    let begun = Instant::now() + Duration::from_millis(500);
    let before = process::ticks_of("workerd");
    let address = worker.address();
    let results: Result<Vec<Vec<u64>>, String> = thread::scope(|scope| {
        let hosts = u32::try_from(pace.hosts).unwrap_or(u32::MAX);
        let pushing: Vec<_> = agents
            .iter_mut()
            .take(pace.hosts)
            .zip(0..)
            .map(|(agent, index): (_, u32)| {
                let first = begun + pace.spread * index / hosts;
                scope.spawn(move || push(address, key, agent, pace, first))
            })
            .collect();
        pushing.into_iter().map(|one| one.join().map_err(|_| "a sender broke off".to_owned())?).collect()
    });
    let mut latencies = results?.concat();
    let seconds = begun.elapsed().as_secs().max(1);
    let ticks = process::ticks_of("workerd").saturating_sub(before);
    latencies.sort_unstable();
    let count = latencies.len() as u64;
    let cpu_ms = share(ticks * 1_000 / u64::from(TICKS_PER_S), count);
    let core = share(ticks, seconds * u64::from(TICKS_PER_S));
    let (p50, p99, most) = (percentile(&latencies, 50), percentile(&latencies, 99), percentile(&latencies, 100));
    let ms = |us: u64| format!("{}.{}", us / 1_000, us % 1_000 / 100);
    let row = vec![
        pace.name.to_owned(),
        count.to_string(),
        pace.bytes.to_string(),
        format!("{:.1}", share(count, seconds)),
        ms(p50),
        ms(p99),
        ms(most),
        format!("{cpu_ms:.1}"),
        format!("{:.0} %", core * 100.0),
    ];
    let line = format!(
        r#"{{"bench":"openitcockpit","pace":"{}","hosts":{},"results":{count},"p50_ms":{},"p99_ms":{},"cpu_ms":{cpu_ms:.1}}}"#,
        pace.name,
        pace.hosts,
        ms(p50),
        ms(p99),
    );
    Ok((row, line))
}

/// Pushes a result at `first` and then each period. Gives the microseconds from when each was due to its answer.
fn push(address: &str, key: &str, agent: &mut Agent, pace: &Pace, first: Instant) -> Result<Vec<u64>, String> {
    let mut latencies = Vec::new();
    let mut connection = None;
    for round in 0..pace.rounds {
        let body = envelope(agent, &document(agent, 30, pace.bytes));
        let due = first + pace.period * round;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // The Worker hangs up on connections that say nothing for long.
        let fresh = || Connection::open(address).map_err(|error| format!("no connection: {error}"));
        let mut open = connection.take().map_or_else(fresh, Ok)?;
        let reply = if let Ok(reply) = open.post(SUBMIT, key, &body) {
            reply
        } else {
            open = fresh()?;
            open.post(SUBMIT, key, &body).map_err(|error| format!("a result has no answer: {error}"))?
        };
        latencies.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
        if reply.status() != 200 || reply.json()["success"] != true {
            return Err(format!("refused: {} {}", reply.status(), String::from_utf8_lossy(&reply.body)));
        }
        agent.uptime_s += 60;
        connection = Some(open);
    }
    Ok(latencies)
}

fn envelope(agent: &Agent, document: &str) -> String {
    format!(r#"{{"checkdata":{document},"agentuuid":"{}","password":"{}"}}"#, agent.uuid, agent.password)
}

/// A result of about so many bytes, three quarters of them processes and units, as real ones are.
fn document(agent: &Agent, interval_s: u64, bytes: usize) -> String {
    let (now_s, uptime_s) = (now_ms() / 1_000, agent.uptime_s);
    let wave = uptime_s / 60 % 97;
    let mut text = format!(
        r#"{{"agent":{{"last_updated":"","last_updated_timestamp":{now_s},"system":"debian","system_uptime":{uptime_s},"kernel_version":"6.12.9-amd64","mac_version":"12.11","family":"debian","agent_version":"3.6.1","temperature_unit":"C","goos":"linux","goarch":"amd64","check_interval":{interval_s}}},
"cpu":{{"cpu_total_percentage":{wave}.5,"cpu_percentage":[{wave},5,7,{wave}],"cpu_total_percentage_detailed":{{"User":8.1,"Nice":0,"System":3.9,"Idle":87.5,"Iowait":0.5}}}},
"memory":{{"total":25276514304,"available":24075329536,"percent":4.75,"used":12011847{wave:02},"free":18186088448}},"swap":{{"total":8191471616,"percent":0,"used":0,"free":8191471616}},
"system_load":{{"0":1.{wave:02},"1":0.67,"2":0.3}},"customchecks":{{"check_load":{{"stdout":"OK - load average: 0.{wave:02}|load1=0.{wave:02}\n","rc":0,"execution_unix_timestamp_sec":{now_s}}}}},"#
    );
    let parts = [("disks", 12), ("disk_io", 12), ("net_io", 8), ("net_stats", 8), ("docker", 10)];
    for (group, count) in parts {
        let is_list = matches!(group, "disks" | "docker");
        let (open, close) = if is_list { ('[', ']') } else { ('{', '}') };
        let entries: Vec<String> = (0..count).map(|index| entry(group, index, wave, now_s)).collect();
        let _ = write!(text, r#""{group}":{open}{}{close},"#, entries.join(","));
    }
    let units: Vec<String> = (0..280)
        .map(|index| format!(
            r#"{{"ActiveState":"active","Description":"Service number {index} of this machine and what it is there for","LoadState":"loaded","Name":"unit-{index}.service","SubState":"running"}}"#
        ))
        .collect();
    let _ = write!(text, r#""systemd_services":[{}],"processes":["#, units.join(","));
    let mut pid = 1;
    while text.len() + 420 < bytes {
        let _ = write!(
            text,
            r#"{}{{"pid":{pid},"ppid":1,"username":"www-data","name":"program","cpu_percent":0.{},"memory_percent":0.1,"cmdline":"/usr/lib/program/bin/program --config /etc/program/{pid}.conf --id {:x} --listen 127.0.0.1:{pid} --log-level info","status":["Sleep"],"exec":"/usr/lib/program/bin/program","nice_level":0,"num_fds":0,"Memory":{{"rss":{},"vms":56049664,"hwm":0,"data":0,"stack":0,"locked":0,"swap":0}},"CreateTime":0}}"#,
            if pid == 1 { "" } else { "," },
            (pid + wave) % 10,
            (pid + agent.uptime_s).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            23_420_928 + (pid * wave) % 1_000 * 4_096,
        );
        pid += 1;
    }
    text.push_str("]}");
    text
}

fn entry(group: &str, index: u64, wave: u64, now_s: u64) -> String {
    match group {
        "disks" => format!(
            r#"{{"disk":{{"device":"/dev/sd{index}","mountpoint":"/srv/{index}","fstype":"ext4","opts":["rw","relatime"]}},"usage":{{"total":270553174016,"used":211473858{wave:02},"free":235000000000,"percent":8.26}}}}"#
        ),
        "disk_io" => format!(
            r#""sd{index}":{{"Timestamp":{now_s},"Device":"sd{index}","ReadBytes":12195970,"WriteBytes":22746784,"ReadCount":177367,"WriteCount":86118,"ReadTime":321817,"WriteTime":211189,"IoTime":74228,"ReadIopsPerSecond":{wave},"WriteIopsPerSecond":6,"TotalIopsPerSecond":263,"ReadBytesPerSecond":44884{wave:02},"WriteBytesPerSecond":5998592,"TotalAvgWait":3.34,"ReadAvgWait":3.0,"WriteAvgWait":16.3,"ReadAvgSize":17484.9,"WriteAvgSize":895312.2,"LoadPercent":3.{wave:02}}}"#
        ),
        "net_io" => format!(
            r#""eth{index}":{{"name":"eth{index}","timestamp":{now_s},"bytes_sent":1300276,"bytes_recv":903455563,"packets_sent":13749,"packets_recv":22392,"errin":0,"errout":0,"dropin":0,"dropout":0,"avg_bytes_sent_ps":12{wave:02},"avg_bytes_recv_ps":64000,"avg_packets_sent_ps":10,"avg_packets_recv_ps":60,"avg_errin":0,"avg_errout":0,"avg_dropin":0,"avg_dropout":0}}"#
        ),
        "net_stats" => format!(r#""eth{index}":{{"isup":true,"duplex":2,"speed":1000,"mtu":1500}}"#),
        _ => format!(
            r#"{{"id":"a652cff1d{index}","name":"/web-{index}","image":"nginx:1.27","size_rw":0,"size_root_fs":0,"state":"running","status":"Up 6 minutes","network_rx":6574,"network_tx":0,"cpu_percentage":0.{wave:02},"memory_percentage":0.016,"disk_read":4112384,"disk_write":0,"memory_used":5451776}}"#
        ),
    }
}

/// What a host costs in rows a day: some hosts by the test's clock, the schedule every minute.
fn day() -> Result<String, String> {
    let worker = Worker::start();
    let key = key(&worker)?;
    let hosts = usize::try_from(COUNTED_HOSTS).unwrap_or(1);
    let agents: Result<Vec<Agent>, String> = (0..hosts).map(|index| register(&worker, &key, index)).collect();
    let mut agents = agents?;
    // A day of the platform's begins: the governor goes by what is left of it. What is written once a day falls on some minute of it.
    let begun_ms = now_ms().div_ceil(86_400_000) * 86_400_000 + 60_000;
    let mut before = worker.meters().usage();
    let mut d1_rows = 0;
    for minute in 0..=DAY_MIN {
        let at_ms = begun_ms + minute * 60_000;
        worker.set_clock_ahead(i64::try_from(at_ms).unwrap_or(0) - i64::try_from(now_ms()).unwrap_or(0));
        if minute % COUNTED_EVERY_MIN == 0 {
            for agent in &mut agents {
                let text = document(agent, COUNTED_EVERY_MIN * 60, 0);
                let reply = worker.post(SUBMIT, &[("Authorization", &key)], &envelope(agent, &text));
                if reply.status != 200 {
                    return Err(format!("refused: {} {}", reply.status, reply.body));
                }
                agent.uptime_s += COUNTED_EVERY_MIN * 60;
                // What hosts cost that begin is not what they cost.
                if minute > 0 {
                    d1_rows += reply.cost().d1_rows_written;
                }
            }
        }
        if !worker.cron_at(at_ms) {
            return Err("the schedule failed".to_owned());
        }
        if minute == 0 {
            before = worker.meters().usage();
        }
    }
    let after = worker.meters().usage();
    let own = share(d1_rows, COUNTED_HOSTS);
    let all = share(after.d1_rows_written.saturating_sub(before.d1_rows_written), COUNTED_HOSTS);
    println!(
        "rows written in D1 for a host and day: {own:.1} by its results and its share of the key's use once an hour; {all:.1} with its \
         newest state, which D1 gets every five minutes in so small a fleet and once an hour in a large one\n"
    );
    Ok(format!(
        r#"{{"bench":"openitcockpit","d1_rows_by_results_per_host_day":{own:.1},"d1_rows_written_per_host_day":{all:.1}}}"#
    ))
}
