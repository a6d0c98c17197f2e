//! What of the past is asked for.

/// A range of `GET /api/charts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartRange {
    seconds: i64,
    bucket_s: i64,
}

/// The words, how long they are, and for how long there is one point; 0 for all that were measured. Source: pulse specification, 7.1.
const RANGES: [(&str, i64, i64); 10] = [
    ("5m", 300, 0),
    ("15m", 900, 0),
    ("30m", 1_800, 0),
    ("1h", 3_600, 0),
    ("4h", 14_400, 15),
    ("8h", 28_800, 30),
    ("12h", 43_200, 45),
    ("24h", 86_400, 90),
    ("7d", 604_800, 600),
    ("30d", 2_592_000, 3_600),
];

impl ChartRange {
    /// The range of this word; an hour for any other.
    pub fn parse(word: &str) -> Self {
        let known = RANGES.iter().find(|(name, ..)| *name == word);
        let (seconds, bucket_s) = known.map_or((3_600, 0), |(_, seconds, bucket_s)| (*seconds, *bucket_s));
        Self { seconds, bucket_s }
    }

    /// How long it is.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    pub(super) const fn ms(self) -> i64 {
        self.seconds * 1000
    }

    pub(super) const fn usual_bucket_ms(self) -> i64 {
        self.bucket_s * 1000
    }
}

/// The longest range that storages have: longer ones are as good as this one.
const MAX_MINUTES: u32 = 90 * 24 * 60;

/// The range of `GET /api/storage-charts` in minutes: a number of them, or what begins with one; a letter behind it is its unit.
/// An hour where there is no number.
pub fn storage_minutes(text: &str) -> u32 {
    let end = text.find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end).unwrap_or_default();
    let each = match unit {
        "h" => 60,
        "d" => 1_440,
        _ => 1,
    };
    match digits.parse::<u32>() {
        Ok(0) => 60,
        Ok(number) => number.saturating_mul(each).min(MAX_MINUTES),
        Err(_) if digits.is_empty() => 60,
        Err(_) => MAX_MINUTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_range_is_an_hour() {
        for (word, seconds) in
            [("7d", 604_800), ("1h", 3_600), ("", 3_600), ("1H", 3_600), ("60", 3_600), ("2h", 3_600)]
        {
            assert_eq!(ChartRange::parse(word).seconds(), seconds, "{word}");
        }
        for (text, minutes) in [
            ("60", 60),
            ("15", 15),
            ("24h", 1_440),
            ("7d", 10_080),
            ("30m", 30),
            ("90 minutes", 90),
            ("", 60),
            ("x", 60),
            ("0", 60),
            ("-5", 60),
            ("99999999999", MAX_MINUTES),
            ("9999999d", MAX_MINUTES),
        ] {
            assert_eq!(storage_minutes(text), minutes, "{text}");
        }
    }
}
