//! The request's body, up to its route's cap.

use axum::body::{Body, to_bytes};
use edgewatch_core::failure::Failure;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// The cap of routes that name no other. Source: design, "The native API".
pub const DEFAULT_CAP_BYTES: usize = 1024 * 1024;

/// The whole body.
///
/// # Errors
/// [`Failure::TooLarge`] over `cap_bytes`, before it is read where the length was announced; [`Failure::Malformed`] when the
/// sender breaks off.
pub async fn read(headers: &HeaderMap, body: Body, cap_bytes: usize) -> Result<Vec<u8>, Failure> {
    let too_large = Failure::TooLarge { limit_bytes: cap_bytes };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > cap_bytes) {
        return Err(too_large);
    }
    match to_bytes(body, cap_bytes).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) if error.to_string().contains("limit") => Err(too_large),
        Err(error) => Err(Failure::Malformed { detail: format!("the body broke off: {error}") }),
    }
}
