//! Runs the checks, each at its own pace: one thread for all, none run twice at once.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::running::{self, Running};
use super::{Check, Outcome};
use crate::log;
use crate::wake::Wake;

/// How many run at once; those that are due beyond it wait for one to end.
const AT_ONCE: usize = 32;
/// How soon an end is noticed of a check that left its output open to somebody.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const STACK_BYTES: usize = 256 * 1024;

/// The newest outcome of each check by name; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Results(Arc<Mutex<BTreeMap<String, Outcome>>>);

impl Results {
    /// What there is now.
    pub fn newest(&self) -> BTreeMap<String, Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, name: &str, outcome: Outcome) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), outcome);
    }
}

/// The thread that runs checks; without any there is none. They end with it.
#[derive(Debug)]
pub struct Runner(Option<(Arc<Stop>, JoinHandle<()>)>);

#[derive(Debug)]
struct Stop {
    is_up: AtomicBool,
    wake: Wake,
}

impl Runner {
    /// Runs `checks` until it is dropped, each right away and then at its interval.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(checks: Vec<Check>, results: Results) -> std::io::Result<Self> {
        if checks.is_empty() {
            return Ok(Self(None));
        }
        let stop = Arc::new(Stop { is_up: AtomicBool::new(false), wake: Wake::new()? });
        let seen = Arc::clone(&stop);
        let now = Instant::now();
        let turns = checks.into_iter().map(|check| Turn { check, due: now, running: None }).collect();
        let thread = thread::Builder::new().name("checks".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || Loop { turns, results }.run(&seen))?;
        Ok(Self(Some((stop, thread))))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            stop.is_up.store(true, Ordering::Release);
            stop.wake.up();
            let _ = thread.join();
        }
    }
}

/// One check and when it is its turn.
struct Turn {
    check: Check,
    due: Instant,
    running: Option<Running>,
}

struct Loop {
    turns: Vec<Turn>,
    results: Results,
}

impl Loop {
    fn run(mut self, stop: &Stop) {
        while !stop.is_up.load(Ordering::Acquire) {
            self.go_on();
            self.start_due();
            self.wait(stop);
        }
    }

    fn go_on(&mut self) {
        let now = Instant::now();
        for turn in &mut self.turns {
            if let Some(outcome) = turn.running.as_mut().and_then(|running| running.go_on(now)) {
                turn.running = None;
                self.results.put(&turn.check.name, outcome);
            }
        }
    }

    fn start_due(&mut self) {
        let mut count = self.turns.iter().filter(|turn| turn.running.is_some()).count();
        for turn in &mut self.turns {
            let now = Instant::now();
            if count >= AT_ONCE || turn.running.is_some() || turn.due > now {
                continue;
            }
            // A machine that slept does not make up for it.
            turn.due = now.max(turn.due + turn.check.interval);
            match running::start(&turn.check, now) {
                Ok(running) => {
                    log::debug(format_args!("custom check {} runs", running.name()));
                    turn.running = Some(running);
                    count += 1;
                }
                Err(outcome) => self.results.put(&turn.check.name, outcome),
            }
        }
    }

    fn wait(&self, stop: &Stop) {
        let now = Instant::now();
        let running: Vec<&Running> = self.turns.iter().filter_map(|turn| turn.running.as_ref()).collect();
        let is_room = running.len() < AT_ONCE;
        let next = self.turns.iter().filter(|turn| is_room && turn.running.is_none()).map(|turn| turn.due);
        let ends = running.iter().map(|running| running.until());
        let mut until = next.chain(ends).min();
        if !running.is_empty() {
            let soon = now + LOOK_AGAIN;
            until = Some(until.map_or(soon, |until| until.min(soon)));
        }
        let mut watched = vec![PollFd::from_borrowed_fd(stop.wake.as_fd(), PollFlags::IN)];
        watched.extend(running.iter().filter_map(|one| Some(PollFd::from_borrowed_fd(one.pipe()?, PollFlags::IN))));
        let left = until.map(|until| until.saturating_duration_since(now));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        if !matches!(poll(&mut watched, timeout.as_ref()), Ok(_) | Err(rustix::io::Errno::INTR)) {
            // Out of memory, perhaps: not to spin is all that can be done.
            thread::sleep(LOOK_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDirectory, wait_for};

    fn check(name: &str, command: &str) -> Check {
        Check {
            name: name.to_owned(),
            command: command.to_owned(),
            interval: Duration::from_mins(1),
            timeout: Duration::from_secs(15),
            shell: None,
        }
    }

    fn outcome(check: Check) -> (i32, String) {
        let results = Results::default();
        let name = check.name.clone();
        let _runner = Runner::start(vec![check], results.clone()).unwrap();
        wait_for("the outcome", || results.newest().contains_key(&name));
        let Outcome { stdout, rc, .. } = results.newest().remove(&name).unwrap();
        (rc, stdout)
    }

    #[test]
    fn a_check_that_ends_gives_its_code_and_both_outputs_in_their_order() {
        assert_eq!(
            outcome(check("a", "sh -c 'echo one; echo two >&2; echo three; exit 2'")),
            (2, "one\ntwo\nthree\n".to_owned())
        );
        assert_eq!(outcome(check("b", "sh -c 'echo before; kill -9 $$'")), (-1, "before\n".to_owned()));
        assert_eq!(outcome(check("c", "cat")), (0, String::new()), "its input is empty");
    }

    #[test]
    fn a_shell_reads_the_command() {
        let shell = Check { shell: Some("/bin/sh".to_owned()), ..check("a", "x=3; echo $((x*2)) | tr 6 7; exit 1") };
        assert_eq!(outcome(shell), (1, "7\n".to_owned()));
        let none = Check { shell: Some("/no/shell".to_owned()), ..check("a", "echo") };
        assert_eq!(outcome(none), (127, "No such file or directory: '/no/shell'".to_owned()));
        let long = Check { shell: Some("/bin/sh".to_owned()), ..check("a", &"#".repeat(70_000)) };
        assert_eq!(outcome(long).0, 3);
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_it_started() {
        let directory = TestDirectory::new();
        let mark = directory.path().join("alive");
        let command = format!("sh -c '(sleep 2; touch {0}) & (sleep 2; touch {0}); echo x'", mark.display());
        let begun = Instant::now();
        let (rc, words) = outcome(Check { timeout: Duration::from_secs(1), ..check("a", &command) });
        assert_eq!(rc, 124);
        assert!(words.ends_with(" timed out after 1s seconds") && words.starts_with("Custom check sh -c "), "{words}");
        assert!(begun.elapsed() < Duration::from_secs(2));
        while begun.elapsed() < Duration::from_millis(2500) {
            thread::sleep(Duration::from_millis(50));
        }
        assert!(!mark.exists(), "a process of the group lived on");
    }

    #[test]
    fn a_check_that_leaves_something_behind_is_over_when_it_ends() {
        let begun = Instant::now();
        assert_eq!(outcome(check("a", "sh -c 'sleep 20 & echo started'")), (0, "started\n".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_flood_of_output_is_cut_and_does_not_stop_the_check() {
        let (rc, text) = outcome(check("a", "sh -c 'head -c 1000000 /dev/zero | tr \"\\000\" x; exit 5'"));
        assert_eq!((rc, text.len()), (5, super::super::outcome::MOST_BYTES));
    }

    #[test]
    fn one_that_never_stops_printing_stops_no_other() {
        let results = Results::default();
        let flood = Check { timeout: Duration::from_secs(1), ..check("flood", "yes") };
        let _runner = Runner::start(vec![flood, check("quick", "true")], results.clone()).unwrap();
        wait_for("both", || results.newest().len() == 2);
        assert_eq!((results.newest()["flood"].rc, results.newest()["quick"].rc), (124, 0));
    }

    #[test]
    fn one_check_never_runs_twice_at_once() {
        let directory = TestDirectory::new();
        let at = |name: &str| directory.path().join(name);
        // A folder can be made once, until it is removed.
        let alone = format!(
            "sh -c 'mkdir {0} || echo x >> {1}; sleep 0.3; rmdir {0}; echo x >> {2}'",
            at("lock").display(),
            at("met").display(),
            at("runs").display()
        );
        let mut check = check("alone", &alone);
        check.interval = Duration::from_millis(20);
        let _runner = Runner::start(vec![check], Results::default()).unwrap();
        let runs = || std::fs::read_to_string(at("runs")).unwrap_or_default().lines().count();
        wait_for("three runs", || runs() >= 3);
        assert!(!at("met").exists());
    }

    #[test]
    fn checks_run_side_by_side_and_again_at_their_interval() {
        let directory = TestDirectory::new();
        let at = |name: &str| directory.path().join(name);
        let again = format!("sh -c 'echo x >> {}'", at("log").display());
        // Each waits for what the other one makes.
        let meet = |own: &str, other: &str| {
            format!("sh -c 'touch {}; while ! test -e {}; do sleep 0.05; done'", at(own).display(), at(other).display())
        };
        let mut checks = vec![check("left", &meet("l", "r")), check("right", &meet("r", "l")), check("again", &again)];
        checks[2].interval = Duration::from_millis(300);
        let results = Results::default();
        let runner = Runner::start(checks, results.clone()).unwrap();
        let lines = || std::fs::read_to_string(at("log")).unwrap_or_default().lines().count();
        wait_for("all of them", || results.newest().len() == 3 && lines() >= 3);
        assert_eq!(results.newest()["left"].rc, 0);
        drop(runner);
        let after = lines();
        thread::sleep(Duration::from_millis(700));
        assert_eq!(lines(), after, "ended with its runner");
    }
}
