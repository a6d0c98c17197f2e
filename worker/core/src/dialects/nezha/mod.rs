//! Nezha v0: the wire types of dashboard 0.20.13, the last v0 release.
//!
//! Routes so far: `GET /api/v1/server/list`, `GET /api/v1/server/details`, `POST /api/v1/server/register`, `POST /api/notification`.
//! Deviations are those of the table in the specification, section 17: true `display_index` and `hide_for_guest`
//! everywhere, a fixed order, `id` before `tag`, `Bearer` accepted, values kept over a restart, tokens masked in their list,
//! settings that run code ignored. Besides: a form of settings without `ViewPassword` leaves the one there is, as nobody can fill it in;
//! `IgnoredIPNotification` that is no list of ids is refused; the address of a server that loses it and gets it back has not changed;
//! certificates are verified whatever `VerifySSL` says, for the platform's requests always are; and of monitors, that results which
//! are all bad are "Down", not "No Data", that a failure is no short delay, and that the end of a bad delay and of a bad certificate
//! is told.

mod admin;
mod alert_rule;
mod error;
mod feed;
mod form;
mod html;
mod monitor;
mod network_page;
mod notification;
mod query;
mod register;
mod server;
mod server_admin;
mod service_page;
mod setting;
mod token;

pub use admin::{AdminReply, render_admin};
pub use alert_rule::read_alert_rule;
pub use error::{ErrorReply, RegisterErrorReply, render, render_guest, render_monitor, render_register};
pub use feed::{Feed, PAGE, feed_piece, page_literal};
pub use form::{Form, MAX_TEXT_BYTES, parse_ids_body};
pub use monitor::{MonitorForm, MonitorReply, MonitorSeries, parse_server_id};
pub use network_page::{NAMES, NetworkLine, ServerName, network_page, read_names};
pub use notification::NotificationRequest;
pub use query::{ServerQuery, parse_ids};
pub use register::{RegisterReply, RegisterRequest, is_simple};
pub use server::{DETAILS, HostPart, LIST, NEVER_ACTIVE, ServerDetail, ServerSummary, StatusPart, TemperaturePart};
pub use server_admin::{GroupForm, SearchReply, SearchResult, ServerForm};
pub use service_page::{ServiceMonitor, ServiceTransfer, service_page};
pub use setting::{SettingRequest, read_view_password};
pub use token::{
    MadeToken, TOKEN_CHARS, TokenDeletedReply, TokenItem, TokenListReply, TokenReply, read_masked_token,
    read_token_note,
};
