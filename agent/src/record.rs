//! What both transports tell people: the status, and each oddity once.

use edgewatch_core::dialects::native::DroppedValue;

use crate::backlog::Backlog;
use crate::status::{Status, StatusFile};
use crate::{clock, log};

/// A clock further off than this is worth a line.
const NOTABLE_SKEW_MS: i64 = 60_000;
/// Fields whose loss is told.
const MOST_COMPLAINTS: usize = 32;

/// The status, and what was said before.
#[derive(Debug)]
pub struct Record {
    /// The status file.
    pub status: StatusFile,
    /// Samples that the server refused for good.
    pub refused_samples: u64,
    complained: Vec<String>,
    is_skew_told: bool,
    is_outdated_told: bool,
}

impl Record {
    /// Nothing said yet.
    pub fn new(status: StatusFile) -> Self {
        Self { status, refused_samples: 0, complained: Vec::new(), is_skew_told: false, is_outdated_told: false }
    }

    /// The server answered and told its time; it wants a report every `frame_s` seconds.
    pub fn answered(&mut self, time_ms: i64, frame_s: u32) {
        let skew_ms = time_ms.saturating_sub(clock::now_ms());
        self.status.set_answered(clock::now_s(), skew_ms, frame_s);
        let is_notable = skew_ms.saturating_abs() > NOTABLE_SKEW_MS;
        if is_notable && !self.is_skew_told {
            log::warn(format_args!("this host's clock is {} s off the server's", -(skew_ms / 1000)));
        }
        self.is_skew_told = is_notable;
    }

    /// An attempt failed: the first one in a row is for people.
    pub fn failed(&mut self, words: &str) {
        self.status.set_failed(words);
        if self.status.is_newly_failing() {
            log::warn(format_args!("{words}; trying again, samples are kept"));
        } else {
            log::debug(format_args!("{words}; trying again"));
        }
    }

    /// The server left values out: each field once.
    pub fn tell_dropped(&mut self, dropped: &[DroppedValue]) {
        for dropped in dropped {
            let is_new = !self.complained.contains(&dropped.field);
            if is_new && self.complained.len() < MOST_COMPLAINTS {
                log::warn(format_args!("the server left out {}: {}", dropped.field, dropped.reason));
                self.complained.push(dropped.field.clone());
            }
        }
    }

    /// Samples were dropped for their age: once from the first one until everything is sent.
    pub fn tell_outdated(&mut self) {
        if !std::mem::replace(&mut self.is_outdated_told, true) {
            log::warn(format_args!("samples older than 24 hours could not be sent in time; they are dropped"));
        }
    }

    /// Everything is sent.
    pub fn everything_is_sent(&mut self) {
        self.is_outdated_told = false;
    }

    /// Whether samples were dropped for their age and not everything is sent since.
    #[cfg(test)]
    pub fn is_outdated_told(&self) -> bool {
        self.is_outdated_told
    }

    /// Samples that were lost since the start.
    pub fn dropped(&self, backlog: &Backlog) -> u64 {
        backlog.dropped() + self.refused_samples
    }

    /// Writes the status when it is time to.
    pub fn note_status(&mut self, backlog: &Backlog, is_last: bool) {
        let status = Status {
            durable_up_to: backlog.durable_up_to(),
            held_samples: backlog.held(),
            dropped_samples: self.dropped(backlog),
            is_stopped: is_last,
            ..Status::default()
        };
        self.status.write(&status, is_last);
    }
}
