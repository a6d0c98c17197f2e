//! `bench role`: what the role of an openITCOCKPIT agent adds to an agent that reports, and what a pull of `GET /` costs it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::http;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;

use crate::agent::{Agent, Subject};
use crate::figures::{percentile, share, table};
use crate::front::Front;
use crate::process::TICKS_PER_S;

/// As often as an openITCOCKPIT server asks. Source: openitcockpit specification, 13.1.
const PULL_EVERY_S: u64 = 60;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every group that a Linux host can have and an inventory, which fetches nothing; the stock file's interval.
const CONFIG: &str = "[default]\naddress = 127.0.0.1\ninterval = 30\nsensorstats = True\ndockerstats = True\n\
    [packagemanager]\nenable-update-check = False\n";
/// Results go out whole, over TLS; that nobody here takes them changes nothing for who sends them.
const AUTH: &str = r#"{"uuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"bench"}"#;

/// Measures two agents beside each other for `seconds`, one of them with the role, and then `pulls` of its result.
///
/// # Errors
/// When a process ends, or something is not answered as it should be.
pub fn run(seconds: u64, pulls: u64) -> Result<(), String> {
    crate::say("role: starting the Worker, TLS before it, and two agents");
    let worker = Worker::start();
    let front = Front::start(worker.address())?;
    let folder = |name: &str| std::env::temp_dir().join(format!("edgewatch-bench-{name}-{}", std::process::id()));
    let (config, address) = configured(&folder("role-config"), &front.url)?;
    let hosts = [worker.add_host("alone"), worker.add_host("role")];
    let [alone, role] = &hosts;
    let alone = Agent::start(&front, alone, &folder("alone"), &[])?;
    let role = Agent::start(&front, role, &folder("role"), &[("EDGEWATCH_ITCOCKPIT_CONFIG", &config)])?;
    for host in &hosts {
        wait_until("an agent's first report", Duration::from_mins(1), || {
            worker.stored_samples(host.id).first().map(drop)
        });
    }
    wait_until("the first result", Duration::from_mins(1), || pull(&address).ok().filter(|length| *length > 2));

    let mut subjects = [Subject::of(alone.pid())?, Subject::of(role.pid())?];
    crate::say(&format!("role: measuring for {seconds} s"));
    let (begun, mut asked) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(LOOK_EVERY);
        for subject in &mut subjects {
            subject.look()?;
        }
        if begun.elapsed().as_secs() / PULL_EVERY_S >= asked {
            pull(&address)?;
            asked += 1;
        }
    }
    if !role.log().contains(": push: ") {
        return Err(format!("nothing was pushed; the agent's log:\n{}", role.log()));
    }
    let [alone, role] = &mut subjects;
    // What the cycles and the samples cost meanwhile is counted as if it were the pulls'.
    crate::say(&format!("role: pulling {pulls} times"));
    let before = role.ticks();
    let mut times_us = Vec::new();
    let mut bytes = 0;
    for _ in 0..pulls {
        let begun = Instant::now();
        bytes = pull(&address)?;
        times_us.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    role.look()?;
    let spent = role.ticks() - before;
    times_us.sort_unstable();
    print(seconds, [(alone, alone.ticks()), (role, before)]);
    let cpu_us = spent * 1_000_000 / u64::from(TICKS_PER_S) / pulls.max(1);
    let (median, slowest) = (percentile(&times_us, 50), percentile(&times_us, 99));
    println!("{pulls} pulls of {bytes} bytes: {cpu_us} µs of CPU each; answered within {median} µs, p99 {slowest} µs");
    println!(
        r#"{{"bench":"pull","pulls":{pulls},"bytes":{bytes},"cpu_us":{cpu_us},"p50_us":{median},"p99_us":{slowest}}}"#
    );
    Ok(())
}

fn print(seconds: u64, subjects: [(&Subject, u64); 2]) {
    println!(
        "{seconds} s beside each other, each reporting over TLS; the role's cycle every 30 s, pushed, and pulled every {PULL_EVERY_S} s"
    );
    let names = ["reporting", "and the role"];
    let rows = subjects.iter().zip(names).map(|((subject, ticks), name)| {
        let core = share(*ticks, seconds * u64::from(TICKS_PER_S)) * 100.0;
        let Subject { most, last, .. } = subject;
        let numbers = [most.rss_kib, last.rss_kib, most.pss_kib, most.threads, *ticks].map(|number| number.to_string());
        std::iter::once(name.to_owned()).chain(numbers).chain([format!("{core:.3} %")]).collect()
    });
    let head = ["agent", "RSS KiB, most", "last", "Pss KiB, most", "threads", "CPU ticks", "of a core"];
    println!("{}", table(&head, &rows.collect::<Vec<Vec<String>>>()));
    let [(alone, alone_ticks), (role, role_ticks)] = subjects;
    let added = |of: fn(&Subject) -> u64| of(role).cast_signed() - of(alone).cast_signed();
    println!(
        r#"{{"bench":"role","seconds":{seconds},"added_rss_kib":{},"added_pss_kib":{},"added_threads":{},"added_cpu_ticks":{}}}"#,
        added(|subject| subject.most.rss_kib),
        added(|subject| subject.most.pss_kib),
        added(|subject| subject.most.threads),
        role_ticks.cast_signed() - alone_ticks.cast_signed(),
    );
}

/// Writes a stock agent's files, for one that pushes to `url` and is pulled from, and says where its server will listen.
fn configured(folder: &Path, url: &str) -> Result<(PathBuf, String), String> {
    let wrong = |error: std::io::Error| format!("the role's file cannot be written: {error}");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(wrong)?.port();
    fs::create_dir_all(folder).map_err(wrong)?;
    let file = folder.join("config.ini");
    let push = format!("[oitc]\nenabled = True\nenable-webserver = True\nurl = {url}\ntimeout = 9\n");
    fs::write(&file, format!("{CONFIG}[default]\nport = {port}\n{push}")).map_err(wrong)?;
    fs::write(folder.join("auth.json"), AUTH).map_err(wrong)?;
    Ok((file, format!("127.0.0.1:{port}")))
}

/// Asks for the result: its bytes.
fn pull(address: &str) -> Result<usize, String> {
    let reply = http::try_send(address, "GET", "/", &[], b"").map_err(|error| format!("GET /: {error}"))?;
    if reply.status == 200 { Ok(reply.body.len()) } else { Err(format!("GET / answers {}", reply.status)) }
}
