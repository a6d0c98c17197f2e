//! The names of one host's own metrics: sensors, custom metrics, probes. A block carries their ids alone.
//!
//! An id is given once and never again, so every block of the host stays readable. In bytes, numbers as LEB128:
//! ```text
//! u8      format = 1
//! number  how many names
//! per name, in the order of their ids from `SeriesId::FIRST_NAMED` on:
//!   u8      step: 0 exact, 1 whole, 2 tenths, 3 hundredths, 4 multiples of 1,024
//!   number  how many bytes it begins with as the name before does
//!   number  how many bytes follow, then those
//! ```

use super::{BlockError, SeriesId};
use crate::units::Step;

const FORMAT: u8 = 1;

/// The names of one host and their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dictionary {
    /// By id.
    names: Vec<(String, Step)>,
    /// Places in `names`, in the order of the names.
    by_name: Vec<u16>,
    bytes: usize,
}

/// A name cannot be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The host has as many names as it may have.
    #[error("the host has as many metrics of its own as one may have")]
    Full,
    /// The name is empty or too long.
    #[error("a metric's name has from 1 to {} bytes", Dictionary::MAX_NAME_BYTES)]
    Length,
}

impl Dictionary {
    /// The most names a host may have.
    pub const MAX_NAMES: usize = 4_096;
    /// The longest name.
    pub const MAX_NAME_BYTES: usize = 256;
    /// The most bytes of all names together.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The id of a name, where it has one.
    pub fn find(&self, name: &str) -> Option<SeriesId> {
        let at = self.search(name).ok()?;
        self.by_name.get(at).copied().and_then(id)
    }

    /// The id of a name, a new one if need be. A name keeps the step it came with.
    ///
    /// # Errors
    /// [`NameError`] when it is new and cannot be taken in.
    pub fn assign(&mut self, name: &str, step: Step) -> Result<SeriesId, NameError> {
        let at = match self.search(name) {
            Ok(at) => return self.by_name.get(at).copied().and_then(id).ok_or(NameError::Full),
            Err(at) => at,
        };
        if name.is_empty() || name.len() > Self::MAX_NAME_BYTES {
            return Err(NameError::Length);
        }
        let bytes = self.bytes + name.len();
        if self.names.len() >= Self::MAX_NAMES || bytes > Self::MAX_BYTES {
            return Err(NameError::Full);
        }
        let place = u16::try_from(self.names.len()).map_err(|_| NameError::Full)?;
        let id = id(place).ok_or(NameError::Full)?;
        self.by_name.insert(at, place);
        self.names.push((name.to_owned(), step));
        self.bytes = bytes;
        Ok(id)
    }

    /// The name of a series, whatever its facet.
    pub fn name(&self, series: SeriesId) -> Option<&str> {
        self.entry(series).map(|(name, _)| name.as_str())
    }

    /// How finely a series is kept, whatever its facet.
    pub fn step(&self, series: SeriesId) -> Option<Step> {
        self.entry(series).map(|(_, step)| *step)
    }

    /// Every name with its id, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesId, &str, Step)> {
        (SeriesId::FIRST_NAMED..).zip(&self.names).map(|(id, (name, step))| (SeriesId(id), name.as_str(), *step))
    }

    /// The dictionary in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        number(&mut bytes, self.names.len());
        let mut before: &[u8] = &[];
        for (name, step) in &self.names {
            let name = name.as_bytes();
            let common = name.iter().zip(before).take_while(|(a, b)| a == b).count();
            let rest = name.get(common..).unwrap_or_default();
            bytes.push(*step as u8);
            number(&mut bytes, common);
            number(&mut bytes, rest.len());
            bytes.extend(rest);
            before = name;
        }
        bytes
    }

    /// The dictionary in `bytes`.
    ///
    /// # Errors
    /// [`BlockError`] when that is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let (format, mut rest) = bytes.split_first().ok_or(BlockError::Damaged)?;
        if *format != FORMAT {
            return Err(BlockError::UnknownCodec(*format));
        }
        let mut dictionary = Self::default();
        let mut name: Vec<u8> = Vec::new();
        for place in 0..take_number(&mut rest)? {
            let (step, behind) = rest.split_first().ok_or(BlockError::Damaged)?;
            rest = behind;
            let step = *STEPS.get(usize::from(*step)).ok_or(BlockError::Damaged)?;
            let common = take_number(&mut rest)?;
            if common > name.len() {
                return Err(BlockError::Damaged);
            }
            name.truncate(common);
            let length = take_number(&mut rest)?;
            let (new, behind) = rest.split_at_checked(length).ok_or(BlockError::Damaged)?;
            rest = behind;
            name.extend(new);
            let text = std::str::from_utf8(&name).map_err(|_| BlockError::Damaged)?;
            dictionary.assign(text, step).map_err(|_| BlockError::Damaged)?;
            // A name that is there twice would shift the ids of those behind it.
            if dictionary.len() != place + 1 {
                return Err(BlockError::Damaged);
            }
        }
        if rest.is_empty() { Ok(dictionary) } else { Err(BlockError::Damaged) }
    }

    fn entry(&self, series: SeriesId) -> Option<&(String, Step)> {
        self.names.get(usize::from(series.metric().checked_sub(SeriesId::FIRST_NAMED)?))
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|place| {
            let other = self.names.get(usize::from(*place)).map_or("", |(other, _)| other.as_str());
            other.cmp(name)
        })
    }
}

/// Steps by number.
const STEPS: [Step; 9] = [
    Step::Exact,
    Step::Whole,
    Step::Tenths,
    Step::Hundredths,
    Step::Kibi,
    Step::Binary8,
    Step::Binary11,
    Step::Binary14,
    Step::Hundredths10,
];

fn id(place: u16) -> Option<SeriesId> {
    place.checked_add(SeriesId::FIRST_NAMED).filter(|id| *id <= SeriesId::LAST_NAMED).map(SeriesId)
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
fn number(bytes: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number of at most 21 bits: nothing here is larger.
fn take_number(bytes: &mut &[u8]) -> Result<usize, BlockError> {
    let mut number = 0;
    for shift in [0, 7, 14] {
        let (byte, rest) = bytes.split_first().ok_or(BlockError::Damaged)?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BlockError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensors() -> Dictionary {
        let mut dictionary = Dictionary::default();
        for (name, step) in [
            ("temperature/coretemp", Step::Tenths),
            ("temperature/nvme", Step::Tenths),
            ("custom.größe.一", Step::Exact),
            ("probe/https://example.com", Step::Whole),
        ] {
            dictionary.assign(name, step).unwrap();
        }
        dictionary
    }

    #[test]
    fn a_name_keeps_its_id_and_step() {
        let mut dictionary = sensors();
        let id = dictionary.find("temperature/nvme").unwrap();
        assert_eq!(id, SeriesId(SeriesId::FIRST_NAMED + 1));
        assert_eq!(dictionary.assign("temperature/nvme", Step::Exact), Ok(id));
        assert_eq!((dictionary.name(id), dictionary.step(id)), (Some("temperature/nvme"), Some(Step::Tenths)));
        assert_eq!(dictionary.name(id.with(crate::blocks::Facet::Maximum)), Some("temperature/nvme"));
        assert_eq!((dictionary.len(), dictionary.find("else")), (4, None));
        assert_eq!((dictionary.name(SeriesId(3)), dictionary.name(SeriesId(300))), (None, None));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for dictionary in [Dictionary::default(), sensors()] {
            assert_eq!(Dictionary::decode(&dictionary.encode()), Ok(dictionary));
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_at_every_length() {
        let bytes = sensors().encode();
        for length in 0..bytes.len() {
            assert!(Dictionary::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert_eq!(Dictionary::decode(&[2]), Err(BlockError::UnknownCodec(2)));
        // Behind the end; the same name twice; a step that is none; more in common than there is; a number without end.
        for damaged in [
            &[1, 0, 0][..],
            &[1, 2, 0, 0, 1, b'a', 0, 1, 0],
            &[1, 1, 9, 0, 1, b'a'],
            &[1, 1, 0, 1, 1, b'a'],
            &[1, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(Dictionary::decode(damaged), Err(BlockError::Damaged), "{damaged:?}");
        }
    }

    #[test]
    fn a_dictionary_is_bounded() {
        let mut dictionary = Dictionary::default();
        assert_eq!(dictionary.assign("", Step::Exact), Err(NameError::Length));
        assert_eq!(dictionary.assign(&"x".repeat(257), Step::Exact), Err(NameError::Length));
        for name in 0..Dictionary::MAX_NAMES {
            dictionary.assign(&name.to_string(), Step::Exact).unwrap();
        }
        assert_eq!(dictionary.assign("one more", Step::Exact), Err(NameError::Full));
        assert!(dictionary.assign("17", Step::Exact).is_ok());
        assert_eq!(Dictionary::decode(&dictionary.encode()), Ok(dictionary));

        let mut long = Dictionary::default();
        let taken = (0..u32::MAX).take_while(|name| long.assign(&format!("{name:0256}"), Step::Exact).is_ok()).count();
        assert_eq!(taken, Dictionary::MAX_BYTES / 256);
    }

    #[test]
    fn names_that_begin_alike_take_little() {
        let mut dictionary = Dictionary::default();
        for core in 0..16 {
            dictionary.assign(&format!("temperature/coretemp core {core}"), Step::Tenths).unwrap();
        }
        assert!(dictionary.encode().len() < 110, "{}", dictionary.encode().len());
    }
}
