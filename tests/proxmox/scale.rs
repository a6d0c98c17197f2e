//! Twenty nodes, five hundred guests, two thousand snapshots, twenty thousand backups. Source: issue 7, "Must reach".

use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{InstanceKind, MAX_MESSAGE_BYTES};
use edgewatch_harness::proxmox::scale::{Scale, pbs, pve};
use edgewatch_harness::proxmox::{FakeProxmox, Fault, Product};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::wait::wait_until;

use super::{Bench, instance};

/// Looking at everything takes a while on a busy machine.
const LONG: Duration = Duration::from_mins(3);
/// Source: issue 7.
const MOST_KIB: u64 = 25 * 1024;
const MOST_POLL_MS: u64 = 10_000;

fn kib(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the agent runs");
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).expect("a line");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn rows(bench: &Bench, instance: &str, start: &str) -> usize {
    bench.edge.know(|known| {
        let ours = known.sections.iter().filter(|((of, name), _)| of == instance && name.starts_with(start));
        ours.map(|(_, (_, rows))| rows.len()).sum()
    })
}

#[test]
fn a_large_cluster_fits_in_memory_and_time() {
    let fake = FakeProxmox::start_tls(Product::Pve, pve(Scale::AIM), &Authority::new());
    fake.fault("/qemu", Fault::Lively);
    fake.fault("/lxc", Fault::Lively);
    let bench = Bench::start_with(
        "scale",
        edgewatch_harness::proxmox::edge::StandInEdge::start(vec![instance("big", InstanceKind::Pve, &fake)], 10),
        &[],
    );
    wait_until("all sections", LONG, || bench.edge.know(|known| known.names.get("big").cloned()));
    assert_eq!(rows(&bench, "big", "backups/"), Scale::AIM.backups);
    assert_eq!(rows(&bench, "big", "snapshots/"), Scale::AIM.snapshots);
    assert_eq!(rows(&bench, "big", "tasks/"), 20 * 50);
    let poll = bench.poll("big", "a poll", |poll| poll.guests.len() == Scale::AIM.guests);
    bench.watch();
    wait_until("three frames", LONG, || bench.edge.know(|known| (known.frame_bytes.len() >= 3).then_some(())));
    let frames = bench.edge.know(|known| known.frame_bytes.clone());
    let polls = bench.polls("big");
    let longest = polls.iter().map(|poll| poll.took_ms).max().unwrap_or(0);
    let (most, now) = (kib(bench.pid(), "VmHWM"), kib(bench.pid(), "VmRSS"));
    let (sections, message) = bench.edge.know(|known| (known.section_messages, known.longest));
    println!(
        "polls of {} calls took {longest} ms at most; {most} KiB resident at most, {now} KiB now; messages of sections and their bytes {sections:?}, \
         the longest message {message} bytes; frames of a poll in which every guest did something {frames:?} bytes",
        poll.calls
    );
    assert!(longest < MOST_POLL_MS, "{longest} ms");
    assert!(most < MOST_KIB, "{most} KiB");
    assert!(message < MAX_MESSAGE_BYTES, "{message} bytes");
}

#[test]
fn a_large_backup_server_fits_in_memory() {
    let fake = FakeProxmox::start(Product::Pbs, pbs(Scale::AIM));
    let bench = Bench::start("scale-pbs", vec![instance("big", InstanceKind::Pbs, &fake)]);
    wait_until("all sections", LONG, || bench.edge.know(|known| known.names.get("big").cloned()));
    assert_eq!(rows(&bench, "big", "pbs/main//"), Scale::AIM.backups);
    let most = kib(bench.pid(), "VmHWM");
    println!("{most} KiB resident at most");
    assert!(most < MOST_KIB, "{most} KiB");
}
