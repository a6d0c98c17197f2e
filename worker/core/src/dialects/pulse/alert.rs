//! Alerts in Pulse's shapes: those of the state, in full those of `/api/alerts`, sockets and webhooks. Source: pulse specification, 6.2 and 12.3.

use serde::Serialize;

use super::number::{Number, time};
use crate::model::proxmox::ResourceAlert;
use crate::model::{Measured, Severity};

/// An alert as the state has it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShortAlert<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `warning` or `critical`.
    level: &'static str,
    resource_id: &'a str,
    resource_name: &'a str,
    node: &'a str,
    instance: &'a str,
    message: &'a str,
    value: Number,
    threshold: Number,
    start_time: String,
    last_seen: String,
    acknowledged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_user: Option<&'a str>,
    /// When it was over, in the list of those that are.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_time: Option<String>,
}

/// An alert in full.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Alert<'a> {
    #[serde(flatten)]
    short: ShortAlert<'a>,
    metadata: Metadata,
    /// How often others were told because nobody had acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_escalation: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    escalation_times: Vec<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_threshold: Option<Number>,
}

impl<'a> From<&'a ResourceAlert> for ShortAlert<'a> {
    fn from(alert: &'a ResourceAlert) -> Self {
        let acknowledged = alert.acknowledged.as_ref();
        Self {
            id: alert_id(alert),
            kind: kind(alert),
            level: level(alert.severity),
            resource_id: &alert.resource.id,
            resource_name: &alert.resource.name,
            node: &alert.resource.node,
            instance: &alert.resource.instance,
            message: &alert.text,
            value: Number(alert.value),
            threshold: Number(limit(alert).map_or(0.0, |(trigger, _)| trigger)),
            start_time: time(Some(alert.started_at)),
            last_seen: time(Some(alert.seen_at)),
            acknowledged: acknowledged.is_some(),
            ack_time: acknowledged.map(|(at, _)| time(Some(*at))),
            ack_user: acknowledged.map(|(_, user)| person(user)),
            resolved_time: alert.ended_at.map(|at| time(Some(at))),
        }
    }
}

impl<'a> From<&'a ResourceAlert> for Alert<'a> {
    fn from(alert: &'a ResourceAlert) -> Self {
        let times = &alert.escalated_at;
        Self {
            short: ShortAlert { resolved_time: None, ..ShortAlert::from(alert) },
            metadata: Metadata {
                resource_type: alert.resource.kind.title(),
                clear_threshold: limit(alert).map(|(_, clear)| Number(clear)),
            },
            last_escalation: (!times.is_empty()).then_some(times.len()),
            escalation_times: times.iter().map(|at| time(Some(*at))).collect(),
        }
    }
}

/// Who acknowledged an alert. Quirk: whoever did so with a token, or a session of ours, is `admin`.
fn person(user: &str) -> &str {
    if user.starts_with("token:") || user.starts_with("user:") { "admin" } else { user }
}

/// The word of a level.
pub fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning | Severity::Unknown => "warning",
    }
}

/// An alert's type.
pub fn kind(alert: &ResourceAlert) -> &'static str {
    alert.resource.kind.alert_type(alert.metric)
}

/// An alert's id.
pub fn alert_id(alert: &ResourceAlert) -> String {
    alert.resource.kind.alert_id(&alert.resource.id, alert.metric)
}

/// What it goes by: from where on it began, and down to where it goes on.
pub fn limit(alert: &ResourceAlert) -> Option<(f64, f64)> {
    alert.resource.limit.map(|(trigger, clear)| (Measured::get(trigger), Measured::get(clear)))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{AlertResource, ResourceKind, ThresholdMetric};
    use crate::units::UnixSeconds;

    pub fn alert(kind: ResourceKind, metric: Option<ThresholdMetric>) -> ResourceAlert {
        let limit = metric.map(|_| (Measured::of(80.0), Measured::of(75.0)));
        ResourceAlert {
            resource: AlertResource {
                kind,
                id: "lab-pve1-101".to_owned(),
                name: "web".to_owned(),
                node: "pve1".to_owned(),
                instance: "lab".to_owned(),
                limit,
            },
            metric,
            severity: Severity::Warning,
            value: 85.5,
            started_at: UnixSeconds(1_754_992_680),
            seen_at: UnixSeconds(1_754_992_800),
            ended_at: None,
            acknowledged: None,
            escalated_at: vec![],
            text: "VM cpu usage at 85.5% (trigger: 80%, clear: 75%)".to_owned(),
        }
    }

    #[test]
    fn an_alert_in_full_is_as_the_product_sends_it() {
        let found = alert(ResourceKind::Vm, Some(ThresholdMetric::Cpu));
        let json = serde_json::to_value(Alert::from(&found)).unwrap();
        let expected = json!({"id":"lab-pve1-101-cpu","type":"cpu","level":"warning","resourceId":"lab-pve1-101","resourceName":"web",
            "node":"pve1","instance":"lab","message":"VM cpu usage at 85.5% (trigger: 80%, clear: 75%)","value":85.5,"threshold":80,
            "startTime":"2025-08-12T09:58:00Z","lastSeen":"2025-08-12T10:00:00Z","acknowledged":false,
            "metadata":{"resourceType":"VM","clearThreshold":75}});
        assert_eq!(json, expected);
        let acknowledged = ResourceAlert {
            severity: Severity::Critical,
            acknowledged: Some((UnixSeconds(1_754_992_700), "admin".to_owned())),
            ended_at: Some(UnixSeconds(1_754_992_710)),
            escalated_at: vec![UnixSeconds(1_754_992_690)],
            ..found
        };
        let json = serde_json::to_value(Alert::from(&acknowledged)).unwrap();
        assert_eq!(
            (&json["level"], &json["ackUser"], &json["lastEscalation"]),
            (&json!("critical"), &json!("admin"), &json!(1))
        );
        assert_eq!(json["ackTime"], "2025-08-12T09:58:20Z");
        assert_eq!(["token:1", "user:7", "ann"].map(person), ["admin", "admin", "ann"]);
        assert!(json.get("resolvedTime").is_none());
        let short = serde_json::to_value(ShortAlert::from(&acknowledged)).unwrap();
        assert_eq!(short["resolvedTime"], "2025-08-12T09:58:30Z");
        assert!(short.get("metadata").is_none());
    }

    #[test]
    fn an_alert_without_a_limit_has_none() {
        let gone = alert(ResourceKind::Node, None);
        let json = serde_json::to_value(Alert::from(&gone)).unwrap();
        assert_eq!(
            (&json["id"], &json["type"], &json["threshold"]),
            (&json!("node-offline-lab-pve1-101"), &json!("connectivity"), &json!(0))
        );
        assert_eq!(json["metadata"], json!({"resourceType": "Node"}));
    }
}
