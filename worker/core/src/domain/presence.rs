//! When a host that only posts is thought to be down, and when a silence is rather ours.

use crate::model::{HostId, Presence, Watched};
use crate::units::UnixSeconds;

/// Reporting periods a host may stay silent. Source: design, "Presence".
const PATIENCE_PERIODS: i64 = 3;
/// The least patience with any host. Source: design, "Presence".
const MIN_PATIENCE_S: i64 = 60;
/// How long judgement is suspended when the silence may be ours. Source: design, "Presence".
const HOLD_S: i64 = 180;
/// A run this long after the one before means that we were away. The schedule fires every 60 s.
const LATE_RUN_S: i64 = 150;
/// This many hosts may fall silent in one run before it looks like our fault. Source: design, "Presence".
const MASS_MORE_THAN: usize = 3;
/// This many changes a run may make; the rest waits for the next. It bounds what one run writes, tells and computes: the free
/// plan has 10 ms of CPU for it. Source: platform specification, 1.1.
const MAX_CHANGES: usize = 50;
/// So may one host in this many. Source: design, "Presence".
const MASS_SHARE: usize = 10;

/// What one run leaves for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// When the run before was due.
    pub last_run: Option<UnixSeconds>,
    /// No silence counts from before this moment: we were not there to hear.
    pub clocks_from: UnixSeconds,
    /// Nobody is called offline before this moment.
    pub hold_until: UnixSeconds,
    /// Whether the hold is because of many hosts at once; those still silent when it ends are down.
    pub held_for_mass: bool,
}

/// Why judgement was suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impaired {
    /// The schedule did not run for this many seconds.
    Away {
        /// Seconds since the run before.
        gap_s: i64,
    },
    /// This many hosts fell silent at once.
    Mass {
        /// How many.
        silent: usize,
        /// Out of how many that were online.
        online: usize,
    },
}

/// What a run decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Hosts that are down from now on.
    pub offline: Vec<HostId>,
    /// Hosts that are back.
    pub online: Vec<HostId>,
    /// What the next run needs.
    pub watch: Watch,
    /// Set when judgement was suspended by this run.
    pub impaired: Option<Impaired>,
}

/// How many seconds of silence a host is given.
pub fn patience_s(period_s: u32, frame_s: u32) -> i64 {
    (i64::from(period_s.max(frame_s)) * PATIENCE_PERIODS).max(MIN_PATIENCE_S)
}

/// Decides for all hosts at `now`, the moment the run was due.
pub fn judge(now: UnixSeconds, mut watch: Watch, hosts: &[Watched]) -> Verdict {
    let mut impaired = None;
    match watch.last_run {
        Some(last_run) if now.since(last_run) > LATE_RUN_S => {
            impaired = Some(Impaired::Away { gap_s: now.since(last_run) });
            watch = Watch { clocks_from: now, hold_until: now.plus(HOLD_S), held_for_mass: false, ..watch };
        }
        Some(_) => {}
        // The first run of all has heard nothing yet.
        None => watch.clocks_from = now,
    }
    watch.last_run = Some(now);

    let heard = |host: &Watched, seen: UnixSeconds| now.since(seen) < patience_s(host.period_s, host.frame_s);
    let back =
        |host: &&Watched| host.presence != Presence::Online && host.last_seen.is_some_and(|seen| heard(host, seen));
    let silent = |host: &&Watched| {
        let since = host.last_seen.unwrap_or_default().max(watch.clocks_from);
        host.presence == Presence::Online && !heard(host, since)
    };
    let mut online: Vec<HostId> = hosts.iter().filter(back).map(|host| host.id).collect();
    online.truncate(MAX_CHANGES);
    let mut offline: Vec<HostId> = hosts.iter().filter(silent).map(|host| host.id).collect();

    if now < watch.hold_until {
        offline.clear();
    } else if watch.held_for_mass {
        // Those still silent are down, and stay exempt from the guard until all of them are told of.
        watch.held_for_mass = offline.len() > MAX_CHANGES;
    } else {
        let were_online = hosts.iter().filter(|host| host.presence == Presence::Online).count();
        if offline.len() > MASS_MORE_THAN && offline.len() * MASS_SHARE > were_online {
            impaired = Some(Impaired::Mass { silent: offline.len(), online: were_online });
            watch.hold_until = now.plus(HOLD_S);
            watch.held_for_mass = true;
            offline.clear();
        }
    }
    offline.truncate(MAX_CHANGES);
    Verdict { offline, online, watch, impaired }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn host(id: i64, presence: Presence, silent_s: i64) -> Watched {
        Watched { id: HostId(id), presence, last_seen: Some(NOW.plus(-silent_s)), period_s: 10, frame_s: 10 }
    }

    fn running() -> Watch {
        Watch { last_run: Some(NOW.plus(-60)), ..Watch::default() }
    }

    #[test]
    fn a_host_is_down_after_its_patience_and_not_before() {
        assert_eq!(judge(NOW, running(), &[host(1, Presence::Online, 59)]).offline, []);
        assert_eq!(judge(NOW, running(), &[host(1, Presence::Online, 60)]).offline, [HostId(1)]);
        let slow = Watched { period_s: 60, frame_s: 60, ..host(1, Presence::Online, 179) };
        assert_eq!(judge(NOW, running(), &[slow]).offline, []);
    }

    #[test]
    fn a_host_that_reports_again_is_back_and_one_that_never_did_is_left_alone() {
        let never = Watched { presence: Presence::Never, last_seen: None, ..host(2, Presence::Never, 0) };
        let verdict = judge(NOW, running(), &[host(1, Presence::Offline, 5), never]);
        assert_eq!((verdict.online, verdict.offline), (vec![HostId(1)], vec![]));
    }

    #[test]
    fn nobody_is_called_offline_because_we_were_away() {
        let hosts = [host(1, Presence::Online, 4000)];
        let away = Watch { last_run: Some(NOW.plus(-3600)), ..Watch::default() };
        let first = judge(NOW, away, &hosts);
        assert_eq!(first.offline, []);
        assert_eq!(first.impaired, Some(Impaired::Away { gap_s: 3600 }));
        let mut watch = first.watch;
        for minute in 1..3 {
            let next = judge(NOW.plus(60 * minute), watch, &hosts);
            assert_eq!((next.offline, next.impaired), (vec![], None), "minute {minute}");
            watch = next.watch;
        }
        assert_eq!(judge(NOW.plus(180), watch, &hosts).offline, [HostId(1)], "still silent when the hold ends");
    }

    #[test]
    fn the_first_run_of_all_calls_nobody_offline() {
        assert_eq!(judge(NOW, Watch::default(), &[host(1, Presence::Online, 4000)]).offline, []);
    }

    #[test]
    fn many_at_once_are_held_and_then_judged() {
        let fleet: Vec<Watched> =
            (1..=20).map(|id| host(id, Presence::Online, if id <= 4 { 100 } else { 5 })).collect();
        let first = judge(NOW, running(), &fleet);
        assert_eq!(first.offline, []);
        assert_eq!(first.impaired, Some(Impaired::Mass { silent: 4, online: 20 }));
        let kept: Vec<Watched> = fleet
            .iter()
            .map(|one| Watched {
                last_seen: one.last_seen.map(|seen| seen.plus(if one.id.0 > 2 { 270 } else { 0 })),
                ..*one
            })
            .collect();
        let mut watch = first.watch;
        for minute in 1..3 {
            watch = judge(NOW.plus(60 * minute), watch, &kept).watch;
        }
        let last = judge(NOW.plus(180), watch, &kept);
        assert_eq!(last.offline, [HostId(1), HostId(2)]);
        assert_eq!(last.impaired, None);
        assert!(!last.watch.held_for_mass);
    }

    #[test]
    fn three_of_three_are_not_a_mass() {
        let fleet = [1, 2, 3].map(|id| host(id, Presence::Online, 100));
        assert_eq!(judge(NOW, running(), &fleet).offline.len(), 3);
    }

    #[test]
    fn a_mass_that_stays_down_is_reported_although_it_is_a_mass() {
        let mut fleet: Vec<Watched> = (1..=120).map(|id| host(id, Presence::Online, 100)).collect();
        let mut watch = judge(NOW, running(), &fleet).watch;
        let mut found = Vec::new();
        for minute in 1..=6 {
            let verdict = judge(NOW.plus(60 * minute), watch, &fleet);
            found.push(verdict.offline.len());
            for host in fleet.iter_mut().filter(|host| verdict.offline.contains(&host.id)) {
                host.presence = Presence::Offline;
            }
            watch = verdict.watch;
        }
        assert_eq!(found, [0, 0, 50, 50, 20, 0], "so many a run, and none of them held again");
        assert!(!watch.held_for_mass);
    }
}
