//! Slow hashes and signatures by the runtime's own cryptography, which is many times faster than wasm. In native tests other
//! libraries compute the same.

use edgewatch_core::failure::Failure;

/// Bytes that [`pbkdf2`] gives.
pub const HASH_BYTES: usize = 32;

/// PBKDF2 with HMAC-SHA-256. The runtime refuses more than 100,000 iterations.
///
/// # Errors
/// [`Failure::Internal`] when the runtime refuses.
pub async fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Result<[u8; HASH_BYTES], Failure> {
    engine::pbkdf2(password, salt, iterations).await
}

/// Whether the signature (RSASSA-PKCS1-v1_5 with SHA-256) of a message was made with the key of this modulus and exponent, both in
/// base64 for URLs, as a JSON web key has them.
///
/// # Errors
/// [`Failure::Internal`] when the key is none.
pub async fn is_signed_rs256(n: &str, e: &str, message: &[u8], signature: &[u8]) -> Result<bool, Failure> {
    engine::is_signed_rs256(n, e, message, signature).await
}

#[cfg(target_arch = "wasm32")]
mod engine {
    use edgewatch_core::failure::Failure;
    use wasm_bindgen::{JsCast, JsValue};
    use worker::js_sys::{Array, ArrayBuffer, JSON, Promise, Reflect, Uint8Array};
    use worker::wasm_bindgen_futures::JsFuture;

    use super::HASH_BYTES;
    use crate::platform::ffi;

    const RS256: &str = r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#;

    fn refused(error: JsValue) -> Failure {
        Failure::Internal(format!("the runtime's cryptography refused: {}", worker::Error::from(error)))
    }

    fn object(json: &str) -> Result<JsValue, Failure> {
        JSON::parse(json).map_err(refused)
    }

    async fn settled(promise: Result<Promise, JsValue>) -> Result<JsValue, Failure> {
        JsFuture::from(promise.map_err(refused)?).await.map_err(refused)
    }

    pub async fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Result<[u8; HASH_BYTES], Failure> {
        let uses = Array::of1(&JsValue::from_str("deriveBits"));
        let name = object(r#"{"name":"PBKDF2"}"#)?;
        let key = settled(ffi::import_key("raw", &Uint8Array::from(password), &name, false, &uses)).await?;
        let how = object(&format!(r#"{{"name":"PBKDF2","hash":"SHA-256","iterations":{iterations}}}"#))?;
        Reflect::set(&how, &JsValue::from_str("salt"), &Uint8Array::from(salt)).map_err(refused)?;
        let bits = settled(ffi::derive_bits(&how, &key, 256)).await?;
        let wrong = |_| Failure::Internal("the runtime's cryptography gave no 32 bytes".to_owned());
        let bits: ArrayBuffer = bits.dyn_into().map_err(wrong)?;
        Uint8Array::new(&bits).to_vec().try_into().map_err(|_| wrong(JsValue::NULL))
    }

    pub async fn is_signed_rs256(n: &str, e: &str, message: &[u8], signature: &[u8]) -> Result<bool, Failure> {
        let uses = Array::of1(&JsValue::from_str("verify"));
        let jwk = serde_json::json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": e }).to_string();
        let how = object(RS256)?;
        let key = settled(ffi::import_key("jwk", &object(&jwk)?, &how, false, &uses)).await?;
        let (signature, message) = (Uint8Array::from(signature), Uint8Array::from(message));
        Ok(settled(ffi::verify(&how, &key, &signature, &message)).await?.is_truthy())
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::unused_async, reason = "the same signatures as the other engine's")]
mod engine {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use edgewatch_core::failure::Failure;
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    use sha2::Sha256;

    use super::HASH_BYTES;

    pub async fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Result<[u8; HASH_BYTES], Failure> {
        Ok(pbkdf2::pbkdf2_hmac_array::<Sha256, HASH_BYTES>(password, salt, iterations))
    }

    pub async fn is_signed_rs256(n: &str, e: &str, message: &[u8], signature: &[u8]) -> Result<bool, Failure> {
        let no_key = |error: base64::DecodeError| Failure::Internal(format!("no key: {error}"));
        let n = URL_SAFE_NO_PAD.decode(n).map_err(no_key)?;
        let e = URL_SAFE_NO_PAD.decode(e).map_err(no_key)?;
        let key = RsaPublicKeyComponents { n: &n, e: &e };
        Ok(key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok())
    }
}
