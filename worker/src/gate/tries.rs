//! Counting a try: what is read, what is written, in which order. The rows come and go through [`Rows`], so that all of it is
//! tried natively.

use edgewatch_core::domain::attempts::{FAMILIAR_FOR_S, FORGOTTEN_AFTER_S, Subject, Tally, pair, taken_back};
use edgewatch_core::units::UnixSeconds;

use super::client::Verdict;

/// When a network is noted anew as familiar to an account, seconds.
const NOTE_AGAIN_AFTER_S: i64 = 86_400;
/// The longest wait that is ever told.
const LONGEST_S: i64 = 3_600;

/// The two tables of the object.
pub trait Rows {
    /// What its engine refuses with.
    type Error;

    /// The tally under a key.
    ///
    /// # Errors
    /// What the engine says; so for all that follow.
    fn tally(&self, key: &str) -> Result<Option<Tally>, Self::Error>;

    /// Writes the tally under a key.
    ///
    /// # Errors
    /// As [`Rows::tally`].
    fn put_tally(&self, key: &str, tally: Tally) -> Result<(), Self::Error>;

    /// When an account was last got into from a network.
    ///
    /// # Errors
    /// As [`Rows::tally`].
    fn familiar(&self, pair: &str) -> Result<Option<UnixSeconds>, Self::Error>;

    /// Writes that it was.
    ///
    /// # Errors
    /// As [`Rows::tally`].
    fn put_familiar(&self, pair: &str, at: UnixSeconds) -> Result<(), Self::Error>;

    /// Removes tallies whose last failure was before `failures`, and familiar networks last seen before `familiar`.
    ///
    /// # Errors
    /// As [`Rows::tally`].
    fn forget(&self, failures: UnixSeconds, familiar: UnixSeconds) -> Result<(), Self::Error>;
}

/// A try that was let in and counted as a failure, until it is known to be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    subjects: Vec<Subject>,
    pair: String,
}

/// Counts a try of `account` from `network`, or tells how long it has to wait. Nothing is waited for between reading and
/// writing, so of many tries at once each is counted.
///
/// # Errors
/// What the engine says.
pub fn begin<R: Rows>(
    rows: &R,
    account: &str,
    network: &str,
    now: UnixSeconds,
) -> Result<Result<Counted, Verdict>, R::Error> {
    let pair = pair(account, network);
    let is_familiar = rows.familiar(&pair)?.is_some_and(|at| now.since(at) < FAMILIAR_FOR_S);
    let subjects = Subject::of(account, network, is_familiar);
    let mut tallies = Vec::with_capacity(subjects.len());
    for subject in &subjects {
        tallies.push(rows.tally(&subject.key())?);
    }
    let all = subjects.iter().zip(&tallies);
    let wait_s = all.map(|(subject, tally)| subject.wait_s(*tally, now)).max().unwrap_or(0).min(LONGEST_S);
    if let Ok(wait_s @ 1..) = u32::try_from(wait_s) {
        return Ok(Err(Verdict::Wait(wait_s)));
    }
    for (subject, tally) in subjects.iter().zip(tallies) {
        rows.put_tally(&subject.key(), subject.counted(tally, now))?;
    }
    rows.forget(now.plus(-FORGOTTEN_AFTER_S), now.plus(-FAMILIAR_FOR_S))?;
    Ok(Ok(Counted { subjects, pair }))
}

/// What a counted try was: nothing changes for a wrong one.
///
/// # Errors
/// What the engine says.
pub fn end<R: Rows>(rows: &R, counted: &Counted, is_right: bool, now: UnixSeconds) -> Result<Verdict, R::Error> {
    if !is_right {
        return Ok(Verdict::Wrong);
    }
    take_back(rows, counted)?;
    if rows.familiar(&counted.pair)?.is_none_or(|at| now.since(at) >= NOTE_AGAIN_AFTER_S) {
        rows.put_familiar(&counted.pair, now)?;
    }
    Ok(Verdict::Right)
}

/// Uncounts a try that could not be carried out, or was right.
///
/// # Errors
/// What the engine says.
pub fn take_back<R: Rows>(rows: &R, counted: &Counted) -> Result<(), R::Error> {
    for subject in &counted.subjects {
        let key = subject.key();
        if let Some(tally) = rows.tally(&key)? {
            rows.put_tally(&key, taken_back(tally))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    #[derive(Default)]
    struct Memory {
        tallies: RefCell<BTreeMap<String, Tally>>,
        familiar: RefCell<BTreeMap<String, UnixSeconds>>,
        writes: RefCell<usize>,
    }

    impl Rows for Memory {
        type Error = std::convert::Infallible;

        fn tally(&self, key: &str) -> Result<Option<Tally>, Self::Error> {
            Ok(self.tallies.borrow().get(key).copied())
        }

        fn put_tally(&self, key: &str, tally: Tally) -> Result<(), Self::Error> {
            *self.writes.borrow_mut() += 1;
            self.tallies.borrow_mut().insert(key.to_owned(), tally);
            Ok(())
        }

        fn familiar(&self, pair: &str) -> Result<Option<UnixSeconds>, Self::Error> {
            Ok(self.familiar.borrow().get(pair).copied())
        }

        fn put_familiar(&self, pair: &str, at: UnixSeconds) -> Result<(), Self::Error> {
            *self.writes.borrow_mut() += 1;
            self.familiar.borrow_mut().insert(pair.to_owned(), at);
            Ok(())
        }

        fn forget(&self, failures: UnixSeconds, familiar: UnixSeconds) -> Result<(), Self::Error> {
            self.tallies.borrow_mut().retain(|_, tally| tally.last.0 > failures.0);
            self.familiar.borrow_mut().retain(|_, at| at.0 > familiar.0);
            Ok(())
        }
    }

    fn attempt(rows: &Memory, account: &str, network: &str, is_right: bool, now: UnixSeconds) -> Verdict {
        match begin(rows, account, network, now).unwrap() {
            Ok(counted) => end(rows, &counted, is_right, now).unwrap(),
            Err(wait) => wait,
        }
    }

    #[test]
    fn a_network_that_fails_waits_whatever_account_it_tries() {
        let rows = Memory::default();
        for account in ["a", "b", "c", "d", "e"] {
            assert_eq!(attempt(&rows, account, "n", false, NOW), Verdict::Wrong);
        }
        assert_eq!(attempt(&rows, "f", "n", true, NOW), Verdict::Wait(2), "the right one waits too");
        assert_eq!(attempt(&rows, "f", "m", true, NOW), Verdict::Right, "another network does not");
        assert_eq!(attempt(&rows, "f", "n", true, NOW.plus(2)), Verdict::Right);
    }

    #[test]
    fn of_many_tries_at_once_none_is_free() {
        let rows = Memory::default();
        let begun: Vec<_> = (0..100).map(|_| begin(&rows, "a", "n", NOW).unwrap()).collect();
        assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 5);
    }

    #[test]
    fn an_owner_gets_in_from_where_they_got_in_before_whatever_others_do() {
        let rows = Memory::default();
        assert_eq!(attempt(&rows, "owner", "home", true, NOW), Verdict::Right);
        let mut now = NOW;
        for round in 0..500 {
            now = NOW.plus(round);
            attempt(&rows, "owner", &format!("bot {round}"), false, now);
        }
        assert!(matches!(attempt(&rows, "owner", "elsewhere", true, now), Verdict::Wait(_)));
        assert_eq!(attempt(&rows, "owner", "home", true, now), Verdict::Right);
        // Elsewhere they wait a minute at most once the flood is over.
        assert_eq!(attempt(&rows, "owner", "elsewhere", true, now.plus(60)), Verdict::Right);
    }

    #[test]
    fn a_good_login_forgives_nothing_that_was_done_to_others() {
        let rows = Memory::default();
        assert_eq!(attempt(&rows, "mine", "n", true, NOW), Verdict::Right);
        for _ in 0..5 {
            assert_eq!(attempt(&rows, "victim", "n", false, NOW), Verdict::Wrong);
            assert_eq!(attempt(&rows, "mine", "n", true, NOW), Verdict::Right);
        }
        assert_eq!(attempt(&rows, "victim", "n", false, NOW), Verdict::Wait(2));
    }

    #[test]
    fn who_has_to_wait_costs_no_row_and_what_is_old_is_forgotten() {
        let rows = Memory::default();
        for _ in 0..5 {
            attempt(&rows, "a", "n", false, NOW);
        }
        let before = *rows.writes.borrow();
        for _ in 0..100 {
            assert_eq!(attempt(&rows, "a", "n", false, NOW), Verdict::Wait(2));
        }
        assert_eq!((*rows.writes.borrow(), before), (15, 15));
        attempt(&rows, "b", "m", true, NOW.plus(4_000));
        assert_eq!(rows.tallies.borrow().len(), 3, "of the newest try alone");
    }

    #[test]
    fn a_try_that_broke_off_is_none() {
        let rows = Memory::default();
        for _ in 0..50 {
            let counted = begin(&rows, "a", "n", NOW).unwrap().unwrap();
            take_back(&rows, &counted).unwrap();
        }
        assert_eq!(attempt(&rows, "a", "n", true, NOW), Verdict::Right);
    }
}
