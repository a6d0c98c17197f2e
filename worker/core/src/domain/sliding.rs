//! So many of something within a span that slides: exact, and what is refused does not count. Source: pulse specification, 4.

/// The times, in milliseconds and ascending, that count from now on when one more is let in at `now_ms`; or in how many seconds the
/// next one is, where there were `most` of them within `window_s`.
///
/// # Errors
/// Seconds, at least 1.
pub fn admit(times_ms: &[i64], now_ms: i64, most: u32, window_s: u32) -> Result<Vec<i64>, u32> {
    let span_ms = i64::from(window_s).saturating_mul(1_000);
    // Of a clock that stepped back: what it said ahead of now counts as now.
    let ages = times_ms.iter().map(|at| (*at).min(now_ms)).filter(|at| now_ms.saturating_sub(*at) <= span_ms);
    let mut counted: Vec<i64> = ages.collect();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if counted.len() < most {
        counted.push(now_ms);
        return Ok(counted);
    }
    // The one whose end makes room.
    let place = counted.len().saturating_sub(most);
    let oldest = counted.get(place).copied().unwrap_or(now_ms);
    let wait_ms = oldest.saturating_add(span_ms).saturating_sub(now_ms).max(0).saturating_add(1);
    Err(u32::try_from(wait_ms.saturating_add(999) / 1_000).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_until_the_first_is_older_than_the_window() {
        let mut times = vec![];
        for at in [0, 1_000, 2_000] {
            times = admit(&times, at, 3, 60).unwrap();
        }
        assert_eq!(admit(&times, 3_000, 3, 60), Err(58));
        assert_eq!(admit(&times, 60_000, 3, 60), Err(1), "as old as the window is not older");
        assert_eq!(admit(&times, 60_001, 3, 60), Ok(vec![1_000, 2_000, 60_001]));
        assert_eq!(times.len(), 3, "what was refused does not count");
    }

    #[test]
    fn a_clock_that_steps_back_shuts_nobody_out_for_longer_than_the_window() {
        let times = vec![900_000, 900_001];
        let wait = admit(&times, 1_000, 2, 60).unwrap_err();
        assert!(wait <= 61, "{wait}");
        // Fewer are let in from now on: all of those before count until there is room again.
        assert_eq!(admit(&[0, 0, 0, 0], 1_000, 2, 60), Err(60));
    }
}
