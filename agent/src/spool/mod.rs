//! Samples on disk that could not be sent: written only while the server is away and at a clean stop, bounded, oldest
//! out first, and never the reason for the agent to fail.

mod record;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use edgewatch_core::dialects::native::Sample;

use self::record::Record;
use crate::log;

const FILE: &str = "spool";
const REWRITTEN: &str = "spool.new";

/// How much the spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Samples.
    pub samples: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The spool and what is known of its file.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    limits: Limits,
    file: Option<File>,
    bytes: u64,
    /// Lowest and highest number held; the lowest is above the highest when nothing is.
    first: u64,
    last: u64,
    provisional_from: Option<u64>,
    next: u64,
    /// Samples below this number lie before this place in the file.
    cursor: (u64, u64),
    dropped: u64,
    is_failing: bool,
}

impl Spool {
    /// Opens the spool in the state directory. Damaged lines are passed over; a directory that cannot be used leaves the
    /// agent without a spool.
    pub fn open(directory: &Path, limits: Limits) -> Self {
        let mut spool = Self {
            directory: directory.to_owned(),
            limits,
            file: None,
            bytes: 0,
            first: 1,
            last: 0,
            provisional_from: None,
            next: 1,
            cursor: (0, 0),
            dropped: 0,
            is_failing: false,
        };
        let loaded = spool.load();
        spool.noted("read", loaded);
        spool
    }

    /// The lowest number held.
    pub fn oldest(&self) -> Option<u64> {
        (self.first <= self.last).then_some(self.first)
    }

    /// The highest number held.
    pub fn newest(&self) -> Option<u64> {
        (self.first <= self.last).then_some(self.last)
    }

    /// How many samples are held.
    pub fn held(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }

    /// The first number that no answer has confirmed.
    pub fn provisional_from(&self) -> Option<u64> {
        self.provisional_from
    }

    /// The lowest number a new process may give.
    pub fn next_number(&self) -> u64 {
        self.next.max(self.last + 1)
    }

    /// How many samples went out for want of room, or of a disk that works.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds samples behind the others. True when they are on the disk.
    pub fn append<'a>(&mut self, samples: impl Iterator<Item = &'a Sample>, is_provisional: bool) -> bool {
        let appended = self.try_append(samples, is_provisional);
        let is_done = self.noted("write to", appended).is_some();
        self.trim();
        is_done
    }

    /// Notes the next number, which also says that every number so far is final. True when it is on the disk.
    pub fn note_next(&mut self, next: u64) -> bool {
        if self.held() == 0 {
            self.clear(next);
            return !self.is_failing;
        }
        self.provisional_from = None;
        self.next = next;
        let appended = self.write_records(|into| Record::Next(next).write(into));
        self.noted("write to", appended).is_some()
    }

    /// Up to `most` samples without a hole, the first one being the oldest held from that number on.
    pub fn read(&mut self, from: u64, most: usize) -> Vec<Sample> {
        let mut samples = Vec::new();
        let read = self.try_read(from, most, &mut samples);
        self.noted("read", read);
        // What the numbers promised may be damaged on the disk: it is gone, and must not be promised again.
        let lowest = samples.first().map_or(self.last + 1, |sample| sample.number);
        if from <= self.first && lowest > self.first {
            self.dropped += lowest - self.first;
            self.first = lowest;
        } else if samples.is_empty() && from <= self.last {
            self.dropped += self.last + 1 - from;
            self.last = from - 1;
        }
        samples
    }

    /// The samples up to that number are safe. A spool with nothing left gives its room back.
    pub fn forget(&mut self, up_to: u64, next: u64) {
        if self.held() == 0 {
            return;
        }
        self.first = self.first.max(up_to + 1);
        if self.held() == 0 {
            self.clear(next);
        }
    }

    /// Takes out one sample that the server refuses for good; it is always the oldest.
    pub fn remove(&mut self, number: u64) {
        if self.oldest() == Some(number) {
            self.first += 1;
        }
    }

    /// Gives the numbers from `from` on anew, `by` higher, all final. What lies before stays or goes as `keeps_earlier`
    /// says. When the disk does not play along the samples are dropped: a wrong number would be worse.
    pub fn renumber(&mut self, from: u64, by: u64, keeps_earlier: bool) {
        if self.held() == 0 {
            return;
        }
        let first = self.first;
        let lost = self.held();
        self.next += by;
        let rewritten = self.rewrite(None, |number| match number {
            _ if number < first => None,
            _ if number >= from => Some(number + by),
            _ => keeps_earlier.then_some(number),
        });
        if self.noted("rewrite", rewritten).is_none() {
            self.dropped += lost;
            self.clear(self.next);
        }
    }

    /// Makes sure that what was written outlives a power cut.
    pub fn sync(&mut self) {
        if let Some(file) = &self.file {
            let synced = file.sync_data();
            self.noted("write to", synced);
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Says once that the disk fails, and once that it works again.
    fn noted<T>(&mut self, action: &str, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => {
                if std::mem::take(&mut self.is_failing) {
                    log::info(format_args!("the spool works again"));
                }
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    let path = self.path();
                    log::warn(format_args!(
                        "cannot {action} the spool {}: {error}; samples stay in memory",
                        path.display()
                    ));
                }
                None
            }
        }
    }

    fn load(&mut self) -> io::Result<()> {
        let file = match File::open(self.path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        (self.first, self.last, self.provisional_from, self.cursor) = (1, 0, None, (0, 0));
        let (mut damaged, mut whole_bytes) = (0_u64, 0_u64);
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut place = 0_u64;
        while reader.read_until(b'\n', &mut line)? > 0 {
            place += line.len() as u64;
            let ended = line.pop_if(|byte| *byte == b'\n').is_some();
            match Record::parse(&line).filter(|_| ended) {
                Some(Record::Sample { number, is_provisional, .. }) if number > self.last => {
                    if self.held() == 0 {
                        self.first = number;
                    }
                    self.last = number;
                    if is_provisional && self.provisional_from.is_none() {
                        self.provisional_from = Some(number);
                    }
                }
                Some(Record::Next(next)) => {
                    self.next = next;
                    self.provisional_from = None;
                }
                Some(Record::Sample { .. }) => {}
                None => damaged += 1,
            }
            if ended {
                whole_bytes = place;
            }
            line.clear();
        }
        self.bytes = whole_bytes;
        if damaged > 0 {
            log::warn(format_args!("the spool had {damaged} damaged lines; they are passed over"));
        }
        if place > whole_bytes {
            // A line cut by a crash must not swallow the next one.
            OpenOptions::new().write(true).open(self.path())?.set_len(whole_bytes)?;
        }
        Ok(())
    }

    fn try_append<'a>(&mut self, samples: impl Iterator<Item = &'a Sample>, is_provisional: bool) -> io::Result<()> {
        let (mut first, mut last) = (None, self.last);
        self.write_records(|into| {
            for sample in samples {
                let json = serde_json::to_vec(sample)?;
                Record::Sample { number: sample.number, is_provisional, json: &json }.write(into)?;
                first = first.or(Some(sample.number));
                last = sample.number;
            }
            Ok(())
        })?;
        if let Some(first) = first {
            if self.held() == 0 {
                self.first = first;
            }
            if is_provisional && self.provisional_from.is_none() {
                self.provisional_from = Some(first);
            }
        }
        self.last = last;
        Ok(())
    }

    /// Writes behind the others; what a full disk took only in part is taken back.
    fn write_records(&mut self, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
        let path = self.path();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().append(true).create(true).mode(0o600).open(path)?),
        };
        let mut writer = BufWriter::with_capacity(4096, &*file);
        let written = write(&mut writer).and_then(|()| writer.flush());
        let _ = writer.into_parts();
        match written {
            Ok(()) => {
                self.bytes = file.metadata()?.len();
                Ok(())
            }
            Err(error) => {
                let _ = file.set_len(self.bytes);
                self.file = None;
                Err(error)
            }
        }
    }

    fn try_read(&mut self, from: u64, most: usize, samples: &mut Vec<Sample>) -> io::Result<()> {
        let from = from.max(self.first);
        if self.held() == 0 || from > self.last {
            return Ok(());
        }
        let start = if from >= self.cursor.0 { self.cursor.1 } else { 0 };
        let mut file = File::open(self.path())?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::with_capacity(4096, file);
        let mut line = Vec::new();
        let mut place = start;
        let mut reached = false;
        while samples.len() < most && reader.read_until(b'\n', &mut line)? > 0 {
            let line_place = place;
            place += line.len() as u64;
            line.pop_if(|byte| *byte == b'\n');
            if let Some(Record::Sample { number, json, .. }) = Record::parse(&line)
                && number >= from
            {
                if !std::mem::replace(&mut reached, true) {
                    self.cursor = (from, line_place);
                }
                let expected = samples.last().map(|sample: &Sample| sample.number + 1);
                if expected.is_some_and(|expected| number > expected) {
                    break;
                }
                if expected.is_none_or(|expected| number == expected)
                    && let Some(sample) = record::sample(number, json)
                {
                    samples.push(sample);
                }
            }
            line.clear();
        }
        Ok(())
    }

    fn trim(&mut self) {
        if self.held() <= self.limits.samples && self.bytes <= self.limits.bytes {
            return;
        }
        // An eighth of room, so that not every append rewrites the file.
        let per_sample = (self.bytes / self.held().max(1)).max(1);
        let keep = self.limits.samples.min(self.limits.bytes / per_sample) / 8 * 7;
        let before = self.held();
        let cut = self.last.saturating_sub(keep);
        let rewritten = self.rewrite(self.provisional_from, |number| (number > cut).then_some(number));
        if self.noted("rewrite", rewritten).is_none() {
            self.clear(self.next);
        }
        self.dropped += before.saturating_sub(self.held());
    }

    /// Writes the file anew with the numbers that `renumbered` gives, final below `provisional_from`; beside the old one,
    /// then in its place.
    fn rewrite(&mut self, provisional_from: Option<u64>, renumbered: impl Fn(u64) -> Option<u64>) -> io::Result<()> {
        let path = self.directory.join(REWRITTEN);
        let result = self.try_rewrite(&path, provisional_from, renumbered);
        if result.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        result
    }

    fn try_rewrite(
        &mut self,
        path: &Path,
        provisional_from: Option<u64>,
        renumbered: impl Fn(u64) -> Option<u64>,
    ) -> io::Result<()> {
        let mut reader = BufReader::with_capacity(4096, File::open(self.path())?);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let mut writer = BufWriter::with_capacity(4096, file);
        Record::Next(self.next).write(&mut writer)?;
        let (mut first, mut last, mut seen, mut provisional) = (None, 0, 0, None);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            line.pop_if(|byte| *byte == b'\n');
            if let Some(Record::Sample { number: old, json, .. }) = Record::parse(&line)
                && old > seen
            {
                seen = old;
                if let Some(number) = renumbered(old) {
                    let is_provisional = provisional_from.is_some_and(|from| number >= from);
                    Record::Sample { number, is_provisional, json }.write(&mut writer)?;
                    first = first.or(Some(number));
                    last = number;
                    provisional = provisional.or(is_provisional.then_some(number));
                }
            }
            line.clear();
        }
        let file = writer.into_inner()?;
        file.sync_data()?;
        std::fs::rename(path, self.path())?;
        self.file = None;
        self.bytes = file.metadata()?.len();
        (self.first, self.last) = first.map_or((1, 0), |first| (first, last));
        self.provisional_from = provisional;
        self.cursor = (0, 0);
        Ok(())
    }

    fn clear(&mut self, next: u64) {
        (self.first, self.last, self.provisional_from, self.cursor) = (1, 0, None, (0, 0));
        self.next = next;
        let cleared = match OpenOptions::new().write(true).open(self.path()) {
            Ok(file) => file.set_len(0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        self.bytes = 0;
        if self.noted("empty", cleared).is_some() {
            let appended = self.write_records(|into| Record::Next(next).write(into));
            self.noted("write to", appended);
        }
    }
}

#[cfg(test)]
mod tests;
