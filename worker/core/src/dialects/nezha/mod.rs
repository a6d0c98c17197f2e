//! Nezha v0: the wire types of dashboard 0.20.13, the last v0 release.
//!
//! Routes so far: `GET /api/v1/server/list`, `GET /api/v1/server/details`, `POST /api/v1/server/register`.
//! Deviations are those of the table in the specification, section 17: true `display_index` and `hide_for_guest`
//! everywhere, a fixed order, `id` before `tag`, `Bearer` accepted, values kept over a restart.

mod admin;
mod error;
mod form;
mod monitor;
mod query;
mod register;
mod server;

pub use admin::{AdminReply, render_admin};
pub use error::{ErrorReply, RegisterErrorReply, render, render_guest, render_monitor, render_register};
pub use form::{Form, MAX_TEXT_BYTES, parse_ids_body};
pub use monitor::{MonitorForm, MonitorReply, MonitorSeries, parse_server_id};
pub use query::{ServerQuery, parse_ids};
pub use register::{RegisterReply, RegisterRequest, is_simple};
pub use server::{
    HostPart, NEVER_ACTIVE, ServerDetail, ServerDetailsReply, ServerListReply, ServerSummary, StatusPart,
    TemperaturePart,
};
