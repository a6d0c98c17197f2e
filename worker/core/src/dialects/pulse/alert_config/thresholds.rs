//! Thresholds by metric. Source: pulse specification, 12.1 and 12.6.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::dialects::pulse::alert::level;
use crate::dialects::pulse::number::Number;
use crate::dialects::pulse::object::{self, Object};
use crate::dialects::pulse::read::invalid;
use crate::failure::Failure;
use crate::model::{Limit, Severity, ThresholdMetric, Thresholds};

/// Thresholds of a resource, or of all resources of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThresholdKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<LimitKeys>,
    /// MiB/s; and so the next three.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_read: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_write: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_in: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_out: Option<LimitKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<LimitKeys>,
    #[serde(skip_serializing_if = "is_false")]
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_connectivity: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    powered_off_severity: Option<&'static str>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A limit: percent, or MiB/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitKeys {
    /// At or below 0 there is none.
    trigger: Number,
    clear: Number,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl From<Limit> for LimitKeys {
    fn from(limit: Limit) -> Self {
        Self { trigger: Number(limit.trigger), clear: Number(limit.clear) }
    }
}

impl From<&Thresholds> for ThresholdKeys {
    fn from(thresholds: &Thresholds) -> Self {
        let limit = |metric| thresholds.limits.get(&metric).copied().map(LimitKeys::from);
        Self {
            cpu: limit(ThresholdMetric::Cpu),
            memory: limit(ThresholdMetric::Memory),
            disk: limit(ThresholdMetric::Disk),
            disk_read: limit(ThresholdMetric::DiskRead),
            disk_write: limit(ThresholdMetric::DiskWrite),
            network_in: limit(ThresholdMetric::NetworkIn),
            network_out: limit(ThresholdMetric::NetworkOut),
            usage: limit(ThresholdMetric::Usage),
            disabled: thresholds.is_off,
            disable_connectivity: thresholds.ignores_silence,
            powered_off_severity: thresholds.powered_off.map(level),
            rest: object::rest(&thresholds.rest),
        }
    }
}

/// Reads thresholds. A number in the place of a limit, and the number of a key of the old form (`cpuLegacy`), is its trigger; the
/// limit is over `margin` below.
pub fn read(mut from: Object, margin: f64) -> Result<Thresholds, Failure> {
    let mut thresholds = Thresholds::default();
    for metric in ThresholdMetric::ALL {
        let word = metric.word();
        let legacy = from.take(&format!("{word}Legacy"));
        if let Some(value) = from.take(word).or(legacy) {
            thresholds.limits.insert(metric, read_limit(value, margin, word)?);
        }
    }
    thresholds.is_off = from.bool("disabled")?.unwrap_or(false);
    thresholds.ignores_silence = from.bool("disableConnectivity")?;
    thresholds.powered_off = match from.text("poweredOffSeverity")?.as_deref() {
        None | Some("") => None,
        Some("critical") => Some(Severity::Critical),
        Some("warning") => Some(Severity::Warning),
        Some(_) => return Err(invalid("poweredOffSeverity", "must be warning or critical")),
    };
    thresholds.rest = from.rest();
    Ok(thresholds)
}

/// Reads a limit.
pub fn read_limit(value: Value, margin: f64, field: &str) -> Result<Limit, Failure> {
    if let Some(trigger) = value.as_f64() {
        return Ok(Limit::new(trigger, (trigger - margin).max(0.0)));
    }
    let Value::Object(map) = value else { return Err(invalid(field, "must be a number or an object")) };
    let mut from = Object::new(map);
    Ok(Limit::new(from.number("trigger")?.unwrap_or(0.0), from.number("clear")?.unwrap_or(0.0)))
}
