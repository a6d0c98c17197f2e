//! `/api/edgewatch/v1/rules`.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::model::{
    Bounds, Condition, Cycle, CycleUnit, Direction, Escalation, HostId, Hosts, Level, Quantity, Repeat, Rule, RuleId,
    Scope, Test,
};
use crate::units::UnixSeconds;
use crate::units::calendar::parse_rfc3339;

/// The answer of `GET /api/edgewatch/v1/rules`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleListReply {
    /// By number.
    pub rules: Vec<RulePart>,
}

/// A rule in an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RulePart {
    /// Its number.
    pub id: i64,
    /// The rest.
    #[serde(flatten)]
    pub rule: RuleBody,
}

/// The answer when a rule was made or replaced.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleSavedReply {
    /// The rule.
    #[serde(flatten)]
    pub rule: RulePart,
    /// What whoever made it should know; left out when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The body of `POST /api/edgewatch/v1/rules` and `PUT /api/edgewatch/v1/rules/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleBody {
    /// What people call it.
    pub name: String,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which group of channels is told; empty for the default one.
    #[serde(default)]
    pub group: String,
    /// These hosts alone; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<i64>>,
    /// Not these hosts; not together with `hosts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_hosts: Vec<i64>,
    /// Hosts of these groups alone, those to come included; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// All of them have to fail.
    pub conditions: Vec<ConditionPart>,
    /// `never`, `doubling`, or `every`.
    #[serde(default = "never")]
    pub repeat: String,
    /// Seconds, for `every`; at least 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_s: Option<u32>,
    /// Who else is told when nobody acknowledges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<EscalationPart>,
    /// Whether it is told at once in quiet hours too.
    #[serde(default)]
    pub ignore_quiet_hours: bool,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionPart {
    /// A metric: `cpu_percent` and so on, `offline`, or `transfer_in_bytes`, `transfer_out_bytes`, `transfer_all_bytes`, which
    /// count since boot, or with `cycle` since its beginning.
    pub metric: String,
    /// It fails above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It has recovered at this, below `above`; `above` itself when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above_clear: Option<f64>,
    /// It fails below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// It has recovered at this, above `below`; `below` itself when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_clear: Option<f64>,
    /// For how many seconds without a break.
    #[serde(default)]
    pub for_s: u32,
    /// A stretch of time whose bytes count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<CyclePart>,
}

/// A stretch of time that comes again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CyclePart {
    /// When the first one began, as RFC 3339 has it; its offset is the calendar's.
    pub start: String,
    /// `hour`, `day`, `week`, `month` or `year`.
    pub unit: String,
    /// How many of them it lasts; 1 when left out.
    #[serde(default = "one")]
    pub every: u32,
}

/// Who else is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EscalationPart {
    /// After so many seconds.
    pub after_s: u32,
    /// Which group of channels.
    pub group: String,
}

const METRICS: [(Quantity, &str); 18] = [
    (Quantity::Cpu, "cpu_percent"),
    (Quantity::Gpu, "gpu_percent"),
    (Quantity::Memory, "mem_percent"),
    (Quantity::Swap, "swap_percent"),
    (Quantity::Disk, "disk_percent"),
    (Quantity::NetInSpeed, "net_in_bytes_per_s"),
    (Quantity::NetOutSpeed, "net_out_bytes_per_s"),
    (Quantity::NetAllSpeed, "net_all_bytes_per_s"),
    (Quantity::TransferIn, "transfer_in_bytes"),
    (Quantity::TransferOut, "transfer_out_bytes"),
    (Quantity::TransferAll, "transfer_all_bytes"),
    (Quantity::Load1, "load1"),
    (Quantity::Load5, "load5"),
    (Quantity::Load15, "load15"),
    (Quantity::TcpConnections, "tcp_connections"),
    (Quantity::UdpConnections, "udp_connections"),
    (Quantity::Processes, "processes"),
    (Quantity::TemperatureMax, "temperature_max_celsius"),
];
const UNITS: [(CycleUnit, &str); 5] = [
    (CycleUnit::Hour, "hour"),
    (CycleUnit::Day, "day"),
    (CycleUnit::Week, "week"),
    (CycleUnit::Month, "month"),
    (CycleUnit::Year, "year"),
];
const OFFLINE: &str = "offline";

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

fn never() -> String {
    "never".to_owned()
}

fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

impl From<&Rule> for RuleBody {
    fn from(rule: &Rule) -> Self {
        let numbers = |hosts: &std::collections::BTreeSet<HostId>| hosts.iter().map(|id| id.0).collect::<Vec<i64>>();
        let (hosts, except_hosts) = match &rule.scope.hosts {
            Hosts::AllBut(hosts) => (None, numbers(hosts)),
            Hosts::Only(hosts) => (Some(numbers(hosts)), Vec::new()),
        };
        let (repeat, repeat_s) = match rule.repeat {
            Repeat::Never => ("never", None),
            Repeat::Doubling => ("doubling", None),
            Repeat::Every(seconds) => ("every", Some(seconds)),
        };
        let escalate = |one: &Escalation| EscalationPart { after_s: one.after_s, group: one.group.clone() };
        Self {
            name: rule.name.clone(),
            enabled: rule.is_enabled,
            group: rule.group.clone(),
            hosts,
            except_hosts,
            tags: rule.scope.tags.clone(),
            conditions: rule.conditions.iter().map(ConditionPart::from).collect(),
            repeat: repeat.to_owned(),
            repeat_s,
            escalate: rule.escalations.iter().map(escalate).collect(),
            ignore_quiet_hours: rule.ignores_quiet_hours,
        }
    }
}

impl RuleBody {
    /// The rule, under this number.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what means nothing.
    pub fn into_rule(self, id: RuleId) -> Result<Rule, Failure> {
        let numbers = |ids: Vec<i64>| ids.into_iter().map(HostId).collect();
        let hosts = match self.hosts {
            Some(_) if !self.except_hosts.is_empty() => {
                return Err(invalid("except_hosts", "not together with hosts"));
            }
            Some(hosts) => Hosts::Only(numbers(hosts)),
            None => Hosts::AllBut(numbers(self.except_hosts)),
        };
        let repeat = match (self.repeat.as_str(), self.repeat_s) {
            ("never", None) => Repeat::Never,
            ("doubling", None) => Repeat::Doubling,
            ("every", Some(seconds)) => Repeat::Every(seconds),
            ("never" | "doubling", Some(_)) => return Err(invalid("repeat_s", "for every alone")),
            ("every", None) => return Err(invalid("repeat_s", "is missing")),
            _ => return Err(invalid("repeat", "never, doubling or every")),
        };
        let escalate = |one: EscalationPart| Escalation { after_s: one.after_s, group: one.group };
        Ok(Rule {
            id,
            name: self.name,
            is_enabled: self.enabled,
            group: self.group,
            scope: Scope { hosts, tags: self.tags },
            conditions: self.conditions.into_iter().map(Condition::try_from).collect::<Result<_, _>>()?,
            repeat,
            escalations: self.escalate.into_iter().map(escalate).collect(),
            ignores_quiet_hours: self.ignore_quiet_hours,
        })
    }
}

fn word<T: PartialEq>(table: &[(T, &'static str)], wanted: &T) -> String {
    table.iter().find(|(one, _)| one == wanted).map_or("", |(_, word)| word).to_owned()
}

impl From<&Condition> for ConditionPart {
    fn from(condition: &Condition) -> Self {
        let (metric, bounds, cycle) = match &condition.test {
            Test::Offline => (OFFLINE.to_owned(), Bounds::default(), None),
            Test::Value { quantity, bounds } => (word(&METRICS, quantity), *bounds, None),
            Test::Transfer { direction, cycle, bounds } => {
                let quantity = match direction {
                    Direction::In => Quantity::TransferIn,
                    Direction::Out => Quantity::TransferOut,
                    Direction::All => Quantity::TransferAll,
                };
                (word(&METRICS, &quantity), *bounds, Some(CyclePart::from(*cycle)))
            }
        };
        // A level that is its trigger needs no words.
        let clear = |level: Option<Level>| {
            level.filter(|level| (level.clear - level.trigger).abs() > 0.0).map(|level| level.clear)
        };
        Self {
            metric,
            above: bounds.above.map(|level| level.trigger),
            above_clear: clear(bounds.above),
            below: bounds.below.map(|level| level.trigger),
            below_clear: clear(bounds.below),
            for_s: condition.for_s,
            cycle,
        }
    }
}

impl TryFrom<ConditionPart> for Condition {
    type Error = Failure;

    fn try_from(part: ConditionPart) -> Result<Self, Failure> {
        let level = |trigger: Option<f64>, clear: Option<f64>, field: &str| match (trigger, clear) {
            (None, Some(_)) => Err(invalid(field, "without its limit")),
            (trigger, clear) => Ok(trigger.map(|trigger| Level { trigger, clear: clear.unwrap_or(trigger) })),
        };
        let bounds = Bounds {
            above: level(part.above, part.above_clear, "above_clear")?,
            below: level(part.below, part.below_clear, "below_clear")?,
        };
        if part.metric == OFFLINE {
            if bounds != Bounds::default() || part.cycle.is_some() {
                return Err(invalid("metric", "offline has no limits and no cycle"));
            }
            return Ok(Self { test: Test::Offline, for_s: part.for_s });
        }
        let quantity = METRICS.iter().find(|(_, word)| *word == part.metric).map(|(quantity, _)| *quantity);
        let known = || METRICS.iter().map(|(_, word)| *word).chain([OFFLINE]).collect::<Vec<_>>().join(", ");
        let quantity = quantity.ok_or_else(|| invalid("metric", &format!("is one of {}", known())))?;
        let Some(cycle) = part.cycle else {
            return Ok(Self { test: Test::Value { quantity, bounds }, for_s: part.for_s });
        };
        let direction = match quantity {
            Quantity::TransferIn => Direction::In,
            Quantity::TransferOut => Direction::Out,
            Quantity::TransferAll => Direction::All,
            _ => return Err(invalid("cycle", "for transferred bytes alone")),
        };
        Ok(Self { test: Test::Transfer { direction, cycle: cycle.try_into()?, bounds }, for_s: part.for_s })
    }
}

impl From<Cycle> for CyclePart {
    fn from(cycle: Cycle) -> Self {
        let offset_s = i64::from(cycle.offset_s);
        let local = cycle.start.plus(offset_s).rfc3339();
        let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.abs() / 60);
        let offset =
            if minutes == 0 { "Z".to_owned() } else { format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60) };
        Self {
            start: format!("{}{offset}", local.trim_end_matches('Z')),
            unit: word(&UNITS, &cycle.unit),
            every: cycle.interval,
        }
    }
}

impl TryFrom<CyclePart> for Cycle {
    type Error = Failure;

    fn try_from(part: CyclePart) -> Result<Self, Failure> {
        let unit = UNITS.iter().find(|(_, word)| *word == part.unit).map(|(unit, _)| *unit);
        let time: Option<(UnixSeconds, i32)> = parse_rfc3339(&part.start);
        let (start, offset_s) = time.ok_or_else(|| invalid("start", "a time such as 2026-01-31T00:00:00+01:00"))?;
        let unit = unit.ok_or_else(|| invalid("unit", "hour, day, week, month or year"))?;
        Ok(Self { start, offset_s, interval: part.every, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rule, Failure> {
        serde_json::from_str::<RuleBody>(text).unwrap().into_rule(RuleId(3))
    }

    #[test]
    fn a_rule_comes_back_as_it_was_sent() {
        let full = concat!(
            r#"{"name":"r","enabled":false,"group":"ops","hosts":[1,2],"tags":["eu"],"conditions":["#,
            r#"{"metric":"cpu_percent","above":90.0,"above_clear":80.0,"below":1.0,"for_s":60},"#,
            r#"{"metric":"offline","for_s":30},"#,
            r#"{"metric":"transfer_all_bytes","above":1e12,"for_s":0,"cycle":{"start":"2026-01-31T00:00:00-05:30","unit":"month","every":2}}],"#,
            r#""repeat":"every","repeat_s":600,"escalate":[{"after_s":900,"group":"boss"}],"ignore_quiet_hours":true}"#
        );
        let body = RuleBody::from(&read(full).unwrap());
        assert_eq!(serde_json::to_string(&body).unwrap(), full.replace("1e12", "1000000000000.0"));
        let least = read(r#"{"name":"r","conditions":[{"metric":"offline"}]}"#).unwrap();
        assert!(least.is_enabled && least.repeat == Repeat::Never && least.scope == Scope::default());
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (rest, field) in [
            (r#""hosts":[1],"except_hosts":[2]"#, "except_hosts"),
            (r#""repeat":"always""#, "repeat"),
            (r#""repeat":"every""#, "repeat_s"),
            (r#""repeat_s":5"#, "repeat_s"),
            (r#""conditions":[{"metric":"weather","above":1}]"#, "metric"),
            (r#""conditions":[{"metric":"offline","above":1}]"#, "metric"),
            (r#""conditions":[{"metric":"load1","above_clear":1}]"#, "above_clear"),
            (
                r#""conditions":[{"metric":"load1","above":1,"cycle":{"start":"2026-01-31T00:00:00Z","unit":"day"}}]"#,
                "cycle",
            ),
            (
                r#""conditions":[{"metric":"transfer_in_bytes","above":1,"cycle":{"start":"yesterday","unit":"day"}}]"#,
                "start",
            ),
            (
                r#""conditions":[{"metric":"transfer_in_bytes","above":1,"cycle":{"start":"2026-01-31T00:00:00Z","unit":"moon"}}]"#,
                "unit",
            ),
        ] {
            let conditions = if rest.contains("conditions") { "" } else { r#""conditions":[],"# };
            let found = read(&format!(r#"{{"name":"r",{conditions}{rest}}}"#));
            assert!(matches!(&found, Err(Failure::Invalid { field: at, .. }) if at == field), "{rest}: {found:?}");
        }
    }
}
