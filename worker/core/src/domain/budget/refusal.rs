//! Which meter the platform says is used up, by its words.
//!
//! Sources of the words: the tests' stand-in for the platform names one for each (`tests/harness/inside/words.mjs`). They are
//! recognised by the parts that say which meter it is, so that a sentence around them may change.

use super::prices::Meter;

/// The meter that `words` call used up; `None` for every other failure.
pub fn meter_of(words: &str) -> Option<Meter> {
    let words = words.to_ascii_lowercase();
    let has = |part: &str| words.contains(part);
    if has("error code: 1027") {
        return Some(Meter::WorkerRequests);
    }
    if has("maximum db size") {
        return Some(Meter::D1Bytes);
    }
    if has("sqlite_full") || has("database or disk is full") {
        return Some(if has("d1_error") { Meter::D1Bytes } else { Meter::ObjectBytes });
    }
    if !has("exceeded") {
        return None;
    }
    if has("d1") {
        return if has("write") || has("written") {
            Some(Meter::D1RowsWritten)
        } else {
            has("read").then_some(Meter::D1RowsRead)
        };
    }
    if !has("durable object") {
        return None;
    }
    [
        ("rows read", Meter::ObjectRowsRead),
        ("rows written", Meter::ObjectRowsWritten),
        ("duration", Meter::Active),
        ("requests", Meter::ObjectRequests),
    ]
    .into_iter()
    .find_map(|(part, meter)| has(part).then_some(meter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meter_is_known_by_the_platforms_words() {
        let day = "Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.";
        for (words, meter) in [
            (
                format!("D1_ERROR: Your account has exceeded D1's free tier daily row read limit. {day}"),
                Meter::D1RowsRead,
            ),
            (
                format!("D1_ERROR: Your account has exceeded D1's free tier daily row write limit. {day}"),
                Meter::D1RowsWritten,
            ),
            ("D1_ERROR: Exceeded maximum DB size".to_owned(), Meter::D1Bytes),
            ("Exceeded allowed rows read in Durable Objects free tier.".to_owned(), Meter::ObjectRowsRead),
            ("Exceeded allowed rows written in Durable Objects free tier.".to_owned(), Meter::ObjectRowsWritten),
            ("database or disk is full: SQLITE_FULL".to_owned(), Meter::ObjectBytes),
            ("Exceeded allowed volume of requests in Durable Objects free tier.".to_owned(), Meter::ObjectRequests),
            ("Error: Exceeded allowed duration in Durable Objects free tier.".to_owned(), Meter::Active),
            ("error code: 1027".to_owned(), Meter::WorkerRequests),
        ] {
            assert_eq!(meter_of(&words), Some(meter), "{words}");
        }
    }

    #[test]
    fn other_failures_are_no_meter() {
        for words in [
            "",
            "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
            "D1_ERROR: Network connection lost.",
            "internal error; reference = 1027",
            "Durable Object's isolate exceeded its memory limit and was reset.",
            "Durable Object exceeded its CPU time limit and was reset.",
        ] {
            assert_eq!(meter_of(words), None, "{words}");
        }
    }
}
