//! A search for servers, in networks that the administrator of this machine names and in no other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{Found, FoundServer, InstanceKind};

use super::permits::gather;
use super::ways::port_of;

/// A larger network takes longer than anybody waits.
const MOST_HOSTS: u32 = 1_024;
/// In a network of one's own an answer takes milliseconds.
const PATIENCE: Duration = Duration::from_millis(700);
/// So many are asked at a time: connections that mostly come to nothing.
const WIDTH: usize = 64;

/// A network of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: u32,
    prefix: u32,
}

impl Network {
    /// `192.0.2.0/24`; an address alone is a network of one.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network; 192.0.2.0/24 is one");
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.trim().parse().map_err(|_| wrong())?;
        let prefix = prefix.trim().parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(wrong)?;
        let size = 1_u64 << (32 - prefix);
        if size > MOST_HOSTS.into() {
            return Err(format!("the network {text} is too large; at most {MOST_HOSTS} addresses are searched"));
        }
        let mask = u32::try_from(size - 1).unwrap_or(0);
        Ok(Self { first: u32::from(address) & !mask, prefix })
    }

    /// The addresses that hosts may have.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        let size = 1_u32 << (32 - self.prefix);
        // The network's own address and the one for all are none, where there is room for them.
        let edges = u32::from(self.prefix < 31);
        (edges..size - edges).map(move |offset| Ipv4Addr::from(self.first + offset))
    }
}

/// Looks for servers in all networks, or in the one of them that is asked for.
pub fn search(networks: &[Network], subnet: &str) -> Found {
    let mut found = Found::default();
    let asked: Vec<Network> = match subnet {
        "" | "auto" => networks.to_vec(),
        text => match Network::parse(text) {
            Ok(network) => networks.iter().copied().filter(|known| *known == network).collect(),
            Err(error) => {
                found.errors.push(error);
                return found;
            }
        },
    };
    if asked.is_empty() {
        found
            .errors
            .push("this agent may search no such network: `[discover]` in its own file names those it may".to_owned());
    }
    found.servers = listening(&asked, &[InstanceKind::Pve, InstanceKind::Pbs].map(|kind| (kind, port_of(kind))));
    found
}

/// What listens at these ports.
fn listening(networks: &[Network], ports: &[(InstanceKind, u16)]) -> Vec<FoundServer> {
    let hosts = networks.iter().flat_map(|network| network.hosts());
    let places: Vec<(Ipv4Addr, InstanceKind, u16)> =
        hosts.flat_map(|host| ports.iter().map(move |(kind, port)| (host, *kind, *port))).collect();
    let open = gather(&places, WIDTH, |(host, _, port)| {
        TcpStream::connect_timeout(&SocketAddr::new(IpAddr::V4(*host), *port), PATIENCE).is_ok()
    });
    let found = places.into_iter().zip(open).filter(|(_, is_open)| *is_open);
    let server = |((host, kind, port), _): ((Ipv4Addr, InstanceKind, u16), bool)| FoundServer {
        ip: host.to_string(),
        port: port.into(),
        kind,
        ..FoundServer::default()
    };
    found.map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_hosts_and_no_more() {
        let hosts = |text: &str| Network::parse(text).unwrap().hosts().map(|host| host.to_string()).collect::<Vec<_>>();
        assert_eq!(hosts("192.0.2.9/30"), ["192.0.2.9", "192.0.2.10"]);
        assert_eq!(hosts("192.0.2.9"), ["192.0.2.9"]);
        assert_eq!(hosts("192.0.2.9/31").len(), 2);
        assert_eq!(hosts("192.0.2.0/24").len(), 254);
        assert_eq!(Network::parse("192.0.2.9/30"), Network::parse("192.0.2.8/30"));
        for wrong in ["", "192.0.2", "192.0.2.0/33", "x/24", "10.0.0.0/8", "2001:db8::/64"] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = listening(&[Network::parse("127.0.0.0/30").unwrap()], &[(InstanceKind::Pbs, port)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].ip.as_str(), found[0].port, found[0].kind), ("127.0.0.1", port.into(), InstanceKind::Pbs));
    }

    #[test]
    fn nothing_is_searched_that_the_file_does_not_name() {
        let known = [Network::parse("192.0.2.0/30").unwrap()];
        let found = search(&known, "198.51.100.0/30");
        assert!(found.servers.is_empty() && found.errors[0].contains("may search no such network"));
        assert!(search(&[], "").errors[0].contains("[discover]"));
    }
}
