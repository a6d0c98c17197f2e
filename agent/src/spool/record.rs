//! One line of the spool file, and how a damaged one is told from a whole one. Pure.
//!
//! `S <number> <checksum> <sample as JSON>`: a sample with its final number. `P`: the same, its number not yet confirmed
//! by any answer. `N <next> <checksum>`: the next number to give; every number before this line is final.

use std::io::{self, Write};

use edgewatch_core::dialects::native::Sample;

/// A whole line of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// A sample.
    Sample {
        /// Its number; the number within the JSON is an older one and means nothing.
        number: u64,
        /// No answer confirmed the numbering yet.
        is_provisional: bool,
        /// The sample.
        json: &'a [u8],
    },
    /// The next number to give.
    Next(u64),
}

impl<'a> Record<'a> {
    /// The record in a line without its line feed; `None` when the line is damaged.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.splitn(4, |&byte| byte == b' ');
        let (kind, number, checksum) = (fields.next()?, fields.next()?, fields.next()?);
        let json = fields.next().unwrap_or_default();
        let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        let written = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
        if written != checksum_of(kind, number, json) {
            return None;
        }
        match kind {
            b"S" | b"P" => Some(Self::Sample { number, is_provisional: kind == b"P", json }),
            b"N" => Some(Self::Next(number)),
            _ => None,
        }
    }

    /// Writes the record as a line.
    ///
    /// # Errors
    /// Those of `into`.
    pub fn write(&self, into: &mut impl Write) -> io::Result<()> {
        let (kind, number, json): (&str, u64, &[u8]) = match *self {
            Self::Sample { number, is_provisional: false, json } => ("S", number, json),
            Self::Sample { number, is_provisional: true, json } => ("P", number, json),
            Self::Next(next) => ("N", next, &[]),
        };
        write!(into, "{kind} {number} {:08x} ", checksum_of(kind.as_bytes(), number, json))?;
        into.write_all(json)?;
        into.write_all(b"\n")
    }
}

/// The sample in a record, with the record's number; `None` when a newer agent wrote what this one cannot read.
pub fn sample(number: u64, json: &[u8]) -> Option<Sample> {
    let mut sample: Sample = serde_json::from_slice(json).ok()?;
    sample.number = number;
    Some(sample)
}

fn checksum_of(kind: &[u8], number: u64, json: &[u8]) -> u32 {
    let number = number.to_le_bytes();
    !kind.iter().chain(&number).chain(json).copied().fold(!0, step)
}

/// CRC-32 as in zip, without a table: it runs only while the server is away.
fn step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: [Record<'static>; 3] = [
        Record::Sample { number: 7, is_provisional: false, json: b"{\"number\":7,\"at_ms\":1}" },
        Record::Sample { number: 8, is_provisional: true, json: b"{\"number\":1,\"at_ms\":2}" },
        Record::Next(9),
    ];

    fn line(record: &Record) -> Vec<u8> {
        let mut line = Vec::new();
        record.write(&mut line).unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        for record in RECORDS {
            assert_eq!(Record::parse(&line(&record)), Some(record));
        }
    }

    #[test]
    fn a_flipped_bit_and_a_cut_line_are_noticed() {
        for record in RECORDS {
            let whole = line(&record);
            // The blank after a checksum without JSON may be missing.
            let least = whole.iter().rposition(|&byte| byte != b' ').unwrap();
            for end in 0..=least {
                assert_eq!(Record::parse(&whole[..end]), None, "cut at {end}");
            }
            for index in 0..=least {
                let mut damaged = whole.clone();
                damaged[index] ^= 0x10;
                assert_ne!(Record::parse(&damaged), Some(record), "bit in {index}");
            }
        }
    }

    #[test]
    fn the_records_number_counts() {
        let sample = sample(8, b"{\"number\":1,\"at_ms\":2,\"of_a_newer_agent\":true}").unwrap();
        assert_eq!((sample.number, sample.at_ms), (8, 2));
    }
}
