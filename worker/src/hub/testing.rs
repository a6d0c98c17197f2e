//! A host that reports, for the tests of what becomes of its samples: stores, rolls up and writes as the object does.

use edgewatch_core::blocks::tiers::{self, MINUTES, Rings, SAMPLES};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::model::{HostId, Report, Sample};
use edgewatch_core::units::{Step, UnixMillis};

use super::coarse::{self, Written};
use super::rings::{self, StoredBlock};
use super::rollup;
use super::sql::Sql;
use crate::store::Db;
use crate::store::db::now;

/// What an agent reports: samples every ten seconds, nothing else.
pub fn report(samples: Vec<Sample>, oldest: u64, sent_at: UnixMillis, frame_s: u32) -> Report {
    Report {
        agent_version: String::new(),
        sent_at,
        oldest,
        period_s: 10,
        frame_s,
        probes_version: None,
        facts: None,
        samples,
    }
}

/// Use of the processors.
pub const CPU: SeriesId = SeriesId::column(0);

/// One host, its object and D1.
pub struct Reporter {
    /// The object's database.
    pub sql: Sql,
    /// D1.
    pub db: Db,
    /// How long the rings are.
    pub rings: Rings,
    /// The host.
    pub host: HostId,
    /// Rows in no ring.
    pub open: Block,
    /// The time of the newest sample.
    pub newest_ms: i64,
    /// The last day that is in D1.
    pub day_done: Option<u64>,
    /// Whether D1 is written to.
    pub writes_days: bool,
    open_no: u64,
    number: u64,
}

impl Reporter {
    /// A host that has not reported.
    pub fn new(host: i64) -> Self {
        let sql = Sql::in_memory().unwrap();
        rings::create(&sql).unwrap();
        Self {
            sql,
            db: Db::in_memory().unwrap(),
            rings: Rings::default(),
            host: HostId(host),
            open: Block::default(),
            newest_ms: 0,
            day_done: None,
            writes_days: true,
            open_no: 0,
            number: 0,
        }
    }

    /// A sample of the processors alone.
    pub fn report_cpu(&mut self, at_ms: i64, cpu: f64) {
        let mut row = Row::new(self.number + 1, at_ms);
        row.set(CPU, cpu, Step::Hundredths);
        self.report(&row);
    }

    /// A sample; its number is set.
    pub fn report(&mut self, row: &Row) {
        let mut numbered = Row::new(self.number + 1, row.at_ms);
        for (series, value) in row.values() {
            numbered.set(*series, *value, Step::Exact);
        }
        self.number += 1;
        if self.day_done.is_none() {
            self.day_done = Some(tiers::day_no(self.host, row.at_ms) - 1);
        }
        let block_no = SAMPLES.block_no(self.host, row.at_ms);
        if block_no > self.open_no {
            self.store_open();
            self.open = Block::default();
            let minutes_no = MINUTES.block_no(self.host, self.newest_ms);
            if self.newest_ms > 0 && MINUTES.block_no(self.host, row.at_ms) > minutes_no {
                assert!(rollup::minutes(&self.sql, self.host, &self.rings, minutes_no).unwrap());
            }
            self.open_no = block_no;
        }
        self.open.push(&numbered).unwrap();
        self.newest_ms = row.at_ms;
        if self.writes_days {
            self.write_days(row.at_ms);
        }
    }

    /// Puts the open block into its ring.
    pub fn store_open(&mut self) {
        if let Some(stored) = StoredBlock::of_samples(self.open_no, &self.open) {
            rings::put(&self.sql, self.host, self.rings.of(SAMPLES), &stored).unwrap();
        }
    }

    /// Writes the days that are over.
    pub fn write_days(&mut self, now_ms: i64) -> Written {
        let due = coarse::due(self.host, &self.rings, self.day_done, self.newest_ms, now_ms);
        let build = |day: &u64| coarse::build(&self.sql, self.host, &self.rings, *day).unwrap();
        let days: Vec<coarse::Day> = due.iter().filter_map(build).collect();
        if due.is_empty() {
            return Written::default();
        }
        let written = now(coarse::write(&self.db, &self.rings, &days));
        if written.failed.is_none() {
            self.day_done = due.last().copied();
        }
        written
    }
}
