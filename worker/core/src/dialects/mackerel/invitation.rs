//! Invitations. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};

use super::read::{invalid, parse_object};
use crate::failure::Failure;
use crate::model::{Authority, Invitation};

/// One invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationPart {
    /// Who.
    pub email: String,
    /// `manager`, `collaborator` or `viewer`.
    pub authority: &'static str,
    /// Whole Unix seconds.
    #[serde(rename = "expiresAt")]
    pub expires_at: i64,
}

/// `GET /invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationListReply {
    /// Those that are good.
    pub invitations: Vec<InvitationPart>,
}

/// `POST /invitations`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationRequest {
    email: String,
    authority: String,
}

/// `POST /invitations/revoke`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevokeRequest {
    email: String,
}

impl InvitationRequest {
    /// The address and what is offered.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read; [`Failure::Invalid`] for an authority that nobody is invited with.
    pub fn parse(body: &[u8]) -> Result<(String, Authority), Failure> {
        let request: Self = parse_object(body)?;
        let authority = Authority::parse(&request.authority);
        let authority = authority.ok_or_else(|| invalid("authority", "is not manager, collaborator or viewer"))?;
        Ok((request.email, authority))
    }
}

/// The address whose invitation is to be revoked.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read.
pub fn read_revoked(body: &[u8]) -> Result<String, Failure> {
    parse_object::<RevokeRequest>(body).map(|request| request.email)
}

impl From<Invitation> for InvitationPart {
    fn from(invitation: Invitation) -> Self {
        Self { email: invitation.email, authority: invitation.authority.word(), expires_at: invitation.expires_at.0 }
    }
}
