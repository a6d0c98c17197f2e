//! Table `rules`: when people are to be told, and by which settings. The hub keeps rules in the same JSON.

use std::collections::BTreeSet;

use edgewatch_core::model::{
    AddressNotices, AlertConfig, Bounds, Condition, Cycle, CycleUnit, Direction, Downtime, Escalation, HostId, Hosts,
    Level, Monitor, Quantity, QuietHours, Repeat, Rule, RuleId, Scope, Test,
};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::mackerel::downtimes;
use super::mackerel::monitors::{self, MonitorWire};
use super::{Db, Statement, StoreError, address_notices, settings, thresholds};

const LIST: &str = "SELECT id, name, enabled, body_json FROM rules ORDER BY id";
const FIND: &str = "SELECT id, name, enabled, body_json FROM rules WHERE id = ?1";
const INSERT: &str = "INSERT INTO rules (name, enabled, body_json, updated_at_s) VALUES (?1, ?2, ?3, ?4) RETURNING id";
const UPDATE: &str = "UPDATE rules SET name = ?2, enabled = ?3, body_json = ?4, updated_at_s = ?5 WHERE id = ?1";
const DELETE: &str = "DELETE FROM rules WHERE id = ?1";

/// The key of how often rules, or settings that they heed, were changed.
pub const RULES_VERSION: &str = "rules_version";
/// The key of quiet hours, as JSON; empty for none.
pub const QUIET_HOURS: &str = "quiet_hours";
/// Rules, and what they heed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleSet {
    /// By number.
    pub rules: Vec<Rule>,
    /// When people are not to be disturbed.
    pub quiet_hours: Option<QuietHours>,
    /// Whether notifications show addresses whole.
    pub plain_addresses: bool,
    /// When people are told that a host has another address.
    pub address_notices: AddressNotices,
    /// What programs for Mackerel have watched, by number.
    pub monitors: Vec<Monitor>,
    /// When alerts of those are not raised, by number.
    pub downtimes: Vec<(i64, Downtime)>,
    /// What programs for Pulse judge by.
    pub thresholds: AlertConfig,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    enabled: i64,
    body_json: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Every rule, by number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a rule that cannot be read.
pub async fn list(db: &Db) -> Result<Vec<Rule>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(Rule::try_from).collect()
}

/// A rule by number.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: RuleId) -> Result<Option<Rule>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.0.into()])).await?.first()?;
    row.map(Rule::try_from).transpose()
}

/// Inserts a rule together with `with` (its audit row) and gives its number.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, rule: &Rule, now: UnixSeconds, with: Statement) -> Result<RuleId, StoreError> {
    let binds = vec![rule.name.as_str().into(), rule.is_enabled.into(), encode_body(rule)?.into(), now.0.into()];
    let outcomes = db.batch(vec![Statement::new(INSERT, binds), settings::bump(RULES_VERSION), with]).await?;
    let row: Option<IdRow> = outcomes.first().map(super::Outcome::first).transpose()?.flatten();
    row.map(|row| RuleId(row.id)).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Puts a rule in the place of the one with its number, together with writing `with`; false when there was none.
///
/// # Errors
/// As [`list`].
pub async fn update(db: &Db, rule: &Rule, now: UnixSeconds, with: Statement) -> Result<bool, StoreError> {
    let binds = vec![
        rule.id.0.into(),
        rule.name.as_str().into(),
        rule.is_enabled.into(),
        encode_body(rule)?.into(),
        now.0.into(),
    ];
    let outcomes = db.batch(vec![Statement::new(UPDATE, binds), settings::bump(RULES_VERSION), with]).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// Deletes a rule, together with writing `with`; false when there was none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete(db: &Db, id: RuleId, with: Statement) -> Result<bool, StoreError> {
    let statements = vec![Statement::new(DELETE, vec![id.0.into()]), settings::bump(RULES_VERSION), with];
    let outcomes = db.batch(statements).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// Quiet hours, where there are any.
///
/// # Errors
/// As [`list`].
pub async fn find_quiet_hours(db: &Db) -> Result<Option<QuietHours>, StoreError> {
    parse_quiet_hours(settings::find(db, QUIET_HOURS).await?.as_deref())
}

/// Sets quiet hours, or none, together with writing `with`.
///
/// # Errors
/// As [`list`].
pub async fn put_quiet_hours(db: &Db, hours: Option<&QuietHours>, with: Statement) -> Result<(), StoreError> {
    let text = hours.map(|hours| to_text(&QuietWire::from(hours))).transpose()?.unwrap_or_default();
    db.batch(vec![settings::put(QUIET_HOURS, &text), settings::bump(RULES_VERSION), with]).await.map(drop)
}

/// The statement that has the hub ask anew for all that it judges by: 1 row written.
pub fn bump() -> Statement {
    settings::bump(RULES_VERSION)
}

/// All that the hub needs to judge.
///
/// # Errors
/// As [`list`].
pub async fn find_set(db: &Db) -> Result<RuleSet, StoreError> {
    Ok(RuleSet {
        rules: list(db).await?,
        quiet_hours: find_quiet_hours(db).await?,
        plain_addresses: settings::find(db, settings::PLAIN_IP_IN_NOTIFICATIONS).await?.as_deref() == Some("1"),
        address_notices: address_notices::find(db).await?,
        monitors: monitors::list_watches(db).await?,
        downtimes: downtimes::list(db).await?,
        thresholds: thresholds::without_rest(thresholds::find(db).await?),
    })
}

/// The set as one text.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn encode(set: &RuleSet) -> Result<String, StoreError> {
    let rule = |rule: &Rule| RuleWire {
        id: rule.id.0,
        name: rule.name.clone(),
        enabled: rule.is_enabled,
        body: BodyWire::from(rule),
    };
    to_text(&SetWire {
        rules: set.rules.iter().map(rule).collect(),
        quiet_hours: set.quiet_hours.as_ref().map(QuietWire::from),
        plain_addresses: set.plain_addresses,
        address_notices: address_notices::Wire::from(&set.address_notices),
        monitors: set.monitors.iter().map(MonitorWire::from).collect(),
        downtimes: set.downtimes.iter().map(|(id, one)| downtimes::Row::of(*id, one)).collect::<Result<_, _>>()?,
        thresholds: (set.thresholds != AlertConfig::default()).then(|| thresholds::Wire::from(&set.thresholds)),
    })
}

/// What [`encode`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything else.
pub fn decode(text: &str) -> Result<RuleSet, StoreError> {
    let wire: SetWire = from_text(text)?;
    let rules = wire.rules.into_iter().map(|one| one.body.into_rule(one.id, one.name, one.enabled));
    Ok(RuleSet {
        rules: rules.collect::<Result<_, _>>()?,
        quiet_hours: wire.quiet_hours.map(QuietHours::from),
        plain_addresses: wire.plain_addresses,
        address_notices: wire.address_notices.into(),
        monitors: wire.monitors.into_iter().map(Monitor::from).collect(),
        downtimes: wire.downtimes.into_iter().map(downtimes::Row::into_downtime).collect::<Result<_, _>>()?,
        thresholds: wire.thresholds.map_or_else(|| Ok(AlertConfig::default()), AlertConfig::try_from)?,
    })
}

pub(super) fn parse_quiet_hours(text: Option<&str>) -> Result<Option<QuietHours>, StoreError> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => from_text::<QuietWire>(text).map(|wire| Some(wire.into())),
    }
}

fn encode_body(rule: &Rule) -> Result<String, StoreError> {
    to_text(&BodyWire::from(rule))
}

fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl TryFrom<Row> for Rule {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        from_text::<BodyWire>(&row.body_json)?.into_rule(row.id, row.name, row.enabled != 0)
    }
}

#[derive(Serialize, Deserialize)]
struct SetWire {
    rules: Vec<RuleWire>,
    quiet_hours: Option<QuietWire>,
    plain_addresses: bool,
    // A shard that keeps a set of before there were any has none.
    #[serde(default)]
    address_notices: address_notices::Wire,
    // One of before there were monitors has what every deployment begins with.
    #[serde(default = "first_monitor")]
    monitors: Vec<MonitorWire>,
    #[serde(default)]
    downtimes: Vec<downtimes::Row>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    thresholds: Option<thresholds::Wire>,
}

fn first_monitor() -> Vec<MonitorWire> {
    vec![MonitorWire::from(&Monitor::first())]
}

#[derive(Serialize, Deserialize)]
struct RuleWire {
    id: i64,
    name: String,
    enabled: bool,
    body: BodyWire,
}

#[derive(Serialize, Deserialize)]
pub(super) struct QuietWire {
    zone: String,
    from_min: u16,
    to_min: u16,
    days: [bool; 7],
}

#[derive(Serialize, Deserialize)]
struct BodyWire {
    group: String,
    /// Whether `hosts` are the only ones, or the ones left out.
    only: bool,
    hosts: BTreeSet<i64>,
    tags: Vec<String>,
    conditions: Vec<ConditionWire>,
    /// 0 never, -1 doubling, else seconds.
    repeat: i64,
    /// Seconds and group.
    escalations: Vec<(u32, String)>,
    ignores_quiet_hours: bool,
}

#[derive(Serialize, Deserialize)]
struct ConditionWire {
    /// A quantity's word, `offline`, or `transfer`.
    test: String,
    for_s: u32,
    /// Trigger and clear.
    above: Option<(f64, f64)>,
    below: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    cycle: Option<CycleWire>,
}

#[derive(Serialize, Deserialize)]
struct CycleWire {
    direction: String,
    start_s: i64,
    offset_s: i32,
    interval: u32,
    unit: String,
}

const QUANTITIES: [(Quantity, &str); 18] = [
    (Quantity::Cpu, "cpu"),
    (Quantity::Gpu, "gpu"),
    (Quantity::Memory, "memory"),
    (Quantity::Swap, "swap"),
    (Quantity::Disk, "disk"),
    (Quantity::NetInSpeed, "net_in_speed"),
    (Quantity::NetOutSpeed, "net_out_speed"),
    (Quantity::NetAllSpeed, "net_all_speed"),
    (Quantity::TransferIn, "transfer_in"),
    (Quantity::TransferOut, "transfer_out"),
    (Quantity::TransferAll, "transfer_all"),
    (Quantity::Load1, "load1"),
    (Quantity::Load5, "load5"),
    (Quantity::Load15, "load15"),
    (Quantity::TcpConnections, "tcp_connections"),
    (Quantity::UdpConnections, "udp_connections"),
    (Quantity::Processes, "processes"),
    (Quantity::TemperatureMax, "temperature_max"),
];
const DIRECTIONS: [(Direction, &str); 3] = [(Direction::In, "in"), (Direction::Out, "out"), (Direction::All, "all")];
const UNITS: [(CycleUnit, &str); 5] = [
    (CycleUnit::Hour, "hour"),
    (CycleUnit::Day, "day"),
    (CycleUnit::Week, "week"),
    (CycleUnit::Month, "month"),
    (CycleUnit::Year, "year"),
];

fn word<T: PartialEq>(table: &[(T, &'static str)], wanted: &T) -> String {
    table.iter().find(|(one, _)| one == wanted).map_or("", |(_, word)| word).to_owned()
}

fn of_word<T: Copy>(table: &[(T, &str)], wanted: &str) -> Result<T, StoreError> {
    let found = table.iter().find(|(_, word)| *word == wanted).map(|(one, _)| *one);
    found.ok_or_else(|| StoreError::Corrupt(format!("a rule with {wanted:?}")))
}

impl From<&Rule> for BodyWire {
    fn from(rule: &Rule) -> Self {
        let (only, hosts) = match &rule.scope.hosts {
            Hosts::AllBut(hosts) => (false, hosts),
            Hosts::Only(hosts) => (true, hosts),
        };
        Self {
            group: rule.group.clone(),
            only,
            hosts: hosts.iter().map(|id| id.0).collect(),
            tags: rule.scope.tags.clone(),
            conditions: rule.conditions.iter().map(ConditionWire::from).collect(),
            repeat: match rule.repeat {
                Repeat::Never => 0,
                Repeat::Every(seconds) => i64::from(seconds),
                Repeat::Doubling => -1,
            },
            escalations: rule.escalations.iter().map(|one| (one.after_s, one.group.clone())).collect(),
            ignores_quiet_hours: rule.ignores_quiet_hours,
        }
    }
}

impl BodyWire {
    fn into_rule(self, id: i64, name: String, is_enabled: bool) -> Result<Rule, StoreError> {
        let hosts: BTreeSet<HostId> = self.hosts.into_iter().map(HostId).collect();
        Ok(Rule {
            id: RuleId(id),
            name,
            is_enabled,
            group: self.group,
            scope: Scope { hosts: if self.only { Hosts::Only(hosts) } else { Hosts::AllBut(hosts) }, tags: self.tags },
            conditions: self.conditions.into_iter().map(Condition::try_from).collect::<Result<_, _>>()?,
            repeat: match self.repeat {
                0 => Repeat::Never,
                seconds => u32::try_from(seconds).map_or(Repeat::Doubling, Repeat::Every),
            },
            escalations: self.escalations.into_iter().map(|(after_s, group)| Escalation { after_s, group }).collect(),
            ignores_quiet_hours: self.ignores_quiet_hours,
        })
    }
}

impl From<&Condition> for ConditionWire {
    fn from(condition: &Condition) -> Self {
        let (test, bounds, cycle) = match &condition.test {
            Test::Value { quantity, bounds } => (word(&QUANTITIES, quantity), *bounds, None),
            Test::Offline => ("offline".to_owned(), Bounds::default(), None),
            Test::Transfer { direction, cycle, bounds } => {
                let cycle = CycleWire {
                    direction: word(&DIRECTIONS, direction),
                    start_s: cycle.start.0,
                    offset_s: cycle.offset_s,
                    interval: cycle.interval,
                    unit: word(&UNITS, &cycle.unit),
                };
                ("transfer".to_owned(), *bounds, Some(cycle))
            }
        };
        let pair = |level: Option<Level>| level.map(|level| (level.trigger, level.clear));
        Self { test, for_s: condition.for_s, above: pair(bounds.above), below: pair(bounds.below), cycle }
    }
}

impl TryFrom<ConditionWire> for Condition {
    type Error = StoreError;

    fn try_from(wire: ConditionWire) -> Result<Self, StoreError> {
        let level = |pair: Option<(f64, f64)>| pair.map(|(trigger, clear)| Level { trigger, clear });
        let bounds = Bounds { above: level(wire.above), below: level(wire.below) };
        let test = match (wire.test.as_str(), wire.cycle) {
            ("offline", _) => Test::Offline,
            (_, Some(cycle)) => Test::Transfer {
                direction: of_word(&DIRECTIONS, &cycle.direction)?,
                cycle: Cycle {
                    start: UnixSeconds(cycle.start_s),
                    offset_s: cycle.offset_s,
                    interval: cycle.interval,
                    unit: of_word(&UNITS, &cycle.unit)?,
                },
                bounds,
            },
            (quantity, None) => Test::Value { quantity: of_word(&QUANTITIES, quantity)?, bounds },
        };
        Ok(Self { test, for_s: wire.for_s })
    }
}

impl From<&QuietHours> for QuietWire {
    fn from(hours: &QuietHours) -> Self {
        Self { zone: hours.zone.clone(), from_min: hours.from_min, to_min: hours.to_min, days: hours.days }
    }
}

impl From<QuietWire> for QuietHours {
    fn from(wire: QuietWire) -> Self {
        Self { zone: wire.zone, from_min: wire.from_min, to_min: wire.to_min, days: wire.days }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::access;
    use crate::store::db::now;

    /// A rule of every kind of condition.
    pub fn rule() -> Rule {
        let level = |trigger, clear| Some(Level { trigger, clear });
        let cycle = Cycle { start: UnixSeconds(5), offset_s: -3600, interval: 2, unit: CycleUnit::Month };
        let mut conditions: Vec<Condition> = QUANTITIES
            .iter()
            .map(|(quantity, _)| Condition {
                test: Test::Value {
                    quantity: *quantity,
                    bounds: Bounds { above: level(90.5, 80.0), below: level(1.0, 2.0) },
                },
                for_s: 30,
            })
            .collect();
        conditions.push(Condition { test: Test::Offline, for_s: 60 });
        let bounds = Bounds { above: level(1e12, 1e12), below: None };
        conditions.push(Condition { test: Test::Transfer { direction: Direction::All, cycle, bounds }, for_s: 0 });
        Rule {
            id: RuleId(1),
            name: "all".to_owned(),
            is_enabled: true,
            group: "ops".to_owned(),
            scope: Scope { hosts: Hosts::Only([HostId(3)].into()), tags: vec!["eu".to_owned()] },
            conditions,
            repeat: Repeat::Every(300),
            escalations: vec![Escalation { after_s: 600, group: "boss".to_owned() }],
            ignores_quiet_hours: true,
        }
    }

    #[test]
    fn a_rule_comes_back_as_it_was_put_last() {
        let db = Db::in_memory().unwrap();
        let audit = |key: &str| access::audit(key, UnixSeconds(1), "x", "y", "z");
        let id = now(insert(&db, &rule(), UnixSeconds(1), audit("1"))).unwrap();
        assert_eq!(now(find(&db, id)).unwrap(), Some(rule()));
        let changed = Rule { repeat: Repeat::Doubling, scope: Scope::default(), is_enabled: false, ..rule() };
        assert!(now(update(&db, &changed, UnixSeconds(2), audit("2"))).unwrap());
        assert_eq!(now(list(&db)).unwrap(), std::slice::from_ref(&changed));
        assert!(!now(update(&db, &Rule { id: RuleId(9), ..changed }, UnixSeconds(2), audit("3"))).unwrap());
        assert!(now(delete(&db, id, audit("4"))).unwrap() && !now(delete(&db, id, audit("5"))).unwrap());
        assert_eq!(now(settings::find_count(&db, RULES_VERSION)).unwrap(), 5);
    }

    #[test]
    fn a_set_comes_back_from_its_text() {
        let db = Db::in_memory().unwrap();
        let hours = QuietHours { zone: "UTC".to_owned(), from_min: 1, to_min: 2, days: [true; 7] };
        now(put_quiet_hours(&db, Some(&hours), access::audit("1", UnixSeconds(1), "x", "y", "z"))).unwrap();
        now(db.run(settings::put(settings::PLAIN_IP_IN_NOTIFICATIONS, "1"))).unwrap();
        let notices = AddressNotices { is_on: true, ..AddressNotices::default() };
        now(db.run(address_notices::put(&notices).unwrap())).unwrap();
        let set = RuleSet { rules: vec![rule()], ..now(find_set(&db)).unwrap() };
        assert_eq!(set.address_notices, notices);
        assert_eq!((set.quiet_hours.clone(), set.plain_addresses), (Some(hours), true));
        assert_eq!(decode(&encode(&set).unwrap()), Ok(set));
        now(put_quiet_hours(&db, None, access::audit("2", UnixSeconds(1), "x", "y", "z"))).unwrap();
        assert_eq!(now(find_quiet_hours(&db)).unwrap(), None);
        assert!(decode("{").is_err());
    }
}
