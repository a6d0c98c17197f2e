//! How often somebody may try a password. Failures make the next try wait; nobody is locked out: every wait ends by itself, and
//! where an account was logged in to before, what others do to it from elsewhere does not count.

use std::net::IpAddr;

use crate::units::UnixSeconds;

/// Failures under one key that are not forgotten yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last: UnixSeconds,
}

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// All tries from one network.
    Network(String),
    /// All tries from the IPv6 /48 that a network lies in: as much as one customer is commonly given.
    Site(String),
    /// All tries of one account from networks that never got in.
    Account(String),
    /// Tries of an account from a network that got in before: these count for nothing else.
    Familiar(String),
    /// All tries of all accounts from networks that never got in.
    Everybody,
    /// All tries of the view password, likewise: who floods the guests' door keeps nobody from their own.
    Guests,
}

/// What the view password is tried as. No account can have the name: it holds a control character.
pub const VIEW_ACCOUNT: &str = "view\tpassword";

/// A failure is forgotten when none followed it for so long.
pub const FORGOTTEN_AFTER_S: i64 = 3_600;
/// A network is familiar to an account for so long after a good login.
pub const FAMILIAR_FOR_S: i64 = 90 * 86_400;

/// So many free failures, then a wait that doubles from the first to the longest, in seconds.
struct Waits {
    free: u32,
    first_s: i64,
    longest_s: i64,
}

const NETWORK: Waits = Waits { free: 5, first_s: 2, longest_s: 900 };
const SITE: Waits = Waits { free: 20, first_s: 2, longest_s: 900 };
const ACCOUNT: Waits = Waits { free: 10, first_s: 1, longest_s: 60 };
const FAMILIAR: Waits = Waits { free: 10, first_s: 1, longest_s: 60 };
/// Of everybody: so many failures at once, and one more in so many seconds. It bounds what a flood from many networks can cost.
const FLOOD: (u32, i64) = (60, 30);

impl Subject {
    /// What a try of an account from a network is counted under.
    pub fn of(account: &str, network: &str, is_familiar: bool) -> Vec<Self> {
        if is_familiar {
            return vec![Self::Familiar(pair(account, network))];
        }
        let crowd = if account == VIEW_ACCOUNT { Self::Guests } else { Self::Everybody };
        let all = [Self::Network(network.to_owned()), Self::Account(account.to_owned()), crowd];
        all.into_iter().chain(site(network).map(Self::Site)).collect()
    }

    /// The subject as one text, no two the same.
    pub fn key(&self) -> String {
        match self {
            Self::Network(network) => format!("network {network}"),
            Self::Site(site) => format!("site {site}"),
            Self::Account(account) => format!("account {account}"),
            Self::Familiar(pair) => format!("familiar {pair}"),
            Self::Everybody => "everybody".to_owned(),
            Self::Guests => "guests".to_owned(),
        }
    }

    /// How many seconds the next try has to wait; 0 for none.
    pub fn wait_s(&self, tally: Option<Tally>, now: UnixSeconds) -> i64 {
        let Some(tally) = tally else { return 0 };
        let since = now.since(tally.last).max(0);
        let limit = match self {
            Self::Network(_) => &NETWORK,
            Self::Site(_) => &SITE,
            Self::Account(_) => &ACCOUNT,
            Self::Familiar(_) => &FAMILIAR,
            Self::Everybody | Self::Guests => {
                let (burst, every_s) = FLOOD;
                return if leaked(tally, now).count < burst { 0 } else { every_s - since.min(every_s - 1) };
            }
        };
        if since >= FORGOTTEN_AFTER_S || tally.count < limit.free {
            return 0;
        }
        let doubled = limit.first_s.checked_shl(tally.count - limit.free).filter(|wait_s| *wait_s > 0);
        let full_s = doubled.map_or(limit.longest_s, |doubled_s| doubled_s.min(limit.longest_s));
        (full_s - since).max(0)
    }

    /// The tally with one failure more. A try counts as one before it is known how it ends, so that of many at once none is free.
    pub fn counted(&self, tally: Option<Tally>, now: UnixSeconds) -> Tally {
        let before = match (self, tally) {
            (_, None) => Tally { count: 0, last: now },
            (Self::Everybody | Self::Guests, Some(tally)) => leaked(tally, now),
            (_, Some(tally)) if now.since(tally.last) >= FORGOTTEN_AFTER_S => Tally { count: 0, last: now },
            (_, Some(tally)) => Tally { last: now, ..tally },
        };
        Tally { count: before.count.saturating_add(1), ..before }
    }
}

/// The tally without the try that turned out to be none of a stranger.
pub const fn taken_back(tally: Tally) -> Tally {
    Tally { count: tally.count.saturating_sub(1), last: tally.last }
}

/// What a flood's tally is now, with the part of a step that has passed already.
fn leaked(tally: Tally, now: UnixSeconds) -> Tally {
    let steps = now.since(tally.last).max(0) / FLOOD.1;
    let gone = u32::try_from(steps).unwrap_or(u32::MAX);
    match tally.count.saturating_sub(gone) {
        0 => Tally { count: 0, last: now },
        count => Tally { count, last: tally.last.plus(steps * FLOOD.1) },
    }
}

/// A network and an account as one text.
pub fn pair(account: &str, network: &str) -> String {
    format!("{account} {network}")
}

/// The network that an address stands for: an IPv4 address for itself, an IPv6 address for its /64, which one household or server
/// has to itself.
pub fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

/// The /48 that such a network of IPv6 lies in.
fn site(network: &str) -> Option<String> {
    let (prefix, _) = network.strip_suffix("::/64")?.rsplit_once(':')?;
    Some(format!("{prefix}::/48"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn tally(count: u32, ago_s: i64) -> Tally {
        Tally { count, last: NOW.plus(-ago_s) }
    }

    #[test]
    fn the_first_failures_are_free_and_then_waits_double_up_to_their_longest() {
        let network = Subject::Network("203.0.113.9".to_owned());
        let waits = |count| network.wait_s(Some(tally(count, 0)), NOW);
        assert_eq!((network.wait_s(None, NOW), waits(1), waits(4)), (0, 0, 0));
        assert_eq!((waits(5), waits(6), waits(13), waits(14), waits(80), waits(u32::MAX)), (2, 4, 512, 900, 900, 900));
        let account = Subject::Account("a".to_owned());
        let waits = |count| account.wait_s(Some(tally(count, 0)), NOW);
        assert_eq!((waits(9), waits(10), waits(15), waits(16), waits(400)), (0, 1, 32, 60, 60));
    }

    #[test]
    fn a_wait_ends_by_itself() {
        let account = Subject::Account("a".to_owned());
        assert_eq!(account.wait_s(Some(tally(400, 59)), NOW), 1);
        assert_eq!(account.wait_s(Some(tally(400, 60)), NOW), 0);
        assert_eq!(account.wait_s(Some(tally(400, -5)), NOW), 60, "a clock that went back makes no wait longer");
        assert_eq!(account.counted(Some(tally(400, 3_599)), NOW).count, 401);
        assert_eq!(account.counted(Some(tally(400, 3_600)), NOW).count, 1, "forgotten");
    }

    #[test]
    fn a_try_is_counted_before_it_ends_and_taken_back_when_it_was_right() {
        let account = Subject::Account("a".to_owned());
        let mut stored = None;
        for _ in 0..10 {
            assert_eq!(account.wait_s(stored, NOW), 0);
            stored = Some(account.counted(stored, NOW));
        }
        assert_eq!(account.wait_s(stored, NOW), 1);
        let stored = stored.map(taken_back);
        assert_eq!(account.wait_s(stored, NOW), 0);
        assert_eq!(taken_back(Tally { count: 0, last: NOW }).count, 0);
    }

    #[test]
    fn a_flood_of_networks_is_let_in_drop_by_drop() {
        let mut stored = None;
        for _ in 0..60 {
            assert_eq!(Subject::Everybody.wait_s(stored, NOW), 0);
            stored = Some(Subject::Everybody.counted(stored, NOW));
        }
        let wait_s = |stored, after_s| Subject::Everybody.wait_s(stored, NOW.plus(after_s));
        assert_eq!((wait_s(stored, 0), wait_s(stored, 29), wait_s(stored, 30)), (30, 1, 0));
        let later = NOW.plus(45);
        stored = Some(Subject::Everybody.counted(stored, later));
        assert_eq!((wait_s(stored, 45), wait_s(stored, 60)), (15, 0), "the half step is not lost");
        let quiet = Subject::Everybody.counted(stored, NOW.plus(7_200));
        assert_eq!(quiet, Tally { count: 1, last: NOW.plus(7_200) });
    }

    #[test]
    fn what_a_familiar_network_does_counts_for_nothing_else() {
        let strange = Subject::of("ada", "203.0.113.9", false);
        let familiar = Subject::of("ada", "203.0.113.9", true);
        assert_eq!((strange.len(), familiar.len()), (3, 1));
        assert!(!strange.contains(&familiar[0]));
        let keys: std::collections::BTreeSet<_> = strange.iter().chain(&familiar).map(Subject::key).collect();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn the_networks_of_one_site_count_together_too() {
        let of = |network: &str| Subject::of("ada", network, false).iter().map(Subject::key).collect::<Vec<_>>();
        assert!(of("2001:db8:1:2::/64").contains(&"site 2001:db8:1::/48".to_owned()));
        assert_eq!(of("2001:db8:1:2::/64")[3], of("2001:db8:1:3::/64")[3]);
        assert_ne!(of("2001:db8:1:2::/64")[3], of("2001:db8:2:2::/64")[3]);
        assert_eq!((of("203.0.113.9").len(), of("unknown").len()), (3, 3));
        let site = Subject::Site("2001:db8:1::/48".to_owned());
        let waits = |count| site.wait_s(Some(tally(count, 0)), NOW);
        assert_eq!((waits(19), waits(20), waits(29), waits(100)), (0, 2, 900, 900));
    }

    #[test]
    fn a_flood_at_the_guests_door_is_counted_apart() {
        let of = |account: &str| Subject::of(account, "203.0.113.9", false);
        assert!(of("ada").contains(&Subject::Everybody) && !of("ada").contains(&Subject::Guests));
        assert!(of(VIEW_ACCOUNT).contains(&Subject::Guests) && !of(VIEW_ACCOUNT).contains(&Subject::Everybody));
        let flooded = Some(Tally { count: 60, last: NOW });
        assert_eq!((Subject::Guests.wait_s(flooded, NOW), Subject::Guests.key()), (30, "guests".to_owned()));
    }

    #[test]
    fn an_ipv6_network_is_a_64() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2::ffff"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
        assert_eq!(network(None), "unknown");
    }
}
