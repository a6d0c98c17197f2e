//! Which targets there can be, and which of them the platform can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::MAX_TARGET_BYTES;
use crate::model::ProbeKind;

/// Why a target cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is empty, too long or has characters that no target has.
    #[error("a target has from 1 to {MAX_TARGET_BYTES} characters, without blanks")]
    Text,
    /// No address of a page.
    #[error("an HTTP target is an address such as https://example.com/health")]
    Url,
    /// No host.
    #[error("a ping's target is a host or an IP address such as 192.0.2.1")]
    Host,
    /// No host with its port.
    #[error("a TCP target is a host and its port, such as example.com:443 or [2001:db8::1]:22")]
    HostAndPort,
    /// The platform has no such questions.
    #[error("the edge sends no pings: only HTTP and TCP are asked from there")]
    NoPings,
    /// The platform refuses the port.
    #[error("the edge cannot reach port 25: the platform blocks it")]
    Port25,
    /// A host that only its own network knows.
    #[error("the edge cannot reach {0}: it is an address of a private network or of the host itself; agents can")]
    Private(String),
    /// The platform's own network.
    #[error("the edge cannot connect to {0}: the platform refuses its own network; use an HTTP target with a name")]
    OwnNetwork(String),
    /// The platform fetches names alone.
    #[error("the edge cannot fetch {0}: the platform refuses addresses of numbers; use a name")]
    Number(String),
}

/// The parts of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// A name or an address, without the brackets of an IPv6 address.
    pub host: &'a str,
    /// The port, that of the scheme where none is said; 0 for pings.
    pub port: u16,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// Of an HTTP target: host and port as they stand there.
    pub authority: &'a str,
    /// Of an HTTP target: what is asked for, from the slash or question mark on, without the part for browsers; may be empty.
    pub path: &'a str,
}

/// A host and a port, or a host.
struct Place<'a> {
    host: &'a str,
    port: Option<u16>,
}

/// Whether agents can be sent to ask a target.
///
/// # Errors
/// [`TargetError`] in words for people.
pub fn check_target(kind: ProbeKind, target: &str) -> Result<(), TargetError> {
    endpoint(kind, target).map(drop)
}

/// Whether the platform can reach a target, as far as its text tells. Names may lead anywhere, and are found out when asked.
///
/// # Errors
/// [`TargetError`] in words for people.
pub fn check_edge_target(kind: ProbeKind, target: &str) -> Result<(), TargetError> {
    if kind == ProbeKind::Icmp {
        return Err(TargetError::NoPings);
    }
    let place = endpoint(kind, target)?;
    if place.port == 25 {
        return Err(TargetError::Port25);
    }
    let shown = || place.host.to_owned();
    let name = place.host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost"
        || [".localhost", ".local", ".internal", ".lan", ".home.arpa"].iter().any(|end| name.ends_with(end))
    {
        return Err(TargetError::Private(shown()));
    }
    match place.host.parse::<IpAddr>() {
        Ok(address) if !is_public(address) => Err(TargetError::Private(shown())),
        Ok(_) if kind == ProbeKind::Http => Err(TargetError::Number(shown())),
        Ok(address) if is_cloudflare(address) => Err(TargetError::OwnNetwork(shown())),
        _ => Ok(()),
    }
}

/// The parts of a target.
///
/// # Errors
/// As [`check_target`].
pub fn endpoint(kind: ProbeKind, target: &str) -> Result<Endpoint<'_>, TargetError> {
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    if target.is_empty() || target.len() > MAX_TARGET_BYTES || !target.chars().all(is_plain) {
        return Err(TargetError::Text);
    }
    match kind {
        ProbeKind::Http => {
            let lower = target.get(..8).unwrap_or(target).to_ascii_lowercase();
            let scheme = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme));
            let rest = scheme.and_then(|scheme| target.get(scheme.len()..)).ok_or(TargetError::Url)?;
            let is_tls = scheme == Some("https://");
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let path = rest.get(authority.len()..).and_then(|rest| rest.split('#').next()).unwrap_or_default();
            // Credentials in an address end up in logs.
            if authority.contains('@') || !rest.is_ascii() {
                return Err(TargetError::Url);
            }
            let place = of_authority(authority).filter(|place| place.port != Some(0)).ok_or(TargetError::Url)?;
            let port = place.port.unwrap_or(if is_tls { 443 } else { 80 });
            Ok(Endpoint { host: place.host, port, is_tls, authority, path })
        }
        ProbeKind::Icmp => {
            let bare = target.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(target);
            let host = is_host(bare).then_some(bare).ok_or(TargetError::Host)?;
            Ok(Endpoint { host, port: 0, is_tls: false, authority: "", path: "" })
        }
        ProbeKind::Tcp => {
            let place = of_authority(target).ok_or(TargetError::HostAndPort)?;
            let port = place.port.filter(|port| *port > 0).ok_or(TargetError::HostAndPort)?;
            Ok(Endpoint { host: place.host, port, is_tls: false, authority: "", path: "" })
        }
    }
}

/// The host and port in `host:port`, `[v6]:port` or `host`.
fn of_authority(authority: &str) -> Option<Place<'_>> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None => match authority.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            Some(_) => return None,
            None => (authority, None),
        },
    };
    let port = match port {
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    is_host(host).then_some(Place { host, port })
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_part)
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    // What ends in a number is an address in a spelling that some read and others do not: 0251.0376.0251.0376, 2852039166.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    host.parse::<IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label) && !is_number)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            // Global unicast alone, without the part for documents.
            None => in_v6(address, "2000::", 3) && !in_v6(address, "2001:db8::", 32),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_benchmark = first == 198 && (second == 18 || second == 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || first == 0
        || first >= 224
        || is_shared
        || is_benchmark)
}

/// The platform's own ranges, to which its sockets do not connect. Source: <https://www.cloudflare.com/ips/>.
const CLOUDFLARE_V4: [(&str, u32); 15] = [
    ("173.245.48.0", 20),
    ("103.21.244.0", 22),
    ("103.22.200.0", 22),
    ("103.31.4.0", 22),
    ("141.101.64.0", 18),
    ("108.162.192.0", 18),
    ("190.93.240.0", 20),
    ("188.114.96.0", 20),
    ("197.234.240.0", 22),
    ("198.41.128.0", 17),
    ("162.158.0.0", 15),
    ("104.16.0.0", 13),
    ("104.24.0.0", 14),
    ("172.64.0.0", 13),
    ("131.0.72.0", 22),
];
const CLOUDFLARE_V6: [(&str, u32); 7] = [
    ("2400:cb00::", 32),
    ("2606:4700::", 32),
    ("2803:f800::", 32),
    ("2405:b500::", 32),
    ("2405:8100::", 32),
    ("2a06:98c0::", 29),
    ("2c0f:f248::", 32),
];

fn is_cloudflare(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => CLOUDFLARE_V4.iter().any(|(net, bits)| {
            let net: u32 = net.parse::<Ipv4Addr>().map_or(0, Ipv4Addr::to_bits);
            (address.to_bits() ^ net) >> (32 - bits) == 0
        }),
        IpAddr::V6(address) => CLOUDFLARE_V6.iter().any(|(net, bits)| in_v6(address, net, *bits)),
    }
}

fn in_v6(address: Ipv6Addr, net: &str, bits: u32) -> bool {
    let net: u128 = net.parse::<Ipv6Addr>().map_or(0, Ipv6Addr::to_bits);
    (address.to_bits() ^ net) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProbeKind::{Http, Icmp, Tcp};

    #[test]
    fn a_target_fits_its_kind() {
        for (kind, target) in [
            (Http, "https://example.com"),
            (Http, "HTTP://example.com:8080/a?b=c#d"),
            (Http, "http://[2001:db8::1]/"),
            (Http, "http://127.0.0.1:8787/api/health"),
            (Icmp, "192.0.2.1"),
            (Icmp, "2001:db8::1"),
            (Icmp, "gateway_1.example."),
            (Tcp, "example.com:443"),
            (Tcp, "[2001:db8::1]:22"),
            (Tcp, "10.0.0.1:65535"),
        ] {
            assert_eq!(check_target(kind, target), Ok(()), "{target}");
        }
        for (kind, target, error) in [
            (Http, "example.com", TargetError::Url),
            (Http, "ftp://example.com", TargetError::Url),
            (Http, "https://", TargetError::Url),
            (Http, "https://user:secret@example.com", TargetError::Url),
            (Http, "https://example.com:x/", TargetError::Url),
            (Icmp, "example.com:80", TargetError::Host),
            (Icmp, "-n; reboot", TargetError::Text),
            (Icmp, "a..b", TargetError::Host),
            (Icmp, "2852039166", TargetError::Host),
            (Http, "http://0251.0376.0251.0376/", TargetError::Url),
            (Tcp, "0xa9.0xfe.0xa9.0xfe:80", TargetError::HostAndPort),
            (Tcp, "example.com", TargetError::HostAndPort),
            (Tcp, "2001:db8::1:22", TargetError::HostAndPort),
            (Tcp, "example.com:0", TargetError::HostAndPort),
            (Tcp, "example.com:+1", TargetError::HostAndPort),
            (Tcp, "example.com:70000", TargetError::HostAndPort),
            (Tcp, "", TargetError::Text),
        ] {
            assert_eq!(check_target(kind, target), Err(error), "{target}");
        }
        assert_eq!(check_target(Icmp, &"a".repeat(513)), Err(TargetError::Text));
    }

    #[test]
    fn a_target_has_its_parts() {
        let of = |kind, target| {
            let Endpoint { host, port, is_tls, authority, path } = endpoint(kind, target).unwrap();
            (host, port, is_tls, authority, path)
        };
        assert_eq!(
            of(Http, "HTTPS://[2001:db8::1]:8443/a?b#c"),
            ("2001:db8::1", 8443, true, "[2001:db8::1]:8443", "/a?b")
        );
        assert_eq!(of(Http, "http://example.com?x"), ("example.com", 80, false, "example.com", "?x"));
        assert_eq!(of(Tcp, "[2001:db8::1]:22"), ("2001:db8::1", 22, false, "", ""));
        assert_eq!(of(Icmp, "[2001:db8::1]"), ("2001:db8::1", 0, false, "", ""));
    }

    #[test]
    fn the_edge_is_not_sent_where_the_platform_does_not_let_it() {
        for (kind, target) in [
            (Http, "https://example.com/x"),
            (Tcp, "example.com:22"),
            (Tcp, "8.8.8.8:53"),
            (Tcp, "[2a00:1450::1]:443"),
            (Tcp, "172.15.0.1:80"),
        ] {
            assert_eq!(check_edge_target(kind, target), Ok(()), "{target}");
        }
        for (kind, target, words) in [
            (Icmp, "8.8.8.8", "no pings"),
            (Tcp, "mail.example.com:25", "port 25"),
            (Tcp, "10.1.2.3:80", "private"),
            (Tcp, "172.31.0.1:80", "private"),
            (Tcp, "100.64.0.1:80", "private"),
            (Tcp, "169.254.169.254:80", "private"),
            (Tcp, "[fd00::1]:80", "private"),
            (Tcp, "[::1]:80", "private"),
            (Tcp, "[::ffff:10.0.0.1]:80", "private"),
            (Tcp, "0.0.0.0:80", "private"),
            (Tcp, "LOCALHOST.:80", "private"),
            (Http, "http://nas.local/", "private"),
            (Http, "http://192.168.1.1/", "private"),
            (Tcp, "104.16.1.1:443", "own network"),
            (Tcp, "[2606:4700::1111]:443", "own network"),
            (Http, "https://8.8.8.8/", "addresses of numbers"),
        ] {
            let error = check_edge_target(kind, target).unwrap_err().to_string();
            assert!(error.contains(words), "{target}: {error}");
        }
    }
}
