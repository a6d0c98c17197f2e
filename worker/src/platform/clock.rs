//! The time of day. In wasm the standard clock panics; this is the runtime's.

use edgewatch_core::units::UnixMillis;

/// Now, as an object sees it: its environment has the tests' offset of this moment.
pub fn now_in(env: &worker::Env) -> UnixMillis {
    UnixMillis(now().0.saturating_add(super::config::test_clock_offset_ms(env)))
}

/// Now. In production it stands still while a request computes and moves when it waits.
pub fn now() -> UnixMillis {
    UnixMillis(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
}
