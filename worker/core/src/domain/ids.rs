//! The forms of ids, keys and secrets. Random bits come in as arguments.

use crate::units::UnixMillis;

/// Digits, lower case, upper case, without `0 O I l`. Source: mackerel specification (ids grow with time, lower case first).
const BASE58: &[u8; 58] = b"123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of a host's secret. Source: nezha specification, 6.
pub const HOST_SECRET_CHARS: usize = 18;
/// Characters of a token or a session: 256 bits. Source: design, "Identity and access".
pub const TOKEN_CHARS: usize = 43;

/// An id of eleven base58 characters: the time, then 22 random bits.
pub fn public_id(now: UnixMillis, random: u32) -> String {
    let time = u64::try_from(now.0).unwrap_or(0) & ((1 << 42) - 1);
    base58((time << 22) | u64::from(random & 0x003f_ffff))
}

/// The id of eleven base58 characters of a thing that has a small number.
pub fn of_number(number: u64) -> String {
    base58(number)
}

/// The id of a row that has no id of its own, by its number.
pub fn of_row(number: i64) -> String {
    of_number(u64::try_from(number).unwrap_or(0))
}

/// The number that [`of_number`] made an id of; `None` for what it made none of.
pub fn to_number(id: &str) -> Option<u64> {
    let digit = |byte: u8| BASE58.iter().position(|&digit| digit == byte).and_then(|digit| u64::try_from(digit).ok());
    let join = |number: u64, byte: u8| number.checked_mul(58)?.checked_add(digit(byte)?);
    if id.len() == 11 { id.bytes().try_fold(0, join) } else { None }
}

/// What is named from outside by an id that is made of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A monitor.
    Monitor,
    /// A check of a host.
    Check,
    /// A rule.
    Rule,
    /// A probe.
    Probe,
    /// A threshold.
    Threshold,
}

/// The first of these ids: of eleven characters, none a leading one that says nothing.
const FIRST_THING: u64 = 1 << 62;
/// So many of each kind have one.
const THINGS: u64 = 1 << 52;

/// The id of the thing of this number; of the same kind, a higher number has a later one.
pub fn thing_id(thing: Thing, number: i64) -> String {
    let number = u64::try_from(number).unwrap_or(0) % THINGS;
    base58(FIRST_THING + thing as u64 * THINGS + number)
}

/// The number that [`thing_id`] made an id of; `None` for what is no such thing's.
pub fn thing_number(thing: Thing, id: &str) -> Option<i64> {
    let number = to_number(id)?.checked_sub(FIRST_THING + thing as u64 * THINGS)?;
    if number < THINGS { i64::try_from(number).ok() } else { None }
}

/// The id of what has a key that [`time_key`] made: the same time, and the last 22 of its random bits.
pub fn id_of_key(key: &str) -> String {
    let part = |digits: Option<&str>| digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    let (time, random) = (part(key.get(..12)), part(key.get(12..24)));
    let random = u32::try_from(random & 0x003f_ffff).unwrap_or(0);
    public_id(UnixMillis(i64::try_from(time).unwrap_or(0)), random)
}

/// The first key that may have this id, and the first behind all of them; `None` for what is no id.
pub fn keys_of_id(id: &str) -> Option<(String, String)> {
    let time = to_number(id)? >> 22;
    Some((format!("{time:012x}"), format!("{:012x}", time + 1)))
}

fn base58(mut number: u64) -> String {
    let mut digits = [b'1'; 11];
    for digit in digits.iter_mut().rev() {
        *digit = usize::try_from(number % 58).ok().and_then(|index| BASE58.get(index)).copied().unwrap_or(b'1');
        number /= 58;
    }
    digits.iter().map(|&byte| char::from(byte)).collect()
}

/// A key of 24 hexadecimal characters that sorts by time as text: the time, then 48 random bits.
pub fn time_key(now: UnixMillis, random: u64) -> String {
    let time = u64::try_from(now.0).unwrap_or(0) & 0xffff_ffff_ffff;
    format!("{time:012x}{:012x}", random & 0xffff_ffff_ffff)
}

/// A random UUID, version 4.
pub fn uuid(random: [u8; 16]) -> String {
    let number = u128::from_be_bytes(random);
    let number = (number & !(0xf << 76)) | (0x4 << 76);
    let number = (number & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// `chars` characters of `[0-9A-Za-z]`, all alike likely. `random` fills a buffer with random bytes.
///
/// # Errors
/// What `random` returns.
pub fn alphanumeric<E>(chars: usize, mut random: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<String, E> {
    let mut text = String::with_capacity(chars);
    let mut bytes = [0u8; 64];
    while text.len() < chars {
        random(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte: what lies beyond would favour the first characters.
        let letters =
            bytes.iter().filter(|&&byte| byte < 248).filter_map(|&byte| ALPHANUMERIC.get(usize::from(byte) % 62));
        for &letter in letters.take(chars - text.len()) {
            text.push(char::from(letter));
        }
    }
    Ok(text)
}

/// Whether `text` has the form of a token or secret: so that nothing longer or stranger is hashed and looked up.
pub fn could_be_secret(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_thing_leads_back_to_its_number_and_to_no_other_things() {
        let things = [Thing::Monitor, Thing::Check, Thing::Rule, Thing::Probe, Thing::Threshold];
        for number in [0, 1, 57, 58, 1 << 40, (1 << 52) - 1] {
            for thing in things {
                let id = thing_id(thing, number);
                assert_eq!((id.len(), id.starts_with('1')), (11, false), "{id}");
                for other in things {
                    assert_eq!(thing_number(other, &id), (other == thing).then_some(number));
                }
            }
        }
        for id in ["", "x", "11111111111", "0OIl0OIl0OI", "ZZZZZZZZZZZ"] {
            assert_eq!(thing_number(Thing::Monitor, id), None, "{id}");
        }
    }

    #[test]
    fn the_id_of_a_key_leads_back_to_a_range_of_keys_with_it() {
        for random in [0, 1, 0xffff_ffff_ffff, 0x1234_5678_9abc] {
            let key = time_key(UnixMillis(1_795_361_190_123), random);
            let id = id_of_key(&key);
            let (from, to) = keys_of_id(&id).unwrap();
            assert_eq!((id.len(), from <= key && key < to), (11, true));
            let other = time_key(UnixMillis(1_795_361_190_124), random);
            assert!(other >= to && id_of_key(&other) != id);
        }
        assert_eq!((keys_of_id(""), keys_of_id("0")), (None, None));
    }

    #[test]
    fn public_ids_have_eleven_characters_and_grow_with_time() {
        let order = |id: &str| -> Vec<usize> {
            id.bytes().map(|byte| BASE58.iter().position(|&digit| digit == byte).unwrap()).collect()
        };
        let first = public_id(UnixMillis(1_795_361_190_000), u32::MAX);
        let second = public_id(UnixMillis(1_795_361_190_001), 0);
        assert_eq!((first.len(), second.len()), (11, 11));
        assert!(order(&first) < order(&second));
    }

    #[test]
    fn a_small_number_is_an_id_of_the_same_form_and_comes_back() {
        for number in [0, 1, 57, 58, 1 << 40, u64::MAX] {
            let id = of_number(number);
            assert_eq!((id.len(), to_number(&id)), (11, Some(number)), "{id}");
        }
        assert_eq!(of_number(1), "11111111112");
        for other in ["", "1", "1111111111l", "111111111112", "ZZZZZZZZZZZ"] {
            assert_eq!(to_number(other), None, "{other}");
        }
    }

    #[test]
    fn time_keys_sort_as_text() {
        assert!(time_key(UnixMillis(9), u64::MAX) < time_key(UnixMillis(10), 0));
        assert_eq!(time_key(UnixMillis(10), 1).len(), 24);
    }

    #[test]
    fn uuids_say_their_version() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn secrets_skip_the_bytes_that_would_favour_some_letters() {
        let mut next = 255u8;
        let secret = alphanumeric::<()>(HOST_SECRET_CHARS, |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_sub(1);
            }
            Ok(())
        });
        assert_eq!(secret.unwrap(), "zyxwvutsrqponmlkji");
    }
}
