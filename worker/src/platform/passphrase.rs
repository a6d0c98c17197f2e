//! What people encrypt with a passphrase: AES-256-GCM under a key by PBKDF2 with HMAC-SHA-256.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use edgewatch_core::failure::Failure;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::webcrypto;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// The most that the runtime's own cryptography does. Source: platform specification.
const BY_RUNTIME: u32 = 100_000;
/// The most that is done at all: half a second, in an object's event.
const MOST: u32 = 600_000;

/// The key of a passphrase. Slow on purpose.
///
/// # Errors
/// [`Failure::Internal`] without cryptography, or for more iterations than anybody makes.
pub async fn derive(passphrase: &str, salt: &[u8], iterations: u32) -> Result<[u8; KEY_BYTES], Failure> {
    match iterations {
        1..=BY_RUNTIME => webcrypto::pbkdf2(passphrase.as_bytes(), salt, iterations).await,
        more if (1..=MOST).contains(&more) => derive_here(passphrase.as_bytes(), salt, more),
        _ => Err(Failure::Internal(format!("{iterations} iterations of a key"))),
    }
}

/// The same, computed here: what the runtime refuses. One block of PBKDF2, RFC 8018, 5.2.
fn derive_here(passphrase: &[u8], salt: &[u8], iterations: u32) -> Result<[u8; KEY_BYTES], Failure> {
    let keyed =
        <Hmac<Sha256> as Mac>::new_from_slice(passphrase).map_err(|error| Failure::Internal(error.to_string()))?;
    let mut last = keyed.clone().chain_update(salt).chain_update(1_u32.to_be_bytes()).finalize().into_bytes();
    let mut key: [u8; KEY_BYTES] = last.into();
    for _ in 1..iterations {
        last = keyed.clone().chain_update(last).finalize().into_bytes();
        key.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
    }
    Ok(key)
}

/// What is encrypted, with its tag behind it. A nonce is never used twice with the same key.
///
/// # Errors
/// [`Failure::Internal`] for what is too long.
pub fn seal(key: &[u8; KEY_BYTES], nonce: &[u8; 12], plain: &[u8]) -> Result<Vec<u8>, Failure> {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key));
    let sealed = cipher.encrypt(Nonce::from_slice(nonce), plain);
    sealed.map_err(|_| Failure::Internal("an export could not be encrypted".to_owned()))
}

/// What was encrypted; `None` where the key is another one, or something was changed.
pub fn open(key: &[u8; KEY_BYTES], nonce: &[u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key)).decrypt(Nonce::from_slice(nonce), sealed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn both_ways_lead_to_the_same_key() {
        let salt: Vec<u8> = (0..32).collect();
        let by_runtime = now(derive("correct horse 42", &salt, 1_000)).unwrap();
        assert_eq!(derive_here(b"correct horse 42", &salt, 1_000), Ok(by_runtime));
        assert!(now(derive("x", &salt, 600_001)).is_err() && now(derive("x", &salt, 0)).is_err());
        // Source: pulse specification, 10.3.
        let known = now(derive("correct horse 42", &salt, 100_000)).unwrap();
        assert_eq!((known[..3].to_vec(), known[31]), (vec![0x43, 0x43, 0xba], 0x0a));
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_alone() {
        let sealed = seal(&[1; 32], &[2; 12], b"words").unwrap();
        assert_eq!(open(&[1; 32], &[2; 12], &sealed).as_deref(), Some(b"words".as_slice()));
        assert_eq!(open(&[3; 32], &[2; 12], &sealed), None);
        assert_eq!(open(&[1; 32], &[2; 12], &sealed[1..]), None);
    }
}
