//! What of the governor is written down: in the object's row, and in what shards tell each other.

use edgewatch_core::domain::budget::governor::Held;
use edgewatch_core::domain::budget::ledger::{Ledger, Part};
use edgewatch_core::domain::budget::levers::Levers;
use edgewatch_core::domain::budget::prices::Ratio;
use edgewatch_core::domain::budget::usage::Usage;
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::super::fitting::Measured;
use super::Governor;

/// What another shard tells the first one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardReport {
    /// Which shard.
    pub shard: u32,
    pub(super) day: i64,
    pub(super) spent: [u64; 13],
    /// Hosts on sockets, posting, watched.
    pub(super) hosts: [u32; 3],
    pub(super) refused: u16,
    /// Every host that it has, whether or not it reports.
    #[serde(default)]
    pub(super) all_hosts: u32,
}

/// What the first shard answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// As [`HeldWire`].
    pub(super) held: Option<HeldWire>,
    /// The lengths of the rings in D1, in blocks.
    #[serde(default)]
    pub(super) coarse: Option<[u64; 2]>,
}

/// Levers (frame, write, newest, live), when they were changed, the rest until, and the hold; -1 for none. Seconds.
pub(super) type HeldWire = [i64; 7];

#[derive(Serialize, Deserialize)]
struct KeptWire {
    day: i64,
    spent: [u64; 13],
    older: (i64, [u64; 13]),
    younger: (i64, [u64; 13]),
    refused: u16,
    told: u32,
    held: Option<HeldWire>,
    decided_s: i64,
    /// Whether messages were seen to count whole.
    whole_messages: bool,
    before_refusal: Option<[u32; 4]>,
    untold: u16,
    called_ms: i64,
    #[serde(default)]
    measured: Measured,
    others: Vec<ShardReport>,
}

impl Governor {
    /// What outlives the object's sleep.
    pub fn kept(&self) -> String {
        let part = |part: &Part| (part.from.0, numbers(&part.used));
        let kept = KeptWire {
            day: self.ledger.day,
            spent: numbers(&self.ledger.spent),
            older: part(&self.ledger.older),
            younger: part(&self.ledger.younger),
            refused: self.ledger.refused,
            told: self.ledger.told,
            held: self.held.as_ref().map(held_wire),
            decided_s: self.decided.0,
            whole_messages: self.terms.ratio == Ratio::One,
            before_refusal: self.before_refusal.map(|levers| {
                let Levers { frame_s, write_s, newest_s, live_hosts } = levers;
                [frame_s, write_s, newest_s, live_hosts]
            }),
            untold: self.untold,
            called_ms: self.called_ms,
            measured: self.measured,
            others: self.others.values().cloned().collect(),
        };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// Goes on from what was kept; from nothing where it cannot be read.
    pub fn wake(&mut self, kept: &str, now: UnixMillis) {
        (self.ledger, self.called_ms) = (Ledger::new(now.seconds()), now.0);
        let Ok(kept) = serde_json::from_str::<KeptWire>(kept) else { return };
        let part = |(from, used): (i64, [u64; 13])| Part { from: UnixSeconds(from), used: usage(used) };
        self.ledger = Ledger {
            day: kept.day,
            spent: usage(kept.spent),
            older: part(kept.older),
            younger: part(kept.younger),
            refused: kept.refused,
            told: kept.told,
        };
        self.held = kept.held.map(held);
        self.decided = UnixSeconds(kept.decided_s);
        self.before_refusal = kept.before_refusal.map(|[frame_s, write_s, newest_s, live_hosts]| Levers {
            frame_s,
            write_s,
            newest_s,
            live_hosts,
        });
        (self.untold, self.called_ms, self.measured) = (kept.untold, kept.called_ms, kept.measured);
        if kept.whole_messages {
            self.terms.ratio = Ratio::One;
        }
        self.others = kept.others.into_iter().map(|report| (report.shard, report)).collect();
    }
}

pub(super) fn held_wire(held: &Held) -> HeldWire {
    let Levers { frame_s, write_s, newest_s, live_hosts } = held.levers;
    [
        frame_s.into(),
        write_s.into(),
        newest_s.into(),
        live_hosts.into(),
        held.changed_at.0,
        held.rest_until.0,
        held.hold_until.map_or(-1, |until| until.0),
    ]
}

pub(super) fn held(wire: HeldWire) -> Held {
    let [frame, write, newest, live, changed, rest, hold] = wire;
    let lever = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    Held {
        levers: Levers {
            frame_s: lever(frame),
            write_s: lever(write),
            newest_s: lever(newest),
            live_hosts: lever(live),
        },
        changed_at: UnixSeconds(changed),
        rest_until: UnixSeconds(rest),
        hold_until: (hold >= 0).then_some(UnixSeconds(hold)),
    }
}

/// A usage in the order of its fields.
pub(super) const fn numbers(usage: &Usage) -> [u64; 13] {
    [
        usage.worker_requests,
        usage.worker_cpu_ms,
        usage.d1_rows_read,
        usage.d1_rows_written,
        usage.d1_bytes,
        usage.object_calls,
        usage.messages,
        usage.alarms,
        usage.alarms_set,
        usage.object_rows_read,
        usage.object_rows_written,
        usage.object_bytes,
        usage.active_ms,
    ]
}

pub(super) const fn usage(numbers: [u64; 13]) -> Usage {
    let [
        worker_requests,
        worker_cpu_ms,
        d1_rows_read,
        d1_rows_written,
        d1_bytes,
        object_calls,
        messages,
        alarms,
        alarms_set,
        object_rows_read,
        object_rows_written,
        object_bytes,
        active_ms,
    ] = numbers;
    Usage {
        worker_requests,
        worker_cpu_ms,
        d1_rows_read,
        d1_rows_written,
        d1_bytes,
        object_calls,
        messages,
        alarms,
        alarms_set,
        object_rows_read,
        object_rows_written,
        object_bytes,
        active_ms,
    }
}
