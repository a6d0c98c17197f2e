//! Where a notification may go: what is refused so that a channel is no way into somebody's network.

use std::net::IpAddr;

use crate::failure::Failure;

/// The longest address, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Whether `url` may be an address to send to.
///
/// # Errors
/// [`Failure::Invalid`] with what is wrong: no http or https, no host, user information, white space, or too long.
pub fn check_url(url: &str) -> Result<(), Failure> {
    let invalid = |reason: &str| Err(Failure::Invalid { field: "url".to_owned(), reason: reason.to_owned() });
    if url.len() > MAX_URL_BYTES {
        return invalid("longer than 2,048 bytes");
    }
    if url.chars().any(|one| one.is_whitespace() || one.is_control()) {
        return invalid("holds white space or control characters");
    }
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return invalid("begins with neither https:// nor http://");
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_empty() {
        return invalid("names no host");
    }
    if authority.contains('@') {
        return invalid("carries user information; put a secret into the path or a header instead");
    }
    Ok(())
}

/// Whether a notification may go to `host`, as a URL parser has it: an IPv4 address in its usual form, IPv6 in brackets.
///
/// # Errors
/// [`Failure::Invalid`] for link-local addresses (a cloud's metadata service), and for addresses of nobody or of many. Private
/// addresses are allowed: a deployment at home may well tell a neighbour, and Cloudflare's network reaches none of them.
pub fn check_host(host: &str) -> Result<(), Failure> {
    let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return Ok(()) };
    let refused = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    if refused {
        let reason = "leads to a link-local address, or to nobody's or many's".to_owned();
        return Err(Failure::Invalid { field: "url".to_owned(), reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_lead_astray_are_refused() {
        for url in ["", "ftp://x", "https://", "https:///x", "https://a@b/", "https://a b/", "//x"] {
            assert!(check_url(url).is_err(), "{url}");
        }
        for url in ["https://example.com/hook?x=1", "HTTP://127.0.0.1:8080/"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn hosts_that_nobody_should_be_told_at_are_refused() {
        for host in
            ["169.254.169.254", "[fe80::1]", "[::ffff:a9fe:a9fe]", "0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255"]
        {
            assert!(check_host(host).is_err(), "{host}");
        }
        for host in ["example.com", "127.0.0.1", "10.0.0.1", "[2001:db8::7]", ""] {
            assert!(check_host(host).is_ok(), "{host}");
        }
    }
}
