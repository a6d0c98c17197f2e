//! Reports of hosts by agents of other products: they measure as ours do, and number nothing. The shard does it for them.

#[cfg(target_arch = "wasm32")]
mod calls;
pub mod wire;

use edgewatch_core::metrics;
use edgewatch_core::model::{HostId, Report, Sample};
use edgewatch_core::units::UnixMillis;

use self::wire::RelayedReport;
use super::HubError;
use super::results::DETAILS_EVERY_MS;
use super::shard::Shard;

impl Shard {
    /// Takes a report of a host in memory; speeds are computed from the report before it. What was taken already is not taken twice.
    /// Single things (what has a name of its own, such as a file system) are kept once a minute of the reports' own time, as our agent
    /// and Mackerel's tell them; of the others of that minute nothing but their names' values is left out.
    /// Writes the journal's row, and another one where a block ends or what the host is changed.
    ///
    /// # Errors
    /// [`HubError::Refused`] when it could not be written; it is to be sent again.
    pub fn take_relayed(&mut self, report: RelayedReport, now: UnixMillis) -> Result<(), HubError> {
        let (id, period_s) = (HostId(report.agent.host_id), report.period_s);
        let agent_version = report.agent.agent_version.clone();
        let sql = self.storage.sql.clone();
        let tracked = self
            .hosts
            .get_mut(&id)
            .ok_or_else(|| HubError::Corrupt("a report of a host that is not here".to_owned()))?;
        tracked.ensure_loaded(&sql)?;
        let details_ms = self.results.details_ms(id);
        let (sample, facts) = report.into_parts();
        let Some(mut sample) = sample else { return Ok(()) };
        if let Some(before) = tracked.newest.as_ref() {
            if is_repeat(before, &sample) {
                // What an earlier report could not make durable, too.
                return tracked.keep(&sql, now);
            }
            if sample.at <= before.at || sample.at > now {
                // By a clock that is wrong.
                sample.at = UnixMillis(now.0.max(before.at.0.saturating_add(1)));
            }
            metrics::fill_speeds(before, &mut sample);
        } else if sample.at > now {
            sample.at = now;
        }
        // By the reports' time: who was away sends an hour of them at once, and each minute of it has its own.
        let at = sample.at;
        let is_detailed = at.0.saturating_sub(details_ms) >= DETAILS_EVERY_MS || at.0 < details_ms;
        if is_detailed {
            let interfaces = facts.machine.as_ref().map(|machine| machine.interfaces.as_slice());
            metrics::name_speeds(interfaces.unwrap_or_default(), &mut sample);
        } else {
            sample.named.clear();
        }
        let number = tracked.progress().0.saturating_add(1);
        let report = Report {
            agent_version,
            sent_at: now,
            oldest: number,
            period_s,
            frame_s: period_s,
            probes_version: None,
            facts: Some(facts),
            samples: vec![Sample { number, ..sample }],
        };
        self.post(id, report, now)?;
        if is_detailed {
            self.results.note_details(id, at);
        }
        Ok(())
    }
}

/// Whether a report says again what the newest sample says: with the same time or, where that could not be believed, the same of all that
/// never stands still.
fn is_repeat(before: &Sample, sample: &Sample) -> bool {
    before.at == sample.at
        || sample.uptime_s.is_some()
            && (before.uptime_s, before.cpu_percent, before.net_in_bytes, before.net_out_bytes)
                == (sample.uptime_s, sample.cpu_percent, sample.net_in_bytes, sample.net_out_bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edgewatch_core::model::{Facts, Interface, Machine, Named, Presence};

    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;
    use crate::hub::wire::AgentWire;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn after(seconds: i64) -> UnixMillis {
        UnixMillis(NOW.0 + seconds * 1000)
    }

    fn shard() -> Shard {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1)]).unwrap();
        let tracked = shard.hosts.get_mut(&HostId(1)).unwrap();
        (tracked.entry.host.presence, tracked.entry.host.last_seen, tracked.seen_ms) = (Presence::Never, None, 0);
        shard
    }

    fn report(at: UnixMillis, net_in: u64) -> RelayedReport {
        let sample = Sample {
            at,
            cpu_percent: Some(7.0),
            net_in_bytes: Some(net_in),
            uptime_s: u64::try_from(at.0 / 1000 - 1_795_000_000).ok(),
            ..Sample::default()
        };
        let facts = Facts { platform: "debian".to_owned(), ..Facts::default() };
        let agent = AgentWire {
            host_id: 1,
            secret_hash: String::new(),
            ipv4: "192.0.2.7".to_owned(),
            ipv6: String::new(),
            country_code: None,
            agent_version: "v4.36.2".to_owned(),
            probes_version: None,
        };
        RelayedReport::new(None, agent, 30, &sample, &facts)
    }

    fn rows(shard: &mut Shard) -> Vec<(i64, Option<u64>)> {
        let tracked = shard.hosts.get_mut(&HostId(1)).unwrap();
        tracked.pending().iter().map(|one| (one.at.0 - NOW.0, one.net_in_bytes_per_s)).collect()
    }

    #[test]
    fn a_report_is_a_sample_with_the_speeds_since_the_one_before() {
        let mut shard = shard();
        for (seconds, bytes) in [(0, 1_000), (30, 4_000), (60, 100)] {
            shard.take_relayed(report(after(seconds), bytes), after(seconds + 1)).unwrap();
        }
        assert_eq!(rows(&mut shard), [(0, None), (30_000, Some(100)), (60_000, Some(0))]);
        let host = &shard.get(HostId(1)).unwrap().entry.host;
        assert_eq!(host.presence, Presence::Online);
        assert_eq!(host.facts.as_ref().map(|facts| facts.platform.as_str()), Some("debian"));
    }

    #[test]
    fn single_things_are_kept_once_a_minute_of_the_reports_and_everything_else_always() {
        let interface = Interface { name: "eth0".to_owned(), mac: String::new(), v4: vec![], v6: vec![] };
        let machine = Machine { interfaces: vec![interface], ..Machine::default() };
        let facts = Facts { machine: Some(Arc::new(machine)), ..Facts::default() };
        let used = Named { name: "filesystem.vda1.used".to_owned(), value: 5.0 };
        let told = |seconds: i64| {
            let (sample, _) = report(after(seconds), u64::try_from(seconds + 3_600).unwrap() * 100).into_parts();
            let sample = Sample { named: vec![used.clone()], ..sample.unwrap() };
            RelayedReport::new(None, report(after(seconds), 0).agent, 30, &sample, &facts)
        };
        let mut shard = shard();
        // What was kept while we were away comes at once; then one comes as it is made.
        for seconds in (-300..0).step_by(30) {
            shard.take_relayed(told(seconds), after(1)).unwrap();
        }
        shard.take_relayed(told(2), after(2)).unwrap();
        let tracked = shard.hosts.get_mut(&HostId(1)).unwrap();
        let pending = tracked.pending();
        assert_eq!(pending.len(), 11);
        assert!(pending.iter().all(|one| one.cpu_percent.is_some() && one.net_in_bytes.is_some()));
        let named: Vec<(i64, usize)> = pending
            .iter()
            .filter(|one| !one.named.is_empty())
            .map(|one| ((one.at.0 - NOW.0) / 1000, one.named.len()))
            .collect();
        // The first of all has no speed, which is told by two counts.
        assert_eq!(named, [(-300, 1), (-240, 2), (-180, 2), (-120, 2), (-60, 2), (2, 2)]);
    }

    #[test]
    fn what_was_kept_while_we_were_away_has_its_own_times_and_nothing_is_there_twice() {
        let mut shard = shard();
        for seconds in [-3_600, -3_570, -3_570, 0, 0] {
            shard.take_relayed(report(after(seconds), 1_000), after(1)).unwrap();
        }
        let times: Vec<i64> = rows(&mut shard).iter().map(|(at, _)| at / 1000).collect();
        assert_eq!(times, [-3_600, -3_570, 0]);
    }

    #[test]
    fn a_host_whose_clock_is_ahead_or_was_set_back_is_heard_by_ours() {
        let mut shard = shard();
        for (said, now) in [(3_600, 0), (3_600, 5), (3_630, 30), (-600, 60)] {
            shard.take_relayed(report(after(said), 1_000), after(now)).unwrap();
        }
        let times: Vec<i64> = rows(&mut shard).iter().map(|(at, _)| at / 1000).collect();
        assert_eq!(times, [0, 30, 60], "what came twice is there once");
    }
}
