//! The polls of one instance on their way: made into frames, kept until they are safe. Pure but for what it is told of time.

use std::collections::{BTreeMap, VecDeque};

use edgewatch_core::dialects::native::proxmox::{GuestNow, Poll};

/// A frame is closed before it is longer: the message around it has room to spare.
const MOST_FRAME_BYTES: usize = 400 * 1024;
/// Frames that are not safe yet take so much at most, all of all instances together: half an hour of five hundred guests.
pub const MOST_KEPT_BYTES: usize = 6 << 20;
const MINUTE_MS: i64 = 60_000;

/// What is known of an instance's frames.
#[derive(Debug, Default)]
pub struct Lane {
    /// The number of the frame that was closed last.
    last: u64,
    /// Closed, not known to be safe; oldest first.
    closed: VecDeque<(u64, String)>,
    closed_bytes: usize,
    /// The first of them that is to be sent.
    next: u64,
    dropped: u64,
    /// Polls of the frame that is open, with commas between.
    open: String,
    /// Guests as of the last poll of the open frame that had any.
    guests: BTreeMap<u64, GuestNow>,
    /// What the poll before said of states.
    states: Option<States>,
}

/// What must be told at once when it changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct States {
    failure: Option<&'static str>,
    all: BTreeMap<(u8, String, u64), String>,
}

impl States {
    fn of(poll: &Poll) -> Self {
        let mut all = BTreeMap::new();
        for node in &poll.nodes {
            all.insert((0, node.name.clone(), 0), node.status.clone());
        }
        for guest in &poll.guests {
            all.insert((1, String::new(), guest.vmid), guest.status.as_str().to_owned());
        }
        for storage in &poll.storages {
            all.insert((2, format!("{}/{}", storage.node, storage.name), 0), format!("{:?}", storage.status));
        }
        for datastore in poll.pbs.iter().flat_map(|pbs| &pbs.datastores) {
            all.insert((3, datastore.name.clone(), 0), datastore.error.is_some().to_string());
        }
        Self { failure: poll.error.as_ref().map(|error| error.kind.as_str()), all }
    }
}

/// What surrounds a poll.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// From this poll to the next.
    pub next_ms: i64,
    /// Whether somebody looks.
    pub is_watched: bool,
    /// The clock.
    pub now_ms: i64,
    /// So many bytes of frames may be kept.
    pub room: usize,
}

/// A frame as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub n: u64,
    /// The message.
    pub text: String,
}

impl Lane {
    /// Adds a poll. The frame is closed when the next poll would be of another minute, when a state changed, when somebody looks, and
    /// when it is long enough.
    pub fn add(&mut self, instance: &str, mut poll: Poll, moment: Moment) {
        let states = States::of(&poll);
        let is_news = match &self.states {
            None => true,
            // A poll that failed says nothing of states: only that it failed.
            Some(before) if states.failure.is_some() => before.failure != states.failure,
            Some(before) => *before != states,
        };
        let at_ms = poll.at_ms;
        if poll.error.is_none() {
            self.shorten(&mut poll);
        }
        self.states = Some(match (self.states.take(), states.failure) {
            (Some(before), failure @ Some(_)) => States { failure, all: before.all },
            _ => states,
        });
        if let Ok(text) = serde_json::to_string(&poll) {
            if !self.open.is_empty() {
                self.open.push(',');
            }
            self.open.push_str(&text);
        }
        let is_minutes_last = at_ms.div_euclid(MINUTE_MS) != (at_ms + moment.next_ms).div_euclid(MINUTE_MS);
        if is_news || moment.is_watched || is_minutes_last || self.open.len() > MOST_FRAME_BYTES - self.open.len() / 8 {
            self.close(instance, moment);
        }
    }

    /// Leaves out the guests that did not change since the poll before in the same frame.
    fn shorten(&mut self, poll: &mut Poll) {
        let now: BTreeMap<u64, GuestNow> = poll.guests.iter().map(|guest| (guest.vmid, guest.clone())).collect();
        if !self.open.is_empty() && !self.guests.is_empty() {
            poll.guests.retain(|guest| !self.guests.get(&guest.vmid).is_some_and(|before| guest.is_still(before)));
            poll.gone = self.guests.keys().filter(|vmid| !now.contains_key(vmid)).copied().collect();
        }
        self.guests = now;
    }

    fn close(&mut self, instance: &str, Moment { now_ms, room, .. }: Moment) {
        let polls = std::mem::take(&mut self.open);
        self.guests.clear();
        self.last += 1;
        let n = self.last;
        let name = serde_json::to_string(instance).unwrap_or_default();
        let dropped = if self.dropped > 0 { format!(r#""dropped":{},"#, self.dropped) } else { String::new() };
        let text =
            format!(r#"{{"t":"frame","instance":{name},"n":{n},"sent_at_ms":{now_ms},{dropped}"polls":[{polls}]}}"#);
        self.closed_bytes += text.len();
        self.closed.push_back((n, text));
        while self.closed_bytes > room
            && let Some((_, text)) = self.closed.pop_front()
        {
            self.closed_bytes -= text.len();
            self.dropped += 1;
        }
    }

    /// A new connection: what is not safe is sent again. `durable` is the last frame of this run that is.
    pub fn begin(&mut self, durable: u64) {
        self.durable(durable);
        self.next = 0;
    }

    /// Frames up to this one are safe.
    pub fn durable(&mut self, n: u64) {
        while self.closed.front().is_some_and(|(number, _)| *number <= n)
            && let Some((_, text)) = self.closed.pop_front()
        {
            self.closed_bytes -= text.len();
        }
    }

    /// The next frame to send; it counts as sent.
    pub fn take(&mut self) -> Option<Closed> {
        let (n, text) = self.closed.iter().find(|(n, _)| *n >= self.next)?;
        self.next = n + 1;
        Some(Closed { n: *n, text: text.clone() })
    }
}

#[cfg(test)]
mod tests;
