//! Codec 0: plain. Every value a double, nothing packed; the layout is little-endian:
//!
//! ```text
//! u8  codec = 0
//! u16 number of samples
//! per sample:
//!   u64 number, i64 time in ms
//!   u8  number of columns, then per column: u8 column, f64 value
//!   u16 number of named values, then per value: u16 length, name, f64 value
//! ```
//! Absent values take no room.

use super::BlockError;

const CODEC: u8 = 0;

/// One built-in metric's value: its column (see `metrics`) and the value.
pub type Column = (u8, f64);

/// One sample as a block holds it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// The sample's number.
    pub number: u64,
    /// Its time, ms since 1970.
    pub at_ms: i64,
    /// Built-in metrics.
    pub columns: Vec<Column>,
    /// Named metrics, such as sensors.
    pub named: Vec<(String, f64)>,
}

/// The block that holds `entries`. What is beyond the counts' range (65,535 entries or names, 255 columns) is left out.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let entries = entries.get(..entries.len().min(usize::from(u16::MAX))).unwrap_or_default();
    let mut block = Vec::with_capacity(3 + entries.len() * 192);
    block.push(CODEC);
    block.extend(short(entries.len()));
    for entry in entries {
        block.extend(entry.number.to_le_bytes());
        block.extend(entry.at_ms.to_le_bytes());
        let columns = entry.columns.get(..entry.columns.len().min(255)).unwrap_or_default();
        block.push(u8::try_from(columns.len()).unwrap_or(u8::MAX));
        for (column, value) in columns {
            block.push(*column);
            block.extend(value.to_le_bytes());
        }
        let named = entry.named.get(..entry.named.len().min(usize::from(u16::MAX))).unwrap_or_default();
        block.extend(short(named.len()));
        for (name, value) in named {
            let name = name.as_bytes();
            let name = name.get(..name.len().min(usize::from(u16::MAX))).unwrap_or_default();
            block.extend(short(name.len()));
            block.extend(name);
            block.extend(value.to_le_bytes());
        }
    }
    block
}

/// The samples in `block`.
///
/// # Errors
/// [`BlockError`] when the codec is not known or the bytes are not what it wrote.
pub fn decode(block: &[u8]) -> Result<Vec<Entry>, BlockError> {
    let mut reader = Reader(block);
    let [codec] = reader.take()?;
    if codec != CODEC {
        return Err(BlockError::UnknownCodec(codec));
    }
    let count = u16::from_le_bytes(reader.take()?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let mut entry = Entry {
            number: u64::from_le_bytes(reader.take()?),
            at_ms: i64::from_le_bytes(reader.take()?),
            ..Entry::default()
        };
        let [columns] = reader.take()?;
        for _ in 0..columns {
            let [column] = reader.take()?;
            entry.columns.push((column, f64::from_le_bytes(reader.take()?)));
        }
        for _ in 0..u16::from_le_bytes(reader.take()?) {
            let length = u16::from_le_bytes(reader.take()?);
            let name = reader.slice(usize::from(length))?;
            let name = String::from_utf8(name.to_vec()).map_err(|_| BlockError::Damaged)?;
            entry.named.push((name, f64::from_le_bytes(reader.take()?)));
        }
        entries.push(entry);
    }
    if reader.0.is_empty() { Ok(entries) } else { Err(BlockError::Damaged) }
}

fn short(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(BlockError::Damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], BlockError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(BlockError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> Entry {
        Entry {
            number,
            at_ms: -1,
            columns: vec![(0, 17.33), (15, f64::MAX)],
            named: vec![("température/coretemp".to_owned(), -0.0)],
        }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for entries in [vec![], vec![entry(1)], vec![entry(1), Entry::default(), entry(u64::MAX)]] {
            assert_eq!(decode(&encode(&entries)), Ok(entries));
        }
    }

    #[test]
    fn a_damaged_block_is_an_error_at_every_length() {
        let block = encode(&[entry(1), entry(2)]);
        for length in 0..block.len() {
            assert!(decode(&block[..length]).is_err(), "{length}");
        }
        assert_eq!(decode(&[1, 0, 0]), Err(BlockError::UnknownCodec(1)));
        assert_eq!(decode(&[0, 0, 0, 0]), Err(BlockError::Damaged), "something behind the end");
    }
}
