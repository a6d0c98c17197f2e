//! Our words for what is monitored and who looks at it: plain data, without serde and without rules.

mod access;
mod event;
mod guest;
mod host;
mod probe;
mod report;
mod series;

pub use access::{AddressRange, Credential, ListedToken, Role, Scopes, Session, Token, TokenKind, User};
pub use event::{Channel, Event, EventKind};
pub use guest::GuestView;
pub use host::{Addresses, Facts, Host, HostId, Link, Presence, Registration, Watched};
pub use probe::{Coverage, Probe, ProbeId, ProbeKind, ProbeNotices, ProbeResult, ProbeSpec, ProbeTask};
pub use report::{DropReason, Dropped, FRAME_S, PERIOD_S, Report, Sample, Temperature};
pub use series::SeriesQuery;
