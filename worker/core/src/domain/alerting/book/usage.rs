//! What hosts transferred in the cycles that rules count.

use super::{Book, Subject, covers};
use crate::domain::alerting::calendar;
use crate::model::{Bounds, Direction, Rule, RuleId, Sample, Test};
use crate::units::UnixSeconds;

/// What a host transferred in the running cycle of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Transferred {
    /// The rule that counts it.
    pub rule: RuleId,
    /// Which way.
    pub direction: Direction,
    /// When the cycle began.
    pub from: UnixSeconds,
    /// When the next one begins.
    pub to: UnixSeconds,
    /// Bytes.
    pub bytes: u64,
    /// Where they should be.
    pub bounds: Bounds,
}

impl Book {
    /// What a host transferred by the rules that count it, at `at`; `newest` is its newest sample. A cycle in which it reported nothing
    /// has 0 bytes.
    pub fn transferred(&self, host: Subject<'_>, newest: Option<&Sample>, at: UnixSeconds) -> Vec<Transferred> {
        let of_host = |rule: &&Rule| rule.is_enabled && covers(&rule.scope, host.id, host.tag);
        let of_rule = |rule: &Rule| {
            let own = self.hosts.get(&host.id).and_then(|state| state.rules.get(&rule.id));
            let count = |(index, test): (usize, &Test)| {
                let Test::Transfer { direction, cycle, bounds } = test else { return None };
                let (from, to) = calendar::bounds(*cycle, at);
                let account = own.and_then(|own| own.accounts.get(index).copied().flatten());
                let running = account.filter(|account| account.cycle >= from).zip(newest);
                let bytes = running.map_or(0, |(account, newest)| account.total(*direction, newest));
                Some(Transferred { rule: rule.id, direction: *direction, from, to, bytes, bounds: *bounds })
            };
            rule.conditions.iter().map(|condition| &condition.test).enumerate().filter_map(count).collect::<Vec<_>>()
        };
        self.rules.iter().filter(of_host).flat_map(of_rule).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::alerting::Moment;
    use crate::domain::alerting::reading::Totals;
    use crate::model::{Condition, Cycle, CycleUnit, HostId, Hosts, Quantity, Repeat, Scope};
    use crate::units::UnixMillis;

    const HOUR_MS: i64 = 3_600_000;
    const NOW_MS: i64 = 1_795_356_000_000 + 1_800_000;

    fn rule(id: i64, hosts: Hosts) -> Rule {
        let cycle = Cycle { start: UnixSeconds(1_795_356_000), offset_s: 0, interval: 1, unit: CycleUnit::Hour };
        let test = Test::Transfer { direction: Direction::All, cycle, bounds: Bounds::default() };
        let load = Test::Value { quantity: Quantity::Load1, bounds: Bounds::default() };
        Rule {
            id: RuleId(id),
            name: "traffic".to_owned(),
            is_enabled: id != 9,
            group: String::new(),
            scope: Scope { hosts, tags: vec![] },
            conditions: vec![Condition { test: load, for_s: 5 }, Condition { test, for_s: 0 }],
            repeat: Repeat::Never,
            escalations: vec![],
            ignores_quiet_hours: false,
        }
    }

    #[test]
    fn bytes_of_the_running_cycle_are_told_of_the_hosts_that_a_rule_covers() {
        let others = Hosts::Only([HostId(2)].into());
        let rules = vec![rule(1, Hosts::default()), rule(2, others), rule(9, Hosts::default())];
        let mut book = Book::new(rules, BTreeMap::new());
        let host = Subject { id: HostId(1), tag: "", totals: Totals::default() };
        let sample = |number: u64, bytes: u64| Sample {
            number,
            at: UnixMillis(NOW_MS + i64::try_from(number).unwrap() * 10_000),
            net_in_bytes: Some(bytes),
            net_out_bytes: Some(5),
            uptime_s: Some(900_000 + number * 10),
            ..Sample::default()
        };
        let samples = [sample(1, 1_000), sample(2, 1_700)];
        let moment = Moment { at: samples[1].at, is_quiet: false };
        book.samples(host, None, &samples, 10, moment);
        let told = |at_ms: i64| book.transferred(host, Some(&samples[1]), UnixMillis(at_ms).seconds());
        let now = told(NOW_MS + 20_000);
        assert_eq!(now.len(), 1, "{now:?}");
        assert_eq!((now[0].rule, now[0].bytes, now[0].from), (RuleId(1), 700, UnixSeconds(1_795_356_000)));
        assert_eq!(now[0].to, UnixSeconds(1_795_359_600));
        let next = told(NOW_MS + HOUR_MS);
        assert_eq!((next[0].bytes, next[0].from), (0, UnixSeconds(1_795_359_600)), "nothing was reported in it yet");
    }
}
