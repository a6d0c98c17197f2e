//! How well-known services are told.

/// A service that takes webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Its word.
    pub word: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What its addresses look like.
    pub url_pattern: &'static str,
    /// What its bodies are made of.
    pub template: &'static str,
    /// Where to get the address.
    pub instructions: &'static str,
}

impl Service {
    /// The one of this word.
    pub fn of(word: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.word == word)
    }
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

/// All of them, those of release 4.2 first.
pub const SERVICES: [Service; 10] = [
    Service {
        word: "discord",
        name: "Discord Webhook",
        url_pattern: "https://discord.com/api/webhooks/{webhook_id}/{webhook_token}",
        template: DISCORD,
        instructions: "In the channel's settings, under integrations, make a webhook and copy its address.",
    },
    Service {
        word: "telegram",
        name: "Telegram Bot",
        url_pattern: "https://api.telegram.org/bot{bot_token}/sendMessage",
        template: TELEGRAM,
        instructions: "Ask BotFather for a bot and put its token into the address. Behind the address goes ?chat_id= and the number of the chat.",
    },
    Service {
        word: "slack",
        name: "Slack Incoming Webhook",
        url_pattern: "https://hooks.slack.com/services/{webhook_path}",
        template: SLACK,
        instructions: "Make an app with incoming webhooks, add one to a channel and copy its address.",
    },
    Service {
        word: "teams",
        name: "Microsoft Teams",
        url_pattern: "https://{tenant}.webhook.office.com/webhookb2/{webhook_path}",
        template: TEAMS,
        instructions: "In the channel, under connectors, add an incoming webhook and copy its address.",
    },
    Service {
        word: "pagerduty",
        name: "PagerDuty Events API v2",
        url_pattern: "https://events.pagerduty.com/v2/enqueue",
        template: PAGERDUTY,
        instructions: "Add an Events API v2 integration to a service. Its integration key is the custom field routing_key, or a header of this name.",
    },
    Service {
        word: "teams-adaptive",
        name: "Microsoft Teams (Adaptive Card)",
        url_pattern: "https://{region}.logic.azure.com/workflows/{workflow_path}",
        template: TEAMS_ADAPTIVE,
        instructions: "Make a workflow that posts to a channel when a webhook request comes, and copy its address.",
    },
    Service {
        word: "generic",
        name: "Generic JSON Webhook",
        url_pattern: "",
        template: GENERIC,
        instructions: "Any address that takes JSON by POST.",
    },
    Service {
        word: "gotify",
        name: "Gotify",
        url_pattern: "https://{host}/message?token={app_token}",
        template: GOTIFY,
        instructions: "Make an application in Gotify and put its token into the address.",
    },
    Service {
        word: "ntfy",
        name: "ntfy.sh",
        url_pattern: "https://ntfy.sh/{topic}",
        template: NTFY,
        instructions: "The address is that of the server with the topic behind it, or without it: then it is the custom field topic.",
    },
    Service {
        word: "pushover",
        name: "Pushover",
        url_pattern: "https://api.pushover.net/1/messages.json",
        template: PUSHOVER,
        instructions: "Make an application in Pushover. Its token is the custom field app_token, the user key is user_token.",
    },
];
