//! Webhooks whose bodies are made from templates: the operator's own, or those of well-known services. Source: pulse specification, 11.4.

mod services;
mod template;

use std::collections::BTreeMap;

pub use services::{SERVICES, Service};
use template::{Field, render_template};

/// A webhook that has a form.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// The word of the service that it is for.
    pub service: &'a str,
    /// What its bodies are made of; empty for what the service usually gets.
    pub template: &'a str,
    /// Where it goes.
    pub url: &'a str,
    /// Its headers, by name.
    pub headers: &'a BTreeMap<String, String>,
    /// What templates name as `CustomFields`.
    pub fields: &'a BTreeMap<String, String>,
}

/// What is told: an alert, in the names that templates have for it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its id.
    pub id: &'a str,
    /// `warning` or `critical`.
    pub level: &'a str,
    /// Such as `cpu`.
    pub kind: &'a str,
    /// What it is about.
    pub resource_id: &'a str,
    /// Its name.
    pub resource_name: &'a str,
    /// The node that it is at.
    pub node: &'a str,
    /// Where that is polled.
    pub instance: &'a str,
    /// A sentence.
    pub message: &'a str,
    /// What was measured.
    pub value: f64,
    /// From where on that is too much.
    pub threshold: f64,
    /// When it began, RFC 3339.
    pub start_time: &'a str,
    /// How long ago that is, seconds.
    pub lasts_s: i64,
    /// Now, RFC 3339.
    pub timestamp: &'a str,
    /// Whether somebody knows of it.
    pub is_acknowledged: bool,
    /// How many alerts the message tells of.
    pub count: usize,
}

/// A request, but for what all of them have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Where it goes.
    pub url: String,
    /// JSON.
    pub body: String,
}

impl<'a> Form<'a> {
    /// What its bodies are made of; `None` for a service that is not known.
    pub fn template(&self) -> Option<&'a str> {
        if self.template.is_empty() {
            return Service::of(self.service).map(|service| service.template);
        }
        Some(self.template)
    }

    /// The request that tells of an alert; `None` for one without a template.
    ///
    /// # Errors
    /// What is wrong with the template, or with what it makes.
    pub fn fill(&self, told: &Told<'_>) -> Result<Option<Filled>, String> {
        let Some(template) = self.template() else { return Ok(None) };
        let (url, topic) = self.place();
        let mut fields = told.fields();
        fields.insert("ChatID".to_owned(), text(query_value(self.url, "chat_id").unwrap_or_default()));
        // A program of 4.2 has no place for this key but among the headers.
        let key = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("routing_key"));
        fields.extend(key.map(|(_, key)| ("CustomFields.routing_key".to_owned(), text(key))));
        fields.extend(topic.map(|topic| ("CustomFields.topic".to_owned(), text(topic))));
        fields.extend(self.fields.iter().map(|(name, value)| (format!("CustomFields.{name}"), text(value))));
        let body = render_template(template, &fields).map_err(|why| format!("template: {why}"))?;
        serde_json::from_str::<serde::de::IgnoredAny>(&body)
            .map_err(|why| format!("the template makes no JSON: {why}"))?;
        Ok(Some(Filled { url, body }))
    }

    /// Where it goes. A chat of Telegram is named in the body alone; ntfy takes JSON at its root, so a topic in the path goes into it.
    fn place(&self) -> (String, Option<&'a str>) {
        let whole = || (self.url.to_owned(), None);
        match self.service {
            "telegram" => {
                let Some((path, query)) = self.url.split_once('?') else { return whole() };
                let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("chat_id=")).collect();
                let rest = rest.join("&");
                (if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") }, None)
            }
            "ntfy" if self.template.is_empty() && !self.fields.contains_key("topic") => {
                let (path, query) = self.url.split_at(self.url.find('?').unwrap_or(self.url.len()));
                let host = path.find("://").map_or(0, |at| at + 3);
                match path.rsplit_once('/') {
                    Some((before, topic)) if before.len() > host && !topic.is_empty() => {
                        (format!("{before}/{query}"), Some(topic))
                    }
                    _ => whole(),
                }
            }
            _ => whole(),
        }
    }
}

fn text(text: &str) -> Field {
    Field::Text(text.to_owned())
}

impl Told<'_> {
    fn fields(&self) -> BTreeMap<String, Field> {
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let count = self.count as f64;
        [
            ("ID", text(self.id)),
            ("Level", text(self.level)),
            ("Type", text(self.kind)),
            ("ResourceID", text(self.resource_id)),
            ("ResourceName", text(self.resource_name)),
            ("Node", text(self.node)),
            ("Instance", text(self.instance)),
            ("Message", text(self.message)),
            ("Value", Field::Number(self.value)),
            ("Threshold", Field::Number(self.threshold)),
            ("StartTime", text(self.start_time)),
            ("Duration", Field::Text(duration(self.lasts_s))),
            ("Timestamp", text(self.timestamp)),
            ("Acknowledged", text(if self.is_acknowledged { "true" } else { "false" })),
            ("AlertCount", Field::Number(count)),
        ]
        .into_iter()
        .map(|(name, field)| (name.to_owned(), field))
        .collect()
    }
}

/// A value of an address's query, as it stands there.
fn query_value<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(one, _)| *one == name).map(|(_, value)| value)
}

/// How long, in words such as `2h 5m`.
fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        seconds => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Told<'_> = Told {
        id: "lab-pve1-101-cpu",
        level: "critical",
        kind: "cpu",
        resource_id: "lab-pve1-101",
        resource_name: "we\"b\\\n\u{1}",
        node: "pve1",
        instance: "lab",
        message: "VM cpu usage at 95.5%",
        value: 95.5,
        threshold: 80.0,
        start_time: "2025-08-12T09:58:00Z",
        lasts_s: 125,
        timestamp: "2025-08-12T10:00:05Z",
        is_acknowledged: false,
        count: 2,
    };

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn filled(service: &str, template: &str, url: &str, fields: &[(&str, &str)]) -> Result<Option<Filled>, String> {
        let (headers, fields) = (texts(&[("Routing_Key", "r-1")]), texts(fields));
        Form { service, template, url, headers: &headers, fields: &fields }.fill(&TOLD)
    }

    #[test]
    fn every_service_gets_json_of_any_alert() {
        let words = SERVICES.map(|service| service.word);
        assert_eq!(words[..7], ["discord", "telegram", "slack", "teams", "pagerduty", "teams-adaptive", "generic"]);
        let fields = ["routing_key", "topic", "app_token", "user_token"].map(|name| (name, "\"}"));
        for service in SERVICES {
            let made = filled(service.word, "", "https://example.com/?chat_id=7", &fields).unwrap().unwrap();
            let body: serde_json::Value = serde_json::from_str(&made.body).unwrap();
            assert!(body.is_object() && !made.body.contains("{{"), "{}", service.word);
        }
        assert_eq!(filled("strange", "", "https://example.com", &[]), Ok(None));
    }

    #[test]
    fn a_template_of_ones_own_goes_before_the_service_s() {
        let own = r#"{"t":"{{.CustomFields.key}} {{.ChatID}} {{.Duration}}","n":{{.AlertCount}}}"#;
        let made = filled("slack", own, "https://a/x?chat_id=-42", &[("key", "v")]).unwrap().unwrap();
        let expected =
            Filled { url: "https://a/x?chat_id=-42".to_owned(), body: r#"{"t":"v -42 2m","n":2}"#.to_owned() };
        assert_eq!(made, expected);
        for wrong in ["{{.Message}}", "{{.Nothing}}", "{{"] {
            assert!(filled("generic", wrong, "https://a", &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_service_wants_elsewhere_is_put_there() {
        let place = |service: &str, url: &str, fields: &[(&str, &str)]| {
            let made = filled(service, "", url, fields).unwrap().unwrap();
            (made.url, serde_json::from_str::<serde_json::Value>(&made.body).unwrap())
        };
        for (url, left) in [
            ("https://t/bot1/sendMessage?chat_id=-42", "https://t/bot1/sendMessage"),
            ("https://t/bot1/sendMessage?a=b&chat_id=-42&c=d", "https://t/bot1/sendMessage?a=b&c=d"),
        ] {
            let (url, body) = place("telegram", url, &[]);
            assert_eq!((url.as_str(), &body["chat_id"]), (left, &"-42".into()));
        }
        for (url, fields, left, topic) in [
            ("https://ntfy.sh/alerts", [].as_slice(), "https://ntfy.sh/", "alerts"),
            ("https://h/sub/alerts?auth=x", &[], "https://h/sub/?auth=x", "alerts"),
            ("https://h/", &[("topic", "own")], "https://h/", "own"),
            ("https://h/alerts", &[("topic", "own")], "https://h/alerts", "own"),
        ] {
            let (url, body) = place("ntfy", url, fields);
            assert_eq!((url.as_str(), &body["topic"]), (left, &topic.into()));
        }
        assert!(filled("ntfy", "", "https://ntfy.sh", &[]).is_err());
        assert_eq!(place("pagerduty", "https://p", &[]).1["routing_key"], "r-1");
        assert_eq!(place("pagerduty", "https://p", &[("routing_key", "r-2")]).1["routing_key"], "r-2");
    }

    #[test]
    fn durations_are_said_in_two_words_at_most() {
        for (seconds, words) in [(-5, "0s"), (59, "59s"), (125, "2m"), (7_500, "2h 5m"), (200_000, "2d 7h")] {
            assert_eq!(duration(seconds), words);
        }
    }
}
