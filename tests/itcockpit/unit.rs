//! The stock agent's unit file with another path in it: the one change that swaps the binary.

use std::process::Command;

use edgewatch_harness::agent::binary;

use crate::agent::Agent;

/// As the stock package has it, but for the two paths.
const UNIT: &str = "\
[Unit]
Description=openITCOCKPIT Monitoring Agent
Documentation=https://openitcockpit.io
After=network.target

[Service]
User=root
Type=simple
Restart=on-failure
ExecStart=@BINARY@ --config @FOLDER@/config.ini
StandardOutput=journal
StandardError=inherit

[Install]
WantedBy=multi-user.target
";

/// The arguments of `unit`'s command, behind its program.
fn arguments(unit: &str) -> Vec<String> {
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    line.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn the_stock_unit_with_the_path_of_this_program_starts_it() {
    let unit = |folder: &str| UNIT.replace("@FOLDER@", folder).replace("@BINARY@", &binary().display().to_string());
    let mut agent = Agent::silent_by("", &[], |folder| arguments(&unit(folder)));
    agent.wait_for_log("listening");
    assert_eq!(agent.get("/prometheus").status, 200);
    assert!(agent.stop().success(), "systemd's way to end it is heard");
    let file = agent.path("openitcockpit-agent.service");
    std::fs::write(&file, unit(&agent.path("").display().to_string())).expect("our own folder");
    if let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && !said.contains("openitcockpit-agent.service"), "{said}");
    }
}

#[test]
fn the_stock_options_for_the_log_are_heard() {
    let with = |more: &'static str| {
        let agent = Agent::silent_by("", &[], |folder| {
            let line = format!("ExecStart=x -c {folder}/config.ini {}", more.replace('@', folder));
            arguments(&line)
        });
        agent.wait_for_log("listening");
        agent
    };
    let agent = with("--log @/logs/own.log --verbose --log-rotate 7");
    let (own, all) = (agent.text("logs/own.log"), agent.log());
    assert!(own.contains("Z info: listening") && !own.contains("debug:"), "{own}");
    assert!(all.contains("info: listening"), "standard error has it too: {all}");
    let agent = with("-d -l @/own.log --disable-logrotate");
    agent.get("/prometheus");
    edgewatch_harness::wait::wait_until("words for developers", std::time::Duration::from_secs(20), || {
        agent.text("own.log").contains("debug: ").then_some(())
    });
    let agent = with("-l @/own.log --disable-logfile");
    assert!(!agent.path("own.log").exists());
}
