//! Our words for what is monitored and who looks at it: plain data, without serde and without rules.

mod access;
mod alert;
mod event;
mod host;
mod report;
mod rule;
mod series;

pub use access::{AddressRange, Credential, ListedToken, Role, Scopes, Session, Token, TokenKind, User};
pub use alert::{Alert, Cause, Source};
pub use event::{AlertNote, Channel, Event, EventKind};
pub use host::{Addresses, Facts, Host, HostId, Link, Presence, Registration, Watched};
pub use report::{DropReason, Dropped, FRAME_S, PERIOD_S, Report, Sample, Temperature};
pub use rule::{
    Bounds, Condition, Cycle, CycleUnit, Direction, Escalation, Hosts, Level, LocalTime, Quantity, QuietHours, Repeat,
    Rule, RuleId, Scope, Test,
};
pub use series::SeriesQuery;
