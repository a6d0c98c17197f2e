//! What agents are asked to do for people, and what comes of it, in the model's words.

use edgewatch_core::dialects::native::proxmox::{
    FoundServer, Hidden, Instance, InstanceKind, JobKind, JobResult, Monitor, Tested, Welcome,
};
use edgewatch_core::model::proxmox::{self as model, Credentials, Discovered, TestFailure};

use super::client;
use super::wire::{JobReply, JobRequest};
use crate::hub::HubError;
use crate::platform::objects::Objects;

/// Seconds between two polls where nobody said anything.
pub const USUAL_POLL_S: u64 = Welcome::POLL_S;

/// What is said to an agent of an instance that it shall try.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Its number, where it is one of those that are polled: then the agent that polls it is asked.
    pub id: Option<i64>,
    /// Which product.
    pub kind: model::InstanceKind,
    /// Its address.
    pub host: &'a str,
    /// How it is got into; `None` where an agent's own file says so.
    pub credentials: Option<&'a Credentials>,
    /// SHA-256 of its certificate; may be empty.
    pub fingerprint: &'a str,
    /// Whether its certificate must be one that the world trusts.
    pub verify_tls: bool,
}

/// How it went; `None` when no agent is there that could try.
pub type Outcome<T> = Option<Result<T, TestFailure>>;

/// Has an agent try an instance.
///
/// # Errors
/// As [`client::job`].
pub async fn test(objects: &Objects, trial: Trial<'_>) -> Result<Outcome<model::Tested>, HubError> {
    let job = JobRequest { kind: JobKind::Test { instance: Box::new(instance(&trial)) }, instance: trial.id };
    Ok(outcome(client::job(objects, &job).await?, |result| match result {
        JobResult::Tested(tested) => Some(known(&tested, trial.kind)),
        JobResult::Found(_) | JobResult::PollS(_) | JobResult::Error(_) => None,
    }))
}

/// What agents find in the networks that their own files name, and what went wrong there.
pub type Search = (Vec<Discovered>, Vec<String>);

/// Has an agent look for servers.
///
/// # Errors
/// As [`client::job`].
pub async fn discover(objects: &Objects) -> Result<Outcome<Search>, HubError> {
    let job = JobRequest { kind: JobKind::Discover { subnet: String::new() }, instance: None };
    Ok(outcome(client::job(objects, &job).await?, |result| match result {
        JobResult::Found(found) => Some((found.servers.into_iter().filter_map(server).collect(), found.errors)),
        JobResult::Tested(_) | JobResult::PollS(_) | JobResult::Error(_) => None,
    }))
}

fn outcome<T>(reply: JobReply, of: impl FnOnce(JobResult) -> Option<T>) -> Outcome<T> {
    let failed = |text: &str| Some(Err(TestFailure::Failed(text.to_owned())));
    match reply {
        JobReply::Nobody => None,
        JobReply::Late => failed("the agent did not answer in time"),
        JobReply::Busy => failed("too many tests at a time, try again in a moment"),
        JobReply::Done(JobResult::Error(error)) => failed(&error.text),
        JobReply::Done(result) => match of(result) {
            Some(found) => Some(Ok(found)),
            None => failed("the agent answered something else"),
        },
    }
}

fn instance(trial: &Trial<'_>) -> Instance {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let hidden = |secret: &str| text(secret).map(Hidden);
    let credentials = trial.credentials;
    Instance {
        id: trial.id.map(|id| id.to_string()).unwrap_or_default(),
        kind: match trial.kind {
            model::InstanceKind::Pve => InstanceKind::Pve,
            model::InstanceKind::Pbs => InstanceKind::Pbs,
        },
        name: String::new(),
        host: trial.host.to_owned(),
        user: credentials.and_then(|one| text(&one.user)),
        password: credentials.and_then(|one| hidden(&one.password)),
        token_name: credentials.and_then(|one| text(&one.token_name)),
        token_value: credentials.and_then(|one| hidden(&one.token_value)),
        fingerprint: text(trial.fingerprint),
        verify_tls: trial.verify_tls,
        monitor: Monitor::default(),
        endpoints: vec![],
        local: None,
    }
}

fn known(tested: &Tested, kind: model::InstanceKind) -> model::Tested {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let took_ms = small(tested.took_ms);
    match kind {
        model::InstanceKind::Pve => {
            let members = small(u64::try_from(tested.endpoints.len()).unwrap_or(u64::MAX));
            let cluster_nodes = tested.is_cluster.then(|| if members == 0 { small(tested.nodes) } else { members });
            model::Tested::Pve { nodes: small(tested.nodes), cluster_nodes, took_ms }
        }
        model::InstanceKind::Pbs => model::Tested::Pbs { datastores: small(tested.datastores), took_ms },
    }
}

fn server(found: FoundServer) -> Option<Discovered> {
    Some(Discovered {
        ip: found.ip,
        port: u16::try_from(found.port).ok()?,
        kind: match found.kind {
            InstanceKind::Pve => model::InstanceKind::Pve,
            InstanceKind::Pbs => model::InstanceKind::Pbs,
        },
        version: found.version,
        hostname: found.hostname,
        release: found.release,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_a_job_is_told_by_what_it_found() {
        let only = |result| outcome(result, |_| Some(()));
        assert_eq!(only(JobReply::Nobody), None);
        assert!(matches!(only(JobReply::Late), Some(Err(TestFailure::Failed(_)))));
        assert!(matches!(only(JobReply::Busy), Some(Err(TestFailure::Failed(_)))));
        assert_eq!(only(JobReply::Done(JobResult::PollS(5))), Some(Ok(())));
        let strange: Outcome<()> = outcome(JobReply::Done(JobResult::PollS(5)), |_| None);
        assert!(matches!(strange, Some(Err(_))));
        let cluster = Tested { nodes: 3, is_cluster: true, took_ms: 12, ..Tested::default() };
        let found = known(&cluster, model::InstanceKind::Pve);
        assert_eq!(found, model::Tested::Pve { nodes: 3, cluster_nodes: Some(3), took_ms: 12 });
        let alone = Tested { is_cluster: false, ..cluster };
        assert!(matches!(known(&alone, model::InstanceKind::Pve), model::Tested::Pve { cluster_nodes: None, .. }));
    }
}
