//! Who looks at the fleet or changes it.

use std::fmt;
use std::net::IpAddr;

use crate::units::UnixSeconds;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Look at everything, change nothing.
    Viewer,
}

impl Role {
    /// The role of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Admin, Self::Viewer].into_iter().find(|role| role.word() == word)
    }

    /// The role's word: `admin` or `viewer`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's number.
    pub id: i64,
    /// The login name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
}

/// A person as an administrator sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub user: User,
    /// By which an access proxy knows them; lower case.
    pub email: Option<String>,
    /// Whether they can log in with a password.
    pub has_password: bool,
    /// When the account was made.
    pub created_at: UnixSeconds,
}

/// What a person logs in with, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The person.
    pub user: User,
    /// The password's hash; `None` for those who come by another way.
    pub password_hash: Option<String>,
    /// Which of the person's passwords it is: one more each time it is set.
    pub credential_no: i64,
}

/// What somebody is invited to be, in Mackerel's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// An administrator.
    Manager,
    /// A viewer here: who changes things is an administrator.
    Collaborator,
    /// A viewer.
    Viewer,
}

impl Authority {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Collaborator => "collaborator",
            Self::Viewer => "viewer",
        }
    }

    /// The authority of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Manager, Self::Collaborator, Self::Viewer].into_iter().find(|authority| authority.word() == word)
    }
}

/// Somebody who is to have an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// By which an access proxy knows them; lower case.
    pub email: String,
    /// What they will be.
    pub authority: Authority,
    /// From when on it is over.
    pub expires_at: UnixSeconds,
}

/// What a token may do. Admin holds the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four rights that are granted one by one")]
pub struct Scopes {
    /// Look at everything.
    pub read: bool,
    /// Change by Mackerel's API what it changes: hosts, services, metrics. Everything else that changes asks for `admin`.
    pub write: bool,
    /// Register hosts.
    pub register: bool,
    /// Everything.
    pub admin: bool,
}

impl Scopes {
    /// The scopes as words, in the order read, write, register, admin.
    pub fn words(self) -> Vec<&'static str> {
        [(self.read, "read"), (self.write, "write"), (self.register, "register"), (self.admin, "admin")]
            .into_iter()
            .filter_map(|(granted, word)| granted.then_some(word))
            .collect()
    }
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A program or script of a person.
    Api,
    /// May create hosts and touch only those it made.
    Agent,
}

/// A token as it is stored: its text is known to its holder alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token's number.
    pub id: i64,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub scopes: Scopes,
    /// The holder's words for it.
    pub note: String,
    /// The person who made it.
    pub user_id: i64,
    /// From when on it is dead.
    pub expires_at: Option<UnixSeconds>,
    /// How many more hosts it may register; `None` for any number.
    pub uses_left: Option<u32>,
    /// Where it may be used from; empty for anywhere.
    pub address_ranges: Vec<AddressRange>,
    /// When it was last used, to the hour.
    pub last_use: Option<UnixSeconds>,
}

/// A token with what a list of tokens shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedToken {
    /// The token.
    pub token: Token,
    /// Its last four characters.
    pub tail: String,
    /// When it was made.
    pub created_at: UnixSeconds,
}

/// A person's open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: User,
    /// From when on it is dead.
    pub expires_at: UnixSeconds,
}

/// A caller who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By a token.
    Token(Token),
    /// By a session cookie.
    Session(Session),
}

/// Which hosts a caller reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every host.
    All,
    /// Those that the token with this number made; of others it may not know that they are there.
    MadeBy(i64),
}

impl Reach {
    /// The number of the token whose hosts alone are reached; `None` for every host.
    pub const fn made_by(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::MadeBy(token_id) => Some(token_id),
        }
    }
}

/// A range of addresses, such as `10.0.0.0/8` or `2001:db8::/32`; a single address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    base: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// The range that `text` names; `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let base: IpAddr = address.trim().parse().ok()?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.map_or(Some(most), |bits| bits.trim().parse().ok())?;
        (prefix_bits <= most).then_some(Self { base, prefix_bits })
    }

    /// Whether `address` lies in the range. An IPv4 address in IPv6's clothes is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let free = width.saturating_sub(u32::from(self.prefix_bits));
            one.checked_shr(free).unwrap_or(0) == other.checked_shr(free).unwrap_or(0)
        };
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same(u32::from(base).into(), u32::from(address).into(), 32),
            (IpAddr::V6(base), IpAddr::V6(address)) => same(base.into(), address.into(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.base, self.prefix_bits)
    }
}

/// A change that a person or a token made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its key, which sorts by time.
    pub key: String,
    /// When.
    pub at: UnixSeconds,
    /// `user:<number>`, `token:<number>`, or a word for who had neither.
    pub actor: String,
    /// What that user is called, or what is noted of that token, where it still is.
    pub actor_name: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_what_shares_its_prefix() {
        let holds = |range: &str, address: &str| AddressRange::parse(range).unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("203.0.113.9", "203.0.113.9") && !holds("203.0.113.9", "203.0.113.8"));
        assert!(holds("203.0.113.9", "::ffff:203.0.113.9"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "2001:db8::1"));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "x", "2001:db8::/129", "10.0.0.0/-1"] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
        assert_eq!(AddressRange::parse("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
    }
}
