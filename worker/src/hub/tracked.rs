//! One host in the hub: which of its samples are here, which of them are stored for good, and the block that is filling.
//!
//! A sample is first *pending*: it lies in memory and in the socket's attachment, and in the journal once that was written. When
//! the next sample belongs to a later block, the pending ones become the block's row in the ring. Durable is what lies in a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::{Block, Row, tiers};
use edgewatch_core::dialects::native::stream::Frame;
use edgewatch_core::domain::probing::MAX_PROBES;
use edgewatch_core::domain::stream::gap::{Gap, Verdict};
use edgewatch_core::model::{HostId, Link, Machine, Presence, ProbeId, Report, Sample};
use edgewatch_core::units::UnixMillis;

use super::directory::Entry;
use super::held::{self, Held};
use super::journal::{self, Kept};
use super::monitors::Prober;
use super::noted::Noted;
use super::probe_days::OfHost;
use super::rings::{self, StoredBlock};
use super::sql::Sql;
use super::storage::Storage;
use super::{HubError, rollup, rows};

mod posted;
mod shown;

/// Pending samples that outgrow this are put into their block's row before it is full: two hundred probes weigh half of it in half an
/// hour. What does not fit an attachment is in the journal, or is asked for again.
const MAX_PENDING_BYTES: usize = 60_000;
/// With more than this nothing further is taken.
const MOST_PENDING_BYTES: usize = 128_000;
/// So do this many samples.
const MAX_PENDING_SAMPLES: u64 = 180;
/// A block of this many rows ends, whatever the time: what has to be read and packed at once is bounded.
const MAX_BLOCK_ROWS: usize = 12_000;

/// A host in the hub.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// Its row in the directory.
    pub entry: Noted<Entry>,
    /// How it reports.
    pub link: Link,
    /// What its agent can do.
    pub capabilities: u64,
    /// When it was last heard from, ms since 1970; before it ever was, 0.
    pub seen_ms: i64,
    /// Its newest sample.
    pub newest: Noted<Option<Sample>>,
    /// Whether D1 should soon hear of it: it reported for the first time, or its presence changed.
    pub is_news: bool,
    /// Whether viewers do not have its newest state.
    pub is_changed: bool,
    /// Messages since the minute that began then, ms.
    pub heard: (i64, u32),
    /// Which list of probes its agent was told on its socket; 0 for none.
    pub probes_told: u64,
    /// What its agent said last of a probe, and whether that failed then: why, else who issued the certificate. Gone when the object
    /// sleeps.
    pub notes: BTreeMap<ProbeId, (bool, String)>,
    /// It, as one that asks targets.
    pub prober: Prober,
    /// When its row in the directory was last written because of what it says it is, ms.
    pub facts_ms: i64,
    /// What D1 was told that it is made of; every object that begins tells it anew.
    pub machine_told: Option<Arc<Machine>>,
    /// What is under way with its finished days.
    pub days: OfHost,
    /// Its result that goes with the journal's row when that is written next.
    pub result: Option<Vec<u8>>,
    gap: Gap,
    is_loaded: bool,
    /// What the socket's attachment says to be durable and taken, until storage was asked whether it is the newest.
    attached: Option<(u64, u64)>,
    block_no: u64,
    last_at_ms: Option<i64>,
    pending: Vec<Vec<u8>>,
    pending_bytes: usize,
    /// The number of the first pending sample.
    pending_from: u64,
    written_ms: i64,
    /// What is known to be durable before everything is read.
    durable_before: u64,
    /// The names of what is posted, those that are in no ring yet too; once they were read.
    posted_names: Option<Dictionary>,
}

impl Tracked {
    /// What it is made of, where D1 does not have it; of a host that never said what it is there is nothing to tell.
    pub fn machine_to_tell(&self) -> Option<Arc<Machine>> {
        let machine = self.entry.host.facts.as_ref()?.machine.clone().unwrap_or_default();
        (self.machine_told.as_ref() != Some(&machine)).then_some(machine)
    }

    /// A host as storage and its socket have it.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn load(sql: &Sql, entry: Entry, attached: Option<Held>) -> Result<Self, HubError> {
        let kept = journal::find(sql, entry.host.id)?;
        Ok(Self::of(entry, attached, kept))
    }

    /// As [`Tracked::load`], with the journal's row at hand.
    pub fn of(entry: Entry, attached: Option<Held>, kept: Option<Kept>) -> Self {
        let mut tracked = Self {
            link: Link::Post { period_s: 60, frame_s: 60 },
            capabilities: 0,
            seen_ms: entry.host.last_seen.map_or(0, |at| at.millis().0),
            newest: Noted::new(entry.host.newest.clone()),
            is_news: false,
            is_changed: false,
            heard: (0, 0),
            probes_told: 0,
            notes: BTreeMap::new(),
            prober: Prober::default(),
            facts_ms: 0,
            machine_told: None,
            days: OfHost::default(),
            result: None,
            gap: Gap::default(),
            is_loaded: false,
            attached: None,
            block_no: 0,
            last_at_ms: None,
            pending: Vec::new(),
            pending_bytes: 0,
            pending_from: 0,
            written_ms: 0,
            durable_before: entry.floor,
            posted_names: None,
            entry: Noted::new(entry),
        };
        if let Some(held) = kept.and_then(|kept| Held::decode(&kept.data).ok()) {
            tracked.take_over(held);
        }
        if let Some(held) = attached {
            // A socket whose peer is long gone holds what was true then.
            if held.seen_ms >= tracked.seen_ms {
                tracked.attached = held.is_complete.then_some((held.durable, held.taken));
                tracked.take_over(held);
            }
        }
        tracked
    }

    fn take_over(&mut self, held: Held) {
        (self.link, self.capabilities) = (held.link, held.capabilities);
        self.seen_ms = self.seen_ms.max(held.seen_ms);
        let newest = held::unpack(&held.newest).ok().and_then(|samples| samples.into_iter().next_back());
        if let Some(newest) = newest.filter(|one| self.newest.as_ref().is_none_or(|known| known.number <= one.number)) {
            self.last_at_ms = Some(newest.at.0);
            *self.newest = Some(newest);
        }
        self.block_no = self.block_no.max(held.block_no);
        self.durable_before = self.durable_before.max(held.durable);
        self.set_pending(held.pending);
    }

    fn set_pending(&mut self, pending: Vec<Vec<u8>>) {
        self.pending_bytes = pending.iter().map(Vec::len).sum();
        let first = pending.first().and_then(|frame| held::unpack(frame).ok()?.into_iter().next());
        self.pending_from = first.map_or(0, |sample| sample.number);
        self.pending = pending;
    }

    /// Reads how far the host's samples are stored, unless that is known: nothing may be taken before.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn ensure_loaded(&mut self, sql: &Sql) -> Result<(), HubError> {
        if self.is_loaded {
            return Ok(());
        }
        let head = rings::newest(sql, self.id(), tiers::SAMPLES.number)?;
        let kept = journal::find(sql, self.id())?;
        let (journalled, in_rings) =
            (kept.as_ref().map_or(0, |kept| kept.upto), head.map_or(0, |head| head.last_number));
        let stored = journalled.max(in_rings).max(self.entry.floor);
        if let Some(head) = head {
            self.block_no = self.block_no.max(head.block_no);
            self.last_at_ms = Some(self.last_at_ms.map_or(head.end_ms, |at| at.max(head.end_ms)));
        }
        // Whatever says less than storage does is of an earlier life: another connection of the host was here since.
        let newest = self.attached.take().filter(|(durable, taken)| *durable >= journalled && *taken >= stored);
        if let Some((durable, taken)) = newest {
            (self.gap, self.is_loaded) = (Gap::loaded(durable.max(stored), taken), true);
            return Ok(());
        }
        self.set_pending(Vec::new());
        if journalled > in_rings
            && let Some(kept) = kept
        {
            // Else the block they were waiting for was written since.
            self.take_over(Held::decode(&kept.data)?);
        }
        (self.gap, self.is_loaded) = (Gap::loaded(stored, stored), true);
        Ok(())
    }

    /// Everything of it into ring rows, so that these can be laid to those of another shard: at most 2 rows written.
    ///
    /// # Errors
    /// As [`Tracked::write_block`].
    pub fn settle(&mut self, storage: &Storage, now: UnixMillis) -> Result<(), HubError> {
        self.ensure_loaded(&storage.sql)?;
        self.write_block(storage)?;
        // Else what waited there would be found again, beside the rows.
        if journal::find(&storage.sql, self.id())?.is_some() { self.put_journal(&storage.sql, now) } else { Ok(()) }
    }

    /// Its rows in the database are others than they were: reads how far they go. Call [`Tracked::settle`] before they change.
    ///
    /// # Errors
    /// As [`Tracked::ensure_loaded`].
    pub fn reload(&mut self, sql: &Sql) -> Result<(), HubError> {
        (self.gap, self.is_loaded, self.posted_names) = (Gap::default(), false, None);
        self.ensure_loaded(sql)
    }

    /// Which host.
    pub fn id(&self) -> HostId {
        self.entry.host.id
    }

    /// Samples up to this number are with the hub, and up to that one stored for good. 0 before [`Tracked::ensure_loaded`].
    pub const fn progress(&self) -> (u64, u64) {
        (self.gap.taken(), self.gap.durable())
    }

    /// Samples up to this number are stored for good, as far as is known without reading on.
    pub fn durable_up_to(&self) -> u64 {
        self.gap.durable().max(self.durable_before)
    }

    /// Notes a sign of life.
    pub fn hear(&mut self, now: UnixMillis) {
        self.seen_ms = self.seen_ms.max(now.0);
        if self.entry.host.presence == Presence::Never {
            self.entry.host.presence = Presence::Online;
            (self.is_news, self.is_changed) = (true, true);
        }
    }

    /// Takes what is new in a report; its times are ours already.
    ///
    /// # Errors
    /// [`HubError::Refused`] when a full block could not be written: the report, or the rest of it, was not taken.
    pub fn take(&mut self, storage: &Storage, report: &Report) -> Result<Verdict, HubError> {
        self.ensure_loaded(&storage.sql)?;
        let Some(first) = report.samples.first() else { return Ok(Verdict::Repeat) };
        self.know_means(storage)?;
        if self.pending_bytes > MOST_PENDING_BYTES {
            // Storage has refused them for long. What is not taken stays with the agent.
            self.write_block(storage)?;
        }
        let count = report.samples.len() as u64;
        let mut probe = self.gap;
        let verdict = probe.frame(report.oldest, first.number, count);
        let Verdict::Take { skip } = verdict else { return Ok(verdict) };
        let mut rest = report.samples.get(skip..).unwrap_or_default();
        self.reopen_days(&storage.sql, rest)?;
        while let Some(first) = rest.first() {
            let block_no = self.block_of(first);
            // A run lies in one block, of samples as of minutes.
            let minutes_no = |sample: &Sample| tiers::MINUTES.block_no(self.id(), sample.at.0);
            let of_block = rest
                .iter()
                .take(Frame::MAX_SAMPLES)
                .take_while(|sample| self.block_of(sample) == block_no && minutes_no(sample) == minutes_no(first));
            let length = of_block.count();
            let (run, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            self.open_block(storage, block_no, first.at.0)?;
            self.push(storage, report.oldest, run)?;
            rest = behind;
        }
        Ok(verdict)
    }

    fn push(&mut self, storage: &Storage, oldest: u64, run: &[Sample]) -> Result<(), HubError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
        let frame = held::pack(run)?;
        // What lies between was taken run by run, so only the first one can stand behind a hole.
        let oldest = if first.number == self.gap.taken().saturating_add(1) { oldest } else { first.number };
        self.gap.frame(oldest.min(first.number), first.number, run.len() as u64);
        if self.pending.is_empty() {
            self.pending_from = first.number;
        }
        self.pend(frame, run);
        self.last_at_ms = Some(self.last_at_ms.map_or(last.at.0, |at| at.max(last.at.0)));
        for result in run.iter().flat_map(|sample| &sample.probes) {
            if let Some(note) = &result.note {
                // Of probes that there are no more first; an agent may make up as many as it likes.
                if self.notes.len() >= MAX_PROBES && !self.notes.contains_key(&result.probe) {
                    self.notes.pop_first();
                }
                self.notes.insert(result.probe, (!result.is_up(), note.clone()));
            } else if result.is_up() && self.notes.get(&result.probe).is_some_and(|(is_failure, _)| *is_failure) {
                self.notes.remove(&result.probe);
            }
        }
        self.prober.take(&storage.means, run);
        // What the host named itself is in the pending samples and in blocks; here it would outgrow an attachment.
        *self.newest = Some(Sample { named: Vec::new(), ..last.clone() });
        self.is_changed = true;
        let is_many = last.number.saturating_sub(self.pending_from) + 1 >= MAX_PENDING_SAMPLES;
        if is_many || self.pending_bytes > MAX_PENDING_BYTES {
            self.write_block(storage)?;
        }
        Ok(())
    }

    /// Puts a frame of `run` behind the pending ones; into the last of them, where it has room.
    fn pend(&mut self, frame: Vec<u8>, run: &[Sample]) {
        let joined = self.pending.last().and_then(|last| held::join(last, run));
        if joined.is_some() {
            self.pending_bytes -= self.pending.pop().map_or(0, |last| last.len());
        }
        let frame = joined.unwrap_or(frame);
        self.pending_bytes += frame.len();
        self.pending.push(frame);
    }

    /// The block a sample belongs to: by its time, but never an earlier one than that which is open.
    fn block_of(&self, sample: &Sample) -> u64 {
        tiers::SAMPLES.block_no(self.id(), sample.at.0).max(self.block_no)
    }

    /// Makes `block_no` the open block: the one before is written. When the time of a block of minutes is complete, it is rolled up.
    fn open_block(&mut self, storage: &Storage, block_no: u64, at_ms: i64) -> Result<(), HubError> {
        let minutes_no = |at_ms| tiers::MINUTES.block_no(self.id(), at_ms);
        let ended = self.last_at_ms.map(minutes_no).filter(|ended| minutes_no(at_ms) > *ended);
        if block_no <= self.block_no && ended.is_none() {
            return Ok(());
        }
        self.write_block(storage)?;
        if let Some(ended) = ended {
            match rollup::minutes(&storage.sql, self.id(), &storage.rings(self.id()), ended) {
                // A block that cannot be read costs its own minutes, and no sample that comes.
                Ok(_) | Err(HubError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.block_no = self.block_no.max(block_no);
        Ok(())
    }

    /// Puts the pending samples into their block's row: 1 row written, behind what is stored of the block already.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not; they stay pending.
    pub fn write_block(&mut self, storage: &Storage) -> Result<(), HubError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let begun = self.gap.snapshot();
        let mut samples = Vec::new();
        for frame in &self.pending {
            samples.extend(held::unpack(frame)?);
        }
        let mut dictionary = rings::dictionary(&storage.sql, self.id())?;
        if !self.id().is_posted() {
            rows::leave_room(&mut samples, &dictionary);
        }
        let known_names = dictionary.len();
        let rows = rows::rows(&samples, &mut dictionary);
        if dictionary.len() > known_names {
            rings::put_dictionary(&storage.sql, self.id(), &dictionary)?;
        }
        let mut rest = &rows[..];
        while !rest.is_empty() {
            rest = self.write_rows(storage, rest)?;
        }
        self.gap.stored(begun);
        self.set_pending(Vec::new());
        if self.id().is_posted() { self.roll_up_posted(storage, &rows) } else { Ok(()) }
    }

    /// Puts as many rows as fit behind what is stored of the open block; gives those that belong to the next one, which is open then.
    fn write_rows<'a>(&mut self, storage: &Storage, rows: &'a [Row]) -> Result<&'a [Row], HubError> {
        let (sql, id, ring) = (&storage.sql, self.id(), storage.rings(self.id()).of(tiers::SAMPLES));
        let stored = rings::find(sql, id, tiers::SAMPLES.number, ring, self.block_no)?;
        // A row that cannot be read holds nothing that could be kept.
        let mut block = stored.as_ref().and_then(|stored| Block::unpack(&stored.data).ok()).unwrap_or_default();
        let known = stored.as_ref().map_or(0, |stored| stored.last_number);
        let new = rows.iter().position(|row| row.number > known).unwrap_or(rows.len());
        let rows = rows.get(new..).unwrap_or_default();
        let taken = rows.iter().take_while(|row| block.push(row).is_ok()).count();
        let (taken, rest) = rows.split_at_checked(taken).unwrap_or((rows, &[]));
        if let (Some(first), Some(last)) = (taken.first(), taken.last()) {
            let times = block.times_ms();
            let row = StoredBlock {
                tier: tiers::SAMPLES.number,
                block_no: self.block_no,
                first_number: stored.map_or(first.number, |stored| stored.first_number.min(first.number)),
                last_number: last.number,
                start_ms: times.iter().copied().min().unwrap_or_default(),
                end_ms: times.iter().copied().max().unwrap_or_default(),
                data: block.pack(),
            };
            if !rings::put(sql, id, ring, &row)? {
                // Its slot holds a later block: numbers went ahead of ours.
                let head = rings::newest(sql, id, tiers::SAMPLES.number)?;
                self.block_no = head.map_or(self.block_no, |head| head.block_no).max(self.block_no.saturating_add(1));
                return Ok(rows);
            }
        }
        if !rest.is_empty() || block.len() >= MAX_BLOCK_ROWS {
            self.block_no = self.block_no.saturating_add(1);
        }
        Ok(rest)
    }

    /// Makes everything taken durable by the journal's row, unless it is: at most 1 row written.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not; then nothing became durable.
    pub fn keep(&mut self, sql: &Sql, now: UnixMillis) -> Result<(), HubError> {
        if self.gap.durable() >= self.gap.taken() {
            return Ok(());
        }
        self.put_journal(sql, now)
    }

    /// Writes the journal's row, although nothing may be new but when the host was heard from.
    ///
    /// # Errors
    /// As [`Tracked::keep`].
    pub fn put_journal(&mut self, sql: &Sql, now: UnixMillis) -> Result<(), HubError> {
        // Never from a host of which storage knows more.
        self.ensure_loaded(sql)?;
        let begun = self.gap.snapshot();
        let upto = self.gap.taken();
        let data = Held { durable: upto, ..self.held() }.encode();
        let kept = Kept { upto, seen_ms: self.seen_ms, data };
        match self.result.take() {
            Some(result) => journal::put_with_result(sql, self.id(), &kept, &result)?,
            None => journal::put(sql, self.id(), &kept)?,
        }
        self.gap.stored(begun);
        self.written_ms = now.0;
        Ok(())
    }

    /// As [`Tracked::keep`] when the last time lies `write_s` back: half a report early, so that reports that come a little
    /// sooner than agreed do not wait for the next one.
    ///
    /// # Errors
    /// As [`Tracked::keep`].
    pub fn keep_if_due(&mut self, sql: &Sql, now: UnixMillis, write_s: u32, frame_s: u32) -> Result<(), HubError> {
        if write_s >= tiers::SAMPLES_WRITE_S {
            // The block's own row comes as soon.
            return Ok(());
        }
        let early_ms = i64::from(frame_s.min(write_s)) * 500;
        let due_ms = self.written_ms.saturating_add(i64::from(write_s) * 1000 - early_ms);
        if now.0 >= due_ms || now.0 < self.written_ms { self.keep(sql, now) } else { Ok(()) }
    }

    /// Forgets what is not durable: its agent still has it.
    pub fn forget_pending(&mut self) {
        if self.gap.taken() > self.gap.durable() {
            (self.gap, self.is_loaded, self.prober) = (Gap::default(), false, Prober::default());
        }
    }

    /// Samples that lie in no ring row yet, oldest first.
    pub fn pending(&self) -> Vec<Sample> {
        self.pending.iter().filter_map(|frame| held::unpack(frame).ok()).flatten().collect()
    }
}

#[cfg(test)]
mod tests;
