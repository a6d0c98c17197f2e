//! What a certificate says of itself, and why one is not believed. Pure.
//!
//! The TLS library keeps both to itself, and the parsers there are weigh more than this agent's whole TLS: a few fields are read here, by
//! walking the few levels of DER that lead to them. Source: RFC 5280, 4.1.

#[cfg(feature = "itcockpit")]
use std::sync::{Mutex, PoisonError};

use edgewatch_core::units::calendar::{DAY_S, Day};
#[cfg(feature = "itcockpit")]
use rustls::{CertificateError, Error};

/// What is told of a target's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    /// Until when it is good, seconds since 1970.
    pub expires_s: i64,
    /// The common name of its issuer, else its organization; may be empty.
    pub issuer: String,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
/// `[0]`, where the version stands.
const VERSION: u8 = 0xa0;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Reads a certificate; `None` when it is none.
pub fn parse(der: &[u8]) -> Option<Certificate> {
    let Outline { issuer, ends_s, .. } = outline(der)?;
    let issuer = name(issuer, COMMON_NAME).or_else(|| name(issuer, ORGANIZATION)).unwrap_or_default();
    Some(Certificate { expires_s: ends_s, issuer })
}

/// Who made a certificate for whom, and when it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'a> {
    /// The issuer's name, as it is encoded.
    pub issuer: &'a [u8],
    /// The subject's name, as it is encoded.
    pub subject: &'a [u8],
    /// From when it is good, seconds since 1970.
    pub begins_s: i64,
    /// Until when it is good, seconds since 1970.
    pub ends_s: i64,
}

/// Reads a certificate's outline; `None` when it is no certificate.
pub fn outline(der: &[u8]) -> Option<Outline<'_>> {
    let mut certificate = inside(der, SEQUENCE)?;
    let (_, mut fields) = take(&mut certificate).filter(|(tag, _)| *tag == SEQUENCE)?;
    let (tag, _) = take(&mut fields)?;
    if tag == VERSION {
        // Else that was the serial number.
        take(&mut fields)?;
    }
    // The algorithm.
    take(&mut fields)?;
    let (_, issuer) = take(&mut fields).filter(|(tag, _)| *tag == SEQUENCE)?;
    let (_, mut validity) = take(&mut fields).filter(|(tag, _)| *tag == SEQUENCE)?;
    let (begin_tag, begin) = take(&mut validity)?;
    let (end_tag, end) = take(&mut validity)?;
    let (_, subject) = take(&mut fields).filter(|(tag, _)| *tag == SEQUENCE)?;
    Some(Outline { issuer, subject, begins_s: time(begin_tag, begin)?, ends_s: time(end_tag, end)? })
}

/// Why a certificate is not believed, in words that follow "its certificate". `error` is the library's verdict on `der`.
#[cfg(feature = "itcockpit")]
pub fn reason(error: &CertificateError, der: &[u8]) -> &'static str {
    use CertificateError as E;
    let is_own_issuer = || outline(der).is_some_and(|outline| outline.issuer == outline.subject);
    match error {
        E::Expired | E::ExpiredContext { .. } => "has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "is not valid yet",
        E::NotValidForName | E::NotValidForNameContext { .. } => "is for another name",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "is not for this use",
        // The library refuses an authority's own certificate before it looks who signed it.
        E::UnknownIssuer | E::Other(_) if is_own_issuer() => "is signed by itself and not one that is trusted",
        // An authority may have the name of another one.
        E::UnknownIssuer | E::BadSignature => "is signed by another authority",
        E::BadEncoding => "cannot be read",
        E::Revoked => "was revoked",
        _ => "cannot be verified",
    }
}

/// Why the last certificate was not believed. A verifier keeps it, for the library passes only its own words on.
#[cfg(feature = "itcockpit")]
#[derive(Debug, Default)]
pub struct Refusal(Mutex<Option<&'static str>>);

#[cfg(feature = "itcockpit")]
impl Refusal {
    /// Keeps why `der` is refused, where `verified` says that it is.
    pub fn note<T>(&self, verified: &Result<T, Error>, der: &[u8]) {
        if let Err(Error::InvalidCertificate(error)) = verified {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason(error, der));
        }
    }

    /// The reason, in words that follow "its certificate"; told once.
    pub fn take(&self) -> Option<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The next element: its tag and what is in it.
fn take<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut behind) = rest.split_first_chunk::<2>()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let count = usize::from(first & 0x7f);
        // A certificate has at most some 64 kB.
        if count == 0 || count > 3 {
            return None;
        }
        let (bytes, more) = behind.split_at_checked(count)?;
        behind = more;
        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    };
    let (body, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some((tag, body))
}

fn inside(mut der: &[u8], wanted: u8) -> Option<&[u8]> {
    take(&mut der).filter(|(tag, _)| *tag == wanted).map(|(_, body)| body)
}

/// The last value of an attribute in a name.
fn name(mut name: &[u8], wanted: &[u8]) -> Option<String> {
    let mut found = None;
    while let Some((SET, mut set)) = take(&mut name) {
        while let Some((SEQUENCE, mut attribute)) = take(&mut set) {
            let is_wanted = take(&mut attribute) == Some((OID, wanted));
            if let Some((tag, value)) = take(&mut attribute).filter(|_| is_wanted) {
                found = Some(if tag == BMP_STRING {
                    let units: Vec<u16> =
                        value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                    String::from_utf16_lossy(&units)
                } else {
                    String::from_utf8_lossy(value).into_owned()
                });
            }
        }
    }
    found
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, as certificates have to have them.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (century, rest) = match tag {
        UTC_TIME => (None, text),
        GENERALIZED_TIME => (text.get(..2), text.get(2..)?),
        _ => return None,
    };
    if rest.len() != 12 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let century = match century {
        Some(century) => century.parse::<i64>().ok()?,
        None if pair(0)? >= 50 => 19,
        None => 20,
    };
    let small = |at: usize| u8::try_from(pair(at)?).ok();
    let day = Day { year: century * 100 + pair(0)?, month: small(2)?, day: small(4)? };
    let (hour, minute, second) = (pair(6)?, pair(8)?, pair(10)?);
    if !(1..=12).contains(&day.month) || !(1..=31).contains(&day.day) {
        return None;
    }
    Some(day.number() * DAY_S + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    fn made(end: (i32, u8, u8), issuer: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        params.not_after = date_time_ymd(end.0, end.1, end.2);
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in issuer {
            params.distinguished_name.push(kind.clone(), *text);
        }
        // Signed by itself: the issuer is the subject.
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_and_the_issuer_are_read() {
        let organization = (DnType::OrganizationName, "Größe & Söhne");
        for (end, issuer, expected) in [
            ((2026, 12, 25), vec![organization.clone(), (DnType::CommonName, "R3")], (1_798_156_800, "R3")),
            ((2049, 12, 31), vec![organization], (2_524_521_600, "Größe & Söhne")),
            ((2050, 1, 1), vec![], (2_524_608_000, "")),
            ((2100, 2, 28), vec![(DnType::CommonName, "x")], (4_107_456_000, "x")),
        ] {
            let Certificate { expires_s, issuer } = parse(&made(end, &issuer)).unwrap();
            assert_eq!((expires_s, issuer.as_str()), expected);
        }
    }

    #[cfg(feature = "itcockpit")]
    #[test]
    fn one_that_signed_itself_is_told_from_one_of_another_authority() {
        let own = made((2030, 1, 1), &[(DnType::CommonName, "x")]);
        let issuer = rcgen::Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.not_before = date_time_ymd(2020, 1, 1);
        let of_other = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec();
        assert_eq!(outline(&of_other).unwrap().begins_s, 1_577_836_800);
        let told = |der| reason(&CertificateError::UnknownIssuer, der);
        assert_eq!(
            (told(&own), told(&of_other)),
            ("is signed by itself and not one that is trusted", "is signed by another authority")
        );
        assert_eq!(reason(&CertificateError::Expired, &own), "has expired");
    }

    #[test]
    fn what_is_no_certificate_is_none_at_every_length_and_with_every_byte() {
        let der = made((2030, 1, 1), &[(DnType::CommonName, "x")]);
        for length in 0..der.len() {
            assert_eq!(parse(&der[..length]), None, "{length}");
        }
        for at in 0..der.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = der.clone();
                damaged[at] = byte;
                // It may still be one; it is no panic.
                let _ = parse(&damaged);
            }
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = |year, month, day| Day { year, month, day }.number();
        assert_eq!(
            [days(1970, 1, 1), days(2000, 2, 29), days(2000, 3, 1), days(2026, 11, 22)],
            [0, 11_016, 11_017, 20_779]
        );
        assert_eq!(
            (time(UTC_TIME, b"491231235959Z"), time(UTC_TIME, b"500101000000Z")),
            (Some(2_524_607_999), Some(-631_152_000))
        );
        assert_eq!((time(UTC_TIME, b"4912312359Z"), time(0x16, b"491231235959Z")), (None, None));
    }
}
