//! Polls one instance: a thread of its own, and a second one for as long as a sweep takes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{
    EndpointPart, Instance, InstanceKind, Monitor, Poll, PollErrorKind, SectionName, Sections,
};

use super::client::Client;
use super::error::ApiError;
use super::lane::{MOST_KEPT_BYTES, Moment};
use super::outbox::{Outbox, State};
use super::permits::Permits;
use super::rows::Rows;
use super::ways::{Roots, Ways};
use super::{pbs, pve};
use crate::{clock, log};

/// A backup server changes little: it is asked so often, but as often as the others while somebody looks, or when it did not answer.
const RARELY: Duration = Duration::from_mins(1);
/// So often in a row credentials are refused before they are tried as rarely: some servers lock out who insists. Five are told as a failure
/// of the whole (pulse specification, 6.2).
const MOST_REFUSALS: u32 = 6;
/// A sweep takes so long at most, and goes on next time. Source: pulse specification, 17.1.
const SWEEP_BUDGET: Duration = Duration::from_mins(2);
/// One that did not come to its end is taken up again after this.
const SWEEP_AGAIN: Duration = Duration::from_mins(1);
/// Room for TLS and for reading an answer.
const STACK_BYTES: usize = 256 * 1024;

/// What all workers share.
#[derive(Clone)]
pub struct Around {
    /// Where everything goes.
    pub outbox: Arc<Outbox>,
    /// How many requests are under way.
    pub permits: Arc<Permits>,
    /// Whom to trust.
    pub roots: Roots,
    /// One sweep at a time: each may hold thousands of backups.
    pub sweeping: Arc<Mutex<()>>,
}

/// A running worker; it ends soon after it was dropped.
#[derive(Debug)]
pub struct Worker {
    is_over: Arc<AtomicBool>,
    outbox: Arc<Outbox>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.outbox.notify();
    }
}

impl Worker {
    /// Polls `instance` from now on.
    ///
    /// # Errors
    /// When the system has no room for a thread.
    pub fn start(instance: Instance, around: Around) -> std::io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let outbox = Arc::clone(&around.outbox);
        let polling = Polling {
            sweep: Arc::new(Mutex::new(match instance.kind {
                InstanceKind::Pve => Sweep::Pve(pve::Sweep::default()),
                InstanceKind::Pbs => Sweep::Pbs(pbs::Sweep::default()),
            })),
            memory: match instance.kind {
                InstanceKind::Pve => Memory::Pve(pve::Memory::default()),
                InstanceKind::Pbs => Memory::Pbs(pbs::Memory::default()),
            },
            sweep_due: Arc::new(Mutex::new(None)),
            learned: None,
            refusals: 0,
            trouble: None,
            is_over: Arc::clone(&is_over),
            instance,
            around,
        };
        let thread = thread::Builder::new().name("proxmox".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || polling.run())?;
        Ok(Self { is_over, outbox })
    }
}

enum Memory {
    Pve(pve::Memory),
    Pbs(pbs::Memory),
}

enum Sweep {
    Pve(pve::Sweep),
    Pbs(pbs::Sweep),
}

struct Polling {
    instance: Instance,
    around: Around,
    memory: Memory,
    sweep: Arc<Mutex<Sweep>>,
    /// When the next sweep is due; `None` before the first.
    sweep_due: Arc<Mutex<Option<Instant>>>,
    /// When what changes rarely of a backup server was learned.
    learned: Option<Instant>,
    /// How often in a row the credentials were refused.
    refusals: u32,
    /// Why it cannot be polled; told when it changes.
    trouble: Option<String>,
    is_over: Arc<AtomicBool>,
}

impl Polling {
    /// Whether it is polled no more.
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn run(mut self) {
        let mut ways = Ways::new(self.instance.clone(), Arc::clone(&self.around.permits), &self.around.roots);
        while !self.is_over() && !self.around.outbox.lock().is_stopping {
            let begun = Instant::now();
            let result = match &mut ways {
                Ok(ways) => self.poll(ways),
                Err(error) => Err(error.clone()),
            };
            let is_ok = result.is_ok();
            let is_refused = result.as_ref().is_err_and(|error| error.kind == PollErrorKind::Auth);
            self.refusals = if is_refused { self.refusals.saturating_add(1) } else { 0 };
            let took = begun.elapsed();
            let every = self.every(is_ok);
            self.tell(result, took, every, ways.as_ref().ok());
            if is_ok && let Ok(ways) = &ways {
                self.offer_census(ways, begun + every);
                self.sweep_if_due(ways);
            }
            self.rest(begun, is_ok);
        }
    }

    /// Waits for the next poll. Another rhythm, and somebody who begins to look, count from the poll before.
    fn rest(&self, begun: Instant, is_ok: bool) {
        let ended = Instant::now();
        loop {
            let every = self.every(is_ok);
            // Late ones are not made up for.
            let next = (begun + every).max(ended + every / 4);
            let is_other = |state: &State| self.every_of(state, is_ok) != every;
            self.around.outbox.wait(next, |state| state.is_stopping || self.is_over() || is_other(state));
            if Instant::now() >= next || self.is_over() || self.around.outbox.lock().is_stopping {
                return;
            }
        }
    }

    /// From one poll to the next.
    fn every(&self, is_ok: bool) -> Duration {
        self.every_of(&self.around.outbox.lock(), is_ok)
    }

    fn every_of(&self, state: &State, is_ok: bool) -> Duration {
        let every = Duration::from_secs(state.pace.poll_s);
        let is_slow = self.instance.kind == InstanceKind::Pbs && is_ok && !state.is_watched(Instant::now());
        let is_hopeless = self.refusals >= MOST_REFUSALS;
        if is_slow || is_hopeless { every.max(RARELY) } else { every }
    }

    fn poll(&mut self, ways: &mut Ways) -> Result<Poll, ApiError> {
        let monitor: Monitor = self.instance.monitor;
        match &mut self.memory {
            Memory::Pve(memory) => {
                let endpoints: Vec<EndpointPart> = memory.endpoints().to_vec();
                ways.ask(&endpoints, &mut |client| pve::look(client, &monitor, memory))
            }
            Memory::Pbs(memory) => {
                let poll = ways.ask(&[], &mut |client| pbs::look(client, &monitor, memory))?;
                let sweep_s = self.around.outbox.lock().pace.sweep_s;
                if self.learned.is_none_or(|learned| learned.elapsed() >= Duration::from_secs(sweep_s)) {
                    self.learned = Some(Instant::now());
                    pbs::learn(&ways.current(), &monitor, memory);
                }
                Ok(poll)
            }
        }
    }

    fn tell(&mut self, result: Result<Poll, ApiError>, took: Duration, every: Duration, ways: Option<&Ways>) {
        let name = &self.instance.name;
        let trouble = result.as_ref().err().map(ToString::to_string);
        match (&trouble, &self.trouble) {
            (Some(error), before) if before.as_ref() != Some(error) => {
                log::warn(format_args!("Proxmox {name} ({}): {error}", self.instance.host));
            }
            (None, Some(_)) => log::info(format_args!("Proxmox {name} answers again")),
            _ => {}
        }
        self.trouble = trouble;
        let mut poll = result.unwrap_or_else(|error| Poll { error: Some(error.told()), ..Poll::default() });
        (poll.calls, poll.failed) = ways.map(|ways| ways.current().counted()).unwrap_or_default();
        poll.at_ms = clock::now_ms();
        poll.took_ms = took.as_millis().try_into().unwrap_or(u64::MAX);
        let mut state = self.around.outbox.lock();
        // One that is polled no more has nothing to tell.
        if self.is_over() {
            return;
        }
        if poll.error.is_none() {
            state.reached.insert(self.instance.host.clone());
        } else {
            state.reached.remove(&self.instance.host);
        }
        let moment = Moment {
            next_ms: every.as_millis().try_into().unwrap_or(i64::MAX / 2),
            is_watched: state.is_watched(Instant::now()),
            now_ms: poll.at_ms,
            room: MOST_KEPT_BYTES / state.lanes.len().max(1),
        };
        state.lanes.entry(self.instance.id.clone()).or_default().add(&self.instance.id, poll, moment);
        drop(state);
        self.around.outbox.wake().up();
    }

    fn offer_census(&self, ways: &Ways, until: Instant) {
        let mut rows = Rows::default();
        let census = match &self.memory {
            Memory::Pve(memory) => memory.census(&ways.current().place().url()),
            Memory::Pbs(memory) => memory.census(),
        };
        for row in &census {
            rows.push(row);
        }
        drop(census);
        // What does not go out now goes out after the next poll.
        if self.around.outbox.lock().is_connected {
            self.around.outbox.offer(rows.pack(&self.instance.id, SectionName::Census), until);
        }
    }

    /// Begins a sweep, when one is due and nothing hinders.
    fn sweep_if_due(&mut self, ways: &Ways) {
        let wants_backups = self.instance.kind == InstanceKind::Pbs || self.instance.monitor.backups;
        let now = Instant::now();
        let is_due = {
            let due = self.sweep_due.lock().unwrap_or_else(PoisonError::into_inner);
            due.is_none_or(|due| due <= now)
        };
        let mut state = self.around.outbox.lock();
        let (is_connected, sweep_s) = (state.is_connected, state.pace.sweep_s);
        let is_wanted = is_connected && state.unknown.remove(&self.instance.id);
        drop(state);
        if !is_connected || !(is_due || is_wanted) {
            return;
        }
        if !wants_backups {
            *self.sweep_due.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + Duration::from_secs(sweep_s));
            let names = Sections { instance: self.instance.id.clone(), names: vec![SectionName::Census] };
            return self.around.outbox.tell_names(names);
        }
        if !self.prepare() {
            return;
        }
        *self.sweep_due.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(now + Duration::from_secs(sweep_s).max(SWEEP_BUDGET));
        let sweeping = Sweeping {
            id: self.instance.id.clone(),
            name: self.instance.name.clone(),
            client: ways.current(),
            sweep: Arc::clone(&self.sweep),
            due: Arc::clone(&self.sweep_due),
            is_over: Arc::clone(&self.is_over),
            around: self.around.clone(),
            next: Duration::from_secs(sweep_s),
        };
        let thread = thread::Builder::new().name("sweep".to_owned()).stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(move || sweeping.run()) {
            log::warn(format_args!("cannot start a thread: {error}"));
        }
    }

    /// Hands the last poll over to the sweep; false while one is under way.
    fn prepare(&self) -> bool {
        let mut sweep = match self.sweep.try_lock() {
            Ok(sweep) => sweep,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        match (&mut *sweep, &self.memory) {
            (Sweep::Pve(sweep), Memory::Pve(memory)) => {
                sweep.online = memory.online().to_vec();
                sweep.offline = memory.offline().map(str::to_owned).collect();
                sweep.guests = memory.guests().filter(|guest| !guest.template).cloned().collect();
                sweep.storages = memory.storages().cloned().collect();
                sweep.disks = memory.disks();
            }
            (Sweep::Pbs(sweep), Memory::Pbs(memory)) => sweep.datastores = memory.datastores().to_vec(),
            _ => {}
        }
        true
    }
}

/// One sweep.
struct Sweeping {
    id: String,
    name: String,
    client: Arc<Client>,
    sweep: Arc<Mutex<Sweep>>,
    due: Arc<Mutex<Option<Instant>>>,
    is_over: Arc<AtomicBool>,
    around: Around,
    next: Duration,
}

impl Sweeping {
    fn run(self) {
        let _alone = self.around.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let until = begun + SWEEP_BUDGET;
        let have: BTreeSet<SectionName> = {
            let state = self.around.outbox.lock();
            state.have.get(&self.id).into_iter().flat_map(|have| have.keys().cloned()).collect()
        };
        let mut given = BTreeSet::from([SectionName::Census]);
        let outbox = &self.around.outbox;
        let mut give = |name: SectionName, rows: Rows| {
            if self.is_over.load(Ordering::Acquire) {
                return false;
            }
            if rows.is_empty() {
                return true;
            }
            given.insert(name.clone());
            outbox.offer(rows.pack(&self.id, name), until)
        };
        let mut sweep = self.sweep.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_whole, kept) = match &mut *sweep {
            Sweep::Pve(sweep) => {
                let swept = pve::sweep(&self.client, sweep, until, &mut give);
                (swept.is_whole, swept.kept)
            }
            Sweep::Pbs(sweep) => {
                sweep.forget(|name| have.contains(name));
                let mut swept = pbs::sweep(&self.client, sweep, until, &mut give);
                let is_silent = |name: &SectionName| matches!(name, SectionName::Pbs { datastore, .. } if swept.silent.contains(datastore));
                swept.kept.extend(have.iter().filter(|name| is_silent(name)).cloned().collect::<Vec<_>>());
                (swept.is_whole, swept.kept)
            }
        };
        drop(sweep);
        let wait = if is_whole { self.next } else { SWEEP_AGAIN };
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + wait);
        log::debug(format_args!(
            "Proxmox {}: {} sections in {} ms{}",
            self.name,
            given.len(),
            begun.elapsed().as_millis(),
            if is_whole { "" } else { ", not all of them" },
        ));
        if is_whole && !self.is_over.load(Ordering::Acquire) {
            given.extend(kept.into_iter().filter(|name| have.contains(name)));
            self.around.outbox.tell_names(Sections { instance: self.id, names: given.into_iter().collect() });
        }
    }
}
