//! Group `ntp`: the machine's clock, and what the kernel knows of it.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_core::dialects::openitcockpit::result::{Float, Ntp};
use rtime_clock::adjtime::{Timex, adjtimex};

use super::fault::Fault;

/// The clock is not synchronised. Source: `adjtimex(2)`, `STA_UNSYNC`.
const UNSYNCHRONISED: i32 = 0x0040;
/// Offsets are in ns, not µs. Source: `adjtimex(2)`, `STA_NANO`.
const NANOSECONDS: i32 = 0x2000;
/// What the call gives when the clock is not synchronised. Source: `adjtimex(2)`, `TIME_ERROR`.
const NO_TIME: i32 = 5;

/// The group. Asks and sets nothing.
///
/// # Errors
/// [`Fault::Refused`] when the kernel does not tell, as in some containers.
pub fn ntp() -> Result<Ntp, Fault> {
    let mut timex = Timex::new();
    let state = adjtimex(&mut timex).map_err(Fault::refused("adjtimex"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Ntp {
        timestamp: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        timestamp_micro: i64::try_from(now.as_micros()).unwrap_or(i64::MAX),
        sync_status: Some(is_synchronised(state, timex.0.status)),
        offset: Some(Float(offset_s(timex.0.offset, timex.0.status))),
    })
}

fn is_synchronised(state: i32, status: i32) -> bool {
    state != NO_TIME && status & UNSYNCHRONISED == 0
}

/// Seconds that the kernel still has to correct.
#[expect(clippy::cast_precision_loss, reason = "the kernel corrects at most half a second")]
fn offset_s(offset: i64, status: i32) -> f64 {
    let parts = if status & NANOSECONDS == 0 { 1e6 } else { 1e9 };
    offset as f64 / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_in_seconds_whatever_the_kernel_counts_in() {
        assert!((offset_s(42_000, NANOSECONDS) - 0.000_042).abs() < 1e-12);
        assert!((offset_s(-42, 0) + 0.000_042).abs() < 1e-12);
    }

    #[test]
    fn a_clock_is_synchronised_when_neither_says_otherwise() {
        assert!(is_synchronised(0, NANOSECONDS));
        assert!(!is_synchronised(NO_TIME, NANOSECONDS));
        assert!(!is_synchronised(0, UNSYNCHRONISED));
    }

    #[test]
    fn this_machine_tells_its_clock() {
        let before_s = crate::clock::now_s();
        let ntp = ntp().unwrap();
        assert!((before_s..=crate::clock::now_s()).contains(&ntp.timestamp));
        assert_eq!(ntp.timestamp_micro / 1_000_000, ntp.timestamp);
        assert!(ntp.offset.unwrap().0.abs() < 1.0, "{ntp:?}");
    }
}
