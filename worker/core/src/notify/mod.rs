//! Notifications as finished requests: what goes out is rendered here, purely, and sent elsewhere as it stands.

mod retry;
mod webhook;

pub use retry::next_attempt;
pub use webhook::{WebhookBody, check_host, check_url, render_webhook};

/// A request ready to be sent, and to be sent again unchanged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OutgoingRequest {
    /// `POST`.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}
