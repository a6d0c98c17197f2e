//! What the edge may ask for: tests, searches and another rhythm, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{
    Done, Instance, InstanceKind, Job, JobKind, JobResult, PollError, PollErrorKind,
};

use super::error::ApiError;
use super::networks;
use super::outbox::Pace;
use super::ways;
use super::worker::Around;
use super::{Local, pbs, pve};

/// The edge waits 15 s. Source: pulse specification, 9.5: 10 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does a job and hands over its result. `known` are the instances that are polled.
pub fn work(job: Job, known: &[Instance], local: &Local, around: &Around) {
    let Job { job, kind } = job;
    let result = match kind {
        JobKind::Test { instance } => {
            let instance = credentials(*instance, known);
            test(&instance, around).unwrap_or_else(|error| JobResult::Error(error.told()))
        }
        JobKind::Discover { subnet } => JobResult::Found(networks::search(&local.networks, &subnet)),
        JobKind::PollSettings { poll_s, sweep_s } => {
            let mut state = around.outbox.lock();
            let sweep_s = if sweep_s == 0 { state.pace.sweep_s } else { sweep_s };
            state.pace = Pace::of(poll_s, sweep_s);
            let poll_s = state.pace.poll_s;
            drop(state);
            around.outbox.notify();
            JobResult::PollS(poll_s)
        }
        JobKind::Unknown(kind) => {
            JobResult::Error(PollError { kind: PollErrorKind::Api, text: format!("this agent knows no job `{kind}`") })
        }
    };
    around.outbox.finish(Done { job, result });
}

/// An id alone stands for the instance that is polled by it.
fn credentials(instance: Instance, known: &[Instance]) -> Instance {
    let has_own = instance.token_value.is_some() || instance.password.is_some();
    let polled = known.iter().find(|known| !has_own && known.id == instance.id && !instance.id.is_empty());
    polled.cloned().unwrap_or(instance)
}

fn test(instance: &Instance, around: &Around) -> Result<JobResult, ApiError> {
    // Beside the polls: whoever waits for a test does not wait for them.
    let client = ways::direct(instance, &Arc::default(), &around.roots)?.within(PATIENCE);
    let tested = match instance.kind {
        InstanceKind::Pve => pve::test(&client),
        InstanceKind::Pbs => pbs::test(&client),
    };
    tested.map(JobResult::Tested)
}
