//! What every dialect needs of HTTP: the body's cap, the caller's address, credentials, cookies, queries, answers, upgrades.

pub mod answer;
pub mod body;
pub mod client;
pub mod credential;
pub mod query;
pub mod spoken;
pub mod upgrade;
