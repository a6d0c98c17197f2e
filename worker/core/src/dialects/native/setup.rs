//! `POST /api/edgewatch/v1/setup` and `/api/edgewatch/v1/session`: the first administrator, logging in, and who one is.

use serde::{Deserialize, Serialize};

use crate::model;

/// The body of `POST /api/edgewatch/v1/setup`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetupRequest {
    /// The token of a setup link: good for one use within an hour.
    pub token: String,
    /// The administrator's login name, 1 to 64 characters.
    pub username: String,
    /// The administrator's password; left out, the one there is stays, if any.
    #[serde(default)]
    pub password: Option<String>,
}

/// The answer, with status 201 and a session cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetupReply {
    /// The administrator.
    pub user: UserPart,
    /// An API token with the scope admin, shown this once.
    pub token: String,
}

/// The body of `POST /api/edgewatch/v1/session`: one way of showing who one is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SessionRequest {
    /// By a token.
    Token {
        /// An API token with the right to read. The session may do what the token may, as far as there is a role for it, and
        /// ends with it.
        token: String,
    },
    /// By a password.
    Password {
        /// The login name.
        username: String,
        /// Its password.
        password: String,
    },
    /// By what the access proxy says in a header of this request.
    Proxy {
        /// `true`, or nothing happens.
        access_proxy: bool,
    },
}

/// The body of `POST /api/edgewatch/v1/session/password`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PasswordRequest {
    /// The password there is.
    pub current: String,
    /// The password there shall be: 10 characters at least.
    pub new: String,
}

/// The answer of `GET /api/edgewatch/v1/session`, and of `POST` with status 201 and a session cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionReply {
    /// The person, when a session cookie was sent.
    pub user: Option<UserPart>,
    /// The scopes, when a token was sent.
    pub scopes: Option<Vec<&'static str>>,
    /// Whether it is a guest, who looks at what guests may see.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
}

impl SessionReply {
    /// The reply to a person.
    pub fn of(user: model::User) -> Self {
        Self { user: Some(user.into()), scopes: None, guest: false }
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserPart {
    /// The account's number.
    pub id: i64,
    /// The login name.
    pub name: String,
    /// `admin` or `viewer`.
    pub role: &'static str,
}

impl From<model::User> for UserPart {
    fn from(user: model::User) -> Self {
        Self { id: user.id, name: user.name, role: user.role.word() }
    }
}
