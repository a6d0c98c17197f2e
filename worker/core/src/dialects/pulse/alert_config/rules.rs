//! Custom rules: thresholds of the guests that a filter matches. Source: pulse specification, 12.1.

use serde::Serialize;
use serde_json::{Map, Value};

use super::thresholds::{self, ThresholdKeys};
use crate::dialects::pulse::number::Number;
use crate::dialects::pulse::object::{self, Object};
use crate::failure::Failure;
use crate::model::{Comparison, CustomRule, GuestFilter, GuestText, ThresholdMetric};

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RuleKeys {
    id: String,
    name: String,
    filter_conditions: FilterKeys,
    thresholds: ThresholdKeys,
    priority: i64,
    enabled: bool,
    /// Description, notifications and times, as they were said.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct FilterKeys {
    filters: Vec<Value>,
    /// `AND` or `OR`.
    logical_operator: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct FilterRow<'a> {
    /// `metric`, `text` or `raw`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<FilterValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_text: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum FilterValue<'a> {
    Number(Number),
    Text(&'a str),
}

/// How values are compared, by the signs that are written.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">", Comparison::Above),
    ("<", Comparison::Below),
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("=", Comparison::Equal),
    ("==", Comparison::Equal),
];

const TEXTS: [(&str, GuestText); 3] = [("name", GuestText::Name), ("node", GuestText::Node), ("vmid", GuestText::Vmid)];

impl From<&CustomRule> for RuleKeys {
    fn from(rule: &CustomRule) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            filter_conditions: FilterKeys {
                filters: rule.filters.iter().map(filter_value).collect(),
                logical_operator: if rule.is_any { "OR" } else { "AND" },
            },
            thresholds: ThresholdKeys::from(&rule.thresholds),
            priority: rule.priority,
            enabled: rule.is_enabled,
            rest: object::rest(&rule.rest),
        }
    }
}

fn filter_value(filter: &GuestFilter) -> Value {
    let row = match filter {
        GuestFilter::Metric { metric, comparison, value } => FilterRow {
            kind: "metric",
            field: Some(metric.word()),
            operator: COMPARISONS.iter().find(|(_, one)| one == comparison).map(|(sign, _)| *sign),
            value: Some(FilterValue::Number(Number(*value))),
            raw_text: None,
        },
        GuestFilter::Text { field, part } => FilterRow {
            kind: "text",
            field: TEXTS.iter().find(|(_, one)| one == field).map(|(name, _)| *name),
            operator: Some("contains"),
            value: Some(FilterValue::Text(part)),
            raw_text: None,
        },
        GuestFilter::Raw(text) => {
            FilterRow { kind: "raw", field: None, operator: None, value: None, raw_text: Some(text) }
        }
        GuestFilter::Other(text) => return serde_json::from_str(text).unwrap_or_default(),
    };
    serde_json::to_value(row).unwrap_or_default()
}

/// Reads rules.
pub fn read(list: Vec<Value>, margin: f64) -> Result<Vec<CustomRule>, Failure> {
    list.into_iter().map(|value| read_rule(Object::of(value, "customRules")?, margin)).collect()
}

fn read_rule(mut from: Object, margin: f64) -> Result<CustomRule, Failure> {
    let mut conditions = from.object("filterConditions")?.unwrap_or_default();
    let filters = conditions.list("filters")?.unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a cast from double saturates")]
    let priority = from.number("priority")?.unwrap_or(0.0) as i64;
    Ok(CustomRule {
        id: from.text("id")?.unwrap_or_default(),
        name: from.text("name")?.unwrap_or_default(),
        filters: filters.into_iter().map(read_filter).collect(),
        is_any: conditions.text("logicalOperator")?.is_some_and(|word| word.eq_ignore_ascii_case("or")),
        thresholds: from
            .object("thresholds")?
            .map(|object| thresholds::read(object, margin))
            .transpose()?
            .unwrap_or_default(),
        priority,
        is_enabled: from.bool("enabled")?.unwrap_or(false),
        rest: from.rest(),
    })
}

/// A filter; one that is not known is kept as it is.
fn read_filter(value: Value) -> GuestFilter {
    let text = value.to_string();
    known_filter(value).unwrap_or(GuestFilter::Other(text))
}

fn known_filter(value: Value) -> Option<GuestFilter> {
    let mut from = Object::of(value, "filters").ok()?;
    match from.text("type").ok()??.as_str() {
        "metric" => {
            let field = from.text("field").ok()??;
            let sign = from.text("operator").ok()??;
            let value = from.take("value")?;
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            Some(GuestFilter::Metric {
                metric: ThresholdMetric::parse(&field).filter(|metric| *metric != ThresholdMetric::Usage)?,
                comparison: COMPARISONS.iter().find(|(one, _)| *one == sign).map(|(_, comparison)| *comparison)?,
                value: number.filter(|number| number.is_finite())?,
            })
        }
        "text" => {
            let field = from.text("field").ok()??;
            let field = TEXTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&field)).map(|(_, field)| *field)?;
            let value = from.take("value")?;
            // Numbers of guests are written as numbers too.
            let part = value
                .as_str()
                .map_or_else(|| value.as_i64().map(|number| number.to_string()), |text| Some(text.to_owned()));
            Some(GuestFilter::Text { field, part: part? })
        }
        "raw" => Some(GuestFilter::Raw(from.text("rawText").ok()??)),
        _ => None,
    }
}
