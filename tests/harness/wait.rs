//! Waiting on a condition with a deadline, never a bare sleep.

use std::thread;
use std::time::{Duration, Instant};

/// How often the condition is looked at.
const STEP: Duration = Duration::from_millis(50);

/// What `condition` yields, as soon as it yields something; panics when `deadline` has passed. `what` finishes "waited for …".
pub fn wait_until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < deadline, "waited {} s in vain for {what}", deadline.as_secs_f32());
        thread::sleep(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        let seen = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(seen, 3);
    }

    #[test]
    #[should_panic(expected = "in vain for godot")]
    fn a_deadline_that_passes_fails_the_test() {
        wait_until("godot", Duration::from_millis(60), || None::<()>);
    }
}
