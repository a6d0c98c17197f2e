//! Reading the whole fleet at once: how long the answer takes, and what it takes of the runtime's CPU, the Worker's and the hub's part
//! together. The details of one host are what any read costs.

use std::time::Instant;

use edgewatch_harness::worker::Worker;

use crate::wire::Connection;
use crate::{figures, process};

const LIST: &str = "/api/v1/server/list";
const DETAILS: &str = "/api/v1/server/details";
/// Reads of each kind with nothing new.
const READS: usize = 100;
/// Reads before which everybody reported.
const READS_OF_NEWS: usize = 10;

/// Measures the reads of `hosts` hosts and prints a line for each kind. `news` lets every host report.
///
/// # Errors
/// When an answer is not what it should be, or `news` fails.
pub fn run(worker: &Worker, hosts: &[u64], mut news: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    let one = format!("{DETAILS}?id={}", hosts.first().copied().unwrap_or_default());
    for (op, path, of) in
        [("details_of_one", one.as_str(), 1), ("list", LIST, hosts.len()), ("details", DETAILS, hosts.len())]
    {
        let mut reads = Reads::new(op, path, of);
        // What the hub has not written yet is written by the first reader.
        reads.read(worker)?;
        let mut reads = Reads::new(op, path, of);
        for _ in 0..READS {
            reads.read(worker)?;
        }
        reads.print();
    }
    let mut reads = Reads::new("details_with_news", DETAILS, hosts.len());
    for _ in 0..READS_OF_NEWS {
        news()?;
        reads.read(worker)?;
    }
    reads.print();
    Ok(())
}

/// Reads of one kind.
struct Reads<'a> {
    op: &'static str,
    path: &'a str,
    hosts: usize,
    bytes: usize,
    ticks: u64,
    took_us: Vec<u64>,
}

impl<'a> Reads<'a> {
    const fn new(op: &'static str, path: &'a str, hosts: usize) -> Self {
        Self { op, path, hosts, bytes: 0, ticks: 0, took_us: Vec::new() }
    }

    fn read(&mut self, worker: &Worker) -> Result<(), String> {
        let ticks = || process::usage(worker.workerd_pid()).map_or(0, |usage| usage.ticks);
        let before = ticks();
        let begun = Instant::now();
        let reply = Connection::open(worker.address()).and_then(|mut line| line.get(self.path, &worker.token));
        let reply = reply.map_err(|error| format!("{}: {error}", self.path))?;
        self.took_us.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        self.ticks += ticks().saturating_sub(before);
        self.bytes = reply.body.len();
        match reply.json()["result"].as_array().map(Vec::len) {
            Some(found) if found == self.hosts => Ok(()),
            found => Err(format!("{} has {found:?} hosts of {}", self.path, self.hosts)),
        }
    }

    fn print(&mut self) {
        self.took_us.sort_unstable();
        let Self { op, hosts, bytes, .. } = self;
        let p50_ms = figures::share(figures::percentile(&self.took_us, 50), 1000);
        let cpu_ms = figures::share(self.ticks * 1000 / u64::from(process::TICKS_PER_S), self.took_us.len() as u64);
        println!("{op} of {hosts} hosts: {bytes} bytes in {p50_ms:.1} ms (p50), {cpu_ms:.1} ms of workerd's CPU");
        println!(
            r#"{{"bench":"fleet","figure":"reads","op":"{op}","hosts":{hosts},"bytes":{bytes},"p50_ms":{p50_ms:.2},"workerd_cpu_ms":{cpu_ms:.2}}}"#
        );
    }
}
