//! Passwords at rest: `pbkdf2-sha256$<iterations>$<salt>$<hash>`, the last two in base64. Slow on purpose; where many ask at
//! once, the object `Gate` computes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use edgewatch_core::failure::Failure;
use subtle::ConstantTimeEq;

use super::{random, webcrypto};

/// The most that the platform allows. Source: design, "Identity and access".
const ITERATIONS: u32 = 100_000;
const SALT_BYTES: usize = 16;
const NAME: &str = "pbkdf2-sha256";

/// A password as it is stored.
///
/// # Errors
/// [`Failure::Internal`] without randomness or cryptography.
pub async fn hash(password: &str) -> Result<String, Failure> {
    let mut salt = [0; SALT_BYTES];
    random::fill(&mut salt)?;
    let hash = webcrypto::pbkdf2(password.as_bytes(), &salt, ITERATIONS).await?;
    Ok(format!("{NAME}${ITERATIONS}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash)))
}

/// Whether a password is the stored one. Where none is stored it takes the same time to find that out.
///
/// # Errors
/// As [`hash`]; [`Failure::Internal`] for a stored text that is none of ours.
pub async fn is_right(password: &str, stored: Option<&str>) -> Result<bool, Failure> {
    let Some(stored) = stored else {
        webcrypto::pbkdf2(password.as_bytes(), &[0; SALT_BYTES], ITERATIONS).await?;
        return Ok(false);
    };
    let (iterations, salt, expected) =
        parse(stored).ok_or_else(|| Failure::Internal("a stored password cannot be read".to_owned()))?;
    let found = webcrypto::pbkdf2(password.as_bytes(), &salt, iterations).await?;
    Ok(found.as_slice().ct_eq(&expected).into())
}

fn parse(stored: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let mut parts = stored.split('$');
    let (name, iterations, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let iterations = iterations.parse().ok().filter(|iterations| (1..=ITERATIONS).contains(iterations))?;
    let hash = STANDARD_NO_PAD.decode(hash).ok().filter(|hash| hash.len() == webcrypto::HASH_BYTES)?;
    (name == NAME && parts.next().is_none()).then_some((iterations, STANDARD_NO_PAD.decode(salt).ok()?, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn the_right_password_is_right_and_no_other() {
        let stored = now(hash("correct horse")).unwrap();
        assert!(stored.starts_with("pbkdf2-sha256$100000$"), "{stored}");
        assert_ne!(stored, now(hash("correct horse")).unwrap(), "the salt is another");
        assert!(now(is_right("correct horse", Some(&stored))).unwrap());
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!now(is_right(wrong, Some(&stored))).unwrap(), "{wrong}");
        }
        assert!(!now(is_right("", None)).unwrap());
    }

    #[test]
    fn the_hash_is_the_standard_one() {
        // Source: RFC 7914, section 11, its first 8 bytes.
        let expected: [u8; 8] = [0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f];
        let found = now(webcrypto::pbkdf2(b"passwd", b"salt", 1)).unwrap();
        assert_eq!(&found[..8], &expected);
    }

    #[test]
    fn what_is_stored_is_ours_and_no_more_work_than_ours() {
        let stored = now(hash("x")).unwrap();
        let many = stored.replace("100000", "100001");
        for broken in ["", "x", "pbkdf2-sha256$0$AA$AA", &many, &format!("{stored}$"), &stored[1..]] {
            assert!(now(is_right("x", Some(broken))).is_err(), "{broken}");
        }
    }
}
