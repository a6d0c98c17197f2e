//! Why Proxmox did not answer, and what to make of it.

use std::io;

use edgewatch_core::dialects::native::proxmox::{PollError, PollErrorKind};

/// A longer message of a server's is cut.
const MOST_LETTERS: usize = 200;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ApiError {
    /// What to make of it.
    pub kind: PollErrorKind,
    /// The answer's status; 0 where there was none.
    pub status: u16,
    text: String,
}

impl ApiError {
    /// An error of that kind in these words.
    pub fn new(kind: PollErrorKind, text: impl Into<String>) -> Self {
        Self { kind, status: 0, text: text.into() }
    }

    /// The way there is broken.
    pub fn unreachable(error: &io::Error) -> Self {
        let words = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the connection was closed".to_owned()
            }
            _ => error.to_string(),
        };
        // What the TLS library finds travels as an error of the stream.
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(error) => Self::new(PollErrorKind::Tls, format!("TLS: {error}")),
            None => Self::new(PollErrorKind::Unreachable, words),
        }
    }

    /// An answer with a status other than 200. Source: pulse specification, 17.1: what is wrong stands in the status line.
    pub fn refused(status: u16, reason: &str) -> Self {
        let kind = match status {
            401 | 403 => PollErrorKind::Auth,
            // Nodes of a cluster that do not reach each other.
            595 | 596 => PollErrorKind::Unreachable,
            _ => PollErrorKind::Api,
        };
        let reason: String = reason.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect();
        let text = if reason.is_empty() { format!("status {status}") } else { format!("{reason} (status {status})") };
        Self { kind, status, text }
    }

    /// An answer that is none.
    pub fn nonsense(text: impl Into<String>) -> Self {
        Self::new(PollErrorKind::Api, text)
    }

    /// Whether another node of the cluster may know better.
    pub fn is_of_the_way(&self) -> bool {
        matches!(self.kind, PollErrorKind::Unreachable | PollErrorKind::Tls) || (500..600).contains(&self.status)
    }

    /// As it is told to the edge.
    pub fn told(&self) -> PollError {
        PollError { kind: self.kind, text: self.text.clone() }
    }
}
