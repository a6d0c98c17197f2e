//! The request's body, up to its route's cap.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use edgewatch_core::failure::Failure;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use crate::platform::gzip;

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

/// The body as it was before it was packed, up to `cap_bytes`; `None` where it is packed in a way that nobody here knows.
///
/// # Errors
/// [`Failure::TooLarge`] over `cap_bytes`; [`Failure::Malformed`] when it is not packed as it says.
pub async fn plain(headers: &HeaderMap, body: Vec<u8>, cap_bytes: usize) -> Result<Option<Vec<u8>>, Failure> {
    let encoding = headers.get(CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return Ok(Some(body));
    }
    if !encoding.eq_ignore_ascii_case("gzip") {
        return Ok(None);
    }
    match gzip::unpack_up_to(&body, cap_bytes).await {
        Ok(Some(plain)) => Ok(Some(plain)),
        Ok(None) => Err(Failure::TooLarge { limit_bytes: cap_bytes }),
        Err(failure) => Err(Failure::Malformed { detail: failure.to_string() }),
    }
}

/// Bytes of large bodies that this isolate holds.
static HELD_BYTES: AtomicUsize = AtomicUsize::new(0);
/// What they may be together: each lies in memory up to four times on its way, and an isolate has 128 MB. Source: platform
/// specification, 1.1.
const MAX_HELD_BYTES: usize = 20 * 1024 * 1024;

/// Room in memory for a large body, until it is dropped.
#[derive(Debug)]
pub struct Room(usize);

impl Room {
    /// Room for so many bytes.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when there is none at the moment.
    pub fn for_bytes(bytes: usize) -> Result<Self, Failure> {
        let held = HELD_BYTES.fetch_add(bytes, Ordering::Relaxed);
        let room = Self(bytes);
        // One has room in any case.
        if held > 0 && held.saturating_add(bytes) > MAX_HELD_BYTES {
            return Err(Failure::Unavailable { detail: format!("{held} bytes of bodies are being read") });
        }
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        HELD_BYTES.fetch_sub(self.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_one_large_body_and_again_when_it_is_gone() {
        let one = Room::for_bytes(MAX_HELD_BYTES + 1).unwrap();
        assert!(matches!(Room::for_bytes(1), Err(Failure::Unavailable { .. })));
        drop(one);
        let several: Vec<Room> = (0..4).map(|_| Room::for_bytes(MAX_HELD_BYTES / 4).unwrap()).collect();
        assert!(Room::for_bytes(1).is_err());
        drop(several);
        assert!(Room::for_bytes(1).is_ok());
    }
}
