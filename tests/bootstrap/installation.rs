//! The download, the installer, and taking it all away again.

use crate::flat_json::members;
use crate::machine::script;
use crate::{SECRET, assert_installed, assert_not_installed, pair};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn an_agent_that_fails_its_checksum_is_not_run() {
    let (machine, server) = pair();
    server.change(|answers| answers.agent.as_mut().expect("pair has one").push(b'\n'));

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_not_installed(&machine, &outcome);
    assert!(outcome.err.contains("Nothing was installed"), "{outcome:?}");

    for checksum in [None, Some(String::new()), Some("<html>".to_owned())] {
        server.change(|answers| answers.checksum = checksum);
        assert_not_installed(&machine, &machine.run(&server.url(), &[], &[]));
    }
}

#[test]
fn a_failed_download_does_not_cost_the_registration() {
    let (machine, server) = pair();
    let agent = machine.agent();
    server.change(|answers| answers.agent = None);

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_not_installed(&machine, &outcome);
    assert!(outcome.err.contains("The registration is kept"), "{outcome:?}");
    let mode = fs::metadata(machine.path("etc/edgewatch/secret")).expect("it was kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    server.change(|answers| answers.agent = Some(agent));
    assert_installed(&machine, &machine.run(&server.url(), &[], &[]));
    assert!(members(&server.registrations()[1].body).contains(&("Secret".to_owned(), SECRET.to_owned())));
}

#[test]
fn options_reach_the_agents_installer() {
    let (machine, server) = pair();

    let outcome = machine.run(&format!("{}//", server.url()), &[], &["--no-start"]);

    assert_installed(&machine, &outcome);
    let arguments = machine.read("arguments");
    let arguments: Vec<&str> = arguments.lines().collect();
    let root = machine.path("").display().to_string();
    assert_eq!(
        arguments,
        ["install", "--url", server.url().as_str(), "--root", root.trim_end_matches('/'), "--no-start"]
    );
}

#[test]
fn it_uninstalls_by_the_installed_agent() {
    let (machine, server) = pair();
    assert_installed(&machine, &machine.run(&server.url(), &[], &[]));

    let outcome = machine.run("", &[("NEZHA_TOKEN", "")], &["--uninstall", "--purge"]);

    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let arguments = machine.read("arguments");
    assert_eq!(arguments.lines().next(), Some("uninstall"));
    assert_eq!(arguments.lines().last(), Some("--purge"));
    assert!(!machine.path("usr/local/bin/edgewatch-agent").exists());

    let again = machine.run("", &[], &["--uninstall"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "The Edgewatch agent is not installed here.\n"));
    assert_eq!(machine.run("", &[], &["--purge"]).code, Some(2));
    assert!(machine.path("etc/edgewatch/secret").exists());
    let purged = machine.run("", &[], &["--uninstall", "--purge"]);
    assert_eq!(purged.code, Some(0), "{purged:?}");
    assert!(!machine.path("etc/edgewatch").exists());
}

#[test]
fn it_knows_the_server_that_it_came_from() {
    let (machine, server) = pair();
    let text = fs::read_to_string(script()).expect("the script is in the tree");
    assert_eq!(text.matches("__EDGEWATCH_PUBLIC_URL__").count(), 1);
    let text = text.replace("__EDGEWATCH_PUBLIC_URL__", &server.url());
    for shell in ["sh", "bash"] {
        let outcome = machine.pipe(shell, &text, "", &[]);

        assert_installed(&machine, &outcome);
        assert!(outcome.out.contains(&format!("is a host of {}", server.url())), "{outcome:?}");
    }
}

#[test]
fn a_script_cut_off_on_its_way_does_nothing() {
    let (machine, server) = pair();
    let text = fs::read_to_string(script()).expect("the script is in the tree");
    let text = text.trim_end();
    let coarse = (0..text.len()).step_by(997);
    for length in coarse.chain(text.len() - 40..text.len()).filter(|length| text.is_char_boundary(*length)) {
        machine.pipe("sh", &text[..length], &server.url(), &[]);
        assert!(server.requests().is_empty(), "its first {length} bytes");
    }
}

#[test]
fn a_machine_without_a_ready_made_agent_is_told_what_to_do() {
    let (machine, server) = pair();
    machine.add_program("uname", "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo riscv64\n");

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_not_installed(&machine, &outcome);
    assert!(outcome.err.contains("riscv64") && outcome.err.contains("cargo build"), "{outcome:?}");
    assert!(server.requests().is_empty(), "nothing is registered that cannot be installed");
}
