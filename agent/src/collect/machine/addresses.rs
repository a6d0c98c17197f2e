//! The network's interfaces with their addresses: the kernel is asked over a netlink socket, for no file has them all. Source: the kernel's
//! rtnetlink(7), netlink(7), `linux/if_addr.h`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use edgewatch_core::model::Interface;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto, socket_with};

const INTERFACES: &str = "/sys/class/net";
/// The kernel answers at once; nobody waits longer for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel's answers come in pieces no larger than that.
const PIECE_BYTES: usize = 32 * 1024;
/// No machine has so many addresses that more pieces come.
const MOST_PIECES: usize = 256;

const HEADER_BYTES: usize = 16;
const ADDRESS_HEADER_BYTES: usize = 8;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// A request, for all there are.
const REQUEST_DUMP: u16 = 0x301;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// An address and the number of its interface.
type Found = Vec<(u32, IpAddr)>;

/// The interfaces that have addresses: neither the loopback nor one end of a container's pair, which come and go.
///
/// # Errors
/// When the kernel may not be asked, or does not answer.
pub fn interfaces() -> Result<Vec<Interface>, Errno> {
    let addresses = dump()?;
    let mut by_number: BTreeMap<u32, Interface> = BTreeMap::new();
    for entry in fs::read_dir(INTERFACES).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let text = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default().trim().to_owned();
        if let (true, Ok(number)) = (is_told(&name), text("ifindex").parse()) {
            by_number.insert(number, Interface { mac: text("address"), name, ..Interface::default() });
        }
    }
    Ok(with_addresses(by_number, &addresses))
}

fn is_told(name: &str) -> bool {
    name != "lo" && !name.starts_with("veth")
}

fn with_addresses(mut interfaces: BTreeMap<u32, Interface>, addresses: &Found) -> Vec<Interface> {
    for (number, address) in addresses {
        let Some(interface) = interfaces.get_mut(number) else { continue };
        match address {
            IpAddr::V4(address) => interface.v4.push(*address),
            IpAddr::V6(address) => interface.v6.push(*address),
        }
    }
    let has_address =
        |one: &Interface| one.v4.iter().any(|one| !one.is_loopback()) || one.v6.iter().any(|one| !one.is_loopback());
    interfaces.into_values().filter(has_address).collect()
}

/// All addresses of the machine.
fn dump() -> Result<Found, Errno> {
    // No protocol: the first one of netlink is the routing table's.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let mut request = [0; HEADER_BYTES + ADDRESS_HEADER_BYTES];
    let length = u32::try_from(request.len()).unwrap_or_default();
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&RTM_GETADDR.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    sendto(&socket, &request, SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))?;
    let (mut piece, mut found) = (vec![0; PIECE_BYTES], Found::new());
    for _ in 0..MOST_PIECES {
        let (_, length) = match recv(&socket, &mut piece[..], RecvFlags::empty()) {
            Err(Errno::INTR) => continue,
            received => received?,
        };
        if take(piece.get(..length).ok_or(Errno::MSGSIZE)?, &mut found)? {
            return Ok(found);
        }
    }
    Err(Errno::MSGSIZE)
}

/// Takes the addresses out of a piece of the answer; true for the last piece.
fn take(mut rest: &[u8], found: &mut Found) -> Result<bool, Errno> {
    while let Some(header) = rest.first_chunk::<HEADER_BYTES>() {
        let length = number(&header[..4]).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let message = rest.get(HEADER_BYTES..length).ok_or(Errno::BADMSG)?;
        match u16::from_ne_bytes([header[4], header[5]]) {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => return Err(Errno::IO),
            RTM_NEWADDR => found.extend(address(message)),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The address that a message is about: on a point-to-point line the one of this side.
fn address(message: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, mut rest) = message.split_first_chunk::<ADDRESS_HEADER_BYTES>()?;
    let (mut of_either, mut own) = (None, None);
    while let Some(head) = rest.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let body = rest.get(4..length)?;
        match u16::from_ne_bytes([head[2], head[3]]) {
            IFA_ADDRESS => of_either = ip(body),
            IFA_LOCAL => own = ip(body),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some((number(&header[4..])?, own.or(of_either)?))
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of this kind, as the kernel lays it out.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER_BYTES + body.len()).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn attribute(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + body.len()).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn of_interface(interface: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let body = [&[0; 4][..], &interface.to_ne_bytes(), &attributes.concat()].concat();
        message(RTM_NEWADDR, &body)
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    #[test]
    fn addresses_are_taken_from_pieces_until_the_last() {
        let (mut found, label) = (Found::new(), attribute(3, b"eth0\0"));
        let piece = [
            of_interface(4, &[attribute(IFA_ADDRESS, &[192, 0, 2, 2]), label]),
            of_interface(5, &[attribute(IFA_ADDRESS, &[192, 0, 2, 9]), attribute(IFA_LOCAL, &[192, 0, 2, 3])]),
            of_interface(5, &[attribute(IFA_ADDRESS, &Ipv6Addr::LOCALHOST.octets())]),
            message(99, &[1, 2, 3]),
        ];
        assert_eq!(take(&piece.concat(), &mut found), Ok(false));
        assert_eq!(found, [(4, v4(2)), (5, v4(3)), (5, IpAddr::V6(Ipv6Addr::LOCALHOST))]);
        assert_eq!(take(&message(NLMSG_DONE, &[0; 4]), &mut found), Ok(true));
        assert_eq!(take(&message(NLMSG_ERROR, &[0; 4]), &mut found), Err(Errno::IO));
    }

    #[test]
    fn pieces_cut_short_anywhere_are_no_harm() {
        let whole = of_interface(4, &[attribute(IFA_ADDRESS, &[192, 0, 2, 2]), attribute(IFA_LOCAL, &[192, 0, 2, 3])]);
        for length in 0..whole.len() {
            let mut found = Found::new();
            let taken = take(&whole[..length], &mut found);
            assert!(taken.is_err() || length < HEADER_BYTES, "{length}");
            assert_eq!(found, []);
        }
        let endless = [&0_u32.to_ne_bytes()[..], &RTM_NEWADDR.to_ne_bytes(), &[0; 10]].concat();
        assert_eq!(take(&endless, &mut Found::new()), Err(Errno::BADMSG));
        assert_eq!(take(&of_interface(4, &[vec![0; 8]]), &mut Found::new()), Ok(false));
    }

    #[test]
    fn an_interface_is_told_of_when_it_has_an_address_that_is_not_of_the_loopback() {
        let named = |name: &str| Interface { name: name.to_owned(), ..Interface::default() };
        let interfaces = BTreeMap::from([(1, named("dummy0")), (2, named("eth0")), (3, named("eth1"))]);
        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        let found = with_addresses(
            interfaces,
            &vec![(1, IpAddr::V4(Ipv4Addr::LOCALHOST)), (2, IpAddr::V6(link_local)), (2, v4(2)), (9, v4(3))],
        );
        let expected = Interface { v4: vec![Ipv4Addr::new(192, 0, 2, 2)], v6: vec![link_local], ..named("eth0") };
        assert_eq!(found, [expected]);
        assert!(is_told("eth0") && is_told("docker0") && !is_told("lo") && !is_told("veth1a2"));
    }
}
