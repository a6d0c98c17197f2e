//! The agent's side: which samples to send next, and what an answer means.
//!
//! 1. At most a few frames are unanswered: after an outage all agents replay at once, and the hub's memory never shrinks again.
//! 2. A sample is forgotten only once it is durable; taken is not enough.
//! 3. "Resend from N" goes back to N once. Frames that were under way then are refused too, and those answers are not new.
//! 4. A frame without an answer, or the same sample asked for again and again, ends the connection: the next welcome says where
//!    the hub stands.
//! 5. After a welcome everything not durable is sent again.
//! 6. A hub that has numbers which this agent never gave means that the agent lost its counter: it numbers anew.

use std::collections::VecDeque;

/// An answer takes this long at most, seconds; a hub that is gone answers nothing.
const ANSWER_S: u64 = 60;
/// Resends in a row before it is no use.
const RESENDS: u32 = 3;

/// The numbers that the agent holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The lowest; `next` when it holds nothing.
    pub oldest: u64,
    /// The number that the next sample will have.
    pub next: u64,
}

/// What the agent has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send what [`Window::next`] says.
    GoOn,
    /// Give what is held new numbers, from this one on, then send.
    Renumber {
        /// The first new number.
        from: u64,
    },
    /// Close the connection and come back after a wait.
    Reconnect,
}

/// A frame without an answer.
#[derive(Debug, Clone, Copy)]
struct Sent {
    frame: u64,
    at_s: u64,
}

/// What one connection has sent. A new one begins with the default, its welcome makes it ready.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Unanswered frames at a time; 0 before the welcome.
    most: usize,
    unanswered: VecDeque<Sent>,
    next_frame: u64,
    /// The next sample to send.
    cursor: u64,
    /// Answers to frames before this one are about what was under way when the cursor went back.
    rewound_at: u64,
    resends: u32,
}

impl Window {
    /// The hub welcomed this connection: it has everything up to `durable`, and takes `most` frames at a time.
    pub fn welcomed(&mut self, durable: u64, most: u32, holding: Holding) -> Step {
        let expected = durable.saturating_add(1);
        *self = Self {
            most: usize::try_from(most.max(1)).unwrap_or(1),
            next_frame: 1,
            cursor: expected.max(holding.oldest),
            ..Self::default()
        };
        if durable >= holding.next {
            self.cursor = expected;
            return Step::Renumber { from: expected };
        }
        Step::GoOn
    }

    /// The hub wants another number of unanswered frames.
    pub fn set_most(&mut self, most: u32) {
        if self.most > 0 {
            self.most = usize::try_from(most.max(1)).unwrap_or(1);
        }
    }

    /// From which sample on the next frame may be; `None` when there is nothing to send or too much is unanswered.
    pub fn next(&self, holding: Holding) -> Option<u64> {
        // What was dropped for want of room is not sent.
        let from = self.cursor.max(holding.oldest);
        (self.unanswered.len() < self.most && from < holding.next).then_some(from)
    }

    /// A frame up to sample `last` is about to be sent; its number on this connection.
    pub fn sent(&mut self, last: u64, now_s: u64) -> u64 {
        let frame = self.next_frame;
        self.next_frame += 1;
        self.unanswered.push_back(Sent { frame, at_s: now_s });
        self.cursor = last.saturating_add(1);
        frame
    }

    /// The hub took frames up to `answers`, or only tells what is durable. Samples up to `durable` may be forgotten, unless
    /// the step says otherwise.
    pub fn acknowledged(&mut self, answers: Option<u64>, durable: u64, holding: Holding) -> Step {
        if let Some(frame) = answers {
            self.answered(frame);
            if frame >= self.rewound_at {
                self.resends = 0;
            }
        }
        // Durable without having been given: another agent has our secret, or we were rolled back. The welcome sorts it out.
        if durable >= holding.next { Step::Reconnect } else { Step::GoOn }
    }

    /// The hub refused frame `answers`: it wants the samples from `from` on.
    pub fn resend(&mut self, answers: u64, from: u64, holding: Holding) -> Step {
        self.answered(answers);
        if answers < self.rewound_at {
            return Step::GoOn;
        }
        self.resends += 1;
        if self.resends >= RESENDS || from > holding.next {
            return Step::Reconnect;
        }
        self.rewound_at = self.next_frame;
        self.cursor = from.max(holding.oldest);
        Step::GoOn
    }

    /// Whether a frame has waited for its answer too long.
    pub fn is_overdue(&self, now_s: u64) -> bool {
        self.unanswered.front().is_some_and(|sent| now_s.saturating_sub(sent.at_s) >= ANSWER_S)
    }

    fn answered(&mut self, frame: u64) {
        while self.unanswered.front().is_some_and(|sent| sent.frame <= frame) {
            self.unanswered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDING: Holding = Holding { oldest: 11, next: 101 };

    fn welcomed(most: u32) -> Window {
        let mut window = Window::default();
        assert_eq!(window.welcomed(10, most, HOLDING), Step::GoOn);
        window
    }

    #[test]
    fn nothing_is_sent_before_the_welcome() {
        assert_eq!(Window::default().next(HOLDING), None);
    }

    #[test]
    fn so_many_frames_are_unanswered_and_no_more() {
        let mut window = welcomed(2);
        assert_eq!((window.next(HOLDING), window.sent(16, 0)), (Some(11), 1));
        assert_eq!((window.next(HOLDING), window.sent(22, 0)), (Some(17), 2));
        assert_eq!(window.next(HOLDING), None);
        assert_eq!(window.acknowledged(None, 10, HOLDING), Step::GoOn);
        assert_eq!(window.next(HOLDING), None, "that answered no frame");
        window.acknowledged(Some(1), 10, HOLDING);
        assert_eq!(window.next(HOLDING), Some(23));
        window.set_most(1);
        assert_eq!(window.next(HOLDING), None);
    }

    #[test]
    fn an_answer_covers_the_frames_before_it() {
        let mut window = welcomed(3);
        for last in [16, 22, 28] {
            window.sent(last, 0);
        }
        window.acknowledged(Some(3), 10, HOLDING);
        assert_eq!(window.unanswered.len(), 0);
    }

    #[test]
    fn a_resend_goes_back_once_however_many_frames_were_refused() {
        let mut window = welcomed(4);
        for last in [16, 22, 28] {
            window.sent(last, 0);
        }
        assert_eq!(window.resend(1, 5, HOLDING), Step::GoOn);
        assert_eq!(window.next(HOLDING), Some(11), "nothing older is held");
        assert_eq!(window.sent(16, 0), 4);
        // The answers to frames 2 and 3.
        assert_eq!(window.resend(2, 11, HOLDING), Step::GoOn);
        assert_eq!(window.resend(3, 11, HOLDING), Step::GoOn);
        assert_eq!(window.next(HOLDING), Some(17), "frame 4 is under way");
        window.acknowledged(Some(4), 10, HOLDING);
        assert_eq!((window.next(HOLDING), window.resends), (Some(17), 0));
    }

    #[test]
    fn refused_frames_count_until_they_are_answered() {
        let mut window = welcomed(3);
        for last in [16, 22, 28] {
            window.sent(last, 0);
        }
        window.resend(1, 11, HOLDING);
        assert_eq!(window.next(HOLDING), Some(11));
        window.sent(16, 0);
        assert_eq!(window.next(HOLDING), None);
    }

    #[test]
    fn the_same_asked_for_again_and_again_ends_the_connection() {
        let mut window = welcomed(1);
        let mut ask = || {
            let frame = window.sent(16, 0);
            window.resend(frame, 11, HOLDING)
        };
        assert_eq!([ask(), ask(), ask()], [Step::GoOn, Step::GoOn, Step::Reconnect]);
    }

    #[test]
    fn an_answer_that_does_not_come_ends_the_connection() {
        let mut window = welcomed(4);
        assert!(!window.is_overdue(1_000));
        window.sent(16, 1_000);
        window.sent(22, 1_050);
        assert!(!window.is_overdue(1_059));
        assert!(window.is_overdue(1_060));
        window.acknowledged(Some(1), 10, HOLDING);
        assert!(!window.is_overdue(1_060));
    }

    #[test]
    fn after_a_welcome_everything_not_durable_is_sent_again() {
        let mut window = welcomed(4);
        window.sent(40, 0);
        window.acknowledged(Some(1), 20, HOLDING);
        window.welcomed(20, 4, HOLDING);
        assert_eq!((window.next(HOLDING), window.sent(40, 0)), (Some(21), 1));
    }

    #[test]
    fn what_was_dropped_for_want_of_room_is_not_waited_for() {
        let window = welcomed(4);
        assert_eq!(window.next(Holding { oldest: 50, ..HOLDING }), Some(50));
        assert_eq!(window.next(Holding { oldest: 101, next: 101 }), None);
    }

    #[test]
    fn an_agent_that_lost_its_counter_numbers_anew() {
        let mut window = Window::default();
        assert_eq!(window.welcomed(100, 4, HOLDING), Step::GoOn, "100 was the last one given");
        assert_eq!(window.welcomed(101, 4, HOLDING), Step::Renumber { from: 102 });
        let renumbered = Holding { oldest: 102, next: 192 };
        assert_eq!(window.next(renumbered), Some(102));
        assert_eq!(window.acknowledged(None, 192, renumbered), Step::Reconnect);
        assert_eq!(window.resend(0, 193, renumbered), Step::Reconnect);
    }

    #[test]
    fn a_hub_that_lost_stored_samples_gets_what_is_left() {
        let mut window = welcomed(4);
        let frame = window.sent(16, 0);
        assert_eq!(window.resend(frame, 1, HOLDING), Step::GoOn);
        assert_eq!(window.next(HOLDING), Some(11));
    }
}
