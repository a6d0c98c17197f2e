//! mackerel-agent from its first start to its retirement.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;

use super::{Mkr, Programs, folder, key, programs};

/// A metric plugin that says what its graph is called, and rolls a three.
const DICE: &str = r#"#!/bin/sh
if [ "$MACKEREL_AGENT_PLUGIN_META" = 1 ]; then
  printf '# mackerel-agent-plugin\n{"graphs":{"dice":{"label":"My Dice","unit":"integer","metrics":[{"name":"d6","label":"Die"}]}}}\n'
else
  printf 'dice.d6\t3\t%s\n' "$(date +%s)"
fi
"#;

/// Ends with the test.
pub struct Running(Child);

impl Running {
    /// Asks it to end, as systemd does, and waits until it has.
    fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "it cannot be asked to end");
        assert!(self.0.wait().expect("a child can be waited for").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended: then there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub fn configure(worker: &Worker, key: &str, folder: &Path) {
    let plugin = folder.join("dice.sh");
    fs::write(&plugin, DICE).expect("the folder is ours");
    let root = folder.display();
    let text = format!(
        r#"
apikey = "{key}"
apibase = "{url}"
root = "{root}"
pidfile = "{root}/pid"
roles = ["My-Service:app", "My-Service: db"]
display_name = "front 1"
cloud_platform = "none"
verbose = true
[host_status]
on_start = "standby"
on_stop = "poweroff"
[plugin.metrics.dice]
command = "sh {root}/dice.sh"
[plugin.checks.hello]
command = "echo bad; exit 2"
[plugin.metadata.env]
command = "echo '{{\"a\":1}}'"
"#,
        url = worker.url
    );
    fs::write(folder.join("conf"), text).expect("the folder is ours");
}

fn command(programs: &Programs, folder: &Path) -> Command {
    let mut command = Command::new(&programs.agent);
    let log = fs::File::options().append(true).create(true).open(folder.join("log")).expect("the folder is ours");
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TMPDIR", folder).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(log);
    command
}

pub fn run(programs: &Programs, folder: &Path) -> Running {
    let mut command = command(programs, folder);
    let child = command.arg("-conf").arg(folder.join("conf")).spawn();
    Running(child.unwrap_or_else(|error| panic!("mackerel-agent does not start: {error}")))
}

#[test]
fn the_stock_agent_registers_reports_stops_and_retires() {
    let Some(programs) = programs() else { return };
    let (worker, folder) = (Worker::start(), folder("agent"));
    let key = key(&worker);
    configure(&worker, &key, &folder);
    let mkr = Mkr { program: &programs.mkr, url: &worker.url, key: &key, folder: &folder };
    let running = run(programs, &folder);
    let id = wait_until("the stock agent's id", Duration::from_secs(30), || {
        fs::read_to_string(folder.join("id")).ok().filter(|id| !id.is_empty())
    });
    let status = mkr.json(&["status", &id]);
    assert_eq!((&status["status"], &status["displayName"]), (&"standby".into(), &"front 1".into()), "{status}");
    assert_eq!(status["roleFullnames"], serde_json::json!(["My-Service:app", "My-Service:db"]));

    // It sends its first minute when that is over, and a while later.
    let names = wait_until("the stock agent's metrics", Duration::from_mins(3), || {
        std::thread::sleep(Duration::from_secs(1));
        let status = mkr.json(&["status", "-v", &id]);
        status["metrics"].as_array().filter(|names| !names.is_empty()).cloned()
    });
    for name in ["loadavg5", "cpu.user.percentage", "cpu.guest.percentage", "memory.mem_available", "custom.dice.d6"] {
        assert!(names.contains(&name.into()), "{name} of {names:?}");
    }
    let latest = mkr.json(&["fetch", "-n", "memory.total", "-n", "custom.dice.d6", &id]);
    assert_eq!(latest[&id]["custom.dice.d6"]["value"], 3);
    let total = latest[&id]["memory.total"]["value"].as_f64().expect("a number");
    let point = &mkr.json(&["metrics", "-H", &id, "-n", "memory.total"])[0];
    assert_eq!(point["value"].as_f64(), Some(total));
    // One fleet: Nezha shows the same machine.
    let shown = worker.get("/api/v1/server/details").at("/result/0");
    assert_eq!(shown["host"]["MemTotal"].as_f64(), Some(total), "{shown}");
    let headers = [("X-Api-Key", key.as_str())];
    wait_until("what its other plugins say", Duration::from_mins(2), || {
        std::thread::sleep(Duration::from_secs(1));
        let kept = worker.get_as(&format!("/api/v0/hosts/{id}/metadata/env"), &headers);
        let drawn = worker.sql("SELECT unit FROM graph_defs WHERE name = 'custom.dice'");
        let is_kept = kept.status == 200 && kept.json() == serde_json::json!({ "a": 1 });
        (is_kept && drawn["results"][0]["unit"] == "integer").then_some(())
    });

    // Of a host that stands by alerts are listed, and nobody is told.
    let alerts = mkr.json(&["alerts"]);
    assert_eq!((&alerts[0]["type"], &alerts[0]["message"]), (&"check".into(), &"bad\n".into()), "{alerts}");
    running.stop();
    assert_eq!(mkr.json(&["status", &id])["status"], "poweroff");
    // Another start is the same host.
    let again = run(programs, &folder);
    wait_until("the same host again", Duration::from_secs(30), || {
        (mkr.json(&["status", &id])["status"] == "standby").then_some(())
    });
    drop(again);
    let retired = command(programs, &folder).args(["retire", "-force", "-conf"]).arg(folder.join("conf")).status();
    assert!(
        retired.is_ok_and(|status| status.success()),
        "{}",
        fs::read_to_string(folder.join("log")).unwrap_or_default()
    );
    assert_eq!(mkr.json(&["status", &id])["isRetired"], true);
    assert_eq!(mkr.json(&["hosts"]), serde_json::json!([]));
}

#[test]
fn the_stock_agent_gives_up_a_wrong_key_and_says_why() {
    let Some(programs) = programs() else { return };
    let (worker, folder) = (Worker::start(), folder("wrong-key"));
    configure(&worker, "wrong", &folder);
    let ended = command(programs, &folder).arg("-conf").arg(folder.join("conf")).status().expect("it starts");
    let log = fs::read_to_string(folder.join("log")).expect("a log");
    assert!(!ended.success() && log.contains("Authentication failed. Please try with valid Api Key."), "{log}");
}
