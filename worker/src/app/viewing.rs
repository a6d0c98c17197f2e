//! Who may look on while it happens, and what they may see.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::units::UnixSeconds;

use super::visitor::Visitor;
use crate::viewers::client::Viewer;

/// What a caller may see over the live socket: all hosts, until the credential is over.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read.
pub fn viewer(caller: &Credential) -> Result<Viewer, Failure> {
    require(caller, Right::Read)?;
    Ok(Viewer::member(match caller {
        Credential::Token(token) => token.expires_at,
        Credential::Session(session) => Some(session.expires_at),
    }))
}

/// Somebody who is told all that they may see, every two seconds.
pub fn feed_viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    Viewer::of_feed(visitor.sees_hidden(), visitor.until(now))
}
