//! What an access proxy says about who is there: a JSON web token, signed with RS256. Source: RFC 7515 and 7519, and the proxy's
//! own page on validating them (Cloudflare One, "Validate JWTs").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::webcrypto;

/// More is no assertion: 8 kB of headers are all that most servers take.
const MAX_BYTES: usize = 16_384;
/// How far the proxy's clock may be from ours, seconds.
const SKEW_S: i64 = 60;
/// The shortest modulus that is taken: 2048 bits in base64.
const MIN_MODULUS_CHARS: usize = 341;

/// A key of the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Key {
    /// Its name.
    pub kid: String,
    kty: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// What an assertion must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// For which application.
    pub audience: &'a str,
    /// When it must be good.
    pub now: UnixSeconds,
}

/// Somebody whom the proxy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their e-mail address, as the proxy spells it.
    pub email: String,
    /// Until when the assertion is good.
    pub expires_at: UnixSeconds,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// The keys of a key set that can sign assertions; others are left out.
///
/// # Errors
/// What is wrong with it.
pub fn read_keys(json: &str) -> Result<Vec<Key>, String> {
    let set: KeySet = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Key>(key).ok());
    let is_ours = |key: &Key| key.kty == "RSA" && key.alg.as_deref().is_none_or(|alg| alg == "RS256");
    Ok(keys.filter(|key| is_ours(key) && key.n.len() >= MIN_MODULUS_CHARS).collect())
}

/// The name of the key that an assertion says it was signed with; `None` for what is no assertion of the one kind there is.
pub fn key_id(assertion: &str) -> Option<String> {
    let (header, _, _) = parts(assertion)?;
    let header: Header = json(header)?;
    (header.alg == "RS256" && header.crit.is_none()).then_some(header.kid)
}

/// The person in an assertion; `None` when it is not signed by one of these keys, or says another thing than expected.
///
/// # Errors
/// [`Failure::Internal`] when a key cannot be used.
pub async fn verify(assertion: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Option<Person>, Failure> {
    let named = key_id(assertion).and_then(|kid| keys.iter().find(|key| key.kid == kid));
    let (Some(key), Some((header, claims, signature))) = (named, parts(assertion)) else {
        return Ok(None);
    };
    let signed = assertion.get(..header.len() + 1 + claims.len()).unwrap_or_default();
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
        return Ok(None);
    };
    if !webcrypto::is_signed_rs256(&key.n, &key.e, signed.as_bytes(), &signature).await? {
        return Ok(None);
    }
    Ok(json::<Claims>(claims).and_then(|claims| person(claims, expected)))
}

fn person(claims: Claims, expected: &Expected<'_>) -> Option<Person> {
    let now = expected.now.0;
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == expected.audience,
        Audience::Many(many) => many.iter().any(|one| one == expected.audience),
    };
    let began = |at: Option<i64>| at.is_none_or(|at| at <= now.saturating_add(SKEW_S));
    let is_good = claims.iss == expected.issuer
        && is_for_us
        && now < claims.exp
        && began(claims.nbf)
        && began(claims.iat)
        // Of an application, not of the whole organization. Programs have no address and are known by tokens of ours.
        && claims.r#type.as_deref().is_none_or(|kind| kind == "app");
    let email = claims.email.filter(|email| is_good && !email.is_empty())?;
    Some(Person { email, expires_at: UnixSeconds(claims.exp) })
}

fn parts(assertion: &str) -> Option<(&str, &str, &str)> {
    let mut parts = assertion.split('.');
    let found = (parts.next()?, parts.next()?, parts.next()?);
    (assertion.len() <= MAX_BYTES && parts.next().is_none()).then_some(found)
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use ring::rand::SystemRandom;
    use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
    use serde_json::{Value, json as value};

    use super::*;
    use crate::store::db::now;

    const NOW: i64 = 1_795_361_190;
    const EXPECTED: Expected<'static> =
        Expected { issuer: "https://team.example.com", audience: "aud-1", now: UnixSeconds(NOW) };

    fn pair() -> RsaKeyPair {
        let text: String = include_str!("../../../tests/harness/access_proxy_key.txt").split_whitespace().collect();
        RsaKeyPair::from_der(&STANDARD.decode(text).unwrap()).unwrap()
    }

    fn keys() -> Vec<Key> {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair().public_key());
        let key = value!({ "kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e) });
        let others = value!({ "keys": [{ "kty": "EC", "kid": "k2" }, { "nonsense": 1 }, key], "public_certs": [] });
        read_keys(&others.to_string()).unwrap()
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; 256];
        pair().sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header() -> Value {
        value!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })
    }

    fn claims() -> Value {
        value!({ "iss": "https://team.example.com", "aud": ["aud-0", "aud-1"], "exp": NOW + 60, "iat": NOW - 5,
            "nbf": NOW - 5, "type": "app", "email": "Ada@example.com", "sub": "x" })
    }

    fn with(key: &str, changed: Value) -> Value {
        let mut claims = claims();
        claims[key] = changed;
        claims
    }

    fn found(assertion: &str) -> Option<Person> {
        now(verify(assertion, &keys(), &EXPECTED)).unwrap()
    }

    #[test]
    fn an_assertion_names_the_person() {
        let person = Person { email: "Ada@example.com".to_owned(), expires_at: UnixSeconds(NOW + 60) };
        assert_eq!(found(&signed(&header(), &claims())), Some(person.clone()));
        assert_eq!(found(&signed(&header(), &with("aud", value!("aud-1")))), Some(person));
    }

    #[test]
    fn one_that_says_another_thing_names_nobody() {
        for (key, changed) in [
            ("iss", value!("https://other.example.com")),
            ("iss", value!("https://team.example.com/")),
            ("aud", value!("aud-2")),
            ("aud", value!([])),
            ("exp", value!(NOW)),
            ("exp", value!("soon")),
            ("exp", Value::Null),
            ("nbf", value!(NOW + 61)),
            ("iat", value!(NOW + 61)),
            ("type", value!("org")),
            ("email", value!("")),
            ("email", Value::Null),
        ] {
            assert_eq!(found(&signed(&header(), &with(key, changed.clone()))), None, "{key}: {changed}");
        }
    }

    #[test]
    fn what_is_not_signed_by_the_proxy_names_nobody() {
        let good = signed(&header(), &claims());
        let (head, rest) = good.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let other_body = part(&with("email", value!("mallory@example.com")));
        let none = part(&value!({ "alg": "none", "kid": "k1" }));
        for forged in [
            format!("{head}.{other_body}.{signature}"),
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{head}.{body}."),
            format!("{head}.{body}.{signature}.x"),
            format!("{head}.{body}.!"),
            format!("{head}.{body}"),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(found(&forged), None, "{forged}");
        }
        for (key, changed) in [("alg", value!("HS256")), ("kid", value!("k9")), ("crit", value!(["b64"]))] {
            let mut header = header();
            header[key] = changed;
            assert_eq!(found(&signed(&header, &claims())), None, "{header}");
        }
    }

    #[test]
    fn a_weak_or_foreign_key_is_left_out() {
        assert_eq!(keys().len(), 1);
        let weak = value!({ "keys": [{ "kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQAB" }] }).to_string();
        assert_eq!(read_keys(&weak), Ok(vec![]));
        assert!(read_keys("<html>").is_err() && read_keys("{}").is_err());
    }
}
