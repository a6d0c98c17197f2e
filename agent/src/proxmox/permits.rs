//! How many requests are under way at once, and how several are asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// So many at most, of all instances together. Source: pulse specification, 17.2: polling load matters.
pub const MOST_AT_ONCE: usize = 8;
/// Room for a TLS handshake and for reading an answer.
const STACK_BYTES: usize = 256 * 1024;

/// What is left of [`MOST_AT_ONCE`].
#[derive(Debug)]
pub struct Permits {
    left: Mutex<usize>,
    back: Condvar,
}

/// One request's leave; given back on drop.
#[derive(Debug)]
pub struct Permit<'a>(&'a Permits);

impl Default for Permits {
    fn default() -> Self {
        Self { left: Mutex::new(MOST_AT_ONCE), back: Condvar::new() }
    }
}

impl Permits {
    /// Waits for leave.
    pub fn take(&self) -> Permit<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.back.wait_while(left, |left| *left == 0).unwrap_or_else(PoisonError::into_inner);
        *left -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.back.notify_one();
    }
}

/// What `of` makes of each item, in the items' order, `width` of them at a time.
pub fn gather<I: Sync, O: Send>(items: &[I], width: usize, of: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, of(item)));
        }
    };
    let mut done = thread::scope(|scope| {
        let helpers: Vec<_> = (1..width.min(items.len()))
            .filter_map(|_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).ok())
            .collect();
        // Where the system has no room for threads, this one does it all.
        let mut done = work();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_default());
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(gather(&items, 4, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(gather(&[] as &[u32], 4, |item| *item), [0; 0]);
    }

    #[test]
    fn no_more_are_under_way_than_there_are_permits() {
        let permits = Permits::default();
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        gather(&[(); 64], 32, |()| {
            let _permit = permits.take();
            most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            busy.fetch_sub(1, Ordering::SeqCst);
        });
        assert!((1..=MOST_AT_ONCE).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*permits.left.lock().unwrap(), MOST_AT_ONCE);
    }
}
