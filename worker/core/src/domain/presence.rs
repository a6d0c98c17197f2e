//! When a host is thought to be down, and when a silence is rather ours.
//!
//! A host with a socket pings every ten seconds and is down after twenty without a sign; one that posts is given three of its
//! periods. Many that fall silent together, and a judge that was away itself, mean that the silence may be ours.

use crate::model::{HostId, Link, Presence, Watched};
use crate::units::UnixSeconds;

/// Reporting periods a host may stay silent. Source: design, "Presence".
const PATIENCE_PERIODS: i64 = 3;
/// The least patience with any host. Source: design, "Presence".
const MIN_PATIENCE_S: i64 = 60;
/// Seconds that an agent with a socket may be silent: it pings every ten. Source: design, "Presence".
pub const SOCKET_PATIENCE_S: i64 = 20;
/// An agent with a socket that is silent for longer has missed a ping.
const SOCKET_SUSPECT_S: i64 = 13;
/// How long judgement is suspended when the silence may be ours. Source: design, "Presence".
pub const HOLD_S: i64 = 180;
/// A run this much later than the one before planned it means that we were away.
const LATE_S: i64 = 30;
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
    /// When the run before was.
    pub last_run: Option<UnixSeconds>,
    /// When the run after it should be at the latest.
    pub next_by: UnixSeconds,
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
    /// Nobody judged for this many seconds.
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

impl Watch {
    /// Clocks start anew at `now`: whoever judges has just been started and has heard nobody yet.
    #[must_use]
    pub const fn anew(self, now: UnixSeconds) -> Self {
        Self { clocks_from: now, hold_until: now.plus(HOLD_S), held_for_mass: false, ..self }
    }

    /// Whether nobody is called offline at `now`.
    pub fn is_holding(&self, now: UnixSeconds) -> bool {
        now < self.hold_until
    }
}

/// How many seconds of silence a host is given.
pub fn patience_s(link: Link) -> i64 {
    match link {
        Link::Socket => SOCKET_PATIENCE_S,
        Link::Post { period_s, frame_s } => (i64::from(period_s.max(frame_s)) * PATIENCE_PERIODS).max(MIN_PATIENCE_S),
    }
}

/// Decides for all hosts at `now`; the next decision will be made at `next_by` at the latest.
pub fn judge(now: UnixSeconds, next_by: UnixSeconds, mut watch: Watch, hosts: &[Watched]) -> Verdict {
    let mut impaired = None;
    match watch.last_run {
        Some(last_run) if now.since(watch.next_by) > LATE_S => {
            impaired = Some(Impaired::Away { gap_s: now.since(last_run) });
            watch = watch.anew(now);
        }
        Some(_) => {}
        // The first run of all has heard nothing yet.
        None => watch.clocks_from = now,
    }
    (watch.last_run, watch.next_by) = (Some(now), next_by);

    let silence = |host: &Watched| now.since(host.last_seen.unwrap_or_default().max(watch.clocks_from));
    let back = |host: &&Watched| {
        let is_heard = |seen: UnixSeconds| now.since(seen) < patience_s(host.link);
        host.presence != Presence::Online && host.last_seen.is_some_and(is_heard)
    };
    let silent = |host: &&Watched| host.presence == Presence::Online && silence(host) >= patience_s(host.link);
    // Pings come at different moments, so of many sockets that died together a few are over their patience first.
    let suspect = |host: &&Watched| {
        let limit = if host.link == Link::Socket { SOCKET_SUSPECT_S } else { patience_s(host.link) };
        host.presence == Presence::Online && silence(host) >= limit
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
        let suspects = hosts.iter().filter(suspect).count();
        if !offline.is_empty() && suspects > MASS_MORE_THAN && suspects * MASS_SHARE > were_online {
            impaired = Some(Impaired::Mass { silent: suspects, online: were_online });
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
        let link = Link::Post { period_s: 10, frame_s: 10 };
        Watched { id: HostId(id), presence, last_seen: Some(NOW.plus(-silent_s)), link }
    }

    fn running() -> Watch {
        Watch { last_run: Some(NOW.plus(-60)), next_by: NOW, ..Watch::default() }
    }

    /// A run of the schedule, which fires every minute.
    fn judge(now: UnixSeconds, watch: Watch, hosts: &[Watched]) -> Verdict {
        super::judge(now, now.plus(60), watch, hosts)
    }

    fn socket(id: i64, silent_s: i64) -> Watched {
        Watched { link: Link::Socket, ..host(id, Presence::Online, silent_s) }
    }

    #[test]
    fn a_socket_without_a_sign_for_twenty_seconds_is_down() {
        assert_eq!(judge(NOW, running(), &[socket(1, 19), socket(2, 20)]).offline, [HostId(2)]);
    }

    #[test]
    fn sockets_that_died_together_are_a_mass_although_their_patience_ends_one_by_one() {
        // Their last pings lie up to ten seconds apart.
        let mut fleet: Vec<Watched> = (0..10).map(|id| socket(id, 11 + id)).collect();
        fleet.extend((10..60).map(|id| socket(id, 2)));
        let verdict = judge(NOW, running(), &fleet);
        assert_eq!((verdict.offline, verdict.impaired), (vec![], Some(Impaired::Mass { silent: 8, online: 60 })));
        let early = judge(NOW.plus(-2), running(), &fleet);
        assert_eq!(early.impaired, None, "nobody is over its patience yet");
    }

    #[test]
    fn a_judge_that_was_just_started_has_heard_nobody() {
        let watch = running().anew(NOW);
        assert!(watch.is_holding(NOW.plus(179)) && !watch.is_holding(NOW.plus(180)));
        assert_eq!(judge(NOW, watch, &[socket(1, 4_000)]).offline, []);
        let later = judge(NOW.plus(180), Watch { next_by: NOW.plus(180), ..watch }, &[socket(1, 4_000)]);
        assert_eq!(later.offline, [HostId(1)]);
    }

    #[test]
    fn a_host_is_down_after_its_patience_and_not_before() {
        assert_eq!(judge(NOW, running(), &[host(1, Presence::Online, 59)]).offline, []);
        assert_eq!(judge(NOW, running(), &[host(1, Presence::Online, 60)]).offline, [HostId(1)]);
        let slow = Watched { link: Link::Post { period_s: 60, frame_s: 60 }, ..host(1, Presence::Online, 179) };
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
        let away = Watch { last_run: Some(NOW.plus(-3600)), next_by: NOW.plus(-3540), ..Watch::default() };
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
