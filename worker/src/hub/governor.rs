//! The budget governor of a shard: what was spent today, what is decided because of it, and what people are told.
//!
//! The first shard leads: the others tell it what they spent, it decides for all. What is counted and decided lies in the row
//! that the verdict on presence writes anyway, so counting costs no row of its own. In memory alone is what came after that
//! row: an object that sleeps between two alarms forgets the frames in between, at most one a host and alarm, in fleets so small
//! that it does not matter.
//!
//! **Active time** is an estimate: each event counts for what the platform's specification assumes of one, or for as long as it
//! waited, whichever is longer.

use std::collections::BTreeMap;

use edgewatch_core::blocks::tiers::{SAMPLES_WRITE_S, TENS, TWO_HOURS};
use edgewatch_core::domain::budget::forecast::{DAY_S, Outlook, Terms, ratio_after_refusal};
use edgewatch_core::domain::budget::governor::{Decision, Held, Situation, decide};
use edgewatch_core::domain::budget::ledger::{self, Ledger};
use edgewatch_core::domain::budget::levers::{Levers, Load, Range};
use edgewatch_core::domain::budget::prices::{Meter, Plan, Ratio, filled};
use edgewatch_core::domain::budget::usage::Usage;
use edgewatch_core::domain::ids;
use edgewatch_core::model::{Event, EventKind, Link, PERIOD_S, Presence};
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use super::fitting::Measured;
use super::shard::{HOLD_S, Shard};
use super::{HubError, directory};
use crate::platform::config::Budget;

mod kept;

pub use kept::{Orders, ShardReport};
use kept::{held, held_wire, numbers, usage};

/// How often it is decided, and reported to the first shard, seconds.
const DECIDE_S: i64 = 600;

/// The governor's state.
#[derive(Debug, Clone)]
pub struct Governor {
    /// Under which terms is counted.
    pub terms: Terms,
    /// What was counted: in the first shard of all shards, in another one its own.
    pub ledger: Ledger,
    /// What the last decision left.
    held: Option<Held>,
    decided: UnixSeconds,
    /// What the other shards reported last.
    others: BTreeMap<u32, ShardReport>,
    /// The rows of the object's database that are counted already, since it woke.
    rows_seen: (u64, u64),
    /// What the last decision foresaw, where a wall is near.
    tight: Option<Outlook>,
    /// Where the levers stood before a meter was refused: they go back there when it allows again.
    before_refusal: Option<Levers>,
    /// Meters that were refused and that people could not be told of yet, a bit each as in the ledger.
    untold: u16,
    /// When the Worker last called for a verdict or a report, ms.
    pub called_ms: i64,
    /// How large the blocks of some hosts were when they were last measured.
    pub measured: Measured,
    /// How long the rings in D1 are to be, in blocks, by the first shard's word.
    pub(super) coarse: Option<[u64; 2]>,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            terms: Terms { plan: Plan::Own, ..Terms::default() },
            ledger: Ledger::new(UnixSeconds(0)),
            held: None,
            decided: UnixSeconds(0),
            others: BTreeMap::new(),
            rows_seen: (0, 0),
            tight: None,
            before_refusal: None,
            untold: 0,
            called_ms: 0,
            measured: Measured::default(),
            coarse: None,
        }
    }
}

/// The terms that a deployment's variables say.
pub fn terms(budget: Budget, shards: u32) -> Terms {
    Terms {
        plan: match budget.plan {
            "own" => Plan::Own,
            "paid" => Plan::Paid,
            _ => Plan::Free,
        },
        account_percent: budget.account_percent,
        ratio: if budget.messages_per_request == 1 { Ratio::One } else { Ratio::Twenty },
        shards: u16::try_from(shards).unwrap_or(u16::MAX),
    }
}

impl Governor {
    /// Whether it is time to decide, or to report to the first shard.
    pub fn is_due(&self, now: UnixMillis) -> bool {
        let since_s = now.seconds().since(self.decided);
        !(0..DECIDE_S).contains(&since_s)
    }

    /// The platform calls a meter used up: it counts as that until the day ends or it is seen to allow something again.
    pub fn refuse(&mut self, meter: Meter) {
        if self.ledger.refuse(meter) {
            self.terms.ratio = ratio_after_refusal(self.terms.ratio, meter, &self.ledger.spent);
            self.decided = UnixSeconds(0);
            self.untold |= 1 << meter as u16;
        }
    }

    /// A meter allows something again.
    pub fn allow(&mut self, meter: Meter) {
        if self.ledger.allow(meter) {
            if let Some(held) = &mut self.held {
                held.hold_until = None;
            }
            self.decided = UnixSeconds(0);
        }
    }

    /// The levers go to their ends while a meter is refused, and back to where they stood when none is any more.
    fn mind_refusals(&mut self, now: UnixSeconds) {
        let Some(held) = &mut self.held else { return };
        if self.ledger.refused != 0 {
            self.before_refusal.get_or_insert(held.levers);
        } else if let Some(levers) = self.before_refusal.take() {
            *held = Held { levers, changed_at: now, rest_until: now, hold_until: None };
            self.ledger.restart_pace(now);
        }
    }

    /// What was spent, where meters that the platform calls used up count as that.
    fn spent(&self) -> Usage {
        let full = |spent, meter| match self.terms.wall(meter) {
            Some(wall) => filled(meter, spent, wall, self.terms.ratio),
            None => spent,
        };
        self.ledger.refused().fold(self.ledger.spent, full)
    }

    /// What operators should know when they look.
    pub fn banner(&self, now: UnixSeconds) -> Option<String> {
        if let Some(meter) = self.ledger.refused().next() {
            return Some(refused_text(meter));
        }
        if self.hold_until().is_some_and(|until| until > now) {
            let text = "what is left of today's allowance is kept for presence: agents keep their samples until 00:00 UTC, \
                        nothing is lost";
            return Some(text.to_owned());
        }
        self.tight.as_ref().map(Outlook::sentence)
    }

    /// Until when agents keep their samples.
    pub fn hold_until(&self) -> Option<UnixSeconds> {
        self.held.and_then(|held| held.hold_until)
    }

    /// Where the levers stand, and since when.
    pub fn levers(&self) -> (Levers, UnixSeconds) {
        self.held.map_or((Levers::default(), self.ledger.older.from), |held| (held.levers, held.changed_at))
    }
}

impl Shard {
    /// Notes what was used up to `now`, and adds the rows of the object's own database.
    pub fn count(&mut self, now: UnixMillis, more: Usage) {
        let sql = self.storage.sql.clone();
        let governor = &mut self.governor;
        let rows = (sql.rows_read(), sql.rows_written());
        let seen = std::mem::replace(&mut governor.rows_seen, rows);
        let bytes_of_others: u64 = governor.others.values().map(|other| usage(other.spent).object_bytes).sum();
        let d1_bytes = if more.d1_bytes > 0 { more.d1_bytes } else { governor.ledger.spent.d1_bytes };
        governor.ledger.count(
            now.seconds(),
            Usage {
                object_rows_read: more.object_rows_read.saturating_add(rows.0.saturating_sub(seen.0)),
                object_rows_written: more.object_rows_written.saturating_add(rows.1.saturating_sub(seen.1)),
                ..more
            },
        );
        // Levels are what they are now, not the highest of the day.
        governor.ledger.spent.d1_bytes = d1_bytes;
        governor.ledger.spent.object_bytes = sql.bytes().saturating_add(bytes_of_others);
        for meter in [Meter::ObjectRowsRead, Meter::ObjectRowsWritten, Meter::ObjectBytes] {
            match sql.refuses(meter) {
                Some(true) => governor.refuse(meter),
                Some(false) => governor.allow(meter),
                None => {}
            }
        }
    }

    /// How many hosts of this shard ask for what.
    fn hosts_by_link(&self, now: UnixMillis) -> [u32; 3] {
        let count = |is: fn(Link) -> bool| {
            self.iter().filter(|host| host.entry.host.presence == Presence::Online && is(host.link)).count()
        };
        let counts = [
            count(|link| link == Link::Socket),
            count(|link| matches!(link, Link::Post { .. })),
            self.watched_hosts(now),
        ];
        counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// What the whole fleet asks for, as far as the first shard was told.
    pub(super) fn fleet_load(&self, now: UnixMillis) -> Load {
        let governor = &self.governor;
        let reported = governor.others.values().map(|other| other.hosts);
        let sum = reported.fold(self.hosts_by_link(now), |sum, hosts| {
            let [sockets, posting, watched] = hosts;
            [sum[0].saturating_add(sockets), sum[1].saturating_add(posting), sum[2].saturating_add(watched)]
        });
        Load {
            socket_hosts: sum[0],
            posting_hosts: sum[1],
            watched_hosts: sum[2],
            period_s: PERIOD_S,
            shards: governor.terms.shards,
        }
    }

    /// How many hosts all shards have.
    pub(super) fn all_hosts(&self) -> u32 {
        let others = self.governor.others.values().map(|other| other.all_hosts);
        others.fold(u32::try_from(self.iter().count()).unwrap_or(u32::MAX), u32::saturating_add)
    }

    fn decision(&self, now: UnixMillis) -> Decision {
        let governor = &self.governor;
        let situation = Situation {
            now: now.seconds(),
            spent: governor.spent(),
            pace: governor.ledger.pace(now.seconds()),
            load: self.fleet_load(now),
            terms: governor.terms,
            range: Range { base: Levers::default(), block_s: SAMPLES_WRITE_S },
        };
        decide(governor.held, &situation)
    }

    /// Decides for all shards; every host has to be in memory. True: agents have to be told.
    pub fn steer(&mut self, now: UnixMillis) -> bool {
        self.governor.ledger.turn_day(now.seconds());
        self.governor.mind_refusals(now.seconds());
        let decision = self.decision(now);
        let governor = &mut self.governor;
        if governor.held.is_some_and(|before| before.changed_at != decision.held.changed_at) {
            governor.ledger.restart_pace(now.seconds());
        }
        governor.held = Some(decision.held);
        governor.decided = now.seconds();
        governor.tight = decision.tightest().filter(|tight| !governor.ledger.is_refused(tight.meter));
        self.obey_held(now)
    }

    /// Puts what is decided into force; whether that changes anything for agents.
    pub fn obey_held(&mut self, now: UnixMillis) -> bool {
        let Some(held) = self.governor.held else { return false };
        let shards = u32::from(self.governor.terms.shards.max(1));
        let levers = Levers { live_hosts: held.levers.live_hosts.div_ceil(shards), ..held.levers };
        let hold_ms = held.hold_until.map_or(0, |until| until.millis().0);
        let was_holding = self.hold_until_ms > now.0;
        let is_changed = levers != self.levers || was_holding != (hold_ms > now.0);
        (self.levers, self.hold_until_ms) = (levers, hold_ms);
        is_changed
    }

    /// Tells people of meters that are used up or will be, of each once a day: a row written for each.
    ///
    /// # Errors
    /// [`HubError::Refused`] when an event could not be kept; people are told by the next decision.
    pub fn tell_of_meters(&mut self, now: UnixMillis) -> Result<(), HubError> {
        let untold = Ledger { refused: self.governor.untold, ..self.governor.ledger };
        for meter in untold.refused() {
            let text = if self.governor.ledger.is_refused(meter) { refused_text(meter) } else { allowed_text(meter) };
            self.tell_once(now, meter, true, text)?;
            self.governor.untold &= !(1 << meter as u16);
        }
        if let Some(tight) = self.governor.tight {
            let (levers, _) = self.governor.levers();
            let text = format!("{}; agents now report every {} s", tight.sentence(), levers.frame_s);
            self.tell_once(now, tight.meter, false, text)?;
        }
        Ok(())
    }

    /// Tells people of a meter, once a day.
    fn tell_once(&mut self, now: UnixMillis, meter: Meter, is_refused: bool, text: String) -> Result<(), HubError> {
        if self.governor.ledger.is_told(meter, is_refused) {
            return Ok(());
        }
        let key = ids::time_key(now, meter as u64 * 2 + u64::from(is_refused));
        let event = Event::new(key, EventKind::BudgetTight, None, now.seconds(), text);
        directory::owe(&self.storage.sql, &event, None)?;
        self.governor.ledger.tell(meter, is_refused);
        Ok(())
    }

    /// The object's storage refused something: agents keep their samples for a while, and nobody is called offline who was sent
    /// away because of it.
    pub const fn note_refused(&mut self, now: UnixMillis) {
        self.refused_until_ms = now.0.saturating_add(HOLD_S as i64 * 1000);
    }

    /// The platform refused calls of this object for want of `meter`, and this one came through: hosts may have been unable to
    /// reach us.
    ///
    /// # Errors
    /// As [`Shard::tell_of_meters`].
    pub fn note_unreached(&mut self, now: UnixMillis, meter: Meter) -> Result<(), HubError> {
        let governor = &mut self.governor;
        governor.terms.ratio = ratio_after_refusal(governor.terms.ratio, meter, &governor.ledger.spent);
        self.note_refused(now);
        self.tell_once(now, meter, true, allowed_text(meter))
    }

    /// What this shard tells the first one.
    pub fn report_to_first(&self, shard: u32, now: UnixMillis) -> ShardReport {
        let ledger = &self.governor.ledger;
        ShardReport {
            shard,
            day: ledger.day,
            spent: numbers(&ledger.spent),
            hosts: self.hosts_by_link(now),
            refused: ledger.refused,
            all_hosts: u32::try_from(self.iter().count()).unwrap_or(u32::MAX),
        }
    }

    /// Takes in what another shard spent since its last report, and gives what is in force.
    pub fn take_report(&mut self, report: ShardReport, now: UnixMillis) -> Orders {
        let governor = &mut self.governor;
        let today = usage(report.spent);
        let before = governor.others.get(&report.shard).filter(|before| before.day == report.day);
        let since = before.map_or(today, |before| today.since(usage(before.spent)));
        let theirs = Ledger { refused: report.refused, ..governor.ledger };
        for meter in theirs.refused() {
            governor.refuse(meter);
        }
        let is_of_today = report.day == ledger::day_of(now.seconds());
        governor.others.insert(report.shard, report);
        if is_of_today {
            self.count(now, Usage { object_bytes: 0, ..since });
        }
        let rings = self.storage.lengths.target();
        Orders { held: self.governor.held.as_ref().map(held_wire), coarse: Some([rings.of(TENS), rings.of(TWO_HOURS)]) }
    }

    /// Puts what the first shard decided into force; whether that changes anything for agents.
    pub fn take_orders(&mut self, orders: &Orders, now: UnixMillis) -> bool {
        self.governor.decided = now.seconds();
        self.governor.held = orders.held.map(held).or(self.governor.held);
        self.governor.coarse = orders.coarse.or(self.governor.coarse);
        self.obey_held(now)
    }
}

/// What is said of a meter that the platform calls used up.
fn refused_text(meter: Meter) -> String {
    let words = meter.price().words;
    let until = if meter.is_level() { "until there is room" } else { "until 00:00 UTC" };
    let effect = match meter {
        Meter::D1RowsRead | Meter::D1RowsWritten | Meter::D1Bytes => {
            "what is live and the history of the last days go on, changes and events wait"
        }
        _ => "agents keep their samples",
    };
    format!("the platform refuses more {words} {until}: {effect}; nothing is lost")
}

/// What is said of a meter that the platform called used up, when people could not be told before.
fn allowed_text(meter: Meter) -> String {
    let words = meter.price().words;
    format!("the platform refused more {words} for a while and allows them again; nothing was lost")
}

/// When the day of `now` ends.
pub fn day_end(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds((ledger::day_of(now) + 1) * i64::from(DAY_S))
}

#[cfg(test)]
mod tests;
