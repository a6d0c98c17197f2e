//! `GET /api/notifications/webhook-templates`. Source: pulse specification, 11.4.

use std::collections::BTreeMap;

use serde::Serialize;

/// How a service is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTemplate {
    /// Its word.
    pub service: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What its addresses look like.
    pub url_pattern: &'static str,
    /// `POST`.
    pub method: &'static str,
    /// Names and values.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// What the body is made of, in the language of Go's templates.
    pub payload_template: &'static str,
    /// Where to get the address.
    pub instructions: &'static str,
}

const GENERIC: &str = r#"{"alert":{"id":"{{.ID}}","level":"{{.Level}}","type":"{{.Type}}","resource_name":"{{.ResourceName}}","node":"{{.Node}}",
"message":"{{.Message}}","value":{{.Value}},"threshold":{{.Threshold}},"start_time":"{{.StartTime}}","duration":"{{.Duration}}"},
"timestamp":"{{.Timestamp}}","source":"pulse-monitoring"}"#;

const DISCORD: &str = r#"{"username":"Pulse","embeds":[{"title":"{{.Level | title}}: {{.ResourceName}}","description":"{{.Message}}",
"color":{{if eq .Level "critical"}}15158332{{else}}15844367{{end}},"timestamp":"{{.Timestamp}}",
"fields":[{"name":"Node","value":"{{or .Node "-"}}","inline":true},{"name":"Type","value":"{{.Type | upper}}","inline":true},
{"name":"Value","value":"{{printf "%.1f" .Value}}","inline":true},{"name":"Threshold","value":"{{printf "%.0f" .Threshold}}","inline":true},
{"name":"For","value":"{{.Duration}}","inline":true}]}]}"#;

const TELEGRAM: &str = r#"{"chat_id":"{{.ChatID}}","text":"{{.Level | title}}: {{.ResourceName}}\n{{.Message}}\nNode {{.Node}}, for {{.Duration}}",
"disable_web_page_preview":true}"#;

const SLACK: &str = r#"{"text":"{{.Level | title}}: {{.ResourceName}}","blocks":[
{"type":"header","text":{"type":"plain_text","text":"{{.Level | title}}: {{.ResourceName}}"}},
{"type":"section","text":{"type":"plain_text","text":"{{.Message}}"}},
{"type":"context","elements":[{"type":"plain_text","text":"Node {{.Node}}, {{.Type}}, for {{.Duration}}"}]}]}"#;

const TEAMS: &str = r#"{"@type":"MessageCard","@context":"https://schema.org/extensions",
"themeColor":"{{if eq .Level "critical"}}E81123{{else}}FFB900{{end}}","summary":"{{.Level | title}}: {{.ResourceName}}",
"sections":[{"activityTitle":"{{.Level | title}}: {{.ResourceName}}","text":"{{.Message}}",
"facts":[{"name":"Node","value":"{{.Node}}"},{"name":"Value","value":"{{printf "%.1f" .Value}}"},{"name":"For","value":"{{.Duration}}"}]}]}"#;

const TEAMS_ADAPTIVE: &str = r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{
"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":[
{"type":"TextBlock","size":"Large","weight":"Bolder","color":"{{if eq .Level "critical"}}Attention{{else}}Warning{{end}}",
"text":"{{.Level | title}}: {{.ResourceName}}"},{"type":"TextBlock","text":"{{.Message}}","wrap":true},
{"type":"FactSet","facts":[{"title":"Node","value":"{{.Node}}"},{"title":"Type","value":"{{.Type}}"},{"title":"For","value":"{{.Duration}}"}]}]}}]}"#;

const PAGERDUTY: &str = r#"{"routing_key":"{{.CustomFields.routing_key}}","event_action":"trigger","dedup_key":"{{.ID}}","payload":{
"summary":"{{.Message}}","timestamp":"{{.Timestamp}}","severity":"{{if eq .Level "critical"}}critical{{else}}warning{{end}}",
"source":"{{or .Node .ResourceName}}","component":"{{.ResourceName}}","class":"{{.Type}}",
"custom_details":{"value":{{.Value}},"threshold":{{.Threshold}},"instance":"{{.Instance}}","duration":"{{.Duration}}"}}}"#;

const GOTIFY: &str = r#"{"title":"{{.Level | title}}: {{.ResourceName}}","message":"{{.Message}}",
"priority":{{if eq .Level "critical"}}10{{else}}5{{end}}}"#;

const NTFY: &str = r#"{"topic":"{{.CustomFields.topic}}","title":"{{.Level | title}}: {{.ResourceName}}","message":"{{.Message}}",
"priority":{{if eq .Level "critical"}}5{{else}}3{{end}},"tags":["{{.Type}}"]}"#;

const PUSHOVER: &str = r#"{"token":"{{.CustomFields.app_token}}","user":"{{.CustomFields.user_token}}","title":"{{.Level | title}}: {{.ResourceName}}",
"message":"{{.Message}}","priority":{{if eq .Level "critical"}}1{{else}}0{{end}}}"#;

/// Word, name, address, template, where to get the address.
const ALL: [(&str, &str, &str, &str, &str); 10] = [
    (
        "discord",
        "Discord Webhook",
        "https://discord.com/api/webhooks/{webhook_id}/{webhook_token}",
        DISCORD,
        "In the channel's settings, under integrations, make a webhook and copy its address.",
    ),
    (
        "telegram",
        "Telegram Bot",
        "https://api.telegram.org/bot{bot_token}/sendMessage",
        TELEGRAM,
        "Ask BotFather for a bot and put its token into the address. Behind the address goes ?chat_id= and the number of the chat.",
    ),
    (
        "slack",
        "Slack Incoming Webhook",
        "https://hooks.slack.com/services/{webhook_path}",
        SLACK,
        "Make an app with incoming webhooks, add one to a channel and copy its address.",
    ),
    (
        "teams",
        "Microsoft Teams",
        "https://{tenant}.webhook.office.com/webhookb2/{webhook_path}",
        TEAMS,
        "In the channel, under connectors, add an incoming webhook and copy its address.",
    ),
    (
        "pagerduty",
        "PagerDuty Events v2",
        "https://events.pagerduty.com/v2/enqueue",
        PAGERDUTY,
        "Add an Events API v2 integration to a service. Its integration key is the custom field routing_key.",
    ),
    (
        "teams-adaptive",
        "Microsoft Teams (Adaptive Card)",
        "https://{region}.logic.azure.com/workflows/{workflow_path}",
        TEAMS_ADAPTIVE,
        "Make a workflow that posts to a channel when a webhook request comes, and copy its address.",
    ),
    ("generic", "Generic JSON Webhook", "https://{host}/{path}", GENERIC, "Any address that takes JSON by POST."),
    (
        "gotify",
        "Gotify",
        "https://{host}/message?token={app_token}",
        GOTIFY,
        "Make an application in Gotify and put its token into the address.",
    ),
    (
        "ntfy",
        "ntfy",
        "https://{host}/",
        NTFY,
        "The address is that of the server, without the topic, which is the custom field topic.",
    ),
    (
        "pushover",
        "Pushover",
        "https://api.pushover.net/1/messages.json",
        PUSHOVER,
        "Make an application in Pushover. Its token is the custom field app_token, the user key is user_token.",
    ),
];

/// All templates.
pub fn webhook_templates() -> Vec<WebhookTemplate> {
    let template = |(service, name, url_pattern, payload_template, instructions)| WebhookTemplate {
        service,
        name,
        url_pattern,
        method: "POST",
        headers: [("Content-Type", "application/json")].into(),
        payload_template,
        instructions,
    };
    ALL.into_iter().map(template).collect()
}

/// What a service's bodies are made of; `None` for a service that is not known.
pub fn usual_template(service: &str) -> Option<&'static str> {
    ALL.iter().find(|(word, ..)| *word == service).map(|(_, _, _, template, _)| *template)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::pulse::alert::tests::alert;
    use crate::dialects::pulse::notifications::webhook::hook_request;
    use crate::model::{Hook, ResourceKind, Severity, ThresholdMetric};
    use crate::units::UnixSeconds;

    #[test]
    fn every_template_makes_json_of_any_alert() {
        let services: Vec<&str> = webhook_templates().iter().map(|one| one.service).collect();
        assert_eq!(services[..7], ["discord", "telegram", "slack", "teams", "pagerduty", "teams-adaptive", "generic"]);
        for template in webhook_templates() {
            let fields = ["routing_key", "topic", "app_token", "user_token"];
            let hook = Hook {
                url: "https://example.com/?chat_id=7".to_owned(),
                service: template.service.to_owned(),
                custom_fields: fields.map(|name| (name.to_owned(), "\"}".to_owned())).into(),
                ..Hook::default()
            };
            for severity in [Severity::Warning, Severity::Critical] {
                let mut found = alert(ResourceKind::Vm, Some(ThresholdMetric::Memory));
                (found.severity, found.resource.name) = (severity, "we\"b\\\n\u{1}".to_owned());
                let request = hook_request(&hook, &found, UnixSeconds(1_754_992_800)).unwrap();
                let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
                assert!(body.is_object() && !request.body.contains("{{"), "{}", template.service);
            }
        }
        assert_eq!(usual_template("nothing"), None);
    }
}
