//! The whole fleet at once: everybody coming back in the same second, what goes over the sockets, many viewers, memory.

use std::time::{Duration, Instant};

use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::viewer::Viewer;
use edgewatch_harness::worker::Worker;

use crate::{figures, process, reads};

const STEP: Duration = Duration::from_secs(10);
const STEPS_PER_MINUTE: u32 = 6;
/// A storm may take a while; an answer within it may too.
const PATIENCE: Duration = Duration::from_mins(3);
const VIEWERS: usize = 100;
/// Hosts in each viewer's window. Source: design, "The bill is a feature".
const WINDOW: usize = 50;
/// Steps that viewers look on for.
const LOOK_STEPS: u64 = 12;
/// What passes at once while blocks fill: still less than the silence after which a host counts as offline.
const LONG_STEP: Duration = Duration::from_secs(20);
/// Steps after which hosts hold what they hold for long: half an hour of samples.
const FULL_STEPS: u64 = 90;

/// Measures `hosts` agents and prints a line for each figure.
///
/// # Errors
/// When agents stay without an answer, or viewers.
pub fn run(hosts: usize) -> Result<(), String> {
    crate::say(&format!("fleet: {hosts} hosts"));
    let worker = Worker::builder().capture_outbound().start();
    let registered = worker.add_hosts("host", hosts);
    let idle = memory(&worker);
    let mut options = Options::of(&worker);
    (options.haste, options.spread) = (1, Duration::ZERO);
    let mut fleet = Fleet::new(&registered, options);
    storm(&worker, &mut fleet)?;
    sizes(&worker, &mut fleet)?;
    let listed: Vec<u64> = fleet.agents.iter().map(|agent| agent.host).collect();
    reads::run(&worker, &listed, || (0..STEPS_PER_MINUTE).try_for_each(|_| step(&worker, &mut fleet)))?;
    fan_out(&worker, &mut fleet)?;
    crate::say("fleet: filling blocks");
    for _ in 0..FULL_STEPS {
        pass(&worker, &mut fleet, LONG_STEP)?;
    }
    let full = memory(&worker);
    println!(
        "memory of workerd: {idle} KiB before any socket, {full} KiB with {hosts} hosts and half an hour of samples"
    );
    println!(r#"{{"bench":"fleet","figure":"memory","hosts":{hosts},"rss_idle_kib":{idle},"rss_kib":{full}}}"#);
    Ok(())
}

fn step(worker: &Worker, fleet: &mut Fleet) -> Result<(), String> {
    pass(worker, fleet, STEP)
}

fn pass(worker: &Worker, fleet: &mut Fleet, step: Duration) -> Result<(), String> {
    match fleet.advance(worker, step, PATIENCE) {
        0 => Ok(()),
        waiting => Err(format!("{waiting} agents have no answer after {PATIENCE:?}: {:?}", fleet.counters())),
    }
}

/// Everybody connects at once with nothing to tell, then comes back at once with five minutes of samples each.
fn storm(worker: &Worker, fleet: &mut Fleet) -> Result<(), String> {
    let hosts = fleet.agents.len();
    let begun = Instant::now();
    step(worker, fleet)?;
    let first_ms = begun.elapsed().as_millis();
    for _ in 0..6 {
        step(worker, fleet)?;
    }
    worker.kill();
    // They notice, and come back when it does.
    fleet.run(Duration::from_millis(200));
    for _ in 0..30 {
        fleet.pass(STEP);
    }
    worker.resume();
    let before = fleet.counters();
    let begun = Instant::now();
    step(worker, fleet)?;
    let storm_ms = begun.elapsed().as_millis();
    let after = fleet.counters();
    let (frames, samples) = (after.frames - before.frames, after.sent - before.sent);
    println!("{hosts} agents connect in {first_ms} ms; they come back with {samples} samples in {storm_ms} ms");
    println!(
        r#"{{"bench":"fleet","figure":"storm","hosts":{hosts},"connect_ms":{first_ms},"storm_ms":{storm_ms},"frames":{frames},"samples":{samples},"resent":{},"resends":{}}}"#,
        after.resent - before.resent,
        after.resends - before.resends
    );
    Ok(())
}

fn sizes(worker: &Worker, fleet: &mut Fleet) -> Result<(), String> {
    let before = fleet.counters();
    for _ in 0..12 {
        step(worker, fleet)?;
    }
    let after = fleet.counters();
    let frames = (after.frames - before.frames).max(1);
    let frame_bytes = (after.frame_bytes - before.frame_bytes) / frames;
    let samples = (after.sent - before.sent) / frames;
    let viewer = Viewer::open(worker, &[]).map_err(|status| format!("/live does not open: {status}"))?;
    println!(
        "a frame of {samples} samples: {frame_bytes} bytes; a snapshot of {} hosts: {} bytes",
        fleet.agents.len(),
        viewer.bytes
    );
    println!(
        r#"{{"bench":"fleet","figure":"sizes","hosts":{},"samples_per_frame":{samples},"frame_bytes":{frame_bytes},"snapshot_bytes":{}}}"#,
        fleet.agents.len(),
        viewer.bytes
    );
    Ok(())
}

fn fan_out(worker: &Worker, fleet: &mut Fleet) -> Result<(), String> {
    let window: Vec<u64> = fleet.agents.iter().take(WINDOW).map(|agent| agent.host).collect();
    let begun = Instant::now();
    let opened: Result<Vec<Viewer>, u16> = (0..VIEWERS).map(|_| Viewer::open(worker, &window)).collect();
    let mut viewers = opened.map_err(|status| format!("/live does not open: {status}"))?;
    let open_ms = begun.elapsed().as_millis();
    let counts = |viewers: &[Viewer]| {
        let sum = |of: fn(&Viewer) -> u64| viewers.iter().map(of).sum::<u64>();
        (sum(|viewer| viewer.messages), sum(|viewer| viewer.bytes))
    };
    let before = counts(&viewers);
    let ticks = process::ticks_of("workerd");
    let begun = Instant::now();
    for _ in 0..LOOK_STEPS {
        step(worker, fleet)?;
        // Digests are at least two real seconds apart, or their alarm is: either way this is enough.
        fleet.run(Duration::from_millis(2_200));
        for viewer in &mut viewers {
            viewer.ping();
            viewer.drain();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = counts(&viewers);
    let ticks = process::ticks_of("workerd").saturating_sub(ticks);
    let closed = viewers.iter().filter(|viewer| viewer.is_closed).count();
    if closed > 0 || after.0 == before.0 {
        return Err(format!("{closed} of {VIEWERS} viewers were closed, {} messages came", after.0 - before.0));
    }
    let (messages, bytes) = (after.0 - before.0, after.1 - before.1);
    let largest: Vec<u64> = viewers.iter().map(|viewer| viewer.largest).collect();
    println!(
        "{VIEWERS} viewers of {WINDOW} live hosts: {messages} messages, {bytes} bytes in {seconds:.1} s, {ticks} ticks of workerd"
    );
    println!(
        r#"{{"bench":"fleet","figure":"fan_out","viewers":{VIEWERS},"open_ms":{open_ms},"messages":{messages},"bytes":{bytes},"largest_bytes":{},"seconds":{seconds:.1},"workerd_ticks":{ticks}}}"#,
        figures::percentile(&largest, 100)
    );
    Ok(())
}

fn memory(worker: &Worker) -> u64 {
    process::usage(worker.workerd_pid()).map_or(0, |usage| usage.rss_kib)
}
