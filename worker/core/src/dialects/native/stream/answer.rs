//! What answers a frame, and how a connection ends.

use super::hello::{Versions, version};
use super::wire::{DecodeError, Reader, Writer};
use crate::dialects::native::DroppedValue;

/// Values left out that one answer names.
const MAX_DROPPED: usize = 16;
/// The longest wait before coming back that is believed.
const MAX_SPREAD_S: u32 = 3_600;

/// A frame was taken, or samples became durable meanwhile.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ack {
    /// Field 1: the frame that this answers, and every frame before it; `None` when it answers none.
    pub answers: Option<u64>,
    /// Field 2: samples up to this number are with the hub; they need not be sent again on this connection.
    pub taken_up_to: u64,
    /// Field 3: samples up to this number are stored for good; the agent may forget them.
    pub durable_up_to: u64,
    /// Field 4, repeated: values of the frame that could not be true and were left out; at most 16 are named.
    pub dropped: Vec<DroppedValue>,
}

impl Ack {
    pub(super) fn write(&self, writer: &mut Writer) {
        if let Some(frame) = self.answers {
            writer.given(1, frame);
        }
        writer.whole(2, self.taken_up_to);
        writer.whole(3, self.durable_up_to);
        for dropped in self.dropped.iter().take(MAX_DROPPED) {
            let mut value = Writer::nested();
            if let Some(number) = dropped.number {
                value.given(1, number);
            }
            value.text(2, &dropped.field);
            value.text(3, &dropped.reason);
            writer.bytes(4, &value.into_bytes());
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut ack = Self::default();
        while let Some(field) = reader.field()? {
            match field.id {
                1 => ack.answers = Some(field.whole()?),
                2 => ack.taken_up_to = field.whole()?,
                3 => ack.durable_up_to = field.whole()?,
                4 if ack.dropped.len() < MAX_DROPPED => ack.dropped.push(dropped(field.reader())?),
                _ => {}
            }
        }
        Ok(ack)
    }
}

fn dropped(mut reader: Reader<'_>) -> Result<DroppedValue, DecodeError> {
    let mut dropped = DroppedValue { number: None, field: String::new(), reason: String::new() };
    while let Some(field) = reader.field()? {
        match field.id {
            1 => dropped.number = Some(field.whole()?),
            2 => dropped.field = field.text()?,
            3 => dropped.reason = field.text()?,
            _ => {}
        }
    }
    Ok(dropped)
}

/// A frame was not taken, because samples are missing before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resend {
    /// Field 1: the frame that this answers, and every frame before it.
    pub answers: u64,
    /// Field 2: the first missing number.
    pub from: u64,
}

impl Resend {
    pub(super) fn write(self, writer: &mut Writer) {
        writer.whole(1, self.answers);
        writer.whole(2, self.from);
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut resend = Self::default();
        while let Some(field) = reader.field()? {
            match field.id {
                1 => resend.answers = field.whole()?,
                2 => resend.from = field.whole()?,
                _ => {}
            }
        }
        Ok(resend)
    }
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reason {
    /// 0: no reason given.
    #[default]
    None,
    /// 1: this side restarts, moves or ends; come back.
    Restart,
    /// 2: the secret is not valid any more, or the host was retired.
    Unauthorized,
    /// 3: no version in common.
    Version,
    /// 4: the same host has a newer connection.
    Replaced,
    /// 5: a message could not be read.
    Malformed,
    /// 6: more than this side can take now; come back later.
    Busy,
    /// A reason of a newer version.
    Other(u64),
}

impl Reason {
    const fn number(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Restart => 1,
            Self::Unauthorized => 2,
            Self::Version => 3,
            Self::Replaced => 4,
            Self::Malformed => 5,
            Self::Busy => 6,
            Self::Other(number) => number,
        }
    }

    const fn of(number: u64) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Restart,
            2 => Self::Unauthorized,
            3 => Self::Version,
            4 => Self::Replaced,
            5 => Self::Malformed,
            6 => Self::Busy,
            number => Self::Other(number),
        }
    }
}

/// The last message of a connection. Its layout is the same in every version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Goodbye {
    /// Field 1.
    pub reason: Reason,
    /// Field 2: come back after a random part of so many seconds, at most 3,600; 90 when many connections are closed at once.
    pub spread_s: u32,
    /// Field 3: a sentence for people.
    pub text: String,
    /// Fields 4 and 5: what this side speaks, with [`Reason::Version`].
    pub versions: Option<Versions>,
}

impl Goodbye {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.whole(1, self.reason.number());
        writer.whole(2, self.spread_s.into());
        writer.text(3, &self.text);
        if let Some(versions) = self.versions {
            writer.given(4, versions.from.into());
            writer.given(5, versions.to.into());
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut goodbye = Self::default();
        let (mut from, mut to) = (None, None);
        while let Some(field) = reader.field()? {
            match field.id {
                1 => goodbye.reason = Reason::of(field.whole()?),
                2 => goodbye.spread_s = field.small()?.min(MAX_SPREAD_S),
                3 => goodbye.text = field.text()?,
                4 => from = Some(version(field.whole()?)),
                5 => to = Some(version(field.whole()?)),
                _ => {}
            }
        }
        goodbye.versions = from.zip(to).map(|(from, to)| Versions { from, to });
        Ok(goodbye)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_number() {
        for number in 0..20 {
            assert_eq!(Reason::of(number).number(), number);
        }
        assert_eq!(Reason::of(u64::MAX), Reason::Other(u64::MAX));
    }

    #[test]
    fn sixteen_dropped_values_are_named_and_no_more() {
        let value = DroppedValue { number: Some(1), field: "load1".to_owned(), reason: String::new() };
        let named = |count: usize, more: usize| {
            let ack = Ack { dropped: vec![value.clone(); count], ..Ack::default() };
            let mut writer = Writer::nested();
            (0..more).for_each(|_| writer.bytes(4, &[]));
            ack.write(&mut writer);
            let bytes = writer.into_bytes();
            (bytes.len(), Ack::read(Reader::of(&bytes)).unwrap().dropped.len())
        };
        assert_eq!(named(15, 0).1, 15);
        assert_eq!(named(100, 0), named(16, 0));
        assert_eq!(named(16, 16).1, 16, "the reader bounds them too");
    }

    #[test]
    fn nobody_is_sent_away_for_more_than_an_hour() {
        let mut writer = Writer::nested();
        Goodbye { spread_s: u32::MAX, ..Goodbye::default() }.write(&mut writer);
        assert_eq!(Goodbye::read(Reader::of(&writer.into_bytes())).unwrap().spread_s, 3_600);
    }
}
