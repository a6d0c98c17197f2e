//! What is to be asked, what came of it, and who has to know: shared by the prober, the sampler and the sender.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::{ProbeList, ProbePart};
use edgewatch_core::model::{ProbeId, ProbeTask};

use super::Outcome;
use crate::wake::Wake;

/// Results of a probe that wait for a sample; more push the oldest out.
const MOST_WAITING: usize = 3;
/// A note is said again after so long: the server may have forgotten it.
const SAY_AGAIN: Duration = Duration::from_hours(1);
/// The longest note, bytes. Source: the contract.
const MAX_NOTE_BYTES: usize = 120;
/// A certificate's end is said as often as this, and whenever it changes.
const SAY_EXPIRY: Duration = Duration::from_mins(10);

/// The board.
pub struct Board {
    state: Mutex<State>,
    wake: Wake,
}

#[derive(Default)]
struct State {
    version: u64,
    tasks: Vec<ProbeTask>,
    is_new: bool,
    results: BTreeMap<ProbeId, Results>,
    first: Option<Box<dyn FnOnce() + Send>>,
    is_off: bool,
}

#[derive(Default)]
struct Results {
    waiting: Vec<ProbePart>,
    noted: Option<(String, Instant)>,
    expiry: Option<(i64, Instant)>,
}

impl Board {
    /// An empty board.
    ///
    /// # Errors
    /// When the process has too many files open.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { state: Mutex::default(), wake: Wake::new()? })
    }

    /// Nothing is asked here, whatever the server wants.
    pub fn turn_off(&self) {
        self.lock().is_off = true;
    }

    /// Whether this host asks targets at all.
    pub fn is_off(&self) -> bool {
        self.lock().is_off
    }

    /// Which list holds; 0 before the first.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// The server's list: it takes the place of the one before.
    pub fn set(&self, list: ProbeList) {
        let mut state = self.lock();
        state.version = list.version;
        let tasks = list.into_tasks();
        if state.is_off || tasks == state.tasks {
            return;
        }
        state.results.retain(|id, _| tasks.iter().any(|task| task.id == *id));
        state.tasks = tasks;
        state.is_new = true;
        let first = if state.tasks.is_empty() { None } else { state.first.take() };
        drop(state);
        if let Some(first) = first {
            first();
        }
        self.wake.up();
    }

    /// What came of probes since the sample before: of each the oldest result that waits, by number.
    pub fn take(&self) -> Vec<ProbePart> {
        let mut state = self.lock();
        let take = |results: &mut Results| (!results.waiting.is_empty()).then(|| results.waiting.remove(0));
        state.results.values_mut().filter_map(take).collect()
    }

    /// Called once, when there is something to ask.
    pub(super) fn on_first(&self, first: impl FnOnce() + Send + 'static) {
        self.lock().first = Some(Box::new(first));
    }

    pub(super) const fn wake(&self) -> &Wake {
        &self.wake
    }

    /// The list, when it is another one than before.
    pub(super) fn take_new_tasks(&self) -> Option<Vec<ProbeTask>> {
        let mut state = self.lock();
        std::mem::take(&mut state.is_new).then(|| state.tasks.clone())
    }

    pub(super) fn post(&self, id: ProbeId, outcome: &Outcome) {
        let mut state = self.lock();
        // What is not asked any more interests nobody.
        if !state.tasks.iter().any(|task| task.id == id) {
            return;
        }
        let results = state.results.entry(id).or_default();
        let now = Instant::now();
        let certificate = outcome.certificate.as_ref();
        let words =
            outcome.error.as_deref().or(certificate.map(|one| one.issuer.as_str())).filter(|words| !words.is_empty());
        let note = words.map(short).filter(|words| {
            let is_known = |(noted, at): &(String, Instant)| noted == words && now.duration_since(*at) < SAY_AGAIN;
            !results.noted.as_ref().is_some_and(is_known)
        });
        if let Some(note) = &note {
            results.noted = Some((note.clone(), now));
        }
        let expiry = certificate.map(|one| one.expires_s).filter(|expires_s| {
            let is_known = |(said, at): &(i64, Instant)| said == expires_s && now.duration_since(*at) < SAY_EXPIRY;
            !results.expiry.as_ref().is_some_and(is_known)
        });
        if let Some(expires_s) = expiry {
            results.expiry = Some((expires_s, now));
        }
        if results.waiting.len() >= MOST_WAITING {
            results.waiting.remove(0);
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds of centuries are exact")]
        let tls_expires_s = expiry.map(|at| at as f64);
        let delay_ms = outcome.delay.map(|delay| (delay.as_secs_f64() * 100_000.0).round() / 100.0);
        results.waiting.push(ProbePart { id: id.0, delay_ms, tls_expires_s, note });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        formatter.debug_struct("Board").field("tasks", &state.tasks).finish_non_exhaustive()
    }
}

/// Words without what could trouble a terminal, cut to the longest note.
fn short(words: &str) -> String {
    let mut short = String::new();
    for letter in words.chars().filter(|letter| !letter.is_control()) {
        if short.len() + letter.len_utf8() > MAX_NOTE_BYTES {
            break;
        }
        short.push(letter);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::dialects::native::ProbeTaskPart;

    fn list(version: u64, ids: &[i64]) -> ProbeList {
        let one = |id: &i64| ProbeTaskPart { id: *id, kind: 3, target: "192.0.2.1:1".to_owned(), interval_s: 30 };
        ProbeList { version, probes: ids.iter().map(one).collect() }
    }

    fn after(ms: u64) -> Outcome {
        Outcome { delay: Some(Duration::from_millis(ms)), ..Outcome::default() }
    }

    #[test]
    fn each_sample_takes_one_result_of_a_probe_oldest_first() {
        let board = Board::new().unwrap();
        board.set(list(1, &[1, 2]));
        for ms in 1..=5 {
            board.post(ProbeId(1), &after(ms));
        }
        board.post(ProbeId(2), &Outcome::failed("refused"));
        board.post(ProbeId(3), &after(1));
        let taken = board.take();
        assert_eq!(taken.iter().map(|one| (one.id, one.delay_ms)).collect::<Vec<_>>(), [(1, Some(3.0)), (2, None)]);
        assert_eq!(taken[1].note.as_deref(), Some("refused"));
        assert_eq!(board.take().len() + board.take().len(), 2);
        assert!(board.take().is_empty());
    }

    #[test]
    fn a_note_and_an_expiry_are_said_when_they_are_news() {
        let board = Board::new().unwrap();
        board.set(list(1, &[1]));
        let certificate = crate::certificate::Certificate { expires_s: 7, issuer: "R3\u{7}".to_owned() };
        let good = Outcome { certificate: Some(certificate), ..after(1) };
        let said = |outcome: &Outcome| {
            board.post(ProbeId(1), outcome);
            let one = board.take().remove(0);
            (one.note, one.tls_expires_s)
        };
        assert_eq!(said(&good), (Some("R3".to_owned()), Some(7.0)));
        assert_eq!(said(&good), (None, None));
        assert_eq!(said(&Outcome::failed("x".repeat(300))).0.map(|note| note.len()), Some(120));
        assert_eq!(said(&good), (Some("R3".to_owned()), None));
    }

    #[test]
    fn a_list_without_a_probe_forgets_its_results_and_a_host_that_asks_nothing_has_none() {
        let board = Board::new().unwrap();
        board.set(list(1, &[1, 2]));
        board.post(ProbeId(1), &after(1));
        board.set(list(2, &[2]));
        assert_eq!((board.take(), board.version()), (vec![], 2));
        let off = Board::new().unwrap();
        off.turn_off();
        off.set(list(3, &[1]));
        assert_eq!((off.version(), off.take_new_tasks()), (3, None));
    }
}
