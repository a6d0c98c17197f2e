//! The Worker asks targets itself: what a server of one's own could not, for it stands next to what it watches.

use edgewatch_core::domain::probing::endpoint;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Monitor, ProbeKind, ProbeResult, ProbeTask, WebAnswer};
use futures_util::{FutureExt, StreamExt, stream};

use super::{App, external};
use crate::platform::reach::{self, Asked};

/// How many targets are asked at once. Source: platform specification, 1.1 (6 connections, one is left for the database).
const AT_ONCE: usize = 5;
/// The longest note on a result, bytes. Source: the contract with agents.
const MAX_NOTE_BYTES: usize = 120;

/// What one of them came to.
enum Told {
    Probe(ProbeResult),
    /// And how many requests it took.
    Page(Option<WebAnswer>, usize),
}

/// Asks these targets, as probes and as monitors want it, and hands what came of it to the hub, as of `app.now`. Gives how many requests
/// that took.
///
/// # Errors
/// [`Failure::Unavailable`] when the hub does not answer: then this run's results are lost.
pub async fn run(app: &App, (tasks, monitors): (Vec<ProbeTask>, Vec<Monitor>)) -> Result<usize, Failure> {
    let of_probes = tasks.iter().map(|task| async { Told::Probe(ask(task).await) }.boxed_local());
    let of_pages = monitors.iter().map(|monitor| {
        let asking = async {
            let (answer, requests) = external::ask(app, monitor).await;
            Told::Page(answer, requests)
        };
        asking.boxed_local()
    });
    // One that takes its time keeps no other waiting but by its place.
    let mut asking = stream::iter(of_probes.chain(of_pages)).buffer_unordered(AT_ONCE);
    let (mut results, mut answers, mut requests) = (Vec::new(), Vec::new(), 0);
    while let Some(told) = asking.next().await {
        match told {
            Told::Probe(result) => {
                results.push(result);
                requests += 1;
            }
            Told::Page(answer, taken) => {
                answers.extend(answer);
                requests += taken;
            }
        }
    }
    if !results.is_empty() || !answers.is_empty() {
        // In the order of all other lists.
        results.sort_by_key(|result| result.probe);
        answers.sort_by_key(|answer| answer.monitor);
        app.hub()?.edge_results(app.now.0, &results, answers).await?;
    }
    Ok(requests)
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
