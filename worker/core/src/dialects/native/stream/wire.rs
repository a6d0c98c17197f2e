//! Varints and fields: what every message is made of.

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than a message may be.
    #[error("a message of {bytes} bytes is longer than one may be")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Its first byte names a version that is not spoken here.
    #[error("version {0} is not spoken here")]
    UnknownVersion(u8),
    /// More samples than a frame may carry.
    #[error("{0} samples are more than a frame may carry")]
    TooManySamples(u64),
    /// It ends too early or contradicts itself.
    #[error("the message is cut short or damaged")]
    Damaged,
}

/// Why a message cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Longer than a message may be.
    #[error("a message of {bytes} bytes is longer than one may be")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// More samples than a frame may carry.
    #[error("{0} samples are more than a frame may carry")]
    TooManySamples(usize),
    /// A frame's samples are numbered without holes.
    #[error("sample {0} does not follow the one before it")]
    NotInOrder(u64),
}

/// Appends `value`, 1 to 10 bytes.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Small numbers of either sign as small numbers without one: 0, -1, 1, -2 … as 0, 1, 2, 3 …
pub const fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Puts a message together.
pub struct Writer(Vec<u8>);

impl Writer {
    /// A message without fields.
    pub fn message(version: u8, kind: u8) -> Self {
        Self(vec![version, kind])
    }

    /// What lies within a field.
    pub const fn nested() -> Self {
        Self(Vec::new())
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn bytes(&mut self, id: u64, body: &[u8]) {
        put_varint(&mut self.0, id);
        put_varint(&mut self.0, body.len() as u64);
        self.0.extend_from_slice(body);
    }

    /// A whole number; 0 is the default and takes no room.
    pub fn whole(&mut self, id: u64, value: u64) {
        if value != 0 {
            self.given(id, value);
        }
    }

    /// A whole number whose absence means something else than 0.
    pub fn given(&mut self, id: u64, value: u64) {
        let mut body = Vec::with_capacity(10);
        put_varint(&mut body, value);
        self.bytes(id, &body);
    }

    /// A whole number of either sign; 0 takes no room.
    pub fn signed(&mut self, id: u64, value: i64) {
        self.whole(id, zigzag(value));
    }

    /// A double, where there is one.
    pub fn real(&mut self, id: u64, value: Option<f64>) {
        if let Some(value) = value {
            self.bytes(id, &value.to_le_bytes());
        }
    }

    /// A text; the empty one takes no room.
    pub fn text(&mut self, id: u64, text: &str) {
        if !text.is_empty() {
            self.bytes(id, text.as_bytes());
        }
    }
}

/// Takes bytes apart from the front.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Damaged);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Damaged)
    }

    /// The next field; `None` at the end.
    pub fn field(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.is_empty() {
            return Ok(None);
        }
        let id = self.varint()?;
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Damaged)?;
        Ok(Some(Field { id, body: self.take(length)? }))
    }

    /// `value` when nothing is left behind it.
    pub fn end<T>(self, value: T) -> Result<T, DecodeError> {
        if self.is_empty() { Ok(value) } else { Err(DecodeError::Damaged) }
    }
}

/// One field of a message.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub id: u64,
    pub body: &'a [u8],
}

impl<'a> Field<'a> {
    pub const fn reader(&self) -> Reader<'a> {
        Reader::of(self.body)
    }

    pub fn whole(&self) -> Result<u64, DecodeError> {
        let mut reader = self.reader();
        let value = reader.varint()?;
        reader.end(value)
    }

    /// A whole number of 32 bits; a larger one is taken as the largest.
    pub fn small(&self) -> Result<u32, DecodeError> {
        Ok(u32::try_from(self.whole()?).unwrap_or(u32::MAX))
    }

    pub fn signed(&self) -> Result<i64, DecodeError> {
        self.whole().map(unzigzag)
    }

    pub fn real(&self) -> Result<f64, DecodeError> {
        let mut reader = self.reader();
        let bytes = reader.array()?;
        reader.end(f64::from_le_bytes(bytes))
    }

    pub fn text(&self) -> Result<String, DecodeError> {
        std::str::from_utf8(self.body).map(str::to_owned).map_err(|_| DecodeError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        for bits in 0..64 {
            for value in [1_u64 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let mut bytes = Vec::new();
                put_varint(&mut bytes, value);
                let mut reader = Reader::of(&bytes);
                assert_eq!(reader.varint(), Ok(value));
                assert!(reader.is_empty() && bytes.len() <= 10);
                assert_eq!(zigzag(unzigzag(value)), value);
            }
        }
        assert_eq!([0, -1, 1, -2, i64::MAX, i64::MIN].map(zigzag), [0, 1, 2, 3, u64::MAX - 1, u64::MAX]);
    }

    #[test]
    fn a_varint_that_is_too_long_is_damaged() {
        for bytes in [&[0x80; 11][..], &[0xff; 10], &[0x80], &[], &[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]] {
            assert_eq!(Reader::of(bytes).varint(), Err(DecodeError::Damaged), "{bytes:?}");
        }
    }

    #[test]
    fn a_field_that_claims_more_than_there_is_is_damaged() {
        let mut claim = vec![1];
        put_varint(&mut claim, u64::MAX);
        assert!(Reader::of(&claim).field().is_err());
        assert!(Reader::of(&[1, 2, 0]).field().is_err());
        assert!(Reader::of(&[1, 2, 0, 0]).field().is_ok_and(|field| field.is_some()));
    }
}
