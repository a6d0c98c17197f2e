//! Samples on the wire: a column per metric.
//!
//! ```text
//! field  1  the frame's number on this connection, from 1, rising by one
//! field  2  the agent's clock when it sent this, ms since 1970, signed
//! field  3  oldest: the lowest sample number the agent still holds
//! field  4  dropped_samples      field 5  period_s      field 6  frame_s
//! field  7  varint number of the first sample, varint how many: their numbers rise by one. Before every field below
//! field  8  the samples' times: per sample the zigzag varint of how much more than the one before its time grew, from 0
//! field  9  a sensor, repeated: varint length of its name, the name, its column
//! fields 10 to 12, repeated: results of a probe, see `probes`
//! field 13  a metric of the host's own, repeated: varint length of its name, the name, its column
//! field 16 + n  the column of the metric with number n in `metrics`
//! ```
//!
//! A sample without a time (no field 8) gets one by the rules for impossible times.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::column;
use super::probes::{self, DELAYS, EXPIRIES, NOTES};
use super::wire::{DecodeError, EncodeError, Field, Reader, Writer, put_varint, unzigzag, zigzag};
use crate::dialects::native::lenient::NO_TIME;
use crate::dialects::native::{Intake, Named, ReportRequest, Sample, Temperature};
use crate::failure::Failure;
use crate::metrics;
use crate::model;

/// Sensors of a frame: one more than a sample may have, so that the intake sees that there were too many. What is beyond is
/// neither written nor read.
const MAX_SENSORS: usize = 65;
/// The longest name that is written and read; the intake allows less.
const MAX_NAME_BYTES: usize = 255;
/// The field of a metric of the host's own.
const NAMED: u64 = 13;
/// The field of the metric with number 0.
const METRICS_FROM: u64 = 16;

/// Samples, and what belongs to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// The frame's number on this connection: 1, 2, 3 …; an answer names it.
    pub frame: u64,
    /// The agent's clock when it sent this, milliseconds since 1970.
    pub sent_at_ms: i64,
    /// The lowest sample number the agent still holds: nothing older will ever come.
    pub oldest: u64,
    /// How many samples the agent had to drop for want of room since it was started.
    pub dropped_samples: u64,
    /// Seconds between two samples.
    pub period_s: u32,
    /// Seconds between two frames.
    pub frame_s: u32,
    /// Oldest first, numbers rising by one; at most [`Frame::MAX_SAMPLES`].
    pub samples: Vec<Sample>,
}

impl Frame {
    /// How many samples one frame may carry: as many as a report.
    pub const MAX_SAMPLES: usize = ReportRequest::MAX_SAMPLES;

    /// A frame of samples that were taken already, as the hub keeps them until they are in a block. Their times are ours.
    pub fn of_samples(samples: &[model::Sample]) -> Self {
        let oldest = samples.first().map_or(0, |sample| sample.number);
        Self { oldest, period_s: 1, frame_s: 1, samples: samples.iter().map(Sample::from).collect(), ..Self::default() }
    }

    /// The report that this frame is, as if it had been posted by an agent of that version.
    pub fn into_request(self, agent_version: String) -> ReportRequest {
        ReportRequest {
            agent_version,
            sent_at_ms: self.sent_at_ms,
            oldest: self.oldest,
            dropped_samples: self.dropped_samples,
            period_s: self.period_s.into(),
            frame_s: Some(self.frame_s.into()),
            probes_version: None,
            host: None,
            samples: self.samples,
        }
    }

    /// The report in the model's words, by the same rules as a posted one.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for sample numbers that cannot be.
    pub fn into_report(self, agent_version: String) -> Result<Intake, Failure> {
        self.into_request(agent_version).into_report()
    }

    pub(super) fn check(&self) -> Result<(), EncodeError> {
        if self.samples.len() > Self::MAX_SAMPLES {
            return Err(EncodeError::TooManySamples(self.samples.len()));
        }
        let first = self.samples.first().map_or(0, |sample| sample.number);
        let wrong = (first..).zip(&self.samples).find(|(expected, sample)| sample.number != *expected);
        wrong.map_or(Ok(()), |(_, sample)| Err(EncodeError::NotInOrder(sample.number)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.whole(1, self.frame);
        writer.signed(2, self.sent_at_ms);
        writer.whole(3, self.oldest);
        writer.whole(4, self.dropped_samples);
        writer.whole(5, self.period_s.into());
        writer.whole(6, self.frame_s.into());
        let Some(first) = self.samples.first() else { return };
        let mut body = Vec::new();
        put_varint(&mut body, first.number);
        put_varint(&mut body, self.samples.len() as u64);
        writer.bytes(7, &body);
        body.clear();
        let (mut before, mut step) = (0, 0);
        for sample in &self.samples {
            let grown = sample.at_ms.wrapping_sub(before);
            put_varint(&mut body, zigzag(grown.wrapping_sub(step)));
            (before, step) = (sample.at_ms, grown);
        }
        writer.bytes(8, &body);
        for sensor in self.sensors() {
            body.clear();
            put_varint(&mut body, sensor.name.len() as u64);
            body.extend_from_slice(sensor.name.as_bytes());
            column::put(&mut body, &sensor.values);
            writer.bytes(9, &body);
        }
        for (name, values) in self.named() {
            body.clear();
            put_varint(&mut body, name.len() as u64);
            body.extend_from_slice(name.as_bytes());
            column::put(&mut body, &values);
            writer.bytes(NAMED, &body);
        }
        probes::write_results(writer, &self.samples);
        for definition in &metrics::ALL {
            let values: Vec<_> = self.samples.iter().map(|sample| sample.value(definition.metric)).collect();
            if values.iter().any(Option::is_some) {
                body.clear();
                column::put(&mut body, &values);
                writer.bytes(METRICS_FROM + definition.metric as u64, &body);
            }
        }
    }

    /// The sensors of all samples in the order of their first appearance. A name that a sample has twice is two sensors.
    fn sensors(&self) -> Vec<Sensor<'_>> {
        let mut sensors: Vec<Sensor<'_>> = Vec::new();
        for (index, sample) in self.samples.iter().enumerate() {
            for temperature in sample.temperatures.iter().filter(|one| one.name.len() <= MAX_NAME_BYTES) {
                let is_free =
                    |sensor: &&mut Sensor<'_>| sensor.name == temperature.name && sensor.values.len() <= index;
                if let Some(sensor) = sensors.iter_mut().find(is_free) {
                    sensor.values.resize(index, None);
                    sensor.values.push(Some(temperature.celsius));
                } else if sensors.len() < MAX_SENSORS {
                    let mut values = vec![None; index];
                    values.push(Some(temperature.celsius));
                    sensors.push(Sensor { name: &temperature.name, values });
                }
            }
        }
        for sensor in &mut sensors {
            sensor.values.resize(self.samples.len(), None);
        }
        sensors
    }

    /// The columns of the hosts' own metrics in the order of their first appearance. Of a name that a sample has twice the last
    /// value is written.
    fn named(&self) -> Vec<(&str, Vec<Option<f64>>)> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut columns: Vec<(&str, Vec<Option<f64>>)> = Vec::new();
        for (index, sample) in self.samples.iter().enumerate() {
            for named in sample.named.iter().filter(|one| one.name.len() <= MAX_NAME_BYTES) {
                let place = *places.entry(&named.name).or_insert(columns.len());
                if place == columns.len() {
                    columns.push((&named.name, vec![None; self.samples.len()]));
                }
                if let Some(value) = columns.get_mut(place).and_then(|(_, values)| values.get_mut(index)) {
                    *value = Some(named.value);
                }
            }
        }
        columns
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut frame = Self::default();
        let mut sensors = 0;
        while let Some(field) = reader.field()? {
            match field.id {
                1 => frame.frame = field.whole()?,
                2 => frame.sent_at_ms = field.signed()?,
                3 => frame.oldest = field.whole()?,
                4 => frame.dropped_samples = field.whole()?,
                5 => frame.period_s = field.small()?,
                6 => frame.frame_s = field.small()?,
                7 => frame.read_numbers(&field)?,
                8 => frame.read_times(&field)?,
                9 if sensors < MAX_SENSORS => {
                    sensors += 1;
                    frame.read_sensor(&field)?;
                }
                DELAYS => probes::read_delays(&field, &mut frame.samples)?,
                EXPIRIES => probes::read_expiries(&field, &mut frame.samples)?,
                NOTES => probes::read_note(&field, &mut frame.samples)?,
                // As many as fit a message: the intake bounds a sample's.
                NAMED => frame.read_named(&field)?,
                id => frame.read_metric(id, &field)?,
            }
        }
        Ok(frame)
    }

    fn read_numbers(&mut self, field: &Field<'_>) -> Result<(), DecodeError> {
        let mut reader = field.reader();
        let (first, count) = (reader.varint()?, reader.varint()?);
        let samples = usize::try_from(count).ok().filter(|count| *count <= Self::MAX_SAMPLES);
        let samples = samples.ok_or(DecodeError::TooManySamples(count))?;
        if !self.samples.is_empty() {
            return Err(DecodeError::Damaged);
        }
        // Beyond the last number they stand still, and the check of the numbers refuses them.
        let numbers = (0..).map(|index| first.saturating_add(index));
        self.samples =
            numbers.take(samples).map(|number| Sample { number, at_ms: NO_TIME, ..Sample::default() }).collect();
        reader.end(())
    }

    fn read_times(&mut self, field: &Field<'_>) -> Result<(), DecodeError> {
        let mut reader = field.reader();
        let (mut at_ms, mut step) = (0_i64, 0_i64);
        for sample in &mut self.samples {
            step = step.wrapping_add(unzigzag(reader.varint()?));
            at_ms = at_ms.wrapping_add(step);
            sample.at_ms = at_ms;
        }
        reader.end(())
    }

    fn read_sensor(&mut self, field: &Field<'_>) -> Result<(), DecodeError> {
        let (name, values) = named_column(field.reader(), self.samples.len())?;
        for (sample, celsius) in self.samples.iter_mut().zip(values) {
            if let Some(celsius) = celsius {
                sample.temperatures.push(Temperature { name: name.to_owned(), celsius });
            }
        }
        Ok(())
    }

    fn read_named(&mut self, field: &Field<'_>) -> Result<(), DecodeError> {
        let (name, values) = named_column(field.reader(), self.samples.len())?;
        let name: Arc<str> = name.into();
        for (sample, value) in self.samples.iter_mut().zip(values) {
            if let Some(value) = value {
                sample.named.push(Named { name: Arc::clone(&name), value });
            }
        }
        Ok(())
    }

    /// The column of a metric; what is no metric is a field of a newer version.
    fn read_metric(&mut self, id: u64, field: &Field<'_>) -> Result<(), DecodeError> {
        let index = id.checked_sub(METRICS_FROM).and_then(|index| usize::try_from(index).ok());
        let Some(definition) = index.and_then(|index| metrics::ALL.get(index)) else {
            return Ok(());
        };
        let values = column::get(field.reader(), self.samples.len())?;
        for (sample, value) in self.samples.iter_mut().zip(values) {
            *sample.value_mut(definition.metric) = value;
        }
        Ok(())
    }
}

/// A name and the column behind it.
fn named_column(mut reader: Reader<'_>, samples: usize) -> Result<(&str, Vec<Option<f64>>), DecodeError> {
    let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    if length > MAX_NAME_BYTES {
        return Err(DecodeError::Damaged);
    }
    let name = std::str::from_utf8(reader.take(length)?).map_err(|_| DecodeError::Damaged)?;
    Ok((name, column::get(reader, samples)?))
}

/// One sensor over the samples of a frame.
struct Sensor<'a> {
    name: &'a str,
    values: Vec<Option<f64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut body = Vec::new();
        write(&mut body);
        body
    }

    /// A frame of one sample and what `write` adds.
    fn read(write: impl FnOnce(&mut Writer)) -> Result<Frame, DecodeError> {
        let mut writer = Writer::nested();
        writer.bytes(7, &[1, 1]);
        write(&mut writer);
        Frame::read(Reader::of(&writer.into_bytes()))
    }

    fn sensor(name: &[u8]) -> Vec<u8> {
        body(|out| {
            put_varint(out, name.len() as u64);
            out.extend_from_slice(name);
            column::put(out, &[Some(40.0)]);
        })
    }

    #[test]
    fn sensors_without_end_are_written_and_read_to_one_too_many() {
        let sensors = |frame: &Frame| frame.samples.first().map(|sample| sample.temperatures.len());
        let hostile = read(|writer| (0..300).for_each(|_| writer.bytes(9, &sensor(b"a")))).unwrap();
        assert_eq!(sensors(&hostile), Some(65));
        let temperatures = (0..300).map(|index| Temperature { name: index.to_string(), celsius: 40.0 }).collect();
        let many = Frame { samples: vec![Sample { number: 1, temperatures, ..Sample::default() }], ..Frame::default() };
        assert_eq!(many.sensors().len(), 65);
    }

    #[test]
    fn a_name_beyond_255_bytes_is_neither_written_nor_read() {
        assert!(read(|writer| writer.bytes(9, &sensor(&[b'a'; 255]))).is_ok());
        assert_eq!(read(|writer| writer.bytes(9, &sensor(&[b'a'; 256]))), Err(DecodeError::Damaged));
        assert_eq!(read(|writer| writer.bytes(9, &sensor(b"\xff"))), Err(DecodeError::Damaged), "no text");
        let temperatures = vec![Temperature { name: "a".repeat(256), celsius: 40.0 }];
        let long = Frame { samples: vec![Sample { number: 1, temperatures, ..Sample::default() }], ..Frame::default() };
        assert_eq!(long.sensors().len(), 0);
    }

    #[test]
    fn samples_are_said_once_and_before_their_columns() {
        assert_eq!(read(|writer| writer.bytes(7, &[2, 1])), Err(DecodeError::Damaged));
        let column = body(|out| column::put(out, &[Some(1.0)]));
        assert!(read(|writer| writer.bytes(16, &column)).is_ok());
        let mut writer = Writer::nested();
        writer.bytes(16, &column);
        assert_eq!(Frame::read(Reader::of(&writer.into_bytes())), Err(DecodeError::Damaged));
    }

    #[test]
    fn samples_without_times_and_numbers_without_end_are_for_the_intake() {
        assert_eq!(read(|_| ()).unwrap().samples[0].at_ms, NO_TIME);
        let mut writer = Writer::nested();
        writer.bytes(7, &body(|out| [u64::MAX, 3].into_iter().for_each(|value| put_varint(out, value))));
        let frame = Frame::read(Reader::of(&writer.into_bytes())).unwrap();
        assert!(matches!(frame.into_report(String::new()), Err(Failure::Invalid { .. })));
    }
}
