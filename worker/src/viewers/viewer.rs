//! One viewer: who it is, as the Worker says, and what is kept with its socket across the object's sleep.

use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

/// A socket is ended at latest after this long, so that a viewer shows again who it is.
const LIFETIME_MS: i64 = 3_600_000;
/// A viewer that has not said `ping` for this long is gone; it says it every 25 s.
const SILENCE_MS: i64 = 120_000;

/// A program for Pulse that answered pings and answers them no more for this long, three of them, cannot keep up.
const SLOW_MS: i64 = 100_000;

/// So many look at most.
const MAX_VIEWERS: usize = 2_000;
/// So many of them are guests at most: who runs the fleet finds a place.
const MAX_GUESTS: usize = 1_500;

/// What a viewer may see, settled by the Worker before the socket is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Hosts that guests are not shown, too.
    pub sees_hidden: bool,
    /// When the credential it came with is over, Unix seconds; `None` when it has no end.
    pub until_s: Option<i64>,
    /// Whether it is told all of the fleet every two seconds, in the words of another dialect, and says nothing itself.
    #[serde(default)]
    pub feed: bool,
    /// Whether it is told of everything as programs for Pulse are; together with `feed`, every text is in the words of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<PulseTerms>,
    /// Whether it came without a credential of its own; knowing the view password is none.
    #[serde(default)]
    pub guest: bool,
}

/// What programs for Pulse are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulseTerms {
    /// Since when the deployment is there, Unix seconds.
    pub started_at_s: i64,
    /// Seconds between two polls.
    pub poll_s: u32,
}

/// What is kept with a viewer's socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who it is.
    pub viewer: Viewer,
    /// When it came, Unix milliseconds.
    pub since_ms: i64,
    /// Whether it was sent a snapshot.
    pub greeted: bool,
    /// Whether all of the fleet was in it.
    pub whole: bool,
    /// The hosts it shows.
    pub window: Vec<i64>,
    /// When a program for Pulse last answered a ping, Unix milliseconds; `None` for one that never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<i64>,
    /// When it last asked for the state, Unix milliseconds.
    #[serde(default)]
    pub asked_ms: i64,
}

/// Whether there is a place for one more. `guests`: how many of all `viewers` are such.
pub const fn has_room(viewers: usize, guests: usize, next: Viewer) -> bool {
    viewers < MAX_VIEWERS && (!next.guest || guests < MAX_GUESTS)
}

/// Why a socket is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing was heard of it.
    Silent,
    /// It has to show again who it is.
    Over,
    /// It does not take in what it is sent.
    Slow,
}

impl Viewer {
    /// A member with a credential that is over at `until`.
    pub fn member(until: Option<UnixSeconds>) -> Self {
        Self { sees_hidden: true, until_s: until.map(|until| until.0), feed: false, pulse: None, guest: false }
    }

    /// Somebody who is told the feed.
    pub fn of_feed(sees_hidden: bool, until: Option<UnixSeconds>) -> Self {
        Self { sees_hidden, until_s: until.map(|until| until.0), feed: true, pulse: None, guest: false }
    }

    /// Somebody who is told as programs for Pulse are.
    pub fn of_pulse(sees_hidden: bool, until: Option<UnixSeconds>, terms: PulseTerms) -> Self {
        Self { feed: false, pulse: Some(terms), ..Self::of_feed(sees_hidden, until) }
    }

    /// Whether it is told what the hub pushes.
    pub const fn looks_at_hub(&self) -> bool {
        self.feed || self.pulse.is_none()
    }
}

impl Seat {
    /// The seat of a viewer who comes now.
    pub const fn new(viewer: Viewer, now: UnixMillis) -> Self {
        let window = Vec::new();
        Self { viewer, since_ms: now.0, greeted: false, whole: false, window, answered_ms: None, asked_ms: 0 }
    }

    /// From the bytes kept with a socket; `None` when they are not ours.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// As bytes to keep: at most 1 kB.
    pub fn write(&self) -> Vec<u8> {
        // A struct of numbers, booleans and lists cannot fail to be JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether the socket is to be ended at `now`; `heard` is when it last said `ping`.
    pub fn end(&self, heard: Option<UnixMillis>, now: UnixMillis) -> Option<End> {
        let credential_over = self.viewer.until_s.is_some_and(|until_s| now.seconds().0 >= until_s);
        if credential_over || now.0.saturating_sub(self.since_ms) >= LIFETIME_MS {
            return Some(End::Over);
        }
        if self.viewer.feed || self.viewer.pulse.is_some() {
            // It need not say anything; that it is gone is seen when it is told something.
            let is_slow = self.answered_ms.is_some_and(|at_ms| now.0.saturating_sub(at_ms) >= SLOW_MS);
            return is_slow.then_some(End::Slow);
        }
        let heard_ms = heard.map_or(self.since_ms, |heard| heard.0.max(self.since_ms));
        (now.0.saturating_sub(heard_ms) >= SILENCE_MS).then_some(End::Silent)
    }
}

impl End {
    /// The close code and reason that the viewer is told. 4001: connect again and show who you are.
    pub const fn words(self) -> (u16, &'static str) {
        match self {
            Self::Silent => (4000, "no ping for two minutes"),
            Self::Over => (4001, "show again who you are"),
            Self::Slow => (1008, "too slow"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

    fn later(ms: i64) -> UnixMillis {
        UnixMillis(NOW.0 + ms)
    }

    #[test]
    fn a_seat_outlives_sleep() {
        let mut seat =
            Seat::new(Viewer { sees_hidden: false, until_s: Some(5), feed: false, pulse: None, guest: false }, NOW);
        seat.window = vec![1, 9_007_199_254_740_991];
        assert_eq!(Seat::read(&seat.write()), Some(seat));
        assert_eq!(Seat::read(b"\x00"), None);
        let full = Seat { window: vec![9_007_199_254_740_991; 50], ..Seat::new(Viewer::member(None), NOW) };
        assert!(full.write().len() < 1024);
    }

    #[test]
    fn guests_leave_places_for_those_who_sign_in() {
        let guests = [Viewer::member(None), Viewer::of_feed(false, None), Viewer::of_feed(true, None)];
        for guest in guests.map(|viewer| Viewer { guest: true, ..viewer }) {
            assert!(has_room(1_499, 1_499, guest) && has_room(1_999, 1_499, guest));
            assert!(!has_room(1_500, 1_500, guest) && !has_room(2_000, 0, guest));
        }
        for member in [Viewer::member(None), Viewer::of_feed(true, None)] {
            assert!(has_room(1_500, 1_500, member) && has_room(1_999, 1_500, member) && !has_room(2_000, 0, member));
        }
    }

    #[test]
    fn a_silent_viewer_is_ended_and_one_that_pings_is_not() {
        let seat = Seat::new(Viewer::member(None), NOW);
        assert_eq!(seat.end(None, later(119_999)), None);
        assert_eq!(seat.end(None, later(120_000)), Some(End::Silent));
        assert_eq!(seat.end(Some(later(60_000)), later(120_000)), None);
        assert_eq!(seat.end(Some(later(-5_000)), later(119_999)), None, "a ping of an earlier socket is none");
        let feed = Seat::new(Viewer::of_feed(true, None), NOW);
        assert_eq!((feed.end(None, later(3_599_999)), feed.end(None, later(3_600_000))), (None, Some(End::Over)));
    }

    #[test]
    fn a_program_that_answered_pings_and_does_no_more_is_ended() {
        let terms = PulseTerms { started_at_s: 1, poll_s: 10 };
        let never = Seat::new(Viewer::of_pulse(true, None, terms), NOW);
        assert_eq!(never.end(None, later(3_599_999)), None, "nobody has to");
        let once = Seat { answered_ms: Some(NOW.0), ..never };
        assert_eq!((once.end(None, later(99_999)), once.end(None, later(100_000))), (None, Some(End::Slow)));
    }

    #[test]
    fn nobody_stays_longer_than_their_credential_or_an_hour() {
        let pinging = |at: UnixMillis| Some(at);
        let seat = Seat::new(Viewer::member(None), NOW);
        assert_eq!(seat.end(pinging(later(3_599_999)), later(3_599_999)), None);
        assert_eq!(seat.end(pinging(later(3_600_000)), later(3_600_000)), Some(End::Over));
        let short = Seat::new(Viewer::member(Some(NOW.seconds().plus(30))), NOW);
        assert_eq!(short.end(None, later(29_999)), None);
        assert_eq!(short.end(None, later(30_000)), Some(End::Over));
    }
}
