//! How a connection ended.

use edgewatch_core::dialects::native::stream::Goodbye;

use crate::push::websocket::DialError;

/// How an attempt at a connection, or a connection, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It did not come about.
    Dial(DialError),
    /// It did, and ended without a welcome.
    Futile(String),
    /// It was welcomed, and broke.
    Lost(String),
    /// The hub said why.
    Goodbye(Goodbye),
    /// What is to be sent cannot go this way.
    Refused(String),
    /// The agent ends.
    Stopped,
}
