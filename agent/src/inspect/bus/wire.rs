//! Messages in bytes. Every number lies at a multiple of its own length, counted from the message's start; structures at one of 8.

use super::Call;

/// What every message begins with: order, kind, flags, version, and three numbers of 4 bytes.
pub const START_BYTES: usize = 16;
/// A call of a method.
const CALL: u8 = 1;
/// Deepest nesting of types that is read. Source: D-Bus specification, 32 arrays in 32 structures.
const DEEPEST: u8 = 64;

/// Fields of a head. Source: D-Bus specification, "Header Fields".
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// A call's bytes.
pub fn call(serial: u32, call: Call<'_>, texts: &[&str]) -> Vec<u8> {
    let mut body = Writer::default();
    for text in texts {
        body.text(text);
    }
    let mut fields = Writer::default();
    // Where the fields begin is a multiple of 8, as is the start that they are counted from here.
    let mut put = |code: u8, kind: &str, value: &str| {
        fields.pad(8);
        fields.0.push(code);
        fields.signature(kind);
        if kind == "g" { fields.signature(value) } else { fields.text(value) }
    };
    put(PATH, "o", call.path);
    put(INTERFACE, "s", call.interface);
    put(MEMBER, "s", call.method);
    put(DESTINATION, "s", call.service);
    if !texts.is_empty() {
        put(SIGNATURE, "g", &"s".repeat(texts.len()));
    }
    // Little-endian, a call, no flags, the first version.
    let mut message = Writer(vec![b'l', CALL, 0, 1]);
    message.length(body.0.len());
    message.0.extend(serial.to_le_bytes());
    message.length(fields.0.len());
    message.0.extend(fields.0);
    message.pad(8);
    message.0.extend(body.0);
    message.0
}

/// Bytes in the making, little-endian.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// Up to a multiple of `to`.
    pub fn pad(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    /// A length.
    pub fn length(&mut self, length: usize) {
        self.0.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    /// A text, or an object's path.
    pub fn text(&mut self, text: &str) {
        self.pad(4);
        self.length(text.len());
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    /// Names of types.
    pub fn signature(&mut self, signature: &str) {
        self.0.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }
}

/// How long the parts of a message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Its order of bytes.
    pub is_big: bool,
    /// The head's fields, with what fills up to the body.
    pub fields: usize,
    /// The fields alone.
    fields_alone: usize,
    /// The body.
    pub body: usize,
}

/// What the start says.
pub fn lengths(start: &[u8; START_BYTES]) -> Option<Lengths> {
    let is_big = match start.first()? {
        b'l' => false,
        b'B' => true,
        _ => return None,
    };
    let mut reader = Reader { bytes: start, at: 4, is_big };
    let body = reader.length()?;
    reader.number32()?;
    let fields_alone = reader.length()?;
    Some(Lengths { is_big, fields: fields_alone.checked_next_multiple_of(8)?, fields_alone, body })
}

/// What a head says to us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Which call it answers.
    pub answers: Option<u32>,
    /// The failure's name, when it is one.
    pub error: Option<String>,
    /// The types in the body.
    pub signature: String,
}

impl Head {
    /// Reads its fields.
    pub fn read(fields: &[u8], lengths: Lengths) -> Option<Self> {
        let mut reader = Reader { bytes: fields.get(..lengths.fields_alone)?, at: 0, is_big: lengths.is_big };
        let mut head = Self::default();
        while reader.at < reader.bytes.len() {
            reader.pad(8);
            let code = reader.take(1)?.first().copied()?;
            let kind = reader.signature()?;
            match (code, kind) {
                (REPLY_SERIAL, "u") => head.answers = Some(reader.number32()?),
                (ERROR_NAME, "s") => head.error = Some(reader.text()?.to_owned()),
                (SIGNATURE, "g") => reader.signature()?.clone_into(&mut head.signature),
                _ => reader.skip(kind)?,
            }
        }
        Some(head)
    }
}

/// An answer.
#[derive(Debug)]
pub struct Body {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their order.
    pub is_big: bool,
}

impl Body {
    /// From its beginning.
    pub fn reader(&self) -> Reader<'_> {
        Reader { bytes: &self.bytes, at: 0, is_big: self.is_big }
    }
}

/// Reads one value after another; `None` where there is no such value.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big: bool,
}

/// What a variant may hold, as far as anybody here wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant<'a> {
    /// A text.
    Text(&'a str),
    /// A number of 8 bytes without a sign.
    Number(u64),
    /// Anything else.
    Other,
}

impl<'a> Reader<'a> {
    fn pad(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// A number of 4 bytes.
    pub fn number32(&mut self) -> Option<u32> {
        self.pad(4);
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn number64(&mut self) -> Option<u64> {
        self.pad(8);
        let bytes = self.take(8)?.try_into().ok()?;
        Some(if self.is_big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number32()?).ok()
    }

    /// A text, or an object's path.
    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        self.ended(length)
    }

    fn signature(&mut self) -> Option<&'a str> {
        let length = usize::from(*self.take(1)?.first()?);
        self.ended(length)
    }

    /// A text that an empty byte follows.
    fn ended(&mut self, length: usize) -> Option<&'a str> {
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        self.take(1)?;
        Some(text)
    }

    /// Every element of an array of structures, or of pairs.
    pub fn structures<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        self.pad(8);
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let mut found = Vec::new();
        while self.at < end {
            self.pad(8);
            found.push(read(self)?);
        }
        Some(found)
    }

    /// A value with its type before it.
    pub fn variant(&mut self) -> Option<Variant<'a>> {
        Some(match self.signature()? {
            "s" => Variant::Text(self.text()?),
            "t" => Variant::Number(self.number64()?),
            other => {
                self.skip(other)?;
                Variant::Other
            }
        })
    }

    /// Passes over values of these types.
    pub fn skip(&mut self, signature: &str) -> Option<()> {
        let mut rest = signature.as_bytes();
        while !rest.is_empty() {
            rest = self.skip_one(rest, 0)?;
        }
        Some(())
    }

    /// Passes over one value, and gives the types behind its own.
    fn skip_one<'s>(&mut self, signature: &'s [u8], depth: u8) -> Option<&'s [u8]> {
        if depth > DEEPEST {
            return None;
        }
        let (kind, mut rest) = signature.split_first()?;
        match kind {
            b'y' => drop(self.take(1)?),
            b'n' | b'q' => {
                self.pad(2);
                self.take(2)?;
            }
            b'b' | b'i' | b'u' | b'h' => drop(self.number32()?),
            b'x' | b't' | b'd' => drop(self.number64()?),
            b's' | b'o' => drop(self.text()?),
            b'g' => drop(self.signature()?),
            b'v' => {
                let inner = self.signature()?;
                if !self.skip_one(inner.as_bytes(), depth + 1)?.is_empty() {
                    return None;
                }
            }
            b'a' => {
                let length = self.length()?;
                self.pad(alignment(*rest.first()?));
                self.take(length)?;
                rest = behind(rest, 0)?;
            }
            b'(' | b'{' => {
                let end = if *kind == b'(' { b')' } else { b'}' };
                self.pad(8);
                while *rest.first()? != end {
                    rest = self.skip_one(rest, depth + 1)?;
                }
                rest = rest.get(1..)?;
            }
            _ => return None,
        }
        Some(rest)
    }
}

/// What the first byte of a value of this type is a multiple of.
fn alignment(kind: u8) -> usize {
    match kind {
        b'y' | b'g' | b'v' => 1,
        b'n' | b'q' => 2,
        b'x' | b't' | b'd' | b'(' | b'{' => 8,
        _ => 4,
    }
}

/// The types behind the first one.
fn behind(signature: &[u8], depth: u8) -> Option<&[u8]> {
    let (kind, mut rest) = signature.split_first()?;
    match kind {
        _ if depth > DEEPEST => None,
        b'a' => behind(rest, depth + 1),
        b'(' | b'{' => {
            let end = if *kind == b'(' { b')' } else { b'}' };
            while *rest.first()? != end {
                rest = behind(rest, depth + 1)?;
            }
            rest.get(1..)
        }
        b')' | b'}' => None,
        _ => Some(rest),
    }
}
