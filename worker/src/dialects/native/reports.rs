//! `POST /agent/v1/reports`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::native::{self, DroppedValue, ProbeList, ReportReply, ReportSettings};
use http::Request;

use super::auth::{Agent, Here};
use super::error::Refusal;
use crate::app::ingest::{self, Origin};
use crate::dialects::Caller;
use crate::http::{answer, body, client};

/// A report is stored as one block: what it may weigh bounds what one agent can fill.
const CAP_BYTES: usize = 512 * 1024;

/// `POST /agent/v1/reports`: stores samples and says up to which number all of them are safe.
#[worker::send]
pub async fn submit(
    Here(app): Here,
    Agent(agent): Agent,
    from: Caller,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, CAP_BYTES).await.map_err(Refusal)?;
    let (report, impossible) = native::read_report(&bytes).map_err(Refusal)?;
    let origin = Origin { addresses: client::addresses(from.address), country_code: from.country_code };
    let recorded = ingest::record(&app, agent, report, origin).await.map_err(Refusal)?;
    let dropped = impossible.into_iter().chain(recorded.dropped).map(DroppedValue::from);
    let reply = ReportReply {
        durable_up_to: recorded.durable_up_to,
        resend_from: recorded.resend_from,
        dropped: dropped.collect(),
        time_ms: app.now.0,
        settings: ReportSettings { period_s: recorded.pace.0, frame_s: recorded.pace.1 },
        probes: recorded.probes.map(|(version, tasks)| ProbeList::of(version, &tasks)),
    };
    Ok(answer::json(200, answer::JSON, &reply))
}
