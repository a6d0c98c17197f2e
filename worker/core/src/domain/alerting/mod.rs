//! Alerts, as state machines. Clock, time zone and storage are the caller's.
//!
//! In two halves. *Evaluators* look at a host: a rule's conditions, each with the time for which it has been failing (`run`) and,
//! where bytes of a cycle are counted, the count (`transfer`). What they find is a [`Verdict`] on a *cause*. The second half is one
//! machine per cause ([`alert::note`]): it opens and closes the one alert there is for it, and says who is told, and when.
//! [`book::Book`] holds all that is not at rest; a host whose rules are all content is not in it and costs nothing.

pub mod alert;
pub mod book;
pub mod calendar;
pub mod check;
pub mod kind;
pub mod points;
pub mod quiet;
pub mod reading;
pub mod text;
pub mod thresholds;
pub mod transfer;

#[cfg(test)]
mod simulation;

pub use alert::{LEAST_REPEAT_S, Moment, Open, Policy, Step, Transition, Verdict};
pub use book::{Book, HostState, Subject, Transferred};
