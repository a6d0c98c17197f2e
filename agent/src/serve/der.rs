//! The few things that a certificate request is made of, as DER writes them. Pure. Source: ITU-T X.690; RFC 2986.

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `SET`.
pub const SET: u8 = 0x31;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// `NULL`.
pub const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`.
pub const OID: u8 = 0x06;
/// `UTF8String`.
pub const UTF8_STRING: u8 = 0x0c;
/// `[0]` around what is in it: a request's attributes.
pub const ATTRIBUTES: u8 = 0xa0;
/// `[2]` for itself: a DNS name among a subject's other names.
pub const DNS_NAME: u8 = 0x82;

/// An element: tag, length, and the parts one after the other.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut whole = Vec::with_capacity(length + 6);
    whole.push(tag);
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => whole.push(short),
        _ => {
            let count = significant.clone().count();
            whole.push(0x80 | u8::try_from(count).unwrap_or(0));
            whole.extend(significant);
        }
    }
    for part in parts {
        whole.extend_from_slice(part);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        assert_eq!(element(OCTET_STRING, &[b"ab", b"", b"c"]), b"\x04\x03abc");
        assert_eq!(element(NULL, &[]), b"\x05\x00");
        for (length, head) in [
            (127, &b"\x04\x7f"[..]),
            (128, b"\x04\x81\x80"),
            (255, b"\x04\x81\xff"),
            (256, b"\x04\x82\x01\x00"),
            (65_536, b"\x04\x83\x01\x00\x00"),
        ] {
            let made = element(OCTET_STRING, &[&vec![7; length]]);
            assert_eq!((made.len(), &made[..head.len()]), (length + head.len(), head), "{length}");
        }
    }
}
