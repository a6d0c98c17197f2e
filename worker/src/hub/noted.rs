//! A value that tells whether it may have changed.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

/// Stamps given so far, in all objects of the isolate.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A value with a stamp. Whoever may change the value gives it a new stamp by that, which nothing ever had before, so what was made of
/// a value is good for as long as the stamp is the same: there is no change that could be forgotten.
#[derive(Debug, Clone)]
pub struct Noted<T> {
    value: T,
    stamp: u64,
}

impl<T> Noted<T> {
    /// A value that is new.
    pub fn new(value: T) -> Self {
        Self { value, stamp: next() }
    }

    /// The stamp: higher than any that was given before the last change.
    pub const fn stamp(&self) -> u64 {
        self.stamp
    }
}

impl<T> Deref for Noted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Noted<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.stamp = next();
        &mut self.value
    }
}

impl<T: PartialEq> PartialEq<T> for Noted<T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

fn next() -> u64 {
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_and_no_look_gives_a_stamp_that_nothing_had() {
        let (mut first, mut second) = (Noted::new(vec![1]), Noted::new(vec![1]));
        let stamps = (first.stamp(), second.stamp());
        assert!(first.len() == 1 && first == vec![1] && first.clone().stamp() == stamps.0);
        assert_eq!((first.stamp(), second.stamp()), stamps);
        second.push(2);
        first[0] = 2;
        assert!(stamps.0 < stamps.1 && stamps.1 < second.stamp() && second.stamp() < first.stamp());
        *first = vec![1];
        assert!(first.stamp() > second.stamp() && first == vec![1]);
    }
}
