//! The Worker asks targets itself: what a server of one's own could not, for it stands next to what it watches.

use edgewatch_core::domain::probing::endpoint;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{ProbeKind, ProbeResult, ProbeTask};

use super::App;
use crate::platform::reach::{self, Asked};

/// How many targets are asked at once. Source: platform specification, 1.1 (6 connections, one is left for the database).
const AT_ONCE: usize = 5;
/// The longest note on a result, bytes. Source: the contract with agents.
const MAX_NOTE_BYTES: usize = 120;

/// Asks these targets and hands what came of it to the hub, as of `app.now`. Gives how many there were.
///
/// # Errors
/// [`Failure::Unavailable`] when the hub does not answer: then this run's results are lost.
pub async fn run(app: &App, tasks: Vec<ProbeTask>) -> Result<usize, Failure> {
    let mut results = Vec::with_capacity(tasks.len());
    for some in tasks.chunks(AT_ONCE) {
        let asking = some.iter().map(ask);
        results.extend(reach::all(asking).await);
    }
    if !results.is_empty() {
        app.hub()?.edge_results(app.now.0, &results).await?;
    }
    Ok(results.len())
}

async fn ask(task: &ProbeTask) -> ProbeResult {
    let Asked { delay_ms, error } = match (task.kind, endpoint(task.kind, &task.target)) {
        (ProbeKind::Http, Ok(_)) => reach::get(&task.target).await,
        (ProbeKind::Tcp, Ok(endpoint)) => reach::connect(endpoint.host, endpoint.port).await,
        (ProbeKind::Icmp, Ok(_)) => Asked::failed("the edge sends no pings"),
        (_, Err(error)) => Asked::failed(&error.to_string()),
    };
    let note = error.map(|mut words| {
        while words.len() > MAX_NOTE_BYTES {
            words.pop();
        }
        words
    });
    ProbeResult { probe: task.id, delay_ms, tls_expires: None, note }
}
