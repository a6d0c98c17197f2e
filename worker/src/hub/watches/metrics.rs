//! What monitors find in metrics of hosts and services, as values arrive.

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::tiers::SAMPLES;
use edgewatch_core::blocks::{Row, SeriesId};
use edgewatch_core::domain::alerting::points::Points;
use edgewatch_core::domain::alerting::{Moment, Verdict};
use edgewatch_core::metrics::watched::{Origin, is_part, measured, sample_of};
use edgewatch_core::model::{
    Cause, Facts, HostId, Measured, MetricTest, Monitor, Named, Sample, Severity, Standing, Watch,
};
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use super::{covers, is_judged};
use crate::hub::HubError;
use crate::hub::rings;
use crate::hub::shard::Shard;
use crate::platform::log;

/// What a monitor found at one place.
pub(super) struct Found {
    /// How bad it is; `None` when it is not.
    pub severity: Option<Severity>,
    /// What was measured.
    pub value: Option<Measured>,
    /// In words.
    pub detail: String,
}

fn test_of(monitor: &Monitor) -> Option<&MetricTest> {
    match &monitor.watch {
        Watch::Host { test, .. } | Watch::Service { test, .. } => Some(test),
        Watch::Connectivity { .. } | Watch::External { .. } | Watch::Nothing => None,
    }
}

/// What is posted, or what our agent measured at a host that is this.
const fn origin(id: HostId, facts: Option<&Facts>) -> Origin<'_> {
    if id.is_posted() { Origin::Posted } else { Origin::Agent(facts) }
}

fn add(points: &mut Points, id: HostId, at: UnixSeconds, value: f64) -> bool {
    // Our agent measures several times a minute, of which the first is its point.
    let is_known = |(minute, _): (i64, UnixSeconds)| at.0.div_euclid(60) <= minute;
    if !id.is_posted() && points.newest().is_some_and(is_known) {
        return false;
    }
    points.add(at, value)
}

impl Shard {
    /// Looks at new samples that are kept under `id`: of a host, what was posted of one, or a service's.
    pub(in crate::hub) fn weigh_metrics(&mut self, id: HostId, samples: &[Sample], now: UnixMillis) {
        let of = id.owner();
        let Some(first) = samples.iter().map(|sample| sample.number).min() else { return };
        if !self.rules.monitors.iter().any(|monitor| test_of(monitor).is_some()) {
            return;
        }
        let host = self.hosts.get(&of);
        if host.is_some_and(|host| !is_judged(host.entry.standing.status) || host.is_doubted(now.seconds())) {
            return;
        }
        let standing = host.map(|host| host.entry.standing.clone());
        let facts = host.and_then(|host| host.entry.host.facts.clone());
        let of_place = |monitor: &&Monitor| {
            let is_of_service = matches!(monitor.watch, Watch::Service { .. });
            is_of_service == standing.is_none() && covers(monitor, of, standing.as_ref())
        };
        let monitors: Vec<Monitor> = self.rules.monitors.iter().filter(of_place).cloned().collect();
        for monitor in monitors {
            let Some(test) = test_of(&monitor) else { continue };
            let said = |sample: &Sample| {
                Some((sample.at.seconds(), measured(&test.metric, sample, origin(id, facts.as_ref()))?))
            };
            let values: Vec<(UnixSeconds, f64)> = samples.iter().filter_map(said).collect();
            if values.is_empty() {
                continue;
            }
            let key = (id, test.metric.clone());
            let known = self.watches.points.remove(&key);
            let mut points = match known.map_or_else(|| self.find_points(id, test, first, facts.as_ref()), Ok) {
                Ok(points) => points,
                Err(error) => {
                    // The next minute finds it.
                    log::error("hub.watches", &error.to_string());
                    continue;
                }
            };
            let mut is_news = false;
            for (at, value) in values {
                is_news |= add(&mut points, id, at, value);
            }
            points.trim();
            if is_news {
                self.weigh_points(&monitor, test, of, &points, now);
            }
            self.watches.points.insert(key, points);
        }
    }

    fn weigh_points(&mut self, monitor: &Monitor, test: &MetricTest, of: HostId, points: &Points, now: UnixMillis) {
        let Some((minute, _)) = points.newest() else { return };
        let Some((severity, mean)) = points.look(test, now.seconds()) else { return };
        let detail = detail(test, severity.is_some(), mean);
        let found = Found { severity, value: Some(Measured::of(mean)), detail };
        self.take_found(Cause::monitor(monitor.id, of), &found, (minute, test.attempts), now);
    }

    /// Notes what a monitor found in a minute since 1970, which is told when it was so `attempts` times in succession.
    pub(super) fn take_found(&mut self, cause: Cause, found: &Found, (minute, attempts): (i64, u32), now: UnixMillis) {
        let Found { severity, value, detail } = found;
        if severity.is_some() && !self.rules.book.is_open(cause) && self.is_down(cause, now) {
            return;
        }
        let verdict = self.rules.book.attempt(cause, severity.is_some(), minute, attempts);
        let standing = match (verdict, *severity) {
            (Verdict::Failing, Some(severity)) => Some(Standing { severity, value: *value }),
            (Verdict::Clear, _) => None,
            _ => return self.told(&[], now),
        };
        let Some(policy) = self.policy_of_watch(cause) else { return };
        let moment: Moment = self.rules.moment(now);
        let steps = self.rules.book.stand(cause, policy, (standing, detail), moment);
        self.told(&steps, now);
    }

    /// The newest points of a metric that came before the sample `first`: from memory and back through the ring of samples.
    pub(super) fn find_points(
        &mut self,
        id: HostId,
        test: &MetricTest,
        first: u64,
        facts: Option<&Facts>,
    ) -> Result<Points, HubError> {
        let (pending, names) = self.pending_with_names(id)?;
        let parts = Parts::of(&test.metric, &names);
        let value = |row: &Row| measured(&test.metric, &parts.sample(row), origin(id, facts));
        let wanted = usize::try_from(test.points).unwrap_or(1);
        let mut found: Vec<(u64, UnixSeconds, f64)> = Vec::new();
        let mut take = |rows: &mut dyn Iterator<Item = Row>| {
            let before = rows.filter(|row| row.number < first);
            found.extend(before.filter_map(|row| Some((row.number, UnixMillis(row.at_ms).seconds(), value(&row)?))));
            let mut minutes: Vec<i64> = found.iter().map(|(_, at, _)| at.0.div_euclid(60)).collect();
            minutes.sort_unstable();
            minutes.dedup();
            minutes.len()
        };
        let mut count = take(&mut pending.into_iter());
        let (sql, ring) = (&self.storage.sql, self.storage.rings(id).of(SAMPLES));
        let mut next = rings::newest(sql, id, SAMPLES.number)?.map(|head| head.block_no);
        for _ in 0..ring {
            let Some(block_no) = next.filter(|_| count < wanted) else { break };
            next = block_no.checked_sub(1);
            let Some(stored) = rings::find(sql, id, SAMPLES.number, ring, block_no)? else { continue };
            // A row that cannot be read holds nothing that could be looked at.
            let Ok(block) = stored.block() else { continue };
            count = take(&mut block.rows());
        }
        found.sort_by_key(|(number, ..)| *number);
        let mut points = Points::default();
        for (_, at, value) in found {
            add(&mut points, id, at, value);
        }
        points.trim();
        Ok(points)
    }
}

/// The named series that matter for a metric.
struct Parts(Vec<(SeriesId, String)>);

impl Parts {
    fn of(metric: &str, names: &Dictionary) -> Self {
        let parts = names.iter().filter(|(_, name, _)| is_part(metric, name));
        Self(parts.map(|(series, name, _)| (series, name.to_owned())).collect())
    }

    /// What a row says of them, and by column.
    fn sample(&self, row: &Row) -> Sample {
        let named = self.0.iter().filter_map(|(series, name)| {
            let value = row.get(*series)?;
            Some(Named { name: name.clone(), value })
        });
        let by_column = std::array::from_fn(|column| {
            u8::try_from(column).ok().and_then(|column| row.get(SeriesId::column(column)))
        });
        sample_of(by_column, named.collect())
    }
}

pub(super) fn detail(test: &MetricTest, is_bad: bool, mean: f64) -> String {
    let rounded = (mean * 1_000.0).round() / 1_000.0;
    let operator = if test.is_above { ">" } else { "<" };
    let limit = |limit: Option<f64>| limit.filter(|limit| if test.is_above { mean > *limit } else { mean < *limit });
    match limit(test.critical).or_else(|| limit(test.warning)).filter(|_| is_bad) {
        Some(limit) => format!("{} {rounded} {operator} {limit}", test.metric),
        None => format!("{} {rounded}", test.metric),
    }
}
