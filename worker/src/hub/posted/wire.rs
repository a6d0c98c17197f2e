//! What the Worker and the object say to each other of what is posted, and of metrics by name.

use std::collections::BTreeMap;

use edgewatch_core::dialects::native::stream;
use edgewatch_core::model::{HostId, Sample};
use serde::{Deserialize, Serialize};

use crate::hub::{HubError, held};

/// A post to a shard in bytes: which epoch of credentials it rests on (0: it was looked up now; else one more than the epoch), then
/// of each host or service its number, the length of a frame of its samples, and that; numbers little-endian.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The epoch that who posts was remembered under; `None` when they were looked up for this post.
    pub epoch: Option<u64>,
    /// Samples without numbers, by whose they are.
    pub samples: BTreeMap<HostId, Vec<Sample>>,
}

impl Post {
    /// The bytes.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when a sample cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, HubError> {
        let mut bytes = self.epoch.map_or(0, |epoch| epoch.saturating_add(1)).to_le_bytes().to_vec();
        for (of, samples) in &self.samples {
            if samples.is_empty() {
                push(&mut bytes, *of, &[])?;
            }
            let mut rest = &samples[..];
            while !rest.is_empty() {
                let (frame, taken) = as_many(rest)?;
                push(&mut bytes, *of, &frame)?;
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
        Ok(bytes)
    }

    /// What [`Post::encode`] wrote.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        let corrupt = || HubError::Corrupt("a post cannot be read".to_owned());
        let mut rest = bytes;
        let epoch = u64::from_le_bytes(take(&mut rest).ok_or_else(corrupt)?).checked_sub(1);
        let mut samples: BTreeMap<HostId, Vec<Sample>> = BTreeMap::new();
        while !rest.is_empty() {
            let of = HostId(i64::from_le_bytes(take(&mut rest).ok_or_else(corrupt)?));
            let length = u32::from_le_bytes(take(&mut rest).ok_or_else(corrupt)?);
            let (frame, behind) =
                rest.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX)).ok_or_else(corrupt)?;
            rest = behind;
            let of_host = samples.entry(of).or_default();
            if !frame.is_empty() {
                of_host.extend(held::unpack(frame)?);
            }
        }
        Ok(Self { epoch, samples })
    }
}

/// A frame of as many samples as one takes, and how many that are.
fn as_many(samples: &[Sample]) -> Result<(Vec<u8>, usize), HubError> {
    let mut count = samples.len().min(stream::Frame::MAX_SAMPLES);
    loop {
        let part = samples.iter().take(count).cloned().zip(1..);
        let numbered: Vec<Sample> = part.map(|(sample, number)| Sample { number, ..sample }).collect();
        match held::pack(&numbered) {
            Err(HubError::TooLarge { .. }) if count > 1 => count /= 2,
            packed => return Ok((packed?, count)),
        }
    }
}

fn push(bytes: &mut Vec<u8>, of: HostId, frame: &[u8]) -> Result<(), HubError> {
    bytes.extend(of.0.to_le_bytes());
    let length = u32::try_from(frame.len()).map_err(|error| HubError::Corrupt(error.to_string()))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(frame);
    Ok(())
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// What became of a post.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PostReply {
    /// How often credentials were taken away.
    pub epoch: u64,
    /// Nothing was taken: credentials were taken away since who posts was remembered.
    pub stale: bool,
    /// Hosts that there are none of (any more).
    pub unknown: Vec<i64>,
    /// How many values there is no room for, because of their names.
    pub full: usize,
}

/// A metric's points are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsQuery {
    /// The host's number, or the negative one of a service.
    pub of: i64,
    /// The metric's name.
    pub name: String,
    /// The first second.
    pub from_s: i64,
    /// The last second.
    pub to_s: i64,
}

/// A metric's points.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PointsAnswer {
    /// As in [`PostReply`].
    pub epoch: u64,
    /// Second and value, oldest first; `None` when there is no such metric.
    pub points: Option<Vec<(i64, f64)>>,
}

/// The newest values are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestQuery {
    /// Of these hosts or services.
    pub of: Vec<i64>,
    /// Of these metrics.
    pub names: Vec<String>,
}

/// The newest values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LatestAnswer {
    /// As in [`PostReply`].
    pub epoch: u64,
    /// By host, in the order of the names: second and value.
    pub latest: BTreeMap<i64, Vec<Option<(i64, f64)>>>,
}

/// The names of metrics are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesQuery {
    /// The host's number, or the negative one of a service.
    pub of: i64,
}

/// The names of a host's metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NamesAnswer {
    /// As in [`PostReply`].
    pub epoch: u64,
    /// Ascending.
    pub names: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::Named;
    use edgewatch_core::units::UnixMillis;

    fn sample(at_s: i64, names: usize, length: usize) -> Sample {
        let one = |name: usize| Named { name: format!("{name:0length$}"), value: 1.0 / 3.0 };
        Sample { at: UnixMillis(at_s * 1000), named: (0..names).map(one).collect(), ..Sample::default() }
    }

    #[test]
    fn a_post_comes_back_however_large_it_is() {
        let many: Vec<Sample> = (0..300).map(|at| sample(1_795_361_160 + at, 3, 9)).collect();
        let large: Vec<Sample> = (0..9).map(|at| sample(1_795_361_160 + at, 180, 240)).collect();
        let all = [(HostId(1), many), (HostId(-3), large), (HostId(2), vec![])];
        let post = Post { epoch: Some(0), samples: all.into_iter().collect() };
        let mut back = Post::decode(&post.encode().unwrap()).unwrap();
        back.samples.values_mut().flatten().for_each(|sample| sample.number = 0);
        assert_eq!(back, post);
        let none = Post { epoch: None, samples: BTreeMap::new() };
        assert_eq!(Post::decode(&none.encode().unwrap()), Ok(none));
        let bytes = post.encode().unwrap();
        assert!([3, 12, 19, bytes.len() - 1].iter().all(|end| Post::decode(&bytes[..*end]).is_err()));
    }
}
