//! What the thread that measures and the thread that reports share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::stream::Settings;
use edgewatch_core::dialects::native::{HostFacts, ReportSettings};

use crate::backlog::Backlog;
use crate::probe::Board;
use crate::wake::Wake;

/// What the two threads share.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    finished: Condvar,
    wake: Wake,
}

/// What is measured and what the server wants.
#[derive(Debug)]
pub struct State {
    /// Everything not safe yet.
    pub backlog: Backlog,
    /// What the host is.
    pub facts: HostFacts,
    /// One more each time that is news.
    pub facts_version: u64,
    /// How the server wants reports.
    pub settings: ReportSettings,
    /// Until then every sample is reported at once.
    pub live_until: Option<Instant>,
    /// Until then samples are kept.
    pub hold_until: Option<Instant>,
    /// Seconds between two samples at present.
    pub period_s: u32,
    /// Seconds between two reports at present.
    pub frame_s: u32,
    /// A report is due.
    pub is_due: bool,
    /// The agent ends.
    pub is_stopping: bool,
    /// The sender has ended.
    pub is_finished: bool,
    /// What the server wants asked, and what came of it.
    pub probes: Arc<Board>,
}

impl State {
    /// Whether every sample is reported at once.
    pub fn is_live(&self, now: Instant) -> bool {
        self.live_until.is_some_and(|until| now < until)
    }

    /// Whether samples are kept.
    pub fn is_held(&self, now: Instant) -> bool {
        self.hold_until.is_some_and(|until| now < until)
    }

    /// What the hub wants from now on. Who begins to watch sees at once what there is.
    pub fn apply(&mut self, settings: &Settings, now: Instant) {
        let until = |seconds: u32| (seconds > 0).then(|| now + Duration::from_secs(seconds.into()));
        let was_live = self.is_live(now);
        self.settings = settings.report;
        self.live_until = until(settings.live_for_s);
        self.hold_until = until(settings.hold_for_s);
        self.is_due |= !was_live && self.is_live(now);
    }

    /// What the host is now; `is_news` where that is to be told at once, and not only when it is told anyway.
    pub fn say(&mut self, facts: HostFacts, is_news: bool) {
        self.facts = facts;
        self.facts_version += u64::from(is_news);
    }

    /// Nobody tells how long that still holds.
    pub fn forget_live_and_hold(&mut self) {
        (self.live_until, self.hold_until) = (None, None);
    }
}

impl Shared {
    /// The state before the first sample.
    ///
    /// # Errors
    /// When the process has too many files open.
    pub fn new(backlog: Backlog, facts: HostFacts, (period_s, frame_s): (u32, u32)) -> std::io::Result<Arc<Self>> {
        let state = State {
            backlog,
            facts,
            facts_version: 0,
            settings: ReportSettings::default(),
            live_until: None,
            hold_until: None,
            period_s,
            frame_s,
            is_due: false,
            is_stopping: false,
            is_finished: false,
            probes: Arc::new(Board::new()?),
        };
        Ok(Arc::new(Self { state: Mutex::new(state), finished: Condvar::new(), wake: Wake::new()? }))
    }

    /// The state, for as short a time as possible.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is up after the state changed, for the thread that reports.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Tells the thread that reports that the state changed.
    pub fn notify(&self) {
        self.wake.up();
    }

    /// The thread that reports has ended.
    pub fn finish(&self) {
        self.lock().is_finished = true;
        self.finished.notify_all();
    }

    /// Waits until the thread that reports has ended, at most `patience`. True when it has.
    pub fn wait_finished(&self, patience: Duration) -> bool {
        let waited = self.finished.wait_timeout_while(self.lock(), patience, |state| !state.is_finished);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_finished
    }

    /// Waits for the end, for `until`, or, unless the server is away, for a report to be due.
    pub fn wait(&self, until: Option<Instant>, is_away: bool) -> MutexGuard<'_, State> {
        loop {
            self.wake.down();
            let mut state = self.lock();
            let is_over = until.is_some_and(|until| until <= Instant::now());
            if state.is_stopping || (state.is_due && !is_away) || is_over {
                return state;
            }
            // The disk may be slow; what gathers is looked at with every sample.
            state.backlog.save_if_many(is_away);
            drop(state);
            self.wake.wait(None, until);
        }
    }
}
