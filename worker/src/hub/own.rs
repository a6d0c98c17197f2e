//! What this isolate of the Worker spent and the hub was not told of yet. It travels in a header of calls that are made anyway,
//! at the latest with the schedule's next verdict. What an isolate did not tell before it ended is not counted.

use std::sync::{Mutex, PoisonError};

use edgewatch_core::domain::budget::prices::Meter;
use edgewatch_core::domain::budget::usage::Usage;
use serde::{Deserialize, Serialize};

/// The header, which never comes from outside.
pub const OWN_HEADER: &str = "x-edgewatch-worker-spent";

/// What is not told yet.
static UNTOLD: Mutex<Own> = Mutex::new(Own::NOTHING);

/// What the Worker spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Own {
    requests: u64,
    d1_rows_read: u64,
    d1_rows_written: u64,
    d1_bytes: u64,
    /// Of objects that tell the hub nothing themselves.
    object_calls: u64,
    object_rows_read: u64,
    object_rows_written: u64,
    /// Whether the platform refused calls of an object: for want of requests, and of active time.
    refused_requests: bool,
    refused_duration: bool,
}

impl Own {
    const NOTHING: Self = Self {
        requests: 0,
        d1_rows_read: 0,
        d1_rows_written: 0,
        d1_bytes: 0,
        object_calls: 0,
        object_rows_read: 0,
        object_rows_written: 0,
        refused_requests: false,
        refused_duration: false,
    };

    const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            d1_rows_read: self.d1_rows_read.saturating_add(other.d1_rows_read),
            d1_rows_written: self.d1_rows_written.saturating_add(other.d1_rows_written),
            d1_bytes: if other.d1_bytes > 0 { other.d1_bytes } else { self.d1_bytes },
            object_calls: self.object_calls.saturating_add(other.object_calls),
            object_rows_read: self.object_rows_read.saturating_add(other.object_rows_read),
            object_rows_written: self.object_rows_written.saturating_add(other.object_rows_written),
            refused_requests: self.refused_requests || other.refused_requests,
            refused_duration: self.refused_duration || other.refused_duration,
        }
    }

    /// As the bill counts it.
    pub fn usage(&self) -> Usage {
        Usage {
            worker_requests: self.requests,
            d1_rows_read: self.d1_rows_read,
            d1_rows_written: self.d1_rows_written,
            d1_bytes: self.d1_bytes,
            object_calls: self.object_calls,
            object_rows_read: self.object_rows_read,
            object_rows_written: self.object_rows_written,
            ..Usage::default()
        }
    }

    /// Which meters of objects the platform called used up.
    pub fn refused(&self) -> impl Iterator<Item = Meter> {
        [(self.refused_requests, Meter::ObjectRequests), (self.refused_duration, Meter::Active)]
            .into_iter()
            .filter_map(|(is_refused, meter)| is_refused.then_some(meter))
    }

    /// What a header says; nothing for what is none.
    pub fn parse(header: &str) -> Self {
        serde_json::from_str(header).unwrap_or_default()
    }

    /// The header; `None` when there is nothing to tell.
    pub fn header(&self) -> Option<String> {
        if *self == Self::NOTHING { None } else { serde_json::to_string(self).ok() }
    }
}

/// A request was answered, or a schedule run, at this cost in D1.
pub fn note_request(d1_rows_read: u64, d1_rows_written: u64, d1_bytes: u64) {
    add(Own { requests: 1, d1_rows_read, d1_rows_written, d1_bytes, ..Own::NOTHING });
}

/// An object that tells the hub nothing itself was called, and read and wrote so many rows of its own.
pub fn note_call(object_rows_read: u64, object_rows_written: u64) {
    add(Own { object_calls: 1, object_rows_read, object_rows_written, ..Own::NOTHING });
}

/// An object was not reached; the platform's words.
pub fn note_unreached(words: &str) {
    let meter = edgewatch_core::domain::budget::refusal::meter_of(words);
    add(Own {
        refused_requests: meter == Some(Meter::ObjectRequests),
        refused_duration: meter == Some(Meter::Active),
        ..Own::NOTHING
    });
}

/// What is to be told now; [`add`] it again when it could not be.
pub fn take() -> Own {
    std::mem::take(&mut *UNTOLD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Adds to what is to be told.
pub fn add(own: Own) {
    let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
    *untold = untold.plus(own);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_told_once() {
        take();
        note_request(3, 1, 500);
        note_request(2, 0, 0);
        note_call(4, 3);
        note_unreached("Exceeded allowed duration in Durable Objects free tier.");
        let own = take();
        let told = Own::parse(&own.header().unwrap());
        assert_eq!(told, own);
        let usage = told.usage();
        assert_eq!((usage.worker_requests, usage.d1_rows_read, usage.d1_rows_written, usage.d1_bytes), (2, 5, 1, 500));
        assert_eq!((usage.object_calls, usage.object_rows_read, usage.object_rows_written), (1, 4, 3));
        assert_eq!(told.refused().collect::<Vec<_>>(), [Meter::Active]);
        assert_eq!((take().header(), Own::parse("nonsense")), (None, Own::NOTHING));
        add(own);
        assert_eq!(take(), own);
    }
}
