//! Reports by POST: asks, sends, and says how long to wait before the next try.

use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::{ReportReply, ReportRequest};

use crate::backlog::Settled;
use crate::clock;
use crate::log;
use crate::push::backoff::{self, Backoff};
use crate::push::{PushError, Pusher};
use crate::record::Record;
use crate::shared::{Shared, State};

/// How often facts are sent although they did not change: rarely, for a message costs and the server keeps them.
pub const FACTS_EVERY: Duration = Duration::from_hours(6);
/// Between two reports of a backlog: half of this at least.
const PAUSE: Duration = Duration::from_secs(1);
/// A secret that is not accepted is tried again after this.
pub const UNAUTHORIZED_WAIT: Duration = Duration::from_hours(1);
/// So many times in a row a report may go without an answer before it is made smaller.
const MOST_UNANSWERED: u32 = 3;

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
    /// What is told to people.
    pub record: Record,
    backoff: Backoff,
    /// Samples per report at present: fewer after a report was refused, or went without an answer again and again.
    most: usize,
    /// Reports of several samples in a row that got no answer, since the last one was made smaller.
    unanswered: u32,
    /// Which version of the facts the last report with some had, the one that the server took and when, and the one that it refuses.
    told_facts: u64,
    sent_facts: Option<(u64, Instant)>,
    refused_facts: Option<u64>,
    resends: u32,
    is_unauthorized: bool,
}

impl Sender {
    /// A sender that has sent nothing yet.
    pub fn new(pusher: Pusher, record: Record) -> Self {
        Self {
            pusher,
            record,
            backoff: Backoff::default(),
            most: ReportRequest::MAX_SAMPLES,
            unanswered: 0,
            told_facts: 0,
            sent_facts: None,
            refused_facts: None,
            resends: 0,
            is_unauthorized: false,
        }
    }

    /// Sends one report, or asks where the numbering stands, and says what to do next.
    pub fn attempt(&mut self, shared: &Shared) -> Next {
        let mut state = shared.lock();
        let is_asking = !state.backlog.is_confirmed();
        if !is_asking && state.backlog.drop_outdated(clock::now_ms()) {
            self.record.tell_outdated();
        }
        if is_asking || state.backlog.has_unsent() {
            let (report, is_all) = self.compose(&mut state, is_asking);
            drop(state);
            let result = self.pusher.push(&report, clock::now_s());
            let mut state = shared.lock();
            let next = match result {
                Ok(reply) => self.taken(&mut state, &report, &reply, is_all),
                Err(error) => self.failed(&mut state, &report, &error),
            };
            self.record.note_status(&state.backlog, false);
            next
        } else {
            state.is_due = false;
            Next::Idle
        }
    }

    /// Whether the last attempt failed.
    pub fn is_away(&self) -> bool {
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
            self.sent_facts.is_some_and(|(sent, at)| sent == state.facts_version && at.elapsed() < FACTS_EVERY);
        let is_refused = self.refused_facts == Some(state.facts_version);
        self.told_facts = state.facts_version;
        let report = ReportRequest {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            sent_at_ms: clock::now_ms(),
            oldest,
            dropped_samples: self.record.dropped(&state.backlog),
            period_s: f64::from(state.period_s),
            frame_s: Some(f64::from(state.frame_s)),
            probes_version: (!state.probes.is_off()).then(|| state.probes.version()),
            // A question changes nothing at the server: facts go with samples.
            host: (!is_sent && !is_refused && !is_asking).then(|| state.facts.clone()),
            samples,
        };
        (report, is_all)
    }

    fn taken(&mut self, state: &mut State, report: &ReportRequest, reply: &ReportReply, is_all: bool) -> Next {
        if self.is_away() {
            log::info(format_args!("the server takes reports again"));
        }
        self.backoff.reset();
        self.unanswered = 0;
        self.is_unauthorized = false;
        self.record.answered(reply.time_ms, reply.settings.frame_s);
        self.record.tell_dropped(&reply.dropped);
        state.settings = reply.settings;
        if let Some(list) = &reply.probes {
            state.probes.set(list.clone());
        }
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
        if is_all {
            self.record.everything_is_sent();
        }
        self.most = (self.most * 2).min(ReportRequest::MAX_SAMPLES);
        if report.host.is_some() {
            self.sent_facts = Some((self.told_facts, Instant::now()));
        }
        if is_all { Next::Idle } else { Next::After(pause()) }
    }

    fn failed(&mut self, state: &mut State, report: &ReportRequest, error: &PushError) -> Next {
        self.count_unanswered(report.samples.len(), error);
        match error {
            PushError::Away { retry_after, reason, .. } => {
                self.record.failed(reason);
                let wait = self.backoff.next(*retry_after, clock::random());
                state.backlog.save();
                Next::After(wait)
            }
            PushError::Unauthorized => {
                self.record.status.set_failed(&error.to_string());
                if !std::mem::replace(&mut self.is_unauthorized, true) {
                    log::error(format_args!(
                        "{error}; run `edgewatch-agent register` again and restart the agent. Trying once an hour"
                    ));
                }
                state.backlog.save();
                Next::After(UNAUTHORIZED_WAIT + backoff::part(PAUSE * 60, clock::random()))
            }
            PushError::Refused { status, reason } => {
                self.record.status.set_failed(&error.to_string());
                self.refused(state, report, *status, reason)
            }
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
            (Some(_), _) => {
                log::warn(format_args!(
                    "the server refuses the host's facts (status {status}: {reason}); they are left out"
                ));
                self.refused_facts = Some(self.told_facts);
            }
            (None, [sample]) => {
                log::warn(format_args!(
                    "the server refuses sample {} (status {status}: {reason}); it is dropped",
                    sample.number
                ));
                state.backlog.remove(sample.number);
                self.record.refused_samples += 1;
                // Facts that were suspected together with it have another chance.
                self.refused_facts = None;
            }
            (None, []) => {
                if self.record.status.is_newly_failing() {
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
}

fn pause() -> Duration {
    PAUSE / 2 + backoff::part(PAUSE / 2, clock::random())
}

#[cfg(test)]
mod tests;
