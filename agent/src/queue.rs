//! The bounded line of this process's samples: numbers them, forgets what is safe, drops the oldest when full. Pure.

use std::collections::VecDeque;

use edgewatch_core::dialects::native::Sample;

/// Samples in memory, oldest first.
#[derive(Debug)]
pub struct Line {
    samples: VecDeque<Sample>,
    capacity: usize,
    next: u64,
    first_own: u64,
    saved_up_to: u64,
    dropped: u64,
}

impl Line {
    /// An empty line whose first sample gets the number `next`.
    pub fn new(capacity: usize, next: u64) -> Self {
        let room = capacity.min(64);
        Self { samples: VecDeque::with_capacity(room), capacity, next, first_own: next, saved_up_to: 0, dropped: 0 }
    }

    /// Numbers the sample and takes it in. A full line drops its oldest; one that the spool has is not lost by that.
    pub fn add(&mut self, mut sample: Sample) {
        if self.samples.len() >= self.capacity
            && let Some(oldest) = self.samples.pop_front()
            && oldest.number > self.saved_up_to
        {
            self.dropped += 1;
        }
        sample.number = self.next;
        self.next += 1;
        self.samples.push_back(sample);
    }

    /// The number the next sample gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The first number this process gave or will give.
    pub fn first_own(&self) -> u64 {
        self.first_own
    }

    /// The lowest number in memory.
    pub fn oldest(&self) -> Option<u64> {
        self.samples.front().map(|sample| sample.number)
    }

    /// How many samples had to be dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The samples from that number on.
    pub fn from(&self, number: u64) -> impl Iterator<Item = &Sample> {
        self.samples.iter().skip_while(move |sample| sample.number < number)
    }

    /// How many samples the spool does not have yet.
    pub fn unsaved(&self) -> usize {
        self.from(self.saved_up_to + 1).count()
    }

    /// The samples that the spool does not have yet.
    pub fn to_save(&self) -> impl Iterator<Item = &Sample> {
        self.from(self.saved_up_to + 1)
    }

    /// The spool has every sample of the line now.
    pub fn mark_saved(&mut self) {
        self.saved_up_to = self.next - 1;
    }

    /// The samples up to that number are safe.
    pub fn forget(&mut self, up_to: u64) {
        while self.samples.front().is_some_and(|sample| sample.number <= up_to) {
            self.samples.pop_front();
        }
    }

    /// Takes out one sample that the server refuses for good.
    pub fn remove(&mut self, number: u64) {
        self.samples.retain(|sample| sample.number != number);
    }

    /// Gives every number of this process anew, `by` higher.
    pub fn shift(&mut self, by: u64) {
        for sample in &mut self.samples {
            sample.number += by;
        }
        if self.saved_up_to >= self.first_own {
            self.saved_up_to += by;
        }
        self.first_own += by;
        self.next += by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(capacity: usize, next: u64, samples: u64) -> Line {
        let mut line = Line::new(capacity, next);
        (0..samples).for_each(|_| line.add(Sample::default()));
        line
    }

    fn numbers(line: &Line) -> Vec<u64> {
        line.from(0).map(|sample| sample.number).collect()
    }

    #[test]
    fn samples_are_numbered_without_holes() {
        assert_eq!(numbers(&line(10, 7, 3)), [7, 8, 9]);
    }

    #[test]
    fn a_full_line_drops_the_oldest_and_counts_it() {
        let line = line(3, 1, 5);
        assert_eq!(numbers(&line), [3, 4, 5]);
        assert_eq!(line.dropped(), 2);
    }

    #[test]
    fn what_the_spool_has_is_not_dropped() {
        let mut line = line(3, 1, 3);
        line.mark_saved();
        line.add(Sample::default());
        assert_eq!(line.dropped(), 0);
        assert_eq!(line.unsaved(), 1);
        assert_eq!(line.to_save().map(|sample| sample.number).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn safe_samples_are_forgotten() {
        let mut line = line(10, 1, 5);
        line.forget(3);
        assert_eq!(numbers(&line), [4, 5]);
        line.forget(99);
        assert_eq!(line.oldest(), None);
        assert_eq!(line.next_number(), 6);
    }

    #[test]
    fn a_shift_moves_every_number_and_the_next_one() {
        let mut line = line(10, 1, 2);
        line.mark_saved();
        line.add(Sample::default());
        line.shift(500);
        line.add(Sample::default());
        assert_eq!(numbers(&line), [501, 502, 503, 504]);
        assert_eq!(line.unsaved(), 2);
        assert_eq!(line.first_own(), 501);
    }

    #[test]
    fn a_refused_sample_is_taken_out() {
        let mut line = line(10, 1, 3);
        line.remove(1);
        assert_eq!(numbers(&line), [2, 3]);
    }
}
