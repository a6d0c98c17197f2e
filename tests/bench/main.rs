//! What the system costs and how fast it is; `scripts/bench` builds what this needs and runs it. Tables for people on standard output,
//! below each the same as lines of JSON; what is going on, on standard error.

mod agent;
mod cost;
mod figures;
mod fleet;
mod front;
mod ingest;
mod openitcockpit;
mod ops;
mod price;
mod process;
mod pulse;
mod reads;
mod role;
mod small;
mod storage;
mod wire;

use std::process::ExitCode;

use edgewatch_core::domain::budget::prices::Plan;

const AGENT_S: u64 = 600;
/// Without a part named, the agent has its turn too, but a short one.
const SHORT_AGENT_S: u64 = 60;
const INGEST_S: u64 = 10;
const FLEET: u64 = 1000;
/// What the platform's free plan must carry.
const COST_HOSTS: u64 = 1000;
const COST_INTERVAL_S: u64 = 10;
const COST_WARM_UP_MIN: u64 = 20;
/// The most that one shard is made for.
const STORM_HOSTS: u64 = 2500;
/// As long as the hub's sleep has to go unnoticed.
const SMALL_MIN: u64 = 60;
/// Long enough for two pulls and four cycles.
const ROLE_S: u64 = 130;
const ROLE_PULLS: u64 = 500;
/// The fleet that openITCOCKPIT's push mode is made for, at a result a minute.
const PUSHING_HOSTS: u64 = 200;
const PUSHING_S: u64 = 120;
/// Of each thing that is asked.
const PULSE_S: u64 = 60;
const PARTS: &str = "ops, agent, role, ingest, cost, fleet, small, openitcockpit and pulse";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            say(&words);
            ExitCode::FAILURE
        }
    }
}

/// A line of progress.
fn say(words: &str) {
    eprintln!("bench: {words}");
}

fn run(mut arguments: Vec<String>) -> Result<(), String> {
    let plan = plan(&mut arguments)?;
    let part = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
    let known: &[&str] = match part.as_str() {
        "" => &[],
        "ops" => &["--fleet"],
        "agent" => &["--seconds", "--pid"],
        "role" => &["--seconds", "--pulls"],
        "ingest" | "pulse" => &["--seconds"],
        "cost" => &["--hosts", "--interval", "--hours", "--warm-up", "--messages-per-request"],
        "fleet" => &["--hosts"],
        "small" => &["--minutes"],
        "openitcockpit" => &["--hosts", "--seconds"],
        _ => return Err(format!("no part is named {part}; there are {PARTS}")),
    };
    let options = options(&arguments, known)?;
    let last =
        |name: &str, default| options.iter().rfind(|(option, _)| *option == name).map_or(default, |found| found.1);
    match part.as_str() {
        "ops" => ops::run(fleet(last("--fleet", FLEET))?),
        "agent" => {
            let pids = options.iter().filter(|(option, _)| *option == "--pid");
            let pids = pids.map(|(_, pid)| u32::try_from(*pid).map_err(|_| format!("{pid} is no process")));
            agent::run(last("--seconds", AGENT_S), &pids.collect::<Result<Vec<u32>, String>>()?)
        }
        "role" => role::run(last("--seconds", ROLE_S), last("--pulls", ROLE_PULLS)),
        "ingest" => ingest::run(last("--seconds", INGEST_S)),
        "cost" => {
            let interval_s = u32::try_from(last("--interval", COST_INTERVAL_S)).unwrap_or(u32::MAX);
            if !(1..=600).contains(&interval_s) {
                return Err("--interval needs a number from 1 to 600".to_owned());
            }
            let hosts = usize::try_from(last("--hosts", COST_HOSTS)).unwrap_or(usize::MAX);
            let warm_up_min = last("--warm-up", COST_WARM_UP_MIN);
            let messages_per_request = last("--messages-per-request", 20);
            let hours = last("--hours", 1);
            cost::run(&cost::Wanted { hosts, interval_s, hours, warm_up_min, messages_per_request, plan })
        }
        "small" => small::run(last("--minutes", SMALL_MIN)),
        "openitcockpit" => {
            let hosts = usize::try_from(last("--hosts", PUSHING_HOSTS)).unwrap_or(usize::MAX);
            openitcockpit::run(hosts, last("--seconds", PUSHING_S))
        }
        "pulse" => pulse::run(last("--seconds", PULSE_S)),
        "fleet" => fleet::run(usize::try_from(last("--hosts", STORM_HOSTS)).unwrap_or(usize::MAX)),
        _ => {
            ops::run(fleet(FLEET)?)?;
            println!();
            ingest::run(INGEST_S)?;
            println!();
            agent::run(SHORT_AGENT_S, &[])
        }
    }
}

/// Takes `--plan free` or `--plan paid` out of the arguments; the free one without it.
fn plan(arguments: &mut Vec<String>) -> Result<Plan, String> {
    let Some(at) = arguments.iter().position(|argument| argument == "--plan") else { return Ok(Plan::Free) };
    let plan = match arguments.get(at + 1).map(String::as_str) {
        Some("free") => Plan::Free,
        Some("paid") => Plan::Paid,
        _ => return Err("--plan needs free or paid".to_owned()),
    };
    arguments.drain(at..=at + 1);
    Ok(plan)
}

/// Pairs of an option and its number, which is at least 1.
fn options<'a>(arguments: &'a [String], known: &[&str]) -> Result<Vec<(&'a str, u64)>, String> {
    let mut found = Vec::new();
    for pair in arguments.chunks(2) {
        let (name, value) = (pair.first().map_or("", String::as_str), pair.get(1));
        if !known.contains(&name) {
            return Err(format!("unknown option {name}; --help lists them"));
        }
        let value = value.and_then(|value| value.parse().ok()).filter(|number| *number > 0);
        found.push((name, value.ok_or_else(|| format!("{name} needs a number"))?));
    }
    Ok(found)
}

fn fleet(hosts: u64) -> Result<usize, String> {
    let fleet = usize::try_from(hosts).unwrap_or_default();
    if fleet < ops::MIN_FLEET { Err(format!("--fleet needs at least {}", ops::MIN_FLEET)) } else { Ok(fleet) }
}
