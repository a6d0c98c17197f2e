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

#[cfg(target_arch = "wasm32")]
mod engine {
    use edgewatch_core::failure::Failure;
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
}
