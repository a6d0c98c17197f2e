//! Alerts as programs for Pulse know them: about a resource, by its id.

use crate::model::{Alert, AlertResource, Measured, Severity, ThresholdMetric};
use crate::units::UnixSeconds;

/// An alert of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceAlert {
    /// About what: see [`super::node_id`] and those beside it; of a host of another kind its UUID.
    pub resource: AlertResource,
    /// What was measured; `None` when it is gone, or off.
    pub metric: Option<ThresholdMetric>,
    /// How bad it is.
    pub severity: Severity,
    /// What was measured: percent or MiB/s; 0 when it is gone.
    pub value: f64,
    /// When it began.
    pub started_at: UnixSeconds,
    /// When it was last found so.
    pub seen_at: UnixSeconds,
    /// When it was over; `None` while it goes on.
    pub ended_at: Option<UnixSeconds>,
    /// When and by whom it was acknowledged.
    pub acknowledged: Option<(UnixSeconds, String)>,
    /// When others were told of it because nobody had acknowledged it.
    pub escalated_at: Vec<UnixSeconds>,
    /// A sentence.
    pub text: String,
}

impl ResourceAlert {
    /// What programs for Pulse see of an alert that was last found so at `seen_at`; `None` for one that is not about a resource.
    pub fn of(alert: &Alert, seen_at: UnixSeconds) -> Option<Self> {
        let resource = alert.more.resource.clone()?;
        let text = if alert.detail.is_empty() { &alert.text } else { &alert.detail };
        Some(Self {
            resource,
            metric: alert.cause.threshold_code().and_then(|code| code.metric),
            severity: alert.more.standing.severity,
            value: alert.more.standing.value.map_or(0.0, Measured::get),
            started_at: alert.opened_at,
            seen_at: alert.closed_at.unwrap_or(seen_at),
            ended_at: alert.closed_at,
            acknowledged: alert.acknowledged.clone(),
            escalated_at: vec![],
            text: text.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertDetails, Cause, HostId, ResourceKind, Standing, ThresholdCode};

    #[test]
    fn an_alert_of_a_threshold_says_what_it_is_about() {
        let code = ThresholdCode { resource: 0, metric: Some(ThresholdMetric::Cpu) };
        let resource = AlertResource {
            kind: ResourceKind::Vm,
            id: "lab-pve1-101".to_owned(),
            name: "web".to_owned(),
            node: "pve1".to_owned(),
            instance: "lab".to_owned(),
            limit: Some((Measured::of(80.0), Measured::of(75.0))),
        };
        let standing = Standing { severity: Severity::Warning, value: Some(Measured::of(85.5)) };
        let more = AlertDetails { standing, resource: Some(resource), ..AlertDetails::default() };
        let alert = Alert {
            key: "k".to_owned(),
            cause: Cause::threshold(code, HostId(7)),
            opened_at: UnixSeconds(1),
            closed_at: None,
            text: "web is busy".to_owned(),
            detail: String::new(),
            acknowledged: None,
            more,
        };
        let seen = ResourceAlert::of(&alert, UnixSeconds(9)).unwrap();
        assert_eq!(
            (seen.metric, seen.value.to_bits(), seen.seen_at),
            (code.metric, 85.5_f64.to_bits(), UnixSeconds(9))
        );
        assert_eq!((seen.text.as_str(), seen.ended_at), ("web is busy", None));
        let over = Alert { closed_at: Some(UnixSeconds(5)), detail: "VM cpu usage".to_owned(), ..alert.clone() };
        let over = ResourceAlert::of(&over, UnixSeconds(9)).unwrap();
        assert_eq!(
            (over.ended_at, over.seen_at, over.text.as_str()),
            (Some(UnixSeconds(5)), UnixSeconds(5), "VM cpu usage")
        );
        let other = Alert { more: AlertDetails::default(), ..alert };
        assert_eq!(ResourceAlert::of(&other, UnixSeconds(9)), None);
    }
}
