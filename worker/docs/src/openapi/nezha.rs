//! Nezha's API, of its version 0. Its forms are read key by key, in any case: what they look like stands here.

use edgewatch_core::dialects::nezha;
use edgewatch_core::failure::Failure;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::document::Api;
use super::operation::{Describe, Operation, Who, delete, get, group, post};

const ANYBODY: Who = Who { words: "everybody", schemes: &[], optional: false };
const READ: Who = Who {
    words: "a token with the scope `read`, or anybody who is logged in",
    schemes: &["token", "session"],
    optional: false,
};
const REGISTER: Who = Who {
    words: "a token with the scope `register` or of the kind `agent`, or an administrator's session",
    schemes: &["token", "session"],
    optional: false,
};
const ADMIN: Who = Who { words: "an administrator's session", schemes: &["session"], optional: false };
const PERSON: Who = Who { words: "whoever is logged in", schemes: &["session"], optional: false };
const VISITOR: Who = Who {
    words: "a token with the scope `read`, anybody who is logged in, and guests as far as the setting `guest_view` lets them in",
    schemes: &["token", "session"],
    optional: true,
};

/// What a script says of a new server. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct RegisterForm {
    /// Its name; the caller's address where there is none.
    Name: String,
    /// Its group; `AutoRegister` where there is none.
    Tag: String,
    /// For administrators.
    Note: String,
    /// `on` hides it from guests, and so does nothing.
    HideForGuest: String,
    /// Ours: a hash of the machine's id. With the secret of an earlier registration the same host answers again.
    MachineId: String,
    /// Ours: that secret.
    Secret: String,
}

/// A server: all that is said of it. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct ServerBody {
    /// Its number; 0 or none makes one.
    ID: i64,
    /// Its name.
    Name: String,
    /// Its group.
    Tag: String,
    /// For administrators.
    Note: String,
    /// For everybody.
    PublicNote: String,
    /// Higher is listed first.
    DisplayIndex: i64,
    /// `on` hides it from guests.
    HideForGuest: String,
    /// Another secret for its agent, where one is wanted.
    Secret: String,
    /// A list of numbers, as JSON in a text; nothing is done with it.
    DDNSProfilesRaw: String,
}

/// Servers for a group. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct GroupBody {
    /// Their numbers.
    Servers: Vec<i64>,
    /// The group.
    Group: String,
}

/// A service monitor. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct MonitorFormBody {
    /// Its number; 0 or none makes one.
    ID: i64,
    /// Its name.
    Name: String,
    /// What is asked: an address, a host, or a host with a port.
    Target: String,
    /// 1 HTTP, 2 ICMP, 3 TCP.
    Type: i64,
    /// Seconds between two questions.
    Duration: i64,
    /// 0: every server but those of the list; 1: those alone.
    Cover: i64,
    /// The list: numbers of servers, as JSON in a text.
    SkipServersRaw: String,
    /// `on`: people are told when it is down.
    Notify: String,
    /// The group of channels they are told by.
    NotificationTag: String,
    /// `on`: people are told of delays out of bounds.
    LatencyNotify: String,
    /// The least delay, ms.
    MinLatency: f64,
    /// The most, ms.
    MaxLatency: f64,
    /// `on`: it is on the page of services.
    EnableShowInService: String,
    /// A list, as JSON in a text; nothing is run.
    FailTriggerTasksRaw: String,
    /// Likewise.
    RecoverTriggerTasksRaw: String,
}

/// A webhook. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct NotificationBody {
    /// Its number; 0 or none makes one.
    ID: i64,
    /// Its name.
    Name: String,
    /// Its group.
    Tag: String,
    /// Where to; may have placeholders such as `#NEZHA#`.
    URL: String,
    /// 1 GET, 2 POST.
    RequestMethod: i64,
    /// 1 JSON, 2 a form.
    RequestType: i64,
    /// Headers, as JSON in a text.
    RequestHeader: String,
    /// The body, as JSON in a text.
    RequestBody: String,
    /// Has no effect: certificates are always verified.
    VerifySSL: String,
    /// `on`: it is kept without a test message.
    SkipCheck: String,
}

/// An alert rule. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct AlertRuleBody {
    /// Its number; 0 or none makes one.
    ID: i64,
    /// Its name.
    Name: String,
    /// `on`: it is looked at.
    Enable: String,
    /// The group of channels that people are told by.
    NotificationTag: String,
    /// 1: told once; else again and again.
    TriggerMode: i64,
    /// Its conditions, as JSON in a text.
    RulesRaw: String,
}

/// What is set here of Nezha's settings; others are left alone. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct SettingBody {
    /// What guests are asked for; none where it is empty. Missing, it stays.
    ViewPassword: String,
    /// `on`: notifications name addresses in full.
    EnablePlainIPInNotification: String,
    /// `on`: people are told of another address.
    EnableIPChangeNotification: String,
    /// The group of channels they are told by.
    IPChangeNotificationTag: String,
    /// 0: of every server but those of the list; 1: of those alone.
    Cover: i64,
    /// The list: numbers of servers with commas between them.
    IgnoredIPNotification: String,
}

/// A token. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct TokenBody {
    /// What it is for.
    Note: String,
}

/// Whose session ends. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct LogoutBody {
    /// One's own number.
    ID: i64,
}

/// What a guest shows. Keys match in any case; one that is missing has the zero of its type.
#[derive(Default, JsonSchema)]
#[schemars(default)]
#[expect(non_snake_case, reason = "in the original's spelling")]
struct PasswordBody {
    /// The view password.
    Password: String,
}

/// The API.
pub fn api() -> Api {
    Api {
        title: "Nezha's API, version 0",
        description: "The API of Nezha's dashboard 0.20.13, the last of its version 0, as far as Edgewatch answers it: for bots, scripts and front ends \
                      that were written for it. Nothing on a host can be run by it: cron, NAT, DDNS and updates are refused.\n\nThe status is 200 for \
                      many failures too: look at `code` in the body, 0 for reads and 200 for writes that were carried out. A \
                      known path with a slash behind it leads to the one without.",
        tags: &[
            ("Servers", "What servers report, and registering them."),
            ("Live", "The feed and the pages."),
            ("Administration", "What administrators change."),
            ("Refused", "What there is nothing of here."),
        ],
        security: json!({
            "token": { "type": "apiKey", "in": "header", "name": "Authorization", "description": "A token, bare or behind `Bearer`." },
            "session": {
                "type": "apiKey", "in": "cookie", "name": "edgewatch_session",
                "description": "A session; Nezha's own cookie `nezha-dashboard` counts too.",
            },
        }),
        names: &[
            ("id", "Its number."),
            ("model", "`server`, `monitor`, `notification`, `alert-rule`, `cron`, `ddns` or `nat`."),
            ("token", "The token, or its masked form."),
        ],
        operations: operations(),
        error: |operation| if operation.path.ends_with("/register") { DESCRIBE_REGISTER_ERROR } else { DESCRIBE_ERROR },
        render: |operation, failure: &Failure| {
            let (status, body) = match operation.path {
                "/api/v1/server/register" => {
                    let (status, body) = nezha::render_register(failure);
                    return (status, serde_json::to_value(body).unwrap_or(Value::Null));
                }
                "/api/v1/monitor/{id}" => nezha::render_monitor(failure),
                path if path.starts_with("/api/v1/") || !path.starts_with("/api/") => nezha::render(failure),
                _ => nezha::render_admin(failure),
            };
            (status, serde_json::to_value(body).unwrap_or(Value::Null))
        },
    }
}

const DESCRIBE_ERROR: Describe = |generator: &mut SchemaGenerator| generator.subschema_for::<nezha::ErrorReply>();
const DESCRIBE_REGISTER_ERROR: Describe =
    |generator: &mut SchemaGenerator| generator.subschema_for::<nezha::RegisterErrorReply>();

/// A list of something below `result`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what it looks like is all that is wanted of it")]
struct ListReply<T> {
    /// 0.
    code: u16,
    /// `success`.
    message: String,
    /// The servers.
    result: Vec<T>,
}

fn operations() -> Vec<Operation> {
    [of_servers(), of_pages(), of_administration(), refused()].concat()
}

fn of_servers() -> Vec<Operation> {
    group(
        "Servers",
        vec![
            get("/api/v1/server/list", "Every server, or those of one group.", READ)
                .query("tag", "The group.")
                .gives::<ListReply<nezha::ServerSummary>>(200),
            get(
                "/api/v1/server/details",
                "Servers with what they reported last; all of them, unless something is said.",
                READ,
            )
            .query("id", "Numbers of servers, with commas between them; wins over `tag`.")
            .query("tag", "The group.")
            .gives::<ListReply<nezha::ServerDetail>>(200),
            post("/api/v1/server/register", "Makes a server, and gives its secret this once.", REGISTER)
                .query("simple", "`true`: the answer is the secret alone, as a JSON text.")
                .takes::<RegisterForm>()
                .gives::<nezha::RegisterReply>(200)
                .gives::<String>(200),
            get("/api/v1/monitor/{id}", "The delays of a server's last day, by monitor.", VISITOR)
                .gives::<nezha::MonitorReply>(200),
        ],
    )
}

fn of_pages() -> Vec<Operation> {
    let feed = |path: &'static str| {
        get(path, "All servers that the visitor may see, at once and then every two seconds.", VISITOR)
            .opens("A WebSocket of JSON frames, each with `now` and `servers`.")
    };
    let page =
        |path: &'static str, words: &'static str| get(path, words, VISITOR).gives_other(200, "text/html", "A page.");
    let member = |path: &'static str| {
        get(path, "Where the original has a page for administrators.", ANYBODY).gives_other(
            403,
            "text/html",
            "A page that says where to log in.",
        )
    };
    group(
        "Live",
        vec![
            feed("/ws"),
            feed("/nezha/ws"),
            page("/service", "How the monitors fared that are to be shown, and what servers transferred."),
            page("/network", "The delays of the first server that the visitor may see."),
            page("/network/{id}", "Those of another one."),
            post(
                "/view-password",
                "Shows the view password: the right one is remembered for a day and leads back.",
                ANYBODY,
            )
            .takes::<PasswordBody>()
            .gives_nothing(302, "To where the guest was, with a cookie."),
            member("/server"),
            member("/monitor"),
            member("/cron"),
            member("/notification"),
            member("/ddns"),
            member("/nat"),
            member("/setting"),
        ],
    )
}

fn of_administration() -> Vec<Operation> {
    group(
        "Administration",
        vec![
            post("/api/server", "Makes a server, or replaces all that is said of one.", ADMIN)
                .takes::<ServerBody>()
                .gives::<nezha::AdminReply>(200),
            post("/api/batch-update-server-group", "Puts servers into a group.", ADMIN)
                .takes::<GroupBody>()
                .gives::<nezha::AdminReply>(200),
            post("/api/batch-delete-server", "Deletes servers; their data is kept for thirty days.", ADMIN)
                .takes::<Vec<i64>>()
                .gives::<nezha::AdminReply>(200),
            get("/api/search-server", "Servers by number, or by a part of name, group or note.", ADMIN)
                .query("word", "What to look for.")
                .gives::<nezha::SearchReply>(200),
            delete(
                "/api/{model}/{id}",
                "Deletes a server, monitor, notification or alert rule; one that there is not is deleted too.",
                ADMIN,
            )
            .gives::<nezha::AdminReply>(200),
            post("/api/monitor", "Makes a monitor, or replaces one.", ADMIN)
                .takes::<MonitorFormBody>()
                .gives::<nezha::AdminReply>(200),
            post("/api/notification", "Makes a notification, or replaces one; it is tried first.", ADMIN)
                .takes::<NotificationBody>()
                .gives::<nezha::AdminReply>(200),
            post("/api/alert-rule", "Makes an alert rule, or replaces one.", ADMIN)
                .takes::<AlertRuleBody>()
                .gives::<nezha::AdminReply>(200),
            post("/api/setting", "Sets what there is here of Nezha's settings.", ADMIN)
                .takes::<SettingBody>()
                .gives::<nezha::AdminReply>(200),
            get("/api/token", "One's own tokens, masked.", ADMIN).gives::<nezha::TokenListReply>(200),
            post("/api/token", "Makes a token that reads and registers; shown this once.", ADMIN)
                .takes::<TokenBody>()
                .gives::<nezha::TokenReply>(200),
            delete("/api/token/{token}", "Revokes a token, by its text or by its masked form.", ADMIN)
                .gives::<nezha::TokenDeletedReply>(200),
            post("/api/logout", "Ends the session.", PERSON).takes::<LogoutBody>().gives::<nezha::AdminReply>(200),
        ],
    )
}

fn refused() -> Vec<Operation> {
    let never = |operation: Operation| operation.gives::<nezha::ErrorReply>(200);
    group(
        "Refused",
        vec![
            get("/api/search-tasks", "There are none.", ADMIN)
                .query("word", "What to look for.")
                .gives::<nezha::SearchReply>(200),
            get("/api/search-ddns", "There are none.", ADMIN)
                .query("word", "What to look for.")
                .gives::<nezha::SearchReply>(200),
            never(post("/api/cron", "Nothing is stored.", ADMIN)),
            never(get("/api/cron/{id}/manual", "Nothing is run.", ADMIN)),
            never(post("/api/nat", "Nothing is stored.", ADMIN)),
            never(post("/api/ddns", "Nothing is stored.", ADMIN)),
            never(post("/api/force-update", "Nothing is updated.", ADMIN)),
        ],
    )
}
