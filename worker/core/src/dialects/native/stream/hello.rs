//! How a connection begins, and how the hub wants reports.

use super::wire::{DecodeError, Reader, Writer};
use crate::dialects::native::ReportSettings;

/// [`Hello::capabilities`]: the agent can send a frame with every sample for a while.
pub const CAN_GO_LIVE: u64 = 1;
/// [`Hello::capabilities`]: the agent can keep its samples for a while.
pub const CAN_HOLD: u64 = 2;
/// [`Hello::capabilities`]: the agent can ask targets.
pub const CAN_PROBE: u64 = 4;

/// The versions that one side speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The lowest.
    pub from: u8,
    /// The highest.
    pub to: u8,
}

impl Versions {
    /// The one we write and the one before. Source: design, "The agent".
    pub const OURS: Self = Self::up_to(super::VERSION);

    const fn up_to(version: u8) -> Self {
        // Versions start at 1.
        Self { from: if version > 1 { version - 1 } else { 1 }, to: version }
    }

    /// Whether `version` is among them.
    pub const fn contain(self, version: u8) -> bool {
        self.from <= version && version <= self.to
    }

    /// The highest version that both speak.
    pub fn common(self, other: Self) -> Option<u8> {
        let highest = self.to.min(other.to);
        (self.contain(highest) && other.contain(highest)).then_some(highest)
    }
}

/// The agent's first message. Its layout is the same in every version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Fields 1 and 2: what the agent speaks.
    pub versions: Versions,
    /// Field 3: the agent's version, for people.
    pub agent_version: String,
    /// Field 4: the agent's clock, milliseconds since 1970.
    pub clock_ms: i64,
    /// Field 5: the lowest number the agent still holds; `next` when it holds nothing.
    pub oldest: u64,
    /// Field 6: the number that its next sample will have.
    pub next: u64,
    /// Field 7: what it can do, a bit each; bits that one does not know are ignored.
    pub capabilities: u64,
    /// Field 8: how many samples it had to drop for want of room since it was started.
    pub dropped_samples: u64,
}

impl Hello {
    /// Whether the agent can do what `capability` stands for.
    pub const fn can(&self, capability: u64) -> bool {
        self.capabilities & capability == capability
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.whole(1, self.versions.from.into());
        writer.whole(2, self.versions.to.into());
        writer.text(3, &self.agent_version);
        writer.signed(4, self.clock_ms);
        writer.whole(5, self.oldest);
        writer.whole(6, self.next);
        writer.whole(7, self.capabilities);
        writer.whole(8, self.dropped_samples);
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut hello = Self {
            versions: Versions { from: 0, to: 0 },
            agent_version: String::new(),
            clock_ms: 0,
            oldest: 0,
            next: 0,
            capabilities: 0,
            dropped_samples: 0,
        };
        while let Some(field) = reader.field()? {
            match field.id {
                1 => hello.versions.from = version(field.whole()?),
                2 => hello.versions.to = version(field.whole()?),
                3 => hello.agent_version = field.text()?,
                4 => hello.clock_ms = field.signed()?,
                5 => hello.oldest = field.whole()?,
                6 => hello.next = field.whole()?,
                7 => hello.capabilities = field.whole()?,
                8 => hello.dropped_samples = field.whole()?,
                _ => {}
            }
        }
        Ok(hello)
    }
}

/// A version as a field has it; one beyond a byte is beyond everybody.
pub(super) fn version(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// The hub's answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Field 1: every sample up to this number is stored for good; send from the next one on. Higher than any number the
    /// agent ever gave: it lost its counter, and numbers what it holds from the next one on.
    pub durable_up_to: u64,
    /// Field 2: the hub's clock, milliseconds since 1970.
    pub time_ms: i64,
    /// Field 3: how to report.
    pub settings: Settings,
}

impl Welcome {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.whole(1, self.durable_up_to);
        writer.signed(2, self.time_ms);
        let mut settings = Writer::nested();
        self.settings.write(&mut settings);
        writer.bytes(3, &settings.into_bytes());
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut welcome = Self { durable_up_to: 0, time_ms: 0, settings: Settings::default() };
        while let Some(field) = reader.field()? {
            match field.id {
                1 => welcome.durable_up_to = field.whole()?,
                2 => welcome.time_ms = field.signed()?,
                3 => welcome.settings = Settings::read(field.reader())?,
                _ => {}
            }
        }
        Ok(welcome)
    }
}

/// How an agent reports, as the hub wants it: always whole, what is left out has its default again. An agent's own
/// configuration may ask for slower, never for faster.
///
/// What is not possible is brought into its limits when it is read, so that no settings make an agent spin or fall silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Fields 1 and 2: seconds between two samples, 1 to 3,600, and between two frames, up to a day.
    pub report: ReportSettings,
    /// Field 3: send a frame with every sample for so many seconds, at most 600; 0 ends it. It has to be renewed, so a hub
    /// that forgets leaves no agent talking.
    pub live_for_s: u32,
    /// Field 4: keep samples and send no frame for so many seconds, at most a day; pings go on. 0 ends it.
    pub hold_for_s: u32,
    /// Field 5: seconds between two pings, 1 to 60.
    pub ping_s: u32,
    /// Field 6: how many frames may be unanswered, 1 to 16.
    pub window: u32,
    /// Field 7: after a connection that ended without a goodbye, come back after a random part of so many seconds, 1 to 90.
    pub spread_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            report: ReportSettings { period_s: 10, frame_s: 60 },
            live_for_s: 0,
            hold_for_s: 0,
            ping_s: 10,
            window: 4,
            spread_s: 5,
        }
    }
}

impl Settings {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.given(1, self.report.period_s.into());
        writer.given(2, self.report.frame_s.into());
        writer.given(3, self.live_for_s.into());
        writer.given(4, self.hold_for_s.into());
        writer.given(5, self.ping_s.into());
        writer.given(6, self.window.into());
        writer.given(7, self.spread_s.into());
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut settings = Self::default();
        while let Some(field) = reader.field()? {
            match field.id {
                1 => settings.report.period_s = field.small()?.clamp(1, 3_600),
                2 => settings.report.frame_s = field.small()?.min(86_400),
                3 => settings.live_for_s = field.small()?.min(600),
                4 => settings.hold_for_s = field.small()?.min(86_400),
                5 => settings.ping_s = field.small()?.clamp(1, 60),
                6 => settings.window = field.small()?.clamp(1, 16),
                7 => settings.spread_s = field.small()?.clamp(1, 90),
                _ => {}
            }
        }
        settings.report.frame_s = settings.report.frame_s.max(settings.report.period_s);
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_speaks_its_version_and_the_one_before() {
        assert_eq!(Versions::up_to(1), Versions { from: 1, to: 1 });
        let newer = Versions::up_to(3);
        assert_eq!(newer, Versions { from: 2, to: 3 });
        assert_eq!(newer.common(Versions::up_to(2)), Some(2));
        assert_eq!(Versions::up_to(2).common(newer), Some(2));
        assert_eq!(newer.common(newer), Some(3));
        assert_eq!(newer.common(Versions::up_to(1)), None);
        assert_eq!(newer.common(Versions { from: 0, to: 0 }), None);
        assert_eq!(newer.common(Versions { from: 9, to: 2 }), None, "the wrong way round");
    }

    #[test]
    fn impossible_settings_are_brought_into_their_limits() {
        let mut writer = Writer::nested();
        for (id, value) in [(1, 0), (2, 0), (3, u64::MAX), (4, u64::MAX), (5, 0), (6, 0), (7, 0)] {
            writer.given(id, value);
        }
        let settings = Settings::read(Reader::of(&writer.into_bytes())).unwrap();
        let report = ReportSettings { period_s: 1, frame_s: 1 };
        assert_eq!(
            settings,
            Settings { report, live_for_s: 600, hold_for_s: 86_400, ping_s: 1, window: 1, spread_s: 1 }
        );
    }

    #[test]
    fn a_capability_that_is_not_known_is_ignored() {
        let hello = Hello { capabilities: 1 << 63 | CAN_HOLD, ..Hello::read(Reader::of(&[])).unwrap() };
        assert!(hello.can(CAN_HOLD) && !hello.can(CAN_GO_LIVE));
    }
}
