//! Our words for what is monitored and who looks at it: plain data, without serde and without rules.

mod access;
mod alert;
mod board;
mod channel;
mod details;
mod downtime;
mod event;
mod form;
mod group;
mod guest;
mod host;
mod machine;
mod monitor;
mod outlet;
mod probe;
pub mod proxmox;
mod push;
mod report;
mod resource;
mod rule;
mod schedule;
mod series;
mod socket_dialect;
mod thresholds;

pub use access::{
    Account, AddressRange, AuditEntry, Authority, Credential, Invitation, ListedToken, Login, Reach, Role, Scopes,
    Session, Token, TokenKind, User,
};
pub use alert::{Alert, AlertDetails, AlertKind, AlertStep, Cause, Measured, NamedAlert, Source, Standing, Trigger};
pub use board::{AlertGroupSetting, Dashboard, GraphAnnotation};
pub use channel::{
    Backlog, Channel, ChannelChange, ChannelDraft, ChannelInput, ChannelKind, ChannelSaid, ChannelSetting, ChannelWish,
    DEFAULT_GROUP, Delivery, ListedChannel, WishedKind, group_name,
};
pub use details::{
    DetailedHost, Document, GraphDef, GraphMetric, HostDetails, HostDraft, HostFilter, HostKind, HostMeta, HostStatus,
    MetadataOwner, RoleMemo, RoleName, Said, Service,
};
pub use downtime::{Downtime, DowntimeScope, Recurrence};
pub use event::{AlertNote, Event, EventKind};
pub use form::{Form, Listing, Piece};
pub use group::{Audience, GroupLink, NotificationGroup};
pub use guest::{GuestPage, GuestTheme, GuestView};
pub use host::{
    Addresses, Counted, Facts, Host, HostChange, HostClass, HostEdit, HostId, Link, Presence, Registration, Totals,
    Watched,
};
pub use machine::{BlockDevice, FileSystem, Interface, Machine, MemoryKind, Place, Processors, Unfit};
pub use monitor::{
    Check, CheckId, CheckReport, HostCheck, HostStanding, ListedMonitor, MetricTest, MissingLimits, Monitor,
    MonitorDraft, MonitorId, MonitorKind, MonitorScopes, MonitoredStatus, ScopeName, Sent, Severity, Watch, WebAnswer,
    WebQuestion,
};
pub use outlet::{Hook, MailSecurity, MailSettings};
pub use probe::{Coverage, Probe, ProbeId, ProbeKind, ProbeNotices, ProbeResult, ProbeSpec, ProbeTask};
pub use push::{PushAgent, PushRegistration, PushStanding};
pub use report::{DropReason, Dropped, FRAME_S, Named, PERIOD_S, Report, Sample, Temperature};
pub use resource::{AlertResource, ResourceKind, ThresholdCode, ThresholdMetric};
pub use rule::{
    AddressNotices, Bounds, Condition, Cycle, CycleUnit, Direction, Escalation, Hosts, Level, LocalTime, Quantity,
    QuietHours, Repeat, Rule, RuleId, Scope, Test,
};
pub use schedule::{AlertSchedule, EscalationAudience, EscalationLevel, Grouping};
pub use series::SeriesQuery;
pub use socket_dialect::SocketDialect;
pub use thresholds::{
    AlertConfig, Comparison, CustomRule, GuestFilter, GuestText, HoldTimes, Limit, Switches, Thresholds,
};
