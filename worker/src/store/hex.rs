//! Bytes on their way to and from D1: hexadecimal text, for binding blobs is ten times slower. Source: hub feasibility, section 2.

use super::StoreError;

/// Bytes as text.
pub fn write(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    push(&mut hex, bytes);
    hex
}

/// Appends bytes to a text.
pub fn push(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| DIGITS.get(usize::from(half)).map_or('0', |digit| char::from(*digit));
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// The bytes of a text.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is none.
pub fn read(hex: &str) -> Result<Vec<u8>, StoreError> {
    let corrupt = || StoreError::Corrupt("stored bytes".to_owned());
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(half(*high)? << 4 | half(*low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(|pair| byte(pair).ok_or_else(corrupt)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(read(&write(&all)), Ok(all));
        assert_eq!(write(&[0, 0x9f, 0xff]), "009FFF");
        for wrong in ["0", "0g", "é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
