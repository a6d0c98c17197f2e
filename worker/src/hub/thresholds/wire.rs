//! What whoever polls and the object say to each other, as JSON.

use edgewatch_core::domain::alerting::thresholds::{Condition, Poll, Resource, Values};
use edgewatch_core::model::{HostId, ResourceKind, ThresholdMetric};
use edgewatch_core::units::UnixMillis;
use serde::{Deserialize, Serialize};

use super::Polled;
use crate::hub::HubError;

/// Polls of resources of hosts of one shard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PollsRequest {
    /// By resource.
    pub resources: Vec<ResourceWire>,
}

/// What became of polls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PollsReply {
    /// Hosts that there are none of (any more).
    pub unknown: Vec<i64>,
    /// Host and number of the resources that are not at rest: their next polls are wanted, whatever they say.
    pub restless: Vec<(i64, u32)>,
}

/// A resource with its polls, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceWire {
    /// Its host.
    pub host: i64,
    number: u32,
    kind: String,
    ids: Vec<String>,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    node: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    instance: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    vmid: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    tags: Vec<String>,
    /// When the poll before was, ms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    before_ms: Option<i64>,
    polls: Vec<PollWire>,
}

/// When, ms; `u` up, `d` down, `p` paused, `g` gone, `?` unknown; values by the number of their metric, from 1 on.
type PollWire = (i64, char, Vec<(u8, f64)>);

impl ResourceWire {
    /// Polls of a resource of a host; `before` is when the poll before them was.
    pub fn of(host: HostId, resource: Resource, before: Option<UnixMillis>, polls: &[Poll]) -> Self {
        let Resource { number, kind, ids, name, node, instance, vmid, tags } = resource;
        let before_ms = before.map(|at| at.0);
        let polls = polls.iter().map(poll_wire).collect();
        let (host, kind) = (host.0, kind.word().to_owned());
        Self { host, number, kind, ids, name, node, instance, vmid, tags, before_ms, polls }
    }

    /// What [`ResourceWire::of`] was made of.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] for a kind that is none.
    pub fn into_polled(self) -> Result<Polled, HubError> {
        let Self { host, number, kind, ids, name, node, instance, vmid, tags, before_ms, polls } = self;
        let kind =
            ResourceKind::parse(&kind).ok_or_else(|| HubError::Corrupt(format!("a resource that is a {kind:?}")))?;
        let resource = Resource { number, kind, ids, name, node, instance, vmid, tags };
        Ok((HostId(host), resource, before_ms.map(UnixMillis), polls.into_iter().map(poll_of).collect()))
    }
}

const CONDITIONS: [(Condition, char); 5] = [
    (Condition::Up, 'u'),
    (Condition::Down, 'd'),
    (Condition::Paused, 'p'),
    (Condition::Gone, 'g'),
    (Condition::Unknown, '?'),
];

fn poll_wire(poll: &Poll) -> PollWire {
    let condition = CONDITIONS.iter().find(|(one, _)| *one == poll.condition).map_or('?', |(_, letter)| *letter);
    let value = |metric: ThresholdMetric| Some((metric.code(), poll.values.get(metric)?));
    (poll.at.0, condition, ThresholdMetric::ALL.into_iter().filter_map(value).collect())
}

fn poll_of((at_ms, letter, said): PollWire) -> Poll {
    let condition = CONDITIONS.iter().find(|(_, one)| *one == letter).map(|(condition, _)| *condition);
    let mut values = Values::default();
    for metric in ThresholdMetric::ALL {
        let value = said.iter().find(|(code, _)| *code == metric.code()).map(|(_, value)| *value);
        values.set(metric, value);
    }
    Poll { at: UnixMillis(at_ms), condition: condition.unwrap_or_default(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_come_back_from_their_text() {
        let resource = Resource {
            number: 3,
            kind: ResourceKind::Storage,
            ids: vec!["lab-pve1-local".to_owned()],
            name: "local".to_owned(),
            node: "pve1".to_owned(),
            instance: "lab".to_owned(),
            vmid: Some(7),
            tags: vec!["a".to_owned()],
        };
        let poll = |(at_ms, (condition, _)): (i64, (Condition, char))| Poll {
            at: UnixMillis(at_ms),
            condition,
            values: Values::of(&ThresholdMetric::ALL.map(|metric| (metric, 0.1 + f64::from(metric.code())))),
        };
        let mut polls: Vec<Poll> = (1..).zip(CONDITIONS).map(poll).collect();
        polls.push(Poll::default());
        let before = Some(UnixMillis(5));
        let wire = ResourceWire::of(HostId(9), resource.clone(), before, &polls);
        let text = serde_json::to_string(&wire).unwrap();
        let read: ResourceWire = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_polled(), Ok((HostId(9), resource, before, polls)));
        let other = ResourceWire { kind: "x".to_owned(), ..wire };
        assert!(other.into_polled().is_err());
    }
}
