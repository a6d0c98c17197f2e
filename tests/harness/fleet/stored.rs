//! What the hub has stored, read from its database and decoded: the proof that nothing was lost and nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::blocks::{Block, SeriesId};
use edgewatch_core::dialects::native::stream::FromAgent;
use edgewatch_core::metrics::Metric;
use serde_json::Value;

use super::Fleet;
use crate::worker::Worker;

/// Bytes before the first frame in a journal's row. Source: worker/src/hub/held.rs.
const HELD_HEAD: usize = 50;

/// One host's samples: number and mark, in the order stored.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// In the blocks of the finest tier.
    pub blocks: Vec<(u64, u64)>,
    /// In the journal, those left out that are in a block too.
    pub journal: Vec<(u64, u64)>,
    /// Bytes of all blocks of all fine tiers.
    pub bytes: u64,
}

/// What a comparison of agents and storage gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Samples that were called durable.
    pub acknowledged: u64,
    /// Samples that are stored.
    pub stored: u64,
    /// Acknowledged and not stored.
    pub lost: u64,
    /// Stored more than once.
    pub twice: u64,
}

/// Everything that the objects `hub-0` to `hub-<shards - 1>` hold, by host.
pub fn read(worker: &Worker, shards: u32) -> BTreeMap<u64, Samples> {
    let mut hosts: BTreeMap<u64, Samples> = BTreeMap::new();
    for shard in 0..shards {
        let name = format!("hub-{shard}");
        let sql = "SELECT host_id, tier, block_no, hex(data) AS data FROM blocks ORDER BY host_id, tier, block_no";
        for row in worker.object_sql("Hub", &name, sql) {
            let samples = hosts.entry(number(&row, "host_id")).or_default();
            let data = bytes(&row);
            samples.bytes += data.len() as u64;
            if number(&row, "tier") == 0 {
                samples.blocks.extend(of_block(&data));
            }
        }
        for row in worker.object_sql("Hub", &name, "SELECT host_id, hex(data) AS data FROM journal") {
            let samples = hosts.entry(number(&row, "host_id")).or_default();
            let newest = samples.blocks.iter().map(|(number, _)| *number).max().unwrap_or_default();
            samples.journal.extend(of_journal(&bytes(&row)).into_iter().filter(|(number, _)| *number > newest));
        }
    }
    hosts
}

/// Compares what `fleet`'s agents were told with what is stored. What is wrong is said on standard error.
pub fn check(fleet: &Fleet, hosts: &BTreeMap<u64, Samples>) -> Verdict {
    let mut verdict = Verdict::default();
    let nothing = Samples::default();
    for agent in &fleet.agents {
        let samples = hosts.get(&agent.host).unwrap_or(&nothing);
        let all: Vec<(u64, u64)> = samples.blocks.iter().chain(&samples.journal).copied().collect();
        let marks: BTreeSet<u64> = all.iter().map(|(_, mark)| *mark).collect();
        let numbers: BTreeSet<u64> = all.iter().map(|(number, _)| *number).collect();
        let twice = all.len() - marks.len().min(numbers.len());
        let lost: Vec<u64> = agent.durable_marks.iter().copied().filter(|mark| !marks.contains(mark)).collect();
        verdict.acknowledged += agent.durable_marks.len() as u64;
        verdict.stored += all.len() as u64;
        verdict.twice += twice as u64;
        verdict.lost += lost.len() as u64;
        if twice > 0 || !lost.is_empty() {
            let first = lost.iter().take(5).collect::<Vec<_>>();
            eprintln!(
                "host {}: {} stored, {twice} twice, {} lost, the first of them {first:?}",
                agent.host,
                all.len(),
                lost.len()
            );
        }
    }
    verdict
}

fn of_block(data: &[u8]) -> Vec<(u64, u64)> {
    let block = Block::unpack(data).unwrap_or_else(|error| panic!("a stored block: {error}"));
    let uptime = SeriesId::column(Metric::Uptime as u8);
    block.rows().map(|row| (row.number, row.get(uptime).map_or(0, mark))).collect()
}

/// The samples in a journal's row. The layout is the hub's own: worker/src/hub/held.rs.
fn of_journal(data: &[u8]) -> Vec<(u64, u64)> {
    if data.is_empty() {
        return Vec::new();
    }
    let mut rest = data.get(HELD_HEAD..).unwrap_or_else(|| panic!("a journal's row of {} bytes", data.len()));
    let mut frames = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (frame, more) = more.split_at_checked(length).unwrap_or_else(|| panic!("a journal's row is cut short"));
        frames.push(frame);
        rest = more;
    }
    let mut samples = Vec::new();
    // The first is the newest sample alone, for showing it; it may be in a block already.
    for frame in frames.into_iter().skip(1) {
        match FromAgent::decode(frame) {
            Ok(FromAgent::Frame(frame)) => {
                samples.extend(frame.samples.iter().map(|sample| (sample.number, sample.uptime_s.map_or(0, mark))));
            }
            other => panic!("a journal's frame is none: {other:?}"),
        }
    }
    samples
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "marks are whole and above 0")]
fn mark(uptime_s: f64) -> u64 {
    uptime_s as u64
}

fn number(row: &Value, column: &str) -> u64 {
    row[column].as_u64().unwrap_or_else(|| panic!("no {column} in {row}"))
}

fn bytes(row: &Value) -> Vec<u8> {
    let text = row["data"].as_str().unwrap_or_default();
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}
