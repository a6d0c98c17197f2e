//! `GET` and `PUT /api/alerts/config`, and the documented aliases of its parts. Source: pulse specification, 12.1, 12.5 and 12.6.
//!
//! What a client says beyond what is known is kept and said again. What a limit that makes no sense means is left to the rules.

mod alias;
mod rules;
mod schedule;
#[cfg(test)]
mod tests;
mod thresholds;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::number::Number;
use super::object::{self, Object};
use crate::failure::Failure;
use crate::model::{AlertConfig, AlertSchedule, HoldTimes, Limit, Switches, Thresholds};

pub use alias::{OverridesChange, ThresholdsView, changed_thresholds};
use rules::RuleKeys;
pub use schedule::ScheduleKeys;
use thresholds::LimitKeys;
pub use thresholds::ThresholdKeys;

/// The configuration of alerts, as it is answered and exported.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertConfigReply {
    enabled: bool,
    guest_defaults: ThresholdKeys,
    node_defaults: ThresholdKeys,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_defaults: Option<ThresholdKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pbs_defaults: Option<ThresholdKeys>,
    storage_default: LimitKeys,
    /// By resource.
    overrides: BTreeMap<String, ThresholdKeys>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_rules: Vec<RuleKeys>,
    schedule: ScheduleKeys,
    #[serde(flatten)]
    tuning: TuningKeys,
    #[serde(flatten)]
    switches: BTreeMap<&'static str, bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct TuningKeys {
    /// Percent, or MiB/s.
    minimum_delta: Number,
    /// Minutes.
    suppression_window: u32,
    hysteresis_margin: Number,
    /// Seconds.
    time_threshold: u32,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_thresholds: Option<TimeKeys>,
}

/// Seconds by kind of resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct TimeKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pbs: Option<u32>,
}

/// What a change of the configuration is answered with: the words of 4.2 and those of later releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SavedReply {
    /// `success`.
    pub status: &'static str,
    /// True.
    pub success: bool,
}

impl SavedReply {
    /// It is saved.
    pub const DONE: Self = Self { status: "success", success: true };
}

impl From<&AlertConfig> for AlertConfigReply {
    fn from(config: &AlertConfig) -> Self {
        let usual = AlertConfig::default();
        let unless_usual = |now: &Thresholds, usual: &Thresholds| (now != usual).then(|| ThresholdKeys::from(now));
        Self {
            enabled: config.is_enabled,
            guest_defaults: ThresholdKeys::from(&config.guest),
            node_defaults: ThresholdKeys::from(&config.node),
            host_defaults: unless_usual(&config.host, &usual.host),
            pbs_defaults: unless_usual(&config.pbs, &usual.pbs),
            storage_default: LimitKeys::from(config.storage),
            overrides: config.overrides.iter().map(|(id, one)| (id.clone(), ThresholdKeys::from(one))).collect(),
            custom_rules: config.rules.iter().map(RuleKeys::from).collect(),
            schedule: ScheduleKeys::from(&config.schedule),
            tuning: TuningKeys {
                minimum_delta: Number(config.minimum_delta),
                suppression_window: config.suppression_min,
                hysteresis_margin: Number(config.hysteresis_margin),
                time_threshold: config.hold_s,
                time_thresholds: time_keys(config.holds),
            },
            switches: switch_keys(config, &usual),
            rest: object::rest(&config.rest),
        }
    }
}

fn time_keys(holds: HoldTimes) -> Option<TimeKeys> {
    let HoldTimes { guest_s: guest, node_s: node, storage_s: storage, pbs_s: pbs } = holds;
    (holds != HoldTimes::default()).then_some(TimeKeys { guest, node, storage, pbs })
}

/// The names of [`Switches`]: of kinds that are not judged, and of those whose silence nobody minds.
const SWITCHES: [(&str, &str); 5] = [
    ("disableAllNodes", "disableAllNodesOffline"),
    ("disableAllGuests", "disableAllGuestsOffline"),
    ("disableAllHosts", "disableAllHostsOffline"),
    ("disableAllStorage", "disableAllStorageOffline"),
    ("disableAllPBS", "disableAllPBSOffline"),
];

const fn switches(of: &mut Switches) -> [&mut bool; 5] {
    [&mut of.nodes, &mut of.guests, &mut of.hosts, &mut of.storages, &mut of.pbs]
}

/// Those that are not as usual.
fn switch_keys(config: &AlertConfig, usual: &AlertConfig) -> BTreeMap<&'static str, bool> {
    let mut keys = BTreeMap::new();
    let (mut off, mut silence) = (config.off, config.silence_off);
    let (mut usual_off, mut usual_silence) = (usual.off, usual.silence_off);
    let names = SWITCHES.iter();
    for ((off_name, _), (now, usual)) in names.clone().zip(switches(&mut off).into_iter().zip(switches(&mut usual_off)))
    {
        if now != usual {
            keys.insert(*off_name, *now);
        }
    }
    for ((_, name), (now, usual)) in names.zip(switches(&mut silence).into_iter().zip(switches(&mut usual_silence))) {
        if now != usual {
            keys.insert(*name, *now);
        }
    }
    keys
}

/// Reads a body of `PUT /api/alerts/config`: all of the configuration. What is missing is as usual; of thresholds that are there, a
/// missing metric is off.
///
/// # Errors
/// [`Failure::Malformed`] for no object, [`Failure::Invalid`] for a value of another type.
pub fn parse_alert_config(body: &[u8]) -> Result<AlertConfig, Failure> {
    read_alert_config(object::parse(body)?)
}

/// Reads the configuration out of an object, as [`parse_alert_config`] does.
///
/// # Errors
/// [`Failure::Invalid`] likewise.
pub fn read_alert_config(mut from: Object) -> Result<AlertConfig, Failure> {
    let usual = AlertConfig::default();
    let margin = from.number("hysteresisMargin")?.filter(|margin| *margin > 0.0).unwrap_or(usual.hysteresis_margin);
    let defaults = |from: &mut Object, key: &str, usual: Thresholds| {
        from.object(key)?.map_or(Ok(usual), |object| thresholds::read(object, margin))
    };
    let storage = from.take("storageDefault").map(|value| thresholds::read_limit(value, margin, "storageDefault"));
    let storage = storage.transpose()?.filter(|limit| limit.trigger > 0.0 || limit.clear > 0.0);
    let mut config = AlertConfig {
        is_enabled: from.bool("enabled")?.unwrap_or(usual.is_enabled),
        guest: defaults(&mut from, "guestDefaults", usual.guest)?,
        node: defaults(&mut from, "nodeDefaults", usual.node)?,
        host: defaults(&mut from, "hostDefaults", usual.host)?,
        pbs: defaults(&mut from, "pbsDefaults", usual.pbs)?,
        storage: storage.map_or(usual.storage, |limit| Limit { clear: limit.clear.max(0.0), ..limit }),
        overrides: BTreeMap::new(),
        rules: rules::read(from.list("customRules")?.unwrap_or_default(), margin)?,
        schedule: from.object("schedule")?.map_or_else(|| Ok(AlertSchedule::default()), schedule::read)?,
        minimum_delta: from.number("minimumDelta")?.filter(|delta| *delta > 0.0).unwrap_or(usual.minimum_delta),
        suppression_min: from.count("suppressionWindow")?.filter(|window| *window > 0).unwrap_or(usual.suppression_min),
        hysteresis_margin: margin,
        hold_s: from.count("timeThreshold")?.unwrap_or(usual.hold_s),
        holds: read_times(&mut from)?,
        off: usual.off,
        silence_off: usual.silence_off,
        rest: String::new(),
    };
    for (id, value) in from.object("overrides")?.unwrap_or_default().into_map() {
        if !value.is_null() {
            let thresholds = thresholds::read(Object::of(value, &id)?, margin)?;
            config.overrides.insert(id, thresholds);
        }
    }
    for ((off_name, silence_name), (off, silence)) in
        SWITCHES.iter().zip(switches(&mut config.off).into_iter().zip(switches(&mut config.silence_off)))
    {
        *off = from.bool(off_name)?.unwrap_or(*off);
        *silence = from.bool(silence_name)?.unwrap_or(*silence);
    }
    config.rest = from.rest();
    Ok(config)
}

fn read_times(from: &mut Object) -> Result<HoldTimes, Failure> {
    let Some(mut times) = from.object("timeThresholds")? else { return Ok(HoldTimes::default()) };
    Ok(HoldTimes {
        guest_s: times.count("guest")?,
        node_s: times.count("node")?,
        storage_s: times.count("storage")?,
        pbs_s: times.count("pbs")?,
    })
}
