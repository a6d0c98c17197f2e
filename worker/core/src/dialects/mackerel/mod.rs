//! Mackerel: the wire types of its public API v0, as the stock agent, the stock `mkr` and strict client libraries read them.
//!
//! Served is the union of the documentation before and after 2021: `type` and `size`. Source: mackerel specification, 12.

mod alert;
mod alert_group;
mod annotation;
mod channel;
mod check;
mod dashboard;
mod downtime;
mod error;
mod graph_def;
mod group;
mod host;
mod host_query;
mod host_request;
mod interface;
mod invitation;
mod machine;
mod meta;
mod metadata;
mod monitor;
mod monitor_request;
mod names;
mod org;
mod read;
mod scope;
mod service;
mod tsdb;
mod user;

pub use alert::{
    AlertListReply, AlertLogPart, AlertLogReply, AlertMemoReply, AlertPart, read_memo, read_page, read_reason,
};
pub use alert_group::{AlertGroupSettingListReply, AlertGroupSettingPart, AlertGroupSettingRequest};
pub use annotation::{GraphAnnotationListReply, GraphAnnotationPart, GraphAnnotationRequest, read_annotation_query};
pub use channel::{ChannelForm, ChannelListReply, ChannelPart, ChannelRequest};
pub use check::{
    CheckListReply, CheckPart, CheckReply, MonitoredPart, MonitoredStatusesReply, ReportsRequest as CheckReportsRequest,
};
pub use dashboard::{DashboardListReply, DashboardPart, DashboardRequest};
pub use downtime::{DowntimeListReply, DowntimePart, DowntimeRequest, RecurrencePart};
pub use error::{ErrorPart, ErrorReply, render};
pub use graph_def::{read_graph_def_name, read_graph_defs};
pub use group::{
    GroupMonitorPart, GroupServicePart, NotificationGroupListReply, NotificationGroupPart, NotificationGroupRequest,
};
pub use host::{HostIdReply, HostListReply, HostPart, HostReply, SuccessReply, made_json};
pub use host_query::read_host_query;
pub use host_request::{BulkRequest, HostRequest, RolesRequest, StatusRequest};
pub use invitation::{InvitationListReply, InvitationPart, InvitationRequest, read_revoked};
pub use metadata::{MAX_DOCUMENT_BYTES, MetadataListReply, NamespacePart, read_document};
pub use monitor::{HeaderPart, MonitorBody, MonitorListReply, MonitorPart, MonitorReply};
pub use names::check_namespace;
pub use org::OrgReply;
pub use read::parse_nothing;
pub use service::{NamedRequest, RoleListReply, RolePart, ServiceListReply, ServicePart};
pub use tsdb::{
    HostValue, LatestReply, NamesReply, Point, PointsReply, ServiceValue, read_latest_query, read_points_query,
};
pub use user::{AwsIntegrationListReply, MackerelUser, MackerelUserListReply};

// Read by the functions above and by nobody else: for the documentation alone.
#[cfg(feature = "schema")]
pub use {
    alert::{CloseRequest, MemoRequest},
    graph_def::{GraphDefRequest, NameRequest},
    invitation::RevokeRequest,
};
