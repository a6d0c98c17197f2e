//! Mackerel's API, as the stock agent, the stock `mkr` and programs for it call it.

use edgewatch_core::dialects::mackerel;
use edgewatch_core::failure::Failure;
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::document::Api;
use super::operation::{Describe, May, Operation, Who, delete, get, group, post, put};

const KEY: &[&str] = &["apiKey", "session"];
const READ: Who = Who { words: "a key that may read, or anybody who is logged in", schemes: KEY, optional: false };
const WRITE: Who =
    Who { words: "a key that may read and write, or an administrator's session", schemes: KEY, optional: false };
const WRITE_ONLY: Who =
    Who { words: "a key that may write, or an administrator's session", schemes: KEY, optional: false };

/// The API.
pub fn api() -> Api {
    Api {
        title: "Mackerel's API",
        description: "The API of Mackerel below `/api/v0/`, as far as Edgewatch answers it: for the stock `mackerel-agent`, the stock `mkr`, and \
                      programs written for it. The key is a token of this deployment, in the header `X-Api-Key`: the scope `read` \
                      reads, `write` writes; a token of the kind `agent` touches the hosts it made.\n\nSuccess is always 200 with a JSON body; \
                      nothing redirects; a slash behind a route makes it unknown, and so does another method. A body has at most 1 MiB, \
                      of metrics 4 MiB.",
        tags: &[
            ("Organization", "This deployment, its people, and how metrics are drawn."),
            ("Hosts", "Hosts, their statuses and roles."),
            ("Metrics", "Points of hosts and services."),
            ("Services", "Services and their roles."),
            ("Metadata", "Documents that programs keep beside hosts, services and roles."),
            ("Monitoring", "Checks, monitors and alerts."),
            ("Notification", "Who is told, and when nobody is."),
            ("Boards", "Dashboards and annotations of graphs."),
        ],
        security: json!({
            "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "A token." },
            "session": { "type": "apiKey", "in": "cookie", "name": "edgewatch_session", "description": "A session." },
        }),
        names: &[
            ("id", "Its id, as the list has it; a host's is the 11 characters of its public id."),
            ("identifier", "The host's custom identifier."),
            ("name", "The service's name."),
            ("role", "The role's name."),
            ("namespace", "The document's name."),
            ("graph", "The beginning of the names of the graph's metrics, with `*` at its end."),
        ],
        operations: operations(),
        error: |_| DESCRIBE_ERROR,
        render: |_, failure: &Failure| {
            let (status, body) = mackerel::render(failure);
            (status, serde_json::to_value(body).unwrap_or(Value::Null))
        },
    }
}

const DESCRIBE_ERROR: Describe = |generator: &mut SchemaGenerator| generator.subschema_for::<mackerel::ErrorReply>();

fn operations() -> Vec<Operation> {
    [
        of_organization(),
        of_hosts(),
        of_metrics(),
        of_services(),
        of_metadata(),
        of_watching(),
        of_alerting(),
        of_boards(),
    ]
    .concat()
}

fn of_organization() -> Vec<Operation> {
    group(
        "Organization",
        vec![
            get("/api/v0/org", "The organization, which is this deployment.", READ).gives::<mackerel::OrgReply>(200),
            get("/api/v0/users", "Everybody who has an account.", READ).gives::<mackerel::MackerelUserListReply>(200),
            delete("/api/v0/users/{id}", "Deletes an account; gives the person as they were.", WRITE)
                .gives::<mackerel::MackerelUser>(200),
            get("/api/v0/invitations", "Invitations that are good.", READ).gives::<mackerel::InvitationListReply>(200),
            post(
                "/api/v0/invitations",
                "Invites somebody, who gets an account with their first sign-in by the access proxy.",
                WRITE,
            )
            .takes::<mackerel::InvitationRequest>()
            .gives::<mackerel::InvitationPart>(200),
            post("/api/v0/invitations/revoke", "Revokes an invitation.", WRITE)
                .takes::<mackerel::RevokeRequest>()
                .gives::<mackerel::SuccessReply>(200)
                .may(May::NotFound),
            get("/api/v0/aws-integrations", "There are none.", READ).gives::<mackerel::AwsIntegrationListReply>(200),
            delete("/api/v0/graph-defs", "Deletes the graph definition that the body names.", WRITE)
                .takes::<mackerel::NameRequest>()
                .gives::<mackerel::SuccessReply>(200)
                .may(May::NotFound),
            post(
                "/api/v0/graph-defs/create",
                "Says how metrics are drawn, in the place of what was said before.",
                WRITE,
            )
            .takes::<Vec<mackerel::GraphDefRequest>>()
            .gives::<mackerel::SuccessReply>(200),
        ],
    )
}

fn of_hosts() -> Vec<Operation> {
    let list = |path: &'static str| {
        get(path, "Live hosts; those that work or could, unless something is said.", READ)
            .query("service", "Those of this service.")
            .query("role", "Those of this role; with `service`; may be repeated.")
            .query("name", "Those of this name.")
            .query("status", "Those of this status; may be repeated.")
            .query("customIdentifier", "The one of this identifier.")
            .gives::<mackerel::HostListReply>(200)
    };
    group(
        "Hosts",
        vec![
            list("/api/v0/hosts"),
            post("/api/v0/hosts", "Makes a host.", WRITE)
                .takes::<mackerel::HostRequest>()
                .gives::<mackerel::HostIdReply>(200),
            list("/api/v0/hosts.json"),
            post("/api/v0/hosts/bulk-update-statuses", "Sets the status of thirty hosts at most: all or none.", WRITE)
                .takes::<mackerel::BulkRequest>()
                .gives::<mackerel::SuccessReply>(200)
                .may(May::NotFound),
            post("/api/v0/hosts/bulk-retire", "Retires thirty hosts at most: all or none.", WRITE)
                .takes::<mackerel::BulkRequest>()
                .gives::<mackerel::SuccessReply>(200)
                .may(May::NotFound),
            get("/api/v0/hosts/{id}", "One host, a retired one too.", READ).gives::<mackerel::HostReply>(200),
            put("/api/v0/hosts/{id}", "Says what a host is.", WRITE)
                .takes::<mackerel::HostRequest>()
                .gives::<mackerel::HostIdReply>(200),
            post("/api/v0/hosts/{id}/status", "Sets a host's status.", WRITE)
                .takes::<mackerel::StatusRequest>()
                .gives::<mackerel::SuccessReply>(200),
            put("/api/v0/hosts/{id}/role-fullnames", "Gives a host these roles and no others.", WRITE_ONLY)
                .takes::<mackerel::RolesRequest>()
                .gives::<mackerel::SuccessReply>(200),
            post("/api/v0/hosts/{id}/retire", "Retires a host; the body may be anything.", WRITE)
                .gives::<mackerel::SuccessReply>(200),
            get("/api/v0/hosts/{id}/monitored-statuses", "How it stands with what watches a host.", READ)
                .gives::<mackerel::MonitoredStatusesReply>(200),
            get("/api/v0/hosts-by-custom-identifier/{identifier}", "A live host, or null.", READ)
                .query("caseInsensitive", "`true`: upper and lower case are the same.")
                .gives::<mackerel::HostReply>(200),
        ],
    )
}

const NAME: (&str, &str) = ("name", "The metric's name.");
const FROM: (&str, &str) = ("from", "Unix seconds, included.");
const TO: (&str, &str) = ("to", "Unix seconds, included.");

fn of_metrics() -> Vec<Operation> {
    let points = |path: &'static str, summary: &'static str| {
        get(path, summary, READ)
            .needs(NAME.0, NAME.1)
            .needs(FROM.0, FROM.1)
            .needs(TO.0, TO.1)
            .gives::<mackerel::PointsReply>(200)
    };
    group(
        "Metrics",
        vec![
            post(
                "/api/v0/tsdb",
                "Stores values of hosts' metrics: they are durable when this is answered.",
                WRITE_ONLY,
            )
            .takes::<Vec<mackerel::HostValue>>()
            .gives::<mackerel::SuccessReply>(200)
            .may(May::NotFound),
            get("/api/v0/tsdb/latest", "The newest values.", READ)
                .needs("hostId", "A host's id; may be repeated.")
                .needs("name", "A metric's name; may be repeated.")
                .gives::<mackerel::LatestReply>(200),
            points("/api/v0/hosts/{id}/metrics", "A metric's points of a host."),
            get("/api/v0/hosts/{id}/metric-names", "What a host has metrics of.", READ)
                .gives::<mackerel::NamesReply>(200),
            post(
                "/api/v0/services/{name}/tsdb",
                "Stores values of a service's metrics; 60 posts a minute at most.",
                WRITE_ONLY,
            )
            .takes::<Vec<mackerel::ServiceValue>>()
            .gives::<mackerel::SuccessReply>(200)
            .may(May::Attempts),
            points("/api/v0/services/{name}/metrics", "A metric's points of a service."),
            get("/api/v0/services/{name}/metric-names", "What a service has metrics of.", READ)
                .gives::<mackerel::NamesReply>(200),
            delete(
                "/api/v0/services/{name}/graph-defs/{graph}",
                "Hides a graph's metrics until they are posted anew.",
                WRITE,
            )
            .gives::<mackerel::SuccessReply>(200),
        ],
    )
}

fn of_services() -> Vec<Operation> {
    group(
        "Services",
        vec![
            get("/api/v0/services", "Every service, by name.", READ).gives::<mackerel::ServiceListReply>(200),
            post("/api/v0/services", "Makes a service.", WRITE)
                .takes::<mackerel::NamedRequest>()
                .gives::<mackerel::ServicePart>(200),
            delete("/api/v0/services/{name}", "Deletes a service; gives it as it was.", WRITE)
                .gives::<mackerel::ServicePart>(200),
            get("/api/v0/services/{name}/roles", "A service's roles, by name.", READ)
                .gives::<mackerel::RoleListReply>(200),
            post("/api/v0/services/{name}/roles", "Makes a role.", WRITE)
                .takes::<mackerel::NamedRequest>()
                .gives::<mackerel::RolePart>(200),
            delete("/api/v0/services/{name}/roles/{role}", "Deletes a role; gives it as it was.", WRITE)
                .gives::<mackerel::RolePart>(200),
        ],
    )
}

fn of_metadata() -> Vec<Operation> {
    let list =
        |path: &'static str| get(path, "The names of its documents.", READ).gives::<mackerel::MetadataListReply>(200);
    let one = |path: &'static str| {
        vec![
            get(path, "A document; `Last-Modified` says when it was put there.", READ).gives::<Value>(200),
            put(path, "Puts a document there: any JSON of at most 100 kB.", WRITE)
                .takes::<Value>()
                .gives::<mackerel::SuccessReply>(200),
            delete(path, "Deletes a document.", WRITE).gives::<mackerel::SuccessReply>(200),
        ]
    };
    let all = [
        vec![list("/api/v0/hosts/{id}/metadata")],
        one("/api/v0/hosts/{id}/metadata/{namespace}"),
        vec![list("/api/v0/services/{name}/metadata")],
        one("/api/v0/services/{name}/metadata/{namespace}"),
        vec![list("/api/v0/services/{name}/roles/{role}/metadata")],
        one("/api/v0/services/{name}/roles/{role}/metadata/{namespace}"),
    ];
    group("Metadata", all.concat())
}

const NEXT: (&str, &str) = ("nextId", "Where the page before ended: its `nextId`.");
const LIMIT: (&str, &str) = ("limit", "How many at most: 1 to 100.");

fn of_watching() -> Vec<Operation> {
    group(
        "Monitoring",
        vec![
            get("/api/v0/monitoring/checks", "Checks of hosts, by id.", READ)
                .query(NEXT.0, NEXT.1)
                .query(LIMIT.0, LIMIT.1)
                .gives::<mackerel::CheckListReply>(200),
            post(
                "/api/v0/monitoring/checks/report",
                "Says what checks found: it is durable when this is answered.",
                WRITE_ONLY,
            )
            .takes::<mackerel::CheckReportsRequest>()
            .gives::<mackerel::SuccessReply>(200)
            .may(May::NotFound),
            get("/api/v0/monitoring/checks/{id}", "One check.", READ).gives::<mackerel::CheckReply>(200),
            get("/api/v0/monitors", "Every monitor, by type and name.", READ).gives::<mackerel::MonitorListReply>(200),
            post("/api/v0/monitors", "Makes a monitor.", WRITE)
                .takes::<mackerel::MonitorBody>()
                .gives::<mackerel::MonitorPart>(200),
            get("/api/v0/monitors/{id}", "One monitor.", READ).gives::<mackerel::MonitorReply>(200),
            put("/api/v0/monitors/{id}", "Puts another monitor in the place of one.", WRITE)
                .takes::<mackerel::MonitorBody>()
                .gives::<mackerel::MonitorPart>(200),
            delete("/api/v0/monitors/{id}", "Deletes a monitor; gives it as it was.", WRITE)
                .gives::<mackerel::MonitorPart>(200),
            get("/api/v0/alerts", "Alerts, newest first; those that go on, unless something is said.", READ)
                .query("withClosed", "`true`: those that are over, too.")
                .query(NEXT.0, NEXT.1)
                .query(LIMIT.0, LIMIT.1)
                .gives::<mackerel::AlertListReply>(200),
            get("/api/v0/alerts/{id}", "One alert.", READ).gives::<mackerel::AlertPart>(200),
            put("/api/v0/alerts/{id}", "Puts a note to an alert.", WRITE)
                .takes::<mackerel::MemoRequest>()
                .gives::<mackerel::AlertMemoReply>(200),
            post("/api/v0/alerts/{id}/close", "Closes an alert; the reason has to be there, and may be empty.", WRITE)
                .takes::<mackerel::CloseRequest>()
                .gives::<mackerel::AlertPart>(200),
            get("/api/v0/alerts/{id}/logs", "What happened to an alert, newest first.", READ)
                .query(NEXT.0, NEXT.1)
                .query(LIMIT.0, LIMIT.1)
                .gives::<mackerel::AlertLogReply>(200),
        ],
    )
}

fn of_alerting() -> Vec<Operation> {
    group(
        "Notification",
        vec![
            get("/api/v0/channels", "Channels of the types that every client knows; addresses are masked.", READ)
                .gives::<mackerel::ChannelListReply>(200),
            post("/api/v0/channels", "Makes a channel.", WRITE)
                .takes::<mackerel::ChannelRequest>()
                .gives::<mackerel::ChannelPart>(200),
            put("/api/v0/channels/{id}", "Puts another channel in the place of one.", WRITE)
                .takes::<mackerel::ChannelRequest>()
                .gives::<mackerel::ChannelPart>(200),
            delete("/api/v0/channels/{id}", "Deletes a channel; gives it as it was.", WRITE)
                .gives::<mackerel::ChannelPart>(200),
            get("/api/v0/notification-groups", "Every notification group.", READ)
                .gives::<mackerel::NotificationGroupListReply>(200),
            post("/api/v0/notification-groups", "Makes a group.", WRITE)
                .takes::<mackerel::NotificationGroupRequest>()
                .gives::<mackerel::NotificationGroupPart>(200),
            put("/api/v0/notification-groups/{id}", "Puts another group in the place of one.", WRITE)
                .takes::<mackerel::NotificationGroupRequest>()
                .gives::<mackerel::NotificationGroupPart>(200),
            delete("/api/v0/notification-groups/{id}", "Deletes a group; gives it as it was.", WRITE)
                .gives::<mackerel::NotificationGroupPart>(200),
            get("/api/v0/downtimes", "Every downtime.", READ).gives::<mackerel::DowntimeListReply>(200),
            post("/api/v0/downtimes", "Makes a downtime.", WRITE)
                .takes::<mackerel::DowntimeRequest>()
                .gives::<mackerel::DowntimePart>(200),
            put("/api/v0/downtimes/{id}", "Puts another downtime in the place of one.", WRITE)
                .takes::<mackerel::DowntimeRequest>()
                .gives::<mackerel::DowntimePart>(200),
            delete("/api/v0/downtimes/{id}", "Deletes a downtime; gives it as it was.", WRITE)
                .gives::<mackerel::DowntimePart>(200),
            get("/api/v0/alert-group-settings", "Settings of alert groups, which are kept and nothing else.", READ)
                .gives::<mackerel::AlertGroupSettingListReply>(200),
            post("/api/v0/alert-group-settings", "Makes one.", WRITE)
                .takes::<mackerel::AlertGroupSettingRequest>()
                .gives::<mackerel::AlertGroupSettingPart>(200),
            get("/api/v0/alert-group-settings/{id}", "One of them.", READ)
                .gives::<mackerel::AlertGroupSettingPart>(200),
            put("/api/v0/alert-group-settings/{id}", "Puts another one in the place of one.", WRITE)
                .takes::<mackerel::AlertGroupSettingRequest>()
                .gives::<mackerel::AlertGroupSettingPart>(200),
            delete("/api/v0/alert-group-settings/{id}", "Deletes one; gives it as it was.", WRITE)
                .gives::<mackerel::AlertGroupSettingPart>(200),
        ],
    )
}

fn of_boards() -> Vec<Operation> {
    group(
        "Boards",
        vec![
            get("/api/v0/graph-annotations", "What was noted of a service and touches that time.", READ)
                .needs("service", "The service's name.")
                .needs(FROM.0, FROM.1)
                .needs(TO.0, TO.1)
                .gives::<mackerel::GraphAnnotationListReply>(200),
            post("/api/v0/graph-annotations", "Makes an annotation.", WRITE)
                .takes::<mackerel::GraphAnnotationRequest>()
                .gives::<mackerel::GraphAnnotationPart>(200),
            put("/api/v0/graph-annotations/{id}", "Puts another annotation in the place of one.", WRITE)
                .takes::<mackerel::GraphAnnotationRequest>()
                .gives::<mackerel::GraphAnnotationPart>(200),
            delete("/api/v0/graph-annotations/{id}", "Deletes an annotation; gives it as it was.", WRITE)
                .gives::<mackerel::GraphAnnotationPart>(200),
            get("/api/v0/dashboards", "Every dashboard with what is on it.", READ)
                .gives::<mackerel::DashboardListReply>(200),
            post("/api/v0/dashboards", "Makes a dashboard.", WRITE)
                .takes::<mackerel::DashboardRequest>()
                .gives::<mackerel::DashboardPart>(200),
            get("/api/v0/dashboards/{id}", "One dashboard.", READ).gives::<mackerel::DashboardPart>(200),
            put("/api/v0/dashboards/{id}", "Puts another dashboard in the place of one.", WRITE)
                .takes::<mackerel::DashboardRequest>()
                .gives::<mackerel::DashboardPart>(200),
            delete("/api/v0/dashboards/{id}", "Deletes a dashboard; gives it as it was.", WRITE)
                .gives::<mackerel::DashboardPart>(200),
        ],
    )
}
