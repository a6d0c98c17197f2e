//! How probes fared, over all hosts of the shard: put together once after the object woke, and kept up with every sample that is taken
//! from then on. So asking again costs no row, and the answer itself is kept for a minute.

mod lines;

use std::collections::BTreeMap;

use edgewatch_core::blocks::tiers::{self, MINUTES, SAMPLES, TWO_HOURS};
use edgewatch_core::blocks::{Block, Row};
use edgewatch_core::domain::stream::gap::Verdict;
use edgewatch_core::model::{HostId, Probe, Sample};
use edgewatch_core::units::UnixMillis;

use super::probe_days;
use super::probe_history::{Series, Tallies, Tally};
use super::probes::EDGE;
use super::series::Known;
use super::shard::Shard;
use super::tracked::Tracked;
use super::{HubError, directory, rings};
use crate::store::Db;
use crate::store::history::{self, CoarseBlock, Wanted};

const DAY_MS: i64 = 86_400_000;
/// How far back availability by day goes, ms: twenty-nine days before today.
const DAYS_MS: i64 = 29 * DAY_MS;
/// How far back the state of a probe looks, ms: thirty results, half a minute apart.
const RECENT_MS: i64 = 15 * 60_000;
/// So much newer than now a sample may be, ms.
const AHEAD_MS: i64 = 15 * 60_000;
/// How long an answer is good, ms.
const ANSWER_MS: i64 = 60_000;
/// The key of the newest answer: when it was made, a line's end, and its text.
const ANSWER_KEY: &str = "probe_answer";
/// An object of so few hosts sleeps between two questions: its answer is kept beyond that.
const SMALL_FLEET: usize = 50;
/// Of so many hosts a statement asks D1: their blocks of two months each, up to 1.4 MB of text in the worst case.
pub const HOSTS_AT_ONCE: usize = 4;
/// So many statements go to D1 for one answer: a Worker has 50 calls. Who is left is asked for with the next one.
const STATEMENTS: usize = 4;

/// What came of probes, and the newest answer about it.
#[derive(Debug, Default)]
pub struct Counts {
    running: Option<Running>,
    answer: Option<(i64, String)>,
    /// Whether the answer was looked for where it is kept, and whether one is there.
    is_read: bool,
    is_kept: bool,
}

/// What came of probes, by their numbers.
#[derive(Debug, Default)]
struct Running {
    hosts: BTreeMap<i64, Fared>,
    edge: BTreeMap<i64, Fared>,
    /// Whether nothing of it is still to be asked for in D1.
    is_whole: bool,
}

/// What came of a probe.
#[derive(Debug, Default)]
struct Fared {
    /// By day since 1970: of how many results, and how many of them were good.
    days: BTreeMap<i64, (f64, f64)>,
    /// By second, those of the last quarter of an hour.
    recent: BTreeMap<i64, Moment>,
    /// By host: when it last saw a certificate, ms since 1970, and when that one ends.
    certificates: BTreeMap<HostId, (i64, i64)>,
    /// By host, of the last quarter of an hour when it came.
    newest: BTreeMap<HostId, Found>,
}

/// The results of one second.
#[derive(Debug, Default)]
struct Moment {
    /// The first one: when, and whether it was good.
    first: Option<(i64, bool)>,
    /// Delays: their sum, ms, and how many.
    delays: (f64, u64),
}

/// One result.
#[derive(Debug, Clone, Copy)]
struct Found {
    at_ms: i64,
    is_up: bool,
    delay_ms: Option<f64>,
    expires_s: Option<i64>,
}

impl Fared {
    fn add_day(&mut self, day: i64, (all, up): (f64, f64)) {
        let known = self.days.entry(day).or_default();
        *known = (known.0 + all, known.1 + up);
    }

    /// A result that is no part of a coarser row.
    fn add(&mut self, by: HostId, found: Found, now_ms: i64) {
        self.add_day(found.at_ms.div_euclid(DAY_MS), (1.0, f64::from(u8::from(found.is_up))));
        if let Some(expires_s) = found.expires_s {
            self.certificates.insert(by, (found.at_ms, expires_s));
        }
        let from_ms = now_ms.saturating_sub(RECENT_MS);
        if found.at_ms <= from_ms {
            return;
        }
        if self.newest.get(&by).is_none_or(|known| known.at_ms <= found.at_ms) {
            self.newest.insert(by, found);
        }
        while self.recent.first_key_value().is_some_and(|(second, _)| second.saturating_add(1) * 1_000 <= from_ms) {
            self.recent.pop_first();
        }
        let moment = self.recent.entry(found.at_ms.div_euclid(1_000)).or_default();
        let first = (found.at_ms, found.is_up);
        moment.first = Some(moment.first.map_or(first, |known| known.min(first)));
        if let Some(delay_ms) = found.delay_ms {
            moment.delays = (moment.delays.0 + delay_ms, moment.delays.1 + 1);
        }
    }

    /// When the first of the certificates ends that hosts have seen lately, Unix seconds. What a host saw that is silent since is not
    /// there any more, as far as the others know.
    fn tls_expires_s(&self) -> Option<i64> {
        let newest_ms = self.certificates.values().map(|(at_ms, _)| *at_ms).max()?;
        let lately = self.certificates.values().filter(|(at_ms, _)| newest_ms.saturating_sub(*at_ms) <= DAY_MS);
        lately.map(|(_, expires_s)| *expires_s).min()
    }

    fn tally(&self, now_ms: i64) -> Tally {
        let first_day = now_ms.saturating_sub(DAYS_MS).div_euclid(DAY_MS);
        let mut tally = Tally {
            days: self.days.range(first_day..).map(|(day, counts)| (*day, *counts)).collect(),
            tls_expires_s: self.tls_expires_s(),
            ..Tally::default()
        };
        for moment in self.recent.values() {
            let Some(first) = moment.first else { continue };
            if (now_ms.saturating_sub(RECENT_MS) + 1..=now_ms).contains(&first.0) {
                tally.recent.push(first);
                tally.recent_delays =
                    (tally.recent_delays.0 + moment.delays.0, tally.recent_delays.1 + moment.delays.1);
            }
        }
        tally.settle();
        tally
    }
}

impl Running {
    fn of(&mut self, id: HostId) -> &mut BTreeMap<i64, Fared> {
        if id == EDGE { &mut self.edge } else { &mut self.hosts }
    }
}

impl Counts {
    /// What was put together holds no more: the next answer puts it together anew.
    pub fn forget(&mut self) {
        self.running = None;
    }
}

/// Whether results of a probe count that a host, or the Worker, has.
fn counts(probe: &Probe, id: HostId) -> bool {
    if id == EDGE { probe.spec.from_edge } else { probe.spec.coverage.has(id) }
}

/// Asks D1 for what it has of the finished days of some hosts, at most [`HOSTS_AT_ONCE`] of them: one statement.
///
/// # Errors
/// [`HubError::Refused`] when D1 does not answer.
pub async fn recall(db: &Db, asked: &[(HostId, u64)], now: UnixMillis) -> Result<Vec<CoarseBlock>, HubError> {
    let from_ms = first_ms(now.0);
    let wanted = |(host, done): &(HostId, u64)| {
        let to_ms = tiers::day_start_ms(*host, done.saturating_add(1)) - 1;
        let [from_no, to_no] = [from_ms, to_ms].map(|at_ms| TWO_HOURS.block_no(*host, at_ms));
        Wanted { host: *host, tier: TWO_HOURS.number, from_no, to_no }
    };
    Ok(history::list(db, &asked.iter().map(wanted).collect::<Vec<_>>()).await?)
}

/// The beginning of the first day that is shown, ms since 1970.
const fn first_ms(now_ms: i64) -> i64 {
    now_ms.saturating_sub(DAYS_MS).div_euclid(DAY_MS) * DAY_MS
}

fn rows_of(data: &[u8]) -> Vec<Row> {
    // A block that cannot be read costs its own rows.
    Block::unpack(data).unwrap_or_default().rows().collect()
}

impl Shard {
    /// Counts what was taken of a host's or the Worker's samples.
    pub(super) fn count_results(
        &mut self,
        id: HostId,
        taken: &Result<Verdict, HubError>,
        samples: &[Sample],
        now: UnixMillis,
    ) {
        let Some(running) = &mut self.counts.running else { return };
        let skip = match taken {
            Ok(Verdict::Take { skip }) => *skip,
            Ok(_) => return,
            // Some of it may have been.
            Err(_) => return self.counts.forget(),
        };
        let list = self.probes.as_deref().unwrap_or_default();
        for sample in samples.get(skip..).unwrap_or_default() {
            for result in &sample.probes {
                let probe = list.binary_search_by_key(&result.probe, |probe| probe.id).ok().and_then(|at| list.get(at));
                if probe.is_some_and(|probe| counts(probe, id)) {
                    let found = Found {
                        at_ms: sample.at.0,
                        is_up: result.is_up(),
                        delay_ms: result.delay_ms,
                        expires_s: result.tls_expires.map(|at| at.0),
                    };
                    running.of(id).entry(result.probe.0).or_default().add(id, found, now.0);
                }
            }
        }
    }

    /// The answer that was given less than a minute ago. Reads 1 row when the object has slept since.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; so for all that follow.
    pub fn probe_answer(&mut self, now: UnixMillis) -> Result<Option<String>, HubError> {
        if !std::mem::replace(&mut self.counts.is_read, true) {
            let kept = directory::meta(&self.storage.sql, ANSWER_KEY)?.filter(|text| !text.is_empty());
            self.counts.is_kept = kept.is_some();
            let parts = kept.as_deref().and_then(|text| text.split_once('\n'));
            self.counts.answer = parts.and_then(|(at_ms, text)| Some((at_ms.parse().ok()?, text.to_owned())));
        }
        let is_good = |at_ms: i64| (0..ANSWER_MS).contains(&now.0.saturating_sub(at_ms));
        Ok(self.counts.answer.as_ref().filter(|(at_ms, _)| is_good(*at_ms)).map(|(_, text)| text.clone()))
    }

    /// Keeps an answer for a minute: 1 row written in a small fleet, which may sleep meanwhile. When something was still to be asked for
    /// in D1, the next one puts everything together anew.
    ///
    /// # Errors
    /// As [`Shard::probe_answer`].
    pub fn keep_probe_answer(&mut self, text: &str, now: UnixMillis) -> Result<(), HubError> {
        if self.counts.running.as_ref().is_some_and(|running| !running.is_whole) {
            self.counts.forget();
        }
        self.counts.answer = Some((now.0, text.to_owned()));
        if self.hosts.len() <= SMALL_FLEET {
            directory::put_meta(&self.storage.sql, ANSWER_KEY, &format!("{}\n{text}", now.0))?;
            self.counts.is_kept = true;
        }
        Ok(())
    }

    /// There is another list of probes: no answer of before is good any more.
    pub(super) fn forget_answer(&mut self) -> Result<(), HubError> {
        self.probe_answer(UnixMillis(0))?;
        if self.counts.is_kept {
            directory::put_meta(&self.storage.sql, ANSWER_KEY, "")?;
        }
        self.counts = Counts { is_read: true, ..Counts::default() };
        Ok(())
    }

    /// What came of probes is at hand afterwards, unless D1 is to be asked first: then of which hosts, up to which of their days. Reads a
    /// row for each host that a probe covers, and of those with names of probes some ten more, when it is not at hand; else none.
    ///
    /// # Errors
    /// As [`Shard::probe_answer`].
    pub fn ready_counts(&mut self, now: UnixMillis) -> Result<Vec<(HostId, u64)>, HubError> {
        if self.counts.running.is_some() {
            return Ok(vec![]);
        }
        if self.probes()?.is_empty() {
            self.counts.running = Some(Running { is_whole: true, ..Running::default() });
            return Ok(vec![]);
        }
        if self.place.is_ours(EDGE) {
            self.edge()?;
        }
        let mut missing = self.put_together(now, false)?;
        missing.truncate(HOSTS_AT_ONCE * STATEMENTS);
        Ok(missing)
    }

    /// Takes in what [`recall`] gave: 1 row written for each host, unless more of its days are done since.
    ///
    /// # Errors
    /// As [`Shard::probe_answer`].
    pub fn take_recalled(&mut self, asked: &[(HostId, u64)], blocks: &[CoarseBlock]) -> Result<(), HubError> {
        for (id, done) in asked {
            let is_as_asked = |tracked: &&Tracked| tracked.entry.coarse_done == Some(*done);
            let Some(tracked) = self.reporter(*id).filter(is_as_asked) else { continue };
            let names = rings::dictionary(&self.storage.sql, *id)?;
            let rows: Vec<Row> =
                blocks.iter().filter(|block| block.host == *id).flat_map(|block| rows_of(&block.data)).collect();
            probe_days::put(&self.storage.sql, &tracked.entry, &probe_days::days(*id, &rows, &names, *done))?;
        }
        Ok(())
    }

    /// Puts together what is there, whether or not D1 has more.
    ///
    /// # Errors
    /// As [`Shard::probe_answer`].
    pub fn count_anew(&mut self, now: UnixMillis) -> Result<(), HubError> {
        self.put_together(now, true).map(drop)
    }

    /// How probes fared, by hosts and by the Worker; nothing before [`Shard::ready_counts`].
    pub fn tallies(&self, now: UnixMillis) -> (Tallies, Tallies) {
        let of = |fared: &BTreeMap<i64, Fared>| fared.iter().map(|(id, fared)| (*id, fared.tally(now.0))).collect();
        self.counts.running.as_ref().map(|running| (of(&running.hosts), of(&running.edge))).unwrap_or_default()
    }

    fn reporter(&self, id: HostId) -> Option<&Tracked> {
        if id == EDGE { self.edge.as_ref() } else { self.hosts.get(&id) }
    }

    /// Puts together what came of probes; gives of which hosts, up to which of their days, D1 has more that is shown. Then nothing is put
    /// together, unless `with_less`.
    fn put_together(&mut self, now: UnixMillis, with_less: bool) -> Result<Vec<(HostId, u64)>, HubError> {
        let list = self.probes()?.to_vec();
        let (mut running, mut missing) = (Running::default(), Vec::new());
        let all = self.hosts.keys().copied().chain(self.edge.as_ref().map(Tracked::id));
        let covered: Vec<HostId> = all.filter(|id| list.iter().any(|probe| counts(probe, *id))).collect();
        for id in covered {
            let mut names = rings::dictionary(&self.storage.sql, id)?;
            // Results may wait for their block while no ring has a name of a probe.
            let waits = |tracked: &Tracked| tracked.pending().iter().any(|sample| !sample.probes.is_empty());
            if !probe_days::has_probes(&names) && !self.reporter(id).is_some_and(waits) {
                continue;
            }
            let Known { newest_ms, day_done } = self.reporter(id).map(Tracked::known).unwrap_or_default();
            let done_ms = day_done.map(|day| tiers::day_start_ms(id, day.saturating_add(1)));
            let is_shown = done_ms.is_some_and(|done_ms| done_ms > first_ms(now.0));
            let days = if is_shown { probe_days::find(&self.storage.sql, id)? } else { None };
            if let (None, true, Some(done)) = (&days, is_shown, day_done) {
                missing.push((id, done));
            }
            if !missing.is_empty() && !with_less {
                continue;
            }
            let pending = self.pending_named(id, &mut names)?;
            let covering = list.iter().filter(|probe| counts(probe, id));
            let series: Vec<(i64, Series)> =
                covering.filter_map(|probe| Some((probe.id.0, Series::find(&names, probe.id)?))).collect();
            if let (Some(done), Some(days)) = (day_done, days) {
                for part in days.range(..=done).flat_map(|(_, parts)| parts) {
                    if series.binary_search_by_key(&part.probe, |(probe, _)| *probe).is_ok() {
                        let counts = (f64::from(part.all), f64::from(part.up));
                        running.of(id).entry(part.probe).or_default().add_day(part.day, counts);
                    }
                }
            }
            let from_ms = done_ms.unwrap_or(i64::MIN).max(first_ms(now.0));
            let to_ms = newest_ms.unwrap_or(now.0).saturating_add(1).min(now.0.saturating_add(AHEAD_MS));
            let mut gathering = Gathering { host: id, fared: running.of(id), series, now_ms: now.0 };
            self.gather(id, (from_ms, to_ms), &pending, &mut gathering)?;
        }
        running.is_whole = missing.is_empty();
        if running.is_whole || with_less {
            self.counts.running = Some(running);
        }
        Ok(missing)
    }

    /// Minutes as far as there are, but for the last quarter of an hour, then samples, then what waits for its block.
    fn gather(
        &self,
        id: HostId,
        (from_ms, to_ms): (i64, i64),
        pending: &[Row],
        gathering: &mut Gathering<'_>,
    ) -> Result<(), HubError> {
        if from_ms >= to_ms || gathering.series.is_empty() {
            return Ok(());
        }
        let (sql, lengths) = (&self.storage.sql, self.storage.rings(id));
        let recent_ms = gathering.now_ms.saturating_sub(RECENT_MS);
        let minutes_to_ms = MINUTES.start_ms(id, MINUTES.block_no(id, recent_ms)).clamp(from_ms, to_ms);
        // What of the time no minutes were made of.
        let (mut missing, mut had_to_ms) = (Vec::new(), from_ms);
        for stored in rings::in_time(sql, id, MINUTES, lengths.of(MINUTES), from_ms, minutes_to_ms)? {
            let start_ms = MINUTES.start_ms(id, stored.block_no).max(from_ms);
            if start_ms > had_to_ms {
                missing.push((had_to_ms, start_ms));
            }
            had_to_ms = MINUTES.end_ms(id, stored.block_no).clamp(had_to_ms, minutes_to_ms);
            let rows = rows_of(&stored.data);
            rows.iter()
                .filter(|row| (from_ms..minutes_to_ms).contains(&row.at_ms))
                .for_each(|row| gathering.add_minute(row));
        }
        missing.push((had_to_ms, to_ms));
        for (from_ms, to_ms) in missing {
            let is_in = |row: &&Row| (from_ms..to_ms).contains(&row.at_ms);
            for stored in rings::in_time(sql, id, SAMPLES, lengths.of(SAMPLES), from_ms, to_ms)? {
                rows_of(&stored.data).iter().filter(is_in).for_each(|row| gathering.add_sample(row));
            }
            pending.iter().filter(is_in).for_each(|row| gathering.add_sample(row));
        }
        Ok(())
    }
}

/// The results of one host while they are put together.
struct Gathering<'a> {
    host: HostId,
    fared: &'a mut BTreeMap<i64, Fared>,
    series: Vec<(i64, Series)>,
    now_ms: i64,
}

impl Gathering<'_> {
    fn add_minute(&mut self, row: &Row) {
        for (probe, series) in &self.series {
            if let Some((all, up)) = probe_days::results(row, series.up) {
                // Of a minute there are whole results.
                self.fared.entry(*probe).or_default().add_day(row.at_ms.div_euclid(DAY_MS), (all, up.round()));
            }
        }
    }

    fn add_sample(&mut self, row: &Row) {
        for (probe, series) in &self.series {
            let Some(up) = row.get(series.up) else { continue };
            #[expect(clippy::cast_possible_truncation, reason = "seconds of centuries")]
            let expires_s = series.expires.and_then(|expires| row.get(expires)).map(|expires| expires as i64);
            let delay_ms = series.delay.and_then(|delay| row.get(delay));
            let found = Found { at_ms: row.at_ms, is_up: up > 0.0, delay_ms, expires_s };
            self.fared.entry(*probe).or_default().add(self.host, found, self.now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_certificates_that_hosts_see_the_first_to_end_is_shown() {
        let mut fared = Fared::default();
        let mut seen = |host: i64, at_ms: i64, expires_s: Option<i64>| {
            fared.add(HostId(host), Found { at_ms, is_up: true, delay_ms: None, expires_s }, at_ms);
            fared.tally(at_ms).tls_expires_s
        };
        assert_eq!(seen(1, 1_000, None), None);
        assert_eq!(seen(1, 2_000, Some(500)), Some(500));
        assert_eq!(seen(2, 3_000, Some(900)), Some(500), "whoever came last");
        assert_eq!(seen(3, 4_000, None), Some(500));
        assert_eq!(seen(1, 5_000, Some(950)), Some(900), "it was renewed there");
        assert_eq!(seen(1, DAY_MS + 3_000, Some(950)), Some(900));
        assert_eq!(seen(1, DAY_MS + 3_001, Some(950)), Some(950), "the other is silent");
    }
}
