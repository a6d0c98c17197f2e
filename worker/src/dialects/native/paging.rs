//! The page that a list is asked for: `cursor` and `limit`.

use edgewatch_core::failure::Failure;

use super::error::Refusal;
use crate::http::query;

/// How many things a page has at most, and when nothing is said.
const MAX_LIMIT: u32 = 500;
const DEFAULT_LIMIT: u32 = 100;

/// At most so many things, as `limit` says.
///
/// # Errors
/// [`Failure::Invalid`] for what is no number from 1 to 500.
pub fn limit(pairs: &[(String, String)]) -> Result<u32, Refusal> {
    let reason = || Failure::Invalid { field: "limit".to_owned(), reason: format!("a number from 1 to {MAX_LIMIT}") };
    match query::first(pairs, "limit") {
        "" => Ok(DEFAULT_LIMIT),
        text => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| Refusal(reason())),
    }
}

/// What a page before this one gave as its cursor; `None` for the first.
pub fn cursor(pairs: &[(String, String)]) -> Option<&str> {
    Some(query::first(pairs, "cursor")).filter(|cursor| !cursor.is_empty())
}

/// The cursor behind a page that is full, of its last thing; none behind one that is not.
pub fn next<T>(page: &[T], limit: u32, key: impl Fn(&T) -> String) -> Option<String> {
    let is_full = u32::try_from(page.len()).is_ok_and(|count| count == limit);
    page.last().filter(|_| is_full).map(key)
}
