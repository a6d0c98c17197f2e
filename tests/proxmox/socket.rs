//! The connection to the edge: who we are, what is kept, what is sent again.

use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{Bye, Durable, FromEdge, Instance, InstanceKind};
use edgewatch_harness::proxmox::edge::StandInEdge;
use edgewatch_harness::proxmox::{FakeProxmox, Product, TOKEN_NAME, TOKEN_SECRET, lab};
use edgewatch_harness::wait::wait_until;

use super::{Bench, PATIENCE, SECRET, instance};

#[test]
fn the_agent_says_who_it_is_and_polls_nothing_that_is_not_named() {
    let bench = Bench::start("hello", Vec::new());
    let hello = wait_until("a hello", PATIENCE, || bench.edge.know(|known| known.hellos.first().cloned()));
    assert_eq!((hello.version, hello.agent_version.as_str()), (1, env!("CARGO_PKG_VERSION")));
    assert!(hello.run.len() >= 16 && hello.local.is_empty());
    assert_eq!(bench.edge.know(|known| known.authorizations[0].clone()), format!("Bearer {SECRET}"));
    wait_until("a ping", PATIENCE, || bench.edge.know(|known| (known.pings > 0).then_some(())));
    assert!(bench.edge.know(|known| known.frames.is_empty()));
}

#[test]
fn frames_of_an_outage_are_kept_and_arrive_in_order() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let mut bench = Bench::start("outage", vec![instance("lab", InstanceKind::Pve, &fake)]);
    bench.poll("lab", "a poll", |_| true);
    bench.watch();
    wait_until("three frames", PATIENCE, || bench.edge.know(|known| (known.frames.len() >= 3).then_some(())));
    bench.edge.close();
    let polled = fake.requests().iter().filter(|path| *path == "/nodes").count();
    wait_until("polls in the dark", PATIENCE, || {
        (fake.requests().iter().filter(|path| *path == "/nodes").count() > polled + 3).then_some(())
    });
    bench.edge.reopen();
    wait_until("the next connection", PATIENCE, || bench.edge.know(|known| (known.hellos.len() > 1).then_some(())));
    bench.watch();
    let so_far = bench.polls("lab").len();
    wait_until("what was kept", PATIENCE, || (bench.polls("lab").len() > so_far + 3).then_some(()));
    let numbers: Vec<u64> = bench.edge.know(|known| known.frames_of("lab")).iter().map(|frame| frame.n).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let reached = bench.edge.know(|known| known.hellos.last().map(|hello| hello.reach.clone()));
    assert_eq!(reached, Some(vec![fake.url()]));
    let polls = bench.polls("lab");
    let gap = polls.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max().expect("polls");
    assert!(gap < 5_000, "nothing is missing: {gap} ms between two polls");
    assert!(bench.edge.know(|known| known.hellos.iter().all(|hello| hello.run == known.hellos[0].run)));
}

#[test]
fn what_is_not_safe_is_sent_again_and_what_is_safe_is_not() {
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let edge = StandInEdge::start(vec![instance("lab", InstanceKind::Pve, &fake)], 1);
    edge.know(|known| known.is_durable = false);
    let bench = Bench::start_with("durable", edge, &[]);
    bench.poll("lab", "a poll", |_| true);
    bench.watch();
    wait_until("four frames", PATIENCE, || bench.edge.know(|known| (known.frames.len() >= 4).then_some(())));
    bench.edge.say(&FromEdge::Durable(Durable { instance: "lab".to_owned(), n: 2 }));
    // Taken by the agent before the connection ends: an answer that comes after it shows.
    let before = bench.edge.know(|known| known.frames.len());
    wait_until("another frame", PATIENCE, || bench.edge.know(|known| (known.frames.len() > before).then_some(())));
    bench.edge.cut();
    wait_until("the next connection", PATIENCE, || bench.edge.know(|known| (known.hellos.len() > 1).then_some(())));
    let times = |n: u64| bench.edge.know(|known| known.frames.iter().filter(|frame| frame.n == n).count());
    wait_until("frame 3 again", PATIENCE, || (times(3) == 2 && times(4) == 2).then_some(()));
    assert_eq!((times(1), times(2)), (1, 1));
}

#[test]
fn an_instance_that_is_named_no_more_is_polled_no_more_and_a_changed_one_anew() {
    let (one, two) = (FakeProxmox::start(Product::Pve, lab::pve()), FakeProxmox::start(Product::Pve, lab::pve()));
    let bench = Bench::start("assign", vec![instance("one", InstanceKind::Pve, &one)]);
    bench.poll("one", "a poll", |_| true);
    bench.edge.assign(vec![instance("two", InstanceKind::Pve, &two)]);
    bench.poll("two", "a poll", |_| true);
    // One that was under way may still end.
    let asked = wait_until("the first one's end", PATIENCE, || {
        let before = one.requests().len();
        std::thread::sleep(Duration::from_millis(2_500));
        (one.requests().len() == before).then_some(before)
    });
    let changed = Instance { host: one.url(), ..instance("two", InstanceKind::Pve, &two) };
    bench.edge.assign(vec![changed]);
    wait_until("the change", PATIENCE, || (one.requests().len() > asked).then_some(()));
}

#[test]
fn an_edge_that_says_goodbye_is_left_alone_for_as_long_as_it_asks() {
    let bench = Bench::start("bye", Vec::new());
    wait_until("a hello", PATIENCE, || bench.edge.know(|known| (known.hellos.len() == 1).then_some(())));
    let begun = std::time::Instant::now();
    bench.edge.say(&FromEdge::Bye(Bye { why: "restart".to_owned(), retry_s: 6 }));
    wait_until("the next hello", PATIENCE, || bench.edge.know(|known| (known.hellos.len() == 2).then_some(())));
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(bench.log().contains("restart"));
}

#[test]
fn credentials_of_the_agents_own_file_stay_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let fake = FakeProxmox::start(Product::Pve, lab::pve());
    let folder = std::env::temp_dir().join(format!("edgewatch-proxmox-local-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (file, secret) = (folder.join("proxmox.conf"), folder.join("lab.secret"));
    std::fs::write(&secret, TOKEN_SECRET).expect("a file");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let text = format!(
        "[lab]\nkind = pve\nhost = {}\ntoken_name = {TOKEN_NAME}\nsecret_file = {}\n",
        fake.url(),
        secret.display()
    );
    std::fs::write(&file, text).expect("a file");
    // The edge knows it by the key alone.
    let known = Instance { id: "7".to_owned(), local: Some("lab".to_owned()), ..Instance::default() };
    let edge = StandInEdge::start(vec![known], 1);
    let path = file.display().to_string();
    let bench = Bench::start_with("local", edge, &[("EDGEWATCH_PROXMOX_CONFIG", &path)]);
    bench.poll("7", "a poll", |poll| poll.error.is_none());
    let told = bench.edge.know(|known| known.hellos[0].local.clone());
    assert_eq!((told[0].key.as_str(), told[0].host.as_str()), ("lab", fake.url().as_str()));
    let _ = std::fs::remove_dir_all(folder);
}
