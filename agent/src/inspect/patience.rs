//! Asks what may never answer, and waits no longer than it was told to.
//!
//! A dead device, a driver or a daemon that hangs blocks whoever asks, and nothing can free that thread. So a helper asks; one that
//! does not answer in time is left behind with what it was asked about, and a new helper serves the others. What was left behind is
//! asked again once its helper has come back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::fault::Fault;

/// Enough for what is asked, most of it never touched.
const STACK_BYTES: usize = 256 * 1024;

type Work = Box<dyn FnOnce() + Send>;

/// What is asked about: its state goes with the question.
#[derive(Debug, Default)]
pub struct Subject<S>(Arc<Asked<S>>);

#[derive(Debug, Default)]
struct Asked<S> {
    /// From the question to the end of its answer, whether or not a helper came to it yet.
    is_open: AtomicBool,
    state: Mutex<S>,
}

impl<S> Subject<S> {
    /// One with this state.
    #[cfg(test)]
    pub fn new(state: S) -> Self {
        Self(Arc::new(Asked { is_open: AtomicBool::new(false), state: Mutex::new(state) }))
    }
}

/// A question that is open, until it is dropped.
struct Open<S>(Arc<Asked<S>>);

impl<S> Open<S> {
    /// The only one about the subject; `None` while there is another.
    fn begin(subject: &Subject<S>) -> Option<Self> {
        let was_open = subject.0.is_open.swap(true, Ordering::AcqRel);
        (!was_open).then(|| Self(Arc::clone(&subject.0)))
    }
}

impl<S> Drop for Open<S> {
    fn drop(&mut self) {
        self.0.is_open.store(false, Ordering::Release);
    }
}

/// Whoever waits.
#[derive(Debug)]
pub struct Patience {
    until: Instant,
    helper: Option<Sender<Work>>,
}

impl Patience {
    /// One that waits for nobody yet.
    pub fn new() -> Self {
        Self { until: Instant::now(), helper: None }
    }

    /// A cycle begins, and ends at `until`.
    pub fn begin(&mut self, until: Instant) {
        self.until = until;
    }

    /// What is left of the cycle's time, at most `longest`.
    ///
    /// # Errors
    /// [`Fault::Skipped`] when nothing is.
    pub fn left(&self, longest: Duration) -> Result<Duration, Fault> {
        let left = self.until.saturating_duration_since(Instant::now()).min(longest);
        if left.is_zero() { Err(Fault::Skipped) } else { Ok(left) }
    }

    /// What `question` finds out about the subject, within `longest` and the cycle's time. The question is told until when it has.
    ///
    /// # Errors
    /// Those of the question; [`Fault::Late`], [`Fault::Hangs`], [`Fault::Skipped`]; [`Fault::Refused`] when there can be no helper.
    pub fn ask<S, R>(
        &mut self,
        subject: &Subject<S>,
        longest: Duration,
        question: impl FnOnce(&mut S, Instant) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault>
    where
        S: Send + 'static,
        R: Send + 'static,
    {
        let left = self.left(longest)?;
        let open = Open::begin(subject).ok_or(Fault::Hangs)?;
        if subject.0.state.is_poisoned() {
            return Err(Fault::Said("an earlier look failed for good".to_owned()));
        }
        let (answer, answers) = sync_channel(1);
        let until = Instant::now() + left;
        let work: Work = Box::new(move || {
            // Nobody else holds it: there is one open question at a time.
            let Ok(mut state) = open.0.state.lock() else { return };
            let found = question(&mut state, until);
            drop(state);
            drop(open);
            // Whoever asked may have gone on.
            let _ = answer.send(found);
        });
        let helper = match self.helper.take() {
            Some(helper) => helper,
            None => start().map_err(Fault::refused("a thread"))?,
        };
        if helper.send(work).is_err() {
            return Err(Fault::Said("the thread that looks has ended".to_owned()));
        }
        if let Ok(found) = answers.recv_timeout(left) {
            self.helper = Some(helper);
            found
        } else {
            Err(Fault::Late(left))
        }
    }
}

/// A helper that ends when nobody can ask it any more.
fn start() -> std::io::Result<Sender<Work>> {
    let (ask, asked) = channel::<Work>();
    std::thread::Builder::new().name("inspect".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        while let Ok(work) = asked.recv() {
            work();
        }
    })?;
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::wait_for;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(30);

    fn patience() -> Patience {
        let mut patience = Patience::new();
        patience.begin(Instant::now() + LONG);
        patience
    }

    #[test]
    fn a_subject_keeps_its_state_between_two_questions() {
        let (mut patience, subject) = (patience(), Subject::new(1));
        let mut next = || {
            patience.ask(&subject, LONG, |state, _| {
                *state += 1;
                Ok(*state)
            })
        };
        assert_eq!((next().unwrap(), next().unwrap()), (2, 3));
    }

    #[test]
    fn what_hangs_is_left_behind_and_asked_again_when_it_is_back() {
        let (mut patience, hanging, other) = (patience(), Subject::new(()), Subject::new(()));
        let (free, freed) = channel::<()>();
        let late = patience.ask(&hanging, SHORT, move |(), _| {
            let _ = freed.recv();
            Ok(1)
        });
        assert!(matches!(late, Err(Fault::Late(_))));
        assert!(matches!(patience.ask(&hanging, SHORT, |(), _| Ok(2)), Err(Fault::Hangs)));
        assert_eq!(patience.ask(&other, LONG, |(), _| Ok(3)).unwrap(), 3);
        drop(free);
        wait_for("the helper to come back", || !hanging.0.is_open.load(Ordering::Acquire));
        assert_eq!(patience.ask(&hanging, LONG, |(), _| Ok(4)).unwrap(), 4);
    }

    #[test]
    fn nothing_is_asked_when_the_cycle_is_over() {
        let mut patience = Patience::new();
        let subject = Subject::new(());
        assert!(matches!(patience.ask(&subject, LONG, |(), _| Ok(())), Err(Fault::Skipped)));
    }

    #[test]
    fn a_question_is_told_until_when_it_has() {
        let (mut patience, subject) = (patience(), Subject::new(()));
        let left = patience.ask(&subject, LONG / 2, |(), until| Ok(until - Instant::now())).unwrap();
        assert!(left <= LONG / 2 && left > LONG / 4, "{left:?}");
    }
}
