//! Who may look on while it happens, and what they may see.

use edgewatch_core::units::UnixSeconds;

use super::visitor::Visitor;
use crate::viewers::client::Viewer;

/// What a visitor may see over a live socket, until what they showed is over.
pub fn viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    Viewer { sees_hidden: visitor.sees_hidden(), until_s: visitor.until(now).map(|until| until.0) }
}
