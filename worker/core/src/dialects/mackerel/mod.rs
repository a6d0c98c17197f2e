//! Mackerel: the wire types of its public API v0, as the stock agent, the stock `mkr` and strict client libraries read them.
//!
//! Served is the union of the documentation before and after 2021: `type` and `size`. Source: mackerel specification, 12.

mod error;
mod org;

pub use error::{ErrorPart, ErrorReply, render};
pub use org::OrgReply;
