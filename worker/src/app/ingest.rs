//! An agent's report comes in: the hub says which samples are taken, and when they are safe.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Addresses, DropReason, Dropped, ProbeTask, Report};

use super::App;
use super::identity::{self, AgentIdentity};

/// Where a report came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The sender's address.
    pub addresses: Addresses,
    /// Its country, two lower-case letters, where known.
    pub country_code: Option<String>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Every sample up to this number is stored for good.
    pub durable_up_to: u64,
    /// The first missing number, when samples are missing before the report and nothing was taken.
    pub resend_from: Option<u64>,
    /// Values that were left out because of their time.
    pub dropped: Vec<Dropped>,
    /// Seconds between two samples and between two reports, as the hub wants them.
    pub pace: (u32, u32),
    /// What the agent is to ask from now on and the number of that list, when it is not the one it goes by.
    pub probes: Option<(u64, Vec<ProbeTask>)>,
}

/// Hands a report to the host's shard, which stores what is new in it before it answers: 1 row written in the object, none for a
/// repeat.
///
/// # Errors
/// [`Failure::Unavailable`] when the hub does not answer. The report may be stored all the same, and sending it again is harmless.
/// [`Failure::Unauthenticated`] when the host was retired or has another secret by now.
pub async fn record(app: &App, agent: AgentIdentity, report: Report, origin: Origin) -> Result<Recorded, Failure> {
    let wire = |agent: &AgentIdentity| agent.wire(origin.clone(), report.agent_version.clone(), report.probes_version);
    let recorded = if let Some(recorded) = app.hub()?.report(&wire(&agent), &report).await? {
        recorded
    } else {
        let moved = identity::moved(app, &agent).await?.ok_or(Failure::Unauthenticated)?;
        app.hub()?.report(&wire(&moved), &report).await?.ok_or(Failure::Unauthenticated)?
    };
    let time_off = |number| Dropped { number: Some(number), field: "at_ms".to_owned(), reason: DropReason::TimeOff };
    Ok(Recorded {
        durable_up_to: recorded.durable_up_to,
        resend_from: recorded.resend_from,
        dropped: recorded.times_off.into_iter().map(time_off).collect(),
        pace: (recorded.period_s, recorded.frame_s),
        probes: recorded.probes.map(|list| (list.version, list.into_tasks())),
    })
}
