//! Pulse (4.2.1): wire types of the published document and of what the server of that version really does. Source: pulse specification.
//! Left out: the `resources` of 6.x.

mod agents;
mod alert;
mod alert_config;
mod alert_routes;
mod charts;
mod diagnostics;
mod error;
mod export;
mod health;
mod nodes;
mod notifications;
mod number;
mod object;
mod read;
mod registration;
mod server;
mod settings;
mod setup;
mod socket;
mod state;
mod system;
mod tokens;
mod updates;
mod written;

pub use agents::{
    AgentConfigReply, DockerReply, DockerReport, HostLookup, HostReport, HostReportReply, LookedUpHost, LookupReply,
    MAX_REPORT_BYTES, RemovedReply, is_same_name, no_host,
};
pub use alert::{Alert, ShortAlert, alert_id, level};
pub use alert_config::{
    AlertConfigReply, OverridesChange, SavedReply, ScheduleKeys, ThresholdKeys, ThresholdsView, changed_thresholds,
    parse_alert_config,
};
pub use alert_routes::{
    ActivatedReply, AlertPath, BulkReply, BulkRequest, BulkResult, HistoryClearedReply, HistoryQuery,
};
pub use charts::{ChartPoint, ChartRange, Charts, Series, StorageCharts, StoragePoint, storage_minutes};
pub use diagnostics::{DiagnosticsReply, NodeDiagnostic, PbsDiagnostic, SystemDiagnostic};
pub use error::{ErrorReply, Limited, Refused, render};
pub use export::{
    Blob, BlobError, ExportDocument, ExportReply, ExportRequest, ImportRequest, Imported, ImportedReply,
    KEY_ITERATIONS, read_document,
};
pub use health::HealthReply;
pub use nodes::{
    ClusterEndpoint, ConfigNode, ConnectionReply, MAX_NODE_BODY_BYTES, NodeId, NodeRequest, NodeTestReply, StatusReply,
    config_nodes, host_part, no_agent, normalized, refused_connection, whole_token_name,
};
pub use notifications::{
    EmailConfig, EmailProvider, HookEcho, HookRequest, MASK, NotificationTest, TestSentReply, WebhookKeys,
    WebhookTemplate, WebhookTestReply, changed_mail, email_providers, email_test, hook_request, read_hook,
    sample_alert, tested_hook, webhook_templates,
};
pub use registration::{
    RegisteredReply, Registering, RegisteringWish, RegistrationCheckReply, refused_registration, refused_token,
};
pub use server::{
    AgentVersionReply, ConfigReply, DiscoverReply, DiscoveredServer, SecurityReply, ServerInfoReply, VERSION,
    VersionReply,
};
pub use settings::{
    Capabilities, MonitoringPart, PortPart, ServerPart, SettingsPart, SettingsReply, SettingsSavedReply, SettingsUpdate,
};
pub use setup::{SetupRequest, SetupScript, SetupUrlReply, token_name};
pub use socket::{
    ClientFrame, PING_S, StateFrame, alert_frame, deleted_frame, discovery_frame, may_connect, nodes_frame, ping_frame,
    pong_frame, registered_frame, resolved_frame, sample_registered_frame, state_frame, update_frame, welcome_frame,
};
pub use state::{
    Backups, FoundStorage, HOSTS, StateView, Storage, StorageReply, Totals, all_storage, backups_reply, find_storage,
    pbs_reply, pve_reply, snapshots_reply, write_overview, write_state,
};
pub use system::{SystemKeys, SystemSavedReply, changed_system, system_with};
pub use tokens::{SuccessReply, TokenDefaults, TokenReply, listed_tokens, read_token_draft, revoked_token};
pub use updates::{UpdateReply, UpdateStartedReply, UpdateStatusReply, Version, read_download};
pub use written::{MAX_CHUNK_BYTES, Written};

// Read by the functions above and by nobody else: for the documentation alone.
#[cfg(feature = "schema")]
pub use {
    agents::DockerBody,
    registration::RegisterBody,
    tokens::{GenerateBody, RevokeBody},
    updates::ApplyBody,
};
