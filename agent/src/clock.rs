//! The time and chance, read in one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::rand::GetRandomFlags;

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
pub fn now_s() -> i64 {
    now_ms() / 1000
}

/// An evenly spread number.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    match rustix::rand::getrandom(&mut bytes, GetRandomFlags::NONBLOCK) {
        Ok(8) => u64::from_le_bytes(bytes),
        // Early at boot there is no chance yet; the time spreads hosts well enough.
        _ => now_ms().unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}
