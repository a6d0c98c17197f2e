//! Who may look on while it happens, and what they may see.

use edgewatch_core::units::UnixSeconds;

use super::visitor::Visitor;
use crate::viewers::client::Viewer;

/// What a visitor may see over a live socket, until what they showed is over.
pub fn viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    Viewer { sees_hidden: visitor.sees_hidden(), ..Viewer::member(visitor.until(now)) }
}

/// Somebody who is told all that they may see, every two seconds.
pub fn feed_viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    Viewer::of_feed(visitor.sees_hidden(), visitor.until(now))
}
