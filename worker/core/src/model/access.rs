//! Who looks at the fleet or changes it.

use crate::units::UnixSeconds;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Look at everything, change nothing.
    Viewer,
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

/// What a token may do. Admin holds the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four rights that are granted one by one")]
pub struct Scopes {
    /// Look at everything.
    pub read: bool,
    /// Change hosts and settings.
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
