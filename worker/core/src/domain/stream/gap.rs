//! The hub's side, for one host: which frames it takes, and what it may call durable.
//!
//! 1. Nothing is taken before the stored part of the host's open block was loaded: a block begun anew would overwrite it.
//! 2. A frame whose first sample is not the next one expected is not taken, unless the agent has nothing before it any more. This
//!    covers sleep, panic, reset and reconnect alike, whether the agent noticed or not.
//! 3. Samples that were taken before are skipped.
//! 4. Durable is what a finished write had in it when it was begun, never what came in meanwhile.

use crate::domain::intake::{Take, take_numbers};

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Append it without its first `skip` samples; acknowledge it.
    Take {
        /// How many samples to leave out.
        skip: usize,
    },
    /// Append nothing; acknowledge it.
    Repeat,
    /// Append nothing; ask for what is missing.
    Resend {
        /// The first missing number.
        from: u64,
    },
    /// Append nothing and answer nothing: load first. The frame may wait for that, or be forgotten and asked for again.
    NotLoaded,
}

/// What a write had in it when it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(u64);

/// How far one host's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gap {
    is_loaded: bool,
    taken: u64,
    durable: u64,
}

impl Gap {
    /// A host of which storage was read: samples up to `durable` are stored, and those up to `held` lie in memory or in the
    /// socket's attachment. Without either, 0.
    pub fn loaded(durable: u64, held: u64) -> Self {
        Self { is_loaded: true, taken: held.max(durable), durable }
    }

    /// Samples up to this number are with the hub.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Samples up to this number are stored for good.
    pub const fn durable(&self) -> u64 {
        self.durable
    }

    /// Decides about a frame of `count` samples from `first` on, of an agent that holds nothing below `oldest`. What it says
    /// to take counts as taken.
    pub fn frame(&mut self, oldest: u64, first: u64, count: u64) -> Verdict {
        if !self.is_loaded {
            return Verdict::NotLoaded;
        }
        let Some(more) = count.checked_sub(1) else { return Verdict::Repeat };
        let last = first.saturating_add(more);
        match take_numbers(self.taken, oldest, first, last) {
            Take::Nothing => Verdict::Repeat,
            Take::From { skip } => {
                self.taken = last;
                Verdict::Take { skip }
            }
            Take::Resend { from } => Verdict::Resend { from },
        }
    }

    /// What a write that begins now will have made durable once it succeeds.
    pub const fn snapshot(&self) -> Snapshot {
        Snapshot(self.taken)
    }

    /// A write succeeded. True when agents have to be told.
    pub fn stored(&mut self, snapshot: Snapshot) -> bool {
        // A snapshot of a state that was lost since says nothing about what is here now.
        let up_to = snapshot.0.min(self.taken);
        let is_news = self.is_loaded && up_to > self.durable;
        if is_news {
            self.durable = up_to;
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_before_the_stored_part_was_loaded() {
        let mut gap = Gap::default();
        assert_eq!(gap.frame(1, 1, 6), Verdict::NotLoaded);
        assert!(!gap.stored(Snapshot(6)));
        assert_eq!((gap.taken(), gap.durable()), (0, 0));
    }

    #[test]
    fn a_frame_after_a_hole_is_not_taken() {
        let mut gap = Gap::loaded(10, 10);
        assert_eq!(gap.frame(1, 13, 6), Verdict::Resend { from: 11 });
        assert_eq!(gap.taken(), 10);
        assert_eq!(gap.frame(1, 11, 6), Verdict::Take { skip: 0 });
    }

    #[test]
    fn a_hole_that_nobody_can_fill_is_left() {
        let mut gap = Gap::loaded(10, 10);
        assert_eq!(gap.frame(13, 13, 6), Verdict::Take { skip: 0 });
        assert_eq!(gap.taken(), 18);
    }

    #[test]
    fn what_was_taken_is_not_taken_again() {
        let mut gap = Gap::loaded(10, 10);
        assert_eq!(gap.frame(1, 8, 6), Verdict::Take { skip: 3 });
        assert_eq!(gap.frame(1, 8, 6), Verdict::Repeat);
        assert_eq!(gap.frame(1, 14, 0), Verdict::Repeat);
        assert_eq!(gap.taken(), 13);
    }

    #[test]
    fn a_write_makes_durable_what_it_had_and_nothing_that_came_meanwhile() {
        let mut gap = Gap::loaded(0, 0);
        gap.frame(1, 1, 6);
        let begun = gap.snapshot();
        gap.frame(1, 7, 6);
        assert!(gap.stored(begun));
        assert_eq!((gap.durable(), gap.taken()), (6, 12));
        assert!(!gap.stored(begun), "no news");
    }

    #[test]
    fn a_write_of_a_lost_state_makes_nothing_durable_that_is_not_here() {
        let mut gap = Gap::loaded(0, 0);
        gap.frame(1, 1, 6);
        let begun = gap.snapshot();
        let mut woken = Gap::loaded(0, 3);
        woken.stored(begun);
        assert_eq!((woken.durable(), woken.taken()), (3, 3));
    }

    #[test]
    fn sleep_forgets_what_was_neither_stored_nor_attached() {
        assert_eq!(Gap::loaded(6, 12).frame(1, 13, 6), Verdict::Take { skip: 0 }, "the attachment had it");
        assert_eq!(Gap::loaded(6, 0).frame(1, 13, 6), Verdict::Resend { from: 7 });
        assert_eq!(Gap::loaded(6, 0).durable(), 6);
    }

    #[test]
    fn the_largest_numbers_overflow_nothing() {
        let mut gap = Gap::loaded(u64::MAX, 0);
        assert_eq!(gap.frame(u64::MAX, u64::MAX, u64::MAX), Verdict::Repeat);
    }
}
