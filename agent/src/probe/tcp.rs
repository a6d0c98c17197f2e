//! TCP: how long it takes until a connection has come about, without looking the name up.

use std::net::IpAddr;
use std::time::Instant;

use rustix::event::PollFlags;

use super::dial::{Dial, Dialed};
use super::{Outcome, Question, Waiting};

/// A connection that is closed as soon as it is there.
pub struct Connect {
    dial: Dial,
    limit: Instant,
}

impl Connect {
    /// Begins to connect.
    ///
    /// # Errors
    /// When the name has no address.
    pub fn begin(addresses: &[IpAddr], port: u16, limit: Instant) -> Result<Self, String> {
        if addresses.is_empty() {
            return Err("the name has no address".to_owned());
        }
        Ok(Self { dial: Dial::begin(addresses, port), limit })
    }
}

impl Question for Connect {
    fn waiting(&self) -> Waiting<'_> {
        Waiting { socket: self.dial.socket().map(|socket| (socket, PollFlags::OUT)), until: self.limit }
    }

    fn go_on(&mut self, _: Instant) -> Option<Outcome> {
        match self.dial.look() {
            Dialed::Waiting => None,
            Dialed::Connected(_, delay) => Some(Outcome { delay: Some(delay), ..Outcome::default() }),
            Dialed::Failed(error) => Some(Outcome::failed(error)),
        }
    }
}
