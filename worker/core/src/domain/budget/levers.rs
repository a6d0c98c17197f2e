//! What the governor can turn, how far, and what each turn saves.

use super::forecast::DAY_S;
use super::prices::Meter;
use super::usage::Usage;

/// The longest time between two frames of a socket agent. Its presence goes by pings, which cost nothing; twenty minutes of
/// samples are the most a report carries, so two frames' worth fit in one.
pub const MAX_FRAME_S: u32 = 600;
/// The longest time between two reports of an agent that posts: they are its only sign of life, and it is given three.
/// Six minutes carry 340 hosts on the free plan. Source: issue 3, "Must reach".
pub const MAX_POST_FRAME_S: u32 = 360;
/// Seconds between two alarms of the hub while it has sockets. No lever: presence stands on it. Source: design, "Presence".
pub const PRESENCE_ALARM_S: u32 = 10;
/// What an object is active for one message or call, ms. Source: platform specification, section 2.
pub const EVENT_ACTIVE_MS: u64 = 5;

/// Lengths of a frame, seconds.
const FRAMES_S: [u32; 5] = [60, 120, 180, 360, MAX_FRAME_S];
/// Times between two writes of an open block, seconds; the block's own length ends them.
const WRITES_S: [u32; 6] = [60, 120, 300, 600, 1_200, 1_800];
/// Times between two writes of the newest state to D1, seconds.
const NEWEST_S: [u32; 4] = [300, 600, 1_200, 3_600];
/// Hosts that send live frames at a time.
const LIVE_HOSTS: [u32; 4] = [50, 25, 10, 0];

/// Where the levers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levers {
    /// Seconds between two frames of a host that nobody watches.
    pub frame_s: u32,
    /// Seconds between two writes of a host's open block; at least a frame in effect.
    pub write_s: u32,
    /// Seconds between two writes of all hosts' newest state to D1.
    pub newest_s: u32,
    /// How many hosts may send live frames at a time.
    pub live_hosts: u32,
}

impl Default for Levers {
    /// A small fleet's: a frame a minute, written at once. Source: design, "The bill is a feature".
    fn default() -> Self {
        Self { frame_s: 60, write_s: 60, newest_s: 300, live_hosts: 50 }
    }
}

impl Levers {
    /// Seconds between two reports of a host that posts.
    pub fn post_frame_s(&self) -> u32 {
        self.frame_s.min(MAX_POST_FRAME_S)
    }
}

/// How far the levers go: from the operator's wish to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The wish: no lever ever goes faster.
    pub base: Levers,
    /// Seconds that one block covers: an open block is written at least that often.
    pub block_s: u32,
}

/// One lever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    /// [`Levers::frame_s`].
    Frame,
    /// [`Levers::live_hosts`].
    Live,
    /// [`Levers::write_s`].
    Write,
    /// [`Levers::newest_s`].
    Newest,
}

/// The levers in the order in which they are given back.
pub const GIVEN_BACK: [Lever; 4] = [Lever::Live, Lever::Frame, Lever::Write, Lever::Newest];

/// The levers that relieve a meter, in the order in which they are turned: what nobody looks at first.
pub const fn relief(meter: Meter) -> &'static [Lever] {
    match meter {
        Meter::ObjectRequests | Meter::Active => &[Lever::Frame, Lever::Live],
        Meter::WorkerRequests => &[Lever::Frame],
        Meter::ObjectRowsWritten | Meter::ObjectRowsRead => &[Lever::Write, Lever::Frame],
        Meter::D1RowsWritten | Meter::D1RowsRead => &[Lever::Newest],
        Meter::WorkerCpu | Meter::D1Bytes | Meter::ObjectBytes => &[],
    }
}

impl Range {
    /// `levers` brought into this range: the operator's wish may have changed.
    #[must_use]
    pub fn clamped(&self, levers: Levers) -> Levers {
        let base = self.base;
        Levers {
            frame_s: levers.frame_s.clamp(base.frame_s, MAX_FRAME_S.max(base.frame_s)),
            write_s: levers.write_s.clamp(base.write_s, self.block_s.max(base.write_s)),
            newest_s: levers.newest_s.max(base.newest_s),
            live_hosts: levers.live_hosts.min(base.live_hosts),
        }
    }

    /// One step towards spending less; `None` at the end.
    pub fn slower(&self, lever: Lever, levers: Levers) -> Option<Levers> {
        let longer = |ladder: &[u32], now: u32| ladder.iter().copied().find(|step| *step > now);
        let next = match lever {
            Lever::Frame => Levers { frame_s: longer(&FRAMES_S, levers.frame_s)?, ..levers },
            Lever::Live => {
                let fewer = LIVE_HOSTS.iter().copied().find(|step| *step < levers.live_hosts)?;
                Levers { live_hosts: fewer, ..levers }
            }
            Lever::Write => Levers { write_s: longer(&WRITES_S, levers.write_s)?, ..levers },
            Lever::Newest => Levers { newest_s: longer(&NEWEST_S, levers.newest_s)?, ..levers },
        };
        let next = self.clamped(next);
        (next != levers).then_some(next)
    }

    /// One step back towards the operator's wish; `None` when it is reached.
    pub fn faster(&self, lever: Lever, levers: Levers) -> Option<Levers> {
        let shorter = |ladder: &[u32], now: u32| ladder.iter().copied().rfind(|step| *step < now);
        let base = self.base;
        let next = match lever {
            Lever::Frame => Levers { frame_s: shorter(&FRAMES_S, levers.frame_s).unwrap_or(base.frame_s), ..levers },
            Lever::Live => {
                let more = LIVE_HOSTS.iter().copied().rfind(|step| *step > levers.live_hosts);
                Levers { live_hosts: more.unwrap_or(base.live_hosts), ..levers }
            }
            Lever::Write => Levers { write_s: shorter(&WRITES_S, levers.write_s).unwrap_or(base.write_s), ..levers },
            Lever::Newest => {
                Levers { newest_s: shorter(&NEWEST_S, levers.newest_s).unwrap_or(base.newest_s), ..levers }
            }
        };
        let next = self.clamped(next);
        (next != levers).then_some(next)
    }
}

/// What the fleet asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Hosts on sockets.
    pub socket_hosts: u32,
    /// Hosts that post.
    pub posting_hosts: u32,
    /// Hosts that somebody watches, on sockets.
    pub watched_hosts: u32,
    /// Seconds between two samples, and so between two live frames.
    pub period_s: u32,
    /// How many objects hold the fleet.
    pub shards: u16,
}

impl Load {
    /// What presence costs a day: the alarms, and the cron trigger asking for the verdict each minute.
    pub fn presence_daily(&self) -> Usage {
        let shards = u64::from(self.shards.max(1));
        let alarms = if self.socket_hosts > 0 { shards * times_a_day(PRESENCE_ALARM_S) } else { 0 };
        let minutes = times_a_day(60);
        Usage {
            worker_requests: minutes,
            object_calls: minutes * shards,
            alarms,
            alarms_set: alarms,
            active_ms: (alarms + minutes * shards) * EVENT_ACTIVE_MS,
            ..Usage::default()
        }
    }

    /// What a day costs with the levers like this: presence, frames, reports, blocks and newest states. What people and
    /// other programs ask for is not in it.
    pub fn daily(&self, levers: &Levers) -> Usage {
        let sockets = u64::from(self.socket_hosts);
        let posting = u64::from(self.posting_hosts);
        let live = u64::from(self.watched_hosts.min(levers.live_hosts).min(self.socket_hosts));
        let messages = (sockets - live) * times_a_day(levers.frame_s) + live * times_a_day(self.period_s);
        let posts = posting * times_a_day(levers.post_frame_s());
        let writes = sockets * times_a_day(levers.write_s.max(levers.frame_s));
        let newest = (sockets + posting) * times_a_day(levers.newest_s);
        self.presence_daily().plus(Usage {
            worker_requests: posts,
            object_calls: posts,
            messages,
            // A post is safe only once its row is written.
            object_rows_written: writes + posts,
            object_rows_read: writes + posts,
            d1_rows_written: newest,
            d1_rows_read: newest,
            active_ms: (messages + posts) * EVENT_ACTIVE_MS,
            ..Usage::default()
        })
    }
}

fn times_a_day(every_s: u32) -> u64 {
    u64::from(DAY_S / every_s.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range =
        Range { base: Levers { frame_s: 60, write_s: 60, newest_s: 300, live_hosts: 50 }, block_s: 1_200 };

    fn to_the_end(range: Range, lever: Lever) -> Vec<Levers> {
        let steps = std::iter::successors(Some(range.base), |levers| range.slower(lever, *levers));
        steps.collect()
    }

    #[test]
    fn every_lever_goes_to_its_end_and_all_the_way_back() {
        for lever in GIVEN_BACK {
            let down = to_the_end(RANGE, lever);
            assert!(down.len() > 2, "{lever:?}");
            let back = std::iter::successors(down.last().copied(), |levers| RANGE.faster(lever, *levers));
            let mut back: Vec<Levers> = back.collect();
            back.reverse();
            assert_eq!(down, back, "{lever:?}");
        }
    }

    #[test]
    fn an_open_block_is_written_at_least_once_in_its_length() {
        for block_s in [60, 900, 1_200, 1_500, 1_800] {
            let last = to_the_end(Range { block_s, ..RANGE }, Lever::Write).last().copied().unwrap();
            assert_eq!(last.write_s, block_s);
        }
    }

    #[test]
    fn no_frame_is_longer_than_presence_bears() {
        let last = to_the_end(RANGE, Lever::Frame).last().copied().unwrap();
        assert_eq!((last.frame_s, last.post_frame_s()), (MAX_FRAME_S, MAX_POST_FRAME_S));
    }

    #[test]
    fn a_wish_that_is_slower_than_the_ladder_stays() {
        let slow = Range { base: Levers { frame_s: 900, write_s: 3_600, live_hosts: 7, ..RANGE.base }, ..RANGE };
        assert_eq!(slow.clamped(slow.base), slow.base);
        assert_eq!(slow.slower(Lever::Frame, slow.base), None);
        assert_eq!(slow.slower(Lever::Write, slow.base), None);
        assert_eq!(slow.slower(Lever::Live, slow.base).unwrap().live_hosts, 0);
        assert_eq!(slow.clamped(Levers::default()), Levers { newest_s: 300, ..slow.base });
    }

    #[test]
    fn each_lever_saves_on_the_meters_it_relieves_and_presence_stays() {
        use crate::domain::budget::prices::{LIST, Ratio, amount};
        let load = Load { socket_hosts: 800, posting_hosts: 200, watched_hosts: 80, period_s: 10, shards: 1 };
        // A frame longer than the write makes the write longer, so rows fall too.
        for price in LIST {
            for lever in relief(price.meter) {
                let slower = to_the_end(RANGE, *lever).last().copied().unwrap();
                let cost = |levers| amount(price.meter, &load.daily(&levers), Ratio::Twenty);
                assert!(cost(slower) < cost(RANGE.base), "{lever:?} on {}", price.words);
                let alarms = |levers| load.daily(&levers).alarms;
                assert_eq!(alarms(slower), alarms(RANGE.base));
            }
        }
    }

    #[test]
    fn a_day_s_cost_is_what_the_platform_counts() {
        let load = Load { socket_hosts: 100, posting_hosts: 10, watched_hosts: 60, period_s: 10, shards: 1 };
        let day = load.daily(&Levers::default());
        assert_eq!(day.messages, 50 * 1_440 + 50 * 8_640);
        assert_eq!((day.worker_requests, day.object_calls), (1_440 + 14_400, 1_440 + 14_400));
        assert_eq!((day.alarms, day.alarms_set), (8_640, 8_640));
        assert_eq!(day.object_rows_written, 100 * 1_440 + 14_400);
        assert_eq!(day.d1_rows_written, 110 * 288);
    }
}
