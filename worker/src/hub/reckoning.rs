//! What is shown of the governor: the answer of `usage`.

use edgewatch_core::dialects::native::{LeversPart, MeterPart, UsageReply};
use edgewatch_core::domain::budget::forecast::{MIN_PACE_S, Outlook, Pace, outlooks};
use edgewatch_core::domain::budget::prices::{LIST, Meter, Plan, Ratio, amount};
use edgewatch_core::units::UnixMillis;

use super::governor::day_end;
use super::shard::Shard;

impl Shard {
    /// What the meters show, and what is done about it. In the first shard it is of all shards, of the others up to ten minutes
    /// old.
    pub fn usage(&self, now: UnixMillis) -> UsageReply {
        let (governor, at) = (&self.governor, now.seconds());
        let terms = governor.terms;
        let pace = governor.ledger.pace(at).filter(|pace| pace.over_s >= MIN_PACE_S);
        let pace = pace.unwrap_or_else(|| self.guessed_pace(now));
        let foreseen = outlooks(&governor.ledger.spent, &pace, at, &terms);
        // Nobody can count the Worker's CPU from within.
        let shown = LIST.iter().map(|price| price.meter).filter(|meter| *meter != Meter::WorkerCpu);
        let meters =
            shown.map(|meter| self.meter(meter, foreseen.iter().find(|outlook| outlook.meter == meter))).collect();
        let (levers, changed_at) = governor.levers();
        UsageReply {
            now_s: at.0,
            day_ends_s: day_end(at).0,
            plan: match terms.plan {
                Plan::Free => "free",
                Plan::Paid => "paid",
                Plan::Own => "own",
            },
            account_percent: terms.account_percent,
            messages_per_request: if terms.ratio == Ratio::One { 1 } else { 20 },
            meters,
            levers: LeversPart {
                frame_s: levers.frame_s,
                post_frame_s: levers.post_frame_s(),
                write_s: levers.write_s,
                newest_s: levers.newest_s,
                live_hosts: levers.live_hosts,
                changed_at_s: changed_at.0,
            },
            hold_until_s: governor.hold_until().filter(|until| *until > at).map(|until| until.0),
            banner: self.banner(now),
            rings: self.ring_parts(),
        }
    }

    /// What operators should know when they look: nothing, as a rule.
    pub fn banner(&self, now: UnixMillis) -> Option<String> {
        if let Some(banner) = self.governor.banner(now.seconds()) {
            return Some(banner);
        }
        if self.refused_until_ms > now.0 {
            return Some("storage refuses for now: agents keep their samples, nothing is lost".to_owned());
        }
        let away = "monitoring was away: no host is called offline for 3 minutes";
        self.watch.is_holding(now.seconds()).then(|| away.to_owned())
    }

    fn guessed_pace(&self, now: UnixMillis) -> Pace {
        let (levers, _) = self.governor.levers();
        Pace { used: self.fleet_load(now).daily(&levers), over_s: edgewatch_core::domain::budget::forecast::DAY_S }
    }

    fn meter(&self, meter: Meter, outlook: Option<&Outlook>) -> MeterPart {
        let governor = &self.governor;
        let (used, unit) = meter.shown(amount(meter, &governor.ledger.spent, governor.terms.ratio));
        let words = meter.price().words;
        let is_refused = governor.ledger.is_refused(meter);
        MeterPart {
            meter: meter.word(),
            unit,
            used,
            allowance: governor.terms.allowance(meter).map(|allowance| meter.shown(allowance).0),
            share: outlook.map(|outlook| outlook.used),
            share_at_day_end: outlook.map(|outlook| outlook.day_end),
            is_wall: governor.terms.wall(meter).is_some(),
            refused: is_refused,
            sentence: match outlook {
                _ if is_refused => format!("the platform says that the {words} are used up"),
                Some(outlook) => outlook.sentence(),
                None => format!("{used} {unit} of {words} today, which nobody meters here"),
            },
        }
    }
}
