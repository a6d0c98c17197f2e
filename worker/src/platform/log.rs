//! The log: one JSON object a line, for people with a log viewer. Never a secret, a query string or a body.

use serde::Serialize;

/// What is logged of one request.
#[derive(Debug, Serialize)]
pub struct RequestLine<'a> {
    /// The request's id, also in the header `x-request-id`.
    pub request_id: &'a str,
    /// Whose path it was.
    pub owner: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// From arrival to answer.
    pub ms: i64,
    /// Rows read in D1.
    pub rows_read: u64,
    /// Rows written in D1.
    pub rows_written: u64,
}

/// Logs a request that was answered.
pub fn request(line: &RequestLine<'_>) {
    if let Ok(text) = serde_json::to_string(line) {
        worker::console_log!("{text}");
    }
}

/// What is logged of one run of a schedule.
#[derive(Debug, Serialize)]
pub struct ScheduleLine<'a> {
    /// The schedule, as its five fields.
    pub schedule: &'a str,
    /// When it was due, Unix seconds.
    pub due_s: i64,
    /// Hosts called offline.
    pub offline: usize,
    /// Hosts called online again.
    pub online: usize,
    /// Whether judgement was suspended.
    pub impaired: bool,
    /// Rows read in D1.
    pub rows_read: u64,
    /// Rows written in D1.
    pub rows_written: u64,
}

/// Logs a run of a schedule.
pub fn schedule(line: &ScheduleLine<'_>) {
    if let Ok(text) = serde_json::to_string(line) {
        worker::console_log!("{text}");
    }
}

/// Logs what went wrong on our side.
pub fn error(context: &str, detail: &str) {
    let line = serde_json::json!({ "level": "error", "context": context, "detail": detail });
    #[cfg(target_arch = "wasm32")]
    worker::console_error!("{line}");
    // Native tests have no console of that kind.
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{line}");
}
