//! What the script sends, and what it makes of the answer.

use crate::flat_json::members;
use crate::machine::{MACHINE_ID, Outcome, sha256};
use crate::{OTHER_SECRET, SECRET, assert_hidden, assert_installed, assert_not_installed, pair};
use std::fs;

#[test]
fn without_a_token_it_says_so_and_does_nothing() {
    let (machine, server) = pair();

    let outcome = machine.run(&server.url(), &[("NEZHA_TOKEN", "")], &[]);

    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "NEZHA_TOKEN is not set. Exiting.\n"));
    assert!(server.requests().is_empty());
}

#[test]
fn an_http_failure_is_told_by_its_status() {
    let (machine, server) = pair();
    for status in [302, 403, 500] {
        server.change(|answers| answers.register_status = status);

        let outcome = machine.run(&server.url(), &[], &[]);

        assert_not_installed(&machine, &outcome);
        assert_eq!(outcome.out, format!("Failed to get Nezha Secret. HTTP status code: {status}\n"));
    }
    let outcome = machine.run("http://127.0.0.1:1", &[], &[]);
    assert_not_installed(&machine, &outcome);
    assert_eq!(outcome.out, "Failed to get Nezha Secret. HTTP status code: 000\n");
}

#[test]
fn a_json_answer_is_shown_without_a_secret() {
    let (machine, server) = pair();
    let refusal = r#"{"code":403,"message":"unauthorized"}"#;
    server.change(|answers| refusal.clone_into(&mut answers.register_body));

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_not_installed(&machine, &outcome);
    assert_eq!(outcome.out, format!("Failed to get Nezha Secret. Received response: {refusal}\n"));

    server.change(|answers| {
        answers.register_body = format!("{{\"code\":200,\"secret\":\"{SECRET}\"}}");
    });
    let outcome = machine.run(&server.url(), &[], &[]);
    assert_not_installed(&machine, &outcome);
    assert_hidden(&outcome);
}

#[test]
fn a_secret_is_taken_with_and_without_quotes() {
    for body in [format!("\"{SECRET}\""), format!("\"{SECRET}\"\n"), SECRET.to_owned()] {
        let (machine, server) = pair();
        server.change(|answers| answers.register_body = body);

        let outcome = machine.run(&server.url(), &[], &[]);

        assert_installed(&machine, &outcome);
    }
}

#[test]
fn any_name_arrives_as_it_was_given() {
    let (machine, server) = pair();
    let names = [
        "web-1",
        r#"a "quoted" name"#,
        r"back\slash \n \u0041",
        "two\nlines\r\n\tand a tab",
        "$(touch evaluated) `touch evaluated` ${HOME} ; touch evaluated",
        "zażółć 你好 🦀",
        "bell \u{7} escape \u{1b}[31m delete \u{7f}",
        "-n %s %d",
        " spaces kept ",
    ];
    for name in names {
        let outcome = machine.run(&server.url(), &[("NODE_NAME", name)], &[]);

        assert_installed(&machine, &outcome);
        let request = server.registrations().pop().expect("it registered");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(members(&request.body)[0], ("Name".to_owned(), name.to_owned()), "{}", request.body);
    }
    assert!(!machine.path("evaluated").exists());
}

#[test]
fn the_name_is_the_host_name_by_default() {
    let (machine, server) = pair();
    machine.add_program("hostname", "#!/bin/sh\necho alpha.example\n");

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_installed(&machine, &outcome);
    assert_eq!(members(&server.registrations()[0].body)[0].1, "alpha.example");
}

#[test]
fn a_second_run_proves_that_it_is_the_same_host() {
    let (machine, server) = pair();
    let number = sha256(format!("edgewatch:{MACHINE_ID}").as_bytes());

    let first = machine.run(&server.url(), &[], &[]);
    let second = machine.run(&server.url(), &[], &[]);

    assert_installed(&machine, &first);
    assert_installed(&machine, &second);
    let bodies: Vec<_> = server.registrations().iter().map(|request| members(&request.body)).collect();
    assert_eq!(bodies[0][1..], [("MachineId".to_owned(), number.clone())]);
    assert_eq!(bodies[1][1..], [("MachineId".to_owned(), number), ("Secret".to_owned(), SECRET.to_owned())]);
    assert!(!second.err.contains("second host"), "{second:?}");
}

#[test]
fn a_new_secret_for_a_known_machine_is_told() {
    let (machine, server) = pair();
    fs::create_dir_all(machine.path("etc/edgewatch")).expect("the machine is ours");
    machine.write("etc/edgewatch/secret", OTHER_SECRET);

    let outcome = machine.run(&server.url(), &[], &[]);

    assert_installed(&machine, &outcome);
    assert!(outcome.err.contains("it is now a second host there"), "{outcome:?}");
    assert_hidden(&outcome);
}

#[test]
fn a_machine_without_an_id_sends_none() {
    for id in ["", "\n", "uninitialized\n", "0123\n"] {
        let (machine, server) = pair();
        machine.write("etc/machine-id", id);

        assert_installed(&machine, &machine.run(&server.url(), &[], &[]));

        assert_eq!(members(&server.registrations()[0].body).len(), 1);
    }
}

#[test]
fn probe_variables_give_one_line() {
    let (machine, server) = pair();
    let about_probes = |outcome: &Outcome| outcome.out.lines().filter(|line| line.contains("NEZHA_PROBE")).count();

    let with =
        machine.run(&server.url(), &[("NEZHA_PROBE_ADDRESS", "probe.example.com"), ("NEZHA_PROBE_PORT", "5555")], &[]);
    let without = machine.run(&server.url(), &[], &[]);

    assert_installed(&machine, &with);
    assert_eq!((about_probes(&with), about_probes(&without)), (1, 0));
}
