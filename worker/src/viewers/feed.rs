//! Viewers who are told all of the fleet every two seconds: `GET /ws`. It runs only while somebody listens.

use std::rc::Rc;
use std::time::Duration;

use worker::{Delay, WebSocket};

use super::object::{Inner, keep, send};
use super::viewer::Seat;

/// How often they are told. Source: nezha specification, 13.
const EVERY: Duration = Duration::from_secs(2);

impl Inner {
    fn feed_seats(&self) -> Vec<(WebSocket, Seat)> {
        self.seats().into_iter().filter(|(_, seat)| seat.viewer.feed).collect()
    }

    /// Whether somebody is told the feed.
    pub(super) fn is_feed_wanted(&self) -> bool {
        !self.feed_seats().is_empty()
    }

    /// Whether all is known that the feed tells.
    pub(super) fn is_feed_ready(&self) -> bool {
        self.is_loaded() && self.fleet.borrow().has_feed()
    }

    /// Whether the hub has to be asked for the whole fleet because of the feed.
    pub(super) fn is_feed_missing(&self) -> bool {
        self.is_feed_wanted() && !self.is_feed_ready()
    }

    /// Tells those who were told nothing yet, as soon as all is known.
    pub(super) fn greet_feed(&self) {
        if self.is_feed_ready() {
            self.tell_feed(|seat| !seat.greeted);
        }
    }

    fn tell_feed(&self, to: impl Fn(&Seat) -> bool) {
        let now = self.now();
        let seats: Vec<(WebSocket, Seat)> = self.feed_seats().into_iter().filter(|(_, seat)| to(seat)).collect();
        for sees_hidden in [true, false] {
            let mut text = None;
            for (socket, seat) in seats.iter().filter(|(_, seat)| seat.viewer.sees_hidden == sees_hidden) {
                let text = text.get_or_insert_with(|| self.fleet.borrow().feed(sees_hidden, now));
                if seat.viewer.pulse.is_some() {
                    self.tell_both(socket, seat, text);
                    continue;
                }
                if !seat.greeted {
                    keep(socket, &Seat { greeted: true, whole: true, ..seat.clone() });
                }
                send(socket, text);
            }
        }
    }

    /// Sees to it that the feed is told for as long as somebody listens. A pending wait keeps the object awake, and what is told every
    /// two seconds would do so too.
    pub(super) fn keep_feeding(self: &Rc<Self>) {
        if self.is_feeding.get() || !self.is_feed_wanted() {
            return;
        }
        self.is_feeding.set(true);
        let this = Rc::clone(self);
        self.state.wait_until(async move {
            loop {
                Delay::from(EVERY).await;
                if !this.is_feed_wanted() {
                    break;
                }
                if this.is_feed_ready() {
                    this.tell_feed(|_| true);
                }
            }
            this.is_feeding.set(false);
        });
    }
}
