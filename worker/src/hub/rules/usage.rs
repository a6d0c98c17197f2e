//! What hosts transferred in the cycles of rules, for those who look.

use std::cmp::Reverse;

use edgewatch_core::model::{Direction, HostId};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::hub::shard::Shard;

/// Whose transfer is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransfersRequest {
    /// That of hosts alone that guests may see.
    pub for_guests: bool,
}

/// What a host transferred in the running cycle of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The rule's number.
    pub rule: i64,
    /// Its name.
    pub rule_name: String,
    /// Which way: `in`, `out` or `all`.
    pub direction: String,
    /// The host's place in lists: higher comes first.
    pub display_index: i64,
    /// The host's number.
    pub host: i64,
    /// Its name.
    pub host_name: String,
    /// When the cycle began, Unix seconds.
    pub from_s: i64,
    /// When the next one begins.
    pub to_s: i64,
    /// Bytes so far.
    pub bytes: u64,
    /// More than this is told to people, bytes.
    pub above: Option<f64>,
    /// Less than this is, likewise.
    pub below: Option<f64>,
}

impl Transfer {
    /// Where it stands among others: by rule, then as hosts stand in lists.
    pub const fn place(&self) -> (i64, Reverse<i64>, HostId) {
        (self.rule, Reverse(self.display_index), HostId(self.host))
    }
}

impl Shard {
    /// What hosts transferred in the running cycles of all rules. Every host is in memory.
    pub fn transfers(&self, for_guests: bool, now: UnixMillis) -> Vec<Transfer> {
        let names = self.rule_names();
        let mut all = Vec::new();
        for tracked in self.iter() {
            let host = &tracked.entry.host;
            if for_guests && host.hidden_for_guest {
                continue;
            }
            let newest = tracked.newest.as_ref();
            for one in self.rules.book.transferred(super::subject(tracked), newest, now.seconds()) {
                all.push(Transfer {
                    rule: one.rule.0,
                    rule_name: names.get(&one.rule).cloned().unwrap_or_default(),
                    direction: word(one.direction).to_owned(),
                    display_index: host.display_index,
                    host: host.id.0,
                    host_name: host.name.clone(),
                    from_s: one.from.0,
                    to_s: one.to.0,
                    bytes: one.bytes,
                    above: one.bounds.above.map(|level| level.trigger),
                    below: one.bounds.below.map(|level| level.trigger),
                });
            }
        }
        all
    }
}

const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
        Direction::All => "all",
    }
}
