//! `bench ops`: what each operation costs in rows and requests, as the Worker itself counts them.

use std::time::Duration;

use edgewatch_harness::http::{Cost, Reply};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use crate::figures;
use crate::wire::{Connection, FACTS, now_ms, report};

const REPORTS: &str = "/agent/v1/reports";
const REGISTER: &str = "/api/v1/server/register";
const LIST: &str = "/api/v1/server/list";
const DETAILS: &str = "/api/v1/server/details";
const MINUTE_MS: u64 = 60_000;
/// The least fleet: a tenth of it must have two hosts to fall silent.
pub const MIN_FLEET: usize = 20;

/// What an operation costs, D1 and objects together.
#[derive(Debug, Clone, Copy)]
struct Price {
    rows_written: u64,
    rows_read: u64,
    requests: u64,
}

impl From<Cost> for Price {
    fn from(cost: Cost) -> Self {
        Self {
            rows_written: cost.d1_rows_written + cost.object_rows_written,
            rows_read: cost.d1_rows_read + cost.object_rows_read,
            requests: cost.requests,
        }
    }
}

/// Prices every operation, the large answers with `fleet` hosts and the schedule with a tenth of them.
///
/// # Errors
/// When an operation did not do what its price is asked for.
pub fn run(fleet: usize) -> Result<(), String> {
    crate::say("ops: starting the Worker");
    let mut bench = Bench { worker: Worker::builder().capture_outbound().start(), hosts: 0, lines: Vec::new() };
    // The note that the admin's token was used: hourly, so now and never again below.
    bench.worker.get(LIST);
    bench.registering()?;
    bench.list()?;
    bench.reporting()?;
    bench.reading()?;
    let part = fleet / 10;
    bench.grow_to(part)?;
    bench.list()?;
    bench.schedule()?;
    bench.grow_to(fleet)?;
    bench.list()?;
    bench.details()?;
    bench.print();
    Ok(())
}

struct Bench {
    worker: Worker,
    hosts: usize,
    lines: Vec<(String, Price)>,
}

impl Bench {
    fn note(&mut self, op: &str, price: impl Into<Price>) {
        self.lines.push((op.to_owned(), price.into()));
    }

    fn post(&self, path: &str, body: &str) -> Reply {
        self.worker.post(path, &[("Authorization", &self.worker.token)], body)
    }

    fn registering(&mut self) -> Result<(), String> {
        let register = |secret: Value| {
            let body = json!({ "Name": "host-1", "MachineId": "machine-1", "Secret": secret });
            self.post(REGISTER, &body.to_string())
        };
        let first = register(json!(""));
        let again = register(first.at("/secret"));
        if first.at("/secret") != again.at("/secret") {
            return Err(format!("a registration with proof made another host: {}", again.body));
        }
        self.hosts = 1;
        self.note("register", first.cost());
        self.note("register_with_proof", again.cost());
        let bearer = format!("Bearer {}", first.at("/secret").as_str().unwrap_or_default());
        // What an agent sends first; all prices below are those of a host that is known.
        self.report(&bearer, &report(1..=1, 10, Some(FACTS)), 1).map(drop)
    }

    fn report(&self, bearer: &str, body: &str, durable: u64) -> Result<Cost, String> {
        let reply = self.worker.post(REPORTS, &[("Authorization", bearer)], body);
        let is_taken = reply.status == 200 && reply.at("/durable_up_to") == durable;
        if is_taken {
            Ok(reply.cost())
        } else {
            Err(format!("a report was not taken: {} {}", reply.status, reply.body))
        }
    }

    fn reporting(&mut self) -> Result<(), String> {
        let made = self.post(&format!("{REGISTER}?simple=1"), r#"{"Name":"host-2"}"#);
        let bearer = format!("Bearer {}", made.json().as_str().unwrap_or_default());
        self.hosts += 1;
        let mut last = 0;
        // Longer apart than the first host's: it is called offline later. See `schedule`.
        let body = |first: u64, last: u64, facts| report(first..=last, 30, facts);
        self.report(&bearer, &body(1, 1, Some(FACTS)), 1)?;
        last += 1;
        for (op, samples) in [("report_1_sample", 1), ("report_6_samples", 6), ("report_120_samples", 120)] {
            let text = body(last + 1, last + samples, None);
            last += samples;
            let cost = self.report(&bearer, &text, last)?;
            self.note(op, cost);
        }
        let text = body(last, last, None);
        let repeated = self.report(&bearer, &text, last)?;
        self.note("report_repeated", repeated);
        let facts = format!(
            r#"{{"agent_version":"0.1.0","sent_at_ms":{},"oldest":{},"period_s":30,"host":{FACTS},"samples":[]}}"#,
            now_ms(),
            last + 1
        );
        let alone = self.report(&bearer, &facts, last)?;
        self.note("report_facts_alone", alone);
        Ok(())
    }

    fn reading(&mut self) -> Result<(), String> {
        let health = self.worker.get_as("/api/health", &[]);
        expect(&health)?;
        self.note("health", health.cost());
        let made = self.post("/api/edgewatch/v1/tokens", r#"{"scopes":["read"],"note":"bench"}"#);
        let token = made.at("/token").as_str().unwrap_or_default().to_owned();
        for op in ["token_use_noted", "token_use_not_noted"] {
            // One host's details, so that the rest of the price is small.
            let reply = self.worker.get_as(&format!("{DETAILS}?id=1"), &[("Authorization", &token)]);
            expect(&reply)?;
            self.note(op, reply.cost());
        }
        Ok(())
    }

    /// Registers hosts and lets each report once, over one connection.
    fn grow_to(&mut self, hosts: usize) -> Result<(), String> {
        crate::say(&format!("ops: {hosts} hosts"));
        let broken = |error: std::io::Error| format!("the fleet cannot be made: {error}");
        let mut connection = Connection::open(self.worker.address()).map_err(broken)?;
        while self.hosts < hosts {
            let body = json!({ "Name": format!("host-{}", self.hosts + 1) }).to_string();
            let path = format!("{REGISTER}?simple=1");
            let made = connection.post(&path, &self.worker.token, &body).map_err(broken)?.json();
            let bearer = format!("Bearer {}", made.as_str().unwrap_or_default());
            // A minute apart: no schedule below calls one of these offline.
            let body = report(1..=1, 60, Some(FACTS));
            let reply = connection.post(REPORTS, &bearer, &body).map_err(broken)?;
            if reply.json()["durable_up_to"] != 1 {
                return Err(format!("a new host's report was not taken: {}", String::from_utf8_lossy(&reply.body)));
            }
            self.hosts += 1;
        }
        Ok(())
    }

    /// The list of all hosts there are.
    fn list(&mut self) -> Result<(), String> {
        let cost = self.all(LIST)?;
        let plural = if self.hosts == 1 { "" } else { "s" };
        self.note(&format!("list_{}_host{plural}", self.hosts), cost);
        Ok(())
    }

    fn details(&mut self) -> Result<(), String> {
        let one = self.worker.get(&format!("{DETAILS}?id=1"));
        if one.at("/result").as_array().map(Vec::len) != Some(1) {
            return Err(format!("not the details of one host: {}", one.body));
        }
        self.note(&format!("details_1_of_{}_hosts", self.hosts), one.cost());
        let cost = self.all(DETAILS)?;
        self.note(&format!("details_{}_hosts", self.hosts), cost);
        Ok(())
    }

    fn all(&self, path: &str) -> Result<Cost, String> {
        let reply = self.worker.get(path);
        let found = reply.at("/result").as_array().map(Vec::len);
        if found != Some(self.hosts) {
            return Err(format!("{path} has {found:?} hosts of {}", self.hosts));
        }
        Ok(reply.cost())
    }

    /// Three runs of the schedule after a first one: nothing to do; one host offline; another one, with somebody to tell. The first
    /// host has reported 10 s apart and is given 60 s, the second 90 s, the others 180 s.
    fn schedule(&mut self) -> Result<(), String> {
        let start = now_ms();
        self.cron(start)?;
        let quiet = self.cron(start + 1000)?;
        let untold = self.cron(start + MINUTE_MS)?;
        let channel = json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x" });
        let made = self.post("/api/edgewatch/v1/channels", &channel.to_string());
        if made.status != 201 {
            return Err(format!("no channel: {}", made.body));
        }
        let told = self.cron(start + 2 * MINUTE_MS)?;
        let events = self.worker.get("/api/edgewatch/v1/events").at("/events");
        let kinds: Vec<&Value> = events.as_array().into_iter().flatten().map(|event| &event["kind"]).collect();
        if kinds != ["host_offline", "host_offline"] || self.worker.outbound().len() != 1 {
            return Err(format!("two hosts should be offline and one be told of, not {kinds:?}"));
        }
        let hosts = self.hosts;
        self.note(&format!("cron_quiet_{hosts}_hosts"), quiet);
        self.note(&format!("cron_one_offline_{hosts}_hosts"), untold);
        self.note(&format!("cron_one_offline_told_{hosts}_hosts"), told);
        // From the queue to the record that it was delivered. A request that goes out is not billed.
        let webhook = Price {
            rows_written: told.rows_written.saturating_sub(untold.rows_written),
            rows_read: told.rows_read.saturating_sub(untold.rows_read),
            requests: 0,
        };
        self.note("webhook_delivered", webhook);
        Ok(())
    }

    fn cron(&self, at_ms: u64) -> Result<Price, String> {
        let runs = |worker: &Worker| worker.log().matches("\"schedule\"").count();
        let before = runs(&self.worker);
        if !self.worker.cron_at(at_ms) {
            return Err("a run of the schedule did not come to its end".to_owned());
        }
        // The log comes by another way than the answer.
        wait_until("the schedule's line in the log", Duration::from_secs(10), || {
            (runs(&self.worker) > before).then_some(())
        });
        let (rows_read, rows_written) = self.worker.schedule_cost();
        // Source: platform, 1.1: each run of a schedule is billed as one request.
        Ok(Price { rows_written, rows_read, requests: 1 })
    }

    fn print(&self) {
        let rows = self.lines.iter().map(|(op, price)| {
            let numbers = [price.rows_written, price.rows_read, price.requests];
            std::iter::once(op.clone()).chain(numbers.map(|number| number.to_string())).collect()
        });
        print!(
            "{}",
            figures::table(&["operation", "rows written", "rows read", "requests"], &rows.collect::<Vec<_>>())
        );
        println!();
        for (op, Price { rows_written, rows_read, requests }) in &self.lines {
            println!(
                r#"{{"bench":"ops","op":"{op}","rows_written":{rows_written},"rows_read":{rows_read},"requests":{requests}}}"#
            );
        }
    }
}

fn expect(reply: &Reply) -> Result<(), String> {
    if reply.status == 200 { Ok(()) } else { Err(format!("status {}: {}", reply.status, reply.body)) }
}
