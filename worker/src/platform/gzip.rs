//! Gzip by the runtime, which is many times faster than wasm. In native tests a library does the same.

use edgewatch_core::failure::Failure;

/// Bytes, compressed.
///
/// # Errors
/// [`Failure::Internal`] when the runtime refuses.
pub async fn pack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    engine::pack(bytes).await
}

/// What [`pack`] compressed.
///
/// # Errors
/// [`Failure::Internal`] when it is no gzip.
pub async fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    engine::unpack(bytes).await
}

/// What [`pack`] compressed, up to so many bytes; `None` for more. A few bytes can be gigabytes.
///
/// # Errors
/// As [`unpack`].
pub async fn unpack_up_to(bytes: &[u8], most: usize) -> Result<Option<Vec<u8>>, Failure> {
    engine::unpack_up_to(bytes, most).await
}

#[cfg(target_arch = "wasm32")]
mod engine {
    use edgewatch_core::failure::Failure;
    use futures_util::StreamExt;
    use wasm_bindgen::{JsCast, JsValue};
    use worker::js_sys::{ArrayBuffer, Uint8Array};
    use worker::wasm_bindgen_futures::JsFuture;
    use worker::worker_sys::web_sys::{ReadableStream, Response};

    use crate::platform::ffi::{Compression, Decompression, Stream};

    fn refused(error: JsValue) -> Failure {
        Failure::Internal(format!("the runtime's compression refused: {}", worker::Error::from(error)))
    }

    async fn through(bytes: &[u8], transform: &JsValue) -> Result<Vec<u8>, JsValue> {
        let source = Response::new_with_opt_buffer_source(Some(&Uint8Array::from(bytes)))?;
        let Some(stream) = source.body() else { return Ok(Vec::new()) };
        let piped: ReadableStream = stream.unchecked_into::<Stream>().pipe_through(transform)?.unchecked_into();
        let all = JsFuture::from(Response::new_with_opt_readable_stream(Some(&piped))?.array_buffer()?).await?;
        Ok(Uint8Array::new(&all.unchecked_into::<ArrayBuffer>()).to_vec())
    }

    pub async fn pack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let transform = Compression::new("gzip").map_err(refused)?;
        through(bytes, &transform).await.map_err(refused)
    }

    pub async fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let transform = Decompression::new("gzip").map_err(refused)?;
        through(bytes, &transform).await.map_err(refused)
    }

    pub async fn unpack_up_to(bytes: &[u8], most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let failed = |error: worker::Error| Failure::Internal(format!("the runtime's compression refused: {error}"));
        let transform = Decompression::new("gzip").map_err(refused)?;
        let source = Response::new_with_opt_buffer_source(Some(&Uint8Array::from(bytes))).map_err(refused)?;
        let Some(stream) = source.body() else { return Ok(Some(Vec::new())) };
        let piped = stream.unchecked_into::<Stream>().pipe_through(&transform).map_err(refused)?;
        let piped = Response::new_with_opt_readable_stream(Some(piped.unchecked_ref())).map_err(refused)?;
        let mut chunks = worker::Response::from(piped).stream().map_err(failed)?;
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next().await {
            all.extend(chunk.map_err(failed)?);
            if all.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(all))
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod engine {
    use std::io::{Read, Write};

    use edgewatch_core::failure::Failure;
    use flate2::Compression;
    use flate2::read::GzDecoder;
    use flate2::write::GzEncoder;

    #[expect(clippy::unused_async, reason = "the runtime's engine waits")]
    pub async fn pack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let refused = |error: std::io::Error| Failure::Internal(error.to_string());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).map_err(refused)?;
        encoder.finish().map_err(refused)
    }

    #[expect(clippy::unused_async, reason = "the runtime's engine waits")]
    pub async fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut all).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(all)
    }

    #[expect(clippy::unused_async, reason = "the runtime's engine waits")]
    pub async fn unpack_up_to(bytes: &[u8], most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let mut all = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let mut plain = GzDecoder::new(bytes).take(limit);
        plain.read_to_end(&mut all).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok((all.len() <= most).then_some(all))
    }
}
