//! Services and roles. Source: mackerel specification, 6.

use serde::{Deserialize, Serialize};

use super::names::service_name;
use super::read::{bounded, parse_object};
use crate::failure::Failure;
use crate::model::{RoleMemo, Service};

/// The longest note, in characters.
const MAX_MEMO_CHARS: usize = 10_000;

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServicePart {
    /// Its name.
    pub name: String,
    /// Quirk: never null.
    pub memo: String,
    /// Names of its roles, sorted.
    pub roles: Vec<String>,
}

/// `GET /services`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceListReply {
    /// By name.
    pub services: Vec<ServicePart>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolePart {
    /// Its name.
    pub name: String,
    /// Quirk: never null.
    pub memo: String,
}

/// `GET /services/<name>/roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleListReply {
    /// By name.
    pub roles: Vec<RolePart>,
}

/// `POST /services`, `POST /services/<name>/roles`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedRequest {
    name: String,
    memo: Option<String>,
}

impl NamedRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// The name and the note.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a name that cannot be, or too long a note.
    pub fn checked(self) -> Result<RoleMemo, Failure> {
        let memo = bounded("memo", self.memo.unwrap_or_default(), MAX_MEMO_CHARS)?;
        Ok(RoleMemo { name: service_name(self.name)?, memo })
    }
}

impl From<Service> for ServicePart {
    fn from(service: Service) -> Self {
        Self { name: service.name, memo: service.memo, roles: service.roles }
    }
}

impl From<RoleMemo> for RolePart {
    fn from(role: RoleMemo) -> Self {
        Self { name: role.name, memo: role.memo }
    }
}
