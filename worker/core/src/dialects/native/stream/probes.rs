//! What an agent is to ask, by socket, and the results as columns of a frame.
//!
//! ```text
//! message 20, fields: 1 the list's version; 2, repeated, a probe: 1 its number, 2 its kind, 3 its target, 4 seconds between two questions
//! in a frame: field 10: varint how many probes, then for each, by number: varint how much its number is above the one before,
//!               a bit per sample, low bit first, 1 where there is a result, in as many bytes as it takes, and per result a
//!               varint: 0 for a failure, else 1 + the zigzag of how much its delay in 0.01 ms is above the one before, from 0
//!             field 11, repeated: varint number of a probe, the column of when its target's certificate ends, Unix seconds
//!             field 12, repeated: varint number of a probe, varint place of the sample in the frame, the note on the result
//! ```
//! Delays travel in hundredths of a millisecond: what is finer than that is the host's own noise.

use std::collections::BTreeMap;

use super::column;
use super::wire::{DecodeError, Field, Reader, Writer, put_varint, unzigzag, zigzag};
use crate::dialects::native::{ProbeList, ProbePart, ProbeTaskPart, Sample};

/// Probes of a list or a frame: one more than there may be, so that the intake sees that there were too many.
const MOST_PROBES: usize = 201;
/// The field of a frame with the delays of its probes.
pub(super) const DELAYS: u64 = 10;
/// The field of a frame with the ends of a probe's certificate.
pub(super) const EXPIRIES: u64 = 11;
/// The field of a frame with a note on a result.
pub(super) const NOTES: u64 = 12;
/// The longest note that is written and read; the intake allows less.
const MAX_NOTE_BYTES: usize = 255;

/// Everything that an agent is to ask from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probes(pub ProbeList);

impl Probes {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.whole(1, self.0.version);
        for probe in self.0.probes.iter().take(MOST_PROBES) {
            let mut one = Writer::nested();
            one.signed(1, probe.id);
            one.whole(2, probe.kind.into());
            one.text(3, &probe.target);
            one.whole(4, probe.interval_s.into());
            writer.bytes(2, &one.into_bytes());
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut list = ProbeList::default();
        while let Some(field) = reader.field()? {
            match field.id {
                1 => list.version = field.whole()?,
                2 if list.probes.len() < MOST_PROBES => list.probes.push(read_task(field.reader())?),
                _ => {}
            }
        }
        Ok(Self(list))
    }
}

fn read_task(mut reader: Reader<'_>) -> Result<ProbeTaskPart, DecodeError> {
    let mut task = ProbeTaskPart { id: 0, kind: 0, target: String::new(), interval_s: 0 };
    while let Some(field) = reader.field()? {
        match field.id {
            1 => task.id = field.signed()?,
            2 => task.kind = u8::try_from(field.whole()?).unwrap_or(u8::MAX),
            3 => task.target = field.text()?,
            4 => task.interval_s = field.small()?,
            _ => {}
        }
    }
    Ok(task)
}

/// Writes the results of all samples.
pub(super) fn write_results(writer: &mut Writer, samples: &[Sample]) {
    if samples.iter().all(|sample| sample.probes.is_empty()) {
        return;
    }
    let mut by_probe: BTreeMap<u64, Vec<(usize, &ProbePart)>> = BTreeMap::new();
    for (index, sample) in samples.iter().enumerate() {
        for result in sample.probes.iter().filter(|result| result.id > 0) {
            by_probe.entry(result.id.unsigned_abs()).or_default().push((index, result));
        }
    }
    let mut body = Vec::new();
    put_varint(&mut body, by_probe.len().min(MOST_PROBES) as u64);
    let mut before = 0;
    for (id, results) in by_probe.iter().take(MOST_PROBES) {
        put_varint(&mut body, id - before);
        before = *id;
        put_delays(&mut body, results, samples.len());
    }
    writer.bytes(DELAYS, &body);
    for (id, results) in &by_probe {
        if results.iter().any(|(_, result)| result.tls_expires_s.is_some()) {
            let mut values = vec![None; samples.len()];
            for (index, result) in results {
                if let Some(slot) = values.get_mut(*index) {
                    *slot = result.tls_expires_s;
                }
            }
            body.clear();
            put_varint(&mut body, *id);
            column::put(&mut body, &values);
            writer.bytes(EXPIRIES, &body);
        }
        for (index, result) in results {
            if let Some(note) = result.note.as_ref().filter(|note| note.len() <= MAX_NOTE_BYTES) {
                body.clear();
                put_varint(&mut body, *id);
                put_varint(&mut body, *index as u64);
                body.extend_from_slice(note.as_bytes());
                writer.bytes(NOTES, &body);
            }
        }
    }
}

fn put_delays(body: &mut Vec<u8>, results: &[(usize, &ProbePart)], samples: usize) {
    let from = body.len();
    body.resize(from + samples.div_ceil(8), 0);
    for (index, _) in results {
        if let Some(byte) = body.get_mut(from + index / 8) {
            *byte |= 1 << (index % 8);
        }
    }
    let mut before = 0;
    for (_, result) in results {
        match result.delay_ms {
            Some(delay_ms) => {
                let now = hundredths(delay_ms);
                put_varint(body, zigzag(now - before) + 1);
                before = now;
            }
            None => put_varint(body, 0),
        }
    }
}

/// A delay in hundredths of a ms, as it travels. One that cannot be is as long as none may be: the intake says so.
#[expect(clippy::cast_possible_truncation, reason = "at most 10^12")]
fn hundredths(delay_ms: f64) -> i64 {
    const MOST: f64 = 1e12;
    (if delay_ms >= 0.0 { (delay_ms * 100.0).round().min(MOST) } else { MOST }) as i64
}

/// Reads the delays of a frame into the samples.
pub(super) fn read_delays(field: &Field<'_>, samples: &mut [Sample]) -> Result<(), DecodeError> {
    let mut reader = field.reader();
    let probes = reader.varint()?;
    if probes > MOST_PROBES as u64 {
        return Err(DecodeError::Damaged);
    }
    let mut id = 0_i64;
    for _ in 0..probes {
        let more = i64::try_from(reader.varint()?).ok().filter(|more| *more > 0);
        id = more.and_then(|more| id.checked_add(more)).ok_or(DecodeError::Damaged)?;
        let mask = reader.take(samples.len().div_ceil(8))?;
        let mut before = 0_i64;
        for (index, sample) in samples.iter_mut().enumerate() {
            if mask.get(index / 8).is_none_or(|byte| byte >> (index % 8) & 1 == 0) {
                continue;
            }
            let delay_ms = match reader.varint()? {
                0 => None,
                code => {
                    before = before.checked_add(unzigzag(code - 1)).ok_or(DecodeError::Damaged)?;
                    #[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 is dropped by the intake")]
                    let whole = before as f64;
                    Some(whole / 100.0)
                }
            };
            sample.probes.push(ProbePart { id, delay_ms, ..ProbePart::default() });
        }
    }
    reader.end(())
}

/// Reads the ends of a probe's certificate into its results, which come before them.
pub(super) fn read_expiries(field: &Field<'_>, samples: &mut [Sample]) -> Result<(), DecodeError> {
    let mut reader = field.reader();
    let id = reader.varint()?;
    let values = column::get(reader, samples.len())?;
    for (sample, value) in samples.iter_mut().zip(values) {
        let result = sample.probes.iter_mut().find(|result| result.id.unsigned_abs() == id);
        if let Some(result) = result.filter(|_| value.is_some()) {
            result.tls_expires_s = value;
        }
    }
    Ok(())
}

/// Reads a note into the result it belongs to, which comes before it. One that belongs to none is left out.
pub(super) fn read_note(field: &Field<'_>, samples: &mut [Sample]) -> Result<(), DecodeError> {
    let mut reader = field.reader();
    let (id, index) = (reader.varint()?, usize::try_from(reader.varint()?).unwrap_or(usize::MAX));
    let text = std::str::from_utf8(reader.rest()).map_err(|_| DecodeError::Damaged)?;
    if text.len() > MAX_NOTE_BYTES {
        return Err(DecodeError::Damaged);
    }
    let results = samples.get_mut(index).map(|sample| &mut sample.probes);
    let result = results.and_then(|results| results.iter_mut().find(|result| result.id.unsigned_abs() == id));
    if let Some(result) = result {
        result.note = Some(text.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Probes {
        let one = |id, kind, target: &str| ProbeTaskPart { id, kind, target: target.to_owned(), interval_s: 30 };
        Probes(ProbeList { version: 7, probes: vec![one(1, 1, "https://example.com"), one(9, 99, "of a newer hub")] })
    }

    fn part(id: i64, delay_ms: Option<f64>) -> ProbePart {
        ProbePart { id, delay_ms, tls_expires_s: None, note: None }
    }

    fn through(samples: &[Sample]) -> (usize, Vec<Sample>) {
        let mut writer = Writer::nested();
        write_results(&mut writer, samples);
        let bytes = writer.into_bytes();
        let mut back: Vec<Sample> = samples.iter().map(|one| Sample { probes: vec![], ..one.clone() }).collect();
        let mut reader = Reader::of(&bytes);
        while let Some(field) = reader.field().unwrap() {
            match field.id {
                DELAYS => read_delays(&field, &mut back),
                EXPIRIES => read_expiries(&field, &mut back),
                _ => read_note(&field, &mut back),
            }
            .unwrap();
        }
        (bytes.len(), back)
    }

    #[test]
    fn a_list_comes_back_and_kinds_of_a_newer_hub_are_left_out() {
        let mut writer = Writer::nested();
        list().write(&mut writer);
        // A field that is not known yet.
        writer.bytes(77, b"x");
        let read = Probes::read(Reader::of(&writer.into_bytes())).unwrap();
        assert_eq!(read, list());
        let tasks = read.0.into_tasks();
        assert_eq!(tasks.iter().map(|task| task.id.0).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn results_come_back_with_their_failures_and_holes() {
        let note = Some("certificate expired".to_owned());
        let expiring = ProbePart { id: 3, delay_ms: None, tls_expires_s: Some(1_795_361_190.0), note };
        let samples = [
            Sample { number: 1, probes: vec![part(1, Some(0.48)), part(2, None)], ..Sample::default() },
            Sample { number: 2, ..Sample::default() },
            Sample { number: 3, probes: vec![part(2, Some(1_000.0)), expiring], ..Sample::default() },
        ];
        assert_eq!(through(&samples).1, samples);
        assert_eq!(through(&samples[1..2]), (0, samples[1..2].to_vec()), "no results take no room");
    }

    #[test]
    fn two_hundred_probes_take_less_than_three_bytes_a_result() {
        let samples: Vec<Sample> = (0..6)
            .map(|number: i64| {
                let ids = (1..=200).filter(|id| (id + number) % 3 == 0);
                let delay = |id: i64| f64::from(i32::try_from(1_200 + id * 7 + number * 3).unwrap()) / 100.0;
                Sample { probes: ids.map(|id| part(id, Some(delay(id)))).collect(), ..Sample::default() }
            })
            .collect();
        let (bytes, back) = through(&samples);
        assert_eq!(back, samples);
        assert!(bytes < 400 * 3, "{bytes} bytes for 400 results");
    }

    #[test]
    fn results_without_end_and_numbers_that_cannot_be_are_damaged() {
        let samples = || [Sample { number: 1, ..Sample::default() }];
        let read = |body: &[u8]| read_delays(&Field { id: DELAYS, body }, &mut samples());
        assert_eq!(read(&[1, 1, 1, 0]), Ok(()));
        assert_eq!(read(&[1, 0, 1, 0]), Err(DecodeError::Damaged), "number 0");
        assert_eq!(read(&[1, 1, 1]), Err(DecodeError::Damaged), "no delay");
        assert_eq!(read(&[1, 1, 1, 0, 0]), Err(DecodeError::Damaged), "more than there is");
        assert_eq!(read(&[202, 1]), Err(DecodeError::Damaged), "more probes than there may be");
        let far = [1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0];
        assert_eq!(read(&far), Err(DecodeError::Damaged));
    }

    #[test]
    fn a_delay_that_cannot_be_is_beyond_what_the_intake_takes() {
        for delay_ms in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let sample = Sample { number: 1, probes: vec![part(1, Some(delay_ms))], ..Sample::default() };
            let back = through(&[sample]).1.remove(0);
            assert!(back.into_sample().is_none(), "{delay_ms}");
        }
    }
}
