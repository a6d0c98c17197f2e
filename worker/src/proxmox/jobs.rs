//! Things that agents are asked to do while somebody waits: in the object's event, a few at a time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{Done, FromEdge, Job, JobKind, JobResult};
use serde::Deserialize;
use worker::{Delay, WebSocket};

use super::collectors::{Seat, say};
use super::object::{Answer, Inner};
use super::wire::JobReply;
use crate::hub::HubError;
use crate::store::Db;

/// So many are waited for at a time.
const MOST: usize = 8;
/// So long is waited for each: an agent gives up after ten seconds itself.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often is looked whether an answer came.
const LOOK: Duration = Duration::from_millis(25);

/// What is under way.
#[derive(Default)]
pub(super) struct Jobs {
    next: Cell<u64>,
    /// By number: the answer, once it came.
    waiting: RefCell<BTreeMap<u64, Option<JobResult>>>,
}

impl Jobs {
    /// An agent's answer; one that nobody waits for any more is dropped.
    pub(super) fn done(&self, done: Done) {
        if let Some(slot) = self.waiting.borrow_mut().get_mut(&done.job) {
            *slot = Some(done.result);
        }
    }
}

#[derive(Deserialize)]
struct AnyRequest {
    kind: serde_json::Value,
    instance: Option<i64>,
}

impl Inner {
    /// Has an agent do something, and waits for what comes of it.
    pub(super) async fn job(&self, text: &str, db: Option<&Db>) -> Answer<JobReply> {
        let corrupt = |error: serde_json::Error| HubError::Corrupt(error.to_string());
        let AnyRequest { kind, instance } = serde_json::from_str(text).map_err(corrupt)?;
        let number = self.jobs.next.get().saturating_add(1);
        let mut whole = kind;
        if let Some(object) = whole.as_object_mut() {
            object.insert("job".to_owned(), number.into());
        }
        let job: Job = serde_json::from_value(whole).map_err(corrupt)?;
        if matches!(job.kind, JobKind::Unknown(_)) {
            return Err(HubError::Corrupt("a job of no known kind".to_owned()));
        }
        let Some((socket, _)) = self.agent_for(instance, db).await? else { return Ok(JobReply::Nobody) };
        if self.jobs.waiting.borrow().len() >= MOST {
            return Ok(JobReply::Busy);
        }
        self.jobs.next.set(number);
        self.jobs.waiting.borrow_mut().insert(number, None);
        say(&socket, &FromEdge::Job(Box::new(job)));
        let mut waited = Duration::ZERO;
        let reply = loop {
            if let Some(result) = self.jobs.waiting.borrow_mut().get_mut(&number).and_then(Option::take) {
                break JobReply::Done(result);
            }
            if waited >= PATIENCE {
                break JobReply::Late;
            }
            Delay::from(LOOK).await;
            waited = waited.saturating_add(LOOK);
        };
        self.jobs.waiting.borrow_mut().remove(&number);
        Ok(reply)
    }

    /// The agent that polls an instance, or is assigned to; else any.
    async fn agent_for(&self, instance: Option<i64>, db: Option<&Db>) -> Answer<Option<(WebSocket, Seat)>> {
        let mut here: Vec<(WebSocket, Seat)> =
            self.sockets().into_iter().filter(|(_, seat)| !seat.run.is_empty()).collect();
        let Some(instance) = instance else { return Ok(here.into_iter().next()) };
        let all = self.instances(db).await?;
        let assigned = all.iter().find(|one| one.instance.id.0 == instance).and_then(|one| one.instance.collector);
        let polls = |(_, seat): &(WebSocket, Seat)| seat.instances.contains(&instance);
        let place = here.iter().position(polls);
        if let Some(place) = place {
            return Ok(Some(here.swap_remove(place)));
        }
        // Credentials go to who is to poll, and to nobody else.
        Ok(here.into_iter().find(|(_, seat)| assigned.is_none_or(|assigned| assigned.0 == seat.host)))
    }
}
