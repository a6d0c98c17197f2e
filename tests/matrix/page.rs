//! The page of worker/docs that shows what was seen, and whether it still does.

use std::fmt::Write as _;
use std::fs;

use crate::Cells;
use crate::table::{Reader, Writer};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../worker/docs/matrix.md");

const BEFORE: &str = "# One fleet, every dialect

A host that reports in one dialect is seen by readers of all of them. `scripts/test matrix` proves it: six writers report the same machine,
eight readers show it, and every value that both sides have words for has to be there, right, in the right unit, and of this moment; what
a writer did not say must not be shown. Which those are stands in one table, `tests/matrix/table.rs`. Then the hosts fall silent, and every
reader has to see it.

The numbers say how many values were checked: metrics of a host, and of what is polled of Proxmox those of a node, a virtual machine and a
container. This page is written by `scripts/test matrix -- --write-docs`; the test fails when it is not what was seen.

";

/// The table: a row for each reader, a column for each writer.
pub fn table(cells: &Cells) -> String {
    let mut text = String::from("| reader \\ writer |");
    for writer in Writer::ALL {
        let _ = write!(text, " {} |", writer.words());
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(Writer::ALL.len()));
    text.push('\n');
    for reader in Reader::ALL {
        let _ = write!(text, "| {} |", reader.words());
        for writer in Writer::ALL {
            match cells.get(&(writer, reader)) {
                Some(cell) if cell.wrong.is_empty() => drop(write!(text, " {} |", cell.right)),
                Some(cell) => drop(write!(text, " {}, {} wrong |", cell.right, cell.wrong.len())),
                None => text.push_str(" – |"),
            }
        }
        text.push('\n');
    }
    text
}

fn page(cells: &Cells) -> String {
    format!("{BEFORE}{}", table(cells))
}

/// Compares the page with what was seen, or writes it.
pub fn compare(cells: &Cells, writes: bool) -> Result<(), String> {
    let wanted = page(cells);
    if writes {
        return fs::write(PATH, wanted).map_err(|error| format!("{PATH}: {error}"));
    }
    let found = fs::read_to_string(PATH).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    Err("worker/docs/matrix.md is not what was seen; scripts/test matrix -- --write-docs writes it".to_owned())
}
