//! Custom checks: the table of section 10.2, and the files of sections 9 and 10 as people write them.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::agent::Agent;

fn result(agent: &Agent, name: &str) -> Value {
    agent.wait_for_document(name, |document| document["customchecks"].get(name).cloned())
}

#[test]
fn every_end_of_a_check_is_told_as_the_table_has_it() {
    let script = "#!/bin/sh\nexit 0\n";
    let checks = "\
[Warning]\ncommand = `sh -c 'echo one; echo two >&2; echo \"three|load1=0.10\"; exit 1'`\nenabled = true\n\
[with.dots]\ncommand = echo a#b ; c\nenabled = 1\n\
[killed]\ncommand = `sh -c 'echo before; kill -TERM $$'`\nenabled = yes\n\
[late]\ncommand = sleep 30\ntimeout = 2\nenabled = true\n\
[none]\ncommand = /no/such/plugin -w 5\nenabled = true\n\
[denied]\ncommand = ./denied -x\nenabled = true\n\
[open]\ncommand = echo \"x\nenabled = true\n\
[shell]\ncommand = `for i in 1 2; do echo $i; done && exit 2`\nshell = /bin/sh\nenabled = true\n\
[no_shell]\ncommand = x\nshell = /no/shell\nenabled = true\n\
[environment]\ncommand = `sh -c 'echo $GREETING, $EDGEWATCH_TOKEN; pwd'`\nenabled = true\n\
[binary]\ncommand = `printf 'a\\377b'`\nenabled = true\n\
[input]\ncommand = cat\nenabled = true\n\
[off]\ncommand = touch off\nenabled = false\n\
[broken]\ncommand =\nenabled = true\n\
[slow]\ncommand = touch slow\ninterval = 5\ntimeout = 6\nenabled = true\n";
    let agent = Agent::start_with("", &[("customchecks.ini", checks), ("denied", script)]);
    let folder = agent.path("").display().to_string();
    let expected = [
        ("warning", 1, "one\ntwo\nthree|load1=0.10\n"),
        ("with.dots", 0, "a\n"),
        ("killed", -1, "before\n"),
        ("late", 124, "Custom check sleep 30 timed out after 2s seconds"),
        ("none", 127, "No such file or directory: '/no/such/plugin -w 5'"),
        ("denied", 126, "File not executable: './denied -x'"),
        ("shell", 2, "1\n2\n"),
        ("no_shell", 127, "No such file or directory: '/no/shell'"),
        ("environment", 0, &format!("hello from outside,\n{}\n", folder.trim_end_matches('/'))),
        ("binary", 0, "a\u{fffd}b"),
        ("input", 0, ""),
    ];
    let late = result(&agent, "late");
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970").as_secs();
    let begun_s = late["execution_unix_timestamp_sec"].as_u64().expect("a time");
    assert!((now_s - 40..=now_s).contains(&begun_s), "{begun_s}");
    for (name, rc, stdout) in expected {
        let found = result(&agent, name);
        assert_eq!((found["rc"].as_i64(), found["stdout"].as_str()), (Some(rc), Some(stdout)), "{name}");
    }
    let open = result(&agent, "open");
    assert_eq!(open["rc"], 3);
    assert!(open["stdout"].as_str().is_some_and(|words| words.contains("not closed")), "{open}");
    let document = agent.get("/").json();
    for name in ["off", "broken", "slow"] {
        assert_eq!(document["customchecks"].get(name), None, "{name}");
    }
    assert!(!agent.path("off").exists() && !agent.path("slow").exists());
    for name in ["broken", "slow"] {
        assert_eq!(agent.log().matches(&format!("custom check {name} is left out")).count(), 1, "{name}");
    }
    // What may be started later is started then.
    let denied = agent.path("denied");
    std::fs::set_permissions(denied, std::fs::Permissions::from_mode(0o755)).expect("our own file");
}

#[test]
fn ending_the_agent_ends_its_checks() {
    let checks = "[long]\ncommand = `sh -c 'echo $$ > pid; sleep 300 & wait'`\ntimeout = 50\nenabled = true\n";
    let mut agent = Agent::start_with("", &[("customchecks.ini", checks)]);
    let pid = edgewatch_harness::wait::wait_until("the check", std::time::Duration::from_secs(10), || {
        agent.text("pid").trim().parse::<u32>().ok()
    });
    let group = |pid: u32| {
        let entries = std::fs::read_dir("/proc").expect("proc").flatten();
        let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        stats
            .filter(|stat| {
                stat.rsplit(") ").next().is_some_and(|rest| rest.split(' ').nth(2) == Some(&pid.to_string()))
            })
            .count()
    };
    assert!(group(pid) >= 2);
    assert!(agent.stop().success());
    edgewatch_harness::wait::wait_until("its end", std::time::Duration::from_secs(5), || {
        (group(pid) == 0).then_some(())
    });
}

#[test]
fn a_flood_of_output_is_cut() {
    let checks = "[flood]\ncommand = `sh -c 'head -c 1000000 /dev/zero | tr \"\\000\" x'`\nenabled = true\n";
    let agent = Agent::start_with("", &[("customchecks.ini", checks)]);
    let flood = result(&agent, "flood");
    assert_eq!((flood["rc"].as_i64(), flood["stdout"].as_str().map(str::len)), (Some(0), Some(64 * 1024)));
}

#[test]
fn a_file_of_checks_that_is_not_there_is_told_and_costs_the_checks_alone() {
    let agent = Agent::start("[prometheus]\nenabled = True");
    for file in ["customchecks.ini", "prometheus_exporters.ini"] {
        assert!(agent.log().contains(&format!("cannot read {}", agent.path(file).display())), "{}", agent.log());
    }
    let checks = agent.wait_for_document("a result", |document| document.get("customchecks").cloned());
    assert_eq!(checks, serde_json::json!({}));
}

#[test]
fn files_of_older_and_stranger_hands_are_read() {
    // Blank values of version one, quotes, comments, duplicates, a key in capitals.
    let lines = "PORT2 =\nverbose = yes\nstacktrace =\ncertfile =\nkeyfile =\nauth =\ntry-autossl = \"False\"\n\
        interval = 30 # seconds\nINTERVAL = 7 ; later wins\ncpustats = on\ntemperature-fahrenheit = no\n\
        customchecks = `customchecks.ini`\n[unknown]\nkey = value\n[oitc]\nhostuuid =\nurl =\napikey =\nenabled = no";
    let checks = "[default]\nmax_worker_threads = 8\n[quoted]\ncommand = 'echo it works'\nenabled = t\n";
    let agent = Agent::start_with(lines, &[("customchecks.ini", checks)]);
    let interval = agent.wait_for_document("a result", |document| document.pointer("/agent/check_interval").cloned());
    assert_eq!(interval, 7);
    assert_eq!(result(&agent, "quoted")["stdout"], "it works\n");
    assert_eq!(agent.send("GET", "/config", &[], "").status, 403);
}

#[test]
fn a_file_that_cannot_be_meant_ends_the_agent_with_its_place() {
    for (lines, words) in [("cpustats = perhaps", "cpustats"), ("no value here", "line 5"), ("auth = hunter2", "colon")]
    {
        let mut agent = Agent::silent(lines, &[]);
        assert_eq!(agent.ended().code(), Some(2), "{lines}");
        assert!(agent.log().contains(words) && !agent.log().contains("hunter2"), "{}", agent.log());
    }
}
