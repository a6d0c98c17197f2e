//! How often somebody may ask for something: exact, in the object's own table.

use edgewatch_core::domain::sliding;
use serde::{Deserialize, Serialize};

/// The longest window there is, seconds: who was not there for so long is forgotten.
pub const LONGEST_S: i64 = 3_600;

/// A request that somebody makes of what is limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What is limited, and for whom.
    pub key: String,
    /// So many are let in.
    pub most: u32,
    /// Within so many seconds.
    pub window_s: u32,
}

/// The times of an earlier row with one more at `now_ms`, as they are to be written; or how many seconds the next is to wait.
///
/// # Errors
/// Seconds.
pub fn counted(row: Option<&str>, ask: &Ask, now_ms: i64) -> Result<String, u32> {
    let times: Vec<i64> = row.unwrap_or_default().split(' ').filter_map(|text| text.parse().ok()).collect();
    let times = sliding::admit(&times, now_ms, ask.most, ask.window_s)?;
    Ok(times.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_the_times_that_count() {
        let ask = Ask { key: "x".to_owned(), most: 2, window_s: 60 };
        let one = counted(None, &ask, 1_000).unwrap();
        let two = counted(Some(&one), &ask, 2_000).unwrap();
        assert_eq!((one.as_str(), two.as_str()), ("1000", "1000 2000"));
        assert_eq!(counted(Some(&two), &ask, 3_000), Err(59));
        assert_eq!(counted(Some("nonsense"), &ask, 3_000).as_deref(), Ok("3000"));
    }
}
