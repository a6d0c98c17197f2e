//! When people are told that a host has another address than before.
//!
//! Each family is looked at by itself: its first address is no change, nor is its absence, and one that comes back as it went is
//! none either. A host whose address changes all the time is told of so many times an hour; then, of what it has by then.

use super::alerting::text::address;
use crate::model::Addresses;
use crate::units::UnixSeconds;

/// So many changes of a host are told within [`WINDOW_S`].
const MOST: u32 = 6;
/// And how long that is, seconds.
const WINDOW_S: i64 = 3_600;

/// What people know of a host's addresses, where that is more than what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Of each family the last one that counted, though the host may have none now.
    pub addresses: Addresses,
    /// When the first of `count` was told, or when doubt began.
    pub since: UnixSeconds,
    /// How many changes were told from then on.
    pub count: u32,
    /// Whether somebody else knows what was told, and has not said so yet.
    pub is_in_doubt: bool,
}

/// What is to be done about a host's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What people know afterwards; `None` where it is what the host has.
    pub told: Option<Told>,
    /// From where to where, when people are to be told of it.
    pub change: Option<(Addresses, Addresses)>,
}

/// Whether people want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// They do.
    Tell,
    /// They do, and not now.
    Later,
    /// They do not: what comes is taken as known.
    No,
}

impl Told {
    /// Nothing is known of what was told of a host that comes from elsewhere.
    pub fn in_doubt(addresses: &Addresses, now: UnixSeconds) -> Self {
        Self { addresses: addresses.clone(), since: now, count: 0, is_in_doubt: true }
    }

    /// Exactly these addresses are known.
    pub fn exactly(addresses: &Addresses) -> Self {
        Self { addresses: addresses.clone(), ..Self::default() }
    }

    /// Whether somebody else is still waited for.
    pub fn is_doubted(&self, now: UnixSeconds) -> bool {
        self.by(now).is_in_doubt
    }

    /// The same once the time of its count, or of its doubt, is over.
    fn by(&self, now: UnixSeconds) -> Self {
        let is_on = (self.count > 0 || self.is_in_doubt) && (0..WINDOW_S).contains(&now.since(self.since));
        if is_on { self.clone() } else { Self::exactly(&self.addresses) }
    }

    const fn bears_more(&self) -> bool {
        !self.is_in_doubt && self.count < MOST
    }

    /// `None` where it says nothing that the addresses themselves do not say.
    fn unless_plain(self, now: &Addresses) -> Option<Self> {
        (self.addresses != *now || self.count > 0 || self.is_in_doubt).then_some(self)
    }
}

/// Looks at a host that had the addresses `before` and has `after`, which may be the same.
pub fn look(told: Option<&Told>, before: &Addresses, after: &Addresses, wish: Wish, now: UnixSeconds) -> Look {
    let told = told.map_or_else(|| Told::exactly(before), |told| told.by(now));
    let is_told = wish == Wish::Tell && told.bears_more();
    if !is_change(&told.addresses, after) || wish == Wish::No {
        let told = Told { addresses: completed(after, &told.addresses), ..told };
        return Look { told: told.unless_plain(after), change: None };
    }
    if !is_told {
        // The change stays one.
        let told = Told { addresses: completed(&told.addresses, after), ..told };
        return Look { told: told.unless_plain(after), change: None };
    }
    let old = |known: &String, had: &String, has: &String| if differ(known, has) { known } else { had }.clone();
    let old = Addresses {
        v4: old(&told.addresses.v4, &before.v4, &after.v4),
        v6: old(&told.addresses.v6, &before.v6, &after.v6),
    };
    let since = if told.count == 0 { now } else { told.since };
    let addresses = completed(after, &told.addresses);
    let told = Told { addresses, since, count: told.count.saturating_add(1), is_in_doubt: false };
    Look { told: Some(told), change: Some((old, after.clone())) }
}

/// Whether there is something to tell that could not be told when it came.
pub fn is_due(told: Option<&Told>, has: &Addresses, now: UnixSeconds) -> bool {
    told.is_some_and(|told| is_change(&told.addresses, has) && told.by(now).bears_more())
}

/// `[IP Changed] <host>, <old> => <new>`; addresses masked unless `is_plain`. Source: nezha specification, 11.
pub fn sentence(name: &str, (old, new): &(Addresses, Addresses), is_plain: bool) -> String {
    format!("[IP Changed] {name}, {} => {}", address(old, is_plain), address(new, is_plain))
}

fn is_change(known: &Addresses, has: &Addresses) -> bool {
    differ(&known.v4, &has.v4) || differ(&known.v6, &has.v6)
}

fn differ(known: &str, has: &str) -> bool {
    !known.is_empty() && !has.is_empty() && known != has
}

/// The first, and of a family that it lacks the second.
fn completed(first: &Addresses, second: &Addresses) -> Addresses {
    let one = |first: &String, second: &String| if first.is_empty() { second } else { first }.clone();
    Addresses { v4: one(&first.v4, &second.v4), v6: one(&first.v6, &second.v6) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Addresses {
        Addresses::from_reported(text)
    }

    /// A host over some time: every line is what it has then, and what is told of it.
    struct Life {
        has: Addresses,
        told: Option<Told>,
        now: UnixSeconds,
    }

    impl Life {
        fn begun(has: &str) -> Self {
            Self { has: of(has), told: None, now: UnixSeconds(1_000_000) }
        }

        fn gets(&mut self, has: &str, wish: Wish) -> Option<String> {
            let (before, after) = (std::mem::replace(&mut self.has, of(has)), of(has));
            let look = look(self.told.as_ref(), &before, &after, wish, self.now);
            self.told = look.told;
            look.change.map(|(old, new)| format!("{} > {}", address(&old, true), address(&new, true)))
        }

        fn tells(&mut self, has: &str) -> Option<String> {
            self.gets(has, Wish::Tell)
        }
    }

    #[test]
    fn only_another_address_of_the_same_family_is_a_change() {
        let mut life = Life::begun("");
        for calm in ["1.1.1.1", "1.1.1.1", "1.1.1.1/2::1", "/2::1", "1.1.1.1/2::1", "1.1.1.1", "", "1.1.1.1/2::1"] {
            assert_eq!(life.tells(calm), None, "{calm}");
        }
        assert_eq!(life.told, None, "what was lost is back");
        assert_eq!(life.tells("1.1.1.2/2::1").as_deref(), Some("1.1.1.1/2::1 > 1.1.1.2/2::1"));
        assert_eq!(life.tells("1.1.1.2/2::1"), None);
        // One goes and the other changes; the one that went comes back as it was, and then as another.
        assert_eq!(life.tells("1.1.1.3").as_deref(), Some("1.1.1.2/2::1 > 1.1.1.3"));
        assert_eq!(life.tells("1.1.1.3/2::1"), None);
        assert_eq!(
            (life.tells("1.1.1.3"), life.tells("1.1.1.3/2::2").as_deref()),
            (None, Some("1.1.1.3/2::1 > 1.1.1.3/2::2"))
        );
    }

    #[test]
    fn what_nobody_wants_to_know_is_known_afterwards() {
        let mut life = Life::begun("1.1.1.1");
        assert_eq!((life.gets("1.1.1.2", Wish::No), life.told.clone()), (None, None));
        assert_eq!(life.tells("1.1.1.2"), None);
        assert_eq!(life.tells("1.1.1.3").as_deref(), Some("1.1.1.2 > 1.1.1.3"));
    }

    #[test]
    fn what_cannot_be_told_now_is_told_later() {
        let mut life = Life::begun("1.1.1.1");
        assert_eq!(life.gets("1.1.1.2", Wish::Later), None);
        assert!(is_due(life.told.as_ref(), &life.has, life.now));
        assert_eq!(life.tells("1.1.1.2").as_deref(), Some("1.1.1.1 > 1.1.1.2"));
        assert!(!is_due(life.told.as_ref(), &life.has, life.now));
        // Unless it is no change any more.
        assert_eq!((life.gets("1.1.1.3", Wish::Later), life.tells("1.1.1.2")), (None, None));
    }

    #[test]
    fn somebody_who_may_have_told_it_already_is_waited_for() {
        let mut life = Life::begun("1.1.1.1");
        life.told = Some(Told::in_doubt(&life.has, life.now));
        assert_eq!(life.tells("1.1.1.2"), None);
        assert!(!is_due(life.told.as_ref(), &life.has, life.now.plus(3_599)));
        assert!(is_due(life.told.as_ref(), &life.has, life.now.plus(3_600)));
        life.told = Some(Told::exactly(&of("1.1.1.2")));
        assert_eq!(life.tells("1.1.1.2"), None);
    }

    #[test]
    fn a_sentence_names_the_host_and_masks_its_addresses() {
        let change = (of("203.0.113.7/2001:db8::7"), of("198.51.100.9/2001:db8::7"));
        assert_eq!(
            sentence("fra-1", &change, false),
            "[IP Changed] fra-1, 203.****.7/2001:db8:****:0:7 => 198.****.9/2001:db8:****:0:7"
        );
        assert_eq!(
            sentence("fra-1", &change, true),
            "[IP Changed] fra-1, 203.0.113.7/2001:db8::7 => 198.51.100.9/2001:db8::7"
        );
    }

    proptest! {
        #[test]
        fn nobody_is_told_more_than_so_often_and_in_the_end_people_know(
            steps in prop::collection::vec((0_usize..3, 0_usize..3, 0_i64..900), 1..60),
        ) {
            let (v4, v6) = (["", "1.1.1.1", "1.1.1.2"], ["", "2::1", "2::2"]);
            let mut life = Life::begun("1.1.1.1/2::1");
            // What a reader of the notices believes: the newest of each family.
            let mut times = Vec::new();
            for (four, six, wait_s) in steps {
                life.now = life.now.plus(wait_s);
                let has = Addresses { v4: v4[four].to_owned(), v6: v6[six].to_owned() };
                let before = std::mem::replace(&mut life.has, has.clone());
                let look = look(life.told.as_ref(), &before, &has, Wish::Tell, life.now);
                if let Some((old, new)) = &look.change {
                    prop_assert!(is_change(old, new) && *new == has);
                    times.push(life.now);
                }
                life.told = look.told;
                let lately = times.iter().filter(|at| life.now.since(**at) < WINDOW_S).count();
                prop_assert!(lately <= 2 * MOST as usize, "{times:?}");
            }
            let later = life.now.plus(WINDOW_S);
            let has = life.has.clone();
            let last = look(life.told.as_ref(), &has, &has, Wish::Tell, later);
            prop_assert_eq!(last.change.is_some(), is_due(life.told.as_ref(), &has, later));
            prop_assert!(!is_due(last.told.as_ref(), &has, later.plus(WINDOW_S)));
            prop_assert_eq!(look(last.told.as_ref(), &has, &has, Wish::Tell, later).change, None);
        }
    }
}
