//! What of a host outlives the object's sleep: how far its samples are, its newest one, and those that lie in no ring row yet.
//!
//! The same bytes go into the socket's attachment and into the journal. Numbers little-endian:
//! ```text
//! u8   format = 1
//! u8   link: 0 socket, 1 post; 2 more when the samples did not fit
//! u32  period, s        u32  time between two reports, s
//! u64  what the agent can do (`Hello::capabilities`)
//! u64  samples up to here are with the hub       u64  samples up to here are stored for good
//! u64  the open block's number
//! i64  last heard from, ms since 1970
//! u32  length of the newest sample's frame, then that
//! u32  length of a frame of samples in no ring row yet, then that; until the end
//! ```
//! A frame is a `stream::Frame` whose times are ours already.

use edgewatch_core::dialects::native::stream::{Frame, FromAgent};
use edgewatch_core::model::{Link, Sample};

use super::HubError;

const FORMAT: u8 = 1;
/// Added to the link's byte.
const INCOMPLETE: u8 = 2;

/// What an attachment may weigh. Source: platform specification, 1.3 (16,384 bytes, some of them the runtime's).
pub const MAX_ATTACHMENT_BYTES: usize = 16_200;

/// What outlives the sleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whether every sample in no ring row is among `pending`; else the journal has to be asked.
    pub is_complete: bool,
    /// How the host reports.
    pub link: Link,
    /// Seconds between its samples and between its reports.
    pub pace: (u32, u32),
    /// What its agent can do.
    pub capabilities: u64,
    /// Samples up to this number are with the hub.
    pub taken: u64,
    /// Samples up to this number are stored for good.
    pub durable: u64,
    /// The block that is filling.
    pub block_no: u64,
    /// When the host was last heard from, ms since 1970.
    pub seen_ms: i64,
    /// A frame with its newest sample alone; empty before the first.
    pub newest: Vec<u8>,
    /// Frames of samples that lie in no ring row yet.
    pub pending: Vec<Vec<u8>>,
}

impl Held {
    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let pending: usize = self.pending.iter().map(|frame| frame.len() + 4).sum();
        let mut bytes = Vec::with_capacity(64 + self.newest.len() + pending);
        bytes.push(FORMAT);
        bytes.push(u8::from(self.link != Link::Socket) | if self.is_complete { 0 } else { INCOMPLETE });
        bytes.extend(self.pace.0.to_le_bytes());
        bytes.extend(self.pace.1.to_le_bytes());
        for number in [self.capabilities, self.taken, self.durable, self.block_no] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.seen_ms.to_le_bytes());
        for frame in std::iter::once(&self.newest).chain(&self.pending) {
            // A frame is at most 64 kB.
            bytes.extend(u32::try_from(frame.len()).unwrap_or(0).to_le_bytes());
            bytes.extend(frame);
        }
        bytes
    }

    /// The bytes for an attachment: without the samples where they do not fit. Those are not with the hub any more once it has
    /// slept, and will be asked for again.
    pub fn attachment(&self) -> Vec<u8> {
        let whole = self.encode();
        if whole.len() <= MAX_ATTACHMENT_BYTES {
            return whole;
        }
        let mut rest = Self { is_complete: false, taken: self.durable, pending: Vec::new(), ..self.clone() };
        if rest.newest.len() > MAX_ATTACHMENT_BYTES - 128 {
            rest.newest.clear();
        }
        rest.encode()
    }

    /// What was kept.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        read(bytes).ok_or_else(|| HubError::Corrupt("what was held of a host cannot be read".to_owned()))
    }
}

fn read(bytes: &[u8]) -> Option<Held> {
    let mut rest = bytes;
    let [format, flags] = take::<2>(&mut rest)?;
    if format != FORMAT {
        return None;
    }
    let is_complete = flags & INCOMPLETE == 0;
    let pace = (u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
    let link = if flags & 1 == 0 { Link::Socket } else { Link::Post { period_s: pace.0, frame_s: pace.1 } };
    let mut number = || take(&mut rest).map(u64::from_le_bytes);
    let (capabilities, taken, durable, block_no) = (number()?, number()?, number()?, number()?);
    let seen_ms = i64::from_le_bytes(take(&mut rest)?);
    let newest = frame(&mut rest)?;
    let mut pending = Vec::new();
    while !rest.is_empty() {
        pending.push(frame(&mut rest)?);
    }
    Some(Held { is_complete, link, pace, capabilities, taken, durable, block_no, seen_ms, newest, pending })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn frame(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (frame, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(frame.to_vec())
}

/// Samples as a frame.
///
/// # Errors
/// [`HubError::TooLarge`] when they weigh too much for a frame; [`HubError::Corrupt`] when they are too many or not in order.
pub fn pack(samples: &[Sample]) -> Result<Vec<u8>, HubError> {
    Ok(FromAgent::Frame(Frame::of_samples(samples)).encode()?)
}

/// A frame and the samples behind it as one frame, so that what is called by its name in both is called so once. `None` when
/// they do not follow each other or are too much for one.
pub fn join(frame: &[u8], behind: &[Sample]) -> Option<Vec<u8>> {
    let mut samples = unpack(frame).ok().filter(|before| before.len() + behind.len() <= Frame::MAX_SAMPLES)?;
    samples.extend_from_slice(behind);
    pack(&samples).ok()
}

/// The samples of a frame.
///
/// # Errors
/// [`HubError::Corrupt`] when it is none.
pub fn unpack(frame: &[u8]) -> Result<Vec<Sample>, HubError> {
    let corrupt = |detail: String| HubError::Corrupt(detail);
    match FromAgent::decode(frame).map_err(|error| corrupt(error.to_string()))? {
        FromAgent::Frame(frame) => {
            let (report, _) = frame.into_report(String::new()).map_err(|error| corrupt(error.to_string()))?;
            Ok(report.samples)
        }
        _ => Err(corrupt("not a frame".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{Named, Temperature};
    use edgewatch_core::units::UnixMillis;

    fn sample(number: u64) -> Sample {
        Sample {
            number,
            at: UnixMillis(1_795_361_190_123 + number.cast_signed() * 10_000),
            cpu_percent: Some(17.123_456_789),
            mem_used_bytes: Some(9_007_199_254_740_991),
            temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: 40.26 }],
            named: vec![Named { name: "cpu.user.percentage".to_owned(), value: 1.0 / 3.0 }],
            ..Sample::default()
        }
    }

    fn held() -> Held {
        Held {
            is_complete: true,
            link: Link::Post { period_s: 10, frame_s: 60 },
            pace: (10, 60),
            capabilities: 3,
            taken: 12,
            durable: 6,
            block_no: 997_423,
            seen_ms: 1_795_361_190_123,
            newest: pack(&[sample(12)]).unwrap(),
            pending: vec![pack(&[sample(7), sample(8)]).unwrap(), pack(&[sample(9)]).unwrap()],
        }
    }

    #[test]
    fn what_is_kept_comes_back_to_the_last_bit() {
        let held = held();
        assert_eq!(Held::decode(&held.encode()), Ok(held.clone()));
        assert_eq!(unpack(&held.newest).unwrap(), [sample(12)]);
        assert_eq!(unpack(&held.pending[0]).unwrap(), [sample(7), sample(8)]);
        let empty = Held { newest: Vec::new(), pending: Vec::new(), link: Link::Socket, ..held };
        assert_eq!(Held::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn frames_are_joined_where_they_follow_each_other_and_fit() {
        let all = |numbers: std::ops::RangeInclusive<u64>| numbers.map(sample).collect::<Vec<_>>();
        let joined = |before: &[Sample], behind: &[Sample]| join(&pack(before).unwrap(), behind);
        assert_eq!(joined(&all(1..=3), &all(4..=9)).map(|frame| unpack(&frame).unwrap()), Some(all(1..=9)));
        assert_eq!(joined(&all(1..=3), &all(5..=6)), None, "a hole");
        let most = Frame::MAX_SAMPLES as u64;
        assert!(joined(&all(1..=3), &all(4..=most)).is_some());
        assert_eq!(joined(&all(1..=3), &all(4..=most + 1)), None, "too many");
        let heavy = |number| {
            let named = (0..100).map(|name| Named { name: format!("custom.{name:0200}"), value: 1.0 / 3.0 });
            Sample { named: named.collect(), ..sample(number) }
        };
        assert!(joined(&[heavy(1)], &[heavy(2)]).is_some(), "the names are there once");
        let most: Vec<Sample> = (2..=60).map(heavy).collect();
        assert_eq!(joined(&[heavy(1)], &most), None, "too heavy");
        assert_eq!(join(b"x", &all(1..=1)), None);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let bytes = held().encode();
        let ends = [1, 2, 10, 60, 61, bytes.len() - 1];
        assert!(ends.iter().all(|end| Held::decode(&bytes[..*end]).is_err()));
        assert!(Held::decode(&[9; 80]).is_err());
        assert!(unpack(&[1, 16]).is_err() && unpack(b"").is_err());
    }

    #[test]
    fn an_attachment_that_would_be_too_large_forgets_what_is_not_durable() {
        let frame = pack(&[sample(7), sample(8)]).unwrap();
        let large = Held { pending: vec![frame; 400], ..held() };
        let kept = Held::decode(&large.attachment()).unwrap();
        assert_eq!((kept.taken, kept.durable, kept.pending.len(), kept.is_complete), (6, 6, 0, false));
        assert_eq!(kept.newest, large.newest);
    }
}
