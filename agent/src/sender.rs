//! The thread that reports: asks, sends, waits and tries again, so that a slow server never delays a measurement.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::{HostFacts, ReportReply, ReportRequest, ReportSettings};

use crate::backlog::{Backlog, Settled};
use crate::clock;
use crate::log;
use crate::push::backoff::{self, Backoff};
use crate::push::{PushError, Pusher};
use crate::status::{Status, StatusFile};

/// How often facts are sent although they did not change.
const FACTS_EVERY: Duration = Duration::from_mins(10);
/// Between two reports of a backlog: half of this at least.
const PAUSE: Duration = Duration::from_secs(1);
/// A secret that is not accepted is tried again after this.
const UNAUTHORIZED_WAIT: Duration = Duration::from_hours(1);
/// A clock further off than this is worth a line.
const NOTABLE_SKEW_MS: i64 = 60_000;
/// So many times in a row a report may go without an answer before it is made smaller.
const MOST_UNANSWERED: u32 = 3;

/// What the two threads share.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// What is measured and what the server wants.
#[derive(Debug)]
pub struct State {
    /// Everything not safe yet.
    pub backlog: Backlog,
    /// What the host is.
    pub facts: HostFacts,
    /// How the server wants reports.
    pub settings: ReportSettings,
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
}

impl Shared {
    /// The state before the first sample.
    pub fn new(backlog: Backlog, facts: HostFacts, (period_s, frame_s): (u32, u32)) -> Arc<Self> {
        let settings = ReportSettings::default();
        let state = State {
            backlog,
            facts,
            settings,
            period_s,
            frame_s,
            is_due: false,
            is_stopping: false,
            is_finished: false,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// The state, for as short a time as possible.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the other thread that the state changed.
    pub fn notify(&self) {
        self.changed.notify_all();
    }

    /// Waits until the sender has ended, at most `patience`. True when it has.
    pub fn wait_finished(&self, patience: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |state| !state.is_finished);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_finished
    }

    /// Waits for a report to be due, for `until`, or for the end.
    fn wait(&self, until: Option<Instant>, is_waiting: bool) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if state.is_stopping || (state.is_due && !is_waiting) || left.is_some_and(|left| left.is_zero()) {
                return state;
            }
            // The disk may be slow; what gathers while the server is away is looked at with every sample.
            if is_waiting {
                state.backlog.save_if_many();
            }
            let patience = left.unwrap_or(FACTS_EVERY);
            state = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing until a report is due.
    Idle,
    /// Go on after this wait.
    After(Duration),
}

/// Sends what gathers.
#[derive(Debug)]
pub struct Sender {
    pusher: Pusher,
    status: StatusFile,
    backoff: Backoff,
    /// Samples per report at present: fewer after a report was refused, or went without an answer again and again.
    most: usize,
    /// Reports of several samples in a row that got no answer, since the last one was made smaller.
    unanswered: u32,
    sent_facts: Option<(HostFacts, Instant)>,
    refused_facts: Option<HostFacts>,
    refused_samples: u64,
    resends: u32,
    is_unauthorized: bool,
    complained: Vec<String>,
    is_skew_told: bool,
    is_outdated_told: bool,
}

impl Sender {
    /// A sender that has sent nothing yet.
    pub fn new(pusher: Pusher, status: StatusFile) -> Self {
        Self {
            pusher,
            status,
            backoff: Backoff::default(),
            most: ReportRequest::MAX_SAMPLES,
            unanswered: 0,
            sent_facts: None,
            refused_facts: None,
            refused_samples: 0,
            resends: 0,
            is_unauthorized: false,
            complained: Vec::new(),
            is_skew_told: false,
            is_outdated_told: false,
        }
    }

    /// Sends until the agent ends, then tries once more and leaves the rest on the disk.
    pub fn run(mut self, shared: &Shared) {
        let mut next = Next::After(Duration::ZERO);
        loop {
            let until = match next {
                Next::Idle => None,
                Next::After(wait) => Some(Instant::now() + wait),
            };
            let is_stopping = shared.wait(until, until.is_some()).is_stopping;
            if is_stopping {
                break;
            }
            next = self.attempt(shared);
        }
        if !self.is_away() {
            self.attempt(shared);
        }
        let mut state = shared.lock();
        state.backlog.close();
        self.note_status(&state.backlog, true);
        state.is_finished = true;
        drop(state);
        shared.notify();
    }

    /// Sends one report, or asks where the numbering stands, and says what to do next.
    pub fn attempt(&mut self, shared: &Shared) -> Next {
        let mut state = shared.lock();
        let is_asking = !state.backlog.is_confirmed();
        if !is_asking && state.backlog.drop_outdated(clock::now_ms()) {
            self.tell_outdated();
        }
        if is_asking || state.backlog.has_unsent() {
            let (report, is_all) = self.compose(&mut state, is_asking);
            drop(state);
            let result = self.pusher.push(&report, clock::now_s());
            let mut state = shared.lock();
            let next = match result {
                Ok(reply) => self.taken(&mut state, report, &reply, is_all),
                Err(error) => self.failed(&mut state, &report, error),
            };
            self.note_status(&state.backlog, false);
            next
        } else {
            state.is_due = false;
            Next::Idle
        }
    }

    fn is_away(&self) -> bool {
        self.is_unauthorized || self.backoff.is_waiting()
    }

    fn compose(&mut self, state: &mut State, is_asking: bool) -> (ReportRequest, bool) {
        let (oldest, samples) = if is_asking {
            (state.backlog.oldest(), Vec::new())
        } else {
            state.is_due = false;
            let batch = state.backlog.batch(self.most);
            (batch.oldest, batch.samples)
        };
        let is_all = is_asking || samples.len() < self.most;
        let is_sent =
            self.sent_facts.as_ref().is_some_and(|(sent, at)| *sent == state.facts && at.elapsed() < FACTS_EVERY);
        let is_refused = self.refused_facts.as_ref() == Some(&state.facts);
        let report = ReportRequest {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            sent_at_ms: clock::now_ms(),
            oldest,
            dropped_samples: state.backlog.dropped() + self.refused_samples,
            period_s: f64::from(state.period_s),
            frame_s: Some(f64::from(state.frame_s)),
            // A question changes nothing at the server: facts go with samples.
            host: (!is_sent && !is_refused && !is_asking).then(|| state.facts.clone()),
            samples,
        };
        (report, is_all)
    }

    fn taken(&mut self, state: &mut State, report: ReportRequest, reply: &ReportReply, is_all: bool) -> Next {
        if self.is_away() {
            log::info(format_args!("the server takes reports again"));
        }
        self.backoff.reset();
        self.unanswered = 0;
        self.is_unauthorized = false;
        let skew_ms = reply.time_ms.saturating_sub(clock::now_ms());
        self.status.set_answered(clock::now_s(), skew_ms, reply.settings.frame_s);
        self.tell_skew(skew_ms);
        self.tell_dropped(reply);
        state.settings = reply.settings;
        let settled = state.backlog.settle(reply, report.samples.last().map(|sample| sample.number));
        if settled == Settled::Resend {
            self.resends += 1;
            log::debug(format_args!("the server wants samples from {} on", reply.resend_from.unwrap_or_default()));
            // Once is ordinary; a server that never gets what it wants is not asked without end.
            return Next::After(if self.resends < 3 {
                Duration::ZERO
            } else {
                self.backoff.next(None, clock::random())
            });
        }
        self.resends = 0;
        self.is_outdated_told &= !is_all;
        self.most = (self.most * 2).min(ReportRequest::MAX_SAMPLES);
        if let Some(facts) = report.host {
            self.sent_facts = Some((facts, Instant::now()));
        }
        if is_all { Next::Idle } else { Next::After(pause()) }
    }

    fn failed(&mut self, state: &mut State, report: &ReportRequest, error: PushError) -> Next {
        self.status.set_failed(&error.to_string());
        self.count_unanswered(report.samples.len(), &error);
        match error {
            PushError::Away { retry_after, ref reason, .. } => {
                let wait = self.backoff.next(retry_after, clock::random());
                if self.status.is_newly_failing() {
                    log::warn(format_args!("{reason}; trying again, samples are kept"));
                } else {
                    log::debug(format_args!("{reason}; trying again in {} s", wait.as_secs()));
                }
                state.backlog.save();
                Next::After(wait)
            }
            PushError::Unauthorized => {
                if !std::mem::replace(&mut self.is_unauthorized, true) {
                    log::error(format_args!(
                        "{error}; run `edgewatch-agent register` again and restart the agent. Trying once an hour"
                    ));
                }
                state.backlog.save();
                Next::After(UNAUTHORIZED_WAIT + backoff::part(PAUSE * 60, clock::random()))
            }
            PushError::Refused { status, reason } => self.refused(state, report, status, &reason),
        }
    }

    /// A report that goes without an answer again and again may be more than the server can work off in one go: it is made
    /// smaller. Whatever else the server says shows that it is able to answer.
    fn count_unanswered(&mut self, samples: usize, error: &PushError) {
        if !matches!(error, PushError::Away { may_be_too_much: true, .. }) {
            self.unanswered = 0;
        } else if samples > 1 {
            self.unanswered += 1;
            if self.unanswered >= MOST_UNANSWERED {
                (self.unanswered, self.most) = (0, samples / 2);
                log::debug(format_args!("reports go without an answer; at most {} samples in the next", self.most));
            }
        }
    }

    /// A report that the server will never take is made smaller until the part at fault is found, and that is left out.
    fn refused(&mut self, state: &mut State, report: &ReportRequest, status: u16, reason: &str) -> Next {
        match (&report.host, report.samples.as_slice()) {
            (_, [_, _, ..]) => self.most = report.samples.len() / 2,
            (Some(facts), _) => {
                log::warn(format_args!(
                    "the server refuses the host's facts (status {status}: {reason}); they are left out"
                ));
                self.refused_facts = Some(facts.clone());
            }
            (None, [sample]) => {
                log::warn(format_args!(
                    "the server refuses sample {} (status {status}: {reason}); it is dropped",
                    sample.number
                ));
                state.backlog.remove(sample.number);
                self.refused_samples += 1;
                // Facts that were suspected together with it have another chance.
                self.refused_facts = None;
            }
            (None, []) => {
                if self.status.is_newly_failing() {
                    log::warn(format_args!(
                        "the server refuses an empty report (status {status}: {reason}); trying again"
                    ));
                }
                state.backlog.save();
                return Next::After(self.backoff.next(None, clock::random()));
            }
        }
        Next::After(pause())
    }

    fn tell_skew(&mut self, skew_ms: i64) {
        let is_notable = skew_ms.abs() > NOTABLE_SKEW_MS;
        if is_notable && !self.is_skew_told {
            log::warn(format_args!("this host's clock is {} s off the server's", -skew_ms / 1000));
        }
        self.is_skew_told = is_notable;
    }

    /// Once from the first sample that is too old until everything is sent.
    fn tell_outdated(&mut self) {
        if !std::mem::replace(&mut self.is_outdated_told, true) {
            log::warn(format_args!("samples older than 24 hours could not be sent in time; they are dropped"));
        }
    }

    fn tell_dropped(&mut self, reply: &ReportReply) {
        for dropped in &reply.dropped {
            let is_new = !self.complained.contains(&dropped.field);
            if is_new && self.complained.len() < 32 {
                log::warn(format_args!("the server left out {}: {}", dropped.field, dropped.reason));
                self.complained.push(dropped.field.clone());
            }
        }
    }

    fn note_status(&mut self, backlog: &Backlog, is_last: bool) {
        let status = Status {
            durable_up_to: backlog.durable_up_to(),
            held_samples: backlog.held(),
            dropped_samples: backlog.dropped() + self.refused_samples,
            is_stopped: is_last,
            ..Status::default()
        };
        self.status.write(&status, is_last);
    }
}

fn pause() -> Duration {
    PAUSE / 2 + backoff::part(PAUSE / 2, clock::random())
}

#[cfg(test)]
mod tests;
