//! What the rings know of probes: points of delay of a host. What is told of availability is shaped here too; `probe_counts` counts it.

use std::collections::BTreeMap;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::tiers::{MINUTES, SAMPLES};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::domain::probing::{Availability, Delays};
use edgewatch_core::model::{HostId, Probe, ProbeId, ProbeKind, ProbeResult};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::series::Sources;
use super::storage::Storage;
use super::{HubError, rings, rows};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// How far back points of delay go, ms. Source: nezha specification, 5.
const POINTS_MS: i64 = DAY_MS;

/// The delays of a probe as one host saw them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbePoints {
    /// The probe's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// When each point came, ms since 1970, and its delay, ms; by time.
    pub points: Vec<(i64, f64)>,
}

/// What the hosts of a shard, or the Worker, found out about a probe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// By day since 1970: of how many results, and how many of them were good.
    pub days: BTreeMap<i64, (f64, f64)>,
    /// Results of the last quarter of an hour, by time and at least half a minute apart: when, ms since 1970, and whether it was good.
    pub recent: Vec<(i64, bool)>,
    /// The delays of the good ones among all results of that time: their sum, ms, and how many.
    pub recent_delays: (f64, u64),
    /// When the first of the certificates ends that were seen lately, Unix seconds.
    pub tls_expires_s: Option<i64>,
}

/// Tallies by the number of the probe.
pub type Tallies = BTreeMap<i64, Tally>;

impl Tally {
    /// This and another one's results together.
    pub fn join(&mut self, other: Self) {
        for (day, (all, up)) in other.days {
            let known = self.days.entry(day).or_default();
            *known = (known.0 + all, known.1 + up);
        }
        self.recent.extend(other.recent);
        self.recent_delays.0 += other.recent_delays.0;
        self.recent_delays.1 += other.recent_delays.1;
        self.tls_expires_s = [self.tls_expires_s, other.tls_expires_s].into_iter().flatten().min();
        self.settle();
    }

    /// What the state is made of.
    pub fn availability(&self) -> Availability {
        let mut availability = Availability::default();
        self.recent.iter().for_each(|(at_ms, up)| availability.add(*at_ms, *up));
        availability
    }

    /// Puts the newest results into the order of time and lets those go that would not count.
    pub(super) fn settle(&mut self) {
        self.recent.sort_unstable();
        let mut last_ms = i64::MIN;
        self.recent.retain(|(at_ms, _)| {
            let counts = at_ms.saturating_sub(last_ms) >= 30_000;
            if counts {
                last_ms = *at_ms;
            }
            counts
        });
    }
}

/// The series of one probe in a host's rows.
#[derive(Clone, Copy)]
pub(super) struct Series {
    pub(super) up: SeriesId,
    pub(super) delay: Option<SeriesId>,
    pub(super) expires: Option<SeriesId>,
}

impl Series {
    pub(super) fn find(dictionary: &Dictionary, id: ProbeId) -> Option<Self> {
        let find = |part: &str| dictionary.find(&rows::probe_name(id, part));
        Some(Self { up: find(rows::UP)?, delay: find(rows::DELAY), expires: find(rows::EXPIRES) })
    }
}

/// Rows of a host that lie in no ring, and all of its names.
pub type Pending = (Vec<Row>, Dictionary);

/// The points of the last day of a host, of each ping that covers it. Reads the host's blocks of
/// samples, some ten rows.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer.
pub fn points(
    sources: &Sources<'_>,
    host: HostId,
    probes: &[Probe],
    (pending, dictionary): &Pending,
    now: UnixMillis,
) -> Result<Vec<ProbePoints>, HubError> {
    let is_ping = |probe: &&Probe| probe.spec.kind != ProbeKind::Http && probe.spec.coverage.has(host);
    let mut delays: Vec<(&Probe, Series, Delays)> = probes
        .iter()
        .filter(is_ping)
        .filter_map(|probe| Some((probe, Series::find(dictionary, probe.id)?, Delays::default())))
        .collect();
    if delays.is_empty() {
        return Ok(vec![]);
    }
    let (from_ms, to_ms) = (now.0.saturating_sub(POINTS_MS), now.0.saturating_add(1));
    let whole_ms = from_ms.div_euclid(HOUR_MS) * HOUR_MS;
    let lengths = (sources.rings)(host);
    let held_ms = lengths.held_from_ms(SAMPLES, host, SAMPLES.block_no(host, now.0)).max(whole_ms);
    for stored in rings::in_time(sources.sql, host, MINUTES, lengths.of(MINUTES), from_ms, held_ms)? {
        for row in block_rows(&stored.data).filter(|row| (from_ms..held_ms).contains(&row.at_ms)) {
            for (_, series, delays) in &mut delays {
                if let Some(up) = row.get(series.up) {
                    delays.add_mean(row.at_ms, series.delay.and_then(|delay| row.get(delay)), up);
                }
            }
        }
    }
    let mut add = |row: &Row| {
        for (_, series, delays) in &mut delays {
            if let Some(up) = row.get(series.up) {
                delays.add(row.at_ms, series.delay.and_then(|delay| row.get(delay)).filter(|_| up > 0.0));
            }
        }
    };
    for stored in rings::in_time(sources.sql, host, SAMPLES, lengths.of(SAMPLES), held_ms, to_ms)? {
        block_rows(&stored.data).filter(|row| (held_ms..to_ms).contains(&row.at_ms)).for_each(|row| add(&row));
    }
    pending.iter().filter(|row| (held_ms..to_ms).contains(&row.at_ms)).for_each(add);
    let part = |(probe, _, delays): (&Probe, Series, Delays)| ProbePoints {
        id: probe.id.0,
        name: probe.spec.name.clone(),
        points: delays.since(from_ms).map(|point| (point.at_ms, point.delay_ms)).collect(),
    };
    Ok(delays.into_iter().map(part).filter(|one| !one.points.is_empty()).collect())
}

/// What the newest block of a host's samples has of these probes, by time: at most 3 rows read.
///
/// # Errors
/// [`HubError::Refused`] when the object's database does not answer.
pub fn newest_results(
    storage: &Storage,
    host: HostId,
    probes: &mut dyn Iterator<Item = ProbeId>,
) -> Result<Vec<(UnixMillis, Vec<ProbeResult>)>, HubError> {
    let sql = &storage.sql;
    let Some(head) = rings::newest(sql, host, SAMPLES.number)? else { return Ok(vec![]) };
    let ring = storage.rings(host).of(SAMPLES);
    let Some(stored) = rings::find(sql, host, SAMPLES.number, ring, head.block_no)? else { return Ok(vec![]) };
    let dictionary = rings::dictionary(sql, host)?;
    let series: Vec<(ProbeId, Series)> = probes.filter_map(|id| Some((id, Series::find(&dictionary, id)?))).collect();
    let result = |row: &Row, (probe, series): &(ProbeId, Series)| {
        let is_up = row.get(series.up)? > 0.0;
        let delay_ms = series.delay.and_then(|delay| row.get(delay)).filter(|_| is_up);
        Some(ProbeResult { probe: *probe, delay_ms, tls_expires: None, note: None })
    };
    let results = |row: Row| {
        let of_row = series.iter().filter_map(|one| result(&row, one)).collect();
        (UnixMillis(row.at_ms), of_row)
    };
    Ok(block_rows(&stored.data).map(results).collect())
}

fn block_rows(data: &[u8]) -> impl Iterator<Item = Row> {
    // A block that cannot be read costs its own rows.
    let block = Block::unpack(data).unwrap_or_default();
    let rows: Vec<Row> = block.rows().collect();
    rows.into_iter()
}

#[cfg(test)]
mod tests;
