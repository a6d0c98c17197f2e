//! `GET /agent/v1/stream`: the agent's WebSocket, version 1.
//!
//! ## Messages
//! Text messages are pings alone: the agent sends [`PING`], the runtime answers [`PONG`] without waking anything. Everything else
//! is binary and at most [`MAX_MESSAGE_BYTES`] long:
//!
//! ```text
//! u8 version, u8 kind, then fields: varint id, varint length, that many bytes
//! ```
//!
//! A varint is unsigned, 7 bits a byte, low bits first, the top bit set on all but the last, at most 10 bytes. Whole numbers are
//! varints, those that may be negative zigzag first, doubles are 8 bytes little-endian, texts UTF-8. A field that is left out
//! has its default: 0, empty, none. Where a field may not repeat, the last one counts.
//!
//! | kind | from | message | |
//! |---|---|---|---|
//! | 1 | agent | [`Hello`] | first, once |
//! | 2 | agent | [`Frame`] | samples |
//! | 3 | agent | [`Facts`] | what the host is: with the first frame, when it changes, and every six hours |
//! | 4 | both | [`Goodbye`] | last |
//! | 16 | hub | [`Welcome`] | answers the hello |
//! | 17 | hub | [`Ack`] | answers a frame; without a frame's number it only tells of what became durable |
//! | 18 | hub | [`Resend`] | answers a frame that was not taken |
//! | 19 | hub | [`Settings`] | how to report from now on |
//! | 20 | hub | [`Probes`] | what to ask from now on: behind the welcome and when it changes, to agents that can |
//!
//! ## Living together
//! - Fields with an unknown id are skipped, and messages of an unknown kind are ignored: within a version, things are only added.
//! - A version changes what exists. Each side speaks its own and the one before ([`Versions::OURS`]). A hello and a goodbye have the
//!   same layout in every version, so that two that have nothing in common can tell each other: the hub answers a hello it cannot
//!   serve by a goodbye with its versions, and the agent comes back with one of those, or posts.
//! - After the welcome both sides write the version of the welcome.
//!
//! ## Numbers
//! As for `POST /agent/v1/reports`. The rules, window and gap included, are `domain::stream`.

mod answer;
mod column;
mod facts;
mod frame;
mod hello;
mod probes;
mod wire;

pub use answer::{Ack, Goodbye, Reason, Resend};
pub use facts::Facts;
pub use frame::Frame;
pub use hello::{CAN_GO_LIVE, CAN_HOLD, CAN_PROBE, Hello, Settings, Versions, Welcome};
pub use probes::Probes;
pub use wire::{DecodeError, EncodeError};

use wire::{Reader, Writer};

/// The text that an agent sends to show that it lives. Source: design, "Presence"; the runtime allows 2,048 characters.
pub const PING: &str = "ping";
/// The text that the runtime answers it with.
pub const PONG: &str = "pong";
/// The longest message, both ways.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The version that is written.
pub const VERSION: u8 = 1;

const HELLO: u8 = 1;
const FRAME: u8 = 2;
const FACTS: u8 = 3;
const GOODBYE: u8 = 4;
const WELCOME: u8 = 16;
const ACK: u8 = 17;
const RESEND: u8 = 18;
const SETTINGS: u8 = 19;
const PROBES: u8 = 20;

/// A binary message from an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum FromAgent {
    /// The first message.
    Hello(Hello),
    /// Samples.
    Frame(Frame),
    /// What the host is.
    Facts(Facts),
    /// The agent ends.
    Goodbye(Goodbye),
    /// Of a newer agent: to be ignored.
    Unknown(u8),
}

/// A binary message from the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum FromHub {
    /// The answer to the hello.
    Welcome(Welcome),
    /// A frame was taken, or samples became durable.
    Ack(Ack),
    /// A frame was not taken.
    Resend(Resend),
    /// How to report from now on.
    Settings(Settings),
    /// What to ask from now on.
    Probes(Probes),
    /// The hub closes the connection.
    Goodbye(Goodbye),
    /// Of a newer hub: to be ignored.
    Unknown(u8),
}

impl FromAgent {
    /// The bytes to send.
    ///
    /// # Errors
    /// [`EncodeError`] when the message breaks a limit; a frame is then cut in two.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Hello(hello) => finish(HELLO, |writer| hello.write(writer)),
            Self::Frame(frame) => {
                frame.check()?;
                finish(FRAME, |writer| frame.write(writer))
            }
            Self::Facts(facts) => finish(FACTS, |writer| facts.write(writer)),
            Self::Goodbye(goodbye) => finish(GOODBYE, |writer| goodbye.write(writer)),
            Self::Unknown(kind) => finish(*kind, |_| ()),
        }
    }

    /// Reads what an agent sent. It never panics, and what it allocates is bounded by the limits of a frame.
    ///
    /// # Errors
    /// [`DecodeError`]; the connection is then closed with [`Reason::Malformed`] or [`Reason::Version`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (kind, reader) = open(bytes)?;
        Ok(match kind {
            HELLO => Self::Hello(Hello::read(reader)?),
            FRAME => Self::Frame(Frame::read(reader)?),
            FACTS => Self::Facts(Facts::read(reader)?),
            GOODBYE => Self::Goodbye(Goodbye::read(reader)?),
            kind => Self::Unknown(kind),
        })
    }
}

impl FromHub {
    /// The bytes to send.
    ///
    /// # Errors
    /// [`EncodeError`] when the message breaks a limit.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Welcome(welcome) => finish(WELCOME, |writer| welcome.write(writer)),
            Self::Ack(ack) => finish(ACK, |writer| ack.write(writer)),
            Self::Resend(resend) => finish(RESEND, |writer| resend.write(writer)),
            Self::Settings(settings) => finish(SETTINGS, |writer| settings.write(writer)),
            Self::Probes(probes) => finish(PROBES, |writer| probes.write(writer)),
            Self::Goodbye(goodbye) => finish(GOODBYE, |writer| goodbye.write(writer)),
            Self::Unknown(kind) => finish(*kind, |_| ()),
        }
    }

    /// Reads what the hub sent; as total as [`FromAgent::decode`].
    ///
    /// # Errors
    /// [`DecodeError`]; the agent then closes the connection and comes back later.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (kind, reader) = open(bytes)?;
        Ok(match kind {
            WELCOME => Self::Welcome(Welcome::read(reader)?),
            ACK => Self::Ack(Ack::read(reader)?),
            RESEND => Self::Resend(Resend::read(reader)?),
            SETTINGS => Self::Settings(Settings::read(reader)?),
            PROBES => Self::Probes(Probes::read(reader)?),
            GOODBYE => Self::Goodbye(Goodbye::read(reader)?),
            kind => Self::Unknown(kind),
        })
    }
}

fn finish(kind: u8, write: impl FnOnce(&mut Writer)) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::message(VERSION, kind);
    write(&mut writer);
    let bytes = writer.into_bytes();
    if bytes.len() > MAX_MESSAGE_BYTES { Err(EncodeError::TooLarge { bytes: bytes.len() }) } else { Ok(bytes) }
}

/// The kind of a message and its fields.
fn open(bytes: &[u8]) -> Result<(u8, Reader<'_>), DecodeError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    let ([version, kind], fields) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Damaged)?;
    let is_for_all_versions = matches!(*kind, HELLO | GOODBYE);
    if !Versions::OURS.contain(*version) && !is_for_all_versions {
        return Err(DecodeError::UnknownVersion(*version));
    }
    Ok((*kind, Reader::of(fields)))
}

#[cfg(test)]
mod tests;
