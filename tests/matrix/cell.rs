//! A cell of the matrix: what one writer said against what one reader shows.

use std::collections::BTreeSet;

use crate::readers::{Look, Subject, grain};
use crate::table::{ROWS, Reader, Row, Writer};

/// What became of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many values were right: a metric of a host each.
    pub right: usize,
    /// What was not, in words.
    pub wrong: Vec<String>,
}

/// Whether a writer says what the table has it say, and nothing else.
pub fn said_as_declared(subject: &Subject) -> Vec<String> {
    let declared: BTreeSet<_> = ROWS.iter().filter(|row| row.is_said(subject.letter)).map(|row| row.metric).collect();
    let said: BTreeSet<_> = subject.said.metrics().collect();
    let of = |metric| format!("{metric:?} of {}: the table and the writer differ", subject.name);
    declared.symmetric_difference(&said).map(of).collect()
}

/// The cell of a writer and a reader.
pub fn check(subjects: &[Subject], writer: Writer, reader: Reader, look: &Look) -> Cell {
    let mut cell = Cell::default();
    for subject in subjects.iter().filter(|subject| subject.writer == writer) {
        for row in ROWS {
            match value(subject, reader, look, row) {
                Ok(is_right) => cell.right += usize::from(is_right),
                Err(words) => cell.wrong.push(format!("{:?} ({}) of {}: {words}", row.metric, row.unit, subject.name)),
            }
        }
    }
    cell
}

/// Whether there was something to be right.
fn value(subject: &Subject, reader: Reader, look: &Look, row: &Row) -> Result<bool, String> {
    let shown = look.shown.get(&subject.name).ok_or("the host is not there")?.get(&row.metric);
    if !row.is_shown(reader, subject.kind) {
        let is_nothing = shown.is_none_or(|shown| reader.has_every_key() && shown.is_nothing());
        return if is_nothing { Ok(false) } else { Err("the table does not say that it is shown".to_owned()) };
    }
    match (subject.said.get(row.metric), shown) {
        (Some(said), Some(shown)) => said.differs(shown, grain(reader, row.metric)).map_or(Ok(true), Err),
        (Some(said), None) => Err(format!("it is missing, {} was said", said.value)),
        (None, Some(shown)) if reader.has_every_key() && shown.is_nothing() => Ok(false),
        (None, Some(shown)) => Err(format!("{shown} is shown, and nothing was said")),
        (None, None) => Ok(false),
    }
}
