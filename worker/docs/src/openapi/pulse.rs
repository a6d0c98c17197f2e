//! Pulse's API.

use edgewatch_core::dialects::pulse;
use edgewatch_core::failure::Failure;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::document::Api;
use super::operation::{Describe, May, Operation, Who, delete, get, group, post, put};

/// Written piece by piece, or read key by key: an object, of which no type says more.
type Object = Map<String, Value>;

const KEYS: &[&str] = &["token", "bearer", "session"];
const ANYBODY: Who = Who { words: "everybody", schemes: &[], optional: false };
const LOOK: Who = Who {
    words: "a token with the scope `read`, anybody who is logged in, and guests where `guest_view` is `pulse`",
    schemes: KEYS,
    optional: true,
};
const READ: Who =
    Who { words: "a token with the scope `read`, or anybody who is logged in", schemes: KEYS, optional: false };
const ADMIN: Who =
    Who { words: "a token with the scope `admin`, or an administrator's session", schemes: KEYS, optional: false };
const REGISTER: Who = Who {
    words: "a registration token, or a token with the scope `admin`; nobody needs one where the deployment says so",
    schemes: &["registration", "token", "bearer"],
    optional: true,
};
const REPORT: Who = Who {
    words: "a token with the scope `register` or of the kind `agent`",
    schemes: &["token", "bearer"],
    optional: false,
};

/// The API.
pub fn api() -> Api {
    Api {
        title: "Pulse's API",
        description: "The API of Pulse 4.2.1, as far as Edgewatch answers it: Proxmox VE and Backup Server as an agent polls them, and the rest of \
                      the fleet as `hosts`. Every answer is JSON, refusals too; `OPTIONS` is answered on every path.\n\nWhat has no description of \
                      its keys here is written in Pulse's shapes: its own documentation tells them.",
        tags: &[
            ("Server", "What answers here, and its settings."),
            ("State", "What is polled, now and before."),
            ("Sockets", "What is pushed to clients."),
            ("Configuration", "Nodes, settings, exports and imports."),
            ("Registration", "Nodes that register themselves, and their tokens."),
            ("Alerts", "The one engine's alerts, in Pulse's shapes."),
            ("Notifications", "Mail and webhooks."),
            ("Updates", "Releases of Edgewatch."),
            ("Host agents", "Stock host agents of Pulse, which report to us."),
        ],
        security: json!({
            "token": { "type": "apiKey", "in": "header", "name": "X-API-Token", "description": "A token." },
            "bearer": { "type": "http", "scheme": "bearer", "description": "A token." },
            "session": {
                "type": "apiKey", "in": "cookie", "name": "edgewatch_session",
                "description": "A session.",
            },
            "registration": { "type": "apiKey", "in": "header", "name": "X-Registration-Token", "description": "A registration token." },
        }),
        names: &[("id", "Its id, as the list has it.")],
        operations: operations(),
        error: |_| DESCRIBE_ERROR,
        render: |_, failure: &Failure| {
            let (status, body) = pulse::render(failure, 1_795_361_190);
            (status, serde_json::to_value(body).unwrap_or(Value::Null))
        },
    }
}

const DESCRIBE_ERROR: Describe = |generator: &mut SchemaGenerator| generator.subschema_for::<pulse::ErrorReply>();

fn operations() -> Vec<Operation> {
    [
        of_server(),
        of_state(),
        of_sockets(),
        of_configuration(),
        of_registration(),
        of_alerts(),
        of_notifications(),
        of_updates(),
        of_agents(),
    ]
    .concat()
}

fn of_server() -> Vec<Operation> {
    group(
        "Server",
        vec![
            get("/api/health", "How Edgewatch itself is.", ANYBODY).gives::<pulse::HealthReply>(200),
            get("/api/version", "Which version answers.", ANYBODY).gives::<pulse::VersionReply>(200),
            get("/api/security/status", "What has to be shown here.", ANYBODY).gives::<pulse::SecurityReply>(200),
            get("/api/server/info", "What answers here.", ANYBODY).gives::<pulse::ServerInfoReply>(200),
            get("/api/agent/version", "`dev`: agents do not replace themselves.", ANYBODY)
                .gives::<pulse::AgentVersionReply>(200),
            get("/api/config", "What clients want to know of the configuration.", LOOK)
                .gives::<pulse::ConfigReply>(200),
            get("/api/settings", "The settings, with what they may be.", LOOK).gives::<pulse::SettingsReply>(200),
            post("/api/settings/update", "Changes settings, or says whether they could be changed so.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::SettingsSavedReply>(200),
            get("/api/diagnostics", "What is wrong with nodes.", READ).gives::<pulse::DiagnosticsReply>(200),
            get("/api/discover", "What an agent finds in the networks that its own file names.", READ)
                .gives::<pulse::DiscoverReply>(200),
            post("/api/discover", "As GET.", READ).gives::<pulse::DiscoverReply>(200),
        ],
    )
}

fn of_state() -> Vec<Operation> {
    let storages = |path: &'static str| {
        get(path, "Every storage.", LOOK).gives::<pulse::StorageReply<Vec<pulse::Storage<'static>>>>(200)
    };
    let backups = |path: &'static str| get(path, "Every backup.", LOOK).gives::<Object>(200);
    let range = "How far back: `5m` to `90d`; an hour unless something is said.";
    group(
        "State",
        vec![
            get("/api/state", "Everything there is now.", LOOK).gives::<Object>(200),
            storages("/api/storage"),
            storages("/api/storage/"),
            get("/api/storage/{id}", "A storage, or those of a node.", LOOK).gives::<pulse::StorageReply<Object>>(200),
            get("/api/charts", "Series of guests, nodes and storages.", LOOK)
                .query("range", range)
                .gives::<Object>(200),
            get("/api/storage-charts", "Series of storages in another form.", LOOK)
                .query("range", "Minutes.")
                .gives::<Object>(200),
            backups("/api/backups"),
            backups("/api/backups/"),
            get("/api/backups/pve", "Backups on storages.", LOOK).gives::<Object>(200),
            get("/api/backups/pbs", "Backup Servers with their backups.", LOOK).gives::<Object>(200),
            get("/api/snapshots", "Snapshots of guests.", LOOK).gives::<Object>(200),
        ],
    )
}

fn of_sockets() -> Vec<Operation> {
    let socket = |path: &'static str| {
        get(path, "The state, and what happens.", LOOK)
            .query("token", "A token, for clients that can send no header.")
            .opens("A WebSocket of JSON frames with `type` and `data`.")
    };
    group(
        "Sockets",
        vec![
            socket("/ws"),
            socket("/pulse/ws"),
            socket("/socket.io/").query("transport", "`websocket`: there is no other."),
            post("/api/test-notification", "Tells whoever listens as if a node had registered itself.", ADMIN)
                .gives::<pulse::StatusReply>(200),
        ],
    )
}

fn of_configuration() -> Vec<Operation> {
    let none = |operation: Operation| operation.may(May::NotFound).gives::<pulse::StatusReply>(200);
    let name = "The name that the node has to have still.";
    group(
        "Configuration",
        vec![
            get("/api/config/nodes", "Every node, without what is secret of it.", LOOK)
                .gives::<Vec<pulse::ConfigNode>>(200),
            post("/api/config/nodes", "Adds a node.", ADMIN)
                .takes::<pulse::NodeRequest>()
                .gives::<pulse::StatusReply>(201)
                .may(May::Conflict),
            none(put("/api/config/nodes/", "Names no node: refused.", ADMIN)),
            none(delete("/api/config/nodes/", "Names no node: refused.", ADMIN)),
            post("/api/config/nodes/test-connection", "Has an agent try a node that may never be added.", ADMIN)
                .takes::<pulse::NodeRequest>()
                .gives::<pulse::ConnectionReply>(200),
            post("/api/config/nodes/test-config", "Likewise, with another answer.", ADMIN)
                .takes::<pulse::NodeRequest>()
                .gives::<pulse::NodeTestReply>(200),
            put("/api/config/nodes/{id}", "Changes a node.", ADMIN)
                .query("name", name)
                .takes::<pulse::NodeRequest>()
                .gives::<pulse::StatusReply>(200)
                .may(May::Conflict),
            delete("/api/config/nodes/{id}", "Deletes a node; the places of those behind it shift.", ADMIN)
                .query("name", name)
                .gives::<pulse::StatusReply>(200),
            post("/api/config/nodes/{id}/test", "Has the agent that polls a node try it.", ADMIN)
                .gives::<pulse::NodeTestReply>(200),
            get("/api/config/system", "The settings of the system.", LOOK).gives::<pulse::SystemKeys>(200),
            post("/api/config/system", "Changes settings of the system.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::SystemSavedReply>(200),
            put("/api/config/system", "As POST.", ADMIN).takes::<Object>().gives::<pulse::SystemSavedReply>(200),
            post("/api/system/settings/update", "As `POST /api/config/system`, as later releases say it.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::StatusReply>(200),
            post("/api/config/export", "All that is configured, encrypted under a passphrase.", ADMIN)
                .takes::<pulse::ExportRequest>()
                .gives::<pulse::ExportReply>(200)
                .may(May::Attempts),
            post("/api/config/import", "Puts what an export holds in the place of all that is configured.", ADMIN)
                .takes::<pulse::ImportRequest>()
                .gives::<pulse::ImportedReply>(200)
                .may(May::Attempts),
        ],
    )
}

fn of_registration() -> Vec<Operation> {
    group(
        "Registration",
        vec![
            get(
                "/api/setup-script",
                "A script that makes a user and a token on a Proxmox server; there is nothing secret in it.",
                ANYBODY,
            )
            .query("type", "`pve` or `pbs`.")
            .query("host", "The node's address.")
            .query("pulse_url", "This deployment's address.")
            .query("backup_perms", "`true`: the monitor may see all backups.")
            .gives_other(200, "text/plain", "A shell script."),
            post(
                "/api/setup-script",
                "The same of a body; as JSON with the address of the script for who accepts JSON.",
                ANYBODY,
            )
            .takes::<pulse::SetupRequest>()
            .gives::<pulse::SetupUrlReply>(200)
            .gives_other(200, "text/plain", "A shell script."),
            post("/api/auto-register", "A node registers itself.", REGISTER)
                .takes::<pulse::RegisterBody>()
                .gives::<pulse::RegisteredReply>(200)
                .gives::<pulse::RegistrationCheckReply>(200),
            post("/api/tokens/generate", "Makes a registration token.", ADMIN)
                .takes::<pulse::GenerateBody>()
                .gives::<pulse::TokenReply>(200),
            get("/api/tokens/list", "Registration tokens that can still let somebody in.", ADMIN)
                .gives::<Vec<pulse::TokenReply>>(200),
            delete("/api/tokens/revoke", "Takes a registration token away.", ADMIN)
                .query("token", "The token, unless the body has it.")
                .takes::<pulse::RevokeBody>()
                .gives::<pulse::SuccessReply>(200)
                .may(May::NotFound),
        ],
    )
}

fn of_alerts() -> Vec<Operation> {
    let history = |path: &'static str| {
        get(path, "Alerts that were.", LOOK)
            .query("limit", "How many at most.")
            .query("startTime", "RFC 3339.")
            .query("endTime", "RFC 3339.")
    };
    let put_or_post =
        |make: fn(&'static str, &'static str, Who) -> Operation, path: &'static str, words: &'static str| {
            make(path, words, ADMIN).takes::<Object>().gives::<pulse::StatusReply>(200)
        };
    group(
        "Alerts",
        vec![
            get("/api/alerts/active", "Alerts that go on.", LOOK).gives::<Vec<pulse::Alert<'static>>>(200),
            history("/api/alerts/history").gives::<Vec<pulse::Alert<'static>>>(200),
            delete("/api/alerts/history", "Forgets alerts that are over.", ADMIN)
                .gives::<pulse::HistoryClearedReply>(200),
            get("/api/alerts/config", "The configuration of alerts.", LOOK).gives::<pulse::AlertConfigReply>(200),
            put("/api/alerts/config", "Puts another configuration in its place.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::SavedReply>(200),
            post("/api/alerts/config", "As PUT.", ADMIN).takes::<Object>().gives::<pulse::SavedReply>(200),
            post("/api/alerts/activate", "Alerts are always on.", ADMIN).gives::<pulse::ActivatedReply>(200),
            post("/api/alerts/bulk/acknowledge", "Says that somebody knows of alerts.", ADMIN)
                .takes::<pulse::BulkRequest>()
                .gives::<pulse::BulkReply>(200),
            post("/api/alerts/bulk/clear", "Ends alerts.", ADMIN)
                .takes::<pulse::BulkRequest>()
                .gives::<pulse::BulkReply>(200),
            post("/api/alerts/{id}/acknowledge", "Says that somebody knows of an alert.", ADMIN)
                .gives::<pulse::SuccessReply>(200),
            post("/api/alerts/{id}/clear", "Ends an alert.", ADMIN).gives::<pulse::SuccessReply>(200),
            history("/api/notifications/alerts").gives::<Vec<pulse::ShortAlert<'static>>>(200),
            post("/api/notifications/alerts/clear", "As `DELETE /api/alerts/history`.", ADMIN)
                .gives::<pulse::HistoryClearedReply>(200),
            get("/api/notifications/thresholds", "The configuration without what single resources have.", LOOK)
                .gives::<Object>(200),
            put_or_post(post, "/api/notifications/thresholds", "Changes it key by key."),
            put_or_post(put, "/api/notifications/thresholds", "As POST."),
            get("/api/notifications/thresholds/overrides", "What single resources have.", LOOK)
                .gives::<std::collections::BTreeMap<String, pulse::ThresholdKeys>>(200),
            put_or_post(
                post,
                "/api/notifications/thresholds/overrides",
                "Changes what some of them have; null takes it away.",
            ),
            put_or_post(put, "/api/notifications/thresholds/overrides", "Puts these in the place of all."),
        ],
    )
}

fn of_notifications() -> Vec<Operation> {
    group(
        "Notifications",
        vec![
            get("/api/notifications/email", "The setting, without its password.", ADMIN)
                .gives::<pulse::EmailConfig>(200),
            post("/api/notifications/email", "Changes it; an empty password stays.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::StatusReply>(200),
            put("/api/notifications/email", "As POST.", ADMIN).takes::<Object>().gives::<pulse::StatusReply>(200),
            post("/api/notifications/email/test", "Sends a mail and tells what came of it.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::TestSentReply>(200)
                .may(May::Attempts),
            post("/api/notifications/test", "Tries mail or a webhook.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::TestSentReply>(200)
                .may(May::Attempts),
            get("/api/notifications/email-providers", "What providers of mail want.", READ)
                .gives::<Vec<pulse::EmailProvider>>(200),
            get("/api/notifications/webhooks", "Every webhook, its headers masked.", ADMIN)
                .gives::<Vec<pulse::WebhookKeys>>(200),
            post("/api/notifications/webhooks", "Makes a webhook.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::HookEcho>(200),
            post("/api/notifications/webhooks/test", "Tries a webhook that may never be made.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::WebhookTestReply>(200),
            put("/api/notifications/webhooks/{id}", "Changes a webhook.", ADMIN)
                .takes::<Object>()
                .gives::<pulse::HookEcho>(200),
            delete("/api/notifications/webhooks/{id}", "Deletes a webhook.", ADMIN).gives::<pulse::StatusReply>(200),
            get("/api/notifications/webhook-templates", "Bodies that well-known receivers want.", READ).gives::<Vec<
                pulse::WebhookTemplate,
            >>(
                200
            ),
        ],
    )
}

fn of_updates() -> Vec<Operation> {
    group(
        "Updates",
        vec![
            get("/api/updates/check", "Whether there is a newer release.", READ)
                .query("channel", "`stable` or `rc`.")
                .gives::<pulse::UpdateReply>(200)
                .may(May::Attempts),
            post("/api/updates/apply", "Has the configured hook deploy a release.", ADMIN)
                .takes::<pulse::ApplyBody>()
                .gives::<pulse::UpdateStartedReply>(200),
            get("/api/updates/status", "How far it is.", LOOK).gives::<pulse::UpdateStatusReply>(200),
        ],
    )
}

fn of_agents() -> Vec<Operation> {
    let report = |path: &'static str| {
        post(path, "A host, as its agent sees it.", REPORT)
            .takes::<pulse::HostReport>()
            .gives::<pulse::HostReportReply>(200)
    };
    let config = |path: &'static str| {
        get(path, "What an agent is to do, which is nothing.", REPORT).gives::<pulse::AgentConfigReply>(200)
    };
    group(
        "Host agents",
        vec![
            report("/api/agents/host/report"),
            report("/api/agents/agent/report"),
            post("/api/agents/docker/report", "A host with its containers, which are not looked at.", REPORT)
                .takes::<pulse::DockerBody>()
                .gives::<pulse::DockerReply>(200),
            get("/api/agents/host/lookup", "A host, by its id or its name.", REPORT)
                .query("id", "Its id.")
                .query("hostname", "Its name.")
                .gives::<pulse::LookupReply>(200)
                .may(May::NotFound),
            delete("/api/agents/host/{id}", "Retires a host.", ADMIN).gives::<pulse::RemovedReply>(200),
            config("/api/agents/host/{id}/config"),
            config("/api/agents/agent/{id}/config"),
        ],
    )
}
