//! `/api/edgewatch/v1/users`.

use serde::{Deserialize, Serialize};

use crate::model::Account;

/// The body of `POST /api/edgewatch/v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserRequest {
    /// The login name, 1 to 64 characters.
    pub username: String,
    /// `admin` or `viewer`; `viewer` when left out.
    #[serde(default)]
    pub role: Option<String>,
    /// 10 characters at least; left out for people who come by the access proxy.
    #[serde(default)]
    pub password: Option<String>,
    /// The address by which the access proxy knows the person.
    #[serde(default)]
    pub email: Option<String>,
}

/// The body of `PATCH /api/edgewatch/v1/users/{id}`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserChangeRequest {
    /// `admin` or `viewer`. Who is no administrator any more loses the tokens that do more than look.
    #[serde(default)]
    pub role: Option<String>,
    /// A new password; the person's sessions are over.
    #[serde(default)]
    pub password: Option<String>,
    /// A new address; an empty one takes it away.
    #[serde(default)]
    pub email: Option<String>,
}

/// The answer to a made account, with status 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MadeUserReply {
    /// The account's number.
    pub id: i64,
}

/// The answer of `GET /api/edgewatch/v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserListReply {
    /// Oldest first.
    pub users: Vec<AccountPart>,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountPart {
    /// The account's number.
    pub id: i64,
    /// The login name.
    pub name: String,
    /// `admin` or `viewer`.
    pub role: &'static str,
    /// The address by which the access proxy knows the person; null for none.
    pub email: Option<String>,
    /// Whether there is a password.
    pub has_password: bool,
    /// When it was made, Unix seconds.
    pub created_at_s: i64,
}

impl From<Account> for AccountPart {
    fn from(account: Account) -> Self {
        Self {
            id: account.user.id,
            name: account.user.name,
            role: account.user.role.word(),
            email: account.email,
            has_password: account.has_password,
            created_at_s: account.created_at.0,
        }
    }
}
