//! Pulse (4.2.1): wire types. So far `GET /api/health` alone; the rest answers 404.

mod health;

pub use health::{ErrorReply, HealthReply, render};
