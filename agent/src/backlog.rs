//! Everything measured and not yet safe at the server: the line in memory and the spool on disk, as one sequence of
//! numbers.
//!
//! A process gives provisional numbers until the first answer; before it no sample is sent, so a provisional number is
//! never at the server. The first answer's `durable_up_to` then tells where they belong: behind it.

use edgewatch_core::dialects::native::{ReportReply, Sample};
use edgewatch_core::domain::stream::window::Holding;

use crate::log;
use crate::queue::Line;
use crate::spool::Spool;

/// Samples in memory: an hour at ten seconds.
pub const LINE_SAMPLES: usize = 360;

/// An older sample is dropped: the server has no place for it and takes its time for impossible. Source: the server's
/// intake, where a time is possible below a day.
const TOO_OLD_MS: i64 = 24 * 3600 * 1000;
/// A sample that seems older than this was measured before the clock was set; the server estimates its time.
const CLOCK_UNSET_MS: i64 = 400 * 24 * 3600 * 1000;
/// How many samples are looked at together for their age.
const LOOKED_AT: usize = 120;

/// Unsaved samples that a crash may take while the server is away.
const MOST_AT_RISK: usize = 30;
/// The same while reports go out as they should, be they far apart: a full line would drop them.
const MOST_IN_MEMORY: usize = LINE_SAMPLES / 2;

/// What one report carries.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// The lowest number held.
    pub oldest: u64,
    /// Oldest first, without a hole.
    pub samples: Vec<Sample>,
}

/// What an answer meant for the backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Taken, or nothing had been sent.
    Taken,
    /// Not taken: the server wants earlier samples first.
    Resend,
}

/// The line and the spool.
#[derive(Debug)]
pub struct Backlog {
    line: Line,
    spool: Spool,
    is_confirmed: bool,
    durable_up_to: u64,
    /// Taken by the server, though not safe yet.
    accepted_up_to: u64,
    /// What the server asked for: it has everything before.
    floor: u64,
    is_overtaken: bool,
    outdated: u64,
}

impl Backlog {
    /// Continues where the spool ends.
    pub fn new(spool: Spool) -> Self {
        let line = Line::new(LINE_SAMPLES, spool.next_number());
        Self {
            line,
            spool,
            is_confirmed: false,
            durable_up_to: 0,
            accepted_up_to: 0,
            floor: 0,
            is_overtaken: false,
            outdated: 0,
        }
    }

    /// Takes a sample in and numbers it.
    pub fn add(&mut self, sample: Sample) {
        self.line.add(sample);
    }

    /// Whether an answer has confirmed the numbering; before it, ask with an empty report.
    pub fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Up to which number everything is safe.
    pub fn durable_up_to(&self) -> u64 {
        self.durable_up_to
    }

    /// How many samples are not safe yet.
    pub fn held(&self) -> u64 {
        let behind_the_spool = self.spool.newest().map_or(0, |newest| newest + 1);
        self.spool.held() + self.line.from(behind_the_spool).count() as u64
    }

    /// Whether there is anything to send.
    pub fn has_unsent(&self) -> bool {
        self.held() > 0 && self.line.next_number() > self.accepted_up_to + 1
    }

    /// Samples dropped since the start, for want of room or because they were too old.
    pub fn dropped(&self) -> u64 {
        self.line.dropped() + self.spool.dropped() + self.outdated
    }

    /// Drops what is too old for the server at `now_ms`, from the front. True when there was such a sample.
    ///
    /// A sample from before the clock was set is kept, and so is what lies behind it until it has left: the numbers held
    /// have no hole. Only for a confirmed numbering: an emptied spool says that every number so far is final.
    pub fn drop_outdated(&mut self, now_ms: i64) -> bool {
        let before = self.outdated;
        // Ordinarily the first sample is young, and nothing else has to be read.
        let mut most = 1;
        loop {
            let samples = self.read(self.oldest(), most);
            let outdated = samples.iter().take_while(|sample| is_outdated(sample.at_ms, now_ms));
            let Some((count, last)) = (1..).zip(outdated).last() else { break };
            self.forget(last.number);
            self.outdated += count;
            most = LOOKED_AT;
        }
        self.outdated > before
    }

    /// The lowest number held, or the next one when nothing is.
    pub fn oldest(&self) -> u64 {
        let lowest = [self.spool.oldest(), self.line.oldest()].into_iter().flatten().min();
        lowest.unwrap_or_else(|| self.line.next_number())
    }

    /// The next samples to send, at most `most`.
    pub fn batch(&mut self, most: usize) -> Batch {
        let from = self.oldest().max(self.accepted_up_to + 1).max(self.floor);
        let samples = self.read(from, most);
        let oldest = match samples.first() {
            // The server has everything before what it asked for; what comes first now is the oldest it will ever get.
            Some(first) if self.floor > 0 => first.number,
            _ => self.oldest(),
        };
        Batch { oldest, samples }
    }

    /// The numbers held.
    pub fn holding(&self) -> Holding {
        Holding { oldest: self.oldest(), next: self.line.next_number() }
    }

    /// Up to `most` samples from that number on, oldest first, without a hole.
    pub fn read(&mut self, from: u64, most: usize) -> Vec<Sample> {
        let is_in_memory = self.line.oldest().is_some_and(|oldest| from >= oldest);
        let mut samples = if is_in_memory { Vec::new() } else { self.spool.read(from, most) };
        let rest = samples.last().map_or(from, |sample: &Sample| sample.number + 1);
        for sample in self.line.from(rest) {
            let follows = samples.last().is_none_or(|last| last.number + 1 == sample.number);
            if samples.len() >= most || !follows {
                break;
            }
            samples.push(sample.clone());
        }
        samples
    }

    fn forget(&mut self, up_to: u64) {
        self.line.forget(up_to);
        self.spool.forget(up_to, self.line.next_number());
    }

    /// What an answer to a report up to `sent_up_to` means. `None` when the report had no samples.
    pub fn settle(&mut self, reply: &ReportReply, sent_up_to: Option<u64>) -> Settled {
        self.learn(reply.durable_up_to);
        match (reply.resend_from, sent_up_to) {
            (Some(resend_from), Some(_)) => {
                self.floor = resend_from;
                self.accepted_up_to = resend_from.saturating_sub(1);
                Settled::Resend
            }
            (_, Some(sent_up_to)) => {
                self.floor = 0;
                self.accepted_up_to = self.accepted_up_to.max(sent_up_to).min(self.line.next_number() - 1);
                Settled::Taken
            }
            (_, None) => Settled::Taken,
        }
    }

    /// The server has every sample up to `durable` for good. The first time this confirms the numbering; a number that was
    /// never given makes it anew.
    pub fn learn(&mut self, durable: u64) {
        if !self.is_confirmed {
            self.confirm(durable);
        } else if durable >= self.line.next_number() {
            self.catch_up(durable);
        }
        self.durable_up_to = durable;
        self.forget(durable);
    }

    /// The first answer: what nobody confirmed yet belongs behind what the server has.
    fn confirm(&mut self, durable: u64) {
        let first = self.spool.provisional_from().unwrap_or(u64::MAX).min(self.line.first_own());
        let by = (durable + 1).saturating_sub(first);
        if by > 0 {
            self.spool.renumber(first, by, true);
            self.line.shift(by);
        } else if self.spool.provisional_from().is_some() {
            self.spool.note_next(self.line.next_number());
        }
        self.is_confirmed = true;
    }

    /// The server has more than was ever given: this process continues from an older state of the machine. What earlier
    /// processes left is part of that older state; what this one measured gets new numbers.
    fn catch_up(&mut self, durable: u64) {
        let own = self.line.first_own();
        let first_held =
            [self.spool.oldest().filter(|oldest| *oldest >= own), self.line.oldest()].into_iter().flatten().min();
        let first = first_held.unwrap_or_else(|| self.line.next_number());
        let by = durable + 1 - first;
        if !std::mem::replace(&mut self.is_overtaken, true) {
            log::warn(format_args!(
                "the server has samples up to {durable} and this agent gave fewer: the machine was rolled back, or another \
                 agent has the same secret; numbering anew from there"
            ));
        }
        self.spool.renumber(own, by, false);
        self.line.shift(by);
        self.accepted_up_to = 0;
        self.floor = 0;
    }

    /// Takes out one sample that the server refuses for good.
    pub fn remove(&mut self, number: u64) {
        self.line.remove(number);
        self.spool.remove(number);
    }

    /// Puts what the disk does not have yet on the disk.
    pub fn save(&mut self) {
        if self.line.unsaved() > 0 && self.spool.append(self.line.to_save(), !self.is_confirmed) {
            self.line.mark_saved();
            self.spool.sync();
        }
    }

    /// As [`Backlog::save`], when enough has gathered that a crash would hurt or that memory ends.
    pub fn save_if_many(&mut self, is_away: bool) {
        if self.line.unsaved() >= if is_away { MOST_AT_RISK } else { MOST_IN_MEMORY } {
            self.save();
        }
    }

    /// Leaves everything that the next process needs on the disk.
    pub fn close(&mut self) {
        self.save();
        if self.is_confirmed {
            self.spool.note_next(self.line.next_number());
        }
        self.spool.sync();
    }
}

/// Whether a sample of that time is too old for the server, by our own clock.
fn is_outdated(at_ms: i64, now_ms: i64) -> bool {
    (TOO_OLD_MS..=CLOCK_UNSET_MS).contains(&now_ms.saturating_sub(at_ms))
}

#[cfg(test)]
mod tests;
