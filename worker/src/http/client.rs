//! Where a request comes from.

use edgewatch_core::model::Addresses;
use http::HeaderMap;
use std::net::IpAddr;

/// Set by Cloudflare's edge, which takes away what a client put there.
const CLOUDFLARE_ADDRESS: &str = "cf-connecting-ip";

/// The caller's address: the platform's own, or the header that the deployment trusts. `None` when neither says one.
pub fn address(headers: &HeaderMap, trusted_header: Option<&str>) -> Option<IpAddr> {
    let name = trusted_header.unwrap_or(CLOUDFLARE_ADDRESS);
    let value = headers.get(name)?.to_str().ok()?;
    // A list grows to the right: the last entry was written by the proxy that is trusted.
    value.rsplit(',').next()?.trim().parse().ok()
}

/// The address by its family.
pub fn addresses(address: Option<IpAddr>) -> Addresses {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(v4)) => Addresses { v4: v4.to_string(), v6: String::new() },
        Some(IpAddr::V6(v6)) => Addresses { v4: String::new(), v6: v6.to_string() },
        None => Addresses::default(),
    }
}

/// The caller's country as two lower-case letters, where the platform knows it.
pub fn country_code(country: Option<String>) -> Option<String> {
    country.map(|code| code.to_ascii_lowercase()).filter(|code| code.len() == 2 && code != "xx" && code != "t1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn only_the_trusted_header_tells_the_address() {
        let forged = headers("x-forwarded-for", "203.0.113.9");
        assert_eq!(address(&forged, None), None);
        let edge = headers("cf-connecting-ip", "203.0.113.9");
        assert_eq!(address(&edge, None), "203.0.113.9".parse().ok());
        assert_eq!(address(&edge, Some("x-real-ip")), None);
        let chain = headers("x-forwarded-for", "1.1.1.1, 203.0.113.9");
        assert_eq!(address(&chain, Some("x-forwarded-for")), "203.0.113.9".parse().ok());
        assert_eq!(address(&headers("cf-connecting-ip", "no address"), None), None);
    }

    #[test]
    fn an_address_lands_in_its_family() {
        let of = |text: &str| addresses(text.parse().ok());
        assert_eq!(of("203.0.113.9").v4, "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9").v4, "203.0.113.9");
        assert_eq!(of("2001:db8::7").v6, "2001:db8::7");
    }
}
