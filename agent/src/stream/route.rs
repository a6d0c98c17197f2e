//! Which way reports go, and when the next try is due. Pure.
//!
//! 1. A server that cannot be reached is tried again as after a failed POST, for a POST would fare no better.
//! 2. What something in between refuses goes by POST, and the socket is tried again after ten minutes, then ever later.
//! 3. A connection that ended after it had worked is opened again within seconds, spread so that a fleet does not come at once.

use std::time::Duration;

use edgewatch_core::dialects::native::stream::{Goodbye, Reason};

use super::ended::Ended;
use crate::config::Transport;
use crate::push::backoff::{Backoff, part};
use crate::push::websocket::DialError;
use crate::sender::UNAUTHORIZED_WAIT;

/// So many connections in a row that were closed before they were of use are no accident.
const FUTILE: u32 = 3;
/// The first try after a connection was lost comes after this, and up to so much more.
const AFTER_LOSS: Duration = Duration::from_secs(1);
const SPREAD_OF_LOSS: Duration = Duration::from_secs(4);
/// A hub that ends for a moment has nobody wait longer. Source: design, "Presence": a mass close is forgiven for 3 minutes.
const MOST_SPREAD: Duration = Duration::from_secs(90);
/// Another agent has our secret: the two shall not push each other out all day.
const AFTER_REPLACED: Duration = Duration::from_mins(10);
/// A hub with too much to do that names no time.
const AFTER_BUSY: Duration = Duration::from_mins(1);
/// While reports go by POST the socket is tried again after this, then after twice as long, up to the longest.
const FIRST_POST: Duration = Duration::from_mins(10);
const LONGEST_POST: Duration = Duration::from_hours(6);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Open a connection after this wait.
    Socket(Duration),
    /// Report by POST for so long, then open a connection.
    Post(Duration),
}

/// What the tries so far have taught.
#[derive(Debug)]
pub struct Route {
    may_post: bool,
    backoff: Backoff,
    futile: u32,
    post_for: Duration,
}

impl Route {
    /// Nothing tried yet.
    pub fn new(transport: Transport) -> Self {
        let may_post = transport == Transport::Auto;
        Self { may_post, backoff: Backoff::default(), futile: 0, post_for: FIRST_POST }
    }

    /// A connection was of use: the next failure is the first one again.
    pub fn delivered(&mut self) {
        self.backoff.reset();
        (self.futile, self.post_for) = (0, FIRST_POST);
    }

    /// What to do after a try that ended like this.
    pub fn after(&mut self, ended: &Ended, random: u64) -> Next {
        match ended {
            Ended::Stopped => Next::Socket(Duration::ZERO),
            Ended::Refused(_) | Ended::Dial(DialError::Refused(_)) => self.refused(random),
            Ended::Futile(_) | Ended::Dial(DialError::Unanswered(_) | DialError::Broken(_)) => self.futile(random),
            Ended::Dial(DialError::Unauthorized) => Next::Socket(UNAUTHORIZED_WAIT + part(AFTER_BUSY, random)),
            Ended::Dial(DialError::Busy { retry_after, .. }) => Next::Socket(self.backoff.next(*retry_after, random)),
            Ended::Dial(DialError::Unreachable(_) | DialError::Cancelled) => {
                Next::Socket(self.backoff.next(None, random))
            }
            Ended::Lost(_) => self.lost(Duration::ZERO, random),
            Ended::Goodbye(goodbye) => self.goodbye(goodbye, random),
        }
    }

    fn goodbye(&mut self, goodbye: &Goodbye, random: u64) -> Next {
        let spread = Duration::from_secs(goodbye.spread_s.into());
        match goodbye.reason {
            Reason::None | Reason::Restart | Reason::Other(_) => self.lost(spread.min(MOST_SPREAD), random),
            Reason::Unauthorized => Next::Socket(UNAUTHORIZED_WAIT + part(AFTER_BUSY, random)),
            Reason::Version => self.refused(random),
            Reason::Replaced => Next::Socket(AFTER_REPLACED + part(AFTER_REPLACED, random)),
            Reason::Malformed => self.futile(random),
            Reason::Busy => {
                let wait = if spread.is_zero() { AFTER_BUSY + part(AFTER_BUSY, random) } else { part(spread, random) };
                Next::Socket(self.backoff.next(None, random).max(wait))
            }
        }
    }

    fn lost(&mut self, spread: Duration, random: u64) -> Next {
        // One that breaks before it was of use, again and again, is one that cannot be reached.
        let is_first = !self.backoff.is_waiting();
        let wait = self.backoff.next(None, random);
        Next::Socket(match (spread.is_zero(), is_first) {
            (false, _) => part(spread, random),
            (true, true) => AFTER_LOSS + part(SPREAD_OF_LOSS, random),
            (true, false) => wait,
        })
    }

    fn futile(&mut self, random: u64) -> Next {
        self.futile += 1;
        if self.futile >= FUTILE { self.refused(random) } else { Next::Socket(self.backoff.next(None, random)) }
    }

    fn refused(&mut self, random: u64) -> Next {
        if !self.may_post {
            return Next::Socket(self.backoff.next(None, random));
        }
        self.futile = 0;
        let whole = self.post_for;
        self.post_for = (whole * 2).min(LONGEST_POST);
        Next::Post(whole + part(whole / 10, random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto() -> Route {
        Route::new(Transport::Auto)
    }

    fn goodbye(reason: Reason, spread_s: u32) -> Ended {
        Ended::Goodbye(Goodbye { reason, spread_s, ..Goodbye::default() })
    }

    fn lost() -> Ended {
        Ended::Lost(String::new())
    }

    /// The shortest and the longest wait of many.
    fn socket_waits(ended: &Ended) -> (Duration, Duration) {
        let waits = (0..200_000).step_by(7).map(|random| match auto().after(ended, random) {
            Next::Socket(wait) => wait,
            next @ Next::Post(_) => panic!("{next:?}"),
        });
        let waits: Vec<_> = waits.collect();
        (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
    }

    fn about(waits: (Duration, Duration), from_s: u64, to_s: u64) -> bool {
        let near = Duration::from_millis(500);
        waits.0 >= Duration::from_secs(from_s)
            && waits.0 <= Duration::from_secs(from_s) + near
            && waits.1 <= Duration::from_secs(to_s)
            && waits.1 + near >= Duration::from_secs(to_s)
    }

    #[test]
    fn a_connection_that_had_worked_is_opened_again_within_seconds() {
        assert!(about(socket_waits(&lost()), 1, 5));
        assert!(about(socket_waits(&goodbye(Reason::Restart, 0)), 1, 5));
    }

    #[test]
    fn a_fleet_comes_back_spread_as_it_was_told() {
        for reason in [Reason::None, Reason::Restart, Reason::Other(99)] {
            assert!(about(socket_waits(&goodbye(reason, 30)), 0, 30), "{reason:?}");
            assert!(about(socket_waits(&goodbye(reason, 3_600)), 0, 90), "{reason:?}");
        }
    }

    #[test]
    fn each_goodbye_has_its_own_wait() {
        assert!(about(socket_waits(&goodbye(Reason::Busy, 0)), 60, 120));
        assert!(socket_waits(&goodbye(Reason::Busy, 180)).1 > Duration::from_secs(170));
        assert!(socket_waits(&goodbye(Reason::Replaced, 0)).0 >= Duration::from_mins(10));
        assert!(socket_waits(&goodbye(Reason::Unauthorized, 0)).0 >= UNAUTHORIZED_WAIT);
        assert!(socket_waits(&Ended::Dial(DialError::Unauthorized)).0 >= UNAUTHORIZED_WAIT);
        assert!(matches!(auto().after(&goodbye(Reason::Version, 0), 0), Next::Post(FIRST_POST)));
    }

    #[test]
    fn a_loss_that_follows_a_loss_waits_as_a_failed_try_does() {
        let mut route = auto();
        let wait = |route: &mut Route| match route.after(&lost(), 1_999) {
            Next::Socket(wait) => wait,
            Next::Post(_) => panic!("nothing in between refused"),
        };
        assert_eq!(wait(&mut route), Duration::from_millis(2_999));
        assert_eq!(wait(&mut route), Duration::from_millis(1_999));
        route.delivered();
        assert_eq!(wait(&mut route), Duration::from_millis(2_999));
    }

    #[test]
    fn what_is_refused_goes_by_post_and_the_socket_is_tried_ever_later() {
        let mut route = auto();
        let refused = Ended::Dial(DialError::Refused("status 404".to_owned()));
        let minutes: Vec<_> = (0..8)
            .map(|_| match route.after(&refused, 0) {
                Next::Post(wait) => wait.as_secs() / 60,
                Next::Socket(_) => 0,
            })
            .collect();
        assert_eq!(minutes, [10, 20, 40, 80, 160, 320, 360, 360]);
        route.delivered();
        assert_eq!(route.after(&refused, 0), Next::Post(FIRST_POST));
    }

    #[test]
    fn connections_that_end_at_once_are_refusals_from_the_third_on() {
        for ended in [
            Ended::Futile(String::new()),
            Ended::Dial(DialError::Unanswered(String::new())),
            Ended::Dial(DialError::Broken(502)),
            goodbye(Reason::Malformed, 0),
        ] {
            let mut route = auto();
            let next: Vec<_> = (0..4).map(|_| matches!(route.after(&ended, 0), Next::Post(_))).collect();
            assert_eq!(next, [false, false, true, false], "{ended:?}");
        }
    }

    #[test]
    fn a_server_that_is_away_or_busy_is_no_reason_to_post() {
        let mut route = auto();
        for ended in [DialError::Unreachable(String::new()), DialError::Busy { status: 503, retry_after: None }] {
            let ended = Ended::Dial(ended);
            assert!((0..40).all(|_| matches!(route.after(&ended, 0), Next::Socket(_))));
        }
        let busy = Ended::Dial(DialError::Busy { status: 429, retry_after: Some(Duration::from_secs(100)) });
        assert_eq!(auto().after(&busy, 0), Next::Socket(Duration::from_secs(100)));
    }

    #[test]
    fn who_wants_websockets_alone_gets_them_alone() {
        let mut route = Route::new(Transport::WebSocket);
        let refused = Ended::Dial(DialError::Refused(String::new()));
        assert!((0..40).all(|_| matches!(route.after(&refused, 0), Next::Socket(_))));
    }
}
