//! Jobs: tests, another rhythm, and nothing that is not one of them.

use edgewatch_core::dialects::native::proxmox::{
    FromEdge, Hidden, Instance, InstanceKind, Job, JobKind, JobResult, PollErrorKind,
};
use edgewatch_harness::proxmox::{FakeProxmox, Product, lab};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::wait::wait_until;

use super::{Bench, PATIENCE, instance};

fn result(bench: &Bench, job: u64, kind: JobKind) -> JobResult {
    wait_until("a hello", PATIENCE, || bench.edge.know(|known| (!known.hellos.is_empty()).then_some(())));
    bench.edge.say(&FromEdge::Job(Box::new(Job { job, kind })));
    wait_until("a result", PATIENCE, || bench.edge.know(|known| known.results.get(&job).cloned()))
}

fn test(bench: &Bench, job: u64, instance: Instance) -> JobResult {
    result(bench, job, JobKind::Test { instance: Box::new(instance) })
}

#[test]
fn a_test_tells_what_answers_or_why_nothing_does() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let store = FakeProxmox::start_tls(Product::Pbs, lab::pbs(), &Authority::new());
    let bench = Bench::start("tests", Vec::new());
    let lab = Instance { id: String::new(), ..instance("", InstanceKind::Pve, &fake) };
    let JobResult::Tested(tested) = test(&bench, 1, lab.clone()) else { panic!("no success") };
    assert_eq!((tested.nodes, tested.is_cluster, tested.cluster_name.as_str()), (2, true, "lab-cluster"));
    assert_eq!((tested.endpoints.len(), tested.version.as_str(), tested.node.as_str()), (2, "8.4.9", "pve1"));
    let JobResult::Tested(tested) = test(&bench, 2, instance("", InstanceKind::Pbs, &store)) else {
        panic!("no success")
    };
    assert_eq!((tested.datastores, tested.fingerprint.as_str()), (2, store.fingerprint.as_str()));
    let wrong = Instance { token_value: Some(Hidden("wrong".to_owned())), ..lab.clone() };
    let JobResult::Error(error) = test(&bench, 3, wrong) else { panic!("no failure") };
    assert_eq!((error.kind, error.text.as_str()), (PollErrorKind::Auth, "no such token (status 401)"));
    let nowhere = Instance { host: "https://127.0.0.1:1".to_owned(), ..lab };
    let JobResult::Error(error) = test(&bench, 4, nowhere) else { panic!("no failure") };
    assert_eq!(error.kind, PollErrorKind::Unreachable);
    assert!(bench.edge.know(|known| known.frames.is_empty()), "a test polls nothing");
}

#[test]
fn a_test_of_an_instance_that_is_polled_needs_no_credentials() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start("tests-known", vec![instance("lab", InstanceKind::Pve, &fake)]);
    bench.poll("lab", "a poll", |_| true);
    let bare = Instance { id: "lab".to_owned(), ..Instance::default() };
    assert!(matches!(test(&bench, 1, bare), JobResult::Tested(tested) if tested.nodes == 2));
}

#[test]
fn another_rhythm_holds_at_once() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let bench = Bench::start("rhythm", vec![instance("lab", InstanceKind::Pve, &fake)]);
    bench.poll("lab", "a poll", |_| true);
    let done = result(&bench, 1, JobKind::PollSettings { poll_s: 30, sweep_s: 0 });
    assert_eq!(done, JobResult::PollS(30));
    // The poll that was due before is the last for a while.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    fake.forget_requests();
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert!(!fake.requests().iter().any(|path| path == "/nodes"), "{:?}", fake.requests());
}

#[test]
fn a_search_goes_nowhere_that_the_agents_own_file_does_not_name() {
    let bench = Bench::start("search", Vec::new());
    let JobResult::Found(found) = result(&bench, 1, JobKind::Discover { subnet: "127.0.0.0/30".to_owned() }) else {
        panic!("no answer")
    };
    assert!(found.servers.is_empty() && found.errors[0].contains("[discover]"), "{found:?}");
}

#[test]
fn a_job_that_is_none_of_these_is_refused() {
    let bench = Bench::start("none", Vec::new());
    wait_until("a hello", PATIENCE, || bench.edge.know(|known| (!known.hellos.is_empty()).then_some(())));
    bench.edge.say_text(r#"{"t":"job","job":9,"kind":"shell","command":"id"}"#);
    let done = wait_until("a result", PATIENCE, || bench.edge.know(|known| known.results.get(&9).cloned()));
    assert!(matches!(done, JobResult::Error(error) if error.text == "this agent knows no job `shell`"));
}
