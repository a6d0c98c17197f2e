//! What must not be seen, sent or run.

use crate::machine::{Machine, TOKEN};
use crate::{SECRET, assert_hidden, assert_installed, assert_not_installed, pair};
use std::process::Command;

#[test]
fn an_answer_that_is_not_a_secret_is_refused_and_not_run() {
    let (machine, server) = pair();
    for body in [
        "",
        "\"\"",
        "$(touch evaluated)",
        "`touch evaluated`",
        "<html>",
        "xrSMqver6AGDNLowu",
        "xrSMqver6AGDNLowulx",
        "xrSMqver6AGDNLow;l",
    ] {
        server.change(|answers| body.clone_into(&mut answers.register_body));

        let outcome = machine.run(&server.url(), &[], &[]);

        assert_not_installed(&machine, &outcome);
        assert!(outcome.err.starts_with("Failed to get Nezha Secret."), "{outcome:?}");
        assert!(!machine.path("evaluated").exists());
    }
}

#[test]
fn token_and_secret_are_on_no_command_line_and_in_no_output() {
    let (machine, server) = pair();
    for program in ["curl", "wget"] {
        if program == "wget" && !hide_curl(&machine) {
            continue;
        }
        for _ in 0..2 {
            let outcome = machine.run(&server.url(), &[], &[]);
            assert_installed(&machine, &outcome);
            assert_hidden(&outcome);
            assert!(
                outcome.out.contains("Run command : edgewatch-agent install --url http://127.0.0.1:"),
                "{outcome:?}"
            );
            assert!(outcome.out.contains("(secret: ******************)"), "{outcome:?}");
        }
        let requests = server.requests();
        assert_eq!(
            requests.iter().filter(|request| request.header("authorization") == Some(TOKEN)).count(),
            requests.len() / 3
        );
        let seen: Vec<String> = requests.into_iter().flat_map(|request| request.command_lines).collect();
        assert!(
            seen.iter().any(|line| line.contains(program) && line.contains(&server.url())),
            "the look sees {program}"
        );
        assert!(!seen.iter().any(|line| line.contains(TOKEN) || line.contains(SECRET)));
    }
    let at_install = machine.read("command_lines");
    assert!(at_install.contains("edgewatch-agent install --url"), "{at_install}");
    assert!(!at_install.contains(TOKEN) && !at_install.contains(SECRET));
    assert!(!machine.read("environment").contains(TOKEN));
    assert_eq!(machine.read("secret_mode"), "600\n");
    assert_eq!(machine.read("umask"), "0022\n");
}

/// Leaves the machine with GNU wget and without curl; false where there is no wget.
fn hide_curl(machine: &Machine) -> bool {
    let found = |name: &str| Command::new("sh").args(["-c", &format!("command -v {name}")]).output().expect("sh runs");
    if !found("wget").status.success() {
        return false;
    }
    // The shell asks `command -v curl`: a PATH with links to all the tools but that one.
    let tools =
        "awk cat chmod cp env grep head hostname id mkdir mktemp mv od rm sed sh sha256sum stat tail tr uname wget";
    for tool in tools.split(' ') {
        let path = String::from_utf8_lossy(&found(tool).stdout).trim().to_owned();
        if path.starts_with('/') {
            std::os::unix::fs::symlink(path, machine.path(&format!("bin/{tool}"))).expect("bin is empty");
        }
    }
    machine.only_own_programs();
    true
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let (machine, server) = pair();
    let addresses = [
        "http://monitor.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:8787",
        "http://192.0.2.1",
    ];
    for url in addresses {
        let outcome = machine.run(url, &[], &[]);
        assert_not_installed(&machine, &outcome);
        assert!(outcome.err.contains("EDGEWATCH_INSECURE_HTTP"), "{outcome:?}");
    }
    for url in [
        "",
        "monitor.example.com",
        "ftp://127.0.0.1",
        "https://user:word@monitor.example.com",
        "https://a/?b",
        "https://a'b",
        "https://a\nb",
    ] {
        let outcome = machine.run(url, &[], &[]);
        assert_not_installed(&machine, &outcome);
        assert!(outcome.err.contains("NEZHA_DASHBOARD_URL"), "{outcome:?}");
    }
    assert!(server.requests().is_empty());
    // An address that reaches only this machine, and does not look so.
    let elsewhere = server.url().replace("127.0.0.1", "0.0.0.0");
    assert_not_installed(&machine, &machine.run(&elsewhere, &[], &[]));
    assert_installed(&machine, &machine.run(&elsewhere, &[("EDGEWATCH_INSECURE_HTTP", "1")], &[]));
    assert!(machine.read("arguments").contains("--insecure-http"));
}

#[test]
fn a_token_with_special_characters_arrives_as_it_is() {
    let (machine, server) = pair();
    for token in [r#"a"b\c"#, r"\n $(id) 'x'", "Bearer abc=="] {
        assert_installed(&machine, &machine.run(&server.url(), &[("NEZHA_TOKEN", token)], &[]));

        let request = server.registrations().pop().expect("it registered");
        assert_eq!(request.header("authorization"), Some(token));
    }
    let (machine, server) = pair();
    let outcome = machine.run(&server.url(), &[("NEZHA_TOKEN", "a\r\nX-Other: b")], &[]);
    assert_not_installed(&machine, &outcome);
    assert!(server.requests().is_empty());
}
