//! Whose client opens a socket at `/ws`: neither of two says who it is, so it is told by what it shows.

use edgewatch_core::model::SocketDialect;
use http::{HeaderMap, header};

use super::{credential, query};

/// What the clients of Pulse may hide a token in.
const SUBPROTOCOL: &str = "sec-websocket-protocol";
/// How cookies begin that clients of Nezha bring.
const NEZHA_COOKIES: &str = "nezha-dashboard";

/// In whose words a client is to be told that shows this. Source: routes, row 8.
///
/// A session's cookie without an origin comes from no browser, and such programs show Pulse a token.
pub fn spoken(headers: &HeaderMap, query: Option<&str>) -> SocketDialect {
    if has_cookie(headers, |name| name.starts_with(NEZHA_COOKIES)) {
        return SocketDialect::Nezha;
    }
    let shows = |name: &str| headers.get(name).is_some_and(|value| !value.is_empty());
    let in_query = query::pairs(query);
    if shows("x-api-token")
        || shows(header::AUTHORIZATION.as_str())
        || shows(SUBPROTOCOL)
        || !query::first(&in_query, "token").is_empty()
    {
        return SocketDialect::Pulse;
    }
    if has_cookie(headers, |name| name == credential::SESSION_COOKIE) && !shows(header::ORIGIN.as_str()) {
        return SocketDialect::Nezha;
    }
    SocketDialect::Both
}

/// The name of the host that a request is for, without its port.
pub fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match host.rsplit_once(':') {
        // The last part of an address in brackets is no port.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The subprotocols that a client offers, in its order: the first of them is what it is answered.
pub fn subprotocols(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all(SUBPROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|one| !one.is_empty()).collect()
}

fn has_cookie(headers: &HeaderMap, is_it: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut names = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    names.any(|(name, _)| is_it(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_is_told_by_what_it_shows() {
        use SocketDialect::{Both, Nezha, Pulse};
        for (shown, query, expected) in [
            (&[][..], None, Both),
            (&[("origin", "https://a")], None, Both),
            (&[("cookie", "a=1; nezha-dashboard=x")], None, Nezha),
            (&[("cookie", "nezha-dashboard-vp=x"), ("authorization", "t")], None, Nezha),
            (&[("authorization", "Bearer t")], None, Pulse),
            (&[("x-api-token", "t"), ("cookie", "edgewatch_session=x")], None, Pulse),
            (&[("x-api-token", "")], Some("token="), Both),
            (&[], Some("a=b&token=t"), Pulse),
            (&[("sec-websocket-protocol", "t")], None, Pulse),
            (&[("cookie", "edgewatch_session=x"), ("origin", "https://a")], None, Both),
            (&[("cookie", "edgewatch_session=x")], None, Nezha),
            (&[("cookie", "x-nezha-dashboard=x")], None, Both),
        ] {
            assert_eq!(spoken(&headers(shown), query), expected, "{shown:?} {query:?}");
        }
    }

    #[test]
    fn a_host_is_called_by_its_name_without_a_port() {
        for (sent, name) in
            [("a.example:8787", "a.example"), ("a.example", "a.example"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(host(&headers(&[("host", sent)])), name);
        }
        assert_eq!(host(&headers(&[])), "");
    }

    #[test]
    fn subprotocols_are_a_list() {
        assert_eq!(subprotocols(&headers(&[("sec-websocket-protocol", "pulse , abc,")])), ["pulse", "abc"]);
    }
}
