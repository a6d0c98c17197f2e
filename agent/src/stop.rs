//! How a thread that waits for its next turn is told to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Tells threads to end; it is never taken back.
#[derive(Debug, Default)]
pub struct Stop {
    is_up: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Whether it is time to end.
    pub fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// It is time to end.
    pub fn up(&self) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_up.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits; false when it is time to end.
    pub fn wait(&self, until: Instant) -> bool {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_up() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            guard = self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_goes_on_in_time_or_is_called_away() {
        let stop = Arc::new(Stop::default());
        let begun = Instant::now();
        assert!(stop.wait(begun + Duration::from_millis(20)) && begun.elapsed() >= Duration::from_millis(20));
        let other = Arc::clone(&stop);
        let waiting = thread::spawn(move || other.wait(Instant::now() + Duration::from_mins(1)));
        stop.up();
        assert!(!waiting.join().unwrap() && begun.elapsed() < Duration::from_secs(30));
        assert!(!stop.wait(begun), "up stays up");
    }
}
