//! Hosts that are parts of a hypervisor: an agent polls it and says how they are. Nobody judges their silence here, for they have no
//! voice; their series lie with what is posted of their nodes.

#[cfg(target_arch = "wasm32")]
mod calls;
pub mod wire;

use edgewatch_core::dialects::native;
use edgewatch_core::model::{HostId, Link, Presence, Sample};
use edgewatch_core::units::UnixMillis;

use self::wire::{PolledHost, State};
use super::HubError;
use super::shard::Shard;

impl Shard {
    /// Whether others say how a host is.
    pub(super) fn is_polled(&self, id: HostId) -> bool {
        self.hosts.get(&id).is_some_and(|host| host.entry.host.class.is_polled())
    }

    /// Takes how a host in memory is. Writes nothing while it stays up or down and what it is stays; else its row, and one for the event.
    /// Another host's is passed over.
    ///
    /// # Errors
    /// [`HubError::Refused`] when a change could not be written; it may be told again.
    pub fn take_polled(&mut self, mut polled: PolledHost, now: UnixMillis) -> Result<(), HubError> {
        let id = HostId(polled.id);
        if !self.is_polled(id) {
            return Ok(());
        }
        let facts = polled.take_facts();
        let samples: Vec<Sample> = polled.samples.into_iter().filter_map(native::Sample::into_sample).collect();
        let period_s = polled.period_s;
        let Some(host) = self.hosts.get_mut(&id) else { return Ok(()) };
        host.link = Link::Post { period_s, frame_s: period_s };
        let before = Option::clone(&host.newest);
        let is_new = |sample: &&Sample| before.as_ref().is_none_or(|known| known.at < sample.at);
        let samples: Vec<Sample> = samples.iter().filter(is_new).cloned().collect();
        if let Some(newest) = samples.last() {
            *host.newest = Some(newest.clone());
            host.is_changed = true;
        }
        let wanted = match polled.state {
            State::Up => {
                host.hear(now);
                Presence::Online
            }
            State::Down => Presence::Offline,
            State::Unknown => host.entry.host.presence,
        };
        if let Some(facts) = facts {
            self.note_facts(id, facts, now)?;
        }
        if self.hosts.get(&id).is_some_and(|host| host.entry.host.presence != wanted) {
            self.change(id, wanted, now)?;
        }
        if wanted == Presence::Online {
            self.weigh(id, before.as_ref(), &samples, period_s, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::blocks::SeriesId;
    use edgewatch_core::model::{EventKind, Facts, HostClass};

    use super::*;
    use crate::hub::directory;
    use crate::hub::directory::tests::entry;
    use crate::hub::posted::wire::PointsQuery;
    use crate::hub::sql::Sql;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn after(seconds: i64) -> UnixMillis {
        UnixMillis(NOW.0 + seconds * 1000)
    }

    /// A node, a guest and a machine.
    fn shard() -> Shard {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        let (mut node, mut guest) = (entry(1), entry(2));
        node.host.class = HostClass::Node;
        (guest.host.class, guest.host.parent) = (HostClass::Qemu, Some(HostId(1)));
        shard.enrol(vec![node, guest, entry(3)]).unwrap();
        for tracked in shard.iter_mut() {
            (tracked.entry.host.presence, tracked.entry.host.last_seen) = (Presence::Never, None);
            tracked.seen_ms = 0;
        }
        shard
    }

    fn sample(at: UnixMillis, cpu: f64) -> native::Sample {
        native::Sample { number: 1, at_ms: at.0, cpu_percent: Some(cpu), ..native::Sample::default() }
    }

    fn tell(shard: &mut Shard, id: i64, state: State, at: UnixMillis) {
        shard.take_polled(PolledHost::new(id, state, 60, vec![sample(at, 5.0)]), at).unwrap();
    }

    fn presence(shard: &Shard, id: i64) -> Presence {
        shard.get(HostId(id)).unwrap().entry.host.presence
    }

    fn events(shard: &Shard) -> Vec<EventKind> {
        directory::owed(&shard.storage.sql, 99).unwrap().into_iter().map(|(event, _)| event.kind).collect()
    }

    #[test]
    fn a_guest_is_what_is_said_of_it_and_each_change_is_told_once() {
        let mut shard = shard();
        tell(&mut shard, 2, State::Up, NOW);
        assert_eq!((presence(&shard, 2), events(&shard)), (Presence::Online, vec![]), "its first sign is no news");
        tell(&mut shard, 2, State::Down, after(60));
        tell(&mut shard, 2, State::Down, after(120));
        assert_eq!((presence(&shard, 2), events(&shard)), (Presence::Offline, vec![EventKind::HostOffline]));
        tell(&mut shard, 2, State::Up, after(180));
        assert_eq!(events(&shard), [EventKind::HostOffline, EventKind::HostOnline]);
    }

    #[test]
    fn one_that_never_ran_is_down_and_nobody_is_told() {
        let mut shard = shard();
        tell(&mut shard, 2, State::Down, NOW);
        assert_eq!((presence(&shard, 2), events(&shard)), (Presence::Offline, vec![]));
    }

    #[test]
    fn nobody_is_down_because_the_hypervisor_could_not_be_asked() {
        let mut shard = shard();
        for id in [1, 2] {
            tell(&mut shard, id, State::Up, NOW);
        }
        shard.judge(NOW, after(60).seconds()).unwrap();
        for minute in 1..=30 {
            tell(&mut shard, 1, State::Unknown, after(minute * 60));
            shard.judge(after(minute * 60), after(minute * 60 + 60).seconds()).unwrap();
        }
        assert_eq!([1, 2].map(|id| presence(&shard, id)), [Presence::Online; 2]);
        assert_eq!(events(&shard), []);
    }

    #[test]
    fn what_stays_costs_no_row() {
        let mut shard = shard();
        tell(&mut shard, 2, State::Up, NOW);
        let facts = Facts { mem_total_bytes: 7, ..Facts::default() };
        let with = |at: UnixMillis| PolledHost::new(2, State::Up, 60, vec![sample(at, 7.0)]).with_facts(&facts);
        shard.take_polled(with(after(60)), after(60)).unwrap();
        let before = shard.storage.sql.rows_written();
        for minute in 2..100 {
            shard.take_polled(with(after(minute * 60)), after(minute * 60)).unwrap();
        }
        assert_eq!(shard.storage.sql.rows_written(), before);
        let guest = shard.get(HostId(2)).unwrap();
        assert_eq!(guest.newest.as_ref().map(|newest| newest.at), Some(after(99 * 60)));
        assert_eq!(guest.entry.host.facts.as_ref().map(|facts| facts.mem_total_bytes), Some(7));
    }

    #[test]
    fn a_machine_reports_itself() {
        let mut shard = shard();
        tell(&mut shard, 3, State::Up, NOW);
        assert_eq!((presence(&shard, 3), shard.get(HostId(3)).unwrap().newest.is_none()), (Presence::Never, true));
    }

    #[test]
    fn what_is_polled_is_found_by_the_names_of_others() {
        let mut shard = shard();
        for id in [1, 2] {
            tell(&mut shard, id, State::Up, NOW);
        }
        let facts = Facts { cpu: vec!["4 Virtual Core".to_owned()], ..Facts::default() };
        for id in [1, 2] {
            let told = PolledHost::new(id, State::Up, 60, vec![sample(after(60), 5.0)]).with_facts(&facts);
            shard.take_polled(told, after(60)).unwrap();
        }
        let minute = Sample { at: after(30), cpu_percent: Some(10.0), ..Sample::default() };
        shard.take_posted(HostId(1), vec![minute], after(120)).unwrap();
        let name = "cpu.idle.percentage";
        for id in [1, 2] {
            let newest = shard.latest_values(HostId(id), &[name.to_owned()]).unwrap();
            assert_eq!(newest, [Some((after(60).seconds().0, 380.0))]);
            assert!(shard.metric_names(HostId(id)).unwrap().contains(name));
        }
        // The series of a guest lie with its node's: here it has none.
        for (id, count) in [(1, 1), (2, 0)] {
            let place = shard.find_metric(HostId(id), name).unwrap().unwrap();
            let wanted = PointsQuery {
                of: id,
                name: name.to_owned(),
                from_s: after(-600).seconds().0,
                to_s: after(600).seconds().0,
            };
            let plan = shard.points_plan(&place, &wanted, after(120));
            let points = shard.points(&place, &wanted, &plan, &[]).unwrap();
            assert_eq!(points, vec![(after(30).seconds().0, 360.0); count]);
        }
        assert_eq!(shard.find_metric(HostId(2), "loadavg1").unwrap(), None, "nobody said it");
    }

    #[test]
    fn posts_of_a_node_are_its_series_and_say_nothing_of_how_it_is() {
        let mut shard = shard();
        tell(&mut shard, 1, State::Up, NOW);
        tell(&mut shard, 1, State::Down, after(60));
        let late = Sample { at: after(30), cpu_percent: Some(70.0), ..Sample::default() };
        for _ in 0..2 {
            shard.take_posted(HostId(1), vec![late.clone()], after(120)).unwrap();
        }
        let node = shard.get(HostId(1)).unwrap();
        assert_eq!(presence(&shard, 1), Presence::Offline);
        assert_eq!(node.newest.as_ref().map(|newest| newest.at), Some(after(60)));
        assert_eq!(shard.kept_under(HostId(1), "cpu_percent").unwrap(), HostId(1).posted());
        let rows = shard.pending_with_names(HostId(1).posted()).unwrap().0;
        let values: Vec<_> = rows.iter().flat_map(|row| row.values().to_vec()).collect();
        assert_eq!(values, [(SeriesId::column(0), 70.0)], "once");
    }
}
