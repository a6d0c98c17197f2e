//! `POST /api/alert-rule`. Source: nezha specification, 10.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Form;
use crate::failure::Failure;
use crate::model::{
    Bounds, Condition, Cycle, CycleUnit, Direction, HostId, Hosts, Level, Quantity, Repeat, Rule, RuleId, Scope, Test,
};
use crate::units::UnixSeconds;
use crate::units::calendar::parse_rfc3339;

/// The least `duration` of what is not counted by cycles.
const LEAST_DURATION: i64 = 3;
/// So many conditions a rule has at most, and so many hosts a condition names.
const MOST_CONDITIONS: usize = 16;
const MOST_HOSTS: usize = 5_000;
/// Longer durations and cycles than this are mistakes, seconds and units.
const MOST: i64 = 31_536_000;

/// The rule in a body; its number is 0 for a new one. `now`: cycles must not begin later.
///
/// # Errors
/// [`Failure::Malformed`] for a body that is none of this form; [`Failure::Invalid`] for a rule that means nothing.
pub fn read_alert_rule(body: &[u8], now: UnixSeconds) -> Result<Rule, Failure> {
    let form = Form::parse(body)?;
    let Value::Array(parts) = form.raw("RulesRaw")? else {
        return Err(Failure::Malformed { detail: "RulesRaw is not a list".to_owned() });
    };
    if parts.is_empty() {
        return Err(invalid("RulesRaw", "at least one rule is needed"));
    }
    if parts.len() > MOST_CONDITIONS {
        return Err(invalid("RulesRaw", "at most 16 rules"));
    }
    let mut conditions = Vec::with_capacity(parts.len());
    let mut hosts = Hosts::default();
    for part in &parts {
        let part = Part::of(part)?;
        conditions.push(part.condition(now)?);
        hosts = both(hosts, part.hosts()?);
    }
    Ok(Rule {
        id: RuleId(form.int("ID")?),
        name: form.text("Name")?.to_owned(),
        is_enabled: form.on("Enable")?,
        group: form.text("NotificationTag")?.to_owned(),
        scope: Scope { hosts, tags: Vec::new() },
        conditions,
        repeat: if form.int("TriggerMode")? == 1 { Repeat::Never } else { Repeat::Doubling },
        escalations: Vec::new(),
        ignores_quiet_hours: false,
    })
}

/// Hosts that are among both: every condition has to look at a host for the rule to fail there.
fn both(one: Hosts, other: Hosts) -> Hosts {
    match (one, other) {
        (Hosts::AllBut(one), Hosts::AllBut(other)) => Hosts::AllBut(one.union(&other).copied().collect()),
        (Hosts::AllBut(not), Hosts::Only(only)) | (Hosts::Only(only), Hosts::AllBut(not)) => {
            Hosts::Only(only.difference(&not).copied().collect())
        }
        (Hosts::Only(one), Hosts::Only(other)) => Hosts::Only(one.intersection(&other).copied().collect()),
    }
}

fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

/// One element of `RulesRaw`: its keys match in any case.
struct Part<'a>(&'a Map<String, Value>);

impl<'a> Part<'a> {
    fn of(value: &'a Value) -> Result<Self, Failure> {
        value.as_object().map(Self).ok_or_else(|| Failure::Malformed { detail: "a rule is not an object".to_owned() })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        let mut same = self.0.iter().filter(|(one, _)| one.eq_ignore_ascii_case(key)).map(|(_, value)| value);
        same.next_back().filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<&'a str, Failure> {
        let wrong = || Failure::Malformed { detail: format!("{key} is not a text") };
        self.get(key).map_or(Ok(""), |value| value.as_str().ok_or_else(wrong))
    }

    fn int(&self, key: &str) -> Result<i64, Failure> {
        let wrong = || Failure::Malformed { detail: format!("{key} is not a whole number") };
        self.get(key).map_or(Ok(0), |value| value.as_i64().ok_or_else(wrong))
    }

    fn float(&self, key: &str) -> Result<f64, Failure> {
        let wrong = || Failure::Malformed { detail: format!("{key} is not a number") };
        self.get(key).map_or(Ok(0.0), |value| value.as_f64().ok_or_else(wrong))
    }

    fn condition(&self, now: UnixSeconds) -> Result<Condition, Failure> {
        let kind = self.text("type")?;
        let level = |limit: f64| (limit > 0.0).then_some(Level { trigger: limit, clear: limit });
        let bounds = Bounds { above: level(self.float("max")?), below: level(self.float("min")?) };
        if let Some(direction) = cycle_direction(kind) {
            let test = Test::Transfer { direction, cycle: self.cycle(now)?, bounds };
            return Ok(Condition { test, for_s: 0 });
        }
        let duration = self.int("duration")?;
        if duration < LEAST_DURATION {
            return Err(invalid("duration", "at least 3"));
        }
        let for_s = u32::try_from(duration.min(MOST)).unwrap_or(u32::MAX);
        let test = match kind {
            "offline" => Test::Offline,
            _ => Test::Value { quantity: quantity(kind).ok_or_else(|| invalid("type", "is not known"))?, bounds },
        };
        Ok(Condition { test, for_s })
    }

    fn cycle(&self, now: UnixSeconds) -> Result<Cycle, Failure> {
        let interval = self.int("cycle_interval")?;
        if interval < 1 {
            return Err(invalid("cycle_interval", "at least 1"));
        }
        let text = self.text("cycle_start")?;
        if text.is_empty() {
            return Err(invalid("cycle_start", "is missing"));
        }
        let (start, offset_s) =
            parse_rfc3339(text).ok_or_else(|| invalid("cycle_start", "is no time as RFC 3339 has them"))?;
        if start > now {
            return Err(invalid("cycle_start", "lies in the future"));
        }
        let unit = match self.text("cycle_unit")? {
            "day" => CycleUnit::Day,
            "week" => CycleUnit::Week,
            "month" => CycleUnit::Month,
            "year" => CycleUnit::Year,
            // Quirk: whatever else it says is hours.
            _ => CycleUnit::Hour,
        };
        // A cycle of more than a thousand years ends when nobody is there.
        let interval = u32::try_from(interval.min(1_000)).unwrap_or(1);
        Ok(Cycle { start, offset_s, interval, unit })
    }

    fn hosts(&self) -> Result<Hosts, Failure> {
        let wrong = || Failure::Malformed { detail: "ignore is not an object of ids".to_owned() };
        let mut hosts = BTreeSet::new();
        if let Some(ignore) = self.get("ignore") {
            for (id, is_set) in ignore.as_object().ok_or_else(wrong)? {
                let id: i64 = id.parse().map_err(|_| wrong())?;
                if is_set.as_bool().ok_or_else(wrong)? {
                    hosts.insert(HostId(id));
                }
            }
        }
        if hosts.len() > MOST_HOSTS {
            return Err(invalid("ignore", "at most 5,000 servers"));
        }
        Ok(if self.int("cover")? == 1 { Hosts::Only(hosts) } else { Hosts::AllBut(hosts) })
    }
}

fn cycle_direction(kind: &str) -> Option<Direction> {
    match kind {
        "transfer_in_cycle" => Some(Direction::In),
        "transfer_out_cycle" => Some(Direction::Out),
        "transfer_all_cycle" => Some(Direction::All),
        _ => None,
    }
}

fn quantity(kind: &str) -> Option<Quantity> {
    Some(match kind {
        "cpu" => Quantity::Cpu,
        "gpu" => Quantity::Gpu,
        "memory" => Quantity::Memory,
        "swap" => Quantity::Swap,
        "disk" => Quantity::Disk,
        "net_in_speed" => Quantity::NetInSpeed,
        "net_out_speed" => Quantity::NetOutSpeed,
        "net_all_speed" => Quantity::NetAllSpeed,
        "transfer_in" => Quantity::TransferIn,
        "transfer_out" => Quantity::TransferOut,
        "transfer_all" => Quantity::TransferAll,
        "load1" => Quantity::Load1,
        "load5" => Quantity::Load5,
        "load15" => Quantity::Load15,
        "tcp_conn_count" => Quantity::TcpConnections,
        "udp_conn_count" => Quantity::UdpConnections,
        "process_count" => Quantity::Processes,
        "temperature_max" => Quantity::TemperatureMax,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn read(rules: &str) -> Result<Rule, Failure> {
        let raw = Value::String(rules.to_owned());
        let body = format!(r#"{{"name":"r","RulesRaw":{raw},"Enable":"on","NotificationTag":"ops","triggermode":1}}"#);
        read_alert_rule(body.as_bytes(), NOW)
    }

    fn field(rules: &str) -> String {
        match read(rules) {
            Err(Failure::Invalid { field, .. }) => field,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_is_read_as_the_original_writes_it() {
        let rule = read(r#"[{"Type":"cpu","max":90,"MIN":5.5,"duration":30,"cover":1,"ignore":{"3":true,"4":false}}]"#);
        let level = |limit| Some(Level { trigger: limit, clear: limit });
        assert_eq!(
            rule.unwrap(),
            Rule {
                id: RuleId(0),
                name: "r".to_owned(),
                is_enabled: true,
                group: "ops".to_owned(),
                scope: Scope { hosts: Hosts::Only([HostId(3)].into()), tags: vec![] },
                conditions: vec![Condition {
                    test: Test::Value {
                        quantity: Quantity::Cpu,
                        bounds: Bounds { above: level(90.0), below: level(5.5) },
                    },
                    for_s: 30,
                }],
                repeat: Repeat::Never,
                escalations: vec![],
                ignores_quiet_hours: false,
            }
        );
        let always = br#"{"ID":7,"RulesRaw":"[{\"type\":\"offline\",\"duration\":10}]"}"#;
        let rule = read_alert_rule(always, NOW).unwrap();
        assert_eq!((rule.id, rule.repeat, rule.is_enabled), (RuleId(7), Repeat::Doubling, false));
        assert_eq!(rule.conditions, [Condition { test: Test::Offline, for_s: 10 }]);
    }

    #[test]
    fn every_type_is_known() {
        for kind in [
            "cpu",
            "gpu",
            "memory",
            "swap",
            "disk",
            "net_in_speed",
            "net_out_speed",
            "net_all_speed",
            "transfer_in",
            "transfer_out",
            "transfer_all",
            "offline",
            "load1",
            "load5",
            "load15",
            "tcp_conn_count",
            "udp_conn_count",
            "process_count",
            "temperature_max",
        ] {
            assert!(read(&format!(r#"[{{"type":"{kind}","max":1,"duration":3}}]"#)).is_ok(), "{kind}");
        }
        for (kind, direction) in [
            ("transfer_in_cycle", Direction::In),
            ("transfer_out_cycle", Direction::Out),
            ("transfer_all_cycle", Direction::All),
        ] {
            let text = format!(
                r#"[{{"type":"{kind}","max":1e12,"cycle_start":"2026-01-31T00:00:00+02:00","cycle_interval":1,"cycle_unit":"month"}}]"#
            );
            let rule = read(&text).unwrap();
            let Test::Transfer { direction: found, cycle, .. } = &rule.conditions[0].test else { panic!("{rule:?}") };
            assert_eq!((*found, cycle.unit, cycle.offset_s, cycle.interval), (direction, CycleUnit::Month, 7_200, 1));
        }
        assert_eq!(field(r#"[{"type":"weather","duration":3}]"#), "type");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let cycle = |rest: &str| format!(r#"[{{"type":"transfer_in_cycle","max":1{rest}}}]"#);
        assert_eq!(field("[]"), "RulesRaw");
        assert_eq!(field(r#"[{"type":"cpu","max":1,"duration":2}]"#), "duration");
        assert_eq!(field(r#"[{"type":"cpu","max":1}]"#), "duration");
        assert_eq!(field(&cycle(r#","cycle_start":"2026-01-01T00:00:00Z""#)), "cycle_interval");
        assert_eq!(field(&cycle(r#","cycle_interval":1"#)), "cycle_start");
        assert_eq!(field(&cycle(r#","cycle_interval":1,"cycle_start":"2027-01-01T00:00:00Z""#)), "cycle_start");
        for rules in ["{}", "x", "", "[1]", r#"[{"type":1}]"#, r#"[{"type":"cpu","duration":3,"ignore":[1]}]"#] {
            assert!(matches!(read(rules), Err(Failure::Malformed { .. })), "{rules}");
        }
    }

    #[test]
    fn a_rule_looks_where_all_its_conditions_look() {
        let hosts = |one: &str, other: &str| {
            let part = |rest: &str| format!(r#"{{"type":"cpu","max":1,"duration":3,{rest}}}"#);
            let rule = read(&format!("[{},{}]", part(one), part(other))).unwrap();
            rule.scope.hosts
        };
        let ids = |ids: &[i64]| ids.iter().copied().map(HostId).collect::<BTreeSet<HostId>>();
        let (all_but_1, only_1_2) = (r#""cover":0,"ignore":{"1":true}"#, r#""cover":1,"ignore":{"1":true,"2":true}"#);
        let only_2_3 = r#""cover":1,"ignore":{"2":true,"3":true}"#;
        assert_eq!(hosts(all_but_1, only_1_2), Hosts::Only(ids(&[2])));
        assert_eq!(hosts(only_1_2, only_2_3), Hosts::Only(ids(&[2])));
        assert_eq!(hosts(all_but_1, r#""ignore":{"3":true}"#), Hosts::AllBut(ids(&[1, 3])));
    }
}
