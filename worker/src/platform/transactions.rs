//! Several statements of a Durable Object's database as one: all of them are committed, or none.

use wasm_bindgen::{JsCast, JsValue};
use worker::State;

use super::ffi::RawState;

/// Runs `work` in one transaction, which an error of it rolls back. `work` must not wait for anything.
///
/// # Errors
/// That of `work`; or `refused` of the runtime's words, when it does not begin or commit.
pub fn atomically<T, E>(
    state: &State,
    refused: impl Fn(String) -> E,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let raw: &RawState = state.as_raw().unchecked_ref();
    let (mut work, mut done) = (Some(work), None);
    let committed = raw.storage().transaction_sync(&mut || {
        let result = work.take().map(|work| work());
        let is_good = matches!(result, Some(Ok(_)));
        done = result;
        if is_good { Ok(JsValue::UNDEFINED) } else { Err(JsValue::from_str("rolled back")) }
    });
    let words = |error: &JsValue| worker::Error::from(error.clone()).to_string();
    match (done, committed) {
        (Some(Err(error)), _) => Err(error),
        (Some(Ok(value)), Ok(_)) => Ok(value),
        (_, Err(error)) => Err(refused(words(&error))),
        (None, Ok(_)) => Err(refused("the transaction was not run".to_owned())),
    }
}
