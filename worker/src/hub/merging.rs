//! One host is merged into another: what lies here of the one becomes readable without it, and the other takes over its agent.

use edgewatch_core::blocks::tiers::SAMPLES;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::coarse::{self, Day};
use super::shard::Shard;
use super::{HubError, directory, rings};

/// No agent holds so many samples that the hub does not have: it was behind by years.
const AHEAD: u64 = 10_000_000;

/// A host is to be numbered from above this number on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaiseRequest {
    /// Which host.
    pub of: i64,
    /// The last number of its agent until now.
    pub above: u64,
}

impl Shard {
    /// Puts all of a host into rows, and gives the days that D1 does not have, the one that goes on among them, and the number of its
    /// last sample. For a host that will send no more, or was retired.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer; [`HubError::Corrupt`] for a block that cannot be read.
    pub fn last_days(&mut self, of: HostId, now: UnixMillis) -> Result<(Vec<Day>, u64), HubError> {
        self.load_posted(None)?;
        let storage = self.storage.clone();
        let (mut days, mut last_number) = (Vec::new(), 0);
        for id in [of, of.posted()] {
            let mut done = None;
            if let Some(tracked) = self.get_mut(id) {
                tracked.settle(&storage, now)?;
                done = tracked.entry.coarse_done;
            }
            let Some(head) = rings::newest(&storage.sql, id, SAMPLES.number)? else { continue };
            if id == of {
                last_number = head.last_number;
            }
            for day in coarse::due(id, &storage.rings(id), done, head.end_ms, i64::MAX) {
                days.extend(coarse::build(&storage.sql, id, &storage.rings(id), day)?);
            }
        }
        Ok((days, last_number))
    }

    /// Whatever the agent of another host gave its samples for numbers, this host is beyond them: that agent, once it speaks for this
    /// one, numbers anew what it holds, and nothing of it is taken for what is here.
    ///
    /// # Errors
    /// As [`Shard::last_days`].
    pub fn raise(&mut self, wanted: RaiseRequest, now: UnixMillis) -> Result<(), HubError> {
        let storage = self.storage.clone();
        let Some(tracked) = self.get_mut(HostId(wanted.of)) else { return Ok(()) };
        tracked.settle(&storage, now)?;
        let (taken, _) = tracked.progress();
        tracked.entry.floor = taken.max(wanted.above).saturating_add(AHEAD);
        directory::put(&storage.sql, &tracked.entry)?;
        tracked.reload(&storage.sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;
    use crate::hub::testing;
    use edgewatch_core::model::Sample;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn shard() -> Shard {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1), entry(2)]).unwrap();
        shard
    }

    fn report(shard: &mut Shard, id: i64, number: u64) -> Option<u64> {
        let sample = Sample {
            number,
            at: UnixMillis(NOW.0 + 10_000 * i64::try_from(number % 60).unwrap()),
            load1: Some(1.0),
            ..Sample::default()
        };
        let report = testing::report(vec![sample], number, NOW, 10);
        shard.post(HostId(id), report, NOW).unwrap().0
    }

    #[test]
    fn a_host_that_goes_leaves_everything_in_rows_and_days() {
        let mut shard = shard();
        report(&mut shard, 1, 7);
        let (days, last) = shard.last_days(HostId(1), NOW).unwrap();
        assert_eq!((days.len(), last), (1, 7));
        shard.retire(HostId(1), NOW).unwrap();
        // It is there without the host, and found again.
        assert_eq!(shard.last_days(HostId(1), NOW).unwrap(), (days, 7));
        assert_eq!(shard.last_days(HostId(3), NOW), Ok((vec![], 0)));
    }

    #[test]
    fn an_agent_that_takes_over_is_behind_whatever_number_it_gives() {
        let mut shard = shard();
        report(&mut shard, 1, 5);
        shard.raise(RaiseRequest { of: 1, above: 900 }, NOW).unwrap();
        assert_eq!(shard.get(HostId(1)).unwrap().progress(), (900 + AHEAD, 900 + AHEAD));
        assert_eq!(report(&mut shard, 1, 901), None, "taken for a repeat: its number is not above");
        assert_eq!(shard.get(HostId(1)).unwrap().progress().0, 900 + AHEAD);
        report(&mut shard, 1, 901 + AHEAD);
        assert_eq!(shard.get(HostId(1)).unwrap().progress().0, 901 + AHEAD);
        shard.raise(RaiseRequest { of: 9, above: 1 }, NOW).unwrap();
    }
}
