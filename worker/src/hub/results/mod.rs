//! Whole results of agents that push what they checked: each is a sample, says what the host is and how its checks stand; the last one
//! is kept as it came.
//!
//! Here and not in the Worker, because a result weighs up to 16 MiB: reading it takes longer than an event of a Worker may.

#[cfg(target_arch = "wasm32")]
mod calls;
pub mod kept;
pub mod wire;

use edgewatch_core::dialects::openitcockpit::result::Document;
use edgewatch_core::domain::ids;
use edgewatch_core::model::{Event, EventKind, Facts, HostId, Report, Sample};
use edgewatch_core::units::UnixMillis;

use super::HubError;
use super::shard::Shard;
use super::tracked::Tracked;

/// Single things are told as often as Mackerel's agent does, ms; a little less, for cycles are not exact.
pub const DETAILS_EVERY_MS: i64 = 55_000;
/// A host that says that it was started some seconds earlier or later was not: its clock and its count are whole seconds.
const SAME_START_S: i64 = 60;

impl Shard {
    /// Takes a result of a host in memory as its next sample: when this is over it is in the journal, and `result`, as it came and as
    /// [`kept::encode`] has it, with it. 1 row written, as for any report; none for a result that is here already.
    ///
    /// # Errors
    /// [`HubError::Refused`] when it could not be written: it may come again.
    pub fn take_document(
        &mut self,
        id: HostId,
        document: &Document,
        result: Option<Vec<u8>>,
        now: UnixMillis,
    ) -> Result<(), HubError> {
        let sql = self.storage.sql.clone();
        let missing = || HubError::Corrupt("a result of a host that is not here".to_owned());
        let details_ms = self.results.details_ms(id);
        let is_detailed = now.0.saturating_sub(details_ms) >= DETAILS_EVERY_MS || now.0 < details_ms;
        let tracked = self.hosts.get_mut(&id).ok_or_else(missing)?;
        tracked.ensure_loaded(&sql)?;
        let before = tracked.newest.as_ref();
        let at = UnixMillis(before.as_ref().map_or(now.0, |before| now.0.max(before.at.0.saturating_add(1))));
        let sample = document.sample(at, is_detailed);
        if before.as_ref().is_some_and(|before| is_repeat(before, &sample)) {
            // What an earlier push could not make durable, too.
            return tracked.keep(&sql, now);
        }
        tracked.result = result;
        let number = tracked.progress().0.saturating_add(1);
        let facts = document.facts().map(|said| facts(tracked, said));
        let period_s = document.period_s();
        let report = Report {
            agent_version: document.agent_version(),
            sent_at: at,
            oldest: number,
            period_s,
            frame_s: period_s,
            probes_version: None,
            facts,
            samples: vec![Sample { number, ..sample }],
        };
        self.post(id, report, now)?;
        if is_detailed {
            self.results.note_details(id, now);
        }
        Ok(())
    }

    /// Tells people that two machines push as the agent of a host.
    pub fn tell_of_twins(&mut self, id: HostId, now: UnixMillis) {
        let text = format!(
            "two machines push check results with the UUID and the password of the agent of host {}, as after a disk was copied: \
             its samples are of both",
            id.0
        );
        let key = ids::time_key(now, id.0.unsigned_abs() << 8 | 0x7e);
        self.tell_event(Event::new(key, EventKind::DuplicateMachine, Some(id), now.seconds(), text));
    }
}

/// Whether a sample is that of a result which was taken already: a machine that counts its uptime says the same of nothing twice.
fn is_repeat(before: &Sample, sample: &Sample) -> bool {
    let bare = |one: &Sample| Sample { number: 0, at: UnixMillis(0), named: vec![], probes: vec![], ..one.clone() };
    sample.uptime_s.is_some() && bare(before) == bare(sample)
}

/// What a host is: what it says, and what it said before of what it leaves out.
fn facts(tracked: &Tracked, said: Facts) -> Facts {
    let known = tracked.entry.host.facts.clone().unwrap_or_default();
    let is_same_start = known.booted_at.0.abs_diff(said.booted_at.0) <= SAME_START_S.unsigned_abs();
    let booted_at = if is_same_start { known.booted_at } else { said.booted_at };
    known.with(Facts { booted_at, ..said })
}

#[cfg(test)]
mod tests;
