//! What servers do wrong, and what is told of it.

use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{Hidden, Instance, InstanceKind, PollErrorKind};
use edgewatch_harness::proxmox::{FakeProxmox, Fault, PASSWORD, Product, USER, lab};
use edgewatch_harness::wait::wait_until;

use super::{Bench, PATIENCE, guest, instance};

#[test]
fn each_fault_of_the_whole_is_told_by_its_kind_and_the_next_poll_recovers() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start("faults", vec![instance("lab", InstanceKind::Pve, &fake)]);
    bench.poll("lab", "a poll", |_| true);
    for (fault, kind, words) in [
        (Fault::Status(401, "no such token"), PollErrorKind::Auth, "no such token"),
        (Fault::Status(403, "Permission check failed (/nodes, Sys.Audit)"), PollErrorKind::Auth, "Sys.Audit"),
        (Fault::Status(500, "got timeout"), PollErrorKind::Api, "got timeout (status 500)"),
        (Fault::Status(595, "Connection refused"), PollErrorKind::Unreachable, "595"),
        (Fault::Status(501, "Method 'GET /nodes' not implemented"), PollErrorKind::Api, "not implemented"),
        (Fault::Html, PollErrorKind::Api, "are host and port right?"),
        (Fault::Cut, PollErrorKind::Unreachable, "the connection was closed"),
        (Fault::Close, PollErrorKind::Unreachable, "the connection was closed"),
    ] {
        let since = bench.polls("lab").last().map_or(0, |poll| poll.at_ms);
        fake.fault("", fault.clone());
        let poll = bench.poll("lab", words, |poll| poll.at_ms > since && poll.error.is_some());
        let error = poll.error.expect("an error");
        assert_eq!(error.kind, kind, "{fault:?}: {error:?}");
        assert!(error.text.contains(words), "{fault:?}: {error:?}");
        assert!(poll.nodes.is_empty() && poll.guests.is_empty() && poll.failed > 0);
        fake.mend();
        bench.poll("lab", "a recovery", |later| later.at_ms > poll.at_ms && later.error.is_none());
    }
}

#[test]
fn a_server_that_hangs_costs_ten_seconds_and_is_unreachable() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    fake.fault("/nodes", Fault::Hang(Duration::from_secs(25)));
    let bench = Bench::start("hang", vec![instance("lab", InstanceKind::Pve, &fake)]);
    let poll = bench.poll("lab", "a failure", |poll| poll.error.is_some());
    assert_eq!(poll.error.map(|error| error.kind), Some(PollErrorKind::Unreachable));
    assert!((9_000..20_000).contains(&poll.took_ms), "{}", poll.took_ms);
}

#[test]
fn what_one_node_does_not_tell_costs_the_others_nothing() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    fake.fault("/nodes/pve1/status", Fault::Status(595, "No route to host"));
    fake.fault("/qemu/101/status/current", Fault::Status(500, "VM 101 qmp command failed"));
    fake.fault("/nodes/pve1/lxc", Fault::Cut);
    let bench = Bench::start("parts", vec![instance("lab", InstanceKind::Pve, &fake)]);
    let poll = bench.poll("lab", "a poll", |poll| poll.error.is_none());
    assert_eq!((poll.nodes[0].status.as_str(), poll.nodes[0].disk_total), ("online", 100_861_726_720));
    assert_eq!(guest(&poll, 101).mem_used, 0, "without details nothing is known to be used");
    assert_eq!(poll.guests.iter().map(|guest| guest.vmid).collect::<Vec<_>>(), [101, 102]);
    assert_eq!((poll.storages.len(), poll.failed), (3, 3));
    // Guests whose list could not be had are not gone.
    fake.mend();
    bench.poll("lab", "the others", |poll| poll.guests.iter().any(|guest| guest.vmid == 201));
    fake.fault("/nodes/pve1/lxc", Fault::Status(500, "got timeout"));
    wait_until("the fault", PATIENCE, || {
        fake.requests().iter().filter(|path| path.ends_with("/lxc")).nth(3).map(|_| ())
    });
    assert!(bench.rows("lab", "census").iter().any(|row| row["guest"]["vmid"] == 201));
}

fn by_password(fake: &FakeProxmox, password: &str) -> Instance {
    Instance {
        user: Some(USER.to_owned()),
        password: Some(Hidden(password.to_owned())),
        token_name: None,
        token_value: None,
        ..instance("lab", InstanceKind::Pve, fake)
    }
}

#[test]
fn a_password_gets_a_ticket_once_and_again_when_it_is_worth_nothing() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start("ticket", vec![by_password(&fake, PASSWORD)]);
    bench.poll("lab", "a poll", |poll| poll.error.is_none());
    wait_until("a few polls", PATIENCE, || fake.requests().iter().filter(|path| *path == "/nodes").nth(2).map(|_| ()));
    assert_eq!(fake.tickets_given(), 1);
    fake.expire_tickets();
    fake.forget_requests();
    wait_until("a few polls more", PATIENCE, || {
        fake.requests().iter().filter(|path| *path == "/nodes").nth(3).map(|_| ())
    });
    assert_eq!(fake.tickets_given(), 2);
    assert!(bench.polls("lab").iter().all(|poll| poll.error.is_none()));
}

#[test]
fn a_wrong_password_is_told_and_appears_in_no_log() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start("password", vec![by_password(&fake, "wr0ng-passw0rd")]);
    let error = bench.poll("lab", "a failure", |poll| poll.error.is_some()).error.expect("an error");
    assert_eq!((error.kind, error.text.as_str()), (PollErrorKind::Auth, "authentication failure (status 401)"));
    wait_until("the log", PATIENCE, || bench.log().contains("authentication failure").then_some(()));
    assert!(!bench.log().contains("wr0ng"), "{}", bench.log());
}

#[test]
fn a_port_where_nobody_listens_is_unreachable_until_somebody_does() {
    let mut fake = FakeProxmox::start(Product::Pve, lab::pve());
    let lab = instance("lab", InstanceKind::Pve, &fake);
    fake.close();
    let bench = Bench::start("closed", vec![lab]);
    let error = bench.poll("lab", "a failure", |poll| poll.error.is_some()).error.expect("an error");
    assert_eq!(error.kind, PollErrorKind::Unreachable);
    fake.reopen();
    bench.poll("lab", "a recovery", |poll| poll.error.is_none());
}
