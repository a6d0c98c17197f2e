//! How often somebody may ask for something: exact, by address.

use std::net::IpAddr;

use edgewatch_core::failure::Failure;

use crate::app::App;
use crate::gate::client;
use crate::gate::limits::Ask;

/// Counts a request for `what` from an address: at most so many within so many seconds.
///
/// # Errors
/// [`Failure::TooManyAttempts`] for one too many; [`Failure::Unavailable`] when the object does not answer.
pub async fn count(app: &App, what: &str, address: Option<IpAddr>, most: u32, window_s: u32) -> Result<(), Failure> {
    let who = address.map_or_else(|| "nowhere".to_owned(), |address| address.to_canonical().to_string());
    let ask = Ask { key: format!("{what} {who}"), most, window_s };
    match client::ask(app.objects()?, &ask).await? {
        None => Ok(()),
        Some(retry_after_s) => Err(Failure::TooManyAttempts { retry_after_s }),
    }
}
