//! Addresses of instances: as people write them, and as they are kept. Source: pulse specification, 9.2.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dialects::pulse::read::bad;
use crate::failure::Failure;
use crate::model::proxmox::InstanceKind;

/// The longest name of a host. Source: RFC 1035, 2.3.4.
const MAX_NAME_BYTES: usize = 253;

/// An address with a scheme and a port and without a slash at its end.
///
/// # Errors
/// [`Failure::Malformed`] for none, and for what cannot be one.
pub fn normalized(host: &str, kind: InstanceKind) -> Result<String, Failure> {
    let text = host.trim();
    if text.is_empty() {
        return Err(bad("Host is required"));
    }
    let (scheme, rest) = match text.split_once("://") {
        None => ("https", text),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
        Some(_) => return Err(bad("Invalid host format")),
    };
    let (name, port) = split(rest.trim_end_matches('/'))?;
    let port = match port {
        None => kind.usual_port(),
        Some(port) => number(port).ok_or_else(|| bad("Invalid port number"))?,
    };
    Ok(format!("{scheme}://{name}:{port}"))
}

/// A name or an address, one of the newer kind in brackets, and what is said of a port.
fn split(text: &str) -> Result<(String, Option<&str>), Failure> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| bad("Invalid host format"))?;
        let address = address.parse::<Ipv6Addr>().map_err(|_| bad("Invalid IP address"))?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((format!("[{address}]"), Some(port))),
            None if rest.is_empty() => Ok((format!("[{address}]"), None)),
            None => Err(bad("Invalid host format")),
        };
    }
    if text.matches(':').count() > 1 {
        let address = text.parse::<Ipv6Addr>().map_err(|_| bad("Invalid IP address"))?;
        return Ok((format!("[{address}]"), None));
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.bytes().all(is_fine)
        && !name.starts_with(['-', '.'])
        && !name.contains("..");
    if !is_name {
        return Err(bad("Invalid host format"));
    }
    // A name whose last part is a number is an address, or a wrong one.
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) && name.parse::<Ipv4Addr>().is_err() {
        return Err(bad("Invalid IP address"));
    }
    Ok((name.to_owned(), port))
}

fn number(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// What an address names: without scheme, port and brackets.
pub fn host_part(normalized: &str) -> String {
    let rest = normalized.split_once("://").map_or(normalized, |(_, rest)| rest);
    let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
    name.trim_start_matches('[').trim_end_matches(']').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_what_it_lacks() {
        let (pve, pbs) = (InstanceKind::Pve, InstanceKind::Pbs);
        for (said, kind, kept, name) in [
            ("192.0.2.10", pve, "https://192.0.2.10:8006", "192.0.2.10"),
            ("192.0.2.10", pbs, "https://192.0.2.10:8007", "192.0.2.10"),
            ("192.0.2.10:443", pve, "https://192.0.2.10:443", "192.0.2.10"),
            ("https://192.0.2.10:8006/", pve, "https://192.0.2.10:8006", "192.0.2.10"),
            ("https://pve1.example.com/", pve, "https://pve1.example.com:8006", "pve1.example.com"),
            ("http://pve1", pve, "http://pve1:8006", "pve1"),
            ("HTTPS://pve_1:1", pbs, "https://pve_1:1", "pve_1"),
            (" pve1 ", pve, "https://pve1:8006", "pve1"),
            ("[2001:db8::1]", pve, "https://[2001:db8::1]:8006", "2001:db8::1"),
            ("https://[2001:db8::1]:443/", pve, "https://[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", pbs, "https://[2001:db8::1]:8007", "2001:db8::1"),
        ] {
            assert_eq!(normalized(said, kind).as_deref(), Ok(kept), "{said}");
            assert_eq!(normalized(kept, kind).as_deref(), Ok(kept));
            assert_eq!(host_part(kept), name);
        }
    }

    #[test]
    fn what_can_be_no_address_is_refused_in_the_right_words() {
        for (said, words) in [
            ("", "Host is required"),
            ("  ", "Host is required"),
            ("ftp://pve1", "Invalid host format"),
            ("pve 1", "Invalid host format"),
            ("https://", "Invalid host format"),
            ("https://a@b", "Invalid host format"),
            ("https://pve1/path", "Invalid host format"),
            ("https://pve1:8006/path", "Invalid port number"),
            ("$(id)", "Invalid host format"),
            ("a..b", "Invalid host format"),
            ("[2001:db8::1", "Invalid host format"),
            ("[2001:db8::1]x", "Invalid host format"),
            ("192.0.2.300", "Invalid IP address"),
            ("1.2.3", "Invalid IP address"),
            ("[2001:db8::g]", "Invalid IP address"),
            ("a:b:c", "Invalid IP address"),
            ("pve1:0", "Invalid port number"),
            ("pve1:65536", "Invalid port number"),
            ("pve1:", "Invalid port number"),
            ("pve1:+1", "Invalid port number"),
            ("pve1:80;id", "Invalid port number"),
        ] {
            assert_eq!(normalized(said, InstanceKind::Pve), Err(bad(words)), "{said}");
        }
    }
}
