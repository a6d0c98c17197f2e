//! Randomness fit for secrets, from the runtime's crypto object.

use edgewatch_core::failure::Failure;

/// Fills `bytes`.
///
/// # Errors
/// [`Failure::Internal`] when the runtime has no randomness to give.
pub fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| Failure::Internal(format!("no randomness: {error}")))
}

/// 64 random bits.
///
/// # Errors
/// As [`fill`].
pub fn number() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
