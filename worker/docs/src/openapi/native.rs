//! Our own API.

use edgewatch_core::dialects::native;
use edgewatch_core::failure::Failure;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::document::Api;
use super::operation::{Describe, May, Operation, Who, delete, get, group, patch, post, put};

const ANYBODY: Who = Who { words: "everybody", schemes: &[], optional: false };
const MEMBERS: &[&str] = &["bearer", "token", "session"];
const READ: Who =
    Who { words: "a token with the scope `read`, or anybody who is logged in", schemes: MEMBERS, optional: false };
const ADMIN: Who =
    Who { words: "a token with the scope `admin`, or an administrator's session", schemes: MEMBERS, optional: false };
const SELF: Who = Who { words: "whoever is logged in, for themselves", schemes: &["session"], optional: false };
const VISITOR: Who = Who {
    words: "a token with the scope `read`, anybody who is logged in, and guests as far as the setting `guest_view` lets them in",
    schemes: MEMBERS,
    optional: true,
};
const AGENT: Who = Who { words: "an agent, with its host's secret", schemes: &["agentSecret"], optional: false };

/// `GET /api/edgewatch/v1/series`, which is written column by column.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what it looks like is all that is wanted of it")]
struct SeriesReply {
    /// The beginning of the time asked for, Unix seconds.
    from_s: i64,
    /// Its end.
    to_s: i64,
    /// False when a part of the history did not answer: what is missing is then no gap in what the host reported.
    complete: bool,
    /// A series per host and metric.
    series: Vec<SeriesColumns>,
}

/// One metric of one host. The four columns have one element per point; where samples are missing between two points there is one
/// element with nulls and 0 samples, and no line may be drawn across it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "likewise")]
struct SeriesColumns {
    /// The host's number.
    host: i64,
    /// The metric's key, such as `cpu_percent`.
    metric: String,
    /// The tiers of history that it comes from: `samples`, `minutes`, `ten_minutes`, `two_hours`.
    tiers: Vec<String>,
    /// How long a point lasts, seconds.
    step_s: i64,
    /// When each point begins, Unix seconds.
    at_s: Vec<i64>,
    /// The average of each point.
    average: Vec<Option<f64>>,
    /// The maximum of each point; null where only averages were kept.
    maximum: Vec<Option<f64>>,
    /// How many samples each point is made of.
    samples: Vec<u64>,
}

/// `GET /api/edgewatch/v1/backup/{part}`, which passes through as it was read.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "likewise")]
struct BackupPage {
    /// Rows of several tables.
    tables: Vec<BackupTable>,
    /// Send it as `cursor` to get what follows; null at the end.
    cursor: Option<String>,
}

/// Rows of one table of a backup.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "likewise")]
struct BackupTable {
    /// Its name.
    table: String,
    /// The names of its columns, in their order.
    columns: Vec<String>,
    /// The rows: null, a number, a text, or bytes as `{"b": "<hexadecimal>"}`, for each column.
    rows: Vec<Vec<Value>>,
}

/// The API.
pub fn api() -> Api {
    Api {
        title: "Edgewatch's API",
        description: "The API of Edgewatch itself: `/api/edgewatch/v1/` for operators and programs, `/agent/v1/` for agents, `/live` for \
                      pages, `/metrics` for Prometheus.\n\nBodies are JSON in UTF-8, keys are in snake case with their unit, times are \
                      Unix seconds (`_s`) or milliseconds (`_ms`) in UTC. Every refusal has the same shape: \
                      `{\"error\":{\"code\",\"message\",\"field\"?}}`. Lists that may grow take `limit` (at most 500) and `cursor`, the \
                      value that the page before answered with. A body has at most 1 MiB unless something else is said. Within v1 keys \
                      are only added: leave alone what you do not know.",
        tags: &[
            ("Session", "Logging in, the first administrator, people."),
            ("Tokens", "What programs and agents show."),
            ("Settings", "Of the whole deployment."),
            ("Alerts", "Rules, what is not as they want it, and what happened."),
            ("Channels", "Where people are told."),
            ("Hosts", "What hosts said last, and before."),
            ("Probes", "What agents and the Worker ask from outside."),
            ("Push agents", "openITCOCKPIT's agents in push mode."),
            ("Operation", "What Edgewatch itself uses, and who changed what."),
            (
                "Backup",
                "Everything there is, by pages, and how it comes into an empty deployment; `scripts/backup` and `scripts/restore` use them.",
            ),
            ("Agents", "What our agent and our page speak."),
        ],
        security: json!({
            "bearer": { "type": "http", "scheme": "bearer", "description": "A token." },
            "token": { "type": "apiKey", "in": "header", "name": "Authorization", "description": "A token, bare." },
            "session": {
                "type": "apiKey", "in": "cookie", "name": "edgewatch_session",
                "description": "A session. What changes something by it needs the header `x-edgewatch-csrf` too, with any value.",
            },
            "agentSecret": { "type": "http", "scheme": "bearer", "description": "The secret that a host was registered with." },
        }),
        names: &[
            ("id", "Its number, as the list has it."),
            ("key", "Its key, as the list has it."),
            ("uuid", "The agent's UUID."),
            ("part", "One of the `parts` that the backup's head names."),
            ("seq", "The number of this call, another for each; the same when one is sent again."),
        ],
        operations: operations(),
        error: |_| DESCRIBE_ERROR,
        render: |_, failure: &Failure| {
            let (status, body) = native::render(failure);
            (status, serde_json::to_value(body).unwrap_or(Value::Null))
        },
    }
}

const DESCRIBE_ERROR: Describe = |generator: &mut SchemaGenerator| generator.subschema_for::<native::ErrorReply>();

fn operations() -> Vec<Operation> {
    [
        of_people(),
        of_tokens(),
        of_settings(),
        of_alerts(),
        of_channels(),
        of_hosts(),
        of_probes(),
        of_push_agents(),
        of_us(),
        of_backups(),
        of_agents(),
    ]
    .concat()
}

fn of_people() -> Vec<Operation> {
    group(
        "Session",
        vec![
            post(
                "/api/edgewatch/v1/setup",
                "Uses up a setup link: the first administrator, a token and a session.",
                ANYBODY,
            )
            .takes::<native::SetupRequest>()
            .gives::<native::SetupReply>(201)
            .may(May::Conflict)
            .may(May::NotFound),
            get("/api/edgewatch/v1/session", "Who one is.", VISITOR).gives::<native::SessionReply>(200),
            post(
                "/api/edgewatch/v1/session",
                "Logs in with a token, a password or what the access proxy says; sets the session's cookie.",
                ANYBODY,
            )
            .takes::<native::SessionRequest>()
            .gives::<native::SessionReply>(201)
            .may(May::Attempts),
            delete("/api/edgewatch/v1/session", "Logs out.", SELF).gives_nothing(204, "The session is over."),
            post(
                "/api/edgewatch/v1/session/password",
                "Another password for oneself; sets the cookie of the one session there is then.",
                SELF,
            )
            .takes::<native::PasswordRequest>()
            .gives::<native::SessionReply>(200)
            .may(May::Attempts),
            get("/api/edgewatch/v1/users", "Everybody who has an account, oldest first.", ADMIN)
                .gives::<native::UserListReply>(200),
            post("/api/edgewatch/v1/users", "Makes an account.", ADMIN)
                .takes::<native::UserRequest>()
                .gives::<native::MadeUserReply>(201)
                .may(May::Conflict),
            patch("/api/edgewatch/v1/users/{id}", "Gives an account another role, password or address.", ADMIN)
                .takes::<native::UserChangeRequest>()
                .gives_nothing(204, "It is changed.")
                .may(May::Conflict),
            delete("/api/edgewatch/v1/users/{id}", "Deletes an account with its sessions and tokens.", ADMIN)
                .gives_nothing(204, "It is gone.")
                .may(May::Conflict),
        ],
    )
}

fn of_tokens() -> Vec<Operation> {
    group(
        "Tokens",
        vec![
            get("/api/edgewatch/v1/tokens", "Every token without its text, oldest first.", ADMIN)
                .gives::<native::TokenListReply>(200),
            post("/api/edgewatch/v1/tokens", "Makes a token, which is shown this once.", ADMIN)
                .takes::<native::TokenRequest>()
                .gives::<native::TokenReply>(201),
            delete("/api/edgewatch/v1/tokens/{id}", "Revokes a token, at once.", ADMIN)
                .gives_nothing(204, "It is dead."),
        ],
    )
}

fn of_settings() -> Vec<Operation> {
    group(
        "Settings",
        vec![
            get("/api/edgewatch/v1/settings", "What is set.", ADMIN).gives::<native::SettingsReply>(200),
            patch("/api/edgewatch/v1/settings", "Sets what is named and answers with what is set then.", ADMIN)
                .takes::<native::SettingsRequest>()
                .gives::<native::SettingsReply>(200),
            get("/api/edgewatch/v1/guest", "Title and theme of the guest page.", VISITOR)
                .gives::<native::GuestReply>(200),
            get("/api/edgewatch/v1/quiet-hours", "When people are not to be disturbed.", ADMIN)
                .gives::<native::QuietHoursBody>(200),
            put("/api/edgewatch/v1/quiet-hours", "Sets when people are not to be disturbed; null for never.", ADMIN)
                .takes::<native::QuietHoursBody>()
                .gives::<native::QuietHoursBody>(200),
        ],
    )
}

const MAKER: Who = Who {
    words: "a token with the scope `register` or of the kind `agent`, or an administrator's session",
    schemes: MEMBERS,
    optional: false,
};
const KEEPER: Who = Who {
    words: "a token with the scope `admin`, an administrator's session, or a token of the kind `agent` for the hosts it made",
    schemes: MEMBERS,
    optional: false,
};
const CURSOR: (&str, &str) = ("cursor", "Where the page before ended: its `cursor`.");
const LIMIT: (&str, &str) = ("limit", "How many at most: 1 to 500, 100 unless something is said.");

fn of_alerts() -> Vec<Operation> {
    group(
        "Alerts",
        vec![
            get("/api/edgewatch/v1/rules", "Every alert rule.", ADMIN).gives::<native::RuleListReply>(200),
            post("/api/edgewatch/v1/rules", "Makes a rule.", ADMIN)
                .takes::<native::RuleBody>()
                .gives::<native::RuleSavedReply>(201),
            put("/api/edgewatch/v1/rules/{id}", "Puts another rule in the place of one.", ADMIN)
                .takes::<native::RuleBody>()
                .gives::<native::RuleSavedReply>(200),
            delete("/api/edgewatch/v1/rules/{id}", "Deletes a rule.", ADMIN)
                .gives_nothing(204, "It is gone, and its alerts end."),
            get("/api/edgewatch/v1/alerts", "What is not as rules and probes want it, newest first.", READ)
                .query("state", "`open`, unless something is said, or `all`: then what was, too.")
                .query(CURSOR.0, CURSOR.1)
                .query(LIMIT.0, LIMIT.1)
                .gives::<native::AlertListReply>(200),
            post(
                "/api/edgewatch/v1/alerts/{key}/acknowledge",
                "Says that somebody knows of an alert: no reminders, no escalation.",
                ADMIN,
            )
            .may_take::<native::AcknowledgeRequest>()
            .gives::<native::AlertPart>(200),
            get("/api/edgewatch/v1/events", "What happened, newest first.", READ)
                .query("host", "A host's number: what happened to that one alone.")
                .query(CURSOR.0, CURSOR.1)
                .query(LIMIT.0, LIMIT.1)
                .gives::<native::EventListReply>(200),
        ],
    )
}

fn of_channels() -> Vec<Operation> {
    group(
        "Channels",
        vec![
            get("/api/edgewatch/v1/channels", "Every channel, its secrets masked.", ADMIN)
                .gives::<native::ChannelListReply>(200),
            post("/api/edgewatch/v1/channels", "Makes a channel.", ADMIN)
                .takes::<native::ChannelRequest>()
                .gives::<native::ChannelPart>(201)
                .may(May::Conflict),
            get("/api/edgewatch/v1/channels/kinds", "Every kind of channel with its settings.", ADMIN)
                .gives::<native::ChannelKindsReply>(200),
            patch("/api/edgewatch/v1/channels/{id}", "Changes what is named of a channel; the rest stays.", ADMIN)
                .takes::<native::ChannelChangeRequest>()
                .gives::<native::ChannelPart>(200),
            delete("/api/edgewatch/v1/channels/{id}", "Deletes a channel.", ADMIN).gives_nothing(204, "It is gone."),
            post(
                "/api/edgewatch/v1/channels/{id}/test",
                "Sends a test notification at once and says what came of it.",
                ADMIN,
            )
            .gives::<native::ChannelTestReply>(200),
        ],
    )
}

fn of_hosts() -> Vec<Operation> {
    group("Hosts", vec![
        get("/api/edgewatch/v1/hosts", "Hosts by number. A token of the kind `agent` sees those it made.", READ)
            .query(CURSOR.0, CURSOR.1)
            .query(LIMIT.0, LIMIT.1)
            .gives::<native::HostListReply>(200),
        post("/api/edgewatch/v1/hosts", "Makes a host; its agent's secret is shown this once. That guests see it is for administrators to say.", MAKER)
            .takes::<native::HostRequest>()
            .gives::<native::HostMadeReply>(201),
        get("/api/edgewatch/v1/hosts/{id}", "One host, with what it is made of.", READ)
            .gives::<native::HostPart>(200),
        patch("/api/edgewatch/v1/hosts/{id}", "Changes what is named, all of it or nothing; the rest stays.", KEEPER)
            .takes::<native::HostRequest>()
            .gives::<native::HostPart>(200),
        delete("/api/edgewatch/v1/hosts/{id}", "Retires a host.", KEEPER)
            .gives_nothing(204, "It is in no list any more, its secret is dead, and its data is kept for thirty days."),
        post("/api/edgewatch/v1/hosts/{id}/secret", "Another secret for the host's agent, shown this once.", ADMIN)
            .gives::<native::HostSecretReply>(200),
        post("/api/edgewatch/v1/hosts/{id}/merge", "Makes the host a part of another one, which is the answer.", ADMIN)
            .takes::<native::MergeRequest>()
            .gives::<native::HostPart>(200)
            .may(May::Conflict),
        get("/api/edgewatch/v1/hosts/{id}/metrics", "What a host's history can be asked for.", READ)
            .gives::<native::HostMetricsReply>(200),
        get("/api/edgewatch/v1/groups", "Groups and labels, each with how many hosts.", READ)
            .gives::<native::GroupListReply>(200),
        get("/api/edgewatch/v1/proxmox", "What is polled of Proxmox, in the words of `GET /api/state`, and how polling each server fares; \
             backups and snapshots are only counted.", READ)
            .gives::<serde_json::Map<String, Value>>(200),
        get("/api/edgewatch/v1/series", "History as columns: averages and maxima in as many points as asked for, gaps as gaps.", READ)
            .needs("hosts", "Numbers of hosts, with commas between them; at most 20.")
            .query("metrics", "Keys of metrics, with commas between them, such as `cpu_percent,load1`; all built-in ones unless something is said.")
            .query("metric", "One metric whose name may have a comma; may be repeated.")
            .query("from", "Unix seconds; a day before `to` unless something is said.")
            .query("to", "Unix seconds; now unless something is said.")
            .query("points", "How many points a series has at most: 1 to 2,000, 300 unless something is said.")
            .gives::<SeriesReply>(200),
        get("/api/edgewatch/v1/hosts/{id}/checks", "What a host's openITCOCKPIT agent checked last, judged and as it came.", READ)
            .gives::<native::ChecksReply<'static>>(200),
        get("/api/edgewatch/v1/hosts/{id}/packages", "What is installed on a host, as its openITCOCKPIT agent pushed it.", READ)
            .gives::<serde_json::Map<String, Value>>(200),
    ])
}

fn of_probes() -> Vec<Operation> {
    group(
        "Probes",
        vec![
            get("/api/edgewatch/v1/probes", "Every probe.", READ).gives::<native::ProbeListReply>(200),
            post("/api/edgewatch/v1/probes", "Makes a probe and tells every agent that it covers.", ADMIN)
                .takes::<native::ProbeRequest>()
                .gives::<native::ProbeFull>(201)
                .may(May::Conflict),
            get(
                "/api/edgewatch/v1/probes/summary",
                "How probes fared in thirty days; at most a minute old. Guests see the public ones.",
                VISITOR,
            )
            .gives::<native::ProbeSummaryReply>(200),
            get("/api/edgewatch/v1/probes/{id}", "One probe.", READ).gives::<native::ProbeFull>(200),
            put("/api/edgewatch/v1/probes/{id}", "Puts another probe in the place of one.", ADMIN)
                .takes::<native::ProbeRequest>()
                .gives::<native::ProbeFull>(200)
                .may(May::Conflict),
            delete("/api/edgewatch/v1/probes/{id}", "Deletes a probe.", ADMIN)
                .gives_nothing(204, "It is gone, and its results with it."),
        ],
    )
}

fn of_push_agents() -> Vec<Operation> {
    group(
        "Push agents",
        vec![
            get("/api/edgewatch/v1/push-agents", "Every agent that pushes.", ADMIN)
                .gives::<native::PushAgentListReply>(200),
            delete("/api/edgewatch/v1/push-agents/{uuid}", "Forgets an agent.", ADMIN)
                .gives_nothing(204, "It is gone."),
            get("/api/edgewatch/v1/push-agents/{uuid}/checkdata", "What an agent pushed that is not accepted.", ADMIN)
                .gives::<serde_json::Map<String, Value>>(200),
            post(
                "/api/edgewatch/v1/push-agents/{uuid}/accept",
                "Lets an agent speak for a host: a new one, or the one that is named.",
                ADMIN,
            )
            .takes::<native::AcceptRequest>()
            .gives_nothing(204, "It does from now on.")
            .may(May::Conflict),
            post(
                "/api/edgewatch/v1/push-agents/{uuid}/register-again",
                "Lets an agent that lost its password get another one.",
                ADMIN,
            )
            .gives_nothing(204, "It may register again."),
        ],
    )
}

fn of_us() -> Vec<Operation> {
    group("Operation", vec![
        get("/api/edgewatch/v1/usage", "What the platform's meters show today, where the day is heading, and what is done about it.", READ)
            .gives::<native::UsageReply>(200),
        get("/api/edgewatch/v1/audit", "Who changed what, newest first.", ADMIN)
            .query(CURSOR.0, CURSOR.1)
            .query(LIMIT.0, LIMIT.1)
            .gives::<native::AuditListReply>(200),
        get("/metrics", "Every host and probe, and what Edgewatch uses, for Prometheus; OpenMetrics where `Accept` asks for it.", READ)
            .gives_other(200, "text/plain", "The text format of Prometheus, version 0.0.4; the page on metrics lists every name."),
    ])
}

fn of_backups() -> Vec<Operation> {
    group(
        "Backup",
        vec![
            get("/api/edgewatch/v1/backup", "The head of a backup: which parts there are to read.", ADMIN)
                .gives::<native::BackupHead>(200)
                .may(May::Conflict),
            get("/api/edgewatch/v1/backup/{part}", "A page of a part.", ADMIN)
                .query(CURSOR.0, CURSOR.1)
                .gives::<BackupPage>(200),
            post("/api/edgewatch/v1/restore", "Begins to restore the backup of this head, or begins anew.", ADMIN)
                .takes::<native::BackupHead>()
                .gives::<native::RestoreReply>(200)
                .may(May::Conflict),
            post("/api/edgewatch/v1/restore/{part}/{seq}", "Takes in rows of one table. At most 8 MiB.", ADMIN)
                .takes::<BackupTable>()
                .gives_nothing(204, "They are there, and nobody sees them yet.")
                .may(May::Conflict),
            post("/api/edgewatch/v1/restore/finish", "Lets it take effect, all of it at once.", ADMIN)
                .takes::<native::RestoreFinishRequest>()
                .gives::<native::RestoreFinishReply>(200)
                .may(May::Conflict),
            delete("/api/edgewatch/v1/restore", "Gives it up.", ADMIN)
                .gives_nothing(204, "What was sent is forgotten."),
        ],
    )
}

fn of_agents() -> Vec<Operation> {
    group(
        "Agents",
        vec![
            post(
                "/agent/v1/reports",
                "Stores samples and says up to which number all of them are safe. At most 512 KiB.",
                AGENT,
            )
            .takes::<native::ReportRequest>()
            .gives::<native::ReportReply>(200),
            get(
                "/agent/v1/stream",
                "The socket of an agent: frames of samples, each acknowledged once it is durable.",
                AGENT,
            )
            .opens("A WebSocket of binary frames in the agent's own format, and of texts `ping` and `pong`."),
            get("/agent/v1/proxmox", "The socket of an agent that polls Proxmox.", AGENT)
                .opens("A WebSocket of JSON frames."),
            get("/live", "What the page shows: a snapshot, then what changes.", VISITOR)
                .opens("A WebSocket of JSON frames."),
        ],
    )
}
