//! Our own API: what the agent and the Worker say to each other below `/agent/v1/`, and what operators use below
//! `/api/edgewatch/v1/`.

mod alert;
mod audit;
mod backup;
mod channel;
mod checks;
mod error;
mod event;
mod host;
mod host_metrics;
mod intake;
mod lenient;
pub mod live;
mod machine;
mod probe;
mod probes;
pub mod prometheus;
pub mod proxmox;
mod push_agents;
mod report;
mod rule;
mod sample;
mod series;
mod settings;
mod setup;
pub mod stream;
mod token;
mod usage;
mod user;

pub use alert::{AcknowledgeRequest, AlertListReply, AlertPart, QuietHoursBody, QuietHoursPart};
pub use audit::{AuditListReply, AuditPart};
pub use backup::{BackupHead, FORMAT, RestoreFinishReply, RestoreFinishRequest, RestoreReply, VERSION};
pub use channel::{
    ChannelChangeRequest, ChannelKindPart, ChannelKindsReply, ChannelListReply, ChannelPart, ChannelRequest,
    ChannelSettingPart, ChannelTestReply,
};
pub use checks::{CheckPart, ChecksReply};
pub use error::{ErrorBody, ErrorReply, render};
pub use event::{EventListReply, EventPart};
pub use host::{
    AddressesPart, CountedPart, FactsPart, GroupListReply, HostListReply, HostMadeReply, HostPart, HostRequest,
    HostSecretReply, MackerelPart, MackerelRequest, MergeRequest,
};
pub use host_metrics::{HostMetricsReply, OwnMetricPart};
pub use intake::{Intake, read_report};
pub use machine::{BlockDevicePart, FileSystemPart, InterfacePart, MachinePart, ProcessorsPart};
pub use probe::{ProbeList, ProbePart, ProbeTaskPart};
pub use probes::{
    CoveragePart, DayPart, EdgeSummary, NotePart, ProbeFull, ProbeListReply, ProbeNotifyPart, ProbeRequest,
    ProbeSummary, ProbeSummaryReply,
};
pub use push_agents::{AcceptRequest, PushAgentListReply, PushAgentPart};
pub use report::{DroppedValue, HostFacts, ReportReply, ReportRequest, ReportSettings};
pub use rule::{ConditionPart, CyclePart, EscalationPart, RuleBody, RuleListReply, RulePart, RuleSavedReply};
pub use sample::{Named, Sample, Temperature};
pub use series::{SeriesPart, SeriesRequest, read_series_query, series_reply};
pub use settings::{GuestReply, SettingsReply, SettingsRequest};
pub use setup::{PasswordRequest, SessionReply, SessionRequest, SetupReply, SetupRequest, UserPart};
pub use token::{TokenListReply, TokenPart, TokenReply, TokenRequest};
pub use usage::{LeversPart, MeterPart, RingPart, UsageReply};
pub use user::{AccountPart, MadeUserReply, UserChangeRequest, UserListReply, UserRequest};
