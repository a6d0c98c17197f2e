//! One fleet, every dialect: six writers report the same machine, eight readers show it, and every value that both sides have is right in
//! each of the 48 cells, in its unit, of this moment, and missing where nobody said it. Then presence: online after a report, offline after
//! silence, in every reader.
//!
//! Usage: `scripts/test matrix [-- FILTER… | -- --write-docs]`. A filter is a part of a writer's or a reader's name; with one the page is
//! not compared. `--write-docs` (or `UPDATE_DOCS=1`) writes what was seen into worker/docs/matrix.md.

mod cell;
mod page;
mod presence;
mod readers;
mod table;
mod truth;
mod value;
mod world;
mod writers;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cell::Cell;
use table::{Reader, Writer};
use world::World;

/// How long a reader may be behind; feeds are sent every few seconds.
const BEHIND: Duration = Duration::from_secs(15);
/// Between what the machine did before and what it does now: more than a minute, which is how often some things are told.
const BETWEEN_S: i64 = 70;

/// What was seen.
pub type Cells = BTreeMap<(Writer, Reader), Cell>;

/// What the command line asks for.
struct Wanted {
    filters: Vec<String>,
    writes_docs: bool,
}

impl Wanted {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let writes_docs = arguments.iter().any(|one| one == "--write-docs")
            || std::env::var("UPDATE_DOCS").is_ok_and(|text| text == "1");
        // Other arguments are for the test runner of other targets.
        let filters = arguments.into_iter().filter(|one| !one.starts_with('-')).map(|one| one.to_lowercase()).collect();
        Self { filters, writes_docs }
    }

    fn has(&self, words: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| words.to_lowercase().contains(filter))
    }

    /// The cells that are looked at.
    fn cells(&self) -> Vec<(Writer, Reader)> {
        let all = Writer::ALL.into_iter().flat_map(|writer| Reader::ALL.map(|reader| (writer, reader)));
        all.filter(|(writer, reader)| self.has(&format!("{} x {}", writer.words(), reader.words()))).collect()
    }
}

fn main() -> ExitCode {
    let wanted = Wanted::read();
    if wanted.cells().is_empty() {
        // As of any target that a filter is not meant for.
        println!("matrix: no cell is called so");
        return ExitCode::SUCCESS;
    }
    let begun = Instant::now();
    let mut world = World::begin(wanted.cells().iter().any(|(writer, _)| *writer == Writer::Proxmox));
    world.write(false);
    world.pass(BETWEEN_S);
    world.write(true);
    let mut wrong: Vec<String> = world.subjects.iter().flat_map(cell::said_as_declared).collect();
    let mut cells = Cells::new();
    let (history, newest): (Vec<_>, Vec<_>) = wanted.cells().into_iter().partition(|(writer, reader)| {
        // The minutes of what is polled are told when they are over.
        *writer == Writer::Proxmox && matches!(reader, Reader::Series | Reader::Mackerel)
    });
    settle(&world, &newest, &mut cells);
    println!("values: {} s", begun.elapsed().as_secs());
    wrong.extend(presence::online(&world, &newest));
    world.pass_minutes(BETWEEN_S);
    settle(&world, &history, &mut cells);
    wrong.extend(presence::online(&world, &history));
    println!("history of what is polled: {} s", begun.elapsed().as_secs());
    wrong.extend(presence::offline(&mut world, &wanted.cells()));
    println!("presence: {} s", begun.elapsed().as_secs());

    print!("{}", page::table(&cells));
    for ((writer, reader), cell) in &cells {
        wrong.extend(cell.wrong.iter().map(|words| format!("{} x {}: {words}", writer.words(), reader.words())));
    }
    if wanted.filters.is_empty() {
        wrong.extend(page::compare(&cells, wanted.writes_docs).err());
    }
    let count: usize = cells.values().map(|cell| cell.right).sum();
    println!(
        "matrix: {} cells, {count} values right, {} wrong, in {} s",
        cells.len(),
        wrong.len(),
        begun.elapsed().as_secs()
    );
    for words in &wrong {
        println!("  {words}");
    }
    if wrong.is_empty() && count > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks until all of these cells are right, or readers had time enough.
fn settle(world: &World, wanted: &[(Writer, Reader)], cells: &mut Cells) {
    let begun = Instant::now();
    loop {
        for reader in Reader::ALL {
            let is_right = |writer: Writer| cells.get(&(writer, reader)).is_some_and(|cell| cell.wrong.is_empty());
            let open: Vec<Writer> = wanted
                .iter()
                .filter(|(writer, of)| *of == reader && !is_right(*writer))
                .map(|(writer, _)| *writer)
                .collect();
            if open.is_empty() {
                continue;
            }
            let look = world.look(reader);
            for writer in open {
                cells.insert((writer, reader), cell::check(&world.subjects, writer, reader, &look));
            }
        }
        let is_done = wanted.iter().all(|cell| cells.get(cell).is_some_and(|cell| cell.wrong.is_empty()));
        if is_done || begun.elapsed() > BEHIND {
            return;
        }
    }
}
