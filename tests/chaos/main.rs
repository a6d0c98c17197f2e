//! Everything goes wrong, again and again, while many agents report: whatever was called durable is stored, once, and nobody is
//! called offline who was not.
//!
//! Usage: `scripts/test chaos [--rounds N]`; the program itself knows `--seed S` and `--only SCENARIO,SCENARIO…` too. A round is one fault, some time under it, and its end; the fleet and its
//! database live on through all of them. After each round what is stored is decoded and compared with what the agents were told.

mod scenario;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use scenario::Scenario;
use world::{Outcome, World};

const ROUNDS: u64 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let (rounds, seed) = (number("--rounds").unwrap_or(ROUNDS), number("--seed").unwrap_or(1));
    let only = arguments.iter().position(|argument| argument == "--only").and_then(|at| arguments.get(at + 1));
    let scenarios: Vec<Scenario> = Scenario::ALL
        .into_iter()
        .filter(|scenario| only.is_none_or(|names| names.split(',').any(|name| name == scenario.word())))
        .collect();
    if scenarios.is_empty() {
        eprintln!("chaos: no scenario of that name; there are {}", Scenario::ALL.map(Scenario::word).join(", "));
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let mut world = World::new(seed);
    let mut outcomes: BTreeMap<&str, Outcome> = BTreeMap::new();
    for (round, scenario) in (0..rounds).zip(scenarios.iter().cycle()) {
        let outcome = world.round(*scenario);
        if outcome.is_bad() {
            println!("round {round}, {}: {outcome:?}", scenario.word());
        }
        outcomes.entry(scenario.word()).or_default().add(outcome);
    }
    let last = world.finish();
    let passed =
        report(&outcomes, last, &world) && outcomes.values().all(|outcome| !outcome.is_bad()) && !last.is_bad();
    println!("chaos: {rounds} rounds in {} s, seed {seed}", begun.elapsed().as_secs());
    if passed {
        ExitCode::SUCCESS
    } else {
        println!("--- the end of the Worker's log\n{}", world.log_tail());
        ExitCode::FAILURE
    }
}

fn report(outcomes: &BTreeMap<&str, Outcome>, last: Outcome, world: &World) -> bool {
    println!("scenario              rounds  lost  twice  false offline  reads failed  stuck agents  had effect");
    for (word, outcome) in outcomes.iter().chain([(&"at the end", &last)]) {
        println!(
            "{word:<22}{:>6}{:>6}{:>7}{:>15}{:>14}{:>14}{:>12}",
            outcome.rounds,
            outcome.lost,
            outcome.twice,
            outcome.offline,
            outcome.reads_failed,
            outcome.stuck,
            outcome.bites
        );
    }
    let (acknowledged, stored) = world.totals();
    println!("{acknowledged} samples were called durable, {stored} are stored; {:?}", world.counters());
    // A fault that had no effect, or a run in which nothing was reported, proves nothing.
    outcomes.values().all(|outcome| outcome.bites > 0) && acknowledged > 0 && stored >= acknowledged
}
