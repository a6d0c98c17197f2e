//! How a probe's target is, by its newest results over all that ask. Source: nezha specification, 8.3.

use crate::model::HostId;

/// How a probe's target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// No result. Quirk: in Nezha's words none that was good, either.
    #[default]
    NoData,
    /// More than 95 % of them were good.
    Good,
    /// More than 80 %.
    Low,
    /// Less.
    Down,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::NoData, Self::Good, Self::Low, Self::Down];

    /// The state that follows when so many of so many results were good. Ours differs from the original in one thing: results that
    /// are all bad are "Down", not "No Data".
    pub const fn of(up: usize, all: usize) -> Self {
        if all == 0 {
            Self::NoData
        } else if up * 100 > all * 95 {
            Self::Good
        } else if up * 100 > all * 80 {
            Self::Low
        } else {
            Self::Down
        }
    }

    /// Its word in our own API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Good => "good",
            Self::Low => "low",
            Self::Down => "down",
        }
    }

    /// The state that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state in Nezha's words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoData => "No Data",
            Self::Good => "Good",
            Self::Low => "Low Availability",
            Self::Down => "Down",
        }
    }

    /// Whether something is wrong with the target.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Low | Self::Down)
    }
}

/// How many results the state is made of, and the least time between two that count, ms. Source: nezha specification, 8.3.
const RING: usize = 30;
const RING_EVERY_MS: i64 = 30_000;
/// A result that is so much older than the one before is of a clock that stepped back, and not late, ms.
const STEP_BACK_MS: i64 = 15 * 60_000;

/// The newest results of a probe over all that ask it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Availability {
    /// Newest last: nothing for a good one, else whose it was.
    ring: Vec<Option<HostId>>,
    last_ms: Option<i64>,
}

impl Availability {
    /// The results in the order of their time, each with whose it was when it was bad, and when the last one came, ms since 1970.
    pub fn restored(ring: impl Iterator<Item = Option<HostId>>, last_ms: Option<i64>) -> Self {
        Self { ring: ring.take(RING).collect(), last_ms }
    }

    /// Takes a result that came at `at_ms`, ms since 1970, unless one came too short a time before. Results come in order of time.
    pub fn add(&mut self, at_ms: i64, is_up: bool) {
        self.note(at_ms, (!is_up).then_some(HostId(0)));
    }

    /// Takes a result likewise: nothing for a good one, else whose it was. One that is late, or was taken before, changes nothing.
    pub fn note(&mut self, at_ms: i64, bad: Option<HostId>) {
        let since = self.last_ms.map(|last_ms| at_ms.saturating_sub(last_ms));
        if since.is_some_and(|since| (-STEP_BACK_MS..RING_EVERY_MS).contains(&since)) {
            return;
        }
        self.last_ms = Some(at_ms);
        if self.ring.len() >= RING {
            self.ring.remove(0);
        }
        self.ring.push(bad);
    }

    /// Lets the bad results go of those that do not count any more.
    pub fn retain(&mut self, counts: impl Fn(HostId) -> bool) {
        self.ring.retain(|bad| bad.is_none_or(&counts));
    }

    /// How many results there are.
    pub const fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many of them are good.
    pub fn up(&self) -> usize {
        self.ring.iter().filter(|bad| bad.is_none()).count()
    }

    /// The results, oldest first, as [`Availability::restored`] takes them.
    pub fn ring(&self) -> &[Option<HostId>] {
        &self.ring
    }

    /// When the last one came that counts, ms since 1970.
    pub const fn last_ms(&self) -> Option<i64> {
        self.last_ms
    }

    /// The state that follows.
    pub fn state(&self) -> State {
        State::of(self.up(), self.ring.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_the_last_thirty_results() {
        let of = |up: usize, down: usize| {
            let mut availability = Availability::default();
            let results = std::iter::repeat_n(true, up).chain(std::iter::repeat_n(false, down));
            for (at, up) in (0..).zip(results) {
                availability.add(at * 30_000, up);
            }
            availability.state()
        };
        assert_eq!([of(0, 0), of(1, 0), of(29, 1), of(30, 0)], [State::NoData, State::Good, State::Good, State::Good]);
        assert_eq!([of(28, 2), of(25, 5), of(24, 6), of(0, 1)], [State::Low, State::Low, State::Down, State::Down]);
        assert_eq!(of(1_000, 30), State::Down, "what is older does not count");
    }

    #[test]
    fn a_result_within_thirty_seconds_of_another_does_not_count() {
        let mut availability = Availability::default();
        for (at_ms, up) in [(0, true), (10_000, false), (29_999, false), (30_000, true), (59_000, false)] {
            availability.add(at_ms, up);
        }
        assert_eq!((availability.len(), availability.state(), availability.is_empty()), (2, State::Good, false));
    }

    #[test]
    fn what_is_late_or_told_twice_changes_nothing_and_a_clock_that_stepped_back_goes_on() {
        let mut availability = Availability::default();
        let hour_ms = 3_600_000;
        availability.note(hour_ms, None);
        let before = availability.clone();
        for late_ms in [hour_ms, hour_ms - 1, hour_ms - 600_000] {
            availability.note(late_ms, Some(HostId(7)));
        }
        assert_eq!(availability, before);
        availability.note(0, Some(HostId(7)));
        assert_eq!((availability.len(), availability.last_ms()), (2, Some(0)));
    }

    #[test]
    fn bad_results_go_with_whose_they_were() {
        let mut availability = Availability::default();
        for (at, bad) in (0..).zip([None, Some(HostId(7)), Some(HostId(8)), Some(HostId(7))]) {
            availability.note(at * 30_000, bad);
        }
        assert_eq!(availability.state(), State::Down);
        availability.retain(|host| host != HostId(7));
        assert_eq!((availability.up(), availability.len()), (1, 2));
        let again = Availability::restored(availability.ring().iter().copied(), availability.last_ms());
        assert_eq!(again, availability);
    }

    #[test]
    fn a_state_comes_back_from_its_word() {
        assert!(State::ALL.into_iter().all(|state| State::from_word(state.word()) == Some(state)));
        assert_eq!(State::from_word("Good"), None);
    }
}
