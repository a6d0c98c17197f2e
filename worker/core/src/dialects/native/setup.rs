//! `POST /api/edgewatch/v1/setup` and `/api/edgewatch/v1/session`: the first administrator, logging in, and who one is.

use serde::{Deserialize, Serialize};

use crate::model;

/// The body of `POST /api/edgewatch/v1/setup`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetupRequest {
    /// The token of a setup link: good for one use within an hour.
    pub token: String,
    /// The administrator's login name, 1 to 64 characters.
    pub username: String,
}

/// The answer, with status 201 and a session cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupReply {
    /// The administrator.
    pub user: UserPart,
    /// An API token with the scope admin, shown this once.
    pub token: String,
}

/// The body of `POST /api/edgewatch/v1/session`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionRequest {
    /// An API token with the right to read. The session may do what the token may, as far as there is a role for it, and
    /// ends with it.
    pub token: String,
}

/// The answer of `GET /api/edgewatch/v1/session`, and of `POST` with status 201 and a session cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionReply {
    /// The person, when a session cookie was sent.
    pub user: Option<UserPart>,
    /// The scopes, when a token was sent.
    pub scopes: Option<Vec<&'static str>>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        let role = match user.role {
            model::Role::Admin => "admin",
            model::Role::Viewer => "viewer",
        };
        Self { id: user.id, name: user.name, role }
    }
}
