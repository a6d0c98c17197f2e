//! Notifications as Pulse sends them. Source: pulse specification, 11.1, 11.4 and 12.3.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::notice::{Letter, request};
use super::parts::Part;
use super::settings::Settings;
use super::words::{fitted, html, plain, utf16};
use super::{OutgoingMail, OutgoingRequest, chat, mail};
use crate::failure::Failure;
use crate::hooks::{Filled, Form, Told};
use crate::model::proxmox::ResourceAlert;
use crate::model::{Event, Measured, Severity};
use crate::units::calendar::parse_rfc3339;

/// The levels, as Pulse calls them.
pub(super) const CRITICAL: &str = "critical";
const WARNING: &str = "warning";
/// So many other alerts a message tells of.
const MOST_OTHERS: usize = 20;
/// Of one alert's words, in UTF-16.
const MAX_TEXT: usize = 1_000;

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alert {
    id: String,
    #[serde(rename = "type")]
    of_type: String,
    /// `warning` or `critical`.
    pub(super) level: String,
    #[serde(rename = "resourceId")]
    resource_id: String,
    #[serde(rename = "resourceName")]
    resource_name: String,
    node: String,
    instance: String,
    message: String,
    /// What was measured; 0 where that is not one number.
    value: Number,
    /// Likewise.
    threshold: Number,
    #[serde(rename = "startTime")]
    start_time: String,
    #[serde(rename = "lastSeen")]
    last_seen: String,
    acknowledged: bool,
    metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Metadata {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(rename = "clearThreshold", skip_serializing_if = "Option::is_none", default)]
    clear_threshold: Option<Number>,
}

/// A number; one that is whole is written without a point.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        if value.fract() == 0.0 && value.abs() < 1e15 {
            to.serialize_i64(value as i64)
        } else {
            to.serialize_f64(value)
        }
    }
}

impl Alert {
    /// What an event says; one of no threshold is about its host.
    pub(super) fn of(event: &Event, host_name: Option<&str>) -> Self {
        let alert = event.alert.as_ref();
        let resource = alert.and_then(|alert| alert.resource.as_ref());
        let code = alert.and_then(|alert| alert.cause.threshold_code());
        let metric = code.and_then(|code| code.metric);
        let named = |resource: &crate::model::AlertResource| {
            (resource.kind.alert_id(&resource.id, metric), resource.kind.alert_type(metric).to_owned())
        };
        let unnamed = || {
            let id = alert.map_or_else(|| event.key.clone(), |alert| alert.cause.text());
            let of_type = metric.map(crate::model::ThresholdMetric::word);
            (id, of_type.unwrap_or_else(|| event.kind.word()).to_owned())
        };
        let (id, of_type) = resource.map_or_else(unnamed, named);
        let host_name = host_name.unwrap_or_default();
        let severity = alert.map_or(Severity::Warning, |alert| alert.standing.severity);
        let is_critical = severity == Severity::Critical;
        let limit = resource.and_then(|resource| resource.limit);
        let said = alert.map(|alert| alert.detail.as_str()).filter(|detail| !detail.is_empty());
        let begun = alert.map_or(event.at, |alert| alert.opened_at);
        Self {
            id,
            of_type,
            level: if is_critical { CRITICAL } else { WARNING }.to_owned(),
            resource_id: resource.map(|one| one.id.clone()).unwrap_or_default(),
            resource_name: resource.map_or(host_name, |one| one.name.as_str()).to_owned(),
            node: resource.map_or(host_name, |one| one.node.as_str()).to_owned(),
            instance: resource.map(|one| one.instance.clone()).unwrap_or_default(),
            message: said.unwrap_or(&event.text).to_owned(),
            value: Number(alert.and_then(|alert| alert.standing.value).map_or(0.0, Measured::get)),
            threshold: Number(limit.map_or(0.0, |(trigger, _)| trigger.get())),
            start_time: begun.rfc3339(),
            last_seen: event.at.rfc3339(),
            acknowledged: false,
            metadata: Metadata {
                resource_type: resource.map_or("Host", |one| one.kind.title()).to_owned(),
                clear_threshold: limit.map(|(_, clear)| Number(clear.get())),
            },
        }
    }
}

impl From<&ResourceAlert> for Alert {
    fn from(alert: &ResourceAlert) -> Self {
        let resource = &alert.resource;
        Self {
            id: resource.kind.alert_id(&resource.id, alert.metric),
            of_type: resource.kind.alert_type(alert.metric).to_owned(),
            level: if alert.severity == Severity::Critical { CRITICAL } else { WARNING }.to_owned(),
            resource_id: resource.id.clone(),
            resource_name: resource.name.clone(),
            node: resource.node.clone(),
            instance: resource.instance.clone(),
            message: alert.text.clone(),
            value: Number(alert.value),
            threshold: Number(resource.limit.map_or(0.0, |(trigger, _)| trigger.get())),
            start_time: alert.started_at.rfc3339(),
            last_seen: alert.seen_at.rfc3339(),
            acknowledged: alert.acknowledged.is_some(),
            metadata: Metadata {
                resource_type: resource.kind.title().to_owned(),
                clear_threshold: resource.limit.map(|(_, clear)| Number(clear.get())),
            },
        }
    }
}

/// Several alerts; one comes like several.
#[derive(Serialize)]
struct Body<'a> {
    alerts: Vec<&'a Alert>,
    count: usize,
    /// Unix seconds: when the newest of them happened, so that a repeat is the same.
    timestamp: i64,
    source: &'static str,
    grouped: bool,
}

/// The request to the channel's address.
///
/// # Errors
/// [`Failure::Internal`] when the body cannot be written as JSON, which no text leads to.
pub(super) fn webhook(settings: &Settings, letter: &Letter<'_>, parts: &[Part]) -> Result<OutgoingRequest, Failure> {
    match (settings.get("service"), settings.get("template")) {
        ("discord", "") => return chat::discord(settings, letter),
        ("slack", "") => return chat::slack(settings, letter),
        _ => {}
    }
    let more = texts(settings.get("headers"));
    let grouped = || -> Result<Filled, Failure> {
        let body = Body {
            alerts: parts.iter().map(|part| &part.alert).collect(),
            count: parts.len(),
            timestamp: letter.notice.event.at.0,
            source: "pulse-monitoring",
            grouped: true,
        };
        let body = serde_json::to_string(&body).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Filled { url: settings.get("url").to_owned(), body })
    };
    let Filled { url, body } = formed(settings, letter, parts, &more)?.map_or_else(grouped, Ok)?;
    let mut sent = request(settings.get("method"), url, letter.key, "application/json", body);
    for (name, value) in &mut sent.headers {
        if name == "user-agent" {
            "Pulse-Monitoring/2.0".clone_into(value);
        }
    }
    // What the operator says goes before what all of ours have.
    sent.headers.retain(|(name, _)| !more.keys().any(|one| one.eq_ignore_ascii_case(name)));
    sent.headers.extend(more);
    Ok(sent)
}

fn texts(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// What goes to a service in the form that it takes, or in the one that the operator wrote: one alert, the worst of them, whose message
/// tells of the others. `None` for what takes Pulse's own.
fn formed(
    settings: &Settings,
    letter: &Letter<'_>,
    parts: &[Part],
    headers: &BTreeMap<String, String>,
) -> Result<Option<Filled>, Failure> {
    let (service, template) = (settings.get("service"), settings.get("template"));
    if service == "generic" && template.is_empty() {
        return Ok(None);
    }
    let fields = texts(settings.get("fields"));
    let form = Form { service, template, url: settings.get("url"), headers, fields: &fields };
    let worst = parts.iter().position(Part::is_critical).unwrap_or(0);
    let Some(Part { alert, .. }) = parts.get(worst) else { return Ok(None) };
    let mut message = alert.message.clone();
    let others = parts.iter().enumerate().filter(|(place, _)| *place != worst).map(|(_, part)| part);
    for Part { alert, .. } in others.clone().take(MOST_OTHERS) {
        // Writing into a text cannot fail.
        let _ = write!(message, "\n{}: {}", alert.resource_name, alert.message);
    }
    let left = others.count().saturating_sub(MOST_OTHERS);
    if left > 0 {
        let _ = write!(message, "\nand {left} more");
    }
    let now = letter.notice.event.at;
    let begun = parse_rfc3339(&alert.start_time).map_or(now, |(at, _)| at);
    let told = Told {
        id: &alert.id,
        level: &alert.level,
        kind: &alert.of_type,
        resource_id: &alert.resource_id,
        resource_name: &alert.resource_name,
        node: &alert.node,
        instance: &alert.instance,
        message: &message,
        value: alert.value.0,
        threshold: alert.threshold.0,
        start_time: &alert.start_time,
        lasts_s: now.since(begun),
        timestamp: &now.rfc3339(),
        is_acknowledged: alert.acknowledged,
        count: parts.len(),
    };
    // What it says of itself may hold the operator's secrets; a test tells it.
    form.fill(&told).map_err(|_| Failure::Internal("its template cannot be filled".to_owned()))
}

/// A mail: its text once more as HTML.
///
/// # Errors
/// As [`mail::message`].
pub(super) fn mail(settings: &Settings, letter: &Letter<'_>, parts: &[Part]) -> Result<OutgoingMail, Failure> {
    let alerts: Vec<&Alert> = parts.iter().map(|part| &part.alert).collect();
    written(settings, letter, &subject(parts), &alerts)
}

/// A mail about one alert, as what is set up is tried: `[Pulse Alert] Warning: CPU on web`, and in numbers what was measured.
///
/// # Errors
/// As [`mail::message`].
pub(super) fn mail_alone(
    settings: &Settings,
    letter: &Letter<'_>,
    alert: &ResourceAlert,
) -> Result<OutgoingMail, Failure> {
    let mut alert = Alert::from(alert);
    let measured = format!("Value: {:.1}\nThreshold: {:.1}", alert.value.0, alert.threshold.0);
    alert.message = format!("{}\n{measured}", alert.message);
    let (level, metric) = (level_of(&alert), alert.of_type.to_uppercase());
    let subject = format!("[Pulse Alert] {level}: {metric} on {}", alert.resource_name);
    written(settings, letter, &subject, &[&alert])
}

fn written(
    settings: &Settings,
    letter: &Letter<'_>,
    subject: &str,
    alerts: &[&Alert],
) -> Result<OutgoingMail, Failure> {
    let (mut text, mut page) = (String::new(), vec!["<html><body>\n".to_owned()]);
    for alert in alerts {
        let Alert { message, node, start_time, resource_name, .. } = alert;
        let title = format!("{}: {resource_name}", level_of(alert));
        let place = if node.is_empty() { String::new() } else { format!("Node: {node}\n") };
        let lines = format!("{message}\n{place}Since: {start_time}\n");
        let shown = |text: &str| fitted(&fitted(text, MAX_TEXT, utf16, plain), usize::MAX, utf16, html);
        text.push_str(&fitted(&format!("{title}\n{lines}"), MAX_TEXT, utf16, plain));
        text.push('\n');
        page.push(format!("<h3>{}</h3>\n<p>{}</p>\n", shown(&title), shown(&lines).replace('\n', "<br>\n")));
    }
    if !letter.edgewatch_url.is_empty() {
        text.push_str(letter.edgewatch_url);
        text.push('\n');
    }
    page.push("</body></html>\n".to_owned());
    // In no line of base64.
    let boundary = "=_alerts";
    let one = |content_type: &str, text: &str| {
        format!(
            "--{boundary}\r\nContent-Type: {content_type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            mail::body_lines(text)
        )
    };
    let body = format!("{}{}--{boundary}--", one("text/plain", &text), one("text/html", &page.concat()));
    let content_type = format!("multipart/alternative; boundary=\"{boundary}\"");
    mail::message(settings, letter, subject, (&content_type, None, &body))
}

const fn level_word(is_critical: bool) -> &'static str {
    if is_critical { "Critical" } else { "Warning" }
}

fn level_of(alert: &Alert) -> &'static str {
    level_word(alert.level == CRITICAL)
}

/// `[Pulse Alert] 2 Critical, 1 Warning alerts`.
fn subject(parts: &[Part]) -> String {
    let critical = parts.iter().filter(|part| part.is_critical()).count();
    let counts: Vec<String> = [(critical, true), (parts.len().saturating_sub(critical), false)]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, is_critical)| format!("{count} {}", level_word(is_critical)))
        .collect();
    let noun = if parts.len() == 1 { "alert" } else { "alerts" };
    format!("[Pulse Alert] {} {noun}", counts.join(", "))
}
