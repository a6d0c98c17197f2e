//! The one parser for credentials. `Authorization` means different things to different owners of a path.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

/// Our session cookie.
pub const SESSION_COOKIE: &str = "edgewatch_session";
/// The name that Nezha's tools paste a session under.
const NEZHA_COOKIE: &str = "nezha-dashboard";
/// Both.
pub const SESSION_COOKIES: [&str; 2] = [SESSION_COOKIE, NEZHA_COOKIE];
/// The cookie of guests who showed the view password. Source: nezha specification, 2.3.
pub const VIEW_COOKIE: &str = "nezha-dashboard-vp";

/// The header of Mackerel's keys.
const API_KEY: &str = "x-api-key";
/// The header of Pulse's tokens.
const PULSE_TOKEN: &str = "x-api-token";
/// The header of tokens by which Proxmox nodes register themselves.
const REGISTRATION_TOKEN: &str = "x-registration-token";

/// How a path's owner reads `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer <secret>`: agents.
    Bearer,
    /// The bare token, `Bearer <token>` too: Nezha (specification, 2.1) and our own API.
    BareOrBearer,
    /// Not at all: `X-Api-Key` alone counts. Source: mackerel specification, T8.
    ApiKey,
}

/// The token that a request shows.
pub fn token(headers: &HeaderMap, scheme: Scheme) -> Option<&str> {
    if scheme == Scheme::ApiKey {
        let key = headers.get(API_KEY)?.to_str().ok()?.trim();
        return (!key.is_empty()).then_some(key);
    }
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let bearer = value.split_once(' ').filter(|(word, _)| word.eq_ignore_ascii_case("bearer"));
    match (bearer, scheme) {
        (Some((_, token)), _) => Some(token.trim()),
        (None, Scheme::BareOrBearer) if !value.is_empty() && !value.contains(' ') => Some(value),
        (None, Scheme::Bearer | Scheme::BareOrBearer | Scheme::ApiKey) => None,
    }
}

/// The key that an agent of openITCOCKPIT shows: behind `X-OITC-API` in `Authorization`, or in a cookie of that name, which counts
/// where both are there. Source: openitcockpit specification, 1.2 and 3.1.
pub fn itcockpit_key(headers: &HeaderMap) -> Option<String> {
    const PREFIX: &str = "X-OITC-API";
    let of = |text: &str| {
        let (word, key) = text.trim().split_once(' ')?;
        let key = key.trim();
        (word.eq_ignore_ascii_case(PREFIX) && !key.is_empty()).then(|| key.to_owned())
    };
    let decoded = |text: &str| -> String {
        form_urlencoded::parse(format!("k={text}").as_bytes())
            .map(|(_, value)| value.into_owned())
            .next()
            .unwrap_or_default()
    };
    let cookie = cookies(headers, "Authorization").into_iter().find_map(|text| of(&decoded(text)));
    cookie.or_else(|| of(headers.get(AUTHORIZATION)?.to_str().ok()?))
}

/// The tokens that a program for Pulse shows, in the order in which they count: `X-API-Token`, then `Authorization`, with or without the
/// word before it. Source: pulse specification, 3.1.
pub fn pulse_tokens(headers: &HeaderMap) -> Vec<&str> {
    let own = headers.get_all(PULSE_TOKEN).into_iter().filter_map(|value| value.to_str().ok()).map(str::trim);
    own.chain(token(headers, Scheme::BareOrBearer)).filter(|text| !text.is_empty()).take(3).collect()
}

/// The token by which a Proxmox node registers itself.
pub fn registration_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(REGISTRATION_TOKEN)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// The values of the session cookies that a request carries, ours first.
pub fn session_cookies(headers: &HeaderMap) -> Vec<&str> {
    SESSION_COOKIES.iter().flat_map(|name| cookies(headers, name)).collect()
}

/// What the access proxy says about who is there. Source: Cloudflare One, "Validate JWTs".
pub fn proxy_assertion(headers: &HeaderMap) -> Option<&str> {
    headers.get("cf-access-jwt-assertion")?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// The values of the cookie that a guest gets for the view password.
pub fn view_cookies(headers: &HeaderMap) -> Vec<&str> {
    cookies(headers, VIEW_COOKIE)
}

fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
}

/// Whether a browser says that another site made it send this request. Only requests that rest on a cookie and change
/// something need to ask.
pub fn is_cross_site(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if matches!(text("sec-fetch-site"), Some("cross-site" | "same-site")) {
        return true;
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    let of_host = |scheme: &str| text("host").is_some_and(|host| origin == format!("{scheme}://{host}"));
    let ours = public_url.is_some_and(|url| url == origin) || of_host("https") || of_host("http");
    !ours
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_bare_token_is_nezhas_alone() {
        let bare = headers(&[("authorization", "abc")]);
        assert_eq!(token(&bare, Scheme::BareOrBearer), Some("abc"));
        assert_eq!(token(&bare, Scheme::Bearer), None);
        let bearer = headers(&[("authorization", "bearer abc")]);
        assert_eq!(token(&bearer, Scheme::BareOrBearer), Some("abc"));
        assert_eq!(token(&bearer, Scheme::Bearer), Some("abc"));
        assert_eq!(token(&headers(&[("authorization", "Token abc")]), Scheme::BareOrBearer), None);
        assert_eq!(token(&headers(&[]), Scheme::Bearer), None);
    }

    #[test]
    fn mackerels_key_is_in_its_own_header_and_basic_is_nothing_to_it() {
        let key = headers(&[("authorization", "Basic dTpw"), ("x-api-key", " abc ")]);
        assert_eq!((token(&key, Scheme::ApiKey), token(&key, Scheme::BareOrBearer)), (Some("abc"), None));
        assert_eq!(token(&headers(&[("authorization", "abc"), ("x-api-key", "")]), Scheme::ApiKey), None);
    }

    #[test]
    fn pulses_tokens_stand_in_their_own_header_or_in_the_ordinary_one() {
        let both = headers(&[("authorization", "Bearer b"), ("x-api-token", " a ")]);
        assert_eq!(pulse_tokens(&both), ["a", "b"]);
        assert_eq!(pulse_tokens(&headers(&[("authorization", "b")])), ["b"]);
        assert_eq!(pulse_tokens(&headers(&[("authorization", "Basic dTpw"), ("x-api-token", "")])), [""; 0]);
        assert_eq!(registration_token(&headers(&[("x-registration-token", "PULSE-REG-1 ")])), Some("PULSE-REG-1"));
        assert_eq!(registration_token(&both), None);
    }

    #[test]
    fn the_key_of_openitcockpits_agents_stands_behind_its_word_or_in_a_cookie() {
        let key = |pairs: &[(&'static str, &'static str)]| itcockpit_key(&headers(pairs));
        assert_eq!(key(&[("authorization", "X-OITC-API abc")]).as_deref(), Some("abc"));
        for none in ["X-OITC-API", "X-OITC-API ", "Bearer abc", "abc", ""] {
            assert_eq!(key(&[("authorization", none)]), None, "{none:?}");
        }
        let both = [("authorization", "X-OITC-API abc"), ("cookie", "Authorization=X-OITC-API%20def; a=1")];
        assert_eq!(key(&both).as_deref(), Some("def"));
        assert_eq!(key(&[("cookie", "Authorization=X-OITC-API def")]).as_deref(), Some("def"));
    }

    #[test]
    fn both_cookie_names_are_found_and_their_look_alikes_are_not() {
        let jar = headers(&[(
            "cookie",
            "a=1; nezha-dashboard=n; nezha-dashboard-vp=v; edgewatch_session=e; edgewatch_session=f",
        )]);
        assert_eq!(session_cookies(&jar), ["e", "f", "n"]);
        assert_eq!(view_cookies(&jar), ["v"]);
    }

    #[test]
    fn another_sites_request_is_told_by_origin_or_fetch_site() {
        let ours = Some("https://watch.example.com");
        let cross = |pairs| is_cross_site(&headers(pairs), ours);
        assert!(!cross(&[]));
        assert!(!cross(&[("origin", "https://watch.example.com")]));
        assert!(!cross(&[("origin", "http://127.0.0.1:8787"), ("host", "127.0.0.1:8787")]));
        assert!(cross(&[("origin", "https://evil.example"), ("host", "watch.example.com")]));
        assert!(cross(&[("origin", "null")]));
        assert!(cross(&[("sec-fetch-site", "same-site"), ("origin", "https://watch.example.com")]));
    }
}
