//! The verdict on which hosts are up, over all hosts of the shard, whether they hold a socket or post.
//!
//! What it finds becomes rows of the object's database first and events in D1 after that, so a database that refuses delays an
//! event and loses none.

use edgewatch_core::domain::ids;
use edgewatch_core::domain::presence::{HOLD_S, Impaired, SOCKET_PATIENCE_S, Watch, judge};
use edgewatch_core::model::{Event, EventKind, HostClass, HostId, Link, Presence, Watched};
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use super::shard::Shard;
use super::tracked::Tracked;
use super::wire::VerdictReply;
use super::{HubError, directory};
use crate::platform::log;

/// When the Worker did not call for so long, people are told.
const AWAY_S: i64 = 300;
/// The schedule asks for a verdict every minute; one run may be left out before that is late.
pub const SCHEDULE_S: i64 = 120;
/// Agents that were sent away because storage refused are back after this, seconds: they spread their return.
const RETURN_S: i64 = 90;
/// An alarm that is missing is set for so much later, ms.
pub const SOON_AGAIN_MS: i64 = 10_000;
/// The key of what one verdict leaves for the next.
const WATCH_KEY: &str = "presence_watch";

impl Shard {
    /// Reads what the verdict before left, after the object woke.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn read_watch(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let kept = directory::meta(&self.storage.sql, WATCH_KEY)?.unwrap_or_default();
        let (watch, governor) = kept.split_once('\n').unwrap_or((&kept, ""));
        self.watch = parse(watch);
        self.governor.wake(governor, now);
        self.obey_held(now);
        Ok(())
    }

    /// Keeps what this verdict leaves, and what was counted and decided: 1 row written.
    ///
    /// # Errors
    /// As [`Shard::read_watch`].
    pub fn keep_watch(&self) -> Result<(), HubError> {
        directory::put_meta(
            &self.storage.sql,
            WATCH_KEY,
            &format!("{}\n{}", format_watch(self.watch), self.governor.kept()),
        )
    }

    /// Clocks start anew: the object was started and its sockets are gone, so it has heard nobody yet.
    pub const fn start_anew(&mut self, now: UnixMillis) {
        self.watch = self.watch.anew(now.seconds());
        self.watch.next_by = now.seconds().plus(HOLD_S);
    }

    /// Judges all hosts; every one has to be in memory. The next verdict comes at `next_by` at the latest. Writes a row per change,
    /// and one per event until D1 has it.
    ///
    /// # Errors
    /// As [`Shard::read_watch`]; the next verdict finds the rest.
    pub fn judge(&mut self, now: UnixMillis, next_by: UnixSeconds) -> Result<VerdictReply, HubError> {
        self.judge_at(now, now, next_by)
    }

    /// As [`Shard::judge`] for the schedule, which was due at `now`: the signs of sockets are those of our own clock, `ours`.
    ///
    /// # Errors
    /// As [`Shard::judge`].
    pub fn judge_at(
        &mut self,
        now: UnixMillis,
        ours: UnixMillis,
        next_by: UnixSeconds,
    ) -> Result<VerdictReply, HubError> {
        let ahead_ms = now.0.saturating_sub(ours.0);
        self.excuse(now, ours);
        let excused_ms = self.posts_excused_ms;
        let watched: Vec<Watched> =
            self.iter().filter_map(|tracked| watched(tracked, now, ahead_ms, excused_ms)).collect();
        let last_run_s = self.watch.last_run.map(|at| at.0);
        let verdict = judge(now.seconds(), next_by, self.watch, &watched);
        self.watch = verdict.watch;
        let away_s = match verdict.impaired {
            Some(Impaired::Away { gap_s }) => Some(gap_s),
            Some(Impaired::Mass { .. }) | None => None,
        };
        self.skip_time(away_s, last_run_s, now.0.div_euclid(1000));
        let mut reply = VerdictReply { impaired: verdict.impaired.is_some(), ..VerdictReply::default() };
        for (ids, to) in [(&verdict.offline, Presence::Offline), (&verdict.online, Presence::Online)] {
            for id in ids {
                self.change(*id, to, now)?;
                match to {
                    Presence::Offline => reply.offline += 1,
                    Presence::Online | Presence::Never => reply.online += 1,
                }
            }
        }
        if let Some(impaired) = verdict.impaired {
            directory::owe(&self.storage.sql, &impaired_event(impaired, now), None)?;
        }
        self.look_at_rules(now, ahead_ms);
        if let Err(error) = self.tell_late_addresses(now) {
            // The verdict stands; the next one tells.
            log::error("hub.addresses", &error.to_string());
        }
        Ok(reply)
    }

    /// The Worker called for a verdict or with a report. When it was away people are told, as well as can be: hosts that post could
    /// not be judged. Writes a row then.
    pub fn note_worker(&mut self, now: UnixMillis) {
        let away_s = now.0.saturating_sub(self.governor.called_ms) / 1000;
        self.governor.called_ms = now.0;
        let is_judging = self.watch.last_run.is_some_and(|last_run| now.seconds().since(last_run) <= SCHEDULE_S);
        if away_s <= AWAY_S || !is_judging {
            // Else the verdict itself finds that nobody judged.
            return;
        }
        // What comes through first is one of many that waited.
        self.posts_excused_ms = now.0;
        let text = format!(
            "the hub heard nothing of the Worker for {away_s} s, as when its requests are used up; hosts that post were not \
             judged"
        );
        let event = Event::new(ids::time_key(now, 1), EventKind::MonitoringImpaired, None, now.seconds(), text);
        if let Err(error) = directory::owe(&self.storage.sql, &event, None) {
            log::error("hub.presence", &error.to_string());
        }
    }

    /// Whom our own refusals have silenced is not called offline for it: while storage refuses and until agents that were sent away
    /// are back, nobody is; while agents keep their samples by the governor's word, nobody who posts, for reports are his only
    /// sign of life.
    fn excuse(&mut self, now: UnixMillis, ours: UnixMillis) {
        let ahead_ms = now.0.saturating_sub(ours.0);
        if self.refused_until_ms > ours.0 {
            self.watch.clocks_from = now.seconds();
            let back_by = UnixMillis(self.refused_until_ms.saturating_add(ahead_ms)).seconds().plus(RETURN_S);
            self.watch.hold_until = self.watch.hold_until.max(back_by);
        }
        // Without the Worker's runs no report comes through either.
        let is_worker_away = ours.0.saturating_sub(self.governor.called_ms) > SCHEDULE_S * 1000;
        if self.hold_until_ms > ours.0 || is_worker_away {
            self.posts_excused_ms = now.0;
        } else if self.hold_until_ms > 0 {
            let ended_ms = self.hold_until_ms.saturating_add(ahead_ms).min(now.0);
            self.posts_excused_ms = self.posts_excused_ms.max(ended_ms);
        }
    }

    /// A host is up or down from now on; people are told, unless it was heard of for the first time. Writes its row, and one for the event.
    ///
    /// # Errors
    /// As [`Shard::read_watch`].
    pub(super) fn change(&mut self, id: HostId, to: Presence, now: UnixMillis) -> Result<(), HubError> {
        let sql = self.storage.sql.clone();
        let Some(tracked) = self.hosts.get_mut(&id) else { return Ok(()) };
        tracked.ensure_loaded(&sql)?;
        let seen_ms = tracked.seen_ms;
        let host = &tracked.entry.host;
        let mut event = change_event(id, (&host.name, host.class), to, seen_ms, now);
        // Where a rule tells of it, nobody has to be told twice; of who is polled thresholds tell.
        event.is_quiet = host.class.is_polled() || self.rules.book.tells_of_silence(id, &host.tag);
        let is_first = tracked.entry.host.presence == Presence::Never;
        if to == Presence::Offline {
            // The minutes before it fell silent are the ones that people want.
            tracked.keep(&sql, now)?;
            self.forget_delays(id, now);
        }
        let Some(tracked) = self.hosts.get_mut(&id) else { return Ok(()) };
        if !is_first {
            directory::owe(&sql, &event, Some(&tracked.entry.host.name))?;
        }
        tracked.entry.host.presence = to;
        tracked.entry.host.last_seen = (seen_ms > 0).then(|| UnixMillis(seen_ms).seconds());
        (tracked.is_changed, tracked.is_news) = (true, true);
        directory::put(&sql, &tracked.entry)
    }
}

fn watched(tracked: &Tracked, now: UnixMillis, ahead_ms: i64, posts_excused_ms: i64) -> Option<Watched> {
    if tracked.entry.host.class.is_polled() {
        // It has no voice that could fall silent.
        return None;
    }
    let is_socket = tracked.link == Link::Socket;
    let is_online = tracked.entry.host.presence == Presence::Online;
    let ahead_ms = if is_socket { ahead_ms } else { 0 };
    let excused_ms = if is_socket || !is_online { 0 } else { posts_excused_ms };
    // A clock that stepped back leaves signs of life in the future.
    let seen_ms = tracked.seen_ms.saturating_add(ahead_ms).max(excused_ms).min(now.0);
    let last_seen = (tracked.seen_ms > 0).then(|| UnixMillis(seen_ms).seconds())?;
    Some(Watched {
        id: tracked.id(),
        presence: tracked.entry.host.presence,
        last_seen: Some(last_seen),
        link: tracked.link,
    })
}

/// The key is made of what happened, so the same event told again after a lost reply is the same event.
fn change_event(id: HostId, (name, class): (&str, HostClass), to: Presence, seen_ms: i64, now: UnixMillis) -> Event {
    let silent_s = now.0.saturating_sub(seen_ms).max(0) / 1000;
    let (kind, text) = match to {
        Presence::Offline if class.is_guest() => (EventKind::HostOffline, format!("{name} does not run any more")),
        Presence::Offline if class.is_polled() => {
            (EventKind::HostOffline, format!("{name} is offline, says who was asked of it"))
        }
        Presence::Offline => (EventKind::HostOffline, format!("{name} is offline: no sign of life for {silent_s} s")),
        Presence::Online | Presence::Never => (EventKind::HostOnline, format!("{name} is online again")),
    };
    let random = id.0.unsigned_abs() << 2 | u64::from(super::wire::presence_number(to));
    Event::new(ids::time_key(now, random), kind, Some(id), now.seconds(), text)
}

fn impaired_event(impaired: Impaired, now: UnixMillis) -> Event {
    let text = match impaired {
        Impaired::Away { gap_s } => {
            format!("nobody judged for {gap_s} s; no host is called offline for the next 3 minutes")
        }
        Impaired::Mass { silent, online } => format!(
            "{silent} of {online} hosts fell silent at once; it may be us, so they are called offline only if they stay \
             silent for 3 more minutes"
        ),
    };
    Event::new(ids::time_key(now, 0), EventKind::MonitoringImpaired, None, now.seconds(), text)
}

/// When the alarm is to look again, given the last sign of life of each socket: when the one silent longest would be over its
/// patience, at least 5 s from now.
pub fn next_alarm(now: UnixMillis, signs_ms: impl Iterator<Item = i64>) -> Option<UnixMillis> {
    let oldest = signs_ms.min()?;
    let due = oldest.saturating_add(SOCKET_PATIENCE_S * 1000);
    Some(UnixMillis(due.clamp(now.0 + 5_000, now.0 + SOCKET_PATIENCE_S * 1000)))
}

/// When the alarm is to look again after the hosts of a shard; `None` when none is expected to ping.
pub fn next_alarm_of(shard: &Shard, now: UnixMillis) -> Option<UnixMillis> {
    next_alarm(now, shard.iter().filter(|host| is_expected(host)).map(|host| host.seen_ms))
}

/// When the alarm is to look again because a rule waits for how long a host is silent; `None` when none does.
pub fn next_alarm_of_rules(shard: &Shard, now: UnixMillis) -> Option<UnixMillis> {
    shard.rules.book.next_due().map(|due| UnixMillis(due.0.clamp(now.0 + 5_000, now.0 + SCHEDULE_S * 1000)))
}

/// `last_run next_by clocks_from hold_until held`, numbers apart by spaces; -1 for no last run.
fn format_watch(watch: Watch) -> String {
    let last_run = watch.last_run.map_or(-1, |at| at.0);
    let held = u8::from(watch.held_for_mass);
    format!("{last_run} {} {} {} {held}", watch.next_by.0, watch.clocks_from.0, watch.hold_until.0)
}

fn parse(text: &str) -> Watch {
    let numbers: Vec<i64> = text.split(' ').filter_map(|part| part.parse().ok()).collect();
    let [last_run, next_by, clocks_from, hold_until, held] = numbers.as_slice() else {
        return Watch::default();
    };
    Watch {
        last_run: (*last_run >= 0).then_some(UnixSeconds(*last_run)),
        next_by: UnixSeconds(*next_by),
        clocks_from: UnixSeconds(*clocks_from),
        hold_until: UnixSeconds(*hold_until),
        held_for_mass: *held != 0,
    }
}

/// Whether the alarm has to look after a host: it was heard over a socket and nothing was decided since.
pub fn is_expected(tracked: &Tracked) -> bool {
    tracked.link == Link::Socket && tracked.entry.host.presence == Presence::Online
}

/// Notes the last signs of life of hosts with sockets.
pub fn hear_all(shard: &mut Shard, signs_ms: &[(HostId, i64)]) {
    for (id, at_ms) in signs_ms {
        if let Some(tracked) = shard.get_mut(*id) {
            // No news for viewers: who is online pings.
            tracked.seen_ms = tracked.seen_ms.max(*at_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn shard(hosts: i64) -> Shard {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol((1..=hosts).map(entry).collect()).unwrap();
        for tracked in shard.iter_mut() {
            tracked.entry.host.presence = Presence::Online;
            (tracked.link, tracked.seen_ms) = (Link::Socket, NOW.0);
        }
        let next_by = NOW.seconds().plus(20);
        shard.judge(NOW, next_by).unwrap();
        shard
    }

    fn after(seconds: i64) -> UnixMillis {
        UnixMillis(NOW.0 + seconds * 1000)
    }

    fn kinds(shard: &Shard) -> Vec<EventKind> {
        directory::owed(&shard.storage.sql, 99).unwrap().into_iter().map(|(event, _)| event.kind).collect()
    }

    #[test]
    fn a_silent_socket_is_down_after_twenty_seconds_and_back_with_its_next_sign() {
        let mut shard = shard(1);
        assert_eq!(shard.judge(after(19), after(39).seconds()), Ok(VerdictReply::default()));
        assert_eq!(shard.judge(after(20), after(40).seconds()).unwrap().offline, 1);
        assert_eq!(shard.get(HostId(1)).unwrap().host().presence, Presence::Offline);
        shard.get_mut(HostId(1)).unwrap().hear(after(25));
        assert_eq!(shard.judge(after(30), after(50).seconds()).unwrap().online, 1);
        assert_eq!(kinds(&shard), [EventKind::HostOffline, EventKind::HostOnline]);
        // A restart finds it as it was decided.
        let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
        again.complete(vec![]).unwrap();
        assert_eq!(again.get(HostId(1)).unwrap().host().presence, Presence::Online);
    }

    #[test]
    fn a_restarted_object_calls_nobody_offline_for_three_minutes() {
        let shard = shard(2);
        shard.keep_watch().unwrap();
        let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
        again.read_watch(after(50)).unwrap();
        assert_eq!(again.watch, shard.watch);
        again.start_anew(after(100));
        again.complete(vec![]).unwrap();
        for tracked in again.iter_mut() {
            tracked.entry.host.presence = Presence::Online;
            (tracked.link, tracked.seen_ms) = (Link::Socket, NOW.0);
        }
        assert_eq!(again.judge(after(279), after(300).seconds()).unwrap().offline, 0);
        assert_eq!(again.judge(after(280), after(300).seconds()).unwrap().offline, 2);
        assert_eq!(kinds(&again), [EventKind::HostOffline, EventKind::HostOffline]);
    }

    #[test]
    fn an_alarm_that_ran_late_calls_nobody_offline() {
        let mut shard = shard(1);
        assert_eq!(
            shard.judge(after(3_600), after(3_620).seconds()).unwrap(),
            VerdictReply { impaired: true, ..VerdictReply::default() }
        );
        assert_eq!(kinds(&shard), [EventKind::MonitoringImpaired]);
    }

    #[test]
    fn a_clock_that_steps_back_calls_nobody_offline() {
        let mut shard = shard(1);
        for seconds in [-3_600, -3_590, -3_580] {
            assert_eq!(shard.judge(after(seconds), after(seconds + 20).seconds()), Ok(VerdictReply::default()));
        }
    }

    #[test]
    fn a_host_that_never_reported_is_not_judged() {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        let mut never = entry(1);
        (never.host.presence, never.host.last_seen) = (Presence::Never, None);
        shard.enrol(vec![never]).unwrap();
        assert_eq!(shard.judge(NOW, after(20).seconds()), Ok(VerdictReply::default()));
        assert_eq!(shard.judge(after(20), after(40).seconds()), Ok(VerdictReply::default()));
    }

    #[test]
    fn the_alarm_comes_when_the_oldest_sign_is_over_its_patience() {
        assert_eq!(next_alarm(NOW, std::iter::empty()), None);
        let next = |silences: &[i64]| next_alarm(NOW, silences.iter().map(|s| NOW.0 - s * 1000)).unwrap().0 - NOW.0;
        assert_eq!(next(&[3, 9, 1]), 11_000);
        assert_eq!(next(&[0]), 20_000);
        assert_eq!(next(&[18, 90]), 5_000);
        assert_eq!(next(&[-3_600]), 20_000, "signs in the future");
    }

    #[test]
    fn what_a_verdict_leaves_is_what_the_next_one_reads() {
        let watch = Watch {
            last_run: Some(UnixSeconds(1_795_361_190)),
            next_by: UnixSeconds(3),
            clocks_from: UnixSeconds(5),
            hold_until: UnixSeconds(7),
            held_for_mass: true,
        };
        assert_eq!(parse(&format_watch(watch)), watch);
        assert_eq!(parse(&format_watch(Watch::default())), Watch::default());
        assert_eq!(parse("nonsense"), Watch::default());
    }
}
