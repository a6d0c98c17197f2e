//! The time and chance, read in one place.

#[cfg(feature = "test-clock")]
mod offset;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    #[cfg(feature = "test-clock")]
    let now_ms = now_ms.saturating_add(offset::read_ms());
    now_ms
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    now_ms() / 1000
}

/// An evenly spread number.
pub fn random() -> u64 {
    // Where the system has none the time spreads hosts well enough.
    getrandom::u64().unwrap_or_else(|_| now_ms().unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests;
