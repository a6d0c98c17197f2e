//! Webhooks: as they are read, listed, and sent for a test. Source: pulse specification, 11.4.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::dialects::pulse::alert::{Alert, alert_id, kind, level, limit};
use crate::dialects::pulse::number::time;
use crate::dialects::pulse::object::{self, Object};
use crate::dialects::pulse::read::{bad, invalid};
use crate::failure::Failure;
use crate::hooks::{Filled, Form, Told};
use crate::model::Hook;
use crate::model::proxmox::ResourceAlert;
use crate::units::UnixSeconds;

/// What stands in the place of a secret.
pub const MASK: &str = "***REDACTED***";
/// The longest address, and the longest of other texts but templates, bytes.
const MAX_TEXT_BYTES: usize = 2_048;
/// The longest template, bytes: as much as a channel's.
const MAX_TEMPLATE_BYTES: usize = 16 * 1024;
/// So many headers or fields.
const MOST: usize = 32;

/// A webhook as it is listed.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookKeys {
    id: String,
    name: String,
    url: String,
    method: String,
    /// Quirk: values are masked, as later releases do.
    headers: BTreeMap<String, String>,
    enabled: bool,
    service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    template: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<String, String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl WebhookKeys {
    /// The webhook with everything, for an export.
    pub fn exported(hook: &Hook) -> Self {
        Self {
            id: hook.id.clone(),
            name: hook.name.clone(),
            url: hook.url.clone(),
            method: hook.method.clone(),
            headers: hook.headers.clone(),
            enabled: hook.is_enabled,
            service: hook.service.clone(),
            template: hook.template.clone(),
            custom_fields: hook.custom_fields.clone(),
            rest: object::rest(&hook.rest),
        }
    }

    /// The webhook without secrets.
    pub fn shown(hook: &Hook) -> Self {
        let masked =
            |values: &BTreeMap<String, String>| values.keys().map(|name| (name.clone(), MASK.to_owned())).collect();
        Self { headers: masked(&hook.headers), custom_fields: masked(&hook.custom_fields), ..Self::exported(hook) }
    }
}

/// What a new or changed webhook is answered with: what was said, and its id.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct HookEcho(Map<String, Value>);

/// Reads a webhook, new or changed; `known` is the one that is there, whose secrets stay where the mask is said. `id` is its id, for
/// a new one that says none a fresh one.
///
/// # Errors
/// [`Failure::Malformed`] for no object, [`Failure::Invalid`] for what cannot be.
pub fn read_hook(body: &[u8], known: Option<&Hook>, id: &str) -> Result<(Hook, HookEcho), Failure> {
    let mut echo = object::parse(body)?.into_map();
    let mut hook = hook_of(Object::new(echo.clone()), known)?;
    if known.is_some() || hook.id.is_empty() {
        id.clone_into(&mut hook.id);
    }
    echo.insert("id".to_owned(), Value::String(hook.id.clone()));
    Ok((hook, HookEcho(echo)))
}

/// A webhook of an object.
///
/// # Errors
/// [`Failure::Invalid`] for what cannot be.
pub fn hook_of(mut from: Object, known: Option<&Hook>) -> Result<Hook, Failure> {
    let text = |from: &mut Object, key: &str, most: usize| {
        let text = from.text(key)?.unwrap_or_default();
        if text.len() > most { Err(invalid(key, "is too long")) } else { Ok(text) }
    };
    let hook = Hook {
        id: text(&mut from, "id", 128)?,
        name: text(&mut from, "name", MAX_TEXT_BYTES)?,
        url: text(&mut from, "url", MAX_TEXT_BYTES)?.trim().to_owned(),
        method: match text(&mut from, "method", 16)?.to_ascii_uppercase() {
            method if method.is_empty() => "POST".to_owned(),
            method if matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "GET") => method,
            _ => return Err(invalid("method", "must be POST, PUT, PATCH or GET")),
        },
        headers: values(&mut from, "headers", known.map(|hook| &hook.headers))?,
        is_enabled: from.bool("enabled")?.unwrap_or(false),
        service: match text(&mut from, "service", 64)? {
            service if service.is_empty() => "generic".to_owned(),
            service => service,
        },
        template: text(&mut from, "template", MAX_TEMPLATE_BYTES)?,
        custom_fields: values(&mut from, "customFields", known.map(|hook| &hook.custom_fields))?,
        rest: from.rest(),
    };
    let lower = hook.url.to_ascii_lowercase();
    let has_scheme = lower.starts_with("https://") || lower.starts_with("http://");
    if !has_scheme || hook.url.chars().any(|one| one.is_whitespace() || one.is_control()) {
        return Err(invalid("url", "must be an address that begins with https:// or http://"));
    }
    if hook.headers.iter().any(|(name, value)| !is_header(name, value)) {
        return Err(invalid("headers", "must be names and values as HTTP has them"));
    }
    Ok(hook)
}

fn is_header(name: &str, value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part) && !value.chars().any(char::is_control) && value.is_ascii()
}

/// Texts by name. A mask stands for what is there; where nothing is, it is left out.
fn values(
    from: &mut Object,
    key: &str,
    known: Option<&BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for (name, value) in from.object(key)?.unwrap_or_default().into_map() {
        let text = match value {
            Value::String(text) => text,
            Value::Null => continue,
            other @ (Value::Number(_) | Value::Bool(_)) => other.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(invalid(key, "must be texts by name")),
        };
        let stored = known.and_then(|known| known.get(&name));
        match stored {
            Some(stored) if text == MASK => values.insert(name, stored.clone()),
            None if text == MASK => None,
            _ => values.insert(name, text),
        };
    }
    let bytes: usize = values.iter().map(|(name, value)| name.len() + value.len()).sum();
    if values.len() > MOST || bytes > 16 * 1024 { Err(invalid(key, "has too much in it")) } else { Ok(values) }
}

/// A request that a webhook makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRequest {
    /// Such as `POST`.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AlertPayload<'a> {
    alert: Alert<'a>,
    timestamp: String,
    source: &'static str,
}

/// The request that tries a webhook with an alert.
///
/// # Errors
/// [`Failure::Malformed`] for a template that cannot be filled, or makes no JSON.
pub fn hook_request(hook: &Hook, alert: &ResourceAlert, now: UnixSeconds) -> Result<HookRequest, Failure> {
    let form = Form {
        service: &hook.service,
        template: &hook.template,
        url: &hook.url,
        headers: &hook.headers,
        fields: &hook.custom_fields,
    };
    let told = Told {
        id: &alert_id(alert),
        level: level(alert.severity),
        kind: kind(alert),
        resource_id: &alert.resource.id,
        resource_name: &alert.resource.name,
        node: &alert.resource.node,
        instance: &alert.resource.instance,
        message: &alert.text,
        value: alert.value,
        threshold: limit(alert).map_or(0.0, |(trigger, _)| trigger),
        start_time: &time(Some(alert.started_at)),
        lasts_s: now.since(alert.started_at),
        timestamp: &time(Some(now)),
        is_acknowledged: alert.acknowledged.is_some(),
        count: 1,
    };
    let plain = || -> Result<Filled, Failure> {
        let payload =
            AlertPayload { alert: Alert::from(alert), timestamp: time(Some(now)), source: "pulse-monitoring" };
        let body = serde_json::to_string(&payload).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Filled { url: hook.url.clone(), body })
    };
    let Filled { url, body } = form.fill(&told).map_err(bad)?.map_or_else(plain, Ok)?;
    let usual = [("Content-Type", "application/json"), ("User-Agent", "Pulse-Monitoring/2.0 (Test)")];
    let is_said = |name: &str| hook.headers.keys().any(|one| one.eq_ignore_ascii_case(name));
    let usual =
        usual.into_iter().filter(|(name, _)| !is_said(name)).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = usual.chain(hook.headers.iter().map(|(name, value)| (name.clone(), value.clone()))).collect();
    Ok(HookRequest { method: hook.method.clone(), url, headers, body })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialects::pulse::alert::tests::alert;
    use crate::model::{ResourceKind, ThresholdMetric};

    fn read(body: &str, known: Option<&Hook>) -> Result<(Hook, HookEcho), Failure> {
        read_hook(body.as_bytes(), known, "webhook-1")
    }

    #[test]
    fn a_webhook_is_answered_as_it_was_said_and_listed_without_secrets() {
        let body = r#"{"name":"Ops","url":"https://example.com/hook","headers":{"X-Key":"hidden"},"enabled":true,"customFields":{"k":"hidden"},"extra":1}"#;
        let (hook, echo) = read(body, None).unwrap();
        let echo = serde_json::to_value(echo).unwrap();
        assert_eq!(
            (&echo["id"], &echo["extra"], &echo["headers"]["X-Key"]),
            (&json!("webhook-1"), &json!(1), &json!("hidden"))
        );
        assert!(echo.get("method").is_none());
        let shown = serde_json::to_value(WebhookKeys::shown(&hook)).unwrap();
        let expected = json!({"id":"webhook-1","name":"Ops","url":"https://example.com/hook","method":"POST","headers":{"X-Key":MASK},
            "enabled":true,"service":"generic","customFields":{"k":MASK},"extra":1});
        assert_eq!(shown, expected);
        let (again, _) = read(&shown.to_string(), Some(&hook)).unwrap();
        assert_eq!(again, hook);
        let (fresh, _) = read(&shown.to_string(), None).unwrap();
        assert!(fresh.headers.is_empty() && fresh.custom_fields.is_empty() && fresh.id == "webhook-1");
        assert_eq!(read(r#"{"id":"mine","url":"http://a"}"#, None).unwrap().0.id, "mine");
        assert_eq!(read(r#"{"id":"mine","url":"http://a"}"#, Some(&hook)).unwrap().0.id, "webhook-1");
    }

    #[test]
    fn what_cannot_be_a_webhook_is_refused() {
        for body in [
            "",
            r#"{"name":"x"}"#,
            r#"{"url":"ftp://a"}"#,
            r#"{"url":"https://a b"}"#,
            r#"{"url":"https://a","method":"DELETE"}"#,
            r#"{"url":"https://a","headers":{"a b":"c"}}"#,
            "{\"url\":\"https://a\",\"headers\":{\"a\":\"b\\r\\nc\"}}",
            r#"{"url":"https://a","headers":{"a":[]}}"#,
            r#"{"url":"https://a","enabled":"yes"}"#,
        ] {
            assert!(read(body, None).is_err(), "{body}");
        }
    }

    #[test]
    fn a_test_is_sent_in_the_form_of_its_service() {
        let found = ResourceAlert {
            text: "a \"quoted\"\nmessage".to_owned(),
            ..alert(ResourceKind::Vm, Some(ThresholdMetric::Cpu))
        };
        let now = UnixSeconds(1_754_992_800);
        let send = |body: &str| hook_request(&read(body, None).unwrap().0, &found, now);
        let generic =
            send(r#"{"url":"https://example.com/hook","headers":{"user-agent":"mine","X-Key":"k"}}"#).unwrap();
        let body: Value = serde_json::from_str(&generic.body).unwrap();
        let expected = json!({"alert":{"id":"lab-pve1-101-cpu","level":"warning","type":"cpu","resource_name":"web","node":"pve1",
            "message":"a \"quoted\"\nmessage","value":85.5,"threshold":80,"start_time":"2025-08-12T09:58:00Z","duration":"2m"},
            "timestamp":"2025-08-12T10:00:00Z","source":"pulse-monitoring"});
        assert_eq!(body, expected);
        let header = |name: &str| generic.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
        assert_eq!(
            (header("Content-Type"), header("User-Agent"), header("user-agent")),
            (Some("application/json"), None, Some("mine"))
        );
        let other = send(r#"{"url":"https://example.com/hook","service":"strange"}"#).unwrap();
        let body: Value = serde_json::from_str(&other.body).unwrap();
        assert_eq!(
            (&body["alert"]["metadata"]["resourceType"], &body["source"]),
            (&json!("VM"), &json!("pulse-monitoring"))
        );
        let own = send(r#"{"url":"https://a?x=1&chat_id=-42","template":"{\"t\":\"{{.CustomFields.key}} {{.ChatID}}\"}","customFields":{"key":"v"}}"#).unwrap();
        assert_eq!(own.body, r#"{"t":"v -42"}"#);
        assert!(send(r#"{"url":"https://a","template":"{{.Message}}"}"#).is_err());
        assert!(send(r#"{"url":"https://a","template":"{{.Nothing}}"}"#).is_err());
    }
}
