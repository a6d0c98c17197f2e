//! The agent's push client against our own Worker: what it sees of its machine is there for readers of every dialect.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use crate::agent::Agent;

/// Some cycles of five seconds.
const SOON: Duration = Duration::from_secs(40);
/// The first inventory is made 90 s after the start, and looks at what can be upgraded. Source: openitcockpit specification, 12.
const FIRST_INVENTORY: Duration = Duration::from_mins(4);
/// What the agent says who is refused.
const REFUSED: &str = "Invalid credentials or host not found";

/// A Worker, and the key of its agents.
struct Site {
    worker: Worker,
    key: String,
}

impl Site {
    fn start() -> Self {
        let worker = Worker::start();
        let headers = [("Authorization", worker.token.as_str())];
        let wanted = json!({ "scopes": ["register", "read"], "note": "agents" }).to_string();
        let reply = worker.post("/api/edgewatch/v1/tokens", &headers, &wanted);
        assert_eq!(reply.status, 201, "{}", reply.body);
        let key = reply.at("/token").as_str().expect("a token").to_owned();
        Self { worker, key }
    }

    /// The agent, whose key this is; its first result comes within seconds.
    fn agent(&self, more: &str, files: &[(&str, &str)]) -> Agent {
        let section = format!(
            "[oitc]\nenabled = True\nurl = {}\napikey = {}\nverify-server-certificate = True\n{more}",
            self.worker.url, self.key
        );
        Agent::silent(&format!("customchecks = customchecks.ini\n{section}"), files)
    }

    fn admin(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("Authorization", self.worker.token.as_str())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.worker.request(method, &format!("/api/edgewatch/v1{path}"), &headers, &body)
    }

    /// The one agent that pushes.
    fn pushing(&self) -> Value {
        let reply = self.admin("GET", "/push-agents", &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let all = reply.at("/push_agents");
        assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
        all[0].clone()
    }

    fn wait_for_agent(&self, state: &str) -> Value {
        wait_until(&format!("an agent that is {state}"), SOON, || {
            let all = self.admin("GET", "/push-agents", &Value::Null).at("/push_agents");
            all.get(0).filter(|one| one["state"] == json!(state)).cloned()
        })
    }

    /// The hosts of Nezha's list.
    fn hosts(&self) -> Vec<Value> {
        self.worker.get("/api/v1/server/details").at("/result").as_array().expect("a list").clone()
    }

    /// The last result of the first host, once it is as `condition` wants it.
    fn wait_for_checks<T>(&self, what: &str, condition: impl Fn(&Value) -> Option<T>) -> T {
        wait_until(what, SOON, || {
            let reply = self.admin("GET", "/hosts/1/checks", &Value::Null);
            if reply.status == 404 { None } else { condition(&reply.json()) }
        })
    }

    fn samples(&self) -> usize {
        self.worker.stored_samples(1).len()
    }

    /// Waits until so many samples more are stored.
    fn wait_for_samples(&self, more: usize) {
        let wanted = self.samples() + more;
        wait_until(&format!("{wanted} samples"), SOON, || (self.samples() >= wanted).then_some(()));
    }

    /// Alerts as Mackerel's clients list them, after a run of the schedule.
    fn alerts(&self) -> Vec<Value> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
        assert!(self.worker.cron_at(u64::try_from(now.as_millis()).expect("a few centuries")));
        let reply = self.worker.get_as("/api/v0/alerts", &[("X-Api-Key", self.key.as_str())]);
        reply.at("/alerts").as_array().expect("a list").clone()
    }
}

fn check(rc: u32, words: &str) -> String {
    format!(
        "[Backup]\ncommand = `sh -c 'echo \"{words}|age=7\"; exit {rc}'`\ninterval = 5\ntimeout = 4\nenabled = true\n"
    )
}

#[test]
fn it_registers_by_itself_and_readers_of_every_dialect_see_its_machine() {
    let site = Site::start();
    let agent = site.agent("", &[("customchecks.ini", &check(0, "OK - done"))]);
    let shown = site.wait_for_checks("a result with the check", |shown| {
        shown["results"]["customchecks"].get("backup").is_some().then(|| shown.clone())
    });
    let pushing = site.pushing();
    assert_eq!((&pushing["state"], &pushing["host"]), (&json!("accepted"), &json!(1)));
    assert!(agent.text("auth.json").contains(pushing["uuid"].as_str().expect("a UUID")), "{pushing}");
    assert!(pushing["user_agent"].as_str().is_some_and(|name| name.contains("dgewatch")), "{pushing}");
    // Nezha's list.
    let host = &site.hosts()[0];
    assert_eq!(host["name"], pushing["host_name"]);
    let total = host["host"]["MemTotal"].as_u64().expect("a size");
    let used = host["status"]["MemUsed"].as_u64().expect("a size");
    assert!(total > 100_000_000 && (1..total).contains(&used), "{host}");
    assert_eq!(host["host"]["Arch"], json!(std::env::consts::ARCH));
    assert!(host["status"]["Uptime"].as_u64().is_some_and(|seconds| seconds > 0), "{host}");
    // Mackerel's.
    let headers = [("X-Api-Key", site.key.as_str())];
    let hosts = site.worker.get_as("/api/v0/hosts", &headers);
    let id = hosts.at("/hosts/0/id").as_str().expect("an id").to_owned();
    let names = "name=loadavg5&name=memory.total&name=custom.check.backup.age";
    let latest = site.worker.get_as(&format!("/api/v0/tsdb/latest?hostId={id}&{names}"), &headers).at("/tsdbLatest");
    assert_eq!(latest[&id]["memory.total"]["value"].as_f64(), Some(whole(total)), "{latest}");
    assert_eq!(latest[&id]["custom.check.backup.age"]["value"], json!(7.0), "{latest}");
    assert!(latest[&id]["loadavg5"]["value"].is_number(), "{latest}");
    // Ours: its checks, its samples, each once.
    let of = |group: &str| {
        let all = shown["checks"].as_array().expect("a list");
        all.iter().filter(|one| one["group"] == json!(group)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        (&of("customchecks")[0]["status"], &of("customchecks")[0]["message"]),
        (&json!("OK"), &json!("OK - done"))
    );
    assert!(!of("memory").is_empty() && !of("cpu").is_empty() && !of("disks").is_empty(), "{}", shown["checks"]);
    let at = shown["results"]["agent"]["last_updated_timestamp"].as_i64().expect("a time");
    assert!((shown["at_s"].as_i64().expect("a time") - at).abs() < 10, "{}", shown["results"]["agent"]);
    site.wait_for_samples(2);
    let stored = site.worker.stored_samples(1);
    let expected: Vec<u64> = (1..=u64::try_from(stored.len()).expect("a few")).collect();
    assert_eq!(stored, expected);
    assert!(!agent.log().contains(&site.key), "{}", agent.log());
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory, exact below 2^53")]
fn whole(bytes: u64) -> f64 {
    bytes as f64
}

#[test]
fn a_check_that_goes_critical_is_an_alert_until_it_is_good_or_is_no_more() {
    let site = Site::start();
    let mut agent = site.agent("", &[("customchecks.ini", &check(2, "CRITICAL - none for 3 days"))]);
    let alert = wait_until("the alert", SOON, || site.alerts().first().cloned());
    assert_eq!((&alert["type"], &alert["status"]), (&json!("check"), &json!("CRITICAL")));
    assert_eq!(alert["message"], json!("CRITICAL - none for 3 days"));
    std::fs::write(agent.path("customchecks.ini"), check(0, "OK - done")).expect("our own file");
    agent.begin_again();
    wait_until("its end", SOON, || site.alerts().is_empty().then_some(()));
    std::fs::write(agent.path("customchecks.ini"), check(1, "WARNING - late")).expect("our own file");
    agent.begin_again();
    wait_until("the next alert", SOON, || (site.alerts().len() == 1).then_some(()));
    // It is taken out of the file while it is bad.
    std::fs::write(agent.path("customchecks.ini"), "").expect("our own file");
    agent.begin_again();
    wait_until("a result without it", SOON, || {
        site.wait_for_checks("a result", |shown| (shown["results"]["customchecks"] == json!({})).then_some(()));
        Some(())
    });
    // It might have been an agent that did not run it yet; some minutes later it is gone.
    site.worker.set_clock_ahead(360_000);
    wait_until("its end", SOON, || site.alerts().is_empty().then_some(()));
}

#[test]
fn its_inventory_is_shown_as_it_was_made() {
    let site = Site::start();
    let _agent = site.agent("", &[]);
    site.wait_for_agent("accepted");
    let none = site.admin("GET", "/hosts/1/packages", &Value::Null);
    assert_eq!(none.status, 404, "{}", none.body);
    let shown = wait_until("the first inventory", FIRST_INVENTORY, || {
        let reply = site.admin("GET", "/hosts/1/packages", &Value::Null);
        (reply.status == 200).then(|| reply.json())
    });
    assert_eq!((&shown["Enabled"], &shown["Pending"]), (&json!(true), &json!(false)));
    let installed = shown["Stats"]["InstalledPackages"].as_u64().expect("a count");
    assert_eq!(shown["LinuxPackages"].as_array().map(Vec::len), usize::try_from(installed).ok());
    assert!(shown["Stats"]["OperatingSystem"] == json!("linux"), "{}", shown["Stats"]);
    // What results say of it from then on.
    let told = site.wait_for_checks("its summary in a result", |shown| {
        let stats = &shown["results"]["packagemanager"]["Stats"];
        (stats["InstalledPackages"] == json!(installed)).then(|| stats["PackageManager"].clone())
    });
    assert_eq!(told, shown["Stats"]["PackageManager"]);
}

#[test]
fn where_agents_are_accepted_by_hand_it_waits_and_then_reports() {
    let site = Site::start();
    let set = site.admin("PATCH", "/settings", &json!({ "push_agents": "manual" }));
    assert!(set.status < 300, "{}", set.body);
    let agent = site.agent("", &[]);
    let waiting = site.wait_for_agent("pending");
    agent.wait_for_log(REFUSED);
    assert_eq!(site.hosts(), Vec::<Value>::new());
    let uuid = waiting["uuid"].as_str().expect("a UUID");
    let shown = wait_until("what it pushed", SOON, || {
        let reply = site.admin("GET", &format!("/push-agents/{uuid}/checkdata"), &Value::Null);
        (reply.status == 200).then(|| reply.json())
    });
    assert!(shown["agent"]["system_uptime"].is_u64(), "{}", shown["agent"]);
    assert_eq!(site.admin("POST", &format!("/push-agents/{uuid}/accept"), &json!({})).status, 204);
    agent.wait_for_log("takes results again");
    site.wait_for_checks("a result", |shown| shown["results"]["agent"].is_object().then_some(()));
    assert_eq!(site.hosts()[0]["name"], waiting["host_name"]);
    assert_eq!(site.samples(), site.worker.stored_samples(1).len());
}

#[test]
fn an_agent_whose_record_was_deleted_is_adopted_and_goes_on_untouched() {
    let site = Site::start();
    let mut agent = site.agent("", &[]);
    site.wait_for_agent("accepted");
    wait_until("two samples", SOON, || (site.samples() >= 2).then_some(()));
    let (auth, pid) = (agent.text("auth.json"), agent.pid());
    let removed = site.worker.sql("DELETE FROM push_agents");
    assert!(removed["error"].is_null(), "{removed}");
    site.worker.restart();
    agent.wait_for_log(REFUSED);
    let stray = site.wait_for_agent("stray");
    let before = site.worker.stored_samples(1);
    let uuid = stray["uuid"].as_str().expect("a UUID");
    assert!(auth.contains(uuid));
    assert_eq!(site.admin("POST", &format!("/push-agents/{uuid}/accept"), &json!({ "host": 1 })).status, 204);
    agent.wait_for_log("takes results again");
    site.wait_for_samples(1);
    assert!(site.worker.stored_samples(1).starts_with(&before), "it is the host it was");
    assert_eq!((agent.text("auth.json"), agent.pid(), site.hosts().len()), (auth, pid, 1));
    assert!(agent.is_alive());
}
