//! What waits to be said to the edge, and what the edge has said: between the threads that poll and the one that speaks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{Done, SectionName, Sections, Welcome};

use super::lane::Lane;
use super::rows::Packed;
use crate::wake::Wake;

/// Sections that wait take so much at most; who has more of them waits too.
const MOST_WAITING_BYTES: usize = 1 << 20;
/// Nobody polls more often, whatever the edge asks for. Source: pulse specification, 9.6.
const POLL_S: std::ops::RangeInclusive<u64> = 1..=3_600;
const SWEEP_S: std::ops::RangeInclusive<u64> = 60..=86_400;

/// How often is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Seconds between two polls.
    pub poll_s: u64,
    /// Seconds between two sweeps.
    pub sweep_s: u64,
}

impl Pace {
    /// As the edge wants it, within reason; 0 stands for the usual.
    pub fn of(poll_s: u64, sweep_s: u64) -> Self {
        let or = |asked: u64, usual: u64| if asked == 0 { usual } else { asked };
        Self {
            poll_s: or(poll_s, Welcome::POLL_S).clamp(*POLL_S.start(), *POLL_S.end()),
            sweep_s: or(sweep_s, Welcome::SWEEP_S).clamp(*SWEEP_S.start(), *SWEEP_S.end()),
        }
    }
}

/// What goes out beside frames.
#[derive(Debug)]
pub enum Item {
    /// A section, whole.
    Section(Packed),
    /// The names of all sections of an instance.
    Names(Sections),
    /// A job's result.
    Done(Done),
}

/// What the threads share.
#[derive(Debug)]
pub struct State {
    /// By instance.
    pub lanes: BTreeMap<String, Lane>,
    /// Oldest first.
    pub items: VecDeque<Item>,
    /// By instance: the hash of each section that the edge has, or that is on its way.
    pub have: BTreeMap<String, BTreeMap<SectionName, String>>,
    /// Instances of which the edge has no section at all: they are swept through before it is time.
    pub unknown: BTreeSet<String>,
    /// Hosts (URLs) whose last poll came to something.
    pub reached: BTreeSet<String>,
    /// Whether the edge listens.
    pub is_connected: bool,
    /// Until then each poll is sent at once.
    pub watched_until: Option<Instant>,
    /// How often is polled.
    pub pace: Pace,
    /// Whether the agent ends.
    pub is_stopping: bool,
}

/// The lock, and how to wait.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    wake: Wake,
}

impl Outbox {
    /// An empty one.
    ///
    /// # Errors
    /// When the process has too many files open.
    pub fn new() -> io::Result<Self> {
        let state = State {
            lanes: BTreeMap::new(),
            items: VecDeque::new(),
            have: BTreeMap::new(),
            unknown: BTreeSet::new(),
            reached: BTreeSet::new(),
            is_connected: false,
            watched_until: None,
            pace: Pace::of(0, 0),
            is_stopping: false,
        };
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), wake: Wake::new()? })
    }

    /// The state; whoever changes it for others calls [`Outbox::notify`].
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up when there is something to say.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Wakes everybody.
    pub fn notify(&self) {
        self.changed.notify_all();
        self.wake.up();
    }

    /// Waits until then, or until `is_enough`.
    pub fn wait(&self, until: Instant, is_enough: impl Fn(&State) -> bool) {
        let mut state = self.lock();
        while !is_enough(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Offers a section to the edge: it goes out unless the edge has it. Waits while too much waits already; false when that took until
    /// `until`.
    pub fn offer(&self, section: Packed, until: Instant) -> bool {
        let mut state = self.lock();
        loop {
            let have = state.have.entry(section.instance.clone()).or_default();
            if have.get(&section.name) == Some(&section.hash) {
                return true;
            }
            let is_room = state.is_connected && state.waiting_bytes() < MOST_WAITING_BYTES;
            if is_room {
                let have = state.have.entry(section.instance.clone()).or_default();
                have.insert(section.name.clone(), section.hash.clone());
                // An older one of the same name that still waits is of no use.
                state.items.retain(|item| !matches!(item, Item::Section(other) if other.is_before(&section)));
                state.items.push_back(Item::Section(section));
                drop(state);
                self.wake.up();
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_stopping {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left.min(Duration::from_secs(1)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Tells the names of all sections of an instance; the edge forgets the others, and so do we.
    pub fn tell_names(&self, names: Sections) {
        let mut state = self.lock();
        if let Some(have) = state.have.get_mut(&names.instance) {
            have.retain(|name, _| names.names.contains(name));
        }
        state.items.push_back(Item::Names(names));
        drop(state);
        self.wake.up();
    }

    /// Hands over a job's result.
    pub fn finish(&self, done: Done) {
        let mut state = self.lock();
        // An answer that nobody could take for so long is of no use any more.
        if state.is_connected {
            state.items.push_back(Item::Done(done));
        }
        drop(state);
        self.wake.up();
    }
}

impl State {
    fn waiting_bytes(&self) -> usize {
        let bytes = |item: &Item| match item {
            Item::Section(section) => section.parts.iter().map(String::len).sum(),
            _ => 0,
        };
        self.items.iter().map(bytes).sum()
    }

    /// Whether somebody looks.
    pub fn is_watched(&self, now: Instant) -> bool {
        self.watched_until.is_some_and(|until| now < until)
    }

    /// A welcome: what the edge has is what it says.
    pub fn begin(&mut self, welcome: &Welcome) {
        self.have.clear();
        for (instance, sections) in &welcome.have {
            let sections = sections.iter().map(|(name, hash)| (SectionName::parse(name), hash.clone()));
            self.have.insert(instance.clone(), sections.collect());
        }
        let has_any = |id: &String| self.have.get(id).is_some_and(|have| !have.is_empty());
        self.unknown = welcome.instances.iter().map(|instance| instance.id.clone()).filter(|id| !has_any(id)).collect();
        self.lanes.retain(|instance, _| welcome.instances.iter().any(|known| known.id == *instance));
        let have = &self.have;
        let has = |section: &Packed| {
            have.get(&section.instance).and_then(|have| have.get(&section.name)) == Some(&section.hash)
        };
        self.items.retain(|item| match item {
            Item::Section(section) => !has(section),
            Item::Names(_) => true,
            // Nobody waits for it on another connection.
            Item::Done(_) => self.is_connected,
        });
        // What still waits is on its way again.
        let waiting: Vec<(String, SectionName, String)> = self
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Section(Packed { instance, name, hash, .. }) => {
                    Some((instance.clone(), name.clone(), hash.clone()))
                }
                _ => None,
            })
            .collect();
        for (instance, name, hash) in waiting {
            self.have.entry(instance).or_default().insert(name, hash);
        }
        self.is_connected = true;
    }
}

impl Packed {
    fn is_before(&self, newer: &Self) -> bool {
        self.instance == newer.instance && self.name == newer.name
    }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::{JobResult, Welcome};

    use super::*;

    fn packed(hash: &str, bytes: usize) -> Packed {
        Packed {
            instance: "i".to_owned(),
            name: SectionName::Census,
            hash: hash.to_owned(),
            parts: vec!["x".repeat(bytes)],
        }
    }

    fn connected(have: &[(&str, &str)]) -> Outbox {
        let outbox = Outbox::new().unwrap();
        let have = have.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
        let welcome = Welcome { have: [("i".to_owned(), have)].into(), ..Welcome::default() };
        outbox.lock().begin(&welcome);
        outbox
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    #[test]
    fn a_section_that_the_edge_has_is_not_sent() {
        let outbox = connected(&[("census", "a")]);
        assert!(outbox.offer(packed("a", 1), soon()));
        assert!(outbox.lock().items.is_empty());
        assert!(outbox.offer(packed("b", 1), soon()) && outbox.offer(packed("b", 1), soon()));
        assert_eq!(outbox.lock().items.len(), 1);
        assert!(outbox.offer(packed("c", 1), soon()));
        assert_eq!(outbox.lock().items.len(), 1, "the older one of the same name is of no use");
    }

    #[test]
    fn who_has_much_waits_for_the_edge() {
        let outbox = connected(&[]);
        assert!(outbox.offer(packed("a", MOST_WAITING_BYTES), soon()));
        let other = Packed { name: SectionName::Snapshots { bucket: 1 }, ..packed("b", 1) };
        assert!(!outbox.offer(other.clone(), soon()));
        outbox.lock().items.clear();
        assert!(outbox.offer(other, soon()));
        outbox.lock().is_connected = false;
        assert!(!outbox.offer(packed("z", 1), soon()));
    }

    #[test]
    fn a_new_connection_gets_what_still_waits_and_forgets_old_results() {
        let outbox = connected(&[]);
        outbox.offer(packed("a", 1), soon());
        outbox.finish(Done { job: 1, result: JobResult::PollS(5) });
        outbox.lock().begin(&Welcome::default());
        assert_eq!(outbox.lock().items.len(), 2, "the same connection goes on");
        outbox.lock().is_connected = false;
        outbox.lock().begin(&Welcome::default());
        assert!(matches!(outbox.lock().items.iter().collect::<Vec<_>>()[..], [Item::Section(_)]));
        assert!(outbox.offer(packed("a", 1), soon()));
        assert_eq!(outbox.lock().items.len(), 1, "it is on its way");
        let have = [("i".to_owned(), [("census".to_owned(), "a".to_owned())].into())].into();
        outbox.lock().begin(&Welcome { have, ..Welcome::default() });
        assert!(outbox.lock().items.is_empty(), "it arrived after all");
    }

    #[test]
    fn a_pace_is_kept_within_reason() {
        assert_eq!(Pace::of(0, 0), Pace { poll_s: 10, sweep_s: 600 });
        assert_eq!(Pace::of(5_000, 1), Pace { poll_s: 3_600, sweep_s: 60 });
    }
}
