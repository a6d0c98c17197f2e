//! Thresholds as programs for Pulse set them: one setting, as JSON. Quiet hours among them are the deployment's own setting.

use std::collections::BTreeMap;

use edgewatch_core::model::{
    AlertConfig, AlertSchedule, Comparison, CustomRule, EscalationAudience, EscalationLevel, Grouping, GuestFilter,
    GuestText, HoldTimes, Limit, Severity, Switches, ThresholdMetric, Thresholds,
};
use serde::{Deserialize, Serialize};

use super::rules::{self, QUIET_HOURS, QuietWire};
use super::{Db, Statement, StoreError, settings};

/// The key of thresholds; nothing there means those that everybody begins with.
pub const KEY: &str = "thresholds";

/// All thresholds.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when they cannot be read.
pub async fn find(db: &Db) -> Result<AlertConfig, StoreError> {
    let (text, hours) = settings::find_two(db, KEY, QUIET_HOURS).await?;
    let mut config = match text.as_deref() {
        None | Some("") => AlertConfig::default(),
        Some(text) => decode(text)?,
    };
    let hours = rules::parse_quiet_hours(hours.as_deref())?;
    config.schedule.has_quiet_hours = hours.is_some();
    if let Some(hours) = hours {
        config.schedule.quiet_hours = hours;
    }
    Ok(config)
}

/// Sets all thresholds, and quiet hours with them, together with writing `with`: 3 rows written, and what `with` writes.
///
/// # Errors
/// As [`find`].
pub async fn put(db: &Db, config: &AlertConfig, with: Statement) -> Result<(), StoreError> {
    let mut statements = Vec::from(setting(config)?);
    statements.push(with);
    db.batch(statements).await.map(drop)
}

/// The statements that set all thresholds, and quiet hours with them: 3 rows written.
///
/// # Errors
/// As [`encode`].
pub fn setting(config: &AlertConfig) -> Result<[Statement; 3], StoreError> {
    let schedule = &config.schedule;
    let hours = schedule.has_quiet_hours.then_some(&schedule.quiet_hours);
    let hours = hours.map(|hours| to_text(&QuietWire::from(hours))).transpose()?.unwrap_or_default();
    Ok([settings::put(KEY, &encode(config)?), settings::put(QUIET_HOURS, &hours), rules::bump()])
}

/// What the hub judges by: all but what nobody has a use for but who said it, and quiet hours, which it knows anyway.
#[must_use]
pub fn without_rest(mut config: AlertConfig) -> AlertConfig {
    for thresholds in [&mut config.guest, &mut config.node, &mut config.host, &mut config.pbs] {
        thresholds.rest.clear();
    }
    config.overrides.values_mut().for_each(|thresholds| thresholds.rest.clear());
    for rule in &mut config.rules {
        rule.rest.clear();
        rule.thresholds.rest.clear();
    }
    config.schedule.rest.clear();
    config.schedule.has_quiet_hours = false;
    config.schedule.quiet_hours = AlertSchedule::default().quiet_hours;
    config.rest.clear();
    config
}

/// Thresholds as one text.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written.
pub fn encode(config: &AlertConfig) -> Result<String, StoreError> {
    to_text(&Wire::from(config))
}

/// What [`encode`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything else.
pub fn decode(text: &str) -> Result<AlertConfig, StoreError> {
    let wire: Wire = serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    AlertConfig::try_from(wire)
}

fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What there is of each kind of resource: nodes, guests, hosts, storages, backup servers.
type SwitchesWire = [bool; 5];

#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    enabled: bool,
    guest: ThresholdsWire,
    node: ThresholdsWire,
    host: ThresholdsWire,
    pbs: ThresholdsWire,
    /// Trigger and clear.
    storage: (f64, f64),
    overrides: BTreeMap<String, ThresholdsWire>,
    rules: Vec<RuleWire>,
    schedule: ScheduleWire,
    minimum_delta: f64,
    suppression_min: u32,
    hysteresis_margin: f64,
    hold_s: u32,
    /// Of guests, nodes, storages and backup servers.
    holds: [Option<u32>; 4],
    off: SwitchesWire,
    silence_off: SwitchesWire,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    rest: String,
}

#[derive(Serialize, Deserialize, Default)]
struct ThresholdsWire {
    /// Trigger and clear, by the metric's word.
    limits: BTreeMap<String, (f64, f64)>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    off: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ignores_silence: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    powered_off: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    rest: String,
}

#[derive(Serialize, Deserialize)]
struct RuleWire {
    id: String,
    name: String,
    filters: Vec<FilterWire>,
    any: bool,
    thresholds: ThresholdsWire,
    priority: i64,
    enabled: bool,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    rest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FilterWire {
    /// The metric's word, the operator and the value.
    Metric(String, String, f64),
    /// `name`, `node` or `vmid`, and part of it.
    Text(String, String),
    Raw(String),
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct ScheduleWire {
    quiet_hours: QuietWire,
    cooldown_min: u32,
    grouping_s: u32,
    most_an_hour: u32,
    tells_of_end: bool,
    escalates: bool,
    /// Minutes, and who.
    levels: Vec<(u32, String)>,
    /// Whether alerts are told together, within how many seconds, those of a node, those of a guest.
    grouping: (bool, u32, bool, bool),
    #[serde(skip_serializing_if = "String::is_empty", default)]
    rest: String,
}

const COMPARISONS: [(Comparison, &str); 5] = [
    (Comparison::Above, ">"),
    (Comparison::Below, "<"),
    (Comparison::AtLeast, ">="),
    (Comparison::AtMost, "<="),
    (Comparison::Equal, "="),
];
const TEXTS: [(GuestText, &str); 3] = [(GuestText::Name, "name"), (GuestText::Node, "node"), (GuestText::Vmid, "vmid")];

/// JSON has no number that is none.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn pair(limit: Limit) -> (f64, f64) {
    (finite(limit.trigger), finite(limit.clear))
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("thresholds with {what:?}"))
}

const fn switches_wire(switches: Switches) -> SwitchesWire {
    [switches.nodes, switches.guests, switches.hosts, switches.storages, switches.pbs]
}

const fn switches([nodes, guests, hosts, storages, pbs]: SwitchesWire) -> Switches {
    Switches { nodes, guests, hosts, storages, pbs }
}

impl From<&AlertConfig> for Wire {
    fn from(config: &AlertConfig) -> Self {
        let HoldTimes { guest_s, node_s, storage_s, pbs_s } = config.holds;
        let own = |(id, thresholds): (&String, &Thresholds)| (id.clone(), ThresholdsWire::from(thresholds));
        Self {
            enabled: config.is_enabled,
            guest: (&config.guest).into(),
            node: (&config.node).into(),
            host: (&config.host).into(),
            pbs: (&config.pbs).into(),
            storage: pair(config.storage),
            overrides: config.overrides.iter().map(own).collect(),
            rules: config.rules.iter().map(RuleWire::from).collect(),
            schedule: (&config.schedule).into(),
            minimum_delta: finite(config.minimum_delta),
            suppression_min: config.suppression_min,
            hysteresis_margin: finite(config.hysteresis_margin),
            hold_s: config.hold_s,
            holds: [guest_s, node_s, storage_s, pbs_s],
            off: switches_wire(config.off),
            silence_off: switches_wire(config.silence_off),
            rest: config.rest.clone(),
        }
    }
}

impl TryFrom<Wire> for AlertConfig {
    type Error = StoreError;

    fn try_from(wire: Wire) -> Result<Self, StoreError> {
        let [guest_s, node_s, storage_s, pbs_s] = wire.holds;
        let own = |(id, thresholds): (String, ThresholdsWire)| Ok((id, thresholds.try_into()?));
        Ok(Self {
            is_enabled: wire.enabled,
            guest: wire.guest.try_into()?,
            node: wire.node.try_into()?,
            host: wire.host.try_into()?,
            pbs: wire.pbs.try_into()?,
            storage: Limit::new(wire.storage.0, wire.storage.1),
            overrides: wire.overrides.into_iter().map(own).collect::<Result<_, StoreError>>()?,
            rules: wire.rules.into_iter().map(CustomRule::try_from).collect::<Result<_, _>>()?,
            schedule: wire.schedule.try_into()?,
            minimum_delta: wire.minimum_delta,
            suppression_min: wire.suppression_min,
            hysteresis_margin: wire.hysteresis_margin,
            hold_s: wire.hold_s,
            holds: HoldTimes { guest_s, node_s, storage_s, pbs_s },
            off: switches(wire.off),
            silence_off: switches(wire.silence_off),
            rest: wire.rest,
        })
    }
}

impl From<&Thresholds> for ThresholdsWire {
    fn from(thresholds: &Thresholds) -> Self {
        let limit = |(metric, limit): (&ThresholdMetric, &Limit)| (metric.word().to_owned(), pair(*limit));
        Self {
            limits: thresholds.limits.iter().map(limit).collect(),
            off: thresholds.is_off,
            ignores_silence: thresholds.ignores_silence,
            powered_off: thresholds.powered_off.map(|severity| severity.word().to_owned()),
            rest: thresholds.rest.clone(),
        }
    }
}

impl TryFrom<ThresholdsWire> for Thresholds {
    type Error = StoreError;

    fn try_from(wire: ThresholdsWire) -> Result<Self, StoreError> {
        let limit = |(word, (trigger, clear)): (String, (f64, f64))| {
            let metric = ThresholdMetric::parse(&word).ok_or_else(|| corrupt(&word))?;
            Ok((metric, Limit::new(trigger, clear)))
        };
        Ok(Self {
            limits: wire.limits.into_iter().map(limit).collect::<Result<_, StoreError>>()?,
            is_off: wire.off,
            ignores_silence: wire.ignores_silence,
            powered_off: wire.powered_off.as_deref().and_then(Severity::parse),
            rest: wire.rest,
        })
    }
}

impl From<&CustomRule> for RuleWire {
    fn from(rule: &CustomRule) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            filters: rule.filters.iter().map(FilterWire::from).collect(),
            any: rule.is_any,
            thresholds: (&rule.thresholds).into(),
            priority: rule.priority,
            enabled: rule.is_enabled,
            rest: rule.rest.clone(),
        }
    }
}

impl TryFrom<RuleWire> for CustomRule {
    type Error = StoreError;

    fn try_from(wire: RuleWire) -> Result<Self, StoreError> {
        Ok(Self {
            id: wire.id,
            name: wire.name,
            filters: wire.filters.into_iter().map(GuestFilter::try_from).collect::<Result<_, _>>()?,
            is_any: wire.any,
            thresholds: wire.thresholds.try_into()?,
            priority: wire.priority,
            is_enabled: wire.enabled,
            rest: wire.rest,
        })
    }
}

impl From<&GuestFilter> for FilterWire {
    fn from(filter: &GuestFilter) -> Self {
        match filter {
            GuestFilter::Metric { metric, comparison, value } => {
                let operator = COMPARISONS.iter().find(|(one, _)| one == comparison).map_or("", |(_, word)| word);
                Self::Metric(metric.word().to_owned(), operator.to_owned(), finite(*value))
            }
            GuestFilter::Text { field, part } => {
                let word = TEXTS.iter().find(|(one, _)| one == field).map_or("", |(_, word)| word);
                Self::Text(word.to_owned(), part.clone())
            }
            GuestFilter::Raw(part) => Self::Raw(part.clone()),
            GuestFilter::Other(said) => Self::Other(said.clone()),
        }
    }
}

impl TryFrom<FilterWire> for GuestFilter {
    type Error = StoreError;

    fn try_from(wire: FilterWire) -> Result<Self, StoreError> {
        Ok(match wire {
            FilterWire::Metric(metric, operator, value) => {
                let metric = ThresholdMetric::parse(&metric).ok_or_else(|| corrupt(&metric))?;
                let found = COMPARISONS.iter().find(|(_, word)| *word == operator);
                let (comparison, _) = *found.ok_or_else(|| corrupt(&operator))?;
                Self::Metric { metric, comparison, value }
            }
            FilterWire::Text(field, part) => {
                let (field, _) = *TEXTS.iter().find(|(_, word)| *word == field).ok_or_else(|| corrupt(&field))?;
                Self::Text { field, part }
            }
            FilterWire::Raw(part) => Self::Raw(part),
            FilterWire::Other(said) => Self::Other(said),
        })
    }
}

impl From<&AlertSchedule> for ScheduleWire {
    fn from(schedule: &AlertSchedule) -> Self {
        let Grouping { is_on, window_s, by_node, by_guest } = schedule.grouping;
        let level = |level: &EscalationLevel| (level.after_min, level.audience.word().to_owned());
        Self {
            quiet_hours: QuietWire::from(&schedule.quiet_hours),
            cooldown_min: schedule.cooldown_min,
            grouping_s: schedule.grouping_s,
            most_an_hour: schedule.most_an_hour,
            tells_of_end: schedule.tells_of_end,
            escalates: schedule.escalates,
            levels: schedule.levels.iter().map(level).collect(),
            grouping: (is_on, window_s, by_node, by_guest),
            rest: schedule.rest.clone(),
        }
    }
}

impl TryFrom<ScheduleWire> for AlertSchedule {
    type Error = StoreError;

    fn try_from(wire: ScheduleWire) -> Result<Self, StoreError> {
        let (is_on, window_s, by_node, by_guest) = wire.grouping;
        let level = |(after_min, word): (u32, String)| {
            let audience = EscalationAudience::parse(&word).ok_or_else(|| corrupt(&word))?;
            Ok(EscalationLevel { after_min, audience })
        };
        Ok(Self {
            // Whether there are any the deployment's own setting says.
            has_quiet_hours: false,
            quiet_hours: wire.quiet_hours.into(),
            cooldown_min: wire.cooldown_min,
            grouping_s: wire.grouping_s,
            most_an_hour: wire.most_an_hour,
            tells_of_end: wire.tells_of_end,
            escalates: wire.escalates,
            levels: wire.levels.into_iter().map(level).collect::<Result<_, StoreError>>()?,
            grouping: Grouping { is_on, window_s, by_node, by_guest },
            rest: wire.rest,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
