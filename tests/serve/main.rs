//! `scripts/serve` as a user runs it: it comes up with nothing but a folder, starts workerd again when that dies, loses nothing that was
//! acknowledged, ends in order, and what it holds can be taken elsewhere.

mod process;
mod unit;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::agent::{self, Agent};
use edgewatch_harness::folder::Folder;
use edgewatch_harness::wait::wait_until;
use process::{Serve, run};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

/// Sends one sample as an agent does; gives what is durable then, once it is answered.
fn report(serve: &Serve, secret: &str, number: u64, headers: &[(&str, &str)]) -> u64 {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": now_ms(), "load1": 1 }]
    });
    let bearer = format!("Bearer {secret}");
    let headers = [&[("Authorization", bearer.as_str())], headers].concat();
    wait_until("an answer to a report", PATIENCE, || {
        let reply = serve.try_send("POST", "/agent/v1/reports", &headers, &body.to_string())?;
        assert!(reply.status == 200 || reply.status == 503, "{} {}", reply.status, reply.body);
        // While it starts it answers in words.
        if reply.status == 200 { reply.at("/durable_up_to").as_u64() } else { None }
    })
}

/// Adds a host; gives its number and its secret.
fn add_host(serve: &Serve, token: &str, name: &str) -> (u64, String) {
    let body = json!({ "Name": name }).to_string();
    let reply = serve.send("POST", "/api/v1/server/register", &[("Authorization", token)], &body);
    let secret = reply.at("/secret").as_str().expect("a secret").to_owned();
    let listed = serve.send("GET", "/api/v1/server/list", &[("Authorization", token)], "").at("/result");
    let newest = listed.as_array().into_iter().flatten().filter_map(|host| host["id"].as_u64()).max();
    (newest.expect("a host"), secret)
}

/// Of how many samples a host's history of the last hour is made.
fn samples(serve: &Serve, token: &str, host: u64) -> u64 {
    let to_s = now_ms() / 1000 + 60;
    let path = format!("/api/edgewatch/v1/series?hosts={host}&metrics=load1&from={}&to={to_s}&points=60", to_s - 3600);
    let reply = serve.send("GET", &path, &[("Authorization", token)], "");
    let counts = reply.at("/series/0/samples");
    counts.as_array().into_iter().flatten().filter_map(Value::as_u64).sum()
}

fn listed(serve: &Serve, token: &str) -> Value {
    serve.send("GET", "/api/v1/server/list", &[("Authorization", token)], "").at("/result")
}

#[test]
fn what_was_acknowledged_outlives_deaths_stops_and_a_move() {
    let folder = Folder::new("whole");
    let data = folder.0.join("data");
    let serve = Serve::start(&data, &[], &[]);
    assert!(serve.said().contains("nobody can log in yet"), "{}", serve.said());
    let token = serve.set_up();
    let (host, secret) = add_host(&serve, &token, "alpha");
    let (watched, its_secret) = add_host(&serve, &token, "beta");
    let state = folder.0.join("agent");
    let agent = Agent::start_at(&agent::binary(), &serve.url, &its_secret, &state, &[("EDGEWATCH_PERIOD_S", "1")]);
    wait_until("a sample of the agent", PATIENCE, || (samples(&serve, &token, watched) > 0).then_some(()));
    for number in 1..=5 {
        assert_eq!(report(&serve, &secret, number, &[]), number);
    }

    // A crash: workerd goes, and comes back by itself.
    let before = serve.workerd();
    process::signal("KILL", before);
    assert_eq!(report(&serve, &secret, 6, &[]), 6);
    assert_ne!(serve.workerd(), before);
    assert!(serve.said().contains("workerd ended with SIGKILL"), "{}", serve.said());

    // An ordinary stop, in the middle of things.
    assert_eq!(report(&serve, &secret, 7, &[]), 7);
    let (said, port) = (serve.said(), serve.port.to_string());
    serve.stop();
    for text in [&token, &secret, &its_secret] {
        assert!(!said.contains(text), "a secret is in the log");
    }
    let serve = Serve::start(&data, &["--port", &port], &[]);
    assert!(!serve.said().contains("nobody can log in yet"), "{}", serve.said());
    assert_eq!(report(&serve, &secret, 8, &[]), 8, "it knows the seven before");
    assert_eq!(samples(&serve, &token, host), 8);

    // Moved: backed up, wiped but for the key, restored.
    assert!(agent.stop().success());
    let file = folder.0.join("all.backup");
    let said = run("backup", &["--data", &data.display().to_string(), &file.display().to_string()], &token);
    assert!(said.contains("rows in"), "{said}");
    let of_agent = samples(&serve, &token, watched);
    serve.stop();
    let key = std::fs::read(data.join("key")).expect("the key");
    std::fs::remove_dir_all(&data).expect("wiped");
    std::fs::create_dir_all(&data).expect("a folder");
    std::fs::write(data.join("key"), key).expect("the key");
    let serve = Serve::start(&data, &["--port", &port], &[]);
    let stranger = serve.set_up();
    assert!(listed(&serve, &stranger).as_array().is_none_or(Vec::is_empty));
    run("restore", &["--data", &data.display().to_string(), &file.display().to_string()], &stranger);
    assert_eq!(listed(&serve, &token).as_array().map(Vec::len), Some(2));
    assert_eq!((samples(&serve, &token, host), samples(&serve, &token, watched)), (8, of_agent));
    assert_eq!(report(&serve, &secret, 9, &[]), 9);
    assert_eq!(samples(&serve, &token, host), 9);
    let agent = Agent::start_at(&agent::binary(), &serve.url, &its_secret, &state, &[("EDGEWATCH_PERIOD_S", "1")]);
    wait_until("more of the agent", PATIENCE, || (samples(&serve, &token, watched) > of_agent).then_some(()));
    assert!(agent.stop().success());
    serve.stop();
}

#[test]
fn the_schedule_runs_each_minute() {
    let folder = Folder::new("schedule");
    let serve = Serve::start(&folder.0.join("data"), &[], &[]);
    let said = wait_until("a run of the schedule", Duration::from_secs(75), || {
        let said = serve.said();
        said.lines().find(|line| line.contains("\"schedule\":\"* * * * *\"")).map(str::to_owned)
    });
    assert!(said.contains(" info {"), "{said}");
    serve.stop();
}

#[test]
fn nobody_forges_where_they_come_from() {
    let folder = Folder::new("address");
    let forged = [("CF-Connecting-IP", "203.0.113.9"), ("X-Real-IP", "203.0.113.8"), ("CF-IPCountry", "DE")];
    let serve = Serve::start(&folder.0.join("plain"), &[], &[]);
    let token = serve.set_up();
    let (_, secret) = add_host(&serve, &token, "alpha");
    report(&serve, &secret, 1, &forged);
    let address = |serve: &Serve, token: &str| listed(serve, token)[0]["ipv4"].clone();
    assert_eq!(address(&serve, &token), json!("127.0.0.1"), "{}", listed(&serve, &token));
    serve.stop();

    // Behind a proxy that is said to tell it.
    for (header, told) in [("X-Real-IP", "203.0.113.8"), ("CF-Connecting-IP", "203.0.113.9")] {
        let serve = Serve::start(&folder.0.join(header), &[], &[("TRUSTED_ADDRESS_HEADER", header)]);
        let token = serve.set_up();
        let (_, secret) = add_host(&serve, &token, "alpha");
        report(&serve, &secret, 1, &forged);
        assert_eq!(address(&serve, &token), json!(told), "{header}");
        serve.stop();
    }
}

#[test]
fn the_data_is_its_owners_and_the_key_is_made_once() {
    let folder = Folder::new("key");
    let data = folder.0.join("data");
    let serve = Serve::start(&data, &[], &[]);
    let token = serve.set_up();
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    };
    assert_eq!((mode(&data), mode(&data.join("key"))), (0o700, 0o600));
    let key = std::fs::read_to_string(data.join("key")).expect("a key");
    for process in process::naming(&data.display().to_string()) {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(key.trim()), "the key is on a command line");
    }
    let config = std::fs::read_to_string(data.join("run/workerd.capnp")).expect("a configuration");
    assert!(!config.contains(key.trim()) && config.contains("EDGEWATCH_KEY"));
    assert!(!serve.said().contains(&token) && !serve.said().contains(key.trim()));

    // Another one on the same data is refused, and this one goes on.
    let data_text = data.display().to_string();
    let refused = process::fails(&["--no-build", "--data", &data_text, "--port", "18999"], &[]);
    assert!(refused.contains("another scripts/serve runs"), "{refused}");
    process::succeeds(&["--check", "--data", &data_text]);
    serve.stop();
    process::fails(&["--check", "--data", &data_text], &[]);

    // Without its key what is stored would be a riddle.
    std::fs::rename(data.join("key"), folder.0.join("kept")).expect("moved");
    let refused = process::fails(&["--no-build", "--data", &data_text, "--port", "18999"], &[]);
    assert!(refused.contains("put it back"), "{refused}");
    std::fs::rename(folder.0.join("kept"), data.join("key")).expect("moved");

    for (options, environment, words) in [
        (&["--port", "x"][..], &[][..], "--port needs a number"),
        (&["--port", "70000"], &[], "from 1 to 65535"),
        (&["--address", "a b"], &[], "--address needs"),
        (&["--public-url", "ftp://x"], &[], "--public-url"),
        (&["--nothing"], &[], "unknown option"),
        (&[], &[("EXPOSE_COST", "1")], "for tests alone"),
    ] {
        let refused = process::fails(&[&["--no-build", "--data", &data_text], options].concat(), environment);
        assert!(refused.contains(words), "{options:?}: {refused}");
    }
    std::fs::write(data.join("serve.env"), "# a comment\nnot a line\n").expect("written");
    let refused = process::fails(&["--no-build", "--data", &data_text], &[]);
    assert!(refused.contains("not NAME=VALUE"), "{refused}");
}
