//! The documented routes for thresholds and overrides: views of the configuration. Source: pulse specification, 12.5.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::thresholds;
use super::{AlertConfigReply, Object, ThresholdKeys, object, read_alert_config};
use crate::dialects::pulse::read::{bad, invalid};
use crate::failure::Failure;
use crate::model::{AlertConfig, Limit, ThresholdMetric, Thresholds};

/// `GET /api/notifications/thresholds`: the configuration without what single resources have.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ThresholdsView(Map<String, Value>);

impl From<&AlertConfig> for ThresholdsView {
    fn from(config: &AlertConfig) -> Self {
        let mut keys = keys(config);
        keys.remove("overrides");
        keys.remove("customRules");
        Self(keys)
    }
}

fn keys(config: &AlertConfig) -> Map<String, Value> {
    match serde_json::to_value(AlertConfigReply::from(config)) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

/// The flat keys, and the thresholds they mean.
const FLAT: [(&str, [&str; 2]); 3] = [
    ("cpu", ["guestDefaults", "nodeDefaults"]),
    ("memory", ["guestDefaults", "nodeDefaults"]),
    ("disk", ["guestDefaults", "nodeDefaults"]),
];

/// The configuration with what a body of `POST /api/notifications/thresholds` says: key by key, objects within likewise; null takes a
/// metric away. Flat numbers and limits (`cpu`, `memory`, `disk`, `storage`) mean guests and nodes, and storages.
///
/// # Errors
/// [`Failure::Malformed`] for no object; [`Failure::Invalid`] for what is no number, or more than 100 percent.
pub fn changed_thresholds(config: &AlertConfig, body: &[u8]) -> Result<AlertConfig, Failure> {
    let mut said = object::parse(body)?.into_map();
    let mut merged = keys(config);
    // Those are other routes'.
    for key in ["overrides", "customRules"] {
        said.remove(key);
    }
    for (flat, places) in FLAT {
        if let Some(value) = said.remove(flat) {
            for place in places {
                let metrics = Map::from_iter([(flat.to_owned(), value.clone())]);
                merge(&mut merged, place, Value::Object(metrics));
            }
        }
    }
    if let Some(value) = said.remove("storage") {
        merge(&mut merged, "storageDefault", value);
    }
    for (key, value) in said {
        merge(&mut merged, &key, value);
    }
    let merged = read_alert_config(Object::new(merged))?;
    for thresholds in [&merged.guest, &merged.node, &merged.host, &merged.pbs] {
        check(thresholds)?;
    }
    check_limit(ThresholdMetric::Usage, merged.storage)?;
    Ok(merged)
}

fn merge(into: &mut Map<String, Value>, key: &str, value: Value) {
    match (into.get_mut(key), value) {
        (_, Value::Null) => {
            into.remove(key);
        }
        (Some(Value::Object(known)), Value::Object(said)) => {
            for (key, value) in said {
                merge(known, &key, value);
            }
        }
        (_, value) => {
            into.insert(key.to_owned(), value);
        }
    }
}

fn check(thresholds: &Thresholds) -> Result<(), Failure> {
    thresholds.limits.iter().try_for_each(|(metric, limit)| check_limit(*metric, *limit))
}

fn check_limit(metric: ThresholdMetric, limit: Limit) -> Result<(), Failure> {
    let is_fine = limit.trigger.is_finite() && limit.clear.is_finite();
    if !is_fine || metric.is_percentage() && limit.trigger > 100.0 {
        return Err(invalid(metric.word(), "must be a percentage of at most 100"));
    }
    Ok(())
}

/// What is to change of the thresholds of single resources: `None` takes them away.
#[derive(Debug, Clone, PartialEq)]
pub struct OverridesChange(BTreeMap<String, Option<Thresholds>>);

impl OverridesChange {
    /// `GET /api/notifications/thresholds/overrides`.
    pub fn view(config: &AlertConfig) -> BTreeMap<String, ThresholdKeys> {
        config.overrides.iter().map(|(id, one)| (id.clone(), ThresholdKeys::from(one))).collect()
    }

    /// Reads a body: an object by resource, the same below `overrides`, or one resource as `resourceId` and `thresholds`.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for no object; [`Failure::Invalid`] for what makes no thresholds.
    pub fn parse(config: &AlertConfig, body: &[u8]) -> Result<Self, Failure> {
        let mut said = object::parse(body)?.into_map();
        if let Some(id) = said.get("resourceId").and_then(Value::as_str).map(str::to_owned) {
            let thresholds = said.remove("thresholds").unwrap_or_default();
            said = Map::from_iter([(id, thresholds)]);
        } else if let (Some(Value::Object(_)), 1) = (said.get("overrides"), said.len()) {
            said = Object::of(said.remove("overrides").unwrap_or_default(), "overrides")?.into_map();
        }
        let mut change = BTreeMap::new();
        for (id, value) in said {
            if id.is_empty() || id.len() > 512 {
                return Err(bad("Invalid resource ID"));
            }
            let new = if value.is_null() {
                None
            } else {
                Some(thresholds::read(Object::of(value, &id)?, config.hysteresis_margin)?)
            };
            new.iter().try_for_each(check)?;
            change.insert(id, new);
        }
        Ok(Self(change))
    }

    /// The configuration with these in their place (`POST`).
    #[must_use]
    pub fn applied(self, mut config: AlertConfig) -> AlertConfig {
        for (id, thresholds) in self.0 {
            match thresholds {
                Some(thresholds) => config.overrides.insert(id, thresholds),
                None => config.overrides.remove(&id),
            };
        }
        config
    }

    /// The configuration with these and no others (`PUT`).
    #[must_use]
    pub fn replaced(self, mut config: AlertConfig) -> AlertConfig {
        config.overrides.clear();
        self.applied(config)
    }
}
