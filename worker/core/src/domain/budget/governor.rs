//! The budget governor: slows reporting down before a meter runs out, and no more than it must.
//!
//! 1. It acts on the day's end, foreseen from what is spent and the pace of late; an estimate of the fleet's own cost says what
//!    each step saves, so one decision goes as many steps as it takes.
//! 2. It turns what nobody looks at first: how often open blocks are written, then the length of frames, live frames last.
//! 3. Slower from 95 %, to 90 %; faster one step at a time, only when that leaves the day under 80 %, and not within two hours
//!    of having slowed down: between the three it does not flap. A pace from before the last change decides nothing.
//! 4. The alarms that presence stands on are never touched. When what is left of a meter is only enough for them, agents hold
//!    their samples until the day ends; nothing is lost and nobody looks down.
//!
//! Where nothing is refused (the paid plan, one's own machine) it gives back what it took and does no more.

use super::forecast::{DAY_S, MIN_PACE_S, Outlook, Pace, Terms, day_end, outlooks, rest_of_day, second_of_day};
use super::levers::{GIVEN_BACK, Lever, Levers, Load, Range, relief};
use super::prices::{LIST, Meter, amount, quotient};
use super::usage::Usage;
use crate::units::UnixSeconds;

/// From this share at the day's end on it slows down.
const SLOWER_FROM: f64 = 0.95;
/// It slows down until the day's end is at most here.
const SLOWER_TO: f64 = 0.90;
/// It goes a step back when that leaves the day's end at most here.
const FASTER_TO: f64 = 0.80;
/// Rows written are planned more carefully: whether D1's and the objects' allowances are two is not documented, and alerts, sessions
/// and audit need theirs. Together these leave a tenth of one. Source: issue 3, "Must reach".
const ROWS_LIMITS: Limits = Limits { from: 0.72, to: 0.68, faster: 0.55 };
const D1_ROWS_LIMITS: Limits = Limits { from: 0.32, to: 0.30, faster: 0.22 };
const LIMITS: Limits = Limits { from: SLOWER_FROM, to: SLOWER_TO, faster: FASTER_TO };
/// The opening has no pace to go by: of D1's rows it plans this much, since alerts, sessions and coarse blocks need theirs.
const OPENING_D1_TO: f64 = 0.50;
/// With this much spent every lever of the meter goes to its end, whatever the pace.
const LAST_FROM: f64 = 0.97;
/// No step back so soon after slowing down, seconds.
const REST_AFTER_SLOWER_S: i64 = 7_200;
/// No further step back so soon after one, seconds.
const REST_AFTER_FASTER_S: i64 = 1_800;
/// What presence needs is kept with this much over it: percent.
const PRESENCE_PERCENT: u64 = 110;
/// And one part in so many of the meter is kept for what is under way when holding begins.
const UNDER_WAY_PART: u64 = 100;

/// Shares of a meter at the day's end.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From here on it slows down.
    from: f64,
    /// Until it is here.
    to: f64,
    /// It goes a step back when that leaves it here.
    faster: f64,
}

/// The limits of a meter. Where levers turned as far as they go leave more, that is borne up to the wall.
const fn limits(meter: Meter) -> Limits {
    match meter {
        Meter::ObjectRowsWritten => ROWS_LIMITS,
        Meter::D1RowsWritten => D1_ROWS_LIMITS,
        _ => LIMITS,
    }
}

/// What one decision leaves for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where the levers stand.
    pub levers: Levers,
    /// When they were last turned.
    pub changed_at: UnixSeconds,
    /// No step back before this.
    pub rest_until: UnixSeconds,
    /// Agents keep their samples until this moment.
    pub hold_until: Option<UnixSeconds>,
}

/// What a decision goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Now.
    pub now: UnixSeconds,
    /// What was used since 00:00 UTC.
    pub spent: Usage,
    /// What was used of late, since the last change where there was one.
    pub pace: Option<Pace>,
    /// The fleet.
    pub load: Load,
    /// The plan and our share of it.
    pub terms: Terms,
    /// How far the levers go.
    pub range: Range,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the next decision needs; its levers are in force from now on.
    pub held: Held,
    /// Whether agents have to be told.
    pub is_changed: bool,
    /// The day as it will be with the levers as they are now.
    pub outlooks: Vec<Outlook>,
}

impl Decision {
    /// The meter that the operator should be told of: the fullest of those that are refused before the day ends.
    pub fn tightest(&self) -> Option<Outlook> {
        let tight = self.outlooks.iter().filter(|outlook| outlook.is_wall && outlook.day_end >= SLOWER_FROM);
        tight.max_by(|one, other| one.day_end.total_cmp(&other.day_end)).copied()
    }
}

/// Decides at `situation.now`; `held` is `None` the first time of all.
pub fn decide(held: Option<Held>, situation: &Situation) -> Decision {
    let now = situation.now;
    let mut next =
        held.unwrap_or(Held { levers: situation.range.base, changed_at: now, rest_until: now, hold_until: None });
    next.levers = situation.range.clamped(next.levers);
    let view = View::of(held.as_ref(), &next, situation);
    let levers = view.as_ref().map_or(next.levers, |view| view.turned(next.rest_until, held.is_none()));
    let levers = situation.at_the_end(levers);
    if levers != next.levers {
        let is_slower = !GIVEN_BACK.iter().any(|lever| situation.range.faster(*lever, next.levers) == Some(levers));
        let rest_s = if is_slower { REST_AFTER_SLOWER_S } else { REST_AFTER_FASTER_S };
        next = Held { levers, changed_at: now, rest_until: now.plus(rest_s), ..next };
    }
    next.hold_until = situation.hold_until(next.hold_until);
    let is_changed = held.is_none_or(|held| (held.levers, held.hold_until) != (next.levers, next.hold_until));
    let pace = view.map_or_else(|| situation.guess(&next.levers), |view| view.pace);
    Decision { held: next, is_changed, outlooks: outlooks(&situation.spent, &pace, now, &situation.terms) }
}

impl Situation {
    /// The pace by the estimate alone.
    fn guess(&self, levers: &Levers) -> Pace {
        Pace { used: self.load.daily(levers), over_s: DAY_S }
    }

    /// Whatever was decided: a meter that is all but spent gets the ends of its levers.
    fn at_the_end(&self, mut levers: Levers) -> Levers {
        for price in LIST.iter().filter(|price| !price.meter.is_level()) {
            let Some(wall) = self.terms.wall(price.meter) else { continue };
            if quotient(amount(price.meter, &self.spent, self.terms.ratio), wall) >= LAST_FROM {
                for lever in relief(price.meter) {
                    while let Some(slower) = self.range.slower(*lever, levers) {
                        levers = slower;
                    }
                }
            }
        }
        levers
    }

    /// Until when agents keep their samples: to the end of the day once presence needs all that is left.
    fn hold_until(&self, before: Option<UnixSeconds>) -> Option<UnixSeconds> {
        if let Some(until) = before.filter(|until| *until > self.now) {
            return Some(until);
        }
        let presence = self.load.presence_daily();
        let is_short = |meter: Meter| {
            let need = rest_of_day(amount(meter, &presence, self.terms.ratio), self.now) * PRESENCE_PERCENT / 100;
            let spent = amount(meter, &self.spent, self.terms.ratio);
            let left = |wall: u64| wall.saturating_sub(wall / UNDER_WAY_PART).saturating_sub(spent);
            self.terms.wall(meter).is_some_and(|wall| left(wall) < need)
        };
        let short = [Meter::ObjectRequests, Meter::ObjectRowsWritten, Meter::WorkerRequests].into_iter().any(is_short);
        short.then(|| self.now.plus(i64::from(DAY_S - second_of_day(self.now))))
    }
}

/// The rest of the day as seen from where the levers stand.
struct View<'a> {
    situation: &'a Situation,
    levers: Levers,
    pace: Pace,
}

impl<'a> View<'a> {
    /// `None` while the only pace there is comes from before the last change, or is too short to mean anything.
    fn of(before: Option<&Held>, held: &Held, situation: &'a Situation) -> Option<Self> {
        let levers = held.levers;
        if before.is_none() {
            return Some(Self { situation, levers, pace: situation.guess(&levers) });
        }
        let is_of_now =
            |pace: &Pace| pace.over_s >= MIN_PACE_S && i64::from(pace.over_s) <= situation.now.since(held.changed_at);
        let pace = situation.pace.filter(is_of_now)?;
        Some(Self { situation, levers, pace })
    }

    /// The share of `meter` at the end of the day if the levers stood at `levers` from now on; `None` where nothing is refused.
    fn foreseen(&self, meter: Meter, levers: &Levers) -> Option<f64> {
        let Situation { now, spent, load, terms, .. } = self.situation;
        let wall = terms.wall(meter)?;
        let staying = day_end(meter, spent, &self.pace, *now, terms.ratio);
        let daily = |levers| rest_of_day(amount(meter, &load.daily(levers), terms.ratio), *now);
        let moved = staying.saturating_add(daily(levers)).saturating_sub(daily(&self.levers));
        Some(quotient(moved.max(amount(meter, spent, terms.ratio)), wall))
    }

    fn turned(&self, rest_until: UnixSeconds, is_opening: bool) -> Levers {
        let slower = self.slower(is_opening);
        let is_rested = self.situation.now >= rest_until && !is_opening;
        if slower == self.levers && is_rested { self.faster().unwrap_or(slower) } else { slower }
    }

    fn slower(&self, is_opening: bool) -> Levers {
        let mut levers = self.levers;
        for price in LIST.iter().filter(|price| !price.meter.is_level()) {
            let meter = price.meter;
            let is_cautious = is_opening && matches!(meter, Meter::D1RowsRead);
            let Limits { from, to, .. } = limits(meter);
            let (from, to) = if is_cautious { (OPENING_D1_TO, OPENING_D1_TO) } else { (from, to) };
            let is_over = |levers: &Levers, limit| self.foreseen(meter, levers).is_some_and(|share| share > limit);
            if !is_over(&levers, from) {
                continue;
            }
            for lever in relief(meter) {
                let before = levers;
                while is_over(&levers, to)
                    && let Some(slower) = self.situation.range.slower(*lever, levers)
                {
                    levers = slower;
                }
                // Frames that end before the block is written anyway save no rows: such a turn would only flap.
                if self.foreseen(meter, &levers) >= self.foreseen(meter, &before) {
                    levers = before;
                }
            }
        }
        levers
    }

    /// One step of one lever, when every meter bears it.
    fn faster(&self) -> Option<Levers> {
        let step = |lever: &Lever| self.situation.range.faster(*lever, self.levers);
        let bears = |levers: &Levers| {
            let relieved = |meter: Meter| self.foreseen(meter, levers) > self.foreseen(meter, &self.levers);
            LIST.iter().all(|price| {
                !relieved(price.meter)
                    || self.foreseen(price.meter, levers).is_none_or(|share| share <= limits(price.meter).faster)
            })
        };
        GIVEN_BACK.iter().filter_map(step).find(bears)
    }
}

#[cfg(test)]
mod tests;
