//! The keys of the access proxy: fetched from it, and remembered by the isolate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;
use worker::{AbortController, Delay, Fetch, Method, Request, RequestInit, RequestRedirect};

use super::jwt::{self, Key};
use super::{log, outbound};

/// Where a team's domain has its keys. Source: Cloudflare One, "Validate JWTs".
const PATH: &str = "/cdn-cgi/access/certs";
/// The keys are asked for again after so long, seconds; the proxy takes new ones every six weeks and keeps the old for one.
const FRESH_S: i64 = 6 * 3_600;
/// When the proxy does not answer, what it said last counts for so long.
const USABLE_S: i64 = 86_400;
/// A key that nobody knows is asked for this often at most, whatever strangers send.
const AGAIN_S: i64 = 60;
const TIMEOUT_MS: u64 = 5_000;

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// What was fetched last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    issuer: String,
    keys: Vec<Key>,
    /// When they came.
    fetched: UnixSeconds,
    /// When they were last asked for.
    tried: UnixSeconds,
}

/// The keys of this issuer, among which the key of this name is looked for.
///
/// # Errors
/// [`Failure::Unavailable`] when the proxy does not answer and nothing usable is known.
pub async fn keys(issuer: &str, kid: &str, now: UnixSeconds) -> Result<Vec<Key>, Failure> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|known| known.issuer == issuer);
    if let Some(known) = &known
        && !is_due(known, kid, now)
    {
        return Ok(known.keys.clone());
    }
    let fetched = fetch(issuer).await;
    let newest = match (&fetched, known) {
        (Ok(keys), _) => Known { issuer: issuer.to_owned(), keys: keys.clone(), fetched: now, tried: now },
        (Err(_), Some(known)) => Known { tried: now, ..known },
        (Err(_), None) => Known { issuer: issuer.to_owned(), keys: Vec::new(), fetched: UnixSeconds(0), tried: now },
    };
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.clone());
    match fetched {
        Ok(keys) => Ok(keys),
        Err(detail) => {
            log::error("access.keys", &detail);
            let is_usable = now.since(newest.fetched) < USABLE_S;
            if is_usable { Ok(newest.keys) } else { Err(Failure::Unavailable { detail }) }
        }
    }
}

fn is_due(known: &Known, kid: &str, now: UnixSeconds) -> bool {
    let wanted = !known.keys.iter().any(|key| key.kid == kid) || now.since(known.fetched) >= FRESH_S;
    wanted && now.since(known.tried) >= AGAIN_S
}

async fn fetch(issuer: &str) -> Result<Vec<Key>, String> {
    let words = |error: worker::Error| error.to_string();
    let mut init = RequestInit::new();
    // Only the configured address is believed.
    init.with_method(Method::Get).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(&format!("{issuer}{PATH}"), &init).map_err(words)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let asking = async {
        let mut response = Fetch::Request(request).send_with_signal(&signal).await.map_err(words)?;
        match response.status_code() {
            200 => response.text().await.map_err(words),
            status => Err(format!("the access proxy answered with status {status}")),
        }
    };
    let answer = outbound::first_of(asking, Delay::from(Duration::from_millis(TIMEOUT_MS))).await;
    controller.abort();
    let text = answer.unwrap_or_else(|| Err("the access proxy does not answer".to_owned()))?;
    jwt::read_keys(&text).map_err(|error| format!("the access proxy's keys cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn known(fetched_ago_s: i64, tried_ago_s: i64) -> Known {
        let modulus = "A".repeat(342);
        let json = format!(r#"{{"keys":[{{"kid":"k1","kty":"RSA","n":"{modulus}","e":"AQAB"}}]}}"#);
        Known {
            issuer: "https://team.example.com".to_owned(),
            keys: jwt::read_keys(&json).unwrap(),
            fetched: NOW.plus(-fetched_ago_s),
            tried: NOW.plus(-tried_ago_s),
        }
    }

    #[test]
    fn a_known_key_is_asked_for_when_it_is_old_and_an_unknown_one_once_a_minute() {
        assert!(!is_due(&known(21_599, 21_599), "k1", NOW));
        assert!(is_due(&known(21_600, 21_600), "k1", NOW));
        assert!(!is_due(&known(21_600, 59), "k1", NOW), "the proxy did not answer a moment ago");
        assert!(!is_due(&known(59, 59), "forged", NOW));
        assert!(is_due(&known(60, 60), "forged", NOW));
    }
}
