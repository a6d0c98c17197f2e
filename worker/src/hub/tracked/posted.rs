//! What others than our agent post of a host or a service: samples that the hub numbers itself, of any minute of a day around now, in
//! any order and again and again.
//!
//! A sample's number is the moment it came (`domain::posted::next_number`), and it lies in the block of that moment, whatever its time: so
//! blocks end as the clock goes, and the one with the higher number came later. Minutes are rolled up when their block is over,
//! and anew when samples of their time come afterwards.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::rollup::MINUTE;
use edgewatch_core::blocks::tiers::{MINUTES, SAMPLES};
use edgewatch_core::blocks::{Block, Row, SeriesId};
use edgewatch_core::dialects::native::stream::Frame;
use edgewatch_core::domain::posted;
use edgewatch_core::metrics::mackerel;
use edgewatch_core::model::Sample;
use edgewatch_core::units::{Step, UnixMillis};

use super::{MAX_PENDING_BYTES, MAX_PENDING_SAMPLES, MOST_PENDING_BYTES, Storage, Tracked};
use crate::hub::sql::Sql;
use crate::hub::{HubError, held, posted as minutes, rings, rows};

/// A sample that claims to be later than this, ms behind now, is none of now.
const MAX_AHEAD_MS: i64 = 600_000;

impl Tracked {
    /// When the last sample came, ms since 1970, as far as is known without reading on.
    pub(in crate::hub) fn came_ms(&self) -> Option<i64> {
        posted::moment_of(self.gap.taken().max(self.durable_up_to()))
    }

    /// Takes samples that have no numbers yet, oldest first; their names are known to be taken in. Gives them as they are now: with numbers,
    /// and with what they say of our metrics.
    ///
    /// # Errors
    /// [`HubError::Refused`] when a full block could not be written: nothing was taken.
    pub fn take_posted(
        &mut self,
        storage: &Storage,
        samples: Vec<Sample>,
        now: UnixMillis,
    ) -> Result<Vec<Sample>, HubError> {
        self.ensure_loaded(&storage.sql)?;
        self.end_block(storage, now)?;
        if self.pending_bytes > MOST_PENDING_BYTES {
            self.write_block(storage)?;
        }
        let mut samples = samples;
        for sample in &mut samples {
            sample.number = 0;
            mackerel::fill(sample);
        }
        self.reopen_days(&storage.sql, &samples)?;
        let mut taken = Vec::with_capacity(samples.len());
        let mut rest = samples;
        while !rest.is_empty() {
            let behind = rest.split_off(rest.len().min(Frame::MAX_SAMPLES));
            self.push_posted(rest, now, &mut taken)?;
            rest = behind;
        }
        if self.pending.len() as u64 >= MAX_PENDING_SAMPLES || self.pending_bytes > MAX_PENDING_BYTES {
            self.write_block(storage)?;
        }
        Ok(taken)
    }

    /// In as few frames as they fit into: half of them at a time where they do not.
    fn push_posted(&mut self, mut run: Vec<Sample>, now: UnixMillis, taken: &mut Vec<Sample>) -> Result<(), HubError> {
        let first = posted::next_number(self.gap.taken(), now);
        for (number, sample) in (first..).zip(&mut run) {
            sample.number = number;
        }
        let frame = match held::pack(&run) {
            Ok(frame) => frame,
            Err(HubError::TooLarge { .. }) if run.len() > 1 => {
                let behind = run.split_off(run.len() / 2);
                self.push_posted(run, now, taken)?;
                return self.push_posted(behind, now, taken);
            }
            Err(error) => return Err(error),
        };
        self.gap.frame(first, first, run.len() as u64);
        if self.pending.is_empty() {
            self.pending_from = first;
        }
        self.pending_bytes += frame.len();
        self.pending.push(frame);
        for sample in &run {
            self.last_at_ms = self.last_at_ms.max(Some(sample.at.0));
            self.renew(sample, now);
        }
        taken.append(&mut run);
        Ok(())
    }

    /// The newest sample is what the newest minute says, and what it leaves out as it was a moment ago.
    fn renew(&mut self, sample: &Sample, now: UnixMillis) {
        let is_older = self.newest.as_ref().is_some_and(|newest| newest.at > sample.at);
        if is_older || sample.at.0 > now.0.saturating_add(MAX_AHEAD_MS) {
            return;
        }
        let mut newest = Sample { named: Vec::new(), ..sample.clone() };
        if let Some(before) = self.newest.as_ref() {
            mackerel::carry(before, &mut newest);
        }
        *self.newest = Some(newest);
    }

    /// Makes the block of now the open one: the one before is written, and the minutes whose time is over are rolled up.
    fn end_block(&mut self, storage: &Storage, now: UnixMillis) -> Result<(), HubError> {
        let id = self.id();
        let block_no = SAMPLES.block_no(id, now.0);
        if block_no > self.block_no {
            self.write_block(storage)?;
            self.block_no = block_no;
        }
        let minutes_no = |at_ms| MINUTES.block_no(id, at_ms);
        if let Some(ended) = self.came_ms().map(minutes_no).filter(|ended| minutes_no(now.0) > *ended) {
            self.write_block(storage)?;
            minutes::write_if_whole(&storage.sql, id, &storage.rings(id), ended)?;
        }
        Ok(())
    }

    /// Rolls up what samples touched that have just become rows, but the minutes that are still filling.
    pub(super) fn roll_up_posted(&mut self, storage: &Storage, written: &[Row]) -> Result<(), HubError> {
        let id = self.id();
        let filling = self.came_ms().map(|came_ms| MINUTES.block_no(id, came_ms));
        let touched: BTreeSet<u64> = written.iter().map(|row| MINUTES.block_no(id, row.at_ms)).collect();
        for block_no in touched.into_iter().filter(|block_no| Some(*block_no) != filling) {
            minutes::write_if_whole(&storage.sql, id, &storage.rings(id), block_no)?;
        }
        Ok(())
    }

    /// The samples without what is known already: the same name with the same value at the same second. Only what is pending or in the
    /// open block is looked at; what was posted longer ago is taken once more, and says the same.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn without_repeats(&mut self, storage: &Storage, samples: Vec<Sample>) -> Result<Vec<Sample>, HubError> {
        self.ensure_loaded(&storage.sql)?;
        let is_new = |sample: &Sample| self.last_at_ms.is_none_or(|last_ms| minute(sample) > MINUTE.window(last_ms));
        if samples.iter().all(is_new) {
            return Ok(samples);
        }
        let known = Recent::of(self, storage)?;
        let unknown = |mut sample: Sample| {
            let minute = minute(&sample);
            sample.named.retain(|one| {
                let same = known.get(minute, &one.name);
                same.is_none_or(|(at_ms, value)| (at_ms, value.to_bits()) != (sample.at.0, (one.value + 0.0).to_bits()))
            });
            (!sample.named.is_empty() || known.is_news(&sample)).then_some(sample)
        };
        Ok(samples.into_iter().filter_map(unknown).collect())
    }

    /// Leaves the values out whose names there is no room for, and says how many they are.
    ///
    /// # Errors
    /// As [`Tracked::without_repeats`].
    pub fn with_room(&mut self, sql: &Sql, samples: &mut Vec<Sample>) -> Result<usize, HubError> {
        let names = match &mut self.posted_names {
            Some(names) => names,
            empty => {
                let mut names = rings::dictionary(sql, self.entry.host.id)?;
                for frame in &self.pending {
                    rows::rows(&held::unpack(frame)?, &mut names);
                }
                empty.insert(names)
            }
        };
        let mut full = 0;
        for sample in samples.iter_mut() {
            let before = sample.named.len();
            sample.named.retain(|one| names.assign(&one.name, Step::Exact).is_ok());
            full += before - sample.named.len();
        }
        samples.retain(|sample| !sample.named.is_empty() || mackerel::says_something(sample));
        Ok(full)
    }

    /// The rows that lie in no ring yet, with the host's names: those too that no ring has yet.
    ///
    /// # Errors
    /// As [`Tracked::without_repeats`].
    pub fn pending_rows(&mut self, sql: &Sql) -> Result<(Vec<Row>, Dictionary), HubError> {
        let mut names = rings::dictionary(sql, self.id())?;
        let rows = self.pending_named(sql, &mut names)?;
        Ok((rows, names))
    }

    /// The same where the names that rings have are at hand: the others are added.
    ///
    /// # Errors
    /// As [`Tracked::without_repeats`].
    pub fn pending_named(&mut self, sql: &Sql, names: &mut Dictionary) -> Result<Vec<Row>, HubError> {
        self.ensure_loaded(sql)?;
        Ok(rows::rows(&self.pending(), names))
    }
}

fn minute(sample: &Sample) -> u64 {
    MINUTE.window(sample.at.0)
}

/// What came lately: of each minute and series the value that counts, and its time.
struct Recent {
    names: Dictionary,
    values: BTreeMap<(u64, SeriesId), (i64, f64)>,
}

impl Recent {
    fn of(tracked: &mut Tracked, storage: &Storage) -> Result<Self, HubError> {
        let (sql, id) = (&storage.sql, tracked.id());
        let (pending, names) = tracked.pending_rows(sql)?;
        let open = rings::find(sql, id, SAMPLES.number, storage.rings(id).of(SAMPLES), tracked.block_no)?;
        // A row that cannot be read holds nothing that could be known.
        let open = open.and_then(|stored| Block::unpack(&stored.data).ok()).unwrap_or_default();
        let mut values = BTreeMap::new();
        for row in open.rows().chain(pending) {
            for (series, value) in row.values() {
                values.insert((MINUTE.window(row.at_ms), *series), (row.at_ms, *value));
            }
        }
        Ok(Self { names, values })
    }

    /// Whether a sample says of our own metrics what is not known.
    fn is_news(&self, sample: &Sample) -> bool {
        let own = Sample { named: Vec::new(), ..sample.clone() };
        rows::rows(&[own], &mut Dictionary::default()).iter().any(|row| {
            let minute = MINUTE.window(row.at_ms);
            let known = |series: &SeriesId| self.values.get(&(minute, *series)).copied();
            row.values().iter().any(|(series, value)| {
                known(series).map(|(at_ms, value)| (at_ms, value.to_bits())) != Some((row.at_ms, value.to_bits()))
            })
        })
    }

    fn get(&self, minute: u64, name: &str) -> Option<(i64, f64)> {
        self.values.get(&(minute, self.names.find(name)?)).copied()
    }
}
