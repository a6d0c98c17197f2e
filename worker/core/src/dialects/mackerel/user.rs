//! People. Source: mackerel specification, 10.

use serde::Serialize;

use crate::model::{Account, Role};

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MackerelUser {
    /// Eleven characters of base58.
    pub id: String,
    /// What they log in with.
    #[serde(rename = "screenName")]
    pub screen_name: String,
    /// Empty where none is known.
    pub email: String,
    /// `owner`, `manager`, `collaborator` or `viewer`.
    pub authority: &'static str,
    /// False: who is here has come.
    #[serde(rename = "isInRegistrationProcess")]
    pub is_in_registration_process: bool,
    /// False.
    #[serde(rename = "isMFAEnabled")]
    pub is_mfa_enabled: bool,
    /// `password`, or nothing for who comes another way.
    #[serde(rename = "authenticationMethods")]
    pub authentication_methods: Vec<&'static str>,
    /// Whole Unix seconds.
    #[serde(rename = "joinedAt")]
    pub joined_at: i64,
}

/// `GET /users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MackerelUserListReply {
    /// In the order in which they came.
    pub users: Vec<MackerelUser>,
}

/// `GET /aws-integrations`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AwsIntegrationListReply {
    /// There are none. Quirk: in snake case.
    pub aws_integrations: Vec<()>,
}

impl MackerelUser {
    /// The person; `owner`: whether they are the first administrator.
    pub fn of(account: Account, id: String, is_owner: bool) -> Self {
        let authority = match account.user.role {
            Role::Admin if is_owner => "owner",
            Role::Admin => "manager",
            Role::Viewer => "viewer",
        };
        Self {
            id,
            screen_name: account.user.name,
            email: account.email.unwrap_or_default(),
            authority,
            is_in_registration_process: false,
            is_mfa_enabled: false,
            authentication_methods: if account.has_password { vec!["password"] } else { vec![] },
            joined_at: account.created_at.0,
        }
    }
}
